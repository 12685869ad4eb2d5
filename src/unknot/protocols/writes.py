"""What a timeline will write and when, and what is said around it, without a ball; used by ``unknot show``.

A test holds this list against the writes that a session really makes, renewals of the lease included.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from unknot.errors import FrameValueError
from unknot.profiles.codec import Codec
from unknot.profiles.speech import Line, Press, SetLevel, Stop
from unknot.profiles.stepping import STOP, Stepper
from unknot.protocols.timeline import MILLISECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unknot.profiles.model import FirmwareProfile
    from unknot.profiles.phrases import KeepAlive, Step
    from unknot.profiles.speech import Command, Write
    from unknot.protocols.timeline import Timeline


@dataclass(frozen=True, slots=True)
class PlannedWrite:
    """One write of a timeline: at this second, for this level; a renewal repeats a level before its lease runs out."""

    at: float
    level: int
    is_renewal: bool
    write: Write


@dataclass(frozen=True, slots=True)
class Around:
    """What is said besides a timeline's writes.

    Attributes:
        phrase: a step of the dialogue after connecting, or what is written again and again.
        writes: what it writes; none if it writes nothing, or if what it carries is known only at the time.
    """

    phrase: Step | KeepAlive
    writes: tuple[Write, ...]


def said_around(profile: FirmwareProfile) -> tuple[Around, ...]:
    """The dialogue after connecting, in order, and the keep-alives after it."""
    codec = Codec(profile)
    codec.rehearse()
    steps = [
        Around(step, _line(codec, Line("init", number)) if step.write is not None else ())
        for number, step in enumerate(profile.init)
    ]
    kept = [Around(one, _line(codec, Line("keep_alive", number))) for number, one in enumerate(profile.keep_alive)]
    return (*steps, *kept)


def _line(codec: Codec, line: Line) -> tuple[Write, ...]:
    try:
        return codec.line(line, {})
    except FrameValueError:
        return ()


def taken_from_examples(profile: FirmwareProfile) -> dict[str, float | str]:
    """The settings that the ball must tell first, with what stands in for them in all these lists."""
    told = {
        slot: value
        for example in profile.examples
        for values in (example.report or {}).values()
        for slot, value in values.items()
    }
    return {slot: told[slot] for slot, one in profile.settings.items() if one.value is None and slot in told}


def planned_writes(timeline: Timeline, profile: FirmwareProfile) -> tuple[PlannedWrite, ...]:
    """Every write of a session that is neither paused nor disturbed, in order; the session's last stop included.

    What is said once after connecting, and again and again to keep the link alive, is not part of it, but of
    `said_around`. Where the ball must first tell what a frame carries, the profile's examples speak for it
    (`taken_from_examples`); relative steps are as many as levels.
    """
    codec = Codec(profile)
    codec.rehearse()
    planned: list[PlannedWrite] = []
    sequence, before = 0, 0
    for at, level, is_renewal in _moments(timeline, profile.safety.lease):
        moment = at
        for command in _commands(codec, before, level):
            sequence = codec.next_sequence(sequence)
            numbered = replace(command, sequence=sequence)
            writes = codec.begin(numbered) if isinstance(numbered, SetLevel) and not before else codec.encode(numbered)
            for _ in range(codec.stop_times if isinstance(command, Stop) else 1):
                for write in writes:
                    planned.append(PlannedWrite(round(moment, MILLISECONDS), level, is_renewal, write))
                    moment += write.pause
                if isinstance(command, Stop):
                    moment += profile.safety.stop_gap
        before = level
    return tuple(planned)


def _commands(codec: Codec, before: int, level: int) -> Iterator[Command]:
    """What is said to come from one level to another."""
    if level == 0:
        yield Stop()
    elif not codec.has_steps:
        yield SetLevel(level, codec.profile.safety.lease)
    else:
        stepper = Stepper(codec.profile)
        stepper.hear(before)
        while (step := stepper.next_step(level)) is not None:
            yield Stop() if step == STOP else Press(step)
            present = stepper.told or 0
            stepper.hear({"down": present - 1, STOP: 0}.get(step, present + 1))


def _moments(timeline: Timeline, lease: float | None) -> Iterator[tuple[float, int, bool]]:
    cues = timeline.cues
    for cue, following in zip(cues, (*cues[1:], None), strict=True):
        yield cue.at, cue.level, False
        if cue.level and lease is not None and following is not None:
            count = 1
            while round(cue.at + count * lease / 2, MILLISECONDS) < following.at:
                yield round(cue.at + count * lease / 2, MILLISECONDS), cue.level, True
                count += 1
    # The end stops once more even where the motor has been off for the stretch.
    if not cues or cues[-1].at < timeline.seconds:
        yield timeline.seconds, 0, False
