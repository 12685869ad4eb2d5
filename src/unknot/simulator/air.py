"""The air that simulated balls advertise on, and the adapter with which it is heard; used by the bleak backend."""

from __future__ import annotations

import asyncio
import math
from enum import Enum
from typing import TYPE_CHECKING

from unknot.errors import UsageError
from unknot.simulator import gatt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unknot.simulator.ball import SimulatedBall


class Adapter(Enum):
    """What the person's own Bluetooth adapter is."""

    ON = "on"
    OFF = "off"
    MISSING = "missing"


class Air:
    """The balls within reach of a simulated radio, and the adapter with which a person hears them.

    Args:
        balls: those that are there from the beginning.
    """

    def __init__(self, *balls: SimulatedBall) -> None:
        self._balls: list[SimulatedBall] = []
        self._forgotten: set[SimulatedBall] = set()
        self._adapter = Adapter.ON
        self._adapter_back_at = math.inf
        for ball in balls:
            self.add(ball)

    def __iter__(self) -> Iterator[SimulatedBall]:
        return iter(tuple(self._balls))

    @property
    def adapter(self) -> Adapter:
        """What the adapter is now."""
        if self._adapter is not Adapter.ON and asyncio.get_running_loop().time() >= self._adapter_back_at:
            self._adapter = Adapter.ON
        return self._adapter

    def add(self, ball: SimulatedBall) -> SimulatedBall:
        """Bring a ball within reach; it gets an address if it has none."""
        if not ball.address:
            ball.address = f"C0:BA:11:00:00:{len(self._balls) + 1:02X}"
        if any(other.address == ball.address for other in self._balls):
            raise UsageError(f"two balls with the address {ball.address}")
        self._balls.append(ball)
        return ball

    def remove(self, ball: SimulatedBall) -> None:
        """Carry a ball out of reach; a link to it is lost."""
        if ball in self._balls:
            self._balls.remove(ball)
        ball.drop_link()

    def get(self, address: str) -> SimulatedBall | None:
        """The ball of that address, if it is within reach."""
        return next((ball for ball in self._balls if ball.address == address and ball.is_in_reach), None)

    def power_off(self, seconds: float = math.inf) -> None:
        """Switch the adapter off, for so many seconds or until `power_on`: every link is lost."""
        self._lose_adapter(Adapter.OFF, seconds)

    def unplug(self, seconds: float = math.inf) -> None:
        """Take the adapter away, for so many seconds or until `power_on`: every link is lost."""
        self._lose_adapter(Adapter.MISSING, seconds)

    def power_on(self) -> None:
        """Have a working adapter again."""
        self._adapter = Adapter.ON

    def forget(self, ball: SimulatedBall) -> None:
        """Lose the link to a ball and what was found of it: it cannot be connected to until a scan has seen it."""
        self._forgotten.add(ball)
        ball.drop_link()

    # What the backend and the server call.

    def connected(self, services: frozenset[str]) -> list[SimulatedBall]:
        """The connected balls that have one of the services."""
        return [
            ball
            for ball in self._balls
            if ball.is_connected and {row["service"] for row in gatt.rows(ball.profile)} & services
        ]

    def knows(self, ball: SimulatedBall) -> bool:
        """Whether what a scan found of the ball can still be connected to."""
        return ball not in self._forgotten

    def see(self, ball: SimulatedBall) -> None:
        """A scan sees the ball."""
        self._forgotten.discard(ball)

    def _lose_adapter(self, adapter: Adapter, seconds: float) -> None:
        self._adapter, self._adapter_back_at = adapter, asyncio.get_running_loop().time() + seconds
        for ball in self._balls:
            ball.drop_link()
