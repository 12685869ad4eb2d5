"""Reads btsnoop: Android's Bluetooth log, and what ``btmon -w`` writes; used by `unknot.learning.capture`.

The format is that of RFC 1761 with its own data links; all numbers are big endian. A record is 24 bytes of header and
the packet.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from unknot.learning.packets import ACL, CHUNK, COMMAND, EVENT, MONITOR_KINDS, RECORD_MOST, Packet, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"btsnoop\0"
HEADER = struct.Struct(">8sII")
"""Magic, version, data link."""

UNENCAPSULATED, H4, MONITOR = 1001, 1002, 2001
"""The data links that carry what we need: bare packets, packets with their kind in front, Linux's monitor."""

OTHERS = {1003: "BCSP", 1004: "a three-wire serial line", 2002: "Linux's simulator"}
"""Data links that do not, in words."""

_RECORD = struct.Struct(">IIIIq")
"""Original length, included length, flags, drops, microseconds."""

_RECEIVED, _COMMAND_OR_EVENT = 1, 2
"""Bits of the flags."""


def packets(source: Source, link: int) -> Iterator[Packet]:
    """The packets of a recording with one of the three data links, in order; what is no packet is left out."""
    for time, flags, content in _records(source):
        if link == H4:
            kind = content[0] if content else 0
            if kind in (ACL, EVENT, COMMAND):
                yield time, kind, not flags & _RECEIVED, 0, content[1:]
        elif link == MONITOR:
            meaning = MONITOR_KINDS.get(flags & 0xFFFF)
            if meaning is not None:
                yield time, *meaning, flags >> 16, content
        else:
            received = flags & _RECEIVED
            kind = (EVENT if received else COMMAND) if flags & _COMMAND_OR_EVENT else ACL
            yield time, kind, not received, 0, content


def _records(source: Source) -> Iterator[tuple[float, int, bytes]]:
    """Seconds, flags and content of each whole record."""
    stream, base, flaws = source
    unpack, size = _RECORD.unpack_from, _RECORD.size
    data, at = b"", 0
    while chunk := stream.read(CHUNK):
        data = data[at:] + chunk
        base, at = base + at, 0
        whole = len(data) - size
        while at <= whole:
            original, included, flags, _, microseconds = unpack(data, at)
            end = at + size + included
            if included > RECORD_MOST:
                flaws.broken(base + at, f"a record of {included} bytes")
                return
            if end > whole + size:
                break
            if included == original:
                yield microseconds / 1e6, flags, data[at + size : end]
            else:
                flaws.cut += 1
            at = end
    if at < len(data):
        flaws.broken(base + at, "the beginning of a record, and the end of the file inside it")
