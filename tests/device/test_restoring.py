import asyncio
import math
from typing import Any

import pytest

import unknot
from tests.device.ear import Ear
from tests.meddling import Written, refuse, written
from tests.profiles.shipped import TYPICAL
from unknot.device.ball import REACH_SECONDS, RESTORE_SECONDS
from unknot.device.deadlines import ATTEMPTS, BACK_OFF, CONNECT_SECONDS, OPERATION_SECONDS, SETTLING_SECONDS
from unknot.device.discovery import SCAN_SECONDS
from unknot.device.radio import Radio
from unknot.errors import LinkError, LinkLost, LinkTimeout, NotStopped
from unknot.events import StopOutcome
from unknot.profiles.codec import Codec
from unknot.profiles.speech import Line, SetLevel, Stop
from unknot.protocols import limits
from unknot.simulator import Air, SimulatedBall, SimulatedClient, SimulatedScanner, gatt
from unknot.simulator.backend import adapter_for


def now() -> float:
    return asyncio.get_running_loop().time()


def commands(sim: SimulatedBall, writes: list[Written]) -> list[object]:
    """The kinds of commands that were written; the dialogue and what keeps the link alive are none."""
    reader = Codec(sim.profile).reader()
    kinds = [type(reader.feed(write.role, write[1])) for write in writes]
    return [kind for kind in kinds if kind is not Line]


@pytest.mark.parametrize("profile", TYPICAL)
async def test_the_first_write_after_a_loss_is_a_stop_and_nothing_else_follows(profile: str) -> None:
    sim, ear = SimulatedBall(profile, connection_interval=0.03), Ear()
    async with unknot.connect(simulate=Air(sim)) as ball:
        ball.listen(ear)
        await ball.set_level(3)
        await asyncio.sleep(1)
        with written(sim) as writes:
            sim.drop_link()
            with pytest.raises(LinkLost):
                await ball.set_level(2)
            assert ball.is_restoring
            await asyncio.sleep(10)
        assert set(commands(sim, writes)) == {Stop}
        assert sim.level == ball.level == 0
        assert ball.is_connected
        assert [type(loss) for loss in ear.losses] == [LinkLost]
        assert [same for _, same in ear.returns] == [True]
        await ball.set_level(2)
        await asyncio.sleep(1)
        assert sim.level == 2


