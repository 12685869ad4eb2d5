"""The stage in which Bumble's Bluetooth stack lies between unknot and the balls, in one process and virtual time."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from bumble import hci
from bumble.device import Device, DeviceConfiguration

from tests.stack.bumble_backend import BumbleClient, BumbleScanner, Central, adapter_for
from tests.stack.stage import Stage
from unknot.device.radio import Radio
from unknot.simulator.peripheral import Peripheral
from unknot.simulator.radio_link import RadioLink, VirtualController

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from unknot.simulator import SimulatedBall

INTERVAL = 0.03
"""Seconds between connection events: what a Linux kernel asks for (measured)."""


class BumbleStage(Stage):
    """bleak over Bumble, over a link with a radio's clock.

    Args:
        interval: seconds between connection events.
        loss: the share of transmissions that is lost and repeated.
    """

    def __init__(self, *, interval: float = INTERVAL, loss: float = 0.0) -> None:
        super().__init__()
        self.link = RadioLink(interval=interval, loss=loss)
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        controller = VirtualController("central", self.link)
        address = hci.Address("F0:F1:F2:F3:F4:F5", hci.Address.RANDOM_DEVICE_ADDRESS)
        configuration = DeviceConfiguration(name="central", address=address)
        device = Device.from_config_with_hci(configuration, controller, controller)
        await device.power_on()
        central = Central(device, self.air)
        self.simulate = Radio(BumbleClient, BumbleScanner, adapter_for(central), {"central": central}, guard=None)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    async def bring(self, ball: SimulatedBall) -> SimulatedBall:
        self.air.add(ball)
        controller = VirtualController(ball.name, self.link, rssi=ball.rssi)
        await self._open.enter_async_context(
            Peripheral(ball, controller, controller, cut=lambda: self.link.cut(controller))
        )
        return ball

    async def power_off(self) -> None:
        self.air.power_off()

    async def power_on(self) -> None:
        self.air.power_on()

    async def forget(self, ball: SimulatedBall) -> None:
        self.air.forget(ball)
