from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.protocols.made import PROPERTY, levels_for, profile, protocol, protocols, step, timeline, timelines
from unknot.errors import LimitExceeded, UsageError
from unknot.protocols import limits
from unknot.protocols.limits import Ceiling
from unknot.protocols.model import AnyStep, Hold, MuscleProtocol, Pulse, Rest, Settle, Wave
from unknot.protocols.timeline import Cue, Side, Span, Timeline, compile_free, compile_protocol

MILLISECOND = 0.001
TINY = (step("settle", 6, to=60), step("hold", 4, to=60), step("stretch", 5))


def levels_and_times(cues: tuple[Cue, ...]) -> list[tuple[float, int]]:
    return [(cue.at, cue.level) for cue in cues]


# By hand: 60 % of 1, 3, 4, 5 levels are 0.6, 1.8, 2.4, 3 levels, so 1, 2, 2, 3. The line reaches 10 % a second, and a
# level becomes the nearest one half a level below it: on 4 levels the second one at 1.5 × 25 % = 37.5 %, at 3.75 s.
@pytest.mark.parametrize(
    ("levels", "cues"),
    [
        (1, [(0, 1), (10, 0)]),
        (3, [(0, 1), (5, 2), (10, 0)]),
        (4, [(0, 1), (3.75, 2), (10, 0)]),
        (5, [(0, 1), (3, 2), (5, 3), (10, 0)]),
        (100, [(0, 1), *((round(level / 10 - 0.05, 3), level) for level in range(2, 61)), (10, 0)]),
    ],
)
def test_a_tiny_protocol_has_exactly_these_cues(levels: int, cues: list[tuple[float, int]]) -> None:
    assert levels_and_times(timeline(*TINY, levels=levels).cues) == cues


def test_the_face_and_the_spans_of_a_tiny_protocol() -> None:
    made = timeline(*TINY, levels=4)
    assert (made.muscle, made.title, made.side, made.profile, made.levels, made.ceiling) == (
        "made",
        "Made",
        Side.ANY,
        "made-4",
        4,
        Ceiling.STRONG,
    )
    assert made.spans == (
        Span("settle", Side.ANY, 0, 6, "Settle", 60),
        Span("hold", Side.ANY, 6, 10, "Hold", 60),
        Span("stretch", Side.ANY, 10, 15, "Stretch", 0),
    )
    assert (made.seconds, made.motor_seconds) == (15, 10)


# The ramp alone: a hold without an easing. 3 s a level on 3 levels or fewer, the whole range in 10 s on more.
@pytest.mark.parametrize(
    ("levels", "cues"),
    [
        (1, [(0, 1), (20, 0)]),
        (3, [(0, 1), (3, 2), (6, 3), (20, 0)]),
        (4, [(0, 1), (2.5, 2), (5, 3), (7.5, 4), (20, 0)]),
        (5, [(0, 1), (2, 2), (4, 3), (6, 4), (8, 5), (20, 0)]),
        (7, [(0, 1), (1.429, 2), (2.858, 3), (4.287, 4), (5.716, 5), (7.145, 6), (8.574, 7), (20, 0)]),
    ],
)
def test_a_hold_is_eased_into_at_the_limit_of_the_ramp(levels: int, cues: list[tuple[float, int]]) -> None:
    assert levels_and_times(timeline(step("hold", 20, to=100), step("stretch", 5), levels=levels).cues) == cues


def test_a_wave_falls_through_every_level_and_rises_at_the_limit() -> None:
    made = timeline(step("hold", 10, to=20), step("wave", 12, low=20, to=60, period="8s"), step("rest", 5),
                    step("stretch", 5), levels=5)  # fmt: skip
    # 20 to 60 % in 4 s: level 2 at 30 %, level 3 at 50 %; down again at 50 % and 30 %.
    assert levels_and_times(made.cues) == [(0, 1), (11, 2), (13, 3), (15, 2), (17, 1), (19, 2), (21, 3), (22, 0)]


def test_a_pulse_falls_at_once() -> None:
    made = timeline(step("hold", 10, to=20), step("pulse", 18, low=20, to=60, on="6s", off="3s"), step("rest", 5),
                    step("stretch", 5), levels=5)  # fmt: skip
    assert levels_and_times(made.cues) == [(0, 1), (11, 2), (13, 3), (16, 1), (20, 2), (22, 3), (25, 1), (28, 0)]


