"""Frames: byte templates that pack values into bytes *and* unpack bytes into values; used by profiles and their codec.

A template is a line of parts, separated by spaces:

=====================  ==========================================================================
``55 AA``              bytes in hex
``'CMD:'``             printable ASCII
``{level:u8}``         an integer: u8 i8, or u16 u24 u32 i16 followed by le or be
``{level:dec}``        ASCII decimal digits; ``dec3`` is exactly three, with leading zeros
``{firmware:text}``    UTF-8 text up to the end of the frame
``{_:3}`` ``{_:..}``   three bytes, or all that follow, of no interest: sent as zeros, or not sent
``{sum8:1..}``         a check value over bytes 1 and following; ``{crc16-xmodem:0..5:be}`` over bytes 0 to 5
=====================  ==========================================================================

A check may stand anywhere. Its range counts bytes from 0, both ends included; an open end reaches up to the check
where the check comes later, and to the end of the frame where it comes first. One template serves both ends of the
wire: what `Frame.pack` writes, `Frame.unpack` reads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from unknot.errors import FrameMismatch, FrameSyntaxError, FrameValueError
from unknot.profiles.checks import ALGORITHMS, Algorithm

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = int | str
"""What stands in a slot on the wire: an integer, or text."""

MAX_BYTES = 512
"""The longest value of a GATT characteristic in bytes (Bluetooth Core, Vol 3, Part F, 3.2.9)."""

_DIGITS = 10
"""ASCII decimals of open width are read up to this many digits: enough for any u32."""

_TOKEN = re.compile(r"\s+|(?P<hex>[0-9A-Fa-f]{2})(?=\s|'|\{|$)|'(?P<ascii>[ -&(-~]+)'|\{(?P<slot>[^{}]*)\}")
_INTEGER = re.compile(r"([ui])(8|16|24|32)(le|be)?")
_DECIMAL = re.compile(r"dec([1-9])?")
_RANGE = re.compile(r"([0-9]{1,3})\.\.([0-9]{1,3})?")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Part(Protocol):
    """One part of a template."""

    def pack(self, values: Mapping[str, Value]) -> bytes:
        """The bytes of this part."""

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:
        """Read this part at ``at`` into ``values``; the index after it. Raises `FrameMismatch`."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Bytes that are always the same."""

    content: bytes

    def pack(self, values: Mapping[str, Value]) -> bytes:  # noqa: ARG002 - one signature for all parts
        """The bytes themselves."""
        return self.content

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:  # noqa: ARG002
        """Compare."""
        end = at + len(self.content)
        if data[at:end] != self.content:
            raise FrameMismatch(f"byte {at} is not {self.content.hex(' ').upper()}")
        return end


@dataclass(frozen=True, slots=True)
class Integer:
    """An integer of a fixed number of bytes."""

    name: str
    size: int
    order: Literal["little", "big"]
    signed: bool

    def pack(self, values: Mapping[str, Value]) -> bytes:
        """The integer's bytes; an overflow is refused."""
        value = values.get(self.name)
        try:
            if not isinstance(value, int):
                raise OverflowError
            return value.to_bytes(self.size, self.order, signed=self.signed)
        except OverflowError:
            bits = 8 * self.size
            low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if self.signed else (0, (1 << bits) - 1)
            raise FrameValueError(self.name, value, f"an integer from {low} to {high}") from None

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:
        """Read the integer."""
        end = at + self.size
        if end > len(data):
            raise FrameMismatch(f"{len(data)} bytes end inside {self.name}")
        values[self.name] = int.from_bytes(data[at:end], self.order, signed=self.signed)
        return end


@dataclass(frozen=True, slots=True)
class Decimal:
    """An integer in ASCII decimal digits, of a fixed width or as many digits as follow."""

    name: str
    width: int | None

    def pack(self, values: Mapping[str, Value]) -> bytes:
        """The digits."""
        value = values.get(self.name)
        digits = f"{value:0{self.width or 1}d}" if isinstance(value, int) and value >= 0 else ""
        if not digits or len(digits) > (self.width or _DIGITS):
            raise FrameValueError(self.name, value, f"an integer of at most {self.width or _DIGITS} digits")
        return digits.encode()

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:
        """Read the digits."""
        end = at
        while end < len(data) and end - at < (self.width or _DIGITS) and 0x30 <= data[end] <= 0x39:
            end += 1
        if end == at or (self.width and end - at != self.width):
            raise FrameMismatch(f"byte {at}: no decimal for {self.name}")
        values[self.name] = int(data[at:end])
        return end


