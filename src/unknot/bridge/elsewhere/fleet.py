"""What every gateway on a broker tells of itself and its balls, folded into one table; used by ``unknot fleet``. Pure.

Also used to choose a gateway and a ball where nobody has named one. A broker may hold anything: what is too large, too
much or no report of ours is left out, and memory is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from unknot.bridge import reports, topics
from unknot.bridge.broker import MAX_BYTES
from unknot.bridge.reports import BallState, Fault, GatewayInfo, Health, Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

    from unknot.bridge.broker import Message

GATEWAYS_MOST = 500
"""How many gateways are kept: ten times a large clinic's (judgement)."""

BALLS_MOST = 2000
"""How many balls are kept in all (judgement)."""

INFO_BYTES = 64 * 1024
"""A larger info is left unread: that of a hundred balls and a hundred protocols has some 20 KiB (judgement)."""

TEXT_MOST = 500
"""Characters of a text in a report; one with a longer text is none of ours (judgement)."""

NUMBER_MOST = 1e9
"""The largest number in a report: thirty years in seconds; one with a larger number is none of ours."""


@dataclass(frozen=True, slots=True)
class BallView:
    """What is known of one ball at one gateway.

    Attributes:
        id: its id at the gateway.
        name: what people call it; its id if nobody has said.
        address: its address; empty if nobody has said.
        model: its profile; empty if nobody has said.
        is_there: whether its link stands, as the gateway last said.
        state: all about it; None if nothing was told.
        heard_at: when that was heard (time of the loop).
        refused: why the gateway refused what it was last told, until the ball does something else.
    """

    id: str
    name: str = ""
    address: str = ""
    model: str = ""
    is_there: bool = False
    state: BallState | None = None
    heard_at: float = 0.0
    refused: str = ""

    @property
    def fault(self) -> str:
        """What went wrong last; empty if nothing did."""
        return self.refused or (self.state.detail if self.state else "")

    def left(self, now: float) -> float | None:
        """Seconds until the end of what plays, at a time of the loop; None if nothing plays."""
        if self.state is None or self.state.remaining is None:
            return None
        passed = now - self.heard_at if self.state.phase is Phase.RUNNING else 0.0
        return max(self.state.remaining - passed, 0.0)


@dataclass(frozen=True, slots=True)
class GatewayView:
    """What is known of one gateway: its status, the ids of its balls in order, and the rest as far as it was told."""

    id: str
    is_online: bool = False
    version: str = ""
    adapter: str = ""
    is_simulated: bool = False
    trouble: str = ""
    balls: tuple[BallView, ...] = ()


@dataclass(slots=True)
class _Gateway:
    view: GatewayView
    named: dict[str, reports.BallEntry] = field(default_factory=dict)
    balls: dict[str, BallView] = field(default_factory=dict)


