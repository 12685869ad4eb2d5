"""A handful of kills on every run; `python -m tests.kills` does hundreds."""

import math

import pytest

from tests import kills
from tests.kills import Kill
from unknot.device.guard import PROMISE_SECONDS


@pytest.mark.real_time
async def test_a_killed_session_leaves_no_motor_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kills, "LATEST_SECONDS", 0.5)
    monkeypatch.setattr(kills, "PATIENCE_SECONDS", PROMISE_SECONDS + 0.5)
    results = await kills.kills(len(kills.PROFILES))
    assert {kill.profile for kill in results} == set(kills.PROFILES)
    assert kills.is_kept(results), kills.table(results)


def test_the_table_tells_each_profile_and_what_was_not_kept() -> None:
    results = [Kill("button-ball", 0.5), Kill("open-ball", 0.1), Kill("button-ball", math.inf)]
    assert not kills.is_kept(results)
    assert kills.is_kept(results[:2])
    assert kills.table(results) == (
        "profile      lease  sessions  off within 2 s  median   p95      max\n"
        "button-ball  -      2         1               never    never    never\n"
        "open-ball    1.5 s  1         1               0.100 s  0.100 s  0.100 s"
    )
