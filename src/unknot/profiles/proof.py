"""The proof that a profile keeps its word: its examples, both ways; used whenever a profile is loaded.

Examples come from a capture or a document, never from our encoder, so they keep the two ends of the codec from
agreeing on a mistake.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from unknot.datafile import Misfit, StrayKey
from unknot.errors import UnknotError
from unknot.profiles import harmless, plugins
from unknot.profiles.codec import Codec
from unknot.profiles.phrases import STEPS
from unknot.profiles.speech import Line, Press, Refused, Report, SetLevel, Start, Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from unknot.profiles import phrases
    from unknot.profiles.examples import Example
    from unknot.profiles.model import FirmwareProfile
    from unknot.profiles.reader import Message
    from unknot.profiles.speech import Command, Write


def prove(profile: FirmwareProfile) -> None:
    """Run every example through both ends of the codec, and the outermost levels; everything has an example.

    A profile whose codec plug-in is not installed cannot be proved, nor used.

    Raises:
        Misfit: the first example that does not hold, the first thing without one, or the first level that cannot be
            said.
    """
    if profile.codec is not None and not plugins.is_installed(profile.codec):
        return
    proved: set[str] = set()
    codec = Codec(profile)
    for number, example in enumerate(profile.examples):
        proved |= _prove_example(codec, example, f"examples.{number}.bytes")
    for name in must_be_shown(profile):
        if name not in proved:
            raise Misfit("examples", f"none for {name!r}", "at least one for everything that is said and told")
    _teach(codec, {})
    harmless.prove(codec)
    highest = profile.motor.highest
    prove_levels(codec, sorted({1, (1 + highest) // 2, highest}))


def must_be_shown(profile: FirmwareProfile) -> Iterator[str]:
    """The names of everything that needs an example."""
    yield from (name for name, _ in profile.commands.items())
    yield from (f"init {number}" for number, step in enumerate(profile.init, 1) if step.write is not None)
    yield from (f"keep_alive {number}" for number, _ in enumerate(profile.keep_alive, 1))
    yield from profile.reports
    yield from profile.refusals


def prove_levels(codec: Codec, levels: Iterable[int]) -> None:
    """See that each of these levels, and the highest sequence number, finds room and is read as what it is.

    Raises:
        Misfit: the first that is not.
    """
    profile = codec.profile
    last, lease, highest = profile.sequence.last, profile.safety.lease, profile.motor.highest
    commands: list[Command] = [Stop(last)]
    if profile.commands.set_level is not None:
        commands += [SetLevel(level, lease, last) for level in levels]
    _teach(codec, {})
    for command in commands:
        key = "commands.stop.frame" if isinstance(command, Stop) else "commands.set_level.frame"
        wanted = f"frames for the levels 1 to {highest} and, if they carry it, for sequences up to {last}"
        try:
            read = _read(codec, _said(codec, command, starting=False))
        except UnknotError as cause:
            raise Misfit(key, f"no room for {in_words(command)} ({cause})", wanted) from cause
        if _without_lease(read) != _without_lease(carried(profile, command, starting=False)):
            raise Misfit(key, f"{in_words(command)}, which the ball's end reads as {in_words(read)}", wanted)


def _prove_example(codec: Codec, example: Example, key: str) -> set[str]:
    if example.report is not None or example.refusal is not None:
        return _prove_told(codec, example, key)
    if example.command is not None:
        return _prove_command(codec, example, key)
    return _prove_line(codec, example, key)


def _prove_command(codec: Codec, example: Example, key: str) -> set[str]:
    profile = codec.profile
    given = example.command or {}
    command, starting = _meaning(profile, given), "starting" in given
    further = {slot: value for slot, value in given.items() if slot in profile.settings}
    known = {"set_level", "stop", "start", "starting", "level", "lease", "sequence", *STEPS, *profile.settings}
    if strange := set(given) - known:
        raise StrayKey(key.replace("bytes", f"command.{min(strange)}"), "an unknown slot", " or ".join(sorted(known)))
    _teach(codec, further)
    wanted = carried(profile, command, starting=starting)
    names = ["start"] * (starting and profile.commands.start is not None) + [name_of(command)]
    data = _encoded(codec, lambda: _said(codec, command, starting=starting), example, key, (in_words(wanted), names))
    read = _reread(codec, data, example, key)
    if not _is_same(read, wanted):
        raise Misfit(key, _hex(example.writes), f"bytes that read back as {in_words(wanted)}, not as {in_words(read)}")
    return {name_of(command)} | ({"start"} if starting else set())


def _prove_line(codec: Codec, example: Example, key: str) -> set[str]:
    profile = codec.profile
    part = "init" if example.init is not None else "keep_alive"
    number = cast("int", getattr(example, part))
    said = [step.write for step in profile.init] if part == "init" else [kept.write for kept in profile.keep_alive]
    if number > len(said) or said[number - 1] is None:
        raise Misfit(key.replace("bytes", part), str(number), f"the number of one of [[{part}]] that writes, from 1")
    line = Line(cast("Any", part), number - 1)
    _teach(codec, {})
    values = {"sequence": profile.sequence.first, "running": 0, "level": 0, **example.after}
    meant = (in_words(line), [f"{part} {number}"])
    data = _encoded(codec, lambda: codec.line(line, values), example, key, meant)
    read = _reread(codec, data, example, key)
    if not _is_same_line(profile, read, line):
        raise Misfit(key, _hex(example.writes), f"bytes that read back as {in_words(line)}, not as {in_words(read)}")
    return {f"{part} {number}"}


def _is_same_line(profile: FirmwareProfile, read: Message | None, line: Line) -> bool:
    """A write that stands twice in a file is read as its first place; one that is also a command is read as that."""
    if isinstance(read, Line):
        one, other = _written(profile, read), _written(profile, line)
        return (
            one is not None and other is not None and (one.to, one.frame.template) == (other.to, other.frame.template)
        )
    return read is not None


def _written(profile: FirmwareProfile, line: Line) -> phrases.Write | None:
    return (profile.init if line.part == "init" else profile.keep_alive)[line.number].write


def _prove_told(codec: Codec, example: Example, key: str) -> set[str]:
    profile = codec.profile
    what, known = ("report", profile.reports) if example.report is not None else ("refusal", profile.refusals)
    ((name, values),) = (example.report or example.refusal or {}).items()
    if name not in known:
        raise StrayKey(key.replace("bytes", f"{what}.{name}"), f"an unknown {what}", " or ".join(known) or f"no {what}")
    _teach(codec, {})
    (data,) = example.writes
    source = known[name].source
    told = codec.decode(source, data)
    wanted = Report(name, values) if what == "report" else Refused(name, profile.refusals[name].means, values)
    if not _tells_the_same(told, wanted):
        from unknot.profiles import disproof  # only when something is wrong

        raise disproof.of_told(codec, example, key.removesuffix(".bytes"), wanted, told)
    try:
        _, packed = codec.report(name, values)
    except UnknotError as cause:
        raise Misfit(key, _hex(example.writes), f"values that fit the frame ({cause})") from cause
    # Bytes of no interest are sent as zeros or not at all, so the way back is compared by its meaning.
    if not _tells_the_same(codec.decode(source, packed), wanted):
        raise Misfit(key, _hex(example.writes), f"values that survive the way back, not {_hex((packed,))}")
    return {name}


def _teach(codec: Codec, further: Mapping[str, Any]) -> None:
    """Let a codec begin anew, knowing what the ball must have told by what the examples say it tells."""
    codec.forget()
    codec.rehearse()
    codec.remember(further)


def _said(codec: Codec, command: Command, *, starting: bool) -> tuple[Write, ...]:
    return codec.begin(command) if starting and isinstance(command, SetLevel) else codec.encode(command)


def _encoded(
    codec: Codec, say: Callable[[], tuple[Write, ...]], example: Example, key: str, meant: tuple[str, list[str]]
) -> tuple[Write, ...]:
    """The writes of an example's meaning, which is given in words and by the names of what is said."""
    try:
        writes = say()
    except UnknotError as cause:
        raise Misfit(_key_of_meaning(example, key), meant[0], f"something that can be encoded ({cause})") from cause
    made = tuple(write.data for write in writes)
    if made != example.writes:
        from unknot.profiles import disproof  # only when something is wrong

        raise disproof.of_writes(codec, example, key, made, meant)
    return writes


