"""The commands about muscles that need no ball, ``list`` and ``show``; and ``completion``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from unknot.cli import exits
from unknot.cli.meeting import in_mqtt_loop, only_here, which_via
from unknot.cli.surroundings import around_as_dicts, show_around
from unknot.cli.tables import columns, table
from unknot.cli.words import (
    COMPLETE,
    MUSCLE,
    PROFILE,
    as_json,
    clock,
    paragraph,
    printable,
    terminal_columns,
    warn,
    which_intensity,
    which_side,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unknot.bridge.reports import ProtocolEntry
    from unknot.profiles.model import FirmwareProfile
    from unknot.protocols.library import Overview
    from unknot.protocols.model import MuscleProtocol
    from unknot.protocols.timeline import Timeline
    from unknot.protocols.writes import PlannedWrite


@click.command("list")
@which_via
@as_json
def list_muscles(as_json: bool, via: str | None) -> int:
    """List the muscles, with the time for one side and the ceiling.

    \b
    Examples:
      unknot list
      unknot list --json
      unknot list --via mqtt://broker/raum-3      what that gateway can play
    """
    from unknot.protocols import library

    if via is not None:
        only_here(via)
        return in_mqtt_loop(_list_elsewhere(via, as_json=as_json))
    _list(library.overview(), as_json=as_json)
    return exits.DONE


async def _list_elsewhere(via: str, *, as_json: bool) -> int:
    from unknot import anywhere

    _list(await anywhere.protocols(via), as_json=as_json)
    return exits.DONE


def _list(muscles: Sequence[Overview | ProtocolEntry], *, as_json: bool) -> None:
    if as_json:
        rows = [{"id": one.id, "title": one.title, "seconds": one.seconds, "ceiling": one.ceiling} for one in muscles]
        click.echo(json.dumps(rows, indent=2))
        return
    rows_of_words = [(one.id, clock(one.seconds), one.ceiling, one.title) for one in muscles]
    table(("MUSCLE", "TIME", "CEILING", ""), [tuple(map(printable, row)) for row in rows_of_words])


@click.command()
@click.argument("muscle", type=MUSCLE)
@click.option(
    "--profile",
    "profile_id",
    type=PROFILE,
    metavar="ID|FILE",
    help="For which firmware; the open ball's if you name none.",
)
@which_side
@which_intensity
@as_json
def show(muscle: str, profile_id: str | None, side: str | None, intensity: float | None, as_json: bool) -> None:
    """Show what a protocol does: steps, cautions, a chart, and every write with its second. No ball is needed.

    What the firmware's dialogue and keep-alives write besides is told before; a setting that only the ball can tell
    is taken from the profile's examples, and that is said.

    \b
    Examples:
      unknot show calf
      unknot show piriformis --profile button-ball
      unknot show my-muscle.toml --json
    """
    from unknot.profiles import library as profiles
    from unknot.protocols import library as protocols
    from unknot.protocols.timeline import Side, compile_protocol
    from unknot.protocols.writes import planned_writes, said_around, taken_from_examples

    protocol = protocols.load(muscle)
    profile = profiles.load_or_default(profile_id)
    timeline = compile_protocol(protocol, profile, side=Side(side or Side.ANY), intensity=intensity)
    writes = planned_writes(timeline, profile)
    around, from_examples = said_around(profile), taken_from_examples(profile)
    if as_json:
        besides = {**around_as_dicts(around), "from_examples": from_examples}
        click.echo(json.dumps({**_shown(protocol, timeline), **besides, "writes": _listed(writes)}, indent=2))
    else:
        _show_protocol(protocol, timeline)
        _show_timeline(timeline, profile)
        show_around(around, from_examples)
        _show_writes(profile, writes)


def _shown(protocol: MuscleProtocol, timeline: Timeline) -> dict[str, object]:
    return {
        "muscle": protocol.id,
        "title": protocol.title,
        "ceiling": protocol.ceiling.value,
        "side": timeline.side.value,
        "profile": timeline.profile,
        "levels": timeline.levels,
        "seconds": timeline.seconds,
        "motor_seconds": round(timeline.motor_seconds, 3),
        "placement": protocol.placement,
        "felt": protocol.felt,
        "cautions": list(protocol.cautions),
        "no_go": list(protocol.no_go),
        "sources": protocol.sources,
        "steps": [
            {"do": span.do, "start": span.start, "end": span.end, "intensity": span.intensity, "say": span.say}
            for span in timeline.spans
        ],
        "cues": [{"at": cue.at, "level": cue.level} for cue in timeline.cues],
    }


def _listed(writes: Sequence[PlannedWrite]) -> list[dict[str, object]]:
    return [
        {
            "at": one.at,
            "level": one.level,
            "renewal": one.is_renewal,
            "to": one.write.to,
            "bytes": one.write.data.hex(" ").upper(),
            "write": one.write.kind.value,
        }
        for one in writes
    ]


def _show_protocol(protocol: MuscleProtocol, timeline: Timeline) -> None:
    side = "" if timeline.side.value == "any" else f", {timeline.side.value}"
    click.secho(f"{protocol.title}{side}", bold=True)
    click.echo(f"{protocol.muscle}; {protocol.felt}")
    click.echo(f"ceiling {protocol.ceiling.value}, at most {protocol.ceiling.percent:.0f} %\n")
    paragraph(protocol.placement)
    click.echo()
    warn(protocol)
    click.echo()
    rows = [
        (clock(span.start), span.do, f"{span.intensity:.0f} %" if span.intensity else "off",
         clock(span.end - span.start), span.say)
        for span in timeline.spans
    ]  # fmt: skip
    table(("AT", "STEP", "TO", "FOR", ""), rows)
    click.echo()


def _show_timeline(timeline: Timeline, profile: FirmwareProfile) -> None:
    from unknot.cli.chart import COLUMNS, LABEL_COLUMNS, chart

    total, motor = clock(timeline.seconds), clock(timeline.motor_seconds)
    click.echo(
        f"{total} in all, motor on for {motor}, on {profile.name} ({profile.id}), levels 0 to {timeline.levels}\n"
    )
    room = terminal_columns() - LABEL_COLUMNS
    for line in chart(timeline, columns=max(20, min(COLUMNS, room))):
        click.echo(line)


def _show_writes(profile: FirmwareProfile, writes: Sequence[PlannedWrite]) -> None:
    renewals = sum(one.is_renewal for one in writes)
    renewed = f", {renewals} of them (+) renew the lease of {profile.safety.lease:g} s" if renewals else ""
    click.echo(f"\n{len(writes)} writes{renewed}:")
    cells = [
        f"{one.at:8.3f} s {'+' if one.is_renewal else ' '}level {one.level:<3d} {one.write.data.hex(' ').upper()}"
        for one in writes
    ]
    columns(cells)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for a shell.

    \b
    Examples:
      eval "$(unknot completion bash)"
      unknot completion fish | source
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is not None:
        click.echo(kind(ctx.find_root().command, {}, "unknot", COMPLETE).source())
