"""A virtual controller for the guest's kernel, and the air behind it: bumble's link with the clock of a radio."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable

from bumble import core, hci
from bumble.controller import Controller
from bumble.link import LocalLink
from bumble.transport import open_transport

from tests.stack.bluetoothd import power


class RadioLink(LocalLink):
    """A link that moves data only at connection events, `interval` seconds apart; at once for 0."""

    def __init__(self, interval: float = 0.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.interval = interval

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: hci.Address,
        transport: core.PhysicalTransport,
        data: bytes,
    ) -> None:
        """Deliver at the next connection event."""
        receiver = self.find_le_controller(destination_address)
        if receiver is None:
            return
        connection = sender_controller.le_connections.get(destination_address)
        source = connection.self_address if connection else sender_controller.random_address
        loop = asyncio.get_running_loop()
        event = (math.floor(loop.time() / self.interval) + 1) * self.interval if self.interval else loop.time()
        loop.call_at(event, receiver.on_link_acl_data, source, transport, data)


@contextlib.asynccontextmanager
async def adapter(link: LocalLink, *, ready: Callable[[], Awaitable[None]] | None = None) -> AsyncIterator[Controller]:
    """The kernel's controller on that link, powered on by bluetoothd; `ready` is called when it is."""
    async with await open_transport("vhci") as transport:
        kernel = Controller("KERNEL", host_source=transport.source, host_sink=transport.sink, link=link)
        # Both are more than bumble's controller can do with a real kernel; its issue 841.
        kernel.le_features &= ~(hci.LeFeatureMask.LL_PRIVACY | hci.LeFeatureMask.LE_EXTENDED_ADVERTISING)
        await power()
        if ready is not None:
            await ready()
        yield kernel
