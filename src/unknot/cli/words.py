"""The kinds of words on the command line: durations, speeds, muscles, profiles, --json; used by all commands."""

from __future__ import annotations

import math
import re
import shutil
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unknot import datafile
from unknot.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from click.shell_completion import CompletionItem

    from unknot.protocols.model import MuscleProtocol


COMPLETE = "_UNKNOT_COMPLETE"
"""The environment variable by which the shell asks for completions; the scripts of ``unknot completion`` set it."""


SLOWEST, FASTEST = 0.01, 1000.0
"""Speeds at which a loop can still keep its deadlines: beyond, a millisecond's delay is seconds of its time (measured:
at 5000 a lease runs out between two renewals)."""


class NearestGroup(click.Group):
    """A group that answers a mistyped command with the nearest one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which was probably meant."""
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            near = get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(self.list_commands(ctx))}"
            raise click.UsageError(f"no command is called {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)


class Percent(click.ParamType[float]):
    """A percentage, without its sign."""

    name = "percent"

    def __init__(self, least: float) -> None:
        self._least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the percentage."""
        try:
            percent = float(value)
        except ValueError:
            percent = math.nan
        if not self._least <= percent <= 100:
            self.fail(f"found {value!r}, expected a number from {self._least:g} to 100", param, ctx)
        return percent


class Duration(click.ParamType[float]):
    """A duration with its unit, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the duration."""
        try:
            seconds = datafile.seconds(value)
        except ValueError as error:
            self.fail(f"found {value!r}, expected {error}", param, ctx)
        if seconds <= 0:
            self.fail(f"found {value!r}, expected more than 0 s", param, ctx)
        return seconds


class Speed(click.ParamType[float]):
    """A factor of real time, or ``max`` for a clock that jumps; max is infinity."""

    name = "n|max"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the speed."""
        if value == "max":
            return math.inf
        try:
            speed = float(value)
        except ValueError:
            speed = 0.0
        if not SLOWEST <= speed <= FASTEST:
            self.fail(f"found {value!r}, expected a number from {SLOWEST:g} to {FASTEST:g}, or max", param, ctx)
        return speed


class Faults(click.ParamType["int | Path"]):
    """A seed, or a file of faults."""

    name = "seed|file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | Path:
        """Read the seed, or take the file's name."""
        if re.fullmatch(r"[0-9]{1,18}", value):
            return int(value)
        if not value.endswith(".toml"):
            self.fail(f"found {value!r}, expected a whole number, or a file that ends in .toml", param, ctx)
        return Path(value)


class Name(click.ParamType[str]):
    """The name of a muscle or of a profile, completed in the shell."""

    def __init__(self, name: str, known: Callable[[], list[str]]) -> None:
        self.name = name
        self._known = known

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        """Take it as it is, for the library knows which names there are; but not a file's name without its end."""
        name = str(value)
        beside = Path(f"{name}.toml")
        if beside.is_file() and name not in self._known():
            raise UsageError(f"no {self.name} is called {name!r}; did you mean the file {beside}?")
        return name

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """The names that begin like this."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in self._known() if name.startswith(incomplete)]


def _muscles() -> list[str]:
    from unknot.protocols import library

    return sorted(library.files())


def _profiles() -> list[str]:
    from unknot.profiles import library

    return sorted(library.files())


MUSCLE = Name("muscle", _muscles)
PROFILE = Name("profile", _profiles)

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
which_side = click.option(
    "--side", type=click.Choice(["left", "right", "both"]), help="Which side; both means one after the other."
)
which_faults = click.option(
    "--faults",
    type=Faults(),
    metavar="SEED|FILE",
    help="Let the simulated ball fail: a number draws how, a file says how.",
)
which_intensity = click.option(
    "--intensity", type=Percent(0), metavar="PERCENT", help="The strongest intensity instead."
)


def clock(seconds: float) -> str:
    """Minutes and seconds, such as 3:05, to the nearest second."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def countdown(seconds: float) -> str:
    """Minutes and seconds that are left, such as 3:05; 0:00 only when nothing is."""
    return clock(math.ceil(seconds - 1e-6))


def counted(count: int, thing: str) -> str:
    """So many of a thing: 1 ball, 2 balls."""
    return f"{count} {thing}{'s' * (count != 1)}"


def printable(text: str) -> str:
    """The text with control characters made visible: a ball's name comes from the air and is never printed raw."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def terminal_columns() -> int:
    """How many columns the terminal has; 100 where there is none."""
    return shutil.get_terminal_size((100, 24)).columns


def paragraph(text: str, *, hang: int = 0, err: bool = False) -> None:
    """Print a text wrapped at words to the terminal's width; lines after the first are indented by ``hang``."""
    width = max(20, min(100, terminal_columns()))
    click.echo(click.wrap_text(text, width=width, subsequent_indent=" " * hang), err=err)


def warn(protocol: MuscleProtocol, *, err: bool = False) -> None:
    """Print what must be known before a motor starts: the cautions, and where the ball must not go."""
    for caution in (*protocol.cautions, f"Not on {', '.join(protocol.no_go)}."):
        paragraph(printable(f"! {caution}".replace("\n", " ")), hang=2, err=err)
