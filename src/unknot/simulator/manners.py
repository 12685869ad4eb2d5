"""What a simulated firmware wants before it obeys: a dialogue, a press of its button, a start, time between commands.

Pure; used by the simulated firmware. All of it is read off the profile, so a profile that forgets a step of the
dialogue is found out by its own simulator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unknot.profiles.model import FirmwareProfile
    from unknot.profiles.phrases import Step

PRESSED_AFTER = 1.0
"""Seconds after which the person at a simulated ball presses the button that they are asked for (made up)."""

CLOCK_EPSILON = 1e-6
"""Slack in seconds for float arithmetic."""


class Manners:
    """How far one link has come.

    Args:
        profile: what is wanted.

    Attributes:
        press_at: when the person is going to press the button that they were asked for, or None.
        is_started: whether what goes before a level has been said.
    """

    def __init__(self, profile: FirmwareProfile) -> None:
        self._steps = profile.init
        self._spacing = profile.safety.spacing
        self._has_start = profile.commands.start is not None
        self.begin()

    def begin(self) -> None:
        """A new link: nothing has been said yet."""
        self._wanted = [
            number
            for number, step in enumerate(self._steps)
            if not step.optional and (step.write is not None or step.press)
        ]
        self._heard_at: float | None = None
        self.press_at: float | None = None
        self.is_started = False

    @property
    def is_locked(self) -> bool:
        """Whether the dialogue has not been held to its end."""
        return bool(self._wanted)

    def is_too_soon(self, now: float) -> bool:
        """Whether a write comes before the ball listens again; it is not heard."""
        too_soon = self._heard_at is not None and now < self._heard_at + self._spacing - CLOCK_EPSILON
        if not too_soon:
            self._heard_at = now
        return too_soon

    @property
    def needs_start(self) -> bool:
        """Whether a level is not taken because what goes before it has not been said."""
        return self._has_start and not self.is_started

    def hear_steps(self, numbers: Sequence[int], now: float) -> tuple[Step, ...]:
        """A write was heard that is these steps of the dialogue; the steps in which its client waits to be told more.

        A write that stands twice is the step whose turn it is. One that is out of turn is answered, and does not count.
        """
        number = next((number for number in numbers if self._wanted[:1] == [number]), numbers[0])
        if self._wanted[:1] == [number]:
            self._wanted.pop(0)
        told = []
        for at, following in self._following(number):
            if following.press:
                if self._wanted[:1] == [at]:
                    self.press_at = now + PRESSED_AFTER
                break
            if following.expect is not None:
                told.append(following)
        return tuple(told)

    def begin_dialogue(self, now: float) -> None:
        """The link stands; a dialogue may begin with a press of the button."""
        if (
            self._wanted
            and self._steps[self._wanted[0]].press
            and not any(step.write is not None for step in self._steps[: self._wanted[0]])
        ):
            self.press_at = now + PRESSED_AFTER

    def press(self) -> Step | None:
        """The button is pressed; the step that waits for it if it was asked for."""
        was_asked_for, self.press_at = self.press_at is not None, None
        return self._steps[self._wanted.pop(0)] if was_asked_for and self._wanted else None

    def _following(self, number: int) -> list[tuple[int, Step]]:
        """The steps up to the next write: what the ball says by itself after this one."""
        following = []
        for at in range(number + 1, len(self._steps)):
            if self._steps[at].write is not None:
                break
            following.append((at, self._steps[at]))
        return following
