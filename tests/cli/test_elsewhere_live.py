"""Driving a ball by another gateway in a real terminal: a real broker, ``unknot bridge``, keys and signals."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bridge.mosquitto import Mosquitto, mosquitto
from tests.cli.test_terminal import PATIENCE, UNKNOT, terminal
from unknot.bridge.link import mqtt

pytestmark = pytest.mark.real_time


@pytest.fixture
def broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mosquitto]:
    """A broker with one gateway and its simulated ball."""
    for folder in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(folder, str(tmp_path))  # nobody's configuration, and no ball of another test
    with mosquitto(tmp_path) as server:
        words = ["bridge", "--broker", str(server.broker()), "--gateway", "raum-3", "--simulate", "1"]
        with subprocess.Popen([*UNKNOT, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                wait_for_ball(server)
                yield server
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(PATIENCE)


def wait_for_ball(server: Mosquitto) -> None:
    for _ in range(20):
        words = [*UNKNOT, "fleet", "--via", str(server.broker()), "--json"]
        told = json.loads(subprocess.run(words, stdout=subprocess.PIPE, check=True, timeout=PATIENCE).stdout)
        if any(ball["connected"] for at in told["gateways"] for ball in at["balls"]):
            return
    pytest.fail("the gateway has no ball")


def test_a_fleet_of_more_messages_than_a_broker_keeps_back_is_all_shown(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as server:

        async def retain() -> None:
            async with mqtt.dial(server.broker())(None) as link:
                for number in range(1500):
                    await link.publish(f"unknot/g/ball/b{number}/availability", "online", retain=True, qos=0)
                await link.publish("unknot/g/status", "online", retain=True)

        asyncio.run(retain())
        words = [*UNKNOT, "fleet", "--via", str(server.broker()), "--json"]
        told = json.loads(subprocess.run(words, stdout=subprocess.PIPE, check=True, timeout=PATIENCE).stdout)
    (gateway,) = told["gateways"]
    assert len(gateway["balls"]) == 1500


def test_cautions_are_shown_and_keys_lead_the_live_picture(broker: Mosquitto) -> None:
    with terminal("run", "calf", "--via", str(broker.broker())) as screen:
        screen.wait_for("it can be a clot")
        screen.wait_for("Enter or space starts the motor")
        screen.press("\n")
        screen.wait_for(r"level.* \d+ of 100")
        screen.press(" ")
        screen.wait_for("Paused, motor off")
        screen.press(" ")
        screen.wait_for("space pauses")
        screen.press("n")
        screen.wait_for("Stay on the spot")
        screen.press("q")
        screen.wait_for("stopped: motor ran .*; motor off, confirmed by the ball")
        assert screen.leave() == 0


def test_another_key_starts_nothing(broker: Mosquitto) -> None:
    with terminal("run", "calf", "--via", str(broker.broker())) as screen:
        screen.wait_for("Enter or space starts the motor")
        screen.press("x")
        screen.wait_for("not started")
        assert screen.leave() == 0


def test_a_signal_stops_the_motor_there_and_leaves_with_130(broker: Mosquitto) -> None:
    words = [*UNKNOT, "run", "calf", "--via", str(broker.broker()), "--yes", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        while json.loads(process.stdout.readline())["event"] != "level":
            pass
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=PATIENCE)
    ended = json.loads(rest.splitlines()[-1])
    assert (ended["event"], ended["reason"], ended["stop"]) == ("ended", "stopped", "confirmed")
    assert process.returncode == 130
    assert b"Traceback" not in errors


def test_a_broker_that_dies_is_told_and_a_second_signal_does_not_wait_for_it(broker: Mosquitto) -> None:
    words = [*UNKNOT, "run", "calf", "--via", str(broker.broker()), "--yes", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while json.loads(process.stdout.readline())["event"] != "level":
            pass
        broker.kill()
        while b"trying to get it back" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        while b"will be told to stop as soon as it can be" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 5
    assert b"press the ball's own button (gateway raum-3 was asked to stop, and goes on trying)" in errors
    assert b"Traceback" not in errors


def test_the_fleet_lives_and_is_left_as_lines(broker: Mosquitto) -> None:
    with terminal("fleet", "--via", str(broker.broker())) as screen:
        screen.wait_for("1 gateway online, 1 ball connected")
        playing = [sys.executable, "-m", "unknot", "vibrate", "20", "--for", "5s", "--via", str(broker.broker())]
        with subprocess.Popen(playing, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            screen.wait_for(r"running +manual")
            process.wait(PATIENCE)
        screen.wait_for("finished")
        os.kill(screen.process_id, signal.SIGINT)
        assert screen.leave() == 0
        assert "raum-3  online" in screen.text.rpartition("Ctrl-C ends it")[2]
        assert "interrupted" not in screen.text
