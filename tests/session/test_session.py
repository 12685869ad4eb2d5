import asyncio
from datetime import datetime
from pathlib import Path

import pytest

import unknot
from tests.meddling import refuse, written
from tests.profiles.shipped import DRIVEN, TYPICAL
from tests.stack.muscle import SHORT, step
from tests.stack.stage import until
from unknot.api import free_session
from unknot.clock import VirtualTimeLoop
from unknot.device.ball import RESTORE_SECONDS
from unknot.errors import LimitExceeded, LinkLost, NotStopped, Stalled, UsageError
from unknot.events import Event, StopOutcome
from unknot.profiles.codec import Codec
from unknot.profiles.speech import Line, Stop
from unknot.protocols import library as protocols
from unknot.protocols import limits
from unknot.protocols.timeline import Side, compile_protocol
from unknot.protocols.writes import planned_writes
from unknot.session.ledger import Ledger
from unknot.session.player import State
from unknot.simulator import Air, SimulatedBall


def one_hold(folder: Path) -> str:
    """A protocol with one level: when it has been asked for, none is left that will be."""
    file = folder / "hold.toml"
    file.write_text(SHORT + step("settle", "2s", 20) + step("hold", "2s", 20) + step("stretch", "2s"))
    return str(file)


def names(events: list[Event]) -> list[str]:
    return [event.name for event in events if event.name not in ("report", "level")]


@pytest.mark.parametrize("side", [Side.ANY, Side.BOTH])
@pytest.mark.parametrize("profile", TYPICAL)
@pytest.mark.parametrize("muscle", sorted(protocols.files()))
async def test_the_motor_trace_is_the_compiled_timeline(muscle: str, profile: str, side: Side) -> None:
    sim = SimulatedBall(profile)
    timeline = compile_protocol(protocols.load(muscle), sim.profile, side=side)
    async with unknot.connect(simulate=Air(sim)) as ball, unknot.play(muscle, on=ball, side=side) as session:
        began = asyncio.get_running_loop().time()
        ended = await session.wait()
    assert sim.trace.since(began) == tuple((cue.at, cue.level) for cue in timeline.cues)
    assert ended.reason == "completed"
    assert ended.motor_seconds == pytest.approx(timeline.motor_seconds)
    assert ended.motor_seconds == pytest.approx(sim.trace.seconds_on())


@pytest.mark.parametrize("profile", DRIVEN)
async def test_show_lists_the_very_writes_that_a_session_makes(profile: str) -> None:
    sim = SimulatedBall(profile)
    codec = Codec(sim.profile)
    timeline = compile_protocol(protocols.load("calf"), sim.profile)
    async with unknot.connect(sim.name, profile=profile, simulate=Air(sim)) as ball:
        with written(sim) as received:
            async with unknot.play("calf", on=ball) as session:
                began = asyncio.get_running_loop().time()
                await session.wait()
    kept = {write.data for number in range(len(sim.profile.keep_alive))
            for write in codec.line(Line("keep_alive", number), {})}  # fmt: skip
    commands = [write for write in received if write[1] not in kept]
    planned = planned_writes(timeline, sim.profile)
    assert [data for _, data in commands] == [one.write.data for one in planned]
    if not sim.profile.safety.spacing:  # which, with answers, makes a write wait
        assert [round(at - began, 3) for at, _ in commands] == [one.at for one in planned]


@pytest.mark.parametrize("latency", [0.0, 0.02, 0.2])
async def test_lateness_never_adds_up(latency: float) -> None:
    sim = SimulatedBall("button-ball", latency=latency)
    async with unknot.connect(simulate=Air(sim)) as ball, unknot.play("calf", on=ball, side="both") as session:
        late = [event.at - event.due async for event in session if isinstance(event, unknot.events.LevelChanged)]
    assert late == pytest.approx([2 * latency] * len(late))


async def test_events_tell_the_whole_story_in_order(air: Air, simulated_ball: SimulatedBall) -> None:
    async with unknot.connect(simulate=air) as ball, unknot.play("piriformis", on=ball) as session:
        events = [event async for event in session]
    assert names(events) == ["started", *["step"] * 9, "ended"]
    assert [event.at for event in events] == sorted(event.at for event in events)


