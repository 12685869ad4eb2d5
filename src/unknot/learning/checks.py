"""Finds the check that frames carry: every check that the frame language knows, over every range, in every order.

Used by `unknot.learning.alignment`. A check counts only if it holds for every frame, and if these are enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from unknot.profiles.frames.checks import ALGORITHMS, Algorithm

PROVING = {1: 3, 2: 2, 4: 2}
"""Different frames that prove a check, by its bytes: one of one byte fits a frame by chance in one case of 256, and
some thousand combinations are tried."""

PROVING_SHIFTED = 4
"""Different frames that prove a check with a constant added to it: the first one only tells the constant."""

LONG = 32
"""In frames of more bytes, ranges begin and checks stand near an end (judgement: no protocol puts them elsewhere)."""

NEAR = 8
"""How near (bytes)."""

FRAMES_TRIED = 64
"""Frames that are tried in each search; what was found is then held to all of them."""


@dataclass(frozen=True, slots=True)
class Found:
    """A check in frames, in a way that fits frames of other lengths, too.

    Attributes:
        name: the algorithm.
        size: its bytes.
        order: "le", "be", or nothing for one byte.
        at: where it stands: from the front, or if negative from the end.
        first: the first byte of its range.
        gap: how many bytes stand between the end of the range and the check, or behind the range and the end if the
            check comes first.
        behind: whether the range comes after the check.
        plus: what is added.
        xor: what it is combined with.
    """

    name: str
    size: int
    order: str
    at: int
    first: int
    gap: int
    behind: bool = False
    plus: int = 0
    xor: int = 0

    def place(self, length: int) -> int:
        """Where it stands in a frame of so many bytes."""
        return self.at if self.at >= 0 else length + self.at

    def holds(self, data: bytes) -> bool:
        """Whether a frame has it."""
        place = self.place(len(data))
        end = len(data) - self.gap if self.behind else place - self.gap
        if not 0 <= place <= len(data) - self.size or end <= self.first:
            return False
        if self.behind and self.first < place + self.size:
            return False
        value = ALGORITHMS[self.name].compute(data[self.first : end])
        if self.size == 1:
            value = (value + self.plus & 0xFF) ^ self.xor
        return data[place : place + self.size] == value.to_bytes(self.size, "little" if self.order == "le" else "big")

    def written(self, length: int) -> str:
        """In the frame language, for frames of so many bytes."""
        extra = f"+{self.plus:02X}" if self.plus else f"^{self.xor:02X}" if self.xor else ""
        order = f":{self.order}" if self.order else ""
        if not self.gap:
            return f"{{{self.name}{extra}:{self.first}..{order}}}"
        end = length - self.gap if self.behind else self.place(length) - self.gap
        return f"{{{self.name}{extra}:{self.first}..{end - 1}{order}}}"


def find(frames: Sequence[bytes], relatives: Sequence[bytes]) -> Found | None:
    """The check in frames of one length, or None.

    Args:
        frames: different frames, all of the same length.
        relatives: frames of other lengths on the same characteristic: of several checks that fit, that one is taken
            that fits most of them, too.
    """
    length = len(frames[0])
    varying = [at for at in range(length) if len({data[at] for data in frames}) > 1]
    if len(frames) < min(PROVING.values()) or not varying:
        return None
    tried = _telling(frames, varying)
    fitting = [
        one
        for one in _candidates(tried, varying)
        if _is_proved(one, frames) and all(one.holds(data) for data in frames)
    ]
    ways = [way for one in fitting for way in (one, replace(one, at=one.at - length))]
    return max(ways, key=lambda one: _likeness(one, length, relatives), default=None)


def _telling(frames: Sequence[bytes], varying: Sequence[int]) -> list[bytes]:
    """Some of the frames, those first that differ most."""
    first = frames[0]
    ordered = sorted(frames[1:], key=lambda data: -sum(data[at] != first[at] for at in varying))
    return [first, *ordered[: FRAMES_TRIED - 1]]


def _is_proved(one: Found, frames: Sequence[bytes]) -> bool:
    place = one.place(len(frames[0]))
    values = {data[place : place + one.size] for data in frames}
    wanted = PROVING_SHIFTED if one.plus or one.xor else PROVING[one.size]
    return len(values) >= wanted


def _likeness(one: Found, length: int, relatives: Sequence[bytes]) -> tuple[int, ...]:
    """How much a check looks like one that somebody wrote: of those that fit, the greatest is taken."""
    names = list(ALGORITHMS)
    return (
        -bool(one.plus or one.xor),
        sum(one.holds(data) for data in relatives),
        one.size,
        -bool(one.behind),
        -one.gap,
        length - one.first,
        -names.index(one.name),
    )


def _candidates(frames: Sequence[bytes], varying: Sequence[int]) -> Iterator[Found]:
    """Every check that holds for the first two frames at a place where they vary."""
    length = len(frames[0])
    changing = frozenset(varying)
    columns = {at: bytes(data[at] for data in frames) for at in varying}
    twice = {at for at in varying if list(columns.values()).count(columns[at]) > 1}  # one value that stands twice
    for name, algorithm in ALGORITHMS.items():
        places = [
            at
            for at in _places(length, algorithm.size)
            if not (changing - twice).isdisjoint(range(at, at + algorithm.size))
        ]
        if not places:
            continue
        is_copy = algorithm.compute(b"\x01") in (0x01, 0x0101)  # of one byte it is the byte itself, once or twice
        for first, end in _ranges(length):
            if changing.isdisjoint(range(first, end)):
                continue
            if end - first == 1 and is_copy:
                continue
            values = [algorithm.compute(data[first:end]) for data in frames[:2]]
            for at in places:
                if at >= end or at + algorithm.size <= first:
                    yield from _at(name, algorithm, frames, (first, end, at), values)


def _at(
    name: str, algorithm: Algorithm, frames: Sequence[bytes], where: tuple[int, int, int], values: list[int]
) -> Iterator[Found]:
    """What fits the first two frames at one place."""
    first, end, at = where
    length, size = len(frames[0]), algorithm.size
    behind = at < end
    gap = length - end if behind else at - end
    told = [data[at : at + size] for data in frames[:2]]
    if size > 1:
        for order, way in (("be", "big"), ("le", "little")):
            if all(one == value.to_bytes(size, way) for one, value in zip(told, values, strict=True)):  # type: ignore[arg-type]
                yield Found(name, size, order, at, first, gap, behind)
        return
    plain = [one[0] for one in told]
    if plain == values:
        yield Found(name, size, "", at, first, gap, behind)
        return
    plus = {one - value & 0xFF for one, value in zip(plain, values, strict=True)}
    xor = {one ^ value for one, value in zip(plain, values, strict=True)}
    if end - first > 1:
        if len(plus) == 1:
            yield Found(name, size, "", at, first, gap, behind, plus=plus.pop())
        if len(xor) == 1:
            yield Found(name, size, "", at, first, gap, behind, xor=xor.pop())


def _places(length: int, size: int) -> list[int]:
    every = range(length - size + 1)
    return [at for at in every if length <= LONG or at < NEAR or at >= length - size - NEAR]


def _ranges(length: int) -> Iterator[tuple[int, int]]:
    for first in range(length if length <= LONG else NEAR):
        for end in range(first + 1, length + 1):
            if length <= LONG or end >= length - NEAR:
                yield first, end
