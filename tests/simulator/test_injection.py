"""Each kind of fault on the wire: through the real BleakClient, in virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest
from bleak import BleakAdapter, BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)

from tests.meddling import written
from unknot.errors import UsageError
from unknot.simulator import Air, Fault, FaultKind, FaultPlan, SimulatedBall, SimulatedClient, SimulatedScanner, inject
from unknot.simulator.backend import adapter_for
from unknot.simulator.interference import HELD_SECONDS

COMMAND = "b0a70002-6b1e-4f3d-9c58-7e2d41a90f36"
STATUS = "b0a70003-6b1e-4f3d-9c58-7e2d41a90f36"
SERVICE = "b0a70001-6b1e-4f3d-9c58-7e2d41a90f36"
BATTERY = "2A19"
ADDRESS = "C0:BA:11:00:00:01"


def level(percent: int, sequence: int = 1) -> bytes:
    """A set level of the open ball, with the longest lease."""
    return bytes([1, sequence, percent]) + (5000).to_bytes(2, "little")


def now() -> float:
    return asyncio.get_running_loop().time()


def plan(*faults: Fault) -> FaultPlan:
    return FaultPlan(faults)


def client(air: Air, device: BLEDevice | str = ADDRESS) -> BleakClient:
    return BleakClient(device, backend=SimulatedClient, air=air)


async def discover(air: Air) -> list[BLEDevice]:
    found = await BleakScanner.discover(timeout=1, backend=SimulatedScanner, air=air)  # type: ignore[call-overload]
    return cast("list[BLEDevice]", found)


@asynccontextmanager
async def connected(air: Air, *faults: Fault) -> AsyncIterator[tuple[BleakClient, list[bytes]]]:
    """A client to which these faults happen from its connection on, and the statuses that it hears."""
    heard: list[bytes] = []
    async with client(air) as central:
        await central.start_notify(STATUS, lambda _, value: heard.append(bytes(value)))
        inject(plan(*faults), air)
        for _ in range(len(faults) + 1):  # each that begins at 0 s takes a turn of the loop
            await asyncio.sleep(0)
        yield central, heard


async def request(central: BleakClient, data: bytes) -> None:
    await central.write_gatt_char(COMMAND, data, response=True)


async def command(central: BleakClient, data: bytes) -> None:
    await central.write_gatt_char(COMMAND, data, response=False)


async def hear(heard: list[bytes]) -> list[int]:
    """The levels of the statuses heard so far."""
    await asyncio.sleep(0)
    return [value[2] for value in heard]


# Writes.


async def test_a_lost_write_never_arrives_and_a_request_is_never_answered(
    air: Air, simulated_ball: SimulatedBall
) -> None:
    with written(simulated_ball) as arrived:
        async with connected(air, Fault(FaultKind.WRITE_LOST, count=2)) as (central, _):
            await command(central, level(10))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(3600):
                    await request(central, level(20))
            await request(central, level(30))
    assert [data for _, data in arrived] == [level(30)]


async def test_a_late_write_holds_up_all_that_is_written_behind_it(air: Air, simulated_ball: SimulatedBall) -> None:
    with written(simulated_ball) as arrived:
        async with connected(air, Fault(FaultKind.WRITE_LATE, seconds=2.0)) as (central, _):
            began = now()
            await command(central, level(10))
            assert now() == began  # a command is done when it is queued
            await command(central, level(15))
            await asyncio.sleep(0.5)
            await request(central, level(20))
            assert now() == began + 2
            await command(central, level(30))
            assert now() == began + 2
    assert [(at - began, data[2]) for at, data in arrived] == [(2, 10), (2, 15), (2, 20), (2, 30)]


async def test_a_read_does_not_overtake_a_late_write(air: Air, simulated_ball: SimulatedBall) -> None:
    async with connected(air, Fault(FaultKind.WRITE_LATE, seconds=2.0)) as (central, _):
        await command(central, level(10))
        assert (await central.read_gatt_char(STATUS))[2] == 10


async def test_a_late_write_arrives_though_its_writer_gave_up(
    air: Air, simulated_ball: SimulatedBall, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(air, Fault(FaultKind.WRITE_LATE, seconds=2.0)) as (central, _):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await request(central, level(10))
        assert simulated_ball.level == 0
        await asyncio.sleep(1.5)
        assert simulated_ball.level == 10
    assert caplog.records == []  # the loop logs what goes wrong in its callbacks


async def test_what_is_late_is_gone_with_the_link_also_after_the_next_connection(
    air: Air, simulated_ball: SimulatedBall
) -> None:
    async with connected(air, Fault(FaultKind.WRITE_LATE, seconds=2.0)) as (central, _):
        await command(central, level(10))
        simulated_ball.drop_link()
        await central.connect()
        await command(central, level(20))
        assert simulated_ball.level == 20
        await asyncio.sleep(3)
        assert simulated_ball.level == 20


async def test_requests_do_not_overtake_commands_on_a_slow_link() -> None:
    sim = SimulatedBall(connection_interval=0.03)
    with written(sim) as arrived:
        async with connected(Air(sim)) as (central, _):
            for percent in (10, 20):
                await command(central, level(percent))
            await request(central, level(30))
    assert [data[2] for _, data in arrived] == [10, 20, 30]


async def test_a_refused_request_has_any_code_and_a_refused_command_is_dropped(
    air: Air, simulated_ball: SimulatedBall
) -> None:
    with written(simulated_ball) as arrived:
        async with connected(air, Fault(FaultKind.WRITE_REFUSED, count=2, code=0x9A)) as (central, _):
            with pytest.raises(BleakGATTProtocolError) as refused:
                await request(central, level(10))
            assert refused.value.args[0] == 0x9A
            await command(central, level(20))
            await request(central, level(30))
    assert [data[2] for _, data in arrived] == [30]


async def test_a_hanging_request_is_obeyed_and_never_answered_and_commands_pass(
    air: Air, simulated_ball: SimulatedBall
) -> None:
    async with connected(air, Fault(FaultKind.WRITE_HANGS)) as (central, heard):
        await command(central, level(10))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(4):
                await request(central, level(20))
        assert simulated_ball.level == 20
        assert await hear(heard) == [10, 20]
        await request(central, level(30))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(FaultKind.WRITE_HANGS),
        Fault(FaultKind.WRITE_LOST),
        Fault(FaultKind.WRITE_LATE, seconds=60.0),
    ],
    ids=lambda fault: fault.what,
)
async def test_a_pending_write_fails_at_once_when_the_link_is_lost(
    fault: Fault, air: Air, simulated_ball: SimulatedBall
) -> None:
    async with connected(air, fault, Fault(FaultKind.LINK_DROPS, 5.0)) as (central, _):
        began = now()
        with pytest.raises(BleakError, match="lost while writing"):
            await request(central, level(10))
        assert now() == began + 5


async def test_a_pending_write_and_a_pending_read_on_a_slow_link_fail_at_once_too() -> None:
    sim = SimulatedBall(latency=10.0)
    air = Air(sim)
    async with client(air) as central:
        began = now()
        inject(plan(Fault(FaultKind.LINK_DROPS, 3.0)), air)
        failures = await asyncio.gather(
            request(central, level(10)), central.read_gatt_char(STATUS), return_exceptions=True
        )
        assert [str(failure) for failure in failures] == [
            "the link was lost while writing",
            "the link was lost while reading",
        ]
        assert now() == began + 3
        await asyncio.sleep(60)
    assert sim.trace.points == ()


# Notifications.


async def statuses_of_three(air: Air, *faults: Fault) -> list[bytes]:
    async with connected(air, *faults) as (central, heard):
        for percent in (10, 20, 30):
            await command(central, level(percent))
        await asyncio.sleep(1)
        return heard


@pytest.mark.parametrize(
    ("fault", "levels"),
    [
        (Fault(FaultKind.NOTIFICATION_LOST), [20, 30]),
        (Fault(FaultKind.NOTIFICATION_LOST, seconds=5.0), []),
        (Fault(FaultKind.NOTIFICATION_DUPLICATED, count=2), [10, 10, 20, 20, 30]),
        (Fault(FaultKind.NOTIFICATION_REORDERED), [20, 10, 30]),
        (Fault(FaultKind.NOTIFICATION_REORDERED, seconds=5.0), [20, 10, 30]),
    ],
)
@pytest.mark.parametrize("latency", [0.0, 0.1])
async def test_notifications_are_lost_doubled_and_swapped(fault: Fault, levels: list[int], latency: float) -> None:
    heard = await statuses_of_three(Air(SimulatedBall(latency=latency)), fault)
    assert [value[2] for value in heard] == levels


@pytest.mark.parametrize("what", [FaultKind.NOTIFICATION_TRUNCATED, FaultKind.NOTIFICATION_GARBLED])
async def test_a_notification_is_cut_or_garbled_alike_every_time(what: FaultKind) -> None:
    sound = await statuses_of_three(Air(SimulatedBall()))
    spoilt = await statuses_of_three(Air(SimulatedBall()), Fault(what))
    assert spoilt[0] != sound[0]
    assert spoilt[1:] == sound[1:]
    assert spoilt == await statuses_of_three(Air(SimulatedBall()), Fault(what))
    if what is FaultKind.NOTIFICATION_TRUNCATED:
        assert sound[0].startswith(spoilt[0])
    else:
        assert sum(one != other for one, other in zip(sound[0], spoilt[0], strict=True)) == 1


async def test_a_notification_that_nothing_overtakes_comes_at_last(air: Air, simulated_ball: SimulatedBall) -> None:
    async with connected(air, Fault(FaultKind.NOTIFICATION_REORDERED)) as (central, heard):
        await command(central, level(10))
        await asyncio.sleep(HELD_SECONDS - 0.01)
        assert heard == []
        await asyncio.sleep(0.02)
        assert await hear(heard) == [10]


@pytest.mark.parametrize("presses", [1, 2])  # the first is held back, and the second lets it go
async def test_what_is_held_back_or_under_way_is_gone_with_the_link(presses: int) -> None:
    sim = SimulatedBall("open-ball", latency=0.1)
    async with connected(Air(sim), Fault(FaultKind.NOTIFICATION_REORDERED)) as (central, heard):
        for _ in range(presses):
            sim.press_button()
        sim.drop_link()
        await central.connect()
        await central.start_notify(STATUS, lambda _, value: heard.append(bytes(value)))
        await asyncio.sleep(5)
        assert heard == []


# The ball.


async def test_a_dropped_link_and_a_ball_out_of_reach(air: Air, simulated_ball: SimulatedBall) -> None:
    async with connected(air, Fault(FaultKind.LINK_DROPS, 1.0, seconds=3.0)) as (central, _):
        await request(central, level(10))
        await asyncio.sleep(1.5)
        assert not central.is_connected
        assert simulated_ball.level == 0
        assert await discover(air) == []
        with pytest.raises(BleakDeviceNotFoundError):
            await central.connect()
        await asyncio.sleep(2)
        assert len(await discover(air)) == 1
        await central.connect()


async def test_a_ball_ignores_levels_while_it_is_off(air: Air, simulated_ball: SimulatedBall) -> None:
    async with connected(air, Fault(FaultKind.IGNORES_WRITES_WHILE_OFF, seconds=5.0)) as (central, heard):
        await request(central, level(10))
        await asyncio.sleep(1)
        assert simulated_ball.level == 0
        assert heard == []
        simulated_ball.press_button()
        await request(central, level(20))
        assert simulated_ball.level == 20
        await request(central, b"\x00\x02")
        assert simulated_ball.level == 0
        await asyncio.sleep(5)
        await request(central, level(30))
        assert simulated_ball.level == 30


async def test_the_button_is_pressed(air: Air, simulated_ball: SimulatedBall) -> None:
    async with connected(air, Fault(FaultKind.BUTTON_PRESSED, 2.0)) as (_, heard):
        began = now()
        await asyncio.sleep(3)
        assert await hear(heard) == [25]
        assert simulated_ball.trace.since(began) == ((2.0, 25),)


async def test_a_dead_battery_is_told_and_the_motor_does_not_start_again(
    air: Air, simulated_ball: SimulatedBall
) -> None:
    async with connected(air, Fault(FaultKind.BATTERY_DIES, 1.0)) as (central, heard):
        await request(central, level(10))
        await asyncio.sleep(2)
        assert (heard[-1][2], heard[-1][-1]) == (0, 2)
        assert await central.read_gatt_char(BATTERY) == b"\x00"
        await request(central, level(20))
        assert simulated_ball.level == 0


async def test_an_overheated_ball_tells_it_and_runs_again_when_it_has_cooled_down(
    air: Air, simulated_ball: SimulatedBall
) -> None:
    async with connected(air, Fault(FaultKind.OVERHEATS, 1.0, seconds=10.0)) as (central, heard):
        await request(central, level(10))
        await asyncio.sleep(2)
        assert (heard[-1][2], heard[-1][5], heard[-1][-1]) == (0, 60, 1)
        await request(central, level(20))
        assert simulated_ball.level == 0
        await asyncio.sleep(9)
        assert (heard[-1][2], heard[-1][-1]) == (0, 0)  # told when it ended, and off until the next level
        await request(central, level(30))
        assert simulated_ball.level == 30


async def test_the_smallest_fault_is_told_and_a_dialect_without_faults_tells_the_level(
    air: Air, simulated_ball: SimulatedBall
) -> None:
    async with connected(air) as (_, heard):
        simulated_ball.empty_battery()
        simulated_ball.overheat(1.0)
        await asyncio.sleep(2)
        assert [value[-1] for value in heard] == [2, 1, 2]
    other = SimulatedBall("button-ball")
    told: list[str] = []
    (uuid,) = other.profile.gatt["level"].characteristic
    async with client(Air(other)) as central:
        await central.start_notify(uuid, lambda _, value: told.append(value.hex()))
        other.press_button()
        other.overheat(1.0)
        await asyncio.sleep(0)
        assert told == ["5a015b", "5a005a"]


async def test_a_rebooting_ball_forgets_is_silent_and_comes_back(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball"))  # which keeps its level when the link drops
    async with client(air) as central:
        inject(plan(Fault(FaultKind.REBOOTS, 1.0, seconds=3.0)), air)
        sim.press_button()
        await asyncio.sleep(1.5)
        assert not central.is_connected
        assert sim.level == 0
        with pytest.raises(BleakDeviceNotFoundError):
            await central.connect()
        await asyncio.sleep(3)
        await central.connect()


async def test_a_rebooted_ball_knows_no_command(air: Air, simulated_ball: SimulatedBall) -> None:
    async with connected(air) as (central, _):
        await request(central, level(10, sequence=7))
        simulated_ball.reboot()
        await central.connect()
        assert (await central.read_gatt_char(STATUS))[:5] == b"\x01\x00\x00\x00\x00"


async def test_a_ball_returns_under_a_new_address(air: Air, simulated_ball: SimulatedBall) -> None:
    beside = air.add(SimulatedBall())
    async with connected(air, Fault(FaultKind.RETURNS_UNDER_NEW_ADDRESS, 1.0)) as (central, _):
        await asyncio.sleep(2)
        assert not central.is_connected
        with pytest.raises(BleakDeviceNotFoundError):
            await central.connect()
        assert {device.address for device in await discover(air)} == {"C0:BA:12:00:00:01", beside.address}
        async with client(air, "C0:BA:12:00:00:01"):
            assert simulated_ball.is_connected


# The adapter, and what the system knows.


async def test_connections_fail_as_on_bluez(air: Air, simulated_ball: SimulatedBall) -> None:
    async with connected(air, Fault(FaultKind.CONNECTING_FAILS, count=2), Fault(FaultKind.LINK_DROPS, 1.0)) as (
        central,
        _,
    ):
        await asyncio.sleep(2)
        for _ in range(2):
            with pytest.raises(BleakDBusError, match=r"org\.bluez\.Error\.Failed"):
                await central.connect()
        await central.connect()


async def test_without_an_adapter_nothing_works_until_it_is_back(air: Air, simulated_ball: SimulatedBall) -> None:
    adapter = await BleakAdapter.get(backend=adapter_for(air))
    async with connected(air, Fault(FaultKind.ADAPTER_VANISHES, 1.0, seconds=5.0)) as (central, _):
        await asyncio.sleep(2)
        assert not central.is_connected
        for attempt in (central.connect(), discover(air), adapter.get_connected_devices([SERVICE])):
            with pytest.raises(BleakBluetoothNotAvailableError) as unavailable:
                await attempt
            assert unavailable.value.reason is BleakBluetoothNotAvailableReason.NO_BLUETOOTH
        await asyncio.sleep(4)
        assert len(await discover(air)) == 1
        await central.connect()


async def test_an_adapter_that_is_switched_off_stays_off_and_a_running_scan_hears_nothing(
    air: Air, simulated_ball: SimulatedBall
) -> None:
    async with BleakScanner(backend=SimulatedScanner, air=air) as scanner:
        air.power_off()
        await asyncio.sleep(3600)
        assert scanner.discovered_devices == []
        with pytest.raises(BleakBluetoothNotAvailableError) as unavailable:
            await client(air).connect()
        assert unavailable.value.reason is BleakBluetoothNotAvailableReason.POWERED_OFF
        air.power_on()
        await asyncio.sleep(1)
        assert len(scanner.discovered_devices) == 1


async def test_a_stale_handle_works_again_after_a_scan(air: Air, simulated_ball: SimulatedBall) -> None:
    (device,) = await discover(air)
    async with client(air, device) as central:
        inject(plan(Fault(FaultKind.ADVERTISEMENT_GOES_STALE, 1.0)), air)
        await asyncio.sleep(2)
        assert not central.is_connected
        with pytest.raises(BleakError, match="device 'dev_C0_BA_11_00_00_01' not found"):
            await central.connect()
        await discover(air)
        await central.connect()


# Plans.


async def test_a_plan_remembers_and_tells_what_happened_and_when(air: Air, simulated_ball: SimulatedBall) -> None:
    told: list[Fault] = []
    await asyncio.sleep(100)
    faults = (
        Fault(FaultKind.BUTTON_PRESSED, 1.0),
        Fault(FaultKind.WRITE_LOST, 1.0),
        Fault(FaultKind.BUTTON_PRESSED, 5.0),
    )
    injection = inject(plan(*faults), air, tell=told.append)
    await asyncio.sleep(2)
    assert injection.happened == ((101.0, faults[0]), (101.0, faults[1]))
    assert told == [*faults[:2]]
    await asyncio.sleep(10)
    assert simulated_ball.trace.points == ((101.0, 25), (105.0, 50))


async def test_a_cancelled_plan_does_no_more(air: Air, simulated_ball: SimulatedBall) -> None:
    injection = inject(plan(Fault(FaultKind.BUTTON_PRESSED, 1.0), Fault(FaultKind.BUTTON_PRESSED, 3.0)), air)
    await asyncio.sleep(2)
    injection.cancel()
    injection.cancel()
    await asyncio.sleep(10)
    assert len(injection.happened) == 1
    assert simulated_ball.level == 25


async def test_the_first_ball_is_hit_and_its_neighbour_is_not(air: Air, simulated_ball: SimulatedBall) -> None:
    beside = air.add(SimulatedBall())
    inject(plan(Fault(FaultKind.BUTTON_PRESSED)), air)
    await asyncio.sleep(1)
    assert (simulated_ball.level, beside.level) == (25, 0)


async def test_the_seed_of_the_plan_decides_what_a_share_hits() -> None:
    async def arrived(seed: int) -> list[int]:
        air = Air(SimulatedBall())
        async with client(air) as central:
            inject(FaultPlan((Fault(FaultKind.WRITE_LOST, seconds=60.0, share=0.5),), seed), air)
            await asyncio.sleep(1)
            (sim,) = air
            with written(sim) as writes:
                for percent in range(1, 41):
                    await command(central, level(percent))
            return [data[2] for _, data in writes]

    assert await arrived(1) == await arrived(1) != await arrived(2)


async def test_faults_need_a_ball_and_interference_needs_its_kind(air: Air) -> None:
    with pytest.raises(UsageError, match="none on this air"):
        inject(plan(), air)
    with pytest.raises(UsageError, match="button-pressed does not interfere"):
        SimulatedBall().interfere(Fault(FaultKind.BUTTON_PRESSED))
