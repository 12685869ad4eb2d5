"""Whether we still see a session that plays elsewhere, and what became of it when we see it again.

Used by `remote_session`. Events are heard while the link to the broker and the gateway's own stand. When
one of the two was gone, the ball's state tells what was missed; when it stays away, we say so and claim nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from unknot import events
from unknot.bridge.elsewhere.reckoning import Reckoning
from unknot.bridge.reports import Phase
from unknot.errors import BrokerError, BrokerLost, GatewaySilent
from unknot.events import EndReason, StopOutcome
from unknot.session.player import State

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from unknot.bridge.elsewhere.remote import RemoteBall
    from unknot.bridge.elsewhere.story import Story
    from unknot.bridge.reports import BallState
    from unknot.errors import UnknotError
    from unknot.protocols.timeline import Timeline

GATEWAY_SECONDS = 75.0
"""How long a gateway that is gone from the broker is waited for: it tries every 60 s or more often
(`unknot.bridge.link.backoff`), and has some to tell."""

OVERTAKING_SECONDS = 2.0
"""By how much a state or an answer may overtake the event that belongs to it (judgement)."""

GOES_ON = (
    "the gateway goes on by itself to the end of what it plays, or stops, as its owner has chosen; "
    "the ball's own button stops it now"
)

_PLAYING = (Phase.RUNNING, Phase.PAUSED, Phase.LOST)


class Sight:
    """What we see of one session.

    Args:
        number: the gateway's number of it.
        timeline: what it plays.
        ball: on which ball.
        story: where events are told.
        lose: called when we have lost sight of it for good.
        seen_again: called when we see it again.
        do: does something beside.

    Attributes:
        reckoning: where it stands.
        is_doubtful: whether something may have happened that we did not hear.
        is_ball_away: whether the gateway has no link to the ball.
        clear_since: since when (time of the loop) the gateway has been seen.
    """

    def __init__(
        self,
        number: int,
        timeline: Timeline,
        ball: RemoteBall,
        story: Story,
        *,
        lose: Callable[[UnknotError], None],
        seen_again: Callable[[], None],
        do: Callable[[Coroutine[Any, Any, None], str], object],
    ) -> None:
        self.reckoning = Reckoning(timeline)
        self.is_doubtful = False
        self.is_ball_away = False
        self.clear_since = _now()
        self._number = number
        self._timeline = timeline
        self._ball = ball
        self._story = story
        self._lose = lose
        self._seen_again = seen_again
        self._do = do
        self._asked_at = -OVERTAKING_SECONDS  # when a session that is not ours last made us ask (time of the loop)
        self._is_rough = False  # whether the state that we went on by may have been an old one
        self._despairing: asyncio.TimerHandle | None = None  # a gateway that may be there owes us an answer
        self._closing: asyncio.TimerHandle | None = None  # a state says that it is over, and no event yet

    def leave(self) -> None:
        """Nothing more is waited for."""
        for timer in (self._despairing, self._closing):
            if timer is not None:
                timer.cancel()

    # What is heard.

    def hear(self, number: int, event: events.Event, now: float) -> None:
        """Take in an event of a session on this ball."""
        if number == self._number:
            self._take(event, now)
        elif number > self._number and now >= self._asked_at + OVERTAKING_SECONDS:
            self._asked_at = now
            self.ask_for_state()  # another one plays: ours must be over

    def hear_state(self, state: BallState, *, is_of_another_gateway: bool = False) -> None:
        """Take in what the gateway says of the ball now; it matters where events may have been missed.

        Args:
            state: the state.
            is_of_another_gateway: whether the gateway was started anew, so that the numbers of its sessions are others.
        """
        if self._story.over.is_set():
            return
        is_ours = state.session == self._number and not is_of_another_gateway
        if is_ours and state.phase in _PLAYING:
            if self._closing is not None:
                self._closing.cancel()
                self._closing = None
            if self.is_doubtful:
                self._see_again(state)
            elif self._is_rough:
                self._is_rough = False
                self.reckoning.take_state(state, _now())
        elif self._closing is None and (is_ours or state.session > self._number or self.is_doubtful):
            close = partial(self._close, state, is_ours=is_ours)
            self._closing = asyncio.get_running_loop().call_later(OVERTAKING_SECONDS, close)

    def end(self, reason: EndReason, outcome: StopOutcome, detail: str = "") -> None:
        """It is over, and the event that tells it was not heard."""
        now = _now()
        seconds = self.reckoning.motor_seconds(now)
        self._take(events.Ended(self.reckoning.elapsed(now), reason, seconds, outcome, detail), now)

    def ask_for_state(self) -> None:
        """Have the gateway tell the ball's state."""
        if not self._story.over.is_set():
            self._do(self._ask_for_state(), "ask for the state")

    async def _ask_for_state(self) -> None:
        with suppress(BrokerError):  # a link that is lost again is tried again
            await self._ball.ask_for_state()

    def _take(self, event: events.Event, now: float) -> None:
        if self._story.over.is_set():
            return
        self.reckoning.take(event, now)
        if isinstance(event, events.LinkDropped | events.LinkRestored):
            self.is_ball_away = isinstance(event, events.LinkDropped)
        self._story.tell(event)

    def _close(self, state: BallState, *, is_ours: bool) -> None:
        """The gateway says that it is over, and the event that belongs to it has not come."""
        self._closing = None
        if not is_ours:
            self._lose(
                BrokerLost(
                    f"gateway {self._ball.gateway} was started anew, or plays something else on {self._ball.called}; "
                    "how this session ended was not heard"
                )
            )
            return
        reasons = {Phase.FINISHED: EndReason.COMPLETED, Phase.FAULT: EndReason.FAILED}
        self.end(reasons.get(state.phase, EndReason.STOPPED), state.stop or StopOutcome.UNKNOWN, state.detail)

    # Losing sight, and seeing again.

    def link_lost(self) -> None:
        """The link to the broker is gone."""
        self._doubt(f"the connection to {self._ball.where} is gone; trying to get it back")

    def link_restored(self) -> None:
        """It is back: see what became of the session. The gateway may come back later than we."""
        self._wait_for_gateway()
        self.ask_for_state()

    def link_failed(self, error: BrokerError) -> None:
        """It did not come back."""
        self._lose(BrokerLost(f"the connection to {self._ball.where} is gone ({error}): {GOES_ON}"))

    def gateway_left(self) -> None:
        """The gateway has said goodbye, or the broker has lost it."""
        self._doubt(f"gateway {self._ball.gateway} is gone from {self._ball.where}; waiting for it")
        self._wait_for_gateway()

    def gateway_returned(self) -> None:
        """The gateway is there again: see what became of the session."""
        if self.is_doubtful:
            self.ask_for_state()

    def _doubt(self, words: str) -> None:
        if not self._story.over.is_set():
            self._ball.ask(words if self.is_doubtful else f"{words}. Meanwhile {GOES_ON}")
            self.is_doubtful = True

    def _wait_for_gateway(self) -> None:
        if self.is_doubtful and not self._story.over.is_set():
            if self._despairing is not None:
                self._despairing.cancel()
            self._despairing = asyncio.get_running_loop().call_later(GATEWAY_SECONDS, self._despair)

    def _despair(self) -> None:
        name, where = self._ball.gateway, self._ball.where
        self._lose(GatewaySilent(f"gateway {name} at {where} tells nothing any more: {GOES_ON}"))

    def _see_again(self, state: BallState) -> None:
        """It plays on: tell what has become known of it, as events."""
        if self._despairing is not None:
            self._despairing.cancel()
            self._despairing = None
        now = self.clear_since = _now()
        self.is_doubtful, self.is_ball_away = False, state.phase is Phase.LOST
        before, step = self.reckoning.state, self.reckoning.step
        self.reckoning.take_state(state, now)
        at, after = self.reckoning.elapsed(now), self.reckoning.state
        if after is State.PAUSED and before is not State.PAUSED:
            self._story.tell(events.Paused(at, "link" if before is State.LOST else "asked"))
        if after is State.RUNNING and before in (State.PAUSED, State.LOST):
            self._story.tell(events.Resumed(at))
        if self.reckoning.step != step:
            self._story.tell(self._step(at))
        self._ball.ask(f"gateway {self._ball.gateway} is back, and plays on")
        self._is_rough = True  # a gateway that comes back tells first what it had to tell last
        self.ask_for_state()
        self._seen_again()

    def _step(self, at: float) -> events.StepStarted:
        span = self._timeline.spans[self.reckoning.step]
        seconds = round(span.end - span.start, 3)
        return events.StepStarted(at, self.reckoning.step, span.do, span.say, seconds, span.intensity)


def _now() -> float:
    return asyncio.get_running_loop().time()
