"""Finds which value is the level, what the ball's levels are on the wire, and how it is stopped; used by `lesson`.

Where the recording alone cannot tell, the person can: by the levels in the order in which they stepped through them.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from unknot.errors import UsageError
from unknot.learning.forms import Group, Part, Role
from unknot.learning.scaling import is_even, scale
from unknot.learning.steps import Step, bursts, find_steady, is_near, steady


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
    _find_company(found, said)
    _settle(found, given)
    _find_renewals(found, said)
    return found


def _candidates(groups: Sequence[Group]) -> Iterator[tuple[Group, Part]]:
    """Every value that may be the level."""
    for group in groups:
        names = set()
        for part in group.slots:
            if part.role is Role.UNKNOWN and not group.heard and part.name not in names:
                names.add(part.name)
                yield group, part


def _values(group: Group, part: Part, said: Sequence[Step]) -> list[tuple[Step, int]]:
    """What stood there, write by write, where it changed."""
    changed: list[tuple[Step, int]] = []
    for step in said:
        if step.group is group and (value := group.value(part, step.data)) is not None:
            changed += [(step, value)] if not changed or changed[-1][1] != value else []
    return changed


def _guessed(groups: Sequence[Group], said: Sequence[Step]) -> Levels | None:
    """The value that changes most often."""
    best: tuple[tuple[int, int], Levels] | None = None
    for group, part in _candidates(groups):
        changed = _values(group, part, said)
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
    wanted = _collapsed(given)
    closest: list[int] = []
    for group, part in _candidates(groups):
        for stop in (None, *_other_meanings(said, group)):
            for kind in _kinds(part):
                group.retype(part, kind)
                for seen in _with_stop(group, part, said, stop):
                    found = _fitting(seen, wanted, is_rising=kind != _kinds(part)[-1])
                    if found is not None:
                        first = [] if stop is None else [next(step for step in said if step.meaning == stop)]
                        return Levels(group, part, wires=found, stop=first)
        closest = max(closest, [wire for _, wire in _values(group, part, said)], key=len)
    raise UsageError(
        f"--levels: found {len(wanted)} levels in turn ({_listed(wanted)}); expected as many as the recording has: "
        + (f"what varies most is {_listed(closest)}" if closest else "nothing varies in what the app wrote")
    )


def _kinds(part: Part) -> tuple[str, ...]:
    """The types that its bytes may be of: those of two bytes may stand the other way round."""
    return {"u16be": ("u16be", "u16le", "u16be"), "u16le": ("u16le", "u16be", "u16le")}.get(part.kind, (part.kind,))


def _fitting(seen: Sequence[int | None], wanted: Sequence[int], *, is_rising: bool) -> dict[int, int] | None:
    """The wire values by level, if they follow what is wanted, and rise with it if they must."""
    for order in _trimmed(seen):
        mapping = _mapping(order, wanted)
        if mapping is not None:
            wires = {level: wire for level, wire in mapping.items() if wire is not None}
            strong = [wires[level] for level in sorted(wires)]
            return wires if not is_rising or strong == sorted(strong) else None
    return None


def _listed(values: Sequence[int], most: int = 16) -> str:
    return ", ".join(map(str, values[:most])) + (", …" if len(values) > most else "")


def _collapsed(values: Sequence[int]) -> list[int]:
    return [value for index, value in enumerate(values) if not index or values[index - 1] != value]


def _other_meanings(said: Sequence[Step], group: Group) -> list[tuple[int, object]]:
    """What else may be the stop: the commonest first."""
    kept = find_steady(said, group)
    tally = Tally(step.meaning for step in said if step.group is not group and step.meaning not in kept)
    return [meaning for meaning, _ in tally.most_common(8)]


def _with_stop(
    group: Group, part: Part, said: Sequence[Step], stop: tuple[int, object] | None
) -> Iterator[list[int | None]]:
    """The values in turn, with None for the stop: first without a stop that is said at once with a level, then with."""
    times = [step.time for step in said if step.group is group]
    for is_alone in (True, False):
        seen: list[int | None] = []
        for step in said:
            if step.group is group:
                seen.append(group.value(part, step.data))
            elif stop is not None and step.meaning == stop and not (is_alone and is_near(step.time, times)):
                seen.append(None)
        yield [value for index, value in enumerate(seen) if not index or seen[index - 1] != value]


def _trimmed(seen: Sequence[int | None]) -> Iterator[Sequence[int | None]]:
    """The same without a stop, or an off, at either end: an app says it, and the person did nothing."""
    first = 1 if seen and not seen[0] else 0
    last = len(seen) - 1 if len(seen) > 1 and not seen[-1] else len(seen)
    for start, end in ((0, len(seen)), (first, len(seen)), (0, last), (first, last)):
        yield seen[start:end]


def _mapping(seen: Sequence[int | None], wanted: Sequence[int]) -> dict[int, int | None] | None:
    """The wire value of each level, if one follows the other; None if not."""
    if len(seen) != len(wanted):
        return None
    mapping: dict[int, int | None] = {}
    for wire, level in zip(seen, wanted, strict=True):
        if mapping.setdefault(level, wire) != wire or (wire is None and level != 0):
            return None
    return mapping if len(set(mapping.values())) == len(mapping) and len(mapping) > 1 else None


def _find_company(found: Levels, said: Sequence[Step]) -> None:
    """What is always written with a level, and what is written to stop."""
    kept = find_steady(said, found.group)
    told = bursts([step for step in said if step.meaning not in kept])
    with_level = [burst for burst in told if any(_is_level(found, step) for step in burst)]
    companies = [_company(found, burst) for burst in with_level]
    if all(companies) and len({tuple(_meanings(part) for part in company or ()) for company in companies}) == 1:
        found.before, found.after = companies[0] or ([], [])
    others = [burst for burst in told if burst not in with_level and burst[0].time > found.first]
    off = [burst for burst in others if any(step.group is found.group for step in burst)]
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
    for burst in with_level:
        wires = {found.group.value(found.part, step.data) for step in burst if step.group is found.group}
        if len(wires) == 1 or not (found.before or found.after):
            for step in burst:
                if _is_level(found, step):
                    wire = found.group.value(found.part, step.data)
                    own = burst if found.before or found.after else [step]
                    found.shown.setdefault(-1 if wire is None else wire, own)


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


def _is_level(found: Levels, step: Step) -> bool:
    """Whether a write sets a level that is not off."""
    if step.group is not found.group:
        return False
    wire = found.group.value(found.part, step.data)
    return wire not in (None, found.wires.get(0, 0))


def _company(found: Levels, burst: Sequence[Step]) -> tuple[list[Step], list[Step]] | None:
    """What stands before and after the one level of a burst; None if there are several."""
    places = [index for index, step in enumerate(burst) if step.group is found.group]
    if len(places) != 1:
        return None
    return list(burst[: places[0]]), list(burst[places[0] + 1 :])


def _settle(found: Levels, given: Sequence[int]) -> None:
    """Number the levels, and find the rule behind their codes."""
    off = found.wires.get(0)
    if not given:
        values = sorted(found.shown)
        if not found.stop and len(values) > 1:
            _take_last_for_stop(found, values)
            values = sorted(found.shown)
        found.wires = dict(enumerate(values, 1))
    else:
        found.wires = {level: wire for level, wire in found.wires.items() if level}
    scale(found, is_given=bool(given))
    if off is not None and "table" in found.conversion:
        table = found.conversion["table"]
        found.conversion["table"] = [off, *(table[1:] if isinstance(table, list) else ())]
    found.shown = {level: found.shown[wire] for level, wire in found.wires.items() if wire in found.shown}


def _take_last_for_stop(found: Levels, values: Sequence[int]) -> None:
    """Without a 0 and without another frame the last value that was written must be off, if it is unlike the others."""
    last = list(found.shown)[-1]
    rest = [value for value in values if value != last]
    if last in (values[0], values[-1]) and len(rest) > 1 and not is_even(values) and is_even(rest):
        found.stop = found.shown.pop(last)
        found.guesses.append("that this is the stop is a guess: its code is unlike those of the levels, and came last")


def _find_renewals(found: Levels, said: Sequence[Step]) -> None:
    """How often a level is said again while it stays the same."""
    runs: list[list[Step]] = []
    for step in said:
        if _is_level(found, step):
            wire = found.group.value(found.part, step.data)
            if runs and found.group.value(found.part, runs[-1][-1].data) == wire:
                runs[-1].append(step)
            else:
                runs.append([step])
    longest = max(runs, key=len, default=[])
    found.renewed = steady([step.time for step in longest])
