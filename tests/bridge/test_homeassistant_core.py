"""What a real Home Assistant makes of what it is told, and what its buttons say; only where one is named.

    UNKNOT_HOMEASSISTANT=/path/to/hass pytest -n 0 tests/bridge/test_homeassistant_core.py

`-n 0`, so that all of it takes place in one core.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.bridge.homeassistant_core import Core, home_assistant, program
from tests.bridge.mosquitto import ACL, Mosquitto, mosquitto
from tests.bridge.test_homeassistant import BALL, EVENTS, PLAYING, SILENT
from unknot import events
from unknot.bridge import reports
from unknot.bridge.homeassistant import discovery as ha
from unknot.bridge.payloads import Code, Refusal
from unknot.bridge.reports import BallEntry, BallState, GatewayInfo, Health, Phase
from unknot.bridge.topics import OFFLINE, ONLINE, BallTopics

pytestmark = pytest.mark.real_time

HASS = program()

USERS = {"praxis-1": "a", "praxis-2": "b", "homeassistant": "c"}
GATEWAY = ha.GatewayFacts("praxis-1", "0.1.0")
OTHER = ha.GatewayFacts("praxis-2", "0.1.0")
AUTOMATIONS = Path(__file__).parent / "automations.yaml"
EVENING, ALWAYS = 'after: "21:00:00"', 'after: "00:00:00"'
FIRST_WITH_EXPIRY = "2026"
OLD_WORD = "No device components to cleanup for"
"""What 2025.4 says when a device goes that has entities which are not shown at first: it clears the topic once more for
each of them, and hears itself."""


@dataclass
class Voice:
    """A gateway's connection to the broker.

    Attributes:
        facts: which gateway.
        heard: what was said to it: topic, payload, QoS and expiry.
    """

    facts: ha.GatewayFacts
    server: Mosquitto
    heard: list[tuple[str, str, int, int | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        user = self.facts.gateway
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, user, protocol=mqtt.MQTTv5)
        self._client.username_pw_set(user, USERS[user])
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", self.server.port)
        self._client.loop_start()
        topics = self.facts.topics
        for topic in (topics.ball("+").set, topics.request("+"), ha.birth_topic()):
            self._client.subscribe(topic, 1)

    def _on_message(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        expiry = getattr(message.properties, "MessageExpiryInterval", None)
        self.heard.append((message.topic, message.payload.decode(), message.qos, expiry))

    def say(self, topic: str, payload: str, *, retain: bool = True) -> None:
        """Say it, and wait until the broker has it."""
        self._client.publish(topic, payload, 1, retain).wait_for_publish(10)

    def announce(self, ball: ha.BallFacts, state: BallState = PLAYING) -> BallTopics:
        """Say all about a ball that we are connected to."""
        topics = self.facts.topics.ball(ball.id)
        self.say(ha.ball_topic(self.facts, ball.id), ha.as_text(ha.announce_ball(self.facts, ball)))
        self.say(topics.availability, ONLINE)
        self.say(topics.state, reports.tell(state))
        return topics

    def announce_itself(self) -> None:
        """Say all about the gateway."""
        topics = self.facts.topics
        self.say(ha.gateway_topic(self.facts), ha.as_text(ha.announce_gateway(self.facts)))
        info = GatewayInfo(
            gateway=self.facts.gateway, version="0.1.0", adapter="hci0", balls=(BallEntry(id="b", name="B"),)
        )
        self.say(topics.info, reports.tell(info))
        self.say(topics.health, reports.tell(Health()))
        self.say(topics.status, ONLINE)

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()


@dataclass
class House:
    """A core, a broker and two gateways."""

    core: Core
    voice: Voice
    other: Voice


@pytest.fixture(scope="module")
def quiet_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    text = AUTOMATIONS.read_text(encoding="utf-8")
    assert EVENING in text
    with mosquitto(folder, users=USERS, acl=ACL) as server:
        voices = [Voice(facts, server) for facts in (GATEWAY, OTHER)]
        with home_assistant(
            folder, server, HASS, user="homeassistant", password="c", automations=text.replace(EVENING, ALWAYS)
        ) as core:
            since = core.mark()
            for voice in voices:
                voice.announce_itself()
            core.expect("binary_sensor.unknot_praxis_2_status", "on")
            assert core.troubles(since) == []
            yield House(core, *voices)
        for voice in voices:
            voice.close()


@pytest.fixture
def house(quiet_house: House) -> Iterator[House]:
    """Each test has the house to itself, and leaves nothing in the core's log."""
    since = quiet_house.core.mark()
    quiet_house.voice.heard.clear()
    yield quiet_house
    troubles = quiet_house.core.troubles(since)
    if quiet_house.core.version < FIRST_WITH_EXPIRY:
        troubles = [line for line in troubles if OLD_WORD not in line]
    assert troubles == []


