"""How a command that runs for years writes its log to standard error, for people or programs; for ``unknot bridge``.

The other commands configure nothing: there Python's last resort shows a warning as the one line that it is.
"""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from unknot.cli import exits
from unknot.cli.words import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

FORMATS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error")
_OURS = "unknot"
"""The logger of all that is ours: how much it tells is the person's choice; of libraries only warnings are shown."""

log = logging.getLogger(__name__)


def log_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the words that say how the log is written: ``log_format``, which may be None, and ``log_level``."""
    for option in (
        click.option(
            "--log-level", type=click.Choice(LEVELS), default="info", show_default=True, help="The least that is told."
        ),
        click.option("--log-format", type=click.Choice(FORMATS), help="Text for people, or JSON lines for programs."),
    ):
        command = option(command)
    return command


@contextmanager
def kept(log_format: str, level: str = "info", secrets: Iterable[str] = ()) -> Iterator[None]:
    """Write a log for the length of a ``with`` block; in JSON the error that ends it is a line of it too.

    Args:
        log_format: one of `FORMATS`.
        level: one of `LEVELS`.
        secrets: what is never shown, whoever logs it.

    Raises:
        click.exceptions.Exit: in JSON, in the place of an error that is told.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines(secrets) if log_format == "json" else _Words(secrets))
    root, ours = logging.getLogger(), logging.getLogger(_OURS)
    before = ours.level
    root.addHandler(handler)
    ours.setLevel(level.upper())
    try:
        yield
    except exits.EXPECTED as error:
        if log_format != "json":
            raise
        log.error("%s", exits.words(error))  # noqa: TRY400 - it is expected, so where it came from is no news
        raise click.exceptions.Exit(exits.code(error)) from error
    finally:
        ours.setLevel(before)
        root.removeHandler(handler)


class _Words(logging.Formatter):
    """One line for people, without a time: whoever keeps it, such as systemd's journal, has one of its own."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        self._secrets = tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """The line; below it a traceback, if there is one."""
        trace = self._trace(record)
        return f"{self._message(record)}\n{trace}" if trace else self._message(record)

    def _message(self, record: logging.LogRecord) -> str:
        return printable(self._without_secrets(record.getMessage()))

    def _trace(self, record: logging.LogRecord) -> str:
        return self._without_secrets(self.formatException(record.exc_info)) if record.exc_info else ""

    def _without_secrets(self, text: str) -> str:
        from unknot.bridge.configuration.discretion import hidden

        return hidden(text, self._secrets)


class _Lines(_Words):
    """One JSON object in a line: when, how bad, who, what; and what went wrong, if something did."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._message(record),
        }
        if trace := self._trace(record):
            told["exception"] = trace
        return json.dumps(told, ensure_ascii=False)
