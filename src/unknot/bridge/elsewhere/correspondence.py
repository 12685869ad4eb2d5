"""Talking with gateways through a broker: questions and their answers, and one reader for all that comes.

Used by whoever drives balls elsewhere. A link that is lost is made anew for a while, with everything that was
subscribed to; what is asked meanwhile fails, since nobody wants an old request to be heard later.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from typing import TYPE_CHECKING, Any, Protocol, Self

from unknot import errors
from unknot.bridge import reports
from unknot.bridge.link.backoff import Backoff
from unknot.bridge.payloads import Code, Refusal
from unknot.bridge.topics import BASE, GatewayTopics
from unknot.errors import BrokerError, BrokerLost, GatewaySilent

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from unknot.bridge.broker import Dial, Link, Message

log = logging.getLogger(__name__)

ANSWER_SECONDS = 10.0
"""How long a gateway may take to answer: some round trips on the worst network that anybody would drive a ball over
(judgement)."""

RETURN_SECONDS = 60.0
"""How long a lost broker is tried to be found again: as long as a gateway tries for a lost ball (judgement)."""

PAUSE_SECONDS = 8.0
"""The longest pause between two attempts: a person waits (judgement)."""

TAKEN_BYTES = 256 * 1024
"""A larger message is left unread: a gateway says less of a thousand balls (judgement)."""


class Hearer(Protocol):
    """Who hears what comes from the broker."""

    def heard(self, message: Message) -> None:
        """Something was said on one of the topics."""

    def link_lost(self) -> None:
        """The link to the broker is gone, and is being made anew."""

    def link_restored(self) -> None:
        """It is back; everything is subscribed to again."""

    def link_failed(self, error: BrokerError) -> None:
        """It did not come back."""


class Correspondence:
    """A link to a broker that comes back, for the length of an ``async with`` block.

    Args:
        dial: makes a link.
        where: what to call the broker in errors.
        base: the first level of every topic.
        seconds: how long a lost link is tried to be made anew.

    Attributes:
        base: the same base.
        where: the same name.
        failure: why the link did not come back, once it is given up.
    """

    def __init__(self, dial: Dial, *, where: str, base: str = BASE, seconds: float = RETURN_SECONDS) -> None:
        self.base = base
        self.where = where
        self.failure: BrokerError | None = None
        self._dial = dial
        self._seconds = seconds
        self._topics: dict[str, int] = {}  # with the quality of service
        self._hearers: list[Hearer] = []
        self._waiting: dict[str, tuple[str, asyncio.Future[reports.Response]]] = {}
        self._link: Link | None = None
        self._settled = asyncio.Event()  # the link stands, or is given up
        self._was_up = False
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._keeper = asyncio.create_task(self._keep(), name=f"link to {self.where}")
        self._keeper.add_done_callback(self._ended)
        try:
            await self._settled.wait()
            if self.failure is not None:
                raise self.failure
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leave()

    @property
    def is_up(self) -> bool:
        """Whether the link stands."""
        return self._link is not None

    async def up(self) -> None:
        """Return once the link stands.

        Raises:
            BrokerError: it does not come back.
        """
        while self._link is None:
            await self._settled.wait()
            if self.failure is not None:
                raise self.failure

    def listen(self, hearer: Hearer) -> Callable[[], None]:
        """Have somebody hear what comes; call the returned function to end that."""
        self._hearers.append(hearer)

        def unlisten() -> None:
            if hearer in self._hearers:
                self._hearers.remove(hearer)

        return unlisten

    async def subscribe(self, *topics: str) -> None:
        """Hear what is said on these topics, and what is retained there; also after the link was lost.

        Raises:
            BrokerError: the link is gone, or the broker refuses.
        """
        new = [topic for topic in topics if topic not in self._topics]
        self._topics.update(dict.fromkeys(new, 1))
        if new:
            await self._standing().subscribe(*new)

    async def recall(self, *topics: str, qos: int = 1) -> None:
        """As `subscribe`, and hear what is retained there even if that has been heard; ``qos`` as `Link` has it."""
        self._topics.update(dict.fromkeys(topics, qos))
        await self._standing().subscribe(*topics, qos=qos)

    async def say(self, topic: str, payload: str, *, expires_in: float | None = None) -> None:
        """Say something once; return when the broker has it.

        Raises:
            BrokerError: the link is gone.
        """
        await self._standing().publish(topic, payload, expires_in=expires_in)

    async def ask(
        self,
        gateway: str,
        verb: str,
        facts: dict[str, Any] | None = None,
        *,
        seconds: float = ANSWER_SECONDS,
        expires_in: float | None = None,
    ) -> dict[str, Any]:
        """Ask a gateway, and return the data of its answer.

        Args:
            gateway: its id.
            verb: one of `unknot.bridge.payloads.REQUESTS`.
            facts: what else is said.
            seconds: how long to wait for the answer.
            expires_in: after how many seconds the question counts no more; None for never.

        Raises:
            Refusal: it refuses.
            GatewaySilent: it does not answer.
            BrokerError: the link is gone, or was lost while the answer was waited for.
        """
        topics = GatewayTopics(gateway, self.base)
        await self.subscribe(topics.response("+"))
        token = secrets.token_hex(8)
        answer: asyncio.Future[reports.Response] = asyncio.get_running_loop().create_future()
        self._waiting[token] = topics.response(verb), answer
        try:
            async with asyncio.timeout(seconds):
                payload = json.dumps({"id": token, **(facts or {})})
                await self.say(topics.request(verb), payload, expires_in=expires_in)
                return _data(await answer)
        except TimeoutError:
            raise GatewaySilent(f"gateway {gateway} at {self.where} did not answer within {seconds:g} s") from None
        finally:
            del self._waiting[token]
            if answer.done() and not answer.cancelled():
                answer.exception()  # seen, even if something else was raised

    def _standing(self) -> Link:
        if self._link is None:
            raise self.failure or BrokerLost(f"the connection to {self.where} is gone")
        return self._link

    # The one task that reads.

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time()  # the first attempt has to succeed
        backoff = Backoff(PAUSE_SECONDS)
        while True:
            try:
                async with self._dial(None) as link:
                    for qos in sorted(set(self._topics.values()), reverse=True):
                        await link.subscribe(*(one for one in self._topics if self._topics[one] == qos), qos=qos)
                    self._begin(link)
                    async for message in link.messages():
                        self._hear(message)
            except BrokerError as error:
                if self._link is not None:
                    deadline, backoff = loop.time() + self._seconds, Backoff(PAUSE_SECONDS)
                    self._lose()
                if loop.time() >= deadline:
                    self._fail(error)
                    return
            await asyncio.sleep(min(backoff.next(), max(deadline - loop.time(), 0.0)))

    def _begin(self, link: Link) -> None:
        is_back, self._was_up = self._was_up, True
        self._link = link
        self._settled.set()
        if is_back:
            for hearer in tuple(self._hearers):
                hearer.link_restored()

    def _hear(self, message: Message) -> None:
        if len(message.payload) > TAKEN_BYTES:
            log.warning("left unread: %d bytes on %s", len(message.payload), ascii(message.topic[:200]))
            return
        self._take_answer(message)
        for hearer in tuple(self._hearers):
            hearer.heard(message)

    def _take_answer(self, message: Message) -> None:
        """Answers are heard by all who ask; each knows its own by their ids."""
        if all(topic != message.topic for topic, _ in self._waiting.values()):
            return
        response = reports.read(reports.Response, message.payload)
        topic, answer = self._waiting.get(response.id if response else "", ("", None))
        if response is not None and answer is not None and topic == message.topic and not answer.done():
            answer.set_result(response)

    def _lose(self) -> None:
        self._link = None
        self._settled.clear()
        self._answer_nobody(BrokerLost(f"the connection to {self.where} is gone"))
        for hearer in tuple(self._hearers):
            hearer.link_lost()

    def _answer_nobody(self, error: BrokerError) -> None:
        for _, answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(error)

    def _fail(self, error: BrokerError) -> None:
        self.failure = error
        self._settled.set()
        self._answer_nobody(error)
        for hearer in tuple(self._hearers):
            hearer.link_failed(error)

    def _ended(self, keeper: asyncio.Task[None]) -> None:
        """Whatever ends the reader, nobody waits for it any more; a fault of ours is raised on leaving."""
        self._link = None
        if self._keeper is None:
            self._hearers.clear()  # we have left it ourselves
        if self.failure is None:
            why = "is over" if keeper.cancelled() else f"failed ({keeper.exception()!r})"
            self._fail(BrokerLost(f"the correspondence with {self.where} {why}"))

    async def _leave(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        keeper.cancel()
        await asyncio.wait([keeper])
        if not keeper.cancelled():
            keeper.result()


def _data(response: reports.Response) -> dict[str, Any]:
    if response.ok:
        return response.data
    fault = response.error or reports.Fault(code=Code.INTERNAL, message="it does not say why")
    raise refusal(fault)


MESSAGE_MOST = 500
"""Characters of a gateway's refusal that are shown; ours have some 300 at most (judgement)."""


def refusal(fault: reports.Fault) -> Refusal:
    """What a gateway refused, as the error that it was there; harmless to a terminal."""
    code = Code(fault.code) if fault.code in set(Code) else Code.INTERNAL
    return Refusal(code, errors.in_one_line(fault.message[:MESSAGE_MOST]), errors.in_one_line(fault.field[:40]))
