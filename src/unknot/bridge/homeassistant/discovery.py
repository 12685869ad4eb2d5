"""What Home Assistant is told of a gateway and its balls, so that they appear there by themselves; pure.

The gateway publishes these texts, retained and with QoS 1, and never anything else on these topics. Home Assistant
makes one device page of each. That it takes them without a word, and what its buttons then say to us, is proved with
real cores 2025.4.4 and 2026.11.0 (tests/bridge/test_homeassistant_core.py).

A ball has one topic, whichever gateway keeps it, as it has one identity: who is connected to it announces it, and so
takes it over from whoever did before, with its history, its room and its automations. Two topics with the same
identities Home Assistant refuses, and the ball vanishes from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from unknot.bridge.homeassistant import entities
from unknot.bridge.homeassistant.entities import Entities
from unknot.bridge.topics import BASE, GatewayTopics

PREFIX = "homeassistant"
"""The first level of discovery, unless the owner of Home Assistant chose another one."""

NODE = "unknot"
"""The level under which every ball is announced, so that a rule of the broker can keep gateways to it."""

GATEWAY_NODE = "unknot-gateway"
"""The same for gateways; a level of their own, so that a ball may be called as it likes."""

NAME_MOST = 64
"""Characters of a ball's name that are shown (judgement)."""

REMOVED = ""
"""What removes a device, and clears a retained topic."""

Payload = dict[str, Any]

