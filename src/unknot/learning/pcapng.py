"""Reads pcapng, as Wireshark saves it; used by `unknot.learning.capture`.

A file is a row of blocks; each begins and ends with its length. Packets name the interface that they were recorded on,
and the interface has the link type (IETF draft-ietf-opsawg-pcapng).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unknot.learning import pcap
from unknot.learning.packets import CHUNK, RECORD_MOST, Packet, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAGIC = b"\x0a\x0d\x0d\x0a"
_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _PACKET = 0x0A0D0D0A, 1, 2, 3, 6
_LITTLE, _BIG = b"\x4d\x3c\x2b\x1a", b"\x1a\x2b\x3c\x4d"
_LEAST = 12
"""Bytes of a block without content: its type, its length, and its length again."""

_INTERFACES_MOST = 4096
"""Interfaces of one section (judgement); those after them are not read."""

_RESOLUTION = 9
"""The option of an interface that says how long a tick is."""


@dataclass(slots=True)
class _Section:
    """What the blocks of a section must know of it: its byte order, and link type and tick (s) of each interface."""

    order: str = "<"
    interfaces: list[tuple[int, float]] = field(default_factory=list)


def packets(source: Source, foreign: Callable[[int], None]) -> Iterator[Packet]:
    """The packets of a recording, from its very first byte on.

    Args:
        source: the file.
        foreign: is told the link type of every interface whose packets we cannot read.
    """
    section = _Section()
    for kind, body in _blocks(source, section):
        if kind == _INTERFACE and len(body) >= 8:
            if len(section.interfaces) < _INTERFACES_MOST:
                section.interfaces.append(_interface(section, body))
                if section.interfaces[-1][0] not in pcap.LINKS:
                    foreign(section.interfaces[-1][0])
        elif kind in (_PACKET, _OLD_PACKET, _SIMPLE_PACKET):
            one = _recorded(source, section, kind, body)
            if one is not None:
                yield one


def _interface(section: _Section, body: bytes) -> tuple[int, float]:
    """The link type and the length of a tick (s)."""
    (link,) = struct.unpack_from(section.order + "H", body)
    tick, at = 1e-6, 8
    while at + 4 <= len(body):
        code, size = struct.unpack_from(section.order + "HH", body, at)
        if code == _RESOLUTION and size == 1 and at + 4 < len(body):
            resolution = body[at + 4]
            tick = 2.0 ** -(resolution & 0x7F) if resolution & 0x80 else 10.0 ** -min(resolution, 30)
        at += 4 + (size + 3) // 4 * 4
    return link, tick


def _recorded(source: Source, section: _Section, kind: int, body: bytes) -> Packet | None:
    """The packet in a block, if it has one that matters."""
    high = low = 0
    if kind == _SIMPLE_PACKET:
        if len(body) < 4:
            return None
        number, start = 0, 4
        (original,) = struct.unpack_from(section.order + "I", body)
        included = min(original, len(body) - start)
    else:
        if len(body) < 20:
            return None
        layout = "IIIII" if kind == _PACKET else "HxxIIII"
        number, high, low, included, original = struct.unpack_from(section.order + layout, body)
        start = 20
    if number >= len(section.interfaces) or start + included > len(body):
        return None
    if included < original:
        source.flaws.cut += 1
        return None
    link, tick = section.interfaces[number]
    if link not in pcap.LINKS:
        return None
    return pcap.packet(link, (high << 32 | low) * tick, body[start : start + included])


def _blocks(source: Source, section: _Section) -> Iterator[tuple[int, bytes]]:
    """The type and the content of each whole block; a new section changes the byte order."""
    stream, base, flaws = source
    data, at = b"", 0
    while chunk := stream.read(CHUNK):
        data = data[at:] + chunk
        base, at = base + at, 0
        while at + _LEAST <= len(data):
            if data.startswith(MAGIC, at):
                mark = data[at + 8 : at + 12]
                if mark not in (_LITTLE, _BIG):
                    flaws.broken(base + at, "a section without its byte order")
                    return
                section.order = "<" if mark == _LITTLE else ">"
                section.interfaces.clear()
            kind, length = struct.unpack_from(section.order + "II", data, at)
            if length > RECORD_MOST or length < _LEAST or length % 4:
                flaws.broken(base + at, f"a block of {length} bytes")
                return
            if at + length > len(data):
                break
            if kind != _SECTION:
                yield kind, data[at + 8 : at + length - 4]
            at += length
    if at < len(data):
        flaws.broken(base + at, "the beginning of a block, and the end of the file inside it")
