"""What each byte of a frame is, in words, and where bytes that are no frame go wrong; for ``unknot profile``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from unknot.errors import FrameMismatch, SealMismatch
from unknot.profiles.frames.checks import ALGORITHMS
from unknot.profiles.frames.seals import Range
from unknot.profiles.lines import from_wire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unknot.profiles.frames.frame import Span, Value
    from unknot.profiles.frames.keyed import AnyFrame
    from unknot.profiles.lines import Slot

UNITS = {"lease": " s", "remaining": " s", "battery": " %", "temperature": " °C"}
"""The units of the slots that have one."""

FIXED = "fixed"
NO_INTEREST = "of no interest"
"""What is said of bytes that say nothing themselves."""

_KEYED = re.compile(r'= "\$([a-z][a-z0-9_]*)"$')
_SLOT = re.compile(r"\{?([a-z][a-z0-9_]*)(?:\[([0-9]+)\.\.([0-9]+)\]|:|$)")
_SEAL = re.compile(r"\{(?P<name>[a-z0-9-]+?)(?:[+^-][0-9A-F]+)?(?::[a-z0-9]+)?:(?P<first>[0-9]+)\.\.(?P<last>-?[0-9]*)")
_NO_INTEREST = re.compile(r"\{?_:")
_FIXED_BITS = re.compile(r"[0-9]+:b[0-9]+$")

_VAGUE = re.compile(r"(?:\{[a-z_][a-z0-9_]*:[a-z0-9]+\} ?)+")
"""A template in which nothing is fixed."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What some bytes of a frame are.

    Attributes:
        start: index of the first.
        end: index after the last.
        part: how they are written in the template.
        meaning: what they say, in words.
        slot: the slot that they fill, or an empty string.
        value: what it says in the profile's units; None where the ball does not know, and where there is no slot.
        wire: what stands on the wire; None where there is no slot.
    """

    start: int
    end: int
    part: str
    meaning: str
    slot: str = ""
    value: float | str | None = None
    wire: Value | None = None


@dataclass(frozen=True, slots=True)
class Sealed:
    """A length or a check as a template writes it.

    Attributes:
        name: "length", or the name of the check.
        range: over which bytes.
    """

    name: str
    range: Range


def sealed(part: str) -> Sealed | None:
    """The length or the check in a part of a template, or None if it is neither."""
    match = _SEAL.match(part)
    if match is None or not (match["name"] == "length" or match["name"] in ALGORITHMS):
        return None
    last = int(match["last"]) if match["last"] else None
    if last is None and match["name"] == "length":
        last = -1  # the open end of a length is the end of the frame
    return Sealed(match["name"], Range(int(match["first"]), last))


def slot_of(part: str) -> str:
    """The name of the slot in a part of a template, or an empty string."""
    if (keyed := _KEYED.search(part)) is not None:
        return keyed[1]
    if sealed(part) is not None:
        return ""
    match = _SLOT.match(part)
    return match[1] if match is not None and (part.startswith("{") or ":" in part or "[" in part) else ""


def explain(frame: AnyFrame, slots: tuple[Slot, ...], data: bytes) -> tuple[Piece, ...]:
    """What each part of these bytes is, in order.

    Args:
        frame: what they are.
        slots: its slots.
        data: the bytes.

    Raises:
        FrameMismatch: they are not this frame.
        ValueError: they are, but a value cannot stand there.
    """
    spans = frame.explain(data)
    wire = frame.unpack(data)
    values = from_wire(slots, wire)
    pieces: list[Piece] = []
    for _, group in groupby(spans, lambda span: (span.start, span.end)):
        alike = list(group)
        is_inside = len(alike) > 1
        for span in alike:
            piece = _piece(span, data, values, wire, is_inside=is_inside)
            if pieces and _is_plain(pieces[-1], piece):
                pieces[-1] = Piece(pieces[-1].start, piece.end, f"{pieces[-1].part} {piece.part}", piece.meaning)
            else:
                pieces.append(piece)
    return tuple(pieces)


def _is_plain(before: Piece, piece: Piece) -> bool:
    """Whether both are fixed bytes side by side, which are told as one."""
    return before.meaning == piece.meaning == FIXED and before.end == piece.start < piece.end


def _piece(
    span: Span, data: bytes, values: Mapping[str, float | str], wire: Mapping[str, Value], *, is_inside: bool
) -> Piece:
    what = span.what
    seal = sealed(what)
    slot = slot_of(what)
    if seal is not None:
        return Piece(span.start, span.end, what, _covered(seal, span, data, is_inside=is_inside))
    if slot in wire:
        meaning = said_of(slot, values.get(slot), wire[slot])
        bits = _SLOT.match(what)
        if bits is not None and bits[2] is not None:
            meaning = f"bits {bits[2]} to {bits[3]} of {meaning}"
        return Piece(span.start, span.end, what, meaning, slot, values.get(slot), wire[slot])
    if _NO_INTEREST.match(what):
        return Piece(span.start, span.end, what, NO_INTEREST)
    if _FIXED_BITS.match(what):
        return Piece(span.start, span.end, what, f"{FIXED} bits")
    return Piece(span.start, span.end, what, f"{FIXED} inside" if is_inside else FIXED)


def _covered(seal: Sealed, span: Span, data: bytes, *, is_inside: bool) -> str:
    if is_inside:  # places inside an encoding are not those of the bytes that are seen
        last = "" if seal.range.last is None else seal.range.last
        over = f"bytes {seal.range.first}..{last} of what is encoded"
    else:
        over = _bytes(seal.range.first, seal.range.end(span.start, len(data)))
    return f"length {span.value}, of {over}" if seal.name == "length" else f"{seal.name} over {over}"


def _bytes(first: int, end: int) -> str:
    if end - first <= 1:
        return f"byte {first}" if end > first else "no bytes"
    return f"bytes {first} to {end - 1}"


def said_of(slot: str, value: float | str | None, wire: Value | None = None) -> str:
    """A slot and its value in words, with what stands on the wire where that is another."""
    if value is None:
        said = f"{slot} not known"
    else:
        said = f"{slot} {_shown(value)}{UNITS.get(slot, '') if not isinstance(value, str) else ''}"
    return said if wire is None or _shown(wire) == _shown(value) else f"{said}, {_shown(wire)} on the wire"


def _shown(value: float | str | None) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return str(value) if isinstance(value, int) else f"{value:g}" if value is not None else ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A frame that bytes may have been meant for.

    Attributes:
        name: what it is called, for example "report status".
        role: the name of its characteristic.
        frame: the frame.
        slots: its slots.
        lengths: the least and the greatest number of bytes, or None.
    """

    name: str
    role: str
    frame: AnyFrame
    slots: tuple[Slot, ...]
    lengths: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """Why bytes are not a frame.

    Attributes:
        candidate: the frame.
        at: index of the first byte that is wrong; None where no one byte is to blame.
        width: how many bytes are wrong.
        why: what is wrong and what was expected.
        right: the bytes as they should be, where only lengths and checks are wrong; else None.
        is_whole: whether all but lengths, checks and values fits.
    """

    candidate: Candidate
    at: int | None
    width: int
    why: str
    right: bytes | None = None
    is_whole: bool = False


