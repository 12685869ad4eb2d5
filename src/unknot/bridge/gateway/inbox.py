"""What comes from the broker for a gateway: each message is looked at and handed to the station or the answer it means.

What is wrong with a message is told to whoever sent it. A stop is obeyed whatever else is wrong: retained, too late, or
with a word in it that nobody knows.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from typing import TYPE_CHECKING

from unknot.bridge import payloads, reports
from unknot.bridge.payloads import Code, Refusal, Request, refusal_of
from unknot.bridge.reports import OUR_FAULT, Fault, Response
from unknot.bridge.topics import ONLINE, GatewayTopics, is_id
from unknot.errors import UnknotError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unknot.bridge.broker import Message
    from unknot.bridge.gateway.announcer import Announcer
    from unknot.bridge.gateway.answers import Answers
    from unknot.bridge.gateway.health import Tally
    from unknot.bridge.gateway.keeper import Keeper
    from unknot.bridge.gateway.outbox import Outbox
    from unknot.bridge.gateway.station import Station
    from unknot.bridge.payloads import SetCommand

log = logging.getLogger(__name__)

COMMAND_SECONDS = 10.0
"""A command that has waited here for longer is not obeyed any more: nobody expects it (judgement)."""

REQUESTS_MOST = 64
"""How many requests are worked on at once; more are told that the gateway is busy (judgement)."""

TOPIC_MOST, LEVELS_MOST = 256, 20
"""Bytes and levels of a topic that a sender may have us answer on: brokers hang up on us for some that are longer
(mosquitto from 200 levels on; judgement)."""

BIRTH_SECONDS = 5.0
"""Everything is told again at any time within that after Home Assistant was born, so that a hundred gateways do not all
speak at once (judgement)."""


class Inbox:
    """Takes messages.

    Args:
        topics: the gateway's.
        discovery: the first level of Home Assistant's topics.
        keepers: the balls that are kept, by id; looked at anew for each message.
        answers: who answers requests.
        announcer: who hears of other gateways.
        outbox: where answers and refusals are told.
        tally: where refusals are counted.
    """

    def __init__(
        self,
        topics: GatewayTopics,
        *,
        discovery: str,
        keepers: Mapping[str, Keeper],
        answers: Answers,
        announcer: Announcer,
        outbox: Outbox,
        tally: Tally,
    ) -> None:
        self._topics = topics
        self._discovery = discovery
        self._keepers = keepers
        self._answers = answers
        self._announcer = announcer
        self._outbox = outbox
        self._tally = tally
        self._work: set[asyncio.Task[None]] = set()

    @property
    def commands(self) -> tuple[str, ...]:
        """The topics of commands, to subscribe to."""
        balls = self._topics.ball("+")
        return self._topics.request("+"), balls.set, f"{balls.set}/+", balls.get, self._topics.stop_all

    @property
    def others(self) -> tuple[str, ...]:
        """The other topics: what Home Assistant was told, what we told in an earlier life, whom other gateways have."""
        every = GatewayTopics("+", self._topics.base)
        return *self._announcer.topics, self._topics.ball("+").state, every.ball("+").availability

    def close(self) -> None:
        """Work on nothing any more."""
        for work in self._work:
            work.cancel()

    def take(self, message: Message) -> None:
        """Do what a message wants. What is refused is answered; nothing is raised."""
        if message.topic.startswith(f"{self._discovery}/"):
            self._take_from_home_assistant(message)
            return
        match message.topic.removeprefix(f"{self._topics.base}/").split("/"):
            case [gateway, "ball", ball, "availability"]:
                self._announcer.hear_availability(gateway, ball, message.payload.decode(errors="replace"))
            case [_, "ball", ball, "state"] if message.is_retained and ball in self._keepers:
                before = reports.read(reports.BallState, message.payload)
                self._keepers[ball].station.remember(before.motor if before else "unknown")
            case [_, "request", verb]:
                self._take_request(verb, message)
            case [_, "ball", ball, "set"]:
                self._take_set(ball, "", message)
            case [_, "ball", ball, "set", key]:
                self._take_set(ball, key, message)
            case [_, "ball", ball, "get"] if ball in self._keepers:
                self._keepers[ball].station.telling.now()
            case _:
                log.debug("nobody knows what %s means", message.topic)

    def _take_from_home_assistant(self, message: Message) -> None:
        match message.topic.removeprefix(f"{self._discovery}/").split("/"):
            case ["status"] if message.payload == ONLINE.encode() and not message.is_retained:
                delay = random.uniform(0, BIRTH_SECONDS)  # noqa: S311 - no secret
                asyncio.get_running_loop().call_later(delay, self._announcer.tell_again)
            case ["device", _, ball, "config"] if message.is_retained:
                self._announcer.hear_announcement(ball, message.payload)
            case _:
                pass

    def _take_set(self, ball: str, key: str, message: Message) -> None:
        if not is_id(ball):
            self._tally.refused += 1
            return  # there is no topic to answer on
        station = self._keepers[ball].station if ball in self._keepers else None
        try:
            if station is None:
                raise Refusal(Code.UNKNOWN_NAME, f"no ball here is called {ball!r}")
            station.set(_read_set(station, key, message))
        except UnknotError as error:
            self._tally.refused += 1
            refusal = refusal_of(error)
            error_topic = self._topics.ball(ball).error
            self._outbox.say(error_topic, json.dumps({**refusal.as_dict(), "request": payloads.id_of(message.payload)}))
            if station is not None:
                station.telling.now()  # a slider that was moved goes back

    def _take_request(self, verb: str, message: Message) -> None:
        work = asyncio.create_task(self._answer(verb, message), name=f"request {verb}")
        self._work.add(work)
        work.add_done_callback(self._work.discard)

    async def _answer(self, verb: str, message: Message) -> None:
        """Answer a request; one that stops is obeyed even if it is refused."""
        id_ = payloads.id_of(message.payload)
        try:
            request = self._read_request(verb, message)
            data = await self._answers.answer(verb, request)
            response = Response(id=request.id, ok=True, data=data)
        except UnknotError as error:
            self._tally.refused += 1
            response = Response(id=id_, ok=False, error=Fault(**refusal_of(error).as_dict()))
        except Exception:
            log.exception("the request %s failed", verb)
            fault = Fault(code=Code.INTERNAL, message=OUR_FAULT)
            response = Response(id=id_, ok=False, error=fault)
        topic = self._topics.response(verb if verb in payloads.REQUESTS else "unknown")
        if message.response_topic and self._may_answer_on(message.response_topic):
            topic = message.response_topic
        self._outbox.say(topic, reports.tell(response), correlation=message.correlation)

    def _may_answer_on(self, topic: str) -> bool:
        """Whether a sender may choose this topic: nobody makes us speak in a gateway's or a ball's name.

        What we may say and a sender may not are states, announcements and commands.
        """
        ours = topic.startswith((f"{self._topics.base}/", f"{self._discovery}/", "$"))
        is_short = len(topic.encode()) <= TOPIC_MOST and topic.count("/") < LEVELS_MOST
        return is_short and (not ours or "/response/" in topic)

    def _read_request(self, verb: str, message: Message) -> Request:
        try:
            if verb not in payloads.STOPPING_VERBS and len(self._work) > REQUESTS_MOST:
                raise Refusal(Code.BUSY, f"{REQUESTS_MOST} requests are being worked on; ask again")
            _refuse_stale(message)
            return payloads.read_request(verb, message.payload)
        except Refusal:
            self._stop_all_the_same(verb, payloads.ball_of(message.payload))
            raise

    def _stop_all_the_same(self, verb: str, ball: str) -> None:
        for id_, keeper in self._keepers.items():
            if verb == "stop_all" or (verb == "stop" and id_ == ball):
                keeper.station.begin_stop("request")


def _read_set(station: Station, key: str, message: Message) -> SetCommand:
    """The command; a stop in one that cannot be obeyed as a whole is obeyed. Raises `Refusal`."""
    try:
        _refuse_stale(message)
        return payloads.read_set_key(key, message.payload) if key else payloads.read_set(message.payload)
    except Refusal:
        if payloads.wants_stop(key, message.payload):
            station.begin_stop("set")
        raise


def _refuse_stale(message: Message) -> None:
    """Raise `Refusal` for what was meant for another time."""
    if message.is_retained:
        raise Refusal(Code.RETAINED_COMMAND, "a command must not be retained: it would be obeyed again and again")
    waited = asyncio.get_running_loop().time() - message.at
    if waited > min(COMMAND_SECONDS, message.expires_in or COMMAND_SECONDS):
        raise Refusal(
            Code.EXPIRED, f"found a command that has waited for {waited:.1f} s; say it again if you still mean it"
        )
