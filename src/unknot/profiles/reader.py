"""The ball's end of a profile: what a client's writes mean; used by the simulated firmware and by the proof.

One phrase may take several writes, and one write may come in several pieces.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unknot.errors import FrameMismatch
from unknot.profiles.frames.frame import MAX_BYTES
from unknot.profiles.lines import from_wire, templates
from unknot.profiles.phrases import STEPS
from unknot.profiles.speech import Command, Key, Line, Press, SetLevel, Start, Stop, Values

if TYPE_CHECKING:
    from collections.abc import Callable

    from unknot.profiles import phrases
    from unknot.profiles.lines import Template
    from unknot.profiles.model import FirmwareProfile
    from unknot.profiles.plugins import Sealing
    from unknot.profiles.speech import Key

Message = Command | Line
"""What a client can mean."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Writes that mean something together, and how far they have arrived.

    Attributes:
        writes: what belongs to it.
        meaning: makes of its values what is meant.
        arrived: how many of them have arrived.
        held: the pieces of the next one that have.
        values: what they said.
    """

    writes: tuple[Template, ...]
    meaning: Callable[[Values], Message]
    arrived: int = 0
    held: bytes = b""
    values: Values = field(default_factory=dict)


def phrasebook(profile: FirmwareProfile) -> tuple[Phrase, ...]:
    """Everything that a client can say.

    A stop comes first: where "level 0" and "stop" are the same bytes, they mean stop.
    """
    commands = profile.commands
    said: list[tuple[tuple[phrases.Write, ...] | None, Callable[[Values], Message]]] = [
        (commands.stop, _stop),
        (commands.set_level, _set_level(profile.motor.levels)),
        (commands.start, _start),
        *((getattr(commands, key), _press(key)) for key in STEPS),
        *(((step.write,), _line(Line("init", number))) for number, step in enumerate(profile.init) if step.write),
        *(((kept.write,), _line(Line("keep_alive", number))) for number, kept in enumerate(profile.keep_alive)),
    ]
    return tuple(Phrase(templates(profile, writes, None), meaning) for writes, meaning in said if writes)


class CommandReader:
    """Reads a client's writes as the ball does.

    Args:
        name: what the profile is called, for errors.
        phrases: what a client can say.
        sealing: the ball's end of the link.

    Attributes:
        values: everything that the newest whole phrase said, by slot name.
        answers: the reports that a client may wait for after the newest write.
        steps: the numbers of the steps of the dialogue that the newest write completes, whatever else it means.
    """

    def __init__(self, name: str, phrases: tuple[Phrase, ...], sealing: Sealing) -> None:
        self.values: Values = {}
        self.answers: tuple[str, ...] = ()
        self.steps: tuple[int, ...] = ()
        self._name = name
        self._sealing = sealing
        self._begun: list[Phrase] = []
        self._fresh = list(phrases)

    def feed(self, to: str, data: bytes) -> Message | None:
        """Take one write; what is meant if it completes a phrase, None if more must follow.

        A write may end one phrase and be part of another: a stop may also be the first write of a level.

        Raises:
            FrameMismatch: no phrase begins or goes on like this.
        """
        candidates = self._begun + self._fresh
        self._begun = []
        opened: dict[bytes, bytes | None] = {}
        meant: list[tuple[Message, Values]] = []
        answers: list[str] = []
        for begun in candidates:
            template = begun.writes[begun.arrived]
            held = begun.held + data
            if template.to != to or not _might_be(template, self._opened(opened, to, held)):
                continue
            try:
                values = {**begun.values, **self._read(template, opened[held])}
                if begun.arrived + 1 < len(begun.writes):
                    self._begun.append(Phrase(begun.writes, begun.meaning, begun.arrived + 1, b"", values))
                else:
                    meant.append((begun.meaning(values), values))
            except (FrameMismatch, ValueError):
                if _is_a_piece(template, begun.held, data):
                    self._begun.append(Phrase(begun.writes, begun.meaning, begun.arrived, held, begun.values))
            else:
                answers += [] if template.answer is None else [template.answer]
        if not meant and not self._begun:
            raise FrameMismatch(f"no command of {self._name} looks like {data.hex(' ').upper()}")
        self.answers = tuple(dict.fromkeys(answers))
        self.steps = tuple(one.number for one, _ in meant if isinstance(one, Line) and one.part == "init")
        if not meant:
            return None
        message, self.values = meant[0]
        return message

    def _opened(self, opened: dict[bytes, bytes | None], to: str, data: bytes) -> bytes | None:
        """The frame in what came over the air, or None if it is none; opened once, since a plug-in may count."""
        if data not in opened:
            try:
                opened[data] = self._sealing.open(to, data)
            except FrameMismatch:
                opened[data] = None
        return opened[data]

    def _read(self, template: Template, data: bytes | None) -> Values:
        if data is None:
            raise FrameMismatch("what came over the air holds no frame")
        values = from_wire(template.slots, template.frame.unpack(data))
        if any(values.get(slot) != value for slot, value in template.turn.items()):
            raise FrameMismatch("another turn")
        return values


def _might_be(template: Template, frame: bytes | None) -> bool:
    """Whether it is worth while to read it: quick, and no promise. Of a frame in pieces nobody knows before the end."""
    return bool(template.pieces) or (frame is not None and template.frame.might_be(frame))


def _is_a_piece(template: Template, held: bytes, data: bytes) -> bool:
    """Whether a write that is not whole yet has the length of the piece that is due."""
    if not template.pieces or len(held) + len(data) > MAX_BYTES:
        return False
    due, at = 0, 0
    for due in template.pieces:
        if at >= len(held):
            break
        at += due
    return len(data) == due


def _set_level(levels: int) -> Callable[[Values], Message]:
    def meaning(values: Values) -> Message:
        level = values.get("level", 0)
        if not isinstance(level, int | float) or level != round(level) or not 0 <= level <= levels:
            raise ValueError(f"level {level} is not one of 0 to {levels}")
        sequence = _sequence(values)
        return SetLevel(round(level), _lease(values), sequence) if level else Stop(sequence)

    return meaning


def _stop(values: Values) -> Message:
    return Stop(_sequence(values))


def _start(values: Values) -> Message:
    level = values.get("level", 0)
    return Start(round(level) if isinstance(level, int | float) else 0, _lease(values), _sequence(values))


def _press(key: Key) -> Callable[[Values], Message]:
    def meaning(values: Values) -> Message:
        return Press(key, _sequence(values))

    return meaning


def _line(line: Line) -> Callable[[Values], Message]:
    return lambda _: line


def _sequence(values: Values) -> int:
    return int(values.get("sequence", 0))


def _lease(values: Values) -> float | None:
    return float(values["lease"]) if "lease" in values else None
