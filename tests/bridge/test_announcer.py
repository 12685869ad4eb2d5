"""Home Assistant and other gateways, as a gateway with simulated balls meets them on a broker made of nothing."""

import asyncio
import json
from dataclasses import replace

import pytest

from tests.bridge.exchange import Exchange
from tests.bridge.gateways import BALL, Person, air_of, config, serving
from unknot.bridge.configuration.config import BallConfig
from unknot.bridge.gateway.announcer import REMOVAL_SECONDS
from unknot.bridge.homeassistant import entities
from unknot.protocols import library

ANNOUNCEMENT = "homeassistant/device/unknot/c0ba11000001/config"


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


async def test_home_assistant_is_told_of_the_gateway_and_of_a_ball_once_it_is_connected(exchange: Exchange) -> None:
    air = air_of("open-ball")
    (ball,) = air
    ball.is_advertising = False
    async with serving(exchange, air):
        assert ANNOUNCEMENT not in exchange.retained
        assert (
            json.loads(exchange.kept("homeassistant/device/unknot-gateway/gw1/config"))["dev"]["name"] == "unknot gw1"
        )
        ball.is_advertising = True
        await asyncio.sleep(60)
        told = json.loads(exchange.kept(ANNOUNCEMENT))
        assert told["dev"]["cns"] == [["bluetooth", "C0:BA:11:00:00:01"]]
        assert set(told["cmps"]["protocol"]["ops"]) == {"manual", *library.files()}
        assert told["stat_t"] == f"{BALL}/state"
    assert ANNOUNCEMENT in exchange.retained  # it is only away


async def test_a_name_of_any_letters_survives(exchange: Exchange) -> None:
    air = air_of("open-ball")
    name = 'Größe "7" – 🦶 {{ ball }}'
    balls = (BallConfig("c0ba11000001", name, "C0:BA:11:00:00:01", "C0:BA:11:00:00:01"),)
    async with serving(exchange, air, replace(config(air), balls=balls)):
        assert json.loads(exchange.kept(ANNOUNCEMENT))["dev"]["name"] == name
        assert json.loads(exchange.kept("unknot/gw1/info"))["balls"][0]["name"] == name


async def test_who_wants_no_home_assistant_is_told_nothing_of_it(exchange: Exchange) -> None:
    air = air_of("open-ball")
    async with serving(exchange, air, replace(config(air), discovery=False)):
        assert (await Person(exchange).ask("ping"))["ok"]
    assert not any(one.topic.startswith("homeassistant/") for one in exchange.said)


async def test_another_first_level_is_kept_to(exchange: Exchange) -> None:
    air = air_of("open-ball")
    async with serving(exchange, air, replace(config(air), prefix="ha/own")):
        before = len(exchange.told(f"{BALL}/availability"))
        exchange.say("ha/own/status", "online")
        await asyncio.sleep(6)
        assert len(exchange.told(f"{BALL}/availability")) == before + 1
    assert "ha/own/device/unknot/c0ba11000001/config" in exchange.retained


async def test_what_an_older_version_showed_is_taken_away_once(exchange: Exchange) -> None:
    air = air_of("open-ball")
    async with serving(exchange, air):
        plain = exchange.kept(ANNOUNCEMENT)
    old = json.loads(plain)
    old["cmps"]["fan"] = {"p": "fan", "uniq_id": "unknot_c0ba11000001_fan"}
    exchange.retained[ANNOUNCEMENT] = json.dumps(old).encode()
    before = len(exchange.told(ANNOUNCEMENT))
    async with serving(exchange, air):
        await asyncio.sleep(2 * REMOVAL_SECONDS)
    leaner, last = exchange.told(ANNOUNCEMENT)[before:]
    assert json.loads(leaner)["cmps"]["fan"] == {"p": "fan"}
    assert last == plain
    assert entities.GONE_BATTERY not in json.loads(plain)["cmps"].values()


async def test_a_ball_that_moves_to_another_gateway_stays_the_same_in_home_assistant(exchange: Exchange) -> None:
    air = air_of("open-ball")
    async with serving(exchange, air), serving(exchange, air, config(air, "gw2")):
        assert json.loads(exchange.kept(ANNOUNCEMENT))["dev"]["via_device"] == "unknot-gateway_gw1"
        await Person(exchange).ask("disconnect", ball="c0ba11000001")
        await asyncio.sleep(10)
        assert json.loads(exchange.kept(ANNOUNCEMENT))["dev"]["via_device"] == "unknot-gateway_gw2"
        told = len(exchange.told(ANNOUNCEMENT))
        exchange.say("homeassistant/status", "online")
        await asyncio.sleep(10)
        exchange.go_down()
        await asyncio.sleep(1)
        exchange.go_up()
        await asyncio.sleep(20)
    assert {json.loads(text)["dev"]["via_device"] for text in exchange.told(ANNOUNCEMENT)[told:]} == {
        "unknot-gateway_gw2"
    }


async def test_what_an_earlier_life_left_behind_is_made_true(exchange: Exchange) -> None:
    air = air_of("open-ball")
    (ball,) = air
    exchange.retained[f"{BALL}/availability"] = b"online"
    ball.is_advertising = False
    async with serving(exchange, air):
        assert exchange.kept(f"{BALL}/availability") == "offline"
