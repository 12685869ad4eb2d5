"""The entities that Home Assistant makes of a ball and of a gateway: which there are, and what each says and reads.

Used by `discovery`, which says whose they are. An entity has a key without ``_``, so that no two
identities are the same. Options are written with Home Assistant's abbreviations; what only newer versions know stands
here, where older ones pass over it, and never at the root, where they refuse the whole. Pure.
"""

from __future__ import annotations

from typing import Any

from unknot import events
from unknot.bridge.homeassistant import templates
from unknot.bridge.payloads import MANUAL, Action, Code
from unknot.bridge.reports import Phase
from unknot.bridge.topics import OFFLINE, ONLINE, BallTopics, GatewayTopics
from unknot.protocols.limits import FREE
from unknot.protocols.model import KINDS
from unknot.protocols.timeline import Side

COMMAND_SECONDS = 10
"""A command that Home Assistant sends is void after that long (judgement); known to it since 2026. Stops are not."""

STATE_MOST = 255
"""Characters of a state in Home Assistant (its ``MAX_LENGTH_STATE_STATE``); a longer one is refused with a warning."""

SESSION_EVENTS = tuple(
    event.name
    for event in (
        events.Started,
        events.StepStarted,
        events.LevelAdopted,
        events.Paused,
        events.Resumed,
        events.Skipped,
        events.LinkDropped,
        events.LinkRestored,
        events.Ended,
    )
)
"""What an automation may wait for. Levels and reports would wake it several times a second; they are states."""

PLAYING = (Phase.RUNNING, Phase.PAUSED, Phase.LOST)
"""A session stands."""

ALWAYS = frozenset({"running", "pause", "stop", "phase", "say", "link", "problem", "session", "refusal"})
"""There while the gateway is, whatever the link to the ball does. Home Assistant ignores a command to what is not
available, and a stop is wanted most when the link is lost; and then it must be read what to do."""

Entity = dict[str, Any]
Entities = dict[str, Entity]

GONE_BATTERY: Entity = {"p": "sensor"}
"""Takes the battery away, should it have been there; nothing happens if it was not."""


def of_ball(topics: BallTopics, protocols: tuple[str, ...]) -> Entities:
    """The entities of a ball for which these protocols can be chosen, beside `MANUAL`."""
    return _controls(protocols) | _settings() | _readings() | _happenings(topics) | _diagnostics(topics)


def of_gateway(topics: GatewayTopics) -> Entities:
    """The entities of a gateway; all but ``status`` are there only while it is."""
    in_trouble = templates.either("v", "ble.trouble", "ON", "OFF")
    diagnostics = {
        "status": _link(topics.status, "Status"),
        "version": _sensor("Version", templates.told("version")) | {"stat_t": topics.info, "ic": "mdi:tag"},
        "adapter": _sensor("Adapter", templates.told("adapter")) | {"stat_t": topics.info, "ic": "mdi:bluetooth"},
        "radio": _problem("Radio", in_trouble, topics.health, trouble="ble.trouble"),
        "rescan": _asking(topics.request("scan"), "Scan", "mdi:radar") | _EXPIRING,
    }
    balls = _sensor("Balls", templates.count("balls")) | {"stat_t": topics.info, "ic": "mdi:circle-multiple"}
    stop_all = _asking(topics.request("stop_all"), "Stop all", "mdi:stop")
    return {"balls": balls, "stopall": stop_all} | _in_category("diagnostic", diagnostics)


_EXPIRING: Entity = {"msg_exp_int": COMMAND_SECONDS}


def _controls(protocols: tuple[str, ...]) -> Entities:
    return {
        "intensity": _number("intensity", "Intensity", 0, 100, "%") | {"mode": "slider", "ic": "mdi:vibrate"},
        "protocol": _select("protocol", "Protocol", (MANUAL, *protocols)) | {"ic": "mdi:playlist-play"},
        "running": {
            "p": "switch",
            "name": "Running",
            "pl_on": '{"run": true}',
            "pl_off": '{"run": false}',
            "stat_on": "ON",
            "stat_off": "OFF",
            "val_tpl": templates.either(f"v in {templates.listed(PLAYING)}", "phase", "ON", "OFF"),
            "ic": "mdi:power",
            **_EXPIRING,
        },
        "start": _button(Action.START, "Start", "mdi:play") | _EXPIRING,
        "pause": _button(Action.PAUSE, "Pause", "mdi:pause"),
        "skip": _button(Action.SKIP, "Skip", "mdi:skip-next") | _EXPIRING,
        "stop": _button(Action.STOP, "Stop", "mdi:stop"),
    }


