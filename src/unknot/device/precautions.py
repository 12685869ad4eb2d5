"""What is seen to before a motor may run: nobody else drives the ball, and a guard outlives us; used by the ball."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from unknot.device import guard
from unknot.device.guard import Guard, Orders
from unknot.device.holding import Holding

if TYPE_CHECKING:
    from unknot.device.radio import Radio
    from unknot.profiles.codec import Codec


class Precautions:
    """The ball is held and guarded from `take` to `drop`; neither where no other program can reach it.

    Args:
        radio: what bleak stands on.
        codec: how the ball is spoken to.

    Attributes:
        guard: the guard, if the ball needs one and it could be started.
    """

    def __init__(self, radio: Radio, codec: Codec) -> None:
        self.guard: Guard | None = None
        self._radio = radio
        self._codec = codec
        self._holding: Holding | None = None
        self._beating: asyncio.Task[None] | None = None

    def take(self, address: str, name: str) -> None:
        """Hold the ball of that address, and have it guarded if it would vibrate on without us.

        Raises:
            BallInUse: another program drives it.
        """
        if self._radio.guard is None:
            return
        self._holding = Holding.take(address, name)
        if not guard.is_needed(self._codec.profile):
            return
        self.guard = Guard.start(self._radio.guard, Orders.for_ball(self._codec, address, name))
        if self.guard is not None:
            self._beating = asyncio.create_task(self.guard.beat(), name=f"guard of {address}")

    def follow(self, address: str, name: str) -> None:
        """The ball has another address now."""
        if self.guard is not None:
            self.guard.order(Orders.for_ball(self._codec, address, name))

    async def drop(self, *, is_off: bool) -> None:
        """Let the ball and the guard go, unless the motor may still run: then it is the guard's to stop."""
        if self._holding is not None:
            self._holding.release()
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.wait([self._beating])
        if self.guard is None:
            return
        if is_off:
            await self.guard.goodbye()
        else:
            self.guard.hand_over()
