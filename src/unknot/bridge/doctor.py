"""What is found out about a broker before a gateway relies on it: login, topics, speed; used by ``unknot doctor``.

It speaks through any `unknot.bridge.broker.Dial`.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from unknot.bridge import reports
from unknot.bridge.broker import Broker, Dial, Link
from unknot.bridge.link.proof import PROOF_SECONDS, prove
from unknot.bridge.topics import ONLINE, GatewayTopics
from unknot.errors import BrokerError, LinkError, TopicsForbidden, UnknotError

ROUND_TRIPS = 5
"""How often it is asked: a network is slow by chance, and packets that are held back are so nearly always."""

HELD_SECONDS = 0.02
"""A broker whose TCP delays small packets holds an answer back until the asker's system acknowledges what came before
it, which Linux does after 40 ms (measured with mosquitto's default: 44 ms, and 0.5 ms with set_tcp_nodelay)."""

_ADVICE_HELD = "let it send small packets at once: 'set_tcp_nodelay true' in mosquitto.conf"
_ADVICE_FORBIDDEN = "allow us to read and write our own topics in the broker's rules"
_ADVICE_CLEAR = "use mqtts://, so that nobody on the way can read it"

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
"""Seconds in each unit of an uptime, the largest first."""


class Verdict(StrEnum):
    """How well something is."""

    OK = "ok"
    WARNING = "warning"
    """It works, and could be better."""
    TROUBLE = "trouble"
    """It does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one thing.

    Attributes:
        what: the thing.
        verdict: how well it is.
        found: what is so, in plain words; may hold what others have written.
        advice: what the person can do; possibly empty.
    """

    what: str
    verdict: Verdict
    found: str
    advice: str = ""


def trouble(what: str, error: UnknotError, verdict: Verdict = Verdict.TROUBLE) -> Finding:
    """The finding for an error of ours; its advice stands by itself."""
    advice = error.advice if isinstance(error, BrokerError | LinkError) else ""
    return Finding(what, verdict, str(error).removesuffix(f"; {advice}"), advice)


async def look_at(broker: Broker, dial: Dial, topics: GatewayTopics, tell: Callable[[Finding], None]) -> None:
    """Connect as a gateway would, and find out what it would meet.

    Args:
        broker: where it is, for the words.
        dial: how to connect.
        topics: the gateway's.
        tell: told of each finding as soon as it is one.
    """
    who = f" as {broker.username}" if broker.username else ", with no login"
    try:
        async with dial(None) as link:
            tell(Finding("broker", Verdict.OK, f"{broker} takes us{who}"))
            if is_overheard(broker):
                tell(Finding("password", Verdict.WARNING, "it travels in the clear", _ADVICE_CLEAR))
            async with dial(None) as other:
                await _listen(link, other, topics, tell)
    except TopicsForbidden as error:
        tell(trouble("topics", error))
    except BrokerError as error:
        tell(trouble("broker", error))


def is_overheard(broker: Broker) -> bool:
    """Whether others on the network can read the password."""
    is_here = broker.host in ("localhost", "::1") or broker.host.startswith("127.")
    return bool(broker.password) and not broker.is_tls and not is_here


async def _listen(link: Link, other: Link, topics: GatewayTopics, tell: Callable[[Finding], None]) -> None:
    """Hear what we say, how long that and an answer take, and what is kept about the gateway."""
    kept: dict[str, bytes] = {}
    await link.subscribe(topics.status, topics.health, topics.request("ping"), topics.response("ping"))
    echo = min([await _echo(link, topics, kept) for _ in range(ROUND_TRIPS)])
    await other.subscribe(topics.request("ping"))
    answer = median([await _answer(link, other, topics) for _ in range(ROUND_TRIPS)])
    tell(Finding("topics", Verdict.OK, f"we may speak and listen on {topics.prefix}/#"))
    # An answer takes the way twice that what we say to ourselves takes once; what is more, the broker waits.
    is_held = answer - 2 * echo >= HELD_SECONDS
    verdict, advice = (Verdict.WARNING, _ADVICE_HELD) if is_held else (Verdict.OK, "")
    tell(Finding("round trip", verdict, f"{1000 * answer:.3g} ms from a request to its answer", advice))
    tell(Finding("gateway", Verdict.OK, _gateway(topics, kept)))


async def _echo(link: Link, topics: GatewayTopics, kept: dict[str, bytes]) -> float:
    """Ask the gateway that we may be for a sign of life, and hear the question; how long that took (s).

    A gateway of that name which runs answers it, and nothing else happens. What comes before is ``kept``.
    """
    began = asyncio.get_running_loop().time()
    others = await prove(link, topics.request("ping"))
    took = asyncio.get_running_loop().time() - began
    kept.update((message.topic, message.payload) for message in others)
    return took


async def _answer(link: Link, other: Link, topics: GatewayTopics) -> float:
    """Ask over one connection and answer over another, as people and gateways do; how long that took (s)."""
    question = json.dumps({"id": secrets.token_hex(16)})
    request, response = topics.request("ping"), topics.response("ping")
    began = asyncio.get_running_loop().time()
    await link.publish(request, question, expires_in=PROOF_SECONDS)
    await _hear(other, request, question)
    await other.publish(response, question, expires_in=PROOF_SECONDS)
    await _hear(link, response, question)
    return asyncio.get_running_loop().time() - began


async def _hear(link: Link, topic: str, payload: str) -> None:
    """Wait until that is heard on that topic.

    Raises:
        TopicsForbidden: it does not come.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(PROOF_SECONDS):
            async for message in link.messages():
                if message.topic == topic and message.payload == payload.encode():
                    return
    raise TopicsForbidden(
        f"the broker takes the login, but what we say on {topic} does not come back", advice=_ADVICE_FORBIDDEN
    )


def _gateway(topics: GatewayTopics, kept: dict[str, bytes]) -> str:
    """What the broker knows of the gateway of that name."""
    status = kept.get(topics.status, b"").decode(errors="replace")
    if not status:
        return f"none has been called {topics.gateway} yet"
    health = reports.read(reports.Health, kept.get(topics.health, b""))
    if status != ONLINE or health is None:
        return f"{topics.gateway} is {status}"
    size, unit = next((size, unit) for size, unit in _UNITS if health.uptime >= size or size == 1)
    balls = len(health.balls)
    return f"{topics.gateway} is {status}, for {health.uptime / size:.0f} {unit}, with {balls} ball{'s' * (balls != 1)}"
