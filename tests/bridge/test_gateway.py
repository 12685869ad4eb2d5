import asyncio
import json
import logging
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.exchange import Exchange
from tests.bridge.gateways import BALL, Person, air_of, config, errors, names, serving, state
from tests.bridge.test_payloads import PAYLOADS
from unknot import api
from unknot.bridge.broker import Link, Message, Will
from unknot.bridge.configuration.config import OnBrokerLost
from unknot.bridge.gateway import line
from unknot.bridge.gateway.gateway import Gateway
from unknot.bridge.gateway.inbox import BIRTH_SECONDS
from unknot.bridge.gateway.lookout import FAULTY_SECONDS
from unknot.bridge.gateway.station import PAUSED_SECONDS
from unknot.bridge.gateway.telling import STATE_SECONDS
from unknot.bridge.payloads import REQUESTS
from unknot.clock import VirtualTimeLoop
from unknot.device.discovery import FoundBall
from unknot.errors import BluetoothUnavailable, BrokerUnreachable
from unknot.events import as_dict
from unknot.protocols import library
from unknot.simulator import Air, SimulatedBall
from unknot.simulator.faults import Fault, FaultKind


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


# Telling.


async def test_a_gateway_tells_itself_its_balls_and_their_states_and_is_online_last(exchange: Exchange) -> None:
    air = air_of("open-ball")
    async with serving(exchange, air):
        said = [one.topic for one in exchange.said if one.retain]
        assert said.index(f"{BALL}/availability") < said.index(f"{BALL}/state")
        assert exchange.kept("unknot/gw1/status") == "online"
        info = json.loads(exchange.kept("unknot/gw1/info"))
        assert info["balls"] == [
            {"id": "c0ba11000001", "name": "Ball 1", "address": "C0:BA:11:00:00:01", "model": "open-ball"}
        ]
        assert {one["id"] for one in info["protocols"]} == set(library.files())
        assert exchange.kept(f"{BALL}/availability") == "online"
        told = state(exchange)
        assert (told["phase"], told["motor"], told["levels"], told["battery"]) == ("idle", "off", 100, 100)
    assert exchange.kept(f"{BALL}/availability") == "offline"
    assert exchange.kept("unknot/gw1/status") == "offline"
    assert exchange.said[-1].topic == "unknot/gw1/status"


async def test_what_is_not_meant_to_last_is_not_retained(exchange: Exchange) -> None:
    async with serving(exchange, air_of("open-ball")):
        person = Person(exchange)
        person.set(run=True)
        person.set(intensity=77)
        await person.ask("ping")
        await asyncio.sleep(40)
    lasting = {topic.rpartition("/")[2] for topic in exchange.retained}
    assert lasting == {"status", "info", "health", "availability", "state", "config"}


async def test_states_are_told_when_they_change_and_not_more_often_than_eyes_follow(exchange: Exchange) -> None:
    async with serving(exchange, air_of("open-ball")):
        Person(exchange).set(protocol="calf", run=True)
        await asyncio.sleep(20)
    at = [one.at for one in exchange.said if one.topic == f"{BALL}/state"]
    assert min(after - before for before, after in zip(at[:-1], at[1:], strict=True)) >= STATE_SECONDS - 1e-6
    seqs = [json.loads(text)["seq"] for text in exchange.told(f"{BALL}/state")]
    assert sorted(seqs) == seqs


async def test_the_time_that_is_left_is_told_every_ten_seconds_and_the_end_once(exchange: Exchange) -> None:
    async with serving(exchange, air_of("open-ball")):
        Person(exchange).set(protocol="calf", run=True)
        await asyncio.sleep(55)
    told = [json.loads(text) for text in exchange.told(f"{BALL}/state")]
    holding = [one for one in told if one["step"] == "hold"]
    assert len(holding) <= 6
    assert len({one["ends_at"] for one in told} - {None}) == 1


async def test_events_are_those_of_the_session(exchange: Exchange) -> None:
    air = air_of("open-ball")
    async with serving(exchange, air) as gateway:
        Person(exchange).set(protocol="calf", run=True)
        await asyncio.sleep(1)
        session = gateway.keepers["c0ba11000001"].station.session
        assert session is not None
        ended = await session.wait()
        await asyncio.sleep(1)
    told = [json.loads(text) for text in exchange.told(f"{BALL}/event")]
    assert told[0]["event_type"] == "started"
    assert told[0]["session"] == 1
    facts = as_dict(ended)
    assert told[-1] == {"event_type": facts.pop("event"), "session": 1, **facts}
    assert state(exchange)["phase"] == "finished"


