"""The compiler: a muscle protocol and a firmware profile become a timeline, the exact moments at which a level changes.

Used by `unknot.session` to play, by ``unknot show`` to draw, and by the simulated ball's tests to compare. Pure.
A ramp from 20 to 70 % on a ball of three levels is two cues, not fifty polls, so the writes are the fewest possible
and each has a deadline of its own: lateness never adds up.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from unknot.errors import UsageError
from unknot.protocols import limits
from unknot.protocols.limits import Ceiling
from unknot.protocols.model import Segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from unknot.profiles.model import FirmwareProfile
    from unknot.protocols.model import MuscleProtocol

MILLISECONDS = 3
"""Cues lie on a grid of milliseconds: finer than any radio, and readable."""


LEAST_INTENSITY = 1.0
"""The weakest intensity (%) that can be asked for; below it a caller more likely means a share of 1 (judgement)."""


class Side(StrEnum):
    """Which side of the body; `ANY` leaves it to the person."""

    ANY = "any"
    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Cue:
    """At this second, this level; ``step`` is the index of its span."""

    at: float
    level: int
    step: int


@dataclass(frozen=True, slots=True)
class Span:
    """One step as it will be played: from ``start`` to ``end`` (s), with its words and its strongest intensity (%)."""

    do: str
    side: Side
    start: float
    end: float
    say: str
    intensity: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """A protocol compiled for a profile.

    Attributes:
        muscle: the protocol's id; empty for free vibration.
        title: what the person reads.
        profile: the profile's id.
        levels: the profile's highest level.
        spans: the steps in order, without gaps.
        cues: the level changes in order; the last one is level 0. None if the motor never runs.
    """

    muscle: str
    title: str
    side: Side
    profile: str
    levels: int
    ceiling: Ceiling
    spans: tuple[Span, ...]
    cues: tuple[Cue, ...]

    @property
    def seconds(self) -> float:
        """How long it takes (s)."""
        return self.spans[-1].end

    @property
    def motor_seconds(self) -> float:
        """How long the motor runs (s)."""
        return sum(end - start for start, end in _on_stretches(self.cues))

    def level_at(self, position: float) -> int:
        """The level due at a second of the timeline."""
        level = 0
        for cue in self.cues:
            if cue.at > position:
                break
            level = cue.level
        return level

    def span_at(self, position: float) -> int:
        """The index of the span that a second of the timeline falls into; the last one's after the end."""
        for index, span in enumerate(self.spans):
            if position < span.end:
                return index
        return len(self.spans) - 1

    def onwards(self, position: float, level: int, *, held_to: int | None = None) -> tuple[Cue, ...]:
        """The cues from a second on, when the motor is at ``level`` now: rises are eased in again.

        Args:
            position: second of the timeline.
            level: the level that the motor has at this moment.
            held_to: never rise above this level before the motor has been off once; for a level that the person chose
                on the ball itself.
        """
        here = Cue(position, self.level_at(position), self.span_at(position))
        ahead = (here, *(cue for cue in self.cues if cue.at > position))
        return tuple(_ease(_hold(ahead, held_to), level, self.levels))


def compile_protocol(
    protocol: MuscleProtocol, profile: FirmwareProfile, *, side: Side = Side.ANY, intensity: float | None = None
) -> Timeline:
    """The timeline of a protocol on a ball that speaks a profile.

    Args:
        protocol: what the muscle gets.
        profile: whose levels it is compiled for.
        side: left, right, both one after the other, or any.
        intensity: the strongest intensity (%) instead of the protocol's own, from `LEAST_INTENSITY`; the whole curve is
            scaled to it. 0 guides without the motor.

    Raises:
        LimitExceeded: a limit refuses.
        UsageError: a side of a muscle that has none, or an intensity that is no percentage.
    """
    if side is not Side.ANY and not protocol.sided:
        raise UsageError(f"{protocol.id} has no left and right")
    share = _share(protocol.peak, intensity)
    sides = (Side.LEFT, Side.RIGHT) if side is Side.BOTH else (side,)
    pieces = [
        (step.do, one, f"{one.capitalize()} side. {step.say}" if one is not Side.ANY and not number else step.say,
         tuple(Segment(piece.seconds, share(piece.start), share(piece.end)) for piece in step.segments()))
        for one in sides
        for number, step in enumerate(protocol.steps)
    ]  # fmt: skip
    return _compile(
        pieces, muscle=protocol.id, title=protocol.title, side=side, profile=profile, ceiling=protocol.ceiling
    )


def compile_free(percent: float, seconds: float, profile: FirmwareProfile) -> Timeline:
    """The timeline of vibration without a muscle: eased in, held, and off after ``seconds`` in all.

    What the motor reaches is held to `limits.FREE_INTENSITY`: 40 % for 2 s is played, because easing in ends at 20 %.

    Args:
        percent: the intensity, from `LEAST_INTENSITY`; a short time reaches less of it.
        seconds: how long the motor runs, easing in included.
        profile: whose levels it is compiled for.

    Raises:
        LimitExceeded: too strong or too long.
        UsageError: no percentage, or no time.
    """
    if not _is_number(percent) or not LEAST_INTENSITY <= percent <= 100:
        raise UsageError(f"an intensity is from {LEAST_INTENSITY:g} to 100 %, not {percent!r}")
    if not _is_number(seconds) or not seconds > 0:
        raise UsageError(f"a duration is a number of seconds above 0, not {seconds!r}")
    limits.FREE.refuse_above(seconds)
    reached = min(percent, seconds * limits.RAMP_PERCENT_PER_SECOND)
    if reached > limits.FREE_INTENSITY.value:
        limits.FREE_INTENSITY.refuse_above(percent)
    hold = ("hold", Side.ANY, "Vibrate", (Segment(seconds, reached, reached),))
    ceiling = limits.FREE_CEILING
    return _compile([hold], muscle="", title="Free vibration", side=Side.ANY, profile=profile, ceiling=ceiling)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _share(peak: float, intensity: float | None) -> Callable[[float], float]:
    """What becomes of a protocol's intensity (%) when its peak is to be another one."""
    if intensity is None:
        return float
    if not _is_number(intensity) or not (intensity == 0 or LEAST_INTENSITY <= intensity <= 100):
        raise UsageError(f"an intensity is 0, or from {LEAST_INTENSITY:g} to 100 %, not {intensity!r}")
    if peak == 0:
        return lambda _percent: 0.0
    return lambda percent: percent / peak * intensity  # divided first: never above the intensity, whatever the peak


