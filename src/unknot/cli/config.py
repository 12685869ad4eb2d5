"""The commands ``config check``, ``show``, ``init``, ``path``, ``schema`` and ``unit``: what a gateway is told."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unknot.cli.words import NearestGroup, as_json, counted, paragraph, printable

if TYPE_CHECKING:
    from unknot.bridge.configuration.config import GatewayConfig
    from unknot.bridge.configuration.settings import Setting, Settings

which_file = click.argument("file", required=False, type=click.Path(path_type=Path))


@click.group(cls=NearestGroup)
def config() -> None:
    """Write, check and show the configuration of a gateway, which 'unknot bridge' reads.

    It is a TOML file. Each key of its sections [broker], [gateway] and [homeassistant] can also be given in the
    environment: url in [broker] is UNKNOT_BROKER__URL. The command line wins over the environment, that over the file,
    and that over what is so by default.

    The file is the one that is named, or UNKNOT_CONFIG names, or config.toml in your own folder of unknot, or
    /etc/unknot/config.toml.

    \b
    Examples:
      unknot config init
      unknot config check
      unknot config show
      unknot config unit > unknot.service
    """


@config.command("path")
def print_path() -> None:
    """Print the path of the configuration in use.

    If there is none, it is the path of the one that 'unknot config init' would write.

    \b
    Examples:
      unknot config path
      $EDITOR "$(unknot config path)"
    """
    from unknot.bridge.configuration import settings

    file = settings.find()
    click.echo(file or settings.user_file())
    if file is None:
        click.echo("unknot: it is not there yet; 'unknot config init' writes one to start from", err=True)


@config.command("init")
@which_file
def write_starter(file: Path | None) -> None:
    """Write a configuration to start from, with every key and a comment, where none is yet.

    Only you may read it. Without FILE it goes to your own folder, which is made if need be.

    \b
    Examples:
      unknot config init
      sudo unknot config init /etc/unknot/config.toml
    """
    from unknot.bridge.configuration import effective, settings, starter
    from unknot.cli.newfile import PRIVATE, see_room, write_new
    from unknot.errors import UsageError

    if file is None:
        file = settings.user_file()
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{file.parent}: cannot be made: {(error.strerror or str(error)).lower()}") from error
    see_room(file)
    write_new(file, starter.text(effective.host_id()), mode=PRIVATE)
    click.echo(f"{file}: written; next: edit it, then: unknot config check {file}")


@config.command("check")
@which_file
def check(file: Path | None) -> None:
    """Check a configuration: its keys, its values, and the files that it names.

    It is checked as it would be used now, together with what the environment says. What is allowed and may not be meant
    is told below.

    \b
    Examples:
      unknot config check
      unknot config check /etc/unknot/config.toml
    """
    from unknot.bridge.configuration import effective

    given = _read(file)
    taken = effective.gateway_config(given)
    balls = counted(len(taken.balls), "ball")
    who = f" as {printable(taken.broker.username)}" if taken.broker.username else ""
    click.echo(f"{given.file or 'the environment'}: ok: {taken.broker}{who}, gateway {taken.name}, {balls}")
    for note in _notes(given, taken):
        paragraph(f"  {note}", hang=4)


@config.command("show")
@which_file
@as_json
def show(file: Path | None, as_json: bool) -> None:
    """Show every setting and where it comes from; passwords are not shown.

    \b
    Examples:
      unknot config show
      unknot config show --json
    """
    given = _read(file)
    if as_json:
        click.echo(json.dumps(as_dict(given), indent=2, ensure_ascii=False))
        return
    from unknot.cli.tables import table

    click.echo(f"file: {given.file or 'none'}")
    rows = [(one.key, one.origin.value, _shown(one)) for one in given.values.values()]
    for number, ball in enumerate(given.written.balls, 1):
        said = ball.model_dump(exclude_none=True)
        rows.append((f"balls.{number}", "file", ", ".join(f"{key} {printable(value)}" for key, value in said.items())))
    table(("KEY", "FROM", "VALUE"), rows)


@config.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of the configuration, by which editors complete and check it.

    Keep it beside the file, and name it in the file's first line: #:schema ./config.schema.json

    \b
    Examples:
      unknot config schema > config.schema.json
    """
    from unknot.bridge.configuration import schema

    click.echo(schema.text(), nl=False)


@config.command("unit")
@which_file
def print_unit(file: Path | None) -> None:
    """Print a systemd unit that runs the gateway with this configuration for years.

    It begins when the computer starts, is started anew when it fails or hangs, and may do no more than it needs. The
    unit is made for systemd 251 or later, and for where this program lies now.

    \b
    Examples:
      unknot config unit /etc/unknot/config.toml
      unknot config unit | sudo tee /etc/systemd/system/unknot.service
    """
    from unknot.cli import unit

    given = _read(file)
    program = unit.this_program()
    click.echo(unit.text(program, given, has_group=unit.has_bluetooth_group()), nl=False)
    for note in unit.notes(program):
        paragraph(f"unknot: {note}", err=True)


def as_dict(given: Settings) -> dict[str, Any]:
    """The settings for programs; what is secret is true where it is there."""
    return {
        "file": str(given.file) if given.file else None,
        "settings": {one.key: {"value": _plain(one), "from": one.origin.value} for one in given.values.values()},
        "balls": [ball.model_dump(exclude_none=True) for ball in given.written.balls],
    }


def _read(file: Path | None) -> Settings:
    """The settings; there is something to look at, in a file or in the environment."""
    from unknot.bridge.configuration import settings
    from unknot.errors import ConfigFileError

    given = settings.read(file)
    if given.file is None and all(one.origin is settings.Origin.DEFAULT for one in given.values.values()):
        own, systems = settings.places()
        expected = f"this file, or {systems}, or {settings.FILE_VARIABLE}; 'unknot config init' writes one"
        raise ConfigFileError(own, "", "no configuration", expected)
    return given


def _plain(one: Setting) -> Any:
    from unknot.bridge.configuration.discretion import without_password
    from unknot.bridge.configuration.effective import host_id
    from unknot.bridge.configuration.settings import PASSWORD

    if one.key == PASSWORD:
        return one.value is not None
    if one.key == "gateway.name":
        return one.value or host_id()
    if isinstance(one.value, str):
        return without_password(one.value)
    return str(one.value) if isinstance(one.value, os.PathLike) else one.value


def _shown(one: Setting) -> str:
    from unknot.bridge.configuration.discretion import HIDDEN
    from unknot.bridge.configuration.settings import PASSWORD

    plain = _plain(one)
    if one.key == PASSWORD:
        return HIDDEN if plain else "-"
    if isinstance(plain, bool):
        return str(plain).lower()
    if isinstance(plain, float):
        return f"{plain:g}s"
    return "-" if plain is None else printable(str(plain))


def _notes(given: Settings, taken: GatewayConfig) -> list[str]:
    """What is allowed, and may not be meant."""
    from unknot.bridge.configuration.settings import Origin
    from unknot.bridge.doctor import is_overheard

    notes = []
    elsewhere = [one.variable for one in given.values.values() if one.origin is Origin.ENVIRONMENT]
    if elsewhere and given.file is not None:
        notes.append(f"the environment has {', '.join(elsewhere)}, which a service does not see")
    if is_overheard(taken.broker):
        notes.append("the password travels in the clear: mqtts:// would hide it")
    if not taken.balls and not taken.take_new:
        notes.append("it keeps no ball: name some under [[balls]], or set take_new")
    return notes
