"""What passes between a program and a ball, as values: commands and writes one way, reports and refusals the other.

Used by whoever speaks through a codec: the ball, the simulated ball, ``unknot show``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unknot.profiles.writekind import WriteKind

Key = Literal["up", "down", "next", "toggle"]
"""The relative commands."""

Values = dict[str, float | str]
"""What is said or told, by slot name, in the profile's units."""


@dataclass(frozen=True, slots=True)
class SetLevel:
    """Vibrate at a level, from 1 to the highest; off is `Stop`.

    Attributes:
        lease: seconds that the command stays valid, or None where the profile has no lease.
        sequence: a number that the ball may repeat in its reports.
    """

    level: int
    lease: float | None = None
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Start:
    """What goes before a level while the motor is off; attributes as of `SetLevel`."""

    level: int = 0
    lease: float | None = None
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Press:
    """A relative command."""

    key: Key
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Stop:
    """Motor off, at once."""

    sequence: int = 0


Command = SetLevel | Start | Press | Stop


@dataclass(frozen=True, slots=True)
class Line:
    """A write that is no command: a step of the dialogue, a keep-alive, or the query that tells variants apart.

    Attributes:
        part: which of them.
        number: its place in the file, from 0.
    """

    part: Literal["init", "keep_alive", "ask"]
    number: int = 0


@dataclass(frozen=True, slots=True)
class Write:
    """One write.

    Attributes:
        to: the characteristic's name in the profile.
        data: the bytes.
        kind: how to write them.
        pause: seconds before whatever follows.
        answer: the report to wait for before anything else is said, or None.
        goes_on: whether it is a piece of a frame whose next piece must follow, whatever else is asked for.
    """

    to: str
    data: bytes
    kind: WriteKind
    pause: float = 0.0
    answer: str | None = None
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What the ball told.

    Attributes:
        name: the report's name in the profile.
        values: what it says by slot name: level (device steps), lease (s), sequence, temperature (°C),
            battery (%), fault (a code or a name, 0 = none), firmware (text), or a name of the profile's own.
    """

    name: str
    values: Mapping[str, float | str] = field(default_factory=dict)

    @property
    def level(self) -> int | None:
        """The applied level, if the report tells it; what is more than off is at least 1."""
        level = self.values.get("level")
        if level is None or isinstance(level, str):
            return None
        return max(1, round(level)) if level > 0 else 0


@dataclass(frozen=True, slots=True)
class Refused:
    """The ball says that it will not.

    Attributes:
        name: the refusal's name in the profile.
        means: why: "busy", "low-battery", "locked", "out-of-range" or "other".
        values: what else it says by slot name.
    """

    name: str
    means: str
    values: Mapping[str, float | str] = field(default_factory=dict)
