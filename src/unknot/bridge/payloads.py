"""What may be said to a gateway: ``set`` and the requests; read by the gateway, written by those who drive it.

Every payload is taken for hostile: its size, its depth, its types and its keys are looked at before anything is done,
and what is wrong is told as a `Refusal` with a code, the field and a sentence. Pure.
"""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unknot import errors
from unknot.bridge.broker import MAX_BYTES
from unknot.protocols.timeline import Side
from unknot.session.messages import OnLinkRestored

MANUAL = "manual"
"""Stands in the place of a protocol: vibration without a muscle."""

DEPTH_MOST = 8
"""How deep a payload may be nested: none that is meant is deeper than 2 (judgement)."""

_NAME = r"^[a-z0-9_-]{1,64}$"
"""A protocol or a ball is named by its id, never by a file: nobody on the broker reads the gateway's disk."""


class Code(StrEnum):
    """Why something was refused."""

    INVALID_JSON = "invalid_json"
    TOO_LARGE = "too_large"
    UNKNOWN_KEY = "unknown_key"
    UNKNOWN_NAME = "unknown_name"
    """No ball, protocol or verb is called so."""
    OUT_OF_RANGE = "out_of_range"
    """A value of the wrong kind, or outside what it can be."""
    REFUSED = "refused"
    """A limit refuses."""
    NOT_ALLOWED = "not_allowed"
    """The gateway's owner has not allowed it."""
    NOT_CONNECTED = "not_connected"
    BUSY = "busy"
    EXPIRED = "expired"
    RETAINED_COMMAND = "retained_command"
    NOT_STOPPED = "not_stopped"
    """The motor may run on."""
    INTERNAL = "internal"


class Refusal(errors.UnknotError):
    """A gateway refused what it was asked for; told on ``…/error`` or in a response, and raised at the other end.

    Attributes:
        code: why, for programs.
        message: why, for people.
        field: which key is to blame; empty if none is.
    """

    def __init__(self, code: Code, message: str, field: str = "") -> None:
        self.code = code
        self.message = message
        self.field = field
        super().__init__(f"{field}: {message}" if field else message)

    def as_dict(self) -> dict[str, str]:
        """As it is told."""
        return {"code": self.code.value, "message": self.message, "field": self.field}


def refusal_of(error: errors.UnknotError) -> Refusal:
    """What is told of an error of ours."""
    if isinstance(error, Refusal):
        return error
    for kind, code in _CODES:
        if isinstance(error, kind):
            return Refusal(code, str(error))
    return Refusal(Code.INTERNAL, str(error))


_CODES: tuple[tuple[type[errors.UnknotError], Code], ...] = (
    (errors.NotStopped, Code.NOT_STOPPED),
    (errors.LimitExceeded, Code.REFUSED),
    (errors.Unsuitable, Code.REFUSED),
    (errors.UnknownNameError, Code.UNKNOWN_NAME),
    (errors.BallInUse, Code.BUSY),
    (errors.LinkError, Code.NOT_CONNECTED),
    (errors.UsageError, Code.OUT_OF_RANGE),
    (errors.FileError, Code.OUT_OF_RANGE),
)


class Action(StrEnum):
    """What a ball can be told to do with what it plays."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    SKIP = "skip"
    STOP = "stop"


Intensity = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
"""% of the motor's range."""
Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]
"""A duration; what may be played is decided by the limits below the bridge."""
Name = Annotated[str, Field(pattern=_NAME)]
Token = Annotated[str, Field(min_length=1, max_length=128)]


