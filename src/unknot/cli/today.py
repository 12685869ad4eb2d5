"""The command ``today``: what was played on real balls in the last 24 hours, and what the limits leave."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

import click

from unknot.cli.words import as_json, clock, printable

if TYPE_CHECKING:
    from unknot.session.day import Day

_SIDES = {"any": "side not named", "left": "left", "right": "right", "both": "both sides"}


@click.command()
@as_json
def today(as_json: bool) -> None:
    """Show what was played in the last 24 hours, and what is left of the limits.

    A limit looks back 24 hours, not to midnight. What was played is written down on this machine and goes nowhere else.
    Simulated balls do not count.

    \b
    Examples:
      unknot today
      unknot today --json
    """
    from unknot.session.ledger import Ledger

    ledger = Ledger()
    day = ledger.day(datetime.now().astimezone())
    if as_json:
        click.echo(json.dumps(as_dict(day) | {"file": str(ledger.file)}, indent=2))
        return
    for line in as_lines(day):
        click.echo(line)


def as_lines(day: Day) -> list[str]:
    """The day in sentences: the whole of it, then a line for each muscle side, and one for free vibration."""
    from unknot.protocols import limits

    left = f"{clock(day.left_seconds)} of {clock(limits.DAY.value)} left"
    if not day.entries:
        again = f"{limits.AGAIN.value:g} {limits.AGAIN.unit} for each side of a muscle"
        return [f"Nothing was played in the last {limits.DAY_HOURS} hours: {left}, and {again}."]
    lines = [f"The motor ran {clock(day.motor_seconds)} in the last {limits.DAY_HOURS} hours; {left}."]
    for (muscle, side), own in day.by_side().items():
        name = f"{printable(muscle)}, {_SIDES[side]}" if muscle else "free vibration"
        last = max(entry.over for entry in own.entries).astimezone(day.now.tzinfo)
        line = f"{name}: {clock(own.motor_seconds)} in {_sessions(len(own.entries))}, the last until {last:%H:%M}"
        lines.append(f"{line}; {_sessions(day.left_sessions(muscle, side))} left" if muscle else line)
    return lines


def as_dict(day: Day) -> dict[str, object]:
    """The day for programs; times with their offset, durations in seconds."""
    return {
        "now": day.now.isoformat(),
        "motor_seconds": round(day.motor_seconds, 3),
        "left_seconds": round(day.left_seconds, 3),
        "unreadable_lines": day.unreadable,
        "played": [
            {
                "muscle": muscle,
                "side": side.value,
                "sessions": len(own.entries),
                "motor_seconds": round(own.motor_seconds, 3),
                "last": max(entry.over for entry in own.entries).isoformat(),
                "left_sessions": day.left_sessions(muscle, side) if muscle else None,
            }
            for (muscle, side), own in day.by_side().items()
        ],
    }


def _sessions(count: int) -> str:
    return f"{count} session" if count == 1 else f"{count} sessions"
