"""What bleak's client of a simulated ball answers wherever the ball lives; the base of both simulated clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bleak.backends.client import BaseBleakClient
from bleak.exc import BleakError

from unknot.simulator import gatt

if TYPE_CHECKING:
    from bleak.args import SizedBuffer
    from bleak.backends.descriptor import BleakGATTDescriptor


class UnpairedClient(BaseBleakClient):
    """A client of a ball that needs no pairing and whose characteristics have no descriptors."""

    @property
    def mtu_size(self) -> int:
        """Bytes of one ATT packet."""
        return gatt.MTU

    async def pair(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to pair."""

    async def unpair(self) -> None:
        """Nothing to unpair."""

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        """No simulated characteristic has descriptors."""
        raise BleakError(f"descriptor {descriptor} was not found")

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        """No simulated characteristic has descriptors."""
        raise BleakError(f"descriptor {descriptor} was not found")
