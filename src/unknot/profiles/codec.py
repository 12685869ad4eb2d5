"""The codec of one profile: commands to bytes and bytes to reports, and the same from the ball's end.

The real ball uses `Codec.encode` and `Codec.decode`; the simulated ball uses `Codec.reader` and `Codec.report`, so a
profile that drives a client also makes a simulator. Pure: bytes in, bytes out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unknot.errors import FrameMismatch, FrameValueError, LevelOutOfRange, UsageError
from unknot.profiles.model import FirmwareProfile, WriteKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unknot.profiles import model
    from unknot.profiles.frame import Frame, Value

SEQUENCE_MODULUS = 256
"""Sequence numbers count from 0 to 255 and begin again: one byte, as in the open ball's frames."""


def next_sequence(sequence: int) -> int:
    """The number of the command after the one with this number."""
    return (sequence + 1) % SEQUENCE_MODULUS


@dataclass(frozen=True, slots=True)
class SetLevel:
    """Vibrate at a level, from 1 to the highest; off is `Stop`.

    Attributes:
        lease: seconds that the command stays valid, or None where the profile has no lease.
        sequence: a number that the ball may repeat in its reports.
    """

    level: int
    lease: float | None = None
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Stop:
    """Motor off, at once."""

    sequence: int = 0


Command = SetLevel | Stop


@dataclass(frozen=True, slots=True)
class Write:
    """One write: the characteristic's name in the profile, the bytes, and how to write them."""

    to: str
    data: bytes
    kind: WriteKind


@dataclass(frozen=True, slots=True)
class Report:
    """What the ball told.

    Attributes:
        name: the report's name in the profile.
        values: what it says by slot name: level (device steps), lease (s), sequence, temperature (°C),
            battery (%), fault (a code, 0 = none), firmware (text), or a name of the profile's own.
    """

    name: str
    values: Mapping[str, float | str] = field(default_factory=dict)

    @property
    def level(self) -> int | None:
        """The applied level, if the report tells it."""
        level = self.values.get("level")
        return None if level is None or isinstance(level, str) else round(level)


class Codec:
    """Both ends of one profile's wire.

    Args:
        profile: the profile.

    Attributes:
        profile: the same profile.
        stop_is_acknowledged: whether the ball acknowledges every write of a stop.
        stop_times: how often a stop is written: once if it is acknowledged, else as the profile says.
    """

    def __init__(self, profile: FirmwareProfile) -> None:
        self.profile = profile
        self.stop_is_acknowledged = all(
            WriteKind.REQUEST in profile.gatt[write.to].write for write in profile.commands.stop
        )
        self.stop_times = 1 if self.stop_is_acknowledged else profile.safety.stop_repeat
        self._conversions = profile.values
        self._reports = {
            role: tuple((name, report.frame) for name, report in profile.reports.items() if report.source == role)
            for role in profile.gatt
        }

    def encode(self, command: Command) -> tuple[Write, ...]:
        """The writes that say a command, in order.

        Raises:
            LevelOutOfRange: the ball has no such level. Level 0 is refused too: off is said by `Stop`.
            UsageError: the level is no whole number.
        """
        if isinstance(command, Stop):
            return self._writes(self.profile.commands.stop, {"sequence": command.sequence}, WriteKind.REQUEST)
        self.refuse_level(command.level)
        lease = command.lease if command.lease is not None else self.profile.safety.lease
        values = {"level": command.level, "sequence": command.sequence, "lease": lease or 0.0}
        return self._writes(self.profile.commands.set_level, values, None)

    def refuse_level(self, level: object) -> None:
        """Raise `LevelOutOfRange` unless the ball has the level; `encode` does it too."""
        levels = self.profile.motor.levels
        if isinstance(level, bool) or not isinstance(level, int):
            raise UsageError(f"a level is a whole number from 1 to {levels}, not {level!r}")
        if not 1 <= level <= levels:
            raise LevelOutOfRange(level, levels, self.profile.id)

    def decode(self, source: str, data: bytes) -> Report | None:
        """The report in a notification or a read value, or None if it is none that the profile knows.

        Args:
            source: the characteristic's name in the profile.
            data: the value.
        """
        for name, frame in self._reports.get(source, ()):
            try:
                return Report(name, self._from_wire(frame.unpack(data)))
            except (FrameMismatch, ValueError):
                continue
        return None

    def report(self, name: str, values: Mapping[str, float | str]) -> tuple[str, bytes]:
        """The ball's end of `decode`: the characteristic's name and the bytes of a report.

        Raises:
            FrameValueError: a value is missing or does not fit.
        """
        template = self.profile.reports[name]
        return template.source, template.frame.pack(self._to_wire(template.frame, values))

    def reader(self) -> CommandReader:
        """The ball's end of `encode`: a reader of writes."""
        return CommandReader(self)

    def _writes(
        self, templates: tuple[model.Write, ...], values: Mapping[str, float], wanted: WriteKind | None
    ) -> tuple[Write, ...]:
        writes = []
        for template in templates:
            kinds = self.profile.gatt[template.to].write
            kind = wanted if wanted in kinds else kinds[0]
            writes.append(Write(template.to, template.frame.pack(self._to_wire(template.frame, values)), kind))
        return tuple(writes)

    def _to_wire(self, frame: Frame, values: Mapping[str, float | str]) -> dict[str, Value]:
        wire: dict[str, Value] = {}
        for slot in frame.slots:
            if slot not in values:
                raise FrameValueError(slot, None, "a value")
            value = values[slot]
            if isinstance(value, str) or (isinstance(value, int) and slot not in self._conversions):
                wire[slot] = value
            else:
                wire[slot] = self._number_to_wire(slot, value)
        return wire

    def _number_to_wire(self, slot: str, value: float) -> int:
        conversion = self._conversions.get(slot)
        if not -math.inf < value < math.inf:
            raise FrameValueError(slot, value, "a finite number")
        if conversion is not None:
            try:
                return conversion.to_wire(value)
            except (ValueError, OverflowError) as cause:
                raise FrameValueError(slot, value, str(cause)) from cause
        if value != int(value):
            raise FrameValueError(slot, value, f"a whole number, or a scale in values.{slot}")
        return int(value)

    def _from_wire(self, wire: Mapping[str, Value]) -> dict[str, float | str]:
        values: dict[str, float | str] = dict(wire)
        for slot, conversion in self._conversions.items():
            value = wire.get(slot)
            if isinstance(value, int):
                values[slot] = conversion.from_wire(value)
        return values


