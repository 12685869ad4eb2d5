"""What all parts of a frame share, and the parts that are fixed or of no interest; used by the template's parser.

Every part can write itself and read itself. A part that does not know its place alone (padding, a part of open width)
was told all it needs when the template was compiled, so that packing and unpacking only run through the parts once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unknot.errors import FrameMismatch, FrameValueError

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = int | str
"""What stands in a slot on the wire: an integer, or text (raw bytes are text in hex: "DE AD")."""

MAX_BYTES = 512
"""The longest value of a GATT characteristic in bytes (Bluetooth Core, Vol 3, Part F, 3.2.9)."""

_SHOWN = 10**40
"""Integers from here on are not written out in an error: Python refuses to, for some."""


@dataclass(frozen=True, slots=True)
class Span:
    """What a part of a frame was found to be.

    Attributes:
        start: index of its first byte.
        end: index after its last byte.
        what: the part as it is written in the template.
        value: what stands there, or None for bytes that say nothing by themselves.
    """

    start: int
    end: int
    what: str
    value: Value | None


class Part(ABC):
    """One part of a frame.

    Attributes:
        least: the fewest bytes that it takes.
        most: the most bytes that it takes; `MAX_BYTES` where only the frame's end bounds it.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def least(self) -> int:
        """The fewest bytes that it takes."""

    @property
    def most(self) -> int:
        """The most bytes that it takes."""
        return self.least

    @abstractmethod
    def pack(self, values: Mapping[str, Value], into: bytearray) -> None:
        """Append the bytes of this part. Raises `FrameValueError`."""

    @abstractmethod
    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:
        """Read this part at ``at`` into ``values``; the index after it. Raises `FrameMismatch`."""

    def explain(self, what: str, data: bytes, at: int) -> list[Span]:
        """What stands at ``at``, where `unpack` has read it before."""
        read: dict[str, Value] = {}
        end = self.unpack(data, at, read)
        return [Span(at, end, what, next(iter(read.values()), None))]


def misfit(slot: str, value: object, allowed: str) -> FrameValueError:
    """The error for a value that does not fit its slot."""
    shown = "an integer of very many digits" if isinstance(value, int) and abs(value) >= _SHOWN else value
    return FrameValueError(slot, shown, allowed)


def too_short(data: bytes, least: int) -> FrameMismatch:
    """The error for fewer bytes than a part needs, with all that stands before it."""
    return FrameMismatch(f"{len(data)} bytes, at least {least} expected", len(data))


def ends_inside(data: bytes, what: str) -> FrameMismatch:
    """The error for bytes that end too soon."""
    return FrameMismatch(f"the bytes end inside {what}", len(data))


def keep(values: dict[str, Value], name: str, value: Value, at: int) -> None:
    """Put down what was read for a slot; a name that stands several times must say the same each time."""
    known = values.setdefault(name, value)
    if known != value:
        raise FrameMismatch(f"byte {at}: {name} is {value!r}, but {known!r} before", at)


@dataclass(frozen=True, slots=True)
class Fixed(Part):
    """Bytes that are always the same."""

    content: bytes

    @property
    def least(self) -> int:
        """As many as there are."""
        return len(self.content)

    def pack(self, values: Mapping[str, Value], into: bytearray) -> None:  # noqa: ARG002 - one signature for all parts
        """The bytes themselves."""
        into += self.content

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:  # noqa: ARG002
        """Compare."""
        content = self.content
        if data.startswith(content, at):
            return at + len(content)
        shown = content.hex(" ").upper()
        for index, byte in enumerate(content, at):
            if index >= len(data):
                break
            if data[index] != byte:
                raise FrameMismatch(f"byte {index} is {data[index]:02X}, but {byte:02X} is fixed there", index)
        raise ends_inside(data, shown)


@dataclass(frozen=True, slots=True)
class Skip(Part):
    """A number of bytes of no interest."""

    content: bytes

    @property
    def least(self) -> int:
        """As many as are sent."""
        return len(self.content)

    def pack(self, values: Mapping[str, Value], into: bytearray) -> None:  # noqa: ARG002
        """Zeros, or what the template names."""
        into += self.content

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:  # noqa: ARG002
        """Pass over them."""
        end = at + len(self.content)
        if end > len(data):
            raise too_short(data, end)
        return end


@dataclass(frozen=True, slots=True)
class Pad(Part):
    """Bytes that fill the frame up to a length; whatever stands there is read over."""

    upto: int
    fill: bytes
    what: str

    @property
    def least(self) -> int:
        """None, where the frame has that length already."""
        return 0

    @property
    def most(self) -> int:
        """The whole length."""
        return self.upto

    def pack(self, values: Mapping[str, Value], into: bytearray) -> None:  # noqa: ARG002
        """Fill up; a frame that is longer already is refused."""
        if len(into) > self.upto:
            raise misfit(self.what, len(into), f"at most {self.upto} bytes before it")
        into += self.fill * (self.upto - len(into))

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:  # noqa: ARG002
        """Pass over them."""
        if at > self.upto:
            raise FrameMismatch(f"{at} bytes before {self.what}", self.upto)
        if self.upto > len(data):
            raise too_short(data, self.upto)
        return self.upto


class Open(Part):
    """A part of open width: it reaches up to a tail of fixed size, or to the end of the frame.

    Attributes:
        tail: how many bytes follow it.
    """

    __slots__ = ()

    tail: int

    @abstractmethod
    def before(self, tail: int) -> Open:
        """The same part with this number of bytes after it."""

    @property
    def least(self) -> int:
        """Possibly none."""
        return 0

    @property
    def most(self) -> int:
        """Only the frame's end bounds it."""
        return MAX_BYTES

    def end(self, data: bytes, at: int) -> int:
        """The index after it; refused where not even the tail is there."""
        end = len(data) - self.tail
        if end < at:
            raise too_short(data, at + self.tail)
        return end


@dataclass(frozen=True, slots=True)
class Rest(Open):
    """Any number of bytes of no interest; none are sent."""

    tail: int = 0

    def before(self, tail: int) -> Rest:
        """The same with a tail."""
        return Rest(tail)

    def pack(self, values: Mapping[str, Value], into: bytearray) -> None:
        """Nothing."""

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:  # noqa: ARG002
        """Pass over them."""
        return self.end(data, at)
