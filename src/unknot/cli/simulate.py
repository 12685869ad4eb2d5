"""``unknot simulate``: a simulated ball that other programs meet behind a local socket."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unknot.cli import exits
from unknot.cli.words import PROFILE, as_json

if TYPE_CHECKING:
    from unknot.cli.keys import Keyboard
    from unknot.simulator.ball import SimulatedBall
    from unknot.simulator.links import Happening

BUTTON_KEY = "b"

_WORDS = {
    "connected": "a program has connected",
    "joined": "another program has got the link",
    "orphaned": "the program on the link has died; the link stands",
    "disconnected": "a program has disconnected",
    "lost": "the link is lost",
}


@click.command()
@click.option(
    "--socket", type=click.Path(path_type=Path), metavar="PATH", required=True, help="Where the socket is made."
)
@click.option("--profile", type=PROFILE, metavar="ID|FILE", help="What the ball speaks.")
@as_json
def simulate(socket: Path, profile: str | None, as_json: bool) -> int:
    """Be a simulated ball for other programs, until Ctrl-C.

    It stands for the ball and for the system's Bluetooth: a link outlives a program that is killed. In a terminal the
    key b presses the ball's button.

    \b
    Examples:
      unknot simulate --socket /tmp/ball --profile button-ball
      unknot run calf --simulator /tmp/ball
    """
    import asyncio

    from unknot.profiles import library
    from unknot.simulator.ball import SimulatedBall

    ball = SimulatedBall(library.load_or_default(profile))
    try:
        asyncio.run(_live(ball, socket, as_json=as_json))
    except asyncio.CancelledError:  # Ctrl-C is how it ends
        return exits.DONE
    return exits.DONE


async def _live(ball: SimulatedBall, socket: Path, *, as_json: bool) -> None:
    import asyncio

    from unknot.cli.interrupts import Interrupts
    from unknot.cli.keys import Keyboard
    from unknot.simulator.air import Air
    from unknot.simulator.server import Server

    happenings: asyncio.Queue[Happening] = asyncio.Queue()
    began = asyncio.get_running_loop().time()
    with Interrupts(), Keyboard() as keyboard:
        async with Server(Air(ball), socket, happenings.put_nowait):
            _say_ready(ball, socket, keyboard, as_json=as_json)
            pressing = asyncio.create_task(_press(ball, keyboard), name="button")
            try:
                while True:
                    happening = await happenings.get()
                    click.echo(json.dumps(_as_dict(happening)) if as_json else _line(happening, began))
            finally:
                pressing.cancel()
                await asyncio.wait([pressing])


async def _press(ball: SimulatedBall, keyboard: Keyboard) -> None:
    while True:
        if await keyboard.key() == BUTTON_KEY:
            ball.press_button()


def _say_ready(ball: SimulatedBall, socket: Path, keyboard: Keyboard, *, as_json: bool) -> None:
    if as_json:
        facts = {"event": "ready", "address": ball.address, "name": ball.name, "profile": ball.profile.id}
        click.echo(json.dumps({**facts, "levels": ball.profile.motor.levels, "socket": str(socket)}))
        return
    button = f"{BUTTON_KEY} presses its button, " if keyboard.is_there else ""
    click.echo(f"{ball.name} ({ball.profile.id}) at {ball.address} is behind {socket}; {button}Ctrl-C ends it")


def _line(happening: Happening, began: float) -> str:
    levels = happening.ball.profile.motor.levels
    words = _WORDS.get(happening.what, f"level {happening.level} of {levels}")
    return f"{happening.at - began:>9.3f} s  {words}"


def _as_dict(happening: Happening) -> dict[str, Any]:
    """For programs: ``at`` is the monotonic clock, which all processes share, ``time`` that of the calendar."""
    import asyncio

    ago = asyncio.get_running_loop().time() - happening.at
    return {
        "event": happening.what.value,
        "at": round(happening.at, 6),
        "time": round(time.time() - ago, 6),
        "address": happening.ball.address,
        "level": happening.level,
    }
