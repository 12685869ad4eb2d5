"""What a profile writes, compiled: each phrase as the writes it takes; used by both ends of the codec."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain, repeat
from typing import TYPE_CHECKING

from unknot.errors import FrameValueError
from unknot.profiles.writekind import WriteKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from unknot.profiles import phrases
    from unknot.profiles.conversions import Conversion
    from unknot.profiles.frames.frame import Value
    from unknot.profiles.frames.keyed import AnyFrame
    from unknot.profiles.model import FirmwareProfile
    from unknot.profiles.rules import Rule


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot of a frame and how its value is written.

    Attributes:
        name: its name.
        rule: how a value becomes what stands on the wire; None for the plain number or text.
        is_computed: whether its value follows from others.
        unknown: what is written where the value is not known, if there is a word for that.
    """

    name: str
    rule: Rule | None
    is_computed: bool = False
    unknown: Value | None = None


def slots(values: Mapping[str, Conversion], frame: AnyFrame) -> tuple[Slot, ...]:
    """The slots of a frame with the conversions of that name."""
    result = []
    for name in frame.slots:
        conversion = values.get(name)
        if conversion is None:
            result.append(Slot(name, None))
        else:
            unknown = conversion.none[0] if conversion.none else None
            result.append(Slot(name, conversion.compiled, bool(conversion.any or conversion.all), unknown))
    return tuple(result)


@dataclass(frozen=True, slots=True)
class Template:
    """One write, ready to be packed and to be recognised.

    Attributes:
        to: the characteristic's name in the profile.
        kind: how it is written.
        frame: its bytes.
        slots: its slots.
        turn: the value of the slot that is gone through.
        pause: seconds before whatever follows.
        answer: the report to wait for, or None.
        pieces: sizes of the writes it is split into, or none.
    """

    to: str
    kind: WriteKind
    frame: AnyFrame
    slots: tuple[Slot, ...]
    turn: Mapping[str, int]
    pause: float
    answer: str | None
    pieces: tuple[int, ...]

    def pack(self, values: Mapping[str, float | str]) -> bytes:
        """The bytes with these values, in the profile's units.

        Raises:
            FrameValueError: a value is missing, or does not fit.
        """
        if self.turn:
            values = {**values, **self.turn}
        return self.frame.pack(to_wire(self.slots, values))

    def split(self, data: bytes) -> Iterator[bytes]:
        """The bytes in the pieces that are written."""
        sizes = chain(self.pieces, repeat(self.pieces[-1])) if self.pieces else iter((len(data),))
        at = 0
        for size in sizes:
            yield data[at : at + size]
            at += size
            if at >= len(data):
                return


def templates(
    profile: FirmwareProfile, writes: Iterable[phrases.Write], kind: WriteKind | None
) -> tuple[Template, ...]:
    """The writes of a phrase, repeats and turns written out.

    Args:
        profile: whose characteristics and values they are.
        writes: as the file says them.
        kind: the kind of write that is wanted where the characteristic takes it; None for its preferred one.
    """
    result = []
    for write in writes:
        kinds = profile.gatt[write.to].write
        wanted = write.write or kind
        how = wanted if wanted in kinds else kinds[0]
        own = slots(profile.values, write.frame)
        turns = [turn for turn in write.turns() for _ in range(write.repeat)]
        for number, turn in enumerate(turns, 1):
            pause = write.gap if number < len(turns) and write.repeat > 1 else 0.0
            pause = write.pause if number == len(turns) else pause
            pieces = profile.gatt[write.to].pieces
            result.append(Template(write.to, how, write.frame, own, turn, pause, write.answer, pieces))
    return tuple(result)


def to_wire(slots: tuple[Slot, ...], values: Mapping[str, float | str]) -> dict[str, Value]:
    """What stands in the slots on the wire.

    Raises:
        FrameValueError: a value is missing, or cannot stand there.
    """
    wire: dict[str, Value] = {}
    for slot in slots:
        name = slot.name
        value = values.get(name)
        if slot.rule is None:
            wire[name] = value if isinstance(value, int | str) else _whole(name, value)
        elif value is None and not slot.is_computed:
            if slot.unknown is None:
                raise _not_told(name)
            wire[name] = slot.unknown
        else:
            try:
                wire[name] = slot.rule.to_wire(0 if value is None else value, values)
            except (ValueError, OverflowError) as cause:
                raise FrameValueError(name, value, str(cause)) from cause
    return wire


def from_wire(slots: tuple[Slot, ...], wire: Mapping[str, Value]) -> dict[str, float | str]:
    """What the slots tell, in the profile's units; a slot that says "not known" is left out.

    Raises:
        ValueError: a value that cannot stand there.
    """
    values: dict[str, float | str] = {}
    for slot in slots:
        name = slot.name
        if slot.rule is None:
            values[name] = wire[name]
        else:
            value = slot.rule.from_wire(wire[name], wire)
            if value is not None:
                values[name] = value
    return values


def _not_told(slot: str) -> FrameValueError:
    return FrameValueError(slot, None, "a value; the ball has not told it yet")


def _whole(slot: str, value: float | str | None) -> int:
    if value is None:
        raise _not_told(slot)
    if isinstance(value, str) or not -math.inf < value < math.inf:
        raise FrameValueError(slot, value, "a finite number")
    if value != int(value):
        raise FrameValueError(slot, value, f"a whole number, or a scale in values.{slot}")
    return int(value)
