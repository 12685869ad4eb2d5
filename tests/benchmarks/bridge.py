"""How quickly a gateway does what a broker brings, and how many balls it carries; on a real mosquitto, simulated balls.

    python -m tests.benchmarks set_to_write hundred_balls fleet

The broker's own echo is measured in the same run, and an idle sleep's lateness. As a program of its own, this module is
one gateway of the fleet: it says on standard output when its motors went off.
"""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.bridge import echo, gateways
from tests.bridge.exchange import Exchange
from tests.bridge.listening import Ear, ear
from tests.bridge.mosquitto import mosquitto
from unknot.bridge.broker import Broker, Dial
from unknot.bridge.gateway.gateway import Gateway
from unknot.bridge.link import mqtt
from unknot.clock import VirtualTimeLoop
from unknot.events import LevelChanged
from unknot.simulator import Air, SimulatedBall

Figures = dict[str, object]

PROTOCOL = "calf"


def percentile(values: Iterable[float], share: float) -> float:
    """The value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def balls(number: int) -> Air:
    return Air(*(SimulatedBall(name=f"Ball {one}") for one in range(1, number + 1)))


def broker_at(port: int) -> Broker:
    return Broker("127.0.0.1", port)


@asynccontextmanager
async def serving(air: Air, dial: Dial, name: str = "gw1", broker: Broker | None = None) -> AsyncIterator[Gateway]:
    """A gateway all of whose balls are connected."""
    config = replace(gateways.config(air, name), broker=broker or Broker("nowhere"))
    gateway = Gateway(config, dial, simulate=air)
    task = asyncio.create_task(gateway.run())
    try:
        while not all(keeper.station.ball is not None for keeper in gateway.keepers.values()):
            await asyncio.sleep(0.05)
            if task.done():
                task.result()
        yield gateway
    finally:
        task.cancel()
        await asyncio.wait([task])


@contextmanager
def real_broker() -> Any:
    with tempfile.TemporaryDirectory() as folder, mosquitto(Path(folder), extra="max_queued_messages 0") as server:
        yield server.broker()


def run(work: Callable[[], Awaitable[Figures]]) -> Figures:
    with asyncio.Runner(loop_factory=mqtt.new_event_loop) as runner:
        return runner.run(work())  # type: ignore[arg-type]


# From a command to the ball.


async def set_and_write(broker: Broker, rounds: int) -> list[float]:
    """How long (s) from saying ``set`` to the write on the ball: always a lower level, which is not eased in."""
    air = balls(1)
    (ball,) = air
    taken: list[float] = []
    written: list[float] = []
    ball.witness(lambda _role, _data: written.append(time.perf_counter()))
    async with (
        ear(broker, "unknot/gw1/response/#") as one,
        serving(air, mqtt.dial(broker), broker=broker) as gateway,
    ):
        while len(taken) < rounds:
            assert (await one.ask("gw1", "run", ball="c0ba11000001", protocol=PROTOCOL))["ok"]
            await one.until(lambda: ball.level == 50)
            for intensity in range(49, 10, -1):
                await asyncio.sleep(0.02)
                written.clear()
                began = time.perf_counter()
                await one.link.publish(f"{gateways.BALL}/set", json.dumps({"intensity": intensity}))
                while not any(ball.level == intensity for _ in written):  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0)
                taken.append(written[-1] - began)
            await one.ask("gw1", "stop", ball="c0ba11000001")
            await one.until(lambda: gateway.keepers["c0ba11000001"].station.session is None)
    return taken[:rounds]


def set_to_write() -> Figures:
    """From a command at the broker to the write on the ball; beside the broker's own echo in the same run."""

    async def measure() -> Figures:
        with real_broker() as broker:
            alone, ours = await asyncio.to_thread(echo.bare, broker), await set_and_write(broker, 150)
            linked = await echo.linked(broker)
            alone += await asyncio.to_thread(echo.bare, broker)
        return {
            "samples": len(ours),
            "set_to_write_ms_p50": round(statistics.median(ours) * 1e3, 3),
            "set_to_write_ms_p99": round(percentile(ours, 0.99) * 1e3, 3),
            "broker_alone_ms_p50": round(statistics.median(alone) * 1e3, 3),
            "echo_through_our_link_ms_p50": round(statistics.median(linked) * 1e3, 3),
            "added_ms_p50": round((statistics.median(ours) - statistics.median(alone)) * 1e3, 3),
            "goal": "added_ms_p50 <= 2",
        }

    return run(measure)


