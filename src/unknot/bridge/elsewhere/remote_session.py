"""A session that a gateway plays, seen and led from elsewhere with the verbs of one that is played here.

Used by `remote`. Its events come over the broker. Who leads it and loses the broker or the gateway knows
nothing any more, and says so: nothing is told that was not heard, and the person is told of the ball's own button.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, Field

from unknot import errors, events
from unknot.bridge.elsewhere import timelines
from unknot.bridge.elsewhere.inquiries import outcome_in
from unknot.bridge.elsewhere.reckoning import Reckoning
from unknot.bridge.payloads import Code, Refusal
from unknot.bridge.reports import Phase
from unknot.errors import BrokerError, BrokerLost, GatewaySilent, LinkError, NotStopped, UnknotError, UsageError
from unknot.events import EndReason, StopOutcome
from unknot.session.player import State
from unknot.shielding import finish

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType

    from unknot.bridge.elsewhere.remote import RemoteBall
    from unknot.bridge.reports import BallState
    from unknot.protocols.timeline import Timeline

log = logging.getLogger(__name__)

SILENCE_SECONDS = 10.0
"""How long a gateway may take to tell that it has stopped, while nothing says that its ball is out of reach: a stop
takes a ball that answers less than a second, a bad one some (judgement)."""

AWAY_SECONDS = 75.0
"""How long it may take where the ball or the broker is out of reach: both are looked for for 60 s, and some to tell."""

GATEWAY_SECONDS = 75.0
"""How long a gateway that is gone from the broker is waited for: it tries every 60 s or more often
(`unknot.bridge.link.backoff`), and has some to tell."""

TAKING_BACK_SECONDS = 6.0
"""How long a gateway that did not answer to a start is given to answer to a stop: 5 s for the ball
(`unknot.bridge.gateway.station.STOP_SECONDS`), and some for the way."""

OVERTAKING_SECONDS = 2.0
"""By how much a state or an answer may overtake the event that belongs to it (judgement)."""

EARLY_MOST = 1000
"""How many events are kept that come before the answer which tells their session's number (judgement)."""

NOTES_MOST = 20
"""How many notes of a gateway are shown; ours tells three at most (judgement)."""

GOES_ON = (
    "the gateway goes on by itself to the end of what it plays, or stops, as its owner has chosen; "
    "the ball's own button stops it now"
)


class _Begun(BaseModel):
    """The answer to a start."""

    session: Annotated[int, Field(strict=True, ge=0)]
    timeline: dict[str, Any]
    notes: Annotated[tuple[Annotated[str, Field(max_length=500)], ...], Field(max_length=NOTES_MOST)] = ()


