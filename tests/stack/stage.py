"""A level of realism: where unknot's verbs meet simulated balls; the scenarios of this folder play on all of them.

The balls are always `SimulatedBall`s on an `Air`, so that a scenario presses buttons, makes faults and reads motor
traces alike on every level. What lies between them and unknot is the stage's:

    simulated   bleak over our own backend; virtual time
    bumble      bleak over Bumble: ATT, GATT and HCI of somebody else's making, in one process; virtual time
    bluez       bleak's own BlueZ backend over a private D-Bus against a small org.bluez; real time
    kernel      a Linux kernel, bluetoothd and bleak in a virtual machine against Bumble; real time
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from unknot.device.radio import Radio
from unknot.simulator import Air, SimulatedBall

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from unknot.api import Simulate


UNGUARDED = Radio(guard=None)
"""The system's own radio without guards: each is a process that takes its time to start, and has tests of its own."""


class Stage(ABC):
    """Balls, a person's adapter, and the radio between them; an async context manager.

    Leaving it takes everything down, whatever state a test has left it in.

    Attributes:
        air: the balls that are there.
        simulate: what unknot's verbs take as ``simulate``.
    """

    def __init__(self) -> None:
        self.air = Air()
        self.simulate: Simulate = self.air

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    async def bring(self, ball: SimulatedBall) -> SimulatedBall:
        """Bring a ball within reach; it advertises from now on."""
        return self.air.add(ball)

    @abstractmethod
    async def power_off(self) -> None:
        """The person switches their adapter off."""

    @abstractmethod
    async def power_on(self) -> None:
        """The person switches it on again."""

    @abstractmethod
    async def forget(self, ball: SimulatedBall) -> None:
        """The link to the ball is lost, and the system forgets what a scan has found of it: old handles go stale."""


class SimulatedStage(Stage):
    """bleak over our own backend."""

    async def power_off(self) -> None:
        self.air.power_off()

    async def power_on(self) -> None:
        self.air.power_on()

    async def forget(self, ball: SimulatedBall) -> None:
        self.air.forget(ball)


def levels(ball: SimulatedBall) -> list[int]:
    """The levels that the motor had, one after the other."""
    return [level for _, level in ball.trace.points]


async def until(condition: object, seconds: float = 5.0) -> None:
    """Wait until a callable says yes. Raises `TimeoutError` if it does not within ``seconds``."""
    assert callable(condition)
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what it waits for is a motor, not an event of ours
            await asyncio.sleep(0.01)
