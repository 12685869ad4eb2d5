"""The proof that the range of every length and check is there in every frame of a template; used by the layout.

Parts of open width make places vary. All that is known of a place is between what it is in the shortest and in the
longest frame, and a range is taken only if it holds for all of them; so nothing needs proof when bytes come in.
"""

from __future__ import annotations

from dataclasses import dataclass

from unknot.errors import FrameSyntaxError
from unknot.profiles.frames.seals import Check, Length, Seal


@dataclass(frozen=True, slots=True)
class Extent:
    """A number of bytes that may vary."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A length or a check in its frame.

    Attributes:
        seal: the part.
        mark: where its range stands in the template.
        at: how many bytes stand before it.
        rest: how many bytes there are from its first to the end of the frame.
    """

    seal: Seal
    mark: int
    at: Extent
    rest: Extent

    @property
    def behind(self) -> int:
        """The first index that is after it wherever it stands."""
        return self.at.most + self.seal.least


def prove_ranges(template: str, placed: list[Placed], length: Extent) -> None:
    """Refuse ranges that are not in every frame, that cover their own check, or a check that is sealed later.

    Raises:
        FrameSyntaxError: with the place of the range.
    """
    checks = [one for one in placed if isinstance(one.seal, Check)]
    for one in placed:
        if isinstance(one.seal, Length):
            _prove_length(template, one, one.seal, length)
        else:
            _prove_check(template, one, length)
    for number, one in enumerate(checks):
        if any(not _apart(one, later) for later in checks[number + 1 :]):
            raise FrameSyntaxError(template, one.mark, f"a range of {one.seal.name} without a check that follows it")


def _least_end(one: Placed, length: Extent) -> int:
    """The least index after the range; an open end is no earlier than the check, or the end of the frame."""
    wanted = one.seal.range
    if wanted.last is None:
        return one.at.least if wanted.first <= one.at.least else length.least
    return wanted.last + 1 if wanted.last >= 0 else length.least + wanted.last + 1


def _prove_length(template: str, one: Placed, seal: Length, length: Extent) -> None:
    end = _least_end(one, length)
    if not seal.range.first <= end <= length.least:
        raise FrameSyntaxError(template, one.mark, f"a range of bytes that are in every frame of {_bytes(length)}")
    varies = (seal.range.last or 0) < 0
    longest = end + (length.most - length.least if varies else 0) - seal.range.first + seal.plus
    if longest < 0 or end - seal.range.first + seal.plus > seal.number.greatest:
        raise FrameSyntaxError(template, one.mark, f"a range of bytes whose number is 0 to {seal.number.greatest}")


def _prove_check(template: str, one: Placed, length: Extent) -> None:
    end = _least_end(one, length)
    # What has bytes in longer frames may be empty in the shortest: a check over a payload of open width.
    first = one.seal.range.first + (not _grows(one, length))
    if not first <= end <= length.least:
        raise FrameSyntaxError(
            template, one.mark, f"a range of other bytes, all of them in every frame of {_bytes(length)}"
        )
    if not _apart(one, one):
        before = one.at.least < one.at.most and one.seal.range.first >= one.at.least
        wanted = "that begins before it" if before else "without itself"
        raise FrameSyntaxError(template, one.mark, f"a range of {one.seal.name} {wanted}")


def _grows(one: Placed, length: Extent) -> bool:
    """Whether the range has more bytes in some frames than in others, and ends before what they end with."""
    wanted = one.seal.range
    if wanted.last is None:
        return wanted.first <= one.at.least < one.at.most
    return wanted.last < 0 and length.least < length.most


def _apart(one: Placed, other: Placed) -> bool:
    """Whether the range of one never covers the bytes of the other, which is the same check or a later one."""
    wanted = one.seal.range
    if wanted.first >= other.behind:
        return True
    if wanted.last is None:
        return wanted.first <= one.at.least
    if wanted.last >= 0:
        return wanted.last < other.at.least
    return other.rest.most <= -wanted.last - 1


def _bytes(length: Extent) -> str:
    return f"{length.least} bytes" if length.least == length.most else f"{length.least} bytes or more"
