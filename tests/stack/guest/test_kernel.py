"""What only a real kernel and bluetoothd can show: the price of a level, the ball on the air, what they remember."""

from __future__ import annotations

import asyncio
import statistics

from bleak import BleakClient

import unknot
from tests.cli.test_terminal import terminal
from tests.stack.bluetoothd import power
from tests.stack.kernel_stage import INTERVAL, KernelStage
from tests.stack.stage import UNGUARDED, until
from unknot.profiles.codec import Codec
from unknot.profiles.speech import SetLevel
from unknot.simulator import SimulatedBall

WRITES = 30
"""How many are measured; the clock here is steady, so the median is too (judgement)."""

OVERHEAD_SECONDS = 0.010
"""What software may add to a level that is acknowledged, on a processor ten times slower than a laptop's."""


async def test_a_level_costs_hardly_more_than_the_bare_write_of_it() -> None:
    async with KernelStage(interval=INTERVAL) as stage:
        sim = await stage.bring(SimulatedBall("button-ball"))
        codec = Codec(sim.profile)
        values = [codec.encode(SetLevel(1 + number % 4))[0].data for number in range(WRITES)]
        async with BleakClient(sim.address) as client:
            bare = await _median([client.write_gatt_char(_uuid(sim), value, response=True) for value in values])
        async with unknot.connect(sim.address, simulate=stage.simulate) as ball:
            ours = await _median([ball.set_level(1 + number % 4) for number in range(WRITES)])
    told = f"an acknowledged level at {INTERVAL * 1000:g} ms: {ours * 1000:.2f} ms, a bare write {bare * 1000:.2f} ms"
    print(told)  # noqa: T201 - brought back with the results
    assert ours < 2 * INTERVAL + OVERHEAD_SECONDS


async def _median(work: list[object]) -> float:
    loop, took = asyncio.get_running_loop(), []
    for one in work:
        began = loop.time()
        await one  # type: ignore[misc]
        took.append(loop.time() - began)
    return statistics.median(took)


def _uuid(sim: SimulatedBall) -> str:
    return next(uuid for _, uuid in sim.profile.gatt["level"].candidates)


async def test_a_ball_on_the_air_is_met_like_any_other_and_its_keys_press_its_button_and_lose_its_link() -> None:
    with terminal("simulate", "--hci", "vhci", "--profile", "button-ball") as screen:
        await asyncio.to_thread(screen.wait_for, r"is on the air by vhci; b presses its button")
        await power()
        async with unknot.connect("ButtonBall", simulate=UNGUARDED) as ball:
            assert ball.profile.id == "button-ball"
            await asyncio.to_thread(screen.wait_for, "s  connected")
            screen.press("b")
            await asyncio.to_thread(screen.wait_for, "motor at level 1 of 4")
            await until(lambda: ball.level == 1)
            screen.press("l")
            await until(lambda: ball.is_restoring)
            await until(lambda: ball.is_connected and not ball.is_restoring, 30)
            await asyncio.to_thread(screen.wait_for, "A5 00 A5 to level: stop")
            await asyncio.to_thread(screen.wait_for, "motor at level 0 of 4")
        screen.press("\x03")
        assert await asyncio.to_thread(screen.leave) == 0


async def test_a_handle_goes_stale_half_a_minute_after_the_scan_and_the_ball_is_found_all_the_same() -> None:
    async with KernelStage() as stage:
        sim = await stage.bring(SimulatedBall("button-ball"))
        async with unknot.connect(sim.address, simulate=stage.simulate) as ball:
            await ball.set_level(1)
            sim.drop_link(away=45.0)  # longer than bluetoothd remembers a ball that it does not hear
            await until(lambda: sim.level == 0, 90)
            await until(lambda: not ball.is_restoring, 10)
        assert [level for _, level in sim.trace.points] == [1, 0]


async def test_a_ball_in_silence_is_lost_after_the_supervision_time_out_and_stopped_when_it_is_back() -> None:
    async with KernelStage() as stage:
        sim = await stage.bring(SimulatedBall("button-ball"))
        async with unknot.connect(sim.address, simulate=stage.simulate) as ball:
            await ball.set_level(2)
            stage.link.fall_silent(3.0)
            await until(lambda: ball.is_restoring, 3)
            assert sim.level == 2
            await until(lambda: sim.level == 0, 30)
        assert [level for _, level in sim.trace.points] == [2, 0]


async def test_an_inspection_tells_the_table_that_the_ball_has() -> None:
    async with KernelStage() as stage:
        sim = await stage.bring(SimulatedBall("vibmotor-3"))
        seen = await unknot.inspect(sim.address, simulate=stage.simulate)
        uuids = [one.uuid for service in seen.services for one in service.characteristics]
        assert "9a511a2d-594f-4e2b-b123-5f739a2d594f" in uuids
        assert sim.trace.points == ()