def named(name: str) -> ha.BallFacts:
    return replace(BALL, id=f"id-of-{name.casefold()}", name=name, address="")


def entities(payload: ha.Payload, prefix: str) -> set[str]:
    """The ids that Home Assistant gives: the device's name and the entity's."""
    return {
        f"{part['p']}.{prefix}_{part['name'].lower().replace(' ', '_')}"
        for part in payload["cmps"].values()
        if part.get("en", True)
    }


def of(core: Core, prefix: str) -> set[str]:
    return {entity for entity in core.states() if entity.split(".")[1].startswith(f"{prefix}_")}


def test_a_gateway_appears_with_all_that_it_has(house: House) -> None:
    expected = entities(ha.announce_gateway(GATEWAY), "unknot_praxis_1")
    house.core.until(lambda: of(house.core, "unknot_praxis_1") == expected, "all its entities")
    house.core.expect("sensor.unknot_praxis_1_balls", "1")
    house.core.expect("sensor.unknot_praxis_1_adapter", "hci0")
    house.core.expect("sensor.unknot_praxis_1_version", "0.1.0")
    house.core.expect("binary_sensor.unknot_praxis_1_radio", "off")


def test_a_ball_appears_with_all_that_it_has(house: House) -> None:
    house.voice.announce(named("One"))
    expected = entities(ha.announce_ball(GATEWAY, named("One")), "one")
    house.core.until(lambda: of(house.core, "one") == expected, "all its entities")
    gateway = house.core.device("button.unknot_praxis_1_stop_all", "id")
    assert house.core.device("switch.one_running", "via_device_id") == gateway
    house.core.expect("number.one_intensity", "33")
    house.core.expect("sensor.one_end", "2026-01-01T21:04:10+00:00")
    house.core.expect("sensor.one_words", "Stay on the spot.")


def test_also_what_is_not_shown_at_first_is_taken(house: House) -> None:
    payload = ha.announce_ball(GATEWAY, named("Two"))
    for part in payload["cmps"].values():
        part.pop("en", None)
    house.voice.announce(named("Two"))
    house.core.expect("switch.two_running", "on")
    house.voice.say(ha.ball_topic(GATEWAY, named("Two").id), "")
    house.core.until(lambda: not of(house.core, "two"), "its end")
    house.voice.say(ha.ball_topic(GATEWAY, "two-again"), ha.as_text(payload))
    house.core.until(lambda: of(house.core, "two") == entities(payload, "two"), "all its entities")


STATES = [
    BallState(),
    PLAYING,
    PLAYING.model_copy(update={"phase": Phase.PAUSED, "ends_at": None}),
    PLAYING.model_copy(update={"protocol": "come-lately", "say": 'Ä "{{ 1 }}"' * 100, "step": "stretch"}),
    BallState(phase=Phase.LOST, motor="unknown", remaining=0.0),
    BallState(phase=Phase.FAULT, motor="unknown", stop=events.StopOutcome.UNKNOWN, detail="gone", battery=0.0),
    BallState(phase=Phase.FINISHED, duration=60, intensity=100),
]


def test_every_state_is_taken(house: House) -> None:
    topics = house.voice.announce(named("Three"))
    for state in STATES:
        house.voice.say(topics.state, reports.tell(state))
        house.core.expect("sensor.three_phase", state.phase)
    house.voice.say(topics.state, "")
    house.core.expect("sensor.three_phase", "unknown")


