import inspect

import bleak.exc
import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)

from unknot.device.failures import FOREIGN, ours, translate
from unknot.errors import (
    AttError,
    BallNotFound,
    BluetoothUnavailable,
    LinkError,
    LinkLost,
    LinkTimeout,
)


def test_every_exception_of_bleak_becomes_ours() -> None:
    kinds = [kind for _, kind in inspect.getmembers(bleak.exc, inspect.isclass) if issubclass(kind, Exception)]
    assert len(kinds) >= 6
    assert all(issubclass(kind, FOREIGN) for kind in kinds)


@pytest.mark.parametrize("reason", list(BleakBluetoothNotAvailableReason))
def test_every_reason_for_missing_bluetooth_says_what_to_do(reason: BleakBluetoothNotAvailableReason) -> None:
    error = translate(BleakBluetoothNotAvailableError("no", reason), "scanning")
    assert isinstance(error, BluetoothUnavailable)
    assert "--simulate" in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("foreign", "kind"),
    [
        (TimeoutError(), LinkTimeout),
        (BleakDeviceNotFoundError("AA:BB"), BallNotFound),
        (BleakGATTProtocolError(0x13), AttError),
        (BleakError("Service Discovery has not been performed yet"), LinkLost),
        (BleakDBusError("org.bluez.Error.Failed", ["br-connection-canceled"]), LinkLost),
        (BleakDBusError("org.bluez.Error.NotReady", []), BluetoothUnavailable),
        (BleakDBusError("org.freedesktop.DBus.Error.AccessDenied", []), BluetoothUnavailable),
        (BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", []), BluetoothUnavailable),
        (PermissionError(13, "no"), BluetoothUnavailable),
        (FileNotFoundError(2, "no bus"), BluetoothUnavailable),
        (EOFError(), BluetoothUnavailable),
    ],
)
def test_foreign_errors_become_ours_and_keep_their_cause(foreign: Exception, kind: type[LinkError]) -> None:
    with pytest.raises(kind) as caught, ours("writing to", "AA:BB"):
        raise foreign
    assert caught.value.__cause__ is foreign


def test_the_att_code_is_kept_even_if_the_standard_does_not_know_it() -> None:
    for code in (0x13, 0x80, 0xFC):
        error = translate(BleakGATTProtocolError(code), "writing to", "AA:BB")
        assert isinstance(error, AttError)
        assert error.code == code
        assert error.address == "AA:BB"


def test_our_own_errors_pass_unchanged() -> None:
    mine = LinkLost("gone")
    with pytest.raises(LinkLost) as caught, ours("writing to"):
        raise mine
    assert caught.value is mine


def test_a_fault_of_ours_is_not_disguised() -> None:
    with pytest.raises(KeyError), ours("writing to"):
        raise KeyError("x")
