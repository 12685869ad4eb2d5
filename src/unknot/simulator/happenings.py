"""What can happen to a simulated ball that is put where other programs meet it; told to whoever keeps it there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from unknot.simulator.ball import SimulatedBall


class What(StrEnum):
    """What can happen to a ball."""

    CONNECTED = "connected"
    """A program asked for the link, and the ball took it."""
    JOINED = "joined"
    """A program got a link that stood already: another program's, or an orphan."""
    ORPHANED = "orphaned"
    """The last program on the link has died without disconnecting; the link stands."""
    DISCONNECTED = "disconnected"
    """A program asked for the end of the link."""
    LOST = "lost"
    """The link is gone without anybody asking."""
    WRITTEN = "written"
    """A value was written."""
    LEVEL = "level"
    """The motor has another level."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a ball.

    Attributes:
        at: when, in seconds on the loop's clock.
        ball: to which.
        what: what.
        level: the level that it has.
        role: the characteristic that was written, by its name in the profile; else empty.
        data: what was written.
    """

    at: float
    ball: SimulatedBall
    what: What
    level: int
    role: str = ""
    data: bytes = b""


def observe(ball: SimulatedBall, tell: Callable[[Happening], None]) -> None:
    """Tell what is written to a ball and what its motor does, from now on; links are told by whoever makes them."""

    def written(role: str, data: bytes) -> None:
        tell(Happening(asyncio.get_running_loop().time(), ball, What.WRITTEN, ball.level, role, data))

    ball.witness(written)
    ball.firmware.motor.watch(lambda at, level: tell(Happening(at, ball, What.LEVEL, level)))
