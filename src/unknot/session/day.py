"""What was played in the last day, and what a day's limits leave of it; read from `unknot.session.ledger`. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from unknot.protocols import limits
from unknot.protocols.timeline import Side

if TYPE_CHECKING:
    from unknot.protocols.limits import Limit
    from unknot.protocols.timeline import Timeline

_DAY = timedelta(hours=limits.DAY_HOURS)


@dataclass(frozen=True, slots=True)
class Entry:
    """One session on a real ball.

    Attributes:
        id: unlike any other entry's.
        muscle: the protocol's id; empty for free vibration.
        side: the side that was chosen; `Side.ANY` may have been either.
        began: when the motor was first started; wall-clock time with its offset from UTC.
        seconds: how long the whole session was planned to take (s).
        planned: how long the motor was planned to run (s).
        ended: when it was over; None while it plays, and for ever if the program was killed.
        measured: how long the motor ran (s); None as long as ``ended`` is.
    """

    id: str
    muscle: str
    side: Side
    began: datetime
    seconds: float
    planned: float
    ended: datetime | None = None
    measured: float | None = None

    def __post_init__(self) -> None:
        for moment in (self.began, self.ended):
            if moment is not None and moment.utcoffset() is None:
                raise ValueError("a time without its offset from UTC")

    @property
    def motor_seconds(self) -> float:
        """How long the motor ran (s), as far as is known: what was planned until the end is known."""
        return self.planned if self.measured is None else self.measured

    @property
    def over(self) -> datetime:
        """When it was over, or should have been."""
        return self.began + timedelta(seconds=self.seconds) if self.ended is None else max(self.began, self.ended)

    @property
    def counts_until(self) -> datetime:
        """Until when it counts as played in the last day."""
        return self.over + _DAY


@dataclass(frozen=True, slots=True)
class Day:
    """What counts at a moment: everything that was not over 24 hours before, and whatever lies in the future.

    Attributes:
        now: the moment.
        entries: what was played, oldest first.
        unreadable: how many lines of the file may belong to this day but could not be read.
    """

    now: datetime
    entries: tuple[Entry, ...]
    unreadable: int = 0

    @property
    def motor_seconds(self) -> float:
        """How long the motor ran (s), all muscles and free vibration together."""
        return math.fsum(entry.motor_seconds for entry in self.entries)

    @property
    def left_seconds(self) -> float:
        """How long it may still run (s)."""
        return max(0.0, limits.DAY.value - self.motor_seconds)

    def sessions(self, muscle: str, side: Side) -> tuple[Entry, ...]:
        """What counts as a session of this side: what may have been it, and was not broken off while easing in.

        For `Side.ANY` and `Side.BOTH` these are the sessions of the side that has more of them.
        """
        if side in (Side.ANY, Side.BOTH):
            return max((self.sessions(muscle, one) for one in (Side.LEFT, Side.RIGHT)), key=len)
        return tuple(
            entry
            for entry in self.entries
            if entry.muscle == muscle
            and entry.side in (side, Side.ANY, Side.BOTH)
            and entry.motor_seconds >= limits.COUNTED_SECONDS
        )

    def left_sessions(self, muscle: str, side: Side) -> int:
        """How often this side may still be played."""
        return max(0, int(limits.AGAIN.value) - len(self.sessions(muscle, side)))

    def by_side(self) -> dict[tuple[str, Side], Day]:
        """What there is of each muscle and side as it was chosen, in the order in which they were first played."""
        sides = dict.fromkeys((entry.muscle, entry.side) for entry in self.entries)
        return {
            side: replace(self, entries=tuple(one for one in self.entries if (one.muscle, one.side) == side))
            for side in sides
        }

    def refuse(self, timeline: Timeline) -> None:
        """Hold a timeline to the limits per day.

        Raises:
            LimitExceeded: with the limit, its source, and when the timeline can be played.
        """
        excess = self.excess(timeline)
        if excess is not None:
            limit, found = excess
            raise limit.exceeded(found, advice=self._advice(timeline))

    def excess(self, timeline: Timeline) -> tuple[Limit, float] | None:
        """The first limit that a timeline would exceed, and by what; a timeline without the motor exceeds none."""
        if not timeline.motor_seconds:
            return None
        total = self.motor_seconds + timeline.motor_seconds
        if total > limits.DAY.value + limits.LEVEL_EPSILON:
            return limits.DAY, total
        if timeline.muscle and not self.left_sessions(timeline.muscle, timeline.side):
            return limits.AGAIN, len(self.sessions(timeline.muscle, timeline.side)) + 1
        return None

    def notes(self, timeline: Timeline) -> tuple[str, ...]:
        """What the person should know before a timeline is played: where it passes what is advised but not a limit."""
        notes = []
        total = self.motor_seconds + timeline.motor_seconds
        day, again, gap = limits.ADVISED_DAY, limits.ADVISED_AGAIN, limits.ADVISED_GAP
        if timeline.motor_seconds and total > day.value:
            notes.append(
                f"with this session the motor will have run {math.ceil(total / 60)} min in {limits.DAY_HOURS} hours; "
                f"{day.value / 60:.0f} min are advised ({day.source})"
            )
        played = self.sessions(timeline.muscle, timeline.side) if timeline.muscle and timeline.motor_seconds else ()
        if len(played) >= again.value:
            ago = max(timedelta(), self.now - max(entry.over for entry in played))
            notes.append(
                f"{timeline.muscle} was played in the last {limits.DAY_HOURS} hours, {ago / timedelta(minutes=1):.0f} "
                f"min ago; {again.value:g} session is advised ({again.source}), and {gap.value:g} {gap.unit} between "
                f"two ({gap.source})"
            )
        return tuple(notes)

    def _advice(self, timeline: Timeline) -> str:
        sides = (Side.LEFT, Side.RIGHT) if timeline.side in (Side.ANY, Side.BOTH) else ()
        free = [side for side in sides if self.excess(replace(timeline, side=side)) is None]
        advice = [f"play the {side} side alone" for side in free]
        moments = sorted(entry.counts_until for entry in self.entries)
        soonest = next((moment for moment in moments if self._at(moment).excess(timeline) is None), None)
        if soonest is not None:
            in_the_next_minute = soonest.astimezone(self.now.tzinfo) + timedelta(minutes=1)
            advice.append(f"wait until {in_the_next_minute:%Y-%m-%d %H:%M}")
        return ", or ".join((*advice, "see 'unknot today' for what was played"))

    def _at(self, moment: datetime) -> Day:
        """The same day, seen from a later moment."""
        return Day(moment, tuple(entry for entry in self.entries if entry.counts_until > moment))