def test_a_pulse_that_swings_to_0_switches_the_motor_off_in_between() -> None:
    made = timeline(step("pulse", 18, low=0, to=20, on="4s", off="5s"), step("stretch", 5), levels=5)
    assert levels_and_times(made.cues) == [(0, 1), (4, 0), (9, 1), (13, 0)]


def test_a_wave_that_touches_0_does_not_stop_the_motor() -> None:
    made = timeline(step("wave", 20, low=0, to=40, period="10s"), step("stretch", 5), levels=5)
    assert [cue for cue in made.cues if cue.level == 0] == [Cue(20, 0, 1)]


def test_a_step_that_ends_within_the_last_millisecond_of_another_makes_one_cue() -> None:
    # Level 49 becomes the nearest one a tenth of a millisecond before the wave ends; the rest begins at once.
    made = timeline(step("hold", 10, to=60), step("wave", 20, low=49.4999, to=60, period="20s"), step("stretch", 5),
                    levels=100)  # fmt: skip
    assert levels_and_times(made.cues)[-2:] == [(29.048, 50), (30, 0)]


def test_halves_of_a_millisecond_do_not_add_up() -> None:
    made = timeline(step("wave", 100, low=20, to=60, period="1.001s"), step("stretch", 5), levels=1)
    assert made.spans[0].end == 100


def test_a_second_side_begins_after_the_first_and_says_so() -> None:
    made = timeline(*TINY, levels=4, side=Side.BOTH)
    assert [(span.side, span.start, span.say) for span in made.spans] == [
        (Side.LEFT, 0, "Left side. Settle"),
        (Side.LEFT, 6, "Hold"),
        (Side.LEFT, 10, "Stretch"),
        (Side.RIGHT, 15, "Right side. Settle"),
        (Side.RIGHT, 21, "Hold"),
        (Side.RIGHT, 25, "Stretch"),
    ]
    assert levels_and_times(made.cues) == [(0, 1), (3.75, 2), (10, 0), (15, 1), (18.75, 2), (25, 0)]


@pytest.mark.parametrize("side", [Side.LEFT, Side.RIGHT])
def test_one_side_plays_as_any_and_says_which(side: Side) -> None:
    made = timeline(*TINY, levels=4, side=side)
    assert made.cues == timeline(*TINY, levels=4).cues
    assert made.spans[0].say == f"{side.capitalize()} side. Settle"
    assert {span.side for span in made.spans} == {side}


@pytest.mark.parametrize("side", [Side.LEFT, Side.RIGHT, Side.BOTH])
def test_a_muscle_without_sides_has_none(side: Side) -> None:
    with pytest.raises(UsageError, match="made has no left and right"):
        compile_protocol(protocol(*TINY, sided=False), profile(4), side=side)


def test_an_intensity_scales_the_whole_curve() -> None:
    steps = (step("hold", 10, to=20), step("hold", 10, to=60), step("stretch", 5))
    halved = (step("hold", 10, to=10), step("hold", 10, to=30), step("stretch", 5))
    assert timeline(*steps, levels=100, intensity=30).cues == timeline(*halved, levels=100).cues


def test_no_intensity_guides_without_the_motor() -> None:
    made = timeline(*TINY, levels=4, intensity=0)
    assert made.cues == ()
    assert (made.motor_seconds, made.seconds, len(made.spans)) == (0, 15, 3)


@pytest.mark.parametrize("intensity", [-1, 0.5, 100.1, math.nan, math.inf])
def test_an_intensity_that_is_no_percentage_is_refused(intensity: float) -> None:
    with pytest.raises(UsageError, match="an intensity is 0, or from 1 to 100 %, not"):
        timeline(*TINY, levels=4, intensity=intensity)


def test_a_protocol_without_the_motor_stays_without_it() -> None:
    assert timeline(step("stretch", 5), levels=4, intensity=50).cues == ()


def test_free_vibration_is_eased_in_held_and_off() -> None:
    made = compile_free(30, 12, profile(10))
    assert levels_and_times(made.cues) == [(0, 1), (1, 2), (2, 3), (12, 0)]
    assert (made.muscle, made.seconds, made.motor_seconds) == ("", 12, 12)


