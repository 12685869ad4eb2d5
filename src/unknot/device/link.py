"""The link to one ball: ``BleakClient`` with our own deadline on every operation; used by the ball only.

On BlueZ a silent ball blocks a write for 30 s, and a disconnect takes 2 s; neither may keep a motor running.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bleak import BleakClient

from unknot.device.failures import ours
from unknot.errors import GattMismatch, LinkError, LinkLost
from unknot.profiles.model import WriteKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from bleak.backends.characteristic import BleakGATTCharacteristic
    from bleak.backends.device import BLEDevice

    from unknot.device.radio import Radio
    from unknot.profiles.codec import Write
    from unknot.profiles.model import FirmwareProfile

CONNECT_SECONDS = 10.0
"""Deadline of a connection with its service discovery: 0.5 to 0.7 s on BlueZ, a second more per lost attempt."""

OPERATION_SECONDS = 1.0
"""Deadline of one read, write or subscription: ten times the 100 ms of an acknowledged write at a 50 ms interval."""

DISCONNECT_SECONDS = 5.0
"""Deadline of a disconnection: BlueZ's own timer takes 2 s."""


class Link:
    """One GATT connection, its characteristics under the names that the profile gives them.

    Args:
        device: the ball as a scanner found it.
        profile: which characteristics are used.
        radio: what bleak stands on.
        lost: called once when the link goes without our asking.
    """

    def __init__(
        self, device: BLEDevice, profile: FirmwareProfile, radio: Radio, lost: Callable[[LinkLost], None]
    ) -> None:
        self.address = device.address
        self._profile = profile
        self._lost = lost
        self._closing = False
        self._characteristics: dict[str, BleakGATTCharacteristic] = {}
        self._client = BleakClient(
            device,
            disconnected_callback=self._disconnected,
            timeout=CONNECT_SECONDS,
            backend=radio.client,
            **radio.options,
        )

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands, as far as the system knows."""
        return self._client.is_connected

    def has(self, role: str) -> bool:
        """Whether the ball has the characteristic of that name."""
        return role in self._characteristics

    async def open(self) -> None:
        """Connect, and find the characteristics that the profile names.

        Raises:
            LinkError: no connection within `CONNECT_SECONDS`, or a characteristic that a command needs is missing.
        """
        with ours("connecting to", self.address):
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._client.connect()
        try:
            with ours("reading the services of", self.address):
                self._resolve()
        except LinkError as error:
            try:
                await self.close()
            except LinkError as closing:
                error.add_note(str(closing))
            raise

    async def close(self) -> None:
        """Disconnect; a link that is already gone is as good."""
        self._closing = True
        with ours("disconnecting from", self.address):
            async with asyncio.timeout(DISCONNECT_SECONDS):
                await self._client.disconnect()

    async def write(self, write: Write) -> None:
        """Write once, with a response where the write is a request.

        Raises:
            LinkError: it did not arrive, was refused, or took longer than `OPERATION_SECONDS`.
        """
        with ours("writing to", self.address):
            async with asyncio.timeout(OPERATION_SECONDS):
                await self._client.write_gatt_char(
                    self._characteristics[write.to], write.data, response=write.kind is WriteKind.REQUEST
                )

    async def read(self, role: str) -> bytes:
        """The value of a characteristic.

        Raises:
            LinkError: as for `write`.
        """
        with ours("reading from", self.address):
            async with asyncio.timeout(OPERATION_SECONDS):
                return bytes(await self._client.read_gatt_char(self._characteristics[role]))

    async def subscribe(self, role: str, hear: Callable[[bytes], None]) -> None:
        """Have every notification of a characteristic handed to ``hear``.

        Raises:
            LinkError: as for `write`.
        """

        def notified(_: BleakGATTCharacteristic, value: bytearray) -> None:
            hear(bytes(value))

        with ours("subscribing at", self.address):
            async with asyncio.timeout(OPERATION_SECONDS):
                await self._client.start_notify(self._characteristics[role], notified)

    def _resolve(self) -> None:
        """Find the characteristics; those that only tell something may be missing, those that command may not."""
        needed = {write.to for _, writes in self._profile.commands.items() for write in writes}
        for role, wanted in self._profile.gatt.items():
            service = self._client.services.get_service(wanted.service)
            characteristic = service.get_characteristic(wanted.characteristic) if service else None
            if characteristic is not None:
                self._characteristics[role] = characteristic
            elif role in needed:
                raise GattMismatch(
                    f"the ball at {self.address} has no characteristic {wanted.characteristic}, which profile "
                    f"{self._profile.id} calls {role!r}",
                    address=self.address,
                )

    def _disconnected(self, _: BleakClient) -> None:
        if not self._closing:
            self._closing = True
            self._lost(LinkLost(f"the link to {self.address} is gone", address=self.address))
