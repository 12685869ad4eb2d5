from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from itertools import product
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocols.made import PROPERTY, step, timeline, timelines
from unknot import events
from unknot.events import EndReason, StopOutcome
from unknot.protocols import limits
from unknot.protocols.timeline import Timeline
from unknot.session import messages
from unknot.session.messages import (
    Adjust,
    Begin,
    Effect,
    End,
    Fail,
    Input,
    Lapsed,
    Lost,
    Observed,
    OnLinkRestored,
    Pause,
    Restored,
    Resume,
    SetLevel,
    Skip,
    StopMotor,
    Stopped,
    Tell,
    Wake,
    Written,
)
from unknot.session.player import Player, State

BEGAN = 1000.0
"""The time of the loop at which these tests begin: no session may count from 0."""


class Bench:
    """A player with a motor made of two numbers, and what both of them did."""

    def __init__(self, made: Timeline, on_link_restored: OnLinkRestored = OnLinkRestored.PAUSE) -> None:
        self.player = Player(made, on_link_restored)
        self.now = BEGAN
        self.level = 0
        self.since = BEGAN
        self.ran = 0.0
        self.write_seconds = 0.0
        self.meddled: int | None = None
        self.outcomes: deque[StopOutcome] = deque()
        self.motor: list[tuple[float, SetLevel | StopMotor]] = []
        self.told: list[events.Event] = []
        self.state_seen = {self.player.state}
        self.wakes = 0

    def turn(self, level: int) -> None:
        if self.level:
            self.ran += self.now - self.since
        self.level, self.since = level, self.now

    def say(self, event: Input) -> list[Effect]:
        """Hand the player an input and perform what it wants, as a session does."""
        first = self.player.handle(event, self.now)
        self.state_seen.add(self.player.state)
        effects = deque(first)
        while effects:
            effect = effects.popleft()
            if isinstance(effect, Tell):
                self.told.append(effect.event)
            else:
                self.motor.append((self.now, effect))
                effects.extendleft(reversed(self.player.handle(self.perform(effect), self.now)))
            self.state_seen.add(self.player.state)
        return first

    def perform(self, effect: SetLevel | StopMotor) -> Input:
        self.now += self.write_seconds
        if isinstance(effect, SetLevel):
            self.turn(effect.level if self.meddled is None else self.meddled)
            self.meddled = None
            return Written(self.level, effect.due, self.since)
        outcome = self.outcomes.popleft() if self.outcomes else StopOutcome.CONFIRMED
        if outcome is not StopOutcome.UNKNOWN and self.level:
            self.turn(0)
        return Stopped(outcome, effect.due, self.since)

    def wake(self, late: float = 0.0) -> list[Effect]:
        deadline = self.player.deadline
        assert deadline is not None
        self.wakes += 1
        assert self.wakes < 10_000, "it turns on the spot"
        self.now = max(self.now, deadline) + late
        return self.say(Wake())

    def until(self, second: float) -> None:
        """Wake the player for everything until a second of the session."""
        while self.player.deadline is not None and self.player.deadline <= BEGAN + second + 1e-9:
            self.wake()
        self.now = max(self.now, BEGAN + second)

    def press(self, level: int) -> list[Effect]:
        """The ball's own button."""
        self.turn(level)
        return self.say(Observed(level))

    def lose(self) -> list[Effect]:
        """The link goes; the motor keeps its level."""
        return self.say(Lost("gone", self.level, self.since))

    def restore(self, *, is_same: bool = True) -> list[Effect]:
        """The link is back, and the first write on it was a stop."""
        self.turn(0)
        return self.say(Restored(StopOutcome.CONFIRMED, self.now, "C0", is_same))

    @property
    def writes(self) -> list[tuple[float, int]]:
        """Seconds of the session and levels; a stop is 0."""
        return [
            (round(at - BEGAN, 3), effect.level if isinstance(effect, SetLevel) else 0) for at, effect in self.motor
        ]

    @property
    def ended(self) -> events.Ended:
        last = self.told[-1]
        assert isinstance(last, events.Ended)
        return last


