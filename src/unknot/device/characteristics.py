"""Finds, in a ball's GATT table, the characteristics that a profile names; used by the link.

Pure: bleak's objects in, bleak's objects out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bleak.backends.characteristic import BleakGATTCharacteristic
    from bleak.backends.service import BleakGATTService

    from unknot.profiles.gatt import Characteristic


NOT_THE_MAKERS = frozenset({"00001800-0000-1000-8000-00805f9b34fb", "00001801-0000-1000-8000-00805f9b34fb"})
"""Generic Access and Generic Attribute: the stack's own services. The first characteristic to write in them would be
the ball's name (Bluetooth Core, Vol 3, Part C, 12.1)."""


def resolve(
    wanted: Mapping[str, Characteristic], services: Iterable[BleakGATTService]
) -> dict[str, BleakGATTCharacteristic]:
    """The characteristics that are there, by the names that the profile gives them.

    Each one's candidates are tried in order. Those of which none is there, and which may be the first of their kind,
    are taken all from the one service that has a characteristic for each of them.
    """
    services = sorted(services, key=_handle)  # on BlueZ bleak keeps no order
    found: dict[str, BleakGATTCharacteristic] = {}
    firsts: dict[str, Characteristic] = {}
    for role, one in wanted.items():
        characteristic = _candidate(one, services)
        if characteristic is not None:
            found[role] = characteristic
        elif one.or_first:
            firsts[role] = one
    return found | _firsts(firsts, services)


def _handle(there: BleakGATTService | BleakGATTCharacteristic) -> int:
    return there.handle


def _candidate(one: Characteristic, services: Iterable[BleakGATTService]) -> BleakGATTCharacteristic | None:
    for service_uuid, uuid in one.candidates:
        if there := all_of(service_uuid, uuid, services):
            return next((each for each in there if one.fits(each.properties)), there[0])
    return None


def all_of(service_uuid: str | None, uuid: str, services: Iterable[BleakGATTService]) -> list[BleakGATTCharacteristic]:
    """The characteristics of that UUID in the services of that UUID, or in any service; a table may have several."""
    return [
        characteristic
        for service in sorted(services, key=_handle)
        if service_uuid in (None, service.uuid)
        for characteristic in sorted(service.characteristics, key=_handle)
        if characteristic.uuid == uuid
    ]


def ambiguous(
    wanted: Mapping[str, Characteristic],
    found: Mapping[str, BleakGATTCharacteristic],
    services: Iterable[BleakGATTService],
) -> list[str]:
    """For each that is written and of which the table has several that could be meant, a sentence that says so."""
    services = tuple(services)
    said = []
    for role, chosen in found.items():
        one = wanted[role]
        service = next((service for service, uuid in one.candidates if uuid == chosen.uuid), None)
        alike = [each for each in all_of(service, chosen.uuid, services) if one.fits(each.properties)]
        if one.write and len(alike) > 1:
            said.append(
                f"{len(alike)} characteristics {chosen.uuid} could be {role!r}, and the first one is taken: the one in "
                f"service {chosen.service_uuid}, handle {chosen.handle}"
            )
    return said


def _firsts(
    wanted: Mapping[str, Characteristic], services: Iterable[BleakGATTService]
) -> dict[str, BleakGATTCharacteristic]:
    for service in services:
        if service.uuid in NOT_THE_MAKERS:
            continue
        there_are = sorted(service.characteristics, key=_handle)
        fits = {
            role: next((there for there in there_are if one.fits(there.properties)), None)
            for role, one in wanted.items()
        }
        found = {role: there for role, there in fits.items() if there is not None}
        if wanted and len(found) == len(wanted):
            return found
    return {}
