"""The layout of a frame: whether its parts can stand together, and what each must know of the others.

`template` reads the parts one by one and gives them here. All that would make a frame unreadable, or
fail for every value, is refused here, while the file is read and not while a motor runs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Literal

from unknot.errors import FrameSyntaxError
from unknot.profiles.frames.bits import BitGroup
from unknot.profiles.frames.body import Body
from unknot.profiles.frames.encodings import Encoded
from unknot.profiles.frames.numbers import Decimal
from unknot.profiles.frames.parts import MAX_BYTES, Fixed, Open, Pad, Part
from unknot.profiles.frames.ranges import Extent, Placed, prove_ranges
from unknot.profiles.frames.seals import Seal
from unknot.profiles.frames.texts import TerminatedText, Text

Kind = Literal["an integer", "text", "bytes"]
"""What a slot takes."""

_ZERO = ord("0")
_NINE = ord("9")


@dataclass(frozen=True, slots=True)
class Slot:
    """A name in a template.

    Attributes:
        name: the name.
        kind: what it takes.
        place: where the name stands.
        bits: for a slice, its lowest and highest bit.
    """

    name: str
    kind: Kind
    place: int
    bits: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A part as it is written in a template.

    Attributes:
        what: the part's own words.
        place: where it begins.
        part: the part.
        slots: its slots, in their order.
        mark: where its range or its length stands.
    """

    what: str
    place: int
    part: Part
    slots: tuple[Slot, ...] = ()
    mark: int = 0


def arrange(template: str, written: list[Written]) -> Body:
    """The parts of one frame, compiled.

    Raises:
        FrameSyntaxError: they cannot stand together.
    """
    greatest = _prove_slots(template, [slot for one in written for slot in one.slots])
    parts = [_informed(written, index, greatest) for index in range(len(written))]
    for index, part in enumerate(parts):
        _prove_follows(template, part, written[index + 1 :], parts[index + 1 :])
    places, length = _places(template, written, parts)
    prove_ranges(
        template,
        [
            Placed(part, one.mark, at, _rest(parts[index:], at, length))
            for index, (one, part, at) in enumerate(zip(written, parts, places, strict=True))
            if isinstance(part, Seal)
        ],
        length,
    )
    return Body(tuple((one.what, part) for one, part in zip(written, parts, strict=True)), length.least, length.most)


def _prove_slots(template: str, slots: list[Slot]) -> dict[str, int]:
    """Refuse names that mean two things; the greatest value of every sliced name."""
    first: dict[str, Slot] = {}
    slices: dict[str, list[Slot]] = {}
    for slot in slots:
        known = first.setdefault(slot.name, slot)
        if known.kind != slot.kind:
            raise FrameSyntaxError(template, slot.place, f"{slot.name} as {known.kind}, which it is before")
        if (known.bits is None) != (slot.bits is None):
            raise FrameSyntaxError(template, slot.place, f"{slot.name} either in slices or whole, not both")
        if slot.bits is not None:
            slices.setdefault(slot.name, []).append(slot)
    return {name: _prove_slices(template, name, parts) for name, parts in slices.items()}


def _prove_slices(template: str, name: str, slices: list[Slot]) -> int:
    taken = 0
    for slot in slices:
        low, high = slot.bits or (0, 0)
        own = (2 << high) - (1 << low)
        if taken & own:
            raise FrameSyntaxError(template, slot.place, f"bits of {name} that no other slice has")
        taken |= own
    if taken & taken + 1:
        missing = (~taken & taken + 1).bit_length() - 1
        above = min((slot for slot in slices if slot.bits and slot.bits[0] > missing), key=lambda slot: slot.place)
        raise FrameSyntaxError(template, above.place, f"bit {missing} of {name} in a slice too")
    return taken


def _informed(written: list[Written], index: int, greatest: dict[str, int]) -> Part:
    """A part that knows what it must of the others."""
    part = written[index].part
    following = [one.part for one in written[index + 1 :]]
    if isinstance(part, Text) and following and isinstance(following[0], Fixed):
        fixed = takewhile(lambda one: isinstance(one, Fixed), following)
        return TerminatedText(part.name, b"".join(one.content for one in fixed if isinstance(one, Fixed)))
    if isinstance(part, Open):
        return part.before(sum(one.least for one in following))
    if isinstance(part, BitGroup) and greatest:
        return BitGroup(
            tuple(replace(field, greatest=greatest.get(field.name, 0)) for field in part.fields), part.order
        )
    return part


def _prove_follows(template: str, part: Part, written: list[Written], following: list[Part]) -> None:
    """Refuse a part whose beginning could not be told from the one before it."""
    if isinstance(part, Open):
        for one, after in zip(written, following, strict=True):
            if after.least < after.most:
                raise FrameSyntaxError(
                    template, one.place, "only parts of fixed size after one that reaches to the end"
                )
    elif not following:
        return
    elif isinstance(part, Decimal) and part.width is None:
        begins = _begins(following)
        if begins is None or _ZERO <= begins <= _NINE:
            raise FrameSyntaxError(
                template, written[0].place, "a fixed byte that is no digit, to end the decimal before it"
            )
    elif isinstance(part, Encoded):
        begins = _begins(following)
        if begins is None or part.encoding.writes(begins):
            raise FrameSyntaxError(
                template, written[0].place, f"a fixed byte that is none of {part.encoding.name}'s, to end it"
            )


def _begins(parts: list[Part]) -> int | None:
    """The byte that parts begin with, if it is always the same."""
    match parts:
        case [Fixed() as fixed, *_]:
            return fixed.content[0]
        case [Pad() as pad]:
            return pad.fill[0]
    return None


def _places(template: str, written: list[Written], parts: list[Part]) -> tuple[list[Extent], Extent]:
    """Where each part stands, and how long the frame is."""
    places = []
    at = Extent(0, 0)
    for one, part in zip(written, parts, strict=True):
        places.append(at)
        if isinstance(part, Pad):
            if part.upto < at.least:
                raise FrameSyntaxError(template, one.mark, f"a length of {at.least} bytes or more")
            at = Extent(part.upto, part.upto)
        else:
            at = Extent(at.least + part.least, min(at.most + part.most, MAX_BYTES))
        if at.least > MAX_BYTES:
            raise FrameSyntaxError(template, one.place, f"a frame of at most {MAX_BYTES} bytes")
    return places, at


def _rest(parts: list[Part], at: Extent, length: Extent) -> Extent:
    """How many bytes the last parts of a frame take together; padding makes up for all that varies before it."""
    if any(isinstance(part, Pad) for part in parts):
        return Extent(length.least - at.most, length.most - at.least)
    return Extent(sum(part.least for part in parts), min(sum(part.most for part in parts), MAX_BYTES))
