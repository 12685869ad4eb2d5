"""What somebody asks a profile to say, in words such as ``set_level=3 lease=2s``; for ``unknot profile encode``."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn, cast

from unknot import datafile
from unknot.errors import FrameValueError, UnknotError, UsageError
from unknot.profiles import fitting, vocabulary
from unknot.profiles.codec import Codec
from unknot.profiles.explain import Piece, explain
from unknot.profiles.phrases import STEPS
from unknot.profiles.speech import Line, Press, SetLevel, Start, Stop

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from unknot.profiles.lines import Template
    from unknot.profiles.model import FirmwareProfile
    from unknot.profiles.speech import Write

_NUMBERED = ("set_level", "init", "keep_alive")
"""What is said with a number."""

_DECIMAL = re.compile(r"-?[0-9]{1,20}")
_HEX = re.compile(r"0[xX][0-9A-Fa-f]{1,16}")
_NUMBER = re.compile(r"-?[0-9]{1,20}\.[0-9]{1,20}")


@dataclass(frozen=True, slots=True)
class Said:
    """One line of what was asked for.

    Attributes:
        writes: the writes that it takes.
        frame: the frame that they carry together.
        pieces: what each byte of the frame is.
    """

    writes: tuple[Write, ...]
    frame: bytes
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What to say.

    Attributes:
        name: "set_level", "stop", "init 1" and so on.
        number: the level, or the number of the step.
        given: further values by slot.
        starting: whether the motor is off before.
    """

    name: str
    number: int
    given: Mapping[str, float | str]
    starting: bool


def usable(profile: FirmwareProfile) -> tuple[str, ...]:
    """Everything that can be asked for, as it is written; for people."""
    lines = []
    for name, said in vocabulary.said(profile).items():
        word = name.replace(" ", "=")
        if name == "set_level":
            word = f"set_level=1..{profile.motor.highest}" + (" [starting]" if profile.commands.start else "")
        untold = _untold(profile, name, said, {})
        slots = _fillable(profile, name, said)
        lines.append(" ".join([word, *(f"{slot}=…" if slot in untold else f"[{slot}=…]" for slot in slots)]))
    return tuple(lines)


def understood(profile: FirmwareProfile, words: Sequence[str]) -> Request:
    """What some words ask for.

    Raises:
        UsageError: nothing that this profile can say.
    """
    book = vocabulary.said(profile)
    pairs = [word.partition("=") for word in words]
    heads = [pair for pair in pairs if pair[0] in _heads(book)]
    if len(heads) != 1:
        _refuse_heads(profile, book, [pair[0] for pair in heads], [pair[0] for pair in pairs])
    ((head, sign, text),) = heads
    number = 0
    if head in _NUMBERED:
        number = _numbered(profile, book, head, text)
    elif sign:
        raise UsageError(f"{head} takes no value, found {text!r}")
    name = f"{head} {number}" if head in ("init", "keep_alive") else head
    lines = book[name]
    starting = any(pair[0] == "starting" for pair in pairs)
    if starting:
        if "start" not in book or head != "set_level":
            raise UsageError(f"starting goes beside set_level, in a profile with the command start; this is {name}")
        lines = book["start"] + lines
    given: dict[str, float | str] = {}
    for slot, sign, text in pairs:
        if slot in (head, "starting"):
            if slot == "starting" and sign:
                raise UsageError(f"starting takes no value, found {text!r}")
            continue
        given[slot] = _value(profile, name, lines, slot, text)
    if len(given) + 1 + starting < len(pairs):
        raise UsageError("a word stands twice")
    return Request(name, number, given, starting)


def say(profile: FirmwareProfile, request: Request) -> tuple[Said, ...]:
    """The writes that say it, with what each byte is.

    Raises:
        UsageError: it cannot be said: a value does not fit, or the profile needs a codec plug-in that is not there.
    """
    codec = Codec(profile)
    book = vocabulary.said(profile)
    lines = (book["start"] if request.starting else ()) + book[request.name]
    try:
        codec.refuse_without_cipher()
        codec.remember({slot: value for slot, value in request.given.items() if slot in profile.settings})
        writes = list(_encoded(codec, request))
        ball = codec.cipher.ball()
        said = []
        for line, taken, frame in vocabulary.joined(lines, [write.data for write in writes], ball.open):
            own, writes = tuple(writes[:taken]), writes[taken:]
            said.append(Said(own, frame, explain(line.frame, line.slots, frame)))
    except FrameValueError as cause:
        untold = _untold(profile, request.name, lines, request.given) if cause.value is None else ()
        why = _lacking(profile, untold) if untold else _unfit(request, cause)
        raise UsageError(f"{request.name}: {why}") from cause
    except (UnknotError, ValueError) as cause:
        raise UsageError(f"{request.name}: {cause}") from cause
    return tuple(said)


def _encoded(codec: Codec, request: Request) -> tuple[Write, ...]:
    profile, given = codec.profile, request.given
    sequence = int(given.get("sequence", profile.sequence.first))
    if request.name == "stop":
        return codec.encode(Stop(sequence))
    if request.name in STEPS:
        return codec.encode(Press(request.name, sequence))
    part, _, number = request.name.partition(" ")
    if number:
        values = {"sequence": sequence, "running": 0, "level": 0, "lease": profile.safety.lease or 0.0, **given}
        return codec.line(Line(cast("Any", part), int(number) - 1), values)
    lease = float(given["lease"]) if "lease" in given else profile.safety.lease
    if request.name == "start":
        return codec.encode(Start(int(given.get("level", 0)), lease, sequence))
    command = SetLevel(request.number, lease, sequence)
    return codec.begin(command) if request.starting else codec.encode(command)


