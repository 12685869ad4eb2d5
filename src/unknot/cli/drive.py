"""The commands that meet a ball: ``run``, ``vibrate``, ``stop`` and ``scan``."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unknot.cli import exits, playing
from unknot.cli.playing import DeviceOptions
from unknot.cli.words import (
    MUSCLE,
    PROFILE,
    Duration,
    Percent,
    Speed,
    as_json,
    paragraph,
    printable,
    warn,
    which_faults,
    which_intensity,
    which_side,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from unknot.device.ball import Ball
    from unknot.device.discovery import FoundBall
    from unknot.protocols.timeline import Timeline
    from unknot.session.session import Session
    from unknot.simulator.faults import FaultPlan


_TWO_SIMULATORS = "--simulate and --simulator exclude each other: either a ball made for this command, or that one"

which_simulator = click.option(
    "--simulator",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Use the simulated ball of 'unknot simulate' behind this socket.",
)


def device_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the words that choose a ball."""
    for option in (
        click.option(
            "--speed",
            type=Speed(),
            default="1",
            show_default=True,
            help="How fast a simulated ball's time runs; max jumps over every wait.",
        ),
        which_simulator,
        click.option("--simulate", is_flag=True, help="Use a simulated ball instead of the radio."),
        click.option("--profile", type=PROFILE, metavar="ID|FILE", help="How the ball is spoken to; your choice wins."),
        click.option(
            "--device",
            metavar="NAME|ADDRESS",
            help="Which ball; without it the nearest known one, and for stop every one.",
        ),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("muscle", type=MUSCLE)
@device_options
@which_faults
@which_side
@which_intensity
@click.option(
    "--on-link-restored",
    type=click.Choice(["pause", "resume", "end"]),
    default="pause",
    show_default=True,
    help="What to do when a lost link is back and the motor has been stopped.",
)
@click.option("--yes", is_flag=True, help="Start the motor without asking.")
@as_json
def run(
    muscle: str,
    *,
    side: str | None,
    intensity: float | None,
    on_link_restored: str,
    yes: bool,
    as_json: bool,
    **device: Any,
) -> int:
    """Play a muscle's protocol on a ball.

    \b
    Examples:
      unknot run calf --side left
      unknot run piriformis --device "OpenBall 7" --intensity 40
      unknot run calf --simulate --speed 20 --yes
      unknot run calf --simulate --speed max --yes --json
      unknot run calf --simulate --speed max --yes --faults 7
    """
    from unknot.protocols import library

    options = _checked(DeviceOptions(**device))
    protocol = library.load(muscle)
    if not yes:
        if sys.stdin is None or not sys.stdin.isatty():
            raise click.UsageError("there is no terminal to ask whether the motor may start; add --yes to start it")
        click.secho(protocol.title, bold=True, err=as_json)
        paragraph(protocol.placement, err=as_json)
        warn(protocol, err=as_json)

    def prepare(ball: Ball) -> Session:
        from unknot import api

        return api.play(muscle, on=ball, side=side or "any", intensity=intensity, on_link_restored=on_link_restored)

    timeline = _compile_first(muscle, side, intensity, options)
    plan = _plan(options, timeline.seconds)
    return _in_loop(playing.play(prepare, options, plan, ask=not yes, as_json=as_json), options.speed)


@click.command()
@click.argument("percent", type=Percent(1))
@click.option(
    "--for", "seconds", type=Duration(), required=True, metavar="DURATION", help='For how long, such as "10s".'
)
@device_options
@which_faults
@as_json
def vibrate(percent: float, seconds: float, as_json: bool, **device: Any) -> int:
    """Vibrate without a muscle: ease in, hold, stop.

    Easing in is part of the time: the intensity rises by at most 10 % a second. What it reaches is at most a third of
    the range, for 60 s at most, since no muscle sets a ceiling.

    \b
    Examples:
      unknot vibrate 30 --for 10s
      unknot vibrate 20 --for 500ms --simulate
    """
    options = _checked(DeviceOptions(**device))

    def prepare(ball: Ball) -> Session:
        from unknot import api

        return api.free_session(percent, seconds, on=ball)

    _refuse_free(percent, seconds, options)
    plan = _plan(options, seconds)
    return _in_loop(playing.play(prepare, options, plan, ask=False, as_json=as_json), options.speed)


@click.command()
@device_options
def stop(**device: Any) -> int:
    """Stop every ball that is connected or can be found.

    \b
    Examples:
      unknot stop
      unknot stop --device AA:BB:CC:DD:EE:FF
    """
    options = _checked(DeviceOptions(**device))
    return _in_loop(_stop(options), options.speed)


@click.command()
@which_simulator
@click.option("--simulate", is_flag=True, help="Look on a simulated air, with one ball per profile.")
@as_json
def scan(simulate: bool, simulator: Path | None, as_json: bool) -> int:
    """Show what is in range, with its signal and the profile that fits.

    \b
    Examples:
      unknot scan
      unknot scan --simulate --json
    """
    if simulate and simulator is not None:
        raise click.UsageError(_TWO_SIMULATORS)
    work = _scan(simulate=simulate, simulator=simulator, as_json=as_json)
    return _in_loop(work, math.inf if simulate else 1.0)


def _checked(options: DeviceOptions) -> DeviceOptions:
    if options.simulator is not None and options.simulate:
        raise click.UsageError(_TWO_SIMULATORS)
    if options.simulator is not None and options.speed != 1:
        raise click.UsageError("--speed needs --simulate: the ball behind --simulator lives in real time")
    if options.speed != 1 and not options.simulate:
        raise click.UsageError("--speed needs --simulate: the time of a real ball does not run faster")
    if options.faults is not None and not options.simulate:
        raise click.UsageError("--faults needs --simulate: only a simulated ball fails on demand")
    if options.device is not None and not options.device.strip():
        raise click.UsageError("--device is empty; name a ball, or leave it out for the nearest one")
    return options


def _in_loop(work: Coroutine[Any, Any, int], speed: float) -> int:
    """Run a coroutine on a loop whose clock has that speed."""
    import asyncio

    from unknot.clock import FastLoop, VirtualTimeLoop

    def fast() -> FastLoop:
        return VirtualTimeLoop() if math.isinf(speed) else FastLoop(speed)

    with asyncio.Runner(loop_factory=None if speed == 1 else fast) as runner:
        try:
            return runner.run(work)
        except asyncio.CancelledError:
            click.echo("unknot: interrupted", err=True)
            return exits.INTERRUPTED


def _plan(options: DeviceOptions, seconds: float) -> FaultPlan | None:
    """What is to go wrong while a session of that length plays, if anything."""
    if options.faults is None:
        return None
    from unknot.simulator import faults

    return faults.draw(options.faults, seconds) if isinstance(options.faults, int) else faults.load(options.faults)


def _compile_first(muscle: str, side: str | None, intensity: float | None, options: DeviceOptions) -> Timeline:
    """Tell what is wrong with the words before anybody waits for a ball; the profile is known only if it is named."""
    from unknot.profiles import library
    from unknot.protocols import library as protocols
    from unknot.protocols.timeline import Side, compile_protocol

    profile = library.load_or_default(options.profile)
    return compile_protocol(protocols.load(muscle), profile, side=Side(side or Side.ANY), intensity=intensity)


def _refuse_free(percent: float, seconds: float, options: DeviceOptions) -> None:
    from unknot.profiles import library
    from unknot.protocols.timeline import compile_free

    compile_free(percent, seconds, library.load_or_default(options.profile))


async def _stop(options: DeviceOptions) -> int:
    from unknot import api
    from unknot.cli.screen import STOP_WORDS
    from unknot.events import StopOutcome

    outcomes = await api.stop_all(options.device, profile=options.profile, simulate=options.where)
    for ball, outcome in outcomes:
        click.echo(f"{printable(ball.name) or '-'}  {ball.address}  {STOP_WORDS[outcome]}")
    return exits.NOT_STOPPED if any(outcome is StopOutcome.UNKNOWN for _, outcome in outcomes) else exits.DONE


async def _scan(*, simulate: bool, simulator: Path | None, as_json: bool) -> int:
    from unknot import api
    from unknot.profiles import library
    from unknot.profiles.model import Kind
    from unknot.simulator.air import Air
    from unknot.simulator.ball import SimulatedBall

    profiles = library.load_usable()
    air = Air(*(SimulatedBall(profile) for profile in profiles)) if simulate else False
    found = await api.scan(simulate=simulator or air)
    if as_json:
        click.echo(json.dumps([_as_dict(ball) for ball in found], indent=2))
        return exits.DONE
    if not found:
        click.echo(
            "nothing advertises nearby: switch the ball on, bring it near, and close other apps that may hold it"
        )
    evidence = {
        one.id: one.evidence.value if one.kind is Kind.VIBRATION else f"{one.evidence.value} stimulator"
        for one in profiles
    }
    for ball in found:
        fits = ", ".join(f"{name} ({evidence[name]})" for name, _ in ball.profiles) or "no profile fits"
        click.echo(f"{ball.rssi:>4} dBm  {ball.address}  {printable(ball.name) or '-':<20}  {fits}")
    return exits.DONE


def _as_dict(ball: FoundBall) -> dict[str, object]:
    return {
        "name": ball.name,
        "address": ball.address,
        "rssi": ball.rssi,
        "profiles": [{"id": name, "score": score} for name, score in ball.profiles],
    }