def tiny(levels: int = 4) -> Timeline:
    """Level 1 at 0, 2 at 3.75, 0 at 10, end at 15 s."""
    return timeline(step("settle", 6, to=60), step("hold", 4, to=60), step("stretch", 5), levels=levels)


def long(levels: int = 4) -> Timeline:
    """Two spots of 20 s with 10 s between them, and a stretch of 10 s."""
    spot = (step("settle", 10, to=100), step("hold", 10, to=100))
    return timeline(*spot, step("move", 10), *spot, step("stretch", 10), levels=levels)


def weaker(made: Timeline, parts: int) -> Timeline:
    """The same timeline at a part of its levels."""
    cues = (replace(cue, level=math.ceil(cue.level / parts)) for cue in made.cues)
    return replace(made, cues=tuple(cues))


def begun(made: Timeline, second: float = 0.0, on_link_restored: OnLinkRestored = OnLinkRestored.PAUSE) -> Bench:
    bench = Bench(made, on_link_restored)
    bench.say(Begin())
    bench.until(second)
    return bench


def test_a_link_that_is_lost_before_the_beginning_is_waited_for_and_eased_in_after_it() -> None:
    bench = Bench(long())
    bench.lose()
    bench.say(Begin())
    assert bench.player.state is State.LOST
    assert bench.writes == []
    bench.until(12)
    bench.restore()
    bench.say(Resume())
    assert bench.writes == [(12, 1)]


def test_a_link_that_is_back_before_the_beginning_is_no_loss() -> None:
    bench = Bench(long())
    bench.lose()
    bench.restore()
    bench.say(Begin())
    assert bench.player.state is State.RUNNING


# Another intensity.


def test_a_lower_intensity_is_written_at_once_and_a_higher_one_eased_in() -> None:
    bench = begun(long(), 12)
    bench.say(Adjust(weaker(long(), 4)))
    bench.until(13)
    bench.say(Adjust(long()))
    bench.until(20)
    pace = limits.seconds_per_level(4)
    assert bench.writes[-4:] == [(12, 1), (13 + pace, 2), (13 + 2 * pace, 3), (20, 0)]


def test_another_intensity_starts_no_motor_in_a_pause_and_holds_after_it() -> None:
    bench = begun(long(), 18)
    bench.say(Pause())
    before = len(bench.motor)
    bench.say(Adjust(weaker(long(), 4)))
    assert len(bench.motor) == before
    bench.say(Resume())
    bench.until(60)
    assert {level for at, level in bench.writes if at >= 18} == {0, 1}


def test_another_intensity_is_never_above_what_the_person_chose_on_the_ball() -> None:
    bench = begun(long(), 15)
    bench.press(1)
    bench.say(Adjust(long()))
    bench.until(19.9)
    assert bench.level == 1


# The table.


def test_every_pair_of_state_and_input_is_in_the_table() -> None:
    assert set(Player.TRANSITIONS) == set(product(State, get_args(messages.Input)))


def test_every_state_is_reached() -> None:
    bench = begun(tiny(), 5)
    bench.say(Pause())
    bench.say(Resume())
    bench.lose()
    bench.say(End())
    assert bench.state_seen == set(State)


@pytest.mark.parametrize("state", State)
def test_every_input_is_taken_in_every_state(state: State) -> None:
    examples: list[Input] = [
        Begin(), Wake(), Pause(), Resume(), Skip(), Adjust(tiny()), End(), Fail("gone"), Written(1, BEGAN, BEGAN),
        Stopped(StopOutcome.SENT, BEGAN, BEGAN), Stopped(StopOutcome.UNKNOWN, BEGAN, BEGAN), Observed(1), Observed(0),
        Lapsed(), Lost("gone", 1, BEGAN), Restored(StopOutcome.SENT, BEGAN, "C0", True),
    ]  # fmt: skip
    assert {type(example) for example in examples} == set(get_args(messages.Input))
    road: dict[State, list[Input]] = {
        State.READY: [],
        State.RUNNING: [Begin()],
        State.PAUSED: [Begin(), Pause()],
        State.LOST: [Begin(), Lost("gone", 1, BEGAN)],
        State.STOPPING: [Begin(), End()],
        State.ENDED: [Begin(), End(), Stopped(StopOutcome.CONFIRMED, BEGAN, BEGAN)],
    }
    for example in examples:
        played = Player(tiny())
        for said in road[state]:
            played.handle(said, BEGAN)
        assert played.state is state
        played.handle(example, BEGAN + 1)