def _settings() -> Entities:
    duration = _number("duration", "Duration", 1, int(FREE.value), "s")
    settings = {
        "duration": duration | {"mode": "box", "dev_cla": "duration"},
        "side": _select("side", "Side", tuple(Side)) | {"ic": "mdi:arrow-left-right"},
    }
    return _in_category("config", settings)


def _readings() -> Entities:
    left = _sensor("Time left", templates.whole("remaining"))
    return {
        "phase": _enum("phase", "Phase", tuple(Phase)) | {"ic": "mdi:list-status"},
        "step": _enum("step", "Step", KINDS) | {"ic": "mdi:shoe-print"},
        "say": _sensor("Words", templates.short("say", STATE_MOST)) | {"ic": "mdi:account-voice"},
        "remaining": left | {"dev_cla": "duration", "unit_of_meas": "s"},
        "ends": _sensor("End", templates.told("ends_at")) | {"dev_cla": "timestamp"},
    }


def _happenings(topics: BallTopics) -> Entities:
    session = templates.event(SESSION_EVENTS)
    refusal = templates.event_by("code", tuple(Code))
    return {
        "session": _event("Session", SESSION_EVENTS, topics.event, session) | {"ic": "mdi:bell"},
        "refusal": _event("Refusal", tuple(Code), topics.error, refusal)
        | {"ent_cat": "diagnostic", "ic": "mdi:hand-back-left"},
    }


def _diagnostics(topics: BallTopics) -> Entities:
    is_in_doubt = f"v == '{Phase.FAULT}' or {templates.of('motor')} == 'unknown'"
    problem = templates.either(is_in_doubt, "phase", "ON", "OFF")
    diagnostics = {
        "link": _link(topics.availability, "Link"),
        "problem": _problem("Problem", problem, topics.state, detail="detail", stop="stop"),
        "battery": _measured("Battery", "battery", "%", "battery"),
        "level": _sensor("Motor level", templates.whole("level")) | {"ic": "mdi:gauge", "en": False},
        "signal": _measured("Signal", "rssi", "dBm", "signal_strength") | {"en": False},
    }
    return _in_category("diagnostic", diagnostics)


def _in_category(category: str, entities: Entities) -> Entities:
    return {key: {**entity, "ent_cat": category} for key, entity in entities.items()}


def _number(key: str, name: str, low: int, high: int, unit: str) -> Entity:
    return {
        "p": "number",
        "name": name,
        "min": low,
        "max": high,
        "step": 1,
        "unit_of_meas": unit,
        "val_tpl": templates.within(key, low, high),
        "cmd_tpl": templates.command(key),
        **_EXPIRING,
    }


def _select(key: str, name: str, options: tuple[str, ...]) -> Entity:
    return {
        "p": "select",
        "name": name,
        "ops": [str(option) for option in options],
        "val_tpl": templates.among(key, options),
        "cmd_tpl": templates.command(key),
        **_EXPIRING,
    }


def _button(action: Action, name: str, icon: str) -> Entity:
    return {"p": "button", "name": name, "pl_prs": f'{{"action": "{action}"}}', "ic": icon}


def _asking(topic: str, name: str, icon: str) -> Entity:
    return {"p": "button", "name": name, "cmd_t": topic, "pl_prs": "{}", "ic": icon}


def _sensor(name: str, template: str) -> Entity:
    return {"p": "sensor", "name": name, "val_tpl": template}


def _enum(key: str, name: str, words: tuple[str, ...]) -> Entity:
    options = [str(word) for word in words]
    return _sensor(name, templates.among(key, options)) | {"dev_cla": "enum", "ops": options}


def _measured(name: str, key: str, unit: str, kind: str) -> Entity:
    return _sensor(name, templates.whole(key)) | {"dev_cla": kind, "unit_of_meas": unit, "stat_cla": "measurement"}


def _link(topic: str, name: str) -> Entity:
    states = {"stat_t": topic, "pl_on": ONLINE, "pl_off": OFFLINE}
    return {"p": "binary_sensor", "name": name, "dev_cla": "connectivity", **states}


def _problem(name: str, template: str, topic: str, **told: str) -> Entity:
    more = {"json_attr_t": topic, "json_attr_tpl": templates.attributes(**told)}
    return {"p": "binary_sensor", "name": name, "dev_cla": "problem", "stat_t": topic, "val_tpl": template, **more}


def _event(name: str, words: tuple[str, ...], topic: str, template: str) -> Entity:
    return {"p": "event", "name": name, "stat_t": topic, "evt_typ": [str(word) for word in words], "val_tpl": template}
