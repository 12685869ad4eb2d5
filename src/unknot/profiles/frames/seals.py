"""The parts of a frame that speak of its other bytes: lengths and checks; sealed when all else is packed."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from unknot.errors import FrameMismatch, FrameValueError, SealMismatch
from unknot.profiles.frames.numbers import Number
from unknot.profiles.frames.parts import Part, Span, Value, ends_inside

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unknot.profiles.frames.checks import Algorithm


@dataclass(frozen=True, slots=True)
class Range:
    """Which bytes of a frame are meant; possibly none, where it begins with a part of open width.

    Attributes:
        first: index of the first.
        last: index of the last; if negative, counted from the end of the frame, where -1 is the last byte; None
            reaches up to the check where the check comes later, and to the end of the frame where it comes first.
    """

    first: int
    last: int | None

    def end(self, at: int, length: int) -> int:
        """The index after the last byte, for a check at ``at`` in a frame of ``length`` bytes."""
        last = self.last
        if last is None:
            return at if self.first <= at else length
        return last + 1 if last >= 0 else length + last + 1


class Seal(Part):
    """A part that is computed from the frame's other bytes."""

    __slots__ = ()

    name: str
    range: Range

    def pack(self, values: Mapping[str, Value], into: bytearray) -> None:  # noqa: ARG002 - one signature for all parts
        """Room for the value."""
        into += bytes(self.least)

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:  # noqa: ARG002
        """Pass over the value; it is verified when the whole frame is known to be there."""
        end = at + self.least
        if end > len(data):
            raise ends_inside(data, self.name)
        return end

    @abstractmethod
    def seal(self, data: bytearray, at: int) -> None:
        """Write the value at ``at``. Raises `FrameValueError`."""

    @abstractmethod
    def verify(self, data: bytes, at: int) -> None:
        """Compare the value at ``at``. Raises `SealMismatch`."""


@dataclass(frozen=True, slots=True)
class Length(Seal):
    """The number of bytes in a range, with a constant added.

    Attributes:
        number: how it is written.
        range: which bytes are counted.
        plus: the constant.
        lenient: whether any value is taken when it is read.
    """

    name: str
    number: Number
    range: Range
    plus: int
    lenient: bool

    @property
    def least(self) -> int:
        """As many as the number takes."""
        return self.number.least

    def seal(self, data: bytearray, at: int) -> None:
        """Write the number; one that does not fit is refused."""
        data[at : at + self.least] = self.number.encode(self._count(at, len(data)))

    def verify(self, data: bytes, at: int) -> None:
        """Compare the number."""
        if self.lenient:
            return
        read: dict[str, Value] = {}
        self.number.unpack(data, at, read)
        count = self._count(at, len(data))
        if read[self.name] != count:
            raise SealMismatch(f"{self.name} at byte {at} is {read[self.name]}, not {count}", at, self._written(count))

    def explain(self, what: str, data: bytes, at: int) -> list[Span]:
        """The number as it stands there; None if a lenient one is no number at all."""
        read: dict[str, Value] = {}
        try:
            self.number.unpack(data, at, read)
        except FrameMismatch:
            read.clear()
        return [Span(at, at + self.least, what, read.get(self.name))]

    def _written(self, count: int) -> bytes:
        """The bytes of a number; none if it does not fit."""
        try:
            return self.number.encode(count)
        except FrameValueError:
            return b""

    def _count(self, at: int, length: int) -> int:
        return self.range.end(at, length) - self.range.first + self.plus


@dataclass(frozen=True, slots=True)
class Check(Seal):
    """A check value over a range of the frame's bytes.

    Attributes:
        algorithm: how it is computed.
        range: over which bytes.
        order: in which order its own bytes stand.
        lenient: whether the other order is taken too when it is read.
        plus: what is added to a value of one byte.
        xor: what a value of one byte is combined with, exclusively.
    """

    name: str
    algorithm: Algorithm
    range: Range
    order: Literal["little", "big"]
    lenient: bool = False
    plus: int = 0
    xor: int = 0

    @property
    def least(self) -> int:
        """As many as the algorithm's values have."""
        return self.algorithm.size

    def seal(self, data: bytearray, at: int) -> None:
        """Write the value."""
        data[at : at + self.algorithm.size] = self._value(data, at)

    def verify(self, data: bytes, at: int) -> None:
        """Compare the value."""
        found = data[at : at + self.algorithm.size]
        value = self._value(data, at)
        if found != value and not (self.lenient and found == value[::-1]):
            raise SealMismatch(f"{self.name} at byte {at} is wrong", at, value)

    def explain(self, what: str, data: bytes, at: int) -> list[Span]:
        """The value as it stands there."""
        end = at + self.algorithm.size
        return [Span(at, end, what, int.from_bytes(data[at:end], self.order))]

    def _value(self, data: bytes | bytearray, at: int) -> bytes:
        algorithm = self.algorithm
        value = algorithm.compute(bytes(data[self.range.first : self.range.end(at, len(data))]))
        if algorithm.size == 1:
            value = (value + self.plus & 0xFF) ^ self.xor
        return value.to_bytes(algorithm.size, self.order)