def _key_of_meaning(example: Example, key: str) -> str:
    """The key of what an example says its bytes mean."""
    meaning = next(name for name in ("command", "init", "keep_alive") if getattr(example, name) is not None)
    return key.replace("bytes", meaning)


def _reread(codec: Codec, writes: tuple[Write, ...], example: Example, key: str) -> Message | None:
    try:
        return _read(codec, writes)
    except UnknotError as cause:
        raise Misfit(key, _hex(example.writes), f"bytes that the ball's end can read ({cause})") from cause


def _read(codec: Codec, writes: tuple[Write, ...]) -> Message | None:
    """What the ball's end makes of the writes: the meaning of the last one."""
    reader = codec.reader()
    read: Message | None = None
    for write in writes:
        read = reader.feed(write.to, write.data)
    return read


def _is_same(read: Message | None, wanted: Command) -> bool:
    """Whether the same is meant; a lease may differ by what float arithmetic does to it."""
    if _without_lease(read) != _without_lease(wanted):
        return False
    one, other = getattr(read, "lease", None), getattr(wanted, "lease", None)
    return one == other or (one is not None and other is not None and math.isclose(one, other))


def _tells_the_same(told: Report | Refused | None, wanted: Report | Refused) -> bool:
    if type(told) is not type(wanted) or told is None or told.name != wanted.name:
        return False
    return told.values.keys() == wanted.values.keys() and all(
        value == wanted.values[slot] or _is_close(value, wanted.values[slot]) for slot, value in told.values.items()
    )


