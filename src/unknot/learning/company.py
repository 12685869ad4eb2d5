"""Finds what is always written with a level, and what is written to stop; used by `levels`."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

from unknot.learning.steps import bursts, find_steady

if TYPE_CHECKING:
    from unknot.learning.levels import Levels
    from unknot.learning.steps import Step


def find_company(found: Levels, said: Sequence[Step]) -> None:
    """What is always written with a level, and what is written to stop."""
    kept = find_steady(said, found.group)
    told = bursts([step for step in said if step.meaning not in kept])
    with_level = [burst for burst in told if any(is_level(found, step) for step in burst)]
    _find_neighbours(found, with_level)
    _show(found, with_level)
    others = [burst for burst in told if burst not in with_level and burst[0].time > found.first]
    off = [burst for burst in others if any(_is_off_value(found, step) for step in burst)]
    if found.stop:
        wanted = found.stop[0].meaning
        off = [burst for burst in others if any(step.meaning == wanted for step in burst)] or [found.stop]
        found.stop = _commonest(off)
    elif off:
        found.stop = _commonest(off)
    elif others:
        found.stop = others[-1]
        if not _is_off(found, found.stop):
            found.guesses.append("that this is the stop is a guess: it was written after levels, and carries none")


def is_level(found: Levels, step: Step) -> bool:
    """Whether a write sets a level that is not off."""
    if step.group is not found.group:
        return False
    return found.group.value(found.part, step.data) not in (None, found.off)


def _is_off_value(found: Levels, step: Step) -> bool:
    return step.group is found.group and not is_level(found, step)


def _find_neighbours(found: Levels, with_level: Sequence[Sequence[Step]]) -> None:
    """What stands before and after every level; what only some have, such as a greeting, is left out."""
    sides = [side for burst in with_level if (side := _sides(found, burst)) is not None]
    if 2 * len(sides) <= len(with_level):
        return
    before = [side[0][::-1] for side in sides]
    found.before = list(before[0][: _common(before)][::-1])
    after = [side[1] for side in sides]
    found.after = list(after[0][: _common(after)])


def _common(rows: Sequence[Sequence[Step]]) -> int:
    """How many meanings all rows begin with."""
    columns = zip(*(_meanings(row) for row in rows), strict=False)
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))


def _show(found: Levels, with_level: Sequence[Sequence[Step]]) -> None:
    """Keep one burst of each level, without what only stands there by chance."""
    for burst in with_level:
        places = [index for index, step in enumerate(burst) if step.group is found.group]
        is_whole = _sides(found, burst) is not None
        if (found.before or found.after) and not is_whole:
            continue
        for at in places:
            wire = found.group.value(found.part, burst[at].data)
            if is_level(found, burst[at]) and wire is not None:
                own = burst[at - len(found.before) : at + len(found.after) + 1] if is_whole else [burst[at]]
                found.shown.setdefault(wire, list(own))


def _sides(found: Levels, burst: Sequence[Step]) -> tuple[Sequence[Step], Sequence[Step]] | None:
    """What stands before and after the one level of a burst; None if there are several."""
    places = [index for index, step in enumerate(burst) if step.group is found.group]
    return (burst[: places[0]], burst[places[0] + 1 :]) if len(places) == 1 else None


def _commonest(told: Sequence[list[Step]]) -> list[Step]:
    """The burst that was said most often, the last of several: another may have met a keep-alive by chance."""
    tally = Tally(_meanings(burst) for burst in told)
    return max(reversed(told), key=lambda burst: tally[_meanings(burst)])


def _is_off(found: Levels, burst: Sequence[Step]) -> bool:
    """Whether a write is a level's, but for zeros."""
    (*others, step) = burst
    return not others and any(
        len(one.data) == len(step.data)
        and all(not byte for byte, other in zip(step.data, one.data, strict=True) if byte != other)
        for one in found.group.frames
    )


def _meanings(burst: Sequence[Step]) -> tuple[tuple[int, object], ...]:
    return tuple(step.meaning for step in burst)
