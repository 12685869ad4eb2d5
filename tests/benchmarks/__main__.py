"""Measures what the README claims about speed; prints JSON: ``python -m tests.benchmarks [NAME…]``.

Every figure stands beside something real measured in the same run, because machines differ and are noisy; the ratios
are what to look at.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from bleak import BleakClient

import unknot
from tests.benchmarks import bridge, learning, profiles, safety
from tests.meddling import written
from unknot.clock import FastLoop, VirtualTimeLoop
from unknot.events import Event, LevelChanged
from unknot.profiles import library
from unknot.profiles.codec import Codec
from unknot.profiles.speech import SetLevel
from unknot.protocols.model import MuscleProtocol
from unknot.protocols.timeline import Side, Timeline, compile_protocol
from unknot.session.session import Session
from unknot.simulator import Air, SimulatedBall, SimulatedClient

Figures = dict[str, object]


def protocol(rounds: int, hold: int, stretch: int) -> MuscleProtocol:
    """A protocol of that many spots, each held for so many seconds, and a stretch."""
    spot = [
        {"do": "settle", "to": 50, "for": "10s", "say": "", "source": {"to": "J", "for": "J"}},
        {"do": "hold", "to": 50, "for": f"{hold}s", "say": "", "source": {"to": "J", "for": "J"}},
        {"do": "move", "for": "15s", "say": "", "source": {"for": "J"}},
    ]
    return MuscleProtocol.model_validate(
        {
            "schema": 1,
            "id": "benchmark",
            "muscle": "benchmark",
            "title": "Benchmark",
            "ceiling": "moderate",
            "placement": "",
            "felt": "",
            "cautions": ["none"],
            "no_go": ["none"],
            "sources": {"J": "made up"},
            "source": {"ceiling": "J"},
            "steps": [
                *(spot * rounds),
                {"do": "stretch", "for": f"{stretch}s", "say": "", "source": {"for": "J"}},
            ],
        }
    )


def in_virtual_time(work: Callable[[], object]) -> float:
    """Real seconds of a coroutine function on a virtual clock."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        began = time.perf_counter()
        runner.run(work())  # type: ignore[arg-type]
        return time.perf_counter() - began


def quarter_of_an_hour() -> Figures:
    """A protocol of 15 minutes in virtual time, through the real BleakClient; beside the same writes made bare."""
    profile = library.load("open-ball")
    timeline = compile_protocol(protocol(2, 100, 200), profile, side=Side.BOTH)
    writes = 0

    async def play() -> None:
        nonlocal writes
        sim = SimulatedBall()
        with written(sim) as received:
            async with unknot.connect(simulate=Air(sim)) as ball, Session(ball, timeline) as session:
                ended = await session.wait()
        writes = len(received)
        assert ended.reason == "completed"

    async def bare() -> None:
        codec = Codec(profile)
        async with BleakClient("C0:BA:11:00:00:01", backend=SimulatedClient, air=Air(SimulatedBall())) as client:
            for number in range(writes):
                (write,) = codec.encode(SetLevel(1 + number % 50, sequence=number % 256))
                await client.write_gatt_char(profile.gatt[write.to].characteristic[0], write.data, response=False)
                await asyncio.sleep(1)

    played = [in_virtual_time(play) for _ in range(5)]
    bared = [in_virtual_time(bare) for _ in range(5)]
    return {
        "protocol_seconds": timeline.seconds,
        "writes": writes,
        "seconds": round(min(played), 4),
        "seconds_bare_writes": round(min(bared), 4),
        "ratio_to_bare": round(min(played) / min(bared), 2),
        "times_faster_than_real": round(timeline.seconds / min(played)),
        "goal": "seconds < 0.2",
    }


def set_level() -> Figures:
    """What `Ball.set_level` adds to a bare `BleakClient.write_gatt_char`, both on the simulated backend."""
    rounds, batch = 40, 200

    async def measure() -> tuple[list[float], list[float]]:
        air, other = Air(SimulatedBall()), Air(SimulatedBall())
        profile = library.load("open-ball")
        (uuid,) = profile.gatt["command"].characteristic
        (write,) = Codec(profile).encode(SetLevel(50))
        ours, bare = [], []
        async with (
            unknot.connect(simulate=air) as ball,
            BleakClient("C0:BA:11:00:00:01", backend=SimulatedClient, air=other) as client,
        ):
            characteristic = client.services.get_characteristic(uuid)
            assert characteristic is not None
            for _ in range(rounds):
                began = time.perf_counter()
                for number in range(batch):
                    await ball.set_level(1 + number % 50)
                ours.append((time.perf_counter() - began) / batch)
                began = time.perf_counter()
                for _number in range(batch):
                    await client.write_gatt_char(characteristic, write.data, response=False)
                bare.append((time.perf_counter() - began) / batch)
        return ours, bare

    ours, bare = asyncio.run(measure())
    mine, theirs = statistics.median(ours) * 1e6, statistics.median(bare) * 1e6
    return {
        "set_level_us": round(mine, 1),
        "bare_write_us": round(theirs, 1),
        "added_us": round(mine - theirs, 1),
        "ratio": round(mine / theirs, 2),
        "goal": "added_us <= 50",
    }


