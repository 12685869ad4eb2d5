"""Looking a device over: only reads, in bounds of time and size, whatever its table is."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError, BleakGATTProtocolError

import unknot
from tests.profiles.shipped import SPOKEN
from unknot.device import inspection
from unknot.device.inspection import Inspection
from unknot.errors import BallHeld
from unknot.profiles.matching import Match
from unknot.simulator import Air, SimulatedBall
from unknot.simulator import gatt as simulated_table
from unknot.simulator.backend import SimulatedClient

Reading = Callable[[BleakGATTCharacteristic], Any]

BASE = "-0000-1000-8000-00805f9b34fb"


def table(*services: tuple[str, list[tuple[str, list[str]]]], descriptors: int = 0) -> BleakGATTServiceCollection:
    """A table; UUIDs are four digits, and each may be there many times."""
    collection = BleakGATTServiceCollection()
    handle = 0
    for service_uuid, characteristics in services:
        handle += 1
        service = BleakGATTService(None, handle, f"0000{service_uuid}{BASE}")
        collection.add_service(service)
        for uuid, properties in characteristics:
            handle += 2
            there = BleakGATTCharacteristic(None, handle, f"0000{uuid}{BASE}", properties, lambda: 20, service)  # type: ignore[arg-type]
            collection.add_characteristic(there)
            for _ in range(descriptors):
                handle += 1
                collection.add_descriptor(BleakGATTDescriptor(None, handle, f"00002901{BASE}", there))
    return collection


@pytest.fixture(autouse=True)
def only_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    async def forbidden(*_: object, **__: object) -> None:
        pytest.fail("an inspection only reads")

    for name in ("write_gatt_char", "write_gatt_descriptor", "start_notify", "pair"):
        monkeypatch.setattr(SimulatedClient, name, forbidden)


async def look(
    collection: BleakGATTServiceCollection,
    monkeypatch: pytest.MonkeyPatch,
    read: Reading = lambda _: bytearray(b"\x01"),
) -> Inspection:
    """Inspect a ball that has this table and answers so; whatever else is done to it is a failure."""

    async def answer(self: object, there: Any, **_: object) -> bytearray:
        await asyncio.sleep(0.01)
        told = read(there)
        return bytearray(await told if asyncio.iscoroutine(told) else told)

    monkeypatch.setattr(simulated_table, "collection", lambda _: collection)
    for name in ("read_gatt_char", "read_gatt_descriptor"):
        monkeypatch.setattr(SimulatedClient, name, answer)
    return await unknot.inspect(simulate=Air(SimulatedBall()))


def rows(looked: Inspection) -> list[inspection.CharacteristicRow]:
    return [one for service in looked.services for one in service.characteristics]


@pytest.mark.parametrize("profile", [profile.id for profile in SPOKEN if profile.match != Match()])
async def test_the_simulated_ball_of_every_profile_fits_it_and_is_not_written(profile: str) -> None:
    sim = SimulatedBall(profile)
    looked = await unknot.inspect(sim.name, simulate=Air(sim))
    (own,) = [one for one in looked.verdicts if one.profile == profile]
    assert own.fits, own.missing
    assert not sim.is_connected


async def test_it_tells_what_is_missing_where_a_profile_is_near() -> None:
    looked = await unknot.inspect(simulate=True, profile="vibmotor-3")
    verdicts = {one.profile: one for one in looked.verdicts}
    assert verdicts["vibmotor-3"].fits
    assert verdicts["vibmotor-2"].missing == (
        "its characteristic 9a511a2d-594f-4e2b-b123-5f739a2d594f (called 'motor') has write-without-response, not "
        "write",
        "it has the characteristic 9a521a2d-594f-4e2b-b123-5f739a2d594f, which this firmware has not",
    )
    assert looked.strangers + len(looked.verdicts) >= 17


async def test_a_renamed_ball_without_its_service_is_known_by_its_table() -> None:
    looked = await unknot.inspect("Lamp", simulate=Air(SimulatedBall("theragun-4", name="Lamp")))
    (near,) = [one for one in looked.verdicts if one.profile == "theragun-4"]
    assert "its name 'Lamp' is not " in near.missing[0]
    assert len(near.missing) == 1


async def test_device_information_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"2a24": b"OB1\0", "2a29": b"Ex\xffample", "2a50": bytes.fromhex("01 5D 00 01 02 03 04"), "2a26": b"9"}
    information = table(
        ("fff0", [("2a26", ["read"])]), ("180a", [("2a24", ["read"]), ("2a29", ["read"]), ("2a50", ["read"])])
    )
    looked = await look(information, monkeypatch, lambda there: told[there.uuid[4:8]])
    assert looked.information == {
        "model": "OB1",
        "firmware": "9",
        "maker": "Ex\ufffdample",
        "pnp": "Bluetooth company 0x005d, product 0x0201, version 0x0403",
    }


async def test_a_refusal_and_a_silence_are_told_in_their_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(there: BleakGATTCharacteristic) -> Any:
        match there.uuid[4:8]:
            case "0001":
                raise BleakGATTProtocolError(0x02)
            case "0002":
                raise BleakGATTProtocolError(0x0F)
            case "0003":
                return asyncio.sleep(1e6)
            case "0004":
                raise BleakError("something else")
        return b"x" * 600

    many = [(f"000{number}", ["read"]) for number in range(1, 6)]
    looked = await look(table(("fff0", [*many, ("0006", ["notify"])])), monkeypatch, read)
    assert [one.trouble for one in rows(looked)][:3] == [
        "refused: read not permitted (ATT error 0x02)",
        "refused: insufficient encryption (ATT error 0x0F); it wants to be paired first",
        "no answer in time",
    ]
    assert "something else" in rows(looked)[3].trouble
    assert rows(looked)[4].value == b"x" * inspection.VALUE_MOST
    assert (rows(looked)[5].value, rows(looked)[5].trouble) == (None, "")


async def test_a_ball_that_never_answers_costs_little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = await look(table(("fff0", [("0001", ["read"])] * 50)), monkeypatch, lambda _: asyncio.sleep(1e6))
    assert asyncio.get_running_loop().time() < 10
    assert rows(looked)[3].trouble == "not read: 3 in a row were not answered"


async def test_a_slow_ball_is_read_for_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow() -> bytes:
        await asyncio.sleep(0.9)
        return b"\x01"

    looked = await look(table(("fff0", [("0001", ["read"])] * 200)), monkeypatch, lambda _: slow())
    assert asyncio.get_running_loop().time() < 2 * inspection.READING_SECONDS
    assert rows(looked)[-1].trouble == "not read: the 30 s for reading are over"


async def test_a_link_that_goes_in_the_middle_leaves_what_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    sim = SimulatedBall()

    def read(there: BleakGATTCharacteristic) -> bytes:
        if there.uuid.startswith("00000002"):
            sim.drop_link()
            raise BleakError("Not connected")
        return b"\x01"

    monkeypatch.setattr("tests.device.test_inspection.SimulatedBall", lambda: sim)
    looked = await look(table(("fff0", [(f"000{n}", ["read"]) for n in (1, 2, 3)])), monkeypatch, read)
    assert [one.trouble for one in rows(looked)] == ["", "the link is gone", "not read: the link is gone"]


async def test_a_table_of_thousands_is_kept_in_bounds_and_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    huge = table(
        ("fff0", [("0001", ["read", "no-such-property", "\x1b[2J" * 100])] * 3000),
        *[("fff1", [("0001", ["broadcast"])])] * 100,
        ("180a", [("2a24", ["read"])]),
        descriptors=3,
    )
    looked = await look(huge, monkeypatch, lambda _: b"v" * 512)
    assert len(looked.services) == inspection.SERVICES_MOST
    assert len(rows(looked)) == inspection.CHARACTERISTICS_MOST
    assert looked.left_out["services"] == 102 - inspection.SERVICES_MOST
    assert looked.left_out["characteristics"] == 3101 - inspection.CHARACTERISTICS_MOST
    assert sum(len(one.descriptors) for one in rows(looked)) == inspection.DESCRIPTORS_MOST
    assert looked.left_out["descriptors"] > 0
    assert sum(one.value is not None for one in rows(looked)) <= inspection.READS_MOST
    assert looked.information["model"] == "v" * 512  # it is read first
    assert max(len(said) for one in rows(looked) for said in one.properties) <= inspection.PROPERTY_LETTERS


async def test_a_ball_that_the_system_holds_a_link_to_keeps_it_and_its_motor(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a controller that was killed without a guard: the link is all by which the motor can be stopped."""
    sim = SimulatedBall("button-ball", name="Ball\x1b[2J")
    air = Air(sim)
    (found,) = await unknot.scan(simulate=air)
    client = BleakClient(found.device, backend=SimulatedClient, air=air)
    await client.connect()
    sim.press_button()

    async def shared(*_: object, **__: object) -> None:
        pytest.fail("the system would share the link, and end it for all")

    monkeypatch.setattr(SimulatedClient, "connect", shared)
    with pytest.raises(BallHeld, match=r"holds a link to Ball\\x1b\[2J at [\dA-F:]{17} already; 'unknot stop' stops"):
        await unknot.inspect(sim.address, simulate=air)
    assert client.is_connected
    assert sim.level == 1


async def test_a_ball_that_another_unknot_drives_is_left_alone(tmp_path: Any) -> None:
    from unknot.device.holding import Holding
    from unknot.device.radio import Radio
    from unknot.errors import BallInUse
    from unknot.simulator import SimulatedScanner
    from unknot.simulator.backend import adapter_for

    air = Air(SimulatedBall())
    radio = Radio(SimulatedClient, SimulatedScanner, adapter_for(air), {"air": air}, guard=("-c", "pass"))
    (found,) = await unknot.scan(simulate=air)
    holding = Holding.take(found.address, found.name)
    with pytest.raises(BallInUse):
        await inspection.inspect(found, radio, ())
    holding.release()
    assert (await inspection.inspect(found, radio, ())).services