# The link.


def test_a_lost_link_freezes_the_protocol_until_it_is_back_and_the_person_goes_on() -> None:
    bench = begun(tiny(), 5)
    assert bench.lose() == []
    assert (bench.player.state, bench.player.deadline) == (State.LOST, None)
    bench.say(Resume())
    bench.now += 7
    bench.restore()
    assert [event.reason for event in bench.told if isinstance(event, events.Paused)] == ["link"]
    bench.now += 10
    bench.say(Resume())
    bench.until(40)
    assert bench.writes == [(0, 1), (3.75, 2), (22, 1), (24.5, 2), (27, 0), (32, 0)]
    assert bench.ended.motor_seconds == 12 + 5


def test_a_session_that_is_to_resume_goes_on_easing_in() -> None:
    bench = begun(tiny(), 5, OnLinkRestored.RESUME)
    bench.lose()
    bench.now += 7
    bench.restore()
    assert bench.player.state is State.RUNNING
    assert bench.writes == [(0, 1), (3.75, 2), (12, 1)]


def test_nothing_resumes_on_a_ball_that_may_be_another_one() -> None:
    bench = begun(tiny(), 5, OnLinkRestored.RESUME)
    bench.lose()
    bench.restore(is_same=False)
    assert bench.player.state is State.PAUSED


@pytest.mark.parametrize("first", [True, False])
def test_a_pause_outlasts_a_lost_link(first: bool) -> None:
    bench = begun(tiny(), 5, OnLinkRestored.RESUME)
    if first:
        bench.say(Pause())
    bench.lose()
    if not first:
        bench.say(Pause())
    bench.restore()
    assert bench.player.state is State.PAUSED


def test_a_session_that_is_to_end_stops_when_the_link_goes() -> None:
    bench = begun(tiny(), 5, OnLinkRestored.END)
    bench.lose()
    assert (bench.ended.reason, bench.ended.detail) == (EndReason.FAILED, "gone")
    assert bench.writes[-1] == (5, 0)


def test_a_step_can_be_skipped_and_the_session_ended_while_the_link_is_away() -> None:
    bench = begun(tiny(), 5)
    bench.lose()
    bench.say(Skip())
    assert bench.player.position(bench.now) == 6
    bench.say(End())
    assert bench.ended.reason is EndReason.STOPPED


def test_a_level_that_may_have_arrived_before_the_link_went_counts() -> None:
    bench = begun(tiny())
    bench.say(Stopped(StopOutcome.CONFIRMED, BEGAN, BEGAN))
    bench.now = BEGAN + 5
    bench.say(Lost("gone", 2, BEGAN + 4))
    bench.level, bench.since = 2, BEGAN + 4
    bench.restore()
    bench.say(End())
    assert bench.ended.motor_seconds == 1


def test_a_link_that_is_lost_before_the_last_level_has_arrived_is_waited_for() -> None:
    player = Player(tiny(1))
    player.handle(Begin(), BEGAN)  # the one level that there is, is being written
    player.handle(Lost("gone", 0, BEGAN), BEGAN + 0.1)
    assert player.state is State.LOST


