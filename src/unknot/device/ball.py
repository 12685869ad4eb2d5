"""A connected massage ball and its verbs: `set_level`, `stop`, `vibrate`; used by sessions and by scripts.

What it says goes through its one writer; what the ball says by itself is told to listeners.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol, Self

from unknot.device.echoes import Echoes
from unknot.device.link import Link
from unknot.device.writer import Writer
from unknot.errors import AttError, LinkError, LinkLost, NotStopped, UsageError
from unknot.events import StopOutcome
from unknot.profiles.codec import Codec, Report
from unknot.protocols.timeline import compile_free
from unknot.shielding import finish

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from bleak.backends.device import BLEDevice

    from unknot.device.radio import Radio
    from unknot.profiles.model import FirmwareProfile

log = logging.getLogger(__name__)

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
        self._echoes = Echoes()
        self._writer = Writer(self._link, self._codec, self._echoes, self._tell_failure)
        self._keeper: asyncio.Task[None] | None = None
        self._listeners: list[Listener] = []
        self._player: object | None = None

    def __repr__(self) -> str:
        return f"<Ball {self.name!r} at {self.address}, {self.profile.id}, level {self.level}>"

    async def __aenter__(self) -> Self:
        await self._link.open()
        try:
            await self._get_acquainted()
        except BaseException:
            await finish(self._close)
            raise
        if self.profile.safety.lease is not None:
            self._keeper = asyncio.create_task(self._writer.keep(), name=f"lease of {self.address}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        outcome = await finish(self._leave)
        if outcome is not StopOutcome.UNKNOWN:
            return
        if error is None:
            raise self._not_stopped()
        error.add_note(str(self._not_stopped()))

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
        return self._writer.level

    @property
    def level_since(self) -> float:
        """Since when (time of the loop) the motor has had its level, as far as is known."""
        return self._writer.since

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
                raise self._not_stopped()
            return
        await self._writer.set_level(level)

    async def stop(self) -> StopOutcome:
        """Stop the motor, before everything else that waits to be written.

        A request is repeated until it is acknowledged, at most `unknot.device.writer.STOP_ATTEMPTS` times. A command
        that cannot be acknowledged is repeated as the profile says, and a report of level 0 is waited for where there
        can be one. Cancellation does not cut it short.

        Returns:
            What is known about the motor now; no exception is raised for the radio's sake.
        """
        self._tell(lambda listener: listener.ball_stopped())
        return await self._writer.stop()

    def withdraw(self) -> None:
        """Let nothing be written that waits for the link, and no lease be renewed; a stop or a level will follow."""
        self._writer.withdraw()

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
        began, stops = loop.time(), self._writer.stops
        try:
            for cue in timeline.cues:
                await asyncio.sleep(began + cue.at - loop.time())
                if cue.level == 0 or self._writer.stops != stops:
                    break  # the end, or somebody stopped it
                await self.set_level(cue.level)
        finally:
            self.release(timeline)
            outcome = await self.stop()
        if outcome is StopOutcome.UNKNOWN:
            raise self._not_stopped()

    def _not_stopped(self) -> NotStopped:
        return NotStopped(f"ball {self.name} at {self.address}")

    # Leaving.

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
        now, sent = asyncio.get_running_loop().time(), self._writer.sequence
        if level == 0 and sequence in (None, sent):
            self._writer.hear_off()
        if self._echoes.hear(level, self.level, now, sequence=sequence, sent=sent):
            self._writer.adopt(level, now)
            self._tell(lambda listener: listener.ball_changed_level(level))

    def _link_lost(self, error: LinkLost) -> None:
        self._writer.withdraw()
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
