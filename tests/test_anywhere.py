"""The public functions with a target at another gateway: the same words, and what cannot be meant together."""

import pytest

import unknot
from tests.bridge.clinic import Clinic, clinic
from unknot import events
from unknot.device.ball import Ball
from unknot.errors import GatewaySilent, UsageError
from unknot.events import EndReason, StopOutcome
from unknot.session.session import Session
from unknot.simulator import Air

__all__ = ["clinic"]

BALL = "mqtt://broker/raum-3/c0ba11000001"


async def test_the_words_for_a_ball_here_drive_one_elsewhere(clinic: Clinic) -> None:
    async with unknot.connect(BALL) as ball:
        assert isinstance(ball, unknot.RemoteBall)
        await ball.vibrate(20, seconds=2)
        async with unknot.play("calf", on=ball, side="left") as session:
            assert isinstance(session, unknot.RemoteSession)
            told = [event async for event in session]
        async with unknot.free_session(20, 2, on=ball) as session:
            assert (await session.wait()).reason is EndReason.COMPLETED
        assert await ball.stop() is StopOutcome.CONFIRMED
    assert isinstance(told[-1], events.Ended)
    (sim,) = clinic.rooms["raum-3"]
    assert sim.level == 0


async def test_the_words_for_a_ball_here_still_mean_one_that_is_here(air: Air, simulated_ball: object) -> None:
    async with unknot.connect(simulate=True) as ball:
        assert isinstance(ball, Ball)
        assert isinstance(unknot.play("calf", on=ball), Session)
        assert isinstance(unknot.free_session(20, 2, on=ball), Session)
    (found,) = await unknot.scan(simulate=air, seconds=1)
    ((stopped, outcome),) = await unknot.stop_all(simulate=air, seconds=1)
    assert (stopped.address, outcome) == (found.address, StopOutcome.CONFIRMED)


async def test_run_scan_and_stop_all_take_a_target(clinic: Clinic) -> None:
    heard: list[events.Event] = []
    ended = await unknot.run("calf", target="mqtt://broker", side="left", listener=heard.append)
    assert ended.reason is EndReason.COMPLETED
    assert heard[-1] is ended
    for target in ("mqtt://broker", "mqtt://broker/raum-3"):
        (found,) = await unknot.scan(target, seconds=1)
        assert (found.name, found.address, found.profiles) == ("OpenBall", "C0:BA:11:00:00:01", ("open-ball",))
    for target in ("mqtt://broker", "mqtt://broker/raum-3", BALL):
        ((_, outcome),) = await unknot.stop_all(target)
        assert outcome is StopOutcome.CONFIRMED


async def test_a_run_that_the_ball_pauses_is_ended(clinic: Clinic) -> None:
    (sim,) = clinic.rooms["raum-3"]
    clinic.meanwhile = [(20.0, sim.press_button)]
    ended = await unknot.run("calf", target="mqtt://broker")
    assert ended.reason in (EndReason.STOPPED, EndReason.COMPLETED)
    assert sim.level == 0


async def test_what_chooses_a_ball_here_is_refused_for_one_elsewhere(clinic: Clinic, air: Air) -> None:
    with pytest.raises(UsageError, match="profile is for a ball that is here"):
        unknot.connect(BALL, profile="open-ball")
    with pytest.raises(UsageError, match="simulate is for a ball that is here"):
        unknot.connect(BALL, simulate=air)
    with pytest.raises(UsageError, match="adapter is for a ball that is here"):
        await unknot.stop_all(BALL, adapter="hci1")
    with pytest.raises(UsageError, match="simulate is for a ball that is here"):
        await unknot.run("calf", target=BALL, simulate=True)
    with pytest.raises(UsageError, match=r"found 'OpenBall', expected mqtt://BROKER\[/GATEWAY\]"):
        await unknot.scan("OpenBall")
    with pytest.raises(GatewaySilent, match="no gateway is called 'raum-4'"):
        await unknot.run("calf", target="mqtt://broker/raum-4")
