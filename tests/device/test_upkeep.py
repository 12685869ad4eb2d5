"""Shapes 17, 18 and 22: what is written and read again and again, and never gets ahead of a stop."""

import asyncio

import pytest

from tests.device.made import COMMANDS, LEVELS, PORTS, hexes, linked, made
from tests.meddling import written
from unknot.events import StopOutcome
from unknot.profiles.model import FirmwareProfile
from unknot.simulator import SimulatedBall
from unknot.simulator.faults import Fault, FaultKind

PIN_EVERY_25_S = '[[keep_alive]]\nevery = "25s"\nwrite = { to = "command", frame = "F0 12 34" }\n'
STREAM = '[[keep_alive]]\nevery = "100ms"\nwhile = "running"\nwrite = { to = "command", frame = "F1 {level:u8}" }\n'
ECHO = '[[keep_alive]]\nwhen = "status"\nwrite = { to = "command", frame = "F2 {level:u8}" }\n'
SLOW = (
    '[[keep_alive]]\nevery = "2s"\nwrite = { to = "command", frame = "F3", repeat = 5, gap = "500ms", pause = "1s" }\n'
)
ANSWERED = '[[keep_alive]]\nevery = "2s"\nwrite = { to = "command", frame = "F4", answer = "status" }\n'


def kept(keep_alive: str, *further: str, ports: str = PORTS) -> FirmwareProfile:
    return made(ports, LEVELS, COMMANDS, keep_alive, *further)


async def test_17_a_keep_alive_by_period_is_said_as_long_as_the_link_stands() -> None:
    sim = SimulatedBall(kept(PIN_EVERY_25_S))
    async with linked(sim):
        with written(sim) as writes:
            await asyncio.sleep(80)
        assert [round(at) % 25 for at, _ in writes] == [0, 0, 0]
        assert set(hexes(writes)) == {"F0 12 34"}


async def test_17_a_keep_alive_by_state_is_said_only_while_the_motor_runs() -> None:
    sim = SimulatedBall(kept(STREAM))
    async with linked(sim) as ball:
        with written(sim) as writes:
            await asyncio.sleep(5)
            assert writes == []
            await ball.set_level(3)
            await asyncio.sleep(1.05)
            await ball.stop()
            await asyncio.sleep(5)
        assert hexes(writes)[0] == "A5 03"
        assert hexes(writes)[-1] == "A5 00"
        assert 9 <= hexes(writes).count("F1 03") <= 11


async def test_17_a_report_is_answered_with_what_it_told() -> None:
    sim = SimulatedBall(kept(ECHO))
    async with linked(sim) as ball:
        with written(sim) as writes:
            await ball.set_level(3)
            await asyncio.sleep(0.1)
            sim.press_button()  # its own doing wants an answer too
            await asyncio.sleep(0.1)
            assert hexes(writes) == ["A5 03", "F2 03", "F2 04"]


@pytest.mark.parametrize("asked", [step / 20 for step in range(1, 12)])
async def test_17_no_answer_that_says_a_level_is_written_after_a_stop(asked: float) -> None:
    sim = SimulatedBall(kept(ECHO), latency=0.1)
    async with linked(sim) as ball:
        await ball.set_level(2)
        raising = asyncio.create_task(ball.set_level(3))
        await asyncio.sleep(asked)
        with written(sim) as writes:
            stopping = asyncio.create_task(ball.stop())
            await asyncio.sleep(0)
            began = len(writes)
            await stopping
            await raising
            await asyncio.sleep(5)
        after = hexes(writes)[began:]
        assert "A5 00" in after
        assert set(after[after.index("A5 00") :]) <= {"A5 00", "F2 00"}
        assert sim.level == 0