def test_a_level_counts_that_the_ball_denied_while_it_was_written_until_a_stop_is_known() -> None:
    player = Player(tiny())
    player.handle(Begin(), BEGAN)
    player.handle(Written(0, BEGAN, BEGAN), BEGAN + 0.1)  # a report of before, or the truth
    player.handle(Observed(0), BEGAN + 0.1)
    assert player.state is State.PAUSED
    player.handle(Lost("gone", 0, BEGAN + 0.1), BEGAN + 0.2)
    player.handle(Restored(StopOutcome.CONFIRMED, BEGAN + 9, "C0", is_same=True), BEGAN + 9)
    player.handle(End(), BEGAN + 10)
    *_, ended = player.handle(Stopped(StopOutcome.CONFIRMED, BEGAN + 10, BEGAN + 10), BEGAN + 10)
    assert isinstance(ended, Tell)
    assert isinstance(ended.event, events.Ended)
    assert ended.event.motor_seconds == 9


def test_a_lapse_is_eased_in_again_and_not_a_pause() -> None:
    bench = begun(tiny(), 5)
    bench.turn(0)
    bench.say(Lapsed())
    bench.until(20)
    assert bench.writes == [(0, 1), (3.75, 2), (5, 1), (7.5, 2), (10, 0), (15, 0)]


# Playing through.


def test_it_plays_every_cue_when_it_is_due_and_tells_every_step() -> None:
    bench = begun(tiny(), 20)
    assert bench.writes == [(0, 1), (3.75, 2), (10, 0), (15, 0)]
    assert bench.told == [
        events.Started(0, "made", "Made", "any", "made-4", 4, 15),
        events.StepStarted(0, 0, "settle", "Settle", 6, 60),
        events.LevelChanged(0, 1, 0),
        events.LevelChanged(3.75, 2, 3.75),
        events.StepStarted(6, 1, "hold", "Hold", 4, 60),
        events.StepStarted(10, 2, "stretch", "Stretch", 5, 0),
        events.LevelChanged(10, 0, 10),
        events.Ended(15, EndReason.COMPLETED, 10, StopOutcome.CONFIRMED),
    ]


def test_it_wants_to_be_woken_for_each_cue_each_step_and_the_end() -> None:
    bench = begun(tiny())
    deadlines = []
    while bench.player.deadline is not None:
        deadlines.append(bench.player.deadline - BEGAN)
        bench.wake()
    assert deadlines == [3.75, 6, 10, 15]


def test_nothing_happens_before_the_beginning_and_after_the_end() -> None:
    fresh = Bench(tiny())
    assert fresh.player.deadline is None
    early: list[Input] = [Wake(), Pause(), Resume(), Skip(), Observed(2)]
    assert [fresh.say(event) for event in early] == [[]] * len(early)
    over = begun(tiny(), 20)
    late: list[Input] = [*early, Begin(), End(), Fail("gone")]
    assert [over.say(event) for event in late] == [[]] * len(late)
    assert over.player.state is State.ENDED


def test_a_late_write_does_not_make_the_next_one_late() -> None:
    bench = Bench(tiny())
    bench.write_seconds = 0.2
    bench.say(Begin())
    bench.until(20)
    assert bench.writes == [(0, 1), (3.75, 2), (10, 0), (15, 0)]
    levels = [event for event in bench.told if isinstance(event, events.LevelChanged)]
    assert [(round(event.at, 3), round(event.due, 3)) for event in levels] == [(0.2, 0), (3.95, 3.75), (10.2, 10)]


def test_a_late_wake_drops_the_levels_between() -> None:
    bench = begun(long(100))
    bench.now = BEGAN + 0.82
    bench.say(Wake())
    assert bench.writes == [(0, 1), (0.82, 8)]


def test_a_wake_so_late_that_nobody_expects_it_any_more_rises_in_steps() -> None:
    bench = begun(long(100))
    bench.now = BEGAN + 5.02
    bench.say(Wake())
    assert bench.writes == [(0, 1)]
    assert bench.player.deadline == pytest.approx(BEGAN + 5.12)


def test_a_late_wake_tells_only_the_step_that_is_playing() -> None:
    bench = begun(tiny())
    bench.now = BEGAN + 12
    bench.say(Wake())
    assert [event.step for event in bench.told if isinstance(event, events.StepStarted)] == [0, 2]