_MAC = re.compile(r"([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True)
class GatewayFacts:
    """The gateway that announces.

    Attributes:
        gateway: its id.
        version: of unknot there.
        base: the first level of its topics.
        prefix: the first level of discovery.
    """

    gateway: str
    version: str
    base: str = BASE
    prefix: str = PREFIX

    @property
    def topics(self) -> GatewayTopics:
        """Where it speaks."""
        return GatewayTopics(self.gateway, self.base)

    @property
    def identifier(self) -> str:
        """Its name in Home Assistant's registry; no ball's begins so."""
        return f"{GATEWAY_NODE}_{self.gateway}"


@dataclass(frozen=True, slots=True)
class BallFacts:
    """A ball that is announced; what is empty is not known, and left out.

    Attributes:
        id: its id.
        name: what people call it, whatever that is.
        address: its Bluetooth address; other systems' names for it are left out.
        maker: who makes it.
        model: the profile that it speaks.
        firmware: the version that it told.
        serial: the serial number that it told.
        protocols: the ids of the protocols that can be chosen beside `MANUAL`.
        has_battery: whether it tells its charge.
    """

    id: str
    name: str
    address: str = ""
    maker: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = ""
    protocols: tuple[str, ...] = ()
    has_battery: bool = True


def ball_topic(gateway: GatewayFacts, ball: str) -> str:
    """Where the ball of that id is announced; the same at every gateway."""
    return f"{gateway.prefix}/device/{NODE}/{ball}/config"


def gateway_topic(gateway: GatewayFacts) -> str:
    """Where the gateway itself is announced."""
    return f"{gateway.prefix}/device/{GATEWAY_NODE}/{gateway.gateway}/config"


def birth_topic(prefix: str = PREFIX) -> str:
    """Where Home Assistant says `ONLINE` when it has started; then everything is told again, after a random while."""
    return f"{prefix}/status"


def as_text(payload: Payload) -> str:
    """The payload as JSON; the same payload is always the same text."""
    return json.dumps(payload, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def announce_ball(gateway: GatewayFacts, ball: BallFacts) -> Payload:
    """What makes the ball appear; to be told by the gateway that is connected to it."""
    topics = gateway.topics.ball(ball.id)
    status = {"t": gateway.topics.status}
    parts = entities.of_ball(topics, ball.protocols)
    if not ball.has_battery:
        parts["battery"] = entities.GONE_BATTERY
    parts |= {key: {**parts[key], "avty": [status]} for key in entities.ALWAYS}
    return {
        "dev": _device(gateway, ball),
        "o": _origin(gateway),
        "avty": [status, {"t": topics.availability}],
        "avty_mode": "all",
        "stat_t": topics.state,
        "cmd_t": topics.set,
        "cmps": _identified(f"unknot_{ball.id}", parts),
    }


def announce_gateway(gateway: GatewayFacts) -> Payload:
    """What makes the gateway appear; to be told before its balls, which refer to it."""
    status = [{"t": gateway.topics.status}]
    parts = entities.of_gateway(gateway.topics)
    parts |= {key: {**part, "avty": status} for key, part in parts.items() if key != "status"}
    return {
        "dev": {
            "ids": [gateway.identifier],
            "name": f"unknot {gateway.gateway}",
            "mf": "unknot",
            "mdl": "Gateway",
            "sw": gateway.version,
        },
        "o": _origin(gateway),
        "cmps": _identified(gateway.identifier, parts),
    }


def components(payload: str | bytes) -> dict[str, str]:
    """The components in what was announced before, each with its platform; none if it cannot be read."""
    found = _read(payload).get("cmps", {})
    parts = found if isinstance(found, dict) else {}
    return {key: str(part.get("p", "")) for key, part in parts.items() if isinstance(part, dict)}


def announcer(payload: str | bytes) -> str:
    """The id of the gateway that announced a ball so; empty if it cannot be read."""
    device = _read(payload).get("dev", {})
    found = device.get("via_device", "") if isinstance(device, dict) else ""
    return str(found).removeprefix(f"{GATEWAY_NODE}_")


def taking_away(payload: Payload, before: Mapping[str, str]) -> Payload:
    """The payload, and each component that was there ``before`` and is no longer, said as its platform alone.

    Leaving a component out does not remove it. It is told once like this, and then without.
    """
    gone: Entities = {key: {"p": platform} for key, platform in before.items() if key not in payload["cmps"]}
    return {**payload, "cmps": {**payload["cmps"], **gone}}


def forgotten(gateway: GatewayFacts, balls: Iterable[str]) -> tuple[str, ...]:
    """The topics to be cleared (`REMOVED`, retained) so that nothing is left of a gateway and its balls, in order.

    Only what is retained should be cleared: Home Assistant warns of the removal of what it does not know. A ball that
    another gateway has announced since (`announcer`) is that one's, and must not be among ``balls``.
    """
    known = tuple(balls)
    of_balls = [gateway.topics.ball(ball) for ball in known]
    own = gateway.topics
    return (
        *(ball_topic(gateway, ball) for ball in known),
        gateway_topic(gateway),
        *(topic for ball in of_balls for topic in (ball.availability, ball.state)),
        own.health,
        own.info,
        own.status,
    )


def _identified(owner: str, parts: Entities) -> Entities:
    """Each with an identity for ever (no key has a ``_``, so that no two are the same) and with QoS 1.

    What is only a platform says that it is no longer there, and stays alone.
    """
    return {
        key: {**part, "uniq_id": f"{owner}_{key}", "qos": 1} if len(part) > 1 else part for key, part in parts.items()
    }


def _device(gateway: GatewayFacts, ball: BallFacts) -> Payload:
    facts = {"mf": ball.maker, "mdl": ball.model, "sw": ball.firmware, "sn": ball.serial}
    device: Payload = {
        "ids": [f"unknot_{ball.id}"],
        "name": _shown(ball.name) or ball.id,
        "via_device": gateway.identifier,
        **{key: _shown(fact) for key, fact in facts.items() if _shown(fact)},
    }
    if _MAC.fullmatch(ball.address):
        device["cns"] = [["bluetooth", ball.address.upper()]]
    return device


def _origin(gateway: GatewayFacts) -> Payload:
    return {"name": "unknot", "sw": gateway.version}


def _read(payload: str | bytes) -> Payload:
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _shown(name: str) -> str:
    """What comes from the air or from people, without signs that cannot be shown."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in name).split())[:NAME_MOST]