async def test_pause_stops_the_motor_and_resume_goes_on_easing_in(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball) as session:
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(30)
        session.pause()
        session.pause()
        await asyncio.sleep(100)
        assert session.state is State.PAUSED
        assert session.position == 30
        session.resume()
        session.resume()
        ended = await session.wait()
    assert sim.trace.since(began)[:6] == ((0, 1), (7.5, 2), (30, 0), (130, 1), (132.5, 2), (155, 0))
    assert ended.at == pytest.approx(350)
    assert ended.motor_seconds == pytest.approx(110)


async def test_another_intensity_is_taken_on_while_it_plays(air: Air, simulated_ball: SimulatedBall) -> None:
    async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball) as session:
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(30)
        session.adjust(unknot.timeline("calf", ball.profile, intensity=20))
        await asyncio.sleep(10)
        session.adjust(unknot.timeline("calf", ball.profile, intensity=22))
        for other in (
            unknot.timeline("calf", ball.profile, side="left"),
            unknot.timeline("calf", ball.profile, intensity=0),
            unknot.timeline("piriformis", ball.profile),
        ):
            with pytest.raises(UsageError, match="its own protocol"):
                session.adjust(other)
        await session.wait()
    after = [point for point in simulated_ball.trace.since(began) if point[0] >= 30]
    assert after[:4] == [(30, 20), (40.1, 21), (40.2, 22), (55, 0)]
    assert max(level for _, level in after) == 22


async def test_a_button_that_is_pressed_to_off_before_the_first_write_is_answered_pauses() -> None:
    sim = SimulatedBall("button-ball", connection_interval=0.03)
    async with unknot.connect(simulate=Air(sim)) as ball, unknot.play("calf", on=ball) as session:
        await until(lambda: sim.level > 0)
        while sim.level:
            sim.press_button()
        await asyncio.sleep(30)
        assert session.state is State.PAUSED
        assert sim.level == 0


@pytest.mark.parametrize("profile", ["open-ball", "button-ball", "theragun-4"])
async def test_a_button_that_chose_a_level_and_switches_it_off_later_pauses(profile: str) -> None:
    sim = SimulatedBall(profile)
    async with (
        unknot.connect(sim.name, profile=profile, simulate=Air(sim)) as ball,
        unknot.play("calf", on=ball) as session,
    ):
        await asyncio.sleep(20)
        sim.press_button()
        assert sim.level
        await asyncio.sleep(5)  # longer than any lease
        while sim.level:
            sim.press_button()
        await asyncio.sleep(10)
        assert (session.state, sim.level) == (State.PAUSED, 0)


async def test_a_link_that_is_lost_in_the_turn_in_which_a_session_is_entered_is_eased_in_after(air: Air) -> None:
    sim = air.add(SimulatedBall())
    async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball, on_link_restored="resume") as session:
        sim.drop_link(away=4)
        await asyncio.sleep(9)
        session.stop()
        told = names([event async for event in session])
    assert told[:3] == ["link_dropped", "started", "link_restored"]
    steps = [level for _, level in sim.trace.points if level]
    assert steps == list(range(1, len(steps) + 1))


async def test_a_link_that_is_lost_before_the_first_level_is_answered_is_waited_for(tmp_path: Path) -> None:
    sim = SimulatedBall("button-ball", connection_interval=0.03)
    async with (
        unknot.connect(simulate=Air(sim)) as ball,
        unknot.play(one_hold(tmp_path), on=ball, on_link_restored="resume") as session,
    ):
        await until(lambda: sim.level > 0)
        sim.drop_link(away=2)
        assert sim.level == 1
        ended = await session.wait()
    assert ended.reason == "completed"
    assert [level for _, level in sim.trace.points] == [1, 0, 1, 0]
    assert ended.motor_seconds >= sim.trace.seconds_on() - 0.1


async def test_skip_goes_to_the_next_step_and_after_the_last_one_it_is_complete(air: Air) -> None:
    air.add(SimulatedBall("button-ball"))
    async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball) as session:
        steps = len(session.timeline.spans)
        for _ in range(steps):
            await asyncio.sleep(1)
            session.skip()
        ended = await session.wait()
    assert ended.reason == "completed"
    assert ended.at == pytest.approx(steps)


