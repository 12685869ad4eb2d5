"""Announces balls to the broker and to Home Assistant, and withdraws those that another gateway has; for the gateway.

A ball has one link, so two gateways that know it do not fight: who is connected announces it, and the other one clears
what it had retained. Home Assistant takes a ball from one announcement at a time, so a new one waits for the old to go.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from unknot.bridge.topics import ONLINE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from unknot.bridge.keeper import Keeper
    from unknot.bridge.outbox import Outbox

log = logging.getLogger(__name__)

WITHDRAWAL_SECONDS = 5.0
"""How long another gateway may take to clear its announcement; one that is dead never will (judgement)."""


class Announcer:
    """Announces and withdraws.

    Args:
        gateway: our own id.
        keepers: the balls that we keep, by id.
        outbox: where it is told.
        discovery: the topic and the payload by which Home Assistant learns of a ball; None where it is told nothing.
    """

    def __init__(
        self,
        gateway: str,
        keepers: Mapping[str, Keeper],
        outbox: Outbox,
        discovery: Callable[[Keeper], tuple[str, str]] | None,
    ) -> None:
        self._gateway = gateway
        self._keepers = keepers
        self._outbox = outbox
        self._discovery = discovery
        self._elsewhere: dict[str, set[str]] = {}
        self._waiting: dict[str, asyncio.TimerHandle] = {}

    def there(self, ball: str) -> None:
        """One of our balls is connected: it is announced to Home Assistant, as soon as nobody else does."""
        if self._elsewhere.get(ball):
            loop = asyncio.get_running_loop()
            self._stop_waiting(ball)
            self._waiting[ball] = loop.call_later(WITHDRAWAL_SECONDS, self.discover, ball)
        else:
            self.discover(ball)

    def discover(self, ball: str) -> None:
        """Tell Home Assistant of a ball."""
        self._stop_waiting(ball)
        keeper = self._keepers.get(ball)
        if self._discovery is not None and keeper is not None and keeper.station.telling.is_announced:
            self._outbox.keep(*self._discovery(keeper))

    def again(self) -> None:
        """Tell everything again: Home Assistant has just been born."""
        for ball, keeper in self._keepers.items():
            station = keeper.station
            if not station.telling.is_announced:
                continue
            if self._discovery is not None:
                self._outbox.again(self._discovery(keeper)[0])
            self._outbox.again(station.topics.availability)
            station.telling.now()
            log.debug("%s is told again", ball)

    def hear(self, gateway: str, ball: str, availability: str) -> None:
        """What a gateway says of a ball; ours may be what is left of an earlier life."""
        keeper = self._keepers.get(ball)
        if gateway == self._gateway:
            if availability and keeper is not None and not keeper.station.telling.is_announced:
                keeper.station.telling.announce(is_there=keeper.station.ball is not None)
                self.discover(ball)
            return
        others = self._elsewhere.setdefault(ball, set())
        if availability:
            others.add(gateway)
        else:
            others.discard(gateway)
            if not others and ball in self._waiting:
                self.discover(ball)
        if availability == ONLINE and keeper is not None and keeper.station.ball is None:
            self._withdraw(keeper)

    def _withdraw(self, keeper: Keeper) -> None:
        if not keeper.station.telling.is_announced:
            return
        keeper.station.telling.withdraw()
        if self._discovery is not None:
            self._outbox.keep(self._discovery(keeper)[0], "")

    def _stop_waiting(self, ball: str) -> None:
        timer = self._waiting.pop(ball, None)
        if timer is not None:
            timer.cancel()
