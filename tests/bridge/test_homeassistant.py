"""What Home Assistant is told, held to its rules by rendering each template as it does; see also the real core."""

import json
import math
import os
import re
from contextlib import suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from unknot import events
from unknot.bridge import reports
from unknot.bridge.homeassistant import discovery as ha
from unknot.bridge.homeassistant.entities import STATE_MOST
from unknot.bridge.payloads import Action, Code, Refusal, SetCommand, read_request, read_set
from unknot.bridge.reports import BallEntry, BallState, BleHealth, GatewayInfo, Health, Phase
from unknot.protocols.model import KINDS

GOLDEN = Path(__file__).parent / "golden"
GATEWAY = ha.GatewayFacts("praxis-1", "0.1.0")
BALL = ha.BallFacts(
    "aabbccddee01",
    "Blaue Kugel",
    address="aa:bb:cc:dd:ee:01",
    maker="Nobody",
    model="Open Ball, version 1",
    firmware="1.2",
    serial="0001",
    protocols=("calf", "piriformis"),
)
BARE = ha.BallFacts("ball-2", "", has_battery=False)
PAYLOADS = {
    "ball": ha.announce_ball(GATEWAY, BALL),
    "ball-bare": ha.announce_ball(GATEWAY, BARE),
    "gateway": ha.announce_gateway(GATEWAY),
}
ENTITIES = PAYLOADS["ball"]["cmps"]

ROOT = {"dev", "o", "avty", "avty_mode", "stat_t", "cmd_t", "cmps"}
"""Of what may stand at the root in 2025.4, which refuses a device with anything else there, what we use."""

TOPIC = re.compile(r"homeassistant/device/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config")
"""Home Assistant's ``TOPIC_MATCHER``, for devices with a node."""

TEMPLATES = ("val_tpl", "cmd_tpl", "json_attr_tpl")
JINJA = ImmutableSandboxedEnvironment()
NOTHING = ["", "null", "[]", "5", '"phase"', "no JSON"]
UNKNOWN = "None"

ids = st.from_regex(r"[a-z0-9_-]{1,64}", fullmatch=True)
texts = st.text(st.characters(), max_size=300)
balls = st.builds(
    ha.BallFacts,
    id=ids,
    name=texts,
    address=texts | st.just("AA:BB:CC:DD:EE:FF"),
    maker=texts,
    model=texts,
    firmware=texts,
    serial=texts,
    protocols=st.lists(ids, unique=True, max_size=20).map(tuple),
    has_battery=st.booleans(),
)
numbers = st.floats(-1e6, 1e6, allow_nan=False)
states = st.builds(
    BallState,
    phase=st.sampled_from(Phase),
    motor=st.sampled_from(["on", "off", "unknown"]),
    level=st.integers(0, 255),
    intensity=numbers,
    duration=numbers,
    protocol=ids | st.sampled_from(["manual", "calf"]),
    side=st.sampled_from(["any", "left", "right", "both"]),
    step=st.sampled_from(["", *KINDS]),
    say=st.text(max_size=600),
    remaining=st.none() | numbers,
    ends_at=st.none() | st.datetimes(min_value=datetime(1000, 1, 1)).map(lambda at: f"{at.isoformat()}+00:00"),  # noqa: DTZ001, the zone is written behind it
    stop=st.none() | st.sampled_from(events.StopOutcome),
    battery=st.none() | numbers,
    rssi=st.none() | st.integers(-127, 20),
    detail=st.text(max_size=100),
)


@cache
def compiled(template: str) -> Template:
    return JINJA.from_string(template)


def shown(template: str, payload: str) -> str:
    """What Home Assistant makes of a payload: ``value_json`` is only there if it is JSON."""
    variables: dict[str, Any] = {"value": payload}
    with suppress(ValueError):
        variables["value_json"] = json.loads(payload)
    return compiled(template).render(variables).strip()


def asked(template: str, value: object) -> SetCommand:
    return read_set(compiled(template).render(value=value).encode())


def is_taken(entity: dict[str, Any], value: str) -> bool:
    """Whether Home Assistant takes the value without a word in its log."""
    if value == UNKNOWN:
        is_so = True
    elif entity["p"] == "number":
        is_so = entity["min"] <= float(value) <= entity["max"]
    elif "ops" in entity:
        is_so = value in entity["ops"]
    elif entity["p"] in ("switch", "binary_sensor"):
        is_so = value in ("ON", "OFF")
    elif entity.get("dev_cla") == "timestamp":
        is_so = datetime.fromisoformat(value).tzinfo is not None
    else:
        is_so = len(value) <= STATE_MOST and ("unit_of_meas" not in entity or math.isfinite(float(value)))
    return bool(is_so)


