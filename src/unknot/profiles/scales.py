"""The scales from a number to what stands on the wire, and back; `unknot.profiles.conversions` makes them from a file.

What does not fit is refused with a `ValueError` that says what would.
"""

from __future__ import annotations

import math
import re
import sys
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

Wire = int | str
"""What stands on the wire: an integer, or raw bytes in hex (upper case, a space between bytes)."""

WIRE_MAX = 2**64 - 1
"""No slot holds a larger integer."""

VALUE_MAX = 1e26
"""A value beyond this is on no wire: the widest slot (64 bits) at the smallest scale (one millionth) holds 2e25."""

_DECIMAL = re.compile(r"-?[0-9]{1,10}(\.[0-9]{1,10})?")

HALF_EPSILON = 1e-9
"""Slack for float arithmetic: 50 × 2.55 is 127.5 and is rounded up, although the float is a hair less."""


def nearest(exact: float) -> int:
    """The nearest integer, halves up."""
    whole = math.floor(exact)  # not floor(exact + 0.5): from 2**52 on that sum is rounded itself
    return whole + (exact - whole >= 0.5 - HALF_EPSILON)


def _slack(exact: float) -> float:
    """As `HALF_EPSILON`, and more where a float is coarser; never so much that a whole number is taken for another."""
    return min(HALF_EPSILON + abs(exact) * 2 * sys.float_info.epsilon, 0.25)


def _down(exact: float) -> int:
    return math.floor(exact + _slack(exact))


def _up(exact: float) -> int:
    return math.ceil(exact - _slack(exact))


ROUNDINGS: Mapping[str, Callable[[float], int]] = {"nearest": nearest, "down": _down, "up": _up}
"""From an exact figure to the integer on the wire; "nearest" takes halves up."""


def finite(value: float) -> float:
    """The value itself. Raises `ValueError` for NaN, for infinity and for what is too large for any slot."""
    if not -VALUE_MAX <= value <= VALUE_MAX:  # NaN is not in it either
        raise ValueError("a finite number")
    return value


class Scale(Protocol):
    """What turns one number into what stands on the wire."""

    def to_wire(self, value: float) -> Wire:
        """What is written for a number. Raises `ValueError` if nothing is, as for NaN and infinity."""

    def from_wire(self, wire: Wire) -> float:
        """The number that was meant. Raises `ValueError` if nothing is written so."""


def _integer(wire: Wire) -> int:
    if isinstance(wire, str) or not -WIRE_MAX <= wire <= WIRE_MAX:
        raise ValueError("an integer of at most 64 bits")
    return wire


def _whole_if_written_so(scale: Scale, exact: float, wire: int) -> float:
    """The whole number beside ``exact`` that is written as ``wire``, or ``exact`` where there is none."""
    for whole in (round(exact), math.floor(exact), math.ceil(exact)):
        try:
            if scale.to_wire(whole) == wire:
                return whole
        except ValueError:  # beside the last point
            continue
    return exact


@dataclass(frozen=True, slots=True)
class Line:
    """``value × scale + offset``, rounded; back comes the whole number that is written so, or the exact quotient."""

    scale: float
    offset: int
    rounded: Callable[[float], int]

    def to_wire(self, value: float) -> int:
        """The integer. Raises `ValueError` if no slot is as wide."""
        # Integers stay integers where they can: a float holds 53 bits, a slot up to 64.
        exact = finite(value) if self.scale == 1 else finite(value) * self.scale
        exact += self.offset
        if not -WIRE_MAX <= exact <= WIRE_MAX:
            raise ValueError("a number that is an integer of at most 64 bits on the wire")
        return exact if isinstance(exact, int) else self.rounded(exact)

    def from_wire(self, wire: Wire) -> float:
        """The value. Raises `ValueError` if there is no integer on the wire."""
        scaled = _integer(wire) - self.offset
        return scaled if self.scale == 1 else _whole_if_written_so(self, scaled / self.scale, _integer(wire))


@dataclass(frozen=True, slots=True)
class Table:
    """What stands on the wire for 0, 1, 2 …, in this order; nothing else is read."""

    entries: tuple[Wire, ...]

    def to_wire(self, value: float) -> Wire:
        """The entry. Raises `ValueError` if the table has none."""
        if not 0 <= value < len(self.entries) or value != int(value):
            raise ValueError(f"a whole number from 0 to {len(self.entries) - 1}, as the table has it")
        return self.entries[int(value)]

    def from_wire(self, wire: Wire) -> float:
        """Where the entry stands. Raises `ValueError` if the table has none."""
        try:
            return self.entries.index(wire)
        except ValueError:
            raise ValueError("an entry of the table") from None


