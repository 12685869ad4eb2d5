"""Events as JSON and back: nothing is lost on the way, and nothing hostile becomes an event."""

import json
import math
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unknot import events
from unknot.events import Ended, EndReason, Event, LinkDropped, Reported, Started, StopOutcome, as_dict, from_dict

NUMBERS = st.floats(-1e9, 1e9).map(lambda number: round(number, 3))
TEXTS = st.text(max_size=events.TEXT_MOST)
BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "float": NUMBERS,
    "int": st.integers(-(10**9), 10**9),
    "str": TEXTS,
    "float | None": st.none() | NUMBERS,
    "dict[str, float | str]": st.dictionaries(st.text(max_size=20), NUMBERS | st.text(max_size=20), max_size=64),
    "StopOutcome": st.sampled_from(StopOutcome),
    "EndReason": st.sampled_from(EndReason),
}


def of(kind: type[Event]) -> st.SearchStrategy[Event]:
    return st.builds(kind, **{field.name: BY_TYPE[str(field.type)] for field in fields(kind)})


EVENTS = st.one_of(*map(of, events._KINDS))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


@given(EVENTS)
def test_nothing_is_lost_on_the_way(event: Event) -> None:
    assert from_dict(json.loads(json.dumps(as_dict(event)))) == event


@given(EVENTS, st.data())
def test_whatever_stands_in_place_of_a_value_is_taken_rightly_or_refused(event: Event, data: st.DataObject) -> None:
    found = as_dict(event)
    key = data.draw(st.sampled_from(sorted(found)))
    found[key] = data.draw(JSON)
    refusal = ""
    try:
        assert type(from_dict(found)) in events._KINDS
    except ValueError as error:
        refusal = str(error)
    assert not refusal or refusal.startswith(f"{key}: found ")
    assert len(refusal) < 300
    assert not refusal or refusal.isprintable()


@given(JSON)
def test_what_is_no_event_is_refused(found: object) -> None:
    with pytest.raises(ValueError, match="found"):
        from_dict({"event": found, "at": 1.0})


def test_every_kind_of_event_can_be_read() -> None:
    there = {
        one for one in vars(events).values() if isinstance(one, type) and issubclass(one, Event) and one is not Event
    }
    assert there == set(events._KINDS)
    assert {str(field.type) for kind in there for field in fields(kind)} <= set(events._TAKE)


ENDED = as_dict(Ended(250.0, EndReason.COMPLETED, 110.0, StopOutcome.CONFIRMED))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"at": math.nan}, "at: found nan, expected float"),
        ({"at": math.inf}, "at: found inf, expected float"),
        ({"at": True}, "at: found True, expected float"),
        ({"at": 10**400}, "at: found 1000000000000000000000000000000000000"),
        ({"at": "1"}, "at: found '1', expected float"),
        ({"reason": "bored"}, "reason: found 'bored', expected EndReason"),
        ({"stop": []}, "stop: found \\[\\], expected StopOutcome"),
        ({"detail": "x" * 2001}, "detail: found 'xxx"),
        ({"event": "ende"}, "event: found 'ende', expected one of started, step, level"),
        ({"event": {"a": "\x1b[2J"}}, r"event: found {'a': '\\x1b\[2J'}, expected"),
    ],
)
def test_hostile_values_are_refused_in_one_line(facts: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}"):
        from_dict(ENDED | facts)


def test_what_is_missing_is_told_and_what_is_unknown_is_left_out() -> None:
    assert from_dict(ENDED | {"moon": "full"}) == from_dict(ENDED)
    assert from_dict({key: value for key, value in ENDED.items() if key != "detail"}) == from_dict(ENDED)
    with pytest.raises(ValueError, match="motor_seconds: found nothing, expected float"):
        from_dict({key: value for key, value in ENDED.items() if key != "motor_seconds"})


def test_a_report_of_thousands_of_values_is_refused() -> None:
    with pytest.raises(ValueError, match="values: found"):
        from_dict(as_dict(Reported(1.0, {str(one): 1.0 for one in range(65)})))


def test_whole_numbers_are_times_and_nothing_is_a_time_that_may_be_nothing() -> None:
    assert from_dict({"event": "link_dropped", "at": 3, "level": 2, "stops_within": None, "detail": ""}) == LinkDropped(
        3.0, 2, None, ""
    )
    with pytest.raises(ValueError, match="levels"):
        from_dict(as_dict(Started(0.0, "", "", "any", "", 1, 2.0)) | {"levels": 1.5})
