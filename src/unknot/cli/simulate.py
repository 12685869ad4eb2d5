"""``unknot simulate``: a simulated ball that other programs meet behind a socket, or phones on the air."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unknot.cli import exits
from unknot.cli.words import PROFILE, as_json, printable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from unknot.cli.keys import Keyboard
    from unknot.simulator.ball import SimulatedBall
    from unknot.simulator.happenings import Happening

HELP_KEY = "?"


@click.command()
@click.option("--socket", type=click.Path(path_type=Path), metavar="PATH", help="Make a socket, and be behind it.")
@click.option("--hci", metavar="CONTROLLER", help="Be on the air: usb:0, serial:DEVICE,SPEED, hci-socket:0 or vhci.")
@click.option("--profile", type=PROFILE, metavar="ID|FILE", help="What the ball speaks.")
@click.option("--name", metavar="NAME", help="What it calls itself; by default as its profile says.")
@as_json
def simulate(socket: Path | None, hci: str | None, profile: str | None, name: str | None, as_json: bool) -> int:
    """Be a simulated ball for other programs or other devices, until Ctrl-C.

    Behind a socket it stands for the ball and for the system's Bluetooth: a link outlives a program that is killed. On
    the air it is a Bluetooth peripheral like any other, for phones and computers; this needs a controller of its own
    and the extra 'radio'. In a terminal, keys press its button and make it fail; the key ? tells them.

    \b
    Examples:
      unknot simulate --socket /tmp/ball --profile button-ball
      unknot run calf --simulator /tmp/ball
      unknot simulate --hci usb:0
    """
    import asyncio

    from unknot.profiles import library
    from unknot.simulator.ball import SimulatedBall

    if (socket is None) == (hci is None):
        raise click.UsageError("either --socket PATH or --hci CONTROLLER says where the ball is to be met")
    if name is not None and not _is_text(name):
        raise click.UsageError("the --name has bytes that are no UTF-8; expected a text, such as 'My Ball'")
    ball = SimulatedBall(library.load_or_default(profile), name=name)
    try:
        asyncio.run(_live(ball, socket, hci, as_json=as_json))
    except asyncio.CancelledError:  # Ctrl-C is how it ends
        return exits.DONE
    return exits.DONE


def _is_text(name: str) -> bool:
    """Whether it can be sent; bytes that are no text come from the shell as halves of characters."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


async def _live(ball: SimulatedBall, socket: Path | None, hci: str | None, *, as_json: bool) -> None:
    import asyncio

    from unknot.cli.interrupts import Interrupts
    from unknot.cli.keys import Keyboard
    from unknot.cli.witness import Witness

    happenings: asyncio.Queue[Happening] = asyncio.Queue()
    witness = Witness(ball, asyncio.get_running_loop().time())
    with Interrupts(), Keyboard() as keyboard:
        async with _placed(ball, socket, hci, happenings.put_nowait) as place:
            if as_json:
                click.echo(json.dumps({**witness.ready(), "socket": str(socket) if socket else None, "hci": hci}))
            else:
                keys = "b presses its button, ? tells the other keys, " if keyboard.is_there else ""
                click.echo(
                    f"{printable(ball.name)} ({ball.profile.id}) at {ball.address} is {place}; {keys}Ctrl-C ends it"
                )
            pressing = asyncio.create_task(_press(ball, keyboard), name="keys")
            try:
                while True:
                    happening = await happenings.get()
                    click.echo(json.dumps(witness.as_dict(happening)) if as_json else witness.line(happening))
            finally:
                pressing.cancel()
                await asyncio.wait([pressing])


@asynccontextmanager
async def _placed(
    ball: SimulatedBall, socket: Path | None, hci: str | None, tell: Callable[[Happening], None]
) -> AsyncIterator[str]:
    """Put the ball where it is wanted; the words for it."""
    if socket is not None:
        from unknot.simulator.air import Air
        from unknot.simulator.server import Server

        async with Server(Air(ball), socket, tell):
            yield f"behind {socket}"
    elif hci is not None:
        from unknot.simulator.controllers import broadcast

        async with broadcast(ball, hci, tell):
            yield f"on the air by {hci}"


def _fail(ball: SimulatedBall, what: str) -> None:
    from unknot.simulator.faults import Fault, FaultKind

    ball.interfere(Fault(FaultKind(what), seconds=FAULT_SECONDS))


FAULT_SECONDS = 5.0
"""How long a fault lasts that a key makes (judgement): long enough to see it, short enough to wait for its end."""

KEYS: dict[str, tuple[str, Callable[[SimulatedBall], None]]] = {
    "b": ("its button is pressed", lambda ball: ball.press_button()),
    "l": ("the link is lost", lambda ball: ball.drop_link(away=FAULT_SECONDS)),
    "u": ("requests go unanswered", lambda ball: _fail(ball, "write-hangs")),
    "w": ("writes are lost", lambda ball: _fail(ball, "write-lost")),
    "n": ("notifications are lost", lambda ball: _fail(ball, "notification-lost")),
    "h": ("it is too hot", lambda ball: ball.overheat(FAULT_SECONDS)),
    "e": ("its battery is empty", lambda ball: ball.empty_battery()),
    "r": ("it starts anew", lambda ball: ball.reboot(silent=FAULT_SECONDS)),
    "a": ("it comes back under another address", lambda ball: ball.change_address()),
}
"""What each key does, in words and in deed; what takes time takes `FAULT_SECONDS`."""


async def _press(ball: SimulatedBall, keyboard: Keyboard) -> None:
    while True:
        key = await keyboard.key()
        if key in KEYS:
            words, do = KEYS[key]
            click.echo(f"{'':>13}{words}", err=True)
            do(ball)
        elif key == HELP_KEY:
            for one, (words, _) in KEYS.items():
                click.echo(f"  {one}  {words}", err=True)
