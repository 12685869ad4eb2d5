"""The codec of one profile: commands to bytes and bytes to reports, and the same from the ball's end.

The real ball uses `Codec.encode` and `Codec.decode`; the simulated ball uses `Codec.reader` and `Codec.report`, so a
profile that drives a client also makes a simulator. Pure: bytes in, bytes out.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from unknot.errors import FrameMismatch, FrameValueError, LevelOutOfRange, UsageError
from unknot.profiles import plugins
from unknot.profiles.lines import from_wire, slots, templates, to_wire
from unknot.profiles.reader import CommandReader, phrasebook
from unknot.profiles.speech import Press, Refused, Report, SetLevel, Start, Stop, Write
from unknot.profiles.writekind import WriteKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from unknot.profiles import phrases
    from unknot.profiles.lines import Slot, Template
    from unknot.profiles.model import FirmwareProfile
    from unknot.profiles.reader import Phrase
    from unknot.profiles.speech import Command, Line, Values


class Codec:
    """Both ends of one profile's wire on one link.

    What the ball told and a command must repeat (a captured token, the present mode) is remembered here.

    Args:
        profile: the profile.

    Attributes:
        profile: the same profile.
        stop_is_acknowledged: whether the ball acknowledges every write of a stop.
        stop_times: how often a stop is written: once if it is acknowledged, else as the profile says.
    """

    def __init__(self, profile: FirmwareProfile) -> None:
        self.profile = profile
        commands = profile.commands
        stop = templates(profile, commands.stop, WriteKind.REQUEST)
        self.stop_is_acknowledged = all(one.kind is WriteKind.REQUEST for one in stop)
        self.stop_times = 1 if self.stop_is_acknowledged else profile.safety.stop_repeat
        self._defaults = {name: one.value for name, one in profile.settings.items() if one.value is not None}
        self._remembered: Values = dict(self._defaults)
        self._taught = {one.source for one in profile.settings.values() if one.source is not None}
        self._stop = stop
        self._set_level = self._compiled(commands.set_level)
        self._start = self._compiled(commands.start)
        self._presses = {name: self._compiled(getattr(commands, name)) for name in commands.steps}
        self._steps = [self._compiled(None if step.write is None else (step.write,)) for step in profile.init]
        self._kept = [self._compiled((kept.write,)) for kept in profile.keep_alive]
        self._arrivals = {role: self._hearing(role) for role in profile.gatt}
        self._cipher = None if profile.codec is not None else plugins.PLAIN
        self._sealing: plugins.Sealing | None = None
        self._balls_sealing: plugins.Sealing | None = None
        self._phrases: tuple[Phrase, ...] | None = None  # only the ball's end needs it

    @property
    def has_steps(self) -> bool:
        """Whether levels are reached by relative steps, for want of a command that sets one."""
        return self.profile.commands.set_level is None

    def encode(self, command: Command) -> tuple[Write, ...]:
        """The writes that say a command, in order.

        Raises:
            LevelOutOfRange: the ball has no such level. Level 0 is refused too: off is said by `Stop`.
            UsageError: the level is no whole number, or the profile has no such command.
            FrameValueError: a value does not fit its slot, or the ball has not told it yet.
            CodecMissing: the profile needs a codec plug-in that is not there.
        """
        if isinstance(command, Stop):
            return self._say_stop({"sequence": command.sequence, "running": 0})
        if isinstance(command, Press):
            return self._say(self._presses.get(command.key, ()), {"sequence": command.sequence, "running": 1})
        if isinstance(command, SetLevel):
            self.refuse_level(command.level)
        self._refuse_lease(command.lease)
        lease = command.lease if command.lease is not None else self.profile.safety.lease
        values: Values = {"level": command.level, "sequence": command.sequence, "lease": lease or 0.0, "running": 1}
        return self._say(self._start if isinstance(command, Start) else self._set_level, values)

    def begin(self, command: SetLevel) -> tuple[Write, ...]:
        """The writes that set a level while the motor is off: what starts it, and the level. Raises as `encode`."""
        if not self._start:
            return self.encode(command)
        return self.encode(Start(command.level, command.lease, command.sequence)) + self.encode(command)

    def line(self, line: Line, values: Mapping[str, float | str]) -> tuple[Write, ...]:
        """The writes of a step of the dialogue, of a keep-alive, or of the query that tells variants apart.

        Args:
            line: which.
            values: what its slots may carry besides what is remembered: sequence, level, running, a report's values.

        Raises:
            FrameValueError: a value does not fit its slot, or the ball has not told it yet.
            CodecMissing: the profile needs a codec plug-in that is not there.
        """
        return self._say((self._steps if line.part == "init" else self._kept)[line.number], values)

    def pack_level(self, level: int) -> tuple[Write, ...]:
        """The writes that set a level, also one that is never to be written; for proofs. Raises as `encode`."""
        return self._say(self._set_level, self._values_at(level))

    def fixed_part(self, number: int) -> tuple[Write, ...]:
        """The writes of one entry of ``set_level`` that carries no level; for proofs. Raises as `encode`."""
        write = (self.profile.commands.set_level or ())[number]
        lines = tuple(line for line in self._set_level if line.frame is write.frame and line.to == write.to)
        return self._say(lines, self._values_at(0))

    def _values_at(self, level: int) -> Values:
        safety, sequence = self.profile.safety, self.profile.sequence
        return {"level": level, "sequence": sequence.first, "lease": safety.lease or 0.0, "running": 1}

    def looks_like_a_level(self, to: str, data: bytes) -> bool:
        """Whether bytes have the form of what carries a level, whatever its value; for proofs."""
        for line in self._set_level:
            if line.to == to and "level" in line.frame.slots and line.frame.might_be(data):
                with suppress(FrameMismatch):
                    told = line.frame.unpack(data)
                    return all(told.get(slot) == value for slot, value in line.turn.items())
        return False

    def refuse_level(self, level: object) -> None:
        """Raise `LevelOutOfRange` unless the ball has the level; `encode` does it too."""
        levels = self.profile.motor.highest
        if isinstance(level, bool) or not isinstance(level, int):
            raise UsageError(f"a level is a whole number from 1 to {levels}, not {level!r}")
        if not 1 <= level <= levels:
            raise LevelOutOfRange(level, levels, self.profile.id)

    def _refuse_lease(self, lease: float | None) -> None:
        longest = self.profile.safety.longest_lease
        if lease is not None and longest is not None and lease > longest:
            raise FrameValueError("lease", lease, f"at most {longest:g} s, the longest lease")

    def next_sequence(self, sequence: int) -> int:
        """The number of the command after the one with this number."""
        return self.profile.sequence.following(sequence)

    def remember(self, values: Mapping[str, float | str]) -> None:
        """Let these stand in the slots of that name from now on."""
        self._remembered.update(values)

    def rehearse(self) -> None:
        """Let what the ball must tell first be what the profile's examples say it tells."""
        for example in self.profile.examples:
            for values in (example.report or {}).values():
                self.remember({slot: value for slot, value in values.items() if slot in self.profile.settings})
        self.remember(self._defaults)

    def is_taught_by(self, report: str) -> bool:
        """Whether what that report tells may stand in what is written."""
        return report in self._taught

    def forget(self) -> None:
        """A new link begins: what the ball told on the last one is not true of it."""
        self._remembered = dict(self._defaults)
        self._sealing = None

    def decode(self, source: str, data: bytes) -> Report | Refused | None:
        """What a notification or a read value tells, or None if it is nothing that the profile knows.

        Args:
            source: the characteristic's name in the profile.
            data: the value.

        Raises:
            CodecMissing: the profile needs a codec plug-in that is not there.
        """
        try:
            data = self._ours().open(source, data)
        except FrameMismatch:
            return None
        length = len(data)
        for name, said, own, means in self._arrivals.get(source, ()):
            if not said.has_length(length) or not said.frame.might_be(data):
                continue
            try:
                values = from_wire(own, said.frame.unpack(data))
            except (FrameMismatch, ValueError):
                continue
            if means is not None:
                return Refused(name, means, values)
            if name in self._taught:
                self._learn(name, values)
            return Report(name, values)
        return None

    # The ball's end.

    def report(self, name: str, values: Mapping[str, float | str]) -> tuple[str, bytes]:
        """The ball's end of `decode`: the characteristic's name and the bytes of a report or a refusal.

        Raises:
            FrameValueError: a value is missing or does not fit.
        """
        said = self.profile.reports.get(name) or self.profile.refusals[name]
        if self._balls_sealing is None:
            self._balls_sealing = self.cipher.ball()
        return said.source, self._balls_sealing.seal(said.source, said.frame.pack(to_wire(self._slots(said), values)))

    def reader(self, *, beside_stop: bool = False) -> CommandReader:
        """The ball's end of `encode`: a reader of writes on a new link.

        Args:
            beside_stop: read what the stop would mean if it were none, for the proof that it starts no motor.
        """
        self._balls_sealing = self.cipher.ball()
        if self._phrases is None:
            self._phrases = phrasebook(self.profile)
        phrases = self._phrases[1:] if beside_stop else self._phrases
        return CommandReader(self.profile.id, phrases, self._balls_sealing)

    @property
    def cipher(self) -> plugins.Cipher:
        """What stands between the frames and the air. Raises `CodecMissing` if it is not there."""
        if self._cipher is None:
            self._cipher = plugins.cipher(self.profile.codec, self._defaults)
        return self._cipher

    def refuse_without_cipher(self) -> None:
        """Raise `CodecMissing` if the profile needs a codec plug-in that is not there."""
        _ = self.cipher

    def _ours(self) -> plugins.Sealing:
        if self._sealing is None:
            self._sealing = self.cipher.client()
        return self._sealing

    def _learn(self, report: str, values: Mapping[str, float | str]) -> None:
        for name, setting in self.profile.settings.items():
            if setting.source == report and name in values:
                self._remembered[name] = values[name]

    def _compiled(self, writes: Iterable[phrases.Write] | None) -> tuple[Template, ...]:
        return () if writes is None else templates(self.profile, writes, None)

    def _hearing(self, role: str) -> tuple[tuple[str, phrases.Report, tuple[Slot, ...], str | None], ...]:
        """What may arrive on a characteristic: refusals first, since a report may be less particular."""
        profile = self.profile
        arrivals: list[tuple[str, phrases.Report, str | None]] = [
            *((name, said, said.means) for name, said in profile.refusals.items()),
            *((name, said, None) for name, said in profile.reports.items()),
        ]
        return tuple((name, said, self._slots(said), means) for name, said, means in arrivals if said.source == role)

    def _slots(self, said: phrases.Report) -> tuple[Slot, ...]:
        return slots({**self.profile.values, **said.values}, said.frame)

    def _say_stop(self, values: Mapping[str, float | str]) -> tuple[Write, ...]:
        """A stop with what is remembered, or as the file has it where that does not fit: it can always be written."""
        try:
            return self._say(self._stop, values)
        except FrameValueError:
            return self._say(self._stop, {**self._defaults, **values})

    def _say(self, lines: tuple[Template, ...], values: Mapping[str, float | str]) -> tuple[Write, ...]:
        if not lines:
            raise UsageError(f"{self.profile.id} has no such command")
        if self._remembered:
            values = {**self._remembered, **values}
        seal = self._ours().seal
        writes = []
        for line in lines:
            data = seal(line.to, line.pack(values))
            if line.pieces:
                *pieces, last = line.split(data)
                writes += [Write(line.to, piece, line.kind, goes_on=True) for piece in pieces]
                data = last
            writes.append(Write(line.to, data, line.kind, line.pause, line.answer))
        return tuple(writes)
