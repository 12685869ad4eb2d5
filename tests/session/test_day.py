from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import count, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocols.made import PROPERTY, profile, step, timeline
from unknot.errors import LimitExceeded
from unknot.protocols import limits
from unknot.protocols.timeline import Cue, Side, Timeline, compile_free
from unknot.session.day import Day, Entry

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=timezone(timedelta(hours=1)))
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

numbers = count()


def session(motor: float = 100, side: Side = Side.LEFT) -> Timeline:
    """A timeline in which the motor runs that long (s), at most 300 a side."""
    spots = [step("hold", motor / 3, to=10), step("move", 5)] * 3
    return timeline(*spots, step("stretch", 5), levels=10, side=side)


def played(began: datetime, motor: float = 100, *, muscle: str = "made", side: Side = Side.LEFT) -> Entry:
    """A session that was over after five minutes."""
    return Entry(f"{next(numbers)}", muscle, side, began, 300, motor, began + 5 * MINUTE, motor)


def day(*entries: Entry, now: datetime = NOON) -> Day:
    return Day(now, entries)


def test_an_empty_day_leaves_everything() -> None:
    assert (day().motor_seconds, day().left_seconds, day().left_sessions("made", Side.LEFT)) == (0, 2700, 3)
    day().refuse(session())
    assert day().notes(session()) == ()


def test_what_fills_the_day_exactly_is_played() -> None:
    many = [played(NOON - 10 * HOUR, 300, muscle=f"muscle-{number}") for number in range(8)]
    day(*many).refuse(session(300))
    with pytest.raises(LimitExceeded) as refused:
        day(*many, played(NOON - HOUR, 1, muscle="other")).refuse(session(300))
    assert (refused.value.limit, refused.value.source) == (limits.DAY.name, limits.DAY.source)
    assert (refused.value.found, refused.value.maximum) == (2701, 2700)


def test_a_refusal_says_until_when_to_wait() -> None:
    began = NOON - 20 * HOUR
    many = [played(began + number * HOUR, 900, muscle=f"muscle-{number}") for number in range(3)]
    with pytest.raises(LimitExceeded) as refused:
        day(*many).refuse(session())
    # Over at 16:05 the day before: it counts until 16:05, and the next whole minute is 16:06.
    assert refused.value.advice == "wait until 2026-03-01 16:06, or see 'unknot today' for what was played"


def test_what_can_never_be_played_is_not_waited_for() -> None:
    endless = replace(session(), cues=(Cue(0, 1, 0), Cue(2701, 0, 0)))
    with pytest.raises(LimitExceeded) as refused:
        day(played(NOON - HOUR)).refuse(endless)
    assert refused.value.advice == "see 'unknot today' for what was played"


def test_free_vibration_counts_for_the_day_and_for_no_muscle() -> None:
    free = compile_free(20, 60, profile(10))
    many = [played(NOON - HOUR, 60, muscle="", side=Side.ANY) for _ in range(44)]
    day(*many).refuse(free)
    with pytest.raises(LimitExceeded, match="the longest vibration in 24 hours"):
        day(*many, played(NOON - HOUR, 1)).refuse(free)


@pytest.mark.parametrize(
    ("sides", "left", "right", "either"),
    [
        ("", 3, 3, 3),
        ("left", 2, 3, 2),
        ("left left right", 1, 2, 1),
        ("any", 2, 2, 2),
        ("any left right both", 0, 0, 0),
        ("right right right", 3, 0, 0),
        ("both any any any any", 0, 0, 0),
    ],
)
def test_a_session_counts_for_every_side_that_it_may_have_been(sides: str, left: int, right: int, either: int) -> None:
    today = day(*(played(NOON - HOUR, side=Side(side)) for side in sides.split()), played(NOON - HOUR, muscle="calf"))
    found = [today.left_sessions("made", side) for side in (Side.LEFT, Side.RIGHT, Side.ANY, Side.BOTH)]
    assert found == [left, right, either, either]


def test_a_fourth_session_of_a_side_is_refused_and_the_other_side_offered() -> None:
    today = day(*(played(NOON - number * HOUR) for number in (1, 2, 3)))
    today.refuse(session(side=Side.RIGHT))
    with pytest.raises(LimitExceeded) as refused:
        today.refuse(session(side=Side.LEFT))
    assert str(refused.value) == (
        "refused: the limit for one muscle side in 24 hours is 3 sessions and 4 sessions was asked for (at most three "
        "uses a day: a maker's FAQ); wait until 2026-03-02 09:06, or see 'unknot today' for what was played"
    )
    for side in (Side.ANY, Side.BOTH):
        with pytest.raises(LimitExceeded, match="play the right side alone, or wait until 2026-03-02 09:06, or see"):
            today.refuse(session(side=side))


