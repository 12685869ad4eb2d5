"""A ball at another gateway, with the verbs of one that is here; used by scripts and the command line.

The gateway drives it, holds it to the limits and stops it; from here it is asked to.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from unknot import errors, events
from unknot.bridge.broker import MAX_BYTES
from unknot.bridge.elsewhere import choosing, inquiries
from unknot.bridge.elsewhere.correspondence import ANSWER_SECONDS
from unknot.bridge.elsewhere.fleet import state_in
from unknot.bridge.elsewhere.inquiries import Target
from unknot.bridge.elsewhere.remote_session import RemoteSession
from unknot.bridge.elsewhere.stopping import outcome_in
from unknot.bridge.payloads import Code, Refusal
from unknot.bridge.topics import ONLINE, GatewayTopics
from unknot.errors import BrokerError, NotStopped, UsageError
from unknot.events import StopOutcome
from unknot.protocols import library as protocols
from unknot.protocols.timeline import Side
from unknot.session.messages import OnLinkRestored
from unknot.shielding import finish

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from unknot.bridge.broker import Message
    from unknot.bridge.elsewhere.correspondence import Correspondence
    from unknot.bridge.elsewhere.fleet import BallView, GatewayView
    from unknot.bridge.reports import BallState
    from unknot.protocols.model import MuscleProtocol

log = logging.getLogger(__name__)

STATE_SECONDS = 2.0
"""How long to wait for what the broker retains of a ball (judgement)."""


class RemoteBall:
    """A ball at a gateway; made by `connect`.

    Args:
        line: the link to the broker.
        at: its gateway.
        ball: what is known of it.
        ask: told what the person is to know or to do while something is wrong.

    Attributes:
        gateway: its gateway's id.
        id: its own id there.
        name: what people call it.
        address: its Bluetooth address; empty if the gateway does not tell.
        model: the id of the profile that it speaks.
        is_simulated: whether the gateway's balls are.
        told: the newest value of everything the ball told since we have been listening.
        ask: the same function.
    """

    def __init__(
        self, line: Correspondence, at: GatewayView, ball: BallView, *, ask: Callable[[str], None] = log.warning
    ) -> None:
        self.gateway = at.id
        self.id = ball.id
        self.name = ball.name
        self.address = ball.address
        self.model = ball.model
        self.is_simulated = at.is_simulated
        self.told: dict[str, float | str] = {}
        self.ask = ask
        self._line = line
        self._topics = GatewayTopics(at.id, line.base)
        self._own = self._topics.ball(ball.id)
        self._is_online = at.is_online
        self._is_there = ball.is_there
        self._state = ball.state
        self._has_state = asyncio.Event()
        self._session: RemoteSession | None = None

    def __repr__(self) -> str:
        model = errors.in_one_line(self.model)
        return f"<RemoteBall {self.called!r} at {self.gateway}/{self.id}, {model}, level {self.level}>"

    @property
    def called(self) -> str:
        """Its name, harmless to a terminal: it comes from the air, and over the broker."""
        return errors.in_one_line(self.name)

    @property
    def where(self) -> str:
        """What to call the broker."""
        return self._line.where

    @property
    def state(self) -> BallState | None:
        """All that the gateway last told of it; None if it has told nothing."""
        return self._state

    @property
    def level(self) -> int:
        """The level that the motor has, as far as is known."""
        return self._state.level if self._state else 0

    @property
    def levels(self) -> int:
        """The highest level; 0 if the gateway has not told."""
        return self._state.levels if self._state else 0

    @property
    def battery(self) -> float | None:
        """The battery's charge in %, if the ball has told it."""
        value = self.told.get("battery")
        told = None if isinstance(value, str) else value
        return told if told is not None or self._state is None else self._state.battery

    @property
    def is_connected(self) -> bool:
        """Whether, as far as is known, the gateway is there, and its link to the ball stands."""
        return self._line.is_up and self._is_online and self._is_there

    def play(
        self,
        muscle: str,
        *,
        side: Side | str = Side.ANY,
        intensity: float | None = None,
        on_link_restored: OnLinkRestored | str = OnLinkRestored.PAUSE,
        person: str | None = None,
    ) -> RemoteSession:
        """A session of a muscle's protocol; it starts when its ``async with`` block is entered.

        Args:
            muscle: the id of a protocol that the gateway knows; a file is not sent there.
            side: "left", "right", "both" or "any".
            intensity: the strongest intensity (%) instead of the protocol's own.
            on_link_restored: what the gateway is to do when a lost link to the ball is back and the motor stopped.
            person: whose account of the day it belongs to, where several people share a ball: any word that tells them
                apart.

        Raises:
            UsageError: a word that cannot be meant; all else is told on entering, by the gateway.
        """
        if muscle.endswith(".toml"):
            raise UsageError(
                f"gateway {self.gateway} plays what it knows by its id, and {muscle} is a file here; "
                "see 'unknot list --via' for what it knows"
            )
        facts = {
            "protocol": muscle,
            "side": str(side),
            "intensity": intensity,
            "on_link_restored": str(on_link_restored),
            "person": person,
        }
        return RemoteSession(self, "run", {key: value for key, value in facts.items() if value is not None})

    def free_session(self, percent: float, seconds: float, *, person: str | None = None) -> RemoteSession:
        """A session of vibration without a muscle: ease in, hold, stop. ``seconds`` is how long in all."""
        facts = {"intensity": percent, "duration": seconds, "person": person}
        return RemoteSession(self, "vibrate", {key: value for key, value in facts.items() if value is not None})

    async def protocol(self, muscle: str) -> MuscleProtocol:
        """A protocol as the gateway knows it, with its cautions.

        Raises:
            Refusal: the gateway has none of that name.
            ProtocolFileError: this unknot cannot read it.
            BrokerError: the link to the broker is gone, or the gateway does not answer.
        """
        data = await self._line.ask(self.gateway, "protocol_get", {"protocol": muscle}, expires_in=ANSWER_SECONDS)
        return protocols.read(muscle, str(data.get("toml", "")), f"gateway {self.gateway}")

    async def vibrate(self, percent: float, *, seconds: float) -> None:
        """Vibrate without a muscle, as `unknot.device.ball.Ball.vibrate` does; the gateway holds it to the same limits.

        Raises:
            Refusal: the gateway refuses.
            LinkError: its link to the ball failed.
            BrokerError: the link to the broker or the gateway is gone.
            NotStopped: the motor could not be stopped.
        """
        async with self.free_session(percent, seconds) as session:
            await session.wait_unattended()

    async def set_level(self, level: int) -> None:
        """Refused but for 0, which stops: over a broker nobody can measure by bare levels, or end one in time.

        Raises:
            UsageError: the level is not 0.
            NotStopped: the motor could not be confirmed stopped.
        """
        if level != 0:
            raise UsageError(
                f"a bare level is not offered over MQTT: play a protocol or vibrate on {self.called}, "
                "which the gateway eases in and ends"
            )
        if await self.stop() is StopOutcome.UNKNOWN:
            raise NotStopped(f"ball {self.called} at gateway {self.gateway}")

    async def stop(self) -> StopOutcome:
        """Have the gateway stop the motor.

        Returns:
            What is known about the motor now; no exception is raised for the gateway's or the broker's sake.
        """
        try:
            return outcome_in(await self.request("stop"))
        except Refusal as refused:
            if refused.code is not Code.NOT_STOPPED:
                self.ask(f"gateway {self.gateway}: {refused}")
        except BrokerError as error:
            self.ask(str(error))
        return StopOutcome.UNKNOWN

    # What sessions use.

    async def request(self, verb: str, *, seconds: float = ANSWER_SECONDS, **facts: Any) -> dict[str, Any]:
        """Ask the gateway something about this ball. Raises as `Correspondence.ask`.

        What is not a stop counts no more once nobody waits for the answer.
        """
        expires_in = None if verb == "stop" else seconds
        return await self._line.ask(
            self.gateway, verb, {"ball": self.id, **facts}, seconds=seconds, expires_in=expires_in
        )

    async def ask_for_state(self) -> None:
        """Have the gateway tell the ball's state anew. Raises `BrokerError`."""
        await self._line.say(self._own.get, "")

    async def link_is_up(self) -> None:
        """Return once the link to the broker stands. Raises `BrokerError` when it will not."""
        await self._line.up()

    def claim(self, session: RemoteSession) -> None:
        """Keep the ball for one session of ours. Raises `UsageError`."""
        if self._session is not None:
            raise UsageError(f"a session plays on {self.called} already; end it first")
        self._session = session

    def release(self, session: RemoteSession) -> None:
        """Give it back."""
        if self._session is session:
            self._session = None

    # What the broker says (`unknot.bridge.elsewhere.correspondence.Hearer`).

    async def attend(self) -> None:
        """Hear what is said of this ball, and wait for what is retained of it. Raises `BrokerError`."""
        await self._line.recall(self._topics.status, self._own.availability, self._own.state, self._own.event)
        if self._state is None:
            try:
                async with asyncio.timeout(STATE_SECONDS):
                    await self._has_state.wait()
            except TimeoutError:
                log.debug("gateway %s has told no state of %s", self.gateway, self.id)

    def heard(self, message: Message) -> None:
        """Take in what was said of the ball and its gateway."""
        match message.topic:
            case self._topics.status:
                self._hear_status(message)
            case self._own.availability:
                self._is_there = message.payload == ONLINE.encode()
            case self._own.state:
                self._hear_state(message)
            case self._own.event:
                self._hear_event(message)

    def link_lost(self) -> None:
        """The link to the broker is gone."""
        if self._session is not None and self._session.sight is not None:
            self._session.sight.link_lost()

    def link_restored(self) -> None:
        """It is back."""
        if self._session is not None and self._session.sight is not None:
            self._session.sight.link_restored()

    def link_failed(self, error: BrokerError) -> None:
        """It did not come back."""
        if self._session is not None and self._session.sight is not None:
            self._session.sight.link_failed(error)

    def _hear_status(self, message: Message) -> None:
        was_online, self._is_online = self._is_online, message.payload == ONLINE.encode()
        sight = self._session.sight if self._session is not None else None
        if sight is not None and self._is_online and not message.is_retained:
            sight.gateway_returned()
        elif sight is not None and was_online and not self._is_online:
            sight.gateway_left()

    def _hear_state(self, message: Message) -> None:
        state, before = state_in(message.payload), self._state
        if state is None:
            return
        self._state = state
        self._has_state.set()
        if self._session is not None and not message.is_retained:
            was_started_anew = before is not None and state.seq < before.seq  # it counts from the beginning
            self._session.hear_state(state, is_of_another_gateway=was_started_anew)

    def _hear_event(self, message: Message) -> None:
        found = _object(message.payload)
        if found is None:
            return
        number = found.get("session")
        try:
            event = events.from_dict({"at": 0.0, **found, "event": found.get("event_type")})
        except ValueError as error:
            log.debug("no event of ours on %s: %s", message.topic, error)
            return
        if isinstance(event, events.Reported) and len(self.told.keys() | event.values.keys()) <= TOLD_MOST:
            self.told.update(event.values)
        if self._session is not None and isinstance(number, int) and not isinstance(number, bool):
            self._session.hear(number, event)

    async def leave(self) -> None:
        """End what was left playing."""
        if self._session is not None:
            await self._session.leave()


TOLD_MOST = 256
"""How many values of a ball are kept; a profile's reports have some ten (judgement)."""


def _object(payload: bytes) -> dict[str, Any] | None:
    """The JSON object in a payload of an event; None if it is none."""
    if len(payload) > MAX_BYTES:
        return None
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


@asynccontextmanager
async def connect(target: Target, *, ask: Callable[[str], None] = log.warning) -> AsyncIterator[RemoteBall]:
    """A ball at a gateway for the length of an ``async with`` block; what was begun here ends with it.

    Args:
        target: the broker, and which gateway and ball.
        ask: told what the person is to know or to do while something is wrong.

    Raises:
        BrokerError: no broker, or no gateway.
        BallNotFound: the gateway has no such ball, or no link to it.
        UsageError: several gateways or balls may be meant.
    """
    async with target.correspond() as line:
        at = await inquiries.choose_gateway(line, target)
        ball = RemoteBall(line, at, choosing.ball(at, target.ball, target.where), ask=ask)
        unlisten = line.listen(ball)
        try:
            await ball.attend()
            yield ball
        finally:
            await finish(ball.leave)
            unlisten()
