"""What a gateway tells: itself, its health, its balls' states, its answers; read by those who drive it from elsewhere.

What is read is taken for hostile, as in `unknot.bridge.payloads`; keys that are not known are left out, so that a newer
gateway can be read. Pure.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unknot.events import StopOutcome

SCHEMA = 1
"""The version of the layout of topics and payloads; a gateway tells it in its info."""


OUR_FAULT = "a fault in the program; its log tells more"
"""What is told where something failed that nobody foresaw."""


class Phase(StrEnum):
    """Where a ball stands, for people and automations."""

    IDLE = "idle"
    """Nothing plays."""
    RUNNING = "running"
    PAUSED = "paused"
    LOST = "lost"
    """A session waits for a lost link."""
    FINISHED = "finished"
    """The last session was played to its end; idle otherwise."""
    FAULT = "fault"
    """The last session failed, or the motor could not be confirmed stopped; ``detail`` says why."""


class _Report(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class BallState(_Report):
    """All about one ball, told whole each time.

    Attributes:
        phase: where it stands.
        motor: what is known of the motor: "on", "off", or "unknown" after a stop that could not be confirmed.
        level: the level that the motor has, as far as is known, of ``levels``.
        intensity: the strongest intensity (%) of what plays, or will be played.
        duration: of free vibration (s).
        protocol: what plays, or will be played: a protocol's id or "manual".
        side: "any", "left", "right" or "both".
        seconds: how long what is chosen takes in all.
        step: what is done now: settle, hold, pulse, wave, rest, move, stretch; empty when nothing plays.
        say: the words to the person.
        remaining: seconds until the end, at the moment of telling; null when nothing plays.
        ends_at: when it will have ended (ISO 8601, UTC), if nothing delays it; null when nothing runs.
        session: the number of the session that plays or played last; 0 before the first one.
        stop: what is known of the last stop.
        battery: charge in %, if the ball has told it.
        rssi: signal strength in dBm when it was last heard.
        model: the profile that it speaks.
        detail: what went wrong last; empty if nothing did.
        seq: grows by 1 with each state that is told.
        source: what changed last: "set", "request", "ball" or "gateway".
    """

    phase: Phase = Phase.IDLE
    motor: Literal["on", "off", "unknown"] = "off"
    level: int = 0
    levels: int = 0
    intensity: float = 0.0
    duration: float = 0.0
    protocol: str = "manual"
    side: str = "any"
    seconds: float = 0.0
    step: str = ""
    say: str = ""
    remaining: float | None = None
    ends_at: str | None = None
    session: int = 0
    stop: StopOutcome | None = None
    battery: float | None = None
    rssi: int | None = None
    model: str = ""
    detail: str = ""
    seq: int = 0
    source: str = "gateway"


class BallEntry(_Report):
    """A ball that a gateway keeps: its id, the name that people call it by, its address and its profile."""

    id: str
    name: str
    address: str = ""
    model: str = ""


class ProtocolEntry(_Report):
    """A protocol that a gateway knows; ``seconds`` for one side."""

    id: str
    title: str
    seconds: float
    ceiling: str


class GatewayInfo(_Report):
    """What a gateway is."""

    schema_: int = Field(default=SCHEMA, alias="schema")
    gateway: str = ""
    version: str = ""
    adapter: str = ""
    simulated: bool = False
    balls: tuple[BallEntry, ...] = ()
    protocols: tuple[ProtocolEntry, ...] = ()

    model_config = ConfigDict(populate_by_name=True)


class MqttHealth(_Report):
    """The link to the broker: how often it was made anew, and how many messages there was no room for."""

    reconnects: int = 0
    dropped: int = 0
    refused: int = 0


class BleHealth(_Report):
    """The radio: how many scans there were, and failed; how many advertisements were heard; and the last trouble."""

    scans: int = 0
    failures: int = 0
    heard: int = 0
    trouble: str = ""


class BallHealth(_Report):
    """One ball: how often it was connected to, lost, and not reached; and when it was last there (ISO 8601, UTC)."""

    connects: int = 0
    drops: int = 0
    failures: int = 0
    last_seen: str | None = None


class Health(_Report):
    """How a gateway has been since it began, ``uptime`` seconds ago."""

    uptime: float = 0.0
    mqtt: MqttHealth = MqttHealth()
    ble: BleHealth = BleHealth()
    balls: dict[str, BallHealth] = Field(default_factory=dict)


class Fault(_Report):
    """Why a request was refused."""

    code: str
    message: str
    field: str = ""


class Response(_Report):
    """The answer to a request: ``data`` if it is ``ok``, else ``error``."""

    id: str = ""
    ok: bool
    data: dict[str, Any] = Field(default_factory=dict)
    error: Fault | None = None


R = TypeVar("R", bound=_Report)


def tell(report: _Report) -> str:
    """The report as JSON."""
    return report.model_dump_json(by_alias=True)


def read(kind: type[R], payload: bytes) -> R | None:
    """The report in a payload, or None if it is none."""
    try:
        return kind.model_validate_json(payload)
    except ValidationError:
        return None
