"""Reaching a level by relative commands: which step comes next; used by the ball's writer and by ``unknot show``.

A step is taken until the ball itself says that it is there; nobody counts blindly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from unknot.profiles.model import FirmwareProfile
    from unknot.profiles.speech import Key

STOP: Literal["stop"] = "stop"
"""What is said instead of a step where only off leads downwards."""


class Stepper:
    """Knows where the ball is and where the next step leads.

    Args:
        profile: which steps there are.

    Attributes:
        told: the level that the ball told last, or None while nobody knows where it is.
    """

    def __init__(self, profile: FirmwareProfile) -> None:
        self.told: int | None = None
        self._steps = profile.commands.steps
        self._left: int | None = None
        self._moved: Callable[[], None] | None = None

    def forget(self) -> None:
        """A new link begins."""
        self.told = self._left = self._moved = None

    def depart(self, moved: Callable[[], None]) -> None:
        """A step is being taken: nobody knows where the ball is until it tells another level than it had.

        Args:
            moved: called when it does.
        """
        self._left, self.told, self._moved = self.told, None, moved

    def doubt(self) -> None:
        """The step should have been told by now: whatever the ball tells next is where it is."""
        self._left = self._moved = None

    def rest(self) -> None:
        """The ball was stopped, and acknowledged it."""
        self.told, self._left, self._moved = 0, None, None

    def hear(self, level: int) -> None:
        """The ball told its level."""
        if self.told is None and level == self._left:
            return  # told before the step was taken, or the step was lost
        self.told, self._left = level, None
        moved, self._moved = self._moved, None
        if moved is not None:
            moved()

    def next_step(self, level: int) -> Key | Literal["stop"] | None:
        """The command that leads from the told level towards ``level``, or None if it is there.

        No step ever leads above the level that is wanted: where there is no way down, it is off and up again.
        """
        present = self.told or 0
        if present == level:
            return None
        if present > level:
            return "down" if "down" in self._steps else STOP
        if present == 0 and "toggle" in self._steps:
            return "toggle"
        return "up" if "up" in self._steps else "next"
