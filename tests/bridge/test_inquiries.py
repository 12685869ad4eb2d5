"""What gateways are asked besides playing, and by whom it is answered."""

import asyncio
import json

import pytest

from tests.bridge.exchange import Exchange
from tests.bridge.far import gateway, target
from unknot.bridge.elsewhere import correspondence
from unknot.bridge.elsewhere.correspondence import Correspondence
from unknot.bridge.elsewhere.inquiries import FarBall, protocols, scan
from unknot.bridge.elsewhere.stopping import outcome_in, stop
from unknot.bridge.payloads import Refusal
from unknot.errors import BallNotFound, BrokerLost, GatewaySilent, UsageError
from unknot.events import StopOutcome
from unknot.protocols import library
from unknot.simulator import Air, SimulatedBall
from unknot.simulator.pytest_plugin import VirtualTime

BALL = "c0ba11000001"
HERE = FarBall("raum-3", BALL, "OpenBall", "C0:BA:11:00:00:01")


@pytest.fixture
def exchange(simulated_ball: SimulatedBall) -> Exchange:
    return Exchange()


def about(found: FarBall) -> tuple[str, str, str, str]:
    return found.gateway, found.id, found.name, found.address


async def test_the_protocols_are_those_that_the_gateway_has(exchange: Exchange, air: Air) -> None:
    async with gateway(exchange, air):
        found = await protocols(target(exchange))
    assert {one.id: one.seconds for one in found} == {one.id: one.seconds for one in library.overview()}


async def test_an_answer_that_is_none_of_ours_is_told(exchange: Exchange, air: Air) -> None:
    async with gateway(exchange, air) as far:
        far.mute_to = {"protocols", "scan"}
        for ask, data in (
            (lambda: protocols(target(exchange, "raum-3")), {"protocols": [{"id": "x"}]}),
            (lambda: scan(target(exchange, "raum-3"), 1.0), {"found": {"rssi": "near"}}),
            (lambda: scan(target(exchange, "raum-3"), 1.0), {}),
        ):
            asking = asyncio.create_task(ask())
            await asyncio.sleep(0.7)
            asked = [one for one in exchange.said if "/request/" in one.topic][-1]
            answer = {"id": json.loads(asked.payload)["id"], "ok": True, "data": data}
            exchange.say(asked.topic.replace("request", "response"), json.dumps(answer))
            with pytest.raises(GatewaySilent, match="answered what this unknot does not understand"):
                await asking


async def test_a_named_gateway_that_is_not_there_is_told_before_its_answer_is_given_up(
    exchange: Exchange, air: Air, virtual_time: VirtualTime
) -> None:
    async with gateway(exchange, air):
        began = virtual_time.now
        for ask in (scan(target(exchange, "raum-9"), 60.0), stop(target(exchange, "raum-9", BALL))):
            with pytest.raises(
                GatewaySilent, match="no gateway is called 'raum-9' at mqtt://broker:1883; did you mean"
            ):
                await ask
        assert virtual_time.now - began < 5


async def test_a_scan_takes_as_long_as_it_is_to(exchange: Exchange, air: Air, virtual_time: VirtualTime) -> None:
    async with gateway(exchange, air):
        began = virtual_time.now
        found = await scan(target(exchange, "raum-3"), 20.0)
        assert virtual_time.now - began == pytest.approx(20, abs=1)
        assert [about(one) for one in found] == [about(HERE)]
        with pytest.raises(Refusal, match="seconds"):
            await scan(target(exchange, "raum-3"), 61.0)


async def test_stop_goes_out_before_anything_is_looked_at(exchange: Exchange, air: Air) -> None:
    async with gateway(exchange, air):
        for where, topic in (
            (target(exchange), "unknot/all/request/stop_all"),
            (target(exchange, "raum-3"), "unknot/raum-3/request/stop_all"),
            (target(exchange, "raum-3", BALL), "unknot/raum-3/request/stop"),
        ):
            began = asyncio.get_running_loop().time()
            ((ball, outcome),) = await stop(where)
            assert (ball.gateway, ball.id, outcome) == ("raum-3", BALL, StopOutcome.CONFIRMED)
            (asked,) = [one for one in exchange.said if one.topic == topic]
            assert asked.at == began
            assert asked.retain is False