async def test_home_assistant_that_is_born_is_told_again(exchange: Exchange) -> None:
    async with serving(exchange, air_of("open-ball")):
        before = len(exchange.told(f"{BALL}/availability"))
        exchange.say("homeassistant/status", "online")
        await asyncio.sleep(BIRTH_SECONDS + 1)
        assert len(exchange.told(f"{BALL}/availability")) == before + 1


# Commands.


async def test_an_intensity_starts_no_motor(exchange: Exchange) -> None:
    air = air_of("open-ball")
    async with serving(exchange, air):
        person = Person(exchange)
        person.set(intensity=30)
        exchange.say(f"{BALL}/set/intensity", "31")
        await asyncio.sleep(5)
        assert state(exchange)["intensity"] == 31
        assert state(exchange)["phase"] == "idle"
    assert not next(iter(air)).trace.points


async def test_a_protocol_is_started_adjusted_paused_resumed_skipped_and_stopped(exchange: Exchange) -> None:
    air = air_of("open-ball")
    (ball,) = air
    async with serving(exchange, air):
        person = Person(exchange)
        person.set(protocol="calf", side="left")
        await asyncio.sleep(1)
        assert state(exchange)["intensity"] == library.load("calf").peak
        person.set(run=True)
        await asyncio.sleep(20)
        assert (ball.level, state(exchange)["phase"], state(exchange)["motor"]) == (50, "running", "on")
        person.set(intensity=20)
        await asyncio.sleep(1)
        assert (ball.level, state(exchange)["intensity"]) == (20, 20)
        person.set(action="pause")
        await asyncio.sleep(1)
        assert (ball.level, state(exchange)["phase"]) == (0, "paused")
        person.set(action="resume")
        await asyncio.sleep(5)
        assert ball.level == 20
        person.set(action="skip")
        await asyncio.sleep(1)
        assert (ball.level, state(exchange)["step"]) == (0, "move")
        person.set(action="stop")
        await asyncio.sleep(1)
        assert state(exchange)["phase"] == "idle"
    assert names(exchange) == [
        "started", "step", "step", "paused", "resumed", "skipped", "step", "ended",
    ]  # fmt: skip
    assert errors(exchange) == []


async def test_a_slider_at_zero_stops_and_keeps_what_was_chosen(exchange: Exchange) -> None:
    air = air_of("open-ball")
    (ball,) = air
    async with serving(exchange, air):
        person = Person(exchange)
        person.set(intensity=25, run=True)
        await asyncio.sleep(5)
        assert ball.level == 25
        person.set(intensity=0)
        await asyncio.sleep(1)
        assert ball.level == 0
        assert (state(exchange)["phase"], state(exchange)["intensity"]) == ("idle", 25)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"intensity": 34}, "refused"),
        ({"duration": 61}, "refused"),
        ({"protocol": "calf", "intensity": 90}, "refused"),
        ({"protocol": "clf"}, "unknown_name"),
        ({"protocol": "manual", "side": "left"}, "out_of_range"),
        ({"action": "pause"}, "busy"),
        ({"intensity": 10, "bogus": 1}, "unknown_key"),
        ({"run": True, "action": "stop"}, "out_of_range"),
    ],
)
async def test_what_is_refused_changes_nothing_and_is_told(
    exchange: Exchange, values: dict[str, object], code: str
) -> None:
    air = air_of("open-ball")
    async with serving(exchange, air):
        before = state(exchange)
        exchange.say(f"{BALL}/set", json.dumps(values))
        await asyncio.sleep(2)
        assert errors(exchange) == [code]
        after = state(exchange)
        assert {key for key in after if after[key] != before[key]} <= {"seq", "source", "stop"}
    assert not next(iter(air)).trace.points


async def test_while_something_plays_only_its_intensity_can_be_changed(exchange: Exchange) -> None:
    air = air_of("open-ball")
    async with serving(exchange, air):
        person = Person(exchange)
        person.set(protocol="calf", run=True)
        await asyncio.sleep(10)
        person.set(protocol="piriformis")
        person.set(duration=10)
        person.set(protocol="calf")  # what is so already may be said again
        person.set(run=True)
        person.set(intensity=90)
        answer = await person.ask("run", ball="c0ba11000001", protocol="calf")
        assert answer["error"]["code"] == "busy"
        await asyncio.sleep(1)
        assert errors(exchange) == ["busy", "busy", "refused"]
        assert state(exchange)["protocol"] == "calf"
    assert names(exchange).count("started") == 1


