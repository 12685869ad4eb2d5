"""What is seen to before a motor may run: nobody else drives the ball, and a guard outlives us; used by the ball."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from unknot.device import guard
from unknot.device.guard import Guard
from unknot.device.holding import Holding
from unknot.device.orders import Orders

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unknot.device.link import Link
    from unknot.device.radio import Radio
    from unknot.profiles.codec import Codec
    from unknot.profiles.model import FirmwareProfile


class Precautions:
    """The ball is held and guarded from `take` to `drop`; neither where no other program can reach it.

    Args:
        radio: what bleak stands on.
    """

    def __init__(self, radio: Radio) -> None:
        self._guard: Guard | None = None
        self._radio = radio
        self._holding: Holding | None = None
        self._beating: asyncio.Task[None] | None = None

    def take(self, address: str, name: str, profiles: Iterable[FirmwareProfile]) -> None:
        """Hold the ball of that address, and start a guard if it would vibrate on without us.

        Args:
            address: the ball's address.
            name: what to call it.
            profiles: those of which the ball speaks one.

        Raises:
            BallInUse: another program drives it.
        """
        if self._radio.guard is None:
            return
        self._holding = Holding.take(address, name)
        if not any(guard.is_needed(profile) for profile in profiles):
            return
        self._guard = Guard.start(self._radio.guard)
        if self._guard is not None:
            self._beating = asyncio.create_task(self._guard.beat(), name=f"guard of {address}")

    def order(self, codec: Codec, link: Link, name: str) -> Guard | None:
        """The ball is connected: say how it is stopped. The guard, if there is one and the ball needs it."""
        if self._guard is None or not guard.is_needed(codec.profile):
            return None
        self._guard.order(Orders.for_ball(codec, link, name))
        return self._guard

    async def drop(self, *, is_off: bool) -> None:
        """Let the ball and the guard go, unless the motor may still run: then it is the guard's to stop."""
        if self._holding is not None:
            self._holding.release()
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.wait([self._beating])
        if self._guard is None:
            return
        if is_off:
            await self._guard.goodbye()
        else:
            self._guard.hand_over()
