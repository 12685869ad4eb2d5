import asyncio
import contextlib
from pathlib import Path

import pytest
from bleak.backends.device import BLEDevice

import unknot
from tests.device.ear import Ear
from tests.meddling import refuse, written
from tests.profiles.shipped import TYPICAL
from unknot.device.ball import Ball
from unknot.device.radio import Radio
from unknot.errors import (
    GattMismatch,
    LevelOutOfRange,
    LimitExceeded,
    LinkTimeout,
    NotStopped,
    UsageError,
)
from unknot.events import StopOutcome
from unknot.profiles import library
from unknot.profiles.model import FirmwareProfile
from unknot.profiles.writekind import WriteKind
from unknot.session.session import Session
from unknot.simulator import Air, SimulatedBall, SimulatedClient, SimulatedScanner
from unknot.simulator.backend import adapter_for
from unknot.simulator.firmware import Refusal


def writing(profile: str, kind: WriteKind) -> FirmwareProfile:
    """The profile of a ball that takes only that kind of write."""
    known = library.load(profile)
    gatt = {role: use.model_copy(update={"write": (kind,)}) if use.write else use for role, use in known.gatt.items()}
    return known.model_copy(update={"gatt": gatt})


def linked(sim: SimulatedBall) -> Ball:
    """A ball, not yet connected, for a simulated one that speaks a profile made up by the test."""
    air = Air(sim)
    radio = Radio(SimulatedClient, SimulatedScanner, adapter_for(air), {"air": air})
    return Ball(BLEDevice(sim.address, sim.name, None), sim.profile, radio, play=Session)


async def test_learns_what_the_ball_tells_on_connecting(air: Air, simulated_ball: SimulatedBall) -> None:
    async with unknot.connect(simulate=air) as ball:
        assert ball.battery == 100
        assert ball.told["firmware"] == "1.0.2"
        assert ball.name == "OpenBall"
        assert simulated_ball.is_connected


async def test_connecting_moves_no_motor(air: Air, simulated_ball: SimulatedBall) -> None:
    with written(simulated_ball) as writes:
        async with unknot.connect(simulate=air):
            await asyncio.sleep(60)
            assert writes == []
    assert simulated_ball.trace.points == ()


@pytest.mark.parametrize("profile", TYPICAL)
async def test_level_and_stop_reach_the_motor(profile: str) -> None:
    sim = SimulatedBall(profile)
    async with unknot.connect(simulate=Air(sim)) as ball:
        await ball.set_level(ball.levels)
        assert sim.level == ball.level == ball.levels
        await ball.stop()
        assert sim.level == ball.level == 0


@pytest.mark.parametrize(
    ("profile", "outcome"),
    [
        ("open-ball", StopOutcome.CONFIRMED),
        ("button-ball", StopOutcome.CONFIRMED),
        ("theragun-4", StopOutcome.CONFIRMED),
        ("vibmotor-3", StopOutcome.SENT),
    ],
)
async def test_a_stop_claims_what_the_dialect_can_know(profile: str, outcome: StopOutcome) -> None:
    async with unknot.connect(simulate=Air(SimulatedBall(profile))) as ball:
        await ball.set_level(1)
        assert await ball.stop() is outcome


@pytest.mark.parametrize("profile", TYPICAL)
@pytest.mark.parametrize("level", [-1, 101, 256, 65536])
async def test_a_level_out_of_range_never_reaches_the_wire(profile: str, level: int) -> None:
    sim = SimulatedBall(profile)
    async with unknot.connect(simulate=Air(sim)) as ball:
        with written(sim) as writes:
            with pytest.raises(LevelOutOfRange):
                await ball.set_level(level)
            assert writes == []


async def test_level_0_is_a_stop(air: Air, simulated_ball: SimulatedBall) -> None:
    async with unknot.connect(simulate=air) as ball:
        await ball.set_level(30)
        await ball.set_level(0)
        assert simulated_ball.level == 0


