import ast
import asyncio
import inspect
from pathlib import Path

import pytest

import unknot
from tests.meddling import written
from tests.profiles.shipped import DRIVEN, PROFILES
from unknot import api, errors, events
from unknot.device.radio import Radio
from unknot.errors import BallNotFound, UnknotError, UnknownNameError, Unsuitable, UsageError
from unknot.events import StopOutcome
from unknot.simulator import Air, SimulatedBall, SimulatedClient, SimulatedScanner
from unknot.simulator.backend import adapter_for


def test_the_public_names_are_complete_sorted_and_there() -> None:
    assert unknot.__all__ == sorted(unknot.__all__)
    assert set(unknot.__all__) == set(unknot._HOMES)
    for name in unknot.__all__:
        assert getattr(unknot, name) is not None
        assert name in dir(unknot)
    with pytest.raises(AttributeError):
        unknot.nonsense  # noqa: B018


def test_the_names_that_type_checkers_see_are_the_names_there_are() -> None:
    tree = ast.parse(Path(unknot.__file__).read_text())
    seen = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert set(unknot.__all__) <= seen


async def test_run_does_it_all(air: Air, simulated_ball: SimulatedBall) -> None:
    heard: list[events.Event] = []
    ended = await unknot.run("it-band", simulate=air, side="left", listener=heard.append)
    assert ended.reason == "completed"
    assert heard[-1] is ended
    assert isinstance(heard[0], events.Started)
    assert heard[0].side == "left"
    assert simulated_ball.level == 0


@pytest.mark.parametrize("profile", [None, "button-ball", "vibmotor-3"])
async def test_simulate_true_makes_a_ball_of_the_profile(profile: str | None) -> None:
    async with unknot.connect(simulate=True, profile=profile) as ball:
        assert ball.profile.id == (profile or "open-ball")


async def test_the_users_choice_of_profile_wins(air: Air, simulated_ball: SimulatedBall) -> None:
    with pytest.raises(BallNotFound):
        async with unknot.connect(profile="button-ball", simulate=air):
            pytest.fail("an open ball was taken for a button ball")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"side": "up"}, UsageError, "a side is any, left, right or both, not 'up'"),
        ({"intensity": 101}, UsageError, "an intensity is 0, or from 1 to 100 %"),
        ({"intensity": 67}, errors.LimitExceeded, "the ceiling 'moderate' is 66.67 %"),
    ],
)
async def test_what_cannot_be_meant_is_refused_before_the_motor_moves(
    air: Air, simulated_ball: SimulatedBall, options: dict[str, object], error: type[Exception], words: str
) -> None:
    async with unknot.connect(simulate=air) as ball:
        with pytest.raises(error, match=words):
            unknot.play("calf", on=ball, **options)  # type: ignore[call-overload]
    assert simulated_ball.trace.points == ()


async def test_an_unknown_muscle_is_told_before_a_ball_is_looked_for() -> None:
    with pytest.raises(UnknownNameError, match="did you mean calf"):
        await unknot.run("claf")


@pytest.mark.parametrize("simulate", [False, Radio()])
async def test_a_fast_clock_meets_no_real_radio(simulate: bool | Radio) -> None:
    with pytest.raises(UsageError, match="cannot drive a real ball"):
        await unknot.scan(simulate=simulate)


async def test_stop_all_stops_every_ball_and_tells_each(air: Air) -> None:
    balls = [air.add(SimulatedBall(profile)) for profile in ("open-ball", "button-ball", "vibmotor-3")]
    for ball in balls:
        ball.press_button()
    outcomes = await unknot.stop_all(simulate=air)
    assert {found.name: outcome.value for found, outcome in outcomes} == {
        "OpenBall": "confirmed",
        "ButtonBall": "confirmed",
        "VibMotor": "sent",
    }
    assert [ball.level for ball in balls] == [0, 0, 0]


async def test_stop_all_can_stop_one(air: Air) -> None:
    one, other = air.add(SimulatedBall(name="one")), air.add(SimulatedBall(name="other"))
    one.press_button()
    other.press_button()
    await unknot.stop_all("one", simulate=air)
    assert (one.level, other.level) == (0, 25)


async def test_stop_all_says_when_there_is_nothing_to_stop() -> None:
    with pytest.raises(BallNotFound):
        await unknot.stop_all(simulate=Air())


async def test_a_broken_adapter_keeps_no_ball_of_another_one_running(
    air: Air, simulated_ball: SimulatedBall, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Air()
    broken.unplug()
    sound = Radio(SimulatedClient, SimulatedScanner, adapter_for(air), {"air": air})
    ill = Radio(SimulatedClient, SimulatedScanner, adapter_for(broken), {"air": broken})

    async def both(*_: object) -> tuple[Radio, ...]:
        return ill, sound

    monkeypatch.setattr(api, "_tuned", both)
    simulated_ball.press_button()
    ((found, outcome),) = await unknot.stop_all(simulate=air)
    assert (found.address, outcome, simulated_ball.level) == (simulated_ball.address, "confirmed", 0)
    assert "no Bluetooth adapter" in caplog.text


async def test_a_ball_that_another_central_holds_is_unknown(air: Air, simulated_ball: SimulatedBall) -> None:
    simulated_ball.link(lambda: None)
    ((_, outcome),) = await unknot.stop_all(simulate=air)
    assert outcome == "unknown"


def test_the_drawn_tree_of_errors_is_the_tree() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, UnknotError)]
    drawing = errors.__doc__ or ""
    for kind in kinds:
        (line,) = [line for line in drawing.splitlines() if line.strip("│├└─ ").split(" ")[0] == kind.__name__]
        depth = len(line) - len(line.lstrip("│├└─ "))
        assert depth == 4 * len([base for base in kind.__mro__ if issubclass(base, UnknotError)])


