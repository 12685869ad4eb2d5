import random
from itertools import islice, pairwise

import pytest

from unknot.bridge.backoff import FIRST_SECONDS, MOST_SECONDS, backoff

LIMITS = [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_each_wait_is_anything_up_to_a_limit_that_doubles() -> None:
    runs = [list(islice(backoff(chance=random.Random(seed)), len(LIMITS))) for seed in range(2000)]
    for waits, limit in zip(zip(*runs, strict=True), LIMITS, strict=True):
        assert all(0 <= wait <= limit for wait in waits)
        assert min(waits) < 0.01 * limit
        assert max(waits) > 0.99 * limit
        assert sum(waits) / len(waits) == pytest.approx(limit / 2, rel=0.05)
    assert (LIMITS[0], LIMITS[-1]) == (FIRST_SECONDS, MOST_SECONDS)


def test_a_hundred_that_lost_one_broker_do_not_come_back_at_once() -> None:
    first = sorted(next(backoff()) for _ in range(100))
    assert max(later - sooner for sooner, later in pairwise(first)) < 0.2
    assert len(set(first)) == 100


def test_it_never_ends_and_knows_other_limits() -> None:
    waits = list(islice(backoff(0.5, 3, chance=random.Random(1)), 5000))
    assert waits[0] <= 0.5
    assert 2.9 < max(waits) <= 3
