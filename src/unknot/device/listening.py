"""Hearing what advertises, for several who listen at the same time; used by discovery.

BlueZ lets a program have one scan at a time and refuses a second one, while balls may well be looked for at once: three
for three sessions, or two that were lost together.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from bleak import BleakScanner
from bleak.exc import BleakDBusError

from unknot.device.deadlines import RADIO_SECONDS
from unknot.device.failures import SCANNING, ours
from unknot.errors import LinkError
from unknot.shielding import finish

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from bleak.backends.device import BLEDevice
    from bleak.backends.scanner import AdvertisementData

    from unknot.device.radio import Radio

    Hear = Callable[[BLEDevice, AdvertisementData], None]

log = logging.getLogger(__name__)

BUSY = "org.bluez.Error.InProgress"
"""What BlueZ answers while it starts or ends a scan, somebody else's too."""

BUSY_SECONDS = 0.25
"""Pause before a busy service is asked again (judgement)."""

BUSY_ATTEMPTS = 10
"""How often it is asked, which is within `RADIO_SECONDS`."""


class _Scan:
    """The one scan of a program on a radio, and who listens to it."""

    def __init__(self, radio: Radio) -> None:
        self.radio = radio
        self._turn = asyncio.Lock()
        self._scanner: BleakScanner | None = None
        self._hearers: list[Hear] = []

    @property
    def is_idle(self) -> bool:
        """Whether nobody needs it."""
        return not self._hearers and not self._turn.locked()

    async def join(self, hear: Hear) -> None:
        """Listen from now on.

        The scan begins anew for everybody: BlueZ tells of a ball that stands still only once in a scan, and a scan that
        an adapter lost when it was switched off hears nothing any more.
        """
        with ours(SCANNING):
            async with asyncio.timeout(RADIO_SECONDS), self._turn:
                try:
                    await self._begin_anew()
                except BaseException:
                    if self._hearers:  # who cannot join must not make the others deaf
                        await finish(self._begin_for_others)
                    raise
                self._hearers.append(hear)

    async def leave(self, hear: Hear) -> None:
        """Listen no more; the last one ends the scan. That it does not end costs nobody what was heard."""
        self._hearers.remove(hear)
        try:
            with ours(SCANNING):
                async with asyncio.timeout(RADIO_SECONDS), self._turn:
                    if not self._hearers:
                        await self._stop()
        except LinkError as error:
            log.info("the scan could not be ended: %s", error)

    async def _begin_anew(self) -> None:
        try:
            await self._stop()
        except Exception as error:  # noqa: BLE001 - what was lost cannot be stopped
            log.debug("ending a scan to begin it anew: %s", error or repr(error))
        await self._start()

    async def _begin_for_others(self) -> None:
        try:
            async with asyncio.timeout(RADIO_SECONDS):
                await self._start()
        except Exception as error:  # noqa: BLE001 - whoever listens is told by hearing nothing, as without a ball
            log.warning("the scan could not be begun again: %s", error or repr(error))

    async def _start(self) -> None:
        for attempt in range(BUSY_ATTEMPTS):
            scanner = BleakScanner(self._heard, backend=self.radio.scanner, **self.radio.options)
            try:
                await scanner.start()
            except BleakDBusError as error:
                if error.dbus_error != BUSY or attempt + 1 == BUSY_ATTEMPTS:
                    raise
                await asyncio.sleep(BUSY_SECONDS)
            else:
                self._scanner = scanner
                return

    async def _stop(self) -> None:
        scanner, self._scanner = self._scanner, None
        if scanner is not None:
            await scanner.stop()

    def _heard(self, device: BLEDevice, advertisement: AdvertisementData) -> None:
        for hear in tuple(self._hearers):
            try:
                hear(device, advertisement)
            except Exception:
                log.exception("somebody who listens to a scan failed")  # and must not keep a ball from the others


_scans: WeakKeyDictionary[asyncio.AbstractEventLoop, list[_Scan]] = WeakKeyDictionary()
"""The scans that go on; bleak's objects belong to one loop."""


@asynccontextmanager
async def listening(radio: Radio, hear: Hear) -> AsyncIterator[None]:
    """Hear every advertisement for the length of the block.

    Raises:
        BluetoothUnavailable: there is no working Bluetooth.
        LinkError: the scan could not be started or ended.
    """
    scans = _scans.setdefault(asyncio.get_running_loop(), [])
    scan = next((one for one in scans if one.radio == radio), None)
    if scan is None:
        scan = _Scan(radio)
        scans.append(scan)
    try:
        await scan.join(hear)
        try:
            yield
        finally:
            await scan.leave(hear)
    finally:
        if scan.is_idle and scan in scans:
            scans.remove(scan)
