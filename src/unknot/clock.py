"""Event loops whose time runs faster than the clock on the wall, for tests and for ``--speed``.

Everything in unknot asks the running loop for the time and for sleep, so handing a program another loop is all
it takes to play a 15-minute protocol in milliseconds. Such a loop must never meet a real radio: the ball's own
time does not run faster. `unknot.api` refuses the combination.
"""

from __future__ import annotations

import asyncio
import math
import selectors
import time
from typing import TYPE_CHECKING, TypeVarTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

    from _typeshed import FileDescriptorLike


Ts = TypeVarTuple("Ts")


class _TimedSelector(selectors.BaseSelector):
    """A selector that hands its time-out to the loop's clock instead of sleeping it."""

    def __init__(self, clock: _Clock) -> None:
        self._real = selectors.DefaultSelector()
        self._clock = clock

    def register(self, fileobj: FileDescriptorLike, events: int, data: object = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: FileDescriptorLike, events: int, data: object = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> object:  # type: ignore[override]  # typeshed's Mapping is private to the real selector
        return self._real.get_map()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return self._real.select(timeout)
        return self._clock.wait(self._real, timeout)

    def close(self) -> None:
        self._real.close()


class _Clock:
    """Time that passes `speed` times as fast as real time; `math.inf` means it jumps to the next deadline."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._now = 0.0
        self._began = time.monotonic()

    def reach(self, when: float) -> None:
        """A deadline is being served: it is not earlier than that, as floats go."""
        self._now = max(self._now, when)

    def now(self) -> float:
        if math.isinf(self.speed):
            return self._now
        return (time.monotonic() - self._began) * self.speed

    def wait(self, selector: selectors.BaseSelector, timeout: float) -> list[tuple[selectors.SelectorKey, int]]:
        if not math.isinf(self.speed):
            return selector.select(timeout / self.speed)
        ready = selector.select(0)
        if not ready:
            # The sum may miss the deadline by a rounding error; just short of it, `reach` makes it exact.
            self._now = math.nextafter(self._now + timeout, self._now)
        return ready


class FastLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes ``speed`` times as fast as real time.

    Args:
        speed: a factor above 0, for example 20.
    """

    def __init__(self, speed: float) -> None:
        self._clock = _Clock(speed)
        super().__init__(_TimedSelector(self._clock))
        if not speed > 0:
            self.close()  # asyncio complains about a loop that was never finished or never closed
            raise ValueError(f"speed must be above 0, not {speed}")

    @property
    def speed(self) -> float:
        """How many times as fast as real time; infinite if it jumps."""
        return self._clock.speed

    def time(self) -> float:
        """Seconds on this loop's own clock, starting near 0."""
        return self._clock.now()


def real_seconds(seconds: float) -> float:
    """How long a time of the running loop really takes: less on a clock that runs faster.

    Time that jumps from deadline to deadline counts as it is, since there is no other.
    """
    loop = asyncio.get_running_loop()
    if isinstance(loop, FastLoop) and not math.isinf(loop.speed):
        return seconds / loop.speed
    return seconds


def asleep() -> float:
    """For how long this machine has been suspended since some moment (s): what `time.monotonic` does not count.

    Linux has a clock that goes on in sleep. Elsewhere it is the clock on the wall, which may also be set.
    """
    if isinstance(asyncio.get_running_loop(), FastLoop):
        return 0.0
    awake_or_not = time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.time()
    return awake_or_not - time.monotonic()


class VirtualTimeLoop(FastLoop):
    """An event loop that jumps to the next deadline whenever nothing is ready, so waiting takes no time.

    Time starts at 0 and is exact: a callback that is due at 2.5 reads 2.5. Work in threads is not waited for, since
    its duration is real.
    """

    def __init__(self) -> None:
        super().__init__(math.inf)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Schedule as usual; when the callback runs, the clock reads its deadline.

        asyncio serves a timer up to a clock tick early. Where time only moves by jumps, code that then sleeps for the
        rest of the tick would do so for ever.
        """
        return super().call_at(when, self._serve, when, callback, args, context=context)

    def _serve(self, when: float, callback: Callable[[*Ts], object], args: tuple[*Ts]) -> None:
        self._clock.reach(when)
        callback(*args)

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109 - asyncio's own
        """Wait for threads as long as they take: a deadline in virtual time (Python 3.12 has one) is over at once."""
        await super().shutdown_default_executor()
