"""The whole road in a few verbs: `scan`, `inspect`, `connect`, `play`, `run`, `stop_all`; all above uses them.

This is the one module that knows both the real radio and the simulated air; it joins them by handing bleak a backend.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from unknot.clock import FastLoop
from unknot.device import adapters, discovery, inspection
from unknot.device.ball import RESTORE_SECONDS, Ball
from unknot.device.discovery import FoundBall
from unknot.device.radio import Radio
from unknot.errors import BallNotFound, LinkError, UsageError
from unknot.events import Ended, StopOutcome
from unknot.guard_process import radio_behind
from unknot.profiles import library as profile_library
from unknot.profiles.model import Kind
from unknot.protocols import library as protocol_library
from unknot.protocols.timeline import Side, Timeline, compile_free, compile_protocol
from unknot.session.ledger import Ledger
from unknot.session.messages import OnLinkRestored
from unknot.session.session import Session
from unknot.simulator.air import Air
from unknot.simulator.backend import SimulatedClient, SimulatedScanner, adapter_for
from unknot.simulator.ball import SimulatedBall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from unknot.device.identify import Candidates
    from unknot.events import Event
    from unknot.profiles.model import FirmwareProfile

log = logging.getLogger(__name__)

E = TypeVar("E", bound=StrEnum)

Simulate = bool | Air | Path | str | Radio
"""Which balls: False for real ones, True for one simulated ball, an air with its balls, the socket of a simulated ball
in another process, or a radio made of bleak backends that unknot does not bring; nobody lies on its balls, so that they
have no part in the account of the day."""


async def scan(
    *,
    simulate: Simulate = False,
    adapter: str | None = None,
    seconds: float = discovery.SCAN_SECONDS,
    heard: Callable[[FoundBall], None] = lambda _: None,
) -> tuple[FoundBall, ...]:
    """Everything that advertises, balls that a profile describes first, the nearest first.

    Balls that the system already holds a link to do not advertise; they are the very first.

    Args:
        simulate: look on a simulated air instead of the real one; True makes one with one open ball, and a path is the
            socket of ``unknot simulate``.
        adapter: which Bluetooth adapter, such as "hci1"; on Linux only. None for the lowest that is on.
        seconds: how long to listen.
        heard: told of each device, each time it is heard.

    Raises:
        BluetoothUnavailable: there is no working Bluetooth.
        UsageError: no adapter is called so.
    """
    known = profile_library.load_usable()
    radios = await _tuned(_radio(simulate, None), adapter)
    held = [ball for radio in radios for ball in await discovery.connected(radio, known)]
    for ball in held:
        heard(ball)
    found = await discovery.scan(radios[0], known, seconds=seconds, heard=heard)
    there = {ball.address for ball in held}
    return (*held, *(ball for ball in found if ball.address not in there))


@asynccontextmanager
async def connect(
    target: str | FoundBall | None = None,
    *,
    profile: str | None = None,
    simulate: Simulate = False,
    adapter: str | None = None,
    seconds: float = discovery.SCAN_SECONDS,
    restore_seconds: float = RESTORE_SECONDS,
    ask: Callable[[str], None] = log.warning,
) -> AsyncIterator[Ball]:
    """A connected ball for the length of an ``async with`` block; its motor is stopped when the block is left.

    Args:
        target: a name, an address, or a ball that `scan` has found just now; None for the nearest ball that a profile
            describes.
        profile: the id or the file of the profile to speak; None for the best match. Your choice always wins.
        simulate: use a simulated air instead of the real one; True makes one with one ball of that profile, and a path
            is the socket of ``unknot simulate``.
        adapter: which Bluetooth adapter, such as "hci1"; on Linux only. None for the lowest that is on.
        seconds: how long to look for the ball.
        restore_seconds: how long a link that was lost is tried to be restored; also how long a stop may wait for it.
        ask: told what the person is to do on the ball before it obeys, for example press its button.

    Raises:
        LinkError: no Bluetooth, no ball, or no link to it.
        Unsuitable: a device or a profile that must not be driven.
        UnknownNameError: no such profile.
        ProfileFileError: the profile's file is wrong.
        NotStopped: on leaving, the motor could not be stopped.
    """
    if isinstance(target, FoundBall):
        chosen, _, radio = _choose(profile, target.address, simulate)
        found, radio = target, (await _tuned(radio, adapter))[0]
    else:
        found, chosen, radio = await _find(target, profile, simulate, adapter, seconds)
    async with _ball(found, chosen, radio, restore_seconds, ask) as ball:
        yield ball


def play(
    muscle: str,
    *,
    on: Ball,
    side: Side | str = Side.ANY,
    intensity: float | None = None,
    on_link_restored: OnLinkRestored | str = OnLinkRestored.PAUSE,
) -> Session:
    """A session of a muscle's protocol on a connected ball; it starts when its ``async with`` block is entered.

    Args:
        muscle: the id or the file of a protocol.
        on: the ball.
        side: "left", "right", "both" or "any".
        intensity: the strongest intensity (%) instead of the protocol's own.
        on_link_restored: what to do when a lost link is back and the motor stopped: "pause" until `Session.resume`,
            "resume" by itself, easing in, or "end".

    Raises:
        UnknownNameError: no such muscle.
        ProtocolFileError: the protocol's file is wrong.
        LimitExceeded: a limit refuses.
        UsageError: the side or the intensity cannot be meant.
    """
    return Session(
        on,
        timeline(muscle, on.profile, side=side, intensity=intensity),
        on_link_restored=_one_of(OnLinkRestored, on_link_restored, "on_link_restored"),
    )


async def run(
    muscle: str,
    *,
    target: str | None = None,
    profile: str | None = None,
    simulate: Simulate = False,
    adapter: str | None = None,
    side: Side | str = Side.ANY,
    intensity: float | None = None,
    on_link_restored: OnLinkRestored | str = OnLinkRestored.END,
    listener: Callable[[Event], None] | None = None,
) -> Ended:
    """Connect, play a muscle's protocol to its end, disconnect.

    Takes the arguments of `connect` and `play`. Nobody can go on after a pause here, so a session that is paused, by
    the ball's own button for example, is ended, and so by default is one that lost its link.

    Returns:
        The session's last event.

    Raises:
        UnknotError: as `connect` and `play`; a failure in the session too.
    """
    protocol_library.load(muscle)  # a wrong name is told before a ball is looked for
    async with (
        connect(target, profile=profile, simulate=simulate, adapter=adapter) as ball,
        play(muscle, on=ball, side=side, intensity=intensity, on_link_restored=on_link_restored) as session,
    ):
        if listener is not None:
            session.listen(listener)
        return await session.wait_unattended()


async def inspect(
    target: str | None = None,
    *,
    profile: str | None = None,
    simulate: Simulate = False,
    adapter: str | None = None,
    seconds: float = discovery.SCAN_SECONDS,
) -> inspection.Inspection:
    """Connect to a device, read what can be read, disconnect; nothing is written and nothing subscribed to.

    Takes the arguments of `connect`; a device that no profile describes can be inspected by its name or address too.

    Raises:
        BallInUse: another unknot drives it.
        BallHeld: the system holds a link to it already, which leaving it would end.
        LinkError: no Bluetooth, no device, or no link to it.
    """
    found, chosen, radio = await _find(target, profile, simulate, adapter, seconds)
    others = [one for one in profile_library.load_usable() if chosen is None or one.id != chosen.id]
    return await inspection.inspect(found, radio, [*others, *([chosen] if chosen is not None else [])])


async def own_addresses() -> tuple[str, ...]:
    """The addresses of this computer's adapters, which a ball may have kept; none where the system does not tell.

    Raises:
        BluetoothUnavailable: there is no Bluetooth service.
    """
    return tuple(one.address for one in await adapters.there())


async def stop_all(
    target: str | None = None,
    *,
    profile: str | None = None,
    simulate: Simulate = False,
    adapter: str | None = None,
    seconds: float = discovery.SCAN_SECONDS,
) -> tuple[tuple[FoundBall, StopOutcome], ...]:
    """Stop every ball that is connected or can be found, or only the one called ``target``.

    Takes the arguments of `connect`. Where no adapter is named, links are looked for on all of them.

    Returns:
        Each ball and what is known about its motor now.

    Raises:
        BallNotFound: there is none.
        BluetoothUnavailable: there is no working Bluetooth.
    """
    chosen, known, radio = _choose(profile, target, simulate)
    stops = _Stops(chosen)

    async def look(radio: Radio) -> None:
        """Stop what this adapter holds or hears; its own trouble must not keep a ball of another one running."""
        try:
            async for found in _in_reach(radio, known, target, seconds):
                stops.begin([ball for ball in found if ball.profiles or target is not None], radio)
        except LinkError as error:
            stops.failures.append(error)

    radios = await _tuned(radio, adapter)
    if target is not None:
        radios = (await adapters.holding(radios, known, target),)
    try:
        await asyncio.gather(*map(look, radios))
    finally:
        await stops.end()
    return stops.outcomes()


class _Stops:
    """The balls that are being stopped, each once, and what went wrong on the way to others."""

    def __init__(self, chosen: FirmwareProfile | None) -> None:
        self._chosen = chosen
        self._begun: dict[str, tuple[FoundBall, asyncio.Task[StopOutcome]]] = {}
        self.failures: list[LinkError] = []

    def begin(self, found: Iterable[FoundBall], radio: Radio) -> None:
        for ball in found:
            if ball.address not in self._begun:
                work = _stop_one(ball, self._chosen, radio)
                self._begun[ball.address] = ball, asyncio.create_task(work, name=f"stop {ball.address}")

    async def end(self) -> None:
        if self._begun:
            await asyncio.wait([task for _, task in self._begun.values()])

    def outcomes(self) -> tuple[tuple[FoundBall, StopOutcome], ...]:
        if not self._begun:
            raise next(
                iter(self.failures), BallNotFound("no ball that a profile describes is connected or can be found")
            )
        for failure in self.failures:
            log.warning("%s", failure)
        return tuple((ball, task.result()) for ball, task in self._begun.values())


async def _in_reach(
    radio: Radio, known: tuple[FirmwareProfile, ...], target: str | None, seconds: float
) -> AsyncIterator[Iterable[FoundBall]]:
    """The balls to stop, as soon as they are known: first those that are held, which are likeliest to run."""
    if target is not None:
        yield [await discovery.find(radio, known, target, seconds=seconds)]
        return
    yield await discovery.connected(radio, known)
    yield await discovery.scan(radio, known, seconds=seconds)


def timeline(
    muscle: str, profile: FirmwareProfile, *, side: Side | str = Side.ANY, intensity: float | None = None
) -> Timeline:
    """A muscle's protocol compiled for a profile, without a ball. Arguments and errors as for `play`."""
    chosen = _one_of(Side, side, "a side")
    return compile_protocol(protocol_library.load(muscle), profile, side=chosen, intensity=intensity)


