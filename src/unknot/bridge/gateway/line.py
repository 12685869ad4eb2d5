"""The line to the broker: made, proved, used and made again, for ever once there has been one; the gateway has one.

Brokers take subscriptions and messages that they then drop in silence. So the gateway says something to itself on each
new link, and only when it has come is anybody told that the gateway is there.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from unknot.bridge.broker import Will
from unknot.bridge.link.backoff import STEADY_SECONDS, Backoff
from unknot.bridge.link.proof import prove
from unknot.bridge.topics import OFFLINE, ONLINE
from unknot.clock import asleep
from unknot.errors import BrokerError, BrokerLost, TopicsForbidden

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unknot.bridge.broker import Dial, Link, Message
    from unknot.bridge.gateway.health import Tally
    from unknot.bridge.gateway.outbox import Outbox
    from unknot.bridge.topics import GatewayTopics

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
"""How often the line looks whether the program was halted (judgement)."""

HELD_UP_SECONDS = 5.0
"""A program that was halted, or slept with its machine, for longer does not know what is old (judgement)."""

STALE_SECONDS = 3600.0
"""How old a message counts that may have waited in a program that was halted: too old for anything but a stop."""


class Line:
    """The line of one gateway.

    Args:
        dial: makes a link.
        topics: the gateway's.
        outbox: what is told over it.
        tally: where it counts.
        commands: topics on which nothing that is retained may come.
        others: further topics to hear, if the broker lets us.
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
        self._is_proved = False
        self._held_up = 0.0
        self._ticked_at = 0.0

    async def run(self) -> None:
        """Keep the line until cancelled.

        Raises:
            BrokerError: there has never been a link.
        """
        backoff, told = Backoff(), ""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                async with self._dial(Will(self._topics.status, OFFLINE)) as link:
                    await self._use(link)
            except BrokerError as error:
                if not self.was_linked.is_set():
                    raise
                if loop.time() - began > STEADY_SECONDS:
                    backoff, told = Backoff(), ""
                if str(error) != told:  # a broker that is away for days is told of once
                    told = str(error)
                    log.warning("%s; trying again", error)
                self._end()
            except Exception:
                if not self.was_linked.is_set():
                    raise
                log.exception("the line to the broker failed; trying again")
                self._end()
            await asyncio.sleep(backoff.next())

    def _end(self) -> None:
        """A link is gone."""
        self._outbox.drop(self._topics.status)
        if self._is_proved:
            self._is_proved = False
            self._lost()

    async def _use(self, link: Link) -> None:
        """Use one link until it is lost."""
        await link.subscribe_to_commands(*self._commands)
        for topic in self._others:
            try:
                await link.subscribe_to_others(topic)
            except TopicsForbidden as error:
                log.info("%s; going on without", error)
        self._tally.connects += 1
        self._held_up, self._ticked_at = 0.0, _awake_and_asleep()
        early = await prove(link, self._topics.request("ping"))
        telling = asyncio.create_task(self._outbox.deliver(link), name="broker: telling")
        await asyncio.sleep(0)  # from here on answers are told
        reading = asyncio.create_task(self._read(link, early), name="broker: reading")
        announcing = asyncio.create_task(self._announce(), name="broker: announcing")
        watching = asyncio.create_task(self._watch(), name="broker: watching")
        tasks = [telling, reading, announcing, watching]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            self._tally.dropped += link.dropped
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _read(self, link: Link, early: Sequence[Message]) -> None:
        for message in early:
            self._hand_over(message)
        async for message in link.messages():
            self._hand_over(message)

    async def _watch(self) -> None:
        """Notice that this program was halted: what the system has kept for it meanwhile looks new, and is not.

        Raises:
            BrokerLost: it was; a new link brings nothing that was said before.
        """
        while True:
            self._see()
            if self._held_up:
                held_up = f"this program was held up for {self._held_up:.0f} s"
                raise BrokerLost(f"{held_up}; what was said meanwhile is not obeyed")
            self._ticked_at = _awake_and_asleep()
            looking = asyncio.get_running_loop().call_later(TICK_SECONDS, self._see)
            try:
                await asyncio.sleep(TICK_SECONDS)
            finally:
                looking.cancel()

    def _see(self) -> None:
        """Whether the last look is too long ago: asked by a timer and for each message, since either may come first."""
        late = _awake_and_asleep() - self._ticked_at - TICK_SECONDS
        if late > HELD_UP_SECONDS:
            self._held_up = max(late, self._held_up)

    def _hand_over(self, message: Message) -> None:
        self._see()
        if self._held_up:
            message = replace(message, at=message.at - max(self._held_up, STALE_SECONDS))
        try:
            self._take(message)
        except Exception:
            log.exception("a message on %s could not be handled", message.topic)

    async def _announce(self) -> None:
        """Say that we are there, once everything has been told."""
        self._is_proved = True
        self.was_linked.set()
        await self._outbox.flush()
        self._outbox.keep(self._topics.status, ONLINE)


def _awake_and_asleep() -> float:
    """Seconds on a clock that goes on while the machine sleeps."""
    return asyncio.get_running_loop().time() + asleep()
