"""The commands that need no ball: ``list``, ``show``, ``profile …`` and ``completion``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unknot.cli.words import (
    COMPLETE,
    MUSCLE,
    PROFILE,
    NearestGroup,
    as_json,
    clock,
    paragraph,
    terminal_columns,
    warn,
    which_intensity,
    which_side,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from unknot.profiles.model import Characteristic, FirmwareProfile
    from unknot.protocols.model import MuscleProtocol
    from unknot.protocols.timeline import Timeline
    from unknot.protocols.writes import PlannedWrite


@click.command("list")
@as_json
def list_muscles(as_json: bool) -> None:
    """List the muscles, with the time for one side and the ceiling.

    \b
    Examples:
      unknot list
      unknot list --json
    """
    from unknot.protocols import library

    muscles = library.overview()
    if as_json:
        rows = [{"id": one.id, "title": one.title, "seconds": one.seconds, "ceiling": one.ceiling} for one in muscles]
        click.echo(json.dumps(rows, indent=2))
        return
    _table(
        ("MUSCLE", "TIME", "CEILING", ""),
        [(one.id, clock(one.seconds), one.ceiling, one.title) for one in muscles],
    )


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

    \b
    Examples:
      unknot show calf
      unknot show piriformis --profile button-ball
      unknot show my-muscle.toml --json
    """
    from unknot.profiles import library as profiles
    from unknot.protocols import library as protocols
    from unknot.protocols.timeline import Side, compile_protocol
    from unknot.protocols.writes import planned_writes

    protocol = protocols.load(muscle)
    profile = profiles.load_or_default(profile_id)
    timeline = compile_protocol(protocol, profile, side=Side(side or Side.ANY), intensity=intensity)
    writes = planned_writes(timeline, profile)
    if as_json:
        click.echo(json.dumps(_shown(protocol, timeline, writes), indent=2))
    else:
        _show_protocol(protocol, timeline)
        _show_timeline(timeline, profile, writes)


def _shown(protocol: MuscleProtocol, timeline: Timeline, writes: Sequence[PlannedWrite]) -> dict[str, object]:
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
        "writes": [
            {
                "at": one.at,
                "level": one.level,
                "renewal": one.is_renewal,
                "to": one.write.to,
                "bytes": one.write.data.hex(" ").upper(),
                "write": one.write.kind.value,
            }
            for one in writes
        ],
    }


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
    _table(("AT", "STEP", "TO", "FOR", ""), rows)
    click.echo()


def _show_timeline(timeline: Timeline, profile: FirmwareProfile, writes: Sequence[PlannedWrite]) -> None:
    from unknot.cli.chart import COLUMNS, LABEL_COLUMNS, chart

    total, motor = clock(timeline.seconds), clock(timeline.motor_seconds)
    click.echo(
        f"{total} in all, motor on for {motor}, on {profile.name} ({profile.id}), levels 0 to {timeline.levels}\n"
    )
    room = terminal_columns() - LABEL_COLUMNS
    for line in chart(timeline, columns=max(20, min(COLUMNS, room))):
        click.echo(line)
    renewals = sum(one.is_renewal for one in writes)
    renewed = f", {renewals} of them (+) renew the lease of {profile.safety.lease:g} s" if renewals else ""
    click.echo(f"\n{len(writes)} writes{renewed}:")
    cells = [
        f"{one.at:8.3f} s {'+' if one.is_renewal else ' '}level {one.level:<3d} {one.write.data.hex(' ').upper()}"
        for one in writes
    ]
    _columns(cells)


@click.group(cls=NearestGroup)
def profile() -> None:
    """Look at firmware profiles, and check one of your own.

    \b
    Examples:
      unknot profile list
      unknot profile show open-ball
      unknot profile check my-ball.toml
    """


@profile.command("list")
@as_json
def list_profiles(as_json: bool) -> None:
    """List the profiles with their evidence."""
    from unknot.profiles import library

    profiles = library.load_usable()
    if as_json:
        rows = [
            {"id": one.id, "name": one.name, "evidence": one.evidence.value, "levels": one.motor.levels,
             "lease": one.safety.lease}
            for one in profiles
        ]  # fmt: skip
        click.echo(json.dumps(rows, indent=2))
        return
    _table(
        ("PROFILE", "EVIDENCE", "LEVELS", "LEASE", ""),
        [
            (one.id, one.evidence.value, str(one.motor.levels),
             f"{one.safety.lease:g} s" if one.safety.lease else "-", one.name)
            for one in profiles
        ],
    )  # fmt: skip


@profile.command("show")
@click.argument("profile_id", metavar="ID", type=PROFILE)
def show_profile(profile_id: str) -> None:
    """Show what a profile says, and what it does not know."""
    from unknot.profiles import library

    one = library.load(profile_id)
    click.secho(f"{one.name} ({one.id})", bold=True)
    click.echo(f"evidence: {one.evidence.value}")
    paragraph(f"source: {one.source}", hang=2)
    for gap in one.gaps:
        paragraph(f"gap: {gap}", hang=2)
    click.echo(f"levels: 0 to {one.motor.levels}")
    click.echo(f"advertised names: {', '.join(one.match.names) or '-'}\n")
    _table(
        ("NAME", "CHARACTERISTIC", "SERVICE", "USE"),
        [
            (role, _short(use.characteristic), _short(use.service), ", ".join(_uses(use)))
            for role, use in one.gatt.items()
        ],
    )
    click.echo()
    frames = [(name, write.to, write.frame.template) for name, writes in one.commands.items() for write in writes]
    frames += [(name, report.source, report.frame.template) for name, report in one.reports.items()]
    _table(("SAYS", "ON", "FRAME"), frames)
    safety = one.safety
    click.echo(f"\nlease: {f'{safety.lease:g} s' if safety.lease else 'none'}")
    click.echo(f"switches off by itself: {f'after {safety.auto_off:g} s' if safety.auto_off else 'not known'}")
    click.echo(f"stops when the link goes: {safety.stops_on_disconnect}")
    click.echo(f"its own button: {safety.button}")


@profile.command("check")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
def check_profile(files: tuple[Path, ...]) -> None:
    """Check profile files: the keys, the frames, every level, and the examples both ways."""
    from unknot.profiles import library

    for file in files:
        one = library.load_file(file)
        commands = sum(example.command is not None for example in one.examples)
        reports = len(one.examples) - commands
        click.echo(
            f"{file}: ok: {one.motor.levels} levels, {commands} examples of commands and {reports} of reports "
            f"hold both ways; evidence: {one.evidence.value}"
        )


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


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
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


def _columns(cells: Sequence[str]) -> None:
    """Print cells side by side, reading down, as many columns as the terminal has room for."""
    width = max(len(cell) for cell in cells) + 3
    columns = max(1, terminal_columns() // width)
    rows = -(-len(cells) // columns)
    for row in range(rows):
        click.echo("".join(f"{cell:<{width}}" for cell in cells[row::rows]).rstrip())


def _uses(characteristic: Characteristic) -> list[str]:
    uses = [f"write {kind.value}" for kind in characteristic.write]
    return [*uses, *["notify"] * characteristic.notify, *["read"] * characteristic.read]


def _short(uuid: str) -> str:
    from unknot.profiles.fields import BASE_SUFFIX

    return uuid[4:8].upper() if uuid.startswith("0000") and uuid.endswith(BASE_SUFFIX) else uuid
