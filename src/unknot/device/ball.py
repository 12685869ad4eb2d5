"""A connected massage ball and its verbs: `set_level`, `stop`, `vibrate`; used by sessions and by scripts.

One lock serialises the writes. A stop outranks everything: whatever waits for the lock when a stop is asked for is
dropped, so the stop is the next write on the link. Where the firmware has a lease, the level is renewed at half of it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol, Self

from unknot.device.echoes import Echoes
from unknot.device.link import OPERATION_SECONDS, Link
from unknot.errors import AttError, LinkError, LinkLost, NotStopped, UsageError
from unknot.events import StopOutcome
from unknot.profiles.codec import SEQUENCE_MODULUS, Codec, Report, SetLevel, Stop
from unknot.profiles.model import WriteKind
from unknot.protocols.timeline import compile_free
from unknot.shielding import finish

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from bleak.backends.device import BLEDevice

    from unknot.device.radio import Radio
    from unknot.profiles.codec import Command
    from unknot.profiles.model import FirmwareProfile

log = logging.getLogger(__name__)

STOP_ATTEMPTS = 3
"""How often a stop is tried before its outcome is unknown; each write of it has the link's deadline (judgement)."""

PARTING_SECONDS = 0.5
"""How long the link is held after a stop that nobody acknowledged and no read can follow: several connection intervals,
so that the stop is not lost in a queue when the link closes (judgement)."""

_BOOKKEEPING = {"level", "lease", "sequence"}
"""What a status tells about our own commands; it is no news to a listener."""


class Listener(Protocol):
    """Who hears what happens to a ball; `unknot.session.session.Session` is one."""

    def ball_stopped(self) -> None:
        """Somebody asked for a stop."""

    def ball_changed_level(self, level: int) -> None:
        """The ball changed its level by itself: its button, its own timer."""

    def ball_reported(self, values: dict[str, float | str]) -> None:
        """The ball told something else about itself."""

    def ball_failed(self, error: LinkError) -> None:
        """The link is gone, or the level could not be renewed."""


