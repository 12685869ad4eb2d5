"""The one place where bleak's, D-Bus's and the operating system's exceptions become ours; the cause is kept.

Used around every await on the radio in `unknot.device`; `unknot.device.troubles` has the words.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)

from unknot.device import rfkill
from unknot.device.troubles import Trouble
from unknot.errors import AttError, BallNotFound, BluetoothUnavailable, GattMismatch, LinkError

if TYPE_CHECKING:
    from types import TracebackType

UNLIKELY = BleakGATTProtocolErrorCode.UNLIKELY_ERROR
"""What BlueZ says for a transaction that ended with its link, or that the ball has not answered for 30 s: nobody knows
whether it was obeyed (measured; Bluetooth Core, Vol 3, Part F, 3.4.1.1)."""

CONNECTING = "connecting to"
"""What is being done when a device handle turns out to be stale."""

SCANNING = "scanning"
"""What is being done when another search holds the adapter."""

FOREIGN = (BleakError, TimeoutError, OSError, EOFError)
"""What bleak and what lies below it raise."""

_UNAVAILABLE = {
    BleakBluetoothNotAvailableReason.NO_BLUETOOTH: Trouble.NO_ADAPTER,
    BleakBluetoothNotAvailableReason.NO_BLE_CENTRAL_ROLE: Trouble.NO_LOW_ENERGY,
    BleakBluetoothNotAvailableReason.POWERED_OFF: Trouble.POWERED_OFF,
    BleakBluetoothNotAvailableReason.DENIED_BY_USER: Trouble.DENIED_BY_USER,
    BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM: Trouble.DENIED_BY_SYSTEM,
    BleakBluetoothNotAvailableReason.DENIED_BY_UNKNOWN: Trouble.DENIED,
}

_DBUS = {
    "org.freedesktop.DBus.Error.AccessDenied": Trouble.NO_PERMISSION,
    "org.freedesktop.DBus.Error.AuthFailed": Trouble.NO_PERMISSION,
    "org.bluez.Error.NotAuthorized": Trouble.NO_PERMISSION,
    "org.bluez.Error.NotPermitted": Trouble.NO_PERMISSION,
    "org.freedesktop.DBus.Error.ServiceUnknown": Trouble.NO_SERVICE,
    "org.freedesktop.DBus.Error.NameHasNoOwner": Trouble.NO_SERVICE,
    "org.freedesktop.DBus.Error.Disconnected": Trouble.NO_SERVICE,
    "org.freedesktop.DBus.Error.NoReply": Trouble.SILENT_SERVICE,
    "org.freedesktop.DBus.Error.TimedOut": Trouble.SILENT_SERVICE,
    "org.freedesktop.DBus.Error.UnknownObject": Trouble.ADAPTER_GONE,
    "org.bluez.Error.NotReady": Trouble.POWERED_OFF,
}
"""What the names of D-Bus's and BlueZ's errors mean (BlueZ, src/error.c)."""

_IN_PROGRESS = {SCANNING: Trouble.STUCK, CONNECTING: Trouble.BUSY}
"""What BlueZ's being busy means, by what was being done."""

_REASONS = {
    "abort-by-local": Trouble.INTERFERENCE,
    "aborted-by-local": Trouble.INTERFERENCE,
    "link-layer-protocol-error": Trouble.INTERFERENCE,
    "lmp-protocol-error": Trouble.INTERFERENCE,
    "abort-by-remote": Trouble.DROPPED,
    "aborted-by-remote": Trouble.DROPPED,
    "refused": Trouble.DROPPED,
    "gatt-browsing": Trouble.DROPPED,
    "timeout": Trouble.UNREACHED,
    "page-timeout": Trouble.UNREACHED,
    "busy": Trouble.BUSY,
    "concurrent-connection-limit": Trouble.TOO_MANY,
    "key-missing": Trouble.KEY_MISSING,
    "adapter-not-powered": Trouble.POWERED_OFF,
    "not-supported": Trouble.NO_LOW_ENERGY,
}
"""What follows ``le-connection-`` or ``br-connection-`` where a connection failed (BlueZ, src/error.h)."""

_REASON = re.compile(r"(?:le|br)-connection-([a-z-]+)")

_SAID = (
    ("failed to discover services, device disconnected", Trouble.DROPPED),
    ("Bleak requires BlueZ", Trouble.OLD_BLUEZ),
)
"""What bleak says in a plain `BleakError`, which has no class of its own for it (bleak 3.1, backends/bluezdbus)."""

WANTS_PAIRING = frozenset({0x05, 0x08, 0x0C, 0x0F})
"""Insufficient authentication, authorization, key size and encryption (Bluetooth Core, Vol 3, Part F, 3.4.1.1)."""
_NOT_PAIRED = "Not paired"
_PAIR = "the ball wants to be paired first: pair it in the system's own Bluetooth settings, then try again"


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


