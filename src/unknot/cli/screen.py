"""What a person or a program sees of a session: JSON lines, plain lines, or a live picture."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

import click

from unknot import events
from unknot.cli.words import clock, countdown
from unknot.events import StopOutcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rich.console import Group

    from unknot.session.session import Session

REFRESH_SECONDS = 0.1
"""How often the live picture is drawn: ten times a second looks steady."""

_BAR = 40

STOP_WORDS = {
    StopOutcome.CONFIRMED: "motor off, confirmed by the ball",
    StopOutcome.SENT: "stop sent; this ball has no way to confirm it",
    StopOutcome.UNKNOWN: "the motor could not be confirmed stopped: press the ball's own button",
}


_PAUSED = {"asked": "paused", "ball": "paused by the ball", "link": "paused after the link was lost"}


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

    def __init__(self, session: Session) -> None:
        self._session = session
        self._step: events.StepStarted | None = None
        self._paused = ""
        self._lost = ""
        self._done: list[str] = []

    def show(self, event: events.Event) -> None:
        """Take it into the picture."""
        match event:
            case events.StepStarted():
                self._step = event
            case events.Paused():
                self._paused = _PAUSED[event.reason]
            case events.LinkDropped():
                self._lost = describe_loss(event)
            case events.LinkRestored():
                self._lost = ""
            case events.Resumed():
                self._paused = ""
            case events.Ended() | events.LevelAdopted():
                self._done.append(describe(event))
            case _:
                pass

    def __rich__(self) -> Group:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        timeline, position, level = self._session.timeline, self._session.position, self._session.level
        span = timeline.spans[timeline.span_at(position)]
        rows = Table.grid(padding=(0, 1))
        within, length = position - span.start, span.end - span.start
        rows.add_row(
            span.do, ProgressBar(length, within, width=_BAR), Text(countdown(span.end - position), style="bold")
        )
        rows.add_row("level", ProgressBar(timeline.levels, level, width=_BAR), f"{level} of {timeline.levels}")
        rows.add_row(
            "all", ProgressBar(timeline.seconds, position, width=_BAR), f"{countdown(timeline.seconds - position)} left"
        )
        words = self._step.say if self._step else timeline.title
        if self._lost:
            words = f"{self._lost[0].upper()}{self._lost[1:]}."
        elif self._paused:
            words = f"{self._paused.capitalize()}, motor off. {words}"
        head = Text(words, style="bold")
        keys = "space goes on" if self._paused else "space pauses"
        foot = Text(f"{keys}   n next step   any other key stops", style="dim")
        return Group(*(Text(line) for line in self._done), *(() if self._done else (head, rows, foot)))


@asynccontextmanager
async def live(session: Session, speed: float) -> AsyncIterator[Screen]:
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


def describe(event: events.Event) -> str:  # noqa: PLR0911 - one per kind of event
    """An event as a line for a person; empty for what a person need not know."""
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
            return f"{clock(event.at):>6}  {_PAUSED[event.reason]}, motor off"
        case events.LinkDropped():
            return f"{clock(event.at):>6}  {describe_loss(event)}"
        case events.LinkRestored():
            return f"{clock(event.at):>6}  the link is back: {STOP_WORDS[event.stop]}"
        case events.Resumed():
            return f"{clock(event.at):>6}  goes on"
        case events.Skipped():
            return f"{clock(event.at):>6}  next step"
        case events.Ended():
            detail = f" ({event.detail})" if event.detail else ""
            return f"{event.reason.value}{detail}: motor ran {clock(event.motor_seconds)}; {STOP_WORDS[event.stop]}"
        case _:
            return ""


def describe_loss(event: events.LinkDropped) -> str:
    """What a person on the ball must know when the link is gone."""
    lost = "the link is lost and being restored"
    if event.stops_within is None:
        return f"{lost}; press the ball's own button if it still vibrates"
    within = f" within {event.stops_within:g} s" if event.stops_within else ""
    return f"{lost}; the ball stops by itself{within}"