@pytest.mark.parametrize(
    ("percent", "seconds"),
    [(0, 5), (-1, 5), (101, 5), (math.nan, 5), (50, 0), (50, -1), (50, math.nan)],
)
def test_free_vibration_that_cannot_be_meant_is_refused(percent: float, seconds: float) -> None:
    with pytest.raises(UsageError):
        compile_free(percent, seconds, profile(5))


@pytest.mark.parametrize(
    ("percent", "seconds", "limit"),
    [
        (30, 60.01, limits.FREE),
        (30, math.inf, limits.FREE),
        (33.4, 5, limits.FREE_INTENSITY),
        (100, 3.34, limits.FREE_INTENSITY),
    ],
)
def test_free_vibration_is_limited(percent: float, seconds: float, limit: limits.Limit) -> None:
    with pytest.raises(LimitExceeded) as refused:
        compile_free(percent, seconds, profile(5))
    assert (refused.value.limit, refused.value.source) == (limit.name, limit.source)
    assert refused.value.found in (percent, seconds)  # what was asked for, not what would have been reached


def test_free_vibration_is_held_to_what_it_reaches() -> None:
    short = compile_free(40, 2, profile(100))
    assert (max(cue.level for cue in short.cues), short.spans[0].intensity) == (20, 20)
    assert compile_free(100, 3.3, profile(100)).spans[0].intensity == 33


def hold(seconds: float) -> dict[str, object]:
    return step("hold", seconds, to=50)


@pytest.mark.parametrize(
    ("steps", "limit", "found"),
    [
        ([hold(120.001)], limits.SPOT, 120.0),
        ([hold(60), hold(61)], limits.SPOT, 121),
        ([hold(60), step("move", 4.99), hold(60)], limits.REST, 4.99),
        ([step("pulse", 20, low=0, to=20, on="4s", off="4s")], limits.REST, 4),
        ([hold(110), step("move", 5), hold(110), step("move", 5), hold(81)], limits.SIDE, 301),
        ([hold(5), step("move", 5)] * 5, limits.SPOTS, 5),
        ([hold(5), step("rest", 5)] * 4, limits.PASSES, 4),
        ([hold(5), step("move", 5), *[hold(5), step("stretch", 5)] * 4], limits.PASSES, 4),
        ([step("pulse", 40, low=0, to=20, on="4s", off="6s")], limits.PASSES, 4),
    ],
)
def test_a_limit_of_time_or_number_refuses_with_name_and_source(
    steps: list[dict[str, object]], limit: limits.Limit, found: float
) -> None:
    with pytest.raises(LimitExceeded) as refused:
        timeline(*steps, step("stretch", 5), levels=10)
    error = refused.value
    assert (error.limit, error.source, error.unit, error.maximum) == (limit.name, limit.source, limit.unit, limit.value)
    assert error.found == found


def test_what_lies_at_the_limits_is_played() -> None:
    steps = [hold(120), step("move", 5), hold(120), step("move", 5), hold(60), step("stretch", 5)]
    assert timeline(*steps, levels=10, side=Side.BOTH).motor_seconds == 600


def test_as_many_spots_and_passes_as_the_limits_name_are_played_on_each_side() -> None:
    spot = [hold(5), step("rest", 5), hold(5), step("rest", 5), hold(5), step("move", 5)]
    assert timeline(*spot * 4, step("stretch", 5), levels=10, side=Side.BOTH).motor_seconds == 120


def test_the_rest_between_two_sides_counts() -> None:
    with pytest.raises(LimitExceeded, match="the shortest rest between spots"):
        timeline(hold(10), step("stretch", 4), levels=10, side=Side.BOTH)


def test_a_session_refuses_even_if_its_sides_did_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SIDE", limits.Limit("a wider side", 1000, "s", "this test"))
    steps = [hold(115), step("move", 5)] * 4
    with pytest.raises(LimitExceeded) as refused:
        timeline(*steps, step("stretch", 5), levels=10, side=Side.BOTH)
    assert (refused.value.limit, refused.value.found) == (limits.SESSION.name, 920)


def test_a_peak_that_is_almost_nothing_can_be_scaled() -> None:
    least = math.ulp(0.0)  # 50 / least is beyond every float
    made = timeline(step("hold", 10, to=least), step("stretch", 5), levels=4, intensity=50)
    assert levels_and_times(made.cues) == [(0, 1), (2.5, 2), (10, 0)]


