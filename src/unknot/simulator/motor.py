"""The simulated vibration motor and the record of what it did; pure, used by the simulated firmware and by tests."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SPIN_UP_SECONDS = 0.05
"""Time constant in which a small eccentric motor follows its level (judgement: coin motors take 50 to 150 ms)."""


@dataclass(frozen=True, slots=True)
class MotorTrace:
    """What a motor was told over time: each change as (seconds on the loop's clock, level), from (0, 0) on implied."""

    points: tuple[tuple[float, int], ...]

    def level_at(self, at: float) -> int:
        """The level at a time."""
        level = 0
        for when, value in self.points:
            if when > at:
                break
            level = value
        return level

    def seconds_on(self, until: float = math.inf) -> float:
        """How long the motor was on before ``until`` (s)."""
        total, since = 0.0, None
        for when, level in self.points:
            if level and since is None:
                since = when
            elif not level and since is not None:
                total += min(when, until) - min(since, until)
                since = None
        return total if since is None else total + until - min(since, until)

    @property
    def highest(self) -> int:
        """The highest level that was ever set."""
        return max((level for _, level in self.points), default=0)

    def since(self, origin: float) -> tuple[tuple[float, int], ...]:
        """The points with times counted from ``origin``, rounded to microseconds."""
        return tuple((round(when - origin, 6), level) for when, level in self.points)


class Motor:
    """A motor that spins up and down with a time constant.

    Args:
        levels: the highest level.
    """

    def __init__(self, levels: int) -> None:
        self._levels = levels
        self._points: list[tuple[float, int]] = []
        self._speed = 0.0
        self._changed = 0.0
        self.level = 0
        self._watchers: list[Callable[[float, int], None]] = []

    def watch(self, watcher: Callable[[float, int], None]) -> None:
        """Tell somebody each change from now on, as (seconds on the loop's clock, level)."""
        self._watchers.append(watcher)

    @property
    def trace(self) -> MotorTrace:
        """What it was told so far."""
        return MotorTrace(tuple(self._points))

    def drive(self, level: int, now: float) -> None:
        """Drive it at a level from this time on; the same level again is no change."""
        if level == self.level:
            return
        self._speed = self.speed(now)
        self._changed = now
        self.level = level
        self._points.append((now, level))
        for watcher in self._watchers:
            watcher(now, level)

    def speed(self, now: float) -> float:
        """How fast it turns at a time, as a share of its fastest."""
        goal = self.level / self._levels
        return goal + (self._speed - goal) * math.exp(-(now - self._changed) / SPIN_UP_SECONDS)
