"""The stage with a real Linux kernel, bluetoothd and bleak between unknot and the balls; for the virtual machine.

The kernel's adapter is a virtual controller on the same link as those of the balls, all in the tests' own process.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from bumble.hci import Address
from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from tests.stack.stage import Stage
from unknot.simulator.controllers import kernel
from unknot.simulator.peripheral import Peripheral
from unknot.simulator.radio_link import RadioLink, VirtualController

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Self

    from unknot.simulator import SimulatedBall

INTERVAL = 0.03
"""Seconds between connection events: what this kernel asks for, and what the link between the controllers keeps."""

ADAPTER = "/org/bluez/hci0"
"""The only adapter of the virtual machine."""

POWER_SECONDS = 10.0
"""How long bluetoothd may take to know an adapter; usually 0.3 s."""


class KernelStage(Stage):
    """unknot on a real Bluetooth stack, balls on the other side of a virtual radio.

    Args:
        interval: seconds between connection events.
    """

    def __init__(self, *, interval: float = INTERVAL) -> None:
        super().__init__()
        self.simulate = False
        self.link = RadioLink(interval=interval)
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
        self._open.callback(self._bus.disconnect)
        await self._open.enter_async_context(kernel(self.link))
        async with asyncio.timeout(POWER_SECONDS):
            await self._power(is_on=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._power(is_on=False)  # so that no connection is left half open
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
        await self._power(is_on=False)

    async def power_on(self) -> None:
        await self._power(is_on=True)

    async def forget(self, ball: SimulatedBall) -> None:
        path = f"{ADAPTER}/dev_{ball.address.replace(':', '_')}"
        await self._call(ADAPTER, "org.bluez.Adapter1", "RemoveDevice", "o", [path])

    async def _power(self, *, is_on: bool) -> None:
        """Switch the adapter; asked again while bluetoothd does not know it yet or is busy with it."""
        wanted = ["org.bluez.Adapter1", "Powered", Variant("b", is_on)]
        while not await self._call(  # noqa: ASYNC110 - bluetoothd is asked over the bus
            ADAPTER, "org.freedesktop.DBus.Properties", "Set", "ssv", wanted
        ):
            await asyncio.sleep(0.1)

    async def _call(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> bool:
        """Ask bluetoothd for something; whether it did it."""
        message = Message(
            destination="org.bluez", path=path, interface=interface, member=member, signature=signature, body=body
        )
        answer = await self._bus.call(message)
        return answer is not None and answer.message_type is MessageType.METHOD_RETURN
