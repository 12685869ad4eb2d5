"""Finds the rule behind the codes of a ball's levels: a scale, a slider, or a table; used by `levels`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from unknot.profiles.model import LEVELS_MAX

if TYPE_CHECKING:
    from unknot.learning.levels import Levels

SLIDER = 12
"""So many values that are not evenly spaced are a slider that was dragged, and those between them exist (judgement)."""


def scale(found: Levels, *, is_given: bool) -> None:
    """The highest level and the conversion, from the codes that were seen."""
    known = found.wires
    highest = max(known, default=0)
    line = _line(known)
    if line is not None and highest <= LEVELS_MAX and (is_given or len(known) > 1 or known.get(1) == 1):
        scale, offset = line
        found.highest = highest
        found.conversion = {**({"scale": scale} if scale != 1 else {}), **({"offset": offset} if offset else {})}
    elif not is_given and len(known) >= SLIDER:
        greatest = max(known.values())
        found.highest = min(greatest, 100 if greatest > LEVELS_MAX else LEVELS_MAX)
        step = greatest / found.highest
        found.conversion = {} if greatest == found.highest else {"scale": step}
        found.wires = {
            level: wire
            for wire in known.values()
            if (level := int(wire / step + 0.5)) and int(level * step + 0.5) == wire
        }
        found.guesses.append(f"values between those that were seen, up to {greatest}, are taken for levels, too")
    else:
        codes = [known[level] for level in sorted(known)]
        if [*known] != list(range(1, len(known) + 1)):
            found.wires = dict(enumerate(codes, 1))
            found.guesses.append("not every level was seen: those that were are numbered from 1 on")
        found.highest = len(codes)
        found.conversion = {"table": [0, *codes]}
        if codes != sorted(codes):
            found.conversion["codes"] = True


def _line(known: dict[int, int]) -> tuple[int, int] | None:
    """Scale and offset, if the codes are evenly spaced."""
    levels = sorted(known)
    if len(levels) == 1:
        (level,) = levels
        return (known[level] // level, 0) if known[level] % level == 0 and known[level] else None
    low, high = levels[0], levels[-1]
    scale, rest = divmod(known[high] - known[low], high - low)
    offset = known[low] - scale * low
    if rest or scale <= 0 or any(known[level] != scale * level + offset for level in levels):
        return None
    return scale, offset


def is_even(values: Sequence[int]) -> bool:
    """Whether values are evenly spaced."""
    ordered = sorted(values)
    return len({high - low for low, high in pairwise(ordered)}) <= 1
