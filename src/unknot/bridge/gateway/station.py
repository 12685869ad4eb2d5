"""One ball as the broker sees it: what is chosen for it and what plays on it; the gateway has one for each.

It takes commands from topics to sessions, and tells states and events back. The session holds the time and the limits;
nothing here starts a motor but `start`, and nothing that is kept at the broker has a part in when it stops.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from unknot import events
from unknot.bridge.gateway.choice import Choice
from unknot.bridge.gateway.telling import Telling
from unknot.bridge.payloads import MANUAL, Action, Code, Refusal
from unknot.bridge.reports import OUR_FAULT, BallState, Phase
from unknot.errors import LinkError, NotStopped, UnknotError
from unknot.events import EndReason, StopOutcome
from unknot.profiles import library as profiles
from unknot.protocols import library
from unknot.session.messages import OnLinkRestored
from unknot.session.player import State
from unknot.session.session import Session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from unknot.bridge.gateway.health import BallTally
    from unknot.bridge.gateway.outbox import Outbox
    from unknot.bridge.payloads import SetCommand
    from unknot.bridge.topics import BallTopics
    from unknot.device.ball import Ball
    from unknot.device.roles import Recorder
    from unknot.profiles.model import FirmwareProfile
    from unknot.protocols.model import MuscleProtocol
    from unknot.protocols.timeline import Timeline

log = logging.getLogger(__name__)

AGAIN_SECONDS = 60.0
"""A request that is said again within that time is one that the broker brought twice (judgement)."""

PAUSED_SECONDS = 600.0
"""A pause that lasts longer ends the session: whoever resumes then may not be who paused (judgement)."""

STOP_SECONDS = 5.0
"""How long an answer to a stop waits: three attempts of a second each, and some more; the stop itself goes on until the
ball is reached."""

_PHASES = {
    State.READY: Phase.RUNNING,
    State.RUNNING: Phase.RUNNING,
    State.PAUSED: Phase.PAUSED,
    State.LOST: Phase.LOST,
    State.STOPPING: Phase.RUNNING,
}

_QUIET = (events.LevelChanged, events.Reported)
"""Events that come often: a lost one is made good by the next state, so they need no acknowledgement."""


class Station:
    """One ball.

    Args:
        name: what people call it.
        topics: its topics.
        outbox: where it tells.
        tally: where it counts.
        model: the profile that it is expected to speak, until it is connected; empty if nobody knows.

    Attributes:
        name: the same name.
        ball: the connected ball, or None.
        session: what plays, or None.
        model: the profile that it speaks, as far as is known.
        telling: who tells its state.
        there: called when a ball has been connected and announced.
        left: called when it has not any more.
    """

    def __init__(self, name: str, topics: BallTopics, outbox: Outbox, tally: BallTally, model: str = "") -> None:
        self.there: Callable[[], None] = lambda: None
        self.left: Callable[[], None] = lambda: None
        self._is_leaving = False
        self.name = name
        self.topics = topics
        self.ball: Ball | None = None
        self.session: Session | None = None
        self.telling = Telling(topics, outbox, self.state, self._is_running)
        self._outbox = outbox
        self._tally = tally
        self.model = model
        self._choice = Choice()
        self._playing: Choice | None = None
        self._number = 0
        self._loaded: MuscleProtocol | None = None
        self._compiled: tuple[tuple[Choice, str], Timeline] | None = None
        self._task: asyncio.Task[None] | None = None
        self._gone: asyncio.Future[None] | None = None
        self._ends_at: str | None = None
        self._step = ("", "")
        self._last = Phase.IDLE
        self._stop: StopOutcome | None = None
        self._detail = ""
        self._source = "gateway"
        self._rssi: int | None = None
        self._pause_timer: asyncio.TimerHandle | None = None
        self._answered: tuple[str, Choice, float, dict[str, Any]] | None = None

    # Having a ball, and not.

    @asynccontextmanager
    async def serving(self, ball: Ball, rssi: int | None) -> AsyncIterator[asyncio.Future[None]]:
        """Drive this ball for the length of the block; the future is done when its link is lost for good."""
        self.ball, self._rssi, self.model = ball, rssi, ball.profile.id
        self._is_leaving = False
        self._gone = asyncio.get_running_loop().create_future()
        unlisten = ball.listen(self)
        try:
            if self.may_run_on or ball.level:
                self._stop = await ball.stop()
            self._detail = ""
            if self._last is Phase.FAULT:
                self._last = Phase.IDLE
            self._see()
            self._source = "gateway"
            self.telling.announce(is_there=True)
            self.there()
            yield self._gone
        finally:
            self._is_leaving = True  # nothing starts on it any more
            if self.session is not None:
                self.session.stop()
            if self._task is not None:
                await asyncio.wait([self._task])
            unlisten()
            self.ball = self._gone = None
            self._see()
            if self.telling.is_announced:
                self.telling.announce(is_there=False)
            self.left()

    @property
    def profile(self) -> FirmwareProfile:
        """The profile that it speaks, or is expected to speak."""
        if self.ball is not None:
            return self.ball.profile
        try:
            return profiles.load_or_default(self.model or None)
        except UnknotError:  # whoever connects tells what is wrong with its file
            return profiles.load_or_default(None)

    @property
    def may_run_on(self) -> bool:
        """Whether the motor could not be confirmed stopped."""
        return self._stop is StopOutcome.UNKNOWN

    def remember(self, motor: str) -> None:
        """What an earlier life told last of the motor: only a stop makes it certain that it is off."""
        if motor != "off" and self.ball is None:
            self._stop, self._detail = StopOutcome.UNKNOWN, "the gateway was ended while its motor may have run"
            self._change("gateway")

    def tell_not_stopped(self, words: str) -> None:
        """The motor could not be confirmed stopped when its ball was left."""
        self._stop, self._last, self._detail = StopOutcome.UNKNOWN, Phase.FAULT, words
        self._change("gateway")

    def ask(self, words: str) -> None:
        """The ball wants something of the person before it obeys."""
        self.tell_trouble(words)

    def tell_trouble(self, words: str) -> None:
        """Tell what is wrong, with the next state."""
        self._detail = words
        self._change("gateway")

    def _see(self) -> None:
        self._tally.last_seen = _now()

    # Commands.

    def set(self, command: SetCommand) -> None:
        """Do what a ``set`` says, all of it or nothing.

        Raises:
            UnknotError: nothing is changed.
        """
        if command.stops:
            self.begin_stop("set")
            if command.run or command.action not in (None, Action.STOP):
                raise Refusal(Code.OUT_OF_RANGE, "found a stop and something else in one command; stopped", "action")
            return
        is_playing = self.session is not None
        if not is_playing and command.action in (Action.PAUSE, Action.RESUME, Action.SKIP):
            self._nothing_plays()
        if is_playing and any(value is not None for value in (command.protocol, command.side, command.duration)):
            self._refuse_change(command)
        choice = self._choice.changed(self._for_next_start(command))
        if choice != self._choice:
            self._timeline(choice)
        if self._playing is not None and self.session is not None and command.intensity is not None:
            playing = replace(self._playing, intensity=command.intensity)
            self.session.adjust(self._timeline(playing))
            self._playing = playing
        wants_start = command.action is Action.START or bool(command.run)
        if wants_start and not is_playing:
            self._start(self._connected(), choice, OnLinkRestored.PAUSE, None)
        self._choice = choice
        if self.session is not None:
            self._act(self.session, command.action)
        self._change("set")

    def _timeline(self, choice: Choice) -> Timeline:
        """What would be played; the newest one is remembered, since every state tells its length.

        Raises:
            UnknotError: it may not be played.
        """
        made_for, profile = (choice, self.profile.id), self.profile
        if self._compiled is None or self._compiled[0] != made_for:
            is_playing = self._playing is not None and self._playing.protocol == choice.protocol
            self._compiled = made_for, choice.timeline(profile, self._loaded if is_playing else None)
        return self._compiled[1]

    def _for_next_start(self, command: SetCommand) -> SetCommand:
        """The command without an intensity that is meant for another protocol: the one that plays."""
        if self._playing is None or self._playing.protocol == self._choice.protocol:
            return command
        return command.model_copy(update={"intensity": None})

    def _refuse_change(self, command: SetCommand) -> None:
        """While something plays, only what is chosen already may be said again."""
        now = self._playing or self._choice
        same = (
            command.protocol in (None, now.protocol)
            and command.side in (None, now.side)
            and command.duration in (None, now.duration)
        )
        if not same:
            raise Refusal(Code.BUSY, f"{now.protocol} plays on it; stop it first")

    def _act(self, session: Session, action: Action | None) -> None:
        match action:
            case Action.PAUSE:
                session.pause()
            case Action.RESUME | Action.START:
                session.resume()
            case Action.SKIP:
                session.skip()
            case _:
                pass

    def act(self, action: Action) -> None:
        """Pause, resume or skip what plays.

        Raises:
            Refusal: nothing plays.
        """
        if self.session is None:
            self._connected()
            self._nothing_plays()
        else:
            self._act(self.session, action)
            self._change("request")

    def _nothing_plays(self) -> None:
        raise Refusal(Code.BUSY, "nothing plays on it that could be paused, resumed or skipped", "action")

    def _connected(self) -> Ball:
        """The ball, if something may be played on it. Raises `Refusal`."""
        if self.ball is None or self._is_leaving or not self.ball.is_connected:
            raise Refusal(Code.NOT_CONNECTED, f"{self.name} is not connected; switch it on and bring it near")
        return self.ball

    def start(
        self,
        choice: Choice,
        *,
        request: str,
        on_link_restored: OnLinkRestored = OnLinkRestored.PAUSE,
        account: Recorder | None = None,
    ) -> dict[str, Any]:
        """Play something; what is answered. The same request said twice is answered twice and played once.

        Raises:
            UnknotError: it cannot be played, or something plays already.
        """
        now = asyncio.get_running_loop().time()
        if request and self._answered and self._answered[:2] == (request, choice):
            _, _, at, data = self._answered
            if now - at < AGAIN_SECONDS:
                return data
        ball = self._connected()
        if self.session is not None:
            raise Refusal(Code.BUSY, f"{(self._playing or choice).protocol} plays on it; stop it first")
        session = self._start(ball, choice, on_link_restored, account)
        timeline = asdict(session.timeline)
        data = {"session": self._number, "timeline": timeline, "notes": list(session.notes)}
        self._answered = request, choice, now, data
        self._change("request")
        return data

    def _start(self, ball: Ball, choice: Choice, on_link_restored: OnLinkRestored, account: Recorder | None) -> Session:
        # What plays is adjusted by the protocol that was loaded for it, whatever becomes of its file.
        self._loaded = None if choice.protocol == MANUAL else library.load(choice.protocol)
        timeline = choice.timeline(self.profile, self._loaded)
        session = Session(ball, timeline, on_link_restored=on_link_restored, account=account)
        self.session, self._playing = session, choice
        self._number += 1
        self._detail, self._stop = "", None
        self._task = asyncio.create_task(self._play(session, self._number), name=f"session of {self.name}")
        return session

    def begin_stop(self, source: str) -> None:
        """Stop the motor and end what plays; nobody waits for it."""
        if self.session is not None:
            self.session.stop()
        elif self.ball is not None:
            ball = self.ball
            stopping = asyncio.create_task(self._stop_ball(ball), name=f"stop {self.name}")
            _stops.add(stopping)
            stopping.add_done_callback(_stops.discard)
        self._change(source)

    async def stop(self) -> StopOutcome:
        """Stop the motor and end what plays; what is known of the motor within `STOP_SECONDS`.

        Raises:
            Refusal: the ball is not connected.
        """
        if self.session is None and self.ball is None:
            if self.may_run_on:
                return StopOutcome.UNKNOWN  # when the ball is back, a stop is the first that it hears
            raise Refusal(Code.NOT_CONNECTED, f"{self.name} is not connected; its motor was off when it was last there")
        try:
            async with asyncio.timeout(STOP_SECONDS):
                if self.session is not None and self._task is not None:
                    self.session.stop()
                    await asyncio.shield(self._task)
                elif self.ball is not None:
                    await asyncio.shield(self._stop_ball(self.ball))
        except TimeoutError:
            return StopOutcome.UNKNOWN
        return self._stop or StopOutcome.UNKNOWN

    async def _stop_ball(self, ball: Ball) -> None:
        self._stop = await ball.stop()
        if self.may_run_on:
            self._last, self._detail = Phase.FAULT, str(NotStopped())
        self._change(self._source)

    # Playing.

    async def _play(self, session: Session, number: int) -> None:
        """Play a session to its end and tell all of it."""
        try:
            async with session:
                async for event in session:
                    self._hear(event, number)
        except UnknotError as error:
            self._detail = str(error)
            log.warning("%s: %s", self.name, error)
            if session.ended is None:  # it never began
                self._last = Phase.FAULT
        except Exception:
            log.exception("%s: the session failed", self.name)
            self._last, self._detail = Phase.FAULT, OUR_FAULT
            if session.ended is None and self.ball is not None and self.ball.level:
                self._stop = StopOutcome.UNKNOWN
        finally:
            self._wait_in_pause(session, is_paused=False)
            self.session = self._playing = self._ends_at = None
            self._step = ("", "")
            self._change("gateway")

    def _hear(self, event: events.Event, number: int) -> None:
        facts = events.as_dict(event)
        name = facts.pop("event")
        said = json.dumps({"event_type": name, "session": number, **facts})
        match event:
            case events.StepStarted():
                self._step = (event.do, event.say)
            case events.Paused() | events.Resumed():
                self._wait_in_pause(self.session, is_paused=isinstance(event, events.Paused))
            case events.LinkRestored():
                self._stop = event.stop
            case events.Ended():
                self._stop = event.stop
                completed = event.reason is EndReason.COMPLETED
                self._last = Phase.FINISHED if completed else Phase.IDLE
                if event.reason is EndReason.FAILED or event.stop is StopOutcome.UNKNOWN:
                    self._last, self._detail = Phase.FAULT, event.detail or str(NotStopped())
            case _:
                pass
        if not isinstance(event, events.Reported | events.LevelChanged | events.StepStarted):
            self._set_end()
        self._outbox.say(self.topics.event, said, qos=0 if isinstance(event, _QUIET) else 1)
        self._change(self._source)

    def _wait_in_pause(self, session: Session | None, *, is_paused: bool) -> None:
        if self._pause_timer is not None:
            self._pause_timer.cancel()
            self._pause_timer = None
        if is_paused and session is not None:
            self._pause_timer = asyncio.get_running_loop().call_later(PAUSED_SECONDS, session.stop)

    def _set_end(self) -> None:
        """When it will be over: said once, since it stays true until something delays it."""
        session = self.session
        self._ends_at = None
        is_lost = self.ball is not None and self.ball.is_restoring
        if session is not None and session.state is State.RUNNING and not is_lost:
            left = session.timeline.seconds - session.position
            self._ends_at = _iso(datetime.now(UTC) + timedelta(seconds=left))

    # What the ball says (`unknot.device.roles.Listener`).

    def ball_stopped(self) -> None:
        """Somebody asked for a stop."""

    def ball_changed_level(self, level: int) -> None:  # noqa: ARG002 - the ball is asked when the state is told
        """Its button, its own timer."""
        self._change("ball")

    def ball_reported(self, values: dict[str, float | str]) -> None:
        """It told something about itself; a session tells it too."""
        if self.session is None:
            self._outbox.say(self.topics.event, json.dumps({"event_type": "report", "values": values}), qos=0)
        self._see()
        self._change("ball")

    def ball_lapsed(self) -> None:
        """Its lease ran out."""
        self._change("ball")

    def ball_lost(self, error: LinkError) -> None:
        """Its link is being restored."""
        self._tally.drops += 1
        if self.session is None:
            self._detail = str(error)
        self._change("gateway")

    def ball_restored(self, outcome: StopOutcome, *, is_same: bool) -> None:  # noqa: ARG002 - the session decides by it
        """Its link is back, and its motor stopped."""
        self._stop, self._detail = outcome, ""
        if not self.telling.is_announced:  # another gateway seemed to have it
            self.telling.announce(is_there=True)
            self.there()
        self._change("gateway")

    def ball_failed(self, error: LinkError) -> None:
        """Its link could not be restored."""
        if self.ball is not None and self.ball.level:
            self._stop = StopOutcome.UNKNOWN
        self._detail = str(error)
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    # Telling.

    def _change(self, source: str) -> None:
        self._source = source
        self.telling.soon()

    def _is_running(self) -> bool:
        return self.session is not None and self.session.state is State.RUNNING

    def state(self) -> BallState:
        """All about it, now."""
        session, ball, choice = self.session, self.ball, self._playing or self._choice
        level = 0 if ball is None else ball.level
        return BallState(
            phase=self._last if session is None else _PHASES.get(session.state, self._last),
            motor=self._motor(level),
            level=level,
            levels=self.profile.motor.levels,
            intensity=choice.intensity,
            duration=choice.duration,
            protocol=choice.protocol,
            side=choice.side.value,
            seconds=self._seconds(choice),
            step=self._step[0],
            say=self._step[1],
            remaining=None if session is None else round(session.timeline.seconds - session.position, 1),
            ends_at=self._ends_at,
            session=self._number,
            stop=self._stop,
            battery=None if ball is None else ball.battery,
            rssi=self._rssi,
            model=self.model,
            detail=self._detail,
            source=self._source,
        )

    def _motor(self, level: int) -> str:
        is_lost = self.ball is not None and not self.ball.is_connected
        if self.may_run_on or (is_lost and level and self.profile.safety.stops_within is None):
            return "unknown"
        return "on" if level else "off"

    def _seconds(self, choice: Choice) -> float:
        if self.session is not None:
            return self.session.timeline.seconds
        try:
            return self._timeline(choice).seconds
        except UnknotError:  # its file is gone by now
            return 0.0


_stops: set[asyncio.Task[None]] = set()
"""Stops that nobody waits for; a task that nobody holds may vanish."""


def _now() -> str:
    return _iso(datetime.now(UTC))


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
