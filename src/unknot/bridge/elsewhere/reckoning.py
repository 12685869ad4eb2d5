"""Where a session stands that is played elsewhere: reckoned from its events, between them by the clock. Pure.

Used by `remote_session`. The clock here and the clock there differ by a constant and by what a message
takes on its way; the quickest message shows the constant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from unknot import events
from unknot.bridge.reports import Phase
from unknot.session.player import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from unknot.bridge.reports import BallState
    from unknot.protocols.timeline import Timeline

_PHASES = {Phase.RUNNING: State.RUNNING, Phase.PAUSED: State.PAUSED, Phase.LOST: State.LOST}


class Reckoning:
    """A session as far as its events tell.

    Args:
        timeline: what is played.

    Attributes:
        state: where it stands.
        level: the level that the motor has, as far as is known.
        step: the step that was last told; -1 before the first.
    """

    def __init__(self, timeline: Timeline) -> None:
        self.state = State.READY
        self.level = 0
        self.step = -1
        self._timeline = timeline
        self._began = float("inf")  # time of the loop here at second 0 of the session there
        self._origin = 0.0  # second of the session at position 0 of the timeline
        self._position = 0.0  # where a pause froze the timeline
        self._off_due = float("inf")  # second of the session at which the motor was last to go off
        self._is_exact = True  # whether the origin is known better than a step's beginning tells it
        self._on_since: float | None = None
        self._motor_seconds = 0.0

    def position(self, now: float) -> float:
        """The second of the timeline at a time of the loop."""
        if self.state is not State.RUNNING:
            return self._position
        return min(max(self.elapsed(now) - self._origin, 0.0), self._timeline.seconds)

    def elapsed(self, now: float) -> float:
        """Seconds since the session began, pauses included; 0 before."""
        return max(now - self._began, 0.0)

    def motor_seconds(self, now: float) -> float:
        """How long the motor has run as far as was heard: one whose end was not heard counts until now."""
        running = now - self._on_since if self._on_since is not None else 0.0
        return round(self._motor_seconds + running, 3)

    def stopping(self, now: float) -> None:
        """A stop has been asked for: nothing is played any more."""
        self._freeze(self.position(now), State.STOPPING)

    def take(self, event: events.Event, now: float) -> None:
        """Take in an event that was heard at a time of the loop."""
        if isinstance(event, events.Started) or self.state is not State.READY:  # what is told before has no time yet
            self._began = min(self._began, now - event.at)
        before = self.level
        take = self._TAKE.get(type(event))
        if take is not None:
            take(self, event)
        self._account(before, now)

    def take_state(self, state: BallState, now: float) -> None:
        """Take in what the gateway says of this session, after events may have been missed."""
        before = self.level
        self.level = state.level
        position = self.position(now) if state.remaining is None else self._timeline.seconds - state.remaining
        position = min(max(position, 0.0), self._timeline.seconds)
        found = _PHASES.get(state.phase)
        if self.state is not State.STOPPING and found is State.RUNNING:
            self._began = min(self._began, now)
            self._run_from(position, self.elapsed(now))
            self._is_exact = False
        elif self.state is not State.STOPPING and found is not None:
            self._freeze(position, found)
        self.step = self._timeline.span_at(position)
        self._account(before, now)

    def _run_from(self, position: float, at: float) -> None:
        if self.state is State.STOPPING:
            return
        self.state = State.RUNNING
        self._origin = at - position

    def _freeze(self, position: float, state: State) -> None:
        self._position = min(max(position, 0.0), self._timeline.seconds)
        if self.state is not State.STOPPING or state is State.ENDED:
            self.state = state

    def _start(self, event: events.Started) -> None:
        self._run_from(0.0, event.at)

    def _resume(self, event: events.Resumed) -> None:
        self._run_from(self._position, event.at)

    def _take_step(self, event: events.StepStarted) -> None:
        """After a pause a step's beginning tells best where the timeline is."""
        self.step = event.step
        if not self._is_exact and 0 <= event.step < len(self._timeline.spans):
            self._run_from(self._timeline.spans[event.step].start, event.at)
            self._is_exact = True

    def _take_level(self, event: events.LevelChanged) -> None:
        self.level, self._off_due = event.level, event.due

    def _adopt_level(self, event: events.LevelAdopted) -> None:
        self.level, self._off_due = event.level, event.at

    def _pause(self, event: events.Paused) -> None:
        """It is told once the motor is off, which takes its time; the timeline stood still when that was wanted."""
        position = self._position
        if self.state is State.RUNNING:
            position = event.at - self._origin
            off = self._off_due - self._origin
            if self.level == 0 and off <= position and self._timeline.level_at(off) > 0:  # else it was off for a rest
                position = off
        self._is_exact = False
        self._freeze(position, State.PAUSED)

    def _skip(self, event: events.Skipped) -> None:
        spans = self._timeline.spans
        if not 0 <= event.step < len(spans) - 1:
            return  # after the last step comes the end
        position = spans[event.step + 1].start
        if self.state is State.RUNNING:
            self._run_from(position, event.at)
        else:
            self._freeze(position, self.state)

    def _lose(self, event: events.LinkDropped) -> None:
        """A protocol that needs no motor any more goes on without a ball."""
        position = event.at - self._origin
        self.level = event.level
        if self.state is State.PAUSED:
            self.state = State.LOST
        elif self.state is State.RUNNING and self._needs_motor(position):
            self._is_exact = False
            self._freeze(position, State.LOST)

    def _needs_motor(self, position: float) -> bool:
        return self.level > 0 or any(cue.level for cue in self._timeline.cues if cue.at > position)

    def _restore(self, _: events.LinkRestored) -> None:
        self.level = 0

    def _end(self, event: events.Ended) -> None:
        self._freeze(event.at - self._origin if self.state is State.RUNNING else self._position, State.ENDED)
        if event.stop is not events.StopOutcome.UNKNOWN:
            self.level = 0

    def _account(self, before: int, now: float) -> None:
        if self.level and self._on_since is None:
            self._on_since = now
        if before and not self.level and self._on_since is not None:
            self._motor_seconds += now - self._on_since
            self._on_since = None

    _TAKE: ClassVar[dict[type[events.Event], Callable[[Reckoning, Any], None]]] = {
        events.Started: _start,
        events.StepStarted: _take_step,
        events.LevelChanged: _take_level,
        events.LevelAdopted: _adopt_level,
        events.Paused: _pause,
        events.Resumed: _resume,
        events.Skipped: _skip,
        events.LinkDropped: _lose,
        events.LinkRestored: _restore,
        events.Ended: _end,
    }
    """What each event means; a report means nothing here."""
