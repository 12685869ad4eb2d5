"""Finds which value is the level, what the ball's levels are on the wire, and how it is stopped; used by `lesson`.

Where the recording alone cannot tell, the person can: by the levels in the order in which they stepped through them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from unknot.learning.company import find_company, is_level
from unknot.learning.forms import Group, Part
from unknot.learning.ordering import candidates, follow, values
from unknot.learning.scaling import is_even, scale
from unknot.learning.steps import Step, steady


@dataclass(slots=True)
class Levels:
    """What the ball's levels are, and how they are said.

    Attributes:
        group: the frames that carry the level.
        part: where it stands.
        wires: what stands there, by level.
        highest: the highest level.
        conversion: the entry for the level in ``[values]``, or an empty one.
        before: the writes that always come before it.
        after: those that always follow.
        stop: the writes that stop the motor, or none.
        shown: a burst of writes for each level that was seen.
        first: when the first level was written (s).
        guesses: what is guessed, in sentences.
        renewed: seconds after which a level is said again, if it is.
        off: what stands there for off, or None if off is only said in another way.
        is_confirmed: whether the person has said when the motor was off, and nothing but the stop that was found fits
            that.
    """

    group: Group
    part: Part
    wires: dict[int, int] = field(default_factory=dict)
    highest: int = 0
    conversion: dict[str, object] = field(default_factory=dict)
    before: list[Step] = field(default_factory=list)
    after: list[Step] = field(default_factory=list)
    stop: list[Step] = field(default_factory=list)
    shown: dict[int, list[Step]] = field(default_factory=dict)
    first: float = 0.0
    guesses: list[str] = field(default_factory=list)
    renewed: float | None = None
    off: int | None = 0
    is_confirmed: bool = False

    def level(self, data: bytes) -> int | None:
        """The level in a frame, 0 for off; None if there is none, or one that is no step."""
        wire = self.group.value(self.part, data)
        return next((level for level, one in self.wires.items() if one == wire), None)


def find(groups: Sequence[Group], said: Sequence[Step], given: Sequence[int]) -> Levels | None:
    """What the levels are; None if nothing varies as a level does.

    Args:
        groups: the groups of all that is written.
        said: all writes in order.
        given: the levels in the order in which the person stepped through them, or none.

    Raises:
        UsageError: nothing in the recording follows the order that is given.
    """
    found = _as_given(groups, said, given) if given else _guessed(groups, said)
    if found is None:
        return None
    found.first = next(step.time for step in said if step.group is found.group)
    find_company(found, said)
    _settle(found, given)
    _find_renewals(found, said)
    return found


def _guessed(groups: Sequence[Group], said: Sequence[Step]) -> Levels | None:
    """The value that changes most often."""
    best: tuple[tuple[int, int], Levels] | None = None
    for group, part in candidates(groups):
        changed = values(group, part, said)
        weight = len(changed), len({value for _, value in changed})
        if weight[1] > 1 and (best is None or weight > best[0]):
            best = weight, Levels(group, part)
    if best is None:
        return None
    found = best[1]
    where = f"the value {found.part.name} in {found.group.template}"
    found.guesses.append(f"that {where} is the level is a guess: it changes most often")
    return found


def _as_given(groups: Sequence[Group], said: Sequence[Step], given: Sequence[int]) -> Levels:
    """The value that follows the order that the person gave."""
    one = follow(groups, said, given)
    found = Levels(one.group, one.part, wires=one.wires, stop=one.stop, guesses=one.doubts)
    # 0 may be a level's code: then off is said in another way.
    found.off = found.wires.get(0, 0 if 0 not in found.wires.values() else None)
    found.is_confirmed = 0 in given and not one.doubts
    return found


def _settle(found: Levels, given: Sequence[int]) -> None:
    """Number the levels, and find the rule behind their codes."""
    off = found.wires.get(0)
    if not given:
        codes = sorted(found.shown)
        if not found.stop and len(codes) > 1:
            _take_last_for_stop(found, codes)
            codes = sorted(found.shown)
        found.wires = dict(enumerate(codes, 1))
    else:
        found.wires = {level: wire for level, wire in found.wires.items() if level}
    scale(found, is_given=bool(given))
    if off is not None and "table" in found.conversion:
        table = found.conversion["table"]
        found.conversion["table"] = [off, *(table[1:] if isinstance(table, list) else ())]
    found.shown = {level: found.shown[wire] for level, wire in found.wires.items() if wire in found.shown}


def _take_last_for_stop(found: Levels, codes: Sequence[int]) -> None:
    """Without a 0 and without another frame the last value that was written must be off, if it is unlike the others."""
    last = list(found.shown)[-1]
    rest = [code for code in codes if code != last]
    if last in (codes[0], codes[-1]) and len(rest) > 1 and not is_even(codes) and is_even(rest):
        found.stop = found.shown.pop(last)
        found.guesses.append("that this is the stop is a guess: its code is unlike those of the levels, and came last")


def _find_renewals(found: Levels, said: Sequence[Step]) -> None:
    """How often a level is said again while it stays the same."""
    runs: list[list[Step]] = []
    for step in said:
        if is_level(found, step):
            wire = found.group.value(found.part, step.data)
            if runs and found.group.value(found.part, runs[-1][-1].data) == wire:
                runs[-1].append(step)
            else:
                runs.append([step])
    longest = max(runs, key=len, default=[])
    found.renewed = steady([step.time for step in longest])
