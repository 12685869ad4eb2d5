"""Shape 3: candidates for a characteristic in their order, and the first one that has the properties it needs."""

# ruff: noqa: E501 - one line of a file, one line of text

import sys
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.backends.service import BleakGATTService
from pydantic import ValidationError

from tests.device.made import COMMANDS, LEVELS, linked, made
from unknot.device import takeover
from unknot.device.characteristics import ambiguous, resolve
from unknot.device.link import Link
from unknot.device.radio import Radio
from unknot.errors import GattMismatch
from unknot.profiles.model import FirmwareProfile
from unknot.simulator import Air, SimulatedBall, SimulatedClient, SimulatedScanner
from unknot.simulator.backend import adapter_for

if TYPE_CHECKING:
    from bleak import BleakClient

Table = Mapping[str, Mapping[str, list[str]]]
W, N, R = "write", "notify", "read"

EMS_V2 = """
[gatt]
command = { service = ["FFE0", "FCC0"], characteristic = ["FFE1", "FCC1"], or_first = true, write = ["command", "request"] }
status = { service = ["FFE0", "FCC0"], characteristic = ["FFE2", "FCC2"], or_first = true, notify = true }
"""


def full(uuid: str) -> str:
    return f"0000{uuid.lower()}-0000-1000-8000-00805f9b34fb" if len(uuid) == 4 else uuid


def services(table: Table) -> list[BleakGATTService]:
    found = []
    handle = 1
    for service_uuid, characteristics in table.items():
        service = BleakGATTService(None, handle, full(service_uuid))
        for uuid, properties in characteristics.items():
            handle += 2
            service.add_characteristic(
                BleakGATTCharacteristic(None, handle, full(uuid), properties, lambda: 20, service)  # type: ignore[arg-type]
            )
        handle += 2
        found.append(service)
    return found


def ems() -> FirmwareProfile:
    return made(EMS_V2, LEVELS, COMMANDS)


@pytest.mark.parametrize(
    ("table", "command", "status"),
    [
        ({"FFE0": {"FFE1": [W], "FFE2": [N]}, "FCC0": {"FCC1": [W], "FCC2": [N]}}, "FFE1", "FFE2"),
        ({"FCC0": {"FCC1": [W], "FCC2": [N]}}, "FCC1", "FCC2"),
        (
            {"1800": {"2A00": [R, W]}, "ABF0": {"ABF3": ["write-without-response"], "ABF4": ["indicate"]}},
            "ABF3",
            "ABF4",
        ),
        ({"ABF0": {"ABF1": [W]}, "ABE0": {"ABE1": [N]}, "ABD0": {"ABD1": [W], "ABD2": [N]}}, "ABD1", "ABD2"),
        ({"1800": {"2A00": [R, W, N]}, "1801": {"2A05": [W, N]}}, None, None),
    ],
    ids=[
        "the first candidates",
        "the second ones",
        "the first that fit",
        "all in one service",
        "never the stack's own",
    ],
)
def test_3_candidates_and_then_the_first_that_fits(table: Table, command: str | None, status: str | None) -> None:
    found = resolve(ems().gatt, services(table))
    assert {role: one.uuid for role, one in found.items()} == (
        {} if command is None or status is None else {"command": full(command), "status": full(status)}
    )


def test_3_the_first_that_fits_is_the_first_on_the_ball_in_whatever_order_bleak_has_them() -> None:
    """On BlueZ that order is another one in every program."""
    table = {"ABF0": {"ABF1": [W, N], "ABF2": [W, N]}, "ABC0": {"ABC1": [W, N]}}
    there = services(table)
    for service in there:
        service.characteristics.reverse()
    found = resolve(ems().gatt, reversed(there))
    assert {role: one.uuid for role, one in found.items()} == {"command": full("ABF1"), "status": full("ABF1")}


async def test_3_a_ball_with_the_second_candidates_is_driven() -> None:
    second = made(EMS_V2.replace('"FFE0", ', "").replace('"FFE1", ', "").replace('"FFE2", ', ""), LEVELS, COMMANDS)
    sim = SimulatedBall(second)
    async with linked(sim, profile=ems()) as ball:
        await ball.set_level(3)
        assert sim.level == ball.level == 3


async def test_3_a_ball_whose_uuids_nobody_knows_is_driven_by_what_it_can_do() -> None:
    other = made(EMS_V2.replace("FFE", "ABF").replace("FCC", "ABC"), LEVELS, COMMANDS)
    sim = SimulatedBall(other)
    async with linked(sim, profile=ems()) as ball:
        await ball.set_level(3)
        assert sim.level == 3


