"""Several who look for balls at the same time, on a system that lets a program have one scan, as BlueZ does."""

import asyncio
from typing import Any

import pytest
from bleak.exc import BleakDBusError

import unknot
from unknot.device.deadlines import RADIO_SECONDS
from unknot.device.listening import BUSY_ATTEMPTS
from unknot.device.radio import Radio
from unknot.errors import BluetoothUnavailable, LinkError
from unknot.simulator import Air, SimulatedBall, SimulatedClient, SimulatedScanner
from unknot.simulator.backend import adapter_for


class OneScan(SimulatedScanner):
    """A scanner that is refused while another one of the program scans; it tells of each ball once."""

    scanning: set[SimulatedScanner] = set()
    breaks_at_stop = False
    busy = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._told: set[str] = set()

    async def start(self) -> None:
        if OneScan.busy:
            OneScan.busy -= 1
            raise BleakDBusError("org.bluez.Error.InProgress", ["Operation already in progress"])
        if self.scanning:
            raise BleakDBusError("org.bluez.Error.InProgress", ["Operation already in progress"])
        self.scanning.add(self)
        try:
            await super().start()
        except BaseException:
            self.scanning.discard(self)
            raise

    async def stop(self) -> None:
        await super().stop()
        self.scanning.discard(self)
        if self.breaks_at_stop:
            raise BleakDBusError("org.bluez.Error.Failed", ["No discovery started"])

    def call_detection_callbacks(self, device: Any, advertisement_data: Any) -> None:
        if device.address not in self._told:
            self._told.add(device.address)
            super().call_detection_callbacks(device, advertisement_data)


@pytest.fixture
def radio(air: Air, monkeypatch: pytest.MonkeyPatch) -> Radio:
    monkeypatch.setattr(OneScan, "scanning", set())
    monkeypatch.setattr(OneScan, "busy", 0)
    return Radio(SimulatedClient, OneScan, adapter_for(air), {"air": air}, guard=None)


async def test_three_balls_are_looked_for_at_once(air: Air, radio: Radio) -> None:
    sims = [air.add(SimulatedBall(name=f"OpenBall {number}")) for number in range(3)]

    async def drive(sim: SimulatedBall) -> None:
        async with unknot.connect(sim.name, simulate=radio) as ball:
            await ball.set_level(2)

    await asyncio.gather(*map(drive, sims))
    assert [[level for _, level in sim.trace.points] for sim in sims] == [[2, 0]] * 3
    assert not OneScan.scanning


async def test_who_joins_a_scan_hears_what_it_has_told_already(air: Air, radio: Radio) -> None:
    air.add(SimulatedBall())
    scan = asyncio.create_task(unknot.scan(simulate=radio, seconds=3.0))
    await asyncio.sleep(1.0)
    assert len(await unknot.scan(simulate=radio, seconds=1.0)) == len(await scan) == 1


async def test_a_scan_that_an_adapter_has_lost_keeps_nobody_from_a_new_one(
    air: Air, radio: Radio, monkeypatch: pytest.MonkeyPatch
) -> None:
    air.add(SimulatedBall())
    monkeypatch.setattr(OneScan, "breaks_at_stop", True)
    lost = asyncio.create_task(unknot.scan(simulate=radio, seconds=3.0))
    await asyncio.sleep(1.0)
    joined = asyncio.create_task(unknot.scan(simulate=radio, seconds=1.0))
    await asyncio.sleep(0.5)
    monkeypatch.setattr(OneScan, "breaks_at_stop", False)
    assert len(await joined) == len(await lost) == 1


async def test_one_who_gives_up_leaves_the_others_listening(air: Air, radio: Radio) -> None:
    scans = [asyncio.create_task(unknot.scan(simulate=radio, seconds=2.0)) for _ in range(2)]
    await asyncio.sleep(0.5)
    scans[0].cancel()
    await asyncio.sleep(0.5)
    air.add(SimulatedBall())
    assert len(await scans[1]) == 1
    assert not OneScan.scanning


async def test_a_service_that_is_busy_is_asked_again(air: Air, radio: Radio) -> None:
    air.add(SimulatedBall())
    OneScan.busy = BUSY_ATTEMPTS - 1
    assert len(await unknot.scan(simulate=radio, seconds=1.0)) == 1


async def test_a_service_that_stays_busy_is_told_in_time(radio: Radio) -> None:
    OneScan.busy = 1000
    began = asyncio.get_running_loop().time()
    with pytest.raises(BluetoothUnavailable, match="stuck in another search"):
        await unknot.scan(simulate=radio, seconds=1.0)
    assert asyncio.get_running_loop().time() - began < RADIO_SECONDS


async def test_a_scan_that_does_not_end_costs_nobody_what_was_heard(
    air: Air, radio: Radio, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = air.add(SimulatedBall())
    monkeypatch.setattr(OneScan, "breaks_at_stop", True)
    async with unknot.connect(simulate=radio) as ball:
        await ball.set_level(2)
    assert [level for _, level in sim.trace.points] == [2, 0]


async def test_who_cannot_join_makes_nobody_deaf(air: Air, radio: Radio, monkeypatch: pytest.MonkeyPatch) -> None:
    listening = asyncio.create_task(unknot.scan(simulate=radio, seconds=5.0))
    await asyncio.sleep(0.5)
    start, failures = SimulatedScanner.start, [True]

    async def fails_once(self: SimulatedScanner) -> None:
        if failures:
            failures.clear()
            raise BleakDBusError("org.bluez.Error.Failed", ["no"])
        await start(self)

    monkeypatch.setattr(SimulatedScanner, "start", fails_once)
    with pytest.raises(LinkError):
        await unknot.scan(simulate=radio, seconds=1.0)
    air.add(SimulatedBall())
    assert len(await listening) == 1


async def test_a_listener_that_fails_keeps_no_ball_from_the_others(
    air: Air, radio: Radio, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError

    air.add(SimulatedBall())
    broken = asyncio.create_task(unknot.scan(simulate=radio, seconds=2.0, heard=fail))
    await asyncio.sleep(0.1)
    assert len(await unknot.scan(simulate=radio, seconds=2.0)) == 1
    await broken
    assert "somebody who listens to a scan failed" in caplog.text


@pytest.mark.parametrize("name", ["org.freedesktop.DBus.Error.NoReply", "org.bluez.Error.NotReady"])
async def test_a_scan_that_cannot_be_ended_costs_nobody_what_was_heard_whatever_is_said(
    air: Air, radio: Radio, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    async def fails(self: SimulatedScanner) -> None:
        raise BleakDBusError(name, ["no"])

    sim = air.add(SimulatedBall())
    monkeypatch.setattr(SimulatedScanner, "stop", fails)
    async with unknot.connect(simulate=radio) as ball:
        await ball.set_level(2)
    assert [level for _, level in sim.trace.points] == [2, 0]
