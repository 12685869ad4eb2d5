"""Finds what follows the levels in the order in which the person stepped through them; used by `levels`."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from unknot.errors import UsageError
from unknot.learning.forms import Group, Part, Role
from unknot.learning.steps import BURST, Step, find_steady, is_near

ORDER_LEAST = 3
"""Levels in turn that tell which value is the level: one level and off may be anything that changed (judgement)."""

STOPS_MOST = 8
"""Further messages that are tried for the stop, the commonest first (judgement)."""


@dataclass(slots=True)
class Followed:
    """A value that follows the order.

    Attributes:
        group: the frames that carry it.
        part: where it stands.
        kind: the type of its bytes.
        wires: what stands there, by level; 0 is among them if off is written there, too.
        stop: the first write of the message that stands for off instead, or none.
        doubts: why that may be chance, in sentences.
    """

    group: Group
    part: Part
    kind: str
    wires: dict[int, int]
    stop: list[Step]
    doubts: list[str] = field(default_factory=list)


def candidates(groups: Sequence[Group]) -> Iterator[tuple[Group, Part]]:
    """Every value that may be the level."""
    for group in groups:
        names = set()
        for part in group.slots:
            if part.role is Role.UNKNOWN and not group.heard and part.name not in names:
                names.add(part.name)
                yield group, part


def values(group: Group, part: Part, said: Sequence[Step]) -> list[tuple[Step, int]]:
    """What stood there, write by write, where it changed."""
    changed: list[tuple[Step, int]] = []
    for step in said:
        if step.group is group and (value := group.value(part, step.data)) is not None:
            changed += [(step, value)] if not changed or changed[-1][1] != value else []
    return changed


def follow(groups: Sequence[Group], said: Sequence[Step], given: Sequence[int]) -> Followed:
    """The value that follows the order that the person gave.

    Raises:
        UsageError: there is none.
    """
    wanted = [value for index, value in enumerate(given) if not index or given[index - 1] != value]
    found: list[Followed] = []
    closest: list[int] = []
    for group, part in candidates(groups):
        own = part.kind
        found += _followed(group, part, said, wanted)
        group.retype(part, own)
        closest = max(closest, [wire for _, wire in values(group, part, said)], key=len)
    if not found:
        raise UsageError(
            f"--levels: found {len(wanted)} levels in turn ({_listed(wanted)}); expected as many as the recording has: "
            + (f"what varies most is {_listed(closest)}" if closest else "nothing varies in what the app wrote")
        )
    best = found[0]
    best.group.retype(best.part, best.kind)
    best.doubts = list(_doubts(best, found[1:], wanted, said))
    return best


def _followed(group: Group, part: Part, said: Sequence[Step], wanted: Sequence[int]) -> Iterator[Followed]:
    """How a value follows the order: with off in the same place if it can, else with each message that may be it."""
    for stop in (None, *_other_meanings(said, group)):
        way = next(_ways(group, part, said, wanted, stop), None)
        if way is not None:
            yield way
            if not way.stop:
                return


def _ways(
    group: Group, part: Part, said: Sequence[Step], wanted: Sequence[int], stop: tuple[int, object] | None
) -> Iterator[Followed]:
    for kind in _kinds(part):
        group.retype(part, kind)
        for seen in _with_stop(group, part, said, stop):
            mapping = _fitting(seen, wanted, is_rising=kind != _kinds(part)[-1])
            if mapping is not None:
                wires = {level: wire for level, wire in mapping.items() if wire is not None}
                is_apart = 0 in mapping and 0 not in wires
                first = [next(step for step in said if step.meaning == stop)] if is_apart else []
                yield Followed(group, part, kind, wires, first)


def _doubts(best: Followed, others: Sequence[Followed], wanted: Sequence[int], said: Sequence[Step]) -> Iterator[str]:
    """Why what was found first may be chance."""
    if len(wanted) < ORDER_LEAST:
        yield "that this is the level is a guess: one change tells too little"
    rival = next((one for one in others if one.group is not best.group), None)
    if rival is not None:
        yield (f"that this is the level is a guess: {rival.part.name} in {rival.group.template} follows the same order")
    times = [step.time for one in best.stop for step in said if step.meaning == one.meaning]
    for other in others:
        if other.group is best.group and other.stop and not _are_together(other.stop[0], times, said):
            yield f"that this is the stop is a guess: {other.stop[0].group.template} was written at the same times"


def _are_together(one: Step, times: Sequence[float], said: Sequence[Step]) -> bool:
    """Whether a message always comes at once with another, so that both are the stop."""
    return all(any(abs(step.time - time) <= BURST for time in times) for step in said if step.meaning == one.meaning)


def _kinds(part: Part) -> tuple[str, ...]:
    """The types that its bytes may be of: those of two bytes may stand the other way round."""
    return {"u16be": ("u16be", "u16le", "u16be"), "u16le": ("u16le", "u16be", "u16le")}.get(part.kind, (part.kind,))


def _fitting(seen: Sequence[int | None], wanted: Sequence[int], *, is_rising: bool) -> dict[int, int | None] | None:
    """What stands for each level, None for a stop; None if it does not follow what is wanted, or rise where it must."""
    for order in _trimmed(seen):
        mapping = _mapping(order, wanted)
        if mapping is not None:
            strong = [wire for level in sorted(mapping) if (wire := mapping[level]) is not None]
            return mapping if not is_rising or strong == sorted(strong) else None
    return None


def _listed(numbers: Sequence[int], most: int = 16) -> str:
    return ", ".join(map(str, numbers[:most])) + (", …" if len(numbers) > most else "")


def _other_meanings(said: Sequence[Step], group: Group) -> list[tuple[int, object]]:
    """What else may be the stop: what was written after a level, the commonest first."""
    kept = find_steady(said, group)
    first = next((step.time for step in said if step.group is group), 0.0)
    later = (step for step in said if step.time > first and step.group is not group)
    tally = Tally(step.meaning for step in later if step.meaning not in kept)
    return [meaning for meaning, _ in tally.most_common(STOPS_MOST)]


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