@pytest.mark.parametrize("do", ["hold", "settle"])
@pytest.mark.parametrize("to", [math.ulp(0.0), 1e-12, 0.001, 1, 100])
@pytest.mark.parametrize("intensity", [None, 1, 100])
def test_a_muscle_that_is_never_vibrated_refuses_every_level(do: str, to: float, intensity: float | None) -> None:
    never = protocol(step(do, 5, to=to), step("stretch", 5), ceiling=Ceiling.NONE)
    for levels in (1, 3, 255):
        with pytest.raises(LimitExceeded, match="a muscle that is never vibrated"):
            compile_protocol(never, profile(levels), intensity=intensity)


@pytest.mark.parametrize("ceiling", [Ceiling.NONE, Ceiling.GENTLE, Ceiling.MODERATE])
def test_a_step_above_the_ceiling_is_refused(ceiling: Ceiling) -> None:
    with pytest.raises(LimitExceeded) as refused:
        compile_protocol(protocol(step("settle", 5, to=70), step("stretch", 5), ceiling=ceiling), profile(100))
    assert (refused.value.limit, refused.value.source) == (ceiling.limit.name, ceiling.limit.source)


def test_an_intensity_above_the_ceiling_is_refused() -> None:
    gentle = protocol(step("hold", 5, to=20), step("stretch", 5), ceiling=Ceiling.GENTLE)
    with pytest.raises(LimitExceeded, match="the ceiling 'gentle'"):
        compile_protocol(gentle, profile(100), intensity=34)


def test_a_muscle_that_is_never_vibrated_can_still_be_guided() -> None:
    still = protocol(step("hold", 5, to=20), step("stretch", 5), ceiling=Ceiling.NONE)
    assert compile_protocol(still, profile(3), intensity=0).cues == ()


# Properties of every timeline.


def obeys_the_ramp(cues: tuple[Cue, ...], level: int, rose: float, levels: int) -> None:
    pace = limits.seconds_per_level(levels)
    for cue in cues:
        if cue.level > level:
            assert cue.level == level + 1
            assert level == 0 or cue.at - rose >= pace - 1e-9
            rose = cue.at
        level = cue.level


@PROPERTY
@given(made=timelines())
def test_cues_are_in_order_and_each_changes_something(made: Timeline) -> None:
    assert all(earlier.at < later.at for earlier, later in pairwise(made.cues))
    assert all(earlier.level != later.level for earlier, later in pairwise((Cue(0, 0, 0), *made.cues)))
    assert all(cue.at == round(cue.at, 3) for cue in made.cues)


@PROPERTY
@given(made=timelines())
def test_it_begins_at_the_lowest_level_and_ends_off(made: Timeline) -> None:
    assert not made.cues or (made.cues[0].level, made.cues[-1].level) == (1, 0)
    assert made.level_at(made.seconds) == 0
    assert all(0 <= cue.at <= made.seconds for cue in made.cues)


@PROPERTY
@given(made=timelines())
def test_no_level_is_above_the_ceiling(made: Timeline) -> None:
    assert max((cue.level for cue in made.cues), default=0) <= limits.highest_level(made.ceiling, made.levels)


@PROPERTY
@given(made=timelines())
def test_it_rises_by_single_levels_and_no_faster_than_the_ramp(made: Timeline) -> None:
    obeys_the_ramp(made.cues, 0, 0, made.levels)


@PROPERTY
@given(made=timelines())
def test_spans_follow_each_other_without_gaps(made: Timeline) -> None:
    assert made.spans[0].start == 0
    assert all(earlier.end == later.start for earlier, later in pairwise(made.spans))
    assert made.seconds == made.spans[-1].end


@PROPERTY
@given(made=timelines())
def test_a_cue_lies_in_the_span_that_it_names(made: Timeline) -> None:
    for cue in made.cues:
        assert made.spans[cue.step].start <= cue.at <= made.spans[cue.step].end
        assert cue.level == 0 or made.span_at(cue.at) == cue.step


@PROPERTY
@given(made=timelines())
def test_motor_seconds_are_the_time_above_level_0(made: Timeline) -> None:
    on = sum(later.at - earlier.at for earlier, later in pairwise(made.cues) if earlier.level)
    assert made.motor_seconds == pytest.approx(on)


