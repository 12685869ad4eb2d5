from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.protocols.made import PROPERTY, profile, protocol, step, timeline
from unknot.errors import LimitExceeded
from unknot.protocols import limits
from unknot.protocols.limits import Ceiling
from unknot.protocols.model import MuscleProtocol
from unknot.protocols.timeline import Side, Timeline, compile_free, compile_protocol

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
        assert (level == 0) == (intensity == 0)


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


UPPER = [
    limits.SPOT,
    limits.PASSES,
    limits.SPOTS,
    limits.SIDE,
    limits.SESSION,
    limits.FREE,
    limits.FREE_INTENSITY,
    limits.DAY,
    limits.AGAIN,
    *(ceiling.limit for ceiling in Ceiling),
]


@pytest.mark.parametrize("limit", [*UPPER, limits.REST], ids=lambda limit: limit.name)
def test_every_limit_has_a_name_a_unit_and_a_source(limit: limits.Limit) -> None:
    assert limit.name
    assert limit.unit in ("s", "%", "spots", "passes", "sessions")
    assert limit.source


@pytest.mark.parametrize("limit", [*UPPER, limits.REST], ids=lambda limit: limit.name)
def test_what_is_no_number_is_refused(limit: limits.Limit) -> None:
    for refuse in (limit.refuse_above, limit.refuse_below):
        with pytest.raises(LimitExceeded):
            refuse(math.nan)


@pytest.mark.parametrize("limit", UPPER, ids=lambda limit: limit.name)
def test_an_upper_limit_itself_is_allowed(limit: limits.Limit) -> None:
    limit.refuse_above(limit.value)
    with pytest.raises(LimitExceeded):
        limit.refuse_above(limit.value + 0.01)


def test_a_refusal_may_end_with_advice() -> None:
    refused = limits.AGAIN.exceeded(4, advice="wait until the evening")
    assert refused.advice == "wait until the evening"
    assert str(refused) == (
        "refused: the limit for one muscle side in 24 hours is 3 sessions and 4 sessions was asked for "
        "(at most three uses a day: a maker's FAQ); wait until the evening"
    )
    assert limits.AGAIN.exceeded(4).advice == ""


def test_a_lower_limit_itself_is_allowed() -> None:
    limits.REST.refuse_below(limits.REST.value)
    with pytest.raises(LimitExceeded):
        limits.REST.refuse_below(limits.REST.value - 0.01)


def test_the_order_of_the_limits_makes_sense() -> None:
    times = [limits.FREE, limits.SPOT, limits.SIDE, limits.SESSION, limits.ADVISED_DAY, limits.DAY]
    assert [limit.value for limit in times] == sorted(limit.value for limit in times)
    assert limits.ADVISED_AGAIN.value < limits.AGAIN.value
    assert [ceiling.percent for ceiling in Ceiling] == sorted(ceiling.percent for ceiling in Ceiling)


# No file, no intensity and no argument gets past a limit. The protocols are wild: what is refused is refused, and
# whatever compiles is measured here anew, from its cues alone.


WILD = settings(PROPERTY, max_examples=200)
"""Most wild protocols are refused for one thing or another; enough must be left that vibrate."""


@st.composite
def wild_vibration(draw: st.DrawFn, most: float) -> dict[str, Any]:
    do = draw(st.sampled_from(["settle", "hold", "wave", "pulse"]))
    seconds = draw(st.sampled_from([0.001, 20, 60, 110]) | st.floats(0.001, 130))
    percent = st.floats(0.001, most) | st.sampled_from([most, most, 0, math.ulp(0.0)])
    to = draw(percent)
    if do in ("settle", "hold"):
        return step(do, seconds, to=to)
    low = min(to, draw(percent))
    first, second = (f"{draw(st.floats(1, 20)):.3f}s" for _ in range(2))
    return step(do, seconds, low=low, to=to, **({"period": first} if do == "wave" else {"on": first, "off": second}))