def test_a_rest_that_was_slept_through_is_made_up_for_by_an_off_and_an_easing() -> None:
    bench = begun(long(), 11)
    assert bench.level == 4
    bench.now = BEGAN + 45  # the second spot is at its strongest
    bench.say(Wake())
    assert bench.writes[-1:] == [(45, 0)]
    bench.until(50)
    assert bench.writes[-4:] == [(45, 0), (45, 1), (47.5, 2), (50, 0)]


def test_the_whole_protocol_slept_through_ends_with_a_stop() -> None:
    bench = begun(long(), 11)
    bench.now = BEGAN + 500
    bench.say(Wake())
    assert bench.writes[-1:] == [(500, 0)]
    assert bench.ended.reason is EndReason.COMPLETED


# Pause, resume, skip.


def test_a_pause_stops_and_keeps_the_remaining_time() -> None:
    bench = begun(tiny(), 7)
    bench.say(Pause())
    assert bench.writes[-1:] == [(7, 0)]
    assert bench.player.deadline is None
    bench.until(107)
    assert bench.player.position(bench.now) == 7
    bench.say(Resume())
    bench.until(200)
    assert bench.writes[-4:] == [(107, 1), (109.5, 2), (110, 0), (115, 0)]
    assert bench.ended.at == pytest.approx(115)
    assert bench.ended.motor_seconds == 10
    assert [event.name for event in bench.told if event.name in ("paused", "resumed")] == ["paused", "resumed"]


def test_a_step_is_not_announced_again_after_a_pause() -> None:
    bench = begun(tiny(), 7)
    bench.say(Pause())
    bench.say(Resume())
    assert [event.step for event in bench.told if isinstance(event, events.StepStarted)] == [0, 1]


def test_a_pause_in_a_rest_goes_on_without_the_motor() -> None:
    bench = begun(tiny(), 12)
    bench.say(Pause())
    bench.say(Resume())
    bench.until(20)
    assert bench.writes == [(0, 1), (3.75, 2), (10, 0), (12, 0), (15, 0)]


def test_pausing_twice_and_resuming_twice_is_once() -> None:
    bench = begun(tiny(), 7)
    bench.say(Pause())
    assert bench.say(Pause()) == []
    bench.say(Resume())
    assert bench.say(Resume()) == []


def test_a_skip_goes_to_the_next_step() -> None:
    bench = begun(tiny(), 1)
    bench.say(Skip())
    assert bench.player.position(bench.now) == 6
    bench.until(20)
    assert bench.writes == [(0, 1), (3.5, 2), (5, 0), (10, 0)]
    assert [event.step for event in bench.told if isinstance(event, events.StepStarted)] == [0, 1, 2]
    assert events.Skipped(1, 0) in bench.told


def test_a_skip_to_a_step_without_the_motor_stops_it() -> None:
    bench = begun(tiny(), 7)
    bench.say(Skip())
    assert bench.writes[-1:] == [(7, 0)]
    assert bench.level == 0


def test_a_skip_of_the_last_step_completes() -> None:
    bench = begun(tiny(), 12)
    bench.say(Skip())
    assert bench.ended == events.Ended(12, EndReason.COMPLETED, 10, StopOutcome.CONFIRMED)


def test_a_skip_while_paused_moves_the_position_and_nothing_else() -> None:
    bench = begun(tiny(), 1)
    bench.say(Pause())
    before = list(bench.writes)
    bench.say(Skip())
    assert bench.player.position(bench.now) == 6
    assert bench.player.state is State.PAUSED
    bench.say(Skip())
    assert bench.player.position(bench.now) == 10
    assert bench.writes == before
    bench.say(Skip())
    assert bench.ended.reason is EndReason.COMPLETED


# The ends.


@pytest.mark.parametrize("second", [0, 5, 12])
def test_an_end_stops_at_once(second: float) -> None:
    bench = begun(tiny(), second)
    bench.say(End())
    assert bench.writes[-1:] == [(second, 0)]
    assert bench.ended.reason is EndReason.STOPPED


