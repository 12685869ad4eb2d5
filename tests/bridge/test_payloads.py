import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unknot import errors
from unknot.bridge import payloads
from unknot.bridge.broker import MAX_BYTES
from unknot.bridge.payloads import (
    REQUESTS,
    Action,
    Code,
    Refusal,
    RunRequest,
    SetCommand,
    read_request,
    read_set,
    read_set_key,
    refusal_of,
    wants_stop,
)
from unknot.protocols.timeline import Side

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
KEYS = st.sampled_from([*SetCommand.model_fields, "id", "ball", "Intensity", "toml", "seconds", "person"])
PAYLOADS = st.one_of(
    st.binary(max_size=200),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(KEYS, JSON, max_size=5).map(lambda value: json.dumps(value).encode()),
)


def refused(payload: bytes, verb: str = "") -> Refusal:
    with pytest.raises(Refusal) as refusal:
        read_request(verb, payload) if verb else read_set(payload)
    return refusal.value


def test_a_command_is_read() -> None:
    command = read_set(b'{"intensity": 40, "duration": 20.5, "protocol": "calf", "side": "left", "action": "pause"}')
    assert command == SetCommand(intensity=40, duration=20.5, protocol="calf", side=Side.LEFT, action=Action.PAUSE)
    assert read_set(b"{}") == SetCommand()


@pytest.mark.parametrize(
    ("payload", "code", "field", "words"),
    [
        (b"", Code.INVALID_JSON, "", "no JSON"),
        (b"40", Code.INVALID_JSON, "", "a number, expected an object"),
        (b"[]", Code.INVALID_JSON, "", "a list, expected an object"),
        (b"null", Code.INVALID_JSON, "", "nothing, expected"),
        (b"{", Code.INVALID_JSON, "", "at character 2"),
        (b"\xff\xfe", Code.INVALID_JSON, "", "no UTF-8"),
        (b'{"intensity": NaN}', Code.INVALID_JSON, "", "NaN"),
        (b'{"intensity": -Infinity}', Code.INVALID_JSON, "", "-Infinity"),
        (b'{"intensity": 1' + b"0" * 6000 + b"}", Code.INVALID_JSON, "", "beyond measure"),
        (b'{"intensity": 1e999}', Code.OUT_OF_RANGE, "intensity", "finite"),
        (b'{"intensity": 101}', Code.OUT_OF_RANGE, "intensity", "less than or equal to 100"),
        (b'{"intensity": "40"}', Code.OUT_OF_RANGE, "intensity", "number"),
        (b'{"intensity": true}', Code.OUT_OF_RANGE, "intensity", "number"),
        (b'{"run": 1}', Code.OUT_OF_RANGE, "run", "boolean"),
        (b'{"duration": 0}', Code.OUT_OF_RANGE, "duration", "greater than 0"),
        (b'{"protocol": "../../etc/passwd.toml"}', Code.OUT_OF_RANGE, "protocol", "pattern"),
        (b'{"protocol": "calf\\n"}', Code.OUT_OF_RANGE, "protocol", "pattern"),
        (b'{"action": "explode"}', Code.OUT_OF_RANGE, "action", "'explode'"),
        (b'{"intensty": 40}', Code.UNKNOWN_KEY, "intensty", "did you mean 'intensity'?"),
        (b'{"run": false, "run": true}', Code.INVALID_JSON, "'run'", "twice"),
        (b'{"run": ' + b"[" * 7000 + b"]" * 7000 + b"}", Code.TOO_LARGE, "", f"at most {MAX_BYTES}"),
        (b'{"run": ' + b"[" * 4000 + b"]" * 4000 + b"}", Code.INVALID_JSON, "", "expected"),
        (b'{"run": ' + b"[" * 9 + b"]" * 9 + b"}", Code.INVALID_JSON, "", "nesting"),
    ],
)
def test_what_is_wrong_is_told(payload: bytes, code: Code, field: str, words: str) -> None:
    refusal = refused(payload)
    assert (refusal.code, refusal.field) == (code, field)
    assert words in refusal.message
    assert len(str(refusal)) < 250


