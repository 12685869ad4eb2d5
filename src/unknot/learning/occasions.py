"""When the app said what it said: by itself after connecting, or only while the motor ran; used by `saying`.

A profile's greeting and its keep-alives are said to a ball that nobody has asked to move. What a person may have caused
by a press on a button of the app, such as a start, must never be among them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unknot.learning.company import is_level

if TYPE_CHECKING:
    from unknot.learning.lesson import Lesson
    from unknot.learning.steps import Step

GREETING_PAUSE = 1.0
"""Seconds between two things that an app does by itself after connecting, at most; a person who sees that it is
connected and presses something takes longer (judgement)."""

GREETING_MOST = 6.0
"""Seconds after connecting within which an app has greeted a ball (judgement: a phone asks for the table for two)."""


def greeting(lesson: Lesson) -> list[Step]:
    """What the app wrote by itself after connecting, before the first level; each message once."""
    levels = lesson.levels
    never = {step.meaning for step in (*levels.before, *levels.after, *levels.stop)} if levels is not None else set()
    found: dict[tuple[int, object], Step] = {}
    for step in _unasked(lesson):
        if step.group.is_constant and step.meaning not in never:
            found.setdefault(step.meaning, step)
    return list(found.values())


def _unasked(lesson: Lesson) -> list[Step]:
    """The writes before the first level that follow a connection, or each other, sooner than a person can press."""
    first = lesson.levels.first if lesson.levels is not None else float("inf")
    found: list[Step] = []
    for began, busy in lesson.device.arrivals:
        last = busy
        for step in lesson.said:
            if step.time < began:
                continue
            if step.time > min(last + GREETING_PAUSE, began + GREETING_MOST, first) or step.time == first:
                break
            if step.meaning not in lesson.steady:
                last = max(last, step.time)
                found.append(step)
    return found


def is_only_while_running(lesson: Lesson, meaning: tuple[int, object]) -> bool:
    """Whether a message was only ever said while the motor ran, so that it may be what makes it run."""
    levels = lesson.levels
    if levels is None:
        return False
    stops = {step.meaning for step in levels.stop}
    is_running = False
    for step in lesson.said:
        if step.meaning == meaning and not is_running:
            return False
        if step.group is levels.group:
            is_running = is_level(levels, step)
        elif step.meaning in stops:
            is_running = False
    return True
