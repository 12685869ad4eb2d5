"""What a session says happened: frozen records that the CLI, scripts, the journal and the bridge listen to.

``at`` is always seconds since the session began, on the session's own clock. `as_dict` gives the form that
``unknot run --json`` prints, one event a line.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, ClassVar


class StopOutcome(StrEnum):
    """What is known about a stop. Nothing better is ever claimed."""

    CONFIRMED = "confirmed"
    """The ball acknowledged the request, or reported level 0 afterwards."""
    SENT = "sent"
    """The stop went out without error, and this ball has no way to acknowledge it."""
    UNKNOWN = "unknown"
    """It could not be written: the motor may still run."""


class EndReason(StrEnum):
    """Why a session ended."""

    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Event:
    """The base of all events."""

    name: ClassVar[str] = "event"
    at: float


@dataclass(frozen=True, slots=True)
class Started(Event):
    """The session began: which protocol on which ball, and how long it will take (s)."""

    name: ClassVar[str] = "started"
    muscle: str
    title: str
    side: str
    profile: str
    levels: int
    seconds: float


@dataclass(frozen=True, slots=True)
class StepStarted(Event):
    """A step began: what to do, what to say to the person, how long it lasts (s), its strongest intensity (%)."""

    name: ClassVar[str] = "step"
    step: int
    do: str
    say: str
    seconds: float
    intensity: float


@dataclass(frozen=True, slots=True)
class LevelChanged(Event):
    """A level was written: ``due`` is when it should have been, ``at`` when the write was done."""

    name: ClassVar[str] = "level"
    level: int
    due: float


@dataclass(frozen=True, slots=True)
class LevelAdopted(Event):
    """The ball changed its level by itself (its button, its own timer): the session follows."""

    name: ClassVar[str] = "adopted"
    level: int


@dataclass(frozen=True, slots=True)
class Paused(Event):
    """The motor is off and the protocol waits.

    ``reason`` is "asked", "ball" (its button, a fault of its own), "link" after a lost link is back, or "address" if it
    would have gone on, but the ball that came back has another address, so it may be another one.
    """

    name: ClassVar[str] = "paused"
    reason: str


@dataclass(frozen=True, slots=True)
class Resumed(Event):
    """The protocol goes on where it was paused, easing in again."""

    name: ClassVar[str] = "resumed"


@dataclass(frozen=True, slots=True)
class Skipped(Event):
    """The rest of a step was skipped."""

    name: ClassVar[str] = "skipped"
    step: int


@dataclass(frozen=True, slots=True)
class LinkDropped(Event):
    """The link is gone or does not answer, and is being restored; the protocol waits.

    ``level`` is what the motor had, as far as is known.
    ``stops_within`` is after how many seconds the ball stops by itself, or None if it does not, or nobody knows: then
    the person must be told to press its button.
    """

    name: ClassVar[str] = "link_dropped"
    level: int
    stops_within: float | None
    detail: str


@dataclass(frozen=True, slots=True)
class LinkRestored(Event):
    """The link is back, and the first write on it was a stop; ``address`` is the ball's, which may be a new one."""

    name: ClassVar[str] = "link_restored"
    stop: StopOutcome
    address: str


@dataclass(frozen=True, slots=True)
class Reported(Event):
    """The ball told something about itself, for example battery in % or temperature in °C."""

    name: ClassVar[str] = "report"
    values: dict[str, float | str]


@dataclass(frozen=True, slots=True)
class Ended(Event):
    """The last event of every session.

    ``motor_seconds`` is how long the motor ran by our own account; ``stop`` is what is known of the last stop;
    ``detail`` says what failed, if something did.
    """

    name: ClassVar[str] = "ended"
    reason: EndReason
    motor_seconds: float
    stop: StopOutcome
    detail: str = ""


def as_dict(event: Event) -> dict[str, Any]:
    """The event as JSON-ready values, its name under ``event``; times rounded to milliseconds."""
    facts = {key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(event).items()}
    return {"event": event.name, **facts}