def _heads(book: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.partition(" ")[0] for name in book))


def _refuse_heads(profile: FirmwareProfile, book: Mapping[str, Any], heads: list[str], words: list[str]) -> NoReturn:
    known = _heads(book)
    if heads:
        raise UsageError(f"one command at a time, found {' and '.join(heads)}")
    slots = {slot for lines in book.values() for line in lines for slot in line.frame.slots}
    strange = [word for word in words if word not in slots and word != "starting"]
    near = get_close_matches(strange[0], known, n=1) if strange else []
    hint = f"did you mean {near[0]!r}?" if near else f"it can say: {', '.join(known)}"
    found = f"no command {strange[0]!r}" if strange else "no command in these words"
    raise UsageError(f"{profile.id} has {found}; {hint}")


def _numbered(profile: FirmwareProfile, book: Mapping[str, Any], head: str, text: str) -> int:
    if head == "set_level":
        allowed: Sequence[int] = range(1, profile.motor.highest + 1)
        expected = f"set_level is a level from 1 to {profile.motor.highest}"
    else:
        allowed = sorted(int(name.partition(" ")[2]) for name in book if name.startswith(f"{head} "))
        expected = f"{profile.id} has only {_listed(f'{head}={one}' for one in allowed)} to say"
    if not text:
        raise UsageError(f"{head} needs a value: {head}={allowed[0]}, for example")
    number = _whole(text)
    if number is None or number not in allowed:
        raise UsageError(f"{expected}, found {text!r}")
    return number


def _whole(text: str) -> int | None:
    """The whole number in a word, in decimal or in hex; None if it is none."""
    if _HEX.fullmatch(text):
        return int(text, 16)
    return int(text) if _DECIMAL.fullmatch(text) else None


def _fillable(profile: FirmwareProfile, name: str, lines: tuple[Template, ...]) -> tuple[str, ...]:
    """The slots that can be filled beside a command; the others are filled by what it is."""
    slots = [slot for line in lines for slot in line.frame.slots if slot not in line.turn]
    slots += [need for slot in slots if slot in profile.values for need in profile.values[slot].needs]
    computed = {slot for slot, one in profile.values.items() if one.any or one.all}
    fixed = {"running", *computed}
    fixed |= set() if name.startswith("keep_alive") or name == "start" else {"level"}
    fixed -= {"running"} if name.startswith("keep_alive") else set()
    return tuple(dict.fromkeys(slot for slot in slots if slot not in fixed))


def _untold(
    profile: FirmwareProfile, name: str, lines: tuple[Template, ...], given: Mapping[str, float | str]
) -> tuple[str, ...]:
    """The slots that only the ball can fill, as long as nobody gives a value for them."""
    known = {*fitting.OURS, *given, *(slot for slot, setting in profile.settings.items() if setting.value is not None)}
    return tuple(slot for slot in _fillable(profile, name, lines) if slot not in known)


def _lacking(profile: FirmwareProfile, untold: tuple[str, ...]) -> str:
    """What to add, for want of a ball that tells it."""
    told: dict[str | None, list[str]] = defaultdict(list)
    for slot in untold:
        if slot in profile.settings:
            told[profile.settings[slot].source].append(slot)
    sources = _listed(f"{_listed(slots)} in its report {source}" for source, slots in told.items())
    why = f" (the ball tells {sources})" if sources else ""
    return f"add {' '.join(f'{slot}=…' for slot in untold)}{why}"


def _unfit(request: Request, cause: FrameValueError) -> str:
    """Why a value does not fit; what does not fit is what stands on the wire, which may be another."""
    given = request.given.get(cause.slot)
    if given is None or given == cause.value:
        return str(cause)
    return f"{cause.slot} = {given!r} is {cause.value!r} on the wire and does not fit: allowed is {cause.allowed}"


def _listed(words: Iterable[str]) -> str:
    """Words with commas between them, and "and" before the last."""
    *most, last = [*words] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def _value(profile: FirmwareProfile, name: str, lines: tuple[Template, ...], slot: str, text: str) -> float | str:
    fillable = _fillable(profile, name, lines)
    if slot not in fillable:
        if not fillable:
            raise UsageError(f"{name} has no slot to fill, found {slot!r}")
        near = get_close_matches(slot, fillable, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(fillable)}"
        raise UsageError(f"{name} has no slot {slot!r} to fill; {hint}")
    if not text:
        raise UsageError(f"{slot} needs a value: {slot}={'2s' if slot == 'lease' else '1'}, for example")
    if slot == "lease":
        return _lease(text)
    if (number := _whole(text)) is not None:
        return number
    if slot in fitting.OURS:
        raise UsageError(f"{slot} is a whole number, found {text!r}")
    return float(text) if _NUMBER.fullmatch(text) else text


def _lease(text: str) -> float:
    """The seconds of a lease; a plain number is one of seconds, as in the examples of a file."""
    try:
        return datafile.seconds(text if text[-1].isalpha() else f"{text}s")
    except ValueError as error:
        raise UsageError(f"lease is a number of seconds, or {error}, found {text!r}") from error
