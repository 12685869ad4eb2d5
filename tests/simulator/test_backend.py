import asyncio
from typing import cast

import pytest
from bleak import BleakAdapter, BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError

from unknot.errors import UsageError
from unknot.simulator import Air, SimulatedBall, SimulatedClient, SimulatedScanner
from unknot.simulator.backend import adapter_for

COMMAND = "b0a70002-6b1e-4f3d-9c58-7e2d41a90f36"
STATUS = "b0a70003-6b1e-4f3d-9c58-7e2d41a90f36"
SERVICE = "b0a70001-6b1e-4f3d-9c58-7e2d41a90f36"
ADDRESS = "C0:BA:11:00:00:01"


async def discover(air: Air) -> list[BLEDevice]:
    found = await BleakScanner.discover(timeout=1, backend=SimulatedScanner, air=air)  # type: ignore[call-overload]
    return cast("list[BLEDevice]", found)


def client(air: Air, **options: object) -> BleakClient:
    return BleakClient(ADDRESS, backend=SimulatedClient, air=air, **options)  # type: ignore[arg-type]


async def test_the_real_scanner_finds_the_ball(air: Air, simulated_ball: SimulatedBall) -> None:
    found = await BleakScanner.discover(timeout=1, return_adv=True, backend=SimulatedScanner, air=air)  # type: ignore[call-overload]
    device, advertisement = found[ADDRESS]
    assert device.name == advertisement.local_name == "OpenBall"
    assert advertisement.service_uuids == [SERVICE]
    assert advertisement.rssi == simulated_ball.rssi


async def test_the_real_scanner_filters_by_service(air: Air, simulated_ball: SimulatedBall) -> None:
    air.add(SimulatedBall("button-ball"))
    scanner = BleakScanner(service_uuids=[SERVICE], backend=SimulatedScanner, air=air)
    async with scanner:
        await asyncio.sleep(1)
    assert [device.name for device in scanner.discovered_devices] == ["OpenBall"]


async def test_the_gatt_table_is_the_profiles(air: Air, simulated_ball: SimulatedBall) -> None:
    async with client(air) as central:
        table = {
            characteristic.uuid: sorted(characteristic.properties)
            for service in central.services
            for characteristic in service.characteristics
        }
        assert central.name == "OpenBall"
        assert central.mtu_size == 247
    assert table[COMMAND] == ["write", "write-without-response"]
    assert table[STATUS] == ["notify", "read"]
    assert len(table) == 6


async def test_writes_reads_and_notifications(air: Air, simulated_ball: SimulatedBall) -> None:
    heard: list[bytes] = []
    async with client(air) as central:
        await central.start_notify(STATUS, lambda _, value: heard.append(bytes(value)))
        await central.write_gatt_char(COMMAND, bytes.fromhex("01 07 32 B8 0B"), response=True)
        await asyncio.sleep(0)
        assert simulated_ball.level == 50
        assert [value.hex(" ") for value in heard] == ["01 07 32 b8 0b 19 00"]
        assert (await central.read_gatt_char(STATUS))[2] == 50
        await central.stop_notify(STATUS)
        await central.write_gatt_char(COMMAND, b"\x00\x08", response=False)
        await asyncio.sleep(1)
        assert len(heard) == 1


async def test_a_refused_request_is_an_att_error_and_a_refused_command_is_silent(
    air: Air, simulated_ball: SimulatedBall
) -> None:
    async with client(air) as central:
        with pytest.raises(BleakGATTProtocolError) as refused:
            await central.write_gatt_char(COMMAND, b"\x02", response=True)
        assert refused.value.code == 0x13
        await central.write_gatt_char(COMMAND, b"\x02", response=False)
        with pytest.raises(BleakGATTProtocolError):
            await central.read_gatt_char(COMMAND)


async def test_a_connected_ball_does_not_advertise_and_takes_no_second_central(
    air: Air, simulated_ball: SimulatedBall
) -> None:
    async with client(air):
        assert await discover(air) == []
        with pytest.raises(TimeoutError):
            await client(air, timeout=3).connect()
        with pytest.raises(UsageError):
            simulated_ball.link(lambda: None)
    assert len(await discover(air)) == 1


