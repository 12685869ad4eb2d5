"""The one writer of a link: levels, stops, and the renewal of the lease; used by the ball.

A lock serialises the writes. A stop outranks everything: whatever waits for the lock when a stop is asked for is
dropped, a command of several writes is broken off, and the stop is the next write on the link. What fails is repeated
unless something newer is asked for. Where the firmware has a lease, the level is renewed at half of it; a renewal never
outlives a stop.
"""

from __future__ import annotations

import asyncio
import logging
import math
from typing import TYPE_CHECKING

from unknot.device.link import OPERATION_SECONDS
from unknot.errors import AttError, LinkError, LinkLost
from unknot.events import StopOutcome
from unknot.profiles.codec import SetLevel, Stop, next_sequence
from unknot.shielding import finish

if TYPE_CHECKING:
    from collections.abc import Callable

    from unknot.device.echoes import Echoes
    from unknot.device.guard import Guard
    from unknot.device.link import Link
    from unknot.profiles.codec import Codec

log = logging.getLogger(__name__)

ATTEMPTS = 3
"""How often a command is tried before it has failed; each write of it has the link's deadline (judgement)."""

ANSWER_SECONDS = 0.25
"""How long a ball that repeats sequence numbers may owe the answer to a command before the command is repeated: two
connection intervals of 100 ms and some more (judgement)."""

CLOCK_EPSILON = 1e-6
"""Slack in seconds for float arithmetic."""


