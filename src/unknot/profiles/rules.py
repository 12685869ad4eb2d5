"""The rules that turn the value of one slot into what stands on the wire, and back, beside those of the other slots.

Made by `unknot.profiles.conversions` from a file. What does not fit is refused with a `ValueError` that says what
would.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from unknot.profiles.scales import Scale, Wire, finite

Value = float | str
"""What a person means by it: a number, or a name for one."""


class Bounds(Protocol):
    """What is done with a number before it is scaled."""

    def bounded(self, value: float) -> float:
        """The number to write. Raises `ValueError` if it is refused."""


@dataclass(frozen=True, slots=True)
class Unbounded:
    """Every number is written."""

    def bounded(self, value: float) -> float:
        """The number itself."""
        return value


@dataclass(frozen=True, slots=True)
class Refuse:
    """A number beyond the range is refused."""

    least: float
    greatest: float

    def bounded(self, value: float) -> float:
        """The number itself. Raises `ValueError` beyond the range."""
        if not self.least <= value <= self.greatest:
            raise ValueError(f"a number from {self.least:.15g} to {self.greatest:.15g}")
        return value


@dataclass(frozen=True, slots=True)
class Clamp:
    """A number beyond the range is written as the end of the range."""

    least: float
    greatest: float

    def bounded(self, value: float) -> float:
        """The number in the range that is nearest. Raises `ValueError` for what is none, or beyond all bounds."""
        return min(max(finite(value), self.least), self.greatest)


class Rule(Protocol):
    """What turns the value of one slot, beside those of the others, into what stands on the wire."""

    def to_wire(self, value: Value, values: Mapping[str, Value]) -> Wire:
        """What is written. Raises `ValueError` if nothing is."""

    def from_wire(self, wire: Wire, wires: Mapping[str, Wire]) -> Value | None:
        """The value that was meant, or None if it is not known. Raises `ValueError` if nothing is written so."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A scale with the bounds of its values, the wire values that mean "not known", and the names of its numbers."""

    scale: Scale
    bounds: Bounds
    unknown: Collection[Wire]
    names: Mapping[int, str]
    numbers: Mapping[str, int]

    def to_wire(self, value: Value, values: Mapping[str, Value]) -> Wire:  # noqa: ARG002 - one signature for all rules
        """What is written for a number or its name. Raises `ValueError` if nothing is."""
        if isinstance(value, str):
            value = self._number(value)
        wire = self.scale.to_wire(self.bounds.bounded(value))
        if wire in self.unknown:
            raise ValueError(f"a value other than that: {wire!r} on the wire means that nobody knows")
        return wire

    def from_wire(self, wire: Wire, wires: Mapping[str, Wire]) -> Value | None:  # noqa: ARG002
        """The name or the number, or None if it is not known. Raises `ValueError` if nothing is written so."""
        if wire in self.unknown:
            return None
        value = self.scale.from_wire(wire)
        return self.names.get(int(value), value) if value == int(value) else value

    def _number(self, name: str) -> int:
        if name in self.numbers:
            return self.numbers[name]
        raise ValueError(f"one of {', '.join(self.numbers)}, or a number" if self.numbers else "a number")


@dataclass(frozen=True, slots=True)
class Case:
    """Another slot's number decides which rule holds."""

    slot: str
    rules: Mapping[int, Rule]

    def to_wire(self, value: Value, values: Mapping[str, Value]) -> Wire:
        """As the rule of the case has it. Raises `ValueError` if there is no such case."""
        return self._rule(values).to_wire(value, values)

    def from_wire(self, wire: Wire, wires: Mapping[str, Wire]) -> Value | None:
        """As the rule of the case has it. Raises `ValueError` if there is no such case."""
        return self._rule(wires).from_wire(wire, wires)

    def _rule(self, others: Mapping[str, Value]) -> Rule:
        other = others.get(self.slot)
        if isinstance(other, int | float) and other in self.rules:
            return self.rules[int(other)]
        cases = " or ".join(map(str, self.rules))
        raise ValueError(f"{self.slot} to be {cases} beside it, not {other!r}")


@dataclass(frozen=True, slots=True)
class Derived:
    """Yes or no, computed from whether other slots are zero; what it is given itself does not matter.

    Read, it is 1 for yes and 0 for no, whatever stands for them on the wire; which slots they came from is lost.
    """

    slots: tuple[str, ...]
    holds: Callable[[list[bool]], bool]
    yes: int
    no: int

    def to_wire(self, value: Value, values: Mapping[str, Value]) -> Wire:  # noqa: ARG002 - one signature for all rules
        """What stands for yes or for no. Raises `ValueError` if a slot that it needs is missing or no number."""
        return self.yes if self.holds([self._is_on(slot, values.get(slot)) for slot in self.slots]) else self.no

    def from_wire(self, wire: Wire, wires: Mapping[str, Wire]) -> Value | None:  # noqa: ARG002
        """1 for yes, 0 for no. Raises `ValueError` for anything else."""
        if wire not in (self.yes, self.no):
            raise ValueError(f"{self.yes} for yes or {self.no} for no")
        return int(wire == self.yes)

    def _is_on(self, slot: str, value: Value | None) -> bool:
        if not isinstance(value, int | float) or value != value:  # noqa: PLR0124 - only NaN differs from itself
            raise ValueError(f"a number for {slot} beside it, not {value!r}")
        return value != 0
