"""A session: one playing of one timeline on one ball; used by scripts, the CLI and the bridge.

The player decides, the session waits and does. It waits for absolute times of the loop, so lateness never adds up, and
every way out of it, a cancellation included, passes through a stop.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Self

from unknot import events
from unknot.errors import LinkError, LinkLost, NotStopped, Stalled, UsageError
from unknot.events import StopOutcome
from unknot.session import messages
from unknot.session.messages import OnLinkRestored
from unknot.session.player import Player, State
from unknot.session.watchdog import Watchdog
from unknot.shielding import finish

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from unknot.device.ball import Ball
    from unknot.device.roles import Recorder
    from unknot.protocols.timeline import Timeline

log = logging.getLogger(__name__)


class Session:
    """Plays a timeline on a ball while its ``async with`` block runs; iterate over it for the events.

    Leaving the block before the end stops the motor. Leaving it after a failure raises what failed.

    Args:
        ball: the connected ball.
        timeline: a protocol compiled for the ball's profile.
        on_link_restored: what to do when a lost link is back.
        account: where several people share a ball, the account of the day of the one who lies on it; by default there
            is one for all. A ball that keeps none, a simulated one, has none here either.

    Raises:
        LimitExceeded: it is too much for this day.
    """

    def __init__(
        self,
        ball: Ball,
        timeline: Timeline,
        *,
        on_link_restored: OnLinkRestored = OnLinkRestored.PAUSE,
        account: Recorder | None = None,
    ) -> None:
        self._ball = ball
        self._ledger = ball.ledger if ball.ledger is None or account is None else account
        self._entry: object = None
        if self._ledger is not None:
            self._ledger.refuse(timeline, _wall_clock())
        self._on_link_restored = on_link_restored
        self._player = Player(timeline, on_link_restored)
        self._inbox: deque[messages.Input] = deque()
        self._alarm = asyncio.Event()
        self._told: asyncio.Queue[events.Event | None] = asyncio.Queue()
        self._listeners: list[Callable[[events.Event], None]] = []
        self._task: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self._untold: deque[events.Event] = deque()
        self._ended: events.Ended | None = None

    async def __aenter__(self) -> Self:
        if self._task is not None:
            raise UsageError("a session is played once; make a new one")
        if self._ledger is not None:
            self._ledger.refuse(self.timeline, _wall_clock())
        self._ball.claim(self)
        if self._ledger is not None:
            # Before the motor starts: a program that is killed has used up what it had planned.
            self._entry = self._ledger.begin(self.timeline, _wall_clock())
        self._task = asyncio.create_task(self._play(), name=f"session {self.timeline.muscle or 'free'}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        await finish(self._over)
        if kind is not None:
            return
        if self._failure is not None:
            raise self._failure
        if self._task is not None and not self._task.cancelled():
            self._task.result()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> events.Event:
        event = await self._told.get()
        if event is None:
            self._told.put_nowait(None)  # for whoever else iterates
            raise StopAsyncIteration
        return event

    @property
    def state(self) -> State:
        """Where the session stands."""
        return self._player.state

    @property
    def timeline(self) -> Timeline:
        """What it plays."""
        return self._player.timeline

    @property
    def ended(self) -> events.Ended | None:
        """The last event, once it has been told."""
        return self._ended

    @property
    def notes(self) -> tuple[str, ...]:
        """What the person should know before it is played: how much there has been on this day."""
        return self._ledger.notes(self.timeline, _wall_clock()) if self._ledger is not None else ()

    @property
    def position(self) -> float:
        """The second of the timeline that is playing now."""
        return self._player.position(asyncio.get_running_loop().time())

    @property
    def level(self) -> int:
        """The level that the motor has, as far as is known."""
        return self._player.level

    def listen(self, listener: Callable[[events.Event], None]) -> None:
        """Have every event told to a function, as soon as nothing more urgent is to be done.

        If it raises, the session stops, and what it raised is raised on leaving the session. It must not block: a
        function that holds up the loop for longer than ``limits.MISSED_TICK`` ends the session too.
        """
        self._listeners.append(listener)

    def pause(self) -> None:
        """Stop the motor and wait. Does nothing unless the session runs."""
        self._post(messages.Pause())

    def resume(self) -> None:
        """Go on where it was paused, easing in again. Does nothing unless the session is paused."""
        self._post(messages.Resume())

    def skip(self) -> None:
        """Go to the next step; after the last one the session is complete."""
        self._post(messages.Skip())

    def adjust(self, timeline: Timeline) -> None:
        """Go on at another intensity: lower at once, higher eased in. It starts no motor that is off for a pause.

        Args:
            timeline: the same protocol for the same side and ball, compiled for another intensity.

        Raises:
            UsageError: it is not the same protocol, or one of the two does not use the motor at all.
        """
        if _shape(timeline) != _shape(self.timeline):
            raise UsageError("a session goes on with its own protocol at another intensity; play another one anew")
        self._post(messages.Adjust(timeline))

    def stop(self) -> None:
        """Stop the motor and end the session. May be said at any time, and again."""
        self._post(messages.End())

    def give_up(self) -> None:
        """End the session without waiting for a lost link: the motor may then run on."""
        self._ball.give_up()
        self.stop()

    async def wait(self) -> events.Ended:
        """Wait until the session is over; its last event.

        Raises:
            UsageError: it has not been entered.
            asyncio.CancelledError: it was cancelled, the motor stopped as far as possible.
        """
        if self._task is None:
            raise UsageError("a session is played by 'async with'; there is nothing to wait for")
        await self._over()
        if self._ended is None:
            self._task.result()
            raise asyncio.CancelledError
        return self._ended

    async def wait_unattended(self) -> events.Ended:
        """As `wait`, where nobody can go on after a pause: then the session is ended."""
        async for event in self:
            if isinstance(event, events.Paused):
                self.stop()
        return await self.wait()

    async def _over(self) -> None:
        if self._task is not None:
            await asyncio.wait([self._task])

    # What the ball says (`unknot.device.roles.Listener`).

    def ball_stopped(self) -> None:
        """Somebody else asked for a stop: the person gets a pause."""
        self._post(messages.Pause())

    def ball_changed_level(self, level: int) -> None:
        """The ball changed its level by itself."""
        self._post(messages.Observed(level))

    def ball_reported(self, values: dict[str, float | str]) -> None:
        """The ball told something else about itself."""
        self._tell(events.Reported(self._elapsed(), values))

    def ball_lapsed(self) -> None:
        """The ball stopped by itself: the renewal of its lease did not reach it."""
        self._post(messages.Lapsed())

    def ball_lost(self, error: LinkError) -> None:
        """The link is gone or does not answer, and is being restored."""
        within = self._ball.profile.safety.stops_within
        self._tell(events.LinkDropped(self._elapsed(), self._ball.level, within, str(error)))
        is_over = self.state in (State.STOPPING, State.ENDED)
        if self._on_link_restored is OnLinkRestored.END and self._player.needs_motor and not is_over:
            self._failure = self._failure or error
        self._post(messages.Lost(str(error)))

    def ball_restored(self, outcome: StopOutcome, *, is_same: bool) -> None:
        """The link is back, and the motor has been stopped."""
        self._post(messages.Restored(outcome, self._ball.level_since, self._ball.address, is_same))

    def ball_failed(self, error: LinkError) -> None:
        """The link could not be restored."""
        if self._player.needs_motor:
            self._fail(error)

    # The one task that plays.

    async def _play(self) -> None:
        unlisten = self._ball.listen(self)
        watchdog = Watchdog(lambda seconds: self._fail(Stalled(seconds)))
        watchdog.start()
        try:
            # Somebody left it running: a protocol begins with the motor off.
            if self._ball.level and await self._ball.stop_unheard() is StopOutcome.UNKNOWN:
                self._fail(NotStopped())
            if self._ball.is_restoring:  # it was lost since it was claimed, and nobody has heard of it
                self.ball_lost(LinkLost(f"the link to {self._ball.address} is gone", address=self._ball.address))
            self._inbox.append(messages.Begin())  # an end that is asked for before the first step goes in front of it
            while self._player.state is not State.ENDED:
                await self._wait_for_input()
                watchdog.check()
                event = self._inbox.popleft() if self._inbox else messages.Wake()
                if isinstance(event, messages.Observed) and event.level != self._ball.level:
                    continue  # overtaken
                if isinstance(event, messages.Lost):
                    event = replace(event, level=self._ball.level, since=self._ball.level_since)
                await self._take(event)
        except BaseException:
            await finish(self._ball.stop)
            raise
        finally:
            watchdog.cancel()
            unlisten()
            self._ball.release(self)
            self._told.put_nowait(None)

    async def _wait_for_input(self) -> None:
        if self._inbox:
            return
        self._alarm.clear()
        deadline = self._player.deadline
        if deadline is None:
            await self._alarm.wait()
            return
        loop = asyncio.get_running_loop()
        timer = loop.call_at(deadline, self._alarm.set)
        try:
            await self._alarm.wait()
        finally:
            timer.cancel()

    async def _take(self, event: messages.Input) -> None:
        """Hand the player an input and carry out what it wants, until it wants no more."""
        loop = asyncio.get_running_loop()
        effects = deque(self._player.handle(event, loop.time()))
        while effects:
            effect = effects.popleft()
            if isinstance(effect, messages.Tell):
                self._tell(effect.event)
            else:
                effects.extendleft(reversed(await self._perform(effect)))

    async def _perform(self, effect: messages.SetLevel | messages.StopMotor) -> list[messages.Effect]:
        loop, ball = asyncio.get_running_loop(), self._ball
        if isinstance(effect, messages.StopMotor):
            outcome = await ball.stop_unheard()
            at = ball.level_since
            if outcome is StopOutcome.UNKNOWN:
                self._not_stopped()
                at = min(loop.time(), ball.leased_until)
            return self._player.handle(messages.Stopped(outcome, effect.due, at), loop.time())
        try:
            await ball.drive(effect.level)
        except LinkError as error:
            if ball.is_restoring:
                return []
            self._fail(error)  # an attempt before the last one may have arrived all the same
        return self._player.handle(messages.Written(ball.level, effect.due, ball.level_since), loop.time())

    def _not_stopped(self) -> None:
        """Whatever went wrong before, that the motor may run on is what must be told."""
        if not isinstance(self._failure, NotStopped):
            error = NotStopped(str(self._failure or ""))
            error.__cause__ = self._failure
            self._failure = error

    def _fail(self, error: Exception) -> None:
        if self.state in (State.STOPPING, State.ENDED):
            return  # the stop's own outcome tells what matters now
        self._failure = self._failure or error
        self._post(messages.Fail(str(error) or repr(error)))

    def _post(self, event: messages.Input) -> None:
        if isinstance(event, messages.End | messages.Fail | messages.Pause) and self.state is State.RUNNING:
            self._ball.withdraw()  # a stop follows: nothing may be written before it
        if isinstance(event, messages.Adjust):  # of several wishes the last one counts; a pause need not wait for all
            self._inbox = deque(one for one in self._inbox if not isinstance(one, messages.Adjust))
        # The end, a failure and a loss go before everything that waits: nothing that was asked for before may start it.
        if isinstance(event, messages.End | messages.Fail | messages.Lost):
            self._inbox.appendleft(event)
        else:
            self._inbox.append(event)
        self._alarm.set()

    def _elapsed(self) -> float:
        return self._player.elapsed(asyncio.get_running_loop().time())

    def _tell(self, event: events.Event) -> None:
        if isinstance(event, events.Ended):
            self._ended = event
            if self._ledger is not None and event.stop is not StopOutcome.UNKNOWN:
                self._ledger.end(self._entry, event.motor_seconds, _wall_clock())
        self._told.put_nowait(event)
        if self._listeners:
            # Not at once: what a listener does or raises must not come between the player and a stop.
            if not self._untold:
                asyncio.get_running_loop().call_soon(self._tell_listeners)
            self._untold.append(event)

    def _tell_listeners(self) -> None:
        while self._untold:
            event = self._untold.popleft()
            for listener in self._listeners:
                try:
                    listener(event)
                except (Exception, asyncio.CancelledError) as error:
                    log.exception("a listener failed, so the session ends")
                    self._failure = self._failure or error
                    self._post(messages.Fail(f"a listener failed: {error!r}"))


def _shape(timeline: Timeline) -> tuple[object, ...]:
    """What must be the same for a session to go on with another timeline: its limits of time were looked at before."""
    steps = tuple((span.do, span.side, span.start, span.end) for span in timeline.spans)
    return timeline.muscle, timeline.side, timeline.profile, steps, bool(timeline.cues)


def _wall_clock() -> datetime:
    """What a day is counted by."""
    return datetime.now().astimezone()
