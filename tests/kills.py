"""The kill test: sessions of the command line are killed at random moments, and the motor's end is measured.

    python -m tests.kills [N]

N sessions (default 200) of ``unknot run calf`` play on simulated balls with and without a lease, each killed with
SIGKILL: some at the very write that starts the motor, the others at a seeded random moment after it. The balls live in
this process, so the kill and the motor are timed by one clock. The exit code is 1 if any motor ran on for longer than
the guard promises.
"""

import asyncio
import math
import random
import statistics
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unknot.device.guard import PROMISE_SECONDS
from unknot.profiles import library
from unknot.simulator import Air, SimulatedBall
from unknot.simulator.lines import LINE_BYTES
from unknot.simulator.server import Server

PROFILES = ("open-ball", "button-ball", "vibmotor-3", "theragun-4")
SESSIONS = 200
TOGETHER = 6
"""Sessions at a time: several for each processor, so that the guard is also measured on a busy machine."""

AT_THE_START = 0.25
"""The share of sessions that are killed at the very write that starts the motor."""

LATEST_SECONDS = 3.0
"""The others are killed within that time: more than one renewal of the longest lease."""

START_SECONDS = 60.0
"""A session whose motor has not started by then is a fault of this test or of the machine."""

PATIENCE_SECONDS = PROMISE_SECONDS + 4.0
"""How long a motor is watched after the kill: longer than any lease, so that the table tells what really happens."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One session that was killed: the profile, and after how many seconds its motor was off; infinity for never."""

    profile: str
    seconds: float


async def kills(sessions: int, *, seed: int = 0, profiles: Sequence[str] = PROFILES) -> list[Kill]:
    """Play and kill that many sessions, of the profiles in turn."""
    luck = random.Random(seed)
    moments = [0.0 if luck.random() < AT_THE_START else luck.uniform(0, LATEST_SECONDS) for _ in range(sessions)]
    air = Air()
    places = asyncio.Semaphore(TOGETHER)
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "balls"

        async def one(index: int, moment: float) -> Kill:
            async with places:
                ball = SimulatedBall(
                    profiles[index % len(profiles)], address=f"C0:BA:11:00:{index >> 8:02X}:{index & 255:02X}"
                )
                air.add(ball)
                try:
                    return await _kill(ball, socket, moment)
                finally:
                    air.remove(ball)

        async with Server(air, socket):
            return list(await asyncio.gather(*(one(index, moment) for index, moment in enumerate(moments))))


async def _kill(ball: SimulatedBall, socket: Path, moment: float) -> Kill:
    started = asyncio.Event()
    ball.firmware.motor.watch(lambda _, level: started.set() if level else None)
    words = ["run", "calf", "--simulator", str(socket), "--device", ball.address, "--profile", ball.profile.id, "--yes"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "unknot", *words), stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, start_new_session=True
    )
    try:
        await _until(started, process)
        await asyncio.sleep(moment)
    finally:
        process.kill()
    killed = asyncio.get_running_loop().time()
    await process.wait()
    while ball.level and asyncio.get_running_loop().time() < killed + PATIENCE_SECONDS:  # noqa: ASYNC110 - it is a motor
        await asyncio.sleep(0.01)
    if ball.level:
        return Kill(ball.profile.id, float("inf"))
    return Kill(ball.profile.id, max(0.0, ball.trace.points[-1][0] - killed))


async def _until(started: asyncio.Event, process: asyncio.subprocess.Process) -> None:
    """Wait for the motor to start. Raises `RuntimeError` if the session ends before it does."""
    waits = {asyncio.create_task(started.wait()), leaving := asyncio.create_task(process.wait())}
    done, others = await asyncio.wait(waits, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for wait in others:
        wait.cancel()
    if leaving in done or not done:
        assert process.stderr is not None
        raise RuntimeError(f"the motor did not start: {(await process.stderr.read(LINE_BYTES)).decode()}")


def table(results: Sequence[Kill]) -> str:
    """What was measured, a line for each profile."""
    rows: list[tuple[str, ...]] = [
        ("profile", "lease", "sessions", f"off within {PROMISE_SECONDS:g} s", "median", "p95", "max")
    ]
    for profile in dict.fromkeys(kill.profile for kill in results):
        lease = library.load(profile).safety.lease
        seconds = sorted(kill.seconds for kill in results if kill.profile == profile)
        kept = sum(one <= PROMISE_SECONDS for one in seconds)
        figures = (statistics.median(seconds), seconds[math.ceil(0.95 * len(seconds)) - 1], seconds[-1])
        told = (f"{figure:.3f} s" if figure < float("inf") else "never" for figure in figures)
        rows.append((profile, f"{lease:g} s" if lease else "-", str(len(seconds)), str(kept), *told))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def is_kept(results: Sequence[Kill]) -> bool:
    """Whether every motor was off in time."""
    return all(kill.seconds <= PROMISE_SECONDS for kill in results)


if __name__ == "__main__":
    measured = asyncio.run(kills(int(sys.argv[1]) if sys.argv[1:] else SESSIONS))
    print(table(measured))  # noqa: T201 - a program
    sys.exit(not is_kept(measured))
