"""The links of a simulated air as a system's Bluetooth service holds them for its programs; used by the server.

It has BlueZ's manners where they matter to a motor: a link outlives the program that asked for it, another program gets
the same link at once, and a disconnection that one asks for is everybody's.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from bleak import BleakClient
from bleak.exc import BleakDeviceNotFoundError, BleakError

from unknot.simulator import gatt
from unknot.simulator.backend import SimulatedClient
from unknot.simulator.happenings import Happening, What

if TYPE_CHECKING:
    from collections.abc import Callable

    from bleak.backends.characteristic import BleakGATTCharacteristic

    from unknot.simulator.air import Air
    from unknot.simulator.ball import SimulatedBall

ATT_SECONDS = 30.0
"""A transaction that the ball has not answered by then has failed (Bluetooth Core, Vol 3, Part F, 3.3.3)."""


class Program(Protocol):
    """A program that uses links; the server has one for each of its clients."""

    is_gone: bool

    def hear_loss(self, address: str) -> None:
        """A link that it uses is gone."""

    def hear_value(self, address: str, role: str, data: bytes) -> None:
        """A ball has notified a characteristic that it subscribed to."""


class Links:
    """All links of an air.

    Args:
        air: the balls.
        tell: is told all that happens to them.
    """

    def __init__(self, air: Air, tell: Callable[[Happening], None]) -> None:
        self._air = air
        self._tell = tell
        self._links: dict[str, Link] = {}

    def to(self, address: str) -> Link:
        """The link to a ball, standing or not.

        Raises:
            BleakDeviceNotFoundError: no ball has the address.
        """
        ball = self._air.get(address)
        if ball is None:
            raise BleakDeviceNotFoundError(address, f"Device with address {address} was not found.")
        link = self._links.get(address)
        if link is None or link.ball is not ball:
            link = self._links[address] = Link(self._air, ball, self._tell)
        return link

    def bury(self, program: Program) -> None:
        """A program has died: its links stand, its subscriptions end."""
        for link in self._links.values():
            link.bury(program)

    async def end(self) -> None:
        """End every link."""
        for link in self._links.values():
            await link.end()


class Link:
    """The link to one ball, which programs share.

    Args:
        air: where the ball is.
        ball: the ball.
        tell: is told what happens to the link.
    """

    def __init__(self, air: Air, ball: SimulatedBall, tell: Callable[[Happening], None]) -> None:
        self.ball = ball
        self._tell = tell
        self._users: set[Program] = set()
        self._hearers: dict[str, set[Program]] = {}
        self._order = asyncio.Lock()
        self._is_wanted = False
        self._client = BleakClient(
            ball.address,
            self._gone,
            backend=SimulatedClient,
            air=air,
        )

    async def connect(self, program: Program) -> list[gatt.Row]:
        """Give a program the link: the one that stands, or a new one. The ball's GATT table."""
        async with self._order:
            if self._client.is_connected:
                self._say(What.JOINED)
            else:
                self._is_wanted = True
                await self._client.connect()
                if not self._is_wanted:  # a disconnection that was asked for meanwhile
                    await self._client.disconnect()
                    raise BleakError("the connection was cancelled")
                self._say(What.CONNECTED)
            self._users.add(program)
        if program.is_gone:
            self.bury(program)
        return gatt.rows(self.ball.profile)

    async def disconnect(self, program: Program) -> None:
        """End the link for everybody."""
        self._users.discard(program)  # who asks for it is not told a loss
        await self.end()

    async def end(self) -> None:
        """End the link."""
        self._is_wanted = False
        await self._client.disconnect()

    def bury(self, program: Program) -> None:
        """A program has died: the link stands."""
        for hearers in self._hearers.values():
            hearers.discard(program)
        if program in self._users:
            self._users.discard(program)
            if not self._users:
                self._say(What.ORPHANED)

    async def write(self, role: str, data: bytes, *, response: bool) -> None:
        """Write after everything that was asked for before, whoever asked."""
        async with self._order, asyncio.timeout(ATT_SECONDS):
            await self._client.write_gatt_char(self._characteristic(role), data, response=response)

    async def read(self, role: str) -> bytes:
        """Read a value."""
        async with self._order, asyncio.timeout(ATT_SECONDS):
            return bytes(await self._client.read_gatt_char(self._characteristic(role)))

    async def subscribe(self, role: str, program: Program) -> None:
        """Let a program hear a characteristic's notifications."""

        def heard(_: BleakGATTCharacteristic, value: bytearray) -> None:
            for hearer in tuple(self._hearers.get(role, ())):
                hearer.hear_value(self.ball.address, role, bytes(value))

        async with self._order, asyncio.timeout(ATT_SECONDS):
            characteristic = self._characteristic(role)
            if role not in self._hearers:
                await self._client.start_notify(characteristic, heard)
            self._hearers.setdefault(role, set()).add(program)

    async def unsubscribe(self, role: str, program: Program) -> None:
        """Let a program hear a characteristic's notifications no more."""
        self._hearers.get(role, set()).discard(program)

    def _characteristic(self, role: str) -> BleakGATTCharacteristic:
        if not self._client.is_connected:
            raise BleakError("Not connected")
        for characteristic in self._client.services.characteristics.values():
            if characteristic.obj == role:
                return characteristic
        raise BleakError(f"the ball has no characteristic that its profile calls {role!r}")

    def _gone(self, _: BleakClient) -> None:
        self._say(What.LOST if self._is_wanted else What.DISCONNECTED)
        self._is_wanted = False
        users, self._users, self._hearers = self._users, set(), {}
        for user in users:
            user.hear_loss(self.ball.address)

    def _say(self, what: What) -> None:
        self._tell(Happening(asyncio.get_running_loop().time(), self.ball, what, self.ball.level))
