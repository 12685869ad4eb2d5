"""What the player hears (inputs) and what it wants done (effects); spoken between `player` and `session`."""

from __future__ import annotations

from dataclasses import dataclass

from unknot.events import Event, StopOutcome


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
    """A stop was written, or could not be: due when, the motor off since when (times of the loop)."""

    outcome: StopOutcome
    due: float
    at: float


@dataclass(frozen=True, slots=True)
class Observed:
    """The ball changed its level by itself."""

    level: int


Input = Begin | Wake | Pause | Resume | Skip | End | Fail | Written | Stopped | Observed


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
