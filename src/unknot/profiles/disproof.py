"""Why an example does not hold: which byte or which value, in the words of the file; used by `unknot.profiles.proof`.

It is imported only when an example is wrong.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unknot.datafile import Misfit, StrayKey
from unknot.diagnostics.written import shown
from unknot.errors import FrameMismatch
from unknot.profiles import explain, vocabulary
from unknot.profiles.explain import FIXED, Candidate, Piece
from unknot.profiles.miswritten import place_of_byte
from unknot.profiles.speech import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unknot.diagnostics.misfits import Where
    from unknot.profiles.codec import Codec
    from unknot.profiles.examples import Example
    from unknot.profiles.speech import Report


@dataclass(frozen=True, slots=True)
class _Spot:
    """The first byte in which one write differs.

    Attributes:
        at: its index.
        part: what stands there in what the frames make; None where nobody knows.
    """

    at: int
    part: Piece | None


def of_writes(
    codec: Codec, example: Example, key: str, made: tuple[bytes, ...], meant: tuple[str, Sequence[str]]
) -> Misfit:
    """The error for an example whose bytes are not what the frames make of its meaning.

    Args:
        codec: the profile's.
        example: the example.
        key: of its bytes.
        made: what the frames make.
        meant: what is said, in words, and as `vocabulary.said` calls it, in order.
    """
    words, names = meant
    made_of = f"as the frames make of {words}"
    if len(made) != len(example.writes):
        return Misfit(key, _writes(example.writes), f"{_writes(made)}, {made_of}")
    number = next(at for at, (one, other) in enumerate(zip(made, example.writes, strict=True)) if one != other)
    right, wrong = made[number], example.writes[number]
    spot = _first_difference(right, wrong, _parts(codec, made, names)[number])
    if len(made) > 1:
        key = f"{key}.{number}"
    lengths = "" if len(right) == len(wrong) else f" of {len(wrong)}"
    if spot.at >= len(wrong):
        lacking = right[spot.at]
        return Misfit(
            key,
            f"{_count(len(wrong))}",
            f"{_count(len(right))}, with {lacking:02X} as byte {spot.at}{_is(spot.part)}, {made_of}",
            where=_byte(len(wrong) - 1),
        )
    found = f"{wrong[spot.at]:02X} as byte {spot.at}{lengths}"
    if spot.at >= len(right):
        return Misfit(key, found, f"{_count(len(right))}, {made_of}", where=_byte(spot.at, len(wrong) - spot.at))
    lengths = "" if not lengths else f", in {_count(len(right))}"
    expected = f"{right[spot.at]:02X}{_is(spot.part)}{lengths}, {made_of}"
    return Misfit(key, found, expected, where=_byte(spot.at))


def _writes(writes: tuple[bytes, ...]) -> str:
    shown = ", ".join(_hex(write) for write in writes)
    return f"{len(writes)} write{'s' if len(writes) != 1 else ''} ({shown})"


def _count(size: int) -> str:
    return f"{size} byte{'s' if size != 1 else ''}"


def _byte(index: int, count: int = 1) -> Where:
    return lambda text: place_of_byte(text, max(0, index), count)


def _is(part: Piece | None) -> str:
    if part is None:
        return ""
    return f", {FIXED} in the frame" if part.meaning == FIXED else f", {part.meaning} ({part.part})"


def _parts(codec: Codec, made: tuple[bytes, ...], names: Sequence[str]) -> list[list[Piece | None]]:
    """For each byte of each write the part of a frame that it is, or None."""
    unknown: list[list[Piece | None]] = [[None] * len(write) for write in made]
    if codec.profile.codec is not None:
        return unknown  # what is on the air is not the frame
    said = vocabulary.said(codec.profile)
    lines = [line for name in names for line in said[name]]
    result: list[list[Piece | None]] = []
    try:
        for line, count, frame in vocabulary.joined(lines, made, lambda _, data: data):
            by_byte: list[Piece | None] = [None] * len(frame)
            for piece in explain.explain(line.frame, line.slots, frame):
                by_byte[piece.start : piece.end] = [piece] * (piece.end - piece.start)
            for write in made[len(result) : len(result) + count]:
                result.append(by_byte[: len(write)])
                by_byte = by_byte[len(write) :]
    except (FrameMismatch, ValueError):
        return unknown
    return result if [*map(len, result)] == [*map(len, made)] else unknown


def _first_difference(right: bytes, wrong: bytes, parts: list[Piece | None]) -> _Spot:
    """The first byte that differs; a length or a check only where nothing else does, since those follow the rest."""
    places = [at for at, (one, other) in enumerate(zip(right, wrong, strict=False)) if one != other]
    plain = [at for at in places if (part := parts[at]) is None or explain.sealed(part.part) is None]
    if places and (plain or len(right) == len(wrong)):
        at = (plain or places)[0]
        return _Spot(at, parts[at])
    end = min(len(right), len(wrong))
    return _Spot(end, parts[end] if end < len(parts) else None)


def of_told(
    codec: Codec, example: Example, key: str, wanted: Report | Refused, told: Report | Refused | None
) -> Misfit:
    """The error for an example of a report or a refusal whose bytes are not it, or tell something else.

    Args:
        codec: the profile's.
        example: the example.
        key: its key.
        wanted: what it should tell.
        told: what its bytes tell; None if nothing.
    """
    what = "refusal" if isinstance(wanted, Refused) else "report"
    arrival = next(one for one in vocabulary.heard(codec.profile) if (one.kind, one.name) == (what, wanted.name))
    candidate = Candidate(f"{what} {wanted.name}", arrival.source, arrival.frame, arrival.slots, arrival.lengths)
    try:
        data = codec.cipher.client().open(arrival.source, example.writes[0])
    except FrameMismatch as cause:
        return Misfit(f"{key}.bytes", _hex(example.writes[0]), f"bytes that the codec plug-in can open ({cause})")
    wrong = explain.difference(candidate, data)
    if wrong is not None:
        expected = f"the bytes of {candidate.name}, {arrival.frame.template}"
        is_plain = codec.profile.codec is None and wrong.at is not None
        return Misfit(
            f"{key}.bytes", wrong.why, expected, where=_byte(_last(wrong.at, data), wrong.width) if is_plain else None
        )
    if told is None or told.name != wanted.name:
        kind = "refusal" if isinstance(told, Refused) else "report"
        found = "bytes that are read as nothing" if told is None else f"bytes that are read as {kind} {told.name}"
        expected = f"{candidate.name}: refusals are tried first and then the reports in their order, so the more "
        return Misfit(f"{key}.bytes", found, f"{expected}particular one must stand before the other")
    pieces = explain.explain(arrival.frame, arrival.slots, data)
    return _of_value(f"{key}.{what}.{wanted.name}", wanted, told, pieces)


def _last(at: int | None, data: bytes) -> int:
    """The byte to point at: where bytes end too soon, the last of them."""
    return min(at or 0, len(data) - 1)


def _of_value(key: str, wanted: Report | Refused, told: Report | Refused, pieces: tuple[Piece, ...]) -> Misfit:
    """The error for the first slot that the bytes tell otherwise than the example says."""
    for slot, value in told.values.items():
        said = wanted.values.get(slot)
        where = next((f", in {_place(piece)} ({piece.part})" for piece in pieces if piece.slot == slot), "")
        if said is None:
            expected = f"{slot} = {shown(value)} too{where}: an example says everything that its bytes tell"
            return Misfit(key, f"no {slot}", expected)
        if not _is_same(said, value):
            return Misfit(f"{key}.{slot}", shown(said), f"{shown(value)}, as the bytes say{where}")
    stray = min(set(wanted.values) - set(told.values))
    if any(piece.slot == stray for piece in pieces):
        return StrayKey(f"{key}.{stray}", stray, f"no {stray}: the bytes say that it is not known", right=("",))
    return StrayKey(f"{key}.{stray}", "a slot that its frame has not", " or ".join(told.values) or "none")


def _place(piece: Piece) -> str:
    return f"byte {piece.start}" if piece.end - piece.start == 1 else f"bytes {piece.start} to {piece.end - 1}"


def _is_same(one: float | str, other: float | str) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return math.isclose(one, other)


def _hex(data: bytes) -> str:
    return data.hex(" ").upper()