async def test_a_ball_out_of_reach_is_not_found(air: Air) -> None:
    with pytest.raises(BleakDeviceNotFoundError):
        await client(air).connect()


async def test_a_dropped_link_is_told_once_and_leaves_no_services(air: Air, simulated_ball: SimulatedBall) -> None:
    lost: list[BleakClient] = []
    central = client(air, disconnected_callback=lost.append)
    await central.connect()
    await central.write_gatt_char(COMMAND, bytes.fromhex("01 07 32 B8 0B"), response=True)
    air.remove(simulated_ball)
    assert lost == [central]
    assert not central.is_connected
    assert simulated_ball.level == 0
    with pytest.raises(BleakError):
        await central.write_gatt_char(COMMAND, b"\x00\x00", response=True)
    await central.disconnect()
    assert lost == [central]
    air.add(simulated_ball)
    await central.connect()
    await central.disconnect()


@pytest.mark.parametrize(
    ("latency", "interval", "request_seconds"),
    [(0.0, 0.0, 0.0), (0.05, 0.0, 0.1), (0.0, 0.03, 0.06), (0.0, 0.0075, 0.015)],
)
async def test_an_acknowledged_write_takes_two_connection_events(
    latency: float, interval: float, request_seconds: float
) -> None:
    air = Air(SimulatedBall(latency=latency, connection_interval=interval))
    loop = asyncio.get_running_loop()
    async with client(air) as central:
        await central.write_gatt_char(COMMAND, b"\x00\x00", response=True)  # now in step with the events
        began = loop.time()
        for _ in range(10):
            await central.write_gatt_char(COMMAND, b"\x00\x00", response=True)
        assert (loop.time() - began) / 10 == pytest.approx(request_seconds, abs=1e-6)


async def test_commands_arrive_in_order_at_the_next_connection_event() -> None:
    sim = SimulatedBall("vibmotor-3", connection_interval=0.03)
    async with client(Air(sim)) as central:
        await asyncio.sleep(0.01)
        for level in (10, 20, 30):
            await central.write_gatt_char(
                "9A511A2D-594F-4E2B-B123-5F739A2D594F", (level * 100).to_bytes(2, "little"), response=False
            )
        assert sim.level == 0
        await asyncio.sleep(0.03)
        assert [(round(at, 6), level) for at, level in sim.trace.points] == [(0.03, 10), (0.03, 20), (0.03, 30)]


async def test_what_is_under_way_when_the_link_drops_never_arrives() -> None:
    sim = SimulatedBall("vibmotor-3", connection_interval=0.03)
    async with client(Air(sim)) as central:
        await central.write_gatt_char("9A511A2D-594F-4E2B-B123-5F739A2D594F", b"\x10\x27", response=False)
        sim.drop_link()
        await asyncio.sleep(1)
    assert sim.level == 0


async def test_the_adapter_tells_which_balls_are_connected(air: Air, simulated_ball: SimulatedBall) -> None:
    adapter = await BleakAdapter.get(backend=adapter_for(air))
    assert await adapter.get_connected_devices([SERVICE]) == []
    async with client(air):
        assert [device.address for device in await adapter.get_connected_devices([SERVICE])] == [ADDRESS]
        assert await adapter.get_connected_devices(["180D"]) == []


async def test_descriptors_and_pairing_are_answered_as_a_ball_without_them_would(
    air: Air, simulated_ball: SimulatedBall
) -> None:
    async with client(air) as central:
        await central.pair()
        await central.unpair()
        with pytest.raises(BleakError):
            await central.read_gatt_descriptor(99)


def test_addresses_are_given_once() -> None:
    air = Air(SimulatedBall(), SimulatedBall())
    assert [ball.address for ball in air] == ["C0:BA:11:00:00:01", "C0:BA:11:00:00:02"]
    with pytest.raises(UsageError, match="two balls with the address"):
        air.add(SimulatedBall(address="C0:BA:11:00:00:01"))
