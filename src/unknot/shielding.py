"""Finishing what must be finished: used wherever the motor is stopped, so that no cancellation can cut a stop short."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

T = TypeVar("T")


async def finish(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Do ``work`` to its end even if the caller is cancelled meanwhile, then let the cancellation go on.

    The work runs in a task of its own. If that very task is cancelled, as all tasks are when a loop is torn down, the
    work is begun once more in a new one, which the tear-down does not know; it may therefore be done twice.

    Args:
        work: a coroutine function without arguments, with a deadline of its own, that may be called again.

    Raises:
        asyncio.CancelledError: after the work is done, if the caller was cancelled.
        Exception: what the work raises.
    """
    task = asyncio.ensure_future(work())
    cancelled: asyncio.CancelledError | None = None
    again = True
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
        except Exception:  # noqa: BLE001, S110 - the task keeps it; it is raised below, by the result
            pass
        if task.cancelled() and again:
            again = False
            task = asyncio.ensure_future(work())
    if cancelled is not None:
        if not task.cancelled() and task.exception() is not None:
            raise cancelled from task.exception()
        raise cancelled
    return task.result()
