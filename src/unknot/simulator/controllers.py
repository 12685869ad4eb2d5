"""Opens the Bluetooth controller that a simulated ball is put on; used by ``unknot simulate --hci`` and by the tests.

The one place where the exceptions of Bumble's transports become ours.
"""

from __future__ import annotations

import logging
import zlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from unknot.errors import BluetoothUnavailable, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from bumble.transport.common import Transport

    from unknot.simulator.ball import SimulatedBall
    from unknot.simulator.happenings import Happening
    from unknot.simulator.radio_link import RadioLink

VIRTUAL = "vhci"
"""The Linux kernel's own virtual controller: the ball is met by this machine alone, over its whole Bluetooth stack."""

ADVICE = {
    "usb": "plug in a Bluetooth dongle that the system does not use itself, and see that you may open it",
    "serial": "name the device and the speed of a board that speaks HCI, such as serial:/dev/ttyACM0,1000000",
    "hci-socket": "on Linux, as root, with that adapter switched off: 'bluetoothctl power off'",
    VIRTUAL: "on Linux, as root: 'modprobe hci_vhci'",
}
"""What to do, by kind of transport."""


@asynccontextmanager
async def broadcast(
    ball: SimulatedBall, hci: str, tell: Callable[[Happening], None] = lambda _: None
) -> AsyncIterator[None]:
    """Put a ball on the air for the length of an ``async with`` block.

    Args:
        ball: the ball; it gets an address if it has none.
        hci: the controller: ``usb:0``, ``serial:DEVICE,SPEED``, ``hci-socket:0``, or ``vhci`` for a virtual one.
        tell: is told what happens to the ball's link.

    Raises:
        UsageError: no such kind of controller, or a ball that does not fit into an advertisement.
        BluetoothUnavailable: the controller cannot be opened, does not answer, or goes while the block runs.
    """
    _see_whether_it_can_be(hci)
    from unknot.simulator.peripheral import Peripheral
    from unknot.simulator.radio_link import RadioLink, VirtualController

    if not ball.address:
        ball.address = address_of(ball)
    if hci == VIRTUAL:
        link = RadioLink()
        controller = VirtualController(ball.name, link)
        async with (
            kernel(link),
            Peripheral(ball, controller, controller, cut=lambda: link.cut(controller), tell=tell),
        ):
            yield
        return
    transport = await _open(hci)
    async with transport, Peripheral(ball, transport.source, transport.sink, tell=tell):
        yield


@asynccontextmanager
async def kernel(link: RadioLink) -> AsyncIterator[None]:
    """Give the Linux kernel an adapter on a link between virtual controllers, for the length of the block.

    Raises:
        BluetoothUnavailable: there is no such device, or no permission to open it.
    """
    _see_whether_it_can_be(VIRTUAL)
    from unknot.simulator.radio_link import VirtualController

    transport = await _open(VIRTUAL)
    async with transport:
        controller = VirtualController("kernel", link, transport.source, transport.sink)
        try:
            yield
        finally:
            link.remove_controller(controller)


def address_of(ball: SimulatedBall) -> str:
    """A static random address that is this profile's and this name's own.

    Phones remember what they found at an address, so another dialect needs another one.
    """
    number = zlib.crc32(f"{ball.profile.id} {ball.name}".encode())
    return ":".join(f"{byte:02X}" for byte in (0xC0, 0xBA, *number.to_bytes(4, "big")))


def _see_whether_it_can_be(hci: str) -> None:
    """Raise `UsageError` for another kind of controller, and where Bumble is missing."""
    if _kind(hci) not in ADVICE:
        raise UsageError(f"found {hci!r} as a controller; expected {', '.join(_FORMS)}")
    try:
        import bumble  # noqa: F401 - all that follows needs it
    except ImportError as error:
        raise UsageError(
            "a ball on the air needs Bumble, which the extra 'radio' brings: pip install 'unknot[radio]'"
        ) from error
    logging.getLogger("bumble").addHandler(_NOWHERE)


def _kind(hci: str) -> str:
    return hci.partition(":")[0]


async def _open(hci: str) -> Transport:
    from bumble.transport import open_transport

    try:
        return await open_transport(hci)
    except Exception as error:
        # Bumble's transports raise whatever lies below them: libusb's errors, assertions, bare exceptions.
        reason = str(error) or type(error).__name__
        raise BluetoothUnavailable(
            f"the controller {hci} cannot be opened ({reason})", advice=ADVICE[_kind(hci)]
        ) from error


_NOWHERE = logging.NullHandler()
"""Where Bumble's warnings go if the program wants none: what they mean comes as an error of ours."""

_FORMS = ("usb:0", "serial:DEVICE,SPEED", "hci-socket:0", VIRTUAL)
