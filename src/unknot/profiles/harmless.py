"""The proof that a stop stops, and that nothing a profile writes unasked starts a motor; used by `proof`.

What the ball's end makes of the bytes decides, not what the file calls them.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from unknot.datafile import Misfit
from unknot.errors import FrameMismatch, FrameValueError, UnknotError
from unknot.profiles.speech import Line, Press, SetLevel, Start, Stop

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from unknot.profiles.codec import Codec
    from unknot.profiles.model import FirmwareProfile
    from unknot.profiles.reader import Message
    from unknot.profiles.speech import Values, Write

Said = tuple[tuple[str, bytes], ...]
"""Characteristics and bytes."""


def prove(codec: Codec) -> None:
    """Run every check on a codec that knows what the ball must have told.

    Raises:
        Misfit: the first that fails.
    """
    stop = _said(codec.encode(Stop(codec.profile.sequence.first)))
    _levels_are_none_of_it(codec, stop)
    _stop_is_no_level(codec, stop)
    for key, writes in _unasked(codec):
        if not set(writes) <= set(stop):
            _starts_nothing(codec, key, writes)


def _levels_are_none_of_it(codec: Codec, stop: Said) -> None:
    """Every level finds room in its frames, no two of them are the same bytes, and none is the stop."""
    profile = codec.profile
    if profile.commands.set_level is None:
        return
    known = {stop: "the stop"}
    for level in _levels_to_pack(profile):
        try:
            said = _said(codec.pack_level(level))
        except UnknotError as cause:
            raise Misfit("commands.set_level.frame", f"no room for level {level} ({cause})", "room for all") from cause
        if said in known:
            raise Misfit(
                "commands.set_level.frame", f"level {level} in the same bytes as {known[said]}", "its own bytes"
            )
        known[said] = f"level {level}"


def _levels_to_pack(profile: FirmwareProfile) -> Iterable[int]:
    """The levels that need most room: where their integers rise or fall, which they do, the first and the last."""
    levels, conversion = profile.motor.levels, profile.values.get("level")
    if conversion is not None and conversion.table and (conversion.codes or isinstance(conversion.table[0], str)):
        return range(1, levels + 1)
    return sorted({1, levels})


def _stop_is_no_level(codec: Codec, stop: Said) -> None:
    reader = codec.reader(beside_stop=True)
    for to, data in stop:
        with suppress(FrameMismatch):
            meant = reader.feed(to, data)
            if isinstance(meant, SetLevel | Start | Press):
                raise _starts("commands.stop", meant)


def _unasked(codec: Codec) -> Iterator[tuple[str, Said]]:
    """What is written without anybody asking for a level, with its key."""
    profile = codec.profile
    silent: Values = {"sequence": profile.sequence.first, "running": 0, "level": 0, "lease": 0.0}
    for number, step in enumerate(profile.init):
        if step.write is not None:
            yield f"init.{number}.write", _said(codec.line(Line("init", number), silent))
    for number, kept in enumerate(profile.keep_alive):
        told = {} if kept.when is None else dict.fromkeys(profile.reports[kept.when].frame.slots, 0)
        with suppress(FrameValueError):  # what it answers to says more than nought
            yield f"keep_alive.{number}.write", _said(codec.line(Line("keep_alive", number), {**told, **silent}))
    if profile.variant is not None and profile.variant.ask is not None:
        yield "variant.ask", ((profile.variant.ask.to, profile.variant.ask.frame.pack({})),)
    for number, write in enumerate(profile.commands.set_level or ()):
        if "level" not in write.frame.slots:
            yield f"commands.set_level.{number}", _said(codec.fixed_part(number))


def _starts_nothing(codec: Codec, key: str, writes: Said) -> None:
    reader = codec.reader()
    for to, data in writes:
        with suppress(FrameMismatch):
            meant = reader.feed(to, data)
            if isinstance(meant, SetLevel | Press) or (isinstance(meant, Start) and meant.level):
                raise _starts(key, meant)
        if codec.looks_like_a_level(to, data):
            raise Misfit(key, f"{data.hex(' ').upper()}, which has the form of set_level", "bytes that start no motor")


def _starts(key: str, meant: Message) -> Misfit:
    from unknot.profiles.proof import in_words  # only once something is wrong; the proof is what calls us

    return Misfit(key, f"bytes that the ball takes for {in_words(meant)}", "bytes that start no motor")


def _said(writes: tuple[Write, ...]) -> Said:
    return tuple((write.to, write.data) for write in writes)
