"""The verbs of `unknot.api` for a ball that is here, and for one at another gateway: ``mqtt://broker/gateway/ball``.

The public functions of `unknot` and the commands are these. Each side is imported only when it is meant.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any, overload

from unknot.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from typing_extensions import TypeIs

    from unknot.api import Simulate
    from unknot.bridge.elsewhere.inquiries import FarBall, Target
    from unknot.bridge.elsewhere.remote import RemoteBall
    from unknot.bridge.elsewhere.remote_session import RemoteSession
    from unknot.bridge.reports import ProtocolEntry
    from unknot.device.ball import Ball
    from unknot.device.discovery import FoundBall
    from unknot.events import Ended, Event, StopOutcome
    from unknot.protocols.timeline import Side
    from unknot.session.messages import OnLinkRestored
    from unknot.session.session import Session

    AnyBall = Ball | RemoteBall
    AnySession = Session | RemoteSession

log = logging.getLogger(__name__)

_URL = re.compile(r"mqtts?://", re.IGNORECASE)


def is_elsewhere(target: object) -> bool:
    """Whether a target is at another gateway, and not within reach of this machine's own radio."""
    return isinstance(target, str) and _URL.match(target) is not None


def is_far(ball: AnyBall) -> TypeIs[RemoteBall]:
    """Whether a ball is driven by another gateway; who has one has imported what drives it."""
    module = sys.modules.get("unknot.bridge.elsewhere.remote")
    return module is not None and isinstance(ball, module.RemoteBall)


def elsewhere(url: str, *, ball: str | None = None) -> Target:
    """Whom a URL means.

    Args:
        url: mqtt://[USER@]HOST[:PORT][/GATEWAY[/BALL]], or mqtts:// with TLS. How to log in is told by the environment
            or the configuration's file, as for ``unknot bridge``.
        ball: the ball's id, name or address, where the URL names none.

    Raises:
        UsageError: it is no such URL.
        ConfigFileError: the environment or the configuration's file is wrong.
    """
    from unknot.bridge.elsewhere import targets
    from unknot.bridge.elsewhere.inquiries import Target
    from unknot.bridge.link import mqtt

    place = targets.place(url)
    if ball is not None and place.ball is not None:
        raise UsageError(f"the ball is named twice: {place.ball!r} and {ball!r}")
    named = place.ball if ball is None else ball
    return Target(mqtt.dial(place.broker), str(place.broker), place.broker.base, place.gateway, named)


def own() -> Target:
    """The broker of this machine's configuration, and all that is there.

    Raises:
        UsageError: it names none.
        ConfigFileError: something in it is wrong.
    """
    from unknot.bridge.elsewhere import targets
    from unknot.bridge.elsewhere.inquiries import Target
    from unknot.bridge.link import mqtt

    broker = targets.own_broker()
    return Target(mqtt.dial(broker), str(broker), broker.base)


@overload
def connect(
    target: None = None,
    *,
    profile: str | None = None,
    simulate: Simulate = False,
    adapter: str | None = None,
    seconds: float | None = None,
    restore_seconds: float | None = None,
    ask: Callable[[str], None] = log.warning,
) -> AbstractAsyncContextManager[Ball]: ...


@overload
def connect(
    target: str | None,
    *,
    profile: str | None = None,
    simulate: Simulate,
    adapter: str | None = None,
    seconds: float | None = None,
    restore_seconds: float | None = None,
    ask: Callable[[str], None] = log.warning,
) -> AbstractAsyncContextManager[Ball]: ...


@overload
def connect(
    target: str,
    *,
    profile: str | None = None,
    adapter: str | None = None,
    seconds: float | None = None,
    restore_seconds: float | None = None,
    ask: Callable[[str], None] = log.warning,
) -> AbstractAsyncContextManager[Ball | RemoteBall]: ...