async def test_the_lease_is_renewed_at_half_of_it_and_only_while_the_motor_runs(
    air: Air, simulated_ball: SimulatedBall
) -> None:
    async with unknot.connect(simulate=air) as ball:
        with written(simulated_ball) as writes:
            await ball.set_level(30)
            began = writes[0][0]
            await asyncio.sleep(3.1)
            await ball.stop()
            await asyncio.sleep(60)
        assert [round(at - began, 3) for at, _ in writes] == [0, 0.75, 1.5, 2.25, 3.0, 3.1]
        assert simulated_ball.trace.since(began) == ((0, 30), (3.1, 0))


async def test_an_unrenewed_lease_stops_the_ball(air: Air, simulated_ball: SimulatedBall) -> None:
    async with unknot.connect(simulate=air) as ball:
        await ball.set_level(30)
        assert ball._keeper is not None
        ball._keeper.cancel()  # a controller that hangs
        await asyncio.sleep(10)
        assert simulated_ball.trace.seconds_on() == pytest.approx(1.5)


async def test_leaving_the_block_stops_the_motor(air: Air, simulated_ball: SimulatedBall) -> None:
    async with unknot.connect(simulate=air) as ball:
        await ball.set_level(30)
    assert simulated_ball.level == 0
    assert not simulated_ball.is_connected


async def test_an_exception_stops_the_motor_before_the_link_goes() -> None:
    sim = SimulatedBall("button-ball")  # keeps its level when the link goes
    with pytest.raises(ZeroDivisionError):
        async with unknot.connect(simulate=Air(sim)) as ball:
            await ball.set_level(2)
            raise ZeroDivisionError
    assert sim.level == 0


async def test_cancellation_cannot_cut_a_stop_short() -> None:
    sim = SimulatedBall("button-ball", latency=0.2)

    async def script() -> None:
        async with unknot.connect(simulate=Air(sim)) as ball:
            await ball.set_level(2)
            await asyncio.sleep(60)

    task = asyncio.create_task(script())
    await asyncio.sleep(10)
    assert sim.level == 2
    task.cancel()
    await asyncio.sleep(0.1)
    task.cancel()  # impatience, in the middle of the stop
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sim.level == 0


