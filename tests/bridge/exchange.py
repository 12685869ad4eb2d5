"""A broker made of nothing, for tests in virtual time: retained messages, wildcards, wills, and its faults.

It delivers in the loop's next turn, as real ones do, and keeps to MQTT where unknot relies on it. What real brokers do
beyond that is tested on mosquitto.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from unknot.bridge.broker import Dial, Message, Will
from unknot.errors import BrokerLost, BrokerUnreachable

QUEUE_MOST = 1000


@dataclass(frozen=True)
class Said:
    """One message that a broker was told, for tests to look at."""

    topic: str
    payload: str
    retain: bool
    at: float


@dataclass
class Exchange:
    """The broker."""

    said: list[Said] = field(default_factory=list)
    retained: dict[str, bytes] = field(default_factory=dict)
    is_up: bool = True
    _links: list[_Link] = field(default_factory=list)

    def dial(self) -> Dial:
        """What the gateway is given."""

        def dial(will: Will | None) -> AbstractAsyncContextManager[_Link]:
            return self._connected(will)

        return dial

    @asynccontextmanager
    async def _connected(self, will: Will | None) -> AsyncIterator[_Link]:
        await asyncio.sleep(0)
        if not self.is_up:
            raise BrokerUnreachable("nobody answers")
        link = _Link(self, will)
        self._links.append(link)
        try:
            yield link
        finally:
            if link in self._links:  # a clean goodbye: no will
                self._links.remove(link)

    def go_down(self) -> None:
        """The broker dies: every link is lost; what is retained is kept."""
        self.is_up = False
        for link in tuple(self._links):
            link.lose()
        self._links.clear()

    def go_up(self) -> None:
        """It is back."""
        self.is_up = True

    def cut(self, link_number: int = 0) -> None:
        """One link breaks: its will is told."""
        link = self._links.pop(link_number)
        link.lose()
        if link.will is not None:
            self.say(link.will.topic, link.will.payload, retain=True)

    def say(
        self,
        topic: str,
        payload: str | bytes,
        *,
        retain: bool = False,
        expires_in: float | None = None,
        response_topic: str = "",
        correlation: bytes = b"",
        speaker: object = None,
    ) -> None:
        """Somebody says something."""
        data = payload.encode() if isinstance(payload, str) else payload
        now = asyncio.get_running_loop().time()
        self.said.append(Said(topic, data.decode(errors="replace"), retain, now))
        if retain:
            if data:
                self.retained[topic] = data
            else:
                self.retained.pop(topic, None)
        message = Message(topic, data, False, now, expires_in, response_topic, correlation)
        for link in self._links:
            link.hear(message, retain=retain, is_own=link is speaker)

    def told(self, topic: str) -> list[str]:
        """Everything that was said on a topic, in order."""
        return [one.payload for one in self.said if one.topic == topic]

    def kept(self, topic: str) -> str:
        """What is retained there; empty if nothing is."""
        return self.retained.get(topic, b"").decode()


class _Link:
    def __init__(self, exchange: Exchange, will: Will | None) -> None:
        self.will = will
        self.dropped = 0
        self._exchange = exchange
        self._plain: set[str] = set()
        self._commands: set[str] = set()
        self._others: set[str] = set()
        self._queue: deque[Message] = deque()
        self._came = asyncio.Event()
        self._is_lost = False

    async def subscribe(self, *topics: str, qos: int = 1) -> None:
        await self._turn()
        self._plain.update(topics)
        now = asyncio.get_running_loop().time()
        for topic, payload in tuple(self._exchange.retained.items()):
            if any(matches(one, topic) for one in topics):
                message = Message(topic, payload, True, now)
                if qos:
                    self._put(message)
                else:  # nobody has to keep it until it is acknowledged
                    self._queue.append(message)
                    self._came.set()

    async def subscribe_to_commands(self, *topics: str) -> None:
        await self._turn()
        self._commands.update(topics)

    async def subscribe_to_others(self, *topics: str) -> None:
        await self.subscribe(*topics)
        self._others.update(topics)

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
        if qos:
            await self._turn()
        elif self._is_lost:
            return
        self._exchange.say(
            topic,
            payload,
            retain=retain,
            expires_in=expires_in,
            response_topic=response_topic,
            correlation=correlation,
            speaker=self,
        )

    async def messages(self) -> AsyncIterator[Message]:
        while True:
            while self._queue:
                yield self._queue.popleft()
            if self._is_lost:
                raise BrokerLost("the connection to the broker is gone")
            self._came.clear()
            await self._came.wait()

    def hear(self, message: Message, *, retain: bool, is_own: bool) -> None:
        """Take in what is said now: retained or not shows only on topics of commands."""
        if is_own and any(matches(one, message.topic) for one in self._others):
            return
        as_command = any(matches(one, message.topic) for one in self._commands)
        if as_command or any(matches(one, message.topic) for one in self._plain):
            is_retained = retain and as_command
            self._put(
                Message(
                    message.topic,
                    message.payload,
                    is_retained,
                    message.at,
                    message.expires_in,
                    message.response_topic,
                    message.correlation,
                )
            )

    def lose(self) -> None:
        self._is_lost = True
        self._queue.clear()
        self._came.set()

    def _put(self, message: Message) -> None:
        if len(self._queue) >= QUEUE_MOST:
            self.dropped += 1
            return
        self._queue.append(message)
        self._came.set()

    async def _turn(self) -> None:
        await asyncio.sleep(0)
        if self._is_lost:
            raise BrokerLost("the connection to the broker is gone")


def matches(wanted: str, topic: str) -> bool:
    """Whether a topic is one of those that a filter with + and # wants."""
    return _matches(iter(wanted.split("/")), iter(topic.split("/")))


def _matches(wanted: Iterator[str], topic: Iterator[str]) -> bool:
    for level in wanted:
        if level == "#":
            return True
        name = next(topic, None)
        if name is None or level not in ("+", name):
            return False
    return next(topic, None) is None