@dataclass(frozen=True, slots=True)
class Text:
    """UTF-8 text up to the end of the frame."""

    name: str

    def pack(self, values: Mapping[str, Value]) -> bytes:
        """The text's bytes."""
        value = values.get(self.name)
        if not isinstance(value, str):
            raise FrameValueError(self.name, value, "text")
        return value.encode()

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:
        """Read the text."""
        try:
            values[self.name] = data[at:].decode()
        except UnicodeDecodeError:
            raise FrameMismatch(f"byte {at}: {self.name} is not UTF-8") from None
        return len(data)


@dataclass(frozen=True, slots=True)
class Skip:
    """Bytes of no interest: a number of them, or all that follow."""

    size: int | None

    def pack(self, values: Mapping[str, Value]) -> bytes:  # noqa: ARG002
        """Zeros."""
        return bytes(self.size or 0)

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:  # noqa: ARG002
        """Pass over them."""
        end = len(data) if self.size is None else at + self.size
        if end > len(data):
            raise FrameMismatch(f"{len(data)} bytes, at least {end} expected")
        return end


@dataclass(frozen=True, slots=True)
class Check:
    """A check value over a range of the frame's bytes; `Frame` seals and verifies it when all bytes are known."""

    name: str
    algorithm: Algorithm
    start: int
    last: int | None
    order: Literal["little", "big"]

    def pack(self, values: Mapping[str, Value]) -> bytes:  # noqa: ARG002
        """Room for the value."""
        return bytes(self.algorithm.size)

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:  # noqa: ARG002
        """Pass over the value."""
        return at + self.algorithm.size

    def value(self, data: bytes | bytearray, at: int) -> bytes:
        """The check's bytes when it stands at ``at`` in ``data``. Raises `FrameMismatch` if the range is not there."""
        end = self._end(at, len(data))
        if not self.start < end <= len(data) or (self.start < at + self.algorithm.size and at < end):
            raise FrameMismatch(f"{self.name} over {self.start}..{end - 1} does not fit {len(data)} bytes")
        return self.algorithm.compute(bytes(data[self.start : end])).to_bytes(self.algorithm.size, self.order)

    def covers(self, index: int, at: int, length: int) -> bool:
        """Whether the byte at ``index`` is in the range when the check stands at ``at`` in ``length`` bytes."""
        return self.start <= index < self._end(at, length)

    def _end(self, at: int, length: int) -> int:
        if self.last is not None:
            return self.last + 1
        return at if self.start < at else length


class Frame:
    """A compiled template.

    Args:
        template: the line of parts.

    Attributes:
        template: the same line.
        slots: the names of all values, in the order of the frame.

    Raises:
        FrameSyntaxError: the template is not in the language, with the place and what may stand there.
    """

    __slots__ = ("_checks", "_parts", "slots", "template")

    def __init__(self, template: str) -> None:
        self.template = template
        self._parts = tuple(_parse(template))
        self._checks = any(isinstance(part, Check) for part in self._parts)
        names = [part.name for part in self._parts if isinstance(part, Integer | Decimal | Text)]
        if len(set(names)) < len(names):
            raise FrameSyntaxError(template, 0, "each name only once")
        self.slots = tuple(names)
        self._prove_ranges()

    def __repr__(self) -> str:
        return f"Frame({self.template!r})"

    def pack(self, values: Mapping[str, Value]) -> bytes:
        """The frame's bytes with these values in its slots.

        Raises:
            FrameValueError: a value is missing, or does not fit its slot.
        """
        if not self._checks:
            return b"".join([part.pack(values) for part in self._parts])
        data = bytearray()
        checks = []
        for part in self._parts:
            if isinstance(part, Check):
                checks.append((len(data), part))
            data += part.pack(values)
        for at, check in checks:
            data[at : at + check.algorithm.size] = check.value(data, at)
        return bytes(data)

    def unpack(self, data: bytes) -> dict[str, Value]:
        """The values in the slots of these bytes.

        Raises:
            FrameMismatch: the bytes are not this frame: too short, too long, another literal, or a wrong check.
        """
        values: dict[str, Value] = {}
        at = 0
        for part in self._parts:
            at = part.unpack(data, at, values)
        if at != len(data):
            raise FrameMismatch(f"{len(data)} bytes, {at} expected")
        if self._checks:
            self._verify(data)
        return values

    def _verify(self, data: bytes) -> None:
        at = 0
        for part in self._parts:
            end = part.unpack(data, at, {})
            if isinstance(part, Check) and data[at:end] != part.value(data, at):
                raise FrameMismatch(f"{part.name} at byte {at} is wrong")
            at = end

    def _prove_ranges(self) -> None:
        """Refuse, while the file is read, a check whose range is not in every frame of this template.

        A range must be there in the shortest frame, must not cover the check itself nor a check that is sealed after
        it, and must not begin behind bytes whose number varies.
        """
        if not self._checks:
            return
        shortest: dict[str, Value] = dict.fromkeys(self.slots, 0)
        shortest.update({part.name: "" for part in self._parts if isinstance(part, Text)})
        place = max(self.template.find(".."), 0)
        try:
            length = len(self.pack(shortest))
        except FrameMismatch as cause:
            raise FrameSyntaxError(self.template, place, f"a range of other bytes of this frame: {cause}") from None
        at, varies, checks = 0, False, []
        for part in self._parts:
            if isinstance(part, Check):
                if varies and part.start >= at:
                    raise FrameSyntaxError(self.template, place, f"a range of {part.name} that begins before it")
                checks.append((at, part))
            at += len(part.pack(shortest))
            varies = varies or (isinstance(part, Decimal) and part.width is None)
        for number, (at, check) in enumerate(checks):
            sealed_later = (later + index for later, one in checks[number + 1 :] for index in range(one.algorithm.size))
            if any(check.covers(index, at, length) for index in sealed_later):
                raise FrameSyntaxError(self.template, place, f"a range of {check.name} without a check that follows it")


