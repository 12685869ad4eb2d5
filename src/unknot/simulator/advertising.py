"""What a simulated ball puts into the bytes of an advertisement and of a scan response; used by the peripheral."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bumble import core, data_types

from unknot.errors import UsageError
from unknot.profiles.fields import BASE_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unknot.simulator.ball import SimulatedBall

ADVERTISING_BYTES = 31
"""What an advertisement holds, and a scan response once more (Bluetooth Core, Vol 6, Part B, 2.3.1)."""

_FLAGS = core.AdvertisingData.Flags.LE_GENERAL_DISCOVERABLE_MODE | core.AdvertisingData.Flags.BR_EDR_NOT_SUPPORTED
_SHORT_BYTES = 2
"""Bytes of a 16-bit UUID."""


def uuid_of(text: str) -> core.UUID:
    """A UUID as short as it can be said."""
    is_short = text.startswith("0000") and text.endswith(BASE_SUFFIX)
    return core.UUID(text[4:8] if is_short else text)


def advertisement(ball: SimulatedBall) -> bytes:
    """What fits of flags, services, company data and name, in this order; the whole name is in the scan response."""
    parts: list[bytes] = [bytes(core.AdvertisingData([data_types.Flags(_FLAGS)]))]
    wanted = [*_service_lists(ball.advertised.services), *_company_data(ball.advertised.manufacturer.items())]
    for part in wanted:
        if sum(map(len, parts)) + len(part) > ADVERTISING_BYTES:
            raise UsageError(
                f"profile {ball.profile.id}: what identifies this ball does not fit into the {ADVERTISING_BYTES} bytes "
                "of an advertisement; simulate it without a radio instead"
            )
        parts.append(part)
    return b"".join(parts) + _name(ball.name, ADVERTISING_BYTES - sum(map(len, parts)))


def _service_lists(services: Iterable[str]) -> list[bytes]:
    uuids = [uuid_of(uuid) for uuid in services]
    short = [uuid for uuid in uuids if len(uuid.to_bytes()) == _SHORT_BYTES]
    long = [uuid for uuid in uuids if uuid not in short]
    lists: list[Any] = []
    if short:
        lists.append(data_types.CompleteListOf16BitServiceUUIDs(short))
    if long:
        lists.append(data_types.CompleteListOf128BitServiceUUIDs(long))
    return [bytes(core.AdvertisingData([one])) for one in lists]


def _company_data(manufacturer: Iterable[tuple[int, bytes]]) -> list[bytes]:
    return [
        bytes(core.AdvertisingData([data_types.ManufacturerSpecificData(company, data)]))
        for company, data in manufacturer
    ]


def scan_response(ball: SimulatedBall) -> bytes:
    """The ball's whole name, or what fits of it."""
    return _name(ball.name, ADVERTISING_BYTES)


def _name(name: str, room: int) -> bytes:
    """A name field of at most that many bytes: the whole name, else what fits of it, marked as shortened."""
    encoded = name.encode()
    left = room - 2  # its length and its type
    if left < 1:
        return b""
    if len(encoded) <= left:
        return _field(core.AdvertisingData.Type.COMPLETE_LOCAL_NAME, encoded)
    return _field(core.AdvertisingData.Type.SHORTENED_LOCAL_NAME, encoded[:left].decode(errors="ignore").encode())


def _field(kind: int, data: bytes) -> bytes:
    return bytes((len(data) + 1, kind)) + data
