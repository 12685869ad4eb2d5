"""``unknot fleet``: every gateway on a broker and its balls, as a table that lives, as lines, or as JSON."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import click

from unknot.cli import exits, livetable
from unknot.cli.meeting import in_mqtt_loop, only_here, which_via
from unknot.cli.words import Duration, as_json, terminal_columns

if TYPE_CHECKING:
    from rich.console import Group

    from unknot.bridge.elsewhere.correspondence import Correspondence
    from unknot.bridge.elsewhere.fleet import Fleet
    from unknot.bridge.elsewhere.inquiries import Target


@click.command()
@which_via
@click.option(
    "--for",
    "seconds",
    type=Duration(),
    metavar="DURATION",
    help='How long to listen, such as "30s"; in a terminal until Ctrl-C without it, else until all is told.',
)
@as_json
def fleet(via: str | None, seconds: float | None, as_json: bool) -> int:
    """Show every gateway on a broker, and its balls: what plays, the time left, level, battery, signal, the last fault.

    The broker is that of this machine's configuration, unless --via names one. Nothing is said to any gateway.

    \b
    Examples:
      unknot fleet --via mqtt://broker
      unknot fleet --json
    """
    only_here(via)
    is_live = not as_json and livetable.is_drawable()
    return in_mqtt_loop(_watch(via, seconds) if is_live else _tell(via, seconds, as_json=as_json))


def _target(via: str | None) -> Target:
    from unknot import anywhere

    return anywhere.elsewhere(via) if via is not None else anywhere.own()


async def _tell(via: str | None, seconds: float | None, *, as_json: bool) -> int:
    """Listen until all is told, and tell it once."""
    import asyncio

    from unknot.bridge.elsewhere import fleet as fleets
    from unknot.bridge.elsewhere import inquiries

    target = _target(via)
    seen = fleets.Fleet(target.base)
    async with target.correspond() as line:
        if seconds is None:
            await inquiries.look(line, seen, *seen.topics)
        else:
            await _listen(line, seen, seconds)
    now = asyncio.get_running_loop().time()
    if as_json:
        click.echo(json.dumps({"broker": target.where, **fleets.as_dict(seen, now)}, indent=2))
    else:
        _print(seen, target, now, None)
    return exits.DONE


async def _listen(line: Correspondence, seen: Fleet, seconds: float) -> None:
    import asyncio
    from contextlib import suppress

    from unknot.bridge.elsewhere.inquiries import Gathering

    gathering = Gathering(seen)
    unlisten = line.listen(gathering)
    try:
        await line.recall(*seen.topics, qos=0)
        with suppress(TimeoutError):
            async with asyncio.timeout(None if math.isinf(seconds) else seconds):
                while True:
                    await gathering.news()
    finally:
        unlisten()


async def _watch(via: str | None, seconds: float | None) -> int:
    """Listen and show, and find a lost broker again for as long as it takes; Ctrl-C ends it as its own end would."""
    import asyncio

    from unknot.bridge.elsewhere.fleet import Fleet
    from unknot.cli.interrupts import Interrupts

    target = _target(via)
    seen = Fleet(target.base)
    with Interrupts() as interrupts:
        async with target.correspond(seconds=math.inf) as line:
            listening = asyncio.create_task(_listen(line, seen, seconds or math.inf), name="fleet")

            def end() -> None:
                listening.cancel()

            interrupts.stop_with(end, end)
            async with livetable.drawn(_Picture(seen, target, line)):
                await asyncio.wait([listening])
    if not listening.cancelled():
        listening.result()  # what went wrong is raised here
    _print(seen, target, asyncio.get_running_loop().time(), livetable.room())
    return exits.DONE


def _print(seen: Fleet, target: Target, now: float, height: int | None) -> None:
    from unknot.cli import fleetlines

    if not seen.gateways:
        click.echo(f"no gateway is known at {target.where}; start one with 'unknot bridge'")
    livetable.print_lines(fleetlines.lines(seen, now, terminal_columns(), height))


class _Picture:
    """The table as it is now, between a heading and a foot."""

    def __init__(self, seen: Fleet, target: Target, line: Correspondence) -> None:
        self._seen = seen
        self._target = target
        self._line = line

    def __rich__(self) -> Group:
        import asyncio

        from rich.console import Group
        from rich.text import Text

        from unknot.cli import fleetlines

        width, now = terminal_columns(), asyncio.get_running_loop().time()
        gateways = self._seen.gateways
        online, balls = sum(at.is_online for at in gateways), sum(one.is_there for at in gateways for one in at.balls)
        head = f"{online} gateway{'s' * (online != 1)} online, {balls} ball{'s' * (balls != 1)} connected"
        foot = f"listening to {self._target.where}; Ctrl-C ends it"
        if not self._line.is_up:
            foot = f"no connection to {self._target.where}: what is shown is old; trying again; Ctrl-C ends it"
        return Group(
            Text(livetable.cut(head, width), style="bold"),
            *fleetlines.lines(self._seen, now, width, livetable.room()),
            Text(livetable.cut(foot, width), style="dim" if self._line.is_up else "red"),
        )
