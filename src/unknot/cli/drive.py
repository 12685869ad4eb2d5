"""The commands that drive a ball: ``run``, ``vibrate`` and ``stop``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from unknot.cli import exits, playing
from unknot.cli.meeting import checked, device_options, in_loop_for
from unknot.cli.playing import DeviceOptions
from unknot.cli.words import (
    MUSCLE,
    Duration,
    Percent,
    as_json,
    paragraph,
    printable,
    warn,
    which_faults,
    which_intensity,
    which_side,
)

if TYPE_CHECKING:
    from unknot.anywhere import AnyBall, AnySession
    from unknot.protocols.model import MuscleProtocol
    from unknot.protocols.timeline import Timeline
    from unknot.simulator.faults import FaultPlan


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

    options = checked(DeviceOptions(**device))
    protocol = library.load(muscle) if options.via is None else None  # a gateway plays what it knows by that name
    if not yes:
        if sys.stdin is None or not sys.stdin.isatty():
            raise click.UsageError("there is no terminal to ask whether the motor may start; add --yes to start it")
        if protocol is not None:
            _introduce(protocol, err=as_json)

    def prepare(ball: AnyBall) -> AnySession:
        from unknot import anywhere

        return anywhere.play(
            muscle, on=ball, side=side or "any", intensity=intensity, on_link_restored=on_link_restored
        )

    async def introduce(ball: AnyBall) -> None:
        from unknot import anywhere

        if anywhere.is_far(ball):
            _introduce(await ball.protocol(muscle), err=as_json)

    plan = _plan(options, _compile_first(muscle, side, intensity, options).seconds) if protocol is not None else None
    asked = introduce if protocol is None and not yes else None
    work = playing.play(prepare, options, plan, introduce=asked, ask=not yes, as_json=as_json)
    return in_loop_for(options, work)


def _introduce(protocol: MuscleProtocol, *, err: bool) -> None:
    """Tell what must be known before the motor starts."""
    click.secho(printable(protocol.title), bold=True, err=err)
    paragraph(printable(protocol.placement.replace("\n", " ")), err=err)
    warn(protocol, err=err)


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
    options = checked(DeviceOptions(**device))

    def prepare(ball: AnyBall) -> AnySession:
        from unknot import anywhere

        return anywhere.free_session(percent, seconds, on=ball)

    _refuse_free(percent, seconds, options)
    plan = _plan(options, seconds)
    work = playing.play(prepare, options, plan, ask=False, as_json=as_json)
    return in_loop_for(options, work)


@click.command()
@device_options
def stop(**device: Any) -> int:
    """Stop every ball that is connected or can be found.

    \b
    Examples:
      unknot stop
      unknot stop --device AA:BB:CC:DD:EE:FF
      unknot stop --via mqtt://broker             every ball of every gateway there
    """
    options = checked(DeviceOptions(**device))
    return in_loop_for(options, _stop(options) if options.via is None else _stop_elsewhere(options, options.via))


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

    outcomes = await api.stop_all(
        options.device, profile=options.profile, simulate=options.where, adapter=options.adapter
    )
    for ball, outcome in outcomes:
        click.echo(f"{printable(ball.name) or '-'}  {ball.address}  {STOP_WORDS[outcome]}")
    return exits.NOT_STOPPED if any(outcome is StopOutcome.UNKNOWN for _, outcome in outcomes) else exits.DONE


async def _stop_elsewhere(options: DeviceOptions, via: str) -> int:
    """Stop at a gateway, or at all of them; who does not answer is told."""
    from unknot import anywhere
    from unknot.bridge.elsewhere import stopping
    from unknot.cli.screen import STOP_WORDS
    from unknot.events import StopOutcome

    outcomes = await stopping.stop(anywhere.elsewhere(via, ball=options.device))
    if not outcomes:
        click.echo("no gateway there has a ball that could run")
    for ball, outcome in outcomes:
        if ball.id:
            name = printable(ball.name) or "-"
            click.echo(f"{ball.gateway}  {name}  {ball.address or ball.id}  {STOP_WORDS[outcome]}")
        else:
            why = f" ({printable(ball.name)})" if ball.name else ""
            click.echo(f"{ball.gateway}  did not answer{why}: press its balls' own buttons")
    return exits.NOT_STOPPED if any(outcome is StopOutcome.UNKNOWN for _, outcome in outcomes) else exits.DONE
