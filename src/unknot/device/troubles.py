"""What can be wrong between us and a ball, each with what to do about it; `unknot.device.failures` recognises them."""

from __future__ import annotations

from enum import Enum

from unknot.errors import BallNotFound, BluetoothUnavailable, GattMismatch, LinkError, LinkLost, LinkTimeout

_OR_SIMULATE = ", or use --simulate"
_HELD = "another phone or app may hold it, such as the maker's own: close that, or switch the phone's Bluetooth off"
_RESTART = "restart it ('systemctl restart bluetooth')"


class Trouble(Enum):
    """One kind of trouble: the kind of our error, what is wrong, and what the person can do.

    Attributes:
        kind: which error it becomes.
        message: what is wrong.
        advice: what to do, as it stands behind a semicolon.
    """

    NO_ADAPTER = (
        BluetoothUnavailable,
        "no Bluetooth adapter was found",
        f"plug in a Bluetooth adapter{_OR_SIMULATE}",
    )
    NO_LOW_ENERGY = (
        BluetoothUnavailable,
        "the Bluetooth adapter cannot do Low Energy",
        "use an adapter with Bluetooth 4.0 or later, or --simulate",
    )
    POWERED_OFF = (
        BluetoothUnavailable,
        "the Bluetooth adapter is switched off",
        f"switch it on (on Linux: 'bluetoothctl power on'){_OR_SIMULATE}",
    )
    SOFT_BLOCKED = (
        BluetoothUnavailable,
        "the Bluetooth adapter is blocked by software",
        f"unblock it with 'rfkill unblock bluetooth', or end flight mode{_OR_SIMULATE}",
    )
    HARD_BLOCKED = (
        BluetoothUnavailable,
        "the Bluetooth adapter is blocked by a switch of this computer",
        f"use the switch or key for its radios; no program can{_OR_SIMULATE}",
    )
    DENIED_BY_USER = (
        BluetoothUnavailable,
        "this program may not use Bluetooth",
        f"allow it in the system's privacy settings{_OR_SIMULATE}",
    )
    DENIED_BY_SYSTEM = (
        BluetoothUnavailable,
        "the system forbids the use of Bluetooth",
        f"ask the system's administrator{_OR_SIMULATE}",
    )
    DENIED = (
        BluetoothUnavailable,
        "permission to use Bluetooth was denied",
        f"check the system's Bluetooth permissions{_OR_SIMULATE}",
    )
    NO_PERMISSION = (
        BluetoothUnavailable,
        "no permission to use Bluetooth",
        f"on Linux join the group 'bluetooth' and log in again{_OR_SIMULATE}",
    )
    NO_SERVICE = (
        BluetoothUnavailable,
        "no Bluetooth service answers",
        f"start it (on Linux: 'systemctl start bluetooth'){_OR_SIMULATE}",
    )
    SILENT_SERVICE = (
        BluetoothUnavailable,
        "the Bluetooth service does not answer",
        f"on Linux {_RESTART}{_OR_SIMULATE}",
    )
    OLD_BLUEZ = (
        BluetoothUnavailable,
        "the Bluetooth service is too old",
        f"update BlueZ to 5.55 or later{_OR_SIMULATE}",
    )
    STUCK = (
        BluetoothUnavailable,
        "the Bluetooth adapter is stuck in another search",
        "end other programs that look for devices; if there are none, switch it off and on again ('bluetoothctl power "
        "off', then 'bluetoothctl power on')",
    )
    ADAPTER_GONE = (
        BluetoothUnavailable,
        "the Bluetooth adapter is gone",
        f"plug it in again, or choose another one with --adapter{_OR_SIMULATE}",
    )
    INTERFERENCE = (
        LinkLost,
        "the connection was cut off while it was being made",
        "mostly other radios disturb it: bring the ball nearer, away from Wi-Fi and USB 3, and try again",
    )
    DROPPED = (
        LinkLost,
        "the ball connects and drops the link at once",
        _HELD,
    )
    BUSY = (
        LinkLost,
        "another connection is being made",
        "try again in a moment; if it stays so, switch Bluetooth off and on again ('bluetoothctl power off', then "
        "'bluetoothctl power on')",
    )
    TOO_MANY = (
        LinkLost,
        "the Bluetooth adapter holds as many links as it can",
        "disconnect another device first",
    )
    UNREACHED = (
        LinkTimeout,
        "the ball was heard before, but no link came about in time",
        f"bring it nearer; if it is on and near, {_HELD}",
    )
    KEY_MISSING = (
        LinkLost,
        "the ball has forgotten that it was paired",
        "remove it in the system's Bluetooth settings (on Linux: 'bluetoothctl remove ADDRESS') and try again",
    )
    NOT_ANSWERED = (
        LinkTimeout,
        "the ball did not answer in time",
        "bring it nearer, or charge it",
    )
    NO_ANSWERER = (
        BallNotFound,
        "no ball answers",
        BallNotFound.advice,
    )
    FORGOTTEN = (
        BallNotFound,
        "the system has forgotten the ball",
        BallNotFound.advice,
    )
    LACKING = (
        GattMismatch,
        "the ball has no such characteristic",
        GattMismatch.advice,
    )
    GONE = (
        LinkLost,
        "the link is gone",
        "bring the ball nearer, or switch it on again",
    )

    def __init__(self, kind: type[LinkError], message: str, advice: str) -> None:
        self.kind = kind
        self.message = message
        self.advice = advice

    def error(self, where: str = "", address: str = "", detail: str = "") -> LinkError:
        """Our error for it.

        Args:
            where: what was being done, in front of the message; nothing for what concerns no ball.
            address: the ball's address.
            detail: what the system said.
        """
        said = f"{where}: {self.message}" if where else self.message
        return self.kind(f"{said} ({detail})" if detail else said, address=address, advice=self.advice)


STALE_SERVICES = (
    "; if it is that ball all the same, the system may remember its services from before: try 'bluetoothctl remove "
    "{address}', and if that does not help, stop the Bluetooth service, remove the ball's file under "
    "/var/lib/bluetooth/*/cache, and start it again"
)
"""What helps on Linux where a ball that fits lacks a characteristic: BlueZ keeps what it once found, and ``remove``
alone leaves the cache file (bleak issues 882 and 628, bluez issue 191)."""