def test_an_end_before_the_beginning_stops_too() -> None:
    bench = Bench(tiny())
    bench.say(End())
    assert bench.writes == [(0, 0)]
    assert bench.ended == events.Ended(0, EndReason.STOPPED, 0, StopOutcome.CONFIRMED)


def test_an_end_while_paused_stops_again() -> None:
    bench = begun(tiny(), 7)
    bench.say(Pause())
    bench.say(End())
    assert bench.writes[-2:] == [(7, 0), (7, 0)]
    assert bench.ended.reason is EndReason.STOPPED


@pytest.mark.parametrize("second", [0, 5, 12])
def test_a_failure_stops_and_says_why(second: float) -> None:
    bench = begun(tiny(), second)
    bench.say(Fail("the link is gone"))
    assert bench.writes[-1:] == [(second, 0)]
    assert (bench.ended.reason, bench.ended.detail) == (EndReason.FAILED, "the link is gone")


@pytest.mark.parametrize("outcome", StopOutcome)
def test_the_end_tells_what_is_known_of_the_stop(outcome: StopOutcome) -> None:
    bench = begun(tiny(), 5)
    bench.outcomes.append(outcome)
    bench.say(End())
    assert bench.ended.stop is outcome


def test_a_stop_that_could_not_be_written_in_a_rest_ends_with_another_one() -> None:
    bench = begun(tiny(), 9)
    bench.outcomes.append(StopOutcome.UNKNOWN)
    bench.until(10)
    assert bench.writes[-2:] == [(10, 0), (10, 0)]
    assert bench.ended == events.Ended(10, EndReason.FAILED, 10, StopOutcome.CONFIRMED, "a stop could not be written")


# The ball's own button.


def test_a_button_that_switches_off_pauses() -> None:
    bench = begun(tiny(), 7)
    bench.press(0)
    assert bench.player.state is State.PAUSED
    assert bench.writes[-1:] == [(7, 0)]
    assert bench.told[-2:] == [events.LevelAdopted(7, 0), events.Paused(7, "ball")]


@pytest.mark.parametrize("level", [1, 3])
def test_a_button_in_a_hold_is_adopted_until_the_motor_was_off(level: int) -> None:
    bench = begun(long(5), 12)
    bench.press(level)
    assert bench.told[-1] == events.LevelAdopted(12, level)
    bench.until(60)
    assert bench.writes[5:8] == [(20, 0), (30, 1), (33, 2)]
    assert max(level for at, level in bench.writes if at >= 20) == 5


@pytest.mark.parametrize("level", [1, 4])
def test_a_button_in_a_ramp_is_not_fought(level: int) -> None:
    bench = begun(long(100), 2)
    before = len(bench.writes)
    bench.press(level)
    bench.until(30)
    assert [write for write in bench.writes[before:] if write[0] < 30] == [(20, 0)]


def test_a_button_in_a_wave_is_not_fought() -> None:
    made = timeline(step("wave", 60, low=20, to=60, period="10s"), step("stretch", 5), levels=10)
    bench = begun(made, 22)
    before = len(bench.writes)
    bench.press(9)
    bench.until(70)
    assert bench.writes[before:] == [(60, 0), (65, 0)]


def test_a_button_is_held_over_a_skip_into_the_next_step() -> None:
    bench = begun(long(), 5)
    before = len(bench.writes)
    bench.press(1)
    bench.say(Skip())
    bench.until(60)
    assert bench.writes[before : before + 1] == [(15, 0)]
    assert max(level for at, level in bench.writes if at > 15) == 4


def test_a_button_is_forgotten_once_the_motor_was_off() -> None:
    bench = begun(long(), 12)
    bench.press(1)
    bench.until(32)
    bench.say(Skip())
    bench.until(60)
    assert max(level for at, level in bench.writes if at > 32) == 4