@dataclass(frozen=True, slots=True)
class NearestTable:
    """As `Table`, but what is read is taken for the nearest entry, and for the earlier of two as near."""

    table: Table

    def to_wire(self, value: float) -> Wire:
        """The entry. Raises `ValueError` if the table has none."""
        return self.table.to_wire(value)

    def from_wire(self, wire: Wire) -> float:
        """Where the nearest entry stands. Raises `ValueError` if there is no integer on the wire."""
        read = _integer(wire)
        gaps = [abs(_integer(entry) - read) for entry in self.table.entries]
        return gaps.index(min(gaps))


@dataclass(frozen=True, slots=True)
class Words:
    """Words that stand for numbers; of several for the same number the first is written."""

    numbers: Mapping[str, int]

    def to_wire(self, value: float) -> Wire:
        """The word. Raises `ValueError` if there is none."""
        for word, number in self.numbers.items():
            if number == value:
                return word
        raise ValueError(f"a number that has a word: {', '.join(map(str, self.numbers.values()))}")

    def from_wire(self, wire: Wire) -> float:
        """What the word stands for. Raises `ValueError` if it is none of them."""
        if wire not in self.numbers:
            raise ValueError(f"one of {', '.join(self.numbers)}")
        return self.numbers[str(wire)]


@dataclass(frozen=True, slots=True)
class Decimals:
    """A number in text with so many digits after the point."""

    places: int

    def to_wire(self, value: float) -> Wire:
        """The text. Raises `ValueError` for NaN and infinity."""
        return f"{finite(value):.{self.places}f}"

    def from_wire(self, wire: Wire) -> float:
        """The number. Raises `ValueError` if the text is none."""
        if not _DECIMAL.fullmatch(str(wire)):
            raise ValueError("a decimal number")
        return float(wire)


@dataclass(frozen=True, slots=True)
class Points:
    """Straight lines from point to point; nothing before the first and after the last.

    Attributes:
        points: at least two ``(value, wire)``; values rise strictly, wires rise or fall strictly.
    """

    points: tuple[tuple[float, int], ...]

    def __post_init__(self) -> None:
        """Refuse points through which no line goes there and back."""
        if any(right <= left for (left, _), (right, _) in pairwise(self.points)):
            raise ValueError("points whose values rise")
        gaps = [high - low for (_, low), (_, high) in pairwise(self.points)]
        if not (all(gap > 0 for gap in gaps) or all(gap < 0 for gap in gaps)):
            raise ValueError("points whose integers on the wire all rise, or all fall")

    def to_wire(self, value: float) -> int:
        """The nearest integer on the line. Raises `ValueError` beside the points."""
        (first, _), (last, _) = self.points[0], self.points[-1]
        if not first <= value <= last:
            raise ValueError(f"a number from {first:.15g} to {last:.15g}, as the points have it")
        upper = max(1, bisect_left(self.points, value, key=lambda point: point[0]))
        (left, low), (right, high) = self.points[upper - 1 : upper + 1]
        return nearest(low + (value - left) * (high - low) / (right - left))

    def from_wire(self, wire: Wire) -> float:
        """The whole number that is written so, or the exact place. Raises `ValueError` beside the points."""
        (_, begin), (_, end) = self.points[0], self.points[-1]
        if not min(begin, end) <= (read := _integer(wire)) <= max(begin, end):
            raise ValueError(f"an integer from {begin} to {end}, as the points have it")
        sign = 1 if begin < end else -1
        upper = max(1, bisect_left(self.points, sign * read, key=lambda point: sign * point[1]))
        (left, low), (right, high) = self.points[upper - 1 : upper + 1]
        return _whole_if_written_so(self, left + (read - low) * (right - left) / (high - low), read)


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps that feel alike: 0 is 0, 1 is ``least``, and each further one is more by the same factor, up to ``most``.

    Between 0 and 1 the line is straight, so that every integer up to ``most`` is read as some strength.
    """

    steps: int
    least: int
    most: int

    def __post_init__(self) -> None:
        """Refuse steps of which two would be the same on the wire."""
        if self.most <= self.least:
            raise ValueError("steps whose most is more than their least")
        if len({self.to_wire(step) for step in range(self.steps + 1)}) <= self.steps:
            raise ValueError(f"fewer steps: two of {self.steps} are the same integer from {self.least} to {self.most}")

    @property
    def _factor(self) -> float:
        return math.log(self.most / self.least) / (self.steps - 1)

    def to_wire(self, value: float) -> int:
        """The nearest integer. Raises `ValueError` beside the steps."""
        if not 0 <= value <= self.steps:
            raise ValueError(f"a number from 0 to {self.steps}, the steps")
        return nearest(self.least * (value if value < 1 else math.exp(self._factor * (value - 1))))

    def from_wire(self, wire: Wire) -> float:
        """The step that is written so, or the exact place between. Raises `ValueError` beside the steps."""
        if not 0 <= (read := _integer(wire)) <= self.most:
            raise ValueError(f"an integer from 0 to {self.most}, as the steps have it")
        share = read / self.least
        return _whole_if_written_so(self, share if share < 1 else 1 + math.log(share) / self._factor, read)