@pytest.mark.parametrize("profile", TYPICAL)
async def test_stop_ends_it_at_once(profile: str) -> None:
    sim = SimulatedBall(profile)
    async with unknot.connect(simulate=Air(sim)) as ball, unknot.play("calf", on=ball) as session:
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(20)
        session.stop()
        ended = await session.wait()
        assert sim.level == 0
    assert ended.reason == "stopped"
    assert ended.motor_seconds == pytest.approx(20)
    assert sim.trace.since(began)[-1] == (20, 0)


async def test_break_out_of_the_events_stops(air: Air, simulated_ball: SimulatedBall) -> None:
    async with unknot.connect(simulate=air) as ball:
        async with unknot.play("calf", on=ball) as session:
            async for event in session:
                if event.at > 20:
                    break
        assert simulated_ball.level == 0
        assert session.ended is not None
        assert session.ended.reason == "stopped"


async def test_an_exception_in_the_script_stops_and_passes(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    with pytest.raises(ZeroDivisionError):
        async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball):
            await asyncio.sleep(20)
            raise ZeroDivisionError
    assert sim.level == 0


async def test_cancellation_stops(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball", latency=0.3))
    task = asyncio.create_task(unknot.run("calf", simulate=air))
    await asyncio.sleep(30)
    assert sim.level == 2
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sim.level == 0


def test_the_end_of_the_loop_stops() -> None:
    sim = SimulatedBall("button-ball")

    kept: list[object] = []

    async def script() -> None:
        connection = unknot.connect(simulate=Air(sim))
        session = unknot.play("calf", on=await connection.__aenter__())
        await session.__aenter__()
        kept.extend((connection, session))
        await asyncio.sleep(20)  # and leave everything as it is

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(script())
        assert sim.level == 2
    assert sim.level == 0


async def test_a_listener_that_fails_stops_the_motor_and_ends_the_session(
    air: Air, simulated_ball: SimulatedBall, caplog: pytest.LogCaptureFixture
) -> None:
    def listener(event: Event) -> None:
        if isinstance(event, unknot.events.LevelChanged) and event.level == 5:
            raise ZeroDivisionError("no")

    with pytest.raises(ZeroDivisionError, match="no"):
        async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball) as session:
            session.listen(listener)
            ended = await session.wait()
            assert (ended.reason, ended.stop) == ("failed", "confirmed")
            assert "a listener failed" in ended.detail
    assert simulated_ball.trace.highest <= 6
    assert simulated_ball.level == 0


async def test_what_a_listener_does_comes_after_the_stop(air: Air, simulated_ball: SimulatedBall) -> None:
    heard: list[tuple[str, int]] = []
    async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball) as session:
        session.listen(lambda event: heard.append((event.name, simulated_ball.level)))
        await asyncio.sleep(20)
        session.pause()
        await asyncio.sleep(1)
        session.stop()
    assert ("paused", 0) in heard
    assert heard[-1] == ("ended", 0)


POLICIES = {"pause": State.PAUSED, "resume": State.RUNNING}


@pytest.mark.parametrize("profile", TYPICAL)
@pytest.mark.parametrize("policy", POLICIES)
async def test_a_lost_link_is_restored_and_its_first_write_is_a_stop(profile: str, policy: str) -> None:
    sim = SimulatedBall(profile)
    async with (
        unknot.connect(simulate=Air(sim)) as ball,
        unknot.play("calf", on=ball, on_link_restored=policy) as session,
    ):
        await asyncio.sleep(20)
        before = sim.level
        assert before
        with written(sim) as writes:
            sim.drop_link()
            await asyncio.sleep(5)
        assert writes[0][1] == Codec(sim.profile).encode(Stop(writes[0][1][1]))[0].data
        assert session.state is POLICIES[policy]
        if policy == "resume":
            await asyncio.sleep(15)
            assert sim.level == before
        else:
            assert sim.level == 0
        session.stop()
        told = [event async for event in session]
    assert [event.name for event in told if event.name.startswith("link")] == ["link_dropped", "link_restored"]
    assert sim.level == 0


