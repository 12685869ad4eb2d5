"""Says what happens to a simulated ball that others meet, for people and for programs; used by ``unknot simulate``."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from unknot.errors import FrameError
from unknot.profiles.codec import Codec
from unknot.profiles.speech import Line, Press, SetLevel, Start, Stop

if TYPE_CHECKING:
    from unknot.profiles.speech import Command
    from unknot.simulator.ball import SimulatedBall
    from unknot.simulator.happenings import Happening

_WORDS = {
    "connected": "connected",
    "joined": "another program has got the link",
    "orphaned": "the program on the link has died; the link stands",
    "disconnected": "disconnected",
    "lost": "the link is lost",
}


class Witness:
    """Reads what is written to a ball as the ball reads it, so that it can be told in words.

    Args:
        ball: the ball.
        began: the time of the loop that is told as 0.
    """

    def __init__(self, ball: SimulatedBall, began: float) -> None:
        self._ball = ball
        self._began = began
        self._reader = Codec(ball.profile).reader()

    def ready(self) -> dict[str, Any]:
        """The ball, for programs, before anything has happened to it."""
        ball = self._ball
        facts = {"event": "ready", "address": ball.address, "name": ball.name, "profile": ball.profile.id}
        return {**facts, "levels": ball.profile.motor.levels}

    def line(self, happening: Happening) -> str:
        """What happened, in a line."""
        at = f"{happening.at - self._began:>9.3f} s  "
        if happening.what == "written":
            means = self._means(happening) or "nothing that the profile knows"
            return f"{at}{_hex(happening.data)} to {happening.role}: {means}"
        levels = happening.ball.profile.motor.levels
        return at + _WORDS.get(happening.what, f"motor at level {happening.level} of {levels}")

    def as_dict(self, happening: Happening) -> dict[str, Any]:
        """What happened; ``at`` is the monotonic clock, which all processes share, ``time`` that of the calendar."""
        ago = asyncio.get_running_loop().time() - happening.at
        told: dict[str, Any] = {
            "event": happening.what.value,
            "at": round(happening.at, 6),
            "time": round(time.time() - ago, 6),
            "address": happening.ball.address,
            "level": happening.level,
        }
        if happening.what == "written":
            told |= {"to": happening.role, "bytes": _hex(happening.data), "means": self._means(happening)}
        return told

    def _means(self, happening: Happening) -> str | None:
        """What a write asks for, in the words of a profile; None if the profile has no such write."""
        try:
            message = self._reader.feed(happening.role, happening.data)
        except FrameError:
            return None
        return "a part of a command" if message is None else _said(message)


def _said(message: Command | Line) -> str:
    match message:
        case Stop():
            return "stop"
        case SetLevel(level=level):
            return f"level {level}"
        case Start():
            return "start"
        case Press(key=key):
            return f"press {key}"
        case _:
            return "a step of the dialogue, or what keeps the link alive"


def _hex(data: bytes) -> str:
    return data.hex(" ").upper()
