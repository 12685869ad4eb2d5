"""Finds what the ball tells: which value follows the level, which one the counter, which one is the battery.

Used by `unknot.learning.lesson`; names the slots of what is heard, and nothing else.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from unknot.learning.forms import Group, Part, Role
from unknot.learning.gatt import BATTERY_LEVEL, Device, Did
from unknot.learning.levels import Levels
from unknot.learning.steps import Step

Series = Sequence[tuple[float, int]]
"""Moments (s) and values."""

MATCHING = 0.6
"""The share of reports in which a value must be what was asked for: some cross a write on the air, and the ball has a
button of its own."""

NOT_KNOWN = 0xFF
"""What often stands where a battery is not known yet."""

DRAIN_MOST = 0.1
"""Per cent that a battery loses in a second, at most (judgement: ten in under two minutes is no massage ball)."""

BATTERY_STEP = 5
"""Per cent that a battery may change from one report to the next (judgement: five-step gauges are no per cent)."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One frame from the ball: when (s), and its bytes."""

    time: float
    data: bytes


def heard(device: Device, handle: int) -> list[Heard]:
    """What came from one characteristic, in order."""
    frames = device.attributes[handle].heard.frames
    return [
        Heard(time, frames[number].data)
        for time, one, did, number in device.moments
        if one == handle and not Did(did).is_write
    ]


class Asked:
    """What was asked for from each moment on.

    Args:
        levels: what the levels are, if that is known.
        said: all that was written.
    """

    def __init__(self, levels: Levels | None, said: Sequence[Step]) -> None:
        self.has_codes = levels is not None and bool(levels.conversion)
        self.codes = [] if levels is None else list(_applied(levels, said, by_number=False))
        self.numbers = [] if levels is None else list(_applied(levels, said, by_number=True))
        self.on = [(time, int(bool(value))) for time, value in self.numbers]
        self.counted = list(_counted(said))

    def is_followed(self, series: Series) -> bool:
        """Whether a value follows any of it."""
        return any(_follows(series, asked) for asked in (self.codes, self.numbers, self.on, self.counted))


def name_slots(group: Group, uuid: str, told: Sequence[Heard], asked: Asked) -> bool:
    """Give the slots of what is heard their names; whether a level there is told by its number and not by its code.

    Args:
        group: the frames.
        uuid: the characteristic's.
        told: all that came from it, in order.
        asked: what was written meanwhile.
    """
    own = {one.data for one in group.frames}
    mine = [one for one in told if one.data in own]
    by_number = False
    taken: set[str] = set()
    for part in group.slots:
        if part.role not in (Role.UNKNOWN, Role.COUNTER) or part.name in taken:
            continue
        taken.add(part.name)
        series = [(one.time, value) for one in mine if (value := group.value(part, one.data)) is not None]
        if part.role is Role.COUNTER:
            if not _follows(series, asked.counted):
                part.name = "count"  # of its own reports, and not of our commands
            continue
        role, name, numbered = _meaning(part, uuid, series, asked)
        if role is Role.UNKNOWN or any(other.name == name for other in group.parts):
            continue
        by_number |= numbered
        old = part.name
        for other in group.parts:
            if other.name == old:
                other.role, other.name = role, name
        taken.add(name)
    return by_number


def _meaning(part: Part, uuid: str, series: Series, asked: Asked) -> tuple[Role, str, bool]:
    """What the values of one slot are: role, name, and whether a level is told by its number."""
    by_code, by_number = _follows(series, asked.codes), _follows(series, asked.numbers)
    if by_code or by_number:
        return Role.LEVEL, "level", asked.has_codes and not by_code
    if len({value for _, value in series}) == 2 and _follows([(time, int(bool(v))) for time, v in series], asked.on):
        return Role.LEVEL, "running", False
    if _follows(series, asked.counted):
        return Role.COUNTER, "sequence", False
    if uuid == BATTERY_LEVEL or (part.kind == "u8" and _drains([one for one in series if one[1] != NOT_KNOWN])):
        return Role.BATTERY, "battery", False
    return Role.UNKNOWN, part.name, False


def _applied(levels: Levels, said: Sequence[Step], *, by_number: bool) -> Iterator[tuple[float, int]]:
    """The level that was asked for from each moment on, by its number or by its code."""
    stops = {step.meaning for step in levels.stop}
    for step in said:
        if step.group is not levels.group:
            if step.meaning in stops:
                yield step.time, 0
            continue
        wire = levels.group.value(levels.part, step.data)
        value = levels.level(step.data) if by_number else wire
        if step.meaning in stops or wire == 0:
            value = 0
        if value is not None:
            yield step.time, value


def _counted(said: Sequence[Step]) -> Iterator[tuple[float, int]]:
    for step in said:
        counter = next((part for part in step.group.parts if part.role is Role.COUNTER), None)
        if counter is not None and (value := step.group.value(counter, step.data)) is not None:
            yield step.time, value


def _follows(series: Series, asked: Series) -> bool:
    """Whether a value is mostly what was last asked for, in reports after the first request, and varies with it."""
    times = [time for time, _ in asked]
    pairs = []
    for time, value in series:
        index = bisect_right(times, time) - 1
        if index >= 0:
            pairs.append((value, asked[index][1]))
    matching = [value for value, wanted in pairs if value == wanted]
    return len(set(matching)) > 1 and len(matching) >= MATCHING * len(pairs)


def _drains(series: Series) -> bool:
    """Whether a value is one of 1 to 100 that slowly becomes less."""
    values = [value for _, value in series]
    if len(set(values)) < 2 or not all(0 < value <= 100 for value in values):
        return False
    steps = [late - early for early, late in pairwise(values)]
    seconds = series[-1][0] - series[0][0]
    slow = values[0] - values[-1] <= max(2.0, DRAIN_MOST * seconds)
    return slow and all(-BATTERY_STEP <= step <= 1 for step in steps) and values[-1] < values[0]


def is_not_known(group: Group, data: bytes) -> bool:
    """Whether a report says that the battery is not known."""
    part = next((one for one in group.slots if one.role is Role.BATTERY), None)
    return part is not None and group.value(part, data) == NOT_KNOWN
