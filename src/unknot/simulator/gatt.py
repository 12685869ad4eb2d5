"""The GATT table of a profile, as plain data and as bleak's objects; used by the simulated clients and by the server.

Plain data goes over a socket as JSON; a characteristic is called by its name in the profile at both ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection

from unknot.profiles.model import Characteristic, WriteKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bleak.assigned_numbers import CharacteristicPropertyName

    from unknot.profiles.model import FirmwareProfile

MTU = 247
"""Bytes; what most phones and adapters agree on."""

ATT_HEADER = 3
"""Bytes of opcode and handle in front of a written value (Bluetooth Core, Vol 3, Part F, 3.4.5)."""


class Row(TypedDict):
    """One characteristic: its name in the profile, the UUIDs, and what may be done with it."""

    role: str
    service: str
    characteristic: str
    properties: list[CharacteristicPropertyName]


def rows(profile: FirmwareProfile) -> list[Row]:
    """The GATT table of a profile as plain data, in the profile's order."""
    return [
        Row(role=role, service=one.service, characteristic=one.characteristic, properties=_properties(one))
        for role, one in profile.gatt.items()
    ]


def collection(table: Sequence[Row]) -> BleakGATTServiceCollection:
    """The same table in bleak's objects; ``obj`` of a characteristic is its name in the profile."""
    services = BleakGATTServiceCollection()
    known: dict[str, BleakGATTService] = {}
    handle = 1
    for row in table:
        if row["service"] not in known:
            known[row["service"]] = BleakGATTService(row["service"], handle, row["service"])
            services.add_service(known[row["service"]])
            handle += 1
        # A characteristic's declaration and its value take a handle each.
        services.add_characteristic(
            BleakGATTCharacteristic(
                row["role"],
                handle,
                row["characteristic"],
                row["properties"],
                lambda: MTU - ATT_HEADER,
                known[row["service"]],
            )
        )
        handle += 2
    return services


def _properties(characteristic: Characteristic) -> list[CharacteristicPropertyName]:
    properties: list[CharacteristicPropertyName] = []
    if characteristic.read:
        properties.append("read")
    if WriteKind.REQUEST in characteristic.write:
        properties.append("write")
    if WriteKind.COMMAND in characteristic.write:
        properties.append("write-without-response")
    if characteristic.notify:
        properties.append("notify")
    return properties
