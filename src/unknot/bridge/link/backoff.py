"""How long to wait before the next attempt: longer each time, never in step with others; for brokers and balls."""

from __future__ import annotations

import random

FIRST_SECONDS = 1.0
"""The longest wait before the second attempt (judgement)."""

MOST_SECONDS = 60.0
"""The longest wait of all: a broker or a ball that is back is found within a minute (judgement)."""


STEADY_SECONDS = 30.0
"""A link that has lasted so long was a good one: the next attempt after it comes soon (judgement)."""


class Backoff:
    """Full jitter: any time up to a bound that doubles, so that a hundred gateways do not all knock at once.

    Args:
        most: the longest wait of all (s).
    """

    def __init__(self, most: float = MOST_SECONDS) -> None:
        self._bound = FIRST_SECONDS
        self._most = most

    def next(self) -> float:
        """Seconds to wait now."""
        bound, self._bound = self._bound, min(2 * self._bound, self._most)
        return random.uniform(0, bound)  # noqa: S311 - no secret