def test_a_session_that_was_broken_off_while_it_eased_in_is_not_counted_but_its_seconds_are() -> None:
    today = day(*(played(NOON - HOUR, 9.9) for _ in range(5)))
    assert today.left_sessions("made", Side.LEFT) == 3
    assert today.motor_seconds == pytest.approx(49.5)
    assert day(played(NOON - HOUR, 10)).left_sessions("made", Side.LEFT) == 2


def test_guiding_without_the_motor_is_never_refused() -> None:
    still = timeline(step("hold", 10, to=10), step("stretch", 5), levels=10, side=Side.LEFT, intensity=0)
    today = day(*(played(NOON - HOUR, 900) for _ in range(4)))
    today.refuse(still)
    assert today.notes(still) == ()


def test_what_has_no_end_counts_as_planned() -> None:
    killed = Entry("1", "made", Side.LEFT, NOON, 600, 240)
    assert (killed.motor_seconds, killed.over) == (240, NOON + 10 * MINUTE)
    assert killed.counts_until == NOON + 24 * HOUR + 10 * MINUTE


def test_a_clock_that_was_set_back_shortens_nothing() -> None:
    entry = Entry("1", "made", Side.LEFT, NOON, 600, 240, NOON - 5 * HOUR, 100)
    assert entry.over == NOON


def test_a_time_without_an_offset_is_no_time() -> None:
    with pytest.raises(ValueError, match="offset"):
        Entry("1", "made", Side.LEFT, NOON.replace(tzinfo=None), 600, 240)


def test_advice_is_told_and_refuses_nothing() -> None:
    today = day(played(NOON - HOUR), played(NOON - 30 * MINUTE))
    today.refuse(session())
    assert today.notes(session()) == (
        "made was played in the last 24 hours, 25 min ago; 1 session is advised (once a day: NCT02393521), and 4 h "
        "between two (judgement)",
    )
    assert today.notes(session(side=Side.RIGHT)) == ()
    full = day(played(NOON - HOUR, 1150, muscle="calf"))
    assert full.notes(session(48)) == ()
    assert full.notes(session(51)) == (
        "with this session the motor will have run 21 min in 24 hours; 20 min are advised (judgement)",
    )


def test_a_day_is_told_by_side_in_the_order_of_playing() -> None:
    entries = (played(NOON, side=Side.RIGHT), played(NOON, muscle="calf"), played(NOON, side=Side.RIGHT))
    parts = day(*entries).by_side()
    assert {side: part.entries for side, part in parts.items()} == {
        ("made", Side.RIGHT): (entries[0], entries[2]),
        ("calf", Side.LEFT): (entries[1],),
    }
    assert list(parts) == [("made", Side.RIGHT), ("calf", Side.LEFT)]


# Whatever is played, and whenever: no 24 hours hold more than the limits.

SESSIONS = [session(motor, side) for motor in (6, 60, 240, 300) for side in Side]
ONE_OF_MANY = st.builds(
    lambda one, muscle: replace(one, muscle=muscle), st.sampled_from(SESSIONS), st.sampled_from("abcd")
)
ANYTHING = st.tuples(
    ONE_OF_MANY | st.just(compile_free(20, 60, profile(10))),
    st.sampled_from([0, 0, 60, 3600, 3600, 6 * 3600, 20 * 3600]),  # seconds since the last one was over
    st.sampled_from([0.0, 0.5, 1.0, 1.0, 1.0]),  # the share of it that was played
    st.booleans(),  # whether the program was killed
)


def touched(entry: Entry) -> set[Side]:
    return {entry.side} if entry.side in (Side.LEFT, Side.RIGHT) else {Side.LEFT, Side.RIGHT}


@PROPERTY
@given(tries=st.lists(ANYTHING, min_size=5, max_size=40))
def test_no_24_hours_hold_more_than_the_limits(tries: list[tuple[Timeline, int, float, bool]]) -> None:
    now = NOON
    entries: list[Entry] = []
    for wanted, pause, share, is_killed in tries:
        now += timedelta(seconds=pause)
        try:
            day(*(entry for entry in entries if entry.counts_until > now), now=now).refuse(wanted)
        except LimitExceeded:
            continue
        entry = Entry(f"{len(entries)}", wanted.muscle, wanted.side, now, wanted.seconds, wanted.motor_seconds)
        now += timedelta(seconds=wanted.seconds * share)
        entries.append(entry if is_killed else replace(entry, ended=now, measured=wanted.motor_seconds * share))
    for end in (entry.over for entry in entries):
        window = [entry for entry in entries if end - 24 * HOUR < entry.over and entry.began <= end]
        assert sum(entry.motor_seconds for entry in window) <= 2700 + 1e-6
        for side, muscle in product((Side.LEFT, Side.RIGHT), "abcd"):
            own = [one for one in window if one.muscle == muscle and side in touched(one)]
            assert sum(one.motor_seconds >= 10 for one in own) <= 3
