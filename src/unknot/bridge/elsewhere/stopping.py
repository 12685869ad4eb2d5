"""Stops balls at gateways, and tells who did not answer; used by ``unknot stop --via`` and by sessions elsewhere.

The request goes out before anything is looked at: when in doubt, the motor is off.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from unknot.bridge import reports, topics
from unknot.bridge.elsewhere import choosing
from unknot.bridge.elsewhere.correspondence import ANSWER_SECONDS, refusal
from unknot.bridge.elsewhere.fleet import Fleet
from unknot.bridge.elsewhere.inquiries import FarBall, Gathering, ask_one, choose_gateway, kept, look
from unknot.bridge.payloads import Code, Refusal
from unknot.bridge.reports import Phase
from unknot.bridge.topics import GatewayTopics
from unknot.errors import GatewaySilent
from unknot.events import StopOutcome

if TYPE_CHECKING:
    from unknot.bridge.broker import Message
    from unknot.bridge.elsewhere.correspondence import Correspondence
    from unknot.bridge.elsewhere.fleet import BallView, GatewayView
    from unknot.bridge.elsewhere.inquiries import Target


async def stop(target: Target) -> tuple[tuple[FarBall, StopOutcome], ...]:
    """Stop the ball that is named, or all of the gateway that is named, or every ball of every gateway.

    The request goes out before anything is looked at.

    Returns:
        Each ball and what is known about its motor now. A gateway that did not answer stands for its balls, with an
        empty id and `StopOutcome.UNKNOWN`; so does a ball that a gateway which is gone has left on.

    Raises:
        Refusal: there is no such ball.
        BrokerError: no broker, no gateway of that name, or no gateway at all.
    """
    async with target.correspond() as line:
        if target.gateway is None:
            return await _stop_everybody(line, target)
        try:
            if target.ball is not None:
                return (await _stop_ball(line, target, target.gateway, target.ball),)
            stopped = _stopped(target.gateway, await ask_one(line, target, "stop_all", {}))
            return tuple(await _with_names(line, target, stopped))
        except GatewaySilent:
            fleet = Fleet(target.base)
            await look(line, fleet, *fleet.topics)
            left = _left(fleet, target.gateway)
            if not left:
                raise
            return tuple(left)


async def _with_names(
    line: Correspondence, target: Target, stopped: list[tuple[FarBall, StopOutcome]]
) -> list[tuple[FarBall, StopOutcome]]:
    fleet, gateway = Fleet(target.base), target.gateway or ""

    def is_known() -> bool:
        at = fleet.gateway(gateway)
        return at is not None and bool(at.balls)

    await look(line, fleet, GatewayTopics(gateway, target.base).info, enough=is_known)
    at = fleet.gateway(gateway)
    return stopped if at is None else _named(at, stopped)


async def _stop_ball(line: Correspondence, target: Target, gateway: str, wanted: str) -> tuple[FarBall, StopOutcome]:
    ball = FarBall(gateway, topics.as_id(wanted), wanted)
    try:
        return ball, await _stop_one(line, target, ball.id)
    except Refusal as refused:
        if refused.code is not Code.UNKNOWN_NAME:
            raise
    found = choosing.named(await choose_gateway(line, target), wanted)
    ball = FarBall(gateway, found.id, found.name, found.address)
    return ball, await _stop_one(line, target, found.id)


async def _stop_one(line: Correspondence, target: Target, ball: str) -> StopOutcome:
    try:
        return outcome_in(await ask_one(line, target, "stop", {"ball": ball}))
    except Refusal as refused:
        if refused.code is Code.NOT_STOPPED:
            return StopOutcome.UNKNOWN
        raise


def outcome_in(data: dict[str, Any]) -> StopOutcome:
    """What the answer to a stop tells; nothing better than it says."""
    found = data.get("stop")
    return StopOutcome(found) if found in tuple(StopOutcome) else StopOutcome.UNKNOWN


def _stopped(gateway: str, data: dict[str, Any]) -> list[tuple[FarBall, StopOutcome]]:
    """What the answer to a stop of all balls tells; an answer that tells nothing is none."""
    balls = data.get("balls")
    if not isinstance(balls, dict):
        return [(FarBall(gateway, ""), StopOutcome.UNKNOWN)]
    return [(FarBall(gateway, ball), outcome_in({"stop": found})) for ball, found in balls.items()]


async def _stop_everybody(line: Correspondence, target: Target) -> tuple[tuple[FarBall, StopOutcome], ...]:
    fleet, token = Fleet(target.base), secrets.token_hex(8)
    everyone = GatewayTopics("+", target.base)
    answers = _Answers(fleet, token)
    unlisten = line.listen(answers)
    try:
        await line.subscribe(everyone.response("stop_all"))
        await line.say(everyone.stop_all, json.dumps({"id": token}))
        await look(line, fleet, *fleet.topics)
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                while any(one.is_online and one.id not in answers.by_gateway for one in fleet.gateways):
                    await answers.news()
    finally:
        unlisten()
    if not fleet.gateways and not answers.by_gateway:
        choosing.gateway(fleet, None, target.where)  # tells that there is none
    outcomes: list[tuple[FarBall, StopOutcome]] = []
    for at in fleet.gateways:
        answered = answers.by_gateway.get(at.id)
        outcomes += _left(fleet, at.id) if answered is None else _named(at, answered)
    return tuple(outcomes)


def _left(fleet: Fleet, gateway: str) -> list[tuple[FarBall, StopOutcome]]:
    """What a gateway that did not answer may have left on; it stands for its balls while it is said to be online."""
    at = fleet.gateway(gateway)
    if at is None:
        return []
    if at.is_online:
        return [(FarBall(gateway, ""), StopOutcome.UNKNOWN)]
    return [(kept(at, one), StopOutcome.UNKNOWN) for one in at.balls if _may_run(one)]


def _named(at: GatewayView, outcomes: list[tuple[FarBall, StopOutcome]]) -> list[tuple[FarBall, StopOutcome]]:
    known = {one.id: one for one in at.balls}
    return [(kept(at, known[far.id]) if far.id in known else far, outcome) for far, outcome in outcomes]


def _may_run(ball: BallView) -> bool:
    """Whether a gateway that is gone had last said that a motor is not off."""
    return ball.state is not None and (ball.state.motor != "off" or ball.state.phase is Phase.RUNNING)


class _Answers(Gathering):
    """Hears who has stopped."""

    def __init__(self, fleet: Fleet, token: str) -> None:
        super().__init__(fleet)
        self.by_gateway: dict[str, list[tuple[FarBall, StopOutcome]]] = {}
        self._prefix = f"{fleet.base}/"
        self._token = token

    def heard(self, message: Message) -> None:
        """Take in an answer, and who is there."""
        super().heard(message)
        gateway, _, rest = message.topic.removeprefix(self._prefix).partition("/")
        if rest != "response/stop_all" or not topics.is_id(gateway):
            return
        response = reports.read(reports.Response, message.payload)
        if response is None or response.id != self._token:
            return
        if response.ok:
            self.by_gateway[gateway] = _stopped(gateway, response.data)
        else:
            said = refusal(response.error).message if response.error else ""
            self.by_gateway[gateway] = [(FarBall(gateway, "", said), StopOutcome.UNKNOWN)]
