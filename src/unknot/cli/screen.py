"""What a person or a program sees of a session: JSON lines, plain lines, or a live picture."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

import click

from unknot import events
from unknot.cli.words import clock, countdown, printable
from unknot.events import StopOutcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rich.console import Group

    from unknot.anywhere import AnySession

REFRESH_SECONDS = 0.1
"""How often the live picture is drawn: ten times a second looks steady."""

_BAR = 40

STOP_WORDS = {
    StopOutcome.CONFIRMED: "motor off, confirmed by the ball",
    StopOutcome.SENT: "stop sent; this ball has no way to confirm it",
    StopOutcome.UNKNOWN: "the motor could not be confirmed stopped: press the ball's own button",
}


_PAUSED = {
    "asked": "paused",
    "ball": "paused by the ball",
    "link": "paused after the link was lost",
    "address": "paused because the ball has another address now and may be another one",
}

_LINES = 5
"""How many lines about what has happened stand above the live picture."""


class Screen(Protocol):
    """Shows events."""

    def show(self, event: events.Event) -> None:
        """Show one."""


class JsonLines:
    """One event a line, for programs."""

    def show(self, event: events.Event) -> None:
        """Print it at once."""
        click.echo(json.dumps(events.as_dict(event)))


class PlainLines:
    """The steps and what disturbs them as lines of text, where there is no terminal or no time to look."""

    def show(self, event: events.Event) -> None:
        """Print it, if a person wants to know it."""
        line = describe(event)
        if line:
            click.echo(line)


class Live:
    """A live picture of a session in a terminal.

    Args:
        session: what to show.
    """

    def __init__(self, session: AnySession) -> None:
        self._session = session
        self._paused = ""
        self._lost = ""
        self._is_level_known = True
        self._happened: deque[str] = deque(maxlen=_LINES)
        self._is_over = False

    def show(self, event: events.Event) -> None:
        """Take it into the picture."""
        match event:
            case events.Paused():
                self._paused = _paused(event)
            case events.LinkDropped():
                self._lost = printable(describe_loss(event))
                self._is_level_known = event.level == 0 or event.stops_within is not None
            case events.LinkRestored():
                self._lost, self._is_level_known = "", True
            case events.Resumed():
                self._paused = ""
            case events.Ended():
                self._is_over = True
            case _:
                pass
        if isinstance(event, events.Ended | events.LevelAdopted | events.LinkRestored | events.Reported):
            self._happened.extend(filter(None, [describe(event)]))

    def __rich__(self) -> Group:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        happened = [Text(line) for line in self._happened]
        if self._is_over:
            return Group(*happened)
        timeline, position, level = self._session.timeline, self._session.position, self._session.level
        span = timeline.spans[timeline.span_at(position)]
        rows = Table.grid(padding=(0, 1))
        within, length = position - span.start, span.end - span.start
        rows.add_row(
            Text(printable(span.do)),
            ProgressBar(length, within, width=_BAR),
            Text(countdown(span.end - position), style="bold"),
        )
        known = f"{level} of {timeline.levels}" if self._is_level_known else "unknown"
        rows.add_row("level", ProgressBar(timeline.levels, level, width=_BAR), known)
        rows.add_row(
            "all", ProgressBar(timeline.seconds, position, width=_BAR), f"{countdown(timeline.seconds - position)} left"
        )
        head = Text(self._words(printable(span.say)), style="bold")
        keys = "space goes on" if self._paused else "space pauses"
        foot = Text(f"{keys}   n next step   any other key stops", style="dim")
        return Group(*happened, head, rows, foot)

    def _words(self, say: str) -> str:
        from unknot.session.player import State

        lost = f"{self._lost[0].upper()}{self._lost[1:]}." if self._lost else ""
        if self._session.state is State.STOPPING:
            return f"Stopping. {lost}".rstrip()
        if lost:
            return lost
        return f"{self._paused.capitalize()}, motor off. {say}" if self._paused else say


@asynccontextmanager
async def live(session: AnySession, speed: float) -> AsyncIterator[Screen]:
    """A live picture for the length of the block; ``speed`` is how fast the loop's clock runs."""
    import rich.live

    picture = Live(session)
    with rich.live.Live(picture, auto_refresh=False, transient=False) as drawn:

        async def draw() -> None:
            while True:
                drawn.refresh()
                await asyncio.sleep(REFRESH_SECONDS * speed)

        drawing = asyncio.create_task(draw(), name="screen")
        try:
            yield picture
        finally:
            drawing.cancel()
            await asyncio.wait([drawing])
            drawn.refresh()


def is_drawable() -> bool:
    """Whether the terminal can be drawn on, and is not only written to."""
    from rich.console import Console

    console = Console()
    return console.is_terminal and not console.is_dumb_terminal


def describe(event: events.Event) -> str:
    """An event as a line for a person; empty for what a person need not know."""
    return printable(_describe(event))


def _describe(event: events.Event) -> str:  # noqa: PLR0911, C901 - one per kind of event
    match event:
        case events.Started():
            side = "" if event.side == "any" else f", {event.side}"
            return f"{event.title}{side}: {clock(event.seconds)} on {event.profile}"
        case events.StepStarted():
            strength = f"{event.intensity:.0f} %" if event.intensity else "motor off"
            return f"{clock(event.at):>6}  {event.do:<8} {clock(event.seconds):>5}  {strength:>9}  {event.say}"
        case events.LevelAdopted():
            return f"{clock(event.at):>6}  the ball itself chose level {event.level}"
        case events.Paused():
            return f"{clock(event.at):>6}  {_paused(event)}, motor off"
        case events.LinkDropped():
            return f"{clock(event.at):>6}  {describe_loss(event)}"
        case events.LinkRestored():
            off = STOP_WORDS[event.stop].split(";")[0]  # what else it says is not meant for a moment in between
            return f"{clock(event.at):>6}  the link to {event.address} is back: {off}"
        case events.Reported() if event.values.get("fault"):
            return f"{clock(event.at):>6}  the ball reports its fault {event.values['fault']}"
        case events.Resumed():
            return f"{clock(event.at):>6}  goes on"
        case events.Skipped():
            return f"{clock(event.at):>6}  next step"
        case events.Ended():
            detail = f" ({event.detail})" if event.detail else ""
            return f"{event.reason.value}{detail}: motor ran {clock(event.motor_seconds)}; {STOP_WORDS[event.stop]}"
        case _:
            return ""


def _paused(event: events.Paused) -> str:
    """Why; one that a newer gateway knows and we do not is a pause all the same."""
    return _PAUSED.get(event.reason, "paused")


def describe_loss(event: events.LinkDropped) -> str:
    """What a person on the ball must know when the link is gone."""
    lost = f"{event.detail}; trying to get the link back"
    if not event.level:
        return lost
    if event.stops_within is None:
        return f"{lost}; press the ball's own button if it still vibrates"
    within = f" within {event.stops_within:g} s" if event.stops_within else ""
    return f"{lost}; the ball stops by itself{within}"
