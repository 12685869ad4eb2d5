"""The one writer of a link: levels, stops, and the renewal of the lease; used by the ball.

A lock serialises the writes. A stop outranks everything: whatever waits for the lock when a stop is asked for is
dropped, a command of several writes is broken off, and the stop is the next write on the link. Where the firmware has
a lease, the level is renewed at half of it; a renewal never outlives a stop.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from unknot.device.link import OPERATION_SECONDS
from unknot.errors import LinkError, LinkLost
from unknot.events import StopOutcome
from unknot.profiles.codec import SetLevel, Stop, next_sequence
from unknot.shielding import finish

if TYPE_CHECKING:
    from collections.abc import Callable

    from unknot.device.echoes import Echoes
    from unknot.device.link import Link
    from unknot.profiles.codec import Codec

log = logging.getLogger(__name__)

STOP_ATTEMPTS = 3
"""How often a stop is tried before its outcome is unknown; each write of it has the link's deadline (judgement)."""


class Writer:
    """Writes levels and stops, one after the other.

    Args:
        link: the link to write on.
        codec: how the ball is spoken to.
        echoes: is told what is written.
        failed: called when a lease could not be renewed.

    Attributes:
        level: the level that the motor has, as far as is known.
        since: since when (time of the loop).
        sequence: the number of the newest command.
        stops: how many stops have been asked for.
    """

    def __init__(self, link: Link, codec: Codec, echoes: Echoes, failed: Callable[[LinkError], None]) -> None:
        self.level = 0
        self.since = 0.0
        self.sequence = 0
        self.stops = 0
        self._link = link
        self._codec = codec
        self._safety = codec.profile.safety
        self._echoes = echoes
        self._failed = failed
        self._lock = asyncio.Lock()
        self._turn = 0
        self._renew_at = 0.0
        self._vibrating = asyncio.Event()
        self._off_heard = asyncio.Event()
        self._is_confirmed_off = False

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
        self.stops += 1
        self.withdraw()  # at once, not when the task below gets its turn
        return await finish(self._stop)

    def withdraw(self) -> None:
        """Let nothing be written that waits for the link, and no lease be renewed; a stop or a level will follow."""
        self._turn += 1
        self._vibrating.clear()

    def adopt(self, level: int, now: float) -> None:
        """The ball changed its level by itself: it is the person's, not ours to renew."""
        self.level, self.since = level, now
        self._is_confirmed_off = False
        self._vibrating.clear()

    def hear_off(self) -> None:
        """The ball reported level 0, in answer to the newest command as far as its reports can tell."""
        self._off_heard.set()

    async def keep(self) -> None:
        """Renew the lease at half of it for as long as the motor is on; runs as a task until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._vibrating.wait()
            delay = self._renew_at - loop.time()
            if delay > 0:
                await asyncio.sleep(delay)
            elif self._vibrating.is_set():
                try:
                    # The turn is the present one: a stop that is asked for before the lock is ours makes it stale.
                    await self._write_level(self.level, self._turn)
                except Exception as error:  # noqa: BLE001 - a lease that is not renewed must be told, whatever the reason
                    self._vibrating.clear()
                    self._failed(error if isinstance(error, LinkError) else LinkLost(repr(error)))

    async def _write_level(self, level: int, turn: int) -> None:
        async with self._lock:
            if turn != self._turn:
                return  # a newer level or a stop has been asked for
            writes = self._codec.encode(SetLevel(level, self._safety.lease, self._next_sequence()))
            loop = asyncio.get_running_loop()
            now, before = loop.time(), self.level
            self._echoes.command(level, before, now)
            # Until the ball says otherwise: a write that fails half-way may have arrived.
            self.level = level
            self._is_confirmed_off = False
            for write in writes:
                if turn != self._turn:
                    return
                await self._link.write(write)
            if level != before:
                self.since = loop.time()
            self._renew_at = now + (self._safety.lease or 0.0) / 2
            if turn == self._turn:
                self._vibrating.set()

    async def _stop(self) -> StopOutcome:
        self._off_heard.clear()
        async with self._lock:
            outcome = await self._try_to_stop()
            if outcome is not StopOutcome.UNKNOWN:
                self.level = 0
                self._vibrating.clear()
        if outcome is StopOutcome.SENT and self._reports_level():
            outcome = await self._wait_for_off()
        self._is_confirmed_off = outcome is StopOutcome.CONFIRMED and self.level == 0
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
            if not repeat and self.level:
                self.since = asyncio.get_running_loop().time()
        return StopOutcome.CONFIRMED if self._codec.stop_is_acknowledged else StopOutcome.SENT

    async def _wait_for_off(self) -> StopOutcome:
        try:
            async with asyncio.timeout(OPERATION_SECONDS):
                await self._off_heard.wait()
        except TimeoutError:
            return StopOutcome.SENT
        return StopOutcome.CONFIRMED

    def _reports_level(self) -> bool:
        return any(
            "level" in report.frame.slots
            and self._codec.profile.gatt[report.source].notify
            and self._link.has(report.source)
            for report in self._codec.profile.reports.values()
        )

    def _next_sequence(self) -> int:
        self.sequence = next_sequence(self.sequence)
        return self.sequence
