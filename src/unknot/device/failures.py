"""The one place where bleak's, D-Bus's and the operating system's exceptions become ours; the cause is kept.

Used around every await on the radio in `unknot.device`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)

from unknot.errors import (
    AttError,
    BallNotFound,
    BluetoothUnavailable,
    GattMismatch,
    LinkError,
    LinkLost,
    LinkTimeout,
)

if TYPE_CHECKING:
    from types import TracebackType

CONNECTING = "connecting to"
"""What is being done when a device handle turns out to be stale."""

FOREIGN = (BleakError, TimeoutError, OSError, EOFError)
"""What bleak and what lies below it raise."""

_UNAVAILABLE = {
    BleakBluetoothNotAvailableReason.NO_BLUETOOTH: (
        "no Bluetooth adapter was found",
        "plug in a Bluetooth adapter, or use --simulate",
    ),
    BleakBluetoothNotAvailableReason.NO_BLE_CENTRAL_ROLE: (
        "the Bluetooth adapter cannot do Low Energy",
        "use an adapter with Bluetooth 4.0 or later, or --simulate",
    ),
    BleakBluetoothNotAvailableReason.POWERED_OFF: (
        "the Bluetooth adapter is switched off",
        "switch it on (on Linux: 'bluetoothctl power on', 'rfkill unblock bluetooth'), or use --simulate",
    ),
    BleakBluetoothNotAvailableReason.DENIED_BY_USER: (
        "this program may not use Bluetooth",
        "allow it in the system's privacy settings, or use --simulate",
    ),
    BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM: (
        "the system forbids the use of Bluetooth",
        "ask the system's administrator, or use --simulate",
    ),
    BleakBluetoothNotAvailableReason.DENIED_BY_UNKNOWN: (
        "permission to use Bluetooth was denied",
        "check the system's Bluetooth permissions, or use --simulate",
    ),
}

WANTS_PAIRING = frozenset({0x05, 0x08, 0x0C, 0x0F})
"""Insufficient authentication, authorization, key size and encryption (Bluetooth Core, Vol 3, Part F, 3.4.1.1)."""
_PAIR = "the ball wants to be paired first: pair it in the system's own Bluetooth settings, then try again"

_NO_SERVICE = ("no Bluetooth service answers", "start it (on Linux: 'systemctl start bluetooth'), or use --simulate")
_NO_PERMISSION = (
    "no permission to use Bluetooth",
    "on Linux join the group 'bluetooth' and log in again, or use --simulate",
)


class ours:  # noqa: N801 - it reads as a word: with ours("writing to", address)
    """Turn foreign exceptions inside the block into ours; a class, since it stands around every write.

    Args:
        doing: what was being done, for the message: "writing to", "connecting to", "scanning".
        address: the ball's address, if one is involved.

    Raises:
        LinkError: the one of its kinds that fits.
    """

    __slots__ = ("_address", "_doing")

    def __init__(self, doing: str, address: str = "") -> None:
        self._doing = doing
        self._address = address

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, FOREIGN) and not isinstance(error, LinkError):
            raise translate(error, self._doing, self._address) from error


def translate(error: BaseException, doing: str, address: str = "") -> LinkError:  # noqa: PLR0911 - one per kind of failure
    """Our error for a foreign one."""
    where = f"{doing} {address}".strip()
    match error:
        case BleakBluetoothNotAvailableError():
            message, advice = _UNAVAILABLE.get(error.reason, _NO_SERVICE)
            return BluetoothUnavailable(message, advice=advice)
        case BleakDeviceNotFoundError():
            return BallNotFound(f"no ball answers at {error.identifier}", address=address)
        case BleakCharacteristicNotFoundError():
            return GattMismatch(f"{where}: the ball has no characteristic {error.char_specifier}", address=address)
        case BleakGATTProtocolError():
            code = int(error.args[0])
            advice = _PAIR if code in WANTS_PAIRING else ""
            return AttError(f"{where}: the ball refused ({error})", code=code, address=address, advice=advice)
        case TimeoutError():
            return LinkTimeout(f"{where}: the ball did not answer in time", address=address)
        case PermissionError():
            return BluetoothUnavailable(_NO_PERMISSION[0], advice=_NO_PERMISSION[1])
        case BleakDBusError():
            return _from_dbus(error, where, address)
        case OSError() | EOFError():
            return BluetoothUnavailable(_NO_SERVICE[0], advice=_NO_SERVICE[1])
        case BleakError() if doing == CONNECTING and "not found" in str(error):
            # BlueZ forgets an unpaired device some 30 s after the scan, and bleak has no class of its own for it.
            return BallNotFound(f"{where}: the system has forgotten the ball", address=address)
        case _:
            return LinkLost(f"{where}: the link is gone ({error})", address=address)


def _from_dbus(error: BleakDBusError, where: str, address: str) -> LinkError:
    if error.dbus_error in ("org.freedesktop.DBus.Error.AccessDenied", "org.bluez.Error.NotPermitted"):
        return BluetoothUnavailable(_NO_PERMISSION[0], advice=_NO_PERMISSION[1])
    if error.dbus_error in ("org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NoReply"):
        return BluetoothUnavailable(_NO_SERVICE[0], advice=_NO_SERVICE[1])
    if error.dbus_error == "org.bluez.Error.NotReady":
        message, advice = _UNAVAILABLE[BleakBluetoothNotAvailableReason.POWERED_OFF]
        return BluetoothUnavailable(message, advice=advice)
    return LinkLost(f"{where}: {error}", address=address)
