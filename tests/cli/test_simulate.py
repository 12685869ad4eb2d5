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
    assert [one for one in told if one[0] != "written"] == [
        *[("connected", 0), ("level", 1), ("level", 0), ("disconnected", 0)],
    ]
    written = [(line["to"], line["bytes"], line["means"]) for line in lines if line["event"] == "written"]
    assert written == [("level", "A5 01 A4", "level 1"), *[("level", "A5 00 A5", "stop")] * 2]
    lines = [line for line in lines if line["event"] == "level"]
    on, off = lines
    assert off["at"] - on["at"] == pytest.approx(0.3, abs=0.15)
    assert on["at"] - began == pytest.approx(on["time"] - began_at, abs=0.05)
    assert began < on["at"] < time.monotonic()
    assert not socket.exists()


def test_the_key_b_is_the_balls_button(tmp_path: Path) -> None:
    with terminal("simulate", "--socket", str(tmp_path / "ball"), "--profile", "button-ball") as screen:
        screen.wait_for(r"ButtonBall \(button-ball\) at C0:BA:11:00:00:01 is behind .*; b presses its button, \? tells")
        screen.press("xbb")
        screen.wait_for(r"\d s  motor at level 1 of 4")
        screen.wait_for(r"\d s  motor at level 2 of 4")
        os.kill(screen.process_id, signal.SIGINT)
        assert screen.leave() == 0


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        ((), 2, "either --socket PATH or --hci CONTROLLER says where the ball is to be met"),
        (("--hci", "usb:0", "--socket", "x"), 2, "either --socket PATH or --hci CONTROLLER"),
        (("--hci", "usb:0", "--name", "a\udcff"), 2, "the --name has bytes that are no UTF-8; expected a text"),
        (("--hci", "dongle"), 2, "found 'dongle' as a controller; expected usb:0, serial:DEVICE,SPEED, hci-socket:0"),
        (("--hci", "serial:/dev/no-such-board,1000000"), 3, "the controller serial:/dev/no-such-board,1000000 cannot"),
        (("--hci", "usb:"), 3, "the controller usb: cannot be opened"),
    ],
)
def test_a_controller_that_cannot_be_used_is_told_in_a_line(words: tuple[str, ...], code: int, line: str) -> None:
    ended = subprocess.run([*UNKNOT, "simulate", *words], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ended.returncode == code
    assert ended.stderr.startswith(f"unknot: {line}")
    assert ended.stderr.count("\n") == 1


def test_other_keys_make_it_fail_and_one_tells_them(tmp_path: Path) -> None:
    with terminal("simulate", "--socket", str(tmp_path / "ball"), "--profile", "button-ball") as screen:
        screen.wait_for(r"\? tells the other keys")
        screen.press("?")
        screen.wait_for(r"l  the link is lost")
        screen.press("b")
        screen.wait_for(r"motor at level 1 of 4")
        screen.press("hb")
        screen.wait_for(r"it is too hot")
        screen.wait_for(r"motor at level 0 of 4")
        os.kill(screen.process_id, signal.SIGINT)
        assert screen.leave() == 0
        assert "level 2" not in screen.text
