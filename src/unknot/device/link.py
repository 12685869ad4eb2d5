"""The link to one ball: ``BleakClient`` with our own deadline on every operation; used by the ball and its helpers.

On BlueZ a silent ball blocks a write for 30 s, and a disconnect takes 2 s; neither may keep a motor running.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING

from bleak import BleakClient

from unknot.device.characteristics import ambiguous, resolve
from unknot.device.deadlines import CONNECT_SECONDS, DISCONNECT_SECONDS, OPERATION_SECONDS
from unknot.device.failures import CONNECTING, ours
from unknot.device.troubles import STALE_SERVICES
from unknot.errors import GattMismatch, LinkError, LinkLost
from unknot.profiles import fitting
from unknot.profiles.writekind import PROPERTIES, WriteKind
from unknot.shielding import finish

if TYPE_CHECKING:
    from collections.abc import Callable

    from bleak.backends.characteristic import BleakGATTCharacteristic
    from bleak.backends.descriptor import BleakGATTDescriptor
    from bleak.backends.device import BLEDevice
    from bleak.backends.service import BleakGATTServiceCollection

    from unknot.device.radio import Radio
    from unknot.profiles.model import FirmwareProfile
    from unknot.profiles.speech import Write

log = logging.getLogger(__name__)

OTHER = {WriteKind.REQUEST: WriteKind.COMMAND, WriteKind.COMMAND: WriteKind.REQUEST}


class Link:
    """A GATT connection, its characteristics under the names that a profile gives them; it may be opened again.

    Args:
        device: the ball as a scanner found it.
        radio: what bleak stands on.
        lost: called once when an open link goes without our asking.

    Attributes:
        address: the ball's address.
    """

    def __init__(self, device: BLEDevice, radio: Radio, lost: Callable[[LinkLost], None]) -> None:
        self._radio = radio
        self._lost = lost
        self._is_open = False
        self._characteristics: dict[str, BleakGATTCharacteristic] = {}
        self.aim(device)

    def aim(self, device: BLEDevice) -> None:
        """Use this handle from the next `open` on; the old one has gone stale, or the ball has another address."""
        self.address = device.address
        self._client = BleakClient(
            device,
            disconnected_callback=self._disconnected,
            timeout=CONNECT_SECONDS,
            backend=self._radio.client,
            **self._radio.options,
        )

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands, as far as the system knows."""
        return self._client.is_connected

    def has(self, role: str) -> bool:
        """Whether the ball has the characteristic of that name."""
        return role in self._characteristics

    async def open(self) -> None:
        """Connect.

        Raises:
            LinkError: no connection within `CONNECT_SECONDS`.
        """
        self._characteristics = {}
        with ours(CONNECTING, self.address):
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._client.connect()
        self._is_open = True

    def resolve(self, profile: FirmwareProfile) -> None:
        """Find the characteristics that a profile names; those that only tell something may be missing.

        Raises:
            GattMismatch: one that is written is missing.
            LinkError: the link is gone.
        """
        services = self.services
        found = resolve(profile.gatt, services)
        for role in {write.to for _, write in fitting.writes(profile)} - set(found):
            wanted = profile.gatt[role].characteristic
            raise GattMismatch(
                f"the ball at {self.address} has no characteristic {' or '.join(wanted) or 'to write'}, which profile "
                f"{profile.id} calls {role!r}",
                address=self.address,
                advice=self.advice_if_lacking,
            )
        for said in ambiguous(profile.gatt, found, services):
            log.warning("%s at %s", said, self.address)
        self._characteristics = found

    @property
    def advice_if_lacking(self) -> str:
        """What to do where the ball lacks what its profile names: BlueZ may remember the services of another day."""
        is_bluez = self._radio.is_real and sys.platform == "linux"
        return GattMismatch.advice + (STALE_SERVICES.format(address=self.address) if is_bluez else "")

    @property
    def services(self) -> BleakGATTServiceCollection:
        """The ball's GATT table.

        Raises:
            LinkError: the link is gone.
        """
        with ours("reading the services of", self.address):
            return self._client.services

    def uuid(self, role: str) -> str:
        """The UUID of the characteristic of that name, as this ball has it."""
        return self._characteristics[role].uuid

    def service(self, role: str) -> str:
        """The UUID of its service."""
        return self._characteristics[role].service_uuid

    def find(self, uuid: str, service: str | None = None) -> BleakGATTCharacteristic | None:
        """The first characteristic of that UUID, if the ball has one; that of a service if it is there too."""
        there = [one for one in self.services.characteristics.values() if one.uuid == uuid]
        return next((one for one in there if one.service_uuid == service), there[0] if there else None)

    def acknowledges(self, write: Write) -> bool:
        """Whether the ball acknowledges that write; what its characteristic cannot do is done in the other way."""
        properties = self._named(write.to).properties
        if PROPERTIES[write.kind] in properties:
            return write.kind is WriteKind.REQUEST
        if PROPERTIES[OTHER[write.kind]] in properties:
            return write.kind is not WriteKind.REQUEST
        return write.kind is WriteKind.REQUEST  # it will be told

    async def abandon(self) -> None:
        """Disconnect from a ball that does not answer; that this fails too is only logged."""
        try:
            await finish(self.close)
        except LinkError as error:
            log.warning("%s", error)

    async def close(self) -> None:
        """Disconnect; a link that is already gone is as good."""
        self._is_open = False
        with ours("disconnecting from", self.address):
            async with asyncio.timeout(DISCONNECT_SECONDS):
                await self._client.disconnect()

    def _named(self, role: str) -> BleakGATTCharacteristic:
        try:
            return self._characteristics[role]
        except KeyError:
            raise LinkLost(f"the link to {self.address} has just begun", address=self.address) from None

    async def write(self, write: Write) -> None:
        """Write once, with a response where the write is a request.

        Raises:
            LinkError: it did not arrive, was refused, or took longer than `OPERATION_SECONDS`.
        """
        with ours("writing to", self.address):
            async with asyncio.timeout(OPERATION_SECONDS):
                await self._client.write_gatt_char(self._named(write.to), write.data, response=self.acknowledges(write))

    async def read(self, role: str) -> bytes:
        """The value of a characteristic.

        Raises:
            LinkError: as for `write`.
        """
        return await self.read_from(self._named(role))

    async def read_from(self, characteristic: BleakGATTCharacteristic) -> bytes:
        """The value of a characteristic that no profile names. Raises as `write`."""
        with ours("reading from", self.address):
            async with asyncio.timeout(OPERATION_SECONDS):
                return bytes(await self._client.read_gatt_char(characteristic))

    async def read_descriptor(self, descriptor: BleakGATTDescriptor) -> bytes:
        """The value of a descriptor. Raises as `write`."""
        with ours("reading from", self.address):
            async with asyncio.timeout(OPERATION_SECONDS):
                return bytes(await self._client.read_gatt_descriptor(descriptor))

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

    async def unsubscribe(self, role: str) -> None:
        """Hear no more of it. Raises as `write`."""
        with ours("unsubscribing at", self.address):
            async with asyncio.timeout(OPERATION_SECONDS):
                await self._client.stop_notify(self._characteristics[role])

    def _disconnected(self, client: BleakClient) -> None:
        if self._is_open and client is self._client:
            self._is_open = False
            self._lost(LinkLost(f"the link to {self.address} is gone", address=self.address))