def most_at(one: AnyStep, second: float) -> float:
    """The strongest intensity that a step may have at one of its seconds, straight from its meaning."""
    match one:
        case Settle():
            return one.to * second / one.seconds
        case Hold():
            return one.to
        case Wave():
            phase = second % one.period / one.period
            return one.low + (one.to - one.low) * (2 * phase if phase < 0.5 else 2 - 2 * phase)
        case Pulse():
            phase = second % (one.on + one.off)
            return min(one.to, one.low + 10 * phase) if phase < one.on else one.low
        case _:
            return 0


def peak_near(one: AnyStep, second: float) -> tuple[float, float]:
    """The second of the step's peak that is nearest to another one, and the intensity that it has there."""
    match one:
        case Wave():
            first, every, most = one.period / 2, one.period, one.to
        case Pulse():
            first, every, most = one.on, one.on + one.off, min(one.to, one.low + 10 * one.on)
        case _:
            return second, most_at(one, second)
    return first + every * max(0, round((second - first) / every)), most


def most_around(made: MuscleProtocol, at: float) -> float:
    """The same, for the most generous moment within a millisecond and a bit; a peak may lie between two of these."""
    start, most, near = 0.0, 0.0, 1.1 * MILLISECOND
    for one in made.steps:
        for second in (at - start - near, at - start, at - start + near):
            if 0 <= second <= one.seconds:
                most = max(most, most_at(one, second))
                peak, strongest = peak_near(one, second)
                if abs(peak - (at - start)) <= near and peak <= one.seconds:
                    most = max(most, strongest)
        start += one.seconds
    return most


def is_never_stronger(made: MuscleProtocol, levels: int, moments: Iterable[float]) -> None:
    played = compile_protocol(made, profile(levels))
    for at in (*moments, *(cue.at for cue in played.cues), *(span.start for span in played.spans)):
        # An epsilon: a half that is rounded up here may be rounded down there.
        most = min(made.ceiling.percent, most_around(made, at) + 1e-4)
        assert played.level_at(at) <= limits.level_for(most, levels, made.ceiling), at


@PROPERTY
@given(made=protocols(), data=st.data())
def test_it_is_never_stronger_than_the_protocol_and_falls_at_once(made: MuscleProtocol, data: st.DataObject) -> None:
    levels = data.draw(levels_for(made.ceiling))
    is_never_stronger(
        made, levels, data.draw(st.lists(st.floats(0, sum(one.seconds for one in made.steps)), max_size=20))
    )


@pytest.mark.parametrize("peak", [25, 25.001, 25.003])
@pytest.mark.parametrize("period", range(2401, 2411))
def test_a_level_that_is_due_only_at_a_peak_between_two_milliseconds_is_no_stronger(peak: float, period: int) -> None:
    wave = step("wave", 10, low=13, to=peak, period=f"{period / 1000:.3f}s")
    is_never_stronger(protocol(wave, step("stretch", 5)), 10, ())


@PROPERTY
@given(made=protocols(), data=st.data())
def test_a_long_hold_is_reached(made: MuscleProtocol, data: st.DataObject) -> None:
    levels = data.draw(levels_for(made.ceiling))
    played = compile_protocol(made, profile(levels))
    for one, span in zip(made.steps, played.spans, strict=True):
        if isinstance(one, Hold) and one.seconds > 10.5:
            assert played.level_at(span.end - MILLISECOND) == limits.level_for(one.to, levels, made.ceiling)


@PROPERTY
@given(made=protocols(), data=st.data())
def test_the_motor_is_on_from_the_first_moment_of_a_vibrating_step(made: MuscleProtocol, data: st.DataObject) -> None:
    played = compile_protocol(made, profile(data.draw(levels_for(made.ceiling))))
    for one, span in zip(made.steps, played.spans, strict=True):
        assert span.start == span.end or (played.level_at(span.start) > 0) == (
            not isinstance(one, Rest) and one.peak > 0
        )


@PROPERTY
@given(made=protocols(), share=st.just(0) | st.floats(0.05, 1), data=st.data())
def test_an_intensity_is_never_passed(made: MuscleProtocol, share: float, data: st.DataObject) -> None:
    levels = data.draw(levels_for(made.ceiling))
    intensity = made.ceiling.percent * share
    played = compile_protocol(made, profile(levels), intensity=intensity)
    highest = limits.level_for(intensity, levels, made.ceiling)
    assert max((cue.level for cue in played.cues), default=0) <= highest
    obeys_the_ramp(played.cues, 0, 0, levels)


# Going on from anywhere.


