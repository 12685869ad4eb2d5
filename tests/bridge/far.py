"""A gateway for the tests of those who drive one from elsewhere: it keeps to the topics, and plays on simulated balls.

It is not the real one: it does only what these tests need, and it can be told to misbehave.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.bridge.exchange import Exchange
from unknot import api, errors, events
from unknot.bridge import payloads, reports, timelines
from unknot.bridge.broker import Link, Message, Will
from unknot.bridge.inquiries import Target
from unknot.bridge.payloads import Code, Refusal
from unknot.bridge.reports import BallEntry, BallState, GatewayInfo, Phase, ProtocolEntry, Response
from unknot.bridge.topics import OFFLINE, ONLINE, GatewayTopics, as_id
from unknot.device.ball import Ball
from unknot.events import EndReason, StopOutcome
from unknot.protocols import library
from unknot.session.player import State
from unknot.session.session import Session
from unknot.simulator import Air

PHASES = {State.RUNNING: Phase.RUNNING, State.PAUSED: Phase.PAUSED, State.LOST: Phase.LOST}
ENDS = {EndReason.COMPLETED: Phase.FINISHED, EndReason.FAILED: Phase.FAULT, EndReason.STOPPED: Phase.IDLE}


@dataclass
class Station:
    """One ball of the gateway."""

    id: str
    ball: Ball
    session: Session | None = None
    number: int = 0
    state: BallState = field(default_factory=BallState)


class FarGateway:
    """The gateway.

    Attributes:
        deaf_to: verbs that it neither obeys nor answers.
        mute_to: verbs that it obeys and does not answer.
        swallows: names of events that it does not tell.
        notes: what it tells at each start.
        is_away: whether it leaves the broker alone once it has lost it.
    """

    def __init__(self, exchange: Exchange, air: Air, name: str = "raum-3") -> None:
        self.topics = GatewayTopics(name)
        self.deaf_to: set[str] = set()
        self.mute_to: set[str] = set()
        self.swallows: set[str] = set()
        self.notes: tuple[str, ...] = ()
        self.is_away = False
        self.stations: dict[str, Station] = {}
        self._exchange = exchange
        self._air = air
        self._link: Link | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Connect to every ball, and to the broker again and again."""
        async with AsyncExitStack() as stack:
            for sim in self._air:
                ball = await stack.enter_async_context(api.connect(sim.address, simulate=self._air))
                self.stations[as_id(sim.address)] = Station(as_id(sim.address), ball)
            while True:
                if not self.is_away:
                    with suppress(errors.BrokerError):
                        await self._meet()
                self._link = None
                await asyncio.sleep(1)

    async def _meet(self) -> None:
        topics = self.topics
        async with self._exchange.dial()(Will(topics.status, OFFLINE)) as link:
            try:
                await link.subscribe_to_commands(topics.request("+"), topics.ball("+").get, topics.stop_all)
                self._link = link
                balls = tuple(
                    BallEntry(id=one.id, name=one.ball.name, address=one.ball.address, model=one.ball.profile.id)
                    for one in self.stations.values()
                )
                await self._tell(topics.info, reports.tell(GatewayInfo(gateway="g", simulated=True, balls=balls)))
                for station in self.stations.values():
                    await self._tell(topics.ball(station.id).availability, ONLINE)
                    self._tell_state(station)
                await self._tell(topics.status, ONLINE)
                async for message in link.messages():
                    self._do(message)
            except asyncio.CancelledError:
                await link.publish(topics.status, OFFLINE, retain=True)
                raise

    async def _tell(self, topic: str, payload: str, *, retain: bool = True) -> None:
        if self._link is not None:
            await self._link.publish(topic, payload, retain=retain)

    def _later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _do(self, message: Message) -> None:
        verb = message.topic.rpartition("/")[2]
        if verb == "get":
            self._tell_state(self.stations[message.topic.split("/")[-2]])
        elif verb not in self.deaf_to:
            self._later(self._answer(verb, message.payload))

    async def _answer(self, verb: str, payload: bytes) -> None:
        token = payloads.id_of(payload)
        try:
            request = payloads.read_request(verb, payload)
            response = Response(id=token, ok=True, data=await getattr(self, f"_{verb}")(request))
        except errors.UnknotError as error:
            response = Response(id=token, ok=False, error=reports.Fault(**payloads.refusal_of(error).as_dict()))
        if verb not in self.mute_to and self._link is not None:
            await self._link.publish(self.topics.response(verb), reports.tell(response))

    def _station(self, ball: str) -> Station:
        if ball not in self.stations:
            raise Refusal(Code.UNKNOWN_NAME, f"no ball is called {ball!r}", "ball")
        return self.stations[ball]

    async def _run(self, request: payloads.RunRequest) -> dict[str, Any]:
        station = self._station(request.ball)
        facts = {"side": request.side, "intensity": request.intensity, "on_link_restored": request.on_link_restored}
        return await self._begin(station, api.play(request.protocol, on=station.ball, **facts))  # type: ignore[arg-type]

    async def _vibrate(self, request: payloads.VibrateRequest) -> dict[str, Any]:
        station = self._station(request.ball)
        return await self._begin(station, api.free_session(request.intensity, request.duration, on=station.ball))

    async def _begin(self, station: Station, session: Session) -> dict[str, Any]:
        if station.session is not None:
            raise Refusal(Code.BUSY, "something plays already")
        station.session, station.number = session, station.number + 1
        self._later(self._play(station, session))
        timeline = timelines.as_dict(session.timeline)
        return {"session": station.number, "timeline": timeline, "notes": list(self.notes)}

    async def _play(self, station: Station, session: Session) -> None:
        session.listen(lambda event: self._tell_event(station, event))
        try:
            async with session:
                await session.wait()
        except errors.UnknotError:
            pass  # the last event has told it

    def _tell_event(self, station: Station, event: events.Event) -> None:
        if isinstance(event, events.Ended):
            station.session = None
        facts = events.as_dict(event)
        payload = json.dumps({"event_type": facts.pop("event"), "session": station.number, **facts})
        if event.name not in self.swallows:
            self._later(self._tell(self.topics.ball(station.id).event, payload, retain=False))
        self._tell_state(station, event)

    def _tell_state(self, station: Station, event: events.Event | None = None) -> None:
        session, ball, state = station.session, station.ball, station.state
        facts: dict[str, Any] = {"level": ball.level, "levels": ball.levels, "motor": "on" if ball.level else "off"}
        facts |= {"session": station.number, "model": ball.profile.id, "seq": state.seq + 1, "battery": ball.battery}
        if session is not None:
            left = round(session.timeline.seconds - session.position, 3)
            facts |= {"phase": PHASES.get(session.state, Phase.RUNNING), "remaining": left, "detail": ""}
        elif isinstance(event, events.Ended):
            facts |= {"phase": ENDS[event.reason], "stop": event.stop, "detail": event.detail, "remaining": None}
        station.state = state.model_copy(update=facts)
        self._later(self._tell(self.topics.ball(station.id).state, reports.tell(station.state)))

    async def _pause(self, request: payloads.BallRequest) -> dict[str, Any]:
        self._playing(request.ball).pause()
        return {}

    async def _resume(self, request: payloads.BallRequest) -> dict[str, Any]:
        self._playing(request.ball).resume()
        return {}

    async def _skip(self, request: payloads.BallRequest) -> dict[str, Any]:
        self._playing(request.ball).skip()
        return {}

    def _playing(self, ball: str) -> Session:
        session = self._station(ball).session
        if session is None:
            raise Refusal(Code.BUSY, "nothing plays")
        return session

    async def _stop(self, request: payloads.BallRequest) -> dict[str, Any]:
        outcome = await self._halt(self._station(request.ball))
        if outcome is StopOutcome.UNKNOWN:
            raise errors.NotStopped
        return {"stop": outcome.value}

    async def _halt(self, station: Station) -> StopOutcome:
        if station.session is None:
            return await station.ball.stop()
        station.session.stop()
        return (await station.session.wait()).stop

    async def _stop_all(self, _: payloads.Request) -> dict[str, Any]:
        outcomes = await asyncio.gather(*map(self._halt, self.stations.values()))
        return {"balls": dict(zip(self.stations, outcomes, strict=True))}

    async def _scan(self, request: payloads.ScanRequest) -> dict[str, Any]:
        found = await api.scan(simulate=self._air, seconds=request.seconds)
        return {
            "found": [
                {
                    "name": one.name,
                    "address": one.address,
                    "rssi": one.rssi,
                    "profiles": [fit.profile for fit in one.fits],
                    "ball": as_id(one.address) if as_id(one.address) in self.stations else "",
                }
                for one in found
            ]
        }

    async def _protocols(self, _: payloads.Request) -> dict[str, Any]:
        entries = [
            ProtocolEntry(id=one.id, title=one.title, seconds=one.seconds, ceiling=one.ceiling)
            for one in library.overview()
        ]
        return {"protocols": [entry.model_dump() for entry in entries]}

    async def _protocol_get(self, request: payloads.ProtocolRequest) -> dict[str, Any]:
        files = library.files()
        if request.protocol not in files:
            raise errors.UnknownNameError("muscle", request.protocol, files)
        return {"toml": files[request.protocol].read_text()}


@asynccontextmanager
async def gateway(exchange: Exchange, air: Air, name: str = "raum-3") -> AsyncIterator[FarGateway]:
    """A gateway that is online for the length of the block."""
    far = FarGateway(exchange, air, name)
    serving = asyncio.create_task(far.serve())
    try:
        while exchange.kept(far.topics.status) != ONLINE:
            await asyncio.sleep(0.1)
            assert not serving.done()
        yield far
    finally:
        serving.cancel()
        await asyncio.wait([serving])


def target(exchange: Exchange, gateway: str | None = None, ball: str | None = None) -> Target:
    """The broker, and whom is meant there."""
    return Target(exchange.dial(), "mqtt://broker:1883", gateway=gateway, ball=ball)
