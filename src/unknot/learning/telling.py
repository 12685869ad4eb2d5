"""The part of a draft that says what the ball tells; for `draft`."""

from __future__ import annotations

import re

from unknot.learning.forms import Group, Role, inline
from unknot.learning.gatt import BATTERY_LEVEL, Did
from unknot.learning.reports import is_not_known
from unknot.learning.sheet import Sheet, hexed

REPORTS_MOST = 24
"""Reports, at most: those with most frames (judgement)."""

SHOWN_MOST = 2
"""Examples of each report."""


class Telling:
    """Writes the section ``[reports]``."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._lesson = sheet.lesson
        self._levels = sheet.lesson.levels

    def reports(self) -> str:
        """What the ball tells, the most particular frames first."""
        heard = [group for group in self._lesson.groups if group.heard and self._is_told(group)]
        heard = sorted(heard, key=lambda group: -sum(one.count for one in group.frames))
        if len(heard) > REPORTS_MOST:
            self._sheet.gaps.append(f"{len(heard) - REPORTS_MOST} further kinds of reports are not described")
        ordered = sorted(heard[:REPORTS_MOST], key=lambda group: -_particular(group))
        blocks = []
        for number, group in enumerate(ordered, 1):
            name = self._report_name(group, number)
            if name in self._sheet.dropped:
                self._sheet.gaps.append(f"what {group.template} tells could not be said in a way that holds")
                continue
            self._sheet.heard.add(group.handle)
            lines = [f"[reports.{name}]", f"from = {inline(self._sheet.roles[group.handle])}"]
            lines.append(f"frame = {group.toml()}")
            if group in self._lesson.numbered:
                lines.append("values = { level = { scale = 1 } }")
            blocks.append("\n".join(lines) + "\n")
            self._show_report(name, group)
        unknown = sorted(
            {part.name for group in ordered for part in group.slots if part.role is Role.UNKNOWN}, key=_natural
        )
        if unknown:
            self._sheet.gaps.append(f"what {', '.join(unknown[:12])} in the reports means is not known")
        return "\n".join(blocks)

    def _is_told(self, group: Group) -> bool:
        attribute = self._lesson.device.attributes[group.handle]
        return attribute.uuid == BATTERY_LEVEL or any(
            attribute.heard.ways.get(way) for way in (Did.NOTIFIED, Did.INDICATED)
        )

    def _report_name(self, group: Group, number: int) -> str:
        slots = {part.name for part in group.slots}
        if slots == {"battery"} and self._sheet.roles[group.handle] == "battery":
            return "battery"
        return f"report_{number}"

    def _show_report(self, name: str, group: Group) -> None:
        shown: list[bytes] = []
        for one in sorted(group.frames, key=lambda frame: -_variety(frame.data)):
            told = self._told(group, one.data)
            if told is None:
                continue
            shown.append(one.data)
            values_told = inline({name: told})
            self._sheet.examples.append((f"report = {values_told}", hexed([one.data])))
            if len(shown) == SHOWN_MOST:
                return

    def _told(self, group: Group, data: bytes) -> dict[str, int | str] | None:
        """What a frame tells, in a profile's words; None if its level is none of those that are known."""
        told = dict(group.frame.unpack(data))
        if is_not_known(group, data):
            del told["battery"]
        if "level" in told and self._levels is not None and group not in self._lesson.numbered:
            level = self._level_of(told["level"])
            if level is None:
                return None
            told["level"] = level
        return told

    def _level_of(self, wire: int | str) -> int | None:
        known = self._levels
        if known is None or not known.conversion:
            return wire if isinstance(wire, int) else None
        if wire == 0 and "offset" not in known.conversion:
            return 0
        return next((level for level, one in known.wires.items() if one == wire), None)


def _natural(name: str) -> tuple[str, int]:
    digits = re.search(r"\d+$", name)
    return (name[: digits.start()], int(digits[0])) if digits else (name, 0)


def _variety(data: bytes) -> int:
    return len(set(data))


def _particular(group: Group) -> int:
    return sum(len(part.content) for part in group.parts if part.role in (Role.CONSTANT, Role.CHECK))