async def test_a_stop_finds_a_ball_by_its_name_too(exchange: Exchange, air: Air) -> None:
    async with gateway(exchange, air):
        for name in ("openball", "C0:BA:11:00:00:01"):
            ((ball, outcome),) = await stop(target(exchange, "raum-3", name))
            assert (ball.id, outcome) == (BALL, StopOutcome.CONFIRMED)
        with pytest.raises(BallNotFound, match="has no ball called 'nobody'"):
            await stop(target(exchange, "raum-3", "nobody"))


async def test_who_does_not_answer_stands_for_its_balls(
    exchange: Exchange, air: Air, virtual_time: VirtualTime
) -> None:
    async with gateway(exchange, air) as far, gateway(exchange, Air(SimulatedBall()), "raum-4"):
        far.deaf_to = {"stop_all", "stop"}
        began = virtual_time.now
        deaf, fine = await stop(target(exchange))
        assert virtual_time.now - began < 12
        assert deaf == (FarBall("raum-3", ""), StopOutcome.UNKNOWN)
        assert about(fine[0])[:2] == ("raum-4", BALL)
        assert fine[1] is StopOutcome.CONFIRMED
        for where in (target(exchange, "raum-3"), target(exchange, "raum-3", BALL)):
            assert await stop(where) == ((FarBall("raum-3", ""), StopOutcome.UNKNOWN),)


async def test_a_gateway_that_died_while_it_played_is_not_taken_for_stopped(exchange: Exchange, air: Air) -> None:
    async with gateway(exchange, air) as far:
        exchange.say(f"unknot/raum-3/ball/{BALL}/set", '{"protocol": "calf", "run": true}')
        await asyncio.sleep(10)
        far.is_away = True
        exchange.cut()
        for where in (target(exchange), target(exchange, "raum-3"), target(exchange, "raum-3", BALL)):
            ((ball, outcome),) = await stop(where)
            assert (about(ball), outcome) == (about(HERE), StopOutcome.UNKNOWN)


async def test_a_gateway_that_left_well_has_nothing_to_stop(exchange: Exchange, air: Air) -> None:
    async with gateway(exchange, air):
        pass
    assert await stop(target(exchange)) == ()
    with pytest.raises(GatewaySilent, match="gateway raum-3 at mqtt://broker:1883 is offline"):
        await stop(target(exchange, "raum-3"))


async def test_an_answer_that_names_no_outcome_claims_none(exchange: Exchange, air: Air) -> None:
    assert outcome_in({}) is StopOutcome.UNKNOWN
    assert outcome_in({"stop": []}) is StopOutcome.UNKNOWN
    assert outcome_in({"stop": "perhaps"}) is StopOutcome.UNKNOWN
    assert outcome_in({"stop": "sent"}) is StopOutcome.SENT


async def test_several_gateways_are_named_where_one_is_meant(exchange: Exchange, air: Air) -> None:
    async with gateway(exchange, air), gateway(exchange, Air(SimulatedBall()), "raum-4"):
        with pytest.raises(UsageError, match="2 gateways are online"):
            await protocols(target(exchange))
        assert [one.gateway for one in await scan(target(exchange))] == ["raum-3", "raum-4"]


async def test_more_gateways_than_a_broker_keeps_messages_for_are_all_seen() -> None:
    exchange = Exchange()
    for number in range(400):
        exchange.say(f"unknot/g{number}/status", "online", retain=True)
        for ball in range(5):
            exchange.say(f"unknot/g{number}/ball/b{ball}/availability", "online", retain=True)
    found = await scan(target(exchange))
    assert len(found) == 2000
    assert all(one.is_there for one in found)


# The correspondence itself.


class Ear:
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.story: list[str] = []

    def heard(self, _: object) -> None:
        self.story.append("heard")

    def link_lost(self) -> None:
        self.story.append("lost")

    def link_restored(self) -> None:
        self.story.append("restored")

    def link_failed(self, error: Exception) -> None:
        self.story.append(f"failed: {error}")