# A hundred balls.


async def start_all(one: Ear, gateway: str, numbers: Iterable[int], pace: float) -> int:
    """Start the protocol on each ball, one after the other at that pace (s); how many said that they play."""
    asked = []
    for number in numbers:
        id_ = f"{gateway}-{number}-{len(one.heard)}"
        facts = {"id": id_, "ball": f"c0ba110000{number:02x}", "protocol": PROTOCOL}
        await one.link.publish(f"unknot/{gateway}/request/run", json.dumps(facts))
        asked.append(id_)
        await asyncio.sleep(pace)
    topic = f"unknot/{gateway}/response/run"
    read = 0
    answers: dict[str, bool] = {}

    def is_answered() -> bool:
        nonlocal read
        for message in one.heard[read:]:
            if message.topic == topic:
                answer = json.loads(message.payload)
                answers[answer["id"]] = answer["ok"]
        read = len(one.heard)
        return len(answers) >= len(asked)

    await one.until(is_answered, within=60)
    return sum(answers.values())


def hundred_balls() -> Figures:
    """One gateway, a hundred balls that all play: how late their cues are on the real clock; and its memory."""
    seconds, number = 40.0, 100

    async def measure() -> Figures:
        late: list[float] = []
        bare: list[float] = []

        async def sleep_bare() -> None:
            loop = asyncio.get_running_loop()
            while True:
                due = loop.time() + 0.05
                await asyncio.sleep(0.05)
                bare.append(loop.time() - due)

        air = balls(number)
        with real_broker() as broker:
            async with (
                ear(broker, "unknot/gw1/response/#") as one,
                serving(air, mqtt.dial(broker), broker=broker) as gateway,
            ):
                sleeping = asyncio.create_task(sleep_bare())
                playing = await start_all(one, "gw1", range(1, number + 1), 0.05)
                for keeper in gateway.keepers.values():
                    session = keeper.station.session
                    assert session is not None
                    session.listen(
                        lambda event: late.append(event.at - event.due) if isinstance(event, LevelChanged) else None
                    )
                busy = time.process_time()
                await asyncio.sleep(seconds)
                busy = time.process_time() - busy
                sleeping.cancel()
                await one.ask("gw1", "stop_all")
        return {
            "balls": playing,
            "cues": len(late),
            "late_ms_median": round(statistics.median(late) * 1e3, 3),
            "late_ms_p99": round(percentile(late, 0.99) * 1e3, 3),
            "late_ms_max": round(max(late) * 1e3, 3),
            "bare_sleep_late_ms_p99": round(percentile(bare, 0.99) * 1e3, 3),
            "processor_share": round(busy / seconds, 3),
        }

    return {**run(measure), **memory(), "goal": "late_ms_p99 < 20, memory flat"}


def memory() -> Figures:
    """How much memory a gateway with a hundred balls takes after one minute and after ten more, in virtual time."""
    number = 100

    def held() -> float:
        status = Path("/proc/self/statm")
        pages = int(status.read_text().split()[1]) if status.exists() else 0
        return pages * resource.getpagesize() / 2**20

    async def live() -> Figures:
        exchange = Exchange()
        air = balls(number)
        figures = {}
        async with serving(air, exchange.dial()) as gateway:
            for minute in range(11):
                for keeper in gateway.keepers.values():
                    if keeper.station.session is None:
                        topic = keeper.station.topics.set
                        exchange.say(topic, json.dumps({"protocol": PROTOCOL, "run": True}))
                await asyncio.sleep(60)
                exchange.said.clear()
                if minute == 0:
                    figures["memory_mib_after_1_min"] = round(held(), 1)
        return {**figures, "memory_mib_after_11_min": round(held(), 1)}

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(live())


