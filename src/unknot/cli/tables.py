"""Tables and columns on a terminal; used by the commands that list things."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from unknot.cli.words import terminal_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print columns; the last one wraps within the terminal."""
    rows = list(rows)
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head) - 1)]
    indent = sum(widths) + 2 * len(widths)
    room = max(20, terminal_columns() - indent)
    for number, row in enumerate((head, *rows)):
        lead = "".join(f"{cell:<{width}}  " for cell, width in zip(row[:-1], widths, strict=True))
        lines = click.wrap_text(row[-1], width=room).split("\n") if row[-1] else [""]
        text = (lead + f"\n{' ' * indent}".join(lines)).rstrip()
        click.echo(click.style(text, dim=True) if number == 0 else text)


def columns(cells: Sequence[str]) -> None:
    """Print cells side by side, reading down, as many columns as the terminal has room for."""
    width = max(len(cell) for cell in cells) + 3
    count = max(1, terminal_columns() // width)
    rows = -(-len(cells) // count)
    for row in range(rows):
        click.echo("".join(f"{cell:<{width}}" for cell in cells[row::rows]).rstrip())
