"""Reads what Apple's PacketLogger saves (.pklg), on a Mac that an iPhone is connected with; used by `capture`.

The file has no header. A record is length, seconds, microseconds, a kind and the packet; older ones are big endian.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from unknot.learning.packets import ACL, CHUNK, COMMAND, EVENT, RECORD_MOST, Packet, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS: dict[int, tuple[int, bool]] = {0: (COMMAND, True), 1: (EVENT, False), 2: (ACL, True), 3: (ACL, False)}
_OTHERS = frozenset({8, 9, 10, 11, 12, 13, *range(0xF0, 0x100)})
"""Kinds that carry voice, or words of the program."""

_LENGTH_BYTES, _TIME_BYTES = 4, 8
HEAD_BYTES = _LENGTH_BYTES + _TIME_BYTES + 1
"""Bytes of a record before its packet."""


def order(head: bytes) -> str | None:
    """The byte order of a file that begins so; None if it is none of PacketLogger's."""
    if len(head) < HEAD_BYTES or head[HEAD_BYTES - 1] not in _KINDS.keys() | _OTHERS:
        return None
    for one in ("<", ">"):
        length, _, microseconds = struct.unpack_from(one + "III", head)
        if _TIME_BYTES < length <= RECORD_MOST and microseconds < 1_000_000:
            return one
    return None


def packets(source: Source, byte_order: str) -> Iterator[Packet]:
    """The packets of a recording, from its very first byte on."""
    record = struct.Struct(byte_order + "IIIB")
    stream, base, flaws = source
    data, at = b"", 0
    while chunk := stream.read(CHUNK):
        data = data[at:] + chunk
        base, at = base + at, 0
        while at + HEAD_BYTES <= len(data):
            length, seconds, microseconds, kind = record.unpack_from(data, at)
            if not _TIME_BYTES < length <= RECORD_MOST:
                flaws.broken(base + at, f"a record of {length} bytes")
                return
            end = at + _LENGTH_BYTES + length
            if end > len(data):
                break
            if kind in _KINDS:
                yield seconds + microseconds / 1e6, *_KINDS[kind], 0, data[at + HEAD_BYTES : end]
            at = end
    if at < len(data):
        flaws.broken(base + at, "the beginning of a record, and the end of the file inside it")
