"""The guard: what it does by itself, in virtual time; and as a process, when real controllers are killed."""

import asyncio
import io
import json
import logging
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.meddling import refuse, written
from tests.profiles.shipped import TYPICAL
from tests.wired import orders
from unknot.device import guard, takeover
from unknot.device.deadlines import SETTLING_SECONDS, SILENCE_SECONDS
from unknot.device.guard import Guard
from unknot.device.orders import Orders
from unknot.device.radio import Radio
from unknot.guard_process import radio_behind
from unknot.profiles import library
from unknot.simulator import Air, SimulatedBall, SimulatedClient, SimulatedScanner
from unknot.simulator.backend import adapter_for
from unknot.simulator.server import Server

PATIENCE = 10.0
STOP = bytes.fromhex("A5 00 A5")


def orders_for(ball: SimulatedBall) -> Orders:
    return orders(ball.profile, ball.address, ball.name)


def radio_of(air: Air) -> Radio:
    return Radio(SimulatedClient, SimulatedScanner, adapter_for(air), {"air": air}, guard=None)


def said(*messages: object) -> io.BytesIO:
    """What a controller said before it died."""
    lines = [message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n" for message in messages]
    return io.BytesIO(b"".join(lines))


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ("button-ball", ": motor off"),
        ("theragun-4", ": motor off"),
        ("open-ball", ": motor off"),
        ("vibmotor-3", ": stop sent; press the ball's own button if it still vibrates"),
    ],
)
async def test_stops_a_ball_in_its_own_dialect_and_says_what_is_known(
    profile: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ball = SimulatedBall(profile, name="Ball\x1b[1m")
    air = Air(ball)
    ball.press_button()
    with written(ball) as writes:
        await takeover.take_over(orders_for(ball), radio_of(air), "unknot was killed", is_dead=True)
    assert ball.level == 0
    assert not ball.is_connected
    assert len(writes) == (3 if profile == "vibmotor-3" else 1)
    assert capsys.readouterr().err == f"{takeover.SHOW_CURSOR}\n\aunknot was killed while Ball?[1m vibrated{words}\n"


@pytest.mark.real_time  # standard input is read in a thread, on which a virtual clock does not wait
@pytest.mark.parametrize(
    ("messages", "stops"),
    [
        ([], 0),
        ([{"armed": True}], 1),
        ([{"armed": True}, {"armed": False}], 0),
        ([{"armed": True}, {"armed": False}, {"armed": True}], 1),
        ([{"armed": True}, {"goodbye": True}], 0),
        ([{"armed": True}, b'{"armed": fal'], 1),
    ],
    ids=["never armed", "armed", "disarmed", "armed again", "goodbye", "killed in the middle of a line"],
)
async def test_writes_only_where_the_motor_may_run(
    messages: list[object], stops: int, capsys: pytest.CaptureFixture[str]
) -> None:
    ball = SimulatedBall("button-ball")
    air = Air(ball)
    ball.press_button()
    with written(ball) as writes:
        await takeover.watch(said({"orders": asdict(orders_for(ball))}, *messages), radio_of(air))
    assert [data for _, data in writes] == stops * [STOP]
    assert bool(ball.level) is not bool(stops)
    assert bool(capsys.readouterr().err) is bool(stops)


@pytest.mark.real_time
async def test_without_orders_it_leaves() -> None:
    await takeover.watch(io.BytesIO(b""), Radio(guard=None))


async def test_tries_until_the_ball_obeys(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    ball = SimulatedBall("button-ball")
    ball.press_button()
    loop = asyncio.get_running_loop()
    refusals: list[float] = []

    def unwelcome(_: bytes) -> bool:
        refusals.append(loop.time())
        return len(refusals) <= 7

    refuse(monkeypatch, ball, unwelcome)
    air = Air(ball)
    await takeover.take_over(orders_for(ball), radio_of(air), "unknot was killed", is_dead=True)
    assert ball.level == 0
    # Three attempts on a link, then a new link after the pause.
    expected = [SETTLING_SECONDS + pause for pause in (0, 0, 0, 0.25, 0.25, 0.25, 0.75, 0.75)]
    assert refusals == pytest.approx(expected, abs=1e-6)
    assert "motor off" in capsys.readouterr().err


async def test_a_ball_that_comes_back_in_time_is_stopped_and_one_that_does_not_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ball = SimulatedBall("button-ball", address="C0:BA:11:00:00:01")
    ball.press_button()
    air = Air()
    loop = asyncio.get_running_loop()
    began = loop.time()
    await takeover.take_over(orders_for(ball), radio_of(air), "unknot was killed", is_dead=True)
    assert loop.time() - began == pytest.approx(takeover.TAKE_OVER_SECONDS)
    told = capsys.readouterr().err
    assert told == (
        f"{takeover.SHOW_CURSOR}\n\aunknot was killed while ButtonBall vibrated, and it could not be reached: "
        "press the ball's own button\n"
    )
    assert ball.level == 1
    loop.call_later(20, air.add, ball)
    await takeover.take_over(orders_for(ball), radio_of(air), "unknot was killed", is_dead=True)
    assert ball.level == 0


async def test_a_stop_that_is_never_answered_costs_its_deadline_not_bleaks(monkeypatch: pytest.MonkeyPatch) -> None:
    ball = SimulatedBall("button-ball")
    ball.press_button()
    request = SimulatedBall.request
    asked: list[float] = []
    loop = asyncio.get_running_loop()

    async def silent_once(self: SimulatedBall, role: str, data: bytes) -> None:
        asked.append(loop.time())
        if len(asked) == 1:
            await asyncio.sleep(30)
        await request(self, role, data)

    monkeypatch.setattr(SimulatedBall, "request", silent_once)
    air = Air(ball)
    await takeover.take_over(orders_for(ball), radio_of(air), "unknot was killed", is_dead=True)
    assert asked == pytest.approx([SETTLING_SECONDS, SETTLING_SECONDS + 1], abs=1e-6)
    assert ball.level == 0


def test_which_balls_need_a_guard() -> None:
    needs = {name: guard.is_needed(library.load(name)) for name in TYPICAL}
    assert needs == {"button-ball": True, "vibmotor-3": True, "theragun-4": True, "open-ball": False}
    profile = library.load("open-ball")
    long = profile.safety.model_copy(update={"lease": 2.5})
    assert guard.is_needed(profile.model_copy(update={"safety": long}))


async def test_a_guard_that_cannot_be_started_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert Guard.start(("-m", "unknot.guard_process")) is None
    assert "no guard could be started" in caplog.text


@pytest.mark.real_time
async def test_a_guard_that_dies_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    started = Guard.start(("-c", "pass"))
    assert started is not None
    started._process.wait(PATIENCE)
    started.arm()
    started.disarm()
    await started.goodbye()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "the guard is gone" in caplog.text


@pytest.mark.real_time
async def test_a_guard_that_hangs_is_ended_and_hangs_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(guard, "GOODBYE_SECONDS", 0.1)
    started = Guard.start(("-c", "import time; time.sleep(60)"))
    assert started is not None
    for _ in range(3000):  # more than a pipe holds
        started.arm()
        started.disarm()
    await started.goodbye()
    assert started._process.returncode == -signal.SIGKILL
    assert "does not listen" in caplog.text or "is gone" in caplog.text


@pytest.mark.real_time
async def test_the_guard_finds_modules_as_we_do_and_none_in_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bleak", "json", "unknot"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'evil')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    started = Guard.start(("-m", "unknot.guard_process", str(tmp_path / "ball")))
    assert started is not None
    started.order(orders_for(SimulatedBall()))
    await started.goodbye()
    assert started._process.returncode == 0
    assert not (tmp_path / "evil").exists()


# With real processes. The server lives here, so all times are by one clock.


@asynccontextmanager
async def controller(
    socket: Path, profile: str, *balls: SimulatedBall
) -> AsyncIterator[tuple[asyncio.subprocess.Process, asyncio.StreamWriter]]:
    """A controller whose motor is on."""
    words = [sys.executable, "-m", "tests.controller", str(socket), profile, *(ball.address for ball in balls)]
    process = await asyncio.create_subprocess_exec(*words, stdin=PIPE, stdout=PIPE, start_new_session=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            await process.stdout.readline()
        assert balls[0].level == 2
        yield process, process.stdin
    finally:
        if process.returncode is None:
            process.kill()
        process.stdin.close()
        await process.wait()


async def off_after(ball: SimulatedBall, since: float) -> float:
    """Wait until the motor is off; seconds since then."""
    async with asyncio.timeout(PATIENCE):
        while ball.level:  # noqa: ASYNC110 - the motor knows no events
            await asyncio.sleep(0.005)
    return ball.trace.points[-1][0] - since


async def unlinked(ball: SimulatedBall) -> None:
    async with asyncio.timeout(PATIENCE):
        while ball.is_connected:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.005)


@pytest.mark.real_time
async def test_the_motor_is_off_soon_after_its_controller_was_halted_and_the_link_stays(tmp_path: Path) -> None:
    ball = SimulatedBall("button-ball")
    async with Server(Air(ball), tmp_path / "ball"), controller(tmp_path / "ball", "button-ball", ball) as (process, _):
        await asyncio.sleep(SILENCE_SECONDS + 0.5)
        assert ball.level == 2  # a controller that lives is left alone
        process.send_signal(signal.SIGSTOP)
        halted = asyncio.get_running_loop().time()
        assert await off_after(ball, halted) < SILENCE_SECONDS + guard.PROMISE_SECONDS
        await asyncio.sleep(0.2)
        assert ball.is_connected
        process.kill()
        await unlinked(ball)


@pytest.mark.real_time
@pytest.mark.parametrize("profile", ["button-ball", "vibmotor-3"])
async def test_the_motor_is_off_soon_after_its_controller_was_killed(profile: str, tmp_path: Path) -> None:
    ball = SimulatedBall(profile)
    async with Server(Air(ball), tmp_path / "ball"), controller(tmp_path / "ball", profile, ball) as (process, _):
        process.kill()
        killed = asyncio.get_running_loop().time()
        assert await off_after(ball, killed) < guard.PROMISE_SECONDS
        await unlinked(ball)


@pytest.mark.real_time
async def test_the_latest_orders_count(tmp_path: Path) -> None:
    old, new = SimulatedBall("button-ball"), SimulatedBall("button-ball")
    async with (
        Server(Air(old, new), tmp_path / "ball"),
        controller(tmp_path / "ball", "button-ball", old, new) as (process, _),
    ):
        new.press_button()
        process.kill()
        assert await off_after(new, asyncio.get_running_loop().time()) < guard.PROMISE_SECONDS
        assert old.level == 2


@pytest.mark.real_time
async def test_a_guard_that_was_told_goodbye_or_disarmed_writes_nothing(tmp_path: Path) -> None:
    ball = SimulatedBall("button-ball")
    for word in (b"goodbye\n", b"disarm\n"):
        async with (
            Server(Air(ball), tmp_path / "ball"),
            controller(tmp_path / "ball", "button-ball", ball) as (process, stdin),
        ):
            assert process.stdout is not None
            stdin.write(word)
            async with asyncio.timeout(PATIENCE):
                assert await process.stdout.readline() == word
            with written(ball) as writes:
                process.kill()
                await process.wait()
                if word == b"disarm\n":
                    await unlinked(ball)  # the orphan would hide the ball from scans
                else:
                    await asyncio.sleep(0.3)
                    assert ball.is_connected
                assert writes == []
                assert ball.level == 2
                ball.firmware.motor.drive(0, asyncio.get_running_loop().time())


@pytest.mark.real_time
async def test_a_controller_that_leaves_without_a_word_is_as_good_as_killed(tmp_path: Path) -> None:
    ball = SimulatedBall("button-ball")
    async with (
        Server(Air(ball), tmp_path / "ball"),
        controller(tmp_path / "ball", "button-ball", ball) as (process, stdin),
    ):
        stdin.close()
        assert await process.wait() == 0
        assert await off_after(ball, asyncio.get_running_loop().time()) < guard.PROMISE_SECONDS


def read_until(screen: int, pattern: bytes) -> bytes:
    """Read a terminal until a pattern appears; what it showed."""
    text = b""
    deadline = time.monotonic() + PATIENCE
    while not re.search(pattern, text) and time.monotonic() < deadline:
        if select.select([screen], [], [], 0.2)[0]:
            try:
                text += os.read(screen, 65536)
            except OSError:
                break
    return text


@pytest.mark.real_time
async def test_whoever_is_at_the_terminal_hears_a_bell_and_reads_what_happened(tmp_path: Path) -> None:
    ball = SimulatedBall("button-ball")
    async with Server(Air(ball), tmp_path / "ball"):
        screen, terminal = pty.openpty()
        # A shell leads the terminal's session, as it does for a person; a terminal dies with its leader.
        command = f"{sys.executable} -m tests.controller {tmp_path / 'ball'} button-ball {ball.address}; sleep 5"
        shell = subprocess.Popen(  # noqa: ASYNC220 - it only starts here
            ["setsid", "--ctty", "sh", "-c", command], stdin=terminal, stdout=terminal, stderr=terminal
        )
        os.close(terminal)
        try:
            number = await asyncio.to_thread(read_until, screen, rb"(\d+)\r\n")
            os.kill(int(number), signal.SIGKILL)
            text = await asyncio.to_thread(read_until, screen, rb"motor off\r\n")
        finally:
            os.close(screen)
            shell.kill()
            shell.wait()
        assert b"\aunknot was killed while the ball vibrated: motor off\r" in text
        assert ball.level == 0


def ignored_by(process_id: int) -> set[int]:
    """The signals that a process ignores."""
    found = re.search(r"SigIgn:\t([0-9a-f]+)", Path(f"/proc/{process_id}/status").read_text())
    assert found is not None
    return {number for number in range(1, 32) if int(found[1], 16) >> (number - 1) & 1}


@pytest.mark.real_time
@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux tells about processes")
async def test_a_signal_to_the_terminal_does_not_reach_the_guard(tmp_path: Path) -> None:
    socket = tmp_path / "ball"
    ball = SimulatedBall("button-ball")
    async with Server(Air(ball), socket):
        ball.press_button()
        radio = radio_behind(socket)
        assert radio.guard is not None
        started = Guard.start(radio.guard)
        assert started is not None
        started.order(orders_for(ball))
        started.arm()
        process = started._process
        assert process.stdin is not None
        assert os.getsid(process.pid) == process.pid
        async with asyncio.timeout(PATIENCE):
            while not ignored_by(process.pid) >= {signal.SIGINT, signal.SIGHUP}:  # noqa: ASYNC110 - it runs elsewhere
                await asyncio.sleep(0.01)
        os.kill(process.pid, signal.SIGINT)
        os.kill(process.pid, signal.SIGHUP)
        process.stdin.close()
        await off_after(ball, asyncio.get_running_loop().time())
        assert await asyncio.to_thread(process.wait, PATIENCE) == 0
