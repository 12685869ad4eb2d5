"""One session in a world in which anything may go wrong, and the rules that must hold in it; used by the proofs.

A person, a script and a fault plan act on a session in virtual time; the world watches the motor and every write, and
`World.verdict` holds the whole story against the rules. Whatever breaks a rule is an `AssertionError` that tells the
story.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import unknot
from tests.meddling import Written, written
from tests.profiles.shipped import TALKATIVE, TYPICAL
from tests.protocols.made import protocol, step
from unknot import events
from unknot.clock import VirtualTimeLoop
from unknot.device.ball import RESTORE_SECONDS, Ball
from unknot.device.deadlines import ATTEMPTS, BACK_OFF, CONNECT_SECONDS, OPERATION_SECONDS
from unknot.device.discovery import SCAN_SECONDS
from unknot.errors import FrameMismatch, UnknotError
from unknot.events import StopOutcome
from unknot.profiles.codec import Codec
from unknot.profiles.speech import SetLevel
from unknot.protocols.limits import Ceiling
from unknot.protocols.timeline import compile_protocol
from unknot.session.messages import OnLinkRestored
from unknot.session.player import State
from unknot.session.session import Session
from unknot.simulator import Air, SimulatedBall
from unknot.simulator.faults import Fault, FaultKind, FaultPlan
from unknot.simulator.injection import Injection, inject

PROFILES = TYPICAL + TALKATIVE

ROUTINE = protocol(
    step("settle", 8, to=60),
    step("hold", 12, to=60),
    step("move", 6),
    step("settle", 6, to=50),
    step("wave", 10, low=30, to=50, period="5s"),
    step("rest", 5),
    step("hold", 8, to=40),
    step("stretch", 5),
    ceiling=Ceiling.MODERATE,
)
"""A minute with every kind of change in it."""

ENDS_WITHIN = RESTORE_SECONDS + CONNECT_SECONDS + SCAN_SECONDS + 2 * ATTEMPTS * OPERATION_SECONDS
"""Seconds from the wish to end until the session is over at the latest: the reconnect deadline, and what was under way
when it passed."""

_IDLE = {
    FaultKind.BATTERY_DIES,
    FaultKind.OVERHEATS,
    FaultKind.REBOOTS,
    FaultKind.IGNORES_WRITES_WHILE_OFF,
    FaultKind.WRITE_LATE,
}
"""Faults by which a motor does not run although its ball obeys, or obeys late: the account may then be too high."""

_UNCERTAIN_SECONDS = ATTEMPTS * OPERATION_SECONDS + 0.5
"""For how long nobody knows, after a fault of another kind, whether a write has arrived; then it was told or failed."""

_SETTLED_SECONDS = 4.0
"""After so long (s) nothing is under way any more that was asked for before: three attempts, and some more."""

LASTING_SECONDS = 1000.0
"""For how long the motor is watched after the end."""


class World:
    """A session on a simulated ball, its person, and its faults; time passes only in `live`.

    Args:
        profile: what the ball speaks.
        on_link_restored: what the session does when a lost link is back.
        connection_interval: of the simulated link (s).
    """

    def __init__(
        self, profile: str, on_link_restored: OnLinkRestored = OnLinkRestored.PAUSE, connection_interval: float = 0.03
    ) -> None:
        self.sim = SimulatedBall(profile, connection_interval=connection_interval)
        self.air = Air(self.sim)
        self.timeline = compile_protocol(ROUTINE, self.sim.profile)
        self.told: list[events.Event] = []
        self.presses: list[float] = []
        self.injections: list[Injection] = []
        self.done: list[str] = []
        self.session: Session | None = None
        self.ball: Ball | None = None
        self.ended: events.Ended | None = None
        self.ended_at = 0.0
        self.level_at_end = 0
        self.asked_to_end_at: float | None = None
        self.error: UnknotError | None = None
        self.writes: list[Written] = []
        self.complaints: list[dict[str, Any]] = []
        self._on_link_restored = on_link_restored
        self._loop = VirtualTimeLoop()
        self._loop.set_exception_handler(lambda _, context: self.complaints.append(context))
        self._task = self._loop.create_task(self._script())
        while self.session is None and not self._task.done():
            self.live(0.5)

    async def _script(self) -> None:
        try:
            with written(self.sim) as self.writes:
                async with unknot.connect(simulate=self.air) as self.ball:
                    await self._play(self.ball)
        except UnknotError as error:
            self.error = error

    async def _play(self, ball: Ball) -> None:
        async with Session(ball, self.timeline, on_link_restored=self._on_link_restored) as self.session:
            self.session.listen(self.told.append)
            self.ended = await self.session.wait()
            self.ended_at = self.now
            chosen = self.sim.trace.points and self.sim.trace.points[-1][0] in self._presses()
            self.level_at_end = 0 if chosen else self.sim.level  # what the person switches on is the person's

    @property
    def now(self) -> float:
        """Seconds on the world's clock."""
        return self._loop.time()

    @property
    def is_over(self) -> bool:
        """Whether the script has left the ball."""
        return self._task.done()

    def live(self, seconds: float) -> None:
        """Let time pass."""
        self._loop.run_until_complete(asyncio.sleep(seconds))
        if seconds >= _SETTLED_SECONDS:
            self._hold_pause()

    def do(self, what: Callable[[], object], name: str) -> None:
        """Have somebody do something, inside the loop."""
        self.done.append(f"{self.now:.3f} {name}")

        async def act() -> None:
            what()

        self._loop.run_until_complete(act())

    def person(self, wish: str) -> None:
        """The person wishes "pause", "resume", "skip" or "stop"."""
        if self.session is None:
            return
        if wish == "stop" and self.asked_to_end_at is None:
            self.asked_to_end_at = self.now
        self.do(getattr(self.session, wish), wish)

    def adjust(self, intensity: float) -> None:
        """The person wants another intensity (%)."""
        if self.session is not None:
            other = compile_protocol(ROUTINE, self.sim.profile, intensity=intensity)
            self.do(partial(self.session.adjust, other), f"adjust {intensity}")

    def press(self) -> None:
        """The person presses the ball's own button."""
        self.presses.append(self.now)
        self.do(self.sim.press_button, "press")

    def go_wrong(self, plan: FaultPlan) -> None:
        """Have faults happen from now on."""
        self.do(lambda: self.injections.append(inject(plan, self.air)), f"faults {[str(one) for one in plan.faults]}")

    @property
    def happened(self) -> list[tuple[float, Fault]]:
        """The faults that have happened: (time, fault)."""
        return [one for injection in self.injections for one in injection.happened]

    def finish(self) -> None:
        """Live until the script has left; whoever waits for somebody's wish is told to stop."""
        patience = self.timeline.seconds + 2 * ENDS_WITHIN
        while not self.is_over and patience > 0:
            if patience < ENDS_WITHIN + 1 and self.asked_to_end_at is None:
                self.person("stop")
            self.live(1)
            patience -= 1

    def close(self) -> None:
        """Let go of the loop."""
        for injection in self.injections:
            injection.cancel()
        self.sim.firmware.motor.drive(0, self.now)
        self._task.cancel()
        with asyncio.Runner(loop_factory=lambda: self._loop):
            pass

    # The rules.

    def verdict(self) -> None:
        """Hold the story against the rules; after `finish`."""
        story = self._story()
        assert self.is_over, f"it never ends{story}"
        assert self.complaints == [], f"{self.complaints}{story}"
        self._hold_ceiling(story)
        if self.ended is None:
            assert self.sim.trace.points == (), f"no session, and yet the motor ran{story}"
            return
        assert self.told[-1] is self.ended, f"something is told after the end{story}"
        if self.asked_to_end_at is not None:
            assert self.ended_at - self.asked_to_end_at <= ENDS_WITHIN, f"the end took too long{story}"
        self._hold_end(self.ended, story)
        self._hold_account(self.ended, story)

    def _hold_pause(self) -> None:
        """Off in every pause, unless the person switched it on."""
        if self.session is None or self.ball is None or self.is_over or self.ball.is_restoring:
            return
        if self.session.state is State.PAUSED and not self._is_unacknowledged and self.sim.trace.points:
            at, level = self.sim.trace.points[-1]
            if level and at not in self._presses():
                self.finish()
                raise AssertionError(f"on at {at} in a pause{self._story()}")

    def _story(self) -> str:
        quiet = (events.LevelChanged, events.Reported)
        told = (str(event) for event in self.told if not isinstance(event, quiet))
        return "\n".join(["", repr(self.sim), *self.done, *map(str, self.happened), *told])

    def _hold_ceiling(self, story: str) -> None:
        """Never above the ceiling: no level that is written to the ball."""
        reader = Codec(self.sim.profile).reader()
        highest = max(cue.level for cue in self.timeline.cues)
        for write in self.writes:
            at, data = write
            try:
                command = reader.feed(write.role, data)
            except FrameMismatch:  # of a command of several writes, one was lost on the way
                continue
            if isinstance(command, SetLevel):
                assert command.level <= highest, f"level {command.level} at {at}{story}"
                on_time = self.ended is None or at <= self.ended_at or self._is_unacknowledged
                assert on_time, f"a level is written after the end{story}"

    def _hold_end(self, ended: events.Ended, story: str) -> None:
        """Off after every end, as its outcome says; and off for good, unless the person switches it on."""
        pressed = [at for at in self._presses() if at >= self.ended_at]
        until = min(pressed, default=self.ended_at + LASTING_SECONDS)
        later = [(at, level) for at, level in self.sim.trace.points if self.ended_at < at < until]
        assert self._is_unacknowledged or not any(level for _, level in later), f"it starts again after the end{story}"
        match ended.stop:
            case StopOutcome.CONFIRMED:
                assert self.level_at_end == 0, f"on after a confirmed stop{story}"
            case StopOutcome.SENT:
                assert self.level_at_end == 0 or self._is_unacknowledged, f"on after a stop that was sent{story}"
            case StopOutcome.UNKNOWN:
                assert self.error is not None, f"nobody is told that the motor may run{story}"
                assert self._was_beyond_reach(), f"a ball in reach was not stopped{story}"
        within = self.sim.profile.safety.stops_within
        if self.level_at_end and within is not None:
            off = min((at for at, level in later if level == 0), default=until)
            assert off - self.ended_at <= within + 1e-6, f"on for longer than its lease{story}"

    def _hold_account(self, ended: events.Ended, story: str) -> None:
        """What we say that the motor ran is what it ran; where nobody can know, it is not less."""
        kinds = {fault.what for _, fault in self.happened}
        reports_level = any("level" in report.frame.slots for report in self.sim.profile.reports.values())
        unheard = self._presses() and (kinds - {FaultKind.BUTTON_PRESSED} or not reports_level)
        if self._is_unacknowledged or unheard or ended.stop is StopOutcome.UNKNOWN:
            return
        ran = self.sim.trace.seconds_on(self.ended_at)
        told = f"{ran} s, {ended.motor_seconds} told{story}"
        changes = 1 + sum(isinstance(event, events.LevelChanged | events.LevelAdopted) for event in self.told)
        rounding = 1e-2 + 2 * self.sim.connection_interval * changes if self.sim.connection_interval else 1e-2
        assert ended.motor_seconds >= ran - rounding, told
        if not kinds & _IDLE and not self._is_off_between_levels():
            uncertain = len(self.happened) * _UNCERTAIN_SECONDS + self._without_link()
            assert ended.motor_seconds <= ran + rounding + uncertain, told

    def _is_off_between_levels(self) -> bool:
        """Whether each change of the level takes several writes, during which the motor may be off."""
        return len(self.sim.profile.commands.set_level or ()) > 1

    def _without_link(self) -> float:
        """For how long (s) the link was away: a level that may have arrived may have lasted so long."""
        away, since = 0.0, None
        for event in self.told:
            if isinstance(event, events.LinkDropped):
                since = event.at
            elif since is not None and isinstance(event, events.LinkRestored | events.Ended):
                away += event.at - since
                since = None
        return away

    def _presses(self) -> list[float]:
        return [*self.presses, *(at for at, fault in self.happened if fault.what is FaultKind.BUTTON_PRESSED)]

    @property
    def _is_unacknowledged(self) -> bool:
        """Whether writes went astray on a ball that acknowledges none: then nobody can know."""
        astray = (FaultKind.WRITE_LOST, FaultKind.WRITE_REFUSED, FaultKind.WRITE_LATE)
        return not Codec(self.sim.profile).stop_is_acknowledged and any(
            fault.what in astray for _, fault in self.happened
        )

    def _reports_level(self) -> bool:
        return any("level" in report.frame.slots for report in self.sim.profile.reports.values())

    def _was_beyond_reach(self) -> bool:
        """Whether the faults together could hold off a ball for a good part of the time in which it was looked for."""
        began = self.ended_at - ENDS_WITHIN
        held = sum(fault.seconds or 0.0 for at, fault in self.happened if at + (fault.seconds or 0.0) >= began)
        failed = sum(BACK_OFF[-1] * (fault.count or 0) for _, fault in self.happened)
        return held + failed >= RESTORE_SECONDS / 2
