"""A ball on a controller that is missing, silent, refuses or goes away: the block that it stands in is told at once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from bumble import hci

from unknot.errors import BluetoothUnavailable, UsageError
from unknot.profiles.matching import Advertisement
from unknot.simulator import SimulatedBall
from unknot.simulator.controllers import address_of
from unknot.simulator.patience import ANSWER_SECONDS, POWER_ON_SECONDS
from unknot.simulator.peripheral import Peripheral
from unknot.simulator.radio_link import RadioLink, VirtualController

LONG = ("b0a71002-6b1e-4f3d-9c58-7e2d41a90f36", "b0a71003-6b1e-4f3d-9c58-7e2d41a90f36")


def now() -> float:
    return asyncio.get_running_loop().time()


def ball() -> SimulatedBall:
    made = SimulatedBall("button-ball")
    made.address = address_of(made)
    return made


class Controller(VirtualController):
    """A controller with a way to it that may end, which may fall silent, and may refuse to advertise."""

    def __init__(self) -> None:
        super().__init__("dongle", RadioLink())
        self.terminated: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.heard = 0
        self.is_silent = False
        self.refuses = False

    def on_packet(self, packet: bytes) -> None:
        self.heard += 1
        if not self.is_silent:
            super().on_packet(packet)

    def on_hci_le_set_advertising_enable_command(self, command: Any) -> Any:
        if self.refuses and command.advertising_enable:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        return super().on_hci_le_set_advertising_enable_command(command)


def on(controller: Controller, sim: SimulatedBall | None = None) -> Peripheral:
    return Peripheral(sim or ball(), controller, controller)


async def for_ever() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("controller", "line"),
    [("nonsense", "found 'nonsense' as a controller"), ("vhci", "needs Bumble, which the extra 'radio' brings")],
)
@pytest.mark.real_time
def test_without_bumble_a_line_says_what_to_install(controller: str, line: str) -> None:
    program = "import sys; sys.modules['bumble'] = None; from unknot.cli import main; main(sys.argv[1:])"
    words = [sys.executable, "-c", program, "simulate", "--hci", controller]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert line in ended.stderr
    assert ended.stderr.count("\n") == 1


async def test_a_ball_that_does_not_fit_is_refused_before_the_controller_is_touched() -> None:
    controller, sim = Controller(), ball()
    sim.advertised = Advertisement("Big", LONG)
    with pytest.raises(UsageError, match="does not fit into the 31 bytes of an advertisement"):
        async with on(controller, sim):
            pytest.fail("it is on the air")
    assert controller.heard == 0


async def test_a_controller_that_does_not_answer_is_not_waited_for_for_ever() -> None:
    controller = Controller()
    controller.is_silent = True
    with pytest.raises(BluetoothUnavailable, match="did not answer within 10 s; see that it is one that speaks HCI"):
        async with on(controller):
            pytest.fail("it is on the air")
    assert now() == pytest.approx(POWER_ON_SECONDS)


async def test_a_controller_that_refuses_to_advertise_ends_the_block_at_once() -> None:
    controller = Controller()
    controller.refuses = True
    with pytest.raises(BluetoothUnavailable, match="the controller failed"):
        async with on(controller):
            await for_ever()
    assert now() < 1
    assert not _current().cancelling()


async def test_a_controller_that_is_pulled_out_ends_the_block_at_once() -> None:
    controller, sim = Controller(), ball()
    with pytest.raises(BluetoothUnavailable, match="the controller is gone; plug it in again"):
        async with on(controller, sim):
            await asyncio.sleep(5)
            controller.is_silent = True
            controller.terminated.set_exception(OSError("no such device"))
            await for_ever()
    assert now() == pytest.approx(5, abs=0.2)
    assert not _current().cancelling()


async def test_a_controller_that_goes_as_the_block_ends_disturbs_nothing_after_it() -> None:
    controller = Controller()
    with pytest.raises(BluetoothUnavailable, match="is gone"):
        async with on(controller) as peripheral:
            controller.terminated.set_result(None)
            peripheral._lose_controller(controller.terminated)
    await asyncio.sleep(1)  # no cancellation is left over


async def test_a_controller_that_falls_silent_holds_up_the_end_for_seconds_only() -> None:
    controller, sim = Controller(), ball()
    sim.link(lambda: None)
    with pytest.raises(BluetoothUnavailable, match="did not answer within 3 s"):
        async with on(controller, sim):
            await asyncio.sleep(5)
            controller.is_silent = True
    assert now() <= 5 + 2 * ANSWER_SECONDS + 0.5


async def test_what_goes_wrong_within_the_block_is_told_before_what_the_controller_does() -> None:
    controller = Controller()
    with pytest.raises(ValueError, match="mine"):
        async with on(controller):
            await asyncio.sleep(1)
            controller.is_silent = True
            raise ValueError("mine")


async def test_the_end_of_the_way_after_the_block_is_nobodys_business() -> None:
    controller = Controller()
    async with on(controller):
        await asyncio.sleep(1)
    controller.terminated.set_result(None)
    await asyncio.sleep(1)


def _current() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task