async def test_the_same_client_tries_again_with_growing_pauses(
    air: Air, simulated_ball: SimulatedBall, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[float] = []

    async def refused(link: object) -> None:
        attempts.append(now())
        raise LinkLost("no")

    async with unknot.connect(simulate=air) as ball:
        with monkeypatch.context() as meddling:
            meddling.setattr("unknot.device.link.Link.open", refused)
            simulated_ball.drop_link()
            await asyncio.sleep(20)
        gaps = [round(after - before, 6) for before, after in zip(attempts, attempts[1:], strict=False)]
        assert gaps == [*BACK_OFF, *[BACK_OFF[-1]] * (len(gaps) - len(BACK_OFF))]
        await asyncio.sleep(5)
        assert ball.is_connected


async def test_a_ball_that_comes_back_under_another_address_is_found_but_not_the_same(air: Air) -> None:
    sim, ear = air.add(SimulatedBall("button-ball")), Ear()
    async with unknot.connect(simulate=air) as ball:
        ball.listen(ear)
        await ball.set_level(2)
        air.remove(sim)
        sim.address = "C0:BA:11:00:00:77"
        await asyncio.sleep(3)
        air.add(sim)
        await asyncio.sleep(20)
        assert ball.address == "C0:BA:11:00:00:77"
        assert ear.returns == [(StopOutcome.SENT, False)]  # who confirmed it may be another ball
        assert sim.level == 0


class PatientClient(SimulatedClient):
    """Waits in silence for a ball that does not advertise, as BlueZ does, instead of saying that there is none."""

    async def connect(self, pair: bool, **kwargs: Any) -> None:
        if self._air.get(self.address) is None:
            await asyncio.sleep(math.inf)
        await super().connect(pair, **kwargs)


async def test_a_new_address_is_found_where_the_system_waits_for_the_old_one(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    radio = Radio(PatientClient, SimulatedScanner, adapter_for(air), {"air": air}, guard=None)
    async with unknot.connect(simulate=radio) as ball:
        await ball.set_level(2)
        sim.change_address()
        await asyncio.sleep(CONNECT_SECONDS + BACK_OFF[0] + SCAN_SECONDS + 1.0)
        assert sim.level == 0
        assert ball.address == sim.address


async def test_of_two_balls_of_the_same_name_none_is_taken_for_the_lost_one(air: Air) -> None:
    sim, ear = air.add(SimulatedBall("button-ball")), Ear()
    with pytest.raises(NotStopped):
        async with unknot.connect(simulate=air) as ball:
            ball.listen(ear)
            await ball.set_level(2)
            air.remove(sim)
            strangers = [air.add(SimulatedBall("button-ball", address=f"C0:BA:11:00:01:0{n}")) for n in (1, 2)]
            await asyncio.sleep(RESTORE_SECONDS + 10)
            assert [type(failure).__name__ for failure in ear.failures] == ["BallNotFound"]
            assert not any(stranger.is_connected for stranger in strangers)


async def test_a_lost_ball_is_given_up_after_the_deadline_and_then_a_stop_claims_nothing(air: Air) -> None:
    sim, ear = air.add(SimulatedBall("button-ball")), Ear()
    with pytest.raises(NotStopped):
        async with unknot.connect(simulate=air) as ball:
            ball.listen(ear)
            await ball.set_level(2)
            air.remove(sim)
            lost = now()
            await asyncio.sleep(SETTLING_SECONDS + RESTORE_SECONDS - 0.2)
            assert ear.failures == []
            await asyncio.sleep(0.4)
            assert len(ear.failures) == 1
            assert await ball.stop() is StopOutcome.UNKNOWN
            with pytest.raises(LinkError):
                await ball.set_level(1)
    assert now() - lost == pytest.approx(RESTORE_SECONDS, abs=0.5)


async def test_however_short_the_time_a_lost_link_is_tried_once(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    async with unknot.connect(simulate=air, restore_seconds=0.2) as ball:
        await ball.set_level(2)
        sim.drop_link()
        await asyncio.sleep(1)
        assert sim.level == 0


async def test_the_script_chooses_how_long_a_link_may_be_away(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    with pytest.raises(NotStopped):
        async with unknot.connect(simulate=air, restore_seconds=7) as ball:
            await ball.set_level(2)
            air.remove(sim)
            lost = now()
            assert await ball.stop() is StopOutcome.UNKNOWN
    assert now() - lost == pytest.approx(7, abs=0.5)


@pytest.mark.parametrize("away", [0.0, 2.0, 20.0, 45.0])
async def test_leaving_while_the_link_is_away_waits_to_stop_the_motor(away: float) -> None:
    sim = SimulatedBall("button-ball")
    air = Air(sim)
    async with unknot.connect(simulate=air) as ball:
        await ball.set_level(2)
        air.remove(sim)
        asyncio.get_running_loop().call_later(away, air.add, sim)
    assert sim.level == 0
    assert not sim.is_connected


async def test_leaving_a_ball_that_was_never_started_needs_no_link(air: Air, simulated_ball: SimulatedBall) -> None:
    began = now()
    async with unknot.connect(simulate=air):
        air.remove(simulated_ball)
    assert now() - began < 5


@pytest.mark.parametrize("profile", ["button-ball", "theragun-4"])
async def test_a_silent_ball_costs_our_deadlines_and_then_gets_a_new_link(profile: str) -> None:
    sim, ear = SimulatedBall(profile), Ear()
    async with unknot.connect(simulate=Air(sim)) as ball:
        ball.listen(ear)
        await ball.set_level(1)
        sim.latency = math.inf
        began = now()
        with pytest.raises(LinkTimeout):
            await ball.set_level(2)
        assert now() - began == pytest.approx(ATTEMPTS * OPERATION_SECONDS)
        assert ball.is_restoring
        sim.latency = 0.0
        assert await ball.stop() is StopOutcome.CONFIRMED
        assert sim.level == 0
        assert len(ear.losses) == len(ear.returns) == 1


async def test_a_level_that_was_refused_once_is_written_again(air: Air, monkeypatch: pytest.MonkeyPatch) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    refusals = [True]
    refuse(monkeypatch, sim, lambda data: data == b"\xa5\x02\xa7" and bool(refusals) and refusals.pop())
    async with unknot.connect(simulate=air) as ball:
        await ball.set_level(2)
        assert sim.level == ball.level == 2


async def test_an_unlikely_error_is_no_refusal_but_what_a_system_says_when_it_does_not_know(
    air: Air, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    refuse(monkeypatch, sim, lambda data: data == b"\xa5\x02\xa7", code=0x0E)
    async with unknot.connect(simulate=air) as ball:
        with pytest.raises(LinkTimeout):
            await ball.set_level(2)
        assert ball.is_restoring  # and the first write on the link is a stop


async def test_a_level_that_is_refused_for_good_has_changed_nothing(air: Air, monkeypatch: pytest.MonkeyPatch) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    refuse(monkeypatch, sim, lambda data: data == b"\xa5\x02\xa7")
    async with unknot.connect(simulate=air) as ball:
        await ball.set_level(1)
        since = ball.level_since
        await asyncio.sleep(1)
        with pytest.raises(LinkError, match="refused"):
            await ball.set_level(2)
        assert (ball.level, ball.level_since) == (1, since)
        assert not ball.is_restoring


async def test_a_command_that_is_not_answered_is_repeated(air: Air, monkeypatch: pytest.MonkeyPatch) -> None:
    sim = air.add(SimulatedBall())
    command, lost = sim.command, [True, True]

    async def lossy(role: str, data: bytes) -> None:
        if not (lost and lost.pop()):
            await command(role, data)

    async with unknot.connect(simulate=air) as ball:
        monkeypatch.setattr(sim, "command", lossy)
        began = now()
        await ball.set_level(40)
        await asyncio.sleep(10)
        assert sim.trace.since(began) == ((0.5, 40),)


async def test_a_ball_that_never_answers_is_not_flooded(air: Air, simulated_ball: SimulatedBall) -> None:
    async with unknot.connect(simulate=air) as ball:
        simulated_ball._subscribers.clear()
        with written(simulated_ball) as writes:
            await ball.set_level(40)
            await asyncio.sleep(simulated_ball.profile.safety.lease or 0)
        assert len(writes) <= 2 * (1 + ATTEMPTS)
        await ball.stop()


async def test_a_lease_that_ran_out_on_a_bad_link_is_told_from_the_button(
    air: Air, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim, ear = air.add(SimulatedBall()), Ear()
    command = sim.command

    async def swallow(role: str, data: bytes) -> None:
        await asyncio.sleep(0)

    async with unknot.connect(simulate=air) as ball:
        ball.listen(ear)
        await ball.set_level(40)
        await asyncio.sleep(0.1)
        monkeypatch.setattr(sim, "command", swallow)
        await asyncio.sleep(10)
        assert (ear.lapses, ear.levels) == (1, [])
        assert sim.trace.seconds_on() == sim.profile.safety.lease
        monkeypatch.setattr(sim, "command", command)
        await ball.set_level(40)
        await asyncio.sleep(5)
        for _ in range(3):
            sim.press_button()  # 50, 75, 100
        sim.press_button()  # off
        await asyncio.sleep(1)
        assert (ear.lapses, ear.levels[-1]) == (1, 0)


async def test_a_bare_level_is_bounded_in_time_unless_a_session_plays(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    async with unknot.connect(simulate=air) as ball:
        await ball.set_level(2)
        await asyncio.sleep(50)
        await ball.set_level(3)
        await asyncio.sleep(50)
        assert sim.trace.seconds_on() == pytest.approx(limits.FREE.value)
        await ball.set_level(2)
        await asyncio.sleep(1)
        async with unknot.play("calf", on=ball) as session:
            ended = await session.wait()
        assert ended.reason == "completed"


@pytest.mark.parametrize("profile", TYPICAL)
async def test_the_first_write_on_a_link_that_somebody_left_open_is_a_stop(
    profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = SimulatedBall(profile)
    known = sim.profile
    for write in Codec(known).encode(SetLevel(1)):
        sim.firmware.write(write.to, write.data, now())
    # The system lists it as connected, as it does after a controller was killed, and hands the link over.
    monkeypatch.setattr(SimulatedBall, "is_connected", True)
    with written(sim) as writes, monkeypatch.context() as connecting:
        connecting.setattr("unknot.simulator.backend.SimulatedClient.connect", take_over)
        async with unknot.connect(simulate=Air(sim)):
            assert sim.level == 0
            assert set(commands(sim, writes)) == {Stop}


async def take_over(client: SimulatedClient, pair: bool, **kwargs: object) -> None:
    ball = client._air.get(client.address)
    assert ball is not None
    client._ball, client.services = ball, gatt.collection(gatt.rows(ball.profile))


async def test_connecting_is_tried_again(air: Air, simulated_ball: SimulatedBall) -> None:
    simulated_ball.latency = 5
    asyncio.get_running_loop().call_later(3, setattr, simulated_ball, "latency", 0.0)
    async with unknot.connect(simulate=air) as ball:
        assert ball.told["firmware"] == "1.0.2"


async def test_connecting_is_given_up_in_time(air: Air, simulated_ball: SimulatedBall) -> None:
    simulated_ball.latency = math.inf
    began = now()
    with pytest.raises(LinkTimeout):
        async with unknot.connect(simulate=air):
            pytest.fail("connected")
    assert now() - began < REACH_SECONDS + 2
