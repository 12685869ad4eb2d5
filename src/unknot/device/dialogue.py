"""The dialogue after connecting: what a profile says must be said and heard before a ball obeys; used by the ball."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from unknot.device.hearing import answered
from unknot.errors import AttError, BallRefused, FrameValueError, LinkTimeout
from unknot.profiles.speech import Line

if TYPE_CHECKING:
    from collections.abc import Callable

    from unknot.device.hearing import Hearing
    from unknot.device.link import Link
    from unknot.device.pace import Pace
    from unknot.profiles.codec import Codec
    from unknot.profiles.phrases import Step
    from unknot.profiles.speech import Write

log = logging.getLogger(__name__)


class Dialogue:
    """Holds the dialogue of one profile, step by step.

    Args:
        link: an open link whose characteristics are resolved.
        codec: what the steps say.
        hearing: where the answers arrive.
        pace: the least time between two writes.
        ask: told what the person is to do on the ball.
    """

    def __init__(self, link: Link, codec: Codec, hearing: Hearing, pace: Pace, ask: Callable[[str], None]) -> None:
        self._link = link
        self._pace = pace
        self._codec = codec
        self._hearing = hearing
        self._ask = ask

    async def hold(self) -> None:
        """Go through all steps.

        Raises:
            LinkError: a step failed, or the ball has not told what it must repeat; the ball cannot be driven.
        """
        steps = self._codec.profile.init
        for number, step in enumerate(steps):
            try:
                await self._take(number, step)
            except (AttError, BallRefused, FrameValueError, LinkTimeout) as cause:
                if step.optional:
                    log.info("step %d of the dialogue: %s", number + 1, cause)
                    continue
                if isinstance(cause, AttError | BallRefused):
                    raise
                what = f"step {number + 1} of {len(steps)} of the dialogue after connecting"
                raise LinkTimeout(f"{self._codec.profile.id}: {what}: {cause}", address=self._link.address) from cause

    async def _take(self, number: int, step: Step) -> None:
        if step.subscribe is not None:
            await self._subscribe(step.subscribe)
        elif step.read is not None and self._link.has(step.read):
            self._hearing.hear(step.read, await self._link.read(step.read))
        elif step.wait is not None:
            await asyncio.sleep(step.wait)
        elif step.write is not None:
            await self._write(number, step)
        elif step.expect is not None:
            await self._expect(step)

    async def _subscribe(self, role: str) -> None:
        if self._link.has(role):
            await self._link.subscribe(role, lambda data: self._hearing.hear(role, data))

    async def _write(self, number: int, step: Step) -> None:
        for attempt in range(step.retry + 1):
            self._hearing.forget_told()
            try:
                for write in self._codec.line(Line("init", number), {"sequence": self._codec.profile.sequence.first}):
                    await self._say(write)
            except LinkTimeout as error:
                if attempt == step.retry:
                    raise
                log.info("step %d, attempt %d: %s", number + 1, attempt + 1, error)
            else:
                return

    async def _expect(self, step: Step) -> None:
        """Wait for what may have been said already: the dialogue's writes are often answered at once."""
        assert step.expect is not None  # noqa: S101 - it is what brought us here
        if self._hearing.has_told(step.expect, step.values):
            return
        with self._hearing.expecting(step.expect, step.values) as answer:
            if step.press is not None:
                self._ask(step.press)
            await answered(answer, f"with {step.expect}", step.patience)

    async def _say(self, write: Write) -> None:
        await self._pace.keep()
        try:
            if write.answer is None:
                await self._link.write(write)
            else:
                with self._hearing.expecting(write.answer) as answer:
                    await self._link.write(write)
                    await answered(answer, f"{write.data.hex(' ').upper()} with {write.answer}")
        finally:
            self._pace.said()
        if write.pause:
            await asyncio.sleep(write.pause)