def nearest(candidates: Sequence[Candidate], data: bytes) -> Difference | None:
    """The frame that comes nearest to some bytes, and what is wrong with them; None without candidates."""
    differences = [one for candidate in candidates if (one := difference(candidate, data)) is not None]
    return max(differences, key=lambda one: _nearness(one, data), default=None)


def _nearness(one: Difference, data: bytes) -> tuple[bool, bool, int]:
    """Something is fixed in the frame; right but for a check or a value; right up to a byte."""
    fits_so_far = len(data) if one.at is None else min(one.at, len(data))
    return not _VAGUE.fullmatch(one.candidate.frame.template), one.is_whole, fits_so_far


def difference(candidate: Candidate, data: bytes) -> Difference | None:
    """Why bytes are not this frame; None if they are."""
    try:
        from_wire(candidate.slots, candidate.frame.unpack(data))
    except SealMismatch as wrong:
        return _unsealed(candidate, data, wrong)
    except FrameMismatch as wrong:
        return Difference(candidate, wrong.at, 1, str(wrong))
    except ValueError:
        return Difference(candidate, None, 1, _strange_value(candidate, data), is_whole=True)
    if candidate.lengths is not None and not candidate.lengths[0] <= len(data) <= candidate.lengths[1]:
        least, most = candidate.lengths
        wanted = f"{least}" if least == most else f"{least} to {most}"
        return Difference(candidate, len(data), 1, f"{len(data)} bytes, {wanted} expected")
    return None


def _strange_value(candidate: Candidate, data: bytes) -> str:
    """Which value of a frame is none."""
    wire = candidate.frame.unpack(data)
    for slot in candidate.slots:
        try:
            from_wire((slot,), wire)
        except ValueError as cause:
            return f"{slot.name} is {_shown(wire[slot.name])} on the wire, expected {cause}"
    return "values that do not go together"


_SEALS_MOST = 8
"""More lengths and checks are in no frame that can be read."""


def _unsealed(candidate: Candidate, data: bytes, first: SealMismatch) -> Difference:
    """What is wrong with lengths and checks; the right ones are put in until all fits."""
    reasons = []
    right, wrong = data, first
    for _ in range(_SEALS_MOST):
        at, end = wrong.at or 0, (wrong.at or 0) + len(wrong.wanted)
        reasons.append(
            f"{str(wrong).split(' at byte', 1)[0]} at byte {at} is {_hex(right[at:end])}, not {_hex(wrong.wanted)}"
        )
        right = right[:at] + wrong.wanted + right[end:]
        try:
            from_wire(candidate.slots, candidate.frame.unpack(right))
        except SealMismatch as another:
            wrong = another
        except FrameMismatch:
            break
        except ValueError:
            reasons.append(_strange_value(candidate, right))
            return Difference(candidate, first.at, len(first.wanted), ", ".join(reasons), is_whole=True)
        else:
            return Difference(candidate, first.at, len(first.wanted), ", ".join(reasons), right, is_whole=True)
    return Difference(candidate, first.at, max(1, len(first.wanted)), reasons[0])


def _hex(data: bytes) -> str:
    return data.hex(" ").upper()
