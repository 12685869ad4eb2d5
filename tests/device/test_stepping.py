"""Shape 13: levels that are reached by steps, one by one, until the ball's own report says that it is there."""

import asyncio

import pytest
from pydantic import ValidationError

from tests.device.ear import Ear
from tests.device.made import PORTS, hexes, linked, made
from tests.meddling import written
from unknot.errors import LevelOutOfRange, LinkError, LinkTimeout
from unknot.events import StopOutcome
from unknot.profiles.model import FirmwareProfile
from unknot.simulator import SimulatedBall
from unknot.simulator.faults import Fault, FaultKind

UP, DOWN, NEXT, TOGGLE, STOP = "01", "02", "03", "04", "00"
NOTIFIED = PORTS.replace(", read = true", "")
POLLED = PORTS.replace("notify = true, read = true", 'poll = "200ms"')


def stepping(
    *steps: str, levels: int = 5, ports: str = NOTIFIED, slot: str = "level", motor: str = ""
) -> FirmwareProfile:
    codes = {"up": UP, "down": DOWN, "next": NEXT, "toggle": TOGGLE}
    commands = "\n".join(f'{step} = {{ to = "command", frame = "{codes[step]}" }}' for step in steps)
    return made(
        ports,
        f'[motor]\nlevels = {levels}\n{motor}\n[reports]\nstatus = {{ from = "status", frame = "5A {{{slot}:u8}}" }}',
        f'[commands]\nstop = {{ to = "command", frame = "{STOP}" }}\n{commands}',
    )


@pytest.mark.parametrize("ports", [PORTS, NOTIFIED, POLLED, PORTS.replace("notify", "indicate")])
@pytest.mark.parametrize(
    ("steps", "levels", "wanted", "said"),
    [
        (("up", "down"), 5, [3, 1], [UP, UP, UP, DOWN, DOWN]),
        (("up",), 5, [3, 2], [UP, UP, UP, STOP, UP, UP]),
        (("next",), 3, [2, 1], [NEXT, NEXT, STOP, NEXT]),
        (("toggle",), 1, [1], [TOGGLE]),
        (("toggle", "up", "down"), 4, [2, 1], [TOGGLE, UP, DOWN]),
    ],
)
async def test_13_steps_are_taken_until_the_status_says_so_and_none_leads_above_the_wanted_level(
    ports: str, steps: tuple[str, ...], levels: int, wanted: list[int], said: list[str]
) -> None:
    sim = SimulatedBall(stepping(*steps, levels=levels, ports=ports))
    async with linked(sim) as ball:
        await asyncio.sleep(1)
        if ports == NOTIFIED:
            await ball.stop()  # where it is, it tells only when it changes
        with written(sim) as writes:
            for level in wanted:
                await ball.set_level(level)
                assert sim.level == ball.level == level
            assert hexes(writes) == said
        highest = [max(level for _, level in sim.trace.points[: at + 1]) for at in range(len(sim.trace.points))]
        assert max(highest) == max(wanted)
    assert sim.level == 0


async def test_13_a_ball_that_only_tells_whether_it_runs_is_toggled_to_its_one_level() -> None:
    sim = SimulatedBall(stepping("toggle", levels=1, slot="running"))
    async with linked(sim) as ball:
        await ball.set_level(1)
        assert sim.level == ball.level == 1
        await ball.set_level(1)
        assert sim.level == 1  # a second time it would be off
        assert await ball.stop() is StopOutcome.CONFIRMED
        assert sim.level == 0


async def test_13_a_ball_that_cannot_be_asked_is_stopped_to_know_where_it_is() -> None:
    sim = SimulatedBall(stepping("up", "down"))
    async with linked(sim) as ball:
        with written(sim) as writes:
            await ball.set_level(2)
        assert hexes(writes) == [STOP, UP, UP]


async def test_13_a_ball_that_does_not_tell_is_never_stepped_blindly() -> None:
    sim = SimulatedBall(stepping("up", "down"))
    async with linked(sim) as ball:
        sim.interfere(Fault(FaultKind.NOTIFICATION_LOST, seconds=1000.0))
        with pytest.raises(LinkTimeout, match="does not tell its level"):
            await ball.set_level(4)
        # Each step that nobody heard of was followed by a stop, not by the next one.
        assert max(level for _, level in sim.trace.points) == 1
        await asyncio.sleep(10)
        assert sim.level == 0


async def test_13_a_lost_report_is_made_up_for_by_reading() -> None:
    sim = SimulatedBall(stepping("up", "down", ports=PORTS))
    async with linked(sim) as ball:
        sim.interfere(Fault(FaultKind.NOTIFICATION_LOST, seconds=1000.0))
        await ball.set_level(3)
        assert sim.level == ball.level == 3


async def test_13_a_report_that_was_on_its_way_before_the_step_is_not_its_answer() -> None:
    ports = NOTIFIED.replace('["request", "command"]', '"command"')
    sim = SimulatedBall(stepping("up", "down", ports=ports), latency=0.1)
    async with linked(sim) as ball:
        await ball.set_level(1)
        raising = asyncio.create_task(ball.set_level(2))
        await asyncio.sleep(0.05)
        for _ in range(3):  # the ball tells its level all the time
            sim._send([sim.firmware._report("status", asyncio.get_running_loop().time())])
        await raising
        assert max(level for _, level in sim.trace.points) == 2


