"""The watchdog of a session: notices that the program was held up, and has the motor stopped; used by `session`.

A suspended laptop, a halted process or a callback that blocks the loop all look alike from inside: a tick comes late.
Whoever lies on the ball has had a level for longer than anybody planned.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from unknot import clock
from unknot.protocols import limits

if TYPE_CHECKING:
    from collections.abc import Callable

TICK_SECONDS = 0.5
"""How often the watchdog looks, in real time: half of the lateness that it does not bear."""


class Watchdog:
    """Ticks from `start` to `cancel`, and calls ``stalled`` once with the seconds by which a tick was too late.

    Args:
        stalled: called with real seconds, more than ``limits.MISSED_TICK``.
    """

    def __init__(self, stalled: Callable[[float], None]) -> None:
        self._stalled = stalled
        self._loop = asyncio.get_running_loop()
        self._interval = TICK_SECONDS / clock.real_seconds(1.0)
        self._asleep = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to tick."""
        self._asleep = clock.asleep()
        self._timer = self._loop.call_later(self._interval, self.check)

    def check(self) -> None:
        """Look whether the next tick is overdue; ticks go on if it is not."""
        if self._timer is None:
            return
        now = self._loop.time()
        late = clock.real_seconds(now - self._timer.when()) + clock.asleep() - self._asleep
        if late > limits.MISSED_TICK.value:
            self.cancel()
            self._stalled(late)
        elif self._timer.when() <= now:
            self._timer = self._loop.call_at(now + self._interval, self.check)

    def cancel(self) -> None:
        """Tick no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
