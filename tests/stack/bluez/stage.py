"""The stage on which bleak's own BlueZ backend runs over a private D-Bus."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

import pytest
from bleak.backends.bluezdbus import manager

from tests.stack.bluez.bus import PrivateBus
from tests.stack.bluez.service import Service
from tests.stack.stage import UNGUARDED, Stage
from unknot.device import link

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from unknot.simulator import SimulatedBall


CONNECT_SECONDS = 4.0
"""Our own deadline of a connection here, where none takes longer than a tenth of a second: tests wait it out."""


class BluezStage(Stage):
    """bleak's own BlueZ backend over a private D-Bus; every program that is started meanwhile stands on it too.

    Args:
        adapters: the names of the person's adapters.
        further: more of the bus's configuration.

    Attributes:
        bus: the D-Bus.
        service: our org.bluez.
    """

    bus: PrivateBus
    service: Service

    def __init__(self, adapters: Sequence[str] = ("hci0",), further: str = "") -> None:
        super().__init__()
        self.simulate = UNGUARDED
        self._adapters = adapters
        self._further = further
        self._all = AsyncExitStack()

    async def __aenter__(self) -> Self:
        hurry = self._all.enter_context(pytest.MonkeyPatch.context())
        hurry.setattr(link, "CONNECT_SECONDS", CONNECT_SECONDS)
        self.bus = await self._all.enter_async_context(PrivateBus(self._further))
        self._all.push_async_callback(_let_go)
        self.service = await self._all.enter_async_context(Service(self.bus.address, self.air, self._adapters))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._all.aclose()

    async def power_off(self) -> None:
        self.air.power_off()
        self.service.look()

    async def power_on(self) -> None:
        self.air.power_on()
        self.service.look()

    async def forget(self, ball: SimulatedBall) -> None:
        self.service.forget(ball)


async def _let_go() -> None:
    """End what bleak keeps for as long as a program runs: the connection of this loop to the bus."""
    kept = manager._global_instances.pop(asyncio.get_running_loop(), None)
    if kept is not None and kept._bus is not None:
        kept._bus.disconnect()
        with suppress(Exception):
            await kept._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        if kept._bus_watcher_task is not None:
            await asyncio.gather(kept._bus_watcher_task, return_exceptions=True)
