"""Takes relative steps until the ball says that it is at a level; used by the writer where no command sets one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from unknot.errors import LinkTimeout
from unknot.events import StopOutcome
from unknot.profiles.speech import Press
from unknot.profiles.stepping import STOP, Stepper

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from unknot.device.hearing import Hearing
    from unknot.device.link import Link
    from unknot.device.speaker import Speaker
    from unknot.profiles.codec import Codec
    from unknot.profiles.speech import Key

SPARE_STEPS = 3
"""How many steps may be lost on the way to a level before it is given up (judgement: as often as a write is tried)."""


class Steps:
    """Leads one ball from level to level.

    A step that is not told is not repeated unless the level can be read: it may have been taken all the same, and the
    next one would be louder than anybody wanted.

    Args:
        link: where the level is read.
        codec: what the steps say.
        speaker: by whom they are said.
        hearing: who hears what was read.
        number: gives each step its sequence number.
        stop: writes a stop.

    Attributes:
        stepper: where the ball is.
    """

    def __init__(
        self,
        link: Link,
        codec: Codec,
        speaker: Speaker,
        hearing: Hearing,
        *,
        number: Callable[[], int],
        stop: Callable[[], Awaitable[StopOutcome]],
    ) -> None:
        self.stepper = Stepper(codec.profile)
        self._link = link
        self._codec = codec
        self._speaker = speaker
        self._hearing = hearing
        self._number = number
        self._stop = stop

    async def take(self, level: int, turn: int, may_be: Callable[[int], None]) -> int | None:
        """Step until the ball says that it is at the level, or something newer is asked for.

        A level that the step cannot have led to is the person's, by the ball's own button: it ends the walk.

        Args:
            level: where to go.
            turn: of whose turn this is part.
            may_be: told, before each step, which level the motor may have from then on.

        Returns:
            The person's level, or None.

        Raises:
            LinkError: a step was not written, or the ball does not come to the level or does not tell where it is.
        """
        stepper = self.stepper
        if stepper.told is None:
            await self._find_out(turn)
        # The longest way is off, and up again level by level; on it some steps may be lost.
        for _ in range(self._codec.profile.motor.levels + 1 + SPARE_STEPS):
            if turn != self._speaker.turn or (step := stepper.next_step(level)) is None:
                return None
            before = stepper.told or 0
            if step != STOP:
                may_be(before + 1)
            await self._take_one(step, turn)
            now = stepper.told
            if now is None or turn != self._speaker.turn:
                continue
            if step == "toggle" and now > level:
                await self._stop()
                message = f"{self._link.address} comes on at level {now} where {level} was asked for"
                raise LinkTimeout(message, address=self._link.address)
            if _is_anothers(step, before, now):
                return now
        raise LinkTimeout(f"{self._link.address} does not come to level {level}", address=self._link.address)

    async def _take_one(self, step: Key | Literal["stop"], turn: int) -> None:
        """Take one step and learn where it led."""
        stepper = self.stepper
        moved = self._depart()
        if step == STOP:
            await self._stop()
        elif not await self._speaker.say(self._codec.encode(Press(step, self._number())), turn):
            return
        await self._speaker.rest(self._codec.profile.motor.steps_within, turn, moved)
        if stepper.told is None and turn == self._speaker.turn:
            stepper.doubt()
            await self._read()

    def _depart(self) -> asyncio.Future[None]:
        """A step is about to be taken; done when the ball tells where it led."""
        moved: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def tell() -> None:
            if not moved.done():
                moved.set_result(None)

        self.stepper.depart(tell)
        return moved

    async def _find_out(self, turn: int) -> None:
        """Learn where the ball is: read it if it can be read; else stop it, since off is a place that is known."""
        if self._role_of_level() is not None:
            await self._read()
            return
        moved = self._depart()
        if await self._stop() is StopOutcome.CONFIRMED:
            self.stepper.rest()
            return
        await self._speaker.rest(self._codec.profile.motor.steps_within, turn, moved)
        if self.stepper.told is None and turn == self._speaker.turn:
            raise self._untold()

    async def _read(self) -> None:
        role = self._role_of_level()
        if role is not None:
            self._hearing.hear(role, await self._link.read(role))
        if self.stepper.told is None:
            raise self._untold()

    def _role_of_level(self) -> str | None:
        """The characteristic from which the level can be read."""
        profile = self._codec.profile
        telling = {"level", "running"} if profile.motor.levels == 1 else {"level"}
        for report in profile.reports.values():
            role = report.source
            if telling & set(report.frame.slots) and profile.gatt[role].is_read and self._link.has(role):
                return role
        return None

    def _untold(self) -> LinkTimeout:
        return LinkTimeout(f"{self._link.address} does not tell its level", address=self._link.address)


def _is_anothers(step: str, before: int, now: int) -> bool:
    """Whether a step cannot have led from the one level to the other; a step that was lost leads nowhere."""
    if now == before:
        return False
    if step in (STOP, "down"):
        return now > before
    return now < before
