"""A controller that is killed on a real kernel: bluetoothd keeps its link, and the motor ends off all the same.

The controllers are the command line's own, forked from a server that has imported it: starting a Python of their own
would take this slow processor longer than all the rest.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

import unknot
from tests.stack.kernel_stage import KernelStage
from tests.stack.stage import until
from unknot.cli import main
from unknot.device.guard import PROMISE_SECONDS
from unknot.events import StopOutcome
from unknot.simulator import SimulatedBall

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import ForkServerProcess

FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(
    ["unknot.api", "unknot.cli.drive", "unknot.cli.playing", "bleak.backends.bluezdbus.client"]
)

START = 60.0
"""Seconds of the guest's time within which a controller finds its ball and starts the motor."""


def _control(words: list[str], environment: dict[str, str]) -> None:
    os.environ.update(environment)
    main(words)


@contextmanager
def controller(*words: str) -> Iterator[ForkServerProcess]:
    """The command line in a process of its own, killed at the end at the latest."""
    process = FORKING.Process(target=_control, args=(list(words), dict(os.environ)))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


@pytest.mark.parametrize("profile", ["open-ball", "button-ball"])
async def test_a_killed_session_leaves_no_motor_on(profile: str, short_muscle: str) -> None:
    async with KernelStage() as stage:
        sim = await stage.bring(SimulatedBall(profile))
        with controller("run", short_muscle, "--device", sim.address, "--yes") as session:
            await until(lambda: sim.level > 0, START)
            await asyncio.sleep(0.5)
            session.kill()
            killed = asyncio.get_running_loop().time()
            assert sim.level > 0
            assert sim.is_connected  # the link is bluetoothd's
            await until(lambda: sim.level == 0, PROMISE_SECONDS)
        off = sim.trace.points[-1][0] - killed
        lease = sim.profile.safety.lease
        print(f"{profile}: off {off:.2f} s after the kill, by its {'lease' if lease else 'guard'}")  # noqa: T201


async def test_an_orphaned_link_is_taken_over_and_its_first_write_is_a_stop() -> None:
    async with KernelStage() as stage:
        sim = await stage.bring(SimulatedBall("open-ball"))
        with controller("run", "calf", "--device", sim.address, "--yes") as session:
            await until(lambda: sim.level > 0, START)
            session.kill()
        await until(lambda: sim.level == 0, PROMISE_SECONDS)  # its lease; the link stands
        assert sim.is_connected
        sim.press_button()  # and somebody starts it
        level = sim.level
        async with unknot.connect(sim.address, simulate=stage.simulate) as ball:
            assert [one for _, one in sim.trace.points][-2:] == [level, 0]
            await ball.set_level(5)
            await until(lambda: sim.level == 5)
        assert sim.level == 0
        await until(lambda: not sim.is_connected)


async def test_stop_all_stops_an_orphan() -> None:
    async with KernelStage() as stage:
        sim = await stage.bring(SimulatedBall("open-ball"))
        with controller("run", "calf", "--device", sim.address, "--yes") as session:
            await until(lambda: sim.level > 0, START)
            session.kill()
        sim.press_button()
        ((found, outcome),) = await unknot.stop_all(simulate=stage.simulate, seconds=2)
        assert (found.address, outcome) == (sim.address, StopOutcome.CONFIRMED)
        assert sim.level == 0
