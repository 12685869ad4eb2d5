"""The part of a draft that says what is written to the ball: levels, stop, greeting, keep-alives; for `draft`."""

from __future__ import annotations

from collections.abc import Sequence

from unknot.learning.forms import Group, Role, inline
from unknot.learning.occasions import greeting, is_only_while_running
from unknot.learning.reports import NOT_KNOWN, is_not_known
from unknot.learning.sheet import Sheet, commented, hexed, listed, sequence_of
from unknot.learning.steps import Step

EXAMPLES_MOST = 12
"""Examples of levels, at most: the lowest, the highest, and some between (judgement)."""

PAUSE_LEAST = 0.05
"""Seconds; shorter pauses are the radio's own (BlueZ moves data every 30 to 50 ms)."""


class Saying:
    """Writes the sections of the motor, its values, the commands, the greeting and the keep-alives."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._lesson = sheet.lesson
        self._levels = sheet.lesson.levels
        self._settings: dict[str, int] = {}

    def motor(self) -> str:
        """The levels, the settings and the conversions."""
        known = self._levels
        if known is None or not known.highest:
            self._sheet.missing.append("no level was seen to change")
            return ""
        lines = ["[motor]", f"levels = {known.highest}", ""]
        self._settings = _settings(known.group)
        if self._settings:
            lines += ["[settings]", *(f"{name} = {value}" for name, value in self._settings.items()), ""]
            self._sheet.gaps.append(f"what {', '.join(self._settings)} means is not known")
        conversions = [f"level = {inline(known.conversion)}"] if known.conversion else []
        if any(is_not_known(group, one.data) for group in self._lesson.groups for one in group.frames):
            conversions.append(f"battery = {{ none = [{NOT_KNOWN}] }}")
        if conversions:
            lines += ["[values]", *conversions, ""]
        if known.renewed is not None:
            self._sheet.gaps.append(
                f"the app repeats its level every {known.renewed:.3g} s: if the motor stops without, the ball has a "
                "lease, which [safety] must say"
            )
        return "\n".join(lines)

    def commands(self) -> str:
        """Level and stop."""
        known = self._levels
        lines = ["[commands]"]
        if known is not None and known.highest:
            company = [*known.before, None, *known.after]
            pauses = _pauses([burst for burst in known.shown.values() if len(burst) == len(company)])
            writes = [
                self._level_write(more) if step is None else self._sheet.write(step, more)
                for step, more in zip(company, pauses or [""] * len(company), strict=True)
            ]
            lines.append(f"set_level = {listed(writes)}")
            self._sheet.used.add(id(known.group))
            self._show_levels()
        if known is not None and known.stop:
            writes = [
                self._sheet.write(step, more) for step, more in zip(known.stop, _pauses([known.stop]), strict=True)
            ]
            stop = f"stop = {listed(writes)}"
            if not known.is_confirmed:
                self._sheet.unconfirmed = stop
                stop = commented(stop)
                lines.append("# GUESSED: take the # away only if you know that this stops the motor.")
            lines.append(stop)
            self._sheet.show("{ stop = true" + sequence_of(known.stop) + " }", known.stop)
        else:
            self._sheet.missing.append("no stop was seen; add [commands] stop with bytes that you know")
        return "\n".join(lines) + "\n" if len(lines) > 1 else ""

    def _level_write(self, more: str) -> str:
        known = self._levels
        assert known is not None  # noqa: S101 - asked for only where there is one
        role = self._sheet.roles[known.group.handle]
        return f"{{ to = {inline(role)}, frame = {known.group.toml()}{more} }}"

    def _show_levels(self) -> None:
        known = self._levels
        assert known is not None  # noqa: S101 - asked for only where there is one
        shown = sorted(known.shown)
        step = max(1, len(shown) // EXAMPLES_MOST)
        for level in sorted({*shown[:1], *shown[::step], *shown[-1:]}):
            burst = known.shown[level]
            own = next(one for one in burst if one.group is known.group)
            further = "".join(
                f", {name} = {value}"
                for name in self._settings
                if (value := _slot(known.group, name, own.data)) is not None and value != self._settings[name]
            )
            self._sheet.show(f"{{ set_level = {level}{further}{sequence_of(burst)} }}", burst)

    def init(self) -> str:
        """What is written once, before the first level."""
        blocks: list[str] = []
        for step in greeting(self._lesson):
            blocks.append(f"[[init]]\nwrite = {self._sheet.write(step)}\noptional = true\n")
            after = f"\nafter = {{ {sequence_of([step])[2:]} }}" if sequence_of([step]) else ""
            self._sheet.examples.append((f"init = {len(blocks)}{after}", hexed([step.data])))
        if not blocks:
            return ""
        if "init" in self._sheet.dropped:
            self._sheet.examples = [one for one in self._sheet.examples if not one[0].startswith("init")]
            self._sheet.gaps.append("the app writes something before the first level that looks like a level")
            return ""
        self._sheet.gaps.append("whether the ball needs what the app writes after connecting was not tried")
        return "\n".join(blocks)

    def keep_alive(self) -> str:
        """What is written again and again."""
        blocks: list[str] = []
        shown: list[tuple[str, str]] = []
        done: set[tuple[int, object]] = set()
        for step in self._lesson.said:
            period = self._lesson.steady.get(step.meaning)
            if period is None or step.meaning in done or not step.group.is_constant:
                continue
            done.add(step.meaning)
            every = f"{max(0.05, round(period, 1 if period < 10 else 0)):g}s"
            only = 'while = "running"\n' if is_only_while_running(self._lesson, step.meaning) else ""
            blocks.append(f'[[keep_alive]]\nevery = "{every}"\n{only}write = {self._sheet.write(step)}\n')
            after = f"\nafter = {{ {sequence_of([step])[2:]} }}" if sequence_of([step]) else ""
            shown.append((f"keep_alive = {len(blocks)}{after}", hexed([step.data])))
        if blocks and "keep_alive" in self._sheet.dropped:
            self._sheet.gaps.append("the app repeats something that looks like a level; it is left out")
            return ""
        self._sheet.examples += shown
        return "\n".join(blocks)


def _settings(group: Group) -> dict[str, int]:
    """Further slots of the frames that carry the level, with what stands there most often."""
    settings: dict[str, int] = {}
    for part in group.slots:
        if part.role is not Role.UNKNOWN or part.name in settings:
            continue
        tally: dict[int, int] = {}
        for one in group.frames:
            value = group.value(part, one.data)
            if value is not None:
                tally[value] = tally.get(value, 0) + one.count
        settings[part.name] = max(tally, key=lambda value: tally[value])
    return settings


def _slot(group: Group, name: str, data: bytes) -> int | None:
    part = next((one for one in group.slots if one.name == name), None)
    return None if part is None else group.value(part, data)


def _pauses(said: Sequence[Sequence[Step]]) -> list[str]:
    """The pause after each write of a burst, as short as it was seen; nothing after the last one."""
    if not said:
        return []
    gaps = [min(burst[number + 1].time - burst[number].time for burst in said) for number in range(len(said[0]) - 1)]
    return [*(f', pause = "{gap * 100:.0f}0ms"' if gap >= PAUSE_LEAST else "" for gap in gaps), ""]
