"""Timelines as JSON and back."""

import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.profiles.shipped import DRIVEN
from unknot.bridge.elsewhere import timelines
from unknot.errors import LimitExceeded
from unknot.profiles import library as profiles
from unknot.protocols import library as protocols
from unknot.protocols.timeline import Side, Timeline, compile_free, compile_protocol


def of(muscle: str, profile: str = "button-ball", side: Side = Side.ANY) -> Timeline:
    return compile_protocol(protocols.load(muscle), profiles.load(profile), side=side)


@pytest.mark.parametrize("muscle", sorted(protocols.files()))
@pytest.mark.parametrize("profile", DRIVEN)
def test_nothing_is_lost_on_the_way(muscle: str, profile: str) -> None:
    try:
        timeline = of(muscle, profile, Side.BOTH)
    except LimitExceeded:
        pytest.skip("this ball's lowest level is above the ceiling")
    assert timelines.read(json.loads(json.dumps(asdict(timeline)))) == timeline


def test_free_vibration_and_a_protocol_without_motor_too() -> None:
    free = compile_free(20, 10, profiles.load("open-ball"))
    still = compile_protocol(protocols.load("calf"), profiles.load("open-ball"), intensity=0)
    for one in (free, still):
        assert timelines.read(asdict(one)) == one


def places(found: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys = list(found) if isinstance(found, dict) else range(len(found)) if isinstance(found, list) else []
    return [path, *(place for key in keys for place in places(found[key], (*path, key)))]


HOSTILE: st.SearchStrategy[object] = st.sampled_from(
    [None, True, -1, 1e308, float("nan"), "x", "x" * 2000, [], {}, [[]], 10**30, "\x1b[2J"]
)


@given(st.data())
@settings(deadline=None)
def test_whatever_stands_in_place_of_a_value_is_read_as_a_whole_timeline_or_refused(data: st.DataObject) -> None:
    told = json.loads(json.dumps(asdict(of("calf"))))
    *path, key = data.draw(st.sampled_from(places(told)[1:]))
    inner: Any = told
    for step in path:
        inner = inner[step]
    inner[key] = data.draw(HOSTILE)
    refusal = ""
    try:
        timeline = timelines.read(told)
    except ValueError as error:
        refusal = str(error)
    else:
        assert timeline.span_at(timeline.seconds / 2) >= 0
        assert timeline.level_at(timeline.seconds) == 0
    assert refusal.isprintable()
    assert len(refusal) < 300


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"spans": []}, "spans: Tuple should have at least 1 item"),
        ({"spans": [{"do": "hold", "side": "any", "start": 1, "end": 2, "say": "", "intensity": 0}]}, "gaps"),
        ({"cues": [{"at": 2, "level": 1, "step": 0}, {"at": 1, "level": 0, "step": 0}]}, "not in their order"),
        ({"cues": [{"at": 2, "level": 5, "step": 0}]}, "a level that the ball does not have"),
        ({"cues": [{"at": 2, "level": 0, "step": 99}]}, "outside the steps"),
        ({"cues": [{"at": 2, "level": 1, "step": 0}]}, "a motor that is on at the end"),
        ({"cues": [{"at": 0, "level": 0, "step": 0}] * 5001}, "cues: Tuple should have at most 5000 items"),
        ({"levels": "\x1b" * 90}, "levels: Input should be a valid integer"),
    ],
)
def test_what_cannot_be_is_refused(facts: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        timelines.read(asdict(of("calf")) | facts)
