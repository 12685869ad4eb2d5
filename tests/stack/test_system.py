"""What becomes of a motor when programs die, where links belong to the system: it ends off, whoever left it on."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import pytest

import unknot
from tests.stack.programs import answered, ended, program, stray
from tests.stack.stage import Stage, levels, until
from unknot.device.guard import PROMISE_SECONDS
from unknot.events import StopOutcome
from unknot.simulator import SimulatedBall

if TYPE_CHECKING:
    from pathlib import Path

START = 60.0
"""Seconds within which a program starts and finds its ball on a busy machine."""

SCAN = 2.0
"""Seconds in which every stage hears every ball."""


def run(ball: SimulatedBall, muscle: str) -> tuple[str, ...]:
    return ("unknot", "run", muscle, "--device", ball.address, "--yes")


@pytest.mark.parametrize("profile", ["open-ball", "button-ball"])
async def test_a_killed_session_leaves_no_motor_on(
    system: Stage, profile: str, short_muscle: str, tmp_path: Path
) -> None:
    sim = await system.bring(SimulatedBall(profile))
    async with program(*run(sim, short_muscle), home=tmp_path) as session:
        await until(lambda: sim.level > 0, START)
        session.kill()
        await session.wait()
        assert sim.level > 0
        await until(lambda: sim.level == 0, PROMISE_SECONDS)
    if not sim.profile.safety.lease:
        await until(lambda: not sim.is_connected)  # the guard leaves no link behind that hides the ball


async def test_a_session_that_is_told_to_end_stops_first(system: Stage, short_muscle: str, tmp_path: Path) -> None:
    sim = await system.bring(SimulatedBall("button-ball"))
    async with program(*run(sim, short_muscle), home=tmp_path) as session:
        await until(lambda: sim.level > 0, START)
        session.send_signal(signal.SIGTERM)
        await until(lambda: sim.level == 0, PROMISE_SECONDS)
        async with asyncio.timeout(START):
            assert await session.wait() == 130
    assert not sim.is_connected
    assert levels(sim) == [1, 0]


async def _orphaned(sim: SimulatedBall, level: int, home: Path) -> None:
    """Leave a ball behind that runs, on a link that is nobody's any more."""
    async with stray(sim, level, home=home) as other:
        other.kill()
        await other.wait()
    await asyncio.sleep(0.3)
    assert sim.is_connected
    assert sim.level == level


async def test_an_orphan_is_taken_over_and_the_first_write_is_a_stop(system: Stage, tmp_path: Path) -> None:
    sim = await system.bring(SimulatedBall("button-ball"))
    await _orphaned(sim, 2, tmp_path)
    found = await unknot.scan(simulate=system.simulate, seconds=0.5)
    assert [(one.address, one.rssi) for one in found] == [(sim.address, None)]  # held, and not heard
    async with unknot.connect(simulate=system.simulate) as ball:
        assert levels(sim) == [2, 0]
        await ball.set_level(1)
        await until(lambda: sim.level == 1)
    assert levels(sim) == [2, 0, 1, 0]
    await until(lambda: not sim.is_connected)


async def test_an_orphan_is_played_on_by_the_command_line_after_a_stop(
    system: Stage, short_muscle: str, tmp_path: Path
) -> None:
    sim = await system.bring(SimulatedBall("button-ball"))
    await _orphaned(sim, 3, tmp_path)
    async with program("unknot", "run", short_muscle, "--yes", home=tmp_path) as session:
        await until(lambda: len(levels(sim)) > 2, START)
        session.send_signal(signal.SIGTERM)
        await session.wait()
    assert levels(sim) == [3, 0, 1, 0]


async def test_stop_all_stops_an_orphan(system: Stage, tmp_path: Path) -> None:
    sim = await system.bring(SimulatedBall("button-ball"))
    await _orphaned(sim, 2, tmp_path)
    ((found, outcome),) = await unknot.stop_all(simulate=system.simulate, seconds=SCAN)
    assert (found.address, outcome) == (sim.address, StopOutcome.CONFIRMED)
    assert sim.level == 0
    await until(lambda: not sim.is_connected)


async def test_the_command_line_stops_an_orphan(system: Stage, tmp_path: Path) -> None:
    sim = await system.bring(SimulatedBall("button-ball"))
    await _orphaned(sim, 2, tmp_path)
    code, output, errors = await ended("unknot", "stop", home=tmp_path)
    assert (code, errors) == (0, "")
    assert "ButtonBall" in output
    assert levels(sim) == [2, 0]


async def test_the_command_line_stops_what_another_program_drives(system: Stage, tmp_path: Path) -> None:
    sim = await system.bring(SimulatedBall("button-ball"))
    async with stray(sim, 2, 3, home=tmp_path) as other:
        code, _, errors = await ended("unknot", "stop", "--device", sim.address, home=tmp_path)
        assert (code, errors) == (0, "")
        assert levels(sim) == [2, 0]
        assert other.returncode is None


async def test_a_level_of_another_program_is_told_and_stopped_beside_it(system: Stage, tmp_path: Path) -> None:
    sim = await system.bring(SimulatedBall("button-ball"))
    async with stray(sim, 1, 3, home=tmp_path) as other, unknot.connect(simulate=system.simulate) as ball:
        assert levels(sim) == [1, 0]
        assert other.stdin is not None
        other.stdin.write(b"\n")
        await answered(other)
        await until(lambda: ball.level == 3)  # as if its button had been pressed
        assert await ball.stop() is StopOutcome.CONFIRMED
        assert levels(sim) == [1, 0, 3, 0]
