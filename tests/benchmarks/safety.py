"""Measures what is promised about stopping and dosing: a stop in a flood, the dose on a bad link, an hour of faults.

Used by ``python -m tests.benchmarks``. All of it happens in virtual time on the simulated ball, so the figures are
exact and the same on every machine, but for bytes of memory.
"""

from __future__ import annotations

import asyncio
import gc
import random
import tracemalloc
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, TypeVar

import unknot
from tests.profiles.shipped import TYPICAL
from tests.protocols.made import protocol, step
from unknot.clock import VirtualTimeLoop
from unknot.device.ball import Ball
from unknot.device.link import Link
from unknot.events import Ended, Paused
from unknot.profiles.codec import Codec
from unknot.profiles.speech import Stop, Write
from unknot.protocols import library as protocols
from unknot.protocols.timeline import Timeline, compile_protocol
from unknot.session.messages import OnLinkRestored
from unknot.session.session import Session
from unknot.simulator import Air, SimulatedBall
from unknot.simulator.faults import Fault, FaultKind, FaultPlan
from unknot.simulator.injection import inject

Figures = dict[str, object]
T = TypeVar("T")

PROFILES = TYPICAL
BLUEZ_INTERVAL = 0.03
"""The connection interval (s) with which BlueZ begins."""


def virtually(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of a coroutine function on a clock that jumps."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work())


@contextmanager
def begun_writes() -> Iterator[list[tuple[float, Write]]]:
    """The writes that are handed to bleak while the block runs: (time of the loop, write)."""
    begun: list[tuple[float, Write]] = []
    write = Link.write

    async def spy(link: Link, one: Write) -> None:
        begun.append((asyncio.get_running_loop().time(), one))
        await write(link, one)

    Link.write = spy  # type: ignore[method-assign, assignment]
    try:
        yield begun
    finally:
        Link.write = write  # type: ignore[method-assign]


async def _flood(ball: Ball, per_second: int) -> None:
    """Ask for so many level changes a second, whether or not the link can carry them."""

    async def change(level: int) -> None:
        with suppress(unknot.UnknotError):
            await ball.set_level(level)

    async with asyncio.TaskGroup() as group:
        for number in range(10**9):
            group.create_task(change(1 + number % ball.levels))
            await asyncio.sleep(1 / per_second)


async def _stop_in_a_flood(profile: str, latency: float, asked_after: float) -> tuple[bool, float, float]:
    """Whether the stop is the next write; seconds until the motor is off; and those of a stop on an idle link."""
    sim = SimulatedBall(profile, connection_interval=BLUEZ_INTERVAL, latency=latency)
    loop = asyncio.get_running_loop()
    seconds = []
    is_next = True
    with begun_writes() as begun:
        async with unknot.connect(simulate=Air(sim)) as ball:
            for flooded in (True, False):
                await ball.set_level(1)
                flood = asyncio.create_task(_flood(ball, 100 if flooded else 1))
                await asyncio.sleep(asked_after)
                asked, before = loop.time(), len(begun)
                if not flooded:
                    flood.cancel()
                    await asyncio.sleep(2)  # what was under way has arrived
                    asked, before = loop.time(), len(begun)
                await ball.stop()  # the flood goes on
                flood.cancel()
                reader = Codec(sim.profile).reader()
                _, first = begun[before]
                is_next &= isinstance(reader.feed(first.to, first.data), Stop)
                await asyncio.sleep(2)
                seconds.append(min(at for at, level in sim.trace.points if at >= asked and level == 0) - asked)
    return is_next, seconds[0], seconds[1]


def stop_in_a_flood() -> Figures:
    """A stop that is asked for while 100 level changes a second are asked for, beside one on an idle link."""
    chance = random.Random(1)
    rows = {}
    is_always_next = True
    for latency in (0.0, 0.1, 0.4):
        trials = [
            virtually(lambda: _stop_in_a_flood(profile, latency, 1 + chance.random()))  # noqa: B023 - run at once
            for profile in PROFILES
            for _ in range(25)
        ]
        is_always_next &= all(is_next for is_next, _, _ in trials)
        rows[f"latency_{latency * 1000:.0f}_ms"] = {
            "trials": len(trials),
            "off_after_ms_max": round(max(taken for _, taken, _ in trials) * 1e3, 1),
            "off_after_ms_max_on_an_idle_link": round(max(idle for _, _, idle in trials) * 1e3, 1),
        }
    return {**rows, "stop_is_always_the_next_write": is_always_next, "goal": "stop_is_always_the_next_write"}


def _dose(points: tuple[tuple[float, int], ...], levels: int) -> float:
    """Intensity × time: seconds at the full range."""
    total, at, level = 0.0, 0.0, 0
    for when, value in points:
        total += (when - at) * level / levels
        at, level = when, value
    return total


async def _delivered(timeline: Timeline, sim: SimulatedBall, plan: FaultPlan) -> float:
    """The dose that arrives at the motor, as a share of the one that the timeline prescribes."""
    air = Air(sim)
    async with unknot.connect(simulate=air) as ball:
        inject(plan, air)
        async with Session(ball, timeline, on_link_restored=OnLinkRestored.RESUME) as session:
            await session.wait()
    prescribed = _dose(tuple((cue.at, cue.level) for cue in timeline.cues), timeline.levels)
    return _dose(sim.trace.points, timeline.levels) / prescribed


def dose() -> Figures:
    """What arrives of the prescription at the motor: on a good link, and with a tenth of the writes lost or late."""
    seconds = 600.0
    trouble: dict[str, Callable[[random.Random], tuple[Fault, ...]]] = {
        "without_faults": lambda _: (),
        "a_tenth_lost": lambda _: (Fault(FaultKind.WRITE_LOST, seconds=seconds, share=0.1),),
        "a_tenth_late": lambda chance: tuple(
            Fault(FaultKind.WRITE_LATE, at=chance.random() * 260, seconds=0.01 + 0.29 * chance.random())
            for _ in range(26)
        ),
    }
    rows: dict[str, object] = {}
    for name, draw in trouble.items():
        by_profile = {}
        for profile in PROFILES:
            errors = []
            for seed in range(1 if name == "without_faults" else 20):
                sim = SimulatedBall(profile, connection_interval=BLUEZ_INTERVAL)
                timeline = compile_protocol(protocols.load("calf"), sim.profile)
                plan = FaultPlan(draw(random.Random(seed)), seed)
                errors.append(abs(1 - virtually(lambda: _delivered(timeline, sim, plan))))  # noqa: B023 - run at once
            by_profile[profile] = round(100 * max(errors), 2)
        rows[f"{name}_off_by_percent_max"] = by_profile
    return {**rows, "goal": "at most 1 % without faults, 5 % with them"}


def hour_of_faults() -> Figures:
    """Memory in an hour's session with a fault every ten seconds: what the second half of it adds to the first."""
    spot = (step("settle", 8, to=60), step("hold", 12, to=60))
    rests = tuple(step("rest", 590) for _ in range(3))
    long = protocol(*spot, *rests, *spot, *rests, step("stretch", 10))
    round_ = (
        Fault(FaultKind.LINK_DROPS, seconds=1.0),
        Fault(FaultKind.WRITE_LOST, count=2),
        Fault(FaultKind.NOTIFICATION_GARBLED, seconds=2.0),
        Fault(FaultKind.CONNECTING_FAILS, count=1),
        Fault(FaultKind.RETURNS_UNDER_NEW_ADDRESS),
        Fault(FaultKind.ADAPTER_VANISHES, seconds=1.0),
    )
    plan = FaultPlan(tuple(replace(round_[n % len(round_)], at=10.0 * n) for n in range(1, 360)))
    held: list[int] = []

    def weigh() -> None:
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0])

    async def play() -> Ended:
        air = Air(SimulatedBall(connection_interval=BLUEZ_INTERVAL))
        loop = asyncio.get_running_loop()
        async with unknot.connect(simulate=air) as ball:
            timeline = compile_protocol(long, ball.profile)
            injection = inject(plan, air)
            async with Session(ball, timeline, on_link_restored=OnLinkRestored.RESUME) as session:
                for minute in (10, 30, 50):
                    loop.call_later(60 * minute, weigh)
                async for event in session:
                    if isinstance(event, Paused):  # the ball came back under another address
                        session.resume()
                ended = await session.wait()
            happened.append(len(injection.happened))
        return ended

    happened: list[int] = []
    tracemalloc.start()
    try:
        ended = virtually(play)
    finally:
        tracemalloc.stop()
    return {
        "session_seconds": round(ended.at),
        "faults": happened[0],
        "ended": ended.reason.value,
        "kib_at_10_min": round(held[0] / 1024),
        "kib_at_30_min": round(held[1] / 1024),
        "kib_at_50_min": round(held[2] / 1024),
        "kib_added_per_minute": round((held[2] - held[0]) / 1024 / 40, 2),
        "goal": "at most 1 KiB a minute: what the simulator itself remembers of its motor and its faults",
    }