def test_a_button_pressed_while_a_level_is_written_is_adopted_too() -> None:
    bench = begun(long(100), 2)
    bench.meddled = 7
    bench.wake()
    assert isinstance(bench.told[-1], events.LevelAdopted)
    before = len(bench.writes)
    assert bench.say(Observed(7)) == []  # the ball's report comes after the write
    bench.until(30)
    assert [write for write in bench.writes[before:] if write[0] < 30] == [(20, 0)]


def test_a_ball_switched_off_while_a_level_is_written_pauses() -> None:
    bench = begun(long(100), 2)
    bench.meddled = 0
    bench.wake()
    assert bench.player.state is State.PAUSED
    assert isinstance(bench.motor[-1][1], StopMotor)


def test_a_button_while_paused_is_told_and_the_pause_goes_on() -> None:
    bench = begun(tiny(), 7)
    bench.say(Pause())
    bench.press(3)
    assert bench.player.state is State.PAUSED
    assert bench.player.level == 3
    bench.say(Resume())
    assert bench.writes[-1:] == [(7, 2)]


def test_an_echo_of_our_own_level_is_nothing_new() -> None:
    bench = begun(tiny(), 7)
    assert bench.say(Observed(2)) == []


def test_the_time_at_the_persons_own_level_counts() -> None:
    bench = begun(tiny(), 7)
    bench.press(4)
    bench.until(20)
    assert bench.ended.motor_seconds == 10


# Whatever happens.

LATE = st.one_of(st.just(0.0), st.floats(0, 0.5), st.floats(0, 60))
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("wake"), LATE),
        st.tuples(st.just("wake"), LATE),
        st.tuples(st.just("wait"), LATE),
        st.tuples(st.just("write"), st.floats(0, 2)),
        st.tuples(st.just("press"), st.integers(0, 255)),
        st.tuples(st.just("meddle"), st.integers(0, 255)),
        st.tuples(st.just("adjust"), st.integers(1, 4)),
        st.tuples(st.just("outcome"), st.sampled_from(StopOutcome)),
        st.tuples(st.just("say"), st.sampled_from([Begin(), Pause(), Resume(), Resume(), Skip(), Wake()])),
        st.tuples(st.just("say"), st.sampled_from([End(), Fail("gone")])),
        st.tuples(st.just("link"), st.sampled_from(["lose", "restore", "restore under another address", "lapse"])),
    ),
    max_size=40,
)


class Watch(Bench):
    """A bench that holds what the player does against the rules, at every effect."""

    def __init__(self, made: Timeline, on_link_restored: OnLinkRestored = OnLinkRestored.PAUSE) -> None:
        super().__init__(made, on_link_restored)
        self.made = made
        self.highest = max((cue.level for cue in made.cues), default=0)
        self.chosen = False
        self.honest = True
        self.ran_at_end = 0.0

    def say(self, event: Input) -> list[Effect]:
        was_over = self.player.state is State.ENDED
        if isinstance(event, Skip | Resume | Adjust):
            self.chosen = False
        first = super().say(event)
        assert not (was_over and first)
        if isinstance(event, Wake):
            assert sum(not isinstance(effect, Tell) for effect in first) <= 1
        if not was_over and self.player.state is State.ENDED:
            self.ran_at_end = self.ran
        return first

    def perform(self, effect: SetLevel | StopMotor) -> Input:
        if isinstance(effect, SetLevel):
            assert 1 <= effect.level <= self.highest
            assert effect.level != self.player.level
            assert not self.chosen
            assert self.player.state is State.RUNNING
        else:
            self.chosen = False
        before = self.level
        answer = super().perform(effect)
        if isinstance(answer, Stopped):
            self.honest &= answer.outcome is not StopOutcome.UNKNOWN
        if isinstance(effect, SetLevel) and self.level not in (0, before, effect.level):
            self.chosen = True  # the ball's own button was pressed during the write
        return answer

    def press(self, level: int) -> list[Effect]:
        is_news = level not in (0, self.level)
        first = super().press(level)
        self.chosen |= is_news and self.player.state is State.RUNNING
        return first

    def meddle_with_link(self, what: str) -> None:
        if what == "lose":
            self.lose()
        elif what == "lapse":
            self.turn(0)
            self.say(Lapsed())
        elif self.player.state is State.LOST:
            self.chosen = False
            self.restore(is_same=what == "restore")

    def act(self, action: str, value: object) -> None:
        match action, value:
            case "wake", float(late) if self.player.deadline is not None:
                self.wake(late)
            case "wait", float(seconds):
                self.now += seconds
            case "write", float(seconds):
                self.write_seconds = seconds
            case "press", int(level):
                self.press(level % (self.player.timeline.levels + 1))
            case "meddle", int(level):
                self.meddled = level % (self.player.timeline.levels + 1)
            case "adjust", int(parts):
                self.say(Adjust(weaker(self.made, parts)))
            case "outcome", StopOutcome() as outcome:
                self.outcomes.append(outcome)
            case "link", str(what):
                self.meddle_with_link(what)
            case "say", event:
                self.say(event)  # type: ignore[arg-type]
            case _:
                pass


