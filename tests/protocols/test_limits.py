from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unknot.errors import LimitExceeded
from unknot.protocols import limits
from unknot.protocols.limits import Ceiling

LEVELS = st.integers(1, 255)


@pytest.mark.parametrize(
    ("ceiling", "highest"),
    [
        (Ceiling.NONE, {1: 0, 3: 0, 100: 0}),
        (Ceiling.GENTLE, {3: 1, 4: 1, 5: 1, 6: 2, 100: 33, 255: 85}),
        (Ceiling.MODERATE, {2: 1, 3: 2, 4: 2, 5: 3, 100: 66, 255: 170}),
        (Ceiling.STRONG, {1: 1, 3: 3, 100: 100, 255: 255}),
    ],
)
def test_highest_level_is_the_whole_level_within_the_ceiling(ceiling: Ceiling, highest: dict[int, int]) -> None:
    assert {levels: limits.highest_level(ceiling, levels) for levels in highest} == highest


@pytest.mark.parametrize(("ceiling", "levels"), [(Ceiling.GENTLE, 1), (Ceiling.GENTLE, 2), (Ceiling.MODERATE, 1)])
def test_a_ceiling_below_the_lowest_level_is_refused(ceiling: Ceiling, levels: int) -> None:
    with pytest.raises(LimitExceeded) as refused:
        limits.level_for(1, levels, ceiling)
    assert refused.value.limit == f"the ceiling '{ceiling}'"
    assert refused.value.found == 100 / levels


def test_no_level_is_needed_for_no_intensity() -> None:
    assert limits.level_for(0, 1, Ceiling.GENTLE) == 0


def test_the_lowest_level_stands_for_the_least_intensity() -> None:
    assert limits.level_for(0.001, 4, Ceiling.STRONG) == 1


@pytest.mark.parametrize(("intensity", "level"), [(37.4, 1), (37.5, 2), (62.4, 2), (62.5, 3), (100, 4)])
def test_the_nearest_level_is_taken_and_half_goes_up(intensity: float, level: int) -> None:
    assert limits.level_for(intensity, 4, Ceiling.STRONG) == level


def test_rounding_up_stays_within_the_ceiling() -> None:
    assert limits.level_for(60, 4, Ceiling.MODERATE) == 2
    assert limits.level_for(200 / 3, 4, Ceiling.MODERATE) == 2  # 2.67 would be 3


@given(intensity=st.floats(0, 100), levels=LEVELS, ceiling=st.sampled_from(Ceiling))
def test_a_level_never_passes_the_ceiling(intensity: float, levels: int, ceiling: Ceiling) -> None:
    try:
        level = limits.level_for(intensity, levels, ceiling)
    except LimitExceeded:
        assert intensity > ceiling.percent or levels * ceiling.percent < 100
    else:
        assert level * 100 / levels <= ceiling.percent + limits.LEVEL_EPSILON
        assert (level == 0) == (intensity == 0 or ceiling is Ceiling.NONE)


@given(levels=LEVELS)
def test_the_ramp_takes_ten_seconds_or_three_a_level(levels: int) -> None:
    pace = limits.seconds_per_level(levels)
    assert pace * levels == pytest.approx(min(10, 3 * levels))


@pytest.mark.parametrize("ceiling", Ceiling)
def test_an_intensity_above_the_ceiling_is_refused_with_name_and_source(ceiling: Ceiling) -> None:
    with pytest.raises(LimitExceeded) as refused:
        limits.level_for(ceiling.percent + 0.1, 100, ceiling)
    assert refused.value.limit == ceiling.limit.name
    assert refused.value.source == ceiling.limit.source
    assert refused.value.unit == "%"


def test_a_refusal_is_one_sentence_with_every_fact() -> None:
    with pytest.raises(LimitExceeded) as refused:
        limits.SPOT.refuse_above(121.5)
    assert str(refused.value) == (
        "refused: the longest vibration of one spot is 120 s and 121.5 s was asked for (30 to 120 s a set: Behm 2020)"
    )


@pytest.mark.parametrize("limit", [limits.SPOT, limits.SIDE, limits.SESSION, limits.FREE])
def test_an_upper_limit_itself_is_allowed(limit: limits.Limit) -> None:
    limit.refuse_above(limit.value)
    with pytest.raises(LimitExceeded):
        limit.refuse_above(limit.value + 0.01)


def test_a_lower_limit_itself_is_allowed() -> None:
    limits.REST.refuse_below(limits.REST.value)
    with pytest.raises(LimitExceeded):
        limits.REST.refuse_below(limits.REST.value - 0.01)


def test_the_order_of_the_limits_makes_sense() -> None:
    assert limits.FREE.value <= limits.SPOT.value <= limits.SIDE.value <= limits.SESSION.value
    assert [ceiling.percent for ceiling in Ceiling] == sorted(ceiling.percent for ceiling in Ceiling)