@pytest.mark.parametrize("name", PAYLOADS)
def test_announces_what_it_always_announced(name: str) -> None:
    text = json.dumps(PAYLOADS[name], indent=2, ensure_ascii=False) + "\n"
    file = GOLDEN / f"{name}.json"
    if os.environ.get("UNKNOT_WRITE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_every_golden_file_has_its_payload() -> None:
    assert {file.stem for file in GOLDEN.glob("*.json")} == set(PAYLOADS)


@given(balls, ids)
def test_whatever_a_ball_is_called_home_assistant_can_read_it(ball: ha.BallFacts, gateway: str) -> None:
    facts = ha.GatewayFacts(gateway, "0.1.0")
    payload = ha.announce_ball(facts, ball)
    text = ha.as_text(payload)
    assert json.loads(text.encode()) == payload
    assert text == ha.as_text(json.loads(text))
    assert payload["dev"]["name"].isprintable()
    assert payload["dev"]["name"]
    assert payload["cmps"]["protocol"]["ops"] == ["manual", *ball.protocols]
    for entity in payload["cmps"].values():
        for key in TEMPLATES:
            JINJA.parse(entity.get(key, ""))
    assert TOPIC.fullmatch(ha.ball_topic(facts, ball.id))
    assert TOPIC.fullmatch(ha.gateway_topic(facts))
    assert ha.announcer(text) == gateway


@given(st.lists(ids, unique=True, min_size=2, max_size=5))
def test_no_two_entities_have_the_same_identity(names: list[str]) -> None:
    all_payloads = [ha.announce_ball(GATEWAY, ha.BallFacts(name, name)) for name in names]
    all_payloads += [ha.announce_gateway(ha.GatewayFacts(name, "0.1.0")) for name in names]
    identities = [(part["p"], part["uniq_id"]) for payload in all_payloads for part in payload["cmps"].values()]
    assert len(set(identities)) == len(identities)
    assert len({payload["dev"]["ids"][0] for payload in all_payloads}) == len(all_payloads)
    topics = [topic for name in names for topic in _topics_of(name)]
    assert len(set(topics)) == len(topics)


def _topics_of(name: str) -> tuple[str, str]:
    return ha.ball_topic(GATEWAY, name), ha.gateway_topic(ha.GatewayFacts(name, "0.1.0"))


@given(states)
def test_whatever_a_ball_tells_home_assistant_takes_without_a_word(state: BallState) -> None:
    told = reports.tell(state)
    for key, entity in ENTITIES.items():
        if "stat_t" in entity and not entity["stat_t"].endswith("/state"):
            continue
        assert "val_tpl" not in entity or is_taken(entity, shown(entity["val_tpl"], told)), key
        if "json_attr_tpl" in entity:
            assert isinstance(json.loads(shown(entity["json_attr_tpl"], told)), dict)


@pytest.mark.parametrize("payload", NOTHING)
@pytest.mark.parametrize("name", PAYLOADS)
def test_a_cleared_topic_is_not_known(name: str, payload: str) -> None:
    for key, entity in PAYLOADS[name]["cmps"].items():
        if "val_tpl" in entity:
            assert shown(entity["val_tpl"], payload) == ("" if entity["p"] == "event" else UNKNOWN), key
        if "json_attr_tpl" in entity:
            assert not any(json.loads(shown(entity["json_attr_tpl"], payload)).values())


PLAYING = BallState(
    phase=Phase.RUNNING,
    motor="on",
    level=40,
    levels=100,
    intensity=100 / 3,
    duration=30,
    protocol="calf",
    side="left",
    seconds=250,
    step="hold",
    say="Stay on the spot.",
    remaining=200.6,
    ends_at="2026-01-01T21:04:10+00:00",
    session=3,
    battery=87.4,
    rssi=-60,
)
READ = {
    "intensity": "33",
    "protocol": "calf",
    "running": "ON",
    "duration": "30",
    "side": "left",
    "phase": "running",
    "step": "hold",
    "say": "Stay on the spot.",
    "remaining": "201",
    "ends": "2026-01-01T21:04:10+00:00",
    "problem": "OFF",
    "battery": "87",
    "level": "40",
    "signal": "-60",
}


def test_what_plays_can_be_read() -> None:
    on_state = {key: part for key, part in ENTITIES.items() if "val_tpl" in part and part["p"] != "event"}
    assert {key: shown(part["val_tpl"], reports.tell(PLAYING)) for key, part in on_state.items()} == READ


@pytest.mark.parametrize(
    ("changes", "key", "value"),
    [
        ({"phase": Phase.PAUSED}, "running", "ON"),
        ({"phase": Phase.LOST}, "running", "ON"),
        ({"phase": Phase.FINISHED}, "running", "OFF"),
        ({"phase": Phase.IDLE}, "running", "OFF"),
        ({"phase": Phase.FAULT}, "problem", "ON"),
        ({"phase": Phase.LOST, "motor": "unknown"}, "problem", "ON"),
        ({"phase": Phase.LOST, "motor": "on"}, "problem", "OFF"),
        ({"step": ""}, "step", UNKNOWN),
        ({"say": ""}, "say", UNKNOWN),
        ({"say": "ä" * 300}, "say", "ä" * 255),
        ({"protocol": "come-lately"}, "protocol", UNKNOWN),
        ({"duration": 0.0}, "duration", UNKNOWN),
        ({"remaining": 0.0}, "remaining", "0"),
        ({"battery": 0.0}, "battery", "0"),
        ({"battery": None}, "battery", UNKNOWN),
    ],
)
def test_what_is_not_known_or_special_can_be_read(changes: dict[str, Any], key: str, value: str) -> None:
    state = PLAYING.model_copy(update=changes)
    assert shown(ENTITIES[key]["val_tpl"], reports.tell(state)) == value


def test_a_problem_says_what_it_is() -> None:
    state = BallState(phase=Phase.FAULT, detail='it said "no"', stop=events.StopOutcome.UNKNOWN)
    attributes = shown(ENTITIES["problem"]["json_attr_tpl"], reports.tell(state))
    assert json.loads(attributes) == {"detail": 'it said "no"', "stop": "unknown"}


@pytest.mark.parametrize(
    ("report", "key", "value"),
    [
        (GatewayInfo(version="0.1.0"), "version", "0.1.0"),
        (GatewayInfo(), "version", UNKNOWN),
        (GatewayInfo(adapter="hci0"), "adapter", "hci0"),
        (GatewayInfo(balls=(BallEntry(id="a", name="A"), BallEntry(id="b", name="B"))), "balls", "2"),
        (GatewayInfo(), "balls", "0"),
        (Health(), "radio", "OFF"),
        (Health(ble=BleHealth(trouble="switched off")), "radio", "ON"),
    ],
)
def test_a_gateway_can_be_read(report: GatewayInfo | Health, key: str, value: str) -> None:
    assert shown(PAYLOADS["gateway"]["cmps"][key]["val_tpl"], reports.tell(report)) == value


@pytest.mark.parametrize(
    ("key", "value", "command"),
    [
        ("intensity", 40, SetCommand(intensity=40)),
        ("intensity", 12.5, SetCommand(intensity=12.5)),
        ("intensity", 0, SetCommand(intensity=0)),
        ("duration", 60, SetCommand(duration=60)),
        ("protocol", "manual", SetCommand(protocol="manual")),
        ("protocol", "calf", SetCommand(protocol="calf")),
        *(("side", side, SetCommand.model_validate({"side": side})) for side in ENTITIES["side"]["ops"]),
    ],
)
def test_what_is_chosen_is_understood(key: str, value: object, command: SetCommand) -> None:
    assert asked(ENTITIES[key]["cmd_tpl"], value) == command


def test_what_is_pressed_is_understood() -> None:
    pressed = {key: read_set(part["pl_prs"].encode()) for key, part in ENTITIES.items() if "pl_prs" in part}
    assert pressed == {action: SetCommand(action=action) for action in Action if action is not Action.RESUME}
    running = ENTITIES["running"]
    assert read_set(running["pl_on"].encode()) == SetCommand(run=True)
    assert read_set(running["pl_off"].encode()) == SetCommand(run=False)


def test_what_a_gateway_is_asked_is_understood() -> None:
    requests = [part for part in PAYLOADS["gateway"]["cmps"].values() if part["p"] == "button"]
    verbs = [part["cmd_t"].removeprefix("unknot/praxis-1/request/") for part in requests]
    assert verbs == ["stop_all", "scan"]
    for verb, part in zip(verbs, requests, strict=True):
        read_request(verb, part["pl_prs"].encode())


def test_what_stops_or_pauses_needs_no_link_and_never_expires() -> None:
    status = [{"t": "unknot/praxis-1/status"}]
    for key in ("stop", "pause", "running"):
        assert ENTITIES[key]["avty"] == status
    for key in ("phase", "say", "problem", "session", "link"):
        assert ENTITIES[key]["avty"] == status
    for part in (ENTITIES["stop"], ENTITIES["pause"], PAYLOADS["gateway"]["cmps"]["stopall"]):
        assert "msg_exp_int" not in part
    for key in ("intensity", "protocol", "running", "start", "skip", "duration", "side"):
        assert ENTITIES[key]["msg_exp_int"] == 10


EVENTS = [
    events.Started(0, "calf", "Calf", "left", "open-ball", 100, 250),
    events.StepStarted(10, 1, "hold", 'Say "now" {{ 1 }}', 45, 50),
    events.LevelChanged(10, 50, 10),
    events.LevelAdopted(11, 2),
    events.Paused(12, "asked"),
    events.Resumed(13),
    events.Skipped(14, 1),
    events.LinkDropped(15, 50, None, "gone"),
    events.LinkRestored(16, events.StopOutcome.CONFIRMED, "AA:BB:CC:DD:EE:01"),
    events.Reported(17, {"battery": 80}),
    events.Ended(18, events.EndReason.STOPPED, 5.0, events.StopOutcome.CONFIRMED),
]
SILENT = {"level", "report"}


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_an_event_of_a_session_is_told_or_passed_over(event: events.Event) -> None:
    facts = events.as_dict(event)
    told = json.dumps({"event_type": facts.pop("event"), "session": 3, **facts})
    seen = shown(ENTITIES["session"]["val_tpl"], told)
    assert seen == ("" if event.name in SILENT else told)
    assert event.name in SILENT or event.name in ENTITIES["session"]["evt_typ"]


def test_every_event_is_tried_here() -> None:
    assert {event.name for event in EVENTS} == {kind.name for kind in events.Event.__subclasses__()}
    assert {event.name for event in EVENTS} == SILENT | set(ENTITIES["session"]["evt_typ"])


@pytest.mark.parametrize("code", Code)
def test_a_refusal_is_told(code: Code) -> None:
    told = {**Refusal(code, "it's <too> “strong”", "intensity").as_dict(), "request": ""}
    seen = json.loads(shown(ENTITIES["refusal"]["val_tpl"], json.dumps(told)))
    assert seen == {**told, "event_type": code.value}
    assert code.value in ENTITIES["refusal"]["evt_typ"]


def test_a_refusal_that_a_newer_gateway_knows_is_passed_over() -> None:
    assert shown(ENTITIES["refusal"]["val_tpl"], '{"code": "new"}') == ""


def test_the_root_has_nothing_that_the_oldest_version_refuses() -> None:
    for payload in PAYLOADS.values():
        assert set(payload) <= ROOT
        for key, part in payload["cmps"].items():
            assert part == {"p": "sensor"} or (part["qos"] == 1 and part["uniq_id"].endswith(f"_{key}"))
            assert "_" not in key


def test_an_entity_does_not_bear_its_devices_name() -> None:
    for payload in PAYLOADS.values():
        device = payload["dev"]["name"].casefold()
        assert not any(device in part.get("name", "").casefold() for part in payload["cmps"].values())


def test_what_is_no_longer_there_is_taken_away() -> None:
    before = ha.components(ha.as_text(PAYLOADS["ball"] | {"cmps": {**ENTITIES, "old": {"p": "switch", "name": "Old"}}}))
    payload = ha.taking_away(PAYLOADS["ball"], before)
    assert payload["cmps"] == {**ENTITIES, "old": {"p": "switch"}}
    assert ha.taking_away(PAYLOADS["ball"], ha.components(ha.as_text(PAYLOADS["ball"]))) == PAYLOADS["ball"]
    assert "old" not in ENTITIES


def test_a_ball_without_a_battery_takes_it_away() -> None:
    assert PAYLOADS["ball-bare"]["cmps"]["battery"] == {"p": "sensor"}


@pytest.mark.parametrize("payload", ["", "no JSON", "[]", '{"cmps": 5, "dev": 5}', '{"cmps": {"a": 5}}', "[" * 100_000])
def test_what_was_announced_by_somebody_else_is_read_with_care(payload: str) -> None:
    assert ha.components(payload) == {}
    assert ha.announcer(payload) == ""


def test_what_is_forgotten_goes_in_order() -> None:
    assert ha.forgotten(GATEWAY, ["ball-2"]) == (
        "homeassistant/device/unknot/ball-2/config",
        "homeassistant/device/unknot-gateway/praxis-1/config",
        "unknot/praxis-1/ball/ball-2/availability",
        "unknot/praxis-1/ball/ball-2/state",
        "unknot/praxis-1/health",
        "unknot/praxis-1/info",
        "unknot/praxis-1/status",
    )


def test_the_owner_may_have_chosen_other_first_levels() -> None:
    gateway = ha.GatewayFacts("g", "0.1.0", base="clinic/unknot", prefix="ha")
    assert ha.ball_topic(gateway, "b") == "ha/device/unknot/b/config"
    assert ha.birth_topic("ha") == "ha/status"
    assert ha.announce_ball(gateway, BARE)["cmd_t"] == "clinic/unknot/g/ball/ball-2/set"


def test_only_a_bluetooth_address_is_a_connection() -> None:
    mac = ha.BallFacts("b", "B", address="5F1E5F6E-0000-4D8C-9C6B-000000000001")
    assert "cns" not in ha.announce_ball(GATEWAY, mac)["dev"]
    assert PAYLOADS["ball"]["dev"]["cns"] == [["bluetooth", "AA:BB:CC:DD:EE:01"]]
