"""What bytes from a recording mean in a profile, whichever side they came from; for ``unknot profile decode``."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from unknot.errors import FrameMismatch
from unknot.profiles import vocabulary
from unknot.profiles.assembly import Assembler
from unknot.profiles.codec import Codec
from unknot.profiles.explain import NO_INTEREST, Candidate, Difference, Piece, explain, nearest
from unknot.profiles.speech import Line, Press, SetLevel, Start, Stop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unknot.profiles.lines import Template
    from unknot.profiles.model import FirmwareProfile
    from unknot.profiles.reader import CommandReader, Message

_COMMANDS: Mapping[type, str] = {SetLevel: "set_level", Stop: "stop", Start: "start"}


@dataclass(frozen=True, slots=True)
class Reading:
    """One meaning of bytes.

    Attributes:
        kind: "report", "refusal", "command", "init" or "keep_alive"; "part" for what goes on in later bytes.
        name: its name in the profile, or the number of the step; empty for a part.
        role: the name of the characteristic.
        values: what it says, by slot name.
        frame: the frame that the bytes are, or end.
        pieces: what each byte of the frame is; empty while the frame is not whole.
        dropped: how many bytes of foreign text were thrown away to find the frame's start.
    """

    kind: str
    name: str
    role: str
    values: Mapping[str, float | str]
    frame: bytes
    pieces: tuple[Piece, ...]
    dropped: int = 0


class Interpreter:
    """Reads notifications and writes in the order in which they were on the air.

    Args:
        profile: whose.
        role: the name of the only characteristic to think of; None for all.

    Raises:
        CodecMissing: the profile needs a codec plug-in that is not there.
    """

    def __init__(self, profile: FirmwareProfile, role: str | None = None) -> None:
        self._profile = profile
        self._codec = Codec(profile)
        self._codec.refuse_without_cipher()
        self._reader = self._codec.reader()
        roles = {name: use for name, use in profile.gatt.items() if role in (None, name)}
        self._written = [name for name, use in roles.items() if use.write]
        self._heard = [name for name, use in roles.items() if use.is_heard or use.is_read]
        self._assemblers = {
            name: Assembler(assembly) for name in self._heard if (assembly := roles[name].assemble) is not None
        }
        self._said = vocabulary.said(profile)
        self._arrivals = vocabulary.heard(profile)
        self._ours = self._codec.cipher.client()
        self._balls = self._codec.cipher.ball()
        self._held: dict[str, bytes] = {}
        self._waiting: Counter[str] = Counter()  # bytes of frames that are not whole
        self._strange: bytes | None = None

    def read(self, data: bytes) -> tuple[Reading, ...]:
        """All that a notification or a write can mean; empty if it is nothing that the profile knows."""
        self._strange = None
        readings = [reading for role in self._heard for reading in self._hear(role, data)]
        command = self._take(data)
        if command is not None:
            readings.append(command)
        firm = [reading for reading in readings if _is_firm(reading)]
        return tuple(firm or filter(_is_legible, readings))

    def difference(self, data: bytes) -> Difference | None:
        """What is wrong with bytes that `read` could not read, held against the nearest frame."""
        candidates = [
            Candidate(f"{one.kind} {one.name}", one.source, one.frame, one.slots, one.lengths)
            for one in self._arrivals
            if one.source in self._heard
        ]
        candidates += [
            Candidate(_called(name), line.to, line.frame, line.slots)
            for name, lines in self._said.items()
            for line in lines
            if line.to in self._written
        ]
        return nearest(candidates, self.strange(data))

    def strange(self, data: bytes) -> bytes:
        """The frame that `read` could not read: what was put together, or else the bytes themselves."""
        return data if self._strange is None else self._strange

    def _hear(self, role: str, data: bytes) -> list[Reading]:
        assembler = self._assemblers.get(role)
        if assembler is None:
            return self._told(role, data)
        before = assembler.dropped
        frames = assembler.feed(data)
        dropped = assembler.dropped - before
        self._waiting[role] += len(data) - dropped - sum(map(len, frames))
        readings = []
        for frame in frames:
            told = self._told(role, frame)
            readings += told
            if not told:
                self._strange = frame
        if not frames and self._goes_on(role, dropped):
            readings.append(Reading("part", "", role, {}, data, ()))
        return [replace(one, dropped=dropped) for one in readings[:1]] + readings[1:]

    def _goes_on(self, role: str, dropped: int) -> bool:
        """Whether the bytes begin a frame, or go on with it: after foreign text, a whole start must be there."""
        assembly = self._profile.gatt[role].assemble
        start = b"" if assembly is None else assembly.start
        return not dropped or 0 < len(start) <= self._waiting[role]

    def _told(self, role: str, data: bytes) -> list[Reading]:
        told = self._codec.decode(role, data)
        if told is None:
            return []
        arrival = next(one for one in self._arrivals if one.name == told.name)
        frame = self._ours.open(role, data)
        pieces = explain(arrival.frame, arrival.slots, frame)
        return [Reading(arrival.kind, arrival.name, role, told.values, frame, pieces)]

    def _take(self, data: bytes) -> Reading | None:
        """The write that the bytes are; one that completes a command rather than one that begins it."""
        begun: tuple[CommandReader, str] | None = None
        for role in self._written:
            reader = copy.copy(self._reader)
            try:
                meant = reader.feed(role, data)
            except FrameMismatch:
                continue
            if meant is not None:
                self._reader = reader
                return self._meant(role, data, meant)
            begun = begun or (reader, role)
        if begun is None:
            self._held.clear()
            return None
        self._reader, role = begun
        return self._begun(role, data)

    def _meant(self, role: str, data: bytes, meant: Message) -> Reading:
        name = _name(meant)
        _, frame, pieces = self._explained(role, data, name)
        kind, _, number = name.partition(" ")
        return Reading(kind if number else "command", number or name, role, dict(self._reader.values), frame, pieces)

    def _begun(self, role: str, data: bytes) -> Reading:
        name, frame, pieces = self._explained(role, data, "")
        return Reading("part", name, role, {}, frame, pieces)

    def _explained(self, role: str, data: bytes, name: str) -> tuple[str, bytes, tuple[Piece, ...]]:
        """Which line a write is, the frame in it, and what its bytes are; a piece of a line says nothing yet."""
        named: list[tuple[str, Template]] = [(name, line) for line in self._said.get(name, ())]
        named += [(other, line) for other, lines in self._said.items() for line in lines]
        for whole in dict.fromkeys((self._held.get(role, b"") + data, data)):
            try:
                frame = self._balls.open(role, whole)
            except FrameMismatch:
                continue
            for called, line in named:
                try:
                    pieces = explain(line.frame, line.slots, frame)
                except (FrameMismatch, ValueError):
                    continue
                if line.to == role:
                    self._held.pop(role, None)
                    return called, frame, pieces
        self._held[role] = self._held.get(role, b"") + data
        return "", data, ()


def _is_firm(reading: Reading) -> bool:
    """Whether something in the bytes had to be as it is; a battery's byte may be anything."""
    return any(not piece.slot and piece.meaning != NO_INTEREST for piece in reading.pieces)


def _is_legible(reading: Reading) -> bool:
    """Whether it is no text with control characters, as any bytes below 80 would make."""
    return all(not isinstance(value, str) or value.isprintable() for value in reading.values.values())


def _name(meant: Message) -> str:
    if isinstance(meant, Line):
        return f"{meant.part} {meant.number + 1}"
    return meant.key if isinstance(meant, Press) else _COMMANDS[type(meant)]


def _called(name: str) -> str:
    return name if " " in name else f"command {name}"