async def test_a_session_that_is_to_end_when_the_link_goes_ends_with_the_motor_off(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    with pytest.raises(LinkLost):
        async with (
            unknot.connect(simulate=air) as ball,
            unknot.play("calf", on=ball, on_link_restored="end") as session,
        ):
            await asyncio.sleep(20)
            sim.drop_link()
            ended = await session.wait()
            assert (ended.reason, ended.stop) == ("failed", StopOutcome.CONFIRMED)
            assert "the link to" in ended.detail
    assert sim.level == 0


async def test_a_link_that_does_not_come_back_fails_the_session_and_leaves_the_stop_unknown(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    loop = asyncio.get_running_loop()
    with pytest.raises(NotStopped, match="was not heard"):
        async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball) as session:
            await asyncio.sleep(20)
            air.remove(sim)
            gone = loop.time()
            ended = await session.wait()
            assert (ended.reason, ended.stop) == ("failed", StopOutcome.UNKNOWN)
    assert loop.time() - gone == pytest.approx(RESTORE_SECONDS, abs=2)


async def test_nothing_begins_while_the_link_is_away(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    async with unknot.connect(simulate=air) as ball:
        air.remove(sim)
        with pytest.raises(LinkLost, match="is being restored"):
            await unknot.play("calf", on=ball).__aenter__()
        with pytest.raises(LinkLost, match="is being restored"):
            await ball.vibrate(20, seconds=5)
        air.add(sim)
        await asyncio.sleep(30)
        assert sim.trace.points == ()
        await ball.vibrate(20, seconds=5)
    assert sim.trace.seconds_on() == 5


async def test_an_end_while_the_link_is_away_stops_the_ball_as_soon_as_it_is_back(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball) as session:
        await asyncio.sleep(20)
        air.remove(sim)
        session.stop()
        await asyncio.sleep(12)
        assert sim.level == 2
        air.add(sim)
        ended = await session.wait()
        assert (ended.reason, ended.stop) == ("stopped", StopOutcome.CONFIRMED)
    assert sim.level == 0


async def test_who_gives_up_does_not_wait_for_the_link(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    loop = asyncio.get_running_loop()
    with pytest.raises(NotStopped):
        async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball) as session:
            await asyncio.sleep(20)
            air.remove(sim)
            session.stop()
            await asyncio.sleep(1)
            gave_up = loop.time()
            session.give_up()
            assert (await session.wait()).stop is StopOutcome.UNKNOWN
    assert loop.time() - gave_up < 0.1


async def test_a_ball_that_does_not_answer_is_left_reached_anew_and_stopped() -> None:
    sim = SimulatedBall("button-ball")
    async with unknot.connect(simulate=Air(sim)) as ball, unknot.play("calf", on=ball) as session:
        await asyncio.sleep(20)
        sim.latency = 3600
        session.pause()
        await asyncio.sleep(3.5)
        sim.latency = 0
        await asyncio.sleep(5)
        assert sim.level == 0
        assert session.state is State.PAUSED
        session.stop()


async def test_a_ball_that_refuses_a_level_fails_the_session_with_the_motor_off(
    air: Air, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    refuse(monkeypatch, sim, lambda data: data == b"\xa5\x02\xa7", 0x13)
    with pytest.raises(unknot.UnknotError, match="the ball refused"):
        async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball) as session:
            ended = await session.wait()
            assert (ended.reason, ended.stop, ended.motor_seconds) == ("failed", "confirmed", 7.5)
    assert sim.level == 0


async def test_a_stop_that_cannot_be_written_within_the_protocol_ends_it(
    air: Air, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    refuse(monkeypatch, sim, lambda data: data == b"\xa5\x00\xa5")
    with pytest.raises(NotStopped):
        async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball) as session:
            ended = await session.wait()
            assert (ended.reason, ended.stop) == ("failed", "unknown")
            assert ended.at == pytest.approx(55 + RESTORE_SECONDS, abs=6)


async def test_the_button_is_adopted_until_the_motor_has_been_off(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball) as session:
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(5)
        sim.press_button()  # 1 to 2, before the protocol would
        await asyncio.sleep(10)
        sim.press_button()  # 2 to 3
        events = [event async for event in session]
    assert sim.trace.since(began) == ((0, 1), (5, 2), (15, 3), (55, 0), (70, 1), (77.5, 2), (125, 0))
    assert [event.level for event in events if isinstance(event, unknot.events.LevelAdopted)] == [2, 3]


async def test_the_button_that_switches_off_pauses(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball) as session:
        await asyncio.sleep(30)
        for _ in range(3):
            sim.press_button()
            await asyncio.sleep(0.1)
        assert session.state is State.PAUSED
        await asyncio.sleep(600)
        assert sim.level == 0
        session.stop()


async def test_a_guided_session_without_motor(air: Air, simulated_ball: SimulatedBall) -> None:
    async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball, intensity=0) as session:
        ended = await session.wait()
    assert simulated_ball.trace.points == ()
    assert (ended.reason, ended.motor_seconds, ended.stop) == ("completed", 0, "confirmed")


async def test_free_vibration_as_a_session(air: Air, simulated_ball: SimulatedBall) -> None:
    async with unknot.connect(simulate=air) as ball, free_session(30, 10, on=ball) as session:
        ended = await session.wait()
    assert ended.motor_seconds == 10
    assert simulated_ball.trace.highest == 30


async def test_a_session_is_played_once(air: Air, simulated_ball: SimulatedBall) -> None:
    async with unknot.connect(simulate=air) as ball:
        async with unknot.play("calf", on=ball) as session:
            session.stop()
        with pytest.raises(UsageError):
            await session.__aenter__()
        assert [event async for event in session][-1].name == "ended"
        assert [event async for event in session] == []


async def test_reports_of_the_ball_are_told(air: Air) -> None:
    sim = air.add(SimulatedBall("theragun-4"))
    async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball) as session:
        reports = [event.values async for event in session if isinstance(event, unknot.events.Reported)]
    assert reports == [{"running": 1}, {"running": 0}] * 2
    assert sim.level == 0


