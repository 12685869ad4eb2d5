"""What a session says happened: frozen records that the CLI, scripts, the journal and the bridge listen to.

``at`` is always seconds since the session began, on the session's own clock. `as_dict` gives the form that
``unknot run --json`` prints, one event a line, and that a gateway tells; `from_dict` reads it again.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, asdict, dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


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


TEXT_MOST = 2000
"""Characters of a text that `from_dict` takes; the longest that a session of ours tells, an error's line, has some 400
(judgement)."""

NUMBER_MOST = 1e9
"""The largest number that `from_dict` takes: thirty years in seconds; no level and no percentage comes near it."""

VALUES_MOST = 64
"""How many values of one report `from_dict` takes; a profile's largest has some ten (judgement)."""


def from_dict(found: Mapping[str, object]) -> Event:
    """The event whose form `as_dict` gives, from somebody who may be hostile: each value is looked at.

    Keys that no event of that name has are left out, so that what a newer gateway tells can be read. Texts are kept as
    they are; whoever prints one makes it printable.

    Raises:
        ValueError: it is none; which key, what stands there and what should.
    """
    name = found.get("event")
    kind = _BY_NAME.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f"event: found {_shown(name)}, expected one of {', '.join(_BY_NAME)}")
    facts: dict[str, Any] = {}
    for field in fields(kind):
        if field.name in found:
            facts[field.name] = _taken(field, found[field.name])
        elif field.default is MISSING:
            raise ValueError(f"{field.name}: found nothing, expected {field.type}")
    return kind(**facts)


def _taken(field: Field[Any], value: object) -> object:
    try:
        return _TAKE[str(field.type)](value)
    except ValueError:
        raise ValueError(f"{field.name}: found {_shown(value)}, expected {field.type}") from None


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= NUMBER_MOST:
        raise ValueError
    return float(value)


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not abs(value) <= NUMBER_MOST:
        raise ValueError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > TEXT_MOST:
        raise ValueError
    return value


def _values(value: object) -> dict[str, float | str]:
    if not isinstance(value, dict) or len(value) > VALUES_MOST:
        raise ValueError
    return {_text(key): _text(one) if isinstance(one, str) else _number(one) for key, one in value.items()}


_TAKE: dict[str, Callable[[Any], object]] = {
    "float": _number,
    "int": _whole,
    "str": _text,
    "float | None": lambda value: None if value is None else _number(value),
    "dict[str, float | str]": _values,
    "StopOutcome": StopOutcome,
    "EndReason": EndReason,
}
"""What takes a value, by the type that is written beside a fact."""

_KINDS: tuple[type[Event], ...] = (
    Started,
    StepStarted,
    LevelChanged,
    LevelAdopted,
    Paused,
    Resumed,
    Skipped,
    LinkDropped,
    LinkRestored,
    Reported,
    Ended,
)
_BY_NAME = {kind.name: kind for kind in _KINDS}

_SHOWN_MOST = 60
"""Characters of somebody's value that an error repeats (judgement)."""


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= _SHOWN_MOST else f"{text[:_SHOWN_MOST]}…"
