"""A table that lives in a terminal while something is listened to, and is wiped away at its end; for scan and fleet."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from rich.console import RichCast
    from rich.text import Text

_AROUND = 3
"""Lines of a terminal that the live table leaves free: its heading, its foot, and where the cursor stands."""


def is_drawable() -> bool:
    """Whether there is a terminal that can be drawn on."""
    from unknot.cli import screen

    return sys.stdout is not None and sys.stdout.isatty() and screen.is_drawable()


def room() -> int:
    """The lines of the terminal that a table may take."""
    import shutil

    return max(shutil.get_terminal_size((100, 24)).lines - _AROUND, 1)


def cut(text: str, width: int) -> str:
    """The text, or as much of it as fits in so many columns with a sign that there is more."""
    from rich.cells import cell_len, set_cell_size

    return text if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"


def print_lines(lines: Iterable[Text]) -> None:
    """Leave the table as plain lines."""
    for line in lines:
        click.echo(click.style(line.plain.rstrip(), dim=True) if line.style == "dim" else line.plain.rstrip())


@asynccontextmanager
async def drawn(picture: RichCast) -> AsyncIterator[None]:
    """The picture, drawn again and again for the length of the block."""
    import asyncio

    import rich.live

    from unknot.cli.screen import REFRESH_SECONDS

    with rich.live.Live(picture, auto_refresh=False, transient=True) as live:

        async def draw() -> None:
            while True:
                live.refresh()
                await asyncio.sleep(REFRESH_SECONDS)

        drawing = asyncio.create_task(draw(), name="table")
        try:
            yield
        finally:
            drawing.cancel()
            await asyncio.wait([drawing])
