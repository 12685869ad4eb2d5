"""Groups of bits in a frame: several small fields in one to four bytes; put together by `template`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from unknot.errors import FrameMismatch
from unknot.profiles.frames.parts import Part, Span, Value, ends_inside, keep, misfit

if TYPE_CHECKING:
    from collections.abc import Mapping

SIZES = (8, 16, 24, 32)
"""How many bits a group may have together."""


@dataclass(frozen=True, slots=True)
class Field:
    """Some neighbouring bits of a group.

    Attributes:
        what: the field as it is written in the template.
        name: the slot, or an empty string for a fixed value and for bits of no interest.
        width: how many bits.
        shift: how many bits of the group stand after it.
        lowest: which bit of the slot's value is the lowest of a slice; None where the field is the whole value.
        greatest: the greatest value of the whole slot.
        fixed: the fixed value, or None.
    """

    what: str
    name: str
    width: int
    shift: int
    lowest: int | None = None
    greatest: int = 0
    fixed: int | None = None

    @property
    def mask(self) -> int:
        """As many ones as the field has bits."""
        return (1 << self.width) - 1


class BitGroup(Part):
    """Fields from the most significant bit on.

    Args:
        fields: the fields in their order.
        order: how the bytes of the group follow each other.
    """

    __slots__ = ("_always", "_named", "_never", "_size", "_slices", "fields", "order", "what")

    def __init__(self, fields: tuple[Field, ...], order: Literal["little", "big"]) -> None:
        self.fields = fields
        self.order = order
        self._size = sum(field.width for field in fields) // 8
        self._always = sum((field.fixed or 0) << field.shift for field in fields)
        self._never = sum(field.mask << field.shift for field in fields if field.fixed is not None)
        self.what = ", ".join(field.name for field in fields if field.name) or "bits"
        self._named = tuple((f.name, f.shift, f.mask) for f in fields if f.name and f.lowest is None)
        self._slices = tuple((f.name, f.shift, f.mask, f.lowest, f.greatest) for f in fields if f.lowest is not None)

    @property
    def least(self) -> int:
        """Its size."""
        return self._size

    @property
    def landmark(self) -> tuple[int, int] | None:
        """The bits of a single byte that are always the same, as (mask, value), if some of them are ones."""
        return (self._never, self._always) if self._size == 1 and self._always else None

    def pack(self, values: Mapping[str, Value], into: bytearray) -> None:
        """The fields side by side; a value with more bits than its field is refused."""
        word = self._always
        for name, shift, mask in self._named:
            value = values.get(name)
            if not isinstance(value, int) or not 0 <= value <= mask:
                raise misfit(name, value, f"an integer from 0 to {mask}")
            word |= value << shift
        for name, shift, mask, lowest, greatest in self._slices:
            value = values.get(name)
            if not isinstance(value, int) or not 0 <= value <= greatest:
                raise misfit(name, value, f"an integer from 0 to {greatest}")
            word |= (value >> lowest & mask) << shift
        into += word.to_bytes(self._size, self.order)

    def unpack(self, data: bytes, at: int, values: dict[str, Value]) -> int:
        """Read the fields; slices are gathered, as together they make up a value without overlap."""
        word, end = self._read(data, at)
        if word & self._never != self._always:
            wrong = next(f for f in self.fields if f.fixed is not None and word >> f.shift & f.mask != f.fixed)
            raise FrameMismatch(f"byte {at}: {word >> wrong.shift & wrong.mask} in place of {wrong.what}", at)
        for name, shift, mask in self._named:
            value = word >> shift & mask
            if values.setdefault(name, value) != value:
                keep(values, name, value, at)
        for name, shift, mask, lowest, _ in self._slices:
            gathered = values.get(name, 0)
            assert isinstance(gathered, int)  # noqa: S101 - a sliced name stands nowhere else
            values[name] = gathered | (word >> shift & mask) << lowest
        return end

    def explain(self, what: str, data: bytes, at: int) -> list[Span]:  # noqa: ARG002
        """One span per field, over the whole group."""
        word, end = self._read(data, at)
        return [
            Span(at, end, field.what, word >> field.shift & field.mask if field.name else None) for field in self.fields
        ]

    def _read(self, data: bytes, at: int) -> tuple[int, int]:
        end = at + self._size
        if end > len(data):
            raise ends_inside(data, self.what)
        return int.from_bytes(data[at:end], self.order), end
