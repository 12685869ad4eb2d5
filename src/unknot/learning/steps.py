"""What the app wrote, in order, each write with the group that it belongs to; and what it repeats at a steady pace."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from unknot.learning.forms import Group, Role
from unknot.learning.gatt import Device, Did

BURST = 0.35
"""Seconds between two writes that belong together, at most (judgement: three connection intervals of 100 ms, and a
person moves a slider more slowly)."""

STEADY_LEAST = 3
"""Times that a frame must be said to be a keep-alive."""

EXACT_WITHIN = 0.05
"""How near the usual pause all pauses must be if there are no more than that."""

STEADY_SHARE = 0.75
"""The share of pauses that must be near the usual one."""

STEADY_WITHIN = 0.25
"""How near, as a share of it."""

PERIOD_MOST = 60.0
"""Seconds; what comes more rarely is no keep-alive (a profile takes no longer ones)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One write.

    Attributes:
        time: when (s).
        group: the group of its frame.
        data: its bytes.
    """

    time: float
    group: Group
    data: bytes

    @property
    def meaning(self) -> tuple[int, object]:
        """The same for writes that differ in nothing but a counter."""
        if self.group.is_constant and self.group.slots:
            return id(self.group), None
        return id(self.group), self.data


def steps(device: Device, groups: Iterable[Group]) -> list[Step]:
    """All writes that are kept, and that the ball did not refuse."""
    found = {(group.handle, one.data): (group, one) for group in groups if not group.heard for one in group.frames}
    taken = []
    for time, handle, did, number in device.moments:
        if not Did(did).is_write:
            continue
        data = device.attributes[handle].written.frames[number].data if handle in device.attributes else b""
        known = found.get((handle, data))
        if known is not None and known[1].refused < known[1].count:
            taken.append(Step(time, known[0], data))
    return taken


def find_steady(said: Sequence[Step], level: Group | None) -> dict[tuple[int, object], float]:
    """The meanings that come at a steady pace, with their period in seconds.

    What carries a level is none of them, nor what mostly comes together with one.
    """
    levels = [step.time for step in said if step.group is level]
    times: dict[tuple[int, object], list[float]] = defaultdict(list)
    for step in said:
        if step.group is not level:
            times[step.meaning].append(step.time)
    return {
        meaning: period
        for meaning, own in times.items()
        if (period := steady(own)) is not None and 2 * sum(is_near(time, levels) for time in own) < len(own)
    }


def is_near(time: float, others: Sequence[float]) -> bool:
    """Whether one of the others, which are in order, is so near that both belong together."""
    index = bisect_left(others, time - BURST)
    return index < len(others) and others[index] <= time + BURST


def steady(times: Sequence[float]) -> float | None:
    """The period of moments that are evenly spaced, in seconds; None if they are not."""
    if len(times) < STEADY_LEAST:
        return None
    pauses = [late - early for early, late in pairwise(times)]
    usual = median(pauses)
    within = STEADY_WITHIN if len(times) > STEADY_LEAST else EXACT_WITHIN
    near = sum(abs(pause - usual) <= within * usual for pause in pauses)
    return usual if 0 < usual <= PERIOD_MOST and near >= STEADY_SHARE * len(pauses) else None


def bursts(said: Sequence[Step]) -> list[list[Step]]:
    """Writes that follow each other at once."""
    found: list[list[Step]] = []
    for step in said:
        if found and step.time - found[-1][-1].time <= BURST:
            found[-1].append(step)
        else:
            found.append([step])
    return found


def fixed(step: Step) -> str:
    """The template of one write: all of it as it was, but for a counter and the check over it."""
    parts = step.group.parts
    if step.group.table is not None or not any(part.role is Role.COUNTER for part in parts):
        return _literal(step)
    return " ".join(
        part.written()
        if part.role in (Role.COUNTER, Role.CHECK)
        else step.data[part.at : part.at + len(part.content)].hex(" ").upper()
        for part in parts
    )


def _literal(step: Step) -> str:
    from unknot.learning.forms import spelled

    is_text = step.group.table is not None or any(part.is_text for part in step.group.parts)
    return spelled(step.data) if is_text else step.data.hex(" ").upper()
