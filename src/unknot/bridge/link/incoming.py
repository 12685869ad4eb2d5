"""What came from a broker and has not been read yet; a link's `messages`. Bounded: the oldest go first."""

from __future__ import annotations

import asyncio
from collections import deque

from unknot.bridge.broker import Message
from unknot.errors import BrokerError


class Incoming:
    """An iterator over messages for one reader; at the link's end it hands out what came before, then raises.

    Args:
        most: how many messages wait at most. Then the oldest is dropped for each new one: what was said last counts
            most, above all if it is a stop.

    Attributes:
        dropped: how many there was no room for.
    """

    def __init__(self, most: int) -> None:
        self.dropped = 0
        self._most = most
        self._waiting: deque[Message] = deque()
        self._loss: BrokerError | None = None
        self._news = asyncio.Event()

    def put(self, message: Message) -> None:
        """There is a message."""
        if len(self._waiting) == self._most:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(message)
        self._news.set()

    def end(self, loss: BrokerError) -> None:
        """There will be no more, because of this; the first reason counts."""
        self._loss = self._loss or loss
        self._news.set()

    def check(self) -> None:
        """Raise why the link has ended, if it has."""
        if self._loss is not None:
            # Whoever raised it before has left its trace in it.
            raise self._loss.with_traceback(None)

    def __aiter__(self) -> Incoming:
        return self

    async def __anext__(self) -> Message:
        while not self._waiting:
            self.check()
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()
