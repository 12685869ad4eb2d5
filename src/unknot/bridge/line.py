"""The line to the broker: made, proved, used and made again, for ever once there has been one; the gateway has one.

Brokers take subscriptions and messages that they then drop in silence. So the gateway says something to itself on each
new link, and only when it has come is anybody told that the gateway is there.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from typing import TYPE_CHECKING

from unknot.bridge import payloads
from unknot.bridge.backoff import Backoff
from unknot.bridge.broker import Will
from unknot.bridge.topics import OFFLINE, ONLINE
from unknot.errors import BrokerError, TopicsForbidden

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unknot.bridge.broker import Dial, Link, Message
    from unknot.bridge.health import Tally
    from unknot.bridge.outbox import Outbox
    from unknot.bridge.topics import GatewayTopics

log = logging.getLogger(__name__)

PROOF_SECONDS = 5.0
"""How long a broker may take to bring us what we say to ourselves (judgement)."""


class Line:
    """The line of one gateway.

    Args:
        dial: makes a link.
        topics: the gateway's.
        outbox: what is told over it.
        tally: where it counts.
        commands: topics on which nothing that is retained may come.
        others: further topics to hear.
        take: handed each message.
        lost: called when a link is lost that was proved.
    """

    def __init__(
        self,
        dial: Dial,
        topics: GatewayTopics,
        outbox: Outbox,
        tally: Tally,
        *,
        commands: Sequence[str],
        others: Sequence[str],
        take: Callable[[Message], None],
        lost: Callable[[], None],
    ) -> None:
        self.was_linked = asyncio.Event()
        self._dial = dial
        self._topics = topics
        self._outbox = outbox
        self._tally = tally
        self._commands = commands
        self._others = others
        self._take = take
        self._lost = lost
        self._nonce = ""
        self._proved = asyncio.Event()

    async def run(self) -> None:
        """Keep the line until cancelled.

        Raises:
            BrokerError: there has never been a link.
        """
        backoff, told = Backoff(), ""
        while True:
            try:
                async with self._dial(Will(self._topics.status, OFFLINE)) as link:
                    await self._use(link)
            except BrokerError as error:
                if not self.was_linked.is_set():
                    raise
                if str(error) != told:
                    told = str(error)
                    log.warning("%s; trying again", error)
                self._outbox.drop(self._topics.status)
                if self._proved.is_set():
                    self._proved.clear()
                    backoff, told = Backoff(), ""
                    self._lost()
            await asyncio.sleep(backoff.next())

    async def _use(self, link: Link) -> None:
        """Use one link until it is lost."""
        await link.subscribe_to_commands(*self._commands)
        await link.subscribe(*self._others)
        self._tally.connects += 1
        tasks = [
            asyncio.create_task(self._read(link), name="broker: reading"),
            asyncio.create_task(self._prove_and_tell(link), name="broker: telling"),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            self._tally.dropped += link.dropped
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _read(self, link: Link) -> None:
        async for message in link.messages():
            if self._nonce and message.topic == self._topics.request("ping") and self._is_ours(message):
                self._nonce = ""
                self._proved.set()
                continue
            try:
                self._take(message)
            except Exception:
                log.exception("a message on %s could not be handled", message.topic)

    def _is_ours(self, message: Message) -> bool:
        return payloads.id_of(message.payload) == self._nonce

    async def _prove_and_tell(self, link: Link) -> None:
        self._nonce = secrets.token_hex(8)
        await link.publish(self._topics.request("ping"), json.dumps({"id": self._nonce}))
        try:
            async with asyncio.timeout(PROOF_SECONDS):
                await self._proved.wait()
        except TimeoutError:
            own = f"{self._topics.prefix}/#"
            raise TopicsForbidden(
                f"the broker takes the login, but nobody may both read and write {own}",
                advice=f"let this user do so (in an ACL of mosquitto: 'topic readwrite {own}')",
            ) from None
        telling = asyncio.create_task(self._outbox.deliver(link))
        try:
            self.was_linked.set()
            await asyncio.sleep(0)
            await self._outbox.flush()
            self._outbox.keep(self._topics.status, ONLINE)
            await telling
        finally:
            telling.cancel()
            await asyncio.wait([telling])
