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

from unknot.device.deadlines import ATTEMPTS, OPERATION_SECONDS
from unknot.device.pace import CLOCK_EPSILON
from unknot.device.speaker import Speaker
from unknot.device.steps import Steps
from unknot.errors import AttError, BallRefused, LinkError, LinkLost
from unknot.events import StopOutcome
from unknot.profiles.speech import SetLevel, Stop
from unknot.shielding import finish

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from unknot.device.echoes import Echoes
    from unknot.device.guard import Guard
    from unknot.device.hearing import Hearing
    from unknot.device.link import Link
    from unknot.device.pace import Pace
    from unknot.profiles.codec import Codec
    from unknot.profiles.speech import Line
    from unknot.profiles.stepping import Stepper

log = logging.getLogger(__name__)

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
        may_run: whether the motor is not known to be off.
        overruled: called with a level that the ball turned out to have of its own accord while it was being led to
            another one.
        told_off: whether the ball told last, while a level was on its way, that it is off.
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
        self.is_under_way = False
        self.may_run = False
        self.told_off = False
        self._is_started = False
        self._codec = codec
        self._safety = codec.profile.safety
        self._hearing = hearing
        self._echoes = echoes
        self._speaker = Speaker(link, hearing, codec.profile.safety.spacing)
        self._steps = Steps(link, codec, self._speaker, hearing, number=self._next_sequence, stop=self._write_stop)
        self.fail = failed
        self.overruled: Callable[[int], None] = lambda _: None
        self._lock = asyncio.Lock()
        self._stops = 0  # that are asked for and not yet done
        self._is_barred = False
        self._is_closed = False
        self._written_at = 0.0
        self._answered: float | str | None = None
        self._proved_until = math.inf
        self._repeats = 0
        self._vibrating = asyncio.Event()
        self._off_heard = asyncio.Event()
        self._is_on_heard = False
        self._off: StopOutcome | None = None  # what is known of the last stop, if no level followed it

    @property
    def stepper(self) -> Stepper:
        """Where a ball is that is driven by relative steps."""
        return self._steps.stepper

    @property
    def pace(self) -> Pace:
        """The least time between two writes."""
        return self._speaker.pace

    async def set_level(self, level: int) -> None:
        """Write a level above 0, unless something newer is asked for before it is its turn.

        Raises:
            LevelOutOfRange: the ball has no such level; nothing is written.
            LinkError: it could not be written.
        """
        self._codec.refuse_level(level)  # before anything is touched
        self._speaker.begin_turn()
        await self._write_level(level, self._speaker.turn)

    async def stop(self) -> StopOutcome:
        """Stop the motor before everything else that waits; what is known about it then. Cancellation waits."""
        self.withdraw()  # at once, not when the task below gets its turn
        turn = self._speaker.turn
        return await finish(lambda: self._stop(turn))

    async def stop_unbelieved(self) -> None:
        """Write a stop to a ball that may not hear it, because it wants a dialogue first: nothing follows from it.

        Raises:
            LinkError: it could not be written.
        """
        self.withdraw()
        async with self._lock:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    self._echoes.command(0, self.level, asyncio.get_running_loop().time())
                    await self._speaker.insist(self._codec.encode(Stop(self._next_sequence())))
                except LinkError as error:
                    if attempt == ATTEMPTS or isinstance(error, LinkLost):
                        raise
                else:
                    return

    def withdraw(self) -> None:
        """Let nothing be written that waits for the link, and no lease be renewed; a stop or a level will follow."""
        self._speaker.begin_turn()
        self._vibrating.clear()

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
            writes = self._codec.line(line, {**state, "sequence": self.sequence, **values})
            await self._speaker.say(writes, self._speaker.turn)

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

    @property
    def turn(self) -> int:
        """A number that is another one as soon as another command is asked for."""
        return self._speaker.turn

    def adopt(self, level: int, now: float) -> None:
        """The ball changed its level by itself: it is the person's, not ours to renew."""
        self.level, self.since, self.may_run = level, now, level > 0
        self._is_started = self._is_started and level > 0
        self.leased_until = math.inf
        self._off = None
        self._vibrating.clear()

    def hear_answer(self, sequence: float | str | None) -> None:
        """The ball reported its level, and the number of the last command that it took, or None if it counts none."""
        self._answered = sequence
        if sequence in (None, self.sequence):
            self._proved_until = self._written_at + (self._safety.lease or math.inf)

    def has_lapsed(self, now: float) -> bool:
        """Whether the lease of the last command that is known to have reached the ball has run out.

        A level that the person chose on the ball has none: when it ends, it is the person who ended it.
        """
        return not math.isinf(self.leased_until) and now > self._proved_until - CLOCK_EPSILON

    def hear_off(self) -> None:
        """The ball reported level 0, in answer to the newest command as far as its reports can tell."""
        self._off_heard.set()

    def hear_on(self) -> None:
        """The ball reported a level above 0: what it said of being off before is no answer to a stop."""
        self._off_heard.clear()
        self._is_on_heard = True

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
                    await self._write_level(None, self._speaker.turn)
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
                if turn != self._speaker.turn:
                    return  # a newer level or a stop has been asked for
                try:
                    await self._try_level(level, before, turn)
                except LinkError as error:
                    if self.since == since:
                        self._guess(level, before, began, refused=isinstance(error, AttError | BallRefused))
                    if attempt == ATTEMPTS or isinstance(error, LinkLost | BallRefused):
                        raise
                    log.info("level, attempt %d of %d: %s", attempt, ATTEMPTS, error)
                else:
                    if level != before and self.since == since:
                        self.since = asyncio.get_running_loop().time()
                    return

    def _guess(self, level: int, before: int, began: float, *, refused: bool) -> None:
        """What the motor has after a write that failed.

        What is refused changes nothing, unless a part of it went out before; all else may have arrived.
        """
        refused = refused and not self._speaker.sent
        if refused and self.level == level:
            self.level = before
        elif not refused and level != before:
            self.since = began

    async def _try_level(self, level: int, before: int, turn: int) -> None:
        if self._codec.has_steps:
            await self._try_steps(level, turn)
            return
        command = SetLevel(level, self._safety.lease, self._next_sequence())
        writes = self._codec.encode(command) if self._is_started else self._codec.begin(command)
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._echoes.command(level, before, now)
        self._off, self.may_run = None, True
        # Until the ball says otherwise: a write that fails half-way may have arrived.
        self.level = level
        lease = self._safety.lease or math.inf
        self.leased_until = now + OPERATION_SECONDS + lease
        if self.guard is not None:
            self.guard.arm()
        # What the ball tells while a level is renewed is the ball's own doing; while another is set, it may be ours.
        self.is_under_way, self.told_off = len(writes) > 1 and level != before, False
        try:
            is_said = await self._speaker.say(writes, turn)
        finally:
            self.is_under_way = False
        if not is_said:
            return
        self._is_started = True
        if self.told_off:
            self.overruled(0)
            return
        self._written_at = now
        self.leased_until = loop.time() + lease
        if turn == self._speaker.turn:
            self._vibrating.set()

    async def _try_steps(self, level: int, turn: int) -> None:
        self._off, self.may_run = None, True
        if self.guard is not None:
            self.guard.arm()

        def may_be(highest: int) -> None:
            self.level = max(self.level, highest)

        self.is_under_way = True
        try:
            overruled = await self._steps.take(level, turn, may_be)
        finally:
            self.is_under_way = False
            if self.stepper.told is not None:
                self.level = self.stepper.told
        if overruled is not None:
            self.overruled(overruled)

    async def _stop(self, turn: int) -> StopOutcome:
        self._stops += 1
        try:
            return await self._stop_in_turn(turn)
        finally:
            self._stops -= 1

    async def _stop_in_turn(self, turn: int) -> StopOutcome:
        outcome = await self._stop_and_hear()
        for _ in range(ATTEMPTS - 1):
            # It ran on after a stop that nothing acknowledged, which may be lost, and nothing newer is asked for.
            if outcome is not StopOutcome.SENT or not self._is_on_heard or turn != self._speaker.turn:
                break
            log.info("the ball tells that it runs on: stop once more")
            outcome = await self._stop_and_hear()
        if outcome is StopOutcome.CONFIRMED and self.level == 0:
            self.stepper.rest()
        if outcome is not StopOutcome.UNKNOWN and self.level == 0:
            self._off = outcome
        return outcome

    async def _stop_and_hear(self) -> StopOutcome:
        async with self._lock:
            self._off_heard.clear()
            self._is_on_heard = False
            outcome = await self._try_to_stop()
            if outcome is not StopOutcome.UNKNOWN:
                self.level, self.may_run, self._is_started = 0, False, False
                self._vibrating.clear()
                if self.guard is not None:
                    self.guard.disarm()
        if outcome is StopOutcome.SENT and (self._reports("level") or self._reports("running")):
            outcome = await self._wait_for_off()
        return outcome

    async def _try_to_stop(self) -> StopOutcome:
        for attempt in range(1, ATTEMPTS + 1):
            if not self._link.is_connected:
                # What was known before the link went, and was not followed by a level, is still true.
                return self._off or StopOutcome.UNKNOWN
            try:
                outcome = await self._write_stop()
            except Exception as error:  # noqa: BLE001 - whatever went wrong, the motor must be stopped
                # Where a stop is several writes, one motor's word does not stand for the others.
                if not self._off_heard.is_set() or len(self._codec.profile.commands.stop) > 1:
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
                await self._speaker.insist(writes)
            except LinkError as error:
                if not repeat:
                    raise
                log.warning("repeating the stop: %s", error)  # it has gone out once
                break
            if not repeat:
                self._date_off()
        return StopOutcome.CONFIRMED if is_acknowledged else StopOutcome.SENT

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
            and (self._codec.profile.gatt[report.source].is_heard or self._codec.profile.gatt[report.source].poll)
            and self._link.has(report.source)
            for report in self._codec.profile.reports.values()
        )

    def _next_sequence(self) -> int:
        self.sequence = self._codec.next_sequence(self.sequence)
        return self.sequence
