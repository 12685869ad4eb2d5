"""What gateways are asked besides playing: what they hear, what they know, and to stop; used by `unknot.anywhere`."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from unknot.bridge import topics
from unknot.bridge.elsewhere import choosing
from unknot.bridge.elsewhere.correspondence import ANSWER_SECONDS, RETURN_SECONDS, Correspondence
from unknot.bridge.elsewhere.fleet import BallView, Fleet, GatewayView, is_ours
from unknot.bridge.reports import ProtocolEntry
from unknot.bridge.topics import GatewayTopics
from unknot.errors import GatewaySilent

if TYPE_CHECKING:
    from collections.abc import Callable

    from unknot.bridge.broker import Dial, Message
    from unknot.errors import BrokerError

QUIET_SECONDS = 0.5
"""What a broker retains is there when it has said nothing for so long: it sends all of it in one go (judgement)."""

SCAN_SECONDS = 5.0
"""How long a gateway listens: as long as a scan here (`unknot.device.discovery.SCAN_SECONDS`)."""

SCAN_MOST = 60.0
"""The longest that a gateway may be asked to listen for (`unknot.bridge.payloads.ScanRequest`)."""

LOOK_SECONDS = 5.0
"""How long to look at a broker that never falls silent (judgement)."""


@dataclass(frozen=True, slots=True)
class Target:
    """A broker, and which gateway and ball there are meant.

    Attributes:
        dial: makes a link to the broker.
        where: what to call the broker.
        base: the first level of every topic.
        gateway: the gateway's id; None where nobody has named one.
        ball: the ball's id, name or address; None where nobody has named one.
    """

    dial: Dial
    where: str
    base: str = topics.BASE
    gateway: str | None = None
    ball: str | None = None

    def correspond(self, seconds: float = RETURN_SECONDS) -> Correspondence:
        """A link to the broker, which is tried to be made anew for so many seconds when it is lost."""
        return Correspondence(self.dial, where=self.where, base=self.base, seconds=seconds)


@dataclass(frozen=True, slots=True)
class FarBall:
    """A ball at a gateway.

    Attributes:
        gateway: the gateway's id.
        id: the ball's id there; empty for one that the gateway hears and does not keep.
        name: what people call it.
        address: its address; empty if nobody has said.
        rssi: signal strength in dBm; None if nobody has said.
        profiles: the profiles that fit, the best first.
        is_there: whether its link stands.
    """

    gateway: str
    id: str
    name: str = ""
    address: str = ""
    rssi: int | None = None
    profiles: tuple[str, ...] = ()
    is_there: bool = False


async def look(line: Correspondence, fleet: Fleet, *wanted: str, enough: Callable[[], bool] = lambda: False) -> None:
    """Take in what is retained on some topics, until that is enough or nothing more comes.

    Raises:
        BrokerError: the link was lost.
    """
    gathering = Gathering(fleet)
    unlisten = line.listen(gathering)
    try:
        await line.recall(*wanted, qos=0)
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                while not enough():
                    async with asyncio.timeout(QUIET_SECONDS):
                        await gathering.news()
    finally:
        unlisten()


class Gathering:
    """Hears what belongs to a fleet."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._came = asyncio.Event()
        self._failure: BrokerError | None = None

    async def news(self) -> None:
        """Return when something has come since the last time. Raises `BrokerError` when nothing will."""
        await self._came.wait()
        self._came.clear()
        if self._failure is not None:
            raise self._failure

    def heard(self, message: Message) -> None:
        """Something was said."""
        self._fleet.hear(message)
        self._came.set()

    def link_lost(self) -> None:
        """The link is gone; what is known may be old."""

    def link_restored(self) -> None:
        """What is retained comes anew."""

    def link_failed(self, error: BrokerError) -> None:
        """Nothing comes any more."""
        self._failure = error
        self._came.set()


