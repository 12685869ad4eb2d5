"""BlueZ's own errors, word for word: bleak reads them (BlueZ's src/error.c, src/error.h and src/gatt-client.c)."""

from __future__ import annotations

from dbus_fast import DBusError


def failed(text: str) -> DBusError:
    """What has a text and no name of its own."""
    return DBusError("org.bluez.Error.Failed", text)


def in_progress(text: str = "In Progress") -> DBusError:
    """The same is being done already."""
    return DBusError("org.bluez.Error.InProgress", text)


def busy() -> DBusError:
    """A discovery is being started or ended already."""
    return in_progress("Operation already in progress")


def not_ready() -> DBusError:
    """The adapter is off."""
    return DBusError("org.bluez.Error.NotReady", "Resource Not Ready")


def not_supported() -> DBusError:
    """The ball or the characteristic cannot do it."""
    return DBusError("org.bluez.Error.NotSupported", "Operation is not supported")


def does_not_exist() -> DBusError:
    """There is no such device."""
    return DBusError("org.bluez.Error.DoesNotExist", "Does Not Exist")


NOT_CONNECTED = "Not connected"
"""An operation on a ball without a link."""

OPERATION_FAILED = "Operation failed"
"""An operation that was under way when the link was lost."""

CANCELED = "br-connection-canceled"
"""A connection that was given up while it was tried; BlueZ calls it so on Low Energy too."""

ABORTED_BY_LOCAL = "le-connection-abort-by-local"
"""The first packet of a connection was not answered, or nobody advertised until the kernel gave up."""

HOST_IS_DOWN = "Input/output error"
"""A connection on an adapter that is off."""

ABORTED_BY_REMOTE = "le-connection-abort-by-remote"

_OF_THEIR_OWN = {
    0x02: ("NotPermitted", "Read not permitted"),
    0x03: ("NotPermitted", "Write not permitted"),
    0x05: ("NotPermitted", "Not paired"),
    0x06: ("NotSupported", "Operation is not supported"),
    0x07: ("InvalidArguments", "Invalid offset"),
    0x08: ("NotAuthorized", "Operation Not Authorized"),
    0x0C: ("NotPermitted", "Not paired"),
    0x0D: ("InvalidArguments", "Invalid Length"),
    0x0F: ("NotPermitted", "Not paired"),
}
"""ATT errors for which BlueZ has words (``create_gatt_dbus_error``)."""


def att(code: int) -> DBusError:
    """What the ball answered instead."""
    if code in _OF_THEIR_OWN:
        name, text = _OF_THEIR_OWN[code]
        return DBusError(f"org.bluez.Error.{name}", text)
    return failed(f"Operation failed with ATT error: 0x{code:02x}")
