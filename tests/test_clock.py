from __future__ import annotations

import asyncio
import math
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unknot.clock import FastLoop, VirtualTimeLoop


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize("seconds", [2.5, 0.1, 1e-6, 3600, 86400 * 30])
async def test_after_a_sleep_it_is_exactly_that_much_later(seconds: float) -> None:
    assert now() == 0
    await asyncio.sleep(seconds)
    assert now() == seconds


async def test_many_small_sleeps_add_up() -> None:
    for _ in range(1000):
        await asyncio.sleep(0.1)
    assert now() == pytest.approx(100, abs=1e-9)


@pytest.mark.parametrize("start", [0, 0.1, 1e3, 1e6])
async def test_a_callback_reads_its_own_deadline_and_not_less(start: float) -> None:
    await asyncio.sleep(start)
    read: list[tuple[float, float]] = []
    for tenths in range(1, 50):
        due = start + tenths / 10
        asyncio.get_running_loop().call_at(due, lambda due=due: read.append((due, now())))  # type: ignore[misc]
    await asyncio.sleep(6)
    assert [at for _, at in read] == [due for due, _ in read]
    assert len(read) == 49


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=20))
def test_every_timer_fires_when_it_is_due_and_in_order(delays: list[float]) -> None:
    fired: list[tuple[float, float]] = []

    def fire(delay: float) -> None:
        fired.append((delay, now()))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for delay in delays:
            loop.call_at(delay, fire, delay)
        await asyncio.sleep(max(delays) + 1)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())
    assert [delay for delay, _ in fired] == sorted(delays)
    assert all(at == pytest.approx(delay, abs=2e-9) for delay, at in fired)


async def test_a_timer_in_the_past_fires_at_once_and_time_stands_still() -> None:
    await asyncio.sleep(10)
    fired = asyncio.Event()
    asyncio.get_running_loop().call_at(3, fired.set)
    await fired.wait()
    assert now() == 10


async def test_yielding_takes_no_time() -> None:
    for _ in range(100):
        await asyncio.sleep(0)
    assert now() == 0


async def test_a_timeout_passes_when_it_is_due() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(30):
            await asyncio.Event().wait()
    assert now() == 30


async def test_a_cancelled_timer_is_not_waited_for() -> None:
    asyncio.get_running_loop().call_later(1000, lambda: None).cancel()
    await asyncio.sleep(1)
    assert now() == 1


async def test_an_hour_of_work_takes_milliseconds() -> None:
    began = time.perf_counter()
    for _ in range(3600):
        await asyncio.sleep(1)
    assert now() == 3600
    assert time.perf_counter() - began < 2


async def test_sockets_still_work_and_go_before_timers() -> None:
    left, right = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=left)
    loop = asyncio.get_running_loop()
    right.setblocking(False)
    loop.call_later(5, right.send, b"hello\n")
    assert await reader.readline() == b"hello\n"
    assert now() == 5
    writer.write(b"and back")
    await writer.drain()
    heard = asyncio.Event()
    loop.add_reader(right, heard.set)
    timer = loop.call_later(1000, heard.set)
    await heard.wait()
    assert now() == 5
    assert right.recv(100) == b"and back"
    timer.cancel()
    loop.remove_reader(right)
    writer.close()
    await writer.wait_closed()
    right.close()


async def test_a_thread_is_heard_when_nothing_else_is_due() -> None:
    assert await asyncio.to_thread(lambda: 7) == 7


@pytest.mark.real_time
def test_a_fast_loop_is_about_as_fast_as_it_says() -> None:
    async def main() -> float:
        before = now()
        await asyncio.sleep(10)
        return now() - before

    began = time.perf_counter()
    with asyncio.Runner(loop_factory=lambda: FastLoop(50)) as runner:
        passed = runner.run(main())
    wall = time.perf_counter() - began
    assert passed >= 10
    assert 0.2 <= wall < 1


@pytest.mark.parametrize("speed", [0, -1, -math.inf, math.nan])
def test_a_speed_that_is_none_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed must be above 0"):
        FastLoop(speed)


def test_the_tests_themselves_run_in_virtual_time() -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert isinstance(runner.get_loop(), FastLoop)