def free_session(percent: float, seconds: float, *, on: Ball) -> Session:
    """A session of vibration without a muscle, as ``unknot vibrate`` plays; arguments and errors as `Ball.vibrate`."""
    return Session(on, compile_free(percent, seconds, on.profile))


def _one_of(kind: type[E], word: str, what: str) -> E:
    try:
        return kind(word)
    except ValueError:
        *others, last = (member.value for member in kind)
        raise UsageError(f"{what} is {', '.join(others)} or {last}, not {word!r}") from None


def _choose(
    profile: str | None, target: str | None, simulate: Simulate
) -> tuple[FirmwareProfile | None, tuple[FirmwareProfile, ...], Radio]:
    """The profile that was named, if one was; the profiles to look for; and where to look.

    Nobody who does not name a device gets one that must not be driven.
    """
    chosen = profile_library.load(profile) if profile is not None else None
    known = (chosen,) if chosen is not None else profile_library.load_usable()
    if chosen is None and target is None:
        known = tuple(one for one in known if one.kind is Kind.VIBRATION)
    return chosen, known, _radio(simulate, chosen)


async def _find(
    target: str | None, profile: str | None, simulate: Simulate, adapter: str | None, seconds: float
) -> tuple[FoundBall, FirmwareProfile | None, Radio]:
    """The one ball that is meant, the profile that was named, if one was, and the radio that reaches the ball."""
    chosen, known, radio = _choose(profile, target, simulate)
    target = target or _only_ball(chosen, radio)
    radio = await adapters.holding(await _tuned(radio, adapter), known, target)
    return await discovery.find(radio, known, target, seconds=seconds), chosen, radio


