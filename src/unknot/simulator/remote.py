"""bleak's backend classes over the socket of a simulated ball in another process; `unknot.api` hands them to bleak.

Given to bleak as ``backend=`` together with ``socket=``. `unknot.simulator.server` is the other end.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from bleak.backends.adapter import BaseBleakAdapter
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import BleakError

from unknot.simulator import gatt
from unknot.simulator.client import UnpairedClient
from unknot.simulator.lines import Wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bleak.args import SizedBuffer
    from bleak.backends.characteristic import BleakGATTCharacteristic
    from bleak.backends.client import NotifyCallback
    from bleak.backends.scanner import AdvertisementDataCallback


class RemoteClient(UnpairedClient):
    """bleak's client over the socket of a simulated ball."""

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        socket: Path,
        **kwargs: Any,
    ) -> None:
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout, **kwargs)
        self._socket = socket
        self._was_found = isinstance(address_or_ble_device, BLEDevice)
        self._wire: Wire | None = None
        self._name = ""
        self._hearers: dict[str, NotifyCallback] = {}

    @property
    def name(self) -> str:
        """The ball's name, or its address in bleak's form."""
        return self._name or self.address.replace(":", "-")

    @property
    def is_connected(self) -> bool:
        """Whether the link stands."""
        return self._wire is not None

    async def connect(self, pair: bool, **kwargs: Any) -> None:
        """Connect; a link that another program holds, or left behind, is shared."""
        wire = await Wire.open(self._socket, self._heard, self._lost)
        try:
            async with asyncio.timeout(self._timeout):
                told = await wire.ask("connect", address=self.address, found=self._was_found)
        except BleakError:
            await wire.close()
            raise
        except BaseException:
            # As bleak does on BlueZ: who waits for the link no longer leaves none behind.
            wire.say("disconnect", address=self.address)
            await wire.close()
            raise
        self._wire = wire
        self._was_found = True
        self._name = told["name"]
        self.services = gatt.collection(told["table"])

    async def disconnect(self) -> None:
        """End the link, for every program that shares it."""
        if self._wire is None:
            return
        wire = self._wire
        try:
            await wire.ask("disconnect", address=self.address)
        finally:
            self._lost()
            await wire.close()

    async def read_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        *,
        use_cached: bool = False,
        **kwargs: Any,
    ) -> bytearray:
        """Read a value."""
        return bytearray.fromhex(await self._ask("read", role=characteristic.obj))

    async def write_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        data: SizedBuffer,
        response: bool,
    ) -> None:
        """Write a value, with or without response."""
        await self._ask("write", role=characteristic.obj, data=bytes(data).hex(), response=response)

    async def start_notify(
        self,
        characteristic: BleakGATTCharacteristic,
        callback: NotifyCallback,
        **kwargs: Any,
    ) -> None:
        """Subscribe."""
        self._hearers[characteristic.obj] = callback
        await self._ask("subscribe", role=characteristic.obj)

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Unsubscribe."""
        await self._ask("unsubscribe", role=characteristic.obj)
        self._hearers.pop(characteristic.obj, None)

    async def _ask(self, verb: str, **fields: Any) -> Any:
        if self._wire is None:
            raise BleakError("Not connected")
        return await self._wire.ask(verb, address=self.address, **fields)

    def _heard(self, message: dict[str, Any]) -> None:
        if message["event"] == "lost":
            self._lost()
        elif message["event"] == "value" and message["role"] in self._hearers:
            self._hearers[message["role"]](bytearray.fromhex(message["data"]))

    def _lost(self) -> None:
        if self._wire is None:
            return
        self._wire.hang_up()
        self._wire = None
        self.services = None
        self._hearers = {}
        if self._disconnected_callback is not None:
            self._disconnected_callback()


class RemoteScanner(BaseBleakScanner):
    """bleak's scanner over the socket of a simulated ball."""

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str,
        *,
        socket: Path,
        **kwargs: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._socket = socket
        self._wire: Wire | None = None

    async def start(self) -> None:
        """Begin to hear advertisements."""
        self.seen_devices = {}
        self._wire = await Wire.open(self._socket, self._heard)
        await self._wire.ask("scan")

    async def stop(self) -> None:
        """Hear no more."""
        if self._wire is not None:
            await self._wire.close()
            self._wire = None

    def _heard(self, message: dict[str, Any]) -> None:
        if not self.is_allowed_uuid(message["services"]):
            return
        advertisement = AdvertisementData(
            local_name=message["name"],
            manufacturer_data={int(company): bytes.fromhex(data) for company, data in message["companies"].items()},
            service_data={},
            service_uuids=message["services"],
            tx_power=None,
            rssi=message["rssi"],
            platform_data=(),
        )
        address = message["address"]
        device = self.create_or_update_device(address, address, message["name"], None, advertisement)
        self.call_detection_callbacks(device, advertisement)


def adapter_behind(socket: Path) -> type[BaseBleakAdapter]:
    """Bleak's adapter over this socket, as the class that ``BleakAdapter.get(backend=…)`` wants."""

    class RemoteAdapter(BaseBleakAdapter):
        """Tells which balls are connected."""

        @classmethod
        async def get(cls, **kwargs: Any) -> RemoteAdapter:
            """The one adapter of the server."""
            return cls()

        async def get_connected_devices(self, service_uuids: frozenset[str]) -> list[BLEDevice]:
            """The connected balls that have one of the services, whichever program connected them."""
            wire = await Wire.open(socket)
            try:
                told = await wire.ask("connected", services=sorted(service_uuids))
            finally:
                await wire.close()
            return [BLEDevice(ball["address"], ball["name"], None) for ball in told]

    return RemoteAdapter
