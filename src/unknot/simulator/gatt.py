"""The GATT table of a profile, as plain data and as bleak's objects; used by the simulated clients and by the server.

Plain data goes over a socket as JSON; a characteristic is called by its name in the profile at both ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, cast

from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection

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


SERVICE = "b0a7f001-6b1e-4f3d-9c58-7e2d41a90f36"
CHARACTERISTIC = "b0a7f{number:03x}-6b1e-4f3d-9c58-7e2d41a90f36"
"""The UUIDs of a characteristic for which a profile names none, because the first that fits will do (made up)."""


def rows(profile: FirmwareProfile) -> list[Row]:
    """The GATT table of a profile as plain data, in the profile's order; what tells its variant comes last."""
    # Not above: a guard that only needs the table's other form must be ready soon.
    from unknot.profiles.fields import BASE_SUFFIX
    from unknot.profiles.variant import device_information

    table = []
    for number, (role, one) in enumerate(profile.gatt.items()):
        service, uuid = (one.candidates or ((None, CHARACTERISTIC.format(number=number + 2)),))[0]
        properties = cast("Any", list(one.properties))
        table.append(Row(role=role, service=service or SERVICE, characteristic=uuid, properties=properties))
    there = {row["characteristic"] for row in table}
    own = table[0]["service"] if table else SERVICE
    wanted = profile.variant.characteristics if profile.variant is not None else ()
    further = [(own, uuid) for uuid in wanted if uuid not in there]
    further += [(f"0000180a{BASE_SUFFIX}", uuid) for uuid in device_information(profile)]
    table += [Row(role=uuid, service=service, characteristic=uuid, properties=["read"]) for service, uuid in further]
    return table


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
