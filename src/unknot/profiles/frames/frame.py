"""Frames: byte templates that pack values into bytes *and* unpack bytes into values; used by profiles and their codec.

A template is a line of parts, separated by spaces:

=========================  ==========================================================================
``55 AA``                  bytes in hex
``'CMD:'``                 printable ASCII
``{level:u8}``             an integer: u8 i8, or u16 to u64 and i16 to i64 followed by le or be
``{level:dec}``            ASCII decimal digits; ``dec3`` is exactly three, with leading zeros
``{level:hex2}``           exactly two ASCII hex digits; 1 to 8
``{firmware:text}``        UTF-8 up to the fixed bytes that follow, to a tail, or to the end of the frame
``{name:text16}``          UTF-8 in exactly 16 bytes, filled up with 00
``{name:cstring}``         UTF-8 and a 00
``{raw:bytes4}``           four raw bytes, as text in hex; ``{raw:bytes}`` any number, up to a tail or to the end
``{on:b1 _:b3 level:b4}``  bits from the most significant on, 8, 16, 24 or 32 together; ``{5:b3 level:b5}`` begins
                           with a fixed 5; big endian, or ``{a:b4 b:b12 le}``
``{0:b1 time[0..6]}``      a slice: bits 0 to 6 of a value whose other bits stand elsewhere
``{_:3}`` ``{_:3:FF}``     three bytes of no interest, sent as 00 or as FF
``{_:..}``                 any number of them, up to a tail or to the end; none are sent
``{_:to20}``               as many as make the frame 20 bytes long; ``{_:to20:FF}`` are sent as FF
``{length:u8:2..}``        the number of bytes in a range; ``{length+2:u16le:0..}`` two more than that
``{sum8:1..}``             a check value over bytes 1 and following; ``{crc16-xmodem:0..5:be}`` over bytes 0 to 5;
                           ``{sum8+55:1..}`` with 55 added, ``{xor8^A5:1..}`` with A5 combined
``base64( 01 {a:u8} )``    a whole frame of its own, encoded: base64, hex, slip (RFC 1055) or ppp (RFC 1662)
=========================  ==========================================================================

A range counts bytes from 0, both ends included; a negative end counts from the end of the frame, where -1 is the last
byte. The open end of a length is the end of the frame. The open end of a check reaches up to the check where the check
comes later, and to the end of the frame where it comes first. ``:lenient`` after a length or a check: another length,
or the other byte order, is taken too when it is read.

A tail is what follows a part of open width; it is of fixed size. Ranges and padding inside an encoding count from the
first byte inside. A name may stand several times: it is packed the same each time, and must be read the same.

One template serves both ends of the wire: what `Frame.pack` writes, `Frame.unpack` reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unknot.profiles.frames.parts import MAX_BYTES, Span, Value
from unknot.profiles.frames.template import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MAX_BYTES", "Frame", "Span", "Value"]


class Frame:
    """A compiled template.

    Args:
        template: the line of parts.

    Attributes:
        template: the same line.
        slots: the names of all values, in the order of the frame, each once.

    Raises:
        FrameSyntaxError: the template is not in the language, with the place and what may stand there.
    """

    __slots__ = ("_body", "slots", "template")

    def __init__(self, template: str) -> None:
        self.template = template
        self._body, self.slots = parse(template)

    def __repr__(self) -> str:
        return f"Frame({self.template!r})"

    def pack(self, values: Mapping[str, Value]) -> bytes:
        """The frame's bytes with these values in its slots.

        Raises:
            FrameValueError: a value is missing, or does not fit its slot.
        """
        return self._body.pack(values)

    def unpack(self, data: bytes) -> dict[str, Value]:
        """The values in the slots of these bytes.

        Raises:
            FrameMismatch: the bytes are not this frame: too short, too long, another literal, or a wrong check.
        """
        return self._body.unpack(data)

    def might_be(self, data: bytes) -> bool:
        """Whether their number and the bytes at the fixed places are this frame's: quick, and no promise."""
        body = self._body
        if not body.least <= len(data) <= body.most:
            return False
        for start, end, content in body.landmarks:
            if data[start:end] != content:
                return False
        for index, mask, value in body.bits:  # noqa: SIM110
            if data[index] & mask != value:
                return False
        return True

    def explain(self, data: bytes) -> tuple[Span, ...]:
        """What stands where in these bytes: one span per part, in order.

        A group of bits has a span per field, and an encoding one per part inside it, each over the whole group.

        Raises:
            FrameMismatch: the bytes are not this frame.
        """
        return tuple(self._body.explain(data))
