"""Says writes on a link, one after the other, with their pauses and answers; used by the ball's one writer.

Whatever is said belongs to a turn. As soon as something newer is asked for, the rest of an older turn is left unsaid,
and nobody waits for its pauses and answers.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from unknot.device.deadlines import OPERATION_SECONDS
from unknot.device.pace import Pace
from unknot.errors import LinkError, LinkLost, LinkTimeout

if TYPE_CHECKING:
    from unknot.device.hearing import Hearing
    from unknot.device.link import Link
    from unknot.profiles.speech import Write


class Speaker:
    """Says what it is given, as long as nothing newer is asked for.

    Args:
        link: where it is written.
        hearing: where answers arrive.
        spacing: the least time between two writes (s).

    Attributes:
        turn: the number of the newest turn.
        sent: how many writes of what was said last have gone out.
        pace: the least time between two writes.
    """

    def __init__(self, link: Link, hearing: Hearing, spacing: float) -> None:
        self.turn = 0
        self.sent = 0
        self.pace = Pace(spacing)
        self._link = link
        self._hearing = hearing
        self._newer = asyncio.Event()

    def begin_turn(self) -> None:
        """Something newer is asked for: whatever waits for an older turn need wait no longer."""
        self.turn += 1
        self._newer.set()
        self._newer = asyncio.Event()

    async def say(self, writes: tuple[Write, ...], turn: int) -> bool:
        """Write one after the other; whether all went out before something newer was asked for.

        A frame that has begun is written to its end: a ball that joins pieces would take the next frame for its rest.

        Raises:
            LinkError: one was not written, not answered, or refused.
        """
        self.sent, is_whole = 0, True
        for write in writes:
            if (left := self.pace.left) > 0:
                await (self.rest(left, turn) if is_whole else self.pace.keep())
            if is_whole and turn != self.turn:
                return False
            is_whole = not write.goes_on
            try:
                if write.answer is None:
                    await self._link.write(write)
                else:
                    await self._say_and_wait(write, write.answer, turn)
            finally:
                self.pace.said()
            self.sent += 1
            if write.pause:
                await self.rest(write.pause, turn)
        return True

    async def insist(self, writes: tuple[Write, ...]) -> None:
        """Write all of it, whatever becomes of a part: what one motor refuses must not keep another running.

        Raises:
            LinkError: the first part that could not be written.
        """
        failure: LinkError | None = None
        for write in writes:
            await self.pace.keep()
            try:
                await self._link.write(write)
            except LinkLost:
                raise
            except LinkError as error:
                failure = failure or error
            finally:
                self.pace.said()
            if write.pause and write is not writes[-1]:
                await asyncio.sleep(write.pause)
        if failure is not None:
            raise failure

    async def rest(self, seconds: float, turn: int, *awaited: asyncio.Future[Any]) -> None:
        """Let time pass (s) unless something newer is asked for, or one of these is done."""
        if seconds <= 0 or turn != self.turn:
            return
        newer = asyncio.ensure_future(self._newer.wait())
        try:
            await asyncio.wait([newer, *awaited], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            newer.cancel()

    async def _say_and_wait(self, write: Write, report: str, turn: int) -> None:
        with self._hearing.expecting(report) as answer:
            await self._link.write(write)
            await self.rest(OPERATION_SECONDS, turn, answer)
            if answer.done():
                answer.result()
            elif turn == self.turn:
                raise LinkTimeout(f"{self._link.address} did not answer with {report}", address=self._link.address)