class Writer:
    """Writes levels and stops, one after the other.

    Args:
        link: the link to write on.
        codec: how the ball is spoken to.
        echoes: is told what is written.
        failed: called when a lease could not be renewed.

    Attributes:
        level: the level that the motor has, as far as is known; a write that failed half-way may have arrived.
        since: since when (time of the loop). At most: where nobody can know, the motor ran longer rather than shorter.
        leased_until: when the level ends by itself unless it is renewed (time of the loop); infinite without a lease.
        sequence: the number of the newest command.
        guard: who stops the ball if this process is killed; told when a motor is about to run, and when it is off.
    """

    def __init__(self, link: Link, codec: Codec, echoes: Echoes, failed: Callable[[LinkError], None]) -> None:
        self.level = 0
        self.since = 0.0
        self.leased_until = math.inf
        self.sequence = 0
        self.guard: Guard | None = None
        self._link = link
        self._codec = codec
        self._safety = codec.profile.safety
        self._echoes = echoes
        self._failed = failed
        self._lock = asyncio.Lock()
        self._turn = 0
        self._is_barred = False
        self._is_closed = False
        self._written_at = 0.0
        self._answered: float | str | None = None
        self._proved_until = math.inf
        self._repeats = 0
        self._vibrating = asyncio.Event()
        self._off_heard = asyncio.Event()
        self._off: StopOutcome | None = None  # what is known of the last stop, if no level followed it

    async def set_level(self, level: int) -> None:
        """Write a level above 0, unless something newer is asked for before it is its turn.

        Raises:
            LevelOutOfRange: the ball has no such level; nothing is written.
            LinkError: it could not be written.
        """
        self._codec.refuse_level(level)  # before anything is touched
        self._turn += 1
        await self._write_level(level, self._turn)

    async def stop(self) -> StopOutcome:
        """Stop the motor before everything else that waits; what is known about it then. Cancellation waits."""
        self.withdraw()  # at once, not when the task below gets its turn
        return await finish(self._stop)

    def withdraw(self) -> None:
        """Let nothing be written that waits for the link, and no lease be renewed; a stop or a level will follow."""
        self._turn += 1
        self._vibrating.clear()

    def lose(self) -> None:
        """The link is gone: until the next one has been stopped on, no level is written."""
        self.withdraw()
        self._is_barred = True
        self._echoes.forget()
        if self._safety.stops_on_disconnect == "yes":
            self.leased_until = min(self.leased_until, asyncio.get_running_loop().time())

    def adopt(self, level: int, now: float) -> None:
        """The ball changed its level by itself: it is the person's, not ours to renew."""
        self.level, self.since = level, now
        self.leased_until = math.inf
        self._off = None
        self._vibrating.clear()

    def hear_answer(self, sequence: float | str | None) -> None:
        """The ball reported its level, and the number of the last command that it took, or None if it counts none."""
        self._answered = sequence
        if sequence in (None, self.sequence):
            self._proved_until = self._written_at + (self._safety.lease or math.inf)

    def has_lapsed(self, now: float) -> bool:
        """Whether the lease of the last command that is known to have reached the ball has run out."""
        return now > self._proved_until - CLOCK_EPSILON

    def hear_off(self) -> None:
        """The ball reported level 0, in answer to the newest command as far as its reports can tell."""
        self._off_heard.set()

    def hear_on(self) -> None:
        """The ball reported a level above 0: what it said of being off before is no answer to a stop."""
        self._off_heard.clear()

    def close(self) -> None:
        """Write no level any more, only stops: the ball is being left."""
        self._is_closed = True

    async def keep(self) -> None:
        """Keep the level alive while the motor is on; runs as a task until it is cancelled.

        The lease is renewed at half of it, and a command that the ball has not answered is repeated.
        """
        loop = asyncio.get_running_loop()
        while True:
            await self._vibrating.wait()
            renew_at = self._written_at + (self._safety.lease or math.inf) / 2
            repeat_at = self._written_at + ANSWER_SECONDS if self._owes_an_answer() else math.inf
            delay = min(renew_at, repeat_at) - loop.time()
            if delay > 0:
                await asyncio.sleep(delay)
            elif self._vibrating.is_set():
                repeats = self._repeats + 1 if repeat_at < renew_at else 0
                try:
                    # The turn is the present one: a stop that is asked for before the lock is ours makes it stale.
                    await self._write_level(None, self._turn)
                except Exception as error:  # noqa: BLE001 - a lease that is not renewed must be told, whatever the reason
                    self._vibrating.clear()
                    self._failed(error if isinstance(error, LinkError) else LinkLost(repr(error)))
                self._repeats = repeats

    def _owes_an_answer(self) -> bool:
        return self._answered != self.sequence and self._repeats < ATTEMPTS and self._reports("level", "sequence")

    async def _write_level(self, level: int | None, turn: int) -> None:
        """Write a level, or None for the one that the motor has when it is its turn."""
        async with self._lock:
            if self._is_barred or self._is_closed:
                raise LinkLost(f"the link to {self._link.address} is gone", address=self._link.address)
            level = self.level if level is None else level
            before, since, began = self.level, self.since, asyncio.get_running_loop().time()
            self._repeats = 0
            for attempt in range(1, ATTEMPTS + 1):
                if turn != self._turn:
                    return  # a newer level or a stop has been asked for
                try:
                    await self._try_level(level, before, turn)
                except LinkError as error:
                    if self.since == since:
                        self._guess(level, before, began, refused=isinstance(error, AttError))
                    if attempt == ATTEMPTS or isinstance(error, LinkLost):
                        raise
                    log.info("level, attempt %d of %d: %s", attempt, ATTEMPTS, error)
                else:
                    if level != before and self.since == since:
                        self.since = asyncio.get_running_loop().time()
                    return

    def _guess(self, level: int, before: int, began: float, *, refused: bool) -> None:
        """What the motor has after a write that failed: what is refused changes nothing, all else may have arrived."""
        if refused and self.level == level:
            self.level = before
        elif not refused and level != before:
            self.since = began

    async def _try_level(self, level: int, before: int, turn: int) -> None:
        writes = self._codec.encode(SetLevel(level, self._safety.lease, self._next_sequence()))
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._echoes.command(level, before, now)
        self._off = None
        # Until the ball says otherwise: a write that fails half-way may have arrived.
        self.level = level
        lease = self._safety.lease or math.inf
        self.leased_until = now + OPERATION_SECONDS + lease
        if self.guard is not None:
            self.guard.arm()
        for write in writes:
            if turn != self._turn:
                return
            await self._link.write(write)
        self._written_at = now
        self.leased_until = loop.time() + lease
        if turn == self._turn:
            self._vibrating.set()

    async def _stop(self) -> StopOutcome:
        async with self._lock:
            self._off_heard.clear()
            outcome = await self._try_to_stop()
            if outcome is not StopOutcome.UNKNOWN:
                self.level = 0
                self._vibrating.clear()
                if self.guard is not None:
                    self.guard.disarm()
        if outcome is StopOutcome.SENT and self._reports("level"):
            outcome = await self._wait_for_off()
        if outcome is not StopOutcome.UNKNOWN and self.level == 0:
            self._off = outcome
        return outcome

    async def _try_to_stop(self) -> StopOutcome:
        for attempt in range(1, ATTEMPTS + 1):
            if not self._link.is_connected:
                # What was known before the link went, and was not followed by a level, is still true.
                return self._off or StopOutcome.UNKNOWN
            try:
                outcome = await self._write_stop()
            except Exception as error:  # noqa: BLE001 - whatever went wrong, the motor must be stopped
                if not self._off_heard.is_set():
                    log.info("stop, attempt %d of %d: %s", attempt, ATTEMPTS, error or repr(error))
                    continue
                self._date_off()
                outcome = StopOutcome.CONFIRMED  # obeyed, although the acknowledgement never came
            self._is_barred = False
            return outcome
        return StopOutcome.UNKNOWN

    def _date_off(self) -> None:
        """The motor is off since now, or since its lease ran out."""
        if self.level:
            self.since = min(asyncio.get_running_loop().time(), self.leased_until)

    async def _write_stop(self) -> StopOutcome:
        writes = self._codec.encode(Stop(self._next_sequence()))
        self._echoes.command(0, self.level, asyncio.get_running_loop().time())
        for repeat in range(self._codec.stop_times):
            if repeat:
                await asyncio.sleep(self._safety.stop_gap)
            try:
                for write in writes:
                    await self._link.write(write)
            except LinkError as error:
                if not repeat:
                    raise
                log.warning("repeating the stop: %s", error)  # it has gone out once
                break
            if not repeat:
                self._date_off()
        return StopOutcome.CONFIRMED if self._codec.stop_is_acknowledged else StopOutcome.SENT

    async def _wait_for_off(self) -> StopOutcome:
        try:
            async with asyncio.timeout(OPERATION_SECONDS):
                await self._off_heard.wait()
        except TimeoutError:
            return StopOutcome.SENT
        return StopOutcome.CONFIRMED

    def _reports(self, *slots: str) -> bool:
        """Whether the ball tells these by itself, in one report."""
        return any(
            set(slots) <= set(report.frame.slots)
            and self._codec.profile.gatt[report.source].notify
            and self._link.has(report.source)
            for report in self._codec.profile.reports.values()
        )

    def _next_sequence(self) -> int:
        self.sequence = next_sequence(self.sequence)
        return self.sequence