async def test_stop_is_the_next_write_whatever_waits(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball", latency=0.1))
    async with unknot.connect(simulate=air) as ball:
        with written(sim) as writes:
            first = asyncio.create_task(ball.set_level(1))
            await asyncio.sleep(0.01)  # the first one is on its way and cannot be overtaken
            waiting = [asyncio.create_task(ball.set_level(level)) for level in (2, 3, 4)]
            await asyncio.sleep(0)
            assert await ball.stop() is StopOutcome.CONFIRMED
            await asyncio.gather(first, *waiting)
        assert [data.hex(" ") for _, data in writes] == ["a5 01 a4", "a5 00 a5"]
        assert sim.level == 0


@pytest.mark.parametrize("asked", [step / 100 for step in range(105, 145)])
async def test_no_renewal_of_the_lease_slips_in_behind_a_stop(asked: float) -> None:
    sim = SimulatedBall(writing("open-ball", WriteKind.REQUEST), latency=0.1)
    async with linked(sim) as ball:
        await ball.set_level(30)  # to be renewed 1.5 s later
        await asyncio.sleep(asked - 0.04)
        changing = asyncio.create_task(ball.set_level(40))  # holds the link, so that the renewal would have to wait
        await asyncio.sleep(0.04)
        assert await ball.stop() is StopOutcome.CONFIRMED
        await changing
        await asyncio.sleep(10)
        assert sim.trace.points[-1][1] == 0
        assert [level for _, level in sim.trace.points].count(0) == 1


async def test_after_a_stop_that_failed_no_lease_is_renewed(air: Air, monkeypatch: pytest.MonkeyPatch) -> None:
    sim = air.add(SimulatedBall())
    refuse(monkeypatch, sim, lambda data: data[0] == 0)
    with pytest.raises(NotStopped):
        async with unknot.connect(simulate=air) as ball:
            await ball.set_level(30)
            await asyncio.sleep(5)
            assert await ball.stop() is StopOutcome.UNKNOWN
            await asyncio.sleep(10)
            assert sim.level == 0  # by its lease
            assert sim.trace.seconds_on() < 5 + 3.1


async def test_of_waiting_levels_only_the_newest_is_written(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball", latency=0.1))
    async with unknot.connect(simulate=air) as ball:
        with written(sim) as writes:
            await asyncio.gather(*(ball.set_level(level) for level in (1, 2, 3, 4)))
        # The first one was on its way before the others were asked for.
        assert [data.hex(" ") for _, data in writes] == ["a5 01 a4", "a5 04 a1"]


async def test_a_stop_is_repeated_until_it_is_acknowledged(air: Air, monkeypatch: pytest.MonkeyPatch) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    refusals = [True, True]
    refuse(monkeypatch, sim, lambda data: data == b"\xa5\x00\xa5" and bool(refusals) and refusals.pop())
    async with unknot.connect(simulate=air) as ball:
        await ball.set_level(2)
        assert await ball.stop() is StopOutcome.CONFIRMED
    assert refusals == []
    assert sim.level == 0


async def test_a_stop_that_never_succeeds_is_unknown_and_told(air: Air, monkeypatch: pytest.MonkeyPatch) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    refuse(monkeypatch, sim, lambda data: data == b"\xa5\x00\xa5")
    with pytest.raises(NotStopped, match="press the ball's own button"):
        async with unknot.connect(simulate=air) as ball:
            await ball.set_level(2)
            assert await ball.stop() is StopOutcome.UNKNOWN
            with pytest.raises(NotStopped):
                await ball.set_level(0)


async def test_the_balls_own_button_is_heard_and_not_fought(air: Air, simulated_ball: SimulatedBall) -> None:
    ear = Ear()
    async with unknot.connect(simulate=air) as ball:
        unlisten = ball.listen(ear)
        await ball.set_level(30)
        await asyncio.sleep(5)
        with written(simulated_ball) as writes:
            simulated_ball.press_button()
            await asyncio.sleep(50)
        assert ear.levels == [50]
        assert ball.level == simulated_ball.level == 50
        assert writes == []  # a level that the person chose is not ours to renew
        unlisten()
        simulated_ball.press_button()
        await asyncio.sleep(1)
        assert ear.levels == [50]


async def test_echoes_of_our_own_writes_are_not_taken_for_the_button(air: Air) -> None:
    air.add(SimulatedBall("button-ball", latency=0.3))
    ear = Ear()
    async with unknot.connect(simulate=air) as ball:
        ball.listen(ear)
        for level in (1, 2, 1, 3, 4):
            await ball.set_level(level)
        await ball.stop()
        await asyncio.sleep(5)
    assert ear.levels == []


async def test_a_stop_that_cannot_be_acknowledged_is_repeated_as_the_profile_says() -> None:
    sim = SimulatedBall("vibmotor-3")
    async with unknot.connect(simulate=Air(sim)) as ball:
        await ball.set_level(20)
        began = asyncio.get_running_loop().time()
        with written(sim) as writes:
            await ball.stop()
        assert [(round(at - began, 6), data.hex(" ")) for at, data in writes] == [
            (0, "00 00"),
            (0.1, "00 00"),
            (0.2, "00 00"),
        ]
        assert ball.level_since == began


@pytest.mark.parametrize(("reports", "outcome", "seconds"), [(True, "confirmed", 0.0), (False, "sent", 1.0)])
async def test_a_report_of_level_0_confirms_a_stop_that_was_only_sent(
    reports: bool, outcome: str, seconds: float
) -> None:
    sim = SimulatedBall(writing("button-ball", WriteKind.COMMAND))
    loop = asyncio.get_running_loop()
    async with linked(sim) as ball:
        await ball.set_level(3)
        await asyncio.sleep(1)
        if not reports:
            sim._subscribers.clear()
        began = loop.time()
        assert (await ball.stop()).value == outcome
        assert loop.time() - began == pytest.approx(seconds)
        assert sim.level == 0


async def test_a_ball_that_falls_silent_while_connecting_is_left(air: Air, simulated_ball: SimulatedBall) -> None:
    simulated_ball.latency = 5
    with pytest.raises(LinkTimeout):
        async with unknot.connect(simulate=air):
            pytest.fail("connected")
    assert not simulated_ball.is_connected


async def test_of_a_press_and_a_write_that_cross_the_one_that_arrives_last_is_believed(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball", latency=0.2))
    ear = Ear()
    async with unknot.connect(simulate=air) as ball:
        ball.listen(ear)
        await ball.set_level(1)
        await asyncio.sleep(1)
        writing = asyncio.create_task(ball.set_level(4))
        await asyncio.sleep(0.1)
        sim.press_button()  # 2, before the 4 arrives
        await writing
        await asyncio.sleep(1)
        assert ball.level == sim.level == 4
        assert ear.levels == [2, 4]


async def test_a_ball_of_fewer_steps_answers_with_the_level_it_has(
    air: Air, simulated_ball: SimulatedBall, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive = simulated_ball.firmware._drive
    monkeypatch.setattr(
        simulated_ball.firmware, "_drive", lambda level, now: drive(33 if 0 < level < 67 else level, now)
    )
    ear = Ear()
    async with unknot.connect(simulate=air) as ball:
        ball.listen(ear)
        with written(simulated_ball) as writes:
            await ball.set_level(50)
            await asyncio.sleep(10)
            assert len(writes) == 14  # its lease is renewed: 33 is what the ball makes of 50, not the person's choice
        assert ear.levels == []
        assert ball.told["level"] == 33


async def test_a_reported_level_that_cannot_be_is_not_adopted(air: Air, simulated_ball: SimulatedBall) -> None:
    ear = Ear()
    async with unknot.connect(simulate=air) as ball:
        ball.listen(ear)
        simulated_ball._subscribers["status"](bytes.fromhex("01 00 C8 00 00 19 00"))
        simulated_ball._subscribers["status"](b"garbage")
        assert ear.levels == []
        assert ball.level == 0


async def test_a_flood_of_levels_leaves_nothing_behind(air: Air, simulated_ball: SimulatedBall) -> None:
    async with unknot.connect(simulate=air) as ball:
        for number in range(2000):
            await ball.set_level(1 + number % 100)
            await asyncio.sleep(0.01)
        assert len(ball._echoes._expected) <= 1


async def test_vibrate_eases_in_holds_and_stops(air: Air, simulated_ball: SimulatedBall) -> None:
    async with unknot.connect(simulate=air) as ball:
        began = asyncio.get_running_loop().time()
        await ball.vibrate(30, seconds=10)
    points = simulated_ball.trace.since(began)
    assert [level for _, level in points] == [*range(1, 31), 0]
    assert [at for at, _ in points[-2:]] == [2.9, 10]


@pytest.mark.parametrize(("percent", "seconds"), [(34, 5), (100, 5), (30, 61)])
async def test_free_vibration_is_bounded(air: Air, simulated_ball: SimulatedBall, percent: int, seconds: int) -> None:
    async with unknot.connect(simulate=air) as ball:
        with pytest.raises(LimitExceeded):
            await ball.vibrate(percent, seconds=seconds)
    assert simulated_ball.trace.points == ()


async def test_the_wrong_profile_is_told_before_anything_is_written(air: Air) -> None:
    air.add(SimulatedBall("button-ball", name="X"))
    with pytest.raises(GattMismatch, match="open-ball calls 'command'"):
        async with unknot.connect("X", profile="open-ball", simulate=air):
            pytest.fail("connected")


async def test_a_characteristic_that_only_tells_may_be_missing(air: Air) -> None:
    profile = library.load("open-ball")
    poor = profile.model_copy(
        update={
            "gatt": {role: use for role, use in profile.gatt.items() if role in ("command", "status")},
            "reports": {name: report for name, report in profile.reports.items() if name == "status"},
        }
    )
    air.add(SimulatedBall(poor))
    async with unknot.connect(profile="open-ball", simulate=air) as ball:
        assert ball.battery is None
        await ball.set_level(5)
        assert await ball.stop() is StopOutcome.CONFIRMED


async def test_a_stop_by_anybody_ends_vibration(air: Air, simulated_ball: SimulatedBall) -> None:
    async with unknot.connect(simulate=air) as ball:
        vibrating = asyncio.create_task(ball.vibrate(30, seconds=20))
        await asyncio.sleep(2)
        assert await ball.stop() is StopOutcome.CONFIRMED
        await asyncio.sleep(30)
        assert vibrating.done()
        assert simulated_ball.trace.seconds_on() == pytest.approx(2, abs=0.01)


async def test_a_stop_interrupts_a_command_of_several_writes(tmp_path: Path) -> None:
    text = (library.shipped_folder() / "button-ball.toml").read_text()
    text = text.replace(
        'set_level = { to = "level", frame = "A5 {level:u8} {xor8:0..}" }',
        'set_level = [{ to = "level", frame = "01" }, { to = "level", frame = "02" }, '
        '{ to = "level", frame = "A5 {level:u8} {xor8:0..}" }]',
    ).replace('bytes = "A5 03 A6"', 'bytes = ["01", "02", "A5 03 A6"]')
    file = tmp_path / "button-ball.toml"
    file.write_text(text)
    sim = SimulatedBall(library.load_file(file), latency=0.1)
    async with unknot.connect(profile=str(file), simulate=Air(sim)) as ball:
        with written(sim) as writes:
            changing = asyncio.create_task(ball.set_level(3))
            await asyncio.sleep(0.05)
            await ball.stop()
            await changing
        assert [data.hex(" ") for _, data in writes] == ["01", "a5 00 a5"]
        await ball.set_level(3)
        assert sim.level == 3


async def test_what_was_sent_without_acknowledgement_arrives_before_the_link_is_closed() -> None:
    for profile in ("vibmotor-3", "open-ball"):
        sim = SimulatedBall(writing(profile, WriteKind.COMMAND), latency=0.4)
        async with linked(sim) as ball:
            await ball.set_level(50)
            await asyncio.sleep(1)
            off_before = len(sim.trace.points)
        assert len(sim.trace.points) == off_before + 1
        assert sim.level == 0


async def test_a_fault_of_the_library_is_one_failed_attempt_and_no_more(
    air: Air, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    request, faults = sim.request, [AssertionError()]

    async def fail_once(role: str, data: bytes) -> None:
        if data == b"\xa5\x00\xa5" and faults:
            raise faults.pop()
        await request(role, data)

    async with unknot.connect(simulate=air) as ball:
        await ball.set_level(2)
        monkeypatch.setattr(sim, "request", fail_once)
        assert await ball.stop() is StopOutcome.CONFIRMED
    assert not faults
    assert sim.level == 0
    assert not sim.is_connected


async def test_off_pressed_while_the_lease_is_renewed_does_not_stay_unknown() -> None:
    for pressed in (1.40, 1.45, 1.55, 1.60):
        sim = SimulatedBall(latency=0.1)
        ear = Ear()
        async with unknot.connect(simulate=Air(sim)) as ball:
            ball.listen(ear)
            await ball.set_level(100)
            await asyncio.sleep(pressed)
            sim.press_button()
            await asyncio.sleep(1)
            assert ball.level == sim.level
            await asyncio.sleep(10)
            assert sim.level == ball.level == 0
            assert ear.levels[0] == 0


async def test_a_ball_that_refuses_to_run_is_known_to_be_off(air: Air) -> None:
    sim = air.add(SimulatedBall(battery=0.001))
    ear = Ear()
    async with unknot.connect(simulate=air) as ball:
        ball.listen(ear)
        await ball.set_level(100)
        await asyncio.sleep(1)
        assert sim.level == ball.level == 0
        await ball.set_level(50)
        await asyncio.sleep(1)
        assert ball.level == 0
        assert ball.told["fault"] == 2


async def test_a_late_report_of_an_earlier_stop_confirms_no_later_one() -> None:
    sim = SimulatedBall(writing("open-ball", WriteKind.COMMAND))
    async with linked(sim) as ball:
        hear = sim._subscribers["status"]
        await ball.set_level(40)
        await asyncio.sleep(1)
        stale = bytes.fromhex("01 63 00 00 00 19 00")  # sequence 99
        sim._subscribers.clear()
        asyncio.get_running_loop().call_later(0.5, hear, stale)
        assert await ball.stop() is StopOutcome.SENT


async def test_a_ball_that_refuses_to_tell_its_battery_can_still_be_stopped(
    air: Air, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = air.add(SimulatedBall())
    sim.press_button()
    read = sim.firmware.read

    def refuse(role: str, now: float) -> bytes:
        if role == "battery":
            raise Refusal(0x05)
        return read(role, now)

    monkeypatch.setattr(sim.firmware, "read", refuse)
    async with unknot.connect(simulate=air) as ball:
        assert ball.battery is None
        assert ball.told["firmware"] == "1.0.2"
        assert await ball.stop() is StopOutcome.CONFIRMED
    assert sim.level == 0


async def test_an_unknown_stop_is_noted_on_whatever_else_went_wrong(air: Air, monkeypatch: pytest.MonkeyPatch) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    with pytest.raises(ZeroDivisionError) as caught:
        async with unknot.connect(simulate=air) as ball:
            await ball.set_level(2)
            sim.latency = 3600
            raise ZeroDivisionError
    assert "press the ball's own button" in caught.value.__notes__[0]


async def test_a_listener_that_fails_disturbs_no_other(air: Air, caplog: pytest.LogCaptureFixture) -> None:
    class Deaf(Ear):
        def ball_changed_level(self, level: int) -> None:
            raise RuntimeError(level)

    sim = air.add(SimulatedBall())
    ear = Ear()
    async with unknot.connect(simulate=air) as ball:
        ball.listen(Deaf())
        ball.listen(ear)
        sim.press_button()
        await asyncio.sleep(1)
    assert ear.levels == [25]
    assert ear.stops == 1
    assert "a listener of OpenBall failed" in caplog.text


async def test_what_was_confirmed_before_the_link_went_stays_true(air: Air, simulated_ball: SimulatedBall) -> None:
    async with unknot.connect(simulate=air) as ball:
        await ball.set_level(20)
        assert await ball.stop() is StopOutcome.CONFIRMED
        simulated_ball.drop_link()
        assert await ball.stop() is StopOutcome.CONFIRMED


async def test_one_player_at_a_time(air: Air, simulated_ball: SimulatedBall) -> None:
    async with unknot.connect(simulate=air) as ball:
        async with unknot.play("calf", on=ball) as session:
            with pytest.raises(UsageError, match="plays on OpenBall already"):
                await ball.vibrate(20, seconds=1)
            with pytest.raises(UsageError, match="plays on OpenBall already"):
                await unknot.play("calf", on=ball).__aenter__()
            session.stop()
        await ball.vibrate(20, seconds=1)


KINDS = ("levels", "vibrate", "session")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("profile", TYPICAL)
async def test_wherever_it_is_cancelled_the_motor_ends_off(kind: str, profile: str) -> None:
    for step in range(0, 160, 3):
        sim = SimulatedBall(profile, connection_interval=0.03, latency=0.02)

        async def script(sim: SimulatedBall) -> None:
            async with unknot.connect(simulate=Air(sim)) as ball:
                if kind == "levels":
                    for level in (1, 2, 3, 1, 2, 3):
                        await ball.set_level(level)
                elif kind == "vibrate":
                    await ball.vibrate(30, seconds=5)
                else:
                    async with unknot.play("calf", on=ball) as session:
                        await session.wait()

        task = asyncio.create_task(script(sim))
        await asyncio.sleep(1.2 + step * 0.004)
        task.cancel()
        await asyncio.sleep(0.01 * (step % 7))
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert sim.level == 0
        assert not sim.is_connected