class Ball:
    """A massage ball that speaks a profile; connected while its ``async with`` block runs, motor off after it.

    Args:
        device: the ball as a scanner found it.
        profile: how it is spoken to.
        radio: what bleak stands on.

    Attributes:
        profile: the same profile.
        name: the advertised name, or the address.
        address: the Bluetooth address (on macOS a UUID of the system's).
        told: the newest value of everything the ball told: battery (%), temperature (°C), firmware …
    """

    def __init__(self, device: BLEDevice, profile: FirmwareProfile, radio: Radio) -> None:
        self.profile = profile
        self.name = device.name or device.address
        self.address = device.address
        self.told: dict[str, float | str] = {}
        self._codec = Codec(profile)
        self._link = Link(device, profile, radio, self._link_lost)
        self._lock = asyncio.Lock()
        self._level = 0
        self._since = 0.0
        self._is_confirmed_off = False
        self._echoes = Echoes()
        self._sequence = 0
        self._turn = 0
        self._stops = 0
        self._renew_at = 0.0
        self._vibrating = asyncio.Event()
        self._off_heard = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._listeners: list[Listener] = []
        self._player: object | None = None

    def __repr__(self) -> str:
        return f"<Ball {self.name!r} at {self.address}, {self.profile.id}, level {self._level}>"

    async def __aenter__(self) -> Self:
        await self._link.open()
        try:
            await self._get_acquainted()
        except BaseException:
            await finish(self._close)
            raise
        if self.profile.safety.lease is not None:
            self._keeper = asyncio.create_task(self._keep(), name=f"lease of {self.address}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        outcome = await finish(self._leave)
        if outcome is not StopOutcome.UNKNOWN:
            return
        unknown = NotStopped(f"ball {self.name} at {self.address}")
        if error is None:
            raise unknown
        error.add_note(str(unknown))

    @classmethod
    async def stop_at(cls, device: BLEDevice, profile: FirmwareProfile, radio: Radio) -> StopOutcome:
        """Connect, stop, disconnect, and nothing else: for a ball that somebody left running.

        Takes the arguments of the class.

        Raises:
            LinkError: there is no link to stop it by.
        """
        ball = cls(device, profile, radio)
        await ball._link.open()
        return await finish(ball._leave)

    @property
    def level(self) -> int:
        """The level that the motor has, as far as is known: last written, or last reported by the ball."""
        return self._level

    @property
    def level_since(self) -> float:
        """Since when (time of the loop) the motor has had its level, as far as is known."""
        return self._since

    @property
    def levels(self) -> int:
        """The highest level."""
        return self.profile.motor.levels

    @property
    def is_connected(self) -> bool:
        """Whether the link stands."""
        return self._link.is_connected

    @property
    def battery(self) -> float | None:
        """The battery's charge in %, if the ball has told it."""
        value = self.told.get("battery")
        return None if isinstance(value, str) else value

    def claim(self, player: object) -> None:
        """Keep the ball for one player; `release` gives it back.

        Raises:
            UsageError: another one plays on it.
        """
        if self._player is not None:
            raise UsageError(f"a session plays on {self.name} already; end it first")
        self._player = player

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

        Args:
            level: 0 to `levels`.

        Raises:
            LevelOutOfRange: the ball has no such level; nothing is written.
            UsageError: it is no whole number.
            LinkError: it could not be written.
            NotStopped: level 0 could not be written.
        """
        if level == 0:
            if await self.stop() is StopOutcome.UNKNOWN:
                raise NotStopped(f"ball {self.name} at {self.address}")
            return
        self._codec.refuse_level(level)  # before anything is touched
        self._turn += 1
        await self._write_level(level, self._turn)

    async def stop(self) -> StopOutcome:
        """Stop the motor, before everything else that waits to be written.

        A request is repeated until it is acknowledged, at most `STOP_ATTEMPTS` times. A command that cannot be
        acknowledged is repeated as the profile says, and a report of level 0 is waited for where there can be one.
        Cancellation does not cut it short.

        Returns:
            What is known about the motor now; no exception is raised for the radio's sake.
        """
        # At once, not when the task below gets its turn.
        self._stops += 1
        self.withdraw()
        self._tell(lambda listener: listener.ball_stopped())
        return await finish(self._stop)

    def withdraw(self) -> None:
        """Let nothing be written that waits for the link, and no lease be renewed; a stop or a level will follow."""
        self._turn += 1
        self._vibrating.clear()

    async def vibrate(self, percent: float, *, seconds: float) -> None:
        """Vibrate without a muscle: ease in, hold, stop.

        Args:
            percent: the intensity, from 1; at most that of the ceiling ``limits.FREE_CEILING``.
            seconds: how long the motor runs in all, easing in (10 % of the range a second) included.

        Raises:
            LimitExceeded: too strong or too long; nothing is written.
            UsageError: no percentage, no time, or a session plays on the ball.
            LinkError: the link failed; the motor was stopped as far as possible.
            NotStopped: the motor could not be stopped.
        """
        timeline = compile_free(percent, seconds, self.profile)
        self.claim(timeline)
        loop = asyncio.get_running_loop()
        began, stops = loop.time(), self._stops
        try:
            for cue in timeline.cues:
                await asyncio.sleep(began + cue.at - loop.time())
                if cue.level == 0 or self._stops != stops:
                    break  # the end, or somebody stopped it
                await self.set_level(cue.level)
        finally:
            self.release(timeline)
            outcome = await self.stop()
        if outcome is StopOutcome.UNKNOWN:
            raise NotStopped(f"ball {self.name} at {self.address}")

    # Writing.

    async def _write_level(self, level: int, turn: int) -> None:
        async with self._lock:
            if turn != self._turn:
                return  # a newer level or a stop has been asked for
            command = SetLevel(level, self.profile.safety.lease, self._next_sequence())
            writes = self._codec.encode(command)
            loop = asyncio.get_running_loop()
            now, before = loop.time(), self._level
            self._echoes.command(level, before, now)
            # Until the ball says otherwise: a write that fails half-way may have arrived.
            self._level = level
            self._is_confirmed_off = False
            for write in writes:
                if turn != self._turn:
                    return
                await self._link.write(write)
            if level != before:
                self._since = loop.time()
            self._renew_at = now + (self.profile.safety.lease or 0.0) / 2
            if turn == self._turn:
                self._vibrating.set()

    async def _stop(self) -> StopOutcome:
        self._off_heard.clear()
        async with self._lock:
            outcome = await self._try_to_stop()
            if outcome is not StopOutcome.UNKNOWN:
                self._level = 0
                self._vibrating.clear()
        if outcome is StopOutcome.SENT and self._reports_level():
            outcome = await self._hear_off()
        self._is_confirmed_off = outcome is StopOutcome.CONFIRMED
        return outcome

    async def _try_to_stop(self) -> StopOutcome:
        for attempt in range(STOP_ATTEMPTS):
            if not self._link.is_connected:
                # What was confirmed before the link went, and was not followed by a level, is still true.
                return StopOutcome.CONFIRMED if self._is_confirmed_off else StopOutcome.UNKNOWN
            try:
                return await self._write_stop()
            except Exception as error:  # noqa: BLE001 - whatever went wrong, the motor must be stopped
                log.warning("stop, attempt %d of %d: %s", attempt + 1, STOP_ATTEMPTS, error or repr(error))
        return StopOutcome.UNKNOWN

    async def _write_stop(self) -> StopOutcome:
        safety = self.profile.safety
        command: Command = Stop(self._next_sequence())
        writes = self._codec.encode(command)
        self._echoes.command(0, self._level, asyncio.get_running_loop().time())
        acknowledged = all(write.kind is WriteKind.REQUEST for write in writes)
        for repeat in range(1 if acknowledged else safety.stop_repeat):
            if repeat:
                await asyncio.sleep(safety.stop_gap)
            try:
                for write in writes:
                    await self._link.write(write)
            except LinkError as error:
                if not repeat:
                    raise
                log.warning("repeating the stop: %s", error)  # it has gone out once
                break
            if not repeat and self._level:
                self._since = asyncio.get_running_loop().time()
        return StopOutcome.CONFIRMED if acknowledged else StopOutcome.SENT

    async def _hear_off(self) -> StopOutcome:
        try:
            async with asyncio.timeout(OPERATION_SECONDS):
                await self._off_heard.wait()
        except TimeoutError:
            return StopOutcome.SENT
        return StopOutcome.CONFIRMED

    async def _keep(self) -> None:
        """Renew the lease at half of it for as long as the motor is on."""
        loop = asyncio.get_running_loop()
        while True:
            await self._vibrating.wait()
            delay = self._renew_at - loop.time()
            if delay > 0:
                await asyncio.sleep(delay)
            elif self._vibrating.is_set():
                try:
                    # The turn is the present one: a stop that is asked for before the lock is ours makes it stale.
                    await self._write_level(self._level, self._turn)
                except Exception as error:  # noqa: BLE001 - a lease that is not renewed must be told, whatever the reason
                    self._vibrating.clear()
                    self._tell_failure(error if isinstance(error, LinkError) else LinkLost(repr(error)))

    def _next_sequence(self) -> int:
        self._sequence = (self._sequence + 1) % SEQUENCE_MODULUS
        return self._sequence

    async def _leave(self) -> StopOutcome:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        try:
            outcome = await self.stop()
            if outcome is StopOutcome.SENT:
                await self._let_arrive()
        finally:
            await self._close()
        return outcome

    async def _let_arrive(self) -> None:
        """Hold the link until what was sent without acknowledgement has arrived: what is read after it proves it."""
        readable = [role for role, use in self.profile.gatt.items() if use.read and self._link.has(role)]
        try:
            if readable:
                await self._link.read(readable[0])
            else:
                await asyncio.sleep(PARTING_SECONDS)
        except LinkError as error:
            log.warning("%s", error)

    async def _close(self) -> None:
        try:
            await self._link.close()
        except LinkError as error:
            log.warning("%s", error)

    # Hearing.

    async def _get_acquainted(self) -> None:
        """Subscribe and read; what the ball refuses to tell is no reason not to stop it."""
        for role, characteristic in self.profile.gatt.items():
            try:
                if characteristic.notify and self._link.has(role):
                    await self._link.subscribe(role, lambda data, role=role: self._heard(role, data))  # type: ignore[misc]
                if characteristic.read and self._link.has(role):
                    self._heard(role, await self._link.read(role))
            except AttError as error:
                log.warning("%s: %s", role, error)

    def _reports_level(self) -> bool:
        return any(
            "level" in report.frame.slots and self.profile.gatt[report.source].notify and self._link.has(report.source)
            for report in self.profile.reports.values()
        )

    def _heard(self, role: str, data: bytes) -> None:
        report = self._codec.decode(role, data)
        if report is None:
            log.debug("%s on %s is no report of %s", data.hex(" "), role, self.profile.id)
            return
        news = dict(report.values.items() - self.told.items())
        self.told.update(news)
        self._hear_level(report)
        if facts := {name: news[name] for name in news.keys() - _BOOKKEEPING}:
            self._tell(lambda listener: listener.ball_reported(facts))

    def _hear_level(self, report: Report) -> None:
        level, sequence = report.level, report.values.get("sequence")
        if level is None or not 0 <= level <= self.levels:
            return
        now = asyncio.get_running_loop().time()
        if level == 0 and sequence in (None, self._sequence):
            self._off_heard.set()
        if self._echoes.hear(level, self._level, now, sequence=sequence, sent=self._sequence):
            self._level, self._since = level, now
            self._is_confirmed_off = False
            self._vibrating.clear()  # a level that the person chose on the ball is theirs, not ours to renew
            self._tell(lambda listener: listener.ball_changed_level(level))

    def _link_lost(self, error: LinkLost) -> None:
        self._vibrating.clear()
        self._tell_failure(error)

    def _tell_failure(self, error: LinkError) -> None:
        self._tell(lambda listener: listener.ball_failed(error))

    def _tell(self, say: Callable[[Listener], None]) -> None:
        """Tell every listener; one that fails is logged and disturbs nobody."""
        for listener in tuple(self._listeners):
            try:
                say(listener)
            except Exception:
                log.exception("a listener of %s failed", self.name)
