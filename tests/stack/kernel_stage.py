"""The stage with a real Linux kernel, bluetoothd and bleak between unknot and the balls; for the virtual machine.

The kernel's adapter is a virtual controller on the same link as those of the balls, all in the tests' own process.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from bumble.hci import Address

from tests.stack.bluetoothd import forget, power
from tests.stack.stage import UNGUARDED, Stage
from unknot.simulator.controllers import kernel
from unknot.simulator.peripheral import Peripheral
from unknot.simulator.radio_link import RadioLink, VirtualController

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from unknot.simulator import SimulatedBall

INTERVAL = 0.03
"""Seconds between connection events: what this kernel asks for, and what the link between the controllers keeps."""


class KernelStage(Stage):
    """unknot on a real Bluetooth stack, balls on the other side of a virtual radio.

    Args:
        interval: seconds between connection events.
    """

    def __init__(self, *, interval: float = INTERVAL) -> None:
        super().__init__()
        self.simulate = UNGUARDED
        self.link = RadioLink(interval=interval)
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._open.enter_async_context(kernel(self.link))
        await power()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await power(is_on=False)  # so that no connection is left half open
        await self._open.aclose()

    async def bring(self, ball: SimulatedBall) -> SimulatedBall:
        # bluetoothd remembers what it found at an address, so every ball has one that was never seen.
        ball.address = Address.generate_static_address().to_string(with_type_qualifier=False)
        self.air.add(ball)
        controller = VirtualController(ball.name, self.link, rssi=ball.rssi)
        await self._open.enter_async_context(
            Peripheral(ball, controller, controller, cut=lambda: self.link.cut(controller))
        )
        return ball

    async def power_off(self) -> None:
        await power(is_on=False)

    async def power_on(self) -> None:
        await power()

    async def forget(self, ball: SimulatedBall) -> None:
        await forget(ball.address)
