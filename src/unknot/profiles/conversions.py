"""What a profile file says about the values of one slot (``[values] NAME = {…}``); used by `unknot.profiles.model`.

Wrong files are refused while they are read. What is right is compiled to a rule (`unknot.profiles.rules`).
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from unknot.datafile import Misfit, StrayKey
from unknot.diagnostics.written import shown
from unknot.profiles import rules, scales
from unknot.profiles.fields import Flag, Name, in_schema
from unknot.profiles.frames.frame import MAX_BYTES
from unknot.profiles.rules import Value
from unknot.profiles.scales import WIRE_MAX, Wire
from unknot.profiles.section import Section

OFFSET_MAX = 0xFFFF_FFFF
"""Offsets, points and steps are integers of at most 32 bits: what they are made of, floats, holds them exactly."""

LIST_MAX = 4096
"""No list is longer (judgement): a step of a 12-bit motor each, four times what the finest of our dialects has."""

NAME_MAX = 64
"""A name of a number is no longer, in characters (judgement): it is shown in a line of a terminal."""

DECIMALS_MAX = 9
"""Digits after the point: a billionth of a unit (judgement)."""

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,18}")
_NOTHING: Mapping[str, int] = MappingProxyType({})


def _wire(found: object) -> object:
    if isinstance(found, int) and not isinstance(found, bool) and -WIRE_MAX <= found <= WIRE_MAX:
        return found
    try:
        if not isinstance(found, str):
            raise ValueError  # noqa: TRY004 - pydantic collects ValueErrors
        content = bytes.fromhex(found)
    except ValueError:
        raise ValueError('an integer of at most 64 bits, or bytes in hex such as "DE AD"') from None
    if len(content) > MAX_BYTES:
        raise ValueError(f"at most {MAX_BYTES} bytes")
    return content.hex(" ").upper()


def _whole(key: object) -> object:
    """TOML's keys are text; each number is written in one way, so that none stands twice."""
    if isinstance(key, str):
        if not _WHOLE.fullmatch(key):
            raise ValueError("a whole number, such as 3")
        return int(key)
    return key


def _named_once(names: dict[int, str]) -> dict[int, str]:
    if len(set(names.values())) < len(names):
        raise ValueError("names of which none stands twice")
    return names


def _name(text: str) -> str:
    if not (text.isprintable() and text.strip() == text and text):
        raise ValueError("a name of printable characters")
    return text


def _one_kind(wires: tuple[Wire, ...]) -> tuple[Wire, ...]:
    if len({type(wire) for wire in wires}) > 1:
        raise ValueError("either integers, or bytes in hex")
    return wires


_Integer = Annotated[int, Field(strict=True, ge=-WIRE_MAX, le=WIRE_MAX)]
_Small = Annotated[int, Field(strict=True, ge=-OFFSET_MAX, le=OFFSET_MAX)]
_Number = Annotated[float, Field(strict=True, ge=-OFFSET_MAX, le=OFFSET_MAX, allow_inf_nan=False)]
_Whole = Annotated[int, BeforeValidator(_whole), Field(strict=True), in_schema("a whole number", _WHOLE.pattern)]
_Word = Annotated[str, Field(max_length=NAME_MAX), AfterValidator(_name)]
_Wire = Annotated[int | str, BeforeValidator(_wire)]
_Wires = Annotated[tuple[_Wire, ...], Field(min_length=1, max_length=LIST_MAX), AfterValidator(_one_kind)]
_Names = Annotated[tuple[Name, ...], Field(min_length=1, max_length=LIST_MAX)]

_HEADS = ("table", "words", "decimals", "points", "steps", "by", "any", "all")
"""The key that says which kind of conversion it is; without one it is a line."""

_OWN = {
    "line": {"scale", "offset", "round"},
    "table": {"table", "read", "codes"},
    "words": {"words"},
    "decimals": {"decimals"},
    "points": {"points"},
    "steps": {"steps", "least", "most"},
    "by": {"by", "cases"},
    "any": {"any", "yes", "no"},
    "all": {"all", "yes", "no"},
}
_SCALES = ("line", "table", "words", "decimals", "points", "steps")
_EXTRAS = {"range", "beyond", "none", "names"}
_NEEDED = {"steps": ("least", "most"), "by": ("cases",)}
_CALLED = {
    "line": "a scale and an offset",
    "table": "a table",
    "words": "words",
    "decimals": "decimals",
    "points": "points",
    "steps": "steps",
    "by": "by",
    "any": "any",
    "all": "all",
}


