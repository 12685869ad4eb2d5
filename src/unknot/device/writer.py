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
from typing import TYPE_CHECKING, Any, Literal

from unknot.device.link import OPERATION_SECONDS
from unknot.device.pace import CLOCK_EPSILON, Pace
from unknot.errors import AttError, LinkError, LinkLost, LinkTimeout
from unknot.events import StopOutcome
from unknot.profiles.speech import Press, SetLevel, Stop
from unknot.profiles.stepping import STOP, Stepper
from unknot.shielding import finish

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from unknot.device.echoes import Echoes
    from unknot.device.guard import Guard
    from unknot.device.hearing import Hearing
    from unknot.device.link import Link
    from unknot.profiles.codec import Codec
    from unknot.profiles.speech import Key, Line, Write

log = logging.getLogger(__name__)

ATTEMPTS = 3
"""How often a command is tried before it has failed; each write of it has the link's deadline (judgement)."""

ANSWER_SECONDS = 0.25
"""How long a ball that repeats sequence numbers may owe the answer to a command before the command is repeated: two
connection intervals of 100 ms and some more (judgement)."""


class Writer:
    """Writes levels and stops, one after the other.

    Args:
        link: the link to write on.
        codec: how the ball is spoken to.
        hearing: where answers arrive.
        echoes: is told what is written.
        failed: called when a lease could not be renewed, or what keeps the link alive not be written.

    Attributes:
        level: the level that the motor has, as far as is known; a write that failed half-way may have arrived.
        since: since when (time of the loop). At most: where nobody can know, the motor ran longer rather than shorter.
        leased_until: when the level ends by itself unless it is renewed (time of the loop); infinite without a lease.
        sequence: the number of the newest command.
        guard: who stops the ball if this process is killed; told when a motor is about to run, and when it is off.
        stepper: where a ball is that is driven by relative steps.
        pace: the least time between two writes.
        is_under_way: whether steps, or a level of several writes, are being written: what the ball tells of its level
            meanwhile is our doing.
    """

    def __init__(
        self, link: Link, codec: Codec, hearing: Hearing, echoes: Echoes, failed: Callable[[LinkError], None]
    ) -> None:
        self.level = 0
        self.since = 0.0
        self.leased_until = math.inf
        self.sequence = 0
        self.guard: Guard | None = None
        self._link = link
        self.stepper = Stepper(codec.profile)
        self.is_under_way = False
        self._codec = codec
        self._safety = codec.profile.safety
        self._hearing = hearing
        self._echoes = echoes
        self.pace = Pace(codec.profile.safety.spacing)
        self.fail = failed
        self._lock = asyncio.Lock()
        self._turn = 0
        self._newer = asyncio.Event()
        self._stops = 0  # that are asked for and not yet done
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
        self._begin_turn()
        await self._write_level(level, self._turn)

    async def stop(self) -> StopOutcome:
        """Stop the motor before everything else that waits; what is known about it then. Cancellation waits."""
        self.withdraw()  # at once, not when the task below gets its turn
        return await finish(self._stop)

    def withdraw(self) -> None:
        """Let nothing be written that waits for the link, and no lease be renewed; a stop or a level will follow."""
        self._begin_turn()
        self._vibrating.clear()

    def _begin_turn(self) -> None:
        """Something newer is asked for: whatever waits for an older turn need wait no longer."""
        self._turn += 1
        self._newer.set()
        self._newer = asyncio.Event()

    async def say(self, line: Line, values: Mapping[str, float | str]) -> None:
        """Write what keeps the link alive, unless the motor or the link is not as it should be for that.

        Something newer that is asked for breaks it off: a stop waits for no keep-alive.

        Raises:
            LinkError: it could not be written.
            FrameValueError: a value does not fit, or the ball has not told it yet.
        """
        async with self._lock:
            if not self._may_say(line, values):
                return
            state = {"level": self.level, "running": int(self.level > 0), "lease": self._safety.lease or 0.0}
            await self._put(self._codec.line(line, {**state, "sequence": self.sequence, **values}), self._turn)

    def _may_say(self, line: Line, values: Mapping[str, float | str]) -> bool:
        """Whether it may be said now: what was true when it was asked for need not be so when it is its turn.

        An answer repeats what the ball told. If the motor was stopped or turned down since, it would start it again.
        """
        if self._stops or self._is_barred or self._is_closed:
            return False
        if self._codec.profile.keep_alive[line.number].state == "running" and not self.level:
            return False
        told, running = values.get("level", 0), values.get("running", 0)
        return not (isinstance(told, int | float) and told > self.level) and not (running and not self.level)

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
                    self.fail(error if isinstance(error, LinkError) else LinkLost(repr(error)))
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
        if self._codec.has_steps:
            await self._take_steps(level, turn)
            return
        command = SetLevel(level, self._safety.lease, self._next_sequence())
        writes = self._codec.encode(command) if before else self._codec.begin(command)
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
        self.is_under_way = len(writes) > 1
        try:
            is_said = await self._put(writes, turn)
        finally:
            self.is_under_way = False
        if not is_said:
            return
        self._written_at = now
        self.leased_until = loop.time() + lease
        if turn == self._turn:
            self._vibrating.set()

    async def _put(self, writes: tuple[Write, ...], turn: int) -> bool:
        """Write one after the other; whether all went out before something newer was asked for."""
        for write in writes:
            await self._rest(self.pace.left, turn)
            if turn != self._turn:
                return False
            try:
                if write.answer is None:
                    await self._link.write(write)
                else:
                    await self._put_and_wait(write, turn)
            finally:
                self.pace.said()
            await self._rest(write.pause, turn)
        return True

    async def _put_and_wait(self, write: Write, turn: int) -> None:
        """Write, and wait for the answer unless something newer is asked for."""
        with self._hearing.expecting(write.answer or "") as answer:
            await self._link.write(write)
            await self._rest(OPERATION_SECONDS, turn, answer)
            if answer.done():
                answer.result()
            elif turn == self._turn:
                raise LinkTimeout(
                    f"{self._link.address} did not answer with {write.answer}", address=self._link.address
                )

    async def _rest(self, seconds: float, turn: int, *awaited: asyncio.Future[Any]) -> None:
        """Let time pass unless something newer is asked for, or one of these is done."""
        if seconds <= 0 or turn != self._turn:
            return
        newer = asyncio.ensure_future(self._newer.wait())
        try:
            await asyncio.wait([newer, *awaited], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            newer.cancel()

    async def _take_steps(self, level: int, turn: int) -> None:
        """Step until the ball says that it is there.

        A step that is not told is not repeated unless the level can be read: it may have been taken all the same, and
        the next one would be louder than anybody wanted.
        """
        self._off = None
        if self.guard is not None:
            self.guard.arm()
        stepper, levels = self.stepper, self._codec.profile.motor.levels
        self.is_under_way = True
        try:
            if stepper.told is None:
                await self._find_out(turn)
            # The longest way is off, and up again level by level; on it some steps may be lost.
            for _ in range(levels + 1 + ATTEMPTS):
                if turn != self._turn or (step := stepper.next_step(level)) is None:
                    return
                await self._take_step(step, turn)
            raise LinkTimeout(f"{self._link.address} does not come to level {level}", address=self._link.address)
        finally:
            self.is_under_way = False
            if stepper.told is not None:
                self.level = stepper.told

    async def _take_step(self, step: Key | Literal["stop"], turn: int) -> None:
        """Take one step and learn where it led.

        Raises:
            LinkError: it was not written, or the ball does not tell where it is now.
        """
        stepper = self.stepper
        if step != STOP:
            self.level = max(self.level, (stepper.told or 0) + 1)
        moved = self._depart()
        if step == STOP:
            await self._write_stop()
        elif not await self._put(self._codec.encode(Press(step, self._next_sequence())), turn):
            return
        await self._rest(self._codec.profile.motor.steps_within, turn, moved)
        if stepper.told is None and turn == self._turn:
            stepper.doubt()
            await self._read_level()

    def _depart(self) -> asyncio.Future[None]:
        """A step is about to be taken; done when the ball tells where it led."""
        moved: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def tell() -> None:
            if not moved.done():
                moved.set_result(None)

        self.stepper.depart(tell)
        return moved

    async def _find_out(self, turn: int) -> None:
        """Learn where the ball is: read it if it can be read; else stop it, since off is a place that is known."""
        if self._role_of_level() is not None:
            await self._read_level()
            return
        moved = self._depart()
        if await self._write_stop() is StopOutcome.CONFIRMED:
            self.stepper.rest()
            return
        await self._rest(self._codec.profile.motor.steps_within, turn, moved)
        if self.stepper.told is None and turn == self._turn:
            raise self._untold()

    async def _read_level(self) -> None:
        """Read where the ball is. Raises `LinkTimeout` if that cannot be read."""
        role = self._role_of_level()
        if role is not None:
            self._hearing.hear(role, await self._link.read(role))
        if self.stepper.told is None:
            raise self._untold()

    def _role_of_level(self) -> str | None:
        """The characteristic from which the level can be read."""
        profile = self._codec.profile
        telling = {"level", "running"} if profile.motor.levels == 1 else {"level"}
        for report in profile.reports.values():
            role = report.source
            if telling & set(report.frame.slots) and profile.gatt[role].is_read and self._link.has(role):
                return role
        return None

    def _untold(self) -> LinkTimeout:
        return LinkTimeout(f"{self._link.address} does not tell its level", address=self._link.address)

    async def _stop(self) -> StopOutcome:
        self._stops += 1
        try:
            return await self._stop_in_turn()
        finally:
            self._stops -= 1

    async def _stop_in_turn(self) -> StopOutcome:
        async with self._lock:
            self._off_heard.clear()
            outcome = await self._try_to_stop()
            if outcome is not StopOutcome.UNKNOWN:
                self.level = 0
                self._vibrating.clear()
                if self.guard is not None:
                    self.guard.disarm()
        if outcome is StopOutcome.SENT and (self._reports("level") or self._reports("running")):
            outcome = await self._wait_for_off()
        if outcome is StopOutcome.CONFIRMED and self.level == 0:
            self.stepper.rest()
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
        loop = asyncio.get_running_loop()
        self._echoes.command(0, self.level, loop.time())
        is_acknowledged = all(self._link.acknowledges(write) for write in writes)
        for repeat in range(1 if is_acknowledged else self._safety.stop_repeat):
            if repeat:
                await asyncio.sleep(self._safety.stop_gap)
            try:
                await self._put_stop(writes)
            except LinkError as error:
                if not repeat:
                    raise
                log.warning("repeating the stop: %s", error)  # it has gone out once
                break
            if not repeat:
                self._date_off()
        return StopOutcome.CONFIRMED if is_acknowledged else StopOutcome.SENT

    async def _put_stop(self, writes: tuple[Write, ...]) -> None:
        """Write all of it, whatever becomes of a part: what one motor refuses must not keep another running.

        Raises:
            LinkError: the first part that could not be written.
        """
        failure: LinkError | None = None
        for write in writes:
            await self.pace.keep()
            try:
                await self._link.write(write)
            except LinkLost:
                raise
            except LinkError as error:
                failure = failure or error
            finally:
                self.pace.said()
            if write.pause and write is not writes[-1]:
                await asyncio.sleep(write.pause)
        if failure is not None:
            raise failure

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
            and self._codec.profile.gatt[report.source].is_heard
            and self._link.has(report.source)
            for report in self._codec.profile.reports.values()
        )

    def _next_sequence(self) -> int:
        self.sequence = self._codec.next_sequence(self.sequence)
        return self.sequence
