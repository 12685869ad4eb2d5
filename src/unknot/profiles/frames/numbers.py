"""The parts of a frame that hold one integer; put together by `template`."""

from __future__ import annotations

import re
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from unknot.errors import FrameMismatch
from unknot.profiles.frames.parts import Part, Value, ends_inside, keep, misfit

if TYPE_CHECKING:
    from collections.abc import Mapping

DIGITS = 10
"""ASCII decimals of open width are read up to this many digits: enough for any u32."""

_RUN_OF_DIGITS = re.compile(rb"[0-9]{1,%d}" % DIGITS)
_HEX_DIGITS = re.compile(rb"[0-9A-Fa-f]*")


class Number(Part):
    """A part that writes one integer."""

    __slots__ = ()

    name: str

    @abstractmethod
    def encode(self, value: Value | None) -> bytes:
        """The integer's bytes; what does not fit is refused with `FrameValueError`."""

    @property
    @abstractmethod
    def greatest(self) -> int:
        """The greatest integer that fits."""


@dataclass(frozen=True, slots=True)
class Integer(Number):
    """An integer of a fixed number of bytes."""

    name: str
    size: int
    order: Literal["little", "big"]
    signed: bool = False

    @property
    def least(self) -> int:
        """Its size."""
        return self.size

    @property
    def greatest(self) -> int:
        """All bits set, but for the sign."""
        return (1 << 8 * self.size - self.signed) - 1

    def encode(self, value: Value | None) -> bytes:
        """The integer's bytes."""
        try:
            if not isinstance(value, int):
                raise OverflowError
            return value.to_bytes(self.size, self.order, signed=self.signed)
        except OverflowError:
            low = -self.greatest - 1 if self.signed else 0
            raise misfit(self.name, value, f"an integer from {low} to {self.greatest}") from None

    def pack(self, values: Mapping[str, Value], into: bytearray) -> None:
        """The integer's bytes; an overflow is refused."""
        into += self.encode(values.get(self.name))

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:
        """Read the integer."""
        end = at + self.size
        if end > len(data):
            raise ends_inside(data, self.name)
        value = int.from_bytes(data[at:end], self.order, signed=self.signed)
        if values.setdefault(self.name, value) != value:
            keep(values, self.name, value, at)
        return end


@dataclass(frozen=True, slots=True)
class Decimal(Number):
    """An integer in ASCII decimal digits, of a fixed width or as many digits as follow."""

    name: str
    width: int | None

    @property
    def least(self) -> int:
        """Its width; one digit at least."""
        return self.width or 1

    @property
    def most(self) -> int:
        """Its width, or the most digits that are read."""
        return self.width or DIGITS

    @property
    def greatest(self) -> int:
        """All digits nine."""
        return int(10**self.most) - 1

    def encode(self, value: Value | None) -> bytes:
        """The digits."""
        if not isinstance(value, int) or not 0 <= value <= self.greatest:
            raise misfit(self.name, value, f"an integer of at most {self.most} digits")
        return b"%0*d" % (self.least, value)

    def pack(self, values: Mapping[str, Value], into: bytearray) -> None:
        """The digits; more than fit are refused."""
        into += self.encode(values.get(self.name))

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:
        """Read the digits."""
        run = _RUN_OF_DIGITS.match(data, at, at + self.most)
        if run is None or (self.width and run.end() - at != self.width):
            stop = run.end() if run else at
            raise FrameMismatch(f"byte {stop}: no decimal for {self.name}", stop)
        keep(values, self.name, int(run[0]), at)
        return run.end()


@dataclass(frozen=True, slots=True)
class HexDigits(Number):
    """An integer in ASCII hex digits of a fixed width, written in upper case and read in both."""

    name: str
    width: int

    @property
    def least(self) -> int:
        """Its width."""
        return self.width

    @property
    def greatest(self) -> int:
        """All digits F."""
        return (1 << 4 * self.width) - 1

    def encode(self, value: Value | None) -> bytes:
        """The digits."""
        if not isinstance(value, int) or not 0 <= value <= self.greatest:
            raise misfit(self.name, value, f"an integer of at most {self.width} hex digits")
        return b"%0*X" % (self.width, value)

    def pack(self, values: Mapping[str, Value], into: bytearray) -> None:
        """The digits; more than fit are refused."""
        into += self.encode(values.get(self.name))

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:
        """Read the digits."""
        end = at + self.width
        run = _HEX_DIGITS.match(data, at, end)
        if run is None or run.end() != end:
            stop = run.end() if run else at
            raise FrameMismatch(f"byte {stop}: no hex digit for {self.name}", stop)
        keep(values, self.name, int(run[0], 16), at)
        return end
