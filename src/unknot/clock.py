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
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

_NANOSECONDS = 9
"""Virtual time is kept on a grid of nanoseconds, so that it equals the deadlines it jumps to as floats."""


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

    def now(self) -> float:
        if math.isinf(self.speed):
            return self._now
        return (time.monotonic() - self._began) * self.speed

    def wait(self, selector: selectors.BaseSelector, timeout: float) -> list[tuple[selectors.SelectorKey, int]]:
        if not math.isinf(self.speed):
            return selector.select(timeout / self.speed)
        ready = selector.select(0)
        if not ready:
            self._now = round(self._now + timeout, _NANOSECONDS)
        return ready


class FastLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes ``speed`` times as fast as real time.

    Args:
        speed: a factor above 0, for example 20.
    """

    def __init__(self, speed: float) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be above 0, not {speed}")
        self._clock = _Clock(speed)
        super().__init__(_TimedSelector(self._clock))

    def time(self) -> float:
        """Seconds on this loop's own clock, starting near 0."""
        return self._clock.now()


class VirtualTimeLoop(FastLoop):
    """An event loop that jumps to the next deadline whenever nothing is ready, so waiting takes no time.

    Time starts at 0 and is exact: after ``await asyncio.sleep(2.5)`` it reads 2.5. Work in threads is not waited
    for, since its duration is real.
    """

    def __init__(self) -> None:
        super().__init__(math.inf)
