"""Reads advertisements: who a device is, before anybody connects to it; used by `unknot.learning.hci`.

Reports as in the Bluetooth Core specification, Vol 4, Part E, 7.7.65.2 and 7.7.65.13; fields as in its supplement.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from unknot.learning.attributes import full, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unknot.learning.gatt import Device

_SOME_SHORT, _ALL_SHORT, _SOME_LONG, _ALL_LONG = 0x02, 0x03, 0x06, 0x07
_SHORT_NAME, _WHOLE_NAME, _MANUFACTURER = 0x08, 0x09, 0xFF
_SERVICES_MOST = 16
"""Services that are kept of one device's advertisements (judgement)."""


_COMPANIES_MOST = 4
"""Companies whose data are kept of one device's advertisements (judgement)."""


def address(data: bytes) -> str:
    """An address as people write it."""
    return data[::-1].hex(":").upper()


def reports(event: bytes, is_long: bool) -> Iterator[tuple[bytes, bytes]]:  # noqa: FBT001 - the event's own kind
    """Address and fields of each report of an event; one that is cut short is left out."""
    at = 4
    for _ in range(event[3]):
        if is_long:
            who, size, start = at + 3, at + 23, at + 24
        else:
            who, size, start = at + 2, at + 8, at + 9
        if size >= len(event) or start + event[size] > len(event):
            return
        yield event[who : who + 6], event[start : start + event[size]]
        at = start + event[size] + (not is_long)


def take(device: Device, fields: bytes) -> None:
    """Let a device know what its advertisement says."""
    at = 0
    services = list(device.services)
    while at + 1 < len(fields) and fields[at]:
        kind, content = fields[at + 1], fields[at + 2 : at + 1 + fields[at]]
        if kind == _WHOLE_NAME or (kind == _SHORT_NAME and not device.name):
            device.name = text(content) or device.name
        elif kind in (_SOME_SHORT, _ALL_SHORT, _SOME_LONG, _ALL_LONG):
            size = 2 if kind in (_SOME_SHORT, _ALL_SHORT) else 16
            services += [full(content[index : index + size]) for index in range(0, len(content) - size + 1, size)]
        elif kind == _MANUFACTURER and len(content) >= 2:
            company, data = content[0] | content[1] << 8, content[2:]
            if company in device.manufacturer or len(device.manufacturer) < _COMPANIES_MOST:
                known = device.manufacturer.get(company, data)
                same = takewhile(lambda pair: pair[0] == pair[1], zip(known, data, strict=False))
                device.manufacturer[company] = bytes(byte for byte, _ in same)
        at += 1 + fields[at]
    device.services = tuple(dict.fromkeys(services))[:_SERVICES_MOST]