SERVICES: list[tuple[str, str, dict[str, Any], dict[str, Any], bool]] = [
    ("number.set_value", "number.four_intensity", {"value": 40}, {"intensity": 40}, True),
    ("number.set_value", "number.four_intensity", {"value": 12.5}, {"intensity": 12.5}, True),
    ("number.set_value", "number.four_duration", {"value": 60}, {"duration": 60}, True),
    ("select.select_option", "select.four_protocol", {"option": "calf"}, {"protocol": "calf"}, True),
    ("select.select_option", "select.four_protocol", {"option": "manual"}, {"protocol": "manual"}, True),
    ("select.select_option", "select.four_side", {"option": "both"}, {"side": "both"}, True),
    ("switch.turn_on", "switch.four_running", {}, {"run": True}, True),
    ("switch.turn_off", "switch.four_running", {}, {"run": False}, True),
    ("button.press", "button.four_start", {}, {"action": "start"}, True),
    ("button.press", "button.four_pause", {}, {"action": "pause"}, False),
    ("button.press", "button.four_skip", {}, {"action": "skip"}, True),
    ("button.press", "button.four_stop", {}, {"action": "stop"}, False),
]


def test_every_control_reaches_the_ball(house: House) -> None:
    topics = house.voice.announce(named("Four"))
    house.core.expect("switch.four_running", "on")
    knows_expiry = house.core.version >= FIRST_WITH_EXPIRY
    for service, entity, data, command, expires in SERVICES:
        house.voice.heard.clear()
        house.core.call(service, entity, **data)
        house.core.until(lambda: house.voice.heard, service)
        [(topic, payload, qos, expiry)] = house.voice.heard
        assert (topic, json.loads(payload), qos) == (topics.set, command, 1)
        assert expiry == (10 if expires and knows_expiry else None)


def test_the_gateways_buttons_reach_it(house: House) -> None:
    for entity, verb in (("stop_all", "stop_all"), ("scan", "scan")):
        house.voice.heard.clear()
        house.core.call("button.press", f"button.unknot_praxis_1_{entity}")
        house.core.until(lambda: house.voice.heard, verb)
        assert house.voice.heard[0][:3] == (GATEWAY.topics.request(verb), "{}", 1)


def test_a_stop_goes_out_though_the_link_is_lost(house: House) -> None:
    topics = house.voice.announce(named("Five"))
    house.core.expect("switch.five_running", "on")
    house.voice.say(topics.availability, OFFLINE)
    house.voice.say(topics.state, reports.tell(BallState(phase=Phase.LOST, motor="unknown", say="Press its button.")))
    house.core.expect("button.five_start", "unavailable")
    house.core.expect("sensor.five_words", "Press its button.")
    house.core.expect("binary_sensor.five_problem", "on")
    house.core.expect("binary_sensor.five_link", "off")
    house.core.call("button.press", "button.five_stop")
    house.core.call("button.press", "button.five_pause")
    house.core.call("switch.turn_off", "switch.five_running")
    house.core.until(lambda: len(house.voice.heard) >= 3, "three commands")
    commands = [json.loads(payload) for _, payload, _, _ in house.voice.heard]
    assert commands == [{"action": "stop"}, {"action": "pause"}, {"run": False}]


def test_all_is_unavailable_when_the_gateway_is_gone(house: House) -> None:
    house.voice.announce(named("Six"))
    house.core.expect("switch.six_running", "on")
    house.voice.say(GATEWAY.topics.status, OFFLINE)
    house.core.expect("button.six_stop", "unavailable")
    house.core.until(lambda: {house.core.state(one) for one in of(house.core, "six")} == {"unavailable"}, "all of it")
    house.core.expect("binary_sensor.unknot_praxis_1_status", "off")
    house.voice.say(GATEWAY.topics.status, ONLINE)
    house.core.expect("switch.six_running", "on")


def test_events_arrive_and_others_pass_in_silence(house: House) -> None:
    topics = house.voice.announce(named("Seven"))
    house.core.expect("switch.seven_running", "on")
    for event in EVENTS:
        facts = events.as_dict(event)
        told = {"event_type": facts.pop("event"), "session": 3, **facts}
        if event.name in SILENT:
            house.voice.say(topics.event, json.dumps(told), retain=False)
        else:
            _tell(house, topics.event, told, "event.seven_session", event.name)
    assert house.core.attribute("event.seven_session", "reason") == "stopped"
    for code in Code:
        refusal = Refusal(code, "it's <too> “strong” {{ 1 }}", "intensity")
        _tell(house, topics.error, {**refusal.as_dict(), "request": ""}, "event.seven_refusal", code)
        assert house.core.attribute("event.seven_refusal", "message") == refusal.message


