"""Keeps one ball: waits until it is heard, connects, holds the link, and begins again when it is lost; for the gateway.

Each ball has its own keeper with its own pauses, so that a dead one delays no other.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from unknot import api
from unknot.bridge.link.backoff import Backoff
from unknot.device import discovery
from unknot.errors import NotStopped, UnknotError

if TYPE_CHECKING:
    from unknot.bridge.configuration.config import BallConfig
    from unknot.bridge.gateway.health import BallTally
    from unknot.bridge.gateway.lookout import Lookout
    from unknot.bridge.gateway.station import Station
    from unknot.device.discovery import FoundBall

log = logging.getLogger(__name__)


class Keeper:
    """Keeps one ball.

    Args:
        wanted: which, as the configuration says.
        station: what it is handed to while the link stands.
        lookout: who listens for it.
        tally: where it counts.
        simulate: as for `unknot.api.connect`.
        adapter: as there.

    Attributes:
        wanted: the same.
        station: the same.
        address: its address, once it is known.
    """

    def __init__(
        self,
        wanted: BallConfig,
        station: Station,
        lookout: Lookout,
        tally: BallTally,
        *,
        simulate: api.Simulate,
        adapter: str | None,
    ) -> None:
        self.wanted = wanted
        self.station = station
        self._lookout = lookout
        self._tally = tally
        self._simulate = simulate
        self._adapter = adapter
        self.address = wanted.address
        self._is_wanted = asyncio.Event()
        self._is_wanted.set()
        self._let_go = asyncio.Event()

    def is_it(self, found: FoundBall) -> bool:
        """Whether a ball that was heard is this one."""
        return discovery.is_target(found, self.wanted.target)

    def take(self) -> None:
        """Keep it from now on."""
        self._let_go.clear()
        self._is_wanted.set()

    def let_go(self) -> None:
        """Stop it and leave it to other programs until `take`."""
        self._is_wanted.clear()
        self._let_go.set()

    async def run(self) -> None:
        """Keep it until cancelled; on leaving, its motor is stopped."""
        backoff, told = Backoff(), ""
        while True:
            await self._is_wanted.wait()
            found = await self._lookout.find(self.is_it)
            if not self._is_wanted.is_set():
                continue
            try:
                await self._hold(found)
                backoff, told = Backoff(), ""
            except NotStopped as error:
                self.station.tell_not_stopped(str(error))
                log.error("%s: %s", self.wanted.name, error)  # noqa: TRY400 - expected trouble, told in one line
            except UnknotError as error:
                self._tally.failures += 1
                self.station.tell_trouble(str(error))
                if str(error) != told:  # a ball that is out of order for weeks is told of once
                    told = str(error)
                    log.warning("%s: %s", self.wanted.name, error)
            await asyncio.sleep(backoff.next())

    async def _hold(self, found: FoundBall) -> None:
        """Connect, and hold the link until it is lost for good or not wanted any more."""
        self.address = found.address
        async with (
            api.connect(
                found, profile=self.wanted.profile, simulate=self._simulate, adapter=self._adapter, ask=self.station.ask
            ) as ball,
            self.station.serving(ball, found.rssi) as gone,
        ):
            self._tally.connects += 1
            log.info("%s is connected, by the profile %s", self.wanted.name, ball.profile.id)
            let_go = asyncio.create_task(self._let_go.wait())
            try:
                ends: list[asyncio.Future[Any]] = [gone, let_go]
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            finally:
                let_go.cancel()