async def test_another_intensity_is_meant_for_what_plays_and_not_for_what_was_chosen(exchange: Exchange) -> None:
    air = air_of("open-ball")
    (ball,) = air
    async with serving(exchange, air):
        person = Person(exchange)
        assert (await person.ask("run", ball="c0ba11000001", protocol="calf"))["ok"]
        await asyncio.sleep(20)
        person.set(intensity=45)  # more than free vibration, which is chosen, may have
        await asyncio.sleep(1)
        assert (ball.level, errors(exchange), state(exchange)["intensity"]) == (45, [], 45)
        await person.ask("stop", ball="c0ba11000001")
        await asyncio.sleep(1)
        assert (state(exchange)["protocol"], state(exchange)["intensity"]) == ("manual", 20)


async def test_duplicates_and_reordered_commands_do_no_harm(exchange: Exchange) -> None:
    air = air_of("open-ball")
    (ball,) = air
    async with serving(exchange, air):
        for _ in range(3):
            exchange.say("unknot/gw1/request/run", json.dumps({"id": "a", "ball": "c0ba11000001", "protocol": "calf"}))
        await asyncio.sleep(5)
        answers = [json.loads(text) for text in exchange.told("unknot/gw1/response/run")]
        assert [one["ok"] for one in answers] == [True] * 3
        assert {one["data"]["session"] for one in answers} == {1}
        for verb in ("stop", "run", "stop"):  # the stop of a moment before comes too early
            exchange.say(
                f"unknot/gw1/request/{verb}", json.dumps({"id": "b", "ball": "c0ba11000001", "protocol": "calf"})
            )
        await asyncio.sleep(5)
        assert ball.level == 0
        assert names(exchange).count("started") == 1


# What must not start a motor.


@pytest.mark.parametrize("topic", [f"{BALL}/set", "unknot/gw1/request/run"])
async def test_a_retained_start_is_refused_on_the_spot_and_after_a_reconnection(exchange: Exchange, topic: str) -> None:
    air = air_of("open-ball")
    start = json.dumps({"run": True} if topic.endswith("set") else {"ball": "c0ba11000001", "protocol": "calf"})
    async with serving(exchange, air):
        exchange.say(topic, start, retain=True)
        await asyncio.sleep(5)
        exchange.go_down()
        await asyncio.sleep(5)
        exchange.go_up()
        await asyncio.sleep(10)
    said = errors(exchange) + [json.loads(text)["error"]["code"] for text in exchange.told("unknot/gw1/response/run")]
    assert said == ["retained_command"]
    assert not next(iter(air)).trace.points


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (f"{BALL}/set", b'{"action": "stop"}'),
        (f"{BALL}/set", b'{"run": false, "bogus": 1}'),
        (f"{BALL}/set/action", b"stop"),
        ("unknot/gw1/request/stop", b'{"ball": "c0ba11000001"}'),
        ("unknot/gw1/request/stop", b'{"ball": "c0ba11000001", "bogus": 1}'),
        ("unknot/gw1/request/stop_all", b"\xff"),
        ("unknot/all/request/stop_all", b"please"),
    ],
)
async def test_a_stop_is_obeyed_whatever_is_wrong_with_it(exchange: Exchange, topic: str, payload: bytes) -> None:
    air = air_of("open-ball")
    (ball,) = air
    async with serving(exchange, air):
        Person(exchange).set(run=True)
        await asyncio.sleep(3)
        assert ball.level
        exchange.say(topic, payload, retain=True)
        await asyncio.sleep(0.5)
        assert ball.level == 0


async def test_an_expired_command_is_dropped_and_told(exchange: Exchange) -> None:
    air = air_of("open-ball")
    async with serving(exchange, air) as gateway:
        old = Message(f"{BALL}/set", b'{"run": true}', at=now() - 3, expires_in=2.0)
        older = Message(f"{BALL}/set", b'{"run": true}', at=now() - 11)
        for message in (old, older):
            gateway._inbox.take(message)
        await asyncio.sleep(2)
    assert errors(exchange) == ["expired", "expired"]
    assert not next(iter(air)).trace.points


async def test_nothing_that_was_said_while_the_broker_was_away_is_obeyed(exchange: Exchange) -> None:
    air = air_of("open-ball")
    async with serving(exchange, air):
        exchange.go_down()
        exchange.say(f"{BALL}/set", '{"run": true}')
        await asyncio.sleep(5)
        exchange.go_up()
        await asyncio.sleep(10)
        assert exchange.kept("unknot/gw1/status") == "online"
    assert not next(iter(air)).trace.points


