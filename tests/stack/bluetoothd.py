"""What the tests in the virtual machine ask of its bluetoothd, as a person would.

Without any of unknot, so that what measures the bare stack can use it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

ADAPTER = "/org/bluez/hci0"
"""The only adapter of the virtual machine."""

POWER_SECONDS = 10.0
"""How long bluetoothd may take to know an adapter; usually 0.3 s."""


async def power(*, is_on: bool = True) -> None:
    """Switch the adapter; asked again while bluetoothd does not know it yet or is busy with it."""
    wanted = ["org.bluez.Adapter1", "Powered", Variant("b", is_on)]
    async with _bus() as bus, asyncio.timeout(POWER_SECONDS):
        while not await _call(bus, "org.freedesktop.DBus.Properties", "Set", "ssv", wanted):  # noqa: ASYNC110 - asked over the bus
            await asyncio.sleep(0.1)


async def forget(address: str) -> None:
    """End the link to a ball, and have what a scan has found of it forgotten."""
    async with _bus() as bus:
        await _call(bus, "org.bluez.Adapter1", "RemoveDevice", "o", [f"{ADAPTER}/dev_{address.replace(':', '_')}"])


@asynccontextmanager
async def _bus() -> AsyncIterator[MessageBus]:
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    try:
        yield bus
    finally:
        bus.disconnect()


async def _call(bus: MessageBus, interface: str, member: str, signature: str, body: list[Any]) -> bool:
    """Ask bluetoothd for something about the adapter; whether it did it."""
    message = Message(
        destination="org.bluez", path=ADAPTER, interface=interface, member=member, signature=signature, body=body
    )
    answer = await bus.call(message)
    return answer is not None and answer.message_type is MessageType.METHOD_RETURN