async def test_3_a_ball_without_what_must_be_written_is_another_one() -> None:
    named = EMS_V2.replace("or_first = true, ", "")
    other = made(named.replace("FFE", "ABF").replace("FCC", "ABC"), LEVELS, COMMANDS)
    with pytest.raises(GattMismatch, match=r"no characteristic 0000ffe1-.* or 0000fcc1-.*'command'"):
        async with linked(SimulatedBall(other), profile=made(named, LEVELS, COMMANDS)):
            pass


async def test_3_what_only_tells_may_be_missing() -> None:
    port = '[gatt]\ncommand = { characteristic = "FFE1", write = "request" }\n'
    status = 'status = { characteristic = "FFE2", notify = true }\nbattery = { service = "180F", characteristic = "2A19", read = true }\n'
    rich = made(port + status, LEVELS, 'battery = { from = "battery", frame = "{battery:u8}" }', COMMANDS)
    poor = made(port, "[motor]\nlevels = 5\n", COMMANDS)
    sim = SimulatedBall(poor)
    async with linked(sim, profile=rich) as ball:
        await ball.set_level(3)
        assert sim.level == 3
        assert ball.battery is None


def test_3_generations_of_uuids_made_of_text() -> None:
    uuid = "43302D49-3130-302D-5431-3030302D4700"  # C0-I100-T1000-G, as openEMSstim has it
    profile = made(
        f'[gatt]\ncommand = {{ characteristic = "{uuid}", write = "request" }}\n', "[motor]\nlevels = 5\n", COMMANDS
    )
    (found,) = resolve(profile.gatt, services({"FFE0": {uuid.lower(): [W]}})).values()
    assert found.uuid == uuid.lower()


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ('{ service = ["FFE0", "FCC0"], characteristic = ["1", "2", "3"], write = "request" }', "UUID"),
        ('{ service = ["FFE0", "FCC0"], characteristic = "FFE1", write = "request" }', "one, or 1"),
        ('{ write = "request" }', "or_first"),
        ("{ or_first = true }", "no use of the characteristic"),
    ],
)
def test_3_candidates_that_cannot_be_found_are_refused(command: str, expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        made(f"[gatt]\ncommand = {command}\n", "[motor]\nlevels = 5\n", COMMANDS)


TWICE = [
    *services({"FFE0": {"FFE1": [R]}}),
    *services({"FFE0": {"FFE1": [W]}, "FFF0": {"FFE1": [W]}}),
    *services({"FFE0": {"FFE1": [W], "FFE2": [N]}}),
]
"""A table as a careless firmware has it: three services of one UUID, and the same characteristic in all of them."""


def test_of_several_with_one_uuid_the_service_and_then_the_properties_decide() -> None:
    profile = made(
        '[gatt]\ncommand = { service = "FFE0", characteristic = "FFE1", write = "request" }\n',
        "[motor]\nlevels = 5\n",
        COMMANDS,
    )
    found = resolve(profile.gatt, TWICE)
    assert (found["command"].service_uuid, found["command"].properties) == (full("FFE0"), [W])
    (said,) = ambiguous(profile.gatt, found, TWICE)
    assert said.startswith(f"2 characteristics {full('FFE1')} could be 'command', and the first one is taken")
    assert ambiguous(profile.gatt, resolve(profile.gatt, TWICE[:2]), TWICE[:2]) == []


@pytest.mark.skipif(sys.platform != "linux", reason="BlueZ is Linux's")
def test_where_a_real_ball_lacks_something_bluez_may_remember_another_day() -> None:
    ball = BLEDevice("C0:BA:11:00:00:01", "OpenBall", {"path": "/org/bluez/hci0/dev_C0_BA_11_00_00_01"})
    assert "'bluetoothctl remove C0:BA:11:00:00:01'" in Link(ball, Radio(), print).advice_if_lacking
    assert "/var/lib/bluetooth" in Link(ball, Radio(), print).advice_if_lacking
    air = Air()
    simulated = Radio(SimulatedClient, SimulatedScanner, adapter_for(air), {"air": air})
    assert Link(ball, simulated, print).advice_if_lacking == GattMismatch.advice


def test_the_guard_too_takes_the_one_that_can_be_written_so() -> None:
    client = cast("BleakClient", SimpleNamespace(services=TWICE))
    taken = takeover._characteristic(client, full("FFE0"), full("FFE1"), response=True)
    assert isinstance(taken, BleakGATTCharacteristic)
    assert taken.properties == [W]
    fallback = takeover._characteristic(client, full("FFE0"), full("FFE1"), response=False)
    assert isinstance(fallback, BleakGATTCharacteristic)
    assert takeover._characteristic(client, full("FFE0"), full("1234"), response=True) == full("1234")
