"""What a person does with a ball, once for every stage: the same words, the same outcomes, the motor always off.

Times are short, since two of the stages live in real time.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

import unknot
from tests.stack.stage import Stage, levels, until
from unknot.api import free_session
from unknot.device.deadlines import ATTEMPTS, OPERATION_SECONDS
from unknot.errors import AttError, BallNotFound, BluetoothUnavailable, LinkError, LinkTimeout
from unknot.events import StopOutcome
from unknot.session.player import State
from unknot.simulator import SimulatedBall
from unknot.simulator.faults import Fault, FaultKind

if TYPE_CHECKING:
    from unknot.events import Event

SCAN = 2.0
"""Seconds in which every stage hears every ball."""

LATE = 10.0
"""Seconds after which something that is waited for is not late but broken."""


def names(events: list[Event]) -> list[str]:
    return [event.name for event in events if event.name not in ("report", "level")]


async def test_a_scan_hears_every_ball_and_knows_its_profile(stage: Stage) -> None:
    balls = [await stage.bring(SimulatedBall(profile)) for profile in ("open-ball", "button-ball", "vibmotor-3")]
    found = {ball.address: ball for ball in await unknot.scan(simulate=stage.simulate, seconds=SCAN)}
    for ball in balls:
        assert ball.profile.id in [profile for profile, _ in found[ball.address].profiles]


async def test_a_ball_is_chosen_by_its_name_or_by_its_address(stage: Stage) -> None:
    one = await stage.bring(SimulatedBall(name="OpenBall 1"))
    other = await stage.bring(SimulatedBall(name="OpenBall 2"))
    async with unknot.connect(other.name, simulate=stage.simulate) as ball:
        await ball.set_level(3)
        await until(lambda: other.level == 3)
        assert one.level == 0
    async with unknot.connect(one.address, simulate=stage.simulate) as ball:
        await ball.set_level(4)
        await until(lambda: one.level == 4)
        assert other.level == 0
    assert (one.level, other.level) == (0, 0)


async def test_nobody_answers_to_a_name_that_nobody_has(stage: Stage) -> None:
    await stage.bring(SimulatedBall(name="OpenBall 1"))
    with pytest.raises(BallNotFound, match="OpenBall 1"):
        async with unknot.connect("OpenBall 2", simulate=stage.simulate, seconds=SCAN):
            pytest.fail("another ball was taken")


@pytest.mark.parametrize("profile", ["open-ball", "button-ball", "vibmotor-3", "theragun-4", "intensity-board"])
async def test_connect_set_a_level_stop_disconnect(stage: Stage, profile: str) -> None:
    sim = await stage.bring(SimulatedBall(profile))
    async with unknot.connect(sim.address, profile=profile, simulate=stage.simulate) as ball:
        await ball.set_level(2)
        await until(lambda: sim.level == 2)
        outcome = await ball.stop()
        await until(lambda: sim.level == 0)
        assert outcome in (StopOutcome.CONFIRMED, StopOutcome.SENT)
    assert levels(sim) == [2, 0]
    await until(lambda: not sim.is_connected)


@pytest.mark.parametrize("profile", ["open-ball", "button-ball", "vibmotor-3"])
async def test_a_protocol_is_played_to_its_end(stage: Stage, profile: str, short_muscle: str) -> None:
    sim = await stage.bring(SimulatedBall(profile))
    async with (
        unknot.connect(sim.address, simulate=stage.simulate) as ball,
        unknot.play(short_muscle, on=ball) as session,
    ):
        events = [event async for event in session]
    assert names(events) == ["started", *["step"] * 4, "ended"]
    assert session.ended is not None
    assert session.ended.reason == "completed"
    assert levels(sim) == [cue.level for cue in session.timeline.cues]


async def test_pause_stops_and_resume_goes_on(stage: Stage, short_muscle: str) -> None:
    sim = await stage.bring(SimulatedBall())
    async with unknot.connect(simulate=stage.simulate) as ball, unknot.play(short_muscle, on=ball) as session:
        await until(lambda: sim.level > 5)
        session.pause()
        await until(lambda: sim.level == 0)
        await asyncio.sleep(0.5)
        assert session.state is State.PAUSED
        assert sim.level == 0
        session.resume()
        await until(lambda: sim.level > 5)
        assert (await session.wait()).reason == "completed"
    assert sim.level == 0


async def test_stop_ends_a_session_at_once(stage: Stage, short_muscle: str) -> None:
    sim = await stage.bring(SimulatedBall("button-ball"))
    async with unknot.connect(simulate=stage.simulate) as ball, unknot.play(short_muscle, on=ball) as session:
        await until(lambda: sim.level > 0)
        session.stop()
        ended = await session.wait()
        assert sim.level == 0
    assert (ended.reason, ended.stop) == ("stopped", StopOutcome.CONFIRMED)


async def test_a_lost_link_is_restored_and_its_first_write_is_a_stop(stage: Stage, short_muscle: str) -> None:
    sim = await stage.bring(SimulatedBall("button-ball"))
    heard: list[Event] = []
    async with (
        unknot.connect(simulate=stage.simulate) as ball,
        unknot.play(short_muscle, on=ball, on_link_restored="resume") as session,
    ):
        session.listen(heard.append)
        await until(lambda: sim.level > 0)
        sim.drop_link(away=1.0)
        assert sim.level > 0  # this ball does not stop when its link is lost
        ended = await session.wait()
    assert ended.reason == "completed"
    assert [name for name in names(heard) if name.startswith("link_")] == ["link_dropped", "link_restored"]
    assert levels(sim) == [1, 0, 1, 0]


async def test_a_ball_that_does_not_answer_is_told_within_our_own_deadline(stage: Stage) -> None:
    sim = await stage.bring(SimulatedBall("button-ball"))
    loop = asyncio.get_running_loop()
    async with unknot.connect(simulate=stage.simulate) as ball:
        sim.interfere(Fault(FaultKind.WRITE_LOST, seconds=4.0))
        began = loop.time()
        with pytest.raises(LinkTimeout):
            await ball.set_level(1)
        assert loop.time() - began < (ATTEMPTS + 1) * OPERATION_SECONDS
        await until(lambda: ball.is_connected and not ball.is_restoring, 3 * LATE)
        await ball.set_level(2)
        await until(lambda: sim.level == 2)
    assert sim.level == 0


async def test_an_answer_that_refuses_carries_its_code(stage: Stage) -> None:
    sim = await stage.bring(SimulatedBall("button-ball"))
    async with unknot.connect(simulate=stage.simulate) as ball:
        sim.interfere(Fault(FaultKind.WRITE_REFUSED, code=0x80, count=ATTEMPTS))
        with pytest.raises(AttError) as caught:
            await ball.set_level(1)
        assert caught.value.code == 0x80
        await ball.set_level(1)
        assert sim.level == 1
    assert sim.level == 0


async def test_what_a_ball_reports_arrives_and_its_button_wins(stage: Stage, short_muscle: str) -> None:
    sim = await stage.bring(SimulatedBall("button-ball"))
    async with unknot.connect(simulate=stage.simulate) as ball, unknot.play(short_muscle, on=ball) as session:
        await until(lambda: sim.level > 0)
        while sim.level:
            sim.press_button()
        await until(lambda: session.state is State.PAUSED)
        assert ball.level == 0
        session.stop()
        await session.wait()
    assert sim.level == 0


async def test_a_handle_that_the_system_has_forgotten_is_found_again(stage: Stage) -> None:
    sim = await stage.bring(SimulatedBall())
    async with unknot.connect(simulate=stage.simulate) as ball:
        await ball.set_level(3)
        await stage.forget(sim)
        await until(lambda: ball.is_restoring)
        await until(lambda: ball.is_connected and not ball.is_restoring, 3 * LATE)
        await ball.set_level(4)
        await until(lambda: sim.level == 4)
    assert sim.level == 0


async def test_a_ball_that_comes_back_under_another_address_is_stopped(stage: Stage) -> None:
    sim = await stage.bring(SimulatedBall("button-ball"))
    async with unknot.connect(simulate=stage.simulate) as ball:
        await ball.set_level(2)
        before = sim.address
        sim.change_address()
        await until(lambda: sim.level == 0, 3 * LATE)
        assert sim.address != before
    assert levels(sim) == [2, 0]


async def test_an_adapter_that_is_switched_off_is_told_and_waited_for(stage: Stage) -> None:
    sim = await stage.bring(SimulatedBall("button-ball"))
    async with unknot.connect(simulate=stage.simulate) as ball:
        await ball.set_level(2)
        await stage.power_off()
        await until(lambda: ball.is_restoring)
        with pytest.raises(BluetoothUnavailable, match="switched off"):
            await unknot.scan(simulate=stage.simulate, seconds=SCAN)
        await stage.power_on()
        await until(lambda: sim.level == 0, 3 * LATE)
    assert levels(sim) == [2, 0]


async def test_two_firmwares_are_told_apart_by_what_they_say_after_connecting(stage: Stage) -> None:
    for profile in ("pavlok-2", "vibmotor-3"):
        sim = await stage.bring(SimulatedBall(profile))
        async with unknot.connect(sim.address, simulate=stage.simulate) as ball:
            assert ball.profile.id == profile


async def test_three_balls_at_once_each_with_its_own_session(stage: Stage, short_muscle: str) -> None:
    sims = [await stage.bring(SimulatedBall(profile)) for profile in ("open-ball", "button-ball", "vibmotor-3")]

    async def play(sim: SimulatedBall) -> str:
        async with (
            unknot.connect(sim.address, simulate=stage.simulate) as ball,
            unknot.play(short_muscle, on=ball) as session,
        ):
            await until(lambda: sim.level > 0, LATE)
            return str((await session.wait()).reason)

    assert await asyncio.gather(*map(play, sims)) == ["completed"] * 3
    assert [sim.level for sim in sims] == [0, 0, 0]


async def test_stop_all_stops_what_runs(stage: Stage) -> None:
    sims = [await stage.bring(SimulatedBall(profile)) for profile in ("open-ball", "button-ball")]
    for sim in sims:
        sim.press_button()
    outcomes = await unknot.stop_all(simulate=stage.simulate, seconds=SCAN)
    assert {found.address for found, _ in outcomes} == {sim.address for sim in sims}
    assert {outcome for _, outcome in outcomes} == {StopOutcome.CONFIRMED}
    assert [sim.level for sim in sims] == [0, 0]


async def test_free_vibration_ends_by_itself(stage: Stage) -> None:
    sim = await stage.bring(SimulatedBall())
    async with unknot.connect(simulate=stage.simulate) as ball, free_session(20, 2, on=ball) as session:
        assert (await session.wait()).reason == "completed"
    assert max(levels(sim)) == 20
    assert sim.level == 0


async def test_a_ball_that_refuses_connections_for_a_while_is_reached_in_the_end(stage: Stage) -> None:
    sim = await stage.bring(SimulatedBall("button-ball"))
    async with unknot.connect(simulate=stage.simulate) as ball:
        await ball.set_level(1)
        sim.interfere(Fault(FaultKind.CONNECTING_FAILS, count=2))
        sim.drop_link()
        await until(lambda: sim.level == 0, 3 * LATE)
    assert levels(sim) == [1, 0]


async def test_a_scan_of_nothing_is_empty(stage: Stage) -> None:
    assert await unknot.scan(simulate=stage.simulate, seconds=1.0) == ()
    with pytest.raises(LinkError):
        async with unknot.connect(simulate=stage.simulate, seconds=1.0):
            pytest.fail("there is no ball")
