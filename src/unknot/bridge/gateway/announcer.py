"""Announces the gateway and its balls, also to Home Assistant, and withdraws a ball that another gateway has.

A ball has one link, so two gateways that know it do not fight: who is connected announces it, and the other one clears
what it had retained. Home Assistant has one announcement of a ball, whichever gateway makes it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from unknot import __version__
from unknot.bridge.gateway.answers import protocols
from unknot.bridge.homeassistant import discovery
from unknot.bridge.homeassistant.discovery import BallFacts, GatewayFacts
from unknot.bridge.topics import ONLINE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unknot.bridge.configuration.config import GatewayConfig
    from unknot.bridge.gateway.keeper import Keeper
    from unknot.bridge.gateway.outbox import Outbox
    from unknot.bridge.reports import ProtocolEntry
    from unknot.profiles.model import FirmwareProfile

BETWEEN_SECONDS = 0.05
"""Between two balls that are announced anew: each takes some milliseconds, and sessions must not wait (judgement)."""

REMOVAL_SECONDS = 1.0
"""How long an announcement stands that takes entities away, before it is told without them (judgement)."""


class Announcer:
    """Announces and withdraws.

    Args:
        config: of the gateway.
        keepers: the balls that it keeps, by id; looked at anew each time.
        outbox: where it is told.
    """

    def __init__(self, config: GatewayConfig, keepers: Mapping[str, Keeper], outbox: Outbox) -> None:
        self._gateway = GatewayFacts(config.name, __version__, config.broker.base, config.prefix)
        self._tells_home_assistant = config.discovery
        self._keepers = keepers
        self._outbox = outbox
        self._before: dict[str, dict[str, str]] = {}
        self._elsewhere: dict[str, str] = {}

    @property
    def topics(self) -> tuple[str, ...]:
        """What it wants to hear: Home Assistant's birth, and what it was told of balls before."""
        if not self._tells_home_assistant:
            return ()
        return discovery.birth_topic(self._gateway.prefix), discovery.ball_topic(self._gateway, "+")

    def announce_gateway(self) -> None:
        """Tell Home Assistant of the gateway."""
        if self._tells_home_assistant:
            payload = discovery.announce_gateway(self._gateway)
            self._outbox.keep(discovery.gateway_topic(self._gateway), discovery.as_text(payload))

    def announce(self, ball: str, known: Sequence[ProtocolEntry] | None = None) -> None:
        """Tell Home Assistant of a ball that is connected; what it showed of it and will not any more is taken away.

        Args:
            ball: its id.
            known: the protocols that can be chosen; None to look which there are.
        """
        keeper = self._keepers[ball]
        if not self._tells_home_assistant or not keeper.station.telling.is_announced:
            return
        payload = discovery.announce_ball(self._gateway, _facts(ball, keeper, protocols() if known is None else known))
        topic, text = discovery.ball_topic(self._gateway, ball), discovery.as_text(payload)
        leaner = discovery.taking_away(payload, self._before.pop(ball, {}))
        if leaner == payload:
            self._outbox.keep(topic, text)
        else:
            self._outbox.keep(topic, discovery.as_text(leaner))
            asyncio.get_running_loop().call_later(REMOVAL_SECONDS, self.announce, ball, known)

    def announce_all(self, known: Sequence[ProtocolEntry]) -> None:
        """Tell Home Assistant anew of every ball, one after the other: other protocols can be chosen now."""
        for number, ball in enumerate(self._keepers):
            asyncio.get_running_loop().call_later(number * BETWEEN_SECONDS, self.announce, ball, known)

    def tell_again(self) -> None:
        """Tell everything again: Home Assistant has just been born."""
        self._outbox.again(discovery.gateway_topic(self._gateway), self._gateway.topics.status)
        for ball, keeper in self._keepers.items():
            if keeper.station.telling.is_announced:
                topics = keeper.station.topics
                self._outbox.again(discovery.ball_topic(self._gateway, ball), topics.availability)
                keeper.station.telling.now()

    def hear_announcement(self, ball: str, payload: bytes) -> None:
        """What Home Assistant was told of a ball before, by us in an earlier life or by another gateway."""
        if ball in self._keepers:
            self._before[ball] = discovery.components(payload)

    def hear_availability(self, gateway: str, ball: str, availability: str) -> None:
        """What a gateway says of a ball; ours may be what is left of an earlier life."""
        keeper = self._keepers.get(ball)
        if keeper is None:
            return
        telling = keeper.station.telling
        if gateway == self._gateway.gateway:
            if availability and not telling.is_announced:
                telling.announce(is_there=_is_there(keeper))
                self.announce(ball)
            return
        if availability == ONLINE:
            self._elsewhere[ball] = gateway
        elif self._elsewhere.get(ball) == gateway:
            del self._elsewhere[ball]
        self.settle(ball)

    def settle(self, ball: str) -> None:
        """Withdraw a ball that is not connected here any more, and is elsewhere."""
        keeper = self._keepers[ball]
        if ball in self._elsewhere and keeper.station.telling.is_announced and not _is_there(keeper):
            keeper.station.telling.withdraw()
            self._outbox.drop(discovery.ball_topic(self._gateway, ball))  # the other one's by now


def _is_there(keeper: Keeper) -> bool:
    ball = keeper.station.ball
    return ball is not None and ball.is_connected


def _facts(ball: str, keeper: Keeper, known: Sequence[ProtocolEntry]) -> BallFacts:
    station = keeper.station
    told = {} if station.ball is None else station.ball.told
    return BallFacts(
        id=ball,
        name=station.name,
        address=keeper.address,
        model=station.model,
        firmware=str(told.get("firmware", "")),
        serial=str(told.get("serial", "")),
        protocols=tuple(one.id for one in known),
        has_battery=_tells_battery(station.profile),
    )


def _tells_battery(profile: FirmwareProfile) -> bool:
    return any("battery" in report.frame.slots for report in profile.reports.values())