async def _tuned(radio: Radio, adapter: str | None) -> tuple[Radio, ...]:
    """The radio on the adapter that is named, or on every one that can be used, the one to look on first."""
    if radio.is_real:
        return await adapters.tuned(radio, adapter)
    if adapter is not None:
        raise UsageError(f"an adapter, {adapter!r}, is chosen for a real radio; a simulated ball has none")
    return (radio,)


def _only_ball(chosen: FirmwareProfile | None, radio: Radio) -> str | None:
    """The address of the one simulated ball of the chosen profile: nobody need say which if it advertises nothing."""
    air = radio.options.get("air")
    if chosen is None or not isinstance(air, Air):
        return None
    addresses = [ball.address for ball in air if ball.profile.id == chosen.id]
    return addresses[0] if len(addresses) == 1 else None


def _ball(
    found: FoundBall,
    chosen: FirmwareProfile | None,
    radio: Radio,
    restore_seconds: float = RESTORE_SECONDS,
    ask: Callable[[str], None] = log.warning,
) -> Ball:
    def play(ball: Ball, timeline: Timeline) -> Session:
        return Session(ball, timeline, on_link_restored=OnLinkRestored.END)

    ledger = Ledger() if radio.is_real else None
    candidates = () if chosen is not None else _candidates(found)
    return Ball(
        found.device,
        chosen or candidates[0][0],
        radio,
        play=play,
        ledger=ledger,
        restore_seconds=restore_seconds,
        orphaned=found.rssi is None,
        candidates=candidates,
        ask=ask,
    )


