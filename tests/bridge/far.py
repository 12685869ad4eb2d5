"""A gateway far away, for the tests of those who drive one from elsewhere: the real one, on a way that can fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from tests.bridge.exchange import Exchange
from tests.bridge.gateways import config
from unknot.bridge.broker import Dial, Link, Message, Will
from unknot.bridge.elsewhere.inquiries import Target
from unknot.bridge.gateway.gateway import Gateway
from unknot.bridge.gateway.station import Station
from unknot.errors import BrokerUnreachable
from unknot.simulator import Air


class Far:
    """A gateway and its way to the broker.

    Attributes:
        deaf_to: verbs that do not reach it.
        mute_to: verbs whose answers do not reach the broker.
        swallows: names of events that do not reach the broker.
        is_away: whether it finds no broker any more.
        gateway: the gateway.
    """

    def __init__(self, exchange: Exchange) -> None:
        self.deaf_to: set[str] = set()
        self.mute_to: set[str] = set()
        self.swallows: set[str] = set()
        self.is_away = False
        self.gateway: Gateway
        self._exchange = exchange

    def dial(self) -> Dial:
        """What the gateway is given."""

        def dial(will: Will | None) -> AbstractAsyncContextManager[Link]:
            return self._connected(will)

        return dial

    def station(self, ball: str) -> Station:
        """One of its balls."""
        return self.gateway.keepers[ball].station

    @asynccontextmanager
    async def _connected(self, will: Will | None) -> AsyncIterator[Link]:
        if self.is_away:
            raise BrokerUnreachable("nobody answers")
        async with self._exchange.dial()(will) as link:
            yield _Way(link, self)


class _Way:
    """A link that loses what it is told to."""

    def __init__(self, link: Link, far: Far) -> None:
        self._link = link
        self._far = far

    @property
    def dropped(self) -> int:
        return self._link.dropped

    async def subscribe(self, *topics: str, qos: int = 1) -> None:
        await self._link.subscribe(*topics, qos=qos)

    async def subscribe_to_commands(self, *topics: str) -> None:
        await self._link.subscribe_to_commands(*topics)

    async def subscribe_to_others(self, *topics: str) -> None:
        await self._link.subscribe_to_others(*topics)

    async def publish(self, topic: str, payload: str | bytes, **how: Any) -> None:
        *_, kind, name = topic.split("/")
        is_lost = kind == "response" and name in self._far.mute_to
        if name == "event":
            is_lost = json.loads(payload)["event_type"] in self._far.swallows
        if not is_lost:
            await self._link.publish(topic, payload, **how)

    async def messages(self) -> AsyncIterator[Message]:
        async for message in self._link.messages():
            if message.topic.rpartition("/")[2] not in self._far.deaf_to:
                yield message


@asynccontextmanager
async def gateway(exchange: Exchange, air: Air, name: str = "raum-3") -> AsyncIterator[Far]:
    """A gateway that keeps every ball on the air, for the length of the block."""
    far = Far(exchange)
    far.gateway = Gateway(config(air, name), far.dial(), simulate=air)
    running = asyncio.create_task(far.gateway.run())
    try:
        await asyncio.sleep(3)
        yield far
    finally:
        running.cancel()
        await asyncio.wait([running])
        if not running.cancelled():
            running.result()


def target(exchange: Exchange, gateway: str | None = None, ball: str | None = None) -> Target:
    """The broker, and whom is meant there."""
    return Target(exchange.dial(), "mqtt://broker:1883", gateway=gateway, ball=ball)
