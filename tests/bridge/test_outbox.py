import asyncio

import pytest

from tests.bridge.exchange import Exchange
from unknot.bridge.gateway.outbox import NEWS_MOST, UNDER_WAY_MOST, Outbox
from unknot.errors import BrokerLost


async def delivering(outbox: Outbox, exchange: Exchange) -> asyncio.Task[None]:
    """Have it tell from now on."""

    async def deliver() -> None:
        async with exchange.dial()(None) as link:
            await outbox.deliver(link)

    task = asyncio.create_task(deliver())
    await asyncio.sleep(0.1)
    return task


async def test_what_is_kept_is_told_once_whole_and_again_on_each_new_link() -> None:
    exchange, outbox = Exchange(), Outbox()
    for number in range(10):
        outbox.keep("a", str(number))
        outbox.keep("b", "same")
    first = await delivering(outbox, exchange)
    outbox.keep("b", "same")
    await asyncio.sleep(1)
    assert [(one.topic, one.payload) for one in exchange.said] == [("a", "9"), ("b", "same")]
    exchange.go_down()
    with pytest.raises(BrokerLost):
        outbox.keep("a", "10")
        await first
    outbox.keep("a", "11")
    exchange.go_up()
    second = await delivering(outbox, exchange)
    assert [(one.topic, one.payload) for one in exchange.said[2:]] == [("a", "11"), ("b", "same")]
    second.cancel()


async def test_news_are_told_in_their_order_and_not_at_all_without_a_link() -> None:
    exchange, outbox = Exchange(), Outbox()
    outbox.say("news", "too early")
    telling = await delivering(outbox, exchange)
    for number in range(3 * UNDER_WAY_MOST):
        outbox.say("news", str(number))
    await outbox.flush()
    assert exchange.told("news") == [str(number) for number in range(3 * UNDER_WAY_MOST)]
    assert "news" not in exchange.retained
    telling.cancel()


async def test_too_much_news_pushes_out_the_oldest_and_is_counted() -> None:
    exchange, outbox = Exchange(), Outbox()
    telling = await delivering(outbox, exchange)
    for number in range(NEWS_MOST + 5):
        outbox.say("news", str(number))
    await outbox.flush()
    assert outbox.dropped == 5
    assert exchange.told("news")[0] == "5"
    telling.cancel()


async def test_nobody_waits_for_what_nobody_can_be_told() -> None:
    exchange, outbox = Exchange(), Outbox()
    outbox.keep("a", "1")
    await asyncio.wait_for(outbox.flush(), 1)
    telling = await delivering(outbox, exchange)
    exchange.go_down()
    outbox.keep("a", "2")
    await asyncio.wait_for(outbox.flush(), 1)
    with pytest.raises(BrokerLost):
        await telling
