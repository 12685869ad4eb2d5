"""What is reckoned from the events of a session is where the session stands."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import unknot
from unknot import events
from unknot.bridge.elsewhere.reckoning import Reckoning
from unknot.bridge.reports import BallState, Phase
from unknot.clock import VirtualTimeLoop
from unknot.session.player import State
from unknot.session.session import Session
from unknot.simulator import Air, SimulatedBall

LATENCY = 0.3
"""What a message takes on its way at most."""

EXACT = LATENCY + 0.05
"""How far the position may be off: a message's way, and a write of the simulated link."""

ACTS: dict[str, Callable[[Session, SimulatedBall], object]] = {
    "pause": lambda session, _: session.pause(),
    "resume": lambda session, _: session.resume(),
    "skip": lambda session, _: session.skip(),
    "press": lambda _, ball: ball.press_button(),
    "drop": lambda _, ball: ball.drop_link(away=4),
    "look": lambda *_: None,
}


def in_virtual_time(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(work)


async def play(profile: str, story: list[tuple[float, str]], late: random.Random) -> None:
    air = Air()
    sim = air.add(SimulatedBall(profile))
    loop = asyncio.get_running_loop()
    async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball) as session:
        reckoning = Reckoning(session.timeline)
        arrives = 0.0

        def tell(event: events.Event) -> None:
            nonlocal arrives
            arrives = max(arrives + 1e-6, loop.time() + late.uniform(0, LATENCY))  # messages keep their order
            loop.call_at(arrives, lambda: reckoning.take(event, loop.time()))

        session.listen(tell)
        await asyncio.sleep(1)
        for seconds, what in story:
            ACTS[what](session, sim)
            await asyncio.sleep(seconds)
            state, level = session.state, session.level
            await asyncio.sleep(LATENCY + 0.01)
            if session.state is not state:
                continue  # the news is on its way
            assert reckoning.state is state
            assert min(level, session.level) <= reckoning.level <= max(level, session.level)
            assert reckoning.position(loop.time()) == pytest.approx(session.position, abs=EXACT)
        session.stop()
        ended = await session.wait()
        await asyncio.sleep(2 * LATENCY)
        assert reckoning.state is State.ENDED
        assert reckoning.level == 0
        assert reckoning.motor_seconds(loop.time()) > ended.motor_seconds - LATENCY * (1 + len(story))


@given(
    st.sampled_from(["open-ball", "button-ball", "vibmotor-3"]),
    st.lists(st.tuples(st.floats(2, 70), st.sampled_from(sorted(ACTS))), min_size=1, max_size=8),
    st.integers(0, 10**6),
)
@settings(deadline=None, max_examples=40)
def test_it_stands_where_the_session_stands(profile: str, story: list[tuple[float, str]], seed: int) -> None:
    in_virtual_time(play(profile, story, random.Random(seed)))


CALF = "calf"


async def begun() -> tuple[Reckoning, Session]:
    async with unknot.connect(simulate=True) as ball:
        session = unknot.play(CALF, on=ball)
    reckoning = Reckoning(session.timeline)
    reckoning.take(events.Started(0.0, "calf", "Calf", "any", "open-ball", 100, session.timeline.seconds), 100.0)
    return reckoning, session


async def test_the_quickest_message_sets_the_clock() -> None:
    reckoning, _ = await begun()
    reckoning.take(events.Reported(10.0, {}), 109.0)
    assert reckoning.position(110.0) == 11.0
    reckoning.take(events.Reported(11.0, {}), 113.0)
    assert reckoning.position(113.0) == 14.0


async def test_what_the_gateway_says_of_it_is_taken_up_after_a_silence() -> None:
    reckoning, session = await begun()
    seconds = session.timeline.seconds
    reckoning.take_state(BallState(phase=Phase.RUNNING, level=30, remaining=seconds - 60), 130.0)
    assert (reckoning.state, reckoning.level, reckoning.position(131.0)) == (State.RUNNING, 30, 61.0)
    reckoning.take_state(BallState(phase=Phase.PAUSED, level=0, remaining=seconds - 80), 150.0)
    assert (reckoning.state, reckoning.level, reckoning.position(999.0)) == (State.PAUSED, 0, 80.0)
    reckoning.take(events.Resumed(60.0), 160.0)
    assert reckoning.position(165.0) == 85.0
    assert reckoning.motor_seconds(999.0) == 20.0


async def test_after_a_stop_nothing_is_played_any_more() -> None:
    reckoning, _ = await begun()
    reckoning.stopping(120.0)
    reckoning.take(events.Resumed(21.0), 121.0)
    reckoning.take_state(BallState(phase=Phase.RUNNING, remaining=3.0), 122.0)
    assert (reckoning.state, reckoning.position(130.0)) == (State.STOPPING, 20.0)
    ended = events.Ended(22.0, events.EndReason.STOPPED, 1.0, events.StopOutcome.UNKNOWN)
    reckoning.take(events.LevelChanged(1.0, 4, 1.0), 121.0)
    reckoning.take(ended, 122.0)
    assert (reckoning.state, reckoning.level) == (State.ENDED, 4)


HUGE = st.floats(-1e9, 1e9)
STRANGE = st.one_of(
    st.builds(events.StepStarted, HUGE, st.integers(-9, 999), st.just(""), st.just(""), HUGE, HUGE),
    st.builds(events.Skipped, HUGE, st.integers(-9, 999)),
    st.builds(events.LevelChanged, HUGE, st.integers(-9, 999), HUGE),
    st.builds(events.Paused, HUGE, st.just("asked")),
    st.builds(events.Resumed, HUGE),
    st.builds(events.LinkDropped, HUGE, st.integers(0, 9), st.none(), st.just("")),
)


@given(st.lists(STRANGE, max_size=9), HUGE)
def test_whatever_is_told_the_position_is_within_the_timeline(told: list[events.Event], remaining: float) -> None:
    async def tell() -> None:
        reckoning, session = await begun()
        for number, event in enumerate(told):
            reckoning.take(event, 100.0 + number)
            assert 0 <= reckoning.position(100.0 + number) <= session.timeline.seconds
        reckoning.take_state(BallState(phase=Phase.RUNNING, remaining=remaining), 200.0)
        assert 0 <= reckoning.position(201.0) <= session.timeline.seconds

    in_virtual_time(tell())
