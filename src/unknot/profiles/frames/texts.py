"""The parts of a frame that hold text and raw bytes; put together by `template`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unknot.errors import FrameMismatch
from unknot.profiles.frames.parts import MAX_BYTES, Open, Part, Value, ends_inside, keep, misfit

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUL = b"\x00"


def _utf8(name: str, value: Value | None) -> bytes:
    try:
        if not isinstance(value, str):
            raise ValueError  # noqa: TRY004 - as a text that UTF-8 cannot say
        return value.encode()
    except ValueError:
        raise misfit(name, value, "text") from None


def _text(name: str, data: bytes, at: int, end: int) -> str:
    try:
        return data[at:end].decode()
    except UnicodeDecodeError as cause:
        place = at + cause.start
        raise FrameMismatch(f"byte {place}: {name} is not UTF-8", place) from None


@dataclass(frozen=True, slots=True)
class Text(Open):
    """UTF-8 text up to the tail, or to the end of the frame."""

    name: str
    tail: int = 0

    def before(self, tail: int) -> Text:
        """The same with a tail."""
        return Text(self.name, tail)

    def pack(self, values: Mapping[str, Value], into: bytearray) -> None:
        """The text's bytes."""
        into += _utf8(self.name, values.get(self.name))

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:
        """Read the text."""
        end = self.end(data, at)
        keep(values, self.name, _text(self.name, data, at, end), at)
        return end


@dataclass(frozen=True, slots=True)
class TerminatedText(Part):
    """UTF-8 text up to the first occurrence of the bytes that follow it, which are a part of their own."""

    name: str
    terminator: bytes

    @property
    def least(self) -> int:
        """Possibly none."""
        return 0

    @property
    def most(self) -> int:
        """Only the frame's end bounds it."""
        return MAX_BYTES

    def pack(self, values: Mapping[str, Value], into: bytearray) -> None:
        """The text's bytes; a text that would end too soon is refused."""
        content = _utf8(self.name, values.get(self.name))
        # The text's last bytes and the terminator's first may make up an earlier terminator between them.
        if (content + self.terminator).find(self.terminator) != len(content):
            shown = self.terminator.hex(" ").upper()
            raise misfit(self.name, values.get(self.name), f"text that {shown} does not end too soon")
        into += content

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:
        """Read the text."""
        end = data.find(self.terminator, at)
        if end < 0:
            raise FrameMismatch(f"no {self.terminator.hex(' ').upper()} after {self.name}", len(data))
        keep(values, self.name, _text(self.name, data, at, end), at)
        return end


@dataclass(frozen=True, slots=True)
class CString(Part):
    """UTF-8 text and a 00 that ends it."""

    name: str

    @property
    def least(self) -> int:
        """The 00."""
        return 1

    @property
    def most(self) -> int:
        """Only the frame's end bounds it."""
        return MAX_BYTES

    def pack(self, values: Mapping[str, Value], into: bytearray) -> None:
        """The text's bytes and a 00."""
        content = _utf8(self.name, values.get(self.name))
        if _NUL in content:
            raise misfit(self.name, values.get(self.name), "text without a 00")
        into += content + _NUL

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:
        """Read the text."""
        end = data.find(_NUL, at)
        if end < 0:
            raise FrameMismatch(f"no 00 after {self.name}", len(data))
        keep(values, self.name, _text(self.name, data, at, end), at)
        return end + 1


@dataclass(frozen=True, slots=True)
class PaddedText(Part):
    """UTF-8 text in a fixed number of bytes, filled up with 00."""

    name: str
    size: int

    @property
    def least(self) -> int:
        """Its size."""
        return self.size

    def pack(self, values: Mapping[str, Value], into: bytearray) -> None:
        """The text's bytes and zeros; what is too long is refused, and a 00 at the end, which could not be read."""
        content = _utf8(self.name, values.get(self.name))
        if len(content) > self.size or content.endswith(_NUL):
            raise misfit(self.name, values.get(self.name), f"text of at most {self.size} bytes without a 00 at the end")
        into += content.ljust(self.size, _NUL)

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:
        """Read the text without the zeros."""
        end = at + self.size
        if end > len(data):
            raise ends_inside(data, self.name)
        keep(values, self.name, _text(self.name, data, at, end).rstrip("\x00"), at)
        return end


def _from_hex(name: str, value: Value | None, allowed: str) -> bytes:
    try:
        if not isinstance(value, str):
            raise ValueError  # noqa: TRY004 - as a text that is not hex
        return bytes.fromhex(value)
    except ValueError:
        raise misfit(name, value, allowed) from None


@dataclass(frozen=True, slots=True)
class Raw(Part):
    """A fixed number of raw bytes; their value is text in hex."""

    name: str
    size: int

    @property
    def least(self) -> int:
        """Its size."""
        return self.size

    def pack(self, values: Mapping[str, Value], into: bytearray) -> None:
        """The bytes; another number of them is refused."""
        allowed = f"{self.size} bytes in hex"
        content = _from_hex(self.name, values.get(self.name), allowed)
        if len(content) != self.size:
            raise misfit(self.name, values.get(self.name), allowed)
        into += content

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:
        """Read the bytes."""
        end = at + self.size
        if end > len(data):
            raise ends_inside(data, self.name)
        keep(values, self.name, data[at:end].hex(" ").upper(), at)
        return end


@dataclass(frozen=True, slots=True)
class OpenRaw(Open):
    """Raw bytes up to the tail, or to the end of the frame; their value is text in hex."""

    name: str
    tail: int = 0

    def before(self, tail: int) -> OpenRaw:
        """The same with a tail."""
        return OpenRaw(self.name, tail)

    def pack(self, values: Mapping[str, Value], into: bytearray) -> None:
        """The bytes."""
        into += _from_hex(self.name, values.get(self.name), "bytes in hex")

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:
        """Read the bytes."""
        end = self.end(data, at)
        keep(values, self.name, data[at:end].hex(" ").upper(), at)
        return end