@st.composite
def wild_protocols(draw: st.DrawFn) -> MuscleProtocol:
    ceiling = draw(st.sampled_from([*Ceiling, Ceiling.MODERATE, Ceiling.STRONG]))
    most = min(100, ceiling.percent * draw(st.sampled_from([1, 1, 1, 1.02])) or 1)
    steps: list[dict[str, Any]] = []
    offs = draw(st.sampled_from([("move",), ("move", "rest"), ("move", "rest", "stretch")]))
    pauses = draw(st.sampled_from([(5, 15), (5, 15), (5, 15, 4.99, 0.001)]))
    for _ in range(draw(st.integers(0, 6))):
        steps += draw(st.lists(wild_vibration(most), min_size=1, max_size=2))
        steps.append(step(draw(st.sampled_from(offs)), draw(st.sampled_from(pauses))))
    return protocol(*steps, step("stretch", draw(st.sampled_from([0.001, 5, 30]))), ceiling=ceiling)


def vibrations(made: Timeline) -> list[tuple[float, float]]:
    """From when to when the motor is on."""
    assert not made.cues or made.cues[-1].level == 0
    found: list[tuple[float, float]] = []
    for earlier, later in pairwise(made.cues):
        if earlier.level and found and found[-1][1] == earlier.at:
            found[-1] = (found[-1][0], later.at)
        elif earlier.level:
            found.append((earlier.at, later.at))
    return found


def exceeds_no_limit(made: Timeline) -> None:
    slack = 1e-6
    assert all(cue.level * 100 / made.levels <= made.ceiling.percent + slack for cue in made.cues)
    rises = [(earlier, later) for earlier, later in pairwise(made.cues) if later.level > earlier.level]
    assert all(later.level == earlier.level + 1 for earlier, later in rises)
    assert not made.cues or made.cues[0].level == 1
    rose = 0.0
    for earlier, later in pairwise((made.cues[0], *made.cues) if made.cues else ()):
        if later.level > earlier.level > 0:
            assert later.at - rose >= min(3, 10 / made.levels) - slack
        if later.level > earlier.level or later is made.cues[0]:
            rose = later.at
    on = vibrations(made)
    assert all(end - start <= 120 + slack for start, end in on)
    assert all(later[0] - earlier[1] >= 5 - slack for earlier, later in pairwise(on))
    assert sum(end - start for start, end in on) <= 900 + slack
    for side in Side:
        own = [(start, end) for start, end in on if made.spans[made.span_at(start)].side is side]
        moves = [span.start for span in made.spans if span.do == "move" and span.side is side]
        spots = [sum(move < start for move in moves) for start, _ in own]
        assert sum(end - start for start, end in own) <= 300 + slack
        assert len(set(spots)) <= 4
        assert all(spots.count(spot) <= 3 for spot in spots)


@WILD
@given(
    made=wild_protocols(),
    levels=LEVELS,
    side=st.sampled_from(Side),
    intensity=st.none() | st.none() | st.floats(1, 33) | st.sampled_from([0, 100 / 3, 200 / 3, 100]),
)
def test_whatever_compiles_exceeds_no_limit(
    made: MuscleProtocol, levels: int, side: Side, intensity: float | None
) -> None:
    try:
        played = compile_protocol(made, profile(levels), side=side, intensity=intensity)
    except LimitExceeded as refused:
        event(f"refused by {refused.limit}")
        return
    event("vibrates" if played.cues else "does not vibrate")
    exceeds_no_limit(played)
    if intensity is not None and played.cues:
        lowest = 100 / levels
        assert max(cue.level for cue in played.cues) * lowest <= max(intensity + lowest / 2, lowest) + 1e-6


@PROPERTY
@given(percent=st.floats(1, 100), seconds=st.floats(0.001, 80), levels=LEVELS)
def test_free_vibration_that_compiles_exceeds_no_limit(percent: float, seconds: float, levels: int) -> None:
    try:
        played = compile_free(percent, seconds, profile(levels))
    except LimitExceeded:
        assert seconds > 60 or min(percent, 10 * seconds) > 100 / 3 or levels < 3
        return
    assert played.ceiling is Ceiling.GENTLE
    assert played.motor_seconds <= 60
    exceeds_no_limit(played)


@pytest.mark.parametrize("levels", [*range(1, 40), 50, 64, 99, 100, 101, 127, 128, 200, 254, 255])
def test_every_motor_is_eased_in(levels: int) -> None:
    steps = (step("hold", 20, to=100), step("wave", 20, low=10, to=100, period="2s"), step("move", 5))
    pulse = step("pulse", 20, low=10, to=100, on="5s", off="1s")
    made = timeline(*steps, pulse, step("stretch", 5), levels=levels)
    assert max(cue.level for cue in made.cues) == levels
    exceeds_no_limit(made)