def _is_close(one: float | str, other: float | str) -> bool:
    return not isinstance(one, str) and not isinstance(other, str) and math.isclose(one, other)


def _without_lease(message: Message | None) -> Message | None:
    """A lease may be rounded to the steps that the frame has; a level may not."""
    return replace(message, lease=None) if isinstance(message, SetLevel | Start) else message


def _meaning(profile: FirmwareProfile, given: Mapping[str, Any]) -> Command:
    sequence = int(given.get("sequence", 0))
    if "stop" in given:
        return Stop(sequence)
    for key in STEPS:
        if key in given:
            return Press(cast("Any", key), sequence)
    lease = given.get("lease", profile.safety.lease)
    if "start" in given:
        return Start(int(given.get("level", 0)), lease, sequence)
    return SetLevel(int(given["set_level"]), lease, sequence)


def carried(profile: FirmwareProfile, command: Command, *, starting: bool) -> Command:
    """The command as far as its frames can carry it: without a slot, sequence, lease and level do not arrive."""
    said = [*(getattr(profile.commands, name_of(command)) or ())]
    if starting and not said:
        said = [*(profile.commands.start or ())]
    slots = {slot for write in said for slot in write.frame.slots}
    sequence = command.sequence if "sequence" in slots else 0
    if isinstance(command, Stop | Press):
        return replace(command, sequence=sequence)
    level = command.level if "level" in slots else 0
    return replace(command, level=level, lease=command.lease if "lease" in slots else None, sequence=sequence)


_NAMES: dict[type, str] = {SetLevel: "set_level", Stop: "stop", Start: "start"}


def name_of(command: Command) -> str:
    """The command's key in ``[commands]``."""
    return command.key if isinstance(command, Press) else _NAMES[type(command)]


def in_words(message: Message | None) -> str:
    """What is meant, as an example in a file says it: ``set_level = 3, lease = 10``."""
    if message is None:
        return "the beginning of something longer"
    if isinstance(message, Line):
        return f"{message.part} = {message.number + 1}"
    name = name_of(message)
    parts = [f"{name} = {message.level}" if isinstance(message, SetLevel) else f"{name} = true"]
    if isinstance(message, Start) and message.level:
        parts.append(f"level = {message.level}")
    if isinstance(message, SetLevel | Start) and message.lease is not None:
        parts.append(f"lease = {message.lease:g}")
    return ", ".join([*parts, f"sequence = {message.sequence}"] if message.sequence else parts)


def _hex(writes: tuple[bytes, ...]) -> str:
    return ", ".join(write.hex(" ").upper() for write in writes)