class Fleet:
    """All gateways and their balls, as far as they were heard.

    Args:
        base: the first level of every topic.

    Attributes:
        base: the same base.
        is_full: whether something had no room.
        unreadable: how many reports were none of ours.
    """

    def __init__(self, base: str = topics.BASE) -> None:
        self.is_full = False
        self.unreadable = 0
        self.base = base
        self._gateways: dict[str, _Gateway] = {}

    @property
    def topics(self) -> tuple[str, ...]:
        """What is to be subscribed to for the whole table."""
        every = topics.GatewayTopics("+", self.base)
        ball = every.ball("+")
        return every.status, every.info, every.health, ball.availability, ball.state, ball.error

    @property
    def gateways(self) -> tuple[GatewayView, ...]:
        """Every gateway with its balls, by their names."""
        return tuple(self._seen(self._gateways[one]) for one in sorted(self._gateways))

    def gateway(self, gateway: str) -> GatewayView | None:
        """One gateway; None if it was not heard."""
        found = self._gateways.get(gateway)
        return None if found is None else self._seen(found)

    def hear(self, message: Message) -> bool:
        """Take in what was said; whether it belongs to the table."""
        if not message.topic.startswith(f"{self.base}/"):
            return False
        match message.topic[len(self.base) + 1 :].split("/"):
            case [gateway, "status" | "info" | "health" as what]:
                return self._hear_gateway(gateway, what, message)
            case [gateway, "ball", ball, "availability" | "state" | "error" as what]:
                return self._hear_ball(gateway, ball, what, message)
            case _:
                return False

    def _hear_gateway(self, name: str, what: str, message: Message) -> bool:
        gateway = self._gateway(name, is_news=bool(message.payload))
        if gateway is None:
            return False
        match what:
            case "status":
                gateway.view = replace(gateway.view, is_online=message.payload == topics.ONLINE.encode())
                if not message.payload:
                    del self._gateways[name]
            case "info":
                self._take_info(gateway, message.payload)
            case _:
                health = reports.read(Health, message.payload) if len(message.payload) <= INFO_BYTES else None
                gateway.view = replace(gateway.view, trouble=health.ble.trouble[:TEXT_MOST] if health else "")
        return True

    def _take_info(self, gateway: _Gateway, payload: bytes) -> None:
        info = reports.read(GatewayInfo, payload) if len(payload) <= INFO_BYTES else None
        if info is None or not all(map(is_ours, (info, *info.balls))):
            self.unreadable += 1
            return
        room = max(BALLS_MOST - sum(len(one.named) for one in self._gateways.values() if one is not gateway), 0)
        entries = [entry for entry in info.balls if topics.is_id(entry.id)]
        self.is_full |= len(entries) > room
        gateway.named = {entry.id: entry for entry in entries[:room]}
        gateway.view = replace(gateway.view, version=info.version, adapter=info.adapter, is_simulated=info.simulated)

    def _hear_ball(self, name: str, ball: str, what: str, message: Message) -> bool:
        gateway = self._gateway(name, is_news=bool(message.payload)) if topics.is_id(ball) else None
        if gateway is None:
            return False
        known = gateway.balls.get(ball)
        if known is None:
            if not message.payload or not self._has_room():
                return False
            known = BallView(ball)
        match what:
            case "availability":
                known = replace(known, is_there=message.payload == topics.ONLINE.encode())
            case "state":
                known = self._take_state(known, message)
            case _:
                fault = reports.read(Fault, message.payload) if len(message.payload) <= MAX_BYTES else None
                known = replace(known, refused=fault.message[:TEXT_MOST] if fault else known.refused)
        if not message.payload and known.state is None and not known.is_there:
            gateway.balls.pop(ball, None)  # the gateway has let go of it
        else:
            gateway.balls[ball] = known
        return True

    def _take_state(self, known: BallView, message: Message) -> BallView:
        if not message.payload:
            return replace(known, state=None, refused="")
        state = state_in(message.payload)
        if state is None:
            self.unreadable += 1
            return known
        before = known.state
        is_as_before = before is not None and (before.phase, before.session) == (state.phase, state.session)
        return replace(known, state=state, heard_at=message.at, refused=known.refused if is_as_before else "")

    def _gateway(self, name: str, *, is_news: bool) -> _Gateway | None:
        known = self._gateways.get(name)
        if known is not None or not is_news or not topics.is_id(name) or name == topics.EVERYONE:
            return known
        if len(self._gateways) >= GATEWAYS_MOST:
            self.is_full = True
            return None
        return self._gateways.setdefault(name, _Gateway(GatewayView(name)))

    def _has_room(self) -> bool:
        has_room = sum(len(one.balls) for one in self._gateways.values()) < BALLS_MOST
        self.is_full |= not has_room
        return has_room

    def _seen(self, gateway: _Gateway) -> GatewayView:
        return replace(gateway.view, balls=tuple(sorted(_balls(gateway), key=lambda ball: (ball.name, ball.id))))


def _balls(gateway: _Gateway) -> Iterator[BallView]:
    """The balls that a gateway has told of, with the names that it keeps them by."""
    for ball in {**gateway.named, **gateway.balls}:
        known = gateway.balls.get(ball) or BallView(ball)
        entry = gateway.named.get(ball)
        model = known.state.model if known.state else ""
        yield replace(
            known,
            name=(entry.name if entry else "") or ball,
            address=entry.address if entry else "",
            model=model or (entry.model if entry else ""),
            is_there=known.is_there and gateway.view.is_online,
        )


def state_in(payload: bytes) -> BallState | None:
    """The state in a payload, or None if it is none of ours."""
    state = reports.read(BallState, payload) if len(payload) <= MAX_BYTES else None
    return state if state is not None and state.model_fields_set >= _TOLD_ALWAYS and is_ours(state) else None


_TOLD_ALWAYS = {"phase", "session", "level", "seq"}
"""What a state tells in any case; one that leaves it out is none of ours."""


def is_ours(report: BaseModel) -> bool:
    """Whether all the texts and numbers of a report are such as we tell; those of its parts are not looked at."""
    return all(
        len(value) <= TEXT_MOST if isinstance(value, str) else abs(value) <= NUMBER_MOST
        for _, value in report
        if isinstance(value, str | int | float)
    )


def as_dict(fleet: Fleet, now: float) -> dict[str, Any]:
    """The table for programs, at a time of the loop."""
    return {
        "gateways": [
            {
                "id": gateway.id,
                "status": topics.ONLINE if gateway.is_online else topics.OFFLINE,
                "version": gateway.version,
                "adapter": gateway.adapter,
                "simulated": gateway.is_simulated,
                "trouble": gateway.trouble,
                "balls": [_ball_as_dict(ball, now) for ball in gateway.balls],
            }
            for gateway in fleet.gateways
        ],
        "complete": not fleet.is_full,
    }


def _ball_as_dict(ball: BallView, now: float) -> dict[str, Any]:
    left = ball.left(now)
    elsewhere = {"detail", "remaining", "model"}
    told = dict.fromkeys(BallState.model_fields.keys() - elsewhere)
    if ball.state is not None:
        told = ball.state.model_dump(mode="json", exclude=elsewhere)
    return {
        "id": ball.id,
        "name": ball.name,
        "address": ball.address,
        "model": ball.model,
        "connected": ball.is_there,
        **told,
        "remaining": None if left is None else round(left, 1),
        "fault": ball.fault,
    }
