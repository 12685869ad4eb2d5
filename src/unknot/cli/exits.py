"""The exit codes, and which error leads to which; used by the command line's `main`."""

from __future__ import annotations

import os
import sys
from unicodedata import combining, east_asian_width

import click

from unknot import errors

DONE = 0
USAGE = 2
NO_LINK = 3
REFUSED = 4
NOT_STOPPED = 5
NO_BROKER = 6
INTERRUPTED = 130

_CODES: tuple[tuple[type[errors.UnknotError], int], ...] = (
    (errors.NotStopped, NOT_STOPPED),
    (errors.LimitExceeded, REFUSED),
    (errors.Unsuitable, REFUSED),
    (errors.LinkError, NO_LINK),
    (errors.BrokerError, NO_BROKER),
    (errors.Stalled, INTERRUPTED),
    (errors.UnknotError, USAGE),
)
"""The first kind that fits decides; a name, a file, a frame or a request that is wrong is wrong usage."""


_REFUSALS = {
    "refused": REFUSED,
    "not_connected": NO_LINK,
    "busy": NO_LINK,
    "not_stopped": NOT_STOPPED,
    "expired": NO_BROKER,
}
"""What a gateway refuses (`unknot.bridge.payloads.Code`, not imported here, since help must appear at once) comes out
as the same trouble does here: a ball that somebody else drives as one that another program drives."""


EXPECTED = (click.ClickException, errors.UnknotError)
"""What is told in one line; everything else is a fault of ours and shows its traceback."""


def tell(error: click.ClickException | errors.UnknotError) -> int:
    """Say what went wrong on standard error; the exit code for it."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return USAGE
    click.echo(f"unknot: {words(error)}", err=True)
    if isinstance(error, errors.FileError) and error.line is not None:
        click.echo(_excerpt(error), err=True)
    return code(error)


def words(error: click.ClickException | errors.UnknotError) -> str:
    """What went wrong, in one line."""
    return _in_one_line(error) if isinstance(error, click.ClickException) else str(error)


def code(error: click.ClickException | errors.UnknotError) -> int:
    """The exit code for what went wrong."""
    if isinstance(error, click.ClickException):
        return USAGE
    refused = _REFUSALS.get(getattr(error, "code", ""))
    return refused or next(number for kind, number in _CODES if isinstance(error, kind))


_GUTTER = 9
"""The line's number ends in this column, indented to tell the two lines from those of the program."""


def _excerpt(error: errors.FileError) -> str:
    """The line of the file that is wrong, and carets under what is wrong in it."""
    before, wrong = error.source[: error.mark], error.source[error.mark : error.mark + error.width]
    carets = " " * _cells(before) + "^" * max(1, _cells(wrong))
    return f"{error.line:>{_GUTTER}} | {error.source}\n{'':>{_GUTTER}} | {carets}"


def _cells(text: str) -> int:
    """How many columns of a terminal a text fills: East Asian signs and emoji take two, combining ones none."""
    return sum(0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def forget_output() -> None:
    """Whoever read our output has left: write to nobody, so that leaving is quiet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _in_one_line(error: click.ClickException) -> str:
    """Make one line of click's complaint about the words, and where to read on."""
    message = " ".join(error.format_message().split()).rstrip(".")
    message = message[:1].lower() + message[1:]
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "unknot"
    return f"{message}; see '{path} --help'"
