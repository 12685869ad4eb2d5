"""Tells the state of one ball to the broker: on change, but not more often than eyes can follow; for the station."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from unknot.bridge.reports import BallState, tell
from unknot.bridge.topics import OFFLINE, ONLINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from unknot.bridge.gateway.outbox import Outbox
    from unknot.bridge.topics import BallTopics

STATE_SECONDS = 0.25
"""A state is told at most that often while levels rise: four times a second looks alive (judgement)."""

REMAINING_SECONDS = 10.0
"""How often the time that is left is told: whoever records states records each (Home Assistant does)."""


class Telling:
    """The state and the availability of one ball; nothing is told of a ball that has not been announced.

    Args:
        topics: the ball's.
        outbox: where it is told.
        state: makes the state that holds now, its ``seq`` left out.
        goes_on: whether the time that is left runs down now.
    """

    def __init__(
        self, topics: BallTopics, outbox: Outbox, state: Callable[[], BallState], goes_on: Callable[[], bool]
    ) -> None:
        self.is_announced = False
        self._topics = topics
        self._outbox = outbox
        self._state = state
        self._goes_on = goes_on
        self._told: BallState | None = None
        self._told_at = -STATE_SECONDS
        self._timer: asyncio.TimerHandle | None = None

    def announce(self, *, is_there: bool) -> None:
        """Say that there is such a ball, and whether its link stands."""
        self.is_announced = True
        self._outbox.keep(self._topics.availability, ONLINE if is_there else OFFLINE)
        self.now()

    def withdraw(self) -> None:
        """Say nothing of it any more: another gateway has it."""
        self.is_announced = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for topic in (self._topics.availability, self._topics.state):
            self._outbox.keep(topic, "")

    def soon(self) -> None:
        """Something changed: the state is told at once, or together with what follows closely."""
        now = asyncio.get_running_loop().time()
        if self._timer is not None and self._timer.when() <= now + STATE_SECONDS:
            return
        self._set_timer(max(now, self._told_at + STATE_SECONDS))

    def now(self) -> None:
        """Tell the state, whether it has changed or not."""
        self._clear_timer()
        if not self.is_announced:
            return
        loop = asyncio.get_running_loop()
        self._told_at = loop.time()
        seq = 0 if self._told is None else self._told.seq
        state = self._state().model_copy(update={"seq": seq})
        if state != self._told:
            state = state.model_copy(update={"seq": seq + 1})
        self._told = state
        self._outbox.keep(self._topics.state, tell(state))
        self._outbox.again(self._topics.state)
        if self._goes_on():
            self._set_timer(self._told_at + REMAINING_SECONDS)

    def _set_timer(self, when: float) -> None:
        self._clear_timer()
        self._timer = asyncio.get_running_loop().call_at(when, self.now)

    def _clear_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
