"""Links to a broker that speak MQTT; used by the gateway and by those who drive one.

A link needs real time, and an event loop that can watch sockets: `new_event_loop`.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

from unknot.bridge.broker import Broker, Dial, Link, Message, Will
from unknot.bridge.link import sockets
from unknot.bridge.link.client import (
    COMMANDS,
    EVERYTHING,
    EVERYTHING_AT_ONCE,
    OTHERS,
    Client,
    message_properties,
    ours,
)

GREETING_SECONDS = sockets.CONNECT_SECONDS
"""For the broker's answer to our greeting."""


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A loop on which MQTT works, for `asyncio.Runner`: the usual one of Windows cannot watch sockets."""
    return asyncio.SelectorEventLoop() if sys.platform == "win32" else asyncio.new_event_loop()


def dial(broker: Broker, *, identifier: str = "") -> Dial:
    """What connects to this broker.

    Args:
        broker: where it is, and who we are there.
        identifier: what the broker tells its clients apart by: a second one of the same identifier ends the first.
            Without it one is made up.
    """

    @asynccontextmanager
    async def attempt(will: Will | None) -> AsyncIterator[Link]:
        connection = await sockets.connect(broker)
        client = Client(broker, identifier or f"unknot-{secrets.token_hex(4)}", will)
        try:
            with ours(broker, connection):
                async with asyncio.timeout(GREETING_SECONDS):
                    await client.greet(connection)
            yield MqttLink(broker, client)
        finally:
            await client.part(connection)

    return attempt


class MqttLink:
    """A `Link` that speaks MQTT; made by `dial`.

    Whatever the broker is to answer, it has as long as a keep-alive lasts; then the link is lost.
    """

    def __init__(self, broker: Broker, client: Client) -> None:
        self._broker = broker
        self._client = client

    @property
    def dropped(self) -> int:
        """How many messages there was no room for."""
        return self._client.incoming.dropped

    async def subscribe(self, *topics: str, qos: int = 1) -> None:
        """As `Link` has it."""
        await self._answered(self._client.hear(topics, EVERYTHING if qos else EVERYTHING_AT_ONCE))

    async def subscribe_to_commands(self, *topics: str) -> None:
        """As `Link` has it, but for MQTT 3.1.1: what is retained comes, and a live message does not say that it is."""
        await self._answered(self._client.hear(topics, COMMANDS))

    async def subscribe_to_others(self, *topics: str) -> None:
        """As `Link` has it."""
        await self._answered(self._client.hear(topics, OTHERS))

    async def publish(
        self,
        topic: str,
        payload: str | bytes,
        *,
        retain: bool = False,
        qos: int = 1,
        expires_in: float | None = None,
        response_topic: str = "",
        correlation: bytes = b"",
    ) -> None:
        """As `Link` has it; raises `TopicsForbidden` where the broker says that it refuses it, as MQTT 5 lets it."""
        properties = message_properties(self._broker, expires_in, response_topic, correlation)
        await self._answered(self._client.say(topic, payload, qos=qos, is_kept=retain, properties=properties))

    def messages(self) -> AsyncIterator[Message]:
        """As `Link` has it; for one reader at a time."""
        return self._client.incoming

    async def _answered(self, saying: Awaitable[None]) -> None:
        with ours(self._broker):
            try:
                async with asyncio.timeout(self._broker.keep_alive):
                    await saying
            except TimeoutError as silence:
                self._client.give_up(silence)
                raise
