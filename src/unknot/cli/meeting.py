"""The words that choose a ball, a radio and how fast time runs; used by every command that meets one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unknot.cli import exits
from unknot.cli.words import PROFILE, Speed

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

    from unknot.cli.playing import DeviceOptions

_TWO_SIMULATORS = "--simulate and --simulator exclude each other: either a ball made for this command, or that one"
_HERE = "--via drives a ball at a gateway as its owner has set it up; {} is for a ball that is here"
_NO_ADAPTER = "--adapter chooses a real radio; a simulated ball has none"

which_simulator = click.option(
    "--simulator",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Use the simulated ball of 'unknot simulate' behind this socket.",
)
which_adapter = click.option("--adapter", metavar="NAME", help="Which Bluetooth adapter, such as hci1; on Linux only.")

which_via = click.option(
    "--via",
    metavar="URL",
    help="By another gateway: mqtt://BROKER[/GATEWAY[/BALL]], or mqtts:// with TLS.",
)


def device_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the words that choose a ball."""
    which = "Which ball; without it the nearest known one, and for stop every one."
    return click.option("--device", metavar="NAME|ADDRESS", help=which)(how_to_meet(which_via(command)))


def how_to_meet(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add those words but ``--device``, for a command whose ball is its argument."""
    for option in (
        which_adapter,
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
    ):
        command = option(command)
    return command


def one_simulator(*, simulate: bool, simulator: Path | None, adapter: str | None) -> None:
    """Refuse two places to look at once."""
    if simulate and simulator is not None:
        raise click.UsageError(_TWO_SIMULATORS)
    if adapter is not None and (simulate or simulator is not None):
        raise click.UsageError(_NO_ADAPTER)


def only_here(via: str | None, **words: object) -> None:
    """Refuse to name a gateway and, at once, what chooses or makes a ball that is here; a URL with a password too."""
    if via is None:
        return
    for name, value in words.items():
        if value is not None and value is not False:
            raise click.UsageError(_HERE.format(f"--{name}"))
    from unknot.bridge.elsewhere.targets import refuse_password

    refuse_password(via)


def checked(options: DeviceOptions) -> DeviceOptions:
    """The same options, if they can be meant together."""
    only_here(
        options.via,
        simulate=options.simulate,
        simulator=options.simulator,
        adapter=options.adapter,
        profile=options.profile,
        speed=None if options.speed == 1 else options.speed,
        faults=options.faults,
    )
    one_simulator(simulate=options.simulate, simulator=options.simulator, adapter=options.adapter)
    if options.simulator is not None and options.speed != 1:
        raise click.UsageError("--speed needs --simulate: the ball behind --simulator lives in real time")
    if options.speed != 1 and not options.simulate:
        raise click.UsageError("--speed needs --simulate: the time of a real ball does not run faster")
    if options.faults is not None and not options.simulate:
        raise click.UsageError("--faults needs --simulate: only a simulated ball fails on demand")
    if options.device is not None and not options.device.strip():
        raise click.UsageError("--device is empty; name a ball, or leave it out for the nearest one")
    return options


def in_loop(work: Coroutine[Any, Any, int], speed: float) -> int:
    """Run a coroutine on a loop whose clock has that speed."""
    from unknot.clock import FastLoop, VirtualTimeLoop

    def fast() -> FastLoop:
        return VirtualTimeLoop() if math.isinf(speed) else FastLoop(speed)

    return _run(work, None if speed == 1 else fast)


def in_mqtt_loop(work: Coroutine[Any, Any, int]) -> int:
    """Run a coroutine that speaks with a broker on a loop that can."""
    from unknot.bridge.link import mqtt

    return _run(work, mqtt.new_event_loop)


def in_loop_for(options: DeviceOptions, work: Coroutine[Any, Any, int]) -> int:
    """Run a coroutine that drives a ball on the loop that this ball needs."""
    return in_loop(work, options.speed) if options.via is None else in_mqtt_loop(work)


def _run(work: Coroutine[Any, Any, int], factory: Callable[[], asyncio.AbstractEventLoop] | None) -> int:
    import asyncio

    with asyncio.Runner(loop_factory=factory) as runner:
        try:
            return runner.run(work)
        except asyncio.CancelledError:
            click.echo("unknot: interrupted", err=True)
            return exits.INTERRUPTED