# The broker goes.


@pytest.mark.parametrize(("policy", "plays_on"), [(OnBrokerLost.FINISH, True), (OnBrokerLost.STOP, False)])
async def test_what_plays_when_the_broker_goes_follows_the_policy(
    exchange: Exchange, policy: OnBrokerLost, plays_on: bool
) -> None:
    air = air_of("open-ball")
    (ball,) = air
    async with serving(exchange, air, config(air, on_broker_lost=policy)):
        person = Person(exchange)
        person.set(protocol="calf", run=True)
        await asyncio.sleep(20)
        exchange.go_down()
        await asyncio.sleep(1)
        assert bool(ball.level) is plays_on
        await asyncio.sleep(300)
        assert ball.level == 0
        exchange.go_up()
        await asyncio.sleep(130)
        assert state(exchange)["phase"] == ("finished" if plays_on else "idle")
        health = json.loads(exchange.kept("unknot/gw1/health"))
        assert health["mqtt"]["reconnects"] == 1
    assert ball.trace.seconds_on() == pytest.approx(110 if plays_on else 20, abs=0.2)


async def test_a_broken_link_tells_the_will_and_the_gateway_comes_back_by_itself(exchange: Exchange) -> None:
    async with serving(exchange, air_of("open-ball")):
        exchange.cut()
        assert exchange.kept("unknot/gw1/status") == "offline"
        await asyncio.sleep(5)
        assert exchange.kept("unknot/gw1/status") == "online"
        assert (await Person(exchange).ask("ping"))["ok"]


async def test_a_broker_that_is_not_there_in_the_first_place_is_an_error(exchange: Exchange) -> None:
    exchange.is_up = False
    with pytest.raises(BrokerUnreachable):
        await Gateway(config(Air()), exchange.dial(), simulate=Air()).run()


