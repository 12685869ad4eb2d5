"""Somebody on a real broker who asks a gateway and hears what it tells, for tests in real time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from unknot.bridge.broker import Broker, Link, Message
from unknot.bridge.link import mqtt

PATIENCE_SECONDS = 15.0
"""For what takes a moment, on a busy machine."""


class Ear:
    """Hears everything.

    Attributes:
        heard: every message, in order.
        kept: the newest payload on each topic.
        link: the way to say something.
    """

    def __init__(self, link: Link) -> None:
        self.heard: list[Message] = []
        self.kept: dict[str, str] = {}
        self.link = link
        self._news = asyncio.Event()
        self._number = 0

    async def listen(self) -> None:
        async for message in self.link.messages():
            self.heard.append(message)
            self.kept[message.topic] = message.payload.decode(errors="replace")
            self._news.set()

    async def until(self, fits: Callable[[], object], within: float = PATIENCE_SECONDS) -> None:
        """Wait until something holds; looked at whenever a message comes, and now and then."""
        async with asyncio.timeout(within):
            while not fits():
                self._news.clear()
                try:
                    async with asyncio.timeout(0.02):
                        await self._news.wait()
                except TimeoutError:
                    continue

    def state(self, topic: str) -> dict[str, Any]:
        """The newest state of a ball; empty if none has been told."""
        found: dict[str, Any] = json.loads(self.kept.get(f"{topic}/state") or "{}")
        return found

    async def ask(self, gateway: str, verb: str, **facts: Any) -> dict[str, Any]:
        """The answer to a request."""
        self._number += 1
        id_ = f"ask-{self._number}"
        await self.link.publish(f"unknot/{gateway}/request/{verb}", json.dumps({"id": id_, **facts}))
        topic = f"unknot/{gateway}/response/{verb}"

        def answers() -> list[dict[str, Any]]:
            return [
                answer
                for message in self.heard
                if message.topic == topic and (answer := json.loads(message.payload))["id"] == id_
            ]

        await self.until(answers)
        return answers()[0]


@asynccontextmanager
async def ear(broker: Broker, *topics: str) -> AsyncIterator[Ear]:
    """Somebody who hears these topics, by default all of unknot's, until the block is left."""
    async with mqtt.dial(broker)(None) as link:
        await link.subscribe(*(topics or ("unknot/#", "homeassistant/#")))
        one = Ear(link)
        listening = asyncio.create_task(one.listen())
        try:
            yield one
        finally:
            listening.cancel()
            await asyncio.wait([listening])
