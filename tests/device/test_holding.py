import subprocess
import sys
from pathlib import Path

import pytest

import unknot
from unknot.device.holding import Holding
from unknot.errors import BallInUse
from unknot.simulator import Air, SimulatedBall
from unknot.simulator.server import Server

ADDRESS = "C0:BA:11:00:00:01"


def test_a_ball_is_held_by_one_program_at_a_time(tmp_path: Path) -> None:
    first = Holding.take(ADDRESS, "Ball", tmp_path)
    with pytest.raises(BallInUse, match=r"driven by another unknot \(process \d+\)"):
        Holding.take(ADDRESS, "Ball", tmp_path)
    Holding.take("C0:BA:11:00:00:02", "Other", tmp_path).release()
    first.release()
    Holding.take(ADDRESS, "Ball", tmp_path).release()


def test_a_program_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys, time; from unknot.device.holding import Holding;"
        f"held = Holding.take({ADDRESS!r}, 'Ball', pathlib.Path({str(tmp_path)!r})); print('held', flush=True);"
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "held\n"
        with pytest.raises(BallInUse, match=f"process {program.pid}"):
            Holding.take(ADDRESS, "Ball", tmp_path)
        program.kill()
    Holding.take(ADDRESS, "Ball", tmp_path).release()


def test_where_no_lock_can_be_kept_the_ball_can_be_driven(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    Holding.take(ADDRESS, "Ball", blocked).release()
    assert "nobody keeps other programs off" in caplog.text


@pytest.mark.real_time
async def test_a_second_controller_is_refused_and_the_first_undisturbed_but_a_stop_is_not(tmp_path: Path) -> None:
    sim = SimulatedBall()
    async with Server(Air(sim), socket := tmp_path / "ball"), unknot.connect(simulate=socket) as ball:
        await ball.set_level(5)
        with pytest.raises(BallInUse):
            await unknot.connect(simulate=socket).__aenter__()
        assert sim.level == 5
        await unknot.stop_all(simulate=socket, seconds=0.1)
        assert sim.level == 0
    async with Server(Air(sim), socket), unknot.connect(simulate=socket):
        pass
