"""The proof that a profile keeps its word: its examples, both ways; used whenever a profile is loaded.

Examples come from a capture or a document, never from our encoder, so they keep the two ends of the codec from
agreeing on a mistake.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from unknot.datafile import Misfit
from unknot.errors import UnknotError
from unknot.profiles.codec import SEQUENCE_MODULUS, Codec, Command, Report, SetLevel, Stop, Write

if TYPE_CHECKING:
    from unknot.profiles.model import Example, FirmwareProfile


def prove(profile: FirmwareProfile) -> None:
    """Run every example, then every level, through both ends of the codec; every command and report has an example.

    Raises:
        Misfit: the first example that does not hold, the first command or report without one, or the first level that
            cannot be said.
    """
    codec = Codec(profile)
    proved: set[str] = set()
    for number, example in enumerate(profile.examples):
        key = f"examples.{number}.bytes"
        if example.report is not None:
            proved.add(_prove_report(codec, example, key))
        else:
            proved.add(_prove_command(codec, example, key))
    for name in ("set_level", "stop", *profile.reports):
        if name not in proved:
            raise Misfit("examples", f"none for {name!r}", "at least one per command and per report")
    _prove_every_level(codec)


def _prove_command(codec: Codec, example: Example, key: str) -> str:
    command = _meaning(codec.profile, example)
    try:
        writes = codec.encode(command)
    except UnknotError as cause:
        raise Misfit(key, _hex(example.writes), f"a command that can be encoded ({cause})") from cause
    data = tuple(write.data for write in writes)
    if data != example.writes:
        raise Misfit(key, _hex(example.writes), f"{_hex(data)}, which is what the frames make of {command}")
    try:
        read = _read(codec, writes)
    except UnknotError as cause:
        raise Misfit(key, _hex(example.writes), f"bytes that the ball's end can read ({cause})") from cause
    if read != _carried(codec.profile, command):
        raise Misfit(key, _hex(example.writes), f"bytes that read back as {command}, not as {read}")
    return "stop" if isinstance(command, Stop) else "set_level"


def _prove_every_level(codec: Codec) -> None:
    """See that each level, and the highest sequence number, finds room in its frames and is read as what it is."""
    levels, lease, last = codec.profile.motor.levels, codec.profile.safety.lease, SEQUENCE_MODULUS - 1
    commands: tuple[Command, ...] = (*(SetLevel(level, lease, last) for level in range(1, levels + 1)), Stop(last))
    for command in commands:
        key = "commands.stop.frame" if isinstance(command, Stop) else "commands.set_level.frame"
        wanted = f"frames for the levels 1 to {levels} and, if they carry it, for sequences from 0 to {last}"
        try:
            read = _read(codec, codec.encode(command))
        except UnknotError as cause:
            raise Misfit(key, f"no room for {command} ({cause})", wanted) from cause
        if _without_lease(read) != _without_lease(_carried(codec.profile, command)):
            raise Misfit(key, f"{command}, which the ball's end reads as {read}", wanted)


def _read(codec: Codec, writes: tuple[Write, ...]) -> Command | None:
    reader = codec.reader()
    read: Command | None = None
    for write in writes:
        read = reader.feed(write.to, write.data)
    return read


def _without_lease(command: Command | None) -> Command | None:
    """A lease may be rounded to the steps that the frame has; a level may not."""
    return replace(command, lease=None) if isinstance(command, SetLevel) else command


def _prove_report(codec: Codec, example: Example, key: str) -> str:
    ((name, values),) = (example.report or {}).items()
    if name not in codec.profile.reports:
        raise Misfit(key.replace("bytes", "report"), repr(name), " or ".join(codec.profile.reports) or "no report")
    (data,) = example.writes
    source = codec.profile.reports[name].source
    report = codec.decode(source, data)
    if report != Report(name, values):
        raise Misfit(key, _hex(example.writes), f"bytes that read as {dict(values)}, not as {report}")
    try:
        _, packed = codec.report(name, values)
    except UnknotError as cause:
        raise Misfit(key, _hex(example.writes), f"values that fit the frame ({cause})") from cause
    # Bytes of no interest are sent as zeros or not at all, so the way back is compared by its meaning.
    if codec.decode(source, packed) != report:
        raise Misfit(key, _hex(example.writes), f"values that survive the way back, not {_hex((packed,))}")
    return name


def _meaning(profile: FirmwareProfile, example: Example) -> Command:
    given = example.command or {}
    sequence = int(given.get("sequence", 0))
    if "stop" in given:
        return Stop(sequence)
    lease = cast("float | None", given.get("lease", profile.safety.lease))  # the model lets nothing else through
    return SetLevel(int(given["set_level"]), lease, sequence)


def _carried(profile: FirmwareProfile, command: Command) -> Command:
    """The command as far as its frames can carry it: without a slot, sequence and lease do not arrive."""
    writes = profile.commands.stop if isinstance(command, Stop) else profile.commands.set_level
    slots = {slot for write in writes for slot in write.frame.slots}
    sequence = command.sequence if "sequence" in slots else 0
    if isinstance(command, Stop):
        return Stop(sequence)
    return SetLevel(command.level, command.lease if "lease" in slots else None, sequence)


def _hex(writes: tuple[bytes, ...]) -> str:
    return ", ".join(write.hex(" ").upper() for write in writes)
