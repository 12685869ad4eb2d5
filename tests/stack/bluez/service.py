"""Our org.bluez: adapters over an air of simulated balls, with the manners of bluetoothd; used by the BlueZ stage."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

from tests.stack.bluez.adapter import Adapter
from tests.stack.bluez.device import Device, Manners
from tests.stack.bluez.tree import Tree
from unknot.simulator.air import Adapter as Power
from unknot.simulator.ball import ADVERTISING_INTERVAL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from unknot.simulator import SimulatedBall
    from unknot.simulator.air import Air

NAME = "org.bluez"


class Service:
    """A bluetoothd without a radio, for the length of the block.

    Args:
        address: of the bus.
        air: the balls, and whether there is an adapter.
        adapters: the names of the adapters.

    Attributes:
        manners: what it takes its time for.
        tree: its objects; tests have calls answered with errors by it.
    """

    tree: Tree

    def __init__(self, address: str, air: Air, adapters: Sequence[str] = ("hci0",)) -> None:
        self.manners = Manners()
        self._address = address
        self._air = air
        self._names = adapters
        self._adapters: dict[str, Adapter] = {}
        self._is_powered = True

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.crash()

    async def start(self) -> None:
        """Start bluetoothd, at first or after a `crash`."""
        self._bus = await MessageBus(self._address).connect()
        self.tree = Tree(self._bus)
        self._bus.add_message_handler(self._watch)
        await self._ask("AddMatch", "s", "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'")
        before, self._adapters = self._adapters, {}
        for name in self._names:
            self._adapters[name] = Adapter(self.tree, name, self._air, self.manners)
            if name in before:
                self._adapters[name].stored = before[name].remembered()
        self.look()
        await self._bus.request_name(NAME)
        self._ticking = asyncio.create_task(self._tick(), name=NAME)

    async def crash(self) -> None:
        """End bluetoothd without a word to anybody; the kernel ends the links that it held."""
        self._ticking.cancel()
        await asyncio.gather(self._ticking, return_exceptions=True)
        await self.tree.end()
        self._bus.disconnect()
        with suppress(EOFError):  # the bus itself may be gone
            await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        for adapter in self._adapters.values():
            for device in adapter:
                device.drop()

    def adapter(self, name: str = "hci0") -> Adapter:
        """The adapter of that name."""
        return self._adapters[name]

    def device(self, ball: SimulatedBall) -> Device:
        """What is shown of a ball. Raises `LookupError` if nothing is."""
        for adapter in self._adapters.values():
            if (device := adapter.device(ball)) is not None:
                return device
        raise LookupError(f"no adapter knows {ball!r}")

    def forget(self, ball: SimulatedBall) -> None:
        """Know nothing of a ball any more; its link is lost."""
        for adapter in self._adapters.values():
            if (device := adapter.device(ball)) is not None:
                adapter.forget(device)

    def look(self) -> None:
        """Take notice of what has become of the person's adapters and of the air."""
        for adapter in self._adapters.values():
            if self._air.adapter is Power.MISSING:
                adapter.hide()
                continue
            adapter.show()
            if self._is_powered is not (is_powered := self._air.adapter is Power.ON):
                adapter.power(is_powered)
            adapter.listen()
        self._is_powered = self._air.adapter is not Power.OFF

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(ADVERTISING_INTERVAL)
            self.look()

    def _watch(self, message: Message) -> bool:
        """Hear of programs that are gone."""
        if message.message_type is MessageType.SIGNAL and message.member == "NameOwnerChanged":
            name, _, owner = message.body
            if not owner:
                for adapter in self._adapters.values():
                    adapter.bury(name)
        return False

    async def _ask(self, member: str, signature: str, *body: Any) -> None:
        name, path = "org.freedesktop.DBus", "/org/freedesktop/DBus"
        question = Message(
            destination=name, path=path, interface=name, member=member, signature=signature, body=list(body)
        )
        answer = await self._bus.call(question)
        assert answer is not None
        assert answer.message_type is MessageType.METHOD_RETURN
