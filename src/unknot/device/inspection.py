"""Looks a device over: its GATT table, what can be read in it, and which profiles fit; `unknot.api` offers it.

It reads and does nothing else: it never writes a characteristic and never subscribes to one, so nothing can start.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unknot.device import discovery
from unknot.device.ball import REACH_SECONDS
from unknot.device.failures import WANTS_PAIRING
from unknot.device.holding import Holding
from unknot.device.link import Link
from unknot.device.reach import reach
from unknot.device.verdicts import Verdict, best_first, judge
from unknot.errors import AttError, BallHeld, LinkError, LinkTimeout
from unknot.profiles.fields import BASE_SUFFIX
from unknot.profiles.variant import DEVICE_INFORMATION, DEVICE_INFORMATION_SERVICE
from unknot.shielding import finish

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from bleak.backends.characteristic import BleakGATTCharacteristic
    from bleak.backends.descriptor import BleakGATTDescriptor
    from bleak.backends.device import BLEDevice
    from bleak.backends.service import BleakGATTService

    from unknot.device.discovery import FoundBall
    from unknot.device.radio import Radio
    from unknot.profiles.model import FirmwareProfile

log = logging.getLogger(__name__)

SERVICES_MOST = 64
CHARACTERISTICS_MOST = 256
DESCRIPTORS_MOST = 512
"""Of a table nothing beyond is kept: ten times what a massager has, while one may hold 65,535 (judgement)."""

READS_MOST = 128
"""Values that are read (judgement)."""

VALUE_MOST = 512
"""Bytes of a value that are kept: a GATT value has no more (Bluetooth Core, Vol 3, Part F, 3.2.9)."""

READING_SECONDS = 30.0
"""How long an inspection reads in all; the longest read at its end takes a second more (judgement)."""

SILENT_MOST = 3
"""After so many values in a row that were not answered nothing more is read: on BlueZ one silent read blocks all that
follow until the link is closed after 30 s (measured)."""

PROPERTIES_MOST = 16
PROPERTY_LETTERS = 40
"""Properties of a characteristic, and letters of one, that are kept; the standard has ten, of 27 letters at most."""

_UNKNOWN = frozenset({"Unknown", "Vendor specific", "None"})
"""What bleak calls a UUID that the standard does not know (bleak 3.1, uuids.py)."""

READABLE_DESCRIPTORS = frozenset(f"0000{short}{BASE_SUFFIX}" for short in ("2900", "2901", "2902", "2904"))
"""The descriptors that are read: extended properties, the user's description, what is subscribed, the format (Bluetooth
Core, Vol 3, Part G, 3.3.3)."""

PNP_ID = f"00002a50{BASE_SUFFIX}"
"""Vendor, product and version as numbers (Device Information Service, 3.9)."""

_PNP_BYTES = 7
_PNP_SOURCES = {1: "Bluetooth company", 2: "USB vendor"}


@dataclass(frozen=True, slots=True)
class DescriptorRow:
    """One descriptor of a characteristic; attributes as those of `CharacteristicRow`."""

    uuid: str
    handle: int
    description: str
    value: bytes | None
    trouble: str


@dataclass(frozen=True, slots=True)
class CharacteristicRow:
    """One characteristic.

    Attributes:
        uuid: its UUID.
        handle: its handle.
        description: what the standard calls it; empty where it does not.
        properties: what can be done with it, in bleak's words.
        value: what was read, at most `VALUE_MOST` bytes; None where nothing was.
        trouble: why nothing was read; empty where it cannot be read, or was.
        descriptors: what hangs on it.
    """

    uuid: str
    handle: int
    description: str
    properties: tuple[str, ...]
    value: bytes | None
    trouble: str
    descriptors: tuple[DescriptorRow, ...]


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """One service and its characteristics."""

    uuid: str
    handle: int
    description: str
    characteristics: tuple[CharacteristicRow, ...]


@dataclass(frozen=True, slots=True)
class Inspection:
    """A device looked over.

    Attributes:
        found: what the scan heard of it.
        adapter: the adapter that was used; on Linux always told, elsewhere empty.
        services: its table, as far as it was kept.
        left_out: how many services, characteristics and descriptors were not, by these words.
        information: what its Device Information says: maker, model, firmware, hardware, software, pnp.
        verdicts: the profiles that have anything in common with it, the best first.
        strangers: how many profiles have nothing in common with it.
    """

    found: FoundBall
    adapter: str
    services: tuple[ServiceRow, ...]
    left_out: Mapping[str, int]
    information: Mapping[str, str]
    verdicts: tuple[Verdict, ...]
    strangers: int


async def inspect(found: FoundBall, radio: Radio, profiles: Sequence[FirmwareProfile]) -> Inspection:
    """Connect, read, disconnect.

    Args:
        found: the device.
        radio: what bleak stands on.
        profiles: those that are held against it.

    Raises:
        BallInUse: another unknot drives it; disconnecting would take its link.
        BallHeld: the system holds a link to it; disconnecting would take it from whoever drives the ball by it.
        LinkError: no link. What goes wrong after the table was read is told in its row.
    """
    link = Link(found.device, radio, lambda lost: log.debug("%s", lost))
    holding = Holding.take(found.address, found.name) if radio.guard is not None else None

    async def seek() -> BLEDevice:
        return _free(await discovery.find(radio, profiles, found.address)).device

    async def table() -> tuple[BleakGATTService, ...]:
        return tuple(link.services)

    try:
        _free(found)
        services = await reach(link, seek, table, seconds=REACH_SECONDS)
        try:
            reader = _Reader(link)
            rows, left_out = await _rows(services, reader)
        finally:
            await finish(link.abandon)
    finally:
        if holding is not None:
            holding.release()
    information = _information(rows)
    verdicts = [judge(profile, found.shown, services, information) for profile in profiles]
    near = best_first(verdicts)
    adapter = radio.bluez.get("adapter", "")
    return Inspection(found, adapter, rows, left_out, information, near, len(verdicts) - len(near))


def _free(found: FoundBall) -> FoundBall:
    """The ball, if nobody has a link to it: the system shares one among all programs, and ends it for all of them."""
    if found.rssi is None:
        raise BallHeld(found.name, found.address)
    return found


class _Reader:
    """Reads values one after the other within the bounds of an inspection."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._until = asyncio.get_running_loop().time() + READING_SECONDS
        self._reads = 0
        self._silent = 0

    async def characteristic(self, there: BleakGATTCharacteristic) -> tuple[bytes | None, str]:
        """Its value, or why there is none."""
        if "read" not in there.properties:
            return None, ""
        return await self._read(lambda: self._link.read_from(there))

    async def descriptor(self, there: BleakGATTDescriptor) -> tuple[bytes | None, str]:
        """The same for a descriptor."""
        if there.uuid not in READABLE_DESCRIPTORS:
            return None, ""
        return await self._read(lambda: self._link.read_descriptor(there))

    async def _read(self, read: Callable[[], Awaitable[bytes]]) -> tuple[bytes | None, str]:
        if said := self._why_not():
            return None, said
        self._reads += 1
        try:
            value = await read()
        except AttError as error:
            self._silent = 0
            return None, _refusal(error)
        except LinkTimeout:
            self._silent += 1
            return None, "no answer in time"
        except LinkError as error:
            return None, "the link is gone" if not self._link.is_connected else str(error)
        self._silent = 0
        return value[:VALUE_MOST], ""

    def _why_not(self) -> str:
        if not self._link.is_connected:
            return "not read: the link is gone"
        if self._silent >= SILENT_MOST:
            return f"not read: {SILENT_MOST} in a row were not answered"
        if self._reads >= READS_MOST:
            return f"not read: {READS_MOST} values were"
        if asyncio.get_running_loop().time() > self._until:
            return f"not read: the {READING_SECONDS:g} s for reading are over"
        return ""