async def choose_gateway(line: Correspondence, target: Target) -> GatewayView:
    """The gateway that is meant, with what it has told of its balls.

    Raises:
        GatewaySilent: there is none.
        UsageError: there are several.
        BrokerError: the link was lost.
    """
    fleet = Fleet(target.base)
    here = GatewayTopics(target.gateway or "+", target.base)
    wanted = here.status, here.info, here.ball("+").availability

    def is_enough() -> bool:
        """A ball that is named by its id need not wait for the others."""
        at = fleet.gateway(target.gateway) if target.gateway else None
        return at is not None and any(one.id == target.ball and one.name != one.id and one.is_there for one in at.balls)

    await look(line, fleet, *wanted, enough=is_enough)
    if target.gateway is not None and fleet.gateway(target.gateway) is None:
        await look(line, fleet, GatewayTopics("+", target.base).status)  # to tell who is there
    return choosing.gateway(fleet, target.gateway, target.where)


async def scan(target: Target, seconds: float = SCAN_SECONDS) -> tuple[FarBall, ...]:
    """What the gateway hears within ``seconds`` and what it holds; without a gateway, the balls that all of them keep.

    Raises:
        Refusal: the gateway refuses.
        BrokerError: no broker, or no gateway.
    """
    async with target.correspond() as line:
        if target.gateway is None:
            fleet = Fleet(target.base)
            await look(line, fleet, *fleet.topics)
            if not fleet.gateways:
                choosing.gateway(fleet, None, target.where)  # tells that there is none
            return tuple(kept(at, one) for at in fleet.gateways if at.is_online for one in at.balls)
        data = await ask_one(line, target, "scan", {"seconds": seconds}, seconds + ANSWER_SECONDS)
        found = _read(_FOUND, data.get("found"), target)
        return tuple(
            FarBall(target.gateway, one.ball, one.name, one.address, one.rssi, one.profiles, is_there=one.rssi is None)
            for one in found
        )


def kept(at: GatewayView, one: BallView) -> FarBall:
    """A ball that a gateway keeps."""
    rssi = one.state.rssi if one.state else None
    return FarBall(at.id, one.id, one.name, one.address, rssi, (one.model,) if one.model else (), one.is_there)


async def protocols(target: Target) -> tuple[ProtocolEntry, ...]:
    """The protocols that a gateway knows. Raises as `scan`; `UsageError` too if several gateways may be meant."""
    async with target.correspond() as line:
        at = await choose_gateway(line, target)
        data = await line.ask(at.id, "protocols", expires_in=ANSWER_SECONDS)
        return tuple(one for one in _read(_PROTOCOLS, data.get("protocols"), target) if is_ours(one))


async def ask_one(
    line: Correspondence, target: Target, verb: str, facts: dict[str, Any], seconds: float = ANSWER_SECONDS
) -> dict[str, Any]:
    """Ask the gateway that is named; meanwhile look whether there is one."""
    gateway = target.gateway or ""
    asking = asyncio.create_task(line.ask(gateway, verb, facts, seconds=seconds), name=verb)
    try:
        fleet = Fleet(target.base)
        status = GatewayTopics(gateway, target.base).status
        await look(line, fleet, status, enough=lambda: asking.done() or fleet.gateway(gateway) is not None)
        known = fleet.gateway(gateway)
        if not asking.done() and (known is None or not known.is_online):
            await look(line, fleet, GatewayTopics("+", target.base).status)
            if not asking.done():
                choosing.gateway(fleet, gateway, target.where)
        return await asking
    finally:
        asking.cancel()
        await asyncio.wait([asking])
        if not asking.cancelled():
            asking.exception()  # seen, even if something else was raised


class _Found(BaseModel):
    """What a gateway hears."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: Annotated[str, Field(max_length=250)] = ""
    address: Annotated[str, Field(max_length=100)] = ""
    rssi: Annotated[int, Field(ge=-1000, le=1000)] | None = None
    profiles: Annotated[tuple[Annotated[str, Field(max_length=100)], ...], Field(max_length=100)] = ()
    ball: Annotated[str, Field(max_length=topics.ID_MOST)] = ""


_FOUND = TypeAdapter(Annotated[tuple[_Found, ...], Field(max_length=5000)])
_PROTOCOLS = TypeAdapter(Annotated[tuple[ProtocolEntry, ...], Field(max_length=1000)])


def _read(kind: TypeAdapter[Any], found: object, target: Target) -> Any:
    try:
        return kind.validate_python(found)
    except ValidationError:
        raise GatewaySilent(f"the gateway at {target.where} answered what this unknot does not understand") from None
