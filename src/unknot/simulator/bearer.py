"""What carries the data of one simulated link, both ways, in order and no faster than its radio; used by the ball.

As on a real ATT bearer nothing overtakes anything on its way to the ball, and what is under way when the link ends is
gone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from unknot.simulator.firmware import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class LinkEnded(ConnectionError):
    """The link ended before an operation on it was done."""


class Bearer:
    """The data of one link.

    Args:
        next_event: tells when (time of the loop) the radio moves the next data.
    """

    def __init__(self, next_event: Callable[[], float]) -> None:
        self._next_event = next_event
        self._has_ended = False
        self._inward: deque[Callable[[], None]] = deque()
        self._inward_until = 0.0
        self._outward: deque[tuple[Callable[[bytes], None], bytes]] = deque()
        self._waiting: set[asyncio.Future[Any]] = set()

    @property
    def is_busy(self) -> bool:
        """Whether something is under way to the ball that what is sent now must not overtake."""
        return bool(self._inward)

    def end(self) -> None:
        """The link has ended: nothing arrives any more, and whoever waits for something hears of it at once."""
        self._has_ended = True
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(LinkEnded())

    def queue(self, arrive: Callable[[], None], late: float = 0.0) -> bool:
        """Have something arrive at the ball, not before what is under way already; whether it is there now.

        A `Refusal` that it raises tells nobody.
        """
        loop = asyncio.get_running_loop()
        self._inward.append(arrive)
        arrival = max(self._next_event() + late, self._inward_until)
        if arrival <= loop.time():
            self._arrive()
            return True
        self._inward_until = arrival
        loop.call_at(arrival, self._arrive)
        return False

    async def in_turn(self, do: Callable[[], T], late: float = 0.0) -> T:
        """Have something done at the ball after all that is under way to it; what came of it there.

        Raises:
            Refusal: it was refused.
            LinkEnded: the link has ended.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def arrive() -> None:
            try:
                result = do()
            except Refusal as refusal:
                if not done.done():  # whoever asked may have given up; what is under way arrives all the same
                    done.set_exception(refusal)
            else:
                if not done.done():
                    done.set_result(result)

        self.queue(arrive, late)
        return await self._unless_ended(done)

    async def travel(self) -> None:
        """Wait until the radio moves the next data. Raises `LinkEnded` as soon as the link has ended."""
        loop, arrival = asyncio.get_running_loop(), self._next_event()
        if arrival <= loop.time():
            await asyncio.sleep(0)
            if self._has_ended:
                raise LinkEnded
            return
        moved: asyncio.Future[None] = loop.create_future()
        timer = loop.call_at(arrival, _settle, moved)
        try:
            await self._unless_ended(moved)
        finally:
            timer.cancel()

    async def wait_for_nothing(self) -> None:
        """Wait for what never comes. Raises `LinkEnded` as soon as the link has ended."""
        await self._unless_ended(asyncio.get_running_loop().create_future())

    def send(self, hear: Callable[[bytes], None], data: bytes) -> None:
        """Have the central hear something."""
        loop = asyncio.get_running_loop()
        self._outward.append((hear, data))
        arrival = self._next_event()
        if arrival <= loop.time():
            loop.call_soon(self._deliver)
        else:
            loop.call_at(arrival, self._deliver)

    def _arrive(self) -> None:
        arrive = self._inward.popleft()
        if not self._has_ended:
            try:
                arrive()
            except Refusal:
                return

    def _deliver(self) -> None:
        hear, data = self._outward.popleft()
        if not self._has_ended:
            hear(data)

    async def _unless_ended(self, future: asyncio.Future[T]) -> T:
        self._waiting.add(future)
        try:
            return await future
        finally:
            self._waiting.discard(future)


def _settle(moved: asyncio.Future[None]) -> None:
    if not moved.done():  # the link may have ended at the same moment
        moved.set_result(None)
