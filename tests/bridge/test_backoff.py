from itertools import pairwise

import pytest

from unknot.bridge.link.backoff import FIRST_SECONDS, MOST_SECONDS, Backoff

LIMITS = [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_each_wait_is_anything_up_to_a_limit_that_doubles() -> None:
    backoffs = [Backoff() for _ in range(2000)]
    for limit in LIMITS:
        waits = [backoff.next() for backoff in backoffs]
        assert all(0 <= wait <= limit for wait in waits)
        assert min(waits) < 0.02 * limit
        assert max(waits) > 0.98 * limit
        assert sum(waits) / len(waits) == pytest.approx(limit / 2, rel=0.1)
    assert (LIMITS[0], LIMITS[-1]) == (FIRST_SECONDS, MOST_SECONDS)


def test_a_hundred_that_lost_one_broker_do_not_come_back_at_once() -> None:
    first = sorted(Backoff().next() for _ in range(100))
    assert max(later - sooner for sooner, later in pairwise(first)) < 0.3
    assert len(set(first)) == 100