@st.composite
def positions(draw: st.DrawFn) -> tuple[Timeline, float]:
    made = draw(timelines())
    moments = [cue.at for cue in made.cues] or [0.0]
    return made, draw(st.floats(0, made.seconds) | st.sampled_from(moments))


@PROPERTY
@given(where=positions(), data=st.data())
def test_onwards_obeys_the_same_ramp_from_any_level(where: tuple[Timeline, float], data: st.DataObject) -> None:
    made, position = where
    level = data.draw(st.integers(0, made.levels))
    ahead = made.onwards(position, level)
    obeys_the_ramp(ahead, level, position, made.levels)
    assert all(earlier.at < later.at for earlier, later in pairwise(ahead))
    assert all(earlier.level != later.level for earlier, later in pairwise((Cue(0, level, 0), *ahead)))
    assert all(cue.at >= position for cue in ahead)
    assert all(cue.level <= made.level_at(cue.at) for cue in ahead)
    assert (ahead[-1].level if ahead else level) == 0


@PROPERTY
@given(where=positions())
def test_onwards_is_the_rest_of_the_timeline_when_the_level_fits(where: tuple[Timeline, float]) -> None:
    made, position = where
    rest = tuple(cue for cue in made.cues if cue.at > position)
    level = made.level_at(position)
    # When the motor last rose is unknown here, so the next rise waits for a whole step of the ramp.
    pairs = pairwise((Cue(position, level, 0), *rest))
    rises = [later.at for earlier, later in pairs if later.level > earlier.level > 0]
    assume(not rises or rises[0] >= position + limits.seconds_per_level(made.levels))
    assert made.onwards(position, level) == rest


@PROPERTY
@given(where=positions(), data=st.data())
def test_a_level_is_held_until_the_motor_was_off(where: tuple[Timeline, float], data: st.DataObject) -> None:
    made, position = where
    level = data.draw(st.integers(0, made.levels))
    held_to = data.draw(st.integers(1, made.levels))
    ahead = made.onwards(position, level, held_to=held_to)
    off = next((cue.at for cue in made.cues if cue.at > position and not cue.level), made.seconds)
    if made.level_at(position) == 0:
        off = position
    assert all(cue.level <= held_to for cue in ahead if cue.at < off)
    after = [cue for cue in ahead if cue.at > off]
    assert after == [cue for cue in made.cues if cue.at > off]
    obeys_the_ramp(ahead, level, position, made.levels)


def test_onwards_eases_in_again_after_a_pause() -> None:
    made = timeline(step("hold", 30, to=100), step("stretch", 5), levels=4)
    assert levels_and_times(made.onwards(20, 0)) == [(20, 1), (22.5, 2), (25, 3), (27.5, 4), (30, 0)]
    assert levels_and_times(made.onwards(20, 2)) == [(22.5, 3), (25, 4), (30, 0)]
    assert levels_and_times(made.onwards(20, 4)) == [(30, 0)]


def test_onwards_falls_at_once() -> None:
    made = timeline(step("hold", 30, to=25), step("stretch", 5), levels=4)
    assert levels_and_times(made.onwards(20, 4)) == [(20, 1), (30, 0)]
    assert levels_and_times(made.onwards(31, 4)) == [(31, 0)]


def test_a_held_level_is_kept_over_the_steps_and_forgotten_after_the_rest() -> None:
    steps = (step("hold", 10, to=100), step("hold", 10, to=50), step("rest", 5), step("hold", 10, to=100))
    made = timeline(*steps, step("stretch", 5), levels=4)
    assert levels_and_times(made.onwards(9, 3, held_to=3)) == [
        (10, 2), (20, 0), (25, 1), (27.5, 2), (30, 3), (32.5, 4), (35, 0),
    ]  # fmt: skip
    assert levels_and_times(made.onwards(9, 1, held_to=1))[:3] == [(20, 0), (25, 1), (27.5, 2)]


@pytest.mark.parametrize(
    ("position", "level", "span"),
    [
        (-1, 0, 0),
        (0, 1, 0),
        (3.749, 1, 0),
        (3.75, 2, 0),
        (6, 2, 1),
        (9.999, 2, 1),
        (10, 0, 2),
        (15, 0, 2),
        (99, 0, 2),
    ],
)
def test_level_and_span_at_a_second(position: float, level: int, span: int) -> None:
    made = timeline(*TINY, levels=4)
    assert (made.level_at(position), made.span_at(position)) == (level, span)