async def test_13_a_ball_that_never_gets_there_is_given_up_and_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    sim = SimulatedBall(stepping("up", "down", ports=PORTS))
    monkeypatch.setattr(sim.firmware, "_step", lambda _: 0)
    async with linked(sim) as ball:
        with written(sim) as writes:
            with pytest.raises(LinkError):
                await ball.set_level(3)
            assert hexes(writes).count(UP) < 40
            await asyncio.sleep(10)
            assert hexes(writes)[-1] == STOP


async def test_13_a_stop_in_the_middle_of_stepping_is_the_next_write() -> None:
    sim = SimulatedBall(stepping("up", "down", ports=PORTS), latency=0.1)
    async with linked(sim) as ball:
        with written(sim) as writes:
            raising = asyncio.create_task(ball.set_level(5))
            await asyncio.sleep(0.75)
            taken = sim.level
            assert 0 < taken < 5
            assert await ball.stop() is StopOutcome.CONFIRMED
            await raising
            await asyncio.sleep(5)
            assert hexes(writes)[-1] == STOP
            assert hexes(writes).count(UP) <= taken + 1
        assert sim.level == ball.level == 0


async def test_13_while_nobody_knows_whether_a_step_was_taken_the_louder_level_is_assumed() -> None:
    sim = SimulatedBall(stepping("up", "down", ports=PORTS))
    async with linked(sim) as ball:
        await ball.set_level(2)
        sim.interfere(Fault(FaultKind.NOTIFICATION_LOST, seconds=1.0))
        raising = asyncio.create_task(ball.set_level(3))
        await asyncio.sleep(0.5)
        assert ball.level == 3
        await raising


@pytest.mark.parametrize("pressed", [0.2, 1.0, 30.0])
async def test_13_the_balls_own_button_is_adopted_after_stepping(pressed: float) -> None:
    sim = SimulatedBall(stepping("next", levels=3, ports=PORTS))
    ear = Ear()
    async with linked(sim) as ball:
        ball.listen(ear)
        await ball.set_level(3)
        assert ear.levels == []  # each step is told, and none is the person's
        await asyncio.sleep(pressed)
        with written(sim) as writes:
            sim.press_button()  # off after the highest
            await asyncio.sleep(1)
            assert sim.level == ball.level == 0
            assert ear.levels == [0]
            assert writes == []  # never fought


async def test_13_the_button_may_also_raise_it_and_the_next_level_starts_from_there() -> None:
    sim = SimulatedBall(stepping("up", "down", levels=4, ports=PORTS))
    async with linked(sim) as ball:
        await ball.set_level(2)
        await asyncio.sleep(5)
        sim.press_button()
        await asyncio.sleep(1)
        assert ball.level == 3
        with written(sim) as writes:
            await ball.set_level(1)
        assert hexes(writes) == [DOWN, DOWN]


async def test_13_a_stop_that_the_ball_acknowledged_is_where_the_next_steps_begin() -> None:
    sim = SimulatedBall(stepping("up", "down"))
    async with linked(sim) as ball:
        await ball.set_level(3)
        sim.interfere(Fault(FaultKind.NOTIFICATION_LOST, count=1))
        assert await ball.stop() is StopOutcome.CONFIRMED
        with written(sim) as writes:
            await ball.set_level(2)
        assert hexes(writes) == [UP, UP]


async def test_13_no_step_leads_above_the_firmwares_own_ceiling() -> None:
    sim = SimulatedBall(stepping("next", levels=5, ports=PORTS, motor="max_level = 3\nmin_perceptible = 2"))
    async with linked(sim) as ball:
        assert ball.levels == 3
        await ball.set_level(3)
        with pytest.raises(LevelOutOfRange, match="the levels 1 to 3"):
            await ball.set_level(4)
        assert max(level for _, level in sim.trace.points) == 3


def test_13_the_time_a_ball_may_take_to_tell_is_as_long_as_the_file_says() -> None:
    assert stepping("up", motor='steps_within = "2s"').motor.steps_within == 2.0


@pytest.mark.parametrize(
    ("levels", "commands", "expected"),
    [
        (1, 'stop = { to = "command", frame = "04" }\ntoggle = { to = "command", frame = "04" }', "what toggle writes"),
        (5, 'stop = { to = "command", frame = "03" }\nnext = { to = "command", frame = "03" }', "what next writes"),
        (5, 'stop = { to = "command", frame = "00" }\ndown = { to = "command", frame = "02" }', "up or next"),
    ],
)
def test_13_a_toggle_or_a_cycle_is_no_stop_and_down_alone_leads_nowhere(
    levels: int, commands: str, expected: str
) -> None:
    with pytest.raises(ValidationError, match=expected):
        made(PORTS, f'[motor]\nlevels = {levels}\n[reports]\nstatus = {{ from = "status", frame = "5A {{level:u8}}" }}',
             f"[commands]\n{commands}")  # fmt: skip


def test_13_blind_steps_are_refused() -> None:
    with pytest.raises(ValidationError, match="none that tells the level by itself"):
        stepping("up", ports=PORTS.replace("notify = true, ", ""))
