"""A connected massage ball and its verbs: `set_level`, `stop`, `vibrate`; used by sessions and by scripts.

One lock serialises the writes. A stop outranks everything: whatever waits for the lock when a stop is asked for is
dropped, so the stop is the next write on the link. Where the firmware has a lease, the level is renewed at half of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Protocol, Self

from unknot.device.link import OPERATION_SECONDS, Link
from unknot.errors import LinkError, NotStopped
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
    from unknot.errors import LinkLost
    from unknot.profiles.codec import Command
    from unknot.profiles.model import FirmwareProfile

log = logging.getLogger(__name__)

STOP_ATTEMPTS = 3
"""How often a stop is tried before its outcome is unknown: with the link's deadline, 3 s at most (judgement)."""

ECHO_SECONDS = 2.0
"""How long a report may lag behind the write that caused it; a level that comes later is the ball's own (judgement:
two deadlines of an operation)."""

_BOOKKEEPING = {"level", "lease", "sequence"}
"""What a status tells about our own commands; it is no news to a listener."""


class Listener(Protocol):
    """Who hears what a ball says by itself; `unknot.session.session.Session` is one."""

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
        self._reported: int | None = None
        self._echoes: deque[tuple[int, float]] = deque()
        self._overruled = False  # the ball changed its level by itself since our last command
        self._sequence = 0
        self._acknowledged: float | str | None = None
        self._turn = 0
        self._renew_at = 0.0
        self._vibrating = asyncio.Event()
        self._off_heard = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._listeners: list[Listener] = []

    def __repr__(self) -> str:
        return f"<Ball {self.name!r} at {self.address}, {self.profile.id}, level {self._level}>"

    async def __aenter__(self) -> Self:
        await self._link.open()
        try:
            await self._get_acquainted()
        except BaseException:
            await finish(self._link.close())
            raise
        if self.profile.safety.lease is not None:
            self._keeper = asyncio.create_task(self._keep(), name=f"lease of {self.address}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        outcome = await finish(self._leave())
        if outcome is StopOutcome.UNKNOWN and kind is None:
            raise NotStopped(f"ball {self.name} at {self.address}")

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
        # At once, not when the task below gets its turn: nothing that waits may be written any more, no lease renewed.
        self._turn += 1
        self._vibrating.clear()
        return await finish(self._stop())

    async def vibrate(self, percent: float, *, seconds: float) -> None:
        """Vibrate without a muscle: ease in, hold, stop.

        Args:
            percent: the intensity, from 1; at most that of the ceiling ``limits.FREE_CEILING``.
            seconds: how long the motor runs in all, easing in (10 % of the range a second) included.

        Raises:
            LimitExceeded: too strong or too long; nothing is written.
            LinkError: the link failed; the motor was stopped as far as possible.
            NotStopped: the motor could not be stopped.
        """
        timeline = compile_free(percent, seconds, self.profile)
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            for cue in timeline.cues[:-1]:
                await asyncio.sleep(began + cue.at - loop.time())
                await self.set_level(cue.level)
            await asyncio.sleep(began + timeline.seconds - loop.time())
        finally:
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
            # Until the ball says otherwise: a write that fails half-way may have arrived.
            self._expect(level)
            self._level = level
            for write in writes:
                await self._link.write(write)
            if level != before:
                self._since = loop.time()
            self._renew_at = now + (self.profile.safety.lease or 0.0) / 2
            if turn == self._turn:
                self._vibrating.set()

    async def _stop(self) -> StopOutcome:
        self._off_heard.clear()
        async with self._lock:
            outcome = StopOutcome.UNKNOWN
            for attempt in range(STOP_ATTEMPTS):
                if not self._link.is_connected:
                    break
                try:
                    outcome = await self._write_stop()
                    break
                except LinkError as error:
                    log.warning("stop, attempt %d of %d: %s", attempt + 1, STOP_ATTEMPTS, error)
            if outcome is not StopOutcome.UNKNOWN:
                self._level = 0
                self._vibrating.clear()
        if outcome is StopOutcome.SENT and self._reports_level():
            outcome = await self._hear_off()
        return outcome

    async def _write_stop(self) -> StopOutcome:
        safety = self.profile.safety
        command: Command = Stop(self._next_sequence())
        writes = self._codec.encode(command)
        self._expect(0)
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
                except LinkError as error:
                    self._vibrating.clear()
                    self._tell_failure(error)

    def _expect(self, level: int) -> None:
        """Remember that a report of this level will be the echo of our own write."""
        self._overruled = False
        if level == self._level:
            return
        self._forget_old_echoes()
        self._echoes.append((level, asyncio.get_running_loop().time() + ECHO_SECONDS))

    def _forget_old_echoes(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._echoes and self._echoes[0][1] < now:
            self._echoes.popleft()

    def _next_sequence(self) -> int:
        self._sequence = (self._sequence + 1) % SEQUENCE_MODULUS
        return self._sequence

    async def _leave(self) -> StopOutcome:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        outcome = await self.stop()
        try:
            await self._link.close()
        except LinkError as error:
            log.warning("%s", error)
        return outcome

    # Hearing.

    async def _get_acquainted(self) -> None:
        for role, characteristic in self.profile.gatt.items():
            if not self._link.has(role):
                continue
            if characteristic.notify:
                await self._link.subscribe(role, lambda data, role=role: self._heard(role, data))  # type: ignore[misc]
            if characteristic.read:
                self._heard(role, await self._link.read(role))

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
            for listener in tuple(self._listeners):
                listener.ball_reported(facts)

    def _hear_level(self, report: Report) -> None:
        """Tell what our own writes did from a change that the ball made by itself."""
        level = report.level
        if level is None or not 0 <= level <= self.levels:
            return
        if level == 0:
            self._off_heard.set()
        is_ours = self._answers(report)
        if level == self._reported:
            return
        self._reported = level
        if self._is_echo(level):
            # Our newest write is news only if the ball changed its level while it was on its way.
            is_ours = bool(self._echoes) or not self._overruled
        if is_ours or level == self._level:
            return
        self._overruled = True
        self._level, self._since = level, asyncio.get_running_loop().time()
        self._vibrating.clear()  # a level that the person chose on the ball is theirs, not ours to renew
        for listener in tuple(self._listeners):
            listener.ball_changed_level(level)

    def _answers(self, report: Report) -> bool:
        """Whether the report is the first to acknowledge a command: its level is what the ball made of ours."""
        sequence = report.values.get("sequence")
        if sequence is None or sequence == self._acknowledged:
            return False
        self._acknowledged = sequence
        return True

    def _is_echo(self, level: int) -> bool:
        """Whether we wrote that level a moment ago; earlier ones will not be reported any more."""
        self._forget_old_echoes()
        if level not in (echo for echo, _ in self._echoes):
            return False
        while self._echoes.popleft()[0] != level:
            pass
        return True

    def _link_lost(self, error: LinkLost) -> None:
        self._vibrating.clear()
        self._tell_failure(error)

    def _tell_failure(self, error: LinkError) -> None:
        for listener in tuple(self._listeners):
            listener.ball_failed(error)
