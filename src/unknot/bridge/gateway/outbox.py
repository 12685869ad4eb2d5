"""What a gateway has to tell the broker, in order, until there is a link to tell it by; used by the gateway.

What is retained is told whole, and only its newest content: a state that changed ten times while the broker was away is
told once. What is not retained is told while there is a link, and dropped otherwise: nobody wants old news.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unknot.errors import BrokerError, BrokerLost

if TYPE_CHECKING:
    from unknot.bridge.broker import Link

log = logging.getLogger(__name__)

NEWS_MOST = 4096
"""How many news wait for a slow broker, some seconds of a hundred balls that rise at once; then the oldest are dropped
(judgement)."""

UNDER_WAY_MOST = 16
"""How many messages wait for the broker's acknowledgement at once; below the 20 that mosquitto grants by default."""


@dataclass(frozen=True, slots=True)
class _News:
    topic: str
    payload: str
    qos: int = 1
    correlation: bytes = b""
    retain: bool = False


class Outbox:
    """What is to be told.

    Attributes:
        dropped: how many news nobody heard, because there were too many.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._kept: dict[str, str] = {}
        self._changed: dict[str, None] = {}
        self._news: deque[_News] = deque()
        self._wake = asyncio.Event()
        self._told = asyncio.Event()
        self._told.set()
        self._is_open = False
        self._under_way: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self._unsayable: set[str] = set()

    def keep(self, topic: str, payload: str) -> None:
        """Have the broker retain it; nothing is told if it has it already. An empty text makes it forget the topic."""
        if self._kept.get(topic) != payload:
            self._kept[topic] = payload
            self._tell(topic)

    def drop(self, topic: str) -> None:
        """Tell it no more, and leave at the broker what is there."""
        self._kept.pop(topic, None)
        self._changed.pop(topic, None)

    def again(self, *topics: str) -> None:
        """Tell once more what is kept on these topics."""
        for topic in topics:
            if topic in self._kept:
                self._tell(topic)

    def say(self, topic: str, payload: str, *, qos: int = 1, correlation: bytes = b"") -> None:
        """Tell it once, or not at all while there is no link."""
        if not self._is_open:
            return
        if len(self._news) >= NEWS_MOST:
            self._news.popleft()
            self.dropped += 1
        self._news.append(_News(topic, payload, qos, correlation))
        self._rouse()

    async def flush(self) -> None:
        """Wait until everything has been told and acknowledged, or there is no link any more."""
        await self._told.wait()

    async def deliver(self, link: Link) -> None:
        """Tell everything over a link until it is lost, first all that is kept, in the order of its first keeping.

        Raises:
            BrokerError: the link is lost.
        """
        self._changed = dict.fromkeys(self._kept)
        self._is_open = True
        self._failure = None
        try:
            while self._failure is None:
                # Begun in their order, so told in their order; only the acknowledgements are waited for together.
                while (self._changed or self._news) and len(self._under_way) < UNDER_WAY_MOST:
                    self._begin(link, self._next())
                if not self._under_way:
                    self._told.set()
                self._wake.clear()
                await self._wake.wait()
            raise self._failure
        finally:
            self._is_open = False
            self._news.clear()
            for task in tuple(self._under_way):
                task.cancel()
            if self._under_way:
                await asyncio.wait(self._under_way)
            self._told.set()

    def _next(self) -> _News:
        """What is retained goes first: whoever hears an event may look at the state that it led to."""
        if self._changed:
            topic = next(iter(self._changed))
            del self._changed[topic]
            return _News(topic, self._kept[topic], retain=True)
        return self._news.popleft()

    def _begin(self, link: Link, news: _News) -> None:
        work = link.publish(news.topic, news.payload, retain=news.retain, qos=news.qos, correlation=news.correlation)
        task = asyncio.get_running_loop().create_task(work, name=news.topic)
        self._under_way.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, BrokerError) and not isinstance(error, BrokerLost):
            self._tell_unsayable(task.get_name(), error)
        elif error is not None:
            self._failure = self._failure or error
        self._wake.set()

    def _tell_unsayable(self, topic: str, error: BrokerError) -> None:
        """The broker does not want it there, or it cannot be said: all else goes on; told once, of what we keep."""
        self.dropped += 1
        if topic in self._kept and topic not in self._unsayable:
            self._unsayable.add(topic)
            log.warning("%s", error)

    def _tell(self, topic: str) -> None:
        self._changed[topic] = None
        self._rouse()

    def _rouse(self) -> None:
        if self._is_open:
            self._told.clear()
        self._wake.set()
