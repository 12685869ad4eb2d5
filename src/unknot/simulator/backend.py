"""bleak's backend classes over the simulated air, so that the real ``BleakClient`` and ``BleakScanner`` run unchanged.

Given to bleak as ``backend=`` together with ``air=``; it behaves as BlueZ does where that matters: no services after a
loss, one callback per loss, ATT errors by their codes.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from bleak.backends.adapter import BaseBleakAdapter
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)

from unknot.simulator import gatt
from unknot.simulator.air import Adapter, Air
from unknot.simulator.ball import ADVERTISING_INTERVAL, SimulatedBall
from unknot.simulator.bearer import LinkEnded
from unknot.simulator.client import UnpairedClient
from unknot.simulator.firmware import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from bleak.args import SizedBuffer
    from bleak.backends.characteristic import BleakGATTCharacteristic
    from bleak.backends.client import NotifyCallback
    from bleak.backends.scanner import AdvertisementDataCallback


class SimulatedClient(UnpairedClient):
    """bleak's client over the simulated air."""

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        air: Air,
        **kwargs: Any,
    ) -> None:
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout, **kwargs)
        self._air = air
        # By an address bleak scans by itself before it connects, so only a handle can be a stale one.
        self._has_handle = isinstance(address_or_ble_device, BLEDevice)
        self._ball: SimulatedBall | None = None

    @property
    def name(self) -> str:
        """The ball's name, or its address in bleak's form."""
        ball = self._ball or self._air.get(self.address)
        return ball.name if ball else self.address.replace(":", "-")

    @property
    def is_connected(self) -> bool:
        """Whether the link stands."""
        return self._ball is not None

    async def connect(self, pair: bool, **kwargs: Any) -> None:
        """Connect, unless the ball is away or another central holds its link."""
        await asyncio.sleep(0)
        need_adapter(self._air)
        ball = self._air.get(self.address)
        if ball is None:
            raise BleakDeviceNotFoundError(self.address, f"Device with address {self.address} was not found.")
        if self._has_handle and not self._air.knows(ball):
            raise BleakError(f"device 'dev_{self.address.replace(':', '_')}' not found")
        if ball.refuses_link():
            raise BleakDBusError("org.bluez.Error.Failed", ["le-connection-abort-by-remote"])
        if ball.is_connected:
            await asyncio.sleep(self._timeout)
            raise TimeoutError
        ball.link(self._lost)
        self._ball = ball
        self.services = gatt.collection(gatt.rows(ball.profile))

    async def disconnect(self) -> None:
        """Disconnect."""
        await asyncio.sleep(0)
        if self._ball is not None:
            self._ball.unlink()
            self._lost()

    async def read_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        *,
        use_cached: bool = False,
        **kwargs: Any,
    ) -> bytearray:
        """Read a value."""
        try:
            return bytearray(await self._linked().read(characteristic.obj))
        except Refusal as refusal:
            raise BleakGATTProtocolError(refusal.code) from refusal
        except LinkEnded as ended:
            raise BleakError("the link was lost while reading") from ended

    async def write_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        data: SizedBuffer,
        response: bool,
    ) -> None:
        """Write a value, with or without response."""
        ball = self._linked()
        try:
            await (ball.request if response else ball.command)(characteristic.obj, bytes(data))
        except Refusal as refusal:
            raise BleakGATTProtocolError(refusal.code) from refusal
        except LinkEnded as ended:
            raise BleakError("the link was lost while writing") from ended

    async def start_notify(
        self,
        characteristic: BleakGATTCharacteristic,
        callback: NotifyCallback,
        **kwargs: Any,
    ) -> None:
        """Subscribe."""
        await asyncio.sleep(0)
        self._linked().subscribe(characteristic.obj, lambda data: callback(bytearray(data)))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Unsubscribe."""
        await asyncio.sleep(0)
        self._linked().unsubscribe(characteristic.obj)

    def _linked(self) -> SimulatedBall:
        if self._ball is None:
            raise BleakError("Not connected")
        return self._ball

    def _lost(self) -> None:
        self._ball = None
        self.services = None
        if self._disconnected_callback is not None:
            self._disconnected_callback()


class SimulatedScanner(BaseBleakScanner):
    """bleak's scanner over the simulated air."""

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str,
        *,
        air: Air,
        **kwargs: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._air = air
        self._timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Begin to hear advertisements."""
        need_adapter(self._air)
        self.seen_devices = {}
        self._timer = asyncio.get_running_loop().call_later(0, self._hear)
        await asyncio.sleep(0)

    async def stop(self) -> None:
        """Hear no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await asyncio.sleep(0)

    def _hear(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(ADVERTISING_INTERVAL, self._hear)
        if self._air.adapter is not Adapter.ON:
            return
        for ball in self._air:
            services = list(ball.advertised.services)
            if not ball.is_advertising or ball.is_connected or not ball.is_in_reach:
                continue
            self._air.see(ball)
            if not self.is_allowed_uuid(services):
                continue
            advertisement = AdvertisementData(
                local_name=ball.name,
                manufacturer_data=dict(ball.advertised.manufacturer),
                service_data={},
                service_uuids=services,
                tx_power=None,
                rssi=ball.rssi,
                platform_data=(),
            )
            device = self.create_or_update_device(ball.address, ball.address, ball.name, None, advertisement)
            self.call_detection_callbacks(device, advertisement)


def adapter_for(air: Air) -> type[BaseBleakAdapter]:
    """Bleak's adapter over this air, as the class that ``BleakAdapter.get(backend=…)`` wants; it takes no arguments."""

    class SimulatedAdapter(BaseBleakAdapter):
        """Tells which balls are connected."""

        @classmethod
        async def get(cls, **kwargs: Any) -> SimulatedAdapter:
            """The one adapter of the air."""
            return cls()

        async def get_connected_devices(self, service_uuids: frozenset[str]) -> list[BLEDevice]:
            """The connected balls that have one of the services."""
            need_adapter(air)
            return [BLEDevice(ball.address, ball.name, None) for ball in air.connected(service_uuids)]

    return SimulatedAdapter


_NO_ADAPTER = {
    Adapter.OFF: (
        "No powered Bluetooth adapters found. Turn on Bluetooth and try again.",
        BleakBluetoothNotAvailableReason.POWERED_OFF,
    ),
    Adapter.MISSING: ("No Bluetooth adapters found.", BleakBluetoothNotAvailableReason.NO_BLUETOOTH),
}
"""What bleak says on BlueZ without a working adapter."""


def need_adapter(air: Air) -> None:
    """Raise `BleakBluetoothNotAvailableError` unless the person's adapter works."""
    if air.adapter is not Adapter.ON:
        raise BleakBluetoothNotAvailableError(*_NO_ADAPTER[air.adapter])
