"""A session that a gateway plays, seen and led from elsewhere with the verbs of one that is played here.

Used by `remote`. Its events come over the broker. Who leads it and loses the broker or the gateway knows
nothing any more, and says so: nothing is told that was not heard, and the person is told of the ball's own button.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, Field

from unknot import errors, events
from unknot.bridge.elsewhere import timelines
from unknot.bridge.elsewhere.sight import OVERTAKING_SECONDS, Sight
from unknot.bridge.elsewhere.stopping import outcome_in
from unknot.bridge.elsewhere.story import Story
from unknot.bridge.payloads import Code, Refusal
from unknot.bridge.reports import Phase
from unknot.errors import BrokerError, BrokerLost, GatewaySilent, NotStopped, UnknotError, UsageError
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

TAKING_BACK_SECONDS = 6.0
"""How long a gateway that did not answer to a start is given to answer to a stop: 5 s for the ball
(`unknot.bridge.gateway.station.STOP_SECONDS`), and some for the way."""

EARLY_MOST = 1000
"""How many events are kept that come before the answer which tells their session's number (judgement)."""

NOTES_MOST = 20
"""How many notes of a gateway are shown; ours tells three at most (judgement)."""


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

    Attributes:
        sight: what the ball hears of it; None until it has begun.
    """

    def __init__(self, ball: RemoteBall, verb: str, facts: dict[str, Any]) -> None:
        self.sight: Sight | None = None
        self._ball = ball
        self._verb = verb
        self._facts = facts
        self._timeline: Timeline | None = None
        self._notes: tuple[str, ...] = ()
        self._early: deque[tuple[int, events.Event, float]] = deque(maxlen=EARLY_MOST)
        self._story = Story(self.stop)
        self._is_entered = False
        self._is_unwanted = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[None] | None = None

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
        failure = self._story.failure
        if error is not None and isinstance(failure, NotStopped):
            error.add_note(str(failure))
        if error is None and failure is not None:
            raise failure

    async def leave(self) -> None:
        """Stop, and wait until that is known, or known not to be knowable."""
        if self.sight is not None:
            self.stop()
            await self._story.over.wait()
            self.sight.leave()
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))
        self._ball.release(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> events.Event:
        event = await self._story.next()
        if event is None:
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
        if self._story.over.is_set():
            return State.ENDED
        return State.READY if self.sight is None else self.sight.reckoning.state

    @property
    def ended(self) -> events.Ended | None:
        """The last event, once it has been told; None for ever if we lost sight of the session."""
        return self._story.ended

    @property
    def notes(self) -> tuple[str, ...]:
        """What the person should know; the gateway tells it when it begins."""
        return self._notes

    @property
    def position(self) -> float:
        """The second of the timeline that is playing now, reckoned between events."""
        return 0.0 if self.sight is None else self.sight.reckoning.position(_now())

    @property
    def level(self) -> int:
        """The level that the motor has, as far as is known."""
        return self._ball.level if self.sight is None else self.sight.reckoning.level

    def listen(self, listener: Callable[[events.Event], None]) -> None:
        """Have every event told to a function. If it raises, the session stops, and leaving it raises that."""
        self._story.listen(listener)

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
        if self._story.over.is_set() or self.sight is None or self._stopping is not None:
            return  # one that has not begun is stopped when it has
        self.sight.reckoning.stopping(_now())
        if self.sight.is_doubtful:
            self._ball.ask("the gateway will be told to stop as soon as it can be; the ball's own button stops it now")
        self._stopping = self._do(self._see_it_stopped(self.sight), "stop")

    def give_up(self) -> None:
        """End a session that was asked to stop without waiting for its gateway, which goes on trying."""
        if self._stopping is None:
            self.stop()
        else:
            self._lose(NotStopped(f"gateway {self._ball.gateway} was asked to stop, and goes on trying"))

    async def wait(self) -> events.Ended:
        """Wait until the session is over; its last event.

        Raises:
            UsageError: it has not been entered.
            BrokerError: we lost sight of it.
            NotStopped: it was to stop, and nobody told that it did.
        """
        if self.sight is None:
            raise UsageError("a session is played by 'async with'; there is nothing to wait for")
        return await self._story.end()

    async def wait_unattended(self) -> events.Ended:
        """As `wait`, where nobody can go on after a pause: then the session is ended."""
        async for event in self:
            if isinstance(event, events.Paused):
                self.stop()
        return await self.wait()

    # What the ball hears of it.

    def hear(self, number: int, event: events.Event) -> None:
        """An event of a session on this ball; one that comes before the answer to the start waits for it."""
        if self.sight is None:
            self._early.append((number, event, _now()))
        else:
            self.sight.hear(number, event, _now())

    def hear_state(self, state: BallState, *, is_of_another_gateway: bool) -> None:
        """What the gateway says of the ball now."""
        if self.sight is not None:
            self.sight.hear_state(state, is_of_another_gateway=is_of_another_gateway)

    # Beginning.

    def _begin(self, answer: dict[str, Any]) -> None:
        try:
            begun = _Begun.model_validate(answer)
            self._timeline = timelines.read(begun.timeline)
        except ValueError as error:
            log.debug("gateway %s: %s", self._ball.gateway, error)
            raise GatewaySilent(f"gateway {self._ball.gateway} answered what this unknot does not understand") from None
        self._notes = tuple(map(errors.in_one_line, begun.notes))
        self.sight = Sight(
            begun.session,
            self._timeline,
            self._ball,
            self._story,
            lose=self._lose,
            seen_again=self._ask_again,
            do=self._do,
        )
        early, self._early = self._early, deque()
        for number, event, at in early:
            if number == begun.session:
                self.sight.hear(number, event, at)
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

    # Leading it.

    def _say(self, verb: str) -> None:
        if self.sight is not None and not self._story.over.is_set():
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

    # Ending it.

    async def _see_it_stopped(self, sight: Sight) -> None:
        """Ask for the stop, and wait for its end as long as there is hope."""
        over, asked_at = self._story.over, _now()
        self._asking = self._do(self._ask_to_stop(sight), "ask to stop")
        try:
            while not over.is_set():
                patience = AWAY_SECONDS if sight.is_ball_away or sight.is_doubtful else SILENCE_SECONDS
                left = max(asked_at, sight.clear_since) + patience - _now()
                if left <= 0:
                    self._lose(NotStopped(f"gateway {self._ball.gateway} has not told that it did"))
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(max(left, 0.0), 1.0)):
                        await over.wait()
        except asyncio.CancelledError:
            self._lose(NotStopped(f"nobody waited for gateway {self._ball.gateway} to tell that it did"))
            raise
        finally:
            self._asking.cancel()

    def _ask_again(self) -> None:
        """The gateway may not have heard it, and can now."""
        if self._asking is not None and self.sight is not None:
            self._asking.cancel()
            self._asking = self._do(self._ask_to_stop(self.sight), "ask to stop")

    async def _ask_to_stop(self, sight: Sight) -> None:
        """Ask until it is heard; the answer tells how it ended if the event that belongs to it does not come."""
        while True:
            try:
                await self._ball.link_is_up()
                outcome = outcome_in(await self._ball.request("stop"))
                break
            except Refusal as refused:
                sight.is_ball_away |= refused.code is Code.NOT_STOPPED  # it goes on trying
                if refused.code is Code.NOT_CONNECTED:
                    sight.ask_for_state()  # nothing plays there any more
                elif refused.code is not Code.NOT_STOPPED:
                    self._ball.ask(f"gateway {self._ball.gateway}: {refused}")
                return
            except (BrokerLost, GatewaySilent):
                await asyncio.sleep(0)  # one of them may come back, or is given up, which ends us
            except BrokerError:
                return
        with suppress(TimeoutError):
            async with asyncio.timeout(OVERTAKING_SECONDS):
                await self._story.over.wait()
        sight.end(EndReason.STOPPED, outcome)

    def _lose(self, error: UnknotError) -> None:
        """We lose sight of it. If it was to stop, that matters more than why."""
        is_unknown = self._is_unwanted and not isinstance(error, NotStopped)
        self._story.lose(NotStopped(str(error)) if is_unknown else error)


def _now() -> float:
    return asyncio.get_running_loop().time()
