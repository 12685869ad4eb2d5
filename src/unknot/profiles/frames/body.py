"""The parts of one frame, compiled: the whole of a template, or what stands inside an encoding.

Used by `unknot.profiles.frames.frame` and `encodings`; `layout` puts it together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unknot.errors import FrameMismatch
from unknot.profiles.frames.bits import BitGroup
from unknot.profiles.frames.parts import MAX_BYTES, Fixed, Part, Span, Value, misfit
from unknot.profiles.frames.seals import Length, Seal

if TYPE_CHECKING:
    from collections.abc import Mapping


def _merged(parts: list[Part]) -> list[Part]:
    merged: list[Part] = []
    for part in parts:
        if merged and isinstance(part, Fixed) and isinstance(before := merged[-1], Fixed):
            merged[-1] = Fixed(before.content + part.content)
        else:
            merged.append(part)
    return merged


def _landmarks(parts: list[Part]) -> tuple[list[tuple[int, int, bytes]], list[tuple[int, int, int]]]:
    found: list[tuple[int, int, bytes]] = []
    bits: list[tuple[int, int, int]] = []
    at = 0
    for part in parts:
        if isinstance(part, Fixed):
            found.append((at, at + len(part.content), part.content))
        elif isinstance(part, BitGroup) and part.landmark is not None:
            bits.append((at, *part.landmark))
        if part.least < part.most:
            break
        at += part.least
    return found, bits


class Body:
    """Parts in their order.

    Args:
        written: each part and how it is written in the template.
        least: the fewest bytes of all parts together.
        most: the most.

    Attributes:
        landmarks: the fixed bytes that always stand at the same place, as (start, end, bytes).
        bits: the bits of single bytes that do, as (index, mask, value).
    """

    __slots__ = ("_packers", "_readers", "_sealing", "_seals", "_written", "bits", "landmarks", "least", "most")

    def __init__(self, written: tuple[tuple[str, Part], ...], least: int, most: int) -> None:
        self._written = written
        self.least = least
        self.most = most
        parts = _merged([part for _, part in written])
        self.landmarks, self.bits = _landmarks(parts)
        self._packers = tuple((part.pack, isinstance(part, Seal)) for part in parts)
        self._readers = tuple((part.unpack, isinstance(part, Seal)) for part in parts)
        self._seals = tuple(part for part in parts if isinstance(part, Seal))
        # Lengths first: a check may cover a length, and no length depends on what other bytes say.
        numbered = sorted(enumerate(self._seals), key=lambda pair: not isinstance(pair[1], Length))
        self._sealing = tuple((number, seal.seal) for number, seal in numbered)

    def pack(self, values: Mapping[str, Value]) -> bytes:
        """The bytes of all parts. Raises `FrameValueError`."""
        data = bytearray()
        places = []
        for pack, is_seal in self._packers:
            if is_seal:
                places.append(len(data))
            pack(values, data)
        for number, seal in self._sealing:
            seal(data, places[number])
        if len(data) > MAX_BYTES:
            raise misfit("the frame's length", len(data), f"at most {MAX_BYTES} bytes")
        return bytes(data)

    def unpack(self, data: bytes) -> dict[str, Value]:
        """The values in these bytes. Raises `FrameMismatch`."""
        if len(data) > MAX_BYTES:
            raise FrameMismatch(f"{len(data)} bytes, at most {MAX_BYTES} expected", MAX_BYTES)
        values: dict[str, Value] = {}
        places = []
        at = 0
        for unpack, is_seal in self._readers:
            if is_seal:
                places.append(at)
            at = unpack(data, at, values)
        if at != len(data):
            raise FrameMismatch(f"{len(data)} bytes, {at} expected", at)
        for seal, place in zip(self._seals, places, strict=True):
            seal.verify(data, place)
        return values

    def explain(self, data: bytes) -> list[Span]:
        """What stands where. Raises `FrameMismatch`."""
        self.unpack(data)
        spans: list[Span] = []
        at = 0
        for what, part in self._written:
            spans += part.explain(what, data, at)
            at = spans[-1].end
        return spans
