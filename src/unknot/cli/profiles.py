"""The commands ``profile list``, ``show``, ``check``, ``new`` and ``schema``; `frames` and `learn` have the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unknot.cli import frames, learn
from unknot.cli.exits import tell
from unknot.cli.tables import table
from unknot.cli.words import PROFILE, NearestGroup, as_json, paragraph

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from unknot.profiles.gatt import Characteristic
    from unknot.profiles.model import FirmwareProfile, Motor, Safety


@click.group(cls=NearestGroup)
def profile() -> None:
    """Look at firmware profiles, write one of your own, and see what its bytes mean. No ball is needed.

    \b
    Examples:
      unknot profile list
      unknot profile show open-ball
      unknot profile new my-ball.toml
      unknot profile learn btsnoop_hci.log --write my-ball.toml
      unknot profile check my-ball.toml
      unknot profile encode open-ball set_level=50 lease=3s
      unknot profile decode open-ball "01 07 32 B8 0B"
    """


profile.add_command(frames.encode)
profile.add_command(frames.decode)
profile.add_command(learn.learn_profile)


@profile.command("list")
@as_json
def list_profiles(as_json: bool) -> None:
    """List the profiles with their evidence.

    \b
    Examples:
      unknot profile list
      unknot profile list --json
    """
    from unknot.profiles import library

    profiles = library.load_usable()
    if as_json:
        rows = [
            {"id": one.id, "name": one.name, "kind": one.kind.value, "evidence": one.evidence.value,
             "levels": one.motor.levels, "lease": one.safety.lease}
            for one in profiles
        ]  # fmt: skip
        click.echo(json.dumps(rows, indent=2))
        return
    table(
        ("PROFILE", "EVIDENCE", "LEVELS", "LEASE", ""),
        [
            (one.id, one.evidence.value, str(one.motor.levels),
             f"{one.safety.lease:g} s" if one.safety.lease else "-", _title(one))
            for one in profiles
        ],
    )  # fmt: skip


@profile.command("show")
@click.argument("profile_id", metavar="ID", type=PROFILE)
def show_profile(profile_id: str) -> None:
    """Show what a profile says, and what it does not know.

    \b
    Examples:
      unknot profile show open-ball
      unknot profile show my-ball.toml
    """
    from unknot.profiles import library, vocabulary

    one = library.load(profile_id)
    click.secho(f"{_title(one)} ({one.id})", bold=True)
    click.echo(f"evidence: {one.evidence.value}")
    for what in one.verified_on:
        click.echo(f"verified on: {what}")
    paragraph(f"source: {one.source}", hang=2)
    for gap in one.gaps:
        paragraph(f"gap: {gap}", hang=2)
    click.echo(f"levels: 0 to {one.motor.levels}{_levels(one.motor)}")
    if one.codec is not None:
        click.echo(f"codec plug-in: {one.codec}")
    _show_match(one)
    table(
        ("NAME", "CHARACTERISTIC", "SERVICE", "USE"),
        [
            (role, frames.shorts(use.characteristic), frames.shorts(use.service), ", ".join(_uses(use)))
            for role, use in one.gatt.items()
        ],
    )
    click.echo()
    lines = [(name, line.to, line.frame.template) for name, said in vocabulary.said(one).items() for line in said]
    lines += [(arrival.name, arrival.source, arrival.frame.template) for arrival in vocabulary.heard(one)]
    table(("SAYS", "ON", "FRAME"), lines)
    _show_safety(one.safety)


def _title(one: FirmwareProfile) -> str:
    """The firmware in words; what must not be driven says so."""
    return f"{one.name}; a stimulator, never driven" if one.kind.value == "stimulator" else one.name


def _levels(motor: Motor) -> str:
    facts = []
    if motor.max_level is not None:
        facts.append(f"never above {motor.max_level}")
    if motor.min_perceptible is not None:
        facts.append(f"felt from {motor.min_perceptible} on")
    return f" ({', '.join(facts)})" if facts else ""


def _show_match(one: FirmwareProfile) -> None:
    """How it is found, and how it is told from others that are found alike."""
    match = one.match
    click.echo(f"advertised names: {', '.join(match.names) or '-'}")
    click.echo(f"advertised services: {frames.shorts(match.services)}")
    for data in match.manufacturer:
        click.echo(f"manufacturer data: company {data.company:04X}, {data.data or 'any payload'}")
    if one.variant is not None:
        tests = ((name, getattr(one.variant, name)) for name in ("model", "firmware", "hardware", "software", "maker"))
        facts = [f"{name} {test.written}" for name, test in tests if test is not None]
        facts += [f"with {frames.shorts([uuid])}" for uuid in one.variant.characteristics]
        facts += [f"without {frames.shorts([uuid])}" for uuid in one.variant.without]
        facts += ["the reply to a query"] * (one.variant.ask is not None)
        paragraph(f"told from others by: {', '.join(facts)}", hang=2)
    click.echo()


def _show_safety(safety: Safety) -> None:
    click.echo(f"\nlease: {f'{safety.lease:g} s' if safety.lease else 'none'}")
    click.echo(f"switches off by itself: {f'after {safety.auto_off:g} s' if safety.auto_off else 'not known'}")
    click.echo(f"stops when the link goes: {safety.stops_on_disconnect}")
    click.echo(f"keeps its last level for ever: {safety.persists_last_command}")
    click.echo(f"its own button: {safety.button}")
    click.echo(f"pairing: {safety.bond}")
    click.echo(f"holds one link only: {'yes' if safety.exclusive else 'no'}")


def _uses(characteristic: Characteristic) -> list[str]:
    uses = [f"write {kind.value}" for kind in characteristic.write]
    uses += [word for word in ("notify", "indicate", "read") if getattr(characteristic, word)]
    return uses if characteristic.poll is None else [*uses, f"read every {characteristic.poll:g} s"]


@profile.command("check")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.pass_context
def check_profile(ctx: click.Context, files: Sequence[Path]) -> None:
    """Check profile files: the keys, the frames, every level, the examples both ways, and whose balls they match.

    What the examples leave unproved is told below each file that holds. All files are checked; if one is wrong, the
    exit code is 2.

    \b
    Examples:
      unknot profile check my-ball.toml
      unknot profile check firmware_profiles/*.toml
    """
    from unknot.errors import ProfileFileError
    from unknot.profiles import library

    others = library.load_usable()
    named: list[FirmwareProfile] = []
    worst = 0
    for file in files:
        try:
            one = _checked(file, (*named, *others))
        except ProfileFileError as error:
            worst = max(worst, tell(error))
        else:
            named.append(one)
    if worst:
        ctx.exit(worst)


def _checked(file: Path, others: Iterable[FirmwareProfile]) -> FirmwareProfile:
    """Check one file and say how it went.

    Raises:
        ProfileFileError: with the first thing that is wrong.
    """
    from unknot import datafile
    from unknot.errors import ProfileFileError
    from unknot.profiles import inspection, library

    if not file.exists() and (meant := _meant(file)) is not None:
        found, expected = "no such file or directory", "a readable TOML file"
        raise ProfileFileError(file, "", found, expected, nearest=str(meant))
    one = library.load_file(file)
    try:
        notes = inspection.inspect(one, others)
    except datafile.Misfit as cause:
        raise datafile.wrong(file, cause, ProfileFileError) from cause
    commands = sum(example.report is None and example.refusal is None for example in one.examples)
    told = len(one.examples) - commands
    click.echo(
        f"{file}: ok: {one.motor.levels} levels, {commands} examples of writes and {told} of reports "
        f"hold both ways; evidence: {one.evidence.value}"
    )
    for note in notes:
        paragraph(f"  {note}", hang=4)
    return one


def _meant(file: Path) -> Path | None:
    """The file that is meant by one that is not there: with the end that all of them have, or a profile's by its id."""
    from unknot.profiles import library

    beside = Path(f"{file}.toml")
    return beside if beside.is_file() else library.files().get(str(file))


@profile.command("new")
@click.argument("file", required=False, type=click.Path(path_type=Path))
def new_profile(file: Path | None) -> None:
    """Print a file to start from, or write it to FILE: a made-up dialect that holds as it stands, with comments.

    \b
    Examples:
      unknot profile new
      unknot profile new my-ball.toml
    """
    from unknot.cli.newfile import write_new
    from unknot.errors import UsageError
    from unknot.profiles import beginning

    if file is None:
        click.echo(beginning.text("my-ball"), nl=False)
        return
    if file.suffix != ".toml":
        raise UsageError(f"{file}: found a name that does not end in .toml; expected one such as my-ball.toml")
    text = beginning.text(file.stem)
    write_new(file, text)
    click.echo(f"{file}: written; next: unknot profile check {file}")


@profile.command("schema")
@click.option(
    "--write",
    "folder",
    is_flag=False,
    flag_value=".",
    metavar="[FOLDER]",
    type=click.Path(path_type=Path),
    help="Write profile.schema.json into this folder, or into the present one, instead of printing it.",
)
def print_schema(folder: Path | None) -> None:
    """Print the JSON Schema of profile files, by which editors complete and check them.

    A file names it in its first line: #:schema ./profile.schema.json

    \b
    Examples:
      unknot profile schema
      unknot profile schema --write
      unknot profile schema --write firmware_profiles
    """
    from unknot.errors import UsageError
    from unknot.profiles import schema

    if folder is None:
        click.echo(schema.text(), nl=False)
        return
    file = folder / schema.FILE
    try:
        file.write_text(schema.text(), encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {(error.strerror or str(error)).lower()}") from error
    click.echo(f"{file}: written")
