"""One Bluetooth adapter as BlueZ shows it: who scans on it, and which balls it has heard; used by the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbus_fast import Variant

from tests.stack.bluez import errors
from tests.stack.bluez.device import Device, Manners
from tests.stack.bluez.tree import NOTHING, Interface, Reply, Tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbus_fast import Message

    from unknot.simulator import SimulatedBall
    from unknot.simulator.air import Air


class Adapter:
    """An ``Adapter1`` with the devices below it.

    Args:
        tree: where it is shown.
        name: such as ``hci0``.
        air: what it hears.
        manners: BlueZ's.

    Attributes:
        is_powered: whether it is switched on.
        deaf_to: balls that are not in its reach.
        stored: the balls that it has been connected to, by the addresses that they had then; survives bluetoothd.
    """

    def __init__(self, tree: Tree, name: str, air: Air, manners: Manners) -> None:
        self.path = f"/org/bluez/{name}"
        self.is_powered = True
        self.deaf_to: set[SimulatedBall] = set()
        self.stored: dict[str, SimulatedBall] = {}
        self._tree = tree
        self._name = name
        self._air = air
        self._manners = manners
        self._is_shown = False
        self._scanners: set[str] = set()
        self._devices: dict[str, Device] = {}

    def __iter__(self) -> Iterator[Device]:
        return iter(tuple(self._devices.values()))

    def device(self, ball: SimulatedBall) -> Device | None:
        """What is shown of a ball."""
        return self._devices.get(ball.address)

    def show(self) -> None:
        """It is plugged in, or bluetoothd starts; balls that were connected once are known from the beginning."""
        if self._is_shown:
            return
        self._is_shown = True
        number = int(self._name.removeprefix("hci"))
        properties = {
            "Address": Variant("s", f"00:1A:7D:00:00:{number:02X}"),
            "AddressType": Variant("s", "public"),
            "Name": Variant("s", "computer"),
            "Alias": Variant("s", "computer"),
            "Class": Variant("u", 0),
            "Powered": Variant("b", self.is_powered),
            "Discoverable": Variant("b", False),
            "Pairable": Variant("b", False),
            "Discovering": Variant("b", False),
            "UUIDs": Variant("as", []),
            "Roles": Variant("as", ["central", "peripheral"]),
        }
        methods = {
            "SetDiscoveryFilter": self._set_discovery_filter,
            "StartDiscovery": self._start_discovery,
            "StopDiscovery": self._stop_discovery,
            "RemoveDevice": self._remove_device,
        }
        setters = {"Powered": self.power}
        self._tree.export(self.path, Adapter1=Interface(properties, methods, setters))
        for address, ball in self.stored.items():
            self._know(ball, address).is_stored = True

    def hide(self) -> None:
        """It is pulled out, or bluetoothd ends: with it go its links and all that it knew."""
        if self._is_shown:
            self._is_shown = False
            self._scanners.clear()
            self.stored = self.remembered()
            for device in self:
                self._hide(device)
            self._tree.remove(self.path)

    def remembered(self) -> dict[str, SimulatedBall]:
        """What it will know when it is there again: the balls that it has been connected to, by their addresses."""
        return {device.address: device.ball for device in self if device.is_stored}

    def power(self, is_powered: bool) -> None:
        """Switch it on or off; off, every link is lost and nobody scans."""
        if self.is_powered is is_powered:
            return
        self.is_powered = is_powered
        if not is_powered:
            self._end_scan()
            for device in self:
                device.drop()
        self._change({"Powered": is_powered})

    def listen(self) -> None:
        """Hear whoever advertises now, and forget whoever has not for long."""
        if self._scanners:
            for ball in self._air:
                if ball.is_advertising and not ball.is_connected and ball.is_in_reach and ball not in self.deaf_to:
                    self._hear(ball)
        for device in self:
            if device.is_due:
                self.forget(device)

    def forget(self, device: Device) -> None:
        """Know nothing of a ball any more; its link is lost."""
        self.stored.pop(device.address, None)
        self._hide(device)

    def _hide(self, device: Device) -> None:
        if self._devices.pop(device.address, None) is not None:
            device.remove()

    def bury(self, program: str) -> None:
        """A program is gone: its scan ends, its links stand."""
        if program in self._scanners:
            self._leave(program)
        for device in self:
            device.bury(program)

    def _hear(self, ball: SimulatedBall) -> None:
        device = self._devices.get(ball.address) or self._know(ball, ball.address)
        device.hear(ball)

    def _know(self, ball: SimulatedBall, address: str) -> Device:
        device = Device(self._tree, self.path, self._air, ball=ball, address=address, manners=self._manners)
        self._devices[address] = device
        return device

    async def _set_discovery_filter(self, _: Message) -> Reply:
        return NOTHING  # the balls are all of Low Energy, which is all that bleak asks for

    async def _start_discovery(self, message: Message) -> Reply:
        if not self.is_powered:
            raise errors.not_ready()
        program = message.sender or ""
        if program in self._scanners:
            raise errors.busy()
        self._scanners.add(program)
        self._change({"Discovering": True})
        return NOTHING

    async def _stop_discovery(self, message: Message) -> Reply:
        if not self.is_powered:
            raise errors.not_ready()
        if message.sender not in self._scanners:
            raise errors.failed("No discovery started")
        self._leave(message.sender)
        return NOTHING

    async def _remove_device(self, message: Message) -> Reply:
        device = next((one for one in self if one.path == message.body[0]), None)
        if device is None:
            raise errors.does_not_exist()
        self.forget(device)
        return NOTHING

    def _leave(self, program: str) -> None:
        self._scanners.discard(program)
        if not self._scanners:
            self._end_scan()

    def _end_scan(self) -> None:
        self._scanners.clear()
        self._change({"Discovering": False})
        for device in self:
            device.end_scan()

    def _change(self, changed: dict[str, bool]) -> None:
        self._tree.change(self.path, "Adapter1", {key: Variant("b", value) for key, value in changed.items()})
