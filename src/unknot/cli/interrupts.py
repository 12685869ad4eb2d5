"""What a signal means while something plays: stop the motor first, then leave; used by `unknot.cli.playing`."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGTSTP") if hasattr(signal, name)
]
"""Ctrl-C, a polite kill, a closed terminal, Ctrl-\\ and Ctrl-Z: a program that sleeps cannot stop a motor. Windows has
only the first two."""


class Interrupts:
    """Catches signals for the length of a ``with`` block.

    Attributes:
        happened: whether one came.
    """

    def __init__(self) -> None:
        self.happened = False
        self._task = asyncio.current_task()
        self._stop: Callable[[], None] | None = None
        self._give_up: Callable[[], None] | None = None

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            with suppress(NotImplementedError):  # Windows: there Ctrl-C cancels the task, which stops as well
                loop.add_signal_handler(number, self._interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            with suppress(NotImplementedError):
                loop.remove_signal_handler(number)

    def stop_with(self, stop: Callable[[], None], give_up: Callable[[], None]) -> None:
        """From now on a signal calls ``stop`` instead of cancelling the task, and a further one ``give_up``."""
        self._stop, self._give_up = stop, give_up
        if self.happened:
            stop()

    def _interrupt(self) -> None:
        again, self.happened = self.happened, True
        if self._stop is not None and self._give_up is not None:
            (self._give_up if again else self._stop)()
        elif self._task is not None:
            self._task.cancel()