def test_a_second_interruption_does_not_cut_a_stop_short() -> None:
    sim = SimulatedBall("button-ball", latency=0.2)

    async def script() -> None:
        async with unknot.connect(simulate=Air(sim)) as ball:
            await ball.set_level(2)
            await asyncio.sleep(60)

    async def interrupted_twice() -> None:
        task = asyncio.create_task(script())
        await asyncio.sleep(20)
        task.cancel()
        await asyncio.sleep(0.05)  # the stop is on its way
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(interrupted_twice())
    assert sim.trace.highest == 2
    assert sim.level == 0
    assert not sim.is_connected


async def test_a_stop_of_the_ball_pauses_the_session(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball) as session:
        await asyncio.sleep(5)
        await ball.stop()
        await asyncio.sleep(100)
        assert session.state is State.PAUSED
        assert sim.level == session.level == 0
        session.resume()
        ended = await session.wait()
    assert ended.motor_seconds == pytest.approx(110)


async def test_a_session_begins_with_the_motor_off(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    async with unknot.connect(simulate=air) as ball:
        await ball.set_level(4)
        await asyncio.sleep(100)
        async with unknot.play("calf", on=ball, intensity=0) as session:
            await asyncio.sleep(1)
            assert sim.level == 0
            session.stop()
        await ball.set_level(1)
        await asyncio.sleep(100)
        async with unknot.play("calf", on=ball) as session:
            events = [event async for event in session]
    assert [event.at for event in events if event.at < 0] == []
    assert session.ended is not None
    assert session.ended.motor_seconds == pytest.approx(110)


async def test_a_session_that_is_left_at_once_never_starts_the_motor(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball", latency=0.3))
    async with unknot.connect(simulate=air) as ball:
        async with unknot.play("calf", on=ball) as session:
            session.stop()
        assert [event.name async for event in session] == ["ended"]
    assert sim.trace.points == ()


async def test_a_session_that_was_never_entered_cannot_be_waited_for(air: Air, simulated_ball: SimulatedBall) -> None:
    async with unknot.connect(simulate=air) as ball:
        with pytest.raises(UsageError, match="nothing to wait for"):
            await unknot.play("calf", on=ball).wait()


@pytest.mark.parametrize("asked", [number / 20 for number in range(20, 140)])
async def test_whenever_a_pause_is_asked_for_the_motor_stays_off(asked: float) -> None:
    sim = SimulatedBall(connection_interval=0.03, latency=0.011)
    async with unknot.connect(simulate=Air(sim)) as ball, unknot.play("calf", on=ball) as session:
        await asyncio.sleep(10 + asked)
        session.pause()
        await asyncio.sleep(0.5)
        assert sim.level == 0
        await asyncio.sleep(20)
        assert sim.level == session.level == 0
        ran = sim.trace.seconds_on()
        session.stop()
        ended = await session.wait()
    assert ended.motor_seconds == pytest.approx(ran, abs=0.1)


def stall(seconds: float) -> None:
    """Hold up the whole program, as a sleeping machine does: virtual time goes on, and nothing else."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    loop._clock.reach(loop.time() + seconds)


@pytest.mark.parametrize("profile", TYPICAL)
@pytest.mark.parametrize("when", [1, 20, 60, 71])
async def test_when_the_program_was_held_up_the_motor_is_stopped_before_anything_else(
    profile: str, when: float
) -> None:
    sim = SimulatedBall(profile)
    with pytest.raises(Stalled, match=r"held up for 7\.5"):
        async with unknot.connect(simulate=Air(sim)) as ball, unknot.play("calf", on=ball) as session:
            await asyncio.sleep(when)
            with written(sim) as writes:
                stall(8)
                ended = await session.wait()
            assert ended.reason == "failed"
            reader = Codec(sim.profile).reader()
            commands = [reader.feed(write.role, write[1]) for write in writes]
            assert {type(command) for command in commands} - {Line} == {Stop}
    assert sim.level == 0


async def test_less_than_a_second_is_no_stall(air: Air, simulated_ball: SimulatedBall) -> None:
    async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball) as session:
        for _ in range(20):
            await asyncio.sleep(1)
            stall(limits.MISSED_TICK.value)
        session.stop()


async def test_a_session_does_not_begin_on_a_ball_that_cannot_be_stopped(
    air: Air, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    refuse(monkeypatch, sim, lambda data: data == b"\xa5\x00\xa5")
    with pytest.raises(NotStopped):
        async with unknot.connect(simulate=air) as ball:
            await ball.set_level(3)
            async with unknot.play("calf", on=ball) as session:
                events = [event async for event in session]
    assert [event.name for event in events] == ["link_dropped", "ended"]
    assert [level for _, level in sim.trace.points] == [3]


async def test_a_session_on_a_real_ball_is_recorded_and_held_to_the_day(
    air: Air, simulated_ball: SimulatedBall, tmp_path: Path
) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    now = datetime.now().astimezone()
    async with unknot.connect(simulate=air) as ball:
        ball.ledger = ledger  # as if somebody lay on it
        async with unknot.play("calf", on=ball) as session:
            assert ledger.day(now).motor_seconds == 110  # what is planned, should we be killed
            await asyncio.sleep(30)
            session.stop()
        assert ledger.day(now).motor_seconds == 30
        await ball.vibrate(30, seconds=10)
        assert ledger.day(now).motor_seconds == 40
        for _ in range(2):
            async with unknot.play("calf", on=ball) as session:
                await session.wait()
        with pytest.raises(LimitExceeded, match="in 24 hours"):
            unknot.play("calf", on=ball)


async def test_a_session_whose_motor_could_not_be_stopped_counts_as_planned(air: Air, tmp_path: Path) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    ledger = Ledger(tmp_path / "ledger.jsonl")
    with pytest.raises(NotStopped):
        async with unknot.connect(simulate=air) as ball:
            ball.ledger = ledger
            async with unknot.play("calf", on=ball) as session:
                await asyncio.sleep(10)
                air.remove(sim)
                await session.wait()
    assert ledger.day(datetime.now().astimezone()).motor_seconds == 110


async def test_simulated_balls_are_not_recorded(air: Air, simulated_ball: SimulatedBall) -> None:
    async with unknot.connect(simulate=air) as ball:
        assert ball.ledger is None
        async with unknot.play("calf", on=ball) as session:
            assert session.notes == ()
