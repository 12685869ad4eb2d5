"""Before anybody is told that a gateway is there, it has heard itself."""

import asyncio
import json

import pytest

from tests.bridge.exchange import Exchange
from unknot.bridge import payloads
from unknot.bridge.link.proof import PROOF_SECONDS, prove
from unknot.errors import BrokerLost, TopicsForbidden

PING = "unknot/gw1/request/ping"


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


async def test_what_we_say_comes_back(exchange: Exchange) -> None:
    async with exchange.dial()(None) as link:
        await link.subscribe_to_commands("unknot/gw1/request/+")
        assert await prove(link, PING) == []
    (said,) = exchange.said
    assert said.topic == PING
    assert payloads.read_request("ping", said.payload.encode()).id == json.loads(said.payload)["id"]
    assert not said.retain


async def test_nobody_can_guess_it(exchange: Exchange) -> None:
    async with exchange.dial()(None) as link:
        await link.subscribe_to_commands(PING)
        for _ in range(10):
            await prove(link, PING)
    assert len(set(exchange.told(PING))) == 10


async def test_what_came_meanwhile_is_the_readers_in_its_order(exchange: Exchange) -> None:
    async with exchange.dial()(None) as link:
        await link.subscribe_to_commands("unknot/gw1/request/+")
        exchange.say("unknot/gw1/request/stop_all", "1")
        exchange.say(PING, "2")
        before = await prove(link, PING)
        exchange.say("unknot/gw1/request/run", "3")
        assert [message.payload for message in before] == [b"1", b"2"]
        assert (await anext(link.messages())).payload == b"3"


async def test_a_broker_that_drops_it_in_silence_is_found_out_in_time(exchange: Exchange) -> None:
    async def ask_on() -> None:
        while True:  # others' messages are no proof
            exchange.say("unknot/gw1/request/scan", "x")
            await asyncio.sleep(0.5)

    began = asyncio.get_running_loop().time()
    async with exchange.dial()(None) as link:
        await link.subscribe_to_commands("unknot/gw1/request/scan")
        asking = asyncio.create_task(ask_on())
        with pytest.raises(TopicsForbidden, match=r"unknot/gw1/request/ping does not come back; allow us"):
            await prove(link, PING)
        asking.cancel()
    assert asyncio.get_running_loop().time() - began == PROOF_SECONDS


async def test_a_lost_link_proves_nothing(exchange: Exchange) -> None:
    async with exchange.dial()(None) as link:
        asyncio.get_running_loop().call_later(1, exchange.go_down)
        with pytest.raises(BrokerLost):
            await prove(link, PING)