class _Command(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SetCommand(_Command):
    """What one ball is to have; keys that are left out stay as they are.

    Attributes:
        intensity: the strongest intensity in %. It starts no motor: it is kept for the next start, and taken on by what
            plays. 0 stops.
        duration: of free vibration in s.
        protocol: a muscle's protocol, or `MANUAL`.
        side: which side of the body.
        run: true starts what is chosen, false stops.
        action: what to do.
    """

    intensity: Intensity | None = None
    duration: Seconds | None = None
    protocol: Name | None = None
    side: Side | None = Field(default=None, strict=False)
    run: bool | None = None
    action: Action | None = Field(default=None, strict=False)

    @property
    def stops(self) -> bool:
        """Whether it stops the motor: such a command is obeyed whatever else is wrong with it."""
        return self.run is False or self.action is Action.STOP or self.intensity == 0


class Request(_Command):
    """What a gateway is asked; the answer carries the same ``id``."""

    id: Token = ""


class BallRequest(Request):
    """A request about one ball."""

    ball: Name


class RunRequest(BallRequest):
    """Play a muscle's protocol.

    Attributes:
        protocol: its id.
        side: which side of the body.
        intensity: the strongest one (%) instead of the protocol's own; 0 guides without the motor.
        on_link_restored: as for `unknot.play`.
        person: whose account of the day it belongs to, where several people share a ball: any word that tells them
            apart, no name. Without one it is the gateway's own account.
    """

    protocol: Name
    side: Side = Field(default=Side.ANY, strict=False)
    intensity: Intensity | None = None
    on_link_restored: OnLinkRestored = Field(default=OnLinkRestored.PAUSE, strict=False)
    person: Token | None = None


class VibrateRequest(BallRequest):
    """Vibrate without a muscle."""

    intensity: Intensity
    duration: Seconds
    person: Token | None = None


class ScanRequest(Request):
    """Listen for so many seconds, and tell what is in range."""

    seconds: Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)] = 5.0


class ProtocolRequest(Request):
    """A protocol's file is wanted."""

    protocol: Name


class PutProtocolRequest(ProtocolRequest):
    """A protocol's file is to be kept at the gateway; ``toml`` is its text."""

    toml: Annotated[str, Field(max_length=MAX_BYTES)]


REQUESTS: dict[str, type[Request]] = {
    "ping": Request,
    "scan": ScanRequest,
    "connect": BallRequest,
    "disconnect": BallRequest,
    "run": RunRequest,
    "vibrate": VibrateRequest,
    "pause": BallRequest,
    "resume": BallRequest,
    "skip": BallRequest,
    "stop": BallRequest,
    "stop_all": Request,
    "protocols": Request,
    "protocol_get": ProtocolRequest,
    "protocol_put": PutProtocolRequest,
}
"""Each verb, and what it takes."""

STOPPING_VERBS = ("stop", "stop_all")
"""Obeyed whatever else is wrong with the message: when in doubt, the motor is off."""

M = TypeVar("M", bound=BaseModel)


def read_set(payload: bytes) -> SetCommand:
    """The command in a payload on ``…/set``.

    Raises:
        Refusal: it is none.
    """
    return _fit(SetCommand, _object(payload))


def read_set_key(key: str, payload: bytes) -> SetCommand:
    """The command in a plain value on ``…/set/KEY``: 40, true, calf.

    Raises:
        Refusal: there is no such key, or it cannot have that value.
    """
    text = _text(payload).strip()
    try:
        value = _load(text)
    except Refusal:
        value = text  # a word without quotes
    return _fit(SetCommand, {key: value})


def read_request(verb: str, payload: bytes) -> Request:
    """The request in a payload; an empty one has only defaults.

    Raises:
        Refusal: there is no such verb, or it cannot be asked so.
    """
    if verb not in REQUESTS:
        _unknown("verb", verb, REQUESTS, Code.UNKNOWN_NAME)
    return _fit(REQUESTS[verb], _object(payload) if payload.strip() else {})


