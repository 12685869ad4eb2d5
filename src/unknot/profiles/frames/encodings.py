"""Encodings around parts of a frame: base64, hex digits, and the escaping of SLIP and PPP.

`template` puts them together. A group ends where its alphabet ends, or at the end of the frame.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import unhexlify
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unknot.errors import FrameMismatch
from unknot.profiles.frames.parts import MAX_BYTES, Part, Span, Value, keep

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unknot.profiles.frames.body import Body

# RFC 1055: END stands between frames, ESC ESC_END for it inside one, and ESC ESC_ESC for ESC.
_END, _ESC, _ESC_END, _ESC_ESC = b"\xc0", b"\xdb", b"\xdb\xdc", b"\xdb\xdd"
_SLIP_ESCAPED = {_ESC_END: _END, _ESC_ESC: _ESC}
_SLIP_ESCAPES = re.compile(rb"\xdb.?", re.DOTALL)

# RFC 1662, 4.2: 7E stands between frames; 7D comes before a byte whose bit 5 is turned over.
_PPP_ESCAPED = re.compile(rb"[\x7d\x7e]")
_PPP_ESCAPES = re.compile(rb"\x7d(.?)", re.DOTALL)
_PPP_BIT = 0x20


def _hex(data: bytes) -> bytes:
    return data.hex().upper().encode()


def _unbase64(data: bytes) -> bytes:
    return b64decode(data, validate=True)


def _slip(data: bytes) -> bytes:
    return data.replace(_ESC, _ESC_ESC).replace(_END, _ESC_END)


def _slip_escaped(escape: re.Match[bytes]) -> bytes:
    if escape[0] not in _SLIP_ESCAPED:
        raise ValueError(escape[0])
    return _SLIP_ESCAPED[escape[0]]


def _unslip(data: bytes) -> bytes:
    return _SLIP_ESCAPES.sub(_slip_escaped, data)


def _ppp(data: bytes) -> bytes:
    return _PPP_ESCAPED.sub(lambda byte: bytes([0x7D, byte[0][0] ^ _PPP_BIT]), data)


def _ppp_escaped(escape: re.Match[bytes]) -> bytes:
    if not escape[1]:
        raise ValueError(escape[0])
    return bytes([escape[1][0] ^ _PPP_BIT])


def _unppp(data: bytes) -> bytes:
    return _PPP_ESCAPES.sub(_ppp_escaped, data)


@dataclass(frozen=True, slots=True)
class Encoding:
    """One way to write bytes with other bytes.

    Attributes:
        name: its name in a template.
        encode: from bytes to how they are written.
        decode: back; raises ValueError for what was never written so.
        alphabet: the bytes that it writes with, as many as stand side by side.
        unit: so many bytes at a time are encoded by themselves.
        least: the fewest bytes that so many bytes become.
        most: the most.
    """

    name: str
    encode: Callable[[bytes], bytes]
    decode: Callable[[bytes], bytes]
    alphabet: re.Pattern[bytes]
    unit: int
    least: Callable[[int], int]
    most: Callable[[int], int]

    def end(self, data: bytes, at: int) -> int:
        """The index of the first byte from ``at`` on that is not of the alphabet."""
        run = self.alphabet.match(data, at)
        return run.end() if run else at

    def writes(self, byte: int) -> bool:
        """Whether the byte is of the alphabet."""
        return self.end(bytes([byte]), 0) == 1


def _base64_size(size: int) -> int:
    return (size + 2) // 3 * 4


def _doubled(size: int) -> int:
    return 2 * size


def _same(size: int) -> int:
    return size


ENCODINGS = {
    encoding.name: encoding
    for encoding in (
        Encoding("base64", b64encode, _unbase64, re.compile(rb"[A-Za-z0-9+/=]*"), 3, _base64_size, _base64_size),
        Encoding("hex", _hex, unhexlify, re.compile(rb"[0-9A-Fa-f]*"), 1, _doubled, _doubled),
        Encoding("slip", _slip, _unslip, re.compile(rb"[^\xc0]*"), 1, _same, _doubled),
        Encoding("ppp", _ppp, _unppp, re.compile(rb"[^\x7e]*"), 1, _same, _doubled),
    )
}
"""Every encoding by the name that a frame template uses."""


@dataclass(frozen=True, slots=True)
class Encoded(Part):
    """A whole frame of its own, encoded."""

    encoding: Encoding
    body: Body

    @property
    def least(self) -> int:
        """The fewest bytes that the shortest frame inside becomes."""
        return self.encoding.least(self.body.least)

    @property
    def most(self) -> int:
        """The most bytes that the longest frame inside becomes."""
        return min(self.encoding.most(self.body.most), MAX_BYTES)

    def pack(self, values: Mapping[str, Value], into: bytearray) -> None:
        """The frame inside, sealed and then encoded."""
        into += self.encoding.encode(self.body.pack(values))

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:
        """Decode, and read the frame inside."""
        decoded, end = self._decoded(data, at)
        try:
            read = self.body.unpack(decoded)
        except FrameMismatch as cause:
            inside = cause.at or 0
            before = decoded[: inside - inside % self.encoding.unit]
            place = at + len(self.encoding.encode(before))
            raise FrameMismatch(f"{self.encoding.name} at byte {at}: inside, {cause}", place) from None
        for name, value in read.items():
            keep(values, name, value, at)
        return end

    def explain(self, what: str, data: bytes, at: int) -> list[Span]:  # noqa: ARG002 - one signature for all parts
        """What stands inside, each over the whole group."""
        decoded, end = self._decoded(data, at)
        return [Span(at, end, inside.what, inside.value) for inside in self.body.explain(decoded)]

    def _decoded(self, data: bytes, at: int) -> tuple[bytes, int]:
        end = self.encoding.end(data, at)
        try:
            return self.encoding.decode(data[at:end]), end
        except ValueError:
            raise FrameMismatch(f"byte {at}: no {self.encoding.name}", at) from None
