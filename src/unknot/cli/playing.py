"""Plays a session for a person at a terminal, or for a program: asks, shows, and heeds keys and signals.

Used by ``run`` and ``vibrate``.
"""

from __future__ import annotations

import math
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unknot.cli import exits
from unknot.cli.words import printable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from unknot.anywhere import AnyBall, AnySession
    from unknot.cli.interrupts import Interrupts
    from unknot.cli.keys import Keyboard
    from unknot.simulator.air import Air
    from unknot.simulator.faults import Fault, FaultPlan

START_KEYS = ("\n", "\r", " ")


@dataclass(frozen=True, slots=True)
class DeviceOptions:
    """Which ball, and how fast its time runs; the same words on every command that meets one."""

    device: str | None
    profile: str | None
    simulate: bool
    simulator: Path | None
    speed: float
    adapter: str | None = None
    faults: int | Path | None = None
    via: str | None = None

    @property
    def where(self) -> bool | Path:
        """What `unknot.api` calls ``simulate``."""
        return self.simulator or self.simulate


async def play(
    prepare: Callable[[AnyBall], AnySession],
    options: DeviceOptions,
    plan: FaultPlan | None,
    *,
    introduce: Callable[[AnyBall], Awaitable[None]] | None = None,
    ask: bool,
    as_json: bool,
) -> int:
    """Connect, ask if wanted, and play what ``prepare`` makes while ``plan`` goes wrong; the exit code.

    Args:
        prepare: makes the session.
        options: which ball.
        plan: what goes wrong; None for nothing.
        introduce: tells what must be known before the motor starts, where only the ball's gateway knows it.
        ask: whether the motor starts only when the person has said so.
        as_json: whether events are shown as JSON.

    Raises:
        UnknotError: no ball, or a failure after which the motor is known to be off.
    """
    from unknot.cli.interrupts import Interrupts
    from unknot.cli.keys import Keyboard
    from unknot.errors import UnknotError
    from unknot.events import EndReason
    from unknot.simulator.injection import inject

    session: AnySession | None = None
    had_keys = False
    with Interrupts() as interrupts, Keyboard() as keyboard:
        try:
            if not options.simulate:
                click.echo("looking for the ball ...", err=True)
            air = _air(options) if plan else None
            async with _meet(options, air) as ball:
                if introduce is not None:
                    await introduce(ball)
                session = prepare(ball)
                for note in (*_cautions(ball, options), *session.notes):
                    click.echo(f"note: {note}", err=True)
                had_keys = keyboard.is_there
                if ask and not await _armed(keyboard, ball):
                    click.echo("not started", err=True)
                    return exits.DONE
                if plan is not None and air is not None:
                    inject(plan, air, tell=_tell_fault)  # also while the ball is left: what can fail then is the stop
                await _watch(session, keyboard, interrupts, options.speed, as_json=as_json)
        except UnknotError as error:
            if not _may_still_run(session):
                raise
            click.echo(f"unknot: {error}", err=True)
            return exits.NOT_STOPPED
        except BrokenPipeError:  # whoever read the events has left; the session has been stopped on the way here
            exits.forget_output()
            return exits.NOT_STOPPED if _may_still_run(session) else exits.INTERRUPTED
    # Where nobody has keys, only the ball can have stopped it.
    stopped = session.ended is not None and session.ended.reason is EndReason.STOPPED
    return exits.INTERRUPTED if interrupts.happened or (stopped and not had_keys) else exits.DONE


def _meet(options: DeviceOptions, air: Air | None) -> AbstractAsyncContextManager[AnyBall]:
    """The ball, here or elsewhere."""
    if options.via is not None:
        from unknot import anywhere
        from unknot.bridge.elsewhere import remote

        return remote.connect(anywhere.elsewhere(options.via, ball=options.device), ask=_ask)
    from unknot import api

    return api.connect(
        options.device, profile=options.profile, simulate=air or options.where, adapter=options.adapter, ask=_ask
    )


def _cautions(ball: AnyBall, options: DeviceOptions) -> list[str]:
    """What is to be said of how well the ball's profile is proved; nothing of one that is made up for a simulated ball.

    A gateway speaks by a profile of its own; it is looked at by the name that the gateway gives it.
    """
    from unknot import anywhere
    from unknot.profiles import library
    from unknot.profiles.model import Evidence

    if anywhere.is_far(ball):
        if ball.model not in library.files():
            return [
                f"gateway {ball.gateway} speaks by a profile that is not known here: {printable(ball.model) or '-'}"
            ]
        profile, is_simulated = library.load(ball.model), ball.is_simulated
    else:
        profile, is_simulated = ball.profile, bool(options.where)
    caution = library.caution(profile)
    return [caution] if caution and not (is_simulated and profile.evidence is Evidence.SIMULATED) else []


def _air(options: DeviceOptions) -> Air:
    from unknot.profiles import library
    from unknot.simulator.air import Air
    from unknot.simulator.ball import SimulatedBall

    return Air(SimulatedBall(library.load_or_default(options.profile)))


def _ask(words: str) -> None:
    """What the ball wants of the person before it obeys; the words come from a file."""
    click.echo(f"\a{printable(words)}", err=True)


def _tell_fault(fault: Fault) -> None:
    sys.stderr.write(f"fault {fault}\n")  # a live picture takes it from there


def _may_still_run(session: AnySession | None) -> bool:
    """Whether a session has ended without a stop that is known to have reached the ball."""
    from unknot.events import StopOutcome

    return session is not None and session.ended is not None and session.ended.stop is StopOutcome.UNKNOWN


async def _armed(keyboard: Keyboard, ball: AnyBall) -> bool:
    """Ask for the one key that starts the motor; nothing else does."""
    keyboard.forget()  # what was typed before the question is no answer to it
    click.echo(f"\n{printable(ball.name)} is ready. Enter or space starts the motor; any other key leaves.", err=True)
    if keyboard.is_there:
        return await keyboard.key() in START_KEYS
    return sys.stdin.readline() in START_KEYS  # a terminal without single keys: nothing else runs meanwhile


async def _watch(
    session: AnySession, keyboard: Keyboard, interrupts: Interrupts, speed: float, *, as_json: bool
) -> None:
    import asyncio

    from unknot.cli import screen
    from unknot.events import Paused

    view: screen.Screen = screen.JsonLines() if as_json else screen.PlainLines()
    is_live = not as_json and sys.stdout.isatty() and not math.isinf(speed) and screen.is_drawable()
    told = session.notes
    async with session, AsyncExitStack() as stack:
        interrupts.stop_with(session.stop, session.give_up)
        for note in session.notes:  # of a session elsewhere they are known by now
            if note not in told:
                click.echo(f"note: {note}", err=True)
        if is_live:
            view = await stack.enter_async_context(screen.live(session, speed))
        pressing = asyncio.create_task(_heed(keyboard, session), name="keys")
        try:
            async for event in session:
                view.show(event)
                if isinstance(event, Paused) and not keyboard.is_there:
                    session.stop()  # the ball paused it, and there is nobody who could go on
        finally:
            pressing.cancel()
            await asyncio.wait([pressing])


async def _heed(keyboard: Keyboard, session: AnySession) -> None:
    """Keys: space pauses and goes on, n skips, any other stops."""
    from unknot.session.player import State

    while True:
        match await keyboard.key():
            case " ":
                if session.state is State.PAUSED:
                    session.resume()
                else:
                    session.pause()
            case "n":
                session.skip()
            case _:
                session.stop()