@pytest.mark.parametrize(
    ("key", "payload", "value"),
    [("intensity", b"40", 40), ("intensity", b" 40.5\n", 40.5), ("protocol", b"calf", "calf"), ("run", b"true", True),
     ("protocol", b'"calf"', "calf"), ("side", b"left", Side.LEFT), ("action", b"stop", Action.STOP)],
)  # fmt: skip
def test_plain_values_are_read(key: str, payload: bytes, value: object) -> None:
    assert getattr(read_set_key(key, payload), key) == value


def test_a_key_that_nobody_knows_is_told() -> None:
    with pytest.raises(Refusal, match="did you mean 'side'"):
        read_set_key("sida", b"left")


def test_requests_are_read_by_their_verbs() -> None:
    assert read_request("ping", b"") == payloads.Request()
    run = read_request(
        "run", b'{"id": "7", "ball": "c0", "protocol": "calf", "side": "left", "person": "room 3, 10:15"}'
    )
    assert run == RunRequest(id="7", ball="c0", protocol="calf", side=Side.LEFT, person="room 3, 10:15")
    assert refused(b'{"protocol": "calf"}', "run").field == "ball"
    assert refused(b"{}", "reboot").code is Code.UNKNOWN_NAME
    assert "did you mean 'stop_all'" in refused(b"{}", "stopall").message


@pytest.mark.parametrize(
    ("payload", "stops"),
    [(b'{"action": "stop", "bogus": 1}', True), (b'{"run": false, "intensity": 900}', True),
     (b'{"intensity": 0}', True),
     (b'{"intensity": false}', False), (b'{"action": "start"}', False), (b"stop", False), (b"{}", False)],
)  # fmt: skip
def test_a_stop_is_known_whatever_else_is_wrong(payload: bytes, stops: bool) -> None:
    assert wants_stop("", payload) is stops


@pytest.mark.parametrize(("key", "payload"), [("action", b"stop"), ("run", b"false"), ("intensity", b"0")])
def test_a_plain_stop_is_known_too(key: str, payload: bytes) -> None:
    assert wants_stop(key, payload)


def outcome(read: Callable[[], object]) -> object:
    try:
        return read()
    except Refusal as refusal:
        return refusal


@settings(max_examples=1000)
@given(payload=PAYLOADS, verb=st.sampled_from(sorted(REQUESTS)), key=st.text(max_size=10))
def test_whatever_is_said_is_a_sound_command_or_a_refusal_in_one_line(payload: bytes, verb: str, key: str) -> None:
    for read in (lambda: read_set(payload), lambda: read_set_key(key, payload), lambda: read_request(verb, payload)):
        found: Any = outcome(read)
        if isinstance(found, Refusal):
            assert found.message.isprintable()
            assert len(found.message) < 300
        else:
            for value in found.model_dump().values():
                assert not isinstance(value, float) or math.isfinite(value)
    assert isinstance(wants_stop("", payload), bool)
    assert len(payloads.id_of(payload)) <= 128


def test_every_error_of_ours_has_a_code() -> None:
    assert refusal_of(errors.BallNotFound("gone")).code is Code.NOT_CONNECTED
    assert refusal_of(errors.NotStopped()).code is Code.NOT_STOPPED
    assert refusal_of(errors.UnknownNameError("muscle", "clf", ["calf"])).code is Code.UNKNOWN_NAME
    assert refusal_of(errors.UsageError("odd")).code is Code.OUT_OF_RANGE
    assert refusal_of(errors.Stalled(2)).code is Code.INTERNAL
    own = Refusal(Code.BUSY, "busy", "protocol")
    assert refusal_of(own) is own
    assert own.as_dict() == {"code": "busy", "message": "busy", "field": "protocol"}