def _tell(house: House, topic: str, told: dict[str, Any], entity: str, kind: str) -> None:
    """Say it until it is seen: what is not retained is lost on a core that has not yet subscribed to it."""

    def is_seen() -> bool:
        house.voice.say(topic, json.dumps(told), retain=False)
        return bool(house.core.attribute(entity, "event_type") == kind)

    house.core.until(is_seen, f"{kind} of {entity}")


def test_what_is_taken_away_goes_and_the_rest_stays(house: House) -> None:
    house.voice.announce(named("Eight"))
    house.core.expect("sensor.eight_battery", "87")
    house.voice.announce(replace(named("Eight"), has_battery=False))
    house.core.expect("sensor.eight_battery", "")
    payload = ha.announce_ball(GATEWAY, replace(named("Eight"), has_battery=False))
    before = ha.components(ha.as_text(payload))
    del payload["cmps"]["skip"]
    house.voice.say(ha.ball_topic(GATEWAY, named("Eight").id), ha.as_text(ha.taking_away(payload, before)))
    house.core.expect("button.eight_skip", "")
    house.core.expect("switch.eight_running", "on")
    house.voice.say(ha.ball_topic(GATEWAY, named("Eight").id), ha.as_text(payload))
    house.voice.say(GATEWAY.topics.ball(named("Eight").id).state, reports.tell(BallState(phase=Phase.FINISHED)))
    house.core.expect("sensor.eight_phase", "finished")
    assert house.core.state("button.eight_skip") == ""


def test_what_is_forgotten_is_gone(house: House) -> None:
    house.other.announce(named("Nine"))
    house.core.expect("switch.nine_running", "on")
    for topic in ha.forgotten(OTHER, [named("Nine").id]):
        house.other.say(topic, ha.REMOVED)
    house.core.until(lambda: not of(house.core, "nine") | of(house.core, "unknot_praxis_2"), "the end of both")
    house.other.announce_itself()
    house.core.expect("binary_sensor.unknot_praxis_2_status", "on")


def test_a_ball_that_another_gateway_takes_over_stays_the_same(house: House) -> None:
    before = house.voice.announce(named("Ten"))
    house.core.expect("switch.ten_running", "on")
    device = house.core.device("switch.ten_running", "id")
    house.voice.say(before.availability, OFFLINE)
    after = house.other.announce(named("Ten"), BallState(phase=Phase.FINISHED))
    for topic in (before.availability, before.state):
        house.voice.say(topic, ha.REMOVED)
    house.core.expect("sensor.ten_phase", "finished")
    assert house.core.device("switch.ten_running", "id") == device
    gateway = house.core.device("button.unknot_praxis_2_stop_all", "id")
    house.core.until(lambda: house.core.device("switch.ten_running", "via_device_id") == gateway, "the new gateway")
    house.core.call("button.press", "button.ten_stop")
    house.core.until(lambda: house.other.heard, "the stop")
    assert house.other.heard[-1][0] == after.set


@pytest.mark.parametrize(
    "name", ["Bälle für Ömer", "“Quoted” 'ball' \"x\"", "{{ 1 }} {% raw %}", "Kugel 🎱", "a\tb\x07c"]
)
def test_a_ball_may_be_called_as_people_like(house: House, name: str) -> None:
    ball = replace(named("Eleven"), name=name)
    house.voice.announce(ball)
    phase = house.core.until(lambda: _entity_called(house.core, ball, "Phase"), "its phase")
    assert house.core.device(phase, "name") == ha.announce_ball(GATEWAY, ball)["dev"]["name"]
    house.voice.say(ha.ball_topic(GATEWAY, ball.id), ha.REMOVED)
    house.core.until(lambda: not _entity_called(house.core, ball, "Phase"), "its end")


def _entity_called(core: Core, ball: ha.BallFacts, name: str) -> str:
    full = f"{ha.announce_ball(GATEWAY, ball)['dev']['name']} {name}"
    found = core.ask("GET", "/api/states")
    return next((one["entity_id"] for one in found if one["attributes"].get("friendly_name") == full), "")


def test_all_is_there_again_after_a_restart(house: House) -> None:
    house.voice.announce(named("Twelve"))
    house.core.expect("switch.twelve_running", "on")
    house.core.reload()
    house.core.expect("switch.twelve_running", "on")
    house.core.until(lambda: (ha.birth_topic(), ONLINE) in [said[:2] for said in house.voice.heard], "the birth")


