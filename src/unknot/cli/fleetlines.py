"""A fleet as lines for a person: a gateway in one, its balls below it; used by ``unknot fleet``.

Everything in it was said by somebody on the broker, so nothing is printed as it came.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from unknot.bridge.reports import Phase
from unknot.cli.livetable import cut
from unknot.cli.words import clock, countdown, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.text import Text

    from unknot.bridge.elsewhere.fleet import BallView, Fleet, GatewayView

_INDENT = 2

_HEAD = ("BALL", "PHASE", "PROTOCOL", "LEFT", "LEVEL", "CHARGE", "SIGNAL", "ID")

_COLUMNS = (
    (14, False, 0),
    (8, False, 0),
    (14, False, 0),
    (5, True, 0),
    (7, True, 0),
    (6, True, 70),
    (8, True, 80),
    (12, False, 100),
)
"""Of each word: its columns, whether it is a number, and from how wide a terminal on it is shown (judgement)."""

_HEAD_FROM = 4
"""Lines of room from which on there is one for the heading, and one for what has no room in memory (judgement)."""

_LEFT_MOST = 6000.0
"""A session that is said to take longer (s) is not shown by the minute: none of ours takes an hour."""


def lines(fleet: Fleet, now: float, width: int, height: int | None = None) -> list[Text]:
    """The gateways and their balls in ``height`` lines of ``width`` columns; what has no room is counted."""
    from rich.text import Text

    gateways = fleet.gateways
    found: list[Text] = []
    if any(at.balls for at in gateways) and (height is None or height >= _HEAD_FROM):
        found.append(Text(cut(_row(_HEAD, width).rstrip(), width), style="dim"))
    is_full = fleet.is_full and (height is None or height >= _HEAD_FROM)
    room = math.inf if height is None else height - is_full
    left = sum(1 + len(at.balls) for at in gateways)
    for new in (new for at in gateways for new in _lines_of(at, now, width)):
        if len(found) + len(new) > room - (left > 1):
            found.append(Text(cut(f"and {left:,} more; --json tells all", width), style="dim"))
            break
        found += new
        left -= 1
    if is_full:
        found.append(Text(cut("there are more, which have no room in memory", width), style="dim"))
    return found


def _lines_of(at: GatewayView, now: float, width: int) -> Iterator[list[Text]]:
    """A gateway, then each of its balls, each with what troubles it."""
    from rich.text import Text

    balls = f"{len(at.balls)} ball{'s' * (len(at.balls) != 1)}"
    facts = [balls, *([f"unknot {printable(at.version)}"] if at.version else []), *([at.adapter] if at.adapter else [])]
    facts += ["simulated"] if at.is_simulated else []
    head = f"{at.id}  {'online' if at.is_online else 'offline'}  {', '.join(map(printable, facts))}"
    new = [Text(cut(head, width), style="bold" if at.is_online else "dim")]
    if at.trouble:
        new.append(_fault(at.trouble, _INDENT, width))
    yield new
    for ball in at.balls:
        line = Text(cut(_ball(ball, now, width).rstrip(), width), style="" if ball.is_there else "dim")
        yield [line, *([_fault(ball.fault, 2 * _INDENT, width)] if ball.fault else [])]


def _fault(words: str, indent: int, width: int) -> Text:
    from rich.text import Text

    return Text(cut(" " * indent + printable(words), width), style="red")


def _ball(ball: BallView, now: float, width: int) -> str:
    state = ball.state
    phase = "away" if not ball.is_there else state.phase.value if state else "-"
    is_playing = state is not None and state.phase in (Phase.RUNNING, Phase.PAUSED, Phase.LOST)
    words = [
        printable(ball.name),
        phase,
        printable(state.protocol) if state is not None and is_playing else "-",
        _left(ball.left(now)),
        f"{state.level}/{state.levels}" if state is not None else "-",
        f"{state.battery:.0f} %" if state is not None and state.battery is not None else "-",
        f"{state.rssi} dBm" if state is not None and state.rssi is not None else "-",
        ball.id,
    ]
    return _row(words, width)


def _row(words: Sequence[str], width: int) -> str:
    """The words in their columns, as many as a terminal of that width shows."""
    from rich.cells import set_cell_size

    shown = sum(width >= least for *_, least in _COLUMNS)
    cells = []
    for text, (columns, is_number, _) in list(zip(words, _COLUMNS, strict=True))[:shown]:
        fitting = cut(text, columns)
        cells.append(fitting.rjust(columns) if is_number else set_cell_size(fitting, columns))
    return " " * _INDENT + "  ".join(cells)


def _left(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return countdown(seconds) if seconds < _LEFT_MOST else f">{clock(_LEFT_MOST)}"
