"""What is found out about a broker before a gateway relies on it: of one made of nothing, and of a real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.bridge.mosquitto import ACL, mosquitto
from unknot.bridge import reports
from unknot.bridge.broker import Broker, Link, Message, Will
from unknot.bridge.doctor import Finding, Verdict, is_overheard, look_at
from unknot.bridge.link import mqtt
from unknot.bridge.topics import GatewayTopics
from unknot.errors import BrokerError, BrokerLost, BrokerRefused, BrokerUnreachable

TOPICS = GatewayTopics("room-3")
HOST = Broker("host")
SECRET = "hunter2"  # noqa: S105 - nobody's


class Exchange:
    """A broker made of nothing: it passes on what is said after so many seconds, and has kept some of it.

    Args:
        way: how long what is said takes to be heard.
        held: how much longer what another connection said takes.
        kept: what is retained, by topic.
        deaf: the topic on which it passes on nothing.
        refusal: what becomes of an attempt to connect.
    """

    def __init__(
        self,
        way: float = 0.001,
        held: float = 0.0,
        *,
        kept: dict[str, str] | None = None,
        deaf: str = "",
        refusal: BrokerError | None = None,
    ) -> None:
        self.way = way
        self.held = held
        self.kept = kept or {}
        self.deaf = deaf
        self.refusal = refusal
        self.links: list[Connection] = []
        self.published: list[str] = []

    @asynccontextmanager
    async def dial(self, will: Will | None) -> AsyncIterator[Link]:
        assert will is None
        if self.refusal is not None:
            raise self.refusal
        link = Connection(self)
        self.links.append(link)
        try:
            yield link
        finally:
            self.links.remove(link)


class Connection:
    """One connection to it."""

    dropped = 0

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.topics: set[str] = set()
        self.queue: asyncio.Queue[Message | None] = asyncio.Queue()

    async def subscribe(self, *topics: str, qos: int = 1) -> None:
        assert qos == 1
        for topic in topics:
            self.topics.add(topic)
            if topic in self.exchange.kept:
                self.queue.put_nowait(Message(topic, self.exchange.kept[topic].encode(), is_retained=True))

    async def subscribe_to_commands(self, *topics: str) -> None:
        raise AssertionError(topics)

    async def subscribe_to_others(self, *topics: str) -> None:
        await self.subscribe(*topics)

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
        assert (retain, qos, response_topic, correlation) == (False, 1, "", b"")
        assert expires_in is not None
        self.exchange.published.append(topic)
        said = Message(topic, payload if isinstance(payload, bytes) else payload.encode())
        for link in self.exchange.links:
            if topic in link.topics and topic != self.exchange.deaf:
                delay = self.exchange.way + (self.exchange.held if link is not self else 0)
                asyncio.get_running_loop().call_later(delay, link.queue.put_nowait, said)

    async def messages(self) -> AsyncIterator[Message]:
        while True:
            message = await self.queue.get()
            if message is None:
                raise BrokerLost("the connection to the broker is gone")
            yield message


async def findings(exchange: Exchange, broker: Broker = HOST) -> list[Finding]:
    found: list[Finding] = []
    await look_at(broker, exchange.dial, TOPICS, found.append)
    return found


async def test_a_good_broker_is_well_in_every_respect() -> None:
    exchange = Exchange()
    assert await findings(exchange) == [
        Finding("broker", Verdict.OK, "mqtt://host:1883 takes us, with no login"),
        Finding("topics", Verdict.OK, "we may speak and listen on unknot/room-3/#"),
        Finding("round trip", Verdict.OK, "2 ms from a request to its answer"),
        Finding("gateway", Verdict.OK, "none has been called room-3 yet"),
    ]
    assert set(exchange.published) == {"unknot/room-3/request/ping", "unknot/room-3/response/ping"}
    assert exchange.links == []


@pytest.mark.parametrize(
    ("way", "held", "verdict", "said"),
    [
        (0.0002, 0.0, Verdict.OK, "0.4 ms from a request to its answer"),
        (0.0002, 0.022, Verdict.WARNING, "44.4 ms from a request to its answer"),  # both ends of the way are held up
        (0.1, 0.0, Verdict.OK, "200 ms from a request to its answer"),  # far away, and nobody's fault
        (0.1, 0.022, Verdict.WARNING, "244 ms from a request to its answer"),
    ],
)
async def test_a_broker_that_holds_answers_back_is_told_from_one_that_is_far_away(
    way: float, held: float, verdict: Verdict, said: str
) -> None:
    found = next(one for one in await findings(Exchange(way, held)) if one.what == "round trip")
    assert (found.verdict, found.found) == (verdict, said)
    assert ("'set_tcp_nodelay true'" in found.advice) is (verdict is Verdict.WARNING)


@pytest.mark.parametrize("verb", ["request", "response"])
async def test_topics_that_are_forbidden_are_found_out(verb: str) -> None:
    topic = f"unknot/room-3/{verb}/ping"
    found = await findings(Exchange(deaf=topic), Broker("host", username="gw1"))
    assert found[0].found == "mqtt://host:1883 takes us as gw1"
    assert found[1:] == [
        Finding(
            "topics",
            Verdict.TROUBLE,
            f"the broker takes the login, but what we say on {topic} does not come back",
            "allow us to read and write our own topics in the broker's rules",
        )
    ]


@pytest.mark.parametrize(
    "error", [BrokerUnreachable("nobody answers at host", advice="start it"), BrokerRefused("the login is refused")]
)
async def test_what_keeps_us_from_connecting_is_told_with_its_advice(error: BrokerError) -> None:
    (one,) = await findings(Exchange(refusal=error))
    assert (one.what, one.verdict) == ("broker", Verdict.TROUBLE)
    assert one.advice == error.advice
    assert str(error) in (one.found, f"{one.found}; {one.advice}")


async def test_a_broker_that_goes_away_meanwhile_is_trouble() -> None:
    exchange = Exchange(deaf="unknot/room-3/request/ping")
    asyncio.get_running_loop().call_later(1, lambda: exchange.links[0].queue.put_nowait(None))
    found = await findings(exchange)
    assert [(one.what, one.verdict) for one in found] == [("broker", Verdict.OK), ("broker", Verdict.TROUBLE)]
    assert found[1].found == "the connection to the broker is gone"


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ({"status": "online"}, "room-3 is online"),
        ({"status": "offline", "health": reports.tell(reports.Health(uptime=7200))}, "room-3 is offline"),
        (
            {
                "status": "online",
                "health": reports.tell(reports.Health(uptime=7200, balls={"a": reports.BallHealth()})),
            },
            "room-3 is online, for 2 h, with 1 ball",
        ),
        ({"status": "online", "health": '{"uptime": 0.4}'}, "room-3 is online, for 0 s, with 0 balls"),
        ({"status": "online", "health": '{"uptime": 31536000}'}, "room-3 is online, for 365 d, with 0 balls"),
        ({"status": "online", "health": "{"}, "room-3 is online"),
    ],
)
async def test_a_gateway_of_that_name_is_told(kept: dict[str, str], told: str) -> None:
    found = await findings(Exchange(kept={f"unknot/room-3/{key}": value for key, value in kept.items()}))
    assert found[-1] == Finding("gateway", Verdict.OK, told)


@pytest.mark.parametrize(
    ("broker", "is_so"),
    [
        (Broker("broker.local", username="u", password=SECRET), True),
        (Broker("broker.local", username="u", password=SECRET, is_tls=True), False),
        (Broker("broker.local", username="u"), False),
        (Broker("localhost", username="u", password=SECRET), False),
        (Broker("127.0.0.1", username="u", password=SECRET), False),
    ],
)
async def test_a_password_that_travels_in_the_clear_is_told(broker: Broker, *, is_so: bool) -> None:
    assert is_overheard(broker) is is_so
    found = await findings(Exchange(), broker)
    assert ("password" in [one.what for one in found]) is is_so
    assert SECRET not in str(found)


# A real broker


@pytest.mark.real_time
@pytest.mark.parametrize("version", ["5", "3.1.1"])
@pytest.mark.parametrize(("is_nodelay", "verdict"), [(True, Verdict.OK), (False, Verdict.WARNING)])
async def test_a_real_broker_that_delays_small_packets_is_told_from_one_that_does_not(
    tmp_path: Path, version: str, is_nodelay: bool, verdict: Verdict
) -> None:
    with mosquitto(tmp_path, users={"room-3": SECRET}, acl=ACL, is_nodelay=is_nodelay) as server:
        broker = server.broker(username="room-3", password=SECRET, version=version)
        found: list[Finding] = []
        await look_at(broker, mqtt.dial(broker), TOPICS, found.append)
    assert [(one.what, one.verdict) for one in found] == [
        ("broker", Verdict.OK),
        ("topics", Verdict.OK),
        ("round trip", verdict),
        ("gateway", Verdict.OK),
    ]


@pytest.mark.real_time
async def test_a_real_broker_whose_rules_name_another_gateway_is_found_out(tmp_path: Path) -> None:
    with mosquitto(tmp_path, users={"room-4": SECRET}, acl=ACL) as server:
        broker = server.broker(username="room-4", password=SECRET)
        found: list[Finding] = []
        await look_at(broker, mqtt.dial(broker), TOPICS, found.append)
    assert [(one.what, one.verdict) for one in found] == [("broker", Verdict.OK), ("topics", Verdict.TROUBLE)]
    assert "unknot/room-3/request/ping" in found[1].found
    assert found[1].advice
