"""The names of the topics, in one place; used by the gateway, by those who drive it, and for Home Assistant.

    B/G/status, B/G/info, B/G/health, B/G/log
    B/G/request/VERB, B/G/response/VERB
    B/G/ball/D/availability, …/state, …/set, …/set/KEY, …/get, …/event, …/error
    B/all/request/stop_all

B is the base (`BASE` by default), G a gateway, D a ball. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

BASE = "unknot"
"""The first level of every topic, unless the owner chose another one."""

EVERYONE = "all"
"""Stands in the place of a gateway: every one of them listens to it. No gateway may be called so."""

ONLINE, OFFLINE = "online", "offline"
"""What a status and an availability say: plain text, which Home Assistant takes for granted."""

ID_MOST = 64
"""Characters of a gateway's or a ball's id: short enough for every broker's limits on topics (judgement)."""

_ID = re.compile(r"[a-z0-9_-]{1,64}")
_NO_ID = re.compile(r"[^a-z0-9_-]+")


def is_id(word: str) -> bool:
    """Whether it may stand for a gateway or a ball in a topic: lower-case letters, digits, ``_`` and ``-``."""
    return _ID.fullmatch(word) is not None


def as_id(name: str) -> str:
    """The id made of a host's name or an address: AA:BB:CC:DD:EE:01 is aabbccddee01, "Raum 3" is raum-3."""
    plain = name.strip().lower().replace(":", "")
    return _NO_ID.sub("-", plain)[:ID_MOST].strip("-") or "unnamed"


@dataclass(frozen=True, slots=True)
class BallTopics:
    """The topics of one ball at one gateway; ``prefix`` is B/G/ball/D."""

    prefix: str

    @property
    def availability(self) -> str:
        """`ONLINE` while its link stands; retained."""
        return f"{self.prefix}/availability"

    @property
    def state(self) -> str:
        """`unknot.bridge.reports.BallState`; retained."""
        return f"{self.prefix}/state"

    @property
    def set(self) -> str:
        """`unknot.bridge.payloads.SetCommand`; never retained. Below it one topic per key, for plain values."""
        return f"{self.prefix}/set"

    @property
    def get(self) -> str:
        """Anything: the state is told again."""
        return f"{self.prefix}/get"

    @property
    def event(self) -> str:
        """What a session says happened; not retained."""
        return f"{self.prefix}/event"

    @property
    def error(self) -> str:
        """Why a ``set`` was refused; not retained."""
        return f"{self.prefix}/error"


@dataclass(frozen=True, slots=True)
class GatewayTopics:
    """The topics of one gateway.

    Args:
        gateway: its id; "+" for all of them, to subscribe to.
        base: the first level.
    """

    gateway: str
    base: str = BASE

    @property
    def prefix(self) -> str:
        """B/G."""
        return f"{self.base}/{self.gateway}"

    @property
    def status(self) -> str:
        """`ONLINE` or `OFFLINE`, which is also its will; retained."""
        return f"{self.prefix}/status"

    @property
    def info(self) -> str:
        """`unknot.bridge.reports.GatewayInfo`; retained."""
        return f"{self.prefix}/info"

    @property
    def health(self) -> str:
        """`unknot.bridge.reports.Health`; retained."""
        return f"{self.prefix}/health"

    @property
    def log(self) -> str:
        """Warnings and errors as JSON; not retained."""
        return f"{self.prefix}/log"

    @property
    def stop_all(self) -> str:
        """What every gateway on the broker obeys."""
        return f"{self.base}/{EVERYONE}/request/stop_all"

    def request(self, verb: str) -> str:
        """A request; one of `unknot.bridge.payloads.REQUESTS`; never retained."""
        return f"{self.prefix}/request/{verb}"

    def response(self, verb: str) -> str:
        """`unknot.bridge.reports.Response`; not retained."""
        return f"{self.prefix}/response/{verb}"

    def ball(self, ball: str) -> BallTopics:
        """The topics of one of its balls; "+" for all of them."""
        return BallTopics(f"{self.prefix}/ball/{ball}")