def translate(error: BaseException, doing: str, address: str = "") -> LinkError:
    """Our error for a foreign one."""
    where = f"{doing} {address}".strip()
    match error:
        case BleakCharacteristicNotFoundError():
            return GattMismatch(f"{where}: the ball has no characteristic {error.char_specifier}", address=address)
        case BleakGATTProtocolError() if error.code != UNLIKELY:
            return _refused(where, address, str(error.args[-1]), int(error.code))
        case BleakDBusError() if _is_of_the_ball(error, doing, address):
            return _refused(where, address, str(error), None)
        case BleakDeviceNotFoundError():
            return BallNotFound(f"no ball answers at {error.identifier}", address=address)
    trouble = recognise(error, doing, address)
    if trouble.kind is BluetoothUnavailable:
        return trouble.error()
    known = trouble in (Trouble.NOT_ANSWERED, Trouble.FORGOTTEN)
    return trouble.error(where, address, "" if known or isinstance(error, TimeoutError) else _harmless(str(error)))


def recognise(error: BaseException, doing: str = "", address: str = "") -> Trouble:  # noqa: PLR0911 - one per kind
    """Which trouble a foreign error means."""
    match error:
        case BleakBluetoothNotAvailableError():
            return _switched_off(_UNAVAILABLE.get(error.reason, Trouble.NO_SERVICE))
        case BleakDeviceNotFoundError():
            return Trouble.NO_ANSWERER
        case BleakCharacteristicNotFoundError():
            return Trouble.LACKING
        case BleakGATTProtocolError():  # the one that is no refusal
            return Trouble.NOT_ANSWERED
        case BleakDBusError():
            return _switched_off(_from_dbus(error, doing, address))
        case BleakError():
            return _from_words(str(error), doing)
        case TimeoutError() if not address:
            return Trouble.SILENT_SERVICE  # only the system's own service was asked
        case TimeoutError():
            return Trouble.UNREACHED if doing == CONNECTING else Trouble.NOT_ANSWERED
        case PermissionError():
            return Trouble.NO_PERMISSION
        case _:
            return Trouble.NO_SERVICE


def _is_of_the_ball(error: BleakDBusError, doing: str, address: str) -> bool:
    """Whether something is not permitted by the ball, and not to this program.

    BlueZ has the same error for both; it says "Not paired" for three ATT errors, and its own words for 0x02 and 0x03.
    """
    is_on_link = bool(address) and doing != CONNECTING
    return error.dbus_error == "org.bluez.Error.NotPermitted" and (is_on_link or _NOT_PAIRED in str(error))


def _refused(where: str, address: str, said: str, code: int | None) -> AttError:
    advice = _PAIR if code in WANTS_PAIRING or _NOT_PAIRED in said else ""
    return AttError(f"{where}: the ball refused ({_harmless(said)})", code=code, address=address, advice=advice)


def _from_dbus(error: BleakDBusError, doing: str, address: str) -> Trouble:
    name, said = error.dbus_error, " ".join(map(str, error.args[1:]))
    if reason := _REASON.search(said):
        return _REASONS.get(reason[1], Trouble.GONE)
    if name == "org.bluez.Error.InProgress":
        # On a link it is the transaction before, which the ball has not answered.
        return _IN_PROGRESS.get(doing, Trouble.NOT_ANSWERED)
    if name == "org.freedesktop.DBus.Error.UnknownObject" and address:
        return Trouble.FORGOTTEN if doing == CONNECTING else Trouble.GONE
    return _DBUS.get(name, Trouble.GONE)


def _from_words(said: str, doing: str) -> Trouble:
    """The trouble that a plain error of bleak's tells in words."""
    for words, trouble in _SAID:
        if words in said:
            return trouble
    if "not found" in said and said.startswith("adapter"):
        return Trouble.ADAPTER_GONE
    if "not found" in said and doing == CONNECTING:
        return Trouble.FORGOTTEN  # BlueZ forgets an unpaired device some 30 s after the scan
    return Trouble.GONE


def _switched_off(trouble: Trouble) -> Trouble:
    """What holds an adapter off that is off or not there, if the kernel tells."""
    if trouble not in (Trouble.POWERED_OFF, Trouble.NO_ADAPTER):
        return trouble
    match rfkill.blocked():
        case rfkill.Block.SOFT:
            return Trouble.SOFT_BLOCKED
        case rfkill.Block.HARD:
            return Trouble.HARD_BLOCKED
    return trouble


def _harmless(said: str) -> str:
    """What the system said, in one printable line: a part of it may come from the ball."""
    return "".join(sign if sign.isprintable() else "?" for sign in said)
