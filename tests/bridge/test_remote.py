"""A ball at another gateway: the same verbs, the same events, and what is told when the way to it is lost."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from tests.bridge.exchange import Exchange
from tests.bridge.far import Far, gateway, target
from unknot import events
from unknot.bridge.elsewhere import remote_session
from unknot.bridge.elsewhere.remote import RemoteBall, connect
from unknot.bridge.elsewhere.remote_session import RemoteSession
from unknot.bridge.gateway.station import Station
from unknot.bridge.payloads import Code, Refusal
from unknot.errors import BallNotFound, BrokerLost, BrokerUnreachable, GatewaySilent, LinkError, NotStopped, UsageError
from unknot.events import EndReason, StopOutcome
from unknot.session.session import Session
from unknot.simulator import Air, SimulatedBall
from unknot.simulator.pytest_plugin import VirtualTime

BALL = "c0ba11000001"
OWN_BUTTON = "the ball's own button"


@dataclass
class World:
    """A broker, a gateway with one ball, and a person elsewhere."""

    exchange: Exchange
    far: Far
    air: Air
    sim: SimulatedBall
    ball: RemoteBall
    asked: list[str] = field(default_factory=list)

    @property
    def station(self) -> Station:
        return self.far.station(BALL)

    def sees_ball(self) -> bool:
        """Whether the person believes the ball within reach."""
        return self.ball.is_connected

    def says(self, **facts: object) -> None:
        """The gateway tells an event."""
        self.exchange.say(f"unknot/raum-3/ball/{BALL}/event", json.dumps(facts))


@asynccontextmanager
async def world(air: Air) -> AsyncIterator[World]:
    exchange = Exchange()
    asked: list[str] = []
    (sim,) = air
    async with gateway(exchange, air) as far, connect(target(exchange, "raum-3", BALL), ask=asked.append) as ball:
        yield World(exchange, far, air, sim, ball, asked)


@pytest.fixture(autouse=True)
def on_the_air(simulated_ball: SimulatedBall) -> Iterator[None]:
    before = random.getstate()
    random.seed(3)  # of all pauses before another attempt
    yield
    random.setstate(before)


async def until(session: RemoteSession, kind: type[events.Event]) -> events.Event:
    async for event in session:
        if isinstance(event, kind):
            return event
    raise AssertionError(f"it ended without {kind.name}")


async def test_a_protocol_plays_elsewhere_with_the_same_events(air: Air, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[events.Event] = []
    async with world(air) as there:
        ball = there.ball
        assert (ball.name, ball.address, ball.model) == ("OpenBall", "C0:BA:11:00:00:01", "open-ball")
        assert (ball.level, ball.levels, ball.is_connected, ball.is_simulated) == (0, 100, True, True)
        monkeypatch.setattr(Session, "notes", ("the second time today",))
        async with ball.play("it-band", side="left") as session:
            session.listen(heard.append)
            assert session.timeline.title.startswith("IT band")
            assert session.notes == ("the second time today",)
            told = [event async for event in session]
            assert session.ended is told[-1] is await session.wait()
        assert told == heard
    assert isinstance(told[0], events.Started)
    assert told[0].side == "left"
    assert isinstance(told[-1], events.Ended)
    assert (told[-1].reason, told[-1].stop) == (EndReason.COMPLETED, StopOutcome.CONFIRMED)
    assert there.sim.level == 0
    assert there.sim.trace.seconds_on() > 60
    assert there.asked == []


async def test_vibrate_ends_by_itself_and_is_held_to_the_limits(air: Air, virtual_time: VirtualTime) -> None:
    async with world(air) as there:
        began = virtual_time.now
        await there.ball.vibrate(30, seconds=10)
        assert virtual_time.now - began == pytest.approx(10, abs=0.5)
        assert there.sim.trace.seconds_on() == pytest.approx(10, abs=0.5)
        with pytest.raises(Refusal, match="the longest free vibration is 60 s") as refused:
            await there.ball.vibrate(30, seconds=61)
        assert refused.value.code is Code.REFUSED


async def test_leaving_the_block_stops_the_motor_at_once(air: Air, virtual_time: VirtualTime) -> None:
    async with world(air) as there:
        for leave in ("break", "raise", "cancel"):
            began = asyncio.get_running_loop().time()

            async def play(leave: str = leave) -> None:
                async with there.ball.play("calf") as session:
                    await until(session, events.LevelChanged)
                    assert there.sim.level > 0
                    if leave == "raise":
                        raise ZeroDivisionError
                    if leave == "cancel":
                        await session.wait()

            playing = asyncio.create_task(play())
            await asyncio.sleep(3)
            if leave == "cancel":
                playing.cancel()
            await asyncio.wait([playing])
            assert there.sim.level == 0
            assert virtual_time.now - began < 4
            if leave == "cancel":
                assert playing.cancelled()
            else:
                assert isinstance(playing.exception(), ZeroDivisionError if leave == "raise" else type(None))
        assert there.station.session is None


async def test_it_is_led_as_one_that_is_here(air: Air) -> None:
    async with world(air) as there, there.ball.play("calf") as session:
        far = there.station.session
        assert far is not None
        await until(session, events.Started)
        assert session.state.name == "RUNNING"
        await asyncio.sleep(20)
        assert session.position == pytest.approx(far.position, abs=0.1)
        assert session.level == there.sim.level == 50
        assert there.ball.level == 50
        session.pause()
        await asyncio.sleep(1)
        assert there.sim.level == 0
        assert (session.state.name, session.level) == ("PAUSED", 0)
        await asyncio.sleep(100)
        assert session.position == pytest.approx(far.position, abs=0.1)
        session.resume()
        session.skip()
        await asyncio.sleep(1)
        assert session.state.name == "RUNNING"
        assert session.position == pytest.approx(far.position, abs=0.1)
        assert session.position == pytest.approx(session.timeline.spans[2].start + 1, abs=0.2)
        session.stop()
        assert session.state.name == "STOPPING"
        ended = await session.wait()
        assert (ended.reason, session.state.name) == (EndReason.STOPPED, "ENDED")
        session.stop()  # may be said again
        session.pause()
    assert there.asked == []


async def test_what_the_gateway_refuses_is_refused_with_its_reason(air: Air) -> None:
    async with world(air) as there:
        async with there.ball.play("calf"):
            with pytest.raises(UsageError, match="a session plays on OpenBall already"):
                await there.ball.vibrate(20, seconds=5)
            async with connect(target(there.exchange)) as other:
                with pytest.raises(Refusal, match="calf plays on it; stop it first") as busy:
                    await other.vibrate(20, seconds=5)
                assert busy.value.code is Code.BUSY
            assert there.station.session is not None, "who was refused has stopped what others play"
        with pytest.raises(Refusal, match=r"the ceiling 'moderate' is 66.67 %") as limit:
            async with there.ball.play("calf", intensity=80):
                pytest.fail("it plays")
        assert limit.value.code is Code.REFUSED
        with pytest.raises(Refusal, match="no muscle is called 'claf'; did you mean calf") as name:
            async with there.ball.play("claf"):
                pytest.fail("it plays")
        assert name.value.code is Code.UNKNOWN_NAME
        with pytest.raises(UsageError, match=r"my\.toml is a file here"):
            there.ball.play("my.toml")
    assert there.sim.trace.seconds_on() < 3


async def test_a_bare_level_is_refused_and_level_0_stops(air: Air) -> None:
    async with world(air) as there:
        with pytest.raises(UsageError, match="a bare level is not offered over MQTT"):
            await there.ball.set_level(3)
        await there.ball.set_level(0)
        there.far.deaf_to = {"stop"}
        with pytest.raises(NotStopped, match="ball OpenBall at gateway raum-3"):
            await there.ball.set_level(0)
        assert there.asked == ["gateway raum-3 at mqtt://broker:1883 did not answer within 10 s"]


async def test_a_session_is_played_once(air: Air) -> None:
    async with world(air) as there:
        session = there.ball.free_session(20, 2)
        with pytest.raises(UsageError, match="nothing to wait for"):
            await session.wait()
        with pytest.raises(UsageError, match="once the session has been entered"):
            session.timeline  # noqa: B018
        assert (session.state.name, session.position, session.level) == ("READY", 0.0, 0)
        async with session:
            await session.wait()
        with pytest.raises(UsageError, match="played once"):
            async with session:
                pytest.fail("it plays again")


async def test_one_that_is_not_wanted_any_more_is_stopped_when_it_begins(air: Air) -> None:
    async with world(air) as there:
        session = there.ball.play("calf")
        session.stop()
        async with session:
            ended = await session.wait()
        assert ended.reason is EndReason.STOPPED
        assert there.sim.trace.seconds_on() < 1


async def test_a_listener_that_fails_ends_the_session(air: Air) -> None:
    def fail(event: events.Event) -> None:
        if isinstance(event, events.LevelChanged):
            raise ZeroDivisionError

    async with world(air) as there:
        with pytest.raises(ZeroDivisionError):
            async with there.ball.play("calf") as session:
                session.listen(fail)
                await session.wait()
        assert there.sim.level == 0
        assert session.ended is not None


async def test_a_start_that_is_not_answered_is_taken_back(air: Air, virtual_time: VirtualTime) -> None:
    async with world(air) as there:
        there.far.mute_to = {"run"}
        began = virtual_time.now
        with pytest.raises(GatewaySilent, match="raum-3 at mqtt://broker:1883 did not answer within 10 s"):
            async with there.ball.play("calf"):
                pytest.fail("it plays, and we do not know what")
        assert virtual_time.now - began < 11
        assert there.sim.level == 0
        assert there.station.session is None
        there.far.mute_to, there.far.deaf_to = set(), {"run"}
        with pytest.raises(GatewaySilent):
            await there.ball.play("calf").__aenter__()
        there.far.mute_to, there.far.deaf_to = {"run"}, {"stop"}
        with pytest.raises(NotStopped, match="gateway raum-3 may have begun to play, and does not answer"):
            await there.ball.play("calf").__aenter__()
        there.far.mute_to, there.far.deaf_to = set(), set()
        await there.ball.stop()
        async with there.ball.free_session(20, 1) as session:
            await session.wait()


async def test_a_start_does_not_outlive_who_asked_for_it_and_a_stop_counts_for_ever(air: Air) -> None:
    async with world(air) as there, there.exchange.dial()(None) as spy:
        await spy.subscribe("unknot/raum-3/request/+")
        await there.ball.vibrate(20, seconds=1)
        await there.ball.stop()
        asked = []
        async for message in spy.messages():
            asked.append((message.topic.rpartition("/")[2], message.expires_in))
            if asked[-1][0] == "stop":
                break
    assert asked == [("vibrate", 10.0), ("stop", None)]


async def test_a_start_that_is_cancelled_is_taken_back(air: Air) -> None:
    async with world(air) as there:
        there.far.mute_to = {"run"}
        starting = asyncio.create_task(there.ball.play("calf").__aenter__())
        await asyncio.sleep(2)
        assert there.sim.level > 0
        starting.cancel()
        await asyncio.wait([starting])
        assert starting.cancelled()
        assert there.sim.level == 0


async def test_an_answer_that_nobody_understands_is_taken_back(air: Air, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(air) as there:
        monkeypatch.setattr("unknot.bridge.gateway.station.asdict", lambda _: {"spans": "\x1b[2J"})
        with pytest.raises(GatewaySilent, match="answered what this unknot does not understand"):
            await there.ball.play("calf").__aenter__()
        assert there.sim.level == 0
        assert there.station.session is None


async def test_a_stop_that_nobody_tells_of_is_not_claimed(air: Air, virtual_time: VirtualTime) -> None:
    async with world(air) as there:
        there.far.deaf_to = {"stop"}
        with pytest.raises(NotStopped, match="gateway raum-3 has not told that it did"):
            async with there.ball.play("calf"):
                began = virtual_time.now
        assert virtual_time.now - began == pytest.approx(remote_session.SILENCE_SECONDS, abs=0.1)
        there.far.deaf_to = set()
        assert await there.ball.stop() is StopOutcome.CONFIRMED
        there.far.deaf_to = {"stop"}
        with pytest.raises(ZeroDivisionError) as error:
            async with there.ball.play("calf"):
                raise ZeroDivisionError
        there.far.deaf_to = set()
        assert await there.ball.stop() is StopOutcome.CONFIRMED
        assert [OWN_BUTTON in note for note in error.value.__notes__] == [True]


async def test_giving_up_waits_for_nobody(air: Air, virtual_time: VirtualTime) -> None:
    async with world(air) as there:
        there.far.deaf_to = {"stop"}
        with pytest.raises(NotStopped, match="goes on trying"):
            async with there.ball.play("calf") as session:
                session.stop()
                await asyncio.sleep(1)
                began = virtual_time.now
                session.give_up()
                assert [event async for event in session if isinstance(event, events.Ended)] == []
        assert virtual_time.now - began < 0.1
        assert session.ended is None


async def test_an_end_that_was_not_heard_is_told_by_the_answer_to_the_stop_or_by_the_state(air: Air) -> None:
    async with world(air) as there:
        there.far.swallows = {"ended"}
        async with there.ball.play("calf") as session:
            await asyncio.sleep(5)
            session.stop()
            ended = await session.wait()
        assert (ended.reason, ended.stop) == (EndReason.STOPPED, StopOutcome.CONFIRMED)
        async with there.ball.free_session(20, 3) as session:
            ended = await session.wait()
        assert (ended.reason, ended.stop) == (EndReason.COMPLETED, StopOutcome.CONFIRMED)
        assert ended.motor_seconds == pytest.approx(3, abs=0.2)


async def test_a_ball_out_of_reach_is_waited_for(air: Air, virtual_time: VirtualTime) -> None:
    async with world(air) as there, there.ball.play("calf") as session:
        await asyncio.sleep(12)
        there.sim.drop_link(away=40)
        dropped = await until(session, events.LinkDropped)
        assert isinstance(dropped, events.LinkDropped)
        assert dropped.level == 50
        assert session.state.name == "LOST"
        began = virtual_time.now
        session.stop()
        ended = await session.wait()
        assert virtual_time.now - began > 20
        assert ended.stop is StopOutcome.CONFIRMED


async def test_a_failure_at_the_gateway_is_raised_here(air: Air) -> None:
    async with world(air) as there:
        with pytest.raises(LinkError, match="gone") as failure:
            async with there.ball.play("calf", on_link_restored="end") as session:
                await asyncio.sleep(12)
                there.sim.drop_link(away=3)
                ended = await session.wait()
                assert (ended.reason, ended.stop) == (EndReason.FAILED, StopOutcome.CONFIRMED)
        assert type(failure.value) is LinkError
        with pytest.raises(NotStopped, match=OWN_BUTTON):
            async with there.ball.play("calf") as session:
                await asyncio.sleep(12)
                there.air.remove(there.sim)
                assert (await session.wait()).stop is StopOutcome.UNKNOWN
        there.air.add(there.sim)


async def test_a_broker_that_comes_back_finds_the_session_playing(air: Air) -> None:
    async with world(air) as there, there.ball.play("calf") as session:
        far = there.station.session
        assert far is not None
        await until(session, events.StepStarted)
        await asyncio.sleep(5)
        there.exchange.go_down()
        await asyncio.sleep(1)
        assert there.sees_ball() is False
        assert session.position == pytest.approx(far.position, abs=0.1), "it plays on, as far as anybody knows"
        assert "the connection to mqtt://broker:1883 is gone; trying to get it back. Mean" in there.asked[0]
        assert OWN_BUTTON in there.asked[0]
        await asyncio.sleep(20)
        there.exchange.go_up()
        step = await until(session, events.StepStarted)
        assert isinstance(step, events.StepStarted)
        assert step.step == far.timeline.span_at(far.position) > 0
        assert there.asked[1:] == ["gateway raum-3 is back, and plays on"]
        assert there.sees_ball() is True
        await asyncio.sleep(1)
        assert session.position == pytest.approx(far.position, abs=0.1)
        assert 0 < session.level == pytest.approx(there.sim.level, abs=1)
        ended = await session.wait()
        assert ended.reason is EndReason.COMPLETED


async def test_what_happened_while_the_broker_was_away_is_told(air: Air) -> None:
    async with world(air) as there, there.ball.play("calf") as session:
        await asyncio.sleep(15)
        there.exchange.go_down()
        await asyncio.sleep(5)
        there.sim.press_button()
        assert there.station.session is not None
        there.station.session.pause()
        await asyncio.sleep(5)
        there.exchange.go_up()
        paused = await until(session, events.Paused)
        assert isinstance(paused, events.Paused)
        assert (session.state.name, session.level) == ("PAUSED", 0)
        there.exchange.go_down()
        there.station.session.resume()
        await asyncio.sleep(5)
        there.exchange.go_up()
        await until(session, events.Resumed)
        assert session.state.name == "RUNNING"
        there.exchange.go_down()
        there.station.session.stop()
        await asyncio.sleep(5)
        there.exchange.go_up()
        ended = await until(session, events.Ended)
        assert isinstance(ended, events.Ended)
        assert (ended.reason, ended.stop) == (EndReason.STOPPED, StopOutcome.CONFIRMED)
        assert ended.at > 30


async def test_a_broker_that_stays_away_loses_the_session_and_says_what_is_true(
    air: Air, virtual_time: VirtualTime
) -> None:
    async with world(air) as there:
        with pytest.raises(BrokerLost, match="goes on by itself to the end of what it plays") as lost:
            async with there.ball.play("calf") as session:
                await asyncio.sleep(12)
                began = virtual_time.now
                there.exchange.go_down()
                async for _ in session:
                    pass
        assert 59 < virtual_time.now - began < 61
        assert OWN_BUTTON in str(lost.value)
        assert session.ended is None
        assert there.sim.level > 0
        assert there.sees_ball() is False
        assert await there.ball.stop() is StopOutcome.UNKNOWN
        await asyncio.sleep(200)
        assert there.sim.level == 0
        there.exchange.go_up()


async def test_a_stop_without_a_broker_is_not_claimed_and_reaches_a_broker_that_comes_back(
    air: Air, virtual_time: VirtualTime
) -> None:
    async with world(air) as there:
        async with there.ball.play("calf") as session:
            await asyncio.sleep(12)
            there.exchange.go_down()
            await asyncio.sleep(1)
            session.stop()
            session.pause()
            await asyncio.sleep(10)
            assert there.sim.level == 50
            assert any(words.startswith("'pause' may not have been heard") for words in there.asked)
            assert any(words.startswith("the gateway will be told to stop as soon as") for words in there.asked)
            there.exchange.go_up()
            ended = await session.wait()
            back = max(one.at for one in there.exchange.said if one.topic == "unknot/raum-3/status")
            assert virtual_time.now - back < 9  # we may come back later than the gateway
        assert (ended.reason, ended.stop) == (EndReason.STOPPED, StopOutcome.CONFIRMED)
        with pytest.raises(NotStopped, match="mqtt://broker:1883 is gone"):
            async with there.ball.play("calf") as session:
                await asyncio.sleep(12)
                there.exchange.go_down()
                began = virtual_time.now
        assert 59 < virtual_time.now - began < 61
        there.exchange.go_up()


async def test_a_gateway_that_loses_the_broker_is_waited_for(air: Air, virtual_time: VirtualTime) -> None:
    async with world(air) as there:
        async with there.ball.play("calf") as session:
            await asyncio.sleep(12)
            there.far.is_away = True
            there.exchange.cut()  # the gateway's link is the elder one
            await asyncio.sleep(3)
            assert there.asked[0].startswith(
                "gateway raum-3 is gone from mqtt://broker:1883; waiting for it. Meanwhile"
            )
            assert there.sees_ball() is False
            there.far.is_away = False
            await asyncio.sleep(15)
            assert there.asked[1:] == ["gateway raum-3 is back, and plays on"]
            assert there.sees_ball() is True
            assert (await session.wait()).reason is EndReason.COMPLETED
        with pytest.raises(GatewaySilent, match="gateway raum-3 at mqtt://broker:1883 tells nothing any more"):
            async with there.ball.play("calf") as session:
                await asyncio.sleep(12)
                began = virtual_time.now
                there.far.is_away = True
                there.exchange.cut(1)  # it is the younger link by now
                await session.wait()
        assert virtual_time.now - began == pytest.approx(75, abs=1)


async def test_another_session_than_ours_is_not_taken_for_it(air: Air) -> None:
    async with world(air) as there:
        with pytest.raises(BrokerLost, match="was started anew, or plays something else on OpenBall"):
            async with there.ball.play("calf") as session:
                await asyncio.sleep(12)
                there.exchange.go_down()
                await asyncio.sleep(1)
                assert there.station.session is not None
                there.station.session.stop()
                await asyncio.sleep(1)
                there.station._number += 1
                there.station.telling.now()
                there.exchange.go_up()
                async for event in session:
                    assert not isinstance(event, events.Ended)


async def test_a_gateway_that_was_started_anew_has_other_sessions_of_the_same_number(air: Air) -> None:
    async with world(air) as there:
        with pytest.raises(BrokerLost, match="was started anew"):
            async with there.ball.play("calf") as session:
                await asyncio.sleep(12)
                there.far.is_away = True
                there.exchange.cut()
                await asyncio.sleep(1)
                state = {"phase": "running", "session": 1, "level": 3, "seq": 1, "remaining": 200.0}
                there.exchange.say(f"unknot/raum-3/ball/{BALL}/state", json.dumps(state))
                await session.wait()
        there.far.is_away = False


async def test_what_cannot_be_done_any_more_is_not_done_and_not_told(air: Air) -> None:
    async with world(air) as there, there.ball.play("calf") as session:
        await asyncio.sleep(5)
        there.far.swallows = {"ended"}
        assert there.station.session is not None
        there.station.session.stop()
        await asyncio.sleep(0.5)
        session.pause()
        ended = await session.wait()
    assert ended.reason is EndReason.STOPPED
    assert there.asked == []


async def test_an_event_of_a_later_session_is_believed_only_if_the_state_says_so(air: Air) -> None:
    async with world(air) as there, there.ball.play("calf") as session:
        await asyncio.sleep(12)
        there.says(event_type="resumed", session=99, at=1.0)
        await asyncio.sleep(5)
        assert session.state.name == "RUNNING"
        assert there.station.session is not None
        there.far.swallows = {"ended"}
        there.station.session.stop()
        await asyncio.sleep(0.5)
        there.station._number = 2
        there.says(event_type="resumed", session=2, at=1.0)
        ended = await session.wait()
    assert (ended.reason, ended.stop) == (EndReason.STOPPED, StopOutcome.CONFIRMED)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{" * 5000,
        b'{"event_type": "ended"}',
        b'{"event_type": "ended", "session": 1}',
        b'{"event_type": "ended", "session": true, "at": 1, "reason": "completed", "motor_seconds": 1, "stop": "sent"}',
        b'{"event_type": "ended", "session": 7, "at": 1, "reason": "completed", "motor_seconds": 1, "stop": "sent"}',
        b'{"event_type": "step", "session": 1, "at": NaN, "step": 1e99}',
        b'{"event_type": "report", "session": 1, "values": {"battery": {}}}',
        b"1" * 9000,
    ],
)
async def test_what_is_no_event_of_ours_disturbs_nothing(air: Air, payload: bytes) -> None:
    async with world(air) as there, there.ball.play("calf") as session:
        await asyncio.sleep(12)
        for topic in ("event", "state", "availability"):
            if topic != "availability" or payload:
                there.exchange.say(f"unknot/raum-3/ball/{BALL}/{topic}", payload)
        there.exchange.say("unknot/raum-3/response/run", payload)
        await asyncio.sleep(5)
        assert session.state.name == "RUNNING"
        assert session.ended is None


async def test_what_the_ball_tells_is_kept(air: Air) -> None:
    async with world(air) as there:
        there.says(event_type="report", values={"battery": 71.0, "temperature": 30.5})
        await asyncio.sleep(1)
        assert there.ball.told == {"battery": 71.0, "temperature": 30.5}
        assert there.ball.battery == 71.0
        for number in range(300):
            there.says(event_type="report", values={f"value-{number}": 1.0})
        await asyncio.sleep(1)
        assert len(there.ball.told) == 256


async def test_without_a_broker_there_is_no_ball(air: Air) -> None:
    exchange = Exchange(is_up=False)
    with pytest.raises(BrokerUnreachable):
        async with connect(target(exchange, "raum-3", BALL)):
            pytest.fail("connected to nobody")


async def test_a_session_left_open_ends_with_its_ball(air: Air) -> None:
    exchange = Exchange()
    async with gateway(exchange, air):
        async with connect(target(exchange)) as ball:
            await ball.play("calf").__aenter__()
            await asyncio.sleep(5)
            (sim,) = air
            assert sim.level > 0
        assert sim.level == 0


async def test_a_ball_that_nobody_names_is_the_only_one(air: Air) -> None:
    exchange = Exchange()
    with pytest.raises(GatewaySilent, match="no gateway is online at mqtt://broker:1883; start one with"):
        async with connect(target(exchange)):
            pytest.fail("there is none")
    async with gateway(exchange, air):
        for words in ((None, None), ("raum-3", None), ("raum-3", "OpenBall"), ("raum-3", "C0:BA:11:00:00:01")):
            async with connect(target(exchange, *words)) as ball:
                assert ball.id == BALL
        with pytest.raises(GatewaySilent, match="no gateway is called 'raum-4' at mqtt://broker:1883; did you mean"):
            async with connect(target(exchange, "raum-4")):
                pytest.fail("there is none")
        with pytest.raises(BallNotFound, match=rf"raum-3 has no ball called 'nobody'; it has {BALL} \(OpenBall\)"):
            async with connect(target(exchange, "raum-3", "nobody")):
                pytest.fail("there is none")
        exchange.say(f"unknot/raum-3/ball/{BALL}/availability", "offline", retain=True)
        for wanted in (None, BALL):
            with pytest.raises(BallNotFound, match="has no link to"):
                async with connect(target(exchange, "raum-3", wanted)):
                    pytest.fail("its link does not stand")
    with pytest.raises(GatewaySilent, match="gateway raum-3 at mqtt://broker:1883 is offline"):
        async with connect(target(exchange, "raum-3")):
            pytest.fail("it is gone")


async def test_where_there_are_several_they_are_named(air: Air) -> None:
    exchange = Exchange()
    air.add(SimulatedBall("button-ball"))
    other = Air(SimulatedBall())
    async with gateway(exchange, air), gateway(exchange, other, "raum-4"):
        with pytest.raises(UsageError, match="2 gateways are online at mqtt://broker:1883: raum-3, raum-4; name one: "):
            async with connect(target(exchange)):
                pytest.fail("which one?")
        with pytest.raises(UsageError, match=r"gateway raum-3 has 2 balls: .*; name one: mqtt://broker:1883/raum-3/"):
            async with connect(target(exchange, "raum-3")):
                pytest.fail("which one?")
        async with connect(target(exchange, "raum-3", "buttonball")) as ball:
            assert ball.model == "button-ball"


async def test_the_notes_of_many_failures_are_no_warnings(air: Air, caplog: pytest.LogCaptureFixture) -> None:
    async with world(air) as there:
        there.far.deaf_to = {"pause"}
        asking = [asyncio.create_task(there.ball.request("pause", seconds=30)) for _ in range(5)]
        await asyncio.sleep(1)
        there.exchange.go_down()
        await asyncio.wait(asking)
        assert {type(task.exception()) for task in asking} == {BrokerLost}
        there.exchange.go_up()
    assert "never retrieved" not in caplog.text
