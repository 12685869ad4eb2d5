"""The commands ``profile encode`` and ``profile decode``: what a profile's bytes are, one by one."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import click

from unknot.cli.exits import USAGE
from unknot.cli.words import PROFILE, as_json, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from unknot.profiles.explain import Difference, Piece
    from unknot.profiles.interpret import Reading
    from unknot.profiles.model import FirmwareProfile
    from unknot.profiles.request import Said
    from unknot.profiles.speech import Write

_BYTES_SHOWN = 16
"""A row shows no more bytes of one part: with more, the table is wider than a terminal."""

_PART_SHOWN = 40
"""A row shows no more characters of a part, as it is written in the template."""


@click.command()
@click.argument("profile_id", metavar="ID", type=PROFILE)
@click.argument("words", metavar="[COMMAND...]", nargs=-1)
@as_json
def encode(profile_id: str, words: Sequence[str], as_json: bool) -> None:
    """Show the writes that say a command, and what each byte of them is. Without a command: what can be said.

    COMMAND is a command of the profile, with further slots of its frames beside it.

    \b
    Examples:
      unknot profile encode open-ball
      unknot profile encode open-ball set_level=50 lease=3s
      unknot profile encode vibmotor-3 stop
      unknot profile encode my-ball.toml set_level=3 starting --json
      unknot profile encode ems-v2 init=1
    """
    from unknot.profiles import library, request

    profile = library.load(profile_id)
    if not words:
        usable = request.usable(profile)
        click.echo(json.dumps(usable, indent=2, ensure_ascii=False) if as_json else "\n".join(usable))
        return
    said = request.say(profile, request.understood(profile, words))
    if as_json:
        click.echo(json.dumps([_said_as_dict(profile, one) for one in said], indent=2))
        return
    for one in said:
        for write in one.writes:
            click.echo(f"{_on(profile, write.to)}, write {write.kind.value}: {_hex(write.data)}{_afterwards(write)}")
        _show_pieces(one.frame, one.pieces)


@click.command()
@click.argument("profile_id", metavar="ID", type=PROFILE)
@click.argument("hexes", metavar="HEX...", nargs=-1, required=True)
@click.option("--on", "role", metavar="NAME", help="Only what is said or told on this characteristic of the profile.")
@as_json
@click.pass_context
def decode(ctx: click.Context, profile_id: str, hexes: Sequence[str], role: str | None, as_json: bool) -> None:
    """Tell what bytes mean: a report, a refusal or a command, and what each byte is.

    HEX is one notification or one write, with or without spaces; several are read in their order, and put together
    where the profile says how. Bytes may mean several things on several characteristics; --on names the one. If they
    mean nothing, the nearest frame and the wrong byte are told, and the exit code is 2.

    \b
    Examples:
      unknot profile decode open-ball "01 07 32 54 0B 1F 00"
      unknot profile decode button-ball 5A0258 --on level
      unknot profile decode ems-v2 "68 79 00 0B 02 01" "03 5E E4 0D 0A" --json
    """
    from unknot.errors import CodecMissing, UsageError
    from unknot.profiles import library
    from unknot.profiles.interpret import Interpreter

    profile = library.load(profile_id)
    if role is not None and role not in profile.gatt:
        raise UsageError(f"{profile.id} has no characteristic {role!r}; there are: {', '.join(profile.gatt)}")
    packets = [_bytes(text) for text in hexes]
    try:
        interpreter = Interpreter(profile, role)
    except CodecMissing as error:
        raise UsageError(str(error)) from error
    told: list[dict[str, Any]] = []
    readings: tuple[Reading, ...] = ()
    for data in packets:
        readings = interpreter.read(data)
        if not readings:
            _say_so_far(told, as_json=as_json)
            _complain(profile, data, interpreter.strange(data), interpreter.difference(data))
            ctx.exit(USAGE)
        told.append({"bytes": _hex(data), "means": [_reading_as_dict(profile, one) for one in readings]})
        if not as_json:
            _show_readings(profile, data, readings)
    _say_so_far(told, as_json=as_json)
    if all(one.kind == "part" for one in readings):
        click.echo("unknot: these bytes are the beginning of something; more must follow", err=True)
        ctx.exit(USAGE)


def shorts(uuids: Iterable[str]) -> str:
    """UUIDs for people: four digits where that is all there is to them."""
    from unknot.profiles.fields import BASE_SUFFIX

    return ", ".join(
        uuid[4:8].upper() if uuid.startswith("0000") and uuid.endswith(BASE_SUFFIX) else uuid for uuid in uuids
    ) or "-"  # fmt: skip


def _bytes(text: str) -> bytes:
    from unknot.errors import UsageError
    from unknot.profiles.frames.frame import MAX_BYTES

    digits = re.sub(r"\s|^0[xX]", "", text)
    if not digits:
        raise UsageError('found no bytes; expected some in hex, such as "55 01 AA"')
    if (strange := re.search(r"[^0-9A-Fa-f]", digits)) is not None:
        raise UsageError(f'found {strange[0]!r} in {text!r}; expected hex, such as "55 01 AA"')
    if len(digits) % 2:
        raise UsageError(f"found {len(digits)} hex digits in {text!r}; expected two for each byte")
    if len(digits) > 2 * MAX_BYTES:
        raise UsageError(
            f"found {len(digits) // 2} bytes; expected at most {MAX_BYTES}, as a notification or a write has"
        )
    return bytes.fromhex(digits)


def _say_so_far(told: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json and told:
        click.echo(json.dumps(told, indent=2))


def _complain(profile: FirmwareProfile, data: bytes, frame: bytes, difference: Difference | None) -> None:
    """Say what is wrong with bytes that mean nothing, with carets under it."""
    if difference is None:
        click.echo(f"unknot: {profile.id} says and tells nothing there that {_hex(data)} could be", err=True)
        return
    nearest = difference.candidate
    click.echo(
        f"unknot: nothing of {profile.id}; nearest is {nearest.name} on {nearest.role}: {difference.why}", err=True
    )
    if difference.at is not None:
        click.echo(f"  {_hex(frame)}", err=True)
        click.echo(f"  {'   ' * min(difference.at, len(frame))}{' '.join(['^^'] * difference.width)}", err=True)
    click.echo(f"  {nearest.frame.template}", err=True)
    if difference.right is not None:
        click.echo(f"  right is {_hex(difference.right)}", err=True)


def _show_readings(profile: FirmwareProfile, data: bytes, readings: Sequence[Reading]) -> None:
    from unknot.profiles.explain import said_of

    for one in readings:
        what = f"part of {one.name}" if one.kind == "part" and one.name else f"{one.kind} {one.name}".strip()
        values = ", ".join(said_of(slot, value) for slot, value in one.values.items())
        if one.kind == "part":
            values = values or "goes on in what follows"
        click.echo(f"{what} on {_on(profile, one.role)}{f': {printable(values)}' if values else ''}")
        if one.pieces:
            _show_pieces(one.frame, one.pieces)
        else:
            click.echo(f"  {_hex(data)}")


def _show_pieces(frame: bytes, pieces: Sequence[Piece]) -> None:
    rows = []
    before: tuple[int, int] | None = None
    for piece in pieces:
        place = piece.start, piece.end
        cell = "" if place == before or not frame else _cut(frame[piece.start : piece.end])
        rows.append((cell, _shortened(piece.part), printable(piece.meaning)))
        before = place
    left = max(len(row[0]) for row in rows)
    middle = max(len(row[1]) for row in rows)
    for data, part, meaning in rows:
        click.echo(f"  {data:<{left}}  {part:<{middle}}  {meaning}")


def _cut(data: bytes) -> str:
    return _hex(data) if len(data) <= _BYTES_SHOWN else f"{_hex(data[: _BYTES_SHOWN - 1])} … ({len(data)} bytes)"


def _shortened(part: str) -> str:
    return part if len(part) <= _PART_SHOWN else f"{part[: _PART_SHOWN - 1]}…"


def _afterwards(write: Write) -> str:
    then = [f"wait for {write.answer}"] if write.answer is not None else []
    then += [f"wait {write.pause:g} s"] if write.pause else []
    return f", then {' and '.join(then)}" if then else ""


def _on(profile: FirmwareProfile, role: str) -> str:
    return f"{role} ({shorts(profile.gatt[role].characteristic)})"


def _hex(data: bytes) -> str:
    return data.hex(" ").upper()


def _said_as_dict(profile: FirmwareProfile, said: Said) -> dict[str, Any]:
    return {
        "writes": [
            {
                "to": write.to,
                "characteristic": list(profile.gatt[write.to].characteristic),
                "write": write.kind.value,
                "bytes": _hex(write.data),
                "pause": write.pause,
                "answer": write.answer,
            }
            for write in said.writes
        ],
        "frame": _hex(said.frame),
        "parts": [_piece_as_dict(said.frame, piece) for piece in said.pieces],
    }


def _reading_as_dict(profile: FirmwareProfile, reading: Reading) -> dict[str, Any]:
    return {
        "kind": reading.kind,
        "name": reading.name,
        "on": reading.role,
        "characteristic": list(profile.gatt[reading.role].characteristic),
        "values": dict(reading.values),
        "frame": _hex(reading.frame),
        "parts": [_piece_as_dict(reading.frame, piece) for piece in reading.pieces],
    }


def _piece_as_dict(frame: bytes, piece: Piece) -> dict[str, Any]:
    return {
        "start": piece.start,
        "end": piece.end,
        "bytes": _hex(frame[piece.start : piece.end]),
        "part": piece.part,
        "meaning": piece.meaning,
        "slot": piece.slot or None,
        "value": piece.value,
        "wire": piece.wire,
    }
