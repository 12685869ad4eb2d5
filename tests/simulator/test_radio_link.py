"""The air between virtual controllers keeps a radio's clock, loses what a radio loses, and breaks what is silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from bleak import BleakClient
from bleak.exc import BleakError

import unknot
from tests.stack.bumble_stage import BumbleStage
from tests.stack.stage import until
from unknot.device.radio import Radio
from unknot.simulator import SimulatedBall
from unknot.simulator.advertising import ADVERTISING_BYTES, advertisement, scan_response
from unknot.simulator.radio_link import SUPERVISION_SECONDS

LEVEL = "b0a71002-6b1e-4f3d-9c58-7e2d41a90f36"
ON = b"\xa5\x01\xa4"


def now() -> float:
    return asyncio.get_running_loop().time()


@asynccontextmanager
async def connected(stage: BumbleStage, lost: list[float]) -> AsyncIterator[BleakClient]:
    radio = stage.simulate
    assert isinstance(radio, Radio)
    ball = await stage.bring(SimulatedBall("button-ball"))
    client = BleakClient(ball.address, lambda _: lost.append(now()), backend=radio.client, **radio.options)
    async with client:
        yield client


@pytest.mark.parametrize("interval", [0.0075, 0.03, 0.05])
async def test_an_acknowledged_write_takes_two_connection_events(interval: float) -> None:
    async with BumbleStage(interval=interval) as stage, connected(stage, []) as client:
        began = now()
        for _ in range(10):
            await client.write_gatt_char(LEVEL, ON, response=True)
        assert (now() - began) / 10 == pytest.approx(2 * interval, rel=0.15)


async def test_what_is_lost_is_sent_again_at_a_later_event() -> None:
    async with BumbleStage(interval=0.03, loss=0.5) as stage, connected(stage, []) as client:
        began = now()
        for _ in range(100):
            await client.write_gatt_char(LEVEL, ON, response=True)
        assert (now() - began) / 100 == pytest.approx(2 * 0.03 / 0.5, rel=0.2)


async def test_a_short_silence_only_delays() -> None:
    lost: list[float] = []
    async with BumbleStage(interval=0.03) as stage, connected(stage, lost) as client:
        began = now()
        stage.link.fall_silent(SUPERVISION_SECONDS / 2)
        await client.write_gatt_char(LEVEL, ON, response=True)
        assert now() - began >= SUPERVISION_SECONDS / 2
        assert not lost


async def test_a_long_silence_breaks_the_connection_at_both_ends_after_the_supervision_time_out() -> None:
    lost: list[float] = []
    async with BumbleStage(interval=0.03) as stage, connected(stage, lost) as client:
        (ball,) = stage.air
        began = now()
        stage.link.fall_silent(2.0)
        with pytest.raises(BleakError):
            await client.write_gatt_char(LEVEL, ON, response=True)
        assert [at - began for at in lost] == [pytest.approx(SUPERVISION_SECONDS, abs=0.01)]
        assert not ball.is_connected


async def test_a_ball_that_came_back_is_heard_again() -> None:
    async with BumbleStage() as stage, connected(stage, []) as client:
        (ball,) = stage.air
        ball.drop_link(away=3.0)
        await until(lambda: not client.is_connected)
        began = now()
        while not await unknot.scan(simulate=stage.simulate, seconds=0.5):
            assert now() < began + 10
        assert 2.9 < now() - began < 4


async def test_a_long_name_is_whole_in_the_scan_response() -> None:
    ball = SimulatedBall("button-ball", name="A ball with a long name")
    assert len(advertisement(ball)) <= ADVERTISING_BYTES
    assert len(scan_response(ball)) <= ADVERTISING_BYTES
    async with BumbleStage() as stage:
        await stage.bring(ball)
        found = await unknot.scan(simulate=stage.simulate, seconds=2)
        assert [one.name for one in found] == ["A ball with a long name"]


async def test_how_strong_a_ball_is_heard_is_told() -> None:
    async with BumbleStage() as stage:
        await stage.bring(SimulatedBall("button-ball", rssi=-77))
        assert [one.rssi for one in await unknot.scan(simulate=stage.simulate, seconds=2)] == [-77]
