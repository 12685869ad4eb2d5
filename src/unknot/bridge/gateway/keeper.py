"""Keeps one ball: waits until it is heard, connects, holds the link, and begins again when it is lost; for the gateway.

Each ball has its own keeper with its own pauses, so that a dead one delays no other.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from unknot import api
from unknot.bridge.link.backoff import STEADY_SECONDS, Backoff
from unknot.bridge.reports import OUR_FAULT
from unknot.device import discovery
from unknot.errors import NotStopped, UnknotError

if TYPE_CHECKING:
    from unknot.bridge.configuration.config import BallConfig
    from unknot.bridge.gateway.health import BallTally
    from unknot.bridge.gateway.lookout import Lookout
    from unknot.bridge.gateway.station import Station
    from unknot.device.ball import Ball
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
        self._ball: Ball | None = None

    def give_up(self) -> None:
        """Do not wait for a lost link any longer: a motor that was on may run on."""
        if self._ball is not None:
            self._ball.give_up()

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
        loop = asyncio.get_running_loop()
        backoff, told = Backoff(), ""
        while True:
            await self._is_wanted.wait()
            found = await self._find()
            if found is None:
                continue
            began = loop.time()
            try:
                await self._hold(found)
            except NotStopped as error:
                log.error("%s: %s", self.wanted.name, error)  # noqa: TRY400 - expected trouble, told in one line
            except UnknotError as error:
                self._tally.failures += 1
                self.station.tell_trouble(str(error))
                if str(error) != told:  # a ball that is out of order for weeks is told of once
                    told = str(error)
                    log.warning("%s: %s", self.wanted.name, error)
            except Exception as error:  # one ball's trouble must not end the others' sessions
                self._tally.failures += 1
                self.station.tell_trouble(OUR_FAULT)
                if repr(error) != told:
                    told = repr(error)
                    log.exception("%s: keeping it failed", self.wanted.name)
            if loop.time() - began > STEADY_SECONDS:
                backoff, told = Backoff(), ""
            await asyncio.sleep(backoff.next())

    async def _find(self) -> FoundBall | None:
        """Wait until it is heard; None if it is let go before."""
        finding = asyncio.create_task(self._lookout.find(self.is_it))
        let_go = asyncio.create_task(self._let_go.wait())
        try:
            await asyncio.wait({finding, let_go}, return_when=asyncio.FIRST_COMPLETED)
            return finding.result() if finding.done() and self._is_wanted.is_set() else None
        finally:
            finding.cancel()
            let_go.cancel()

    async def _hold(self, found: FoundBall) -> None:
        """Connect, and hold the link until it is lost for good or not wanted any more."""
        self.address = found.address
        try:
            async with (
                api.connect(
                    found,
                    profile=self.wanted.profile,
                    simulate=self._simulate,
                    adapter=self._adapter,
                    ask=self.station.ask,
                ) as self._ball,
                self.station.serving(self._ball, found.rssi) as gone,
            ):
                self._tally.connects += 1
                log.info("%s is connected, by the profile %s", self.wanted.name, self._ball.profile.id)
                let_go = asyncio.create_task(self._let_go.wait())
                try:
                    ends: list[asyncio.Future[Any]] = [gone, let_go]
                    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    let_go.cancel()
        finally:
            if self._ball is not None and self._ball.may_run_on:
                self.station.tell_not_stopped(str(NotStopped()))
            self._ball = None
