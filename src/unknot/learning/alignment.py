"""Sorts the frames of a characteristic into groups of one form, and finds what is constant, counts or checks.

Used by `unknot.learning.lesson`. Text and JSON are the business of `unknot.learning.wording`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import pairwise

from unknot.learning import checks
from unknot.learning.checks import Found
from unknot.learning.counting import Counter, counter
from unknot.learning.forms import Group, Part, Role
from unknot.learning.gatt import Said

KINDS_AT_MOST = 16
"""Kinds of message that one byte tells apart (judgement)."""

SLOTS_MOST = 16
"""Values of one frame; with more it is a download, a picture or a cipher, and no command (judgement)."""

GRID = 0.6
"""The share of all pairs of two bytes that occurs if each is a number of its own (judgement)."""

EVEN = 1.5
"""How much the steps of a scale may differ; those of two numbers side by side differ far more (judgement)."""

KINDS_APART = 8
"""How far kinds of reports are from each other, and from 0; what is nearer may be a battery or a flag (judgement)."""

COMMON_LEAST = 3
"""Different frames of a kind that show what varies in it; at least half of all frames must be of such kinds."""

KIND_WITHIN = 6
"""A byte that tells kinds of message apart is among the first so many that vary (judgement)."""


def groups(
    handle: int,
    frames: Sequence[Said],
    said: Sequence[bytes],
    *,
    heard: bool,
    follows: Callable[[int, int], bool] = lambda _length, _at: False,
) -> list[Group]:
    """The groups of the frames of one characteristic and one direction.

    Args:
        handle: the characteristic's.
        frames: the different frames.
        said: the frames in the order in which they were said.
        heard: whether the ball said them.
        follows: whether a byte, in frames of a length, at an index, follows what was written, and is no kind.
    """
    family = _Family(handle, frames, said, heard=heard)
    family.follows = follows
    return [group for length in sorted(family.by_length) for group in family.of_length(length)]


class _Family:
    """The frames of one characteristic and one direction, and what they share."""

    def __init__(self, handle: int, frames: Sequence[Said], said: Sequence[bytes], *, heard: bool) -> None:
        self.handle = handle
        self.heard = heard
        self.follows: Callable[[int, int], bool] = lambda _length, _at: False
        self.frames = list(frames)
        self.by_length: dict[int, list[Said]] = defaultdict(list)
        for one in frames:
            self.by_length[len(one.data)].append(one)
        self.checks = self._checks()
        self.counter: Counter | None = counter(said)
        self.length = self._length()

    def _checks(self) -> list[Found]:
        """The checks that were found in frames of some length, those that fit most frames first."""
        found: dict[Found, int] = {}
        for length, own in self.by_length.items():
            if length < 2:
                continue
            others = [one.data for one in self.frames if len(one.data) != length]
            check = checks.find([one.data for one in own], others)
            if check is not None:
                found[check] = sum(check.holds(one.data) for one in self.frames)
        return sorted(found, key=lambda check: -found[check])

    def _length(self) -> tuple[int, int, str] | None:
        """Where the frames say how long they are: index, what is added to the number there, and its type."""
        lengths = sorted(self.by_length)
        if len(lengths) < 2 or not lengths[0]:
            return None
        for kind, size, order in (("u8", 1, "big"), ("u16be", 2, "big"), ("u16le", 2, "little")):
            for at in range(min(lengths[0] - size + 1, KIND_WITHIN)):
                numbers = [int.from_bytes(one.data[at : at + size], order) for one in self.frames]  # type: ignore[arg-type]
                off = {len(one.data) - number for one, number in zip(self.frames, numbers, strict=True)}
                if min(numbers) > 0 and len(off) == 1 and -KIND_WITHIN <= (plus := off.pop()) <= lengths[0]:
                    return at, plus, kind
        return None

    def of_length(self, length: int) -> Iterator[Group]:
        """The groups of one length."""
        own = self.by_length[length]
        for frames in self._split(own):
            data = [one.data for one in frames]
            _, counts = self._known(data)
            bounds = (counts.first, counts.last) if counts is not None else None
            yield Group(self.handle, self.heard, frames, self._parts(data), counts=bounds)

    def _known(self, frames: Sequence[bytes]) -> tuple[Found | None, Counter | None]:
        """The check and the counter of some frames of one length."""
        check = next((one for one in self.checks if all(one.holds(data) for data in frames)), None)
        if check is None:
            check = checks.find(frames, ())
        counts = self.counter
        if counts is not None and (not counts.is_in(frames) or (self.heard and len(frames) == 1)):
            counts = None
        return check, counts

    def _free(self, frames: Sequence[bytes]) -> list[int]:
        """The bytes that vary and are not explained."""
        check, counts = self._known(frames)
        length = len(frames[0])
        taken: set[int] = set()
        if check is not None:
            taken.update(range(check.place(length), check.place(length) + check.size))
        if counts is not None:
            taken.update(range(counts.at, counts.at + counts.size))
        return [at for at in range(length) if at not in taken and len({data[at] for data in frames}) > 1]

    def _split(self, frames: list[Said]) -> list[list[Said]]:
        """Frames of one length by their kind.

        What the app writes with zeros only where others vary is off, and a kind of its own. Else the first
        byte decides that, where it is the same, leaves fewer others to vary.
        """
        free = self._free([one.data for one in frames])
        if len(free) < 2:
            return [frames]
        off = [one for one in frames if not any(one.data[at] for at in free)]
        on = [one for one in frames if any(one.data[at] for at in free)]
        if not self.heard and off and len(self._free([one.data for one in on])) < len(free):
            return [off, *self._split(on)]
        for at in free[:KIND_WITHIN]:
            kinds: dict[int, list[Said]] = defaultdict(list)
            for one in frames:
                kinds[one.data[at]].append(one)
            if self.heard and at == free[0] and self._tells_kinds(len(frames[0].data), at, sorted(kinds), frames):
                return [part for kind in kinds.values() for part in self._split(kind)]
            common = sum(len(kind) for kind in kinds.values() if len(kind) >= COMMON_LEAST)
            if len(kinds) > KINDS_AT_MOST or 2 * common < len(frames):
                continue
            if all(len(self._free([one.data for one in kind])) < len(free) - 1 for kind in kinds.values()):
                return [part for kind in kinds.values() for part in self._split(kind)]
        return [frames]

    def _tells_kinds(self, length: int, at: int, kinds: Sequence[int], frames: Sequence[Said]) -> bool:
        """Whether the first byte that varies in reports is their kind: few values that are no steps of anything."""
        apart = all(high - low >= KINDS_APART for low, high in pairwise((0, *kinds)))
        return apart and 2 * len(kinds) <= len(frames) and len(kinds) <= KINDS_AT_MOST and not self.follows(length, at)

    def _parts(self, frames: Sequence[bytes]) -> list[Part]:
        """The form of frames of one kind."""
        first, length = frames[0], len(frames[0])
        check, counts = self._known(frames)
        placed: dict[int, tuple[int, Part]] = {}
        if self.length is not None:
            at, plus, kind = self.length
            size = 1 if kind == "u8" else 2
            seal = f"{{length:{kind}:{plus}..}}" if plus >= 0 else f"{{length+{-plus}:{kind}:0..}}"
            placed[at] = size, Part(Role.LENGTH, at, first[at : at + size], seal=seal)
        if counts is not None:
            placed[counts.at] = (
                counts.size,
                Part(Role.COUNTER, counts.at, first[counts.at : counts.at + counts.size], counts.kind, name="sequence"),
            )
        varies = len({*frames}) > 1
        if check is not None and (varies or counts is not None):
            at = check.place(length)
            if not any(start < at + check.size and at < start + size for start, (size, _) in placed.items()):
                proof = len({one.data for one in self.frames if check.holds(one.data)})
                part = Part(Role.CHECK, at, first[at : at + check.size], seal=check.written(length), evidence=proof)
                placed[at] = check.size, part
        alone = {at for at in range(length) if self.heard and self.follows(length, at)}
        return row(frames, placed, alone)


def row(
    frames: Sequence[bytes], placed: dict[int, tuple[int, Part]], alone: Collection[int] = frozenset()
) -> list[Part]:
    """All parts in order: those that are placed, and between them constants and slots.

    Args:
        frames: the frames.
        placed: the size of a part and the part, by its index.
        alone: the bytes that are no half of a longer number.
    """
    first, length = frames[0], len(frames[0])
    parts: list[Part] = []
    same: dict[tuple[int, ...], str] = {}
    at = 0
    while at < length:
        if at in placed:
            size, part = placed[at]
            parts.append(part)
            at += size
            continue
        column = tuple(data[at] for data in frames)
        if len(set(column)) == 1:
            if parts and parts[-1].role is Role.CONSTANT:
                parts[-1].content += first[at : at + 1]
            else:
                parts.append(Part(Role.CONSTANT, at, first[at : at + 1]))
            at += 1
            continue
        following = at + 1
        kind = "u8"
        is_free = following not in placed and not {at, following}.intersection(alone)
        if following < length and is_free and column not in same:
            kind = _joint([(data[at], data[following]) for data in frames]) or kind
        size = 1 if kind == "u8" else 2
        # Bytes that are always equal are one value that stands twice.
        name = same.setdefault(column, f"byte{at}") if kind == "u8" else f"word{at}"
        parts.append(Part(Role.UNKNOWN, at, first[at : at + size], kind, name=name))
        at += size
    return _shortened(parts, first)


def _shortened(parts: list[Part], first: bytes) -> list[Part]:
    """The same, or one slot of raw bytes from the first slot on, where there are too many of them."""
    slots = [part for part in parts if part.is_slot]
    if len(slots) <= SLOTS_MOST:
        return parts
    at = slots[0].at
    raw = Part(Role.UNKNOWN, at, first[at:], f"bytes{len(first) - at}", name="rest")
    return [*(part for part in parts if part.at < at), raw]


def _joint(pairs: Sequence[tuple[int, int]]) -> str | None:
    """The type of two bytes that are one number together, or None if each is a number of its own.

    One number is it if both vary, one with the other, and not always in the same way.
    """
    different = sorted(set(pairs))
    highs, lows = {one for one, _ in pairs}, {other for _, other in pairs}
    if len(different) < 3 or len(lows) == 1 or highs == lows:
        return None
    big, little = (
        [one << 8 | other for one, other in row] for row in (different, [(low, high) for high, low in different])
    )
    is_grid = len(different) >= GRID * len(highs) * len(lows)
    if is_grid and min(_evenness(big), _evenness(little)) > EVEN:
        return None
    # Of two orders that are as even, the smaller numbers are meant.
    return "u16be" if (_evenness(big), max(big)) <= (_evenness(little), max(little)) else "u16le"


def _evenness(values: list[int]) -> float:
    """How unevenly numbers are spaced: 1 for a scale, and more the less they are one."""
    ordered = sorted({*values} - {0})  # off is no step of a scale
    steps = [high - low for low, high in pairwise(ordered)]
    return max(steps) / max(1, min(steps)) if steps else 1.0
