"""Hearing a ball: what it sends is put together, understood, and told to whoever waits for it; used by the ball.

Nothing that arrives raises: what is no report is counted, and the newest of it is kept for diagnostics.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unknot.device.deadlines import OPERATION_SECONDS
from unknot.errors import BallRefused, LinkTimeout
from unknot.profiles.assembly import Assembler
from unknot.profiles.speech import Refused, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from unknot.profiles.codec import Codec

log = logging.getLogger(__name__)

KEPT = 32
"""How many of the values that nobody understood are kept: enough for a support bundle (judgement)."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """A value that is no report of the profile: truncated, over-long, garbled, wrongly checked, or unknown.

    Attributes:
        role: the characteristic's name in the profile.
        data: the bytes.
    """

    role: str
    data: bytes


@dataclass(slots=True)
class _Expectation:
    name: str
    values: Mapping[str, float | str]
    answer: asyncio.Future[Report]

    def is_met_by(self, report: Report) -> bool:
        return report.name == self.name and _tells(report, self.values)


class Hearing:
    """Understands one ball.

    Args:
        codec: how it speaks.
        heard: is told every report.
        refused: is told a refusal that nobody waits for.

    Attributes:
        foreign: the newest values that nobody understood, the newest last.
        ignored: how many there were in all.
    """

    def __init__(self, codec: Codec, heard: Callable[[Report], None], refused: Callable[[Refused], None]) -> None:
        self.foreign: deque[Foreign] = deque(maxlen=KEPT)
        self.ignored = 0
        self._codec = codec
        self._heard = heard
        self._refused = refused
        self._assemblers = {
            role: Assembler(one.assemble) for role, one in codec.profile.gatt.items() if one.assemble is not None
        }
        self._expectations: list[_Expectation] = []
        self._told: dict[str, Report] = {}

    def begin(self) -> None:
        """A new link: what was half heard on the last one is gone."""
        self.forget_told()
        for assembler in self._assemblers.values():
            assembler.reset()

    def forget_told(self) -> None:
        """What was told so far answers nothing that is said from now on."""
        self._told.clear()

    def has_told(self, name: str, values: Mapping[str, float | str]) -> bool:
        """Whether that report with these values has come since `forget_told`."""
        told = self._told.get(name)
        return told is not None and _tells(told, values)

    def hear(self, role: str, data: bytes) -> None:
        """A notification, an indication, or a value that was read."""
        assembler = self._assemblers.get(role)
        if assembler is None:
            self._understand(role, data)
            return
        before = assembler.dropped
        for frame in assembler.feed(data):
            self._understand(role, frame)
        if assembler.dropped != before:
            self._ignore(role, assembler.last_dropped)

    @contextmanager
    def expecting(self, name: str, values: Mapping[str, float | str] | None = None) -> Iterator[asyncio.Future[Report]]:
        """Wait from now on for a report that tells these values; a refusal fails the future with `BallRefused`."""
        expectation = _Expectation(name, values or {}, asyncio.get_running_loop().create_future())
        self._expectations.append(expectation)
        try:
            yield expectation.answer
        finally:
            self._expectations.remove(expectation)
            expectation.answer.cancel()

    def _understand(self, role: str, data: bytes) -> None:
        try:
            told = self._codec.decode(role, data)
        except Exception:  # a codec plug-in is somebody else's, and the radio's callback is no place for its faults
            log.exception("the codec of %s failed", self._codec.profile.id)
            told = None
        if isinstance(told, Report):
            self._told[told.name] = told
            for expectation in self._expectations:
                if expectation.is_met_by(told) and not expectation.answer.done():
                    expectation.answer.set_result(told)
            self._heard(told)
        elif isinstance(told, Refused):
            self._take_refusal(told)
        else:
            self._ignore(role, data)

    def _take_refusal(self, refused: Refused) -> None:
        waiting = [one.answer for one in self._expectations if not one.answer.done()]
        for answer in waiting:
            answer.set_exception(BallRefused(refused.means, dict(refused.values)))
        if not waiting:
            self._refused(refused)

    def _ignore(self, role: str, data: bytes) -> None:
        self.ignored += 1
        self.foreign.append(Foreign(role, data))
        log.debug("%s on %s is no report of %s", data.hex(" "), role, self._codec.profile.id)


async def answered(answer: asyncio.Future[Report], what: str, seconds: float = OPERATION_SECONDS) -> Report:
    """The report that is waited for.

    Args:
        answer: from `Hearing.expecting`.
        what: what is waited for, for the message.
        seconds: how long.

    Raises:
        LinkTimeout: it did not come.
        BallRefused: the ball refused.
    """
    await asyncio.wait([answer], timeout=seconds)
    if not answer.done():
        raise LinkTimeout(f"the ball did not answer {what} within {seconds:g} s")
    return answer.result()


def _tells(report: Report, values: Mapping[str, float | str]) -> bool:
    return all(report.values.get(slot) == value for slot, value in values.items())