def connect(
    target: str | None = None,
    *,
    profile: str | None = None,
    simulate: Simulate = False,
    adapter: str | None = None,
    seconds: float | None = None,
    restore_seconds: float | None = None,
    ask: Callable[[str], None] = log.warning,
) -> AbstractAsyncContextManager[AnyBall]:
    """A connected ball for the length of an ``async with`` block; its motor is stopped when the block is left.

    Args:
        target: a name or an address; ``mqtt://broker/gateway/ball`` for a ball at another gateway, where the ball may
            be left out if there is one, and so may the gateway; None for the nearest ball that a profile describes.
        profile: the id or the file of the profile to speak; None for the best match. Your choice always wins.
        simulate: use a simulated air instead of the real one; True makes one with one ball of that profile, and a path
            is the socket of ``unknot simulate``.
        adapter: which Bluetooth adapter, such as "hci1"; on Linux only. None for the lowest that is on.
        seconds: how long to look for the ball; 5 by default.
        restore_seconds: how long a link that was lost is tried to be restored, 60 by default; also how long a stop may
            wait for it.
        ask: told what the person is to do on the ball before it obeys, for example press its button; and, of a ball
            elsewhere, what is wrong on the way to it.

    Raises:
        LinkError: no Bluetooth, no ball, or no link to it.
        BrokerError: no broker, or no such gateway.
        Unsuitable: a device or a profile that must not be driven.
        UnknownNameError: no such profile.
        FileError: the profile's file is wrong, or what tells how to log in to the broker.
        UsageError: words that cannot be meant together; several gateways or balls that may be meant.
        NotStopped: on leaving, the motor could not be stopped.
    """
    if target is not None and is_elsewhere(target):
        from unknot.bridge.elsewhere import remote

        _refuse_radio(profile=profile, simulate=simulate, adapter=adapter)
        return remote.connect(elsewhere(target), ask=ask)
    from unknot import api

    how = _said(seconds=seconds, restore_seconds=restore_seconds)
    return api.connect(target, profile=profile, simulate=simulate, adapter=adapter, ask=ask, **how)


@overload
def play(
    muscle: str,
    *,
    on: Ball,
    side: Side | str = "any",
    intensity: float | None = None,
    on_link_restored: OnLinkRestored | str = "pause",
) -> Session: ...


@overload
def play(
    muscle: str,
    *,
    on: RemoteBall,
    side: Side | str = "any",
    intensity: float | None = None,
    on_link_restored: OnLinkRestored | str = "pause",
) -> RemoteSession: ...


def play(
    muscle: str,
    *,
    on: AnyBall,
    side: Side | str = "any",
    intensity: float | None = None,
    on_link_restored: OnLinkRestored | str = "pause",
) -> AnySession:
    """A session of a muscle's protocol on a connected ball; it starts when its ``async with`` block is entered.

    Args:
        muscle: the id or the file of a protocol; of a ball elsewhere, the id of one that its gateway knows.
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
        Refusal: of a ball elsewhere, on entering the block: its gateway refuses any of these.
    """
    if is_far(on):
        return on.play(muscle, side=side, intensity=intensity, on_link_restored=on_link_restored)
    from unknot import api

    return api.play(muscle, on=on, side=side, intensity=intensity, on_link_restored=on_link_restored)


@overload
def free_session(percent: float, seconds: float, *, on: Ball) -> Session: ...


@overload
def free_session(percent: float, seconds: float, *, on: RemoteBall) -> RemoteSession: ...


def free_session(percent: float, seconds: float, *, on: AnyBall) -> AnySession:
    """A session of vibration without a muscle, as ``unknot vibrate`` plays; arguments and errors as `Ball.vibrate`."""
    if is_far(on):
        return on.free_session(percent, seconds)
    from unknot import api

    return api.free_session(percent, seconds, on=on)


