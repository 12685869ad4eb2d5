"""Has a broker forget a gateway: what it retained there, and its balls in Home Assistant; for `unknot bridge --forget`.

What is to be forgotten is what the broker has, not what a configuration says: balls that were taken out of that are
forgotten too.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from unknot.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from unknot.bridge.broker import Dial, Link, Message
    from unknot.bridge.topics import GatewayTopics

QUIET_SECONDS = 1.0
"""When nothing retained has come for so long, all of it has (judgement: a broker sends it in one go)."""


async def forget(
    dial: Dial, topics: GatewayTopics, discovery: Callable[[Iterable[str]], Iterable[str]]
) -> tuple[str, ...]:
    """Clear everything; what has been cleared.

    Args:
        dial: makes a link to the broker.
        topics: the gateway's.
        discovery: gives the topics by which Home Assistant knows these balls, and the gateway itself.

    Raises:
        BrokerError: the broker, or the way to it.
        UsageError: the gateway is online; it would tell everything again.
    """
    async with dial(None) as link:
        await link.subscribe(f"{topics.prefix}/#")
        retained = await _retained(link)
        if retained.get(topics.status) == b"online":
            raise UsageError(f"the gateway {topics.gateway} is online; end it first, or it would tell everything again")
        balls = {topic.split("/")[3] for topic in retained if topic.startswith(f"{topics.prefix}/ball/")}
        cleared = (*discovery(sorted(balls)), *sorted(retained))
        for topic in cleared:
            await link.publish(topic, "", retain=True)
    return cleared


async def _retained(link: Link) -> dict[str, bytes]:
    """What the broker retains of what was subscribed to."""
    found: dict[str, bytes] = {}
    messages = aiter(link.messages())
    while True:
        try:
            message: Message = await asyncio.wait_for(anext(messages), QUIET_SECONDS)
        except TimeoutError:
            return found
        if message.is_retained and message.payload:
            found[message.topic] = message.payload