def _parse(template: str) -> list[Part]:
    parts: list[Part] = []
    place = 0
    while place < len(template):
        token = _TOKEN.match(template, place)
        if token is None:
            raise FrameSyntaxError(template, place, "hex bytes like 55, ASCII in 'quotes', or a {slot:type}")
        part = _part(template, place, token)
        if part is not None:
            if parts:
                _prove_follows(template, place, parts[-1], part)
            parts.append(part)
        place = token.end()
    if not parts:
        raise FrameSyntaxError(template, 0, "at least one byte")
    return parts


def _part(template: str, place: int, token: re.Match[str]) -> Part | None:
    if token["hex"]:
        return Fixed(bytes.fromhex(token["hex"]))
    if token["ascii"]:
        return Fixed(token["ascii"].encode())
    if token["slot"] is not None:
        return _slot(template, place, token["slot"])
    return None


def _prove_follows(template: str, place: int, before: Part, part: Part) -> None:
    """Refuse a part whose beginning could not be told from what stands before it."""
    if isinstance(before, Text) or (isinstance(before, Skip) and before.size is None):
        raise FrameSyntaxError(template, place, "nothing after a part that reaches to the end")
    if isinstance(before, Decimal) and before.width is None:
        told_apart = isinstance(part, Fixed) and not 0x30 <= part.content[0] <= 0x39
        if not told_apart:
            raise FrameSyntaxError(template, place, "a fixed byte that is no digit, to end the decimal before it")


def _slot(template: str, place: int, slot: str) -> Part:
    name, _, kind = slot.partition(":")
    if name == "_":
        return _skip(template, place, kind)
    if name in ALGORITHMS:
        return _check(template, place, name, kind)
    if not _NAME.fullmatch(name):
        raise FrameSyntaxError(template, place, f"a slot's name in lower case, or one of {', '.join(ALGORITHMS)}")
    if kind == "text":
        return Text(name)
    if match := _DECIMAL.fullmatch(kind):
        return Decimal(name, int(match[1]) if match[1] else None)
    match = _INTEGER.fullmatch(kind)
    if match is None:
        raise FrameSyntaxError(template, place, "u8, i8, u16le, u16be (u24, u32, i16 likewise), dec, dec3 or text")
    size = int(match[2]) // 8
    if (size > 1) != bool(match[3]):
        raise FrameSyntaxError(
            template, place, f"{kind}le or {kind}be" if size > 1 else f"{kind[:2]} without byte order"
        )
    return Integer(name, size, "big" if match[3] == "be" else "little", signed=match[1] == "i")


def _skip(template: str, place: int, kind: str) -> Skip:
    if kind == "..":
        return Skip(None)
    if kind.isascii() and kind.isdigit() and 0 < int(kind) <= MAX_BYTES:
        return Skip(int(kind))
    raise FrameSyntaxError(template, place, "a number of bytes, or .. for all that follow")


def _check(template: str, place: int, name: str, kind: str) -> Check:
    algorithm = ALGORITHMS[name]
    extent, _, order = kind.partition(":")
    match = _RANGE.fullmatch(extent)
    if match is None:
        raise FrameSyntaxError(template, place, f"a range of bytes, such as {{{name}:1..}} or {{{name}:1..4}}")
    if (order in ("le", "be")) != (algorithm.size > 1) or (algorithm.size == 1 and order):
        wanted = (
            f"{{{name}:{extent}:le}} or :be" if algorithm.size > 1 else f"{{{name}:{extent}}}, one byte, no byte order"
        )
        raise FrameSyntaxError(template, place, wanted)
    last = int(match[2]) if match[2] else None
    return Check(name, algorithm, int(match[1]), last, "big" if order == "be" else "little")