async def test_a_lost_link_is_made_anew_with_all_subscriptions() -> None:
    exchange, ear = Exchange(), Ear()
    async with Correspondence(exchange.dial(), where="the broker") as line:
        unlisten = line.listen(ear)
        await line.subscribe("a", "b")
        exchange.say("a", "1")
        await asyncio.sleep(1)
        exchange.go_down()
        await asyncio.sleep(1)
        assert not line.is_up
        with pytest.raises(BrokerLost):
            await line.subscribe("c")
        with pytest.raises(BrokerLost):
            await line.ask("g", "ping")
        exchange.go_up()
        await line.up()
        for topic in "abc":
            exchange.say(topic, "2")
        await asyncio.sleep(1)
        assert ear.story == ["heard", "lost", "restored", "heard", "heard", "heard"]
        unlisten()
        exchange.say("a", "3")
        await asyncio.sleep(1)
        assert len(ear.story) == 6


async def test_a_link_that_does_not_come_back_is_given_up_once(virtual_time: VirtualTime) -> None:
    exchange, ear = Exchange(), Ear()
    async with Correspondence(exchange.dial(), where="the broker") as line:
        line.listen(ear)
        exchange.go_down()
        began = virtual_time.now
        with pytest.raises(BrokerLost):
            await asyncio.sleep(1)
            await line.say("a", "1")
        with pytest.raises(Exception, match="nobody answers"):
            await line.up()
        assert virtual_time.now - began == pytest.approx(correspondence.RETURN_SECONDS, abs=1)
        assert ear.story == ["lost", "failed: nobody answers"]
        with pytest.raises(Exception, match="nobody answers"):
            await line.say("a", "1")


async def test_a_message_beyond_measure_is_left_unread(caplog: pytest.LogCaptureFixture) -> None:
    exchange, ear = Exchange(), Ear()
    async with Correspondence(exchange.dial(), where="the broker") as line:
        line.listen(ear)
        await line.subscribe("#")
        exchange.say("a\x1b", b"x" * (correspondence.TAKEN_BYTES + 1))
        await asyncio.sleep(1)
    assert ear.story == []
    assert "left unread: 262145 bytes on 'a\\x1b'" in caplog.text


async def test_each_hears_its_own_answer(exchange: Exchange, air: Air) -> None:
    async with gateway(exchange, air) as far, Correspondence(exchange.dial(), where="the broker") as line:
        answers = await asyncio.gather(*(line.ask("raum-3", "ping") for _ in range(20)))
        assert {answer["gateway"] for answer in answers} == {"raum-3"}
        far.deaf_to = {"ping"}
        asking, other = (asyncio.create_task(line.ask(name, "ping")) for name in ("raum-9", "raum-3"))
        await asyncio.sleep(0.5)
        token = next(
            json.loads(one.payload)["id"] for one in exchange.said if one.topic == "unknot/raum-9/request/ping"
        )
        for topic in ("unknot/raum-3/response/ping", "unknot/raum-9/response/scan"):
            exchange.say(topic, json.dumps({"id": token, "ok": True, "data": {"gateway": "forged"}}))
        exchange.say("unknot/raum-9/response/ping", json.dumps({"id": "another", "ok": True}))
        exchange.say("unknot/raum-9/response/ping", "no answer")
        for waiting in (asking, other):
            with pytest.raises(GatewaySilent):
                await waiting


async def test_a_refusal_is_harmless_to_a_terminal(exchange: Exchange, air: Air) -> None:
    async with Correspondence(exchange.dial(), where="the broker") as line:
        asking = asyncio.create_task(line.ask("raum-9", "ping"))
        await asyncio.sleep(0.5)
        token = json.loads(exchange.said[-1].payload)["id"]
        error = {"code": "\x1b[2J", "message": "\x1b[2J" + "x" * 9999, "field": "\n" * 99}
        exchange.say("unknot/raum-9/response/ping", json.dumps({"id": token, "ok": False, "error": error}))
        with pytest.raises(Refusal) as refused:
            await asking
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 700
    assert refused.value.code == "internal"


async def test_a_fault_of_ours_in_the_reader_is_raised_and_nobody_waits_for_it() -> None:
    class Broken(Ear):
        def heard(self, _: object) -> None:
            raise ZeroDivisionError

    exchange = Exchange()
    with pytest.raises(ZeroDivisionError):
        async with Correspondence(exchange.dial(), where="the broker") as line:
            line.listen(Broken())
            await line.subscribe("a")
            exchange.say("a", "1")
            with pytest.raises(BrokerLost, match="the correspondence with the broker failed"):
                await line.ask("g", "ping")