async def test_trouble_that_lasts_is_logged_once(exchange: Exchange, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(exchange, air_of("open-ball")):
        exchange.go_down()
        await asyncio.sleep(600)
    assert [record.message for record in caplog.records if "trying again" in record.message] == [
        "the connection to the broker is gone; trying again",
        "nobody answers; trying again",
    ]


# Balls come and go.


async def test_one_dead_ball_delays_no_other(exchange: Exchange) -> None:
    air = air_of("open-ball", "open-ball", "open-ball")
    first, second, third = air
    first.interfere(Fault(FaultKind.CONNECTING_FAILS, count=1000))
    async with serving(exchange, air):
        person = Person(exchange)
        for ball in ("c0ba11000002", "c0ba11000003"):
            assert (await person.ask("run", ball=ball, protocol="calf"))["ok"]
        await asyncio.sleep(20)
        assert (second.level, third.level) == (50, 50)
        second.drop_link(away=1000)
        began = now()
        assert (await person.ask("stop", ball="c0ba11000003"))["data"] == {"stop": "confirmed"}
        assert now() - began < 0.2
        answer = await person.ask("run", ball="c0ba11000001", protocol="calf")
        assert answer["error"]["code"] == "not_connected"


async def test_a_ball_that_was_away_is_found_again(exchange: Exchange) -> None:
    air = air_of("open-ball")
    (ball,) = air
    async with serving(exchange, air):
        Person(exchange).set(protocol="calf", run=True)
        await asyncio.sleep(20)
        ball.drop_link(away=100)
        await asyncio.sleep(2)
        assert state(exchange)["phase"] == "lost"
        await asyncio.sleep(80)
        assert exchange.kept(f"{BALL}/availability") == "offline"
        assert state(exchange)["phase"] == "fault"
        await asyncio.sleep(100)
        assert exchange.kept(f"{BALL}/availability") == "online"
        assert ball.level == 0
        health = json.loads(exchange.kept("unknot/gw1/health"))["balls"]["c0ba11000001"]
        assert (health["connects"], health["drops"]) == (2, 1)
    assert "ended" in names(exchange)


async def test_a_link_that_comes_back_pauses_and_the_pause_does_not_last_for_ever(exchange: Exchange) -> None:
    air = air_of("open-ball")
    (ball,) = air
    async with serving(exchange, air):
        Person(exchange).set(protocol="calf", run=True)
        await asyncio.sleep(20)
        ball.drop_link(away=3)
        await asyncio.sleep(10)
        assert state(exchange)["phase"] == "paused"
        await asyncio.sleep(PAUSED_SECONDS)
        assert state(exchange)["phase"] == "idle"
        assert (await Person(exchange).ask("resume", ball="c0ba11000001"))["error"]["code"] == "busy"


async def test_the_balls_own_button_is_told(exchange: Exchange) -> None:
    air = air_of()
    ball = air.add(SimulatedBall("button-ball"))
    async with serving(exchange, air):
        ball.press_button()
        await asyncio.sleep(1)
        assert (state(exchange)["motor"], state(exchange)["level"], state(exchange)["source"]) == ("on", 1, "ball")
        answer = await Person(exchange).ask("stop", ball="c0ba11000001")
        assert answer["data"] == {"stop": "confirmed"}
        assert ball.level == 0


async def test_a_ball_can_be_let_go_and_taken_again(exchange: Exchange) -> None:
    air = air_of("open-ball")
    (ball,) = air
    async with serving(exchange, air):
        person = Person(exchange)
        person.set(run=True)
        await asyncio.sleep(3)
        assert (await person.ask("disconnect", ball="c0ba11000001"))["ok"]
        await asyncio.sleep(5)
        assert (ball.level, ball.is_connected) == (0, False)
        await person.ask("connect", ball="c0ba11000001")
        await asyncio.sleep(5)
        assert ball.is_connected


async def test_new_balls_are_kept_if_the_owner_wants_that(exchange: Exchange) -> None:
    air = air_of("open-ball")
    async with serving(exchange, air, config(air, balls=0, take_new=True)):
        await asyncio.sleep(3)
        air.add(SimulatedBall("open-ball", name="OpenBall new"))
        await asyncio.sleep(60)
        balls = [one["name"] for one in json.loads(exchange.kept("unknot/gw1/info"))["balls"]]
        assert balls == ["Ball 1", "OpenBall new"]
        assert exchange.kept("unknot/gw1/ball/c0ba11000002/availability") == "online"


async def test_strangers_are_left_alone_otherwise(exchange: Exchange) -> None:
    air = air_of("open-ball", "open-ball")
    async with serving(exchange, air, config(air, balls=1)):
        await asyncio.sleep(60)
    assert not any("c0ba11000002" in one.topic for one in exchange.said)


async def test_a_radio_that_stays_away_ends_the_gateway(exchange: Exchange) -> None:
    air = air_of("open-ball")
    air.unplug()
    task = asyncio.create_task(Gateway(config(air), exchange.dial(), simulate=air).run())
    with pytest.raises(BluetoothUnavailable, match="for 300 s"):
        await task
    assert now() >= FAULTY_SECONDS
    assert json.loads(exchange.kept("unknot/gw1/health"))["ble"]["failures"] > 10
    assert exchange.kept("unknot/gw1/status") == "offline"


async def test_two_gateways_that_know_one_ball_do_not_fight(exchange: Exchange) -> None:
    air = air_of("open-ball")
    (ball,) = air
    first, second = "unknot/gw1/ball/c0ba11000001", "unknot/gw2/ball/c0ba11000001"
    async with serving(exchange, air, config(air)):
        async with serving(exchange, air, config(air, "gw2")):
            assert exchange.kept(f"{first}/availability") == "online"
            assert exchange.kept(f"{second}/availability") == ""
            await Person(exchange).ask("disconnect", ball="c0ba11000001")
            await asyncio.sleep(10)
            assert exchange.kept(f"{second}/availability") == "online"
            assert exchange.kept(f"{first}/availability") == ""
            assert exchange.kept(f"{first}/state") == ""
            Person(exchange, "gw2").set(second, run=True)
            await asyncio.sleep(3)
            assert ball.level
        await Person(exchange).ask("connect", ball="c0ba11000001")
        await asyncio.sleep(10)
        assert exchange.kept(f"{first}/availability") == "online"


# Requests.


async def test_a_scan_tells_what_is_in_range(exchange: Exchange) -> None:
    air = air_of("open-ball", "open-ball")
    async with serving(exchange, air, config(air, balls=1)):
        found = (await Person(exchange).ask("scan", seconds=2))["data"]["found"]
    assert [(one["address"], one["ball"]) for one in found] == [
        ("C0:BA:11:00:00:01", "c0ba11000001"), ("C0:BA:11:00:00:02", ""),
    ]  # fmt: skip


async def test_answers_go_where_the_sender_wants_them(exchange: Exchange) -> None:
    async with serving(exchange, air_of("open-ball")):
        exchange.say("unknot/gw1/request/ping", b"{}", response_topic="my/own/topic", correlation=b"\x01\x02")
        await asyncio.sleep(1)
        assert json.loads(exchange.told("my/own/topic")[0])["ok"]


@pytest.mark.parametrize(
    "topic", [f"{BALL}/state", f"{BALL}/set", "unknot/gw2/request/run", "homeassistant/device/unknot/x/config"]
)
async def test_nobody_makes_a_gateway_speak_in_anothers_name(exchange: Exchange, topic: str) -> None:
    async with serving(exchange, air_of("open-ball")):
        before = exchange.told(topic)
        exchange.say("unknot/gw1/request/ping", '{"id": "7"}', response_topic=topic)
        await asyncio.sleep(1)
        assert exchange.told(topic) == before
        assert json.loads(exchange.told("unknot/gw1/response/ping")[0])["id"] == "7"


async def test_a_fault_of_ours_is_answered_too(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    async with serving(exchange, air_of("open-ball")):
        monkeypatch.setattr(library, "overview", fail)
        assert (await Person(exchange).ask("protocols"))["error"]["code"] == "internal"


async def test_stop_all_stops_every_ball_of_every_gateway(exchange: Exchange) -> None:
    one, other = air_of("open-ball", "button-ball"), air_of("open-ball")
    for ball in one:
        ball.name = ball.advertised.name or "OpenBall"
    async with serving(exchange, one), serving(exchange, other, config(other, "gw2")):
        for gateway, air in (("gw1", one), ("gw2", other)):
            for number, _ in enumerate(air, 1):
                answer = await Person(exchange, gateway).ask("run", ball=f"c0ba1100000{number}", protocol="calf")
                assert answer["ok"]
        await asyncio.sleep(10)
        assert all(ball.level for ball in [*one, *other])
        exchange.say("unknot/all/request/stop_all", "{}")
        await asyncio.sleep(0.5)
        assert not any(ball.level for ball in [*one, *other])
        for gateway, balls in (("gw1", 2), ("gw2", 1)):
            (text,) = exchange.told(f"unknot/{gateway}/response/stop_all")
            assert list(json.loads(text)["data"]["balls"].values()) == ["confirmed"] * balls


async def test_a_stop_that_cannot_be_confirmed_is_told_as_it_is(exchange: Exchange) -> None:
    air = air_of()
    ball = air.add(SimulatedBall("vibmotor-3"))
    async with serving(exchange, air):
        person = Person(exchange)
        assert (await person.ask("vibrate", ball="c0ba11000001", intensity=20, duration=30))["ok"]
        await asyncio.sleep(5)
        ball.drop_link(away=1000)
        answer = await person.ask("stop", ball="c0ba11000001", within=10)
        assert answer["error"]["code"] == "not_stopped"
        assert state(exchange)["motor"] == "unknown"
        answer = await person.ask("stop_all", within=10)
        assert answer["data"]["balls"] == {"c0ba11000001": "unknown"}


async def test_a_motor_that_may_run_on_is_stopped_when_its_ball_is_back(exchange: Exchange) -> None:
    air = air_of()
    ball = air.add(SimulatedBall("vibmotor-3"))
    async with serving(exchange, air):
        Person(exchange).set(run=True)
        await asyncio.sleep(5)
        ball.drop_link(away=100)
        await asyncio.sleep(80)
        assert (state(exchange)["motor"], state(exchange)["phase"]) == ("unknown", "fault")
        assert ball.level
        await asyncio.sleep(100)
        assert ball.level == 0
        assert state(exchange)["motor"] == "off"


async def test_protocols_can_be_read_and_left_if_the_owner_allows_it(exchange: Exchange, own_files: Path) -> None:
    toml = library.files()["calf"].read_text(encoding="utf-8")
    (own_files / library.FOLDER).mkdir(exist_ok=True)
    air = air_of("open-ball")
    async with serving(exchange, air, config(air, accept_protocols=True)):
        person = Person(exchange)
        assert (await person.ask("protocol_get", protocol="calf"))["data"]["toml"] == toml
        assert (await person.ask("protocol_put", protocol="my-calf", toml=toml))["ok"]
        assert "my-calf" in {one["id"] for one in (await person.ask("protocols"))["data"]["protocols"]}
        wrong = await person.ask("protocol_put", protocol="my-calf", toml=toml.replace("moderate", "brutal"))
        assert "brutal" in wrong["error"]["message"]
        assert (await person.ask("run", ball="c0ba11000001", protocol="my-calf"))["ok"]
    async with serving(exchange, air_of("open-ball")):
        refused = await Person(exchange).ask("protocol_put", protocol="other", toml=toml)
        assert refused["error"]["code"] == "not_allowed"
    assert sorted(file.name for file in (own_files / library.FOLDER).iterdir()) == ["my-calf.toml"]


# What may go wrong in the gateway itself.


async def test_what_waited_while_the_program_was_halted_starts_nothing_and_stops(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    air = air_of("open-ball")
    (ball,) = air
    slept = 0.0
    monkeypatch.setattr(line, "asleep", lambda: slept)
    async with serving(exchange, air):
        await asyncio.sleep(0.5)
        slept = 20.0
        exchange.say(f"{BALL}/set", '{"run": true}')
        await asyncio.sleep(0.01)
        assert errors(exchange) == ["expired"]
        await asyncio.sleep(5)
        assert not ball.trace.points
        assert (await Person(exchange).ask("run", ball="c0ba11000001", protocol="calf"))["ok"]  # on a new link
        await asyncio.sleep(5)
        slept = 40.0
        exchange.say(f"{BALL}/set", '{"action": "stop"}')
        await asyncio.sleep(1)
        assert ball.level == 0


async def test_a_motor_that_is_left_running_is_told_whether_something_played_or_not(exchange: Exchange) -> None:
    air = air_of()
    ball = air.add(SimulatedBall("button-ball"))
    gateway = Gateway(config(air), exchange.dial(), simulate=air)
    task = asyncio.create_task(gateway.run())
    await asyncio.sleep(3)
    ball.press_button()
    await asyncio.sleep(1)
    ball.drop_link(away=1000)
    await asyncio.sleep(1)
    began = now()
    task.cancel()
    await asyncio.sleep(1)
    gateway.give_up()
    await asyncio.wait([task])
    assert now() - began < 5
    assert ball.level == 1
    assert gateway.may_run_on == (ball.name,)
    assert state(exchange)["motor"] == "unknown"


async def test_a_gateway_that_begins_anew_does_not_call_off_what_may_run(exchange: Exchange) -> None:
    air = air_of()
    ball = air.add(SimulatedBall("vibmotor-3"))
    async with serving(exchange, air):
        Person(exchange).set(run=True)
        await asyncio.sleep(5)
        was = dict(exchange.retained)
    exchange.retained.update(was)  # as if it had been killed
    ball.drop_link(away=1000)
    async with serving(exchange, air):
        assert state(exchange)["motor"] == "unknown"
        assert (await Person(exchange).ask("stop_all"))["data"]["balls"] == {"c0ba11000001": "unknown"}
        assert (await Person(exchange).ask("stop", ball="c0ba11000001"))["error"]["code"] == "not_stopped"


async def test_a_ball_that_is_let_go_takes_no_new_session(exchange: Exchange) -> None:
    air = air_of("open-ball")
    (ball,) = air
    async with serving(exchange, air) as gateway:
        person = Person(exchange)
        assert (await person.ask("run", ball="c0ba11000001", protocol="calf"))["ok"]
        await asyncio.sleep(5)
        exchange.say("unknot/gw1/request/disconnect", '{"ball": "c0ba11000001"}')
        for _ in range(300):
            exchange.say("unknot/gw1/request/vibrate", '{"ball": "c0ba11000001", "intensity": 20, "duration": 30}')
            await asyncio.sleep(0)
        await asyncio.sleep(5)
        assert gateway.keepers["c0ba11000001"].station.session is None
        assert (ball.level, ball.is_connected) == (0, False)
        await person.ask("connect", ball="c0ba11000001")
        await asyncio.sleep(5)
        assert (await person.ask("run", ball="c0ba11000001", protocol="calf"))["ok"]


@pytest.mark.parametrize("depth", [9, 600, 2000])
async def test_a_stop_in_a_nest_is_refused_and_answered(exchange: Exchange, depth: int) -> None:
    air = air_of("open-ball")
    nest = "[" * depth + "]" * depth
    async with serving(exchange, air):
        exchange.say(f"{BALL}/set", f'{{"run": true, "x": {nest}}}')
        exchange.say("unknot/gw1/request/ping", f'{{"id": "deep", "x": {nest}}}')
        exchange.say("unknot/gw1/request/ping", '{"id": "\\ud800"}')
        await asyncio.sleep(1)
        assert errors(exchange) == ["invalid_json"]
        assert len(exchange.told("unknot/gw1/response/ping")) == 2


async def test_a_topic_that_nobody_can_answer_on_costs_nothing(exchange: Exchange) -> None:
    async with serving(exchange, air_of("open-ball")):
        exchange.say(f"unknot/gw1/ball/{'x' * 60000}/set", '{"run": true}')
        exchange.say("unknot/gw1/request/ping", '{"id": "far"}', response_topic="/".join("a" * 250))
        await asyncio.sleep(1)
        assert [json.loads(text)["id"] for text in exchange.told("unknot/gw1/response/ping")] == ["far"]
        assert max(len(one.topic) for one in exchange.said if one.payload != '{"run": true}') < 300


async def test_a_fault_of_ours_at_one_ball_ends_no_other(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    air = air_of("open-ball", "open-ball")
    connect = api.connect

    def fail(found: FoundBall, **how: Any) -> Any:
        if found.address.endswith("01"):
            raise ZeroDivisionError
        return connect(found, **how)

    monkeypatch.setattr(api, "connect", fail)
    async with serving(exchange, air):
        await asyncio.sleep(300)
        assert (await Person(exchange).ask("run", ball="c0ba11000002", protocol="calf"))["ok"]
    assert sum("keeping it failed" in record.message for record in caplog.records) == 1


async def test_a_line_that_fails_by_a_fault_of_ours_is_made_anew(exchange: Exchange) -> None:
    fails = 0

    def dial(will: Will | None) -> AbstractAsyncContextManager[Link]:
        nonlocal fails
        if exchange.said and fails < 3:
            fails += 1
            raise RuntimeError
        return exchange.dial()(will)

    gateway = Gateway(config(air_of("open-ball")), dial, simulate=air_of("open-ball"))
    task = asyncio.create_task(gateway.run())
    await asyncio.sleep(3)
    exchange.cut()
    await asyncio.sleep(60)
    assert fails == 3
    assert (await Person(exchange).ask("ping"))["ok"]
    task.cancel()
    await asyncio.wait([task])


async def test_a_ball_that_drops_again_and_again_is_tried_less_and_less(exchange: Exchange) -> None:
    air = air_of("open-ball")
    async with serving(exchange, air) as gateway:
        (keeper,) = gateway.keepers.values()
        connects = []
        for _ in range(600):
            if keeper.station._gone is not None and not keeper.station._gone.done():
                keeper.station._gone.set_result(None)
            await asyncio.sleep(1)
            connects.append(gateway.tally.ball("c0ba11000001").connects)
    assert connects[-1] < 60


# Leaving.


async def test_leaving_stops_motors_before_the_goodbye(exchange: Exchange) -> None:
    air = air_of("open-ball", "open-ball")
    async with serving(exchange, air):
        for number in (1, 2):
            await Person(exchange).ask("run", ball=f"c0ba1100000{number}", protocol="calf")
        await asyncio.sleep(20)
    left = [one for one in exchange.said if one.payload == "offline"]
    for ball in air:
        assert ball.level == 0
        assert max(at for at, _ in ball.trace.points) <= min(one.at for one in left)
    assert left[-1].topic == "unknot/gw1/status"


# Whatever is said.

SAID = st.lists(
    st.tuples(
        st.sampled_from(
            [f"{BALL}/set", f"{BALL}/set/intensity", f"{BALL}/set/run", f"{BALL}/get", "unknot/gw1/ball/x/set",
             "unknot/all/request/stop_all", *(f"unknot/gw1/request/{verb}" for verb in (*REQUESTS, "other"))]
        ),
        PAYLOADS | st.sampled_from([b'{"run": true}', b'{"ball": "c0ba11000001", "protocol": "calf"}',
                                    b'{"ball": "c0ba11000001", "intensity": 30, "duration": 20}', b"40", b"true"]),
        st.booleans(),
    ),
    max_size=20,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(said=SAID)
def test_whatever_is_said_the_gateway_lives_and_no_motor_is_above_its_limits(
    said: list[tuple[str, bytes, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    logging.getLogger("unknot").setLevel(logging.CRITICAL)
    exchange, air = Exchange(), air_of("open-ball")
    (ball,) = air

    async def live() -> None:
        async with serving(exchange, air):
            for topic, payload, retain in said:
                exchange.say(topic, payload, retain=retain)
                await asyncio.sleep(0.3)
            if all(b"disconnect" not in topic.encode() for topic, _, _ in said):
                assert (await Person(exchange).ask("ping"))["ok"]
            exchange.say("unknot/all/request/stop_all", "")
            await asyncio.sleep(1)
            assert ball.level == 0

    try:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(live())
    finally:
        logging.getLogger("unknot").setLevel(logging.NOTSET)
    assert max((level for _, level in ball.trace.points), default=0) <= 66
    assert all(isinstance(json.loads(text), dict) for text in exchange.told(f"{BALL}/error"))
