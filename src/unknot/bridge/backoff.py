"""How long to wait before the next attempt at something that others attempt, too; used for brokers and balls. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator

FIRST_SECONDS = 1.0
"""The longest wait before the second attempt (judgement)."""

MOST_SECONDS = 60.0
"""The longest wait: a broker that is back is found within a minute (judgement)."""


def backoff(
    first: float = FIRST_SECONDS, most: float = MOST_SECONDS, *, chance: random.Random | None = None
) -> Iterator[float]:
    """Seconds to wait before each further attempt, without an end; ask for a new one after a success.

    Each wait is anything between nothing and a limit that doubles up to ``most``, so that a hundred gateways that have
    lost one broker do not come back to it at once ("full jitter": Brooker, Exponential Backoff And Jitter).

    Args:
        first: the limit of the first wait in s.
        most: the largest limit in s.
        chance: where the luck comes from.
    """
    dice = chance or random.Random()  # noqa: S311 - nobody has to guess it
    limit = first
    while True:
        yield dice.uniform(0, min(limit, most))
        limit = min(2 * limit, most)
