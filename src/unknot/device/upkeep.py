"""What keeps a link alive while it stands: keep-alives, answers to reports, and readings again and again.

Used by the ball. Whatever is written goes through the ball's one writer, so none of it ever gets ahead of a stop.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from unknot.errors import AttError, BallRefused, FrameValueError, LinkError
from unknot.profiles.speech import Line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unknot.device.hearing import Hearing
    from unknot.device.link import Link
    from unknot.device.writer import Writer
    from unknot.profiles.model import FirmwareProfile

log = logging.getLogger(__name__)

ANSWERS = 16
"""How many reports may wait for an answer; of a ball that sends more without pause, the rest get none (judgement)."""


class Upkeep:
    """Keeps one link alive from `begin` to `end`.

    Args:
        profile: what it needs.
        link: what is read.
        writer: by whom it is written.
        hearing: who hears what was read.
    """

    def __init__(self, profile: FirmwareProfile, link: Link, writer: Writer, hearing: Hearing) -> None:
        self._profile = profile
        self._link = link
        self._writer = writer
        self._hearing = hearing
        self._tasks: list[asyncio.Task[None]] = []
        self._owed: asyncio.Queue[tuple[int, Mapping[str, float | str]]] = asyncio.Queue(ANSWERS)
        self._answers = {kept.when for kept in profile.keep_alive if kept.when is not None}

    def begin(self) -> None:
        """The link stands and the ball has been greeted."""
        self.end()
        while not self._owed.empty():
            self._owed.get_nowait()
        work = {f"keep-alive {number + 1}": self._keep(number, kept.every)
                for number, kept in enumerate(self._profile.keep_alive) if kept.every is not None}  # fmt: skip
        if self._answers:
            work["answers"] = self._answer()
        for role, one in self._profile.gatt.items():
            if one.poll is not None and self._link.has(role):
                work[f"reading of {role}"] = self._poll(role, one.poll)
        self._tasks = [asyncio.create_task(one, name=f"{name} of {self._link.address}") for name, one in work.items()]

    def end(self) -> None:
        """The link is gone, or about to go."""
        for task in self._tasks:
            task.cancel()
        self._tasks = []

    def hear(self, report: str, values: Mapping[str, float | str]) -> None:
        """The ball told something; it may want an answer."""
        if report not in self._answers or not self._tasks:
            return
        for number, kept in enumerate(self._profile.keep_alive):
            if kept.when == report and not self._owed.full():
                self._owed.put_nowait((number, values))

    async def _keep(self, number: int, seconds: float | None) -> None:
        while True:
            await asyncio.sleep(seconds or 0.0)
            await self._say(number, {})

    async def _answer(self) -> None:
        while True:
            await self._say(*await self._owed.get())

    async def _say(self, number: int, values: Mapping[str, float | str]) -> None:
        try:
            await self._writer.say(Line("keep_alive", number), values)
        except (AttError, BallRefused, FrameValueError) as error:
            log.info("keep-alive %d: %s", number + 1, error)
        except LinkError as error:
            self._writer.fail(error)

    async def _poll(self, role: str, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            turn = self._writer.turn
            try:
                value = await self._link.read(role)
                # A value from before a command, or from amidst its writes, says nothing about what came of it.
                if turn == self._writer.turn and not self._writer.is_under_way:
                    self._hearing.hear(role, value)
            except AttError as error:
                log.info("reading %s: %s", role, error)
            except LinkError as error:
                self._writer.fail(error)