@pytest.mark.parametrize("keep_alive", [SLOW, ANSWERED, STREAM, PIN_EVERY_25_S])
@pytest.mark.parametrize("asked", [1.95, 2.0, 2.05, 2.5, 3.7, 25.0])
async def test_17_no_keep_alive_gets_ahead_of_a_stop(keep_alive: str, asked: float) -> None:
    sim = SimulatedBall(kept(keep_alive), latency=0.02)
    async with linked(sim) as ball:
        loop = asyncio.get_running_loop()
        await ball.set_level(3)
        await asyncio.sleep(asked)
        began = loop.time()
        with written(sim) as writes:
            assert await ball.stop() is StopOutcome.CONFIRMED
            # At most what is on its way already comes before it.
            assert hexes(writes).index("A5 00") <= 1
            assert next(at for at, data in writes if data == b"\xa5\x00") - began < 0.1
        assert sim.level == 0


async def test_17_a_stop_waits_for_no_answer_that_a_keep_alive_waits_for() -> None:
    sim = SimulatedBall(kept(ANSWERED))
    async with linked(sim) as ball:
        await ball.set_level(3)
        sim.interfere(Fault(FaultKind.NOTIFICATION_LOST, seconds=100.0))
        await asyncio.sleep(2.0)
        began = asyncio.get_running_loop().time()
        assert await ball.stop() is StopOutcome.CONFIRMED
        assert asyncio.get_running_loop().time() == began


async def test_17_a_keep_alive_that_is_refused_is_no_lost_link() -> None:
    sim = SimulatedBall(kept(ANSWERED, '[refusals.full]\nfrom = "status"\nframe = "EE"\nmeans = "busy"\n'))
    async with linked(sim) as ball:
        await ball.set_level(3)
        sim.interfere(Fault(FaultKind.NOTIFICATION_LOST, seconds=3.0))
        await asyncio.sleep(2.5)
        ball._talk.hearing.hear("status", b"\xee")
        await asyncio.sleep(0.1)
        assert not ball.is_restoring
        assert sim.level == 3


async def test_17_a_keep_alive_that_cannot_be_written_counts_as_a_lost_link_and_the_motor_stops() -> None:
    sim = SimulatedBall(kept(PIN_EVERY_25_S))
    async with linked(sim) as ball:
        await ball.set_level(3)
        sim.interfere(Fault(FaultKind.WRITE_LOST, at=0, seconds=30.0))
        await asyncio.sleep(50)
        assert sim.level == 0


async def test_17_18_what_the_link_needs_is_said_anew_after_every_reconnection() -> None:
    limit = '[[init]]\nwrite = { to = "command", frame = "E0 50" }\n'  # a soft limit that is not kept
    sim = SimulatedBall(kept(PIN_EVERY_25_S, limit))
    async with linked(sim) as ball:
        with written(sim) as writes:
            sim.drop_link(away=1.0)
            await asyncio.sleep(40)
            assert hexes(writes) == ["A5 00", "E0 50", "A5 00", "F0 12 34"]
        assert ball.is_connected


async def test_22_a_status_that_is_only_read_is_read_again_and_again() -> None:
    sim = SimulatedBall(kept("", ports=PORTS.replace("notify = true, read = true", 'poll = "1s"')))
    async with linked(sim) as ball:
        await ball.set_level(3)
        sim.press_button()
        await asyncio.sleep(1.1)
        assert ball.level == 4


@pytest.mark.parametrize(
    ("ports", "outcome"),
    [
        (PORTS, StopOutcome.CONFIRMED),
        (PORTS.replace("notify", "indicate"), StopOutcome.CONFIRMED),
        (PORTS.replace("notify = true, ", "").replace("read", "notify"), StopOutcome.CONFIRMED),
        (PORTS.replace('["request", "command"]', '"command"'), StopOutcome.CONFIRMED),
        (PORTS.replace('["request", "command"]', '"command"').replace("notify = true, ", ""), StopOutcome.SENT),
    ],
    ids=["notify", "indicate", "notify only", "told", "assumed"],
)
async def test_22_how_the_status_travels_decides_what_is_known_of_a_stop(ports: str, outcome: StopOutcome) -> None:
    sim = SimulatedBall(kept("", ports=ports))
    async with linked(sim) as ball:
        await ball.set_level(3)
        assert await ball.stop() is outcome
        assert sim.level == 0
