"""What a stop, a lost link and somebody else's wish do to each other when they meet."""

import asyncio
from contextlib import suppress

import pytest

import unknot
from unknot import events
from unknot.clock import VirtualTimeLoop
from unknot.errors import LinkError, NotStopped, UsageError
from unknot.events import StopOutcome
from unknot.protocols import limits
from unknot.session.player import State
from unknot.simulator import Air, SimulatedBall, SimulatedClient
from unknot.simulator.faults import Fault, FaultKind

THREE_LOST = Fault(FaultKind.WRITE_LOST, count=3)
"""As many writes as a stop has attempts."""

ACKNOWLEDGING = ["button-ball", "open-ball", "theragun-4"]


@pytest.mark.parametrize("profile", ACKNOWLEDGING)
async def test_a_resume_that_meets_a_stop_on_a_lost_link_starts_nothing(profile: str) -> None:
    sim = SimulatedBall(profile)
    async with unknot.connect(simulate=Air(sim)) as ball, unknot.play("calf", on=ball) as session:
        await asyncio.sleep(30)
        sim.interfere(THREE_LOST)
        session.pause()
        await asyncio.sleep(1)
        session.resume()
        await asyncio.sleep(200)
        assert session.state is State.PAUSED
        assert sim.level == 0


@pytest.mark.parametrize("profile", ACKNOWLEDGING)
async def test_a_session_whose_ball_had_to_be_reached_anew_begins_on_the_new_link(profile: str) -> None:
    sim = SimulatedBall(profile)
    async with unknot.connect(simulate=Air(sim)) as ball:
        await ball.set_level(1)
        sim.interfere(THREE_LOST)
        async with unknot.play("calf", on=ball) as session:
            await asyncio.sleep(10)
            assert session.state is State.RUNNING
            assert sim.level == session.level > 0


@pytest.mark.parametrize("profile", ["vibmotor-3", "button-ball"])
async def test_whoever_still_sets_levels_when_the_ball_is_left_is_refused(profile: str) -> None:
    sim = SimulatedBall(profile, latency=0.05)

    async def pulse(ball: unknot.Ball) -> None:
        while True:
            with suppress(LinkError):
                await ball.set_level(2)
            await asyncio.sleep(0.01)

    async with unknot.connect(simulate=Air(sim)) as ball:
        task = asyncio.create_task(pulse(ball))
        await asyncio.sleep(3)
        assert sim.level
    await asyncio.sleep(60)
    task.cancel()
    assert sim.level == 0


async def test_a_stop_that_is_cancelled_is_still_carried_through() -> None:
    sim = SimulatedBall("theragun-4")
    async with unknot.connect(simulate=Air(sim)) as ball:
        await ball.set_level(3)
        sim.interfere(THREE_LOST)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ball.stop(), 2)
        await asyncio.sleep(10)
        assert sim.level == 0


async def test_a_namesake_confirms_nothing(air: Air) -> None:
    lost = air.add(SimulatedBall("button-ball"))
    async with unknot.connect(simulate=air) as ball:
        air.add(SimulatedBall("button-ball"))
        await ball.set_level(3)
        lost.drop_link(away=100)
        assert await ball.stop() is StopOutcome.SENT


@pytest.mark.parametrize("fault", [Fault(FaultKind.CONNECTING_FAILS, count=1), THREE_LOST])
async def test_stopping_every_ball_is_as_patient_as_any_stop(fault: Fault) -> None:
    sim = SimulatedBall("button-ball")
    sim.firmware.motor.drive(3, asyncio.get_running_loop().time())
    sim.interfere(fault)
    ((_, outcome),) = await unknot.stop_all(simulate=Air(sim))
    assert outcome is StopOutcome.CONFIRMED
    assert sim.level == 0


def test_a_listener_that_ends_the_program_at_the_moment_of_the_loss_leaves_no_motor_on() -> None:
    sim, once = SimulatedBall("button-ball"), [True]

    def listener(event: events.Event) -> None:
        if isinstance(event, events.LinkDropped) and once:
            once.clear()
            raise SystemExit(1)

    async def script() -> None:
        async with unknot.connect(simulate=Air(sim)) as ball, unknot.play("calf", on=ball) as session:
            session.listen(listener)
            asyncio.get_running_loop().call_later(30, sim.drop_link)
            await session.wait()

    with pytest.raises(SystemExit), asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(script())
    assert sim.level == 0


