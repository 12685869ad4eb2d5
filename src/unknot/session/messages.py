"""What the player hears (inputs) and what it wants done (effects); spoken between `player` and `session`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from unknot.events import Event, StopOutcome
from unknot.protocols.timeline import Timeline


class OnLinkRestored(StrEnum):
    """What a session does when a lost link is back and the motor has been stopped."""

    PAUSE = "pause"
    """Wait until the person goes on: whoever lies on the ball may have got up."""
    RESUME = "resume"
    """Go on, easing in, unless it was paused before, or the ball came back under another address."""
    END = "end"
    """End: the session has failed."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Start the protocol; said once."""


@dataclass(frozen=True, slots=True)
class Wake:
    """The player's deadline has come."""


@dataclass(frozen=True, slots=True)
class Pause:
    """The person wants a pause."""


@dataclass(frozen=True, slots=True)
class Resume:
    """The person is ready to go on."""


@dataclass(frozen=True, slots=True)
class Skip:
    """The person wants the next step."""


@dataclass(frozen=True, slots=True)
class Adjust:
    """The person wants another intensity: the same steps at other levels, from now on."""

    timeline: Timeline


@dataclass(frozen=True, slots=True)
class End:
    """The person or the script wants the end."""


@dataclass(frozen=True, slots=True)
class Fail:
    """The ball or the way to it failed."""

    detail: str


@dataclass(frozen=True, slots=True)
class Written:
    """A level was written: due when, done when (times of the loop)."""

    level: int
    due: float
    at: float


@dataclass(frozen=True, slots=True)
class Stopped:
    """A stop was written, or could not be: due when, the motor off since when, or at the latest (times of the loop)."""

    outcome: StopOutcome
    due: float
    at: float


@dataclass(frozen=True, slots=True)
class Observed:
    """The ball changed its level by itself."""

    level: int


@dataclass(frozen=True, slots=True)
class Lapsed:
    """The ball stopped by itself, because a renewal of its lease came too late."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The link is gone; the level that the motor may have had then, and since when (time of the loop).

    Both are filled in when the player is told: while a stop waited for the link, what is known may have changed.
    """

    detail: str
    level: int = 0
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Restored:
    """The link is back: what is known of the stop, off since when (time of the loop), and at which address."""

    outcome: StopOutcome
    at: float
    address: str
    is_same: bool


Input = (
    Begin | Wake | Pause | Resume | Skip | Adjust | End | Fail | Written | Stopped | Observed | Lapsed | Lost | Restored
)


@dataclass(frozen=True, slots=True)
class SetLevel:
    """Write this level, due at this time of the loop."""

    level: int
    due: float


@dataclass(frozen=True, slots=True)
class StopMotor:
    """Stop the motor; answered by `Stopped`."""

    due: float


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the listeners."""

    event: Event


Effect = SetLevel | StopMotor | Tell
