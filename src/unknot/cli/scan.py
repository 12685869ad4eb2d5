"""``unknot scan``: what is in range, as a table that lives while it listens, as lines, or as JSON."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unknot.cli import elsewhere, exits, livetable
from unknot.cli.meeting import (
    in_loop,
    in_mqtt_loop,
    one_simulator,
    only_here,
    which_adapter,
    which_simulator,
    which_via,
)
from unknot.cli.words import Duration, as_json, terminal_columns

if TYPE_CHECKING:
    from rich.console import Group

    from unknot.cli.nearby import Nearby
    from unknot.simulator.air import Air

LISTENING_MOST = 3600.0
"""The longest scan (s): an hour of watching is enough to find anything that advertises at all (judgement)."""


@click.command()
@click.option(
    "--for",
    "seconds",
    type=Duration(),
    default="5s",
    show_default=True,
    metavar="DURATION",
    help='How long to listen, such as "30s".',
)
@which_adapter
@which_simulator
@click.option("--simulate", is_flag=True, help="Look on a simulated air, with one ball per profile.")
@which_via
@as_json
def scan(
    seconds: float, adapter: str | None, *, simulate: bool, simulator: Path | None, via: str | None, as_json: bool
) -> int:
    """Show what is in range: its signal, the profile that fits, and why it does.

    In a terminal the table is kept up to date while it listens, and Ctrl-C ends it.

    \b
    Examples:
      unknot scan
      unknot scan --for 1min
      unknot scan --simulate --json
      unknot scan --via mqtt://broker/raum-3      what that gateway hears
      unknot scan --via mqtt://broker             the balls that all gateways keep
    """
    only_here(via, simulate=simulate, simulator=simulator, adapter=adapter)
    one_simulator(simulate=simulate, simulator=simulator, adapter=adapter)
    if seconds > LISTENING_MOST:
        raise click.UsageError(f"--for is at most {LISTENING_MOST / 60:g}min")
    if via is not None:
        return in_mqtt_loop(elsewhere.scan(via, seconds, as_json=as_json))
    is_live = not as_json and livetable.is_drawable()
    # Nobody watches a simulated scan that is printed at its end, so its time jumps.
    speed = math.inf if simulate and not is_live else 1.0
    if is_live:
        return in_loop(_scan_live(seconds, adapter, simulate=simulate, simulator=simulator), speed)
    return in_loop(_scan(seconds, adapter, simulate=simulate, simulator=simulator, as_json=as_json), speed)


def _where(*, simulate: bool, simulator: Path | None) -> Air | Path | bool:
    from unknot.profiles import library
    from unknot.simulator.air import Air
    from unknot.simulator.ball import SimulatedBall

    if not simulate:
        return simulator or False
    return Air(*(SimulatedBall(profile) for profile in library.load_usable()))


async def _scan(seconds: float, adapter: str | None, *, simulate: bool, simulator: Path | None, as_json: bool) -> int:
    from unknot import api
    from unknot.cli import nearby

    evidence = nearby.evidence_of_profiles()
    found = await api.scan(simulate=_where(simulate=simulate, simulator=simulator), adapter=adapter, seconds=seconds)
    if as_json:
        click.echo(json.dumps([nearby.as_dict(ball, evidence) for ball in found], indent=2))
        return exits.DONE
    table = nearby.Nearby(evidence)
    for ball in found:
        table.hear(ball)
    _print(table, None)
    return exits.DONE


async def _scan_live(seconds: float, adapter: str | None, *, simulate: bool, simulator: Path | None) -> int:
    """Listen and show; Ctrl-C ends it as its own end would."""
    import asyncio

    from unknot import api
    from unknot.cli.interrupts import Interrupts
    from unknot.cli.nearby import Nearby, evidence_of_profiles

    table = Nearby(evidence_of_profiles())
    where = _where(simulate=simulate, simulator=simulator)
    work = api.scan(simulate=where, adapter=adapter, seconds=seconds, heard=table.hear)
    with Interrupts() as interrupts:
        listening = asyncio.create_task(work, name="scan")

        def end() -> None:
            listening.cancel()

        interrupts.stop_with(end, end)
        until = asyncio.get_running_loop().time() + seconds
        async with livetable.drawn(_Picture(table, until)):
            await asyncio.wait([listening])
    if not listening.cancelled():
        listening.result()  # what went wrong is raised here
    _print(table, livetable.room())
    return exits.DONE


def _print(table: Nearby, height: int | None) -> None:
    if not table.found:
        click.echo(
            "nothing advertises nearby: switch the ball on, bring it near, and close other apps that may hold it"
        )
    livetable.print_lines(table.lines(terminal_columns(), height))


class _Picture:
    """The table as it is now, between a heading and a foot."""

    def __init__(self, table: Nearby, until: float) -> None:
        self._table = table
        self._until = until

    def __rich__(self) -> Group:
        import asyncio

        from rich.console import Group
        from rich.text import Text

        from unknot.cli.words import countdown

        left = max(self._until - asyncio.get_running_loop().time(), 0.0)
        balls, devices = self._table.balls, len(self._table.found)
        head = f"{balls} ball{'s' * (balls != 1)} among {devices:,} device{'s' * (devices != 1)} heard"
        foot = Text(f"listening, {countdown(left)} left; Ctrl-C ends it", style="dim")
        return Group(Text(head, style="bold"), *self._table.lines(terminal_columns(), livetable.room()), foot)
