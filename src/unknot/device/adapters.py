"""The Bluetooth adapters of a Linux computer, and which of them is used; `unknot.api` asks before it looks for a ball.

Where nobody chooses, bleak takes the first powered adapter of a set, which differs from run to run; we take the lowest.
Other systems have one adapter and choose it themselves.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakDBusError

from unknot.device.deadlines import RADIO_SECONDS
from unknot.device.discovery import connected, is_target
from unknot.device.failures import ours, translate
from unknot.errors import LinkError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unknot.device.radio import Radio
    from unknot.profiles.model import FirmwareProfile

    Managed = Mapping[str, Mapping[str, Mapping[str, Any]]]
    """What GetManagedObjects tells: object path, interface, property, value."""

log = logging.getLogger(__name__)

BLUEZ = "org.bluez"
ADAPTER = "org.bluez.Adapter1"
"""The bus name and the interface (BlueZ, doc/org.bluez.Adapter.rst)."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """One Bluetooth adapter.

    Attributes:
        name: what the kernel calls it: hci0, hci1 and so on.
        address: its own address.
        is_on: whether it is powered.
        is_central: whether it can look for balls; an adapter without Low Energy cannot.
    """

    name: str
    address: str
    is_on: bool
    is_central: bool

    @property
    def is_usable(self) -> bool:
        """Whether a ball can be reached by it now."""
        return self.is_on and self.is_central

    def __str__(self) -> str:
        return f"{self.name}{'' if self.is_on else ' (off)'}{'' if self.is_central else ' (no Low Energy)'}"


def adapters_of(managed: Managed) -> tuple[Adapter, ...]:
    """The adapters among what BlueZ manages, in the order of their numbers."""
    found = []
    for path, interfaces in managed.items():
        told = interfaces.get(ADAPTER)
        if told is not None:
            name = path.rpartition("/")[2]
            # BlueZ before 5.57 does not tell roles; bleak then takes it for one that can.
            roles = told.get("Roles")
            is_central = roles is None or "central" in roles
            found.append(Adapter(name, str(told.get("Address", "")), bool(told.get("Powered")), is_central))
    return tuple(sorted(found, key=lambda one: (_number(one.name), one.name)))


def _number(name: str) -> int:
    digits = re.search(r"[0-9]{1,9}$", name)
    return int(digits[0]) if digits else sys.maxsize


def choose(adapters: Sequence[Adapter], wanted: str | None) -> tuple[Adapter, ...]:
    """The adapter that is wanted; or all usable ones, the one to use first: the lowest.

    Args:
        adapters: those that there are, in their order.
        wanted: a name such as hci1, or an adapter's address; None for no choice.

    Raises:
        UsageError: none is called so.
        BluetoothUnavailable: there is none, or that one is off or has no Low Energy.
    """
    if not adapters:
        raise _unavailable(BleakBluetoothNotAvailableReason.NO_BLUETOOTH)
    if wanted is None:
        usable = tuple(one for one in adapters if one.is_usable)
        if not usable:
            is_central = any(one.is_central for one in adapters)
            reason = BleakBluetoothNotAvailableReason
            raise _unavailable(reason.POWERED_OFF if is_central else reason.NO_BLE_CENTRAL_ROLE)
        return usable
    for one in adapters:
        if wanted.casefold() in (one.name.casefold(), one.address.casefold()):
            if not one.is_central:
                raise _unavailable(BleakBluetoothNotAvailableReason.NO_BLE_CENTRAL_ROLE)
            if not one.is_on:
                raise _unavailable(BleakBluetoothNotAvailableReason.POWERED_OFF)
            return (one,)
    raise UsageError(f"no Bluetooth adapter is called {wanted!r}; there are: {', '.join(map(str, adapters))}")


def _unavailable(reason: BleakBluetoothNotAvailableReason) -> Exception:
    return translate(BleakBluetoothNotAvailableError("", reason), "choosing the Bluetooth adapter")


async def there() -> tuple[Adapter, ...]:
    """The adapters of this computer; none where the system does not tell.

    Raises:
        BluetoothUnavailable: there is no Bluetooth service, or no permission to ask it.
    """
    if sys.platform != "linux":
        return ()
    with ours("asking for the Bluetooth adapters"):
        async with asyncio.timeout(RADIO_SECONDS):
            return adapters_of(await _managed())


async def _managed() -> Managed:
    """What BlueZ manages, asked over D-Bus; dbus-fast comes with bleak on Linux."""
    from bleak.backends.bluezdbus.utils import get_dbus_authenticator
    from dbus_fast import AuthError, BusType, InvalidAddressError, Message, MessageType, unpack_variants
    from dbus_fast.aio import MessageBus

    try:
        bus = MessageBus(bus_type=BusType.SYSTEM, auth=get_dbus_authenticator())
    except InvalidAddressError as error:
        raise OSError(str(error)) from error
    try:
        await bus.connect()
        reply = await bus.call(
            Message(
                destination=BLUEZ,
                path="/",
                interface="org.freedesktop.DBus.ObjectManager",
                member="GetManagedObjects",
            )
        )
        if reply is None:
            raise EOFError("the bus closed without a reply")
        if reply.message_type is MessageType.ERROR:
            raise BleakDBusError(reply.error_name or "", reply.body)
        managed: Managed = unpack_variants(reply.body[0])
    except AuthError as error:
        raise PermissionError(str(error)) from error
    else:
        return managed
    finally:
        bus.disconnect()


async def tuned(radio: Radio, wanted: str | None) -> tuple[Radio, ...]:
    """The system's radio on the adapter that is wanted; or on each usable one, the one to use first.

    Args:
        radio: the operating system's.
        wanted: as for `choose`.

    Raises:
        UsageError: none is called so, or this system lets nobody choose.
        BluetoothUnavailable: as for `there` and `choose`.
    """
    if sys.platform != "linux":
        if wanted is not None:
            raise UsageError("an adapter can be chosen on Linux only: this system uses its own one")
        return (radio,)
    usable = choose(await there(), wanted)
    if wanted is None and len(usable) == 1:
        return (radio,)  # not pinned: plugged in again, it may have another name
    if wanted is None and len(usable) > 1:
        names = ", ".join(one.name for one in usable)
        log.warning("using the Bluetooth adapter %s of %s; choose another one with --adapter", usable[0].name, names)
    return tuple(radio.on(one.name) for one in usable)


async def holding(radios: Sequence[Radio], profiles: Sequence[FirmwareProfile], target: str | None) -> Radio:
    """The radio whose adapter holds a link to the ball already, since a held ball is heard by none; else the first."""
    for radio in radios if len(radios) > 1 else ():
        try:
            held = await connected(radio, profiles)
        except LinkError as error:  # an adapter that is gone or broken says nothing about the others
            log.warning("%s", error)
            continue
        if any(is_target(ball, target) for ball in held):
            return radio
    return radios[0]