# A fleet.

GATEWAYS, EACH = 10, 100
ROUNDS = 3


def fleet() -> Figures:
    """Ten gateways with a hundred balls each, as processes: all started by one script, all stopped by one message."""

    async def measure(broker: Broker) -> Figures:
        offs: list[float] = []
        started = stopped = 0
        last: list[float] = []
        async with ear(broker, "unknot/+/response/#", "unknot/+/ball/+/availability") as one:
            with ExitStack() as stack:
                children = [
                    stack.enter_context(
                        subprocess.Popen(  # noqa: ASYNC220 - before anything is timed
                            [sys.executable, "-m", "tests.benchmarks.bridge", f"gw{number}", str(broker.port)],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                        )
                    )
                    for number in range(GATEWAYS)
                ]  # fmt: skip
                there = "/availability"
                await one.until(
                    lambda: (
                        sum(topic.endswith(there) and text == "online" for topic, text in one.kept.items())
                        == GATEWAYS * EACH
                    ),
                    within=120,
                )
                for round_ in range(ROUNDS):
                    counts = await asyncio.gather(
                        *(start_all(one, f"gw{number}", range(1, EACH + 1), 0.25) for number in range(GATEWAYS))
                    )
                    started += sum(counts)
                    await asyncio.sleep(3)
                    one.heard.clear()
                    began = time.monotonic()
                    await one.link.publish("unknot/all/request/stop_all", json.dumps({"id": f"stop-{round_}"}))
                    await one.until(lambda: len(one.heard) >= GATEWAYS, within=30)
                    for message in one.heard:
                        told = json.loads(message.payload)["data"]["balls"]
                        stopped += sum(outcome == "confirmed" for outcome in told.values())
                    rounds = []
                    for child in children:
                        assert child.stdin is not None
                        assert child.stdout is not None
                        child.stdin.write("tell\n")
                        child.stdin.flush()
                        rounds += [at - began for at in json.loads(child.stdout.readline()) if at >= began]
                    offs += rounds
                    last.append(max(rounds))
                for child in children:
                    assert child.stdin is not None
                    child.stdin.close()
        return {
            "gateways": GATEWAYS,
            "balls": GATEWAYS * EACH,
            "rounds": ROUNDS,
            "started": started,
            "confirmed_stopped": stopped,
            "motors_that_ran": len(offs),
            "off_ms_p50": round(statistics.median(offs) * 1e3, 1),
            "off_ms_p99": round(percentile(offs, 0.99) * 1e3, 1),
            "last_off_ms_each_round": [round(one * 1e3, 1) for one in last],
            "goal": "nothing lost, off_ms_p99 < 1000",
        }

    with real_broker() as broker:
        return run(lambda: measure(broker))


async def child(name: str, port: int) -> None:
    """One gateway of the fleet: at each line of standard input it tells when its motors went off since the last one."""
    air = balls(EACH)
    off: dict[str, float] = {}

    def watch(ball: SimulatedBall) -> None:
        ball.firmware.motor.watch(
            lambda _at, level: off.__setitem__(ball.address, time.monotonic()) if not level else None
        )

    for ball in air:
        watch(ball)
    broker = broker_at(port)
    async with serving(air, mqtt.dial(broker), name, broker):
        while await asyncio.to_thread(sys.stdin.readline):
            sys.stdout.write(json.dumps(sorted(off.values())) + "\n")
            sys.stdout.flush()
            off.clear()


if __name__ == "__main__":
    asyncio.run(child(sys.argv[1], int(sys.argv[2])))
