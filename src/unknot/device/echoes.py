"""Tells the echo of our own writes from a change that the ball made by itself; used by the ball.

A ball reports its level whoever changed it. What we have just written comes back as an echo, and sometimes late; what
the person pressed on the ball is news, and is adopted, never fought. Pure: the time is handed in.
"""

from __future__ import annotations

from collections import deque

from unknot.device.deadlines import OPERATION_SECONDS

ECHO_SECONDS = 2 * OPERATION_SECONDS
"""How long a report may lag behind the write that caused it; a level that comes later is the ball's own (judgement)."""


class Echoes:
    """Remembers what was written and what was reported."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew: what was written on a link that is gone is not reported on the next one."""
        self._reported: int | None = None
        self._expected: deque[tuple[int, float]] = deque()
        self._acknowledged: float | str | None = None
        self._overruled = False  # the ball changed its level by itself since our last command

    def command(self, level: int, present: int, now: float) -> None:
        """A level is being written, where ``present`` is the one so far."""
        self._overruled = False
        if level != present:
            self._drop_old(now)
            self._expected.append((level, now + ECHO_SECONDS))

    def follow(self, level: int, now: float) -> None:
        """Take a level that is reported while steps are taken: our doing, and what the next one is compared with."""
        self._reported = level
        self._is_echo(level, now)

    def hear(self, level: int, present: int, now: float, *, sequence: float | str | None, sent: int) -> bool:
        """Take a reported level; whether it is the ball's own doing.

        Args:
            level: the reported level.
            present: the level as we know it.
            now: time of the loop.
            sequence: the number of the last command that the ball took, or None if its reports have none.
            sent: the number of our newest command.
        """
        answers = self._answers(sequence)
        refuses = answers and sequence == sent and level == 0  # took a level above 0 and does not run: a fault
        if level == self._reported and not refuses:
            return False
        self._reported = level
        if self._is_echo(level, now):
            # Our newest write is news only if the ball changed its level while it was on its way.
            ours = bool(self._expected) or not self._overruled
        else:
            # A first answer tells what the ball made of our level, which is another one if its motor has fewer steps.
            ours = answers and not self._overruled and level > 0
        if ours or level == present:
            return False
        self._overruled = True
        return True

    def _answers(self, sequence: float | str | None) -> bool:
        if sequence is None or sequence == self._acknowledged:
            return False
        self._acknowledged = sequence
        return True

    def _is_echo(self, level: int, now: float) -> bool:
        """Whether we wrote that level a moment ago; earlier ones will not be reported any more."""
        self._drop_old(now)
        if level not in (expected for expected, _ in self._expected):
            return False
        while self._expected.popleft()[0] != level:
            pass
        return True

    def _drop_old(self, now: float) -> None:
        while self._expected and self._expected[0][1] < now:
            self._expected.popleft()
