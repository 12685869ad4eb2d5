"""Listens for the balls that a gateway misses: one scan for all of them, going on only while one is missing.

A scan ends and begins again every `ROUND_SECONDS`, since BlueZ tells of a ball that stands still only once in a scan,
and a scan that an adapter lost is dead. What goes wrong is counted, waited out and tried again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from unknot import api
from unknot.errors import BluetoothUnavailable, LinkError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from unknot.bridge.gateway.health import Tally
    from unknot.device.discovery import FoundBall

    Fits = Callable[[FoundBall], bool]

log = logging.getLogger(__name__)

ROUND_SECONDS = 30.0
"""How long one scan lasts (judgement: a ball that moved its address is heard anew within it)."""

FAILED_SECONDS = 5.0
"""Pause after a scan that could not be made (judgement)."""

FAULTY_SECONDS = 300.0
"""After so long without a scan that could be made the radio is given up: whoever started us may start us anew."""


class Lookout:
    """The one who listens.

    Args:
        simulate: where, as for `unknot.api.scan`.
        adapter: which adapter, as there.
        tally: where it counts.
        anybody: told of every ball that is heard and not missing.
        may_give_up: asked before a radio that cannot scan is given up: what plays on a link that stands goes on.
    """

    def __init__(
        self,
        simulate: api.Simulate,
        adapter: str | None,
        tally: Tally,
        anybody: Callable[[FoundBall], None] = lambda _: None,
        may_give_up: Callable[[], bool] = lambda: True,
    ) -> None:
        self.is_curious = False
        self._simulate = simulate
        self._adapter = adapter
        self._tally = tally
        self._anybody = anybody
        self._may_give_up = may_give_up
        self._missing: dict[asyncio.Future[FoundBall], Fits] = {}
        self._wanted = asyncio.Event()
        self._enough = asyncio.Event()
        self._well_at = asyncio.get_running_loop().time()

    async def find(self, fits: Fits) -> FoundBall:
        """Wait until a ball that fits is heard."""
        found: asyncio.Future[FoundBall] = asyncio.get_running_loop().create_future()
        self._missing[found] = fits
        self._enough.clear()
        self._wanted.set()
        try:
            return await found
        finally:
            del self._missing[found]
            self._settle()

    async def run(self) -> None:
        """Listen while a ball is missing, until cancelled.

        Raises:
            BluetoothUnavailable: no scan could be made for `FAULTY_SECONDS`.
            UsageError: there is no such adapter.
        """
        self._settle()
        while True:
            await self._wanted.wait()
            try:
                await self._listen()
                self._tally.trouble = ""
                self._well_at = asyncio.get_running_loop().time()
            except UsageError:
                raise
            except LinkError as error:
                self._fail(error)
                await asyncio.sleep(FAILED_SECONDS)

    def _fail(self, error: LinkError) -> None:
        self._tally.scan_failures += 1
        if str(error) != self._tally.trouble:
            self._tally.trouble = str(error)
            log.warning("%s", error)
        if asyncio.get_running_loop().time() - self._well_at > FAULTY_SECONDS and self._may_give_up():
            raise BluetoothUnavailable(f"for {FAULTY_SECONDS:g} s no scan could be made: {error}") from error

    async def _listen(self) -> None:
        """One round; it ends early when nobody is missing any more."""
        self._tally.scans += 1
        scanning = asyncio.create_task(
            api.scan(simulate=self._simulate, adapter=self._adapter, seconds=ROUND_SECONDS, heard=self._heard),
            name="lookout",
        )
        enough = asyncio.create_task(self._enough.wait())
        try:
            await asyncio.wait({scanning, enough}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            enough.cancel()
            if not scanning.done():
                scanning.cancel()
            await asyncio.wait({scanning, enough})
        if not scanning.cancelled():
            scanning.result()

    def _heard(self, ball: FoundBall) -> None:
        self._tally.heard += 1
        for found, fits in tuple(self._missing.items()):
            if not found.done() and fits(ball):
                found.set_result(ball)
                return
        self._anybody(ball)

    def _settle(self) -> None:
        """Whether anybody is missing, or strangers are welcome too."""
        if self._missing or self.is_curious:
            self._enough.clear()
            self._wanted.set()
        else:
            self._wanted.clear()
            self._enough.set()
