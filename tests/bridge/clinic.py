"""A clinic for what goes by another gateway: a broker made of nothing and gateways, in virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from tests.bridge.exchange import Exchange
from tests.bridge.far import Far
from tests.bridge.gateways import config
from unknot.bridge.broker import Broker, Dial, Link, Will
from unknot.bridge.gateway.gateway import Gateway
from unknot.clock import VirtualTimeLoop
from unknot.simulator import Air, SimulatedBall


class Clinic:
    """Gateways that begin to serve when somebody comes, and what happens meanwhile.

    Attributes:
        exchange: the broker.
        rooms: the air of each gateway, by its name.
        far: the gateways and their ways, once somebody has come.
        meanwhile: what happens so many seconds after somebody has come; 0 for what is there before.
    """

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.rooms: dict[str, Air] = {"raum-3": Air(SimulatedBall())}
        self.far: dict[str, Far] = {}
        self.meanwhile: list[tuple[float, Callable[[], object]]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def dial(self, _broker: Broker) -> Dial:
        """In the place of `unknot.bridge.link.mqtt.dial`."""

        @asynccontextmanager
        async def attempt(will: Will | None) -> AsyncIterator[Link]:
            if self._loop is not asyncio.get_running_loop() and self.exchange.is_up:  # each command has its own
                await self._open()
            async with self.exchange.dial()(will) as link:
                yield link

        return attempt

    async def _open(self) -> None:
        self._loop = loop = asyncio.get_running_loop()
        for name, air in self.rooms.items():
            self.far[name] = far = Far(self.exchange)
            far.gateway = Gateway(config(air, name), far.dial(), simulate=air)
            self._tasks.append(asyncio.create_task(far.gateway.run()))
        await asyncio.sleep(3)
        for seconds, what in self.meanwhile:
            if seconds:
                loop.call_later(seconds, what)
            else:
                what()

    def keep_other(self, name: str, *changes: tuple[str, str]) -> None:
        """Have the broker retain something else on all topics of that name than the gateways have told."""
        for topic, payload in self.exchange.retained.items():
            if topic.rpartition("/")[2] == name:
                text = payload.decode()
                for old, new in changes:
                    text = text.replace(old, new)
                self.exchange.retained[topic] = text.encode()


@pytest.fixture
def clinic(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clinic]:
    """A clinic with one gateway and one ball."""
    before = random.getstate()
    random.seed(3)  # of all pauses before another attempt
    made = Clinic()
    monkeypatch.setattr("unknot.bridge.link.mqtt.dial", made.dial)
    monkeypatch.setattr("unknot.bridge.link.mqtt.new_event_loop", VirtualTimeLoop)
    yield made
    random.setstate(before)
