"""What a timeline will write and when, without a ball; used by ``unknot show``.

A test holds this list against the writes that a session really makes, renewals of the lease included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unknot.profiles.codec import Codec, SetLevel, Stop, next_sequence
from unknot.protocols.timeline import MILLISECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unknot.profiles.codec import Command, Write
    from unknot.profiles.model import FirmwareProfile
    from unknot.protocols.timeline import Timeline


@dataclass(frozen=True, slots=True)
class PlannedWrite:
    """One write of a timeline: at this second, for this level; a renewal repeats a level before its lease runs out."""

    at: float
    level: int
    is_renewal: bool
    write: Write


def planned_writes(timeline: Timeline, profile: FirmwareProfile) -> tuple[PlannedWrite, ...]:
    """Every write of a session that is neither paused nor disturbed, in order; the session's last stop included."""
    codec = Codec(profile)
    planned: list[PlannedWrite] = []
    sequence = 0
    for at, level, is_renewal in _moments(timeline, profile.safety.lease):
        sequence = next_sequence(sequence)
        command: Command = SetLevel(level, profile.safety.lease, sequence) if level else Stop(sequence)
        writes = codec.encode(command)
        for repeat in range(1 if level else codec.stop_times):
            moment = round(at + repeat * profile.safety.stop_gap, MILLISECONDS)
            planned += (PlannedWrite(moment, level, is_renewal, write) for write in writes)
    return tuple(planned)


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
