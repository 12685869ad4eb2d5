"""A listener that remembers what a ball said; for the tests of the ball."""

from __future__ import annotations

from unknot.errors import LinkError
from unknot.events import StopOutcome


class Ear:
    """Hears what a ball says by itself."""

    def __init__(self) -> None:
        self.stops = 0
        self.levels: list[int] = []
        self.reports: list[dict[str, float | str]] = []
        self.lapses = 0
        self.losses: list[LinkError] = []
        self.returns: list[tuple[StopOutcome, bool]] = []
        self.failures: list[LinkError] = []

    def ball_stopped(self) -> None:
        self.stops += 1

    def ball_changed_level(self, level: int) -> None:
        self.levels.append(level)

    def ball_reported(self, values: dict[str, float | str]) -> None:
        self.reports.append(values)

    def ball_lapsed(self) -> None:
        self.lapses += 1

    def ball_lost(self, error: LinkError) -> None:
        self.losses.append(error)

    def ball_restored(self, outcome: StopOutcome, *, is_same: bool) -> None:
        self.returns.append((outcome, is_same))

    def ball_failed(self, error: LinkError) -> None:
        self.failures.append(error)
