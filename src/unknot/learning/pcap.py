"""Reads classic pcap files of Bluetooth packets; used by `unknot.learning.capture`.

What stands in front of a packet depends on the link type, and is the same in pcapng.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from unknot.learning.packets import ACL, CHUNK, COMMAND, EVENT, MONITOR_KINDS, RECORD_MOST, Packet, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER_BYTES = 24
MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1e6),
    b"\xa1\xb2\xc3\xd4": (">", 1e6),
    b"\x4d\x3c\xb2\xa1": ("<", 1e9),
    b"\xa1\xb2\x3c\x4d": (">", 1e9),
}
"""Byte order and ticks per second by the first four bytes of the file."""

H4, H4_WITH_DIRECTION, MONITOR = 187, 201, 254
"""The link types that carry what we need (the tcpdump group's registry of link-layer header types)."""

LINKS = frozenset({H4, H4_WITH_DIRECTION, MONITOR})

OTHERS = {
    251: "a sniffer's recording of the radio (LE link layer)",
    256: "a sniffer's recording of the radio (LE link layer with a header)",
    272: "an nRF Sniffer's recording of the radio",
    1: "a recording of a network (Ethernet)",
    105: "a recording of a network (Wi-Fi)",
    113: "a recording of a network",
    189: "a recording of a USB bus",
    220: "a recording of a USB bus",
    249: "a recording of a USB bus",
}
"""Link types that do not, in words."""

_DIRECTION = struct.Struct(">I")
_MONITOR = struct.Struct(">HH")


def packet(link: int, time: float, content: bytes) -> Packet | None:
    """The packet in what was recorded on one of the link types, or None if it is none that matters."""
    if link == MONITOR:
        if len(content) < _MONITOR.size:
            return None
        adapter, opcode = _MONITOR.unpack_from(content)
        meaning = MONITOR_KINDS.get(opcode)
        return None if meaning is None else (time, *meaning, adapter, content[_MONITOR.size :])
    start = _DIRECTION.size if link == H4_WITH_DIRECTION else 0
    if len(content) <= start:
        return None
    kind = content[start]
    if kind not in (ACL, EVENT, COMMAND):
        return None
    sent = content[start - 1] & 1 == 0 if start else None
    return time, kind, sent, 0, content[start + 1 :]


def packets(source: Source, order: str, ticks: float, link: int) -> Iterator[Packet]:
    """The packets of a recording, after its header of `HEADER_BYTES`."""
    record = struct.Struct(order + "IIII")
    stream, base, flaws = source
    size = record.size
    data, at = b"", 0
    while chunk := stream.read(CHUNK):
        data = data[at:] + chunk
        base, at = base + at, 0
        while at + size <= len(data):
            seconds, fraction, included, original = record.unpack_from(data, at)
            end = at + size + included
            if included > RECORD_MOST:
                flaws.broken(base + at, f"a record of {included} bytes")
                return
            if end > len(data):
                break
            if included < original:
                flaws.cut += 1
            elif (one := packet(link, seconds + fraction / ticks, data[at + size : end])) is not None:
                yield one
            at = end
    if at < len(data):
        flaws.broken(base + at, "the beginning of a record, and the end of the file inside it")