def lateness(timeline: Timeline, loop_factory: Callable[[], asyncio.AbstractEventLoop] | None) -> list[float]:
    """How late (s of the loop's clock) each level was written, in order."""

    async def play() -> list[float]:
        late: list[float] = []

        def hear(event: Event) -> None:
            if isinstance(event, LevelChanged):
                late.append(event.at - event.due)

        async with unknot.connect(simulate=Air(SimulatedBall())) as ball, Session(ball, timeline) as session:
            session.listen(hear)
            await session.wait()
        return late

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(play())


def percentile(values: Iterable[float], share: float) -> float:
    """The value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def punctuality() -> Figures:
    """How late cues are written on the real clock, beside what a bare ``asyncio.sleep`` is late in the same run."""
    profile = library.load("open-ball")
    timeline = compile_protocol(protocol(1, 10, 5), profile)
    late = lateness(timeline, None)

    async def sleeps() -> list[float]:
        loop = asyncio.get_running_loop()
        began, late = loop.time(), []
        for number in range(1, len(timeline.cues)):
            due = began + number * 0.1
            await asyncio.sleep(due - loop.time())
            late.append(loop.time() - due)
        return late

    bare = asyncio.run(sleeps())
    return {
        "cues": len(late),
        "late_ms_median": round(statistics.median(late) * 1e3, 3),
        "late_ms_p99": round(percentile(late, 0.99) * 1e3, 3),
        "late_ms_max": round(max(late) * 1e3, 3),
        "bare_sleep_late_ms_p99": round(percentile(bare, 0.99) * 1e3, 3),
        "goal": "late_ms_p99 < 5",
    }


def drift() -> Figures:
    """Whether lateness adds up: an hour of protocol on a clock 240 times as fast, its first minute and its last."""
    speed = 240
    profile = library.load("open-ball")
    # Rests of most of an hour between two spots: the limits allow no hour of vibration.
    long = protocol(1, 40, 5).model_dump(by_alias=True)
    steps = [dict(step, **{"for": f"{step['for']:g}s"}) for step in long["steps"]]
    rest = dict(steps[2], **{"for": "3470s"})
    timeline = compile_protocol(
        MuscleProtocol.model_validate({**long, "steps": [*steps[:2], rest, *steps[:2], *steps[3:]]}), profile
    )
    late = lateness(timeline, lambda: FastLoop(speed))
    half = len(late) // 2
    first, last = (statistics.median(part) * 1e3 / speed for part in (late[:half], late[half:]))
    return {
        "protocol_seconds": timeline.seconds,
        "speed": speed,
        "first_spot_late_real_ms_median": round(first, 3),
        "last_spot_late_real_ms_median": round(last, 3),
        "ratio": round(last / first, 2),
        "goal": "ratio about 1",
    }


def start_up() -> Figures:
    """How long ``unknot --help`` and ``unknot list`` take, beside ``import pydantic``."""
    program = str(Path(sys.executable).with_name("unknot"))
    commands = {
        "import_pydantic": [sys.executable, "-c", "import pydantic"],
        "help": [program, "--help"],
        "list": [program, "list"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(11):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    return {
        **{f"{name}_ms": round(value * 1e3, 1) for name, value in medians.items()},
        "help_ratio": round(medians["help"] / medians["import_pydantic"], 2),
        "list_ratio": round(medians["list"] / medians["import_pydantic"], 2),
        "goal": "both ratios <= 2",
    }


BENCHMARKS: dict[str, Callable[[], Figures]] = {
    "quarter_of_an_hour": quarter_of_an_hour,
    "set_level": set_level,
    "punctuality": punctuality,
    "drift": drift,
    "start_up": start_up,
    "profile_language": profiles.profile_language,
    "recordings": learning.recordings,
    "stop_in_a_flood": safety.stop_in_a_flood,
    "dose": safety.dose,
    "hour_of_faults": safety.hour_of_faults,
    "set_to_write": bridge.set_to_write,
    "hundred_balls": bridge.hundred_balls,
    "fleet": bridge.fleet,
}


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all, and print their figures."""
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        sys.exit(f"no benchmark is called {min(unknown)!r}; there are: {', '.join(BENCHMARKS)}")
    figures = {name: BENCHMARKS[name]() for name in names or BENCHMARKS}
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
