"""``unknot simulate`` as a process: what it prints, its button, and other commands that meet its ball."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.test_terminal import PATIENCE, UNKNOT, terminal

pytestmark = pytest.mark.real_time


def test_tells_a_program_each_thing_that_the_ball_lives_through(tmp_path: Path) -> None:
    socket = tmp_path / "ball"
    words = [*UNKNOT, "simulate", "--socket", str(socket), "--profile", "button-ball", "--json"]
    began, began_at = time.monotonic(), time.time()
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert (ready["event"], ready["profile"], ready["levels"]) == ("ready", "button-ball", 4)
        played = subprocess.run(
            [*UNKNOT, "vibrate", "20", "--for", "300ms", "--simulator", str(socket), "--device", ready["address"]],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        process.send_signal(signal.SIGINT)
        lines = [json.loads(line) for line in process.stdout.read().splitlines()]
        assert process.wait(PATIENCE) == 0
    assert "motor off, confirmed by the ball" in played.stdout
    told = [(line["event"], line["level"]) for line in lines]
    assert told == [("connected", 0), ("level", 1), ("level", 0), ("disconnected", 0)]
    on, off = lines[1], lines[2]
    assert off["at"] - on["at"] == pytest.approx(0.3, abs=0.15)
    assert on["at"] - began == pytest.approx(on["time"] - began_at, abs=0.05)
    assert began < on["at"] < time.monotonic()
    assert not socket.exists()


def test_the_key_b_is_the_balls_button(tmp_path: Path) -> None:
    with terminal("simulate", "--socket", str(tmp_path / "ball"), "--profile", "button-ball") as screen:
        screen.wait_for(r"ButtonBall \(button-ball\) at C0:BA:11:00:00:01 is behind .*; b presses its button")
        screen.press("xbb")
        screen.wait_for(r"\d s  level 1 of 4")
        screen.wait_for(r"\d s  level 2 of 4")
        os.kill(screen.process_id, signal.SIGINT)
        assert screen.leave() == 0
