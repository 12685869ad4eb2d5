"""What has been told of a session elsewhere and how it came out; `remote_session` hands it on."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from unknot import errors, events
from unknot.errors import LinkError, NotStopped
from unknot.events import EndReason, StopOutcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from unknot.errors import UnknotError

log = logging.getLogger(__name__)


class Story:
    """The events of one session, for whoever iterates and for listeners, until it is over.

    Args:
        stop: called when a listener has failed.

    Attributes:
        over: set once the session has ended, or we have lost sight of it.
        ended: the last event; None for ever if we have lost sight of it.
        failure: what leaving the session raises.
    """

    def __init__(self, stop: Callable[[], None]) -> None:
        self.over = asyncio.Event()
        self.ended: events.Ended | None = None
        self.failure: BaseException | None = None
        self._stop = stop
        self._told: asyncio.Queue[events.Event | None] = asyncio.Queue()
        self._listeners: list[Callable[[events.Event], None]] = []

    def listen(self, listener: Callable[[events.Event], None]) -> None:
        """Have every event told to a function."""
        self._listeners.append(listener)

    async def next(self) -> events.Event | None:
        """The next event; None at the end."""
        event = await self._told.get()
        if event is None:
            self._told.put_nowait(None)  # for whoever else iterates
        return event

    def tell(self, event: events.Event) -> None:
        """Something happened; nothing does after the end."""
        if self.over.is_set():
            return
        self._told.put_nowait(event)
        if isinstance(event, events.Ended):
            self.ended = event
            self.failure = _failure_of(event, self.failure)
            self._end()
        for listener in self._listeners:
            try:
                listener(event)
            except (Exception, asyncio.CancelledError) as error:
                log.exception("a listener failed, so the session ends")
                self.failure = self.failure or error
                self._stop()

    def lose(self, error: UnknotError) -> None:
        """We have lost sight of it: nobody will tell how it ends. That the motor may run on outranks all else."""
        if not self.over.is_set():
            self.failure = error if isinstance(error, NotStopped) else self.failure or error
            self._end()

    async def end(self) -> events.Ended:
        """Wait for the end; the last event. Raises what failed if there is none."""
        await self.over.wait()
        if self.ended is None:
            raise self.failure or NotStopped
        return self.ended

    def _end(self) -> None:
        self.over.set()
        self._told.put_nowait(None)


def _failure_of(event: events.Ended, known: BaseException | None) -> BaseException | None:
    """What leaving raises after this end."""
    detail = errors.in_one_line(event.detail)
    if event.stop is StopOutcome.UNKNOWN:
        failure = NotStopped(detail)
        failure.__cause__ = known
        return failure
    if known is None and event.reason is EndReason.FAILED:
        return LinkError(detail or "the session failed at the gateway")
    return known
