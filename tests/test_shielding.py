from __future__ import annotations

import asyncio

import pytest

from unknot.shielding import finish


class Work:
    """Three seconds of work that remembers how far it came."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.done_at: float | None = None
        self.done = asyncio.Event()

    async def do(self) -> str:
        await asyncio.sleep(3)
        self.done_at = asyncio.get_running_loop().time()
        self.done.set()
        if self.error is not None:
            raise self.error
        return "done"


async def test_the_result_comes_through() -> None:
    assert await finish(Work().do) == "done"


async def test_an_exception_comes_through_with_its_own_identity() -> None:
    error = OSError("no")
    with pytest.raises(OSError, match="no") as raised:
        await finish(Work(error).do)
    assert raised.value is error


async def test_work_without_waiting_is_done_too() -> None:
    async def quick() -> int:
        return 5

    assert await finish(quick) == 5


@pytest.mark.parametrize("moments", [[0], [1], [1, 2], [1, 1], [0, 1, 2, 2.9]])
async def test_a_cancellation_waits_for_the_work_and_then_goes_on(moments: list[float]) -> None:
    work = Work()
    task = asyncio.create_task(finish(work.do))
    for moment in moments:
        await asyncio.sleep(moment - asyncio.get_running_loop().time())
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.done_at == 3
    assert asyncio.get_running_loop().time() == 3
    assert task.cancelled()


async def test_a_task_cancelled_before_it_came_here_still_does_the_work() -> None:
    work = Work()

    async def caller() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await finish(work.do)

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(caller())
    assert work.done_at == 3


async def test_a_cancellation_in_the_moment_of_the_end_is_not_lost() -> None:
    work = Work()
    task = asyncio.create_task(finish(work.do))
    await work.done.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_after_the_end_changes_nothing() -> None:
    task = asyncio.create_task(finish(Work().do))
    assert await task == "done"
    assert not task.cancel()
    assert task.result() == "done"


async def test_a_failure_is_kept_as_the_cause_of_the_cancellation() -> None:
    error = OSError("no")
    task = asyncio.create_task(finish(Work(error).do))
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as raised:
        await task
    assert raised.value.__cause__ is error


async def test_a_deadline_of_the_caller_is_told_after_the_work() -> None:
    work = Work()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await finish(work.do)
    assert work.done_at == 3


async def test_work_that_is_cancelled_itself_says_so() -> None:
    async def gives_up() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await finish(gives_up)