async def _stop_one(found: FoundBall, chosen: FirmwareProfile | None, radio: Radio) -> StopOutcome:
    try:
        return await _ball(found, chosen, radio).stop_once()
    except Exception as error:  # noqa: BLE001 - one ball's trouble must not keep the others running
        log.warning("%s: %s", found.name or found.address, error)
        return StopOutcome.UNKNOWN


def _candidates(found: FoundBall) -> Candidates:
    """The profiles that fit a ball's advertisement with their scores, the best first."""
    if not found.profiles:
        raise BallNotFound(
            f"no profile describes {found.name or found.address}",
            address=found.address,
            advice="name one with --profile if you know what it speaks, or describe it in a profile of your own",
        )
    return tuple((profile_library.load(name), score) for name, score in found.profiles)


def _radio(simulate: Simulate, profile: FirmwareProfile | None) -> Radio:
    if isinstance(simulate, Radio) and not simulate.is_real:
        return simulate
    if simulate is False or isinstance(simulate, Radio):
        if isinstance(asyncio.get_running_loop(), FastLoop):
            raise UsageError("a clock that runs faster than real time cannot drive a real ball; simulate it")
        return simulate or Radio()
    if isinstance(simulate, str | Path) and simulate:
        if isinstance(asyncio.get_running_loop(), FastLoop):
            raise UsageError(f"a clock that runs faster than real time cannot drive the ball behind {simulate}")
        return radio_behind(Path(simulate))
    if simulate is not True and not isinstance(simulate, Air):
        raise UsageError(
            f"simulate is True, False, an Air with its balls, a Radio, or the path of a ball's socket, not {simulate!r}"
        )
    air = simulate if isinstance(simulate, Air) else Air(SimulatedBall(profile or profile_library.DEFAULT))
    return Radio(SimulatedClient, SimulatedScanner, adapter_for(air), {"air": air}, guard=None)
