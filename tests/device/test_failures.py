import inspect
from pathlib import Path

import bleak.exc
import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)

from unknot.device import rfkill
from unknot.device.failures import CONNECTING, FOREIGN, SCANNING, ours, recognise, translate
from unknot.device.troubles import Trouble
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


FAILED = "org.bluez.Error.Failed"
REASONS = BleakBluetoothNotAvailableReason
NO_DEVICE = BleakDeviceNotFoundError("AA:BB", "Device with address AA:BB was not found.")

RECOGNISED: list[tuple[Trouble, Exception, str, str]] = [
    (Trouble.NO_ADAPTER, BleakBluetoothNotAvailableError("none", REASONS.NO_BLUETOOTH), SCANNING, ""),
    (Trouble.NO_LOW_ENERGY, BleakBluetoothNotAvailableError("old", REASONS.NO_BLE_CENTRAL_ROLE), SCANNING, ""),
    (Trouble.POWERED_OFF, BleakBluetoothNotAvailableError("off", REASONS.POWERED_OFF), SCANNING, ""),
    (Trouble.POWERED_OFF, BleakDBusError("org.bluez.Error.NotReady", ["Resource Not Ready"]), SCANNING, ""),
    (Trouble.POWERED_OFF, BleakDBusError(FAILED, ["le-connection-adapter-not-powered"]), CONNECTING, "AA:BB"),
    (Trouble.DENIED_BY_USER, BleakBluetoothNotAvailableError("no", REASONS.DENIED_BY_USER), SCANNING, ""),
    (Trouble.DENIED_BY_SYSTEM, BleakBluetoothNotAvailableError("no", REASONS.DENIED_BY_SYSTEM), SCANNING, ""),
    (Trouble.DENIED, BleakBluetoothNotAvailableError("no", REASONS.DENIED_BY_UNKNOWN), SCANNING, ""),
    (Trouble.NO_SERVICE, BleakBluetoothNotAvailableError("?", REASONS.UNKNOWN), SCANNING, ""),
    (Trouble.NO_SERVICE, BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", ["no org.bluez"]), SCANNING, ""),
    (Trouble.NO_SERVICE, FileNotFoundError(2, "no bus"), SCANNING, ""),
    (Trouble.NO_SERVICE, EOFError(), SCANNING, ""),
    (Trouble.NO_PERMISSION, BleakDBusError("org.freedesktop.DBus.Error.AccessDenied", ["Rejected"]), SCANNING, ""),
    (Trouble.NO_PERMISSION, BleakDBusError("org.bluez.Error.NotPermitted", []), SCANNING, ""),
    (Trouble.NO_PERMISSION, PermissionError(13, "no"), SCANNING, ""),
    (Trouble.SILENT_SERVICE, BleakDBusError("org.freedesktop.DBus.Error.NoReply", ["late"]), SCANNING, ""),
    (Trouble.SILENT_SERVICE, TimeoutError(), SCANNING, ""),
    (Trouble.OLD_BLUEZ, BleakError("Bleak requires BlueZ >= 5.55."), CONNECTING, "AA:BB"),
    (Trouble.STUCK, BleakDBusError("org.bluez.Error.InProgress", ["Operation already in progress"]), SCANNING, ""),
    (Trouble.BUSY, BleakDBusError("org.bluez.Error.InProgress", ["In Progress"]), CONNECTING, "AA:BB"),
    (Trouble.BUSY, BleakDBusError(FAILED, ["le-connection-busy"]), CONNECTING, "AA:BB"),
    (Trouble.ADAPTER_GONE, BleakError("adapter 'hci1' not found"), SCANNING, ""),
    (Trouble.ADAPTER_GONE, BleakDBusError("org.freedesktop.DBus.Error.UnknownObject", ["gone"]), SCANNING, ""),
    (Trouble.FORGOTTEN, BleakDBusError("org.freedesktop.DBus.Error.UnknownObject", ["gone"]), CONNECTING, "AA:BB"),
    (Trouble.GONE, BleakDBusError("org.freedesktop.DBus.Error.UnknownObject", ["gone"]), "writing to", "AA:BB"),
    (Trouble.NOT_ANSWERED, BleakDBusError("org.bluez.Error.InProgress", ["In Progress"]), "writing to", "AA:BB"),
    (Trouble.INTERFERENCE, BleakDBusError(FAILED, ["le-connection-abort-by-local"]), CONNECTING, "AA:BB"),
    (Trouble.DROPPED, BleakDBusError(FAILED, ["le-connection-abort-by-remote"]), CONNECTING, "AA:BB"),
    (Trouble.DROPPED, BleakError("failed to discover services, device disconnected"), CONNECTING, "AA:BB"),
    (Trouble.TOO_MANY, BleakDBusError(FAILED, ["le-connection-concurrent-connection-limit"]), CONNECTING, "AA:BB"),
    (Trouble.KEY_MISSING, BleakDBusError(FAILED, ["le-connection-key-missing"]), CONNECTING, "AA:BB"),
    (Trouble.UNREACHED, TimeoutError(), CONNECTING, "AA:BB"),
    (Trouble.UNREACHED, BleakDBusError(FAILED, ["le-connection-timeout"]), CONNECTING, "AA:BB"),
    (Trouble.NOT_ANSWERED, TimeoutError(), "writing to", "AA:BB"),
    (Trouble.NO_ANSWERER, NO_DEVICE, CONNECTING, "AA:BB"),
    (Trouble.FORGOTTEN, BleakError("device 'dev_AA_BB' not found"), CONNECTING, "AA:BB"),
    (Trouble.LACKING, BleakCharacteristicNotFoundError("2a00"), "reading from", "AA:BB"),
    (Trouble.GONE, BleakError("Service Discovery has not been performed yet"), "writing to", "AA:BB"),
    (Trouble.GONE, BleakDBusError("org.bluez.Error.Failed", ["Not connected"]), "writing to", "AA:BB"),
]


@pytest.mark.parametrize(("trouble", "foreign", "doing", "address"), RECOGNISED)
def test_each_trouble_is_recognised_by_what_the_system_says(
    trouble: Trouble, foreign: Exception, doing: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rfkill, "blocked", lambda: None)
    assert recognise(foreign, doing, address) is trouble
    error = translate(foreign, doing, address)
    assert type(error) is trouble.kind
    assert error.advice
    assert error.address == ("" if trouble.kind is BluetoothUnavailable else address)


BY_THE_KERNEL = {Trouble.SOFT_BLOCKED, Trouble.HARD_BLOCKED}


def test_there_is_no_trouble_that_nothing_means() -> None:
    assert {trouble for trouble, *_ in RECOGNISED} | BY_THE_KERNEL == set(Trouble)


@pytest.mark.parametrize("trouble", Trouble)
def test_every_trouble_says_what_to_do_in_one_line(trouble: Trouble) -> None:
    assert len(trouble.advice) > 8
    assert trouble.message.isprintable()
    assert trouble.advice.isprintable()
    assert not trouble.advice.endswith(".")
    assert str(trouble.error()).count(trouble.advice) == 1


@pytest.mark.parametrize(
    ("block", "trouble"), [(rfkill.Block.SOFT, Trouble.SOFT_BLOCKED), (rfkill.Block.HARD, Trouble.HARD_BLOCKED)]
)
@pytest.mark.parametrize("reason", [REASONS.POWERED_OFF, REASONS.NO_BLUETOOTH])
def test_a_blocked_adapter_is_told_from_one_that_is_off(
    block: rfkill.Block, trouble: Trouble, reason: BleakBluetoothNotAvailableReason, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rfkill, "blocked", lambda: block)
    assert recognise(BleakBluetoothNotAvailableError("off", reason)) is trouble


@pytest.mark.parametrize(
    ("switches", "block"),
    [
        ([], None),
        ([("wlan", "1", "1")], None),
        ([("bluetooth", "0", "0")], None),
        ([("bluetooth", "1", "0")], rfkill.Block.SOFT),
        ([("bluetooth", "0", "1")], rfkill.Block.HARD),
        ([("bluetooth", "1", "1")], rfkill.Block.HARD),
        ([("bluetooth", "1", "0"), ("bluetooth", "0", "0")], None),
        ([("bluetooth", "1", "0"), ("bluetooth", "0", "1")], rfkill.Block.SOFT),
    ],
)
def test_the_kernels_switches_are_read(
    switches: list[tuple[str, str, str]], block: rfkill.Block | None, tmp_path: Path
) -> None:
    for number, facts in enumerate(switches):
        folder = tmp_path / f"rfkill{number}"
        folder.mkdir()
        for name, fact in zip(("type", "soft", "hard"), facts, strict=True):
            (folder / name).write_text(f"{fact}\n")
    assert rfkill.blocked(tmp_path) is block
    assert rfkill.blocked(tmp_path / "nowhere") is None


def test_not_paired_is_no_matter_of_groups() -> None:
    error = translate(BleakDBusError("org.bluez.Error.NotPermitted", ["Not paired"]), "reading from", "AA:BB")
    assert isinstance(error, AttError)
    assert "pair it" in str(error)


def test_what_a_ball_may_have_said_is_harmless() -> None:
    assert str(translate(BleakError("\x1b[2J\u202e"), "writing to", "AA:BB")).isprintable()