def _beside(key: str) -> str:
    owners = _SCALES if key in _EXTRAS else [owner for owner, own in _OWN.items() if key in own]
    return " or ".join(_CALLED[owner] for owner in owners)


class Conversion(Section):
    """How a value becomes what stands on the wire: by one of eight kinds.

    A *line* (``value × scale + offset``) is what it is unless another kind's key stands there: ``table``,
    ``words``, ``decimals``, ``points``, ``steps``, ``by``, ``any`` or ``all``. Back from the wire comes the whole
    number that is written so, or the exact place between two where there is none.

    Attributes:
        scale: wire units per unit (levels; seconds for a lease; °C).
        offset: added after scaling.
        round: which integer is written: the nearest (halves up), the next below or the next above.
        table: what is written for 0, 1, 2 …: integers, or bytes in hex.
        codes: whether a table of levels may neither rise nor fall, because its integers are codes and no strengths.
        read: whether only entries of the table are read, or the nearest one is taken.
        words: numbers by the words that stand for them in text; of several for one number the first is written.
        decimals: a number in text with so many digits after the point.
        points: ``[value, wire]`` with straight lines between; values rise, integers on the wire rise or fall.
        steps: the highest step of an exponential scale, on which all steps feel alike.
        least: what is written for step 1.
        most: what is written for the highest step.
        by: another slot, whose number, the same as value and on the wire, decides which of ``cases`` holds.
        cases: a line, a table, points or steps for each number of that slot.
        any: other slots: ``yes`` is written if one of them is not zero, else ``no``.
        all: other slots: ``yes`` is written if none of them is zero, else ``no``.
        yes: read as 1.
        no: read as 0.
        range: the least and the greatest value that is written.
        beyond: whether a value beyond the range is refused, or written as the end of the range.
        none: what is on the wire when the ball does not know.
        names: names of numbers; either is written, the name is read.
    """

    scale: Annotated[float, Field(strict=True, ge=1e-6, le=1e6)] = 1.0
    offset: _Small = 0
    round: Literal["nearest", "down", "up"] = "nearest"
    table: _Wires = ()
    read: Literal["exact", "nearest"] = "exact"
    codes: Flag = False
    words: Annotated[dict[_Word, _Small], Field(max_length=LIST_MAX)] = {}
    decimals: Annotated[int, Field(strict=True, ge=0, le=DECIMALS_MAX)] | None = None
    points: Annotated[tuple[tuple[_Number, _Small], ...], Field(min_length=2, max_length=LIST_MAX)] = ()
    steps: Annotated[int, Field(strict=True, ge=2, le=LIST_MAX)] | None = None
    least: Annotated[int, Field(strict=True, ge=1, le=OFFSET_MAX)] | None = None
    most: Annotated[int, Field(strict=True, ge=1, le=OFFSET_MAX)] | None = None
    by: Name | None = None
    cases: dict[_Whole, Conversion] = Field(default_factory=dict, min_length=1, max_length=LIST_MAX)
    any: _Names = ()
    all: _Names = ()
    yes: _Integer = 1
    no: _Integer = 0
    range: tuple[_Number, _Number] | None = None
    beyond: Literal["refuse", "clamp"] = "refuse"
    none: _Wires = ()
    names: Annotated[dict[_Whole, _Word], AfterValidator(_named_once)] = Field(
        default_factory=dict, min_length=1, max_length=LIST_MAX
    )

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Conversion:
        given = {key for key in self.model_fields_set if getattr(self, key) is not None}
        found = [kind for kind in (*_HEADS, "line") if given & (_OWN["line"] if kind == "line" else {kind})]
        if len(found) > 1:
            kinds = [_CALLED[kind] for kind in found]
            raise Misfit("", " beside ".join(kinds), "either " + ", or ".join(kinds))
        kind = self.kind
        allowed = _OWN[kind] | (_EXTRAS if kind in _SCALES else set())
        for key in type(self).model_fields:  # in this order, so that the same file gets the same answer
            if key in given - allowed:
                raise StrayKey(key, f"{key} beside {_CALLED[kind]}", f"{key} only beside {_beside(key)}", right=("",))
        for key in _NEEDED.get(kind, ()):
            if key not in given:
                raise Misfit(key, "nothing", f"{key} beside {kind}")
        self._nothing_stands_twice()
        self._fits_together()
        self.compiled  # noqa: B018 - what cannot be compiled is refused now
        return self

    def _nothing_stands_twice(self) -> None:
        for at, wire in enumerate(self.table):
            if wire in self.table[:at]:
                found = f"{shown(wire)} twice, for {self.table.index(wire)} and for {at}"
                raise Misfit(f"table.{at}", found, "a table in which no value stands twice")
        if len(set(self.needs)) < len(self.needs):
            raise ValueError(f"each slot in {self.kind} once")

    def _fits_together(self) -> None:
        if self.range is not None and self.range[0] > self.range[1]:
            raise ValueError("a range from the least to the greatest value")
        if "beyond" in self.model_fields_set and self.range is None:
            raise ValueError("a range beside beyond")
        texts = bool(self.table) and isinstance(self.table[0], str)
        if texts and self.read == "nearest":
            raise ValueError("a table of integers, in which one is nearest")
        if self.none and isinstance(self.none[0], str) != texts:
            raise ValueError("none of the same kind as what is written: bytes in hex beside a table of bytes in hex")
        if shared := [wire for wire in self.none if wire in self.table]:
            raise Misfit("none", f"{shared[0]!r}", f"{shared[0]!r} either in the table or in none")
        if self.yes == self.no:
            raise ValueError("yes and no that differ")
        for number, case in self.cases.items():
            if case.kind not in _SCALES:
                raise ValueError(f"a line, a table, points or steps in case {number}, not {case.kind}")

    @property
    def kind(self) -> str:
        """Which of the eight it is, by the key that says so; "line" where none does."""
        return next((head for head in _HEADS if getattr(self, head) not in (None, (), {})), "line")

    @property
    def needs(self) -> tuple[str, ...]:
        """The other slots that decide about this one; all of them stand in every frame that this one stands in."""
        return (self.by,) if self.by is not None else self.any or self.all

    @cached_property
    def compiled(self) -> rules.Rule:
        """The rule that does it."""
        if self.by is not None:
            return rules.Case(self.by, {number: case.compiled for number, case in self.cases.items()})
        if self.any or self.all:
            holds = builtins.any if self.any else builtins.all
            return rules.Derived(self.any or self.all, holds, self.yes, self.no)
        numbers = {name: number for number, name in self.names.items()}
        return rules.Plain(self._scale(), self._bounds(), frozenset(self.none), dict(self.names), numbers)

    def to_wire(self, value: Value, values: Mapping[str, Value] = _NOTHING) -> Wire:
        """What is written for a value.

        Args:
            value: a number, or a name for one.
            values: all values of the frame by slot, for what `needs` names.

        Raises:
            ValueError: it does not fit; the message says what would.
        """
        return self.compiled.to_wire(value, values)

    def from_wire(self, wire: Wire, wires: Mapping[str, Wire] = _NOTHING) -> Value | None:
        """The value that was meant, or None where the ball says that it does not know.

        Args:
            wire: what was read.
            wires: all that was read from the frame by slot, for what `needs` names.

        Raises:
            ValueError: nothing is written so.
        """
        return self.compiled.from_wire(wire, wires)

    def _scale(self) -> scales.Scale:
        if self.table:
            table = scales.Table(self.table)
            return scales.NearestTable(table) if self.read == "nearest" else table
        if self.words:
            return scales.Words(self.words)
        if self.decimals is not None:
            return scales.Decimals(self.decimals)
        if self.points:
            return scales.Points(self.points)
        if self.steps is not None and self.least is not None and self.most is not None:
            return scales.Steps(self.steps, self.least, self.most)
        return scales.Line(self.scale, self.offset, scales.ROUNDINGS[self.round])

    def _bounds(self) -> rules.Bounds:
        if self.range is None:
            return rules.Unbounded()
        return (rules.Clamp if self.beyond == "clamp" else rules.Refuse)(*self.range)
