"""A gateway: any number of balls in reach of one radio, and one broker; ``unknot bridge`` runs one.

It joins what the other modules do: a keeper and a station for each ball, the lookout that hears them, the line to the
broker, the inbox and the outbox. The broker may come and go; what plays is none of its business, unless the owner wants
everything stopped without it.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from unknot import __version__, api
from unknot.bridge import reports
from unknot.bridge.configuration.config import BallConfig, GatewayConfig, OnBrokerLost
from unknot.bridge.gateway.announcer import Announcer
from unknot.bridge.gateway.answers import Answers, protocols
from unknot.bridge.gateway.health import TELL_SECONDS, Tally
from unknot.bridge.gateway.inbox import Inbox
from unknot.bridge.gateway.keeper import Keeper
from unknot.bridge.gateway.line import Line
from unknot.bridge.gateway.lookout import Lookout
from unknot.bridge.gateway.outbox import Outbox
from unknot.bridge.gateway.station import Station
from unknot.bridge.reports import BallEntry, GatewayInfo, ProtocolEntry
from unknot.bridge.topics import OFFLINE, GatewayTopics, as_id
from unknot.profiles import library as profiles
from unknot.profiles.model import Kind
from unknot.shielding import finish

if TYPE_CHECKING:
    from unknot.bridge.broker import Dial
    from unknot.device.discovery import FoundBall

log = logging.getLogger(__name__)

BALLS_MOST = 250
"""How many balls a gateway keeps (judgement: no adapter holds as many links; simulated ones may)."""

GOODBYE_SECONDS = 2.0
"""How long a goodbye may take when all motors are off (judgement)."""


class Gateway:
    """One gateway.

    Args:
        config: what it is called, which balls it keeps, and how it behaves.
        dial: makes a link to the broker.
        simulate: as for `unknot.api.connect`.

    Attributes:
        config: the same.
        topics: its topics.
        tally: what it counts.
        keepers: its balls, by id.
    """

    def __init__(self, config: GatewayConfig, dial: Dial, *, simulate: api.Simulate = False) -> None:
        self.config = config
        self.topics = GatewayTopics(config.name, config.broker.base)
        self.tally = Tally()
        self.keepers: dict[str, Keeper] = {}
        self._simulate = simulate
        self._outbox = Outbox()
        self._lookout = Lookout(simulate, config.adapter, self.tally, self._heard_stranger, lambda: not self.is_playing)
        self._lookout.is_curious = config.take_new
        self._answers = Answers(
            config.name,
            self.keepers,
            simulate=simulate,
            adapter=config.adapter,
            accepts_protocols=config.accept_protocols,
            changed=self._protocols_changed,
        )
        self._announcer = Announcer(config, self.keepers, self._outbox)
        self._inbox = Inbox(
            self.topics,
            discovery=config.prefix,
            keepers=self.keepers,
            answers=self._answers,
            announcer=self._announcer,
            outbox=self._outbox,
            tally=self.tally,
        )
        self._line = Line(
            dial,
            self.topics,
            self._outbox,
            self.tally,
            commands=self._inbox.commands,
            others=self._inbox.others,
            take=self._inbox.take,
            lost=self._broker_lost,
        )
        self._tasks: asyncio.TaskGroup | None = None
        for one in config.balls:
            self._add(one)

    @property
    def is_ready(self) -> asyncio.Event:
        """Set once the broker has been reached."""
        return self._line.was_linked

    def say_log(self, line: str) -> None:
        """Put a line on the log topic; lost if nobody can be told now."""
        self._outbox.say(self.topics.log, line, qos=0)

    # The balls.

    @property
    def is_playing(self) -> bool:
        """Whether anything plays."""
        return any(keeper.station.session is not None for keeper in self.keepers.values())

    @property
    def may_run_on(self) -> tuple[str, ...]:
        """The names of the balls whose motors could not be confirmed stopped."""
        return tuple(keeper.station.name for keeper in self.keepers.values() if keeper.station.may_run_on)

    def give_up(self) -> None:
        """Do not wait for lost links any longer: motors that were on may run on."""
        for keeper in self.keepers.values():
            keeper.give_up()

    def _add(self, wanted: BallConfig) -> None:
        station = Station(
            wanted.name, self.topics.ball(wanted.id), self._outbox, self.tally.ball(wanted.id), wanted.profile or ""
        )
        station.there = lambda: self._there(wanted.id)
        station.left = lambda: self._announcer.settle(wanted.id)
        keeper = Keeper(
            wanted,
            station,
            self._lookout,
            self.tally.ball(wanted.id),
            simulate=self._simulate,
            adapter=self.config.adapter,
        )
        self.keepers[wanted.id] = keeper
        if self._tasks is not None:
            self._tasks.create_task(keeper.run(), name=f"keeper of {wanted.id}")

    def _there(self, ball: str) -> None:
        known = protocols()
        self._announcer.announce(ball, known)
        self._tell_info(known)

    def _heard_stranger(self, found: FoundBall) -> None:
        """A ball that nobody has listed is kept too, if the owner wants that and it may be driven."""
        ball = as_id(found.address)
        if not self.config.take_new or ball in self.keepers or len(self.keepers) >= BALLS_MOST or not found.profiles:
            return
        if any(keeper.is_it(found) for keeper in self.keepers.values()):
            return
        if profiles.load(found.profiles[0][0]).kind is Kind.VIBRATION:
            log.info("%s at %s is new", found.name or "a ball", found.address)
            self._add(BallConfig(ball, found.name or found.address, found.address, found.address))
            self._tell_info(protocols())

    def _protocols_changed(self) -> None:
        known = protocols()
        self._tell_info(known)
        self._announcer.announce_all(known)

    def _tell_info(self, known: tuple[ProtocolEntry, ...]) -> None:
        balls = tuple(
            BallEntry(id=ball, name=keeper.station.name, address=keeper.address, model=keeper.station.model)
            for ball, keeper in self.keepers.items()
        )
        info = GatewayInfo(
            gateway=self.config.name,
            version=__version__,
            adapter=self.config.adapter or "",
            simulated=self._simulate is not False,
            balls=balls,
            protocols=known,
        )
        self._outbox.keep(self.topics.info, reports.tell(info))

    # Running.

    async def run(self) -> None:
        """Serve until cancelled; then motors are stopped first, and the broker hears a goodbye.

        Raises:
            BrokerError: the broker could not be reached in the first place.
            BluetoothUnavailable: the radio has been away for minutes.
        """
        self._announcer.announce_gateway()
        self._tell_info(protocols())
        speaking = asyncio.create_task(self._line.run(), name="broker")
        try:
            await self._first_link(speaking)
            async with asyncio.TaskGroup() as self._tasks:
                self._tasks.create_task(_watch(speaking), name="watch over the broker's line")
                self._tasks.create_task(self._lookout.run(), name="lookout")
                for ball, keeper in self.keepers.items():
                    self._tasks.create_task(keeper.run(), name=f"keeper of {ball}")
                await self._tell_health()
        except BaseExceptionGroup as group:
            raise _first(group) from group
        finally:
            self._tasks = None
            await finish(lambda: self._leave(speaking))

    async def _first_link(self, speaking: asyncio.Task[None]) -> None:
        linked = asyncio.create_task(self._line.was_linked.wait())
        await asyncio.wait({speaking, linked}, return_when=asyncio.FIRST_COMPLETED)
        linked.cancel()
        if speaking.done():
            speaking.result()

    async def _tell_health(self) -> None:
        while True:
            self._outbox.keep(self.topics.health, reports.tell(self.tally.health(self._outbox.dropped)))
            await asyncio.sleep(TELL_SECONDS)

    async def _leave(self, speaking: asyncio.Task[None]) -> None:
        """All motors are off: say so, and go."""
        self._inbox.close()
        self._outbox.keep(self.topics.status, OFFLINE)
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._outbox.flush()
        speaking.cancel()
        await asyncio.wait([speaking])

    def _broker_lost(self) -> None:
        if self.config.on_broker_lost is OnBrokerLost.STOP:
            for keeper in self.keepers.values():
                if keeper.station.session is not None:
                    keeper.station.begin_stop("gateway")


async def _watch(task: asyncio.Task[None]) -> None:
    """Raise what ends a task that is to go on for ever."""
    await asyncio.wait([task])
    task.result()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that ended the others."""
    for error in group.exceptions:
        if not isinstance(error, asyncio.CancelledError):
            return _first(error) if isinstance(error, BaseExceptionGroup) else error
    return group
