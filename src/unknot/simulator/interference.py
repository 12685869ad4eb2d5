"""Decides what becomes of each write, notification and connection while faults are active; pure, used by the ball.

A fault hits what passes after it has begun. Where several could hit the same thing, the one that began first does.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unknot.errors import UsageError
from unknot.profiles.writekind import WriteKind
from unknot.simulator.faults import INTERFERING_KINDS, NOTIFICATION_KINDS, WRITE_KINDS, Fault, FaultKind
from unknot.simulator.firmware import Notification

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

HELD_SECONDS = 0.5
"""How long a notification waits for the next one to overtake it (s): half of our own deadline for a write, so that it
can come too late for the command that it answers, and never for ever (judgement)."""


@dataclass(frozen=True, slots=True)
class WriteFate:
    """What becomes of a write.

    Attributes:
        reaches: whether the ball gets it.
        is_answered: whether a request is answered.
        refused: the ATT error code that the answer carries; None if the ball itself decides.
        late: how many seconds later than usual it arrives.
    """

    reaches: bool = True
    is_answered: bool = True
    refused: int | None = None
    late: float = 0.0


UNDISTURBED = WriteFate()


@dataclass(slots=True)
class _Active:
    """A fault that has begun: until when it lasts, how many it may still hit, and what chance decides."""

    fault: Fault
    until: float
    left: float
    chance: random.Random

    def hits(self) -> bool:
        """Whether it hits this one; each call draws."""
        if self.fault.share is not None and self.chance.random() >= self.fault.share:
            return False
        self.left -= 1
        return True


class Interference:
    """The faults that are active on the way to and from one ball."""

    def __init__(self) -> None:
        self._active: list[_Active] = []
        self._held: Notification | None = None

    def __bool__(self) -> bool:
        return bool(self._active) or self._held is not None

    @property
    def held(self) -> Notification | None:
        """The notification that waits to be overtaken; `release` it after `HELD_SECONDS`."""
        return self._held

    def begin(self, fault: Fault, now: float, *, seed: int = 0) -> None:
        """A fault begins.

        Args:
            fault: one of the `INTERFERING_KINDS`.
            now: the time (s).
            seed: decides what its share hits, and where bytes are cut and garbled.

        Raises:
            UsageError: a fault of another kind, which is no interference.
        """
        if fault.what not in INTERFERING_KINDS:
            raise UsageError(f"{fault.what} does not interfere with the radio; use the ball's own verb for it")
        is_timed = fault.is_within_a_time
        until = now + (fault.seconds or 0.0) if is_timed else math.inf
        left = math.inf if is_timed else fault.count or 1
        chance = random.Random(seed)  # noqa: S311 - made to be repeated, not to be secret
        self._active.append(_Active(fault, until, left, chance))

    def write(self, kind: WriteKind, now: float) -> WriteFate:
        """What becomes of a write that is made now."""
        hit = self._hit(WRITE_KINDS if kind is WriteKind.REQUEST else WRITE_KINDS - {FaultKind.WRITE_HANGS}, now)
        if hit is None:
            return UNDISTURBED
        match hit.fault.what:
            case FaultKind.WRITE_LOST:
                return WriteFate(reaches=False, is_answered=False)
            case FaultKind.WRITE_REFUSED:
                return WriteFate(reaches=False, refused=hit.fault.code)
            case FaultKind.WRITE_HANGS:
                return WriteFate(is_answered=False)
            case _:
                return WriteFate(late=hit.fault.seconds or 0.0)

    def notification(self, sent: Notification, now: float) -> tuple[Notification, ...]:
        """What arrives instead of a notification that the ball sends now, in order."""
        held = self._held
        # One that overtakes another is not held back itself: the two are swapped.
        hit = self._hit(NOTIFICATION_KINDS - ({FaultKind.NOTIFICATION_REORDERED} if held else set()), now)
        if hit is not None and hit.fault.what is FaultKind.NOTIFICATION_REORDERED:
            self._held = sent
            return ()
        self._held = None
        arrived = (sent,) if hit is None else _spoil(sent, hit)
        return arrived if held is None else (*arrived, held)

    def release(self, waiting: Notification) -> tuple[Notification, ...]:
        """What arrives because nothing has overtaken the one that waits; nothing if it has arrived already."""
        if self._held is not waiting:
            return ()
        self._held = None
        return (waiting,)

    def refuses_connection(self, now: float) -> bool:
        """Whether a connection that is tried now fails."""
        return self._hit({FaultKind.CONNECTING_FAILS}, now) is not None

    def lose_link(self) -> None:
        """What waits on the link is gone with it."""
        self._held = None

    def _hit(self, kinds: AbstractSet[FaultKind], now: float) -> _Active | None:
        """The first active fault of these kinds that hits now, if one does."""
        self._active = [active for active in self._active if now < active.until and active.left > 0]
        fitting = (active for active in self._active if active.fault.what in kinds)
        return next((active for active in fitting if active.hits()), None)


def _spoil(sent: Notification, hit: _Active) -> tuple[Notification, ...]:
    """What arrives of a notification that a fault hits."""
    data = sent.data
    match hit.fault.what:
        case FaultKind.NOTIFICATION_LOST:
            return ()
        case FaultKind.NOTIFICATION_DUPLICATED:
            return (sent, sent)
        case FaultKind.NOTIFICATION_TRUNCATED:
            return (Notification(sent.role, data[: int(hit.chance.random() * len(data))]),)
        case FaultKind.NOTIFICATION_GARBLED if data:
            place = int(hit.chance.random() * len(data))
            wrong = data[place] ^ (1 + int(hit.chance.random() * 255))
            return (Notification(sent.role, data[:place] + bytes([wrong]) + data[place + 1 :]),)
        case _:
            return (sent,)