def wants_stop(key: str, payload: bytes) -> bool:
    """Whether what cannot be obeyed as a whole asks for a stop: then that much of it is obeyed.

    Args:
        key: of a plain value on ``…/set/KEY``; empty for an object.
        payload: what was said.
    """
    try:
        if key:
            return read_set_key(key, payload).stops
        found = _object(payload)
    except Refusal:
        return False
    intensity = found.get("intensity")
    is_zero = intensity == 0 and not isinstance(intensity, bool)
    return found.get("action") == Action.STOP or found.get("run") is False or is_zero


def ball_of(payload: bytes) -> str:
    """The ball that a request is about that cannot be read otherwise; empty if there is none."""
    try:
        found = _object(payload).get("ball", "")
    except Refusal:
        return ""
    return found if isinstance(found, str) else ""


def id_of(payload: bytes) -> str:
    """The ``id`` of a request that cannot be read otherwise, so that its sender hears of it; possibly empty."""
    try:
        found = _object(payload).get("id", "")
    except Refusal:
        return ""
    try:
        return Request(id=found).id
    except ValidationError:
        return ""


def _text(payload: bytes) -> str:
    if len(payload) > MAX_BYTES:
        raise Refusal(Code.TOO_LARGE, f"found {len(payload)} bytes, expected at most {MAX_BYTES}")
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise Refusal(Code.INVALID_JSON, f"found bytes that are no UTF-8 (at {error.start}), expected JSON") from None


def _load(text: str) -> Any:
    def refuse(word: str) -> NoReturn:
        raise Refusal(Code.INVALID_JSON, f"found {word}, expected a number that JSON knows")

    try:
        return json.loads(text, parse_constant=refuse, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        what = f"{error.msg} at character {error.pos + 1}"
        raise Refusal(Code.INVALID_JSON, f"found no JSON ({what}), expected an object") from None
    except (RecursionError, ValueError):  # a number of thousands of digits is a ValueError
        raise Refusal(Code.INVALID_JSON, "found JSON beyond measure, expected an object") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, _ in pairs if sum(one == key for one, _ in pairs) > 1)
        raise Refusal(Code.INVALID_JSON, "found twice, expected once", _shown(twice))
    return found


def _object(payload: bytes) -> dict[str, Any]:
    found = _load(_text(payload))
    if not isinstance(found, dict):
        raise Refusal(Code.INVALID_JSON, f"found {_kind(found)}, expected an object")
    if _is_deep(found):
        raise Refusal(Code.INVALID_JSON, f"found more than {DEPTH_MOST} levels of nesting, expected a flat object")
    return found


def _is_deep(value: object) -> bool:
    """Whether it is nested deeper than anything that is meant; counted level by level, however deep it is."""
    level = [value]
    for _ in range(DEPTH_MOST):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return bool(level)


def _fit(model: type[M], found: dict[str, Any]) -> M:
    try:
        return model.model_validate(found)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        key = ".".join(map(str, fault["loc"]))
        if fault["type"] == "extra_forbidden":
            _unknown("key", key, model.model_fields, Code.UNKNOWN_KEY)
        if fault["type"] == "missing":
            raise Refusal(Code.OUT_OF_RANGE, "is missing", key) from None
        message = re.sub(r"^Input s", "s", fault["msg"])
        raise Refusal(Code.OUT_OF_RANGE, f"found {_shown(found.get(key))}, {message}", key) from None


def _unknown(kind: str, word: str, known: Any, code: Code) -> NoReturn:
    near = get_close_matches(word, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
    raise Refusal(code, f"no {kind} is called {_shown(word)}; {hint}", _shown(word).strip("'"))


_SHOWN_MOST = 40
"""Characters of somebody's value that an error repeats (judgement)."""


def _shown(value: object) -> str:
    text = ascii(value) if not isinstance(value, str) else repr(value)
    return text if len(text) <= _SHOWN_MOST else f"{text[:_SHOWN_MOST]}…"


def _kind(value: object) -> str:
    kinds = {list: "a list", str: "a text", bool: "a truth value", type(None): "nothing"}
    return kinds.get(type(value), "a number")