@dataclass(frozen=True, slots=True)
class _Begun:
    """A command of which some writes have arrived."""

    templates: tuple[model.Write, ...]
    arrived: int = 0
    values: Mapping[str, float | str] = field(default_factory=dict)


class CommandReader:
    """Reads a client's writes as the ball does; one command may take several writes.

    Args:
        codec: whose profile says what commands look like.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        commands = codec.profile.commands
        # A stop is looked for first: where "level 0" and "stop" are the same bytes, they mean stop.
        self._fresh = [_Begun(commands.stop), _Begun(commands.set_level)]
        self._begun: list[_Begun] = []

    def feed(self, to: str, data: bytes) -> Command | None:
        """Take one write; a command if it completes one, None if more writes must follow.

        Raises:
            FrameMismatch: no command begins or goes on like this.
        """
        candidates = self._begun + self._fresh
        self._begun = []
        for begun in candidates:
            template = begun.templates[begun.arrived]
            if template.to != to:
                continue
            try:
                values = {**begun.values, **self._codec._from_wire(template.frame.unpack(data))}  # noqa: SLF001 - its own reader
                if begun.arrived + 1 == len(begun.templates):
                    command = self._command(begun.templates, values)
                    self._begun = []
                    return command
            except (FrameMismatch, ValueError):
                continue
            self._begun.append(_Begun(begun.templates, begun.arrived + 1, values))
        if not self._begun:
            raise FrameMismatch(f"no command of {self._codec.profile.id} looks like {data.hex(' ').upper()}")
        return None

    def _command(self, templates: tuple[model.Write, ...], values: Mapping[str, float | str]) -> Command:
        profile = self._codec.profile
        sequence = int(values.get("sequence", 0))
        if templates is profile.commands.stop:
            return Stop(sequence)
        level = float(values["level"])
        if level != round(level) or not 0 <= level <= profile.motor.levels:
            raise ValueError(f"level {level} is not one of 0 to {profile.motor.levels}")
        lease = float(values["lease"]) if "lease" in values else None
        return SetLevel(round(level), lease, sequence) if level else Stop(sequence)