def test_the_automations_of_the_readme_do_what_they_say(quiet_house: House) -> None:
    core, voice = quiet_house.core, quiet_house.voice
    since = core.mark()
    topics = voice.announce(BALL, BallState())
    core.expect("switch.blaue_kugel_running", "off")
    voice.heard.clear()
    core.call("input_button.press", "input_button.bed")
    core.until(lambda: len(voice.heard) == 4, "four commands")
    commands = [json.loads(payload) for topic, payload, _, _ in voice.heard if topic == topics.set]
    assert commands == [{"protocol": "calf"}, {"side": "left"}, {"intensity": 40}, {"action": "start"}]
    voice.heard.clear()
    for position in ("off", "on"):
        core.ask("POST", "/api/states/binary_sensor.front_door", {"state": position})
    core.until(lambda: voice.heard, "the stop")
    assert voice.heard[0][0] == GATEWAY.topics.request("stop_all")
    voice.say(topics.state, reports.tell(BallState(phase=Phase.FAULT, motor="unknown", detail="no answer")))
    core.expect("binary_sensor.blaue_kugel_problem", "on")
    core.until(lambda: _triggered(core, "tell_me_when_the_motor_may_still_run"), "the notification")
    assert core.troubles(since) == []
    _tell(quiet_house, topics.event, {"event_type": "ended"}, "event.blaue_kugel_session", "ended")
    assert not _triggered(core, "say_what_to_do_at_each_step")
    step = {"event_type": "step", "say": "Ease in."}
    _tell(quiet_house, topics.event, step, "event.blaue_kugel_session", "step")
    core.until(lambda: _triggered(core, "say_what_to_do_at_each_step"), "the words")
    assert all("tts" in line for line in core.troubles(since))  # this core has no voice


def _triggered(core: Core, automation: str) -> bool:
    return bool(core.attribute(f"automation.{automation}", "last_triggered"))


# The whole way: this Home Assistant, a real broker, and the real gateway as a program.


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[tuple[Core, subprocess.Popen[bytes]]]:
    folders = dict.fromkeys(("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"), str(tmp_path))
    with (
        mosquitto(tmp_path, users=USERS, acl=ACL) as server,
        home_assistant(tmp_path, server, HASS, user="homeassistant", password="c") as core,
    ):
        words = ["--broker", f"mqtt://praxis-1@127.0.0.1:{server.port}", "--gateway", "praxis-1", "--simulate", "1"]
        environment = {**os.environ, **folders, "UNKNOT_BROKER__PASSWORD": "a"}
        with subprocess.Popen([sys.executable, "-m", "unknot", "bridge", *words], env=environment) as process:
            try:
                yield core, process
            finally:
                process.kill()


def test_a_protocol_is_played_by_home_assistant(bridge: tuple[Core, subprocess.Popen[bytes]]) -> None:
    core, process = bridge
    since = core.mark()
    core.expect("binary_sensor.simulated_1_link", "on")
    core.call("select.select_option", "select.simulated_1_protocol", option="calf")
    core.expect("number.simulated_1_intensity", "50")
    core.call("number.set_value", "number.simulated_1_intensity", value=30)
    core.expect("number.simulated_1_intensity", "30")
    assert core.state("sensor.simulated_1_phase") == "idle"
    core.call("button.press", "button.simulated_1_start")
    core.expect("switch.simulated_1_running", "on")
    core.expect("sensor.simulated_1_step", "settle")
    core.call("number.set_value", "number.simulated_1_intensity", value=90)
    core.until(lambda: core.attribute("event.simulated_1_refusal", "event_type") == "refused", "the refusal")
    core.expect("number.simulated_1_intensity", "30")
    core.call("button.press", "button.simulated_1_pause")
    core.expect("sensor.simulated_1_phase", "paused")
    core.call("button.press", "button.simulated_1_start")
    core.expect("sensor.simulated_1_phase", "running")
    core.call("button.press", "button.unknot_praxis_1_stop_all")
    core.expect("sensor.simulated_1_phase", "idle")
    core.until(lambda: core.attribute("event.simulated_1_session", "event_type") == "ended", "the end")
    assert core.attribute("event.simulated_1_session", "stop") == "confirmed"
    assert core.troubles(since) == []
    process.kill()
    core.expect("switch.simulated_1_running", "unavailable")
