"""What only BlueZ does, and how unknot bears it: refusals, its waits, its memory, and its being gone."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest

from tests.stack import bluez

if sys.platform != "linux":
    pytest.skip("BlueZ is Linux's", allow_module_level=True)

import unknot
from tests.device.ear import Ear
from tests.stack.bluez import errors
from tests.stack.bluez.bus import FORBIDS_BLUETOOTH, VARIABLE
from tests.stack.bluez.device import Manners
from tests.stack.bluez.stage import BluezStage
from tests.stack.programs import ended
from tests.stack.stage import levels, until
from unknot import api
from unknot.device.deadlines import BACK_OFF, OPERATION_SECONDS
from unknot.device.radio import Radio
from unknot.errors import BallNotFound, BluetoothUnavailable
from unknot.events import StopOutcome
from unknot.profiles import library
from unknot.simulator import SimulatedBall
from unknot.simulator.faults import Fault, FaultKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dbus_fast import DBusError

    from unknot.simulator.air import Air

pytestmark = pytest.mark.real_time

SCAN = 0.5
"""Seconds in which a ball of this stage is heard several times."""

LATE = 10.0
"""Seconds after which something that is waited for is not late but broken."""

BLUEZ_DISCONNECTS = 2.0
"""Seconds that a disconnection takes on a real BlueZ (``DISCONNECT_TIMER``; measured)."""


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.fixture
async def linux() -> AsyncIterator[BluezStage]:
    bluez.skip_unless_possible()
    async with BluezStage() as stage:
        yield stage


@pytest.fixture
async def sim(linux: BluezStage) -> SimulatedBall:
    return await linux.bring(SimulatedBall("button-ball"))


@pytest.fixture
def air(linux: BluezStage) -> Air:
    return linux.air


@pytest.fixture
def manners(linux: BluezStage) -> Manners:
    return linux.service.manners


# What is not there, or not allowed.


async def test_who_may_not_use_bluetooth_is_told_what_to_do(tmp_path: Path) -> None:
    bluez.skip_unless_possible()
    async with BluezStage(further=FORBIDS_BLUETOOTH):
        with pytest.raises(BluetoothUnavailable, match=r"no permission to use Bluetooth; on Linux join the group"):
            await unknot.scan(seconds=SCAN)
        code, _, said = await ended("unknot", "scan", home=tmp_path)
    assert (code, said.count("\n")) == (3, 1)
    assert said.startswith("unknot: no permission to use Bluetooth")


async def test_a_system_without_a_bus_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, f"unix:path={tmp_path}/nothing")
    with pytest.raises(BluetoothUnavailable, match="no Bluetooth service answers; start it"):
        await unknot.scan(seconds=SCAN)


async def test_a_system_without_bluetoothd_is_told(linux: BluezStage) -> None:
    await linux.service.crash()
    with pytest.raises(BluetoothUnavailable, match="no Bluetooth service answers; start it"):
        await unknot.scan(seconds=SCAN)
    await linux.service.start()


async def test_a_system_without_an_adapter_is_told(linux: BluezStage, air: Air) -> None:
    air.unplug()
    linux.service.look()
    with pytest.raises(BluetoothUnavailable, match="no Bluetooth adapter was found"):
        await unknot.scan(seconds=SCAN)


async def test_an_adapter_that_is_off_is_told(linux: BluezStage) -> None:
    await linux.power_off()
    with pytest.raises(BluetoothUnavailable, match="switched off; switch it on"):
        await unknot.scan(seconds=SCAN)


# What goes in mid-session.


async def test_a_bluetoothd_that_crashes_costs_the_link_and_no_more(linux: BluezStage, sim: SimulatedBall) -> None:
    async with api.connect(sim.address) as ball:
        await ball.set_level(2)
        await linux.service.crash()  # it says goodbye to nobody
        assert not sim.is_connected
        assert sim.level == 2
        stopping = asyncio.create_task(ball.stop())
        await asyncio.sleep(1.0)
        assert ball.is_restoring
        await linux.service.start()
        await until(lambda: sim.level == 0, LATE)
        assert await stopping is StopOutcome.CONFIRMED
        await ball.set_level(1)
        await until(lambda: sim.level == 1)
    assert levels(sim) == [2, 0, 1, 0]


async def test_a_bus_that_dies_costs_the_link_and_no_more(linux: BluezStage, sim: SimulatedBall) -> None:
    async with api.connect(sim.address) as ball:
        await ball.set_level(2)
        await linux.bus.stop()
        await linux.service.crash()
        await until(lambda: ball.is_restoring)
        await linux.bus.start()
        await linux.service.start()
        await until(lambda: sim.level == 0, LATE)
    assert levels(sim) == [2, 0]


async def test_an_adapter_that_is_pulled_out_is_waited_for(linux: BluezStage, air: Air, sim: SimulatedBall) -> None:
    async with api.connect(sim.address) as ball:
        await ball.set_level(2)
        air.unplug(1.0)
        linux.service.look()
        await until(lambda: ball.is_restoring)
        await until(lambda: sim.level == 0, LATE)
    assert levels(sim) == [2, 0]


async def test_somebody_elses_disconnection_is_a_lost_link(linux: BluezStage, sim: SimulatedBall) -> None:
    async with api.connect(sim.address) as ball:
        await ball.set_level(2)
        linux.service.device(sim).drop()
        await until(lambda: sim.level == 0, LATE)
        await until(lambda: ball.is_connected and not ball.is_restoring)
    assert levels(sim) == [2, 0]


# What BlueZ refuses.


async def test_a_discovery_that_is_busy_for_a_moment_is_waited_for(linux: BluezStage, sim: SimulatedBall) -> None:
    linux.service.tree.spoil("StartDiscovery", errors.busy(), 3)
    (found,) = await unknot.scan(seconds=SCAN)
    assert found.address == sim.address


@pytest.mark.parametrize("error", [errors.busy(), errors.failed("No discovery started")])
async def test_a_scan_that_cannot_be_ended_does_not_cost_what_it_found(
    linux: BluezStage, sim: SimulatedBall, error: DBusError
) -> None:
    linux.service.tree.spoil("StopDiscovery", error, 2)
    async with unknot.connect(sim.address) as ball:
        await ball.set_level(1)
    assert levels(sim) == [1, 0]


@pytest.mark.parametrize("text", [errors.CANCELED, "le-connection-timeout"])
async def test_a_connection_that_fails_is_tried_again(linux: BluezStage, sim: SimulatedBall, text: str) -> None:
    linux.service.tree.spoil("Connect", errors.failed(text), 2)
    began = now()
    async with unknot.connect(sim.address) as ball:
        assert now() - began < sum(BACK_OFF[:2]) + 3.0
        await ball.set_level(1)
    assert levels(sim) == [1, 0]


async def test_a_connection_that_interference_aborts_is_tried_again(manners: Manners, sim: SimulatedBall) -> None:
    manners.aborts = 3
    async with unknot.connect(sim.address) as ball:
        await ball.set_level(1)
    assert manners.aborts == 0
    assert levels(sim) == [1, 0]


# Who holds the link.


async def test_a_ball_that_the_vendors_app_holds_is_not_there(sim: SimulatedBall) -> None:
    sim.link(lambda: None)  # a phone's; the ball advertises no more
    with pytest.raises(BallNotFound, match="close other apps that may hold it"):
        async with unknot.connect(sim.address, seconds=SCAN):
            pytest.fail("two have the link")


async def test_a_ball_that_the_vendors_app_takes_over_is_stopped_when_it_lets_go(sim: SimulatedBall) -> None:
    async with api.connect(sim.address) as ball:
        await ball.set_level(2)
        sim.drop_link()
        sim.link(lambda: None)
        await until(lambda: ball.is_restoring)
        await asyncio.sleep(1.0)
        assert ball.is_restoring
        sim.drop_link()
        await until(lambda: sim.level == 0, LATE)
    assert levels(sim) == [2, 0]


# What takes its time.


async def test_a_motor_is_off_long_before_bluez_has_disconnected(manners: Manners, sim: SimulatedBall) -> None:
    manners.disconnect = BLUEZ_DISCONNECTS
    async with unknot.connect(sim.address) as ball:
        await ball.set_level(2)
        left = now()
    assert now() - left >= BLUEZ_DISCONNECTS
    assert sim.trace.points[-1][0] - left < 0.5
    assert sim.level == 0


async def test_a_stop_that_is_not_answered_is_stopped_on_a_new_link(manners: Manners, sim: SimulatedBall) -> None:
    """The second attempt is not even sent: BlueZ refuses it while the first one waits for its answer, up to 30 s."""
    manners.disconnect = BLUEZ_DISCONNECTS
    async with unknot.connect(sim.address) as ball:
        await ball.set_level(2)
        sim.interfere(Fault(FaultKind.WRITE_LOST, count=1))
        began = now()
        assert await ball.stop() is StopOutcome.CONFIRMED
        assert now() - began < 3 * OPERATION_SECONDS + BLUEZ_DISCONNECTS + 2.0
        manners.disconnect = Manners.disconnect
    assert levels(sim) == [2, 0]


# What BlueZ says twice, and what it forgets.


async def test_a_value_that_is_read_comes_as_a_notification_too_and_is_no_button(sim: SimulatedBall) -> None:
    async with api.connect(sim.address) as ball:
        ball.listen(ear := Ear())
        await ball.set_level(2)
        await ball._link.read("level")
        await asyncio.sleep(0.2)
        assert ball.level == 2
        assert ear.levels == []
    assert levels(sim) == [2, 0]


async def test_a_ball_that_bluez_has_forgotten_since_the_scan_is_found_anew(
    linux: BluezStage, manners: Manners, sim: SimulatedBall
) -> None:
    manners.remember = 0.3
    (found,) = await unknot.scan(seconds=SCAN)
    await asyncio.sleep(2 * manners.remember)
    with pytest.raises(LookupError):
        linux.service.device(sim)
    async with api._ball(found, library.load("button-ball"), Radio()) as ball:
        await ball.set_level(1)
    assert levels(sim) == [1, 0]


async def test_a_name_that_would_move_the_cursor_is_shown_and_not_obeyed(linux: BluezStage, tmp_path: Path) -> None:
    await linux.bring(SimulatedBall(name="Open\x1b[2J\nBall \u202e7"))
    code, output, said = await ended("unknot", "scan", home=tmp_path)
    assert (code, said) == (0, "")
    assert r"Open\x1b[2J\nBall \u" in output  # and what has no room is cut
    assert "\x1b[2J" not in output


# Several adapters.


async def test_each_adapter_hears_its_own_balls() -> None:
    from bleak import BleakScanner

    bluez.skip_unless_possible()
    async with BluezStage(("hci0", "hci1")) as stage:
        near = await stage.bring(SimulatedBall(name="OpenBall near"))
        far = await stage.bring(SimulatedBall(name="OpenBall far"))
        stage.service.adapter("hci0").deaf_to.add(far)
        stage.service.adapter("hci1").deaf_to.add(near)
        for adapter, ball in (("hci0", near), ("hci1", far)):
            found = await BleakScanner.discover(SCAN, bluez={"adapter": adapter})
            assert [device.address for device in found] == [ball.address]