@settings(PROPERTY, max_examples=150)
@given(made=timelines(), actions=ACTIONS, on_link_restored=st.sampled_from(OnLinkRestored))
def test_whatever_happens_the_rules_hold_and_the_motor_is_stopped(
    made: Timeline, actions: list[tuple[str, object]], on_link_restored: OnLinkRestored
) -> None:
    bench = Watch(made, on_link_restored)
    bench.say(Begin())
    for action, value in actions:
        bench.act(action, value)
    bench.say(End())
    assert bench.player.state is State.ENDED
    assert isinstance(bench.motor[-1][1], StopMotor)
    assert sum(isinstance(event, events.Ended) for event in bench.told) == 1
    if bench.honest:
        assert bench.ended.motor_seconds == pytest.approx(bench.ran_at_end, abs=2e-3)


@PROPERTY
@given(made=timelines(), lates=st.lists(st.floats(0, 5), max_size=30))
def test_left_alone_it_completes_whatever_the_lateness(made: Timeline, lates: list[float]) -> None:
    bench = Watch(made)
    bench.say(Begin())
    rest = deque(lates)
    while bench.player.deadline is not None:
        bench.wake(rest.popleft() if rest else 0.0)
    assert bench.ended.reason is EndReason.COMPLETED
    assert bench.level == 0


@PROPERTY
@given(made=timelines())
def test_in_time_it_writes_exactly_the_timeline_and_one_stop(made: Timeline) -> None:
    bench = Watch(made)
    bench.say(Begin())
    while bench.player.deadline is not None:
        bench.wake()
    assert bench.writes[:-1] == [(cue.at, cue.level) for cue in made.cues]
    assert bench.writes[-1:] == [(made.seconds, 0)]
    assert bench.ended.motor_seconds == pytest.approx(made.motor_seconds, abs=2e-3)


@PROPERTY
@given(made=timelines(), at=st.floats(0, 1, exclude_max=True), paused=st.floats(0, 1e4))
def test_a_pause_anywhere_lengthens_the_session_by_just_that(made: Timeline, at: float, paused: float) -> None:
    bench = begun(made, at * made.seconds)
    if bench.player.state is State.ENDED:
        return
    bench.say(Pause())
    bench.now += paused
    bench.say(Resume())
    while bench.player.deadline is not None:
        bench.wake()
    assert bench.ended.at == pytest.approx(made.seconds + paused, abs=1e-5)
    assert bench.ended.motor_seconds <= made.motor_seconds + 2e-3


def test_a_pause_whose_stop_fails_is_an_end_and_no_pause() -> None:
    bench = begun(tiny(), 5)
    bench.outcomes += [StopOutcome.UNKNOWN, StopOutcome.UNKNOWN]
    bench.say(Pause())
    assert bench.ended.stop is StopOutcome.UNKNOWN
    assert not any(isinstance(event, events.Paused) for event in bench.told)