def _refusal(error: AttError) -> str:
    cause = error.__cause__
    said = str(cause.args[-1] if cause is not None and cause.args else error).rpartition(": ")[2].lower()
    code = "" if error.code is None else f" (ATT error 0x{error.code:02X})"
    wants_pairing = error.code is None or error.code in WANTS_PAIRING
    return f"refused: {said}{code}" + ("; it wants to be paired first" if wants_pairing else "")


async def _rows(services: Sequence[BleakGATTService], reader: _Reader) -> tuple[tuple[ServiceRow, ...], dict[str, int]]:
    """The table with its values, and how much of it was left out."""
    rows: list[ServiceRow] = []
    characteristics = descriptors = 0
    left_out = dict.fromkeys(("services", "characteristics", "descriptors"), 0)
    for service in _information_first(services):
        kept: list[CharacteristicRow] = []
        if len(rows) >= SERVICES_MOST:
            left_out["services"] += 1
            left_out["characteristics"] += len(service.characteristics)
            continue
        for there in service.characteristics:
            if characteristics >= CHARACTERISTICS_MOST:
                left_out["characteristics"] += 1
                continue
            characteristics += 1
            value, trouble = await reader.characteristic(there)
            hanging = there.descriptors[: max(DESCRIPTORS_MOST - descriptors, 0)]
            descriptors += len(hanging)
            left_out["descriptors"] += len(there.descriptors) - len(hanging)
            told = tuple(
                [DescriptorRow(one.uuid, one.handle, _known(one), *await reader.descriptor(one)) for one in hanging]
            )
            kept.append(
                CharacteristicRow(there.uuid, there.handle, _known(there), _properties(there), value, trouble, told)
            )
        rows.append(ServiceRow(service.uuid, service.handle, _known(service), tuple(kept)))
    return tuple(sorted(rows, key=lambda row: row.handle)), left_out


def _known(there: BleakGATTService | BleakGATTCharacteristic | BleakGATTDescriptor) -> str:
    """What the standard calls it; bleak has words for what it does not know, too."""
    said = there.description
    return "" if said in _UNKNOWN else said


def _properties(there: BleakGATTCharacteristic) -> tuple[str, ...]:
    """The first of its properties; they come from the system, which has them from the device."""
    return tuple(str(one)[:PROPERTY_LETTERS] for one in there.properties[:PROPERTIES_MOST])


def _information_first(services: Iterable[BleakGATTService]) -> list[BleakGATTService]:
    """The services in their order, but first the one that tells who made the device: time may be short."""
    return sorted(services, key=lambda service: (service.uuid != DEVICE_INFORMATION_SERVICE, service.handle))


def _information(rows: Iterable[ServiceRow]) -> dict[str, str]:
    values = {
        one.uuid: one.value
        for row in sorted(rows, key=lambda row: row.uuid == DEVICE_INFORMATION_SERVICE)
        for one in row.characteristics
        if one.value is not None
    }
    told = {
        name: values[uuid].decode(errors="replace").strip("\0 ")
        for name, uuid in DEVICE_INFORMATION.items()
        if uuid in values
    }
    pnp = values.get(PNP_ID, b"")
    if len(pnp) == _PNP_BYTES:
        vendor, product, version = (int.from_bytes(pnp[at : at + 2], "little") for at in (1, 3, 5))
        source = _PNP_SOURCES.get(pnp[0], f"vendor of kind {pnp[0]}")
        told["pnp"] = f"{source} {vendor:#06x}, product {product:#06x}, version {version:#06x}"
    return told
