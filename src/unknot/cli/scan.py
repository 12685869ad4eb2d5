"""``unknot scan``: what is in range, as a table that lives while it listens, as lines, or as JSON."""

from __future__ import annotations

import json
import math
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unknot.cli import exits
from unknot.cli.meeting import in_loop, one_simulator, which_adapter, which_simulator
from unknot.cli.words import Duration, as_json, terminal_columns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rich.console import Group

    from unknot.cli.nearby import Nearby
    from unknot.simulator.air import Air

LISTENING_MOST = 3600.0
"""The longest scan (s): an hour of watching is enough to find anything that advertises at all (judgement)."""

_AROUND = 3
"""Lines of a terminal that the live table leaves free: its heading, its foot, and where the cursor stands."""


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
@as_json
def scan(seconds: float, adapter: str | None, *, simulate: bool, simulator: Path | None, as_json: bool) -> int:
    """Show what is in range: its signal, the profile that fits, and why it does.

    In a terminal the table is kept up to date while it listens, and Ctrl-C ends it.

    \b
    Examples:
      unknot scan
      unknot scan --for 1min
      unknot scan --simulate --json
    """
    one_simulator(simulate=simulate, simulator=simulator, adapter=adapter)
    if seconds > LISTENING_MOST:
        raise click.UsageError(f"--for is at most {LISTENING_MOST / 60:g}min")
    is_live = not as_json and _is_drawable()
    # Nobody watches a simulated scan that is printed at its end, so its time jumps.
    speed = math.inf if simulate and not is_live else 1.0
    if is_live:
        return in_loop(_scan_live(seconds, adapter, simulate=simulate, simulator=simulator), speed)
    return in_loop(_scan(seconds, adapter, simulate=simulate, simulator=simulator, as_json=as_json), speed)


def _is_drawable() -> bool:
    import sys

    from unknot.cli.screen import is_drawable

    return sys.stdout is not None and sys.stdout.isatty() and is_drawable()


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
        async with _drawn(table, seconds):
            await asyncio.wait([listening])
    if not listening.cancelled():
        listening.result()  # what went wrong is raised here
    _print(table, _room())
    return exits.DONE


def _room() -> int:
    """The lines of the terminal that a table may take."""
    import shutil

    return max(shutil.get_terminal_size((100, 24)).lines - _AROUND, 1)


def _print(table: Nearby, height: int | None) -> None:
    if not table.found:
        click.echo(
            "nothing advertises nearby: switch the ball on, bring it near, and close other apps that may hold it"
        )
    for line in table.lines(terminal_columns(), height):
        click.echo(click.style(line.plain.rstrip(), dim=True) if line.style == "dim" else line.plain.rstrip())


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
        return Group(Text(head, style="bold"), *self._table.lines(terminal_columns(), _room()), foot)


@asynccontextmanager
async def _drawn(table: Nearby, seconds: float) -> AsyncIterator[None]:
    """The live table for the length of the block; it is wiped away at its end."""
    import asyncio

    import rich.live

    from unknot.cli.screen import REFRESH_SECONDS

    picture = _Picture(table, asyncio.get_running_loop().time() + seconds)
    with rich.live.Live(picture, auto_refresh=False, transient=True) as drawn:

        async def draw() -> None:
            while True:
                drawn.refresh()
                await asyncio.sleep(REFRESH_SECONDS)

        drawing = asyncio.create_task(draw(), name="table")
        try:
            yield
        finally:
            drawing.cancel()
            await asyncio.wait([drawing])
