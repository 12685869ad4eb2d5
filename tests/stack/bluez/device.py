"""One ball as BlueZ shows it: how it is connected, disconnected, explored and forgotten; used by the adapter."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dbus_fast import Variant

from tests.stack.bluez import errors
from tests.stack.bluez.characteristic import Characteristic, Transactions
from tests.stack.bluez.tree import NOTHING, Interface, Reply, Tree
from unknot.simulator import gatt
from unknot.simulator.air import Adapter as Power
from unknot.simulator.air import Air
from unknot.simulator.ball import ADVERTISING_INTERVAL

if TYPE_CHECKING:
    from dbus_fast import Message

    from unknot.simulator import SimulatedBall


@dataclass
class Manners:
    """What BlueZ takes its time for, in seconds; tests that wait for one of them set their own.

    Attributes:
        disconnect: between the call and the end of the link. BlueZ takes 2 s (``DISCONNECT_TIMER``); a tenth of it
            keeps all that can happen meanwhile, and a hundred tests short.
        explore: between the link and its services: a tenth of what was measured on a kernel.
        remember: after it was last seen, a ball that was never connected is forgotten (``TemporaryTimeout``).
        give_up: a connection to a ball that does not advertise (the kernel's ``HCI_LE_CONN_TIMEOUT``).
        aborts: how many of the next connections are aborted right after they stood, as by interference.
    """

    disconnect: float = 0.2
    explore: float = 0.03
    remember: float = 30.0
    give_up: float = 20.0
    aborts: int = 0


class Device:
    """A ``Device1`` with what lies below it.

    Args:
        tree: where it is shown.
        adapter: the path of its adapter.
        air: where the ball is.
        ball: the ball.
        address: its address as it advertises now, or advertised once; under another one it is another device.
        manners: BlueZ's.

    Attributes:
        address: the ball's address.
        ball: the ball.
        is_stored: whether it has been connected to, so that it is not forgotten.
    """

    def __init__(
        self, tree: Tree, adapter: str, air: Air, *, ball: SimulatedBall, address: str, manners: Manners
    ) -> None:
        self.address = address
        self.ball = ball
        self.is_stored = False
        self.path = f"{adapter}/dev_{address.replace(':', '_')}"
        self._tree = tree
        self._air = air
        self._manners = manners
        self._transactions = Transactions()
        self._services: list[str] = []
        self._characteristics: list[Characteristic] = []
        self._connecting: asyncio.Future[None] | None = None
        self._exploring: asyncio.Task[None] | None = None
        self._disconnecting: asyncio.TimerHandle | None = None
        self._gone = asyncio.Event()
        self._forget_at = 0.0
        properties = {
            "Address": Variant("s", address),
            "AddressType": Variant("s", "random"),
            "Alias": Variant("s", ball.name or address.replace(":", "-")),
            "Paired": Variant("b", False),
            "Bonded": Variant("b", False),
            "Trusted": Variant("b", False),
            "Blocked": Variant("b", False),
            "LegacyPairing": Variant("b", False),
            "Connected": Variant("b", False),
            "ServicesResolved": Variant("b", False),
            "UUIDs": Variant("as", list(ball.advertised.services)),
            "Adapter": Variant("o", adapter),
        }
        methods = {"Connect": self._connect, "Disconnect": self._disconnect}
        if ball.name:
            properties["Name"] = Variant("s", ball.name)
        tree.export(self.path, Device1=Interface(properties, methods))
        self._see()

    @property
    def is_connected(self) -> bool:
        """Whether the link stands."""
        return self._transactions.linked is not None

    @property
    def is_due(self) -> bool:
        """Whether BlueZ forgets it now."""
        return not self.is_stored and asyncio.get_running_loop().time() >= self._forget_at

    def hear(self, ball: SimulatedBall) -> None:
        """The ball advertises."""
        self._see()
        self._tree.change(self.path, "Device1", self._advertised(ball))

    def end_scan(self) -> None:
        """Nobody listens any more, so nobody knows how near it is."""
        self._tree.change(self.path, "Device1", {}, gone=("RSSI",))

    def bury(self, program: str) -> None:
        """A program is gone; the link stands."""
        for characteristic in self._characteristics:
            characteristic.bury(program)

    def drop(self) -> None:
        """End the link at once, as an adapter does that is switched off."""
        if self._connecting is not None and not self._connecting.done():
            self._connecting.set_exception(errors.failed(errors.ABORTED_BY_LOCAL))
        ball = self._transactions.linked
        if ball is not None:
            ball.unlink()
            self._lost()

    def remove(self) -> None:
        """Show it no more."""
        self.drop()
        self._hide_services()
        self._tree.remove(self.path)

    def _see(self) -> None:
        self._forget_at = asyncio.get_running_loop().time() + self._manners.remember

    def _advertised(self, ball: SimulatedBall) -> dict[str, Variant]:
        """What an advertisement tells; BlueZ shows no empty property."""
        told = {"RSSI": Variant("n", ball.rssi)}
        if ball.name:
            told["Name"] = Variant("s", ball.name)
        if ball.advertised.manufacturer:
            data = {company: Variant("ay", bytes(data)) for company, data in ball.advertised.manufacturer.items()}
            told["ManufacturerData"] = Variant("a{qv}", data)
        return told

    async def _connect(self, _: Message) -> Reply:
        if self._connecting is not None:
            raise errors.in_progress()
        if self.is_connected:
            return NOTHING
        if self._air.adapter is not Power.ON:
            raise errors.failed(errors.HOST_IS_DOWN)
        self.is_stored = True
        self._connecting = asyncio.get_running_loop().create_future()
        looking = asyncio.create_task(self._look())
        try:
            await self._connecting
        finally:
            self._connecting = None
            looking.cancel()
        return NOTHING

    async def _look(self) -> None:
        """Wait for the ball to advertise, and take the link."""
        assert self._connecting is not None
        try:
            async with asyncio.timeout(self._manners.give_up):
                while (ball := self._heard()) is None:  # noqa: ASYNC110 - it is the air
                    await asyncio.sleep(ADVERTISING_INTERVAL / 4)
        except TimeoutError:
            self._settle(errors.ABORTED_BY_LOCAL)
            return
        if self._manners.aborts:
            self._manners.aborts -= 1
            self._show({"Connected": True})
            self._settle(errors.ABORTED_BY_LOCAL)
            self._show({"Connected": False})
        elif ball.refuses_link():
            self._settle(errors.ABORTED_BY_REMOTE)
        else:
            self._link(ball)

    def _heard(self) -> SimulatedBall | None:
        """The ball, if a connection to it can begin now."""
        ball = self._air.get(self.address)
        if ball is None or not ball.is_advertising or ball.is_connected or self._air.adapter is not Power.ON:
            return None
        return ball

    def _settle(self, failure: str = "") -> None:
        if self._connecting is None or self._connecting.done():
            return
        if failure:
            self._connecting.set_exception(errors.failed(failure))
        else:
            self._connecting.set_result(None)

    def _link(self, ball: SimulatedBall) -> None:
        ball.link(self._lost)
        self._transactions.linked = ball
        self._gone = asyncio.Event()
        self._show({"Connected": True})
        self._settle()
        self._exploring = asyncio.create_task(self._explore(ball), name=f"explore {self.path}")

    async def _explore(self, ball: SimulatedBall) -> None:
        """Find its services; they stay shown when the link is lost."""
        await asyncio.sleep(self._manners.explore)
        table = gatt.rows(ball.profile)
        if self._services:
            for characteristic in self._characteristics:
                characteristic.relink(ball)
        else:
            self._show_services(table)
        uuids = dict.fromkeys((*ball.advertised.services, *(row["service"] for row in table)))
        self._tree.change(
            self.path, "Device1", {"UUIDs": Variant("as", list(uuids)), "ServicesResolved": Variant("b", True)}
        )

    def _show_services(self, table: list[gatt.Row]) -> None:
        """Show each service and then its characteristics; handles count as `gatt.collection` counts them."""
        handle = 1
        for uuid in dict.fromkeys(row["service"] for row in table):
            service = f"{self.path}/service{handle:04x}"
            properties = {
                "UUID": Variant("s", uuid),
                "Device": Variant("o", self.path),
                "Primary": Variant("b", True),
                "Includes": Variant("ao", []),
            }
            self._services.append(service)
            self._tree.export(service, GattService1=Interface(properties))
            handle += 1
            for row in table:
                if row["service"] == uuid:
                    path = f"{service}/char{handle:04x}"
                    self._characteristics.append(Characteristic(self._tree, path, row, self._transactions))
                    handle += 2

    def _hide_services(self) -> None:
        for path in (*(one.path for one in self._characteristics), *self._services):
            self._tree.remove(path)
        self._characteristics.clear()
        self._services.clear()

    async def _disconnect(self, _: Message) -> Reply:
        self._settle(errors.CANCELED)
        if self.is_connected:
            if self._disconnecting is None:
                loop = asyncio.get_running_loop()
                self._disconnecting = loop.call_later(self._manners.disconnect, self.drop)
            await self._gone.wait()
        return NOTHING

    def _lost(self) -> None:
        """The link is gone, whoever ended it."""
        self._transactions.linked = None
        if self._exploring is not None:
            self._exploring.cancel()
            self._exploring = None
        if self._disconnecting is not None:
            self._disconnecting.cancel()
            self._disconnecting = None
        self._see()
        self._show({"ServicesResolved": False, "Connected": False})
        self._gone.set()

    def _show(self, changed: dict[str, bool]) -> None:
        self._tree.change(self.path, "Device1", {key: Variant("b", value) for key, value in changed.items()})
