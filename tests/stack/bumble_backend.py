"""bleak's backend classes over a Bumble host: unknot over somebody else's HCI, ATT and GATT, all in one process.

It has BlueZ's manners where those are the caller's to meet: operations wait for each other, an answer that nobody waits
for any more is still awaited, and nothing is known of a ball after a loss.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from bleak.backends.adapter import BaseBleakAdapter
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError, BleakGATTProtocolError
from bleak.uuids import normalize_uuid_str
from bumble import att, core, hci
from bumble.device import Advertisement, Connection, Device, Peer

from unknot.simulator.backend import need_adapter
from unknot.simulator.client import UnpairedClient

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from bleak.args import SizedBuffer
    from bleak.backends.client import NotifyCallback
    from bleak.backends.scanner import AdvertisementDataCallback
    from bumble.core import UUID
    from bumble.gatt_client import CharacteristicProxy

    from unknot.simulator import Air

T = TypeVar("T")

MTU = 247
"""Bytes of one ATT packet that are asked for; what most phones and adapters agree on."""

_PROPERTIES = ("broadcast", "read", "write-without-response", "write", "notify", "indicate")
"""bleak's names of the first bits of a characteristic's properties (Bluetooth Core, Vol 3, Part G, 3.3.1.1)."""


@dataclass
class Central:
    """A person's computer: a Bumble host with its adapter, and the connections that it holds.

    Attributes:
        device: the host, powered on.
        air: tells whether the adapter is switched on, and which handles have gone stale.
        connecting: one connection is made at a time.
        clients: those that are connected, by address.
    """

    device: Device
    air: Air
    connecting: asyncio.Lock = field(default_factory=asyncio.Lock)
    clients: dict[str, BumbleClient] = field(default_factory=dict)


class BumbleClient(UnpairedClient):
    """bleak's client over a Bumble host."""

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        central: Central,
        **kwargs: Any,
    ) -> None:
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout, **kwargs)
        self._central = central
        self._connection: Connection | None = None
        self._lost: asyncio.Future[None] | None = None
        self._operations: set[asyncio.Task[Any]] = set()

    @property
    def name(self) -> str:
        return self.address.replace(":", "-")

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    async def connect(self, pair: bool, **kwargs: Any) -> None:
        air = self._central.air
        need_adapter(air)
        ball = air.get(self.address)
        if ball is not None and not air.knows(ball):
            raise BleakError(f"device 'dev_{self.address.replace(':', '_')}' not found")
        connection = await self._reach()
        if self._central.device.lookup_connection(connection.handle) is not connection:
            raise BleakError("the connection was lost as soon as it was made")
        self._connection, self._lost = connection, asyncio.get_running_loop().create_future()
        self._central.clients[self.address] = self
        connection.on(Connection.EVENT_DISCONNECTION, lambda _: self._gone(connection))
        try:
            self.services = await self._operate(_discover(connection))
        except BaseException:
            await self.disconnect()
            raise

    async def _reach(self) -> Connection:
        """Connect, one after the other; who gives up has the controller give up too."""
        address = hci.Address(self.address, hci.Address.RANDOM_DEVICE_ADDRESS)
        device = self._central.device
        async with self._central.connecting:
            reaching = asyncio.create_task(device.connect(address, timeout=None))
            try:
                async with asyncio.timeout(self._timeout):
                    return await asyncio.shield(reaching)
            except core.BaseBumbleError as error:
                raise BleakError(str(error)) from error
            except (TimeoutError, asyncio.CancelledError):
                with suppress(hci.HCI_Error):  # it may have ended at the same moment
                    await device.send_sync_command(hci.HCI_LE_Create_Connection_Cancel_Command())
                await asyncio.wait({reaching})
                if reaching.exception() is None:
                    await reaching.result().disconnect()
                raise

    async def disconnect(self) -> None:
        connection = self._connection
        if connection is not None:
            with suppress(core.BaseBumbleError, hci.HCI_Error, asyncio.CancelledError):
                await connection.disconnect()
            self._gone(connection)

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        return bytearray(await self._operate(characteristic.obj.read_value()))

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool) -> None:
        await self._operate(characteristic.obj.write_value(bytes(data), with_response=response))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **kwargs: Any
    ) -> None:
        await self._operate(characteristic.obj.subscribe(lambda value: callback(bytearray(value))))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        await self._operate(characteristic.obj.unsubscribe(force=True))

    async def _operate(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on the link, and go on with it if the caller gives up, as a system's Bluetooth service does."""
        lost = self._lost
        if lost is None:
            work.close()
            raise BleakError("Not connected")
        task = asyncio.create_task(work)
        self._operations.add(task)
        task.add_done_callback(self._done)
        both: set[asyncio.Future[Any]] = {task, lost}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise BleakError("the link was lost")
        try:
            return task.result()
        except att.ATT_Error as error:
            raise BleakGATTProtocolError(int(error.error_code)) from error
        except (core.BaseBumbleError, asyncio.CancelledError) as error:
            raise BleakError("the link was lost") from error

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._operations.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited for it has it

    def _gone(self, connection: Connection) -> None:
        if self._connection is not connection:
            return
        self._connection, self.services = None, None
        self._central.clients.pop(self.address, None)
        for task in self._operations:
            task.cancel()
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(None)
        self._lost = None
        if self._disconnected_callback is not None:
            self._disconnected_callback()


async def _discover(connection: Connection) -> BleakGATTServiceCollection:
    peer = Peer(connection)
    await peer.request_mtu(MTU)
    collection = BleakGATTServiceCollection()
    for service in await peer.discover_services():
        known = BleakGATTService(service, service.handle, _uuid(service.uuid))
        collection.add_service(known)
        for one in await service.discover_characteristics():
            collection.add_characteristic(_characteristic(one, known, connection))
    return collection


def _characteristic(
    one: CharacteristicProxy[bytes], service: BleakGATTService, connection: Connection
) -> BleakGATTCharacteristic:
    properties: list[Any] = [name for bit, name in enumerate(_PROPERTIES) if one.properties >> bit & 1]
    return BleakGATTCharacteristic(
        one, one.handle, _uuid(one.uuid), properties, lambda: connection.att_mtu - 3, service
    )


class BumbleScanner(BaseBleakScanner):
    """bleak's scanner over a Bumble host; several may listen at a time."""

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str,
        *,
        central: Central,
        **kwargs: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._central = central

    async def start(self) -> None:
        need_adapter(self._central.air)
        self.seen_devices = {}
        device = self._central.device
        device.on(Device.EVENT_ADVERTISEMENT, self._hear)
        if not device.is_scanning:
            await device.start_scanning(filter_duplicates=False)

    async def stop(self) -> None:
        device = self._central.device
        device.remove_listener(Device.EVENT_ADVERTISEMENT, self._hear)
        if not device.listeners(Device.EVENT_ADVERTISEMENT):
            await device.stop_scanning()

    def _hear(self, heard: Advertisement) -> None:
        data = heard.data
        address = heard.address.to_string(with_type_qualifier=False)
        ball = self._central.air.get(address)
        if ball is not None:
            self._central.air.see(ball)
        lists = cast("list[list[UUID]]", data.get_all(_SERVICES_16) + data.get_all(_SERVICES_128))
        services = [_uuid(uuid) for uuids in lists for uuid in uuids]
        if not self.is_allowed_uuid(services):
            return
        name = data.get(core.AdvertisingData.Type.COMPLETE_LOCAL_NAME) or data.get(
            core.AdvertisingData.Type.SHORTENED_LOCAL_NAME
        )
        advertisement = AdvertisementData(
            local_name=name,
            manufacturer_data=dict(data.get_all(core.AdvertisingData.Type.MANUFACTURER_SPECIFIC_DATA)),
            service_data={},
            service_uuids=services,
            tx_power=None,
            rssi=heard.rssi,
            platform_data=(),
        )
        device = self.create_or_update_device(address, address, name, None, advertisement)
        self.call_detection_callbacks(device, advertisement)


_SERVICES_16 = core.AdvertisingData.Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS
_SERVICES_128 = core.AdvertisingData.Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS


def adapter_for(central: Central) -> type[BaseBleakAdapter]:
    """bleak's adapter over this host, as the class that ``BleakAdapter.get(backend=…)`` wants."""

    class BumbleAdapter(BaseBleakAdapter):
        """Tells which balls are connected."""

        @classmethod
        async def get(cls, **kwargs: Any) -> BumbleAdapter:
            return cls()

        async def get_connected_devices(self, service_uuids: frozenset[str]) -> list[BLEDevice]:
            need_adapter(central.air)
            return [
                BLEDevice(address, client.name, None)
                for address, client in central.clients.items()
                if client.services and any(service.uuid in service_uuids for service in client.services)
            ]

    return BumbleAdapter


def _uuid(uuid: UUID) -> str:
    return normalize_uuid_str(uuid.to_hex_str("-"))