async def run(
    muscle: str,
    *,
    target: str | None = None,
    profile: str | None = None,
    simulate: Simulate = False,
    adapter: str | None = None,
    side: Side | str = "any",
    intensity: float | None = None,
    on_link_restored: OnLinkRestored | str = "end",
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
    if target is None or not is_elsewhere(target):
        from unknot import api

        how = _said(profile=profile, adapter=adapter, target=target, intensity=intensity, listener=listener)
        return await api.run(muscle, simulate=simulate, side=side, on_link_restored=on_link_restored, **how)
    from unknot.bridge.elsewhere import remote

    _refuse_radio(profile=profile, simulate=simulate, adapter=adapter)
    async with (
        remote.connect(elsewhere(target)) as ball,
        ball.play(muscle, side=side, intensity=intensity, on_link_restored=on_link_restored) as session,
    ):
        if listener is not None:
            session.listen(listener)
        return await session.wait_unattended()


@overload
async def scan(
    target: None = None,
    *,
    simulate: Simulate = False,
    adapter: str | None = None,
    seconds: float | None = None,
    heard: Callable[[FoundBall], None] | None = None,
) -> tuple[FoundBall, ...]: ...


@overload
async def scan(target: str, *, seconds: float | None = None) -> tuple[FarBall, ...]: ...


async def scan(
    target: str | None = None,
    *,
    simulate: Simulate = False,
    adapter: str | None = None,
    seconds: float | None = None,
    heard: Callable[[FoundBall], None] | None = None,
) -> tuple[FoundBall, ...] | tuple[FarBall, ...]:
    """Everything that advertises, balls that a profile describes first, the nearest first.

    Balls that the system already holds a link to do not advertise; they are the very first.

    Args:
        target: ``mqtt://broker/gateway`` for what that gateway hears and holds, ``mqtt://broker`` for the balls that
            the gateways there keep; None for what is heard here.
        simulate: look on a simulated air instead of the real one; True makes one with one open ball, and a path is the
            socket of ``unknot simulate``.
        adapter: which Bluetooth adapter, such as "hci1"; on Linux only. None for the lowest that is on.
        seconds: how long to listen; 5 by default.
        heard: told of each device, each time it is heard.

    Raises:
        BluetoothUnavailable: there is no working Bluetooth.
        UsageError: no adapter is called so, or the target is no broker.
        BrokerError: no broker, or no such gateway.
        Refusal: the gateway refuses.
    """
    if target is None:
        from unknot import api

        return await api.scan(simulate=simulate, adapter=adapter, **_said(seconds=seconds, heard=heard))
    if not is_elsewhere(target):
        raise UsageError(f"found {target!r}, expected mqtt://BROKER[/GATEWAY], or nothing for this machine's own radio")
    from unknot.bridge.elsewhere import inquiries

    _refuse_radio(profile=None, simulate=simulate, adapter=adapter)
    return await inquiries.scan(elsewhere(target), **_said(seconds=seconds))


@overload
async def stop_all(
    target: None = None,
    *,
    profile: str | None = None,
    simulate: Simulate = False,
    adapter: str | None = None,
    seconds: float | None = None,
) -> tuple[tuple[FoundBall, StopOutcome], ...]: ...


@overload
async def stop_all(
    target: str | None,
    *,
    profile: str | None = None,
    simulate: Simulate,
    adapter: str | None = None,
    seconds: float | None = None,
) -> tuple[tuple[FoundBall, StopOutcome], ...]: ...


@overload
async def stop_all(
    target: str, *, profile: str | None = None, adapter: str | None = None, seconds: float | None = None
) -> tuple[tuple[FoundBall | FarBall, StopOutcome], ...]: ...


async def stop_all(
    target: str | None = None,
    *,
    profile: str | None = None,
    simulate: Simulate = False,
    adapter: str | None = None,
    seconds: float | None = None,
) -> tuple[tuple[FoundBall, StopOutcome], ...] | tuple[tuple[FoundBall | FarBall, StopOutcome], ...]:
    """Stop every ball that is connected or can be found, or only the one called ``target``.

    Takes the arguments of `connect`. Where no adapter is named, links are looked for on all of them. Elsewhere,
    ``mqtt://broker/gateway/ball`` is one ball; without a ball all of that gateway are meant, without a gateway all.

    Returns:
        Each ball and what is known about its motor now. A gateway that does not answer stands for its balls, with an
        empty id and `StopOutcome.UNKNOWN`.

    Raises:
        BallNotFound: there is none.
        BluetoothUnavailable: there is no working Bluetooth.
        BrokerError: no broker, or no such gateway.
        Refusal: the gateway refuses.
    """
    if target is not None and is_elsewhere(target):
        from unknot.bridge.elsewhere import stopping

        _refuse_radio(profile=profile, simulate=simulate, adapter=adapter)
        return await stopping.stop(elsewhere(target))
    from unknot import api

    return await api.stop_all(target, profile=profile, simulate=simulate, adapter=adapter, **_said(seconds=seconds))


async def protocols(target: str) -> tuple[ProtocolEntry, ...]:
    """The protocols that a gateway knows; ``target`` is ``mqtt://broker/gateway``.

    Raises:
        BrokerError: no broker, or no such gateway.
        UsageError: the target is no broker; several gateways that may be meant.
    """
    from unknot.bridge.elsewhere import inquiries

    return await inquiries.protocols(elsewhere(target))


def _refuse_radio(*, profile: str | None, simulate: Simulate, adapter: str | None) -> None:
    """What chooses a ball or a radio that is here says nothing of one that is elsewhere."""
    said = {"profile": profile is not None, "simulate": simulate is not False, "adapter": adapter is not None}
    for name, is_said in said.items():
        if is_said:
            raise UsageError(f"{name} is for a ball that is here; the one at a gateway is as its owner has set it up")


def _said(**words: Any) -> dict[str, Any]:
    """The words that somebody has said; the others have their defaults where they are handed on to."""
    return {name: value for name, value in words.items() if value is not None}