def _compile(
    pieces: Iterable[tuple[str, Side, str, tuple[Segment, ...]]],
    *,
    muscle: str,
    title: str,
    side: Side,
    profile: FirmwareProfile,
    ceiling: Ceiling,
) -> Timeline:
    limits.refuse_unsuitable(profile)
    levels, highest = profile.motor.levels, profile.motor.highest
    spans: list[Span] = []
    wanted: list[Cue] = []
    at = 0.0
    for do, one, say, segments in pieces:
        start = at
        for segment in segments:
            wanted += (
                Cue(when, min(level, highest), len(spans)) for when, level in _quantise(segment, at, levels, ceiling)
            )
            at += segment.seconds
        at = round(at, MILLISECONDS)
        peak = max(max(segment.start, segment.end) for segment in segments)
        spans.append(Span(do, one, start, at, say, round(peak, 1)))
    wanted.append(Cue(at, 0, len(spans) - 1))
    eased = tuple(_ease(wanted, 0, levels))
    timeline = Timeline(muscle, title, side, profile.id, levels, ceiling, tuple(spans), eased)
    _refuse_excess(timeline)
    return timeline


def _quantise(segment: Segment, at: float, levels: int, ceiling: Ceiling) -> Iterator[tuple[float, int]]:
    """The levels of a straight piece, each after the moment (s) at which it becomes the nearest one."""

    def level_for(intensity: float) -> int:
        return limits.level_for(intensity, levels, ceiling)

    first, last = level_for(segment.start), level_for(segment.end)
    if segment.end > segment.start:
        first = max(first, 1)  # an easing begins at the lowest level, not with a silence
    yield round(at, MILLISECONDS), first
    if first == last:
        return
    rising = 1 if last > first else -1
    start, height, seconds = segment.start, segment.end - segment.start, segment.seconds
    for level in range(first + rising, last + rising, rising):
        if level == 0:
            continue  # off only when the intensity is 0, which is where the next piece begins
        between = (level - 0.5 * rising) * 100 / levels
        share = (between - start) / height
        yield round(at + seconds * min(max(share, 0.0), 1.0), MILLISECONDS), level


def _ease(cues: Iterable[Cue], level: int, levels: int) -> Iterator[Cue]:
    """The same cues with every rise held to the ramp's limit, and without those that change nothing."""
    pieces = list(cues)
    pace = limits.seconds_per_level(levels)
    rose = pieces[0].at if pieces else 0.0
    for index, cue in enumerate(pieces):
        until = pieces[index + 1].at if index + 1 < len(pieces) else float("inf")
        if cue.at >= until:
            continue  # the next piece begins at the same moment
        if cue.level < level:
            level = cue.level
            yield cue
        while level < cue.level:
            at = cue.at if level == 0 or cue.at >= rose + pace else max(cue.at, _not_before(rose + pace))
            if at >= until:
                break
            level += 1
            rose = at
            yield cue if (at, level) == (cue.at, cue.level) else Cue(at, level, cue.step)


def _not_before(at: float) -> float:
    """The first millisecond that is not before a second; the nearest one could break the ramp's limit."""
    return math.ceil(round(at * 1000, MILLISECONDS)) / 1000


def _hold(cues: Iterable[Cue], held_to: int | None) -> Iterator[Cue]:
    for cue in cues:
        if cue.level == 0:
            held_to = None
        yield cue if held_to is None else replace(cue, level=min(cue.level, held_to))


def _on_stretches(cues: Iterable[Cue]) -> Iterator[tuple[float, float]]:
    """Start and end (s) of each stretch of time in which the motor is on."""
    since: float | None = None
    for cue in cues:
        if cue.level and since is None:
            since = cue.at
        elif not cue.level and since is not None:
            yield since, cue.at
            since = None


def _refuse_excess(timeline: Timeline) -> None:
    """Hold the finished timeline to the limits of time and number; intensities were held to theirs level by level."""
    total = 0.0
    before: float | None = None
    by_side: dict[Side, float] = {}
    passes: Counter[tuple[Side, int]] = Counter()
    for start, end in _on_stretches(timeline.cues):
        limits.SPOT.refuse_above(end - start)
        if before is not None:
            limits.REST.refuse_below(start - before)
        before = end
        index = timeline.span_at(start)
        side = timeline.spans[index].side
        # Only a move tells the person to leave the spot; after any other rest the motor passes over the same one.
        spot = sum(span.do == "move" for span in timeline.spans[:index])
        passes[side, spot] += 1
        limits.PASSES.refuse_above(passes[side, spot])
        limits.SPOTS.refuse_above(sum(one is side for one, _ in passes))
        by_side[side] = by_side.get(side, 0.0) + end - start
        limits.SIDE.refuse_above(by_side[side])
        total += end - start
        limits.SESSION.refuse_above(total)