async def test_a_fault_of_the_library_while_connecting_is_one_failed_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    sim, connect, failing = SimulatedBall("vibmotor-3"), SimulatedClient.connect, [True]

    async def fail_once(client: SimulatedClient, pair: bool, **options: object) -> None:
        if failing and failing.pop():
            raise KeyError("dev_C0")
        await connect(client, pair, **options)

    async with unknot.connect(simulate=Air(sim)) as ball, unknot.play("calf", on=ball) as session:
        await asyncio.sleep(30)
        monkeypatch.setattr(SimulatedClient, "connect", fail_once)
        sim.drop_link()
        await asyncio.sleep(10)
        assert session.state is State.PAUSED
        assert sim.level == 0


async def test_nobody_sets_levels_beside_a_session() -> None:
    sim = SimulatedBall("button-ball")
    async with unknot.connect(simulate=Air(sim)) as ball, unknot.play("calf", on=ball) as session:
        await asyncio.sleep(30)
        session.pause()
        await asyncio.sleep(1)
        with pytest.raises(UsageError, match="a session plays on"):
            await ball.set_level(4)
        assert sim.level == 0


async def test_a_level_that_is_refused_does_not_begin_the_time_of_the_next() -> None:
    sim = SimulatedBall("button-ball")
    async with unknot.connect(simulate=Air(sim)) as ball:
        with pytest.raises(unknot.UnknotError):
            await ball.set_level(9)
        await asyncio.sleep(limits.FREE.value - 2)
        await ball.set_level(1)
        await asyncio.sleep(10)
        assert sim.level == 1


async def test_a_stop_by_somebody_else_is_heard_while_the_session_stops_by_itself() -> None:
    sim = SimulatedBall("button-ball", latency=0.2)
    async with unknot.connect(simulate=Air(sim)) as ball, unknot.play("calf", on=ball) as session:
        await asyncio.sleep(55.1)  # the stop at the end of the first spot is under way
        await ball.stop()
        await asyncio.sleep(60)
        assert session.state is State.PAUSED
        assert sim.level == 0


async def test_an_off_that_was_heard_before_the_stop_confirms_nothing() -> None:
    sim = SimulatedBall("button-ball")
    async with unknot.connect(simulate=Air(sim)) as ball:
        await ball.set_level(4)
        await asyncio.sleep(5)
        sim.interfere(Fault(FaultKind.WRITE_LATE, seconds=0.5, count=1))
        sim.interfere(Fault(FaultKind.WRITE_LOST, count=1))
        level = asyncio.create_task(ball.set_level(2))
        await asyncio.sleep(0.05)
        stop = asyncio.create_task(ball.stop())
        await asyncio.sleep(0.05)
        sim.press_button()  # off; then our late 2 arrives
        assert await stop is StopOutcome.CONFIRMED
        assert sim.level == 0
        await level


async def test_that_the_motor_may_run_is_said_to_whoever_cancels_too(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball"))

    async def script() -> None:
        async with unknot.connect(simulate=air) as ball:
            await ball.set_level(2)
            air.remove(sim)

    task = asyncio.create_task(script())
    await asyncio.sleep(5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as cancelled:
        await task
    assert "press the ball's own button" in cancelled.value.__notes__[0]


async def test_after_giving_up_the_next_session_is_told_of_a_loss(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    with pytest.raises(NotStopped):
        async with unknot.connect(simulate=air) as ball:
            async with unknot.play("calf", on=ball) as session:
                session.give_up()
            async with unknot.play("calf", on=ball) as session:
                await asyncio.sleep(5)
                sim.drop_link()
                assert (await session.wait()).reason == "failed"


async def test_a_session_in_its_last_stretch_needs_no_ball(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball) as session:
        await asyncio.sleep(session.timeline.seconds - 70)
        assert sim.level == 0
        air.remove(sim)  # switched off by the person
        ended = await session.wait()
    assert (ended.reason, ended.stop) == ("completed", StopOutcome.CONFIRMED)
