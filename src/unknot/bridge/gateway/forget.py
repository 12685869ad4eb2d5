"""Has a broker forget a gateway: what it retained there, and its balls in Home Assistant; for `unknot bridge --forget`.

What is to be forgotten is what the broker has, not what a configuration says: balls that were taken out of that are
forgotten too.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from unknot.bridge.homeassistant import discovery
from unknot.bridge.topics import ONLINE, is_id
from unknot.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unknot.bridge.broker import Dial, Link, Message
    from unknot.bridge.homeassistant.discovery import GatewayFacts

QUIET_SECONDS = 1.0
"""When nothing retained has come for so long, all of it has (judgement: a broker sends it in one go)."""


MESSAGES_MOST = 10_000
"""Who hears more has a broker on which somebody speaks for ever (judgement)."""


async def forget(dial: Dial, gateway: GatewayFacts) -> tuple[str, ...]:
    """Clear everything; the topics that have been cleared.

    A ball that another gateway has by now is left alone: what was retained here was cleared when that one took it.

    Args:
        dial: makes a link to the broker.
        gateway: which.

    Raises:
        BrokerError: the broker, or the way to it.
        UsageError: the gateway is online; it would tell everything again.
    """
    topics = gateway.topics
    async with dial(None) as link:
        await link.subscribe(f"{topics.prefix}/#", qos=0)
        retained = await _retained(link)
        if retained.get(topics.status) == ONLINE.encode():
            raise UsageError(
                f"the gateway {gateway.gateway} is online; end it first, or it would tell everything again"
            )
        prefix = topics.ball("").prefix
        mentioned = {topic.removeprefix(prefix).partition("/")[0] for topic in retained if topic.startswith(prefix)}
        announced = await _announced(link, gateway, mentioned)
        balls = {ball for ball, payload in announced.items() if discovery.announcer(payload) == gateway.gateway}
        # Home Assistant warns of the removal of what it does not know.
        known = dict.fromkeys((*discovery.forgotten(gateway, sorted(balls)), *sorted(retained)) if retained else ())
        for topic in known:
            await link.publish(topic, discovery.REMOVED, retain=True)
    return tuple(known)


async def _announced(link: Link, gateway: GatewayFacts, balls: Iterable[str]) -> dict[str, bytes]:
    """What Home Assistant has been told of these balls, by whichever gateway."""
    topics = {discovery.ball_topic(gateway, ball): ball for ball in balls if is_id(ball)}
    if topics:
        await link.subscribe(*topics, qos=0)
    return {topics[topic]: payload for topic, payload in (await _retained(link)).items() if topic in topics}


async def _retained(link: Link) -> dict[str, bytes]:
    """What the broker retains of what was subscribed to."""
    found: dict[str, bytes] = {}
    messages = aiter(link.messages())
    for _ in range(MESSAGES_MOST):
        try:
            message: Message = await asyncio.wait_for(anext(messages), QUIET_SECONDS)
        except TimeoutError:
            break
        if message.is_retained and message.payload:
            found[message.topic] = message.payload
    return found
