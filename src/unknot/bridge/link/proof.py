"""Whether the broker lets us use our own topics; asked by the gateway before it says that it is online.

Brokers keep a refusal to themselves: mosquitto takes a subscription that its rules forbid, and delivers nothing.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from contextlib import suppress

from unknot.bridge.broker import Link, Message
from unknot.errors import TopicsForbidden

PROOF_SECONDS = 3.0
"""For a message to come back, which takes milliseconds (judgement)."""


async def prove(link: Link, topic: str) -> list[Message]:
    """Say something that nobody can guess on a topic that is subscribed to, and hear it come back.

    It reads the link's messages, so nobody else may read them meanwhile.

    Args:
        link: a link.
        topic: a topic that one of its subscriptions covers: a gateway's ``request/ping``, for what is said is one.

    Returns:
        What came before it, in order: it is the reader's.

    Raises:
        TopicsForbidden: it does not come back, or the broker says why.
        BrokerError: the link was lost.
    """
    nonce = json.dumps({"id": secrets.token_hex(16)}).encode()
    others: list[Message] = []
    await link.publish(topic, nonce, expires_in=PROOF_SECONDS)
    with suppress(TimeoutError):
        async with asyncio.timeout(PROOF_SECONDS):
            async for message in link.messages():
                if message.topic == topic and message.payload == nonce:
                    return others
                others.append(message)
    raise TopicsForbidden(
        f"the broker takes the login, but what we say on {topic} does not come back",
        advice="allow us to read and write our own topics in the broker's rules",
    )
