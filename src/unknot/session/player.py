"""The player: a pure state machine that decides what a session does next; `unknot.session.session` does it.

Everything that changes state is in this file, and every pair of state and input is in `Player.TRANSITIONS`. Whoever
adds an input or a state adds the missing pairs; a test counts them. Inputs come in with the time, effects go out; no
clock is read and nothing is awaited here, so a session can be shown, tested and replayed without a ball.

            Begin             Pause            Resume
    READY ─────────▶ RUNNING ───────▶ PAUSED ─────────▶ RUNNING
                        │     Lost      │  ▲
                        ├──────────▶ LOST ─┘ Restored     Lost, Restored: the link
                        │ end, End, Fail   │ End, Fail
                        ▼                  ▼
                     STOPPING ◀────────────┘              every way out goes through a stop
                        │ Stopped
                        ▼
                      ENDED
"""

from __future__ import annotations

from enum import Enum, auto
from itertools import dropwhile
from typing import TYPE_CHECKING, ClassVar

from unknot import events
from unknot.events import EndReason, StopOutcome
from unknot.session.messages import (
    Adjust,
    Begin,
    End,
    Fail,
    Input,
    Lapsed,
    Lost,
    Observed,
    OnLinkRestored,
    Pause,
    Restored,
    Resume,
    SetLevel,
    Skip,
    StopMotor,
    Stopped,
    Tell,
    Wake,
    Written,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from unknot.protocols.timeline import Cue, Timeline
    from unknot.session.messages import Effect

_SLACK = 1e-6
"""Seconds by which a deadline may seem to lie ahead when the loop wakes us for it: float arithmetic, not lateness."""


_LATE = 1.0
"""Seconds of lateness after which a rise is eased in anew: nobody expects the leap any more (judgement)."""


class State(Enum):
    """Where a session stands."""

    READY = auto()
    RUNNING = auto()
    PAUSED = auto()
    LOST = auto()
    STOPPING = auto()
    ENDED = auto()


class Player:
    """Plays one timeline.

    Args:
        timeline: what to play.
        on_link_restored: what to do when a lost link is back.

    Attributes:
        state: where the session stands.
        timeline: the same timeline.
    """

    def __init__(self, timeline: Timeline, on_link_restored: OnLinkRestored = OnLinkRestored.PAUSE) -> None:
        self.timeline = timeline
        self._on_link_restored = on_link_restored
        self.state = State.READY
        self._cues: tuple[Cue, ...] = timeline.cues
        self._began = 0.0  # time of the loop at Begin
        self._origin = 0.0  # time of the loop at position 0 of the timeline; moves with pauses and skips
        self._position = 0.0  # where a pause froze the timeline
        self._span = -1  # the step last told
        self._level = 0  # what the motor has, as far as we know
        self._asked = 0  # the level last asked for
        self._doubtful_since: float | None = None  # the ball told off while that was written, and may be on
        self._held_to: int | None = None  # the level that the person chose on the ball
        self._on_since: float | None = None
        self._motor_seconds = 0.0
        self._pausing = ""  # why a pause begins that is told once the motor is off
        self._goes_on = False  # when the link is back
        self._lost_early: Lost | None = None  # the link went before the beginning
        self._reason = EndReason.COMPLETED
        self._detail = ""

    @property
    def level(self) -> int:
        """The level that the motor has, as far as is known."""
        return self._level

    @property
    def needs_motor(self) -> bool:
        """Whether the motor is on, or will be, or was asked for; a last stretch goes on without a ball."""
        is_on = self._level > 0 or self._asked > 0
        return is_on or self.state is not State.RUNNING or any(cue.level for cue in self._cues)

    @property
    def deadline(self) -> float | None:
        """The time of the loop at which the player wants to be woken, or None while it waits for an input."""
        if self.state is not State.RUNNING:
            return None
        upcoming = [self._cues[0].at] if self._cues else []
        if self._span + 1 < len(self.timeline.spans):
            upcoming.append(self.timeline.spans[self._span + 1].start)
        upcoming.append(self.timeline.seconds)
        return self._origin + min(upcoming)

    def position(self, now: float) -> float:
        """The second of the timeline at a time of the loop."""
        match self.state:
            case State.RUNNING:
                return min(now - self._origin, self.timeline.seconds)
            case State.READY:
                return 0.0
            case _:
                return self._position

    def elapsed(self, now: float) -> float:
        """Seconds since the session began, pauses included."""
        return 0.0 if self.state is State.READY else now - self._began

    def handle(self, event: Input, now: float) -> list[Effect]:
        """Take an input at a time of the loop; the effects to carry out, in order."""
        return self.TRANSITIONS[self.state, type(event)](self, event, now)

    def _ignore(self, event: Input, now: float) -> list[Effect]:
        return []

    def _begin(self, event: Input, now: float) -> list[Effect]:
        timeline = self.timeline
        self.state = State.RUNNING
        self._began = self._origin = now
        started = events.Started(
            at=0.0,
            muscle=timeline.muscle,
            title=timeline.title,
            side=timeline.side.value,
            profile=timeline.profile,
            levels=timeline.levels,
            seconds=timeline.seconds,
        )
        if self._lost_early is not None:
            return [Tell(started), *self._lose(self._lost_early, now)]
        return [Tell(started), *self._advance(event, now)]

    def _lose_early(self, event: Input, now: float) -> list[Effect]:
        """The link goes before the beginning: it begins without one, and waits for it."""
        self._lost_early = event if isinstance(event, Lost) else None
        return []

    def _advance(self, event: Input, now: float) -> list[Effect]:
        """Everything that is due: the words of each step, and of several levels only the newest."""
        position = self.position(now) + _SLACK
        effects: list[Effect] = []
        spans = self.timeline.spans
        while self._span + 1 < len(spans) and spans[self._span + 1].start <= position:
            self._span += 1
            span = spans[self._span]
            if span.end > position or self._span + 1 == len(spans):
                step = events.StepStarted(
                    self.elapsed(now), self._span, span.do, span.say, round(span.end - span.start, 3), span.intensity
                )
                effects.append(Tell(step))
        cue = self._newest_due(now)
        if position >= self.timeline.seconds:
            return effects + self._stop(EndReason.COMPLETED, self._origin + self.timeline.seconds)
        if cue is not None and cue.level != self._level:
            due = self._origin + cue.at
            effects.append(SetLevel(cue.level, due) if cue.level else StopMotor(due))
        if cue is not None:
            self._asked = cue.level
        if cue is not None and cue.level == 0:
            self._held_to = None
        return effects

    def _newest_due(self, now: float) -> Cue | None:
        """The newest level that is due; older ones are dropped, but an off is made up for and eased in after it."""
        position = self.position(now)
        due = tuple(cue for cue in self._cues if cue.at <= position + _SLACK)
        self._cues = self._cues[len(due) :]
        missed = [cue for cue in due[:-1] if cue.level == 0]
        if not missed and due and due[-1].level > self._level and position - due[0].at > _LATE and not self._held_to:
            # Writes had to be repeated on a bad link: rise from where the motor is, not in one leap.
            self._cues = self.timeline.onwards(position, self._level)
            due = tuple(cue for cue in self._cues[:1] if cue.at <= position + _SLACK)
            self._cues = self._cues[len(due) :]
        if not missed:
            return due[-1] if due else None
        self._cues = self.timeline.onwards(position, 0)
        return missed[-1]

    def _pause(self, event: Input, now: float) -> list[Effect]:
        self._position = self.position(now)
        self.state = State.PAUSED
        self._pausing = "ball" if isinstance(event, Observed) else "asked"
        return [StopMotor(now)]

    def _resume(self, event: Input, now: float) -> list[Effect]:
        self.state = State.RUNNING
        self._origin = now - self._position
        self._cues = self.timeline.onwards(self._position, self._level, held_to=self._held_to)
        return [Tell(events.Resumed(self.elapsed(now))), *self._advance(event, now)]

    def _lose(self, event: Input, now: float) -> list[Effect]:
        if not isinstance(event, Lost):
            return []
        self._account(event.level, min(event.since, now))
        if not self.needs_motor:
            return []
        if self._on_link_restored is OnLinkRestored.END:
            self._detail = event.detail
            return self._stop(EndReason.FAILED, now)
        self._goes_on = self._on_link_restored is OnLinkRestored.RESUME and self.state is State.RUNNING
        self._position = self.position(now)
        self.state = State.LOST
        return []

    def _wait(self, event: Input, now: float) -> list[Effect]:
        """A pause that is asked for while the link is away lasts when it is back."""
        self._goes_on = False
        return []

    def _restored(self, event: Input, now: float) -> list[Effect]:
        if not isinstance(event, Restored):
            return []
        effects = [*self._changed(0, event.at, event.at), *self._tell_restored(event, now)]
        self._settle_doubt(now)
        self._held_to = None
        if self._goes_on and event.is_same:
            return effects + self._resume(event, now)
        self.state = State.PAUSED
        return [*effects, Tell(events.Paused(self.elapsed(now), "address" if self._goes_on else "link"))]

    def _tell_restored(self, event: Input, now: float) -> list[Effect]:
        if not isinstance(event, Restored):
            return []
        return [Tell(events.LinkRestored(self.elapsed(now), event.outcome, event.address))]

    def _lapsed(self, event: Input, now: float) -> list[Effect]:
        """The motor went off because the radio was slow; nobody wanted it off, so it is eased in again.

        A level that the person chose on the ball is not ours to start again.
        """
        if self._held_to is not None:
            return self._observed(Observed(0), now)
        effects = self._changed(0, now, now)
        if self.state is State.RUNNING:
            self._cues = self.timeline.onwards(self.position(now), 0, held_to=self._held_to)
            effects += self._advance(event, now)
        return effects

    def _skip(self, event: Input, now: float) -> list[Effect]:
        spans = self.timeline.spans
        skipped = events.Skipped(self.elapsed(now), self._span)
        if self._span + 1 >= len(spans):
            return [Tell(skipped), *self._stop(EndReason.COMPLETED, now)]
        position = spans[self._span + 1].start
        self._origin = now - position
        self._cues = self.timeline.onwards(position, self._level, held_to=self._held_to)
        return [Tell(skipped), *self._advance(event, now)]

    def _skip_paused(self, event: Input, now: float) -> list[Effect]:
        step = self.timeline.span_at(self._position + _SLACK)
        skipped = Tell(events.Skipped(self.elapsed(now), step))
        if step + 1 >= len(self.timeline.spans):
            return [skipped, *self._stop(EndReason.COMPLETED, now)]
        self._position = self.timeline.spans[step + 1].start
        return [skipped]

    def _adjust(self, event: Input, now: float) -> list[Effect]:
        """The same steps at other levels: lower at once, higher eased in, never above one chosen on the ball."""
        if not isinstance(event, Adjust):
            return []
        self.timeline = event.timeline
        if self.state is not State.RUNNING:
            self._cues = event.timeline.cues  # of a pause or a lost link, resuming takes what is ahead
            return []
        self._cues = event.timeline.onwards(self.position(now), self._level, held_to=self._held_to)
        return self._advance(event, now)

    def _end(self, event: Input, now: float) -> list[Effect]:
        return self._stop(EndReason.STOPPED, now)

    def _fail(self, event: Input, now: float) -> list[Effect]:
        self._detail = event.detail if isinstance(event, Fail) else ""
        return self._stop(EndReason.FAILED, now)

    def _stop(self, reason: EndReason, now: float) -> list[Effect]:
        if self.state is State.READY:
            self._began = now
        self._position = self.position(now)
        self._reason = reason
        self.state = State.STOPPING
        return [StopMotor(now)]

    def _written(self, event: Input, now: float) -> list[Effect]:
        if not isinstance(event, Written):
            return []
        if event.level == 0 < self._asked:  # what it told may be older than what was written
            self._doubtful_since = event.due
        if event.level not in (self._asked, self._level):  # the ball changed it while it was written
            return self._observed(Observed(event.level), now)
        return self._changed(event.level, event.due, event.at)

    def _stopped(self, event: Input, now: float) -> list[Effect]:
        """A stop within the protocol: a rest, a move, a pause."""
        if not isinstance(event, Stopped):
            return []
        if event.outcome is StopOutcome.UNKNOWN:
            self._detail = "a stop could not be written"
            return self._stop(EndReason.FAILED, now)
        effects = self._changed(0, event.due, event.at)
        self._settle_doubt(now)
        if self._pausing:
            effects.append(Tell(events.Paused(self.elapsed(now), self._pausing)))
            self._pausing = ""
        return effects

    def _ended(self, event: Input, now: float) -> list[Effect]:
        if not isinstance(event, Stopped):
            return []
        effects: list[Effect] = []
        if event.outcome is StopOutcome.UNKNOWN:
            self._account(0, event.at)  # our account ends here; the motor may not
        else:
            effects += self._changed(0, event.due, event.at)
        self._settle_doubt(now)
        self.state = State.ENDED
        motor_seconds = round(self._motor_seconds, 3)
        effects.append(Tell(events.Ended(self.elapsed(now), self._reason, motor_seconds, event.outcome, self._detail)))
        return effects

    def _changed(self, level: int, due: float, at: float) -> list[Effect]:
        if level == self._level:
            return []
        self._account(level, at)
        return [Tell(events.LevelChanged(self.elapsed(at), level, self.elapsed(due)))]

    def _observed(self, event: Input, now: float) -> list[Effect]:
        """The ball's own button wins: its level is adopted, never fought; off means that the person wants a pause."""
        if not isinstance(event, Observed):
            return []
        # Off again before the write of the first level was acknowledged: no level of ours, and yet a choice.
        is_off_at_once = event.level == 0 and self._asked > 0 and self.state is State.RUNNING
        if event.level == self._level and not is_off_at_once:
            return []
        self._account(event.level, now)
        adopted = Tell(events.LevelAdopted(self.elapsed(now), event.level))
        if self.state is not State.RUNNING:
            return [adopted]
        if event.level == 0:
            return [adopted, *self._pause(event, now)]
        self._held_to = event.level
        position = self.position(now)
        # The level that the person chose stays until the protocol next switches the motor off.
        ahead = (cue for cue in self.timeline.cues if cue.at > position)
        self._cues = tuple(dropwhile(lambda cue: cue.level > 0, ahead))
        return [adopted]

    def _settle_doubt(self, now: float) -> None:
        """The motor is off for certain now, or will never be accounted for: until now it may have been on."""
        if self._doubtful_since is not None:
            self._motor_seconds += now - self._doubtful_since
            self._doubtful_since = None

    def _account(self, level: int, now: float) -> None:
        if level and self._on_since is None:
            self._on_since = now
        if not level and self._on_since is not None:
            self._motor_seconds += now - self._on_since
            self._on_since = None
        self._level = level

    TRANSITIONS: ClassVar[dict[tuple[State, type[Input]], Callable[[Player, Input, float], list[Effect]]]] = {
        (State.READY, Begin): _begin,
        (State.READY, Wake): _ignore,
        (State.READY, Pause): _ignore,
        (State.READY, Resume): _ignore,
        (State.READY, Skip): _ignore,
        (State.READY, Adjust): _adjust,
        (State.READY, End): _end,
        (State.READY, Fail): _fail,
        (State.READY, Written): _ignore,
        (State.READY, Stopped): _ignore,
        (State.READY, Observed): _ignore,
        (State.READY, Lapsed): _ignore,
        (State.READY, Lost): _lose_early,
        (State.READY, Restored): _lose_early,
        (State.RUNNING, Begin): _ignore,
        (State.RUNNING, Wake): _advance,
        (State.RUNNING, Pause): _pause,
        (State.RUNNING, Resume): _ignore,
        (State.RUNNING, Skip): _skip,
        (State.RUNNING, Adjust): _adjust,
        (State.RUNNING, End): _end,
        (State.RUNNING, Fail): _fail,
        (State.RUNNING, Written): _written,
        (State.RUNNING, Stopped): _stopped,
        (State.RUNNING, Observed): _observed,
        (State.RUNNING, Lapsed): _lapsed,
        (State.RUNNING, Lost): _lose,
        (State.RUNNING, Restored): _tell_restored,
        (State.PAUSED, Begin): _ignore,
        (State.PAUSED, Wake): _ignore,
        (State.PAUSED, Pause): _ignore,
        (State.PAUSED, Resume): _resume,
        (State.PAUSED, Skip): _skip_paused,
        (State.PAUSED, Adjust): _adjust,
        (State.PAUSED, End): _end,
        (State.PAUSED, Fail): _fail,
        (State.PAUSED, Written): _written,
        (State.PAUSED, Stopped): _stopped,
        (State.PAUSED, Observed): _observed,
        (State.PAUSED, Lapsed): _lapsed,
        (State.PAUSED, Lost): _lose,
        (State.PAUSED, Restored): _ignore,
        (State.LOST, Begin): _ignore,
        (State.LOST, Wake): _ignore,
        (State.LOST, Pause): _wait,
        (State.LOST, Resume): _ignore,
        (State.LOST, Skip): _skip_paused,
        (State.LOST, Adjust): _adjust,
        (State.LOST, End): _end,
        (State.LOST, Fail): _fail,
        (State.LOST, Written): _written,
        (State.LOST, Stopped): _stopped,
        (State.LOST, Observed): _observed,
        (State.LOST, Lapsed): _lapsed,
        (State.LOST, Lost): _ignore,
        (State.LOST, Restored): _restored,
        (State.STOPPING, Begin): _ignore,
        (State.STOPPING, Wake): _ignore,
        (State.STOPPING, Pause): _ignore,
        (State.STOPPING, Resume): _ignore,
        (State.STOPPING, Skip): _ignore,
        (State.STOPPING, Adjust): _ignore,
        (State.STOPPING, End): _ignore,
        (State.STOPPING, Fail): _ignore,
        (State.STOPPING, Written): _written,
        (State.STOPPING, Stopped): _ended,
        (State.STOPPING, Observed): _observed,
        (State.STOPPING, Lapsed): _lapsed,
        (State.STOPPING, Lost): _ignore,
        (State.STOPPING, Restored): _tell_restored,
        (State.ENDED, Begin): _ignore,
        (State.ENDED, Wake): _ignore,
        (State.ENDED, Pause): _ignore,
        (State.ENDED, Resume): _ignore,
        (State.ENDED, Skip): _ignore,
        (State.ENDED, Adjust): _ignore,
        (State.ENDED, End): _ignore,
        (State.ENDED, Fail): _ignore,
        (State.ENDED, Written): _ignore,
        (State.ENDED, Stopped): _ignore,
        (State.ENDED, Observed): _ignore,
        (State.ENDED, Lapsed): _ignore,
        (State.ENDED, Lost): _ignore,
        (State.ENDED, Restored): _ignore,
    }
    """Every pair of state and input, and what it does."""