def test_events_are_plain_records_with_names_of_their_own() -> None:
    kinds = [kind for _, kind in inspect.getmembers(events, inspect.isclass) if issubclass(kind, events.Event)]
    assert len({kind.name for kind in kinds}) == len(kinds)
    ended = events.Ended(1.00049, events.EndReason.STOPPED, 0.5, events.StopOutcome.SENT)
    assert events.as_dict(ended) == {
        "event": "ended",
        "at": 1.0,
        "reason": "stopped",
        "motor_seconds": 0.5,
        "stop": "sent",
        "detail": "",
    }


async def test_stop_all_finds_a_held_ball_whatever_it_is_called(air: Air) -> None:
    ball = air.add(SimulatedBall(name="Bob"))
    ball.press_button()
    ball.link(lambda: None)
    ((found, outcome),) = await unknot.stop_all(simulate=air)
    assert (found.name, found.profiles[0][0]) == ("Bob", "open-ball")
    assert outcome == "unknown"  # the simulated ball, unlike BlueZ, lends its link to nobody


async def test_a_broken_file_keeps_no_ball_running(
    air: Air, simulated_ball: SimulatedBall, own_files: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (own_files / "firmware_profiles").mkdir()
    (own_files / "firmware_profiles" / "mine.toml").write_text("schema = 2")
    simulated_ball.press_button()
    assert len(await unknot.scan(simulate=air)) == 1
    with pytest.raises(errors.ProfileFileError):
        async with unknot.connect(profile="mine", simulate=air):
            pytest.fail("connected")
    await unknot.stop_all(simulate=air)
    assert simulated_ball.level == 0
    assert "left out: " in caplog.text


async def test_a_radio_that_hangs_costs_a_deadline(air: Air, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(self: object) -> None:
        await asyncio.sleep(1e6)

    monkeypatch.setattr("unknot.simulator.backend.SimulatedScanner.start", hang)
    with pytest.raises(errors.BluetoothUnavailable, match="does not answer"):
        await unknot.scan(simulate=air)
    assert asyncio.get_running_loop().time() == pytest.approx(5)


def test_two_balls_play_side_by_side() -> None:
    from unknot.clock import VirtualTimeLoop

    air = Air(SimulatedBall(name="a"), SimulatedBall("button-ball", address="C0:00:00:00:00:0B"))

    async def both() -> list[events.Ended]:
        async def one(name: str, muscle: str) -> events.Ended:
            async with unknot.connect(name, simulate=air) as ball, unknot.play(muscle, on=ball) as session:
                return await session.wait()

        return list(await asyncio.gather(one("a", "calf"), one("C0:00:00:00:00:0B", "piriformis")))

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert [ended.reason for ended in runner.run(both())] == ["completed", "completed"]


@pytest.mark.parametrize("simulate", [None, 0, "", SimulatedBall])
async def test_what_is_neither_true_nor_an_air_simulates_nothing(simulate: object) -> None:
    with pytest.raises(UsageError, match="simulate is True, False, an Air"):
        await unknot.scan(simulate=simulate)  # type: ignore[call-overload]


@pytest.mark.parametrize("value", ["40", None, True, float("nan"), 10**400])
async def test_what_is_no_number_is_told_in_our_words(air: Air, simulated_ball: SimulatedBall, value: object) -> None:
    async with unknot.connect(simulate=air) as ball:
        with pytest.raises(UsageError):
            await ball.vibrate(value, seconds=1)  # type: ignore[arg-type]
        with pytest.raises((UsageError, errors.LevelOutOfRange)):
            await ball.set_level(value)  # type: ignore[arg-type]
        if value is not None:
            with pytest.raises(UsageError):
                unknot.play("calf", on=ball, intensity=value)  # type: ignore[call-overload]
        with pytest.raises(UsageError):
            unknot.play(5, on=ball)  # type: ignore[call-overload]
    assert simulated_ball.trace.points == ()


@pytest.mark.parametrize("profile", DRIVEN)
async def test_every_profile_that_may_be_driven_has_a_simulator_for_free(profile: str) -> None:
    ended = await unknot.run("calf", profile=profile, simulate=True)
    assert ended.reason == "completed"
    assert ended.motor_seconds > 60
    assert ended.stop is not StopOutcome.UNKNOWN


@pytest.mark.parametrize("profile", [one.id for one in PROFILES if one.id not in DRIVEN])
async def test_what_must_not_be_driven_is_refused_before_anything_is_written(profile: str) -> None:
    sim = SimulatedBall(profile)
    with written(sim) as writes, pytest.raises(Unsuitable):
        await unknot.run("calf", target=sim.name, profile=profile, simulate=Air(sim))
    assert writes == []
    if sim.profile.codec is None:  # without the plug-in nobody can say stop either
        ((_, outcome),) = await unknot.stop_all(sim.name, profile=profile, simulate=Air(sim))
        assert outcome is not StopOutcome.UNKNOWN
