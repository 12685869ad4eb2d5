"""A gateway with simulated balls on a broker made of nothing, for tests in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.bridge.exchange import Exchange
from unknot.bridge.broker import Broker
from unknot.bridge.configuration.config import BallConfig, GatewayConfig, OnBrokerLost
from unknot.bridge.gateway.gateway import Gateway
from unknot.bridge.topics import as_id
from unknot.simulator import Air, SimulatedBall

BALL = "unknot/gw1/ball/c0ba11000001"
"""The topics of the first simulated ball."""


def air_of(*profiles: str) -> Air:
    """An air with a ball for each profile, numbered."""
    return Air(*(SimulatedBall(profile, name=f"Ball {number}") for number, profile in enumerate(profiles, 1)))


def config(
    air: Air,
    name: str = "gw1",
    *,
    balls: int | None = None,
    take_new: bool = False,
    accept_protocols: bool = False,
    on_broker_lost: OnBrokerLost = OnBrokerLost.FINISH,
) -> GatewayConfig:
    """A gateway's configuration that lists the first balls on the air, by default all."""
    listed = [BallConfig(as_id(ball.address), ball.name, ball.address, ball.address) for ball in air][:balls]
    return GatewayConfig(
        Broker("nowhere"),
        name,
        take_new=take_new,
        on_broker_lost=on_broker_lost,
        accept_protocols=accept_protocols,
        balls=tuple(listed),
    )


@asynccontextmanager
async def serving(exchange: Exchange, air: Air, rules: GatewayConfig | None = None) -> AsyncIterator[Gateway]:
    """A gateway that serves until the block is left; by default it keeps every ball on the air."""
    gateway = Gateway(rules or config(air), exchange.dial(), simulate=air)
    task = asyncio.create_task(gateway.run())
    try:
        await asyncio.sleep(3)
        yield gateway
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


class Person:
    """Somebody on the broker: asks, and hears the answers.

    Args:
        exchange: the broker.
        gateway: whom to ask.
    """

    def __init__(self, exchange: Exchange, gateway: str = "gw1") -> None:
        self._exchange = exchange
        self._prefix = f"unknot/{gateway}"
        self._number = 0

    async def ask(self, verb: str, within: float = 6.0, **facts: Any) -> dict[str, Any]:
        """The whole answer to a request."""
        self._number += 1
        id_ = f"q{self._number}"
        self._exchange.say(f"{self._prefix}/request/{verb}", json.dumps({"id": id_, **facts}))
        for _ in range(int(within / 0.05)):
            for text in self._exchange.told(f"{self._prefix}/response/{verb}"):
                answer: dict[str, Any] = json.loads(text)
                if answer["id"] == id_:
                    return answer
            await asyncio.sleep(0.05)
        raise AssertionError(f"{verb} was not answered within {within} s")

    def set(self, topic: str = BALL, **values: Any) -> None:
        """Say ``set``."""
        self._exchange.say(f"{topic}/set", json.dumps(values))


def state(exchange: Exchange, topic: str = BALL) -> dict[str, Any]:
    """The state that is retained of a ball."""
    found: dict[str, Any] = json.loads(exchange.kept(f"{topic}/state"))
    return found


def errors(exchange: Exchange, topic: str = BALL) -> list[str]:
    """The codes of all refusals."""
    return [json.loads(text)["code"] for text in exchange.told(f"{topic}/error")]


def names(exchange: Exchange, topic: str = BALL) -> list[str]:
    """The names of all events, without those that come often."""
    told = [json.loads(text)["event_type"] for text in exchange.told(f"{topic}/event")]
    return [name for name in told if name not in ("level", "report")]
