"""A connected massage ball and its verbs: `set_level`, `stop`, `vibrate`; used by sessions and by scripts.

What it says goes through its one writer; what the ball says by itself is told to listeners.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from unknot.device import discovery
from unknot.device.conversation import Conversation
from unknot.device.deadlines import PARTING_SECONDS, SETTLING_SECONDS
from unknot.device.echoes import Echoes
from unknot.device.greeting import Greeting
from unknot.device.link import Link
from unknot.device.precautions import Precautions
from unknot.device.reach import reach
from unknot.errors import AttError, BallRefused, LinkError, LinkLost, LinkTimeout, NotStopped, UsageError
from unknot.events import StopOutcome
from unknot.protocols import limits
from unknot.protocols.timeline import compile_free
from unknot.shielding import finish

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from bleak.backends.device import BLEDevice

    from unknot.device.hearing import Foreign
    from unknot.device.identify import Candidates
    from unknot.device.radio import Radio
    from unknot.device.roles import Listener, Playing, Recorder
    from unknot.device.writer import Writer
    from unknot.profiles.model import FirmwareProfile
    from unknot.profiles.speech import Refused, Report
    from unknot.protocols.timeline import Timeline

log = logging.getLogger(__name__)

REACH_SECONDS = 20.0
"""How long a ball that was found is tried to be connected to: two attempts of `unknot.device.link.CONNECT_SECONDS`."""

RESTORE_SECONDS = 60.0
"""How long a lost link is tried to be restored: time to carry the ball back into the room, or to switch it on again
(judgement)."""

_BOOKKEEPING = {"level", "lease", "sequence"}
"""What a status tells about our own commands; it is no news to a listener."""


class Ball:
    """A massage ball that speaks a profile; connected while its ``async with`` block runs, motor off after it.

    Args:
        device: the ball as a scanner found it.
        profile: how it is spoken to.
        radio: what bleak stands on.
        play: makes a session of a timeline on this ball; for `vibrate`.
        ledger: where its sessions are recorded; None for a simulated ball, which nobody feels.
        restore_seconds: how long a lost link is tried to be restored.
        orphaned: the system held a link to it already, so a controller that died may have left its motor running: the
            first write is a stop.
        candidates: profiles among which the ball itself decides once it is connected; none where the person has chosen.
        ask: told what the person is to do on the ball before it obeys, "Press the button" for example.

    Attributes:
        name: the advertised name, or the address.
        ledger: the same ledger.
        told: the newest value of everything the ball told: battery (%), temperature (°C), firmware …
    """

    def __init__(
        self,
        device: BLEDevice,
        profile: FirmwareProfile,
        radio: Radio,
        *,
        play: Callable[[Ball, Timeline], Playing],
        ledger: Recorder | None = None,
        restore_seconds: float = RESTORE_SECONDS,
        orphaned: bool = False,
        candidates: Candidates = (),
        ask: Callable[[str], None] = log.warning,
    ) -> None:
        self.ledger = ledger
        self.name = device.name or device.address
        self.told: dict[str, float | str] = {}
        self._radio = radio
        self._play = play
        self._restore_seconds = restore_seconds
        self._is_orphaned = orphaned
        self._ask = ask
        self._link = Link(device, radio, self._link_lost)
        self._echoes = Echoes()
        self._precautions = Precautions(radio)
        self._greeting = Greeting(
            self._link, self._precautions, self.name, speak=self._speak, profile=profile, candidates=candidates
        )
        self._keeper: asyncio.Task[None] | None = None
        self._restoring: asyncio.Task[StopOutcome] | None = None
        self._is_restorable = False
        self._limiter: asyncio.TimerHandle | None = None
        self._limiting: asyncio.Task[None] | None = None
        self._may_run_on = False
        self._listeners: list[Listener] = []
        self._player: object | None = None

    def __repr__(self) -> str:
        return f"<Ball {self.name!r} at {self.address}, {self.profile.id}, level {self.level}>"

    async def __aenter__(self) -> Self:
        greet = self._greeting.greet_after_somebody if self._is_orphaned else self._greeting.greet
        self._precautions.take(self.address, self.name, self._greeting.profiles)
        try:
            seconds = REACH_SECONDS + self._greeting.longest_dialogue
            await reach(self._link, self._seek, greet, seconds=seconds)
        except BaseException:
            await finish(self._let_go)
            raise
        self._is_restorable = True
        if self.profile.safety.lease is not None:
            self._keeper = asyncio.create_task(self._writer.keep(), name=f"lease of {self.address}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await finish(self._leave)
        except asyncio.CancelledError as cancelled:
            error = error or cancelled
            raise
        finally:
            if self._may_run_on:
                if error is None:
                    raise self._not_stopped()
                error.add_note(str(self._not_stopped()))

    async def stop_once(self) -> StopOutcome:
        """Instead of ``async with``: connect, stop, disconnect; for a ball that somebody left running.

        Raises:
            LinkError: there is no link to stop it by.
        """
        seconds = REACH_SECONDS + self._greeting.longest_dialogue
        outcome = await reach(self._link, self._seek, self._greeting.greet_only_to_stop, seconds=seconds)
        await finish(self._leave)
        return outcome

    @property
    def profile(self) -> FirmwareProfile:
        """The profile that it speaks; of candidates, the one that it has chosen once it is connected."""
        return self._talk.profile

    @property
    def _talk(self) -> Conversation:
        return self._greeting.talk

    @property
    def _writer(self) -> Writer:
        return self._greeting.talk.writer

    @property
    def address(self) -> str:
        """The Bluetooth address (on macOS a UUID of the system's)."""
        return self._link.address

    @property
    def level(self) -> int:
        """The level that the motor has, as far as is known: last written, or last reported by the ball."""
        return self._writer.level

    @property
    def level_since(self) -> float:
        """Since when (time of the loop) the motor has had its level, as far as is known."""
        return self._writer.since

    @property
    def levels(self) -> int:
        """The highest level."""
        return self.profile.motor.highest

    @property
    def is_connected(self) -> bool:
        """Whether the link stands."""
        return self._link.is_connected

    @property
    def is_restoring(self) -> bool:
        """Whether the link is lost and being restored."""
        return self._restoring is not None

    @property
    def may_run_on(self) -> bool:
        """Whether it was left, and its motor could not be confirmed stopped."""
        return self._may_run_on

    @property
    def leased_until(self) -> float:
        """When the motor stops by itself if nothing is written any more (time of the loop); infinite if it does not."""
        return self._writer.leased_until

    @property
    def foreign(self) -> tuple[Foreign, ...]:
        """The newest values that the ball sent and nobody understood, for diagnostics."""
        return tuple(self._talk.hearing.foreign)

    @property
    def ignored(self) -> int:
        """How many values nobody understood in all: truncated, over-long, garbled, wrongly checked, or unknown."""
        return self._talk.hearing.ignored

    @property
    def battery(self) -> float | None:
        """The battery's charge in %, if the ball has told it."""
        value = self.told.get("battery")
        return None if isinstance(value, str) else value

    def claim(self, player: object) -> None:
        """Keep the ball for one player; `release` gives it back.

        Raises:
            UsageError: another one plays on it.
            LinkLost: its link is being restored; nothing must start when it is back.
        """
        if self._player is not None:
            raise UsageError(f"a session plays on {self.name} already; end it first")
        if self._restoring is not None:
            raise LinkLost(f"the link to {self.address} is being restored; start when it is back", address=self.address)
        self._player = player
        self._lift_limit()

    def release(self, player: object) -> None:
        """Give the ball back."""
        if self._player is player:
            self._player = None

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hear what the ball says by itself; call the returned function to stop hearing."""
        self._listeners.append(listener)

        def unlisten() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unlisten

    async def set_level(self, level: int) -> None:
        """Write a level; 0 stops. A newer level or a stop that is asked for meanwhile takes this one's place.

        This is the bare verb: it neither eases in nor knows a muscle's ceiling. The motor is stopped ``limits.FREE``
        seconds after it was first asked for.

        Args:
            level: 0 to `levels`.

        Raises:
            LevelOutOfRange: the ball has no such level; nothing is written.
            UsageError: it is no whole number, or a session plays on the ball; it may be stopped at any time.
            Unsuitable: it is a device that no massage may drive; nothing is written.
            LinkError: it could not be written.
            NotStopped: level 0 could not be written.
        """
        if level == 0:
            if await self.stop() is StopOutcome.UNKNOWN:
                raise self._not_stopped()
            return
        if self._player is not None:
            raise UsageError(f"a session plays on {self.name}; a level of your own would meddle with it")
        if self._limiter is None:
            limits.refuse_unsuitable(self.profile)  # what is refused begins no time
            self._talk.codec.refuse_level(level)
            self._limiter = asyncio.get_running_loop().call_later(limits.FREE.value, self._limit)
        await self.drive(level)

    async def drive(self, level: int) -> None:
        """Write a level above 0 for the player that has claimed the ball. Raises as `set_level`."""
        limits.refuse_unsuitable(self.profile)
        try:
            await self._writer.set_level(level)
        except (AttError, BallRefused):
            raise
        except LinkError as error:
            self._link_lost(error)
            raise

    async def stop(self) -> StopOutcome:
        """Stop the motor, before everything else that waits to be written.

        A request is repeated until it is acknowledged, at most `unknot.device.writer.ATTEMPTS` times. A command that
        cannot be acknowledged is repeated as the profile says, and a report of level 0 is waited for where there can be
        one. If the link is gone or does not answer, it is restored, and the stop is the first write on it.
        Cancellation does not cut it short.

        Returns:
            What is known about the motor now; no exception is raised for the radio's sake.
        """
        self._tell(lambda listener: listener.ball_stopped())
        return await self.stop_unheard()

    async def stop_unheard(self) -> StopOutcome:
        """As `stop`, for a session, which does not want to hear of its own stops."""
        self._writer.withdraw()  # at once, not when the task below gets its turn
        return await finish(self._stop)

    async def _stop(self) -> StopOutcome:
        if self._restoring is not None and self.profile.wants_dialogue:
            with suppress(LinkError):
                await self._writer.stop_unbelieved()  # it may hear it; what is known comes after the dialogue
            outcome = StopOutcome.UNKNOWN
        else:
            outcome = await self._writer.stop()
        if outcome is StopOutcome.UNKNOWN:
            outcome = await self._stop_on_restored_link()
        if outcome is not StopOutcome.UNKNOWN:
            self._lift_limit()
        return outcome

    def withdraw(self) -> None:
        """Let nothing be written that waits for the link, and no lease be renewed; a stop or a level will follow."""
        self._writer.withdraw()

    def give_up(self) -> None:
        """Do not wait for a lost link any longer: whatever waits for it fails, and a stop is unknown."""
        self._is_restorable = False
        if self._restoring is not None:
            self._restoring.cancel()

    async def vibrate(self, percent: float, *, seconds: float) -> None:
        """Vibrate without a muscle: ease in, hold, stop. A stop by anybody, or the ball's own button, ends it.

        Args:
            percent: the intensity, from 1; what of it the time lets the motor reach is at most `limits.FREE_INTENSITY`.
            seconds: how long the motor runs in all, easing in (10 % of the range a second) included.

        Raises:
            LimitExceeded: too strong or too long; nothing is written.
            UsageError: no percentage, no time, or a session plays on the ball.
            LinkError: the link failed; the motor was stopped as far as possible.
            NotStopped: the motor could not be stopped.
        """
        async with self._play(self, compile_free(percent, seconds, self.profile)) as session:
            await session.wait_unattended()

    def _not_stopped(self) -> NotStopped:
        return NotStopped(f"ball {self.name} at {self.address}")

    def _lift_limit(self) -> None:
        if self._limiter is not None:
            self._limiter.cancel()
            self._limiter = None

    def _limit(self) -> None:
        self._limiter = None
        self._limiting = asyncio.create_task(self._stop_at_limit(), name=f"limit of {self.address}")

    async def _stop_at_limit(self) -> None:
        outcome = await self.stop()
        log.warning("%s: stop after %g s without a session: %s", self.name, limits.FREE.value, outcome)

    # Losing the link.

    def _link_lost(self, error: LinkError) -> None:
        """The link is gone, or does not answer, which is the same for whoever lies on the ball."""
        if not self._is_restorable:
            self._writer.withdraw()
            self._tell(lambda listener: listener.ball_failed(error))
            return
        self._writer.lose()
        self._talk.upkeep.end()
        if self._restoring is None:
            self._tell(lambda listener: listener.ball_lost(error))
            self._restoring = asyncio.create_task(self._restore(), name=f"link to {self.address}")
            self._restoring.add_done_callback(self._forget_restoring)

    def _forget_restoring(self, task: asyncio.Task[StopOutcome]) -> None:
        """Also when it was cancelled before it began."""
        if self._restoring is task:
            self._restoring = None

    async def _restore(self) -> StopOutcome:
        """Get the link back, stop the motor first of all, and tell how it went."""
        address, was_on = self.address, self.level > 0
        try:
            await self._link.abandon()
            await asyncio.sleep(SETTLING_SECONDS)
            seconds = self._restore_seconds + self._greeting.longest_dialogue
            outcome = await reach(self._link, self._seek, self._greeting.greet_with_stop, seconds=seconds)
        except LinkError as error:
            self._is_restorable = False
            self._restoring = None
            failure = error  # `error` itself is gone when the block is left
            self._tell(lambda listener: listener.ball_failed(failure))
            return StopOutcome.UNKNOWN
        self._restoring = None
        is_same = self.address == address
        if was_on and not is_same and outcome is StopOutcome.CONFIRMED:
            outcome = StopOutcome.SENT  # what confirmed it may be another ball of that name
        self._tell(lambda listener: listener.ball_restored(outcome, is_same=is_same))
        return outcome

    async def _stop_on_restored_link(self) -> StopOutcome:
        if self._is_restorable:
            self._link_lost(LinkTimeout(f"{self.name} does not obey a stop", address=self.address))
        if self._restoring is None:
            return StopOutcome.UNKNOWN
        restoring = self._restoring
        await asyncio.wait([restoring])
        return StopOutcome.UNKNOWN if restoring.cancelled() else restoring.result()

    async def _seek(self) -> BLEDevice:
        found = await discovery.find_again(self._radio, self.profile, self.address, self.name)
        return found.device

    def _speak(self, profile: FirmwareProfile) -> Conversation:
        """Speak to the ball as this profile says."""
        return Conversation(
            self._link,
            profile,
            self._echoes,
            heard=self._heard,
            refused=self._refused,
            failed=self._link_lost,
            overruled=self._take_up,
            ask=self._ask,
        )

    # Leaving.

    async def _leave(self) -> None:
        """Stop and disconnect; without a link and anything to stop, only the latter."""
        outcome = None
        self._writer.close()
        try:
            if self._link.is_connected or self._writer.may_run:
                outcome = await self.stop()
                self._may_run_on = outcome is StopOutcome.UNKNOWN
            if outcome is StopOutcome.SENT:
                await self._let_arrive()
        finally:
            self._is_restorable = False
            self._talk.upkeep.end()
            tasks = [task for task in (self._keeper, self._restoring) if task is not None]
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)
            await self._link.abandon()
            await self._let_go()

    async def _let_go(self) -> None:
        await self._precautions.drop(is_off=not self._writer.may_run)

    async def _let_arrive(self) -> None:
        """Hold the link until what was sent without acknowledgement has arrived: what is read after it proves it."""
        readable = [role for role, use in self.profile.gatt.items() if use.is_read and self._link.has(role)]
        try:
            if readable:
                await self._link.read(readable[0])
            else:
                await asyncio.sleep(PARTING_SECONDS)
        except LinkError as error:
            log.warning("%s", error)

    # Hearing.

    def _heard(self, report: Report) -> None:
        told = self.told
        news = {name: value for name, value in report.values.items() if told.get(name) != value}
        told.update(news)
        self._hear_level(report)
        if self._talk.codec.is_taught_by(report.name) and self._link.is_connected:
            self._greeting.order_guard()
        self._talk.upkeep.hear(report.name, report.values)
        if facts := {name: news[name] for name in news.keys() - _BOOKKEEPING}:
            self._tell(lambda listener: listener.ball_reported(facts))

    def _refused(self, refused: Refused) -> None:
        """A refusal that no command waits for."""
        log.warning("%s: %s", self.name, BallRefused(refused.means, refused.values, address=self.address))
        self._tell(lambda listener: listener.ball_reported({"refused": refused.means, **refused.values}))

    def _hear_level(self, report: Report) -> None:
        level, sequence = self._level_in(report), report.values.get("sequence")
        if level is None:
            if report.values.get("running"):
                self._writer.hear_on()
                self._writer.told_off = False
            return
        if level > self.profile.motor.levels:
            self._writer.hear_on()  # whatever it means, it is not off
            return
        self._writer.stepper.hear(level)
        now, sent = asyncio.get_running_loop().time(), self._writer.sequence
        self._writer.hear_answer(sequence)
        if level:
            self._writer.hear_on()
        elif sequence in (None, sent):
            self._writer.hear_off()
        if self._writer.is_under_way:
            self._echoes.follow(level, now)
            self._writer.told_off = level == 0
            return  # each part of it is told, and none is the person's until it has been written
        if self._echoes.hear(level, self.level, now, sequence=sequence, sent=sent):
            self._take_up(level)

    def _take_up(self, level: int) -> None:
        """The ball has a level of its own accord: it is adopted, and told."""
        now = asyncio.get_running_loop().time()
        lapsed = level == 0 and self._writer.has_lapsed(now)
        self._writer.adopt(level, now)
        if level == 0:
            self._lift_limit()
        if lapsed:
            self._tell(lambda listener: listener.ball_lapsed())
        else:
            self._tell(lambda listener: listener.ball_changed_level(level))

    def _level_in(self, report: Report) -> int | None:
        """The level that a report tells, also where it only tells that the motor is off, or on if it has one level."""
        running = report.values.get("running")
        if report.level is not None or running is None or isinstance(running, str):
            return report.level
        if running == 0:
            return 0
        return 1 if self.profile.motor.levels == 1 else None

    def _tell(self, say: Callable[[Listener], None]) -> None:
        """Tell every listener; one that fails is logged and disturbs nobody."""
        for listener in tuple(self._listeners):
            try:
                say(listener)
            except Exception:
                log.exception("a listener of %s failed", self.name)
