"""Finds the counter in the frames that an app writes: a number that is one more in each; used by `alignment`."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

WITHIN = 8
"""A counter stands within the first so many bytes (judgement)."""

STEPS_LEAST = 4
"""Steps that prove one."""

SAID_MOST = 2000
"""Frames that are looked at."""

LENGTHS_MOST = 6
"""Lengths of frames that are tried with each other."""

AGAIN_MOST = 8
"""How often it may begin again (judgement)."""

REPEATED = 3
"""A frame that is written so often without a change does not count."""


@dataclass(frozen=True, slots=True)
class Counter:
    """A number that counts the frames.

    Attributes:
        at: its index.
        size: its bytes.
        kind: its type.
        first: the number after the last one.
        last: the highest number; as much as fits, where the recording does not show that it begins again.
        uncounted: frames that do not count.
        lengths: the lengths of those that do.
    """

    at: int
    size: int
    kind: str
    first: int
    last: int
    uncounted: frozenset[bytes]
    lengths: frozenset[int]

    def is_in(self, frames: Sequence[bytes]) -> bool:
        """Whether these frames have it."""
        return not self.uncounted.intersection(frames) and self.lengths.issuperset(map(len, frames))


_KINDS = (("u32le", 4, "little"), ("u32be", 4, "big"), ("u16le", 2, "little"), ("u16be", 2, "big"), ("u8", 1, "big"))


def counter(said: Sequence[bytes]) -> Counter | None:
    """The counter in frames, in the order in which they were said; None if there is none.

    Frames of some lengths may not count. What most frames have is taken.
    """
    said = said[:SAID_MOST]
    often = frozenset(data for data, count in Tally(said).items() if count >= REPEATED)
    counting = [data for data in said if data not in often and data]
    tally = Tally(map(len, counting))
    common = [length for length, _ in tally.most_common(LENGTHS_MOST)]
    sets = [frozenset(one) for size in range(len(common), 0, -1) for one in combinations(common, size)]
    for lengths in sorted(sets, key=lambda one: -sum(tally[length] for length in one)):
        found = _in([data for data in counting if len(data) in lengths], lengths, often)
        if found is not None:
            return found
    return None


def _in(counting: Sequence[bytes], lengths: frozenset[int], uncounted: frozenset[bytes]) -> Counter | None:
    """The counter that all of these frames have."""
    if len(counting) <= STEPS_LEAST:
        return None
    for kind, size, order in _KINDS:
        for at in range(min(WITHIN, min(lengths) - size + 1)):
            numbers = [int.from_bytes(data[at : at + size], order) for data in counting]  # type: ignore[arg-type]
            if size > 1 and len({number >> 8 * (size - 1) for number in numbers}) == 1:
                continue  # the highest byte is still: a smaller number tells as much
            bounds = _counted(numbers, 256**size - 1)
            if bounds is not None:
                return Counter(at, size, kind, *bounds, uncounted, lengths)
    return None


def _counted(numbers: Sequence[int], greatest: int) -> tuple[int, int] | None:
    """First and last number, if each is one more than the one before, or begins again."""
    again: set[tuple[int, int]] = set()
    steps = 0
    for before, number in pairwise(numbers):
        if number == before + 1:
            steps += 1
        elif number != before:
            again.add((number, before))
            if number > 1 or len(again) > AGAIN_MOST:
                return None
    if steps < STEPS_LEAST or steps < len(again) * STEPS_LEAST:
        return None
    if len(again) == 1:
        first, last = next(iter(again))
        if last == max(numbers) and last & last + 1 == 0 and last > STEPS_LEAST:  # all its bits are set
            return first, last
    return 0, greatest  # if it began again, then with a new connection
