"""The commands ``profile encode`` and ``profile decode``: what a profile's bytes are, one by one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from unknot.cli.exits import USAGE
from unknot.cli.words import PROFILE, as_json, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from unknot.profiles.explain import Difference, Piece
    from unknot.profiles.interpret import Interpreter, Reading
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

    COMMAND is a command of the profile, with further slots of its frames beside it. Those without brackets in the
    list of what can be said are told by the ball, and must be given here. Numbers may be hex, as in 0x1F; a lease
    without a unit is in seconds.

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

    HEX is one notification or one write as a tool copies it: "55 01 AA", 5501AA, 55-01-AA, 55:01:AA, "0x55 0x01", or
    text in quotes as in "'STOP' 0A". Several are read in their order, and put together where the profile says how;
    what stands before a frame's start is dropped. Bytes may mean several things on several characteristics; --on
    names the one. Where they mean nothing, the nearest frame and the wrong byte are told, the others are read all the
    same, and the exit code is 2.

    \b
    Examples:
      unknot profile decode open-ball "01 07 32 54 0B 1F 00"
      unknot profile decode button-ball 5A-02-58 --on level
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
    told = [_Told.of(interpreter, data) for data in packets]
    if as_json:
        click.echo(json.dumps([_told_as_dict(profile, one) for one in told], indent=2))
    else:
        for one in told:
            _show(profile, one, is_alone=len(told) == 1)
    if complaint := _complaint(profile, told):
        click.echo(f"unknot: {complaint}", err=True)
        ctx.exit(USAGE)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a notification or a write means.

    Attributes:
        data: its bytes.
        readings: its meanings; none if it is nothing of the profile's.
        frame: where it is nothing, the frame that was not understood.
        difference: what is wrong with it, if there is a frame to hold it against.
    """

    data: bytes
    readings: tuple[Reading, ...]
    frame: bytes
    difference: Difference | None

    @classmethod
    def of(cls, interpreter: Interpreter, data: bytes) -> _Told:
        """Read bytes, after those that were read before."""
        readings = interpreter.read(data)
        difference = None if readings else interpreter.difference(data)
        return cls(data, readings, interpreter.strange(data), difference)


def shorts(uuids: Iterable[str]) -> str:
    """UUIDs for people: four digits where that is all there is to them."""
    from unknot.profiles.fields import BASE_SUFFIX

    return ", ".join(
        uuid[4:8].upper() if uuid.startswith("0000") and uuid.endswith(BASE_SUFFIX) else uuid for uuid in uuids
    ) or "-"  # fmt: skip


def _bytes(text: str) -> bytes:
    from unknot.errors import UsageError
    from unknot.profiles import hexadecimal
    from unknot.profiles.frames.frame import MAX_BYTES

    try:
        data = hexadecimal.parse(text)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if not data:
        raise UsageError('found no bytes; expected some in hex, such as "55 01 AA"')
    if len(data) > MAX_BYTES:
        raise UsageError(f"found {len(data)} bytes; expected at most {MAX_BYTES}, as a notification or a write has")
    return data


def _complaint(profile: FirmwareProfile, told: Sequence[_Told]) -> str:
    """What is wrong with what was read: in full for a single one, a count for several; empty if nothing is."""
    strange = [one for one in told if not one.readings]
    if not strange:
        is_begun = all(one.kind == "part" for one in told[-1].readings)
        return "these bytes are the beginning of something; more must follow" if is_begun else ""
    if len(told) == 1:
        return "\n".join(_nothing(profile, told[0]))
    split = all(len(one.data) == 1 for one in told)
    hint = '; the bytes of one write or notification go into one pair of quotes, as in "55 01 AA"' if split else ""
    return f"{len(strange)} of {len(told)} are nothing of {profile.id}{hint}"


def _nothing(profile: FirmwareProfile, told: _Told) -> Iterator[str]:
    """What is wrong with bytes that mean nothing, with carets under it."""
    difference = told.difference
    if difference is None:
        yield f"nothing of {profile.id}, which says and tells nothing there that {_hex(told.data)} could be"
        return
    nearest = difference.candidate
    yield f"nothing of {profile.id}; nearest is {nearest.name} on {nearest.role}: {difference.why}"
    yield f"  {_hex(told.frame)}"
    if difference.at is not None:
        yield f"  {'   ' * min(difference.at, len(told.frame))}{' '.join(['^^'] * difference.width)}"
    yield f"  {nearest.frame.template}"
    if difference.right is not None:
        yield f"  right is {_hex(difference.right)}"


def _show(profile: FirmwareProfile, told: _Told, *, is_alone: bool) -> None:
    """Print what bytes mean; that a single one means nothing is a complaint, and not printed here."""
    if not told.readings and not is_alone:
        for line in _nothing(profile, told):
            click.echo(line)
    for one in told.readings:
        what = f"part of {one.name}" if one.kind == "part" and one.name else f"{one.kind} {one.name}".strip()
        said = _values_said(one)
        click.echo(f"{what} on {_on(profile, one.role)}{f': {said}' if said else ''}")
        if one.dropped:
            click.echo(f"  {one.dropped} {'byte belongs' if one.dropped == 1 else 'bytes belong'} to no frame: dropped")
        if one.pieces:
            _show_pieces(one.frame, one.pieces)
        else:
            click.echo(f"  {_hex(told.data)}")


def _values_said(reading: Reading) -> str:
    from unknot.profiles.explain import said_of

    values = ", ".join(said_of(slot, value) for slot, value in reading.values.items())
    return printable(values) or ("goes on in what follows" if reading.kind == "part" else "")


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


def _told_as_dict(profile: FirmwareProfile, told: _Told) -> dict[str, Any]:
    means = [_reading_as_dict(profile, one) for one in told.readings]
    wrong = told.difference
    nearest = None if wrong is None else {
        "name": wrong.candidate.name,
        "on": wrong.candidate.role,
        "frame": _hex(told.frame),
        "at": wrong.at,
        "why": wrong.why,
        "right": None if wrong.right is None else _hex(wrong.right),
    }  # fmt: skip
    return {"bytes": _hex(told.data), "means": means, "nearest": nearest}


def _reading_as_dict(profile: FirmwareProfile, reading: Reading) -> dict[str, Any]:
    return {
        "kind": reading.kind,
        "name": reading.name,
        "on": reading.role,
        "characteristic": list(profile.gatt[reading.role].characteristic),
        "values": dict(reading.values),
        "frame": _hex(reading.frame),
        "dropped": reading.dropped,
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