class RemoteSession:
    """A session at a gateway; it plays while its ``async with`` block runs. Iterate over it for the events.

    Leaving the block before the end stops the motor, and waits until the gateway has told that. Leaving it after a
    failure raises what failed.

    Args:
        ball: the ball.
        verb: the request that begins it, "run" or "vibrate".
        facts: what else the request says.
    """

    def __init__(self, ball: RemoteBall, verb: str, facts: dict[str, Any]) -> None:
        self._ball = ball
        self._verb = verb
        self._facts = facts
        self._number: int | None = None
        self._timeline: Timeline | None = None
        self._reckoning: Reckoning | None = None
        self._notes: tuple[str, ...] = ()
        self._early: deque[tuple[int, events.Event, float]] = deque(maxlen=EARLY_MOST)
        self._told: asyncio.Queue[events.Event | None] = asyncio.Queue()
        self._listeners: list[Callable[[events.Event], None]] = []
        self._over = asyncio.Event()
        self._ended: events.Ended | None = None
        self._failure: BaseException | None = None
        self._is_entered = False
        self._is_unwanted = False
        self._is_ball_away = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[None] | None = None
        self._hopeful_since = 0.0  # since when a stop may be heard (time of the loop)
        self._is_doubtful = False  # whether events may have been missed
        self._is_rough = False  # whether the state that we went on by may have been an old one
        self._doubt: asyncio.TimerHandle | None = None  # a gateway that may be there owes us an answer
        self._closing: asyncio.TimerHandle | None = None  # a state says that it is over, and no event yet

    async def __aenter__(self) -> Self:
        if self._is_entered:
            raise UsageError("a session is played once; make a new one")
        self._is_entered = True
        self._ball.claim(self)
        try:
            self._begin(await self._ball.request(self._verb, **self._facts))
        except Refusal:
            self._ball.release(self)
            raise
        except BaseException as error:
            await self._take_back(error)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await finish(self.leave)
        if error is not None and isinstance(self._failure, NotStopped):
            error.add_note(str(self._failure))
        if error is None and self._failure is not None:
            raise self._failure

    async def leave(self) -> None:
        """Stop, and wait until that is known, or known not to be knowable."""
        if self._number is not None:
            self.stop()
            await self._over.wait()
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))
        self._ball.release(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> events.Event:
        event = await self._told.get()
        if event is None:
            self._told.put_nowait(None)  # for whoever else iterates
            raise StopAsyncIteration
        return event

    @property
    def timeline(self) -> Timeline:
        """What it plays, as the gateway has compiled it.

        Raises:
            UsageError: it has not been entered yet.
        """
        if self._timeline is None:
            raise UsageError("what a gateway plays is known once the session has been entered")
        return self._timeline

    @property
    def state(self) -> State:
        """Where the session stands, as far as is known."""
        if self._over.is_set():
            return State.ENDED
        return self._reckoning.state if self._reckoning else State.READY

    @property
    def ended(self) -> events.Ended | None:
        """The last event, once it has been told; None for ever if we lost sight of the session."""
        return self._ended

    @property
    def notes(self) -> tuple[str, ...]:
        """What the person should know; the gateway tells it when it begins."""
        return self._notes

    @property
    def position(self) -> float:
        """The second of the timeline that is playing now, reckoned between events."""
        return self._reckoning.position(_now()) if self._reckoning else 0.0

    @property
    def level(self) -> int:
        """The level that the motor has, as far as is known."""
        return self._reckoning.level if self._reckoning else self._ball.level

    def listen(self, listener: Callable[[events.Event], None]) -> None:
        """Have every event told to a function. If it raises, the session stops, and leaving it raises that."""
        self._listeners.append(listener)

    def pause(self) -> None:
        """Stop the motor and wait. Does nothing unless the session runs."""
        self._say("pause")

    def resume(self) -> None:
        """Go on where it was paused, easing in again. Does nothing unless the session is paused."""
        self._say("resume")

    def skip(self) -> None:
        """Go to the next step; after the last one the session is complete."""
        self._say("skip")

    def stop(self) -> None:
        """Stop the motor and end the session. May be said at any time, and again."""
        self._is_unwanted = True
        if self._over.is_set() or self._reckoning is None or self._stopping is not None:
            return  # one that has not begun is stopped when it has
        self._reckoning.stopping(_now())
        self._stopping = self._do(self._see_it_stopped(), "stop")

    def give_up(self) -> None:
        """End the session here without waiting for the gateway: it goes on trying, and the motor may run on."""
        self._lose(NotStopped(f"gateway {self._ball.gateway} was asked to stop, and goes on trying"))

    async def wait(self) -> events.Ended:
        """Wait until the session is over; its last event.

        Raises:
            UsageError: it has not been entered.
            BrokerError: we lost sight of it.
            NotStopped: it was to stop, and nobody told that it did.
        """
        if self._number is None:
            raise UsageError("a session is played by 'async with'; there is nothing to wait for")
        await self._over.wait()
        if self._ended is None and self._failure is not None:
            raise self._failure
        assert self._ended is not None  # noqa: S101 - it is over because it ended, or because something failed
        return self._ended

    async def wait_unattended(self) -> events.Ended:
        """As `wait`, where nobody can go on after a pause: then the session is ended."""
        async for event in self:
            if isinstance(event, events.Paused):
                self.stop()
        return await self.wait()

    # What the broker says, by way of the ball.

    def hear(self, number: int, event: events.Event) -> None:
        """Take in an event of a session on this ball."""
        if self._number is None:
            self._early.append((number, event, _now()))
        elif number == self._number:
            self._take(event, _now())
        elif number > self._number and not self._over.is_set():
            self._ask_for_state()  # another one plays: ours must be over

    def hear_state(self, state: BallState, *, is_of_another_gateway: bool = False) -> None:
        """Take in what the gateway says of the ball now; it matters where events may have been missed.

        Args:
            state: the state.
            is_of_another_gateway: whether the gateway was started anew, so that the numbers of its sessions are others.
        """
        if self._number is None or self._over.is_set() or self._reckoning is None:
            return
        is_ours = state.session == self._number and not is_of_another_gateway
        if is_ours and state.phase in (Phase.RUNNING, Phase.PAUSED, Phase.LOST):
            if self._closing is not None:
                self._closing.cancel()
                self._closing = None
            if self._is_doubtful:
                self._take_up(state)
            elif self._is_rough:
                self._is_rough = False
                self._reckoning.take_state(state, _now())
        elif self._closing is None and (is_ours or state.session > self._number or self._is_doubtful):
            close = partial(self._close, state, is_ours=is_ours)
            self._closing = asyncio.get_running_loop().call_later(OVERTAKING_SECONDS, close)

    def link_lost(self) -> None:
        """The link to the broker is gone."""
        self._begin_to_doubt(
            f"the connection to {self._ball.where} is gone; trying to get it back. Meanwhile {GOES_ON}"
        )

    def link_restored(self) -> None:
        """It is back: see what became of the session."""
        self._wait_for_gateway()
        self._ask_for_state()

    def link_failed(self, error: BrokerError) -> None:
        """It did not come back."""
        self._lose(BrokerLost(f"the connection to {self._ball.where} is gone ({error}): {GOES_ON}"))

    def gateway_left(self) -> None:
        """The gateway has said goodbye, or the broker has lost it."""
        name, where = self._ball.gateway, self._ball.where
        self._begin_to_doubt(f"gateway {name} is gone from {where}; waiting for it")
        self._wait_for_gateway()

    def gateway_returned(self) -> None:
        """It is back: see what became of the session, and say again what it did not hear."""
        if self._is_doubtful:
            self._ask_for_state()
            if self._asking is not None:
                self._asking.cancel()
                self._asking = self._do(self._ask_to_stop(), "ask to stop")

    # Beginning.

    def _begin(self, answer: dict[str, Any]) -> None:
        try:
            begun = _Begun.model_validate(answer)
            self._timeline = timelines.read(begun.timeline)
        except ValueError as error:
            log.debug("gateway %s: %s", self._ball.gateway, error)
            raise GatewaySilent(f"gateway {self._ball.gateway} answered what this unknot does not understand") from None
        self._notes = tuple(map(errors.in_one_line, begun.notes))
        self._reckoning = Reckoning(self._timeline)
        self._number = number = begun.session
        early, self._early = self._early, deque()
        for one, event, at in early:
            if one == number:
                self._take(event, at)
        if self._is_unwanted:
            self.stop()

    async def _take_back(self, error: BaseException) -> None:
        """Nobody knows whether it has begun: have it stopped. What matters more than the error is raised."""
        state = self._ball.state
        has_begun = bool(self._early) or (state is not None and state.phase is Phase.RUNNING)
        outcome = await finish(self._stop_in_vain)
        self._ball.release(self)
        if outcome is StopOutcome.UNKNOWN and has_begun:
            raise NotStopped(f"gateway {self._ball.gateway} may have begun to play, and does not answer") from error

    async def _stop_in_vain(self) -> StopOutcome:
        try:
            async with asyncio.timeout(TAKING_BACK_SECONDS):
                await self._ball.link_is_up()
                return outcome_in(await self._ball.request("stop"))
        except (TimeoutError, UnknotError):
            return StopOutcome.UNKNOWN

    # Playing.

    def _take(self, event: events.Event, now: float) -> None:
        if self._over.is_set() or self._reckoning is None:
            return
        self._reckoning.take(event, now)
        if isinstance(event, events.LinkDropped | events.LinkRestored):
            self._is_ball_away = isinstance(event, events.LinkDropped)
        self._tell(event)

    def _tell(self, event: events.Event) -> None:
        self._told.put_nowait(event)
        if isinstance(event, events.Ended):
            self._ended = event
            self._failure = _failure_of(event, self._failure)
            self._finish()
        for listener in self._listeners:
            try:
                listener(event)
            except (Exception, asyncio.CancelledError) as error:
                log.exception("a listener failed, so the session ends")
                self._failure = self._failure or error
                self.stop()

    def _say(self, verb: str) -> None:
        if self._number is not None and not self._over.is_set():
            self._do(self._tell_gateway(verb), verb)

    async def _tell_gateway(self, verb: str) -> None:
        try:
            await self._ball.request(verb)
        except Refusal as refused:
            if refused.code is not Code.BUSY:  # as here, what cannot be done now is not done
                self._ball.ask(f"gateway {self._ball.gateway}: {refused}")
        except BrokerError as error:
            self._ball.ask(f"'{verb}' may not have been heard ({error}); the ball's own button stops it")

    def _do(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"{name} at {self._ball.gateway}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # Ending.

    async def _see_it_stopped(self) -> None:
        """Ask for the stop, and wait for its end as long as there is hope."""
        self._asking = self._do(self._ask_to_stop(), "ask to stop")
        self._hopeful_since = _now()
        try:
            while not self._over.is_set():
                left = self._hopeful_since + self._patience() - _now()
                if left <= 0:
                    self._lose(NotStopped(f"gateway {self._ball.gateway} has not told that it did"))
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(max(left, 0.0), 1.0)):
                        await self._over.wait()
        except asyncio.CancelledError:
            self._lose(NotStopped(f"nobody waited for gateway {self._ball.gateway} to tell that it did"))
            raise
        finally:
            self._asking.cancel()

    def _patience(self) -> float:
        """How long a stop may take, as things stand (s)."""
        return AWAY_SECONDS if self._is_ball_away or self._is_doubtful else SILENCE_SECONDS

    async def _ask_to_stop(self) -> None:
        """Ask until it is heard; the answer tells how it ended if the event that belongs to it does not come."""
        while True:
            try:
                await self._ball.link_is_up()
                outcome = outcome_in(await self._ball.request("stop"))
                break
            except Refusal as refused:
                self._is_ball_away |= refused.code is Code.NOT_STOPPED  # it goes on trying
                if refused.code is Code.NOT_CONNECTED:
                    self._ask_for_state()  # nothing plays there any more
                elif refused.code is not Code.NOT_STOPPED:
                    self._ball.ask(f"gateway {self._ball.gateway}: {refused}")
                return
            except (BrokerLost, GatewaySilent):
                await asyncio.sleep(0)  # one of them may come back, or is given up, which ends us
            except BrokerError:
                return
        with suppress(TimeoutError):
            async with asyncio.timeout(OVERTAKING_SECONDS):
                await self._over.wait()
        self._end(EndReason.STOPPED, outcome, "")

    def _end(self, reason: EndReason, outcome: StopOutcome, detail: str) -> None:
        """It is over, and the event that tells it was not heard."""
        if not self._over.is_set() and self._reckoning is not None:
            now = _now()
            seconds = self._reckoning.motor_seconds(now)
            self._take(events.Ended(self._reckoning.elapsed(now), reason, seconds, outcome, detail), now)

    def _lose(self, error: UnknotError) -> None:
        """We lose sight of it. If it was to stop, that matters more than why."""
        if self._over.is_set():
            return
        if self._is_unwanted and not isinstance(error, NotStopped):
            error = NotStopped(str(error))
        self._failure = error if isinstance(error, NotStopped) else self._failure or error
        self._finish()

    def _finish(self) -> None:
        for timer in (self._doubt, self._closing):
            if timer is not None:
                timer.cancel()
        self._over.set()
        self._told.put_nowait(None)

    # Doubting.

    def _begin_to_doubt(self, words: str) -> None:
        if self._number is not None and not self._over.is_set():
            self._ball.ask(words if self._is_doubtful else f"{words}. Meanwhile {GOES_ON}")
            self._is_doubtful = True

    def _wait_for_gateway(self) -> None:
        """It may come back later than the broker."""
        if self._is_doubtful and not self._over.is_set():
            if self._doubt is not None:
                self._doubt.cancel()
            self._doubt = asyncio.get_running_loop().call_later(GATEWAY_SECONDS, self._despair)

    def _despair(self) -> None:
        name = self._ball.gateway
        self._lose(GatewaySilent(f"gateway {name} at {self._ball.where} tells nothing any more: {GOES_ON}"))

    def _ask_for_state(self) -> None:
        if self._number is not None and not self._over.is_set():
            self._do(self._ask_once_for_state(), "ask for the state")

    async def _ask_once_for_state(self) -> None:
        with suppress(BrokerError):  # a link that is lost again is tried again
            await self._ball.ask_for_state()

    def _take_up(self, state: BallState) -> None:
        """It plays on: tell what has become known of it, as events, and go on."""
        self._is_doubtful, self._is_ball_away = False, state.phase is Phase.LOST
        self._hopeful_since = _now()
        if self._doubt is not None:
            self._doubt.cancel()
            self._doubt = None
        if self._reckoning is None or self._timeline is None:
            return
        before, step, now = self._reckoning.state, self._reckoning.step, _now()
        self._reckoning.take_state(state, now)
        at, after = self._reckoning.elapsed(now), self._reckoning.state
        if after is State.PAUSED and before is not State.PAUSED:
            self._tell(events.Paused(at, "link" if before is State.LOST else "asked"))
        if after is State.RUNNING and before in (State.PAUSED, State.LOST):
            self._tell(events.Resumed(at))
        if self._reckoning.step != step:
            span = self._timeline.spans[self._reckoning.step]
            seconds = round(span.end - span.start, 3)
            self._tell(events.StepStarted(at, self._reckoning.step, span.do, span.say, seconds, span.intensity))
        self._ball.ask(f"gateway {self._ball.gateway} is back, and plays on")
        self._is_rough = True  # a gateway that comes back tells first what it had to tell last
        self._ask_for_state()

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
        reason = reasons.get(state.phase, EndReason.STOPPED)
        self._end(reason, state.stop or StopOutcome.UNKNOWN, state.detail)


def _failure_of(event: events.Ended, known: BaseException | None) -> BaseException | None:
    """What leaving raises after this end: that the motor may run on outranks all."""
    detail = errors.in_one_line(event.detail)
    if event.stop is StopOutcome.UNKNOWN:
        failure = NotStopped(detail)
        failure.__cause__ = known
        return failure
    if known is None and event.reason is EndReason.FAILED:
        return LinkError(detail or "the session failed at the gateway")
    return known


def _now() -> float:
    return asyncio.get_running_loop().time()
