"""Builds a device's table from the answers to an app that discovers it; used by `unknot.learning.hci`.

The answers are those of the Bluetooth Core specification, Vol 3, Part F, 3.4.3 and 3.4.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unknot.learning.gatt import ATTRIBUTES_MOST, NAMES
from unknot.profiles.fields import BASE_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unknot.learning.gatt import Device

_FIND_INFORMATION, _FIND_BY_VALUE, _READ_BY_TYPE, _READ_BY_GROUP = 0x05, 0x07, 0x09, 0x11
_PRIMARY, _CHARACTERISTIC = b"\x00\x28", b"\x03\x28"
_TEXT_MOST = 64
"""Bytes of a text that a device says about itself (judgement)."""


def full(uuid: bytes) -> str:
    """A UUID as the files write it, from its bytes on the air; empty if they are none."""
    if len(uuid) == 2:
        return f"0000{uuid[1]:02x}{uuid[0]:02x}{BASE_SUFFIX}"
    if len(uuid) != 16:
        return ""
    digits = uuid[::-1].hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def text(data: bytes) -> str:
    """A text from the air, as far as it is one."""
    return data[:_TEXT_MOST].rstrip(b"\0").decode(errors="replace")


class Discovery:
    """Understands the answers of one connection."""

    __slots__ = ()

    def read(self, device: Device, handle: int, value: bytes) -> None:
        """A value was read; some say who the device is."""
        about = NAMES.get(device.attribute(handle).uuid)
        if about is not None:
            device.about[about] = text(value)

    def answer(self, device: Device, opcode: int, asked: bytes, pdu: bytes) -> None:
        """An answer to a question whose body is given, too."""
        if opcode == _READ_BY_GROUP and asked[4:] == _PRIMARY:
            for row in _rows(pdu, 6):
                _service(device, _u16(row, 0), _u16(row, 2), full(row[4:]))
        elif opcode == _FIND_BY_VALUE and asked[4:6] == _PRIMARY:
            for at in range(1, len(pdu) - 3, 4):
                _service(device, _u16(pdu, at), _u16(pdu, at + 2), full(asked[6:]))
        elif opcode == _READ_BY_TYPE:
            for row in _rows(pdu, 2):
                _by_type(device, asked[4:], row)
        elif opcode == _FIND_INFORMATION and len(pdu) > 2:
            size = 2 + (2 if pdu[1] == 1 else 16)
            for at in range(2, len(pdu) - size + 1, size):
                one = device.attribute(_u16(pdu, at))
                one.uuid = one.uuid or full(pdu[at + 2 : at + size])


def _u16(data: bytes, at: int) -> int:
    return data[at] | data[at + 1] << 8


def _rows(pdu: bytes, least: int) -> Iterator[bytes]:
    """The rows of an answer that says in its second byte how long each of them is."""
    size = pdu[1] if len(pdu) > 1 else 0
    if size >= least:
        for at in range(2, len(pdu) - size + 1, size):
            yield pdu[at : at + size]


def _service(device: Device, low: int, high: int, uuid: str) -> None:
    if uuid and (low, high, uuid) not in device.ranges and len(device.ranges) < ATTRIBUTES_MOST:
        device.ranges.append((low, high, uuid))


def _by_type(device: Device, kind: bytes, row: bytes) -> None:
    """What stands in an attribute of this type: a declaration, or a text about the device."""
    if kind == _CHARACTERISTIC:
        _characteristic(device, row)
    elif (uuid := full(kind)) in NAMES:
        device.about[NAMES[uuid]] = text(row[2:])


def _characteristic(device: Device, row: bytes) -> None:
    if len(row) in (7, 21):
        one = device.attribute(_u16(row, 3))
        one.properties = row[2]
        one.uuid = full(row[5:])
