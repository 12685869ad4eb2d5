"""What a profile leaves unproved and open, where mistakes are made and not seen; for ``profile check``."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

from unknot.profiles import running_on, vocabulary
from unknot.profiles.codec import Codec
from unknot.profiles.explain import explain, sealed
from unknot.profiles.frames.checks import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from unknot.profiles.examples import Example
    from unknot.profiles.explain import Piece, Sealed
    from unknot.profiles.frames.keyed import AnyFrame
    from unknot.profiles.lines import Slot, Template
    from unknot.profiles.model import FirmwareProfile

_ORDERED = re.compile(r"\{[a-z0-9_]+:[ui](?:16|24|32|40|48|56|64)[lb]e\}")
_SIGNED = re.compile(r"\{[a-z0-9_]+:i[0-9]+(?:le|be)?\}")
_SET_BY_US = frozenset({"running"})
"""1 in a level and 0 in a stop: it never changes within a command."""

_LISTED_MOST = 12
"""More levels are not listed, but counted."""


@dataclass(slots=True)
class _Seen:
    """A frame and what the examples show of it.

    Attributes:
        name: what it is called.
        slots: its slots.
        frame: the frame.
        constant: the slots whose value the file has once and for all: nothing about them can be mistaken, or proved.
        shown: the pieces of each frame in the examples.
    """

    name: str
    slots: tuple[Slot, ...]
    frame: AnyFrame
    constant: frozenset[str]
    shown: dict[bytes, tuple[Piece, ...]] = field(default_factory=dict)

    @property
    def varies(self) -> bool:
        """Whether it is not the same every time."""
        return any(slot.name not in self.constant for slot in self.slots)

    def parts(self) -> Iterator[tuple[str, list[tuple[bytes, Piece]]]]:
        """Each part as it is written, with its bytes in each frame that was shown."""
        found: dict[tuple[int, str], list[tuple[bytes, Piece]]] = defaultdict(list)
        for data, pieces in self.shown.items():
            for number, piece in enumerate(pieces):
                found[number, piece.part].append((data, piece))
        for (_, part), examples in found.items():
            yield part, examples

    def slot_parts(self) -> Iterator[tuple[str, list[tuple[bytes, Piece]]]]:
        """The parts that are slots, and not constant."""
        return (one for one in self.parts() if one[1][0][1].slot and one[1][0][1].slot not in self.constant)

    def show(self, data: bytes) -> None:
        """Take what an example shows."""
        self.shown[data] = explain(self.frame, self.slots, data)


def gaps(profile: FirmwareProfile) -> tuple[str, ...]:
    """What the examples do not prove, a sentence for each kind of gap, and what is left open about safety.

    Raises:
        CodecMissing: the profile needs a codec plug-in that is not there.
    """
    frames = [seen for seen in _seen(profile) if seen.shown]
    telling = [seen for seen in frames if not _is_zero(seen)]
    kinds = {
        "levels without an example": _levels(profile),
        "nothing but zeros in all examples": [seen.name for seen in frames if _is_zero(seen)],
        "one value only in all examples": [text for seen in telling for text in _still(seen)],
        "the same value in every example, so they may be swapped": [text for seen in telling for text in _alike(seen)],
        "byte order not proved, no example has different bytes": [
            text for seen in telling for text in _unordered(seen)
        ],
        "sign not proved, no example is negative": [text for seen in telling for text in _unsigned(seen)],
        "check proved by one example only": [text for seen in frames for text in _once_checked(seen)],
        "another check fits all examples too": [text for seen in frames for text in _otherwise_checked(seen)],
    }
    unproved = tuple(f"{kind}: {', '.join(dict.fromkeys(found))}" for kind, found in kinds.items() if found)
    return unproved + running_on.notes(profile)


def _levels(profile: FirmwareProfile) -> list[str]:
    """Levels whose wire values are not shown, where each has one of its own; else the two that a scale needs."""
    if profile.commands.set_level is None:
        return []
    shown = {one.command["set_level"] for one in profile.examples if one.command and "set_level" in one.command}
    highest = profile.motor.highest
    conversion = profile.values.get("level")
    if conversion is not None and conversion.table:
        missing = [level for level in range(1, highest + 1) if level not in shown]
        if len(missing) <= _LISTED_MOST:
            return [f"{level}" for level in missing]
        return [f"{len(missing)} of the {highest} in the table"]
    if highest not in shown:
        return [f"{highest}, the highest"]
    return [f"all but {highest}"] if len(shown) < 2 <= highest else []


def _seen(profile: FirmwareProfile) -> list[_Seen]:
    """Every frame that is said or told, with what the examples show of it."""
    book = vocabulary.said(profile)
    constant = frozenset(name for name, setting in profile.settings.items() if setting.source is None)
    frames: dict[tuple[str, str], _Seen] = {}
    for name, lines in book.items():
        for line in lines:
            frames.setdefault((name, line.frame.template), _Seen(name, line.slots, line.frame, constant))
    arrivals = {one.name: one for one in vocabulary.heard(profile)}
    for one in arrivals.values():
        called = f"{one.kind} {one.name}"
        frames.setdefault((called, one.frame.template), _Seen(called, one.slots, one.frame, frozenset()))
    cipher = Codec(profile).cipher
    for example in profile.examples:
        told = example.report or example.refusal
        if told is not None:
            (name,) = told
            arrival = arrivals[name]
            data = cipher.client().open(arrival.source, example.writes[0])
            frames[f"{arrival.kind} {name}", arrival.frame.template].show(data)
            continue
        named = _lines(book, example)
        for (name, _), (line, _, data) in zip(
            named, vocabulary.joined([line for _, line in named], example.writes, cipher.ball().open), strict=True
        ):
            frames[name, line.frame.template].show(data)
    return list(frames.values())


def _lines(book: Mapping[str, tuple[Template, ...]], example: Example) -> list[tuple[str, Template]]:
    """The lines that an example shows, each with the name of what it belongs to."""
    if example.command is None:
        part, number = ("init", example.init) if example.init is not None else ("keep_alive", example.keep_alive)
        names = [f"{part} {number}"]
    else:
        given = {key: value for key, value in example.command.items() if key in book}
        names = [name for name in book if name in given]
        if "starting" in example.command:
            names = ["start", "set_level"] if "start" in book else ["set_level"]
    return [(name, line) for name in names for line in book[name]]


def _is_zero(seen: _Seen) -> bool:
    """Whether all of several numbers are zero in every example."""
    wires = [{piece.wire for _, piece in examples} for _, examples in seen.slot_parts()]
    return len(wires) > 1 and all(one == {0} for one in wires)


def _still(seen: _Seen) -> list[str]:
    still = [
        part
        for part, examples in seen.slot_parts()
        if len({piece.wire for _, piece in examples}) == 1 and examples[0][1].slot not in _SET_BY_US
    ]
    if len(seen.frame.slots) == 1 and _is_bare(seen):
        return []
    is_all = len(still) > 1 and len(seen.shown) == 1
    return [f"all slots of {seen.name}"] if is_all else [f"{part} of {seen.name}" for part in dict.fromkeys(still)]


def _is_bare(seen: _Seen) -> bool:
    """Whether a frame is nothing but a value as it is: nothing in it can be at a wrong place, or wrongly scaled."""
    return all(slot.rule is None for slot in seen.slots) and len(list(seen.parts())) == 1


def _alike(seen: _Seen) -> list[str]:
    values: dict[str, tuple[str, list[object]]] = {}
    for part, examples in seen.slot_parts():
        wires = [piece.wire for _, piece in examples]
        slot = examples[0][1].slot
        if isinstance(wires[0], int):
            values.setdefault(slot, (part.replace(slot, "", 1), list(wires)))
    return [
        f"{one} and {other} of {seen.name}"
        for (one, seen_as), (other, as_well) in combinations(values.items(), 2)
        if seen_as == as_well
    ]


def _unordered(seen: _Seen) -> list[str]:
    return [
        f"{part} of {seen.name}"
        for part, examples in seen.slot_parts()
        if _ORDERED.fullmatch(part)
        and all((own := data[piece.start : piece.end]) == own[::-1] for data, piece in examples)
    ]


def _unsigned(seen: _Seen) -> list[str]:
    return [
        f"{part} of {seen.name}"
        for part, examples in seen.slot_parts()
        if _SIGNED.fullmatch(part) and all(not isinstance(piece.wire, int) or piece.wire >= 0 for _, piece in examples)
    ]


def _once_checked(seen: _Seen) -> list[str]:
    if not seen.varies or len(seen.shown) > 1:
        return []  # a frame without slots is always the same, and needs no second example
    return [f"{part} of {seen.name}" for part, _ in seen.parts() if _check(part) is not None]


def _otherwise_checked(seen: _Seen) -> list[str]:
    found = []
    for part, examples in seen.parts():
        check = _check(part)
        if check is None or not seen.varies:
            continue
        own = ALGORITHMS[check.name]
        others = [name for name, one in ALGORITHMS.items() if one.size == own.size and name != check.name]
        fitting = [name for name in others if all(_fits(name, check, data, piece) for data, piece in examples)]
        if fitting:
            found.append(f"{' or '.join(fitting)} for {part} of {seen.name}")
    return found


def _check(part: str) -> Sealed | None:
    seal = sealed(part)
    return None if seal is None or seal.name == "length" else seal


def _fits(name: str, check: Sealed, data: bytes, piece: Piece) -> bool:
    """Whether the value of another check stands there; in an encoding, where places are others, it never does."""
    algorithm = ALGORITHMS[name]
    covered = data[check.range.first : check.range.end(piece.start, len(data))]
    value = algorithm.compute(covered).to_bytes(algorithm.size, "big")
    return data[piece.start : piece.end] in (value, value[::-1])
