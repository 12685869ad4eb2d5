"""Writes the profile that a lesson gives: the text of a TOML file, with its examples taken from the recording.

Used by ``unknot profile learn``. What is guessed is said in the file's ``gaps``; what is not known is left out, and a
stop that was not seen is never written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from unknot.learning.forms import Group, Role, inline
from unknot.learning.gatt import BATTERY_LEVEL, Attribute, Did
from unknot.learning.lesson import Lesson, shown_name, values
from unknot.learning.reports import NOT_KNOWN
from unknot.learning.steps import Step, fixed
from unknot.profiles.fields import BASE_SUFFIX
from unknot.profiles.matching import SHARED
from unknot.profiles.patterns import GLOB_MAX

EXAMPLES_MOST = 12
"""Examples of levels, at most: the lowest, the highest, and some between (judgement)."""

REPORTS_MOST = 24
"""Reports, at most: those with most frames (judgement)."""

SHOWN_MOST = 2
"""Examples of each report."""

PAUSE_LEAST = 0.05
"""Seconds; shorter pauses are the radio's own (BlueZ moves data every 30 to 50 ms)."""

UNKNOWN_UUID = "00000000-0000-0000-0000-00000000{handle:04x}"
"""Stands for a UUID that the recording does not say; no ball has it."""

_WRITE, _NO_RESPONSE, _NOTIFY, _INDICATE = 0x08, 0x04, 0x10, 0x20
"""Properties of a characteristic (Bluetooth Core, Vol 3, Part G, 3.3.1.1)."""


@dataclass(slots=True)
class Draft:
    """A profile that was learned.

    Attributes:
        text: the file.
        missing: what keeps it from being one that can be loaded, in sentences; possibly nothing.
        roles: the names of the characteristics, by handle.
        left_out: groups of writes that the file does not have.
    """

    text: str
    missing: list[str]
    roles: dict[int, str]
    left_out: list[Group]


@dataclass(slots=True)
class _Writer:
    """What is gathered for the file."""

    lesson: Lesson
    name: str
    dropped: frozenset[str] = frozenset()
    lines: list[str] = field(default_factory=list)
    examples: list[tuple[str, str]] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    roles: dict[int, str] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)


def draft(lesson: Lesson, name: str, dropped: frozenset[str] = frozenset()) -> Draft:
    """The profile with this id.

    Args:
        lesson: what was learned.
        name: the id.
        dropped: parts that do not hold and are left out: "init", "keep_alive", or the name of a report.
    """
    writer = _Writer(lesson, name, dropped)
    writer.roles = _roles(lesson)
    body = _Body(writer)
    sections = [body.motor(), body.commands(), body.init(), body.keep_alive(), body.reports()]
    gatt, match = body.gatt(), body.match()
    left_out = [group for group in lesson.groups if not group.heard and id(group) not in writer.used]
    for group in left_out:
        writer.gaps.append(f"what the app means by {group.template} is not known")
    head = _head(writer)
    examples = "\n".join(f"[[examples]]\n{meaning}\nbytes = {data}\n" for meaning, data in writer.examples)
    text = "\n".join(part for part in (head, match, gatt, *sections, examples) if part)
    return Draft(text, writer.missing, writer.roles, left_out)


def _roles(lesson: Lesson) -> dict[int, str]:
    """A name for each characteristic; the one that carries the level is the first."""
    known = lesson.levels
    roles: dict[int, str] = {}
    ordered = sorted(values(lesson.device), key=lambda one: known is None or one.handle != known.group.handle)
    for one in ordered:
        wanted = "battery" if one.uuid == BATTERY_LEVEL else "control" if one.written.count else "status"
        name, number = wanted, 1
        while name in roles.values():
            number += 1
            name = f"{wanted}_{number}"
        roles[one.handle] = name
    return roles


def _head(writer: _Writer) -> str:
    lesson = writer.lesson
    words = " ".join(word.capitalize() for word in writer.name.split("-"))
    about = ", ".join(f"{what} {text}" for what, text in lesson.device.about.items() if what != "name" and text)
    source = f"a recording of the maker's app, {_printable(lesson.recording.file.name)}"
    source += f" ({_printable(about)})" if about else ""
    lines = ["#:schema ./profile.schema.json", "# Learned from a recording, and never tried on a ball."]
    lines += [f"# MISSING: {_printable(text)}." for text in writer.missing]
    known = lesson.levels
    if known is not None and known.guesses:
        lines.append("# GUESSED, so look at it before anything moves:")
        lines += [f"# - {_printable(guess)}." for guess in known.guesses]
    gaps = [*(known.guesses if known is not None else ()), *writer.gaps]
    gaps += ["what the motor does when the link drops, or when nobody says anything, was not seen"]
    lines += [
        "schema = 1",
        f"id = {inline(writer.name)}",
        f"name = {inline(words)}",
        'evidence = "captured"',
        f"source = {inline(source)}",
        "gaps = [",
        *(f"    {inline(_printable(gap))}," for gap in gaps),
        "]",
    ]
    counter = _counter(lesson)
    if counter is not None and counter != (0, 255):
        lines.append(f"sequence = {{ first = {counter[0]}, last = {counter[1]} }}")
    return "\n".join(lines) + "\n"


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _counter(lesson: Lesson) -> tuple[int, int] | None:
    return next((group.counts for group in lesson.groups if not group.heard and group.counts is not None), None)


class _Body:
    """The sections of the file, one by one."""

    def __init__(self, writer: _Writer) -> None:
        self._writer = writer
        self._lesson = writer.lesson
        self._levels = writer.lesson.levels
        self._settings: dict[str, int] = {}
        self._heard: set[int] = set()

    def match(self) -> str:
        """How the ball shows itself."""
        device = self._lesson.device
        lines = ["[match]"]
        name = shown_name(device)
        own = [one for one in device.services if not one.endswith(BASE_SUFFIX) and one not in SHARED]
        if _pattern(name).strip("*? "):
            lines.append(f"names = [{inline(_pattern(name))}]")
        if device.services and (own or _pattern(name).strip("*? ")):
            lines.append(f"services = [{', '.join(inline(_short(one)) for one in device.services)}]")
        if len(lines) == 1:
            lines.append("# How it shows itself was not recorded: fill in its name, or name ball and profile yourself.")
        return "\n".join(lines) + "\n"

    def gatt(self) -> str:
        """The characteristics that are used."""
        sections = []
        for handle, role in self._writer.roles.items():
            attribute = self._lesson.device.attributes[handle]
            lines = [f"[gatt.{role}]"]
            if attribute.uuid:
                if attribute.service:
                    lines.append(f"service = {inline(_short(attribute.service))}")
                lines.append(f"characteristic = {inline(_short(attribute.uuid))}")
            else:
                lines.append(
                    f"# The recording does not say which one it is: look it up with 'unknot inspect', handle {handle}."
                )
                lines.append(f"characteristic = {inline(UNKNOWN_UUID.format(handle=handle))}")
            writes = _ways(attribute)
            if writes:
                lines.append(f"write = {inline(writes[0] if len(writes) == 1 else writes)}")
            lines += self._telling(attribute)
            if len(lines) > 2:
                sections.append("\n".join(lines) + "\n")
        if any(not self._lesson.device.attributes[handle].uuid for handle in self._writer.roles):
            self._writer.gaps.append(
                "the recording does not name every characteristic: the UUIDs that begin with zeros must be filled in"
            )
        return "\n".join(sections)

    def _telling(self, attribute: Attribute) -> list[str]:
        if attribute.handle not in self._heard:
            return []
        lines = []
        if attribute.heard.ways.get(Did.NOTIFIED) or (attribute.properties or 0) & _NOTIFY:
            lines.append("notify = true")
        if attribute.heard.ways.get(Did.INDICATED):
            lines.append("indicate = true")
        if attribute.heard.ways.get(Did.READ):
            lines.append("read = true")
        end = self._lesson.ends.get(attribute.handle)
        if end is not None:
            lines.append(f'assemble = {{ until = "{end.hex(" ").upper()}" }}')
        return lines

    def motor(self) -> str:
        """The levels, the settings and the conversions."""
        known = self._levels
        if known is None or not known.highest:
            self._writer.missing.append("no level was seen to change")
            return ""
        lines = ["[motor]", f"levels = {known.highest}", ""]
        self._settings = _settings(known.group)
        if self._settings:
            lines += ["[settings]", *(f"{name} = {value}" for name, value in self._settings.items()), ""]
            self._writer.gaps.append(f"what {', '.join(self._settings)} means is not known")
        conversions = [f"level = {inline(known.conversion)}"] if known.conversion else []
        if any(self._is_not_known(group, one.data) for group in self._lesson.groups for one in group.frames):
            conversions.append(f"battery = {{ none = [{NOT_KNOWN}] }}")
        if conversions:
            lines += ["[values]", *conversions, ""]
        if known.renewed is not None:
            self._writer.gaps.append(
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
                self._level_write(more) if step is None else self._write(step, more)
                for step, more in zip(company, pauses or [""] * len(company), strict=True)
            ]
            lines.append(f"set_level = {_list(writes)}")
            self._writer.used.add(id(known.group))
            self._show_levels()
        if known is not None and known.stop:
            writes = [self._write(step, more) for step, more in zip(known.stop, _pauses([known.stop]), strict=True)]
            lines.append(f"stop = {_list(writes)}")
            self._example("{ stop = true" + _sequence(known.stop) + " }", known.stop)
        else:
            self._writer.missing.append("no stop was seen; add [commands] stop with bytes that you know")
        return "\n".join(lines) + "\n" if len(lines) > 1 else ""

    def _level_write(self, more: str) -> str:
        known = self._levels
        assert known is not None  # noqa: S101 - asked for only where there is one
        role = self._writer.roles[known.group.handle]
        return f"{{ to = {inline(role)}, frame = {known.group.toml()}{more} }}"

    def _write(self, step: Step, more: str = "") -> str:
        self._writer.used.add(id(step.group))
        role = self._writer.roles[step.group.handle]
        return f"{{ to = {inline(role)}, frame = {inline(fixed(step))}{more} }}"

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
            self._example(f"{{ set_level = {level}{further}{_sequence(burst)} }}", burst)

    def _example(self, command: str, burst: Sequence[Step]) -> None:
        self._writer.examples.append((f"command = {command}", _hex([step.data for step in burst])))

    def init(self) -> str:
        """What is written once, before the first level."""
        first = self._levels.first if self._levels is not None else float("inf")
        blocks: list[str] = []
        known: set[tuple[int, object]] = set()
        for step in self._lesson.said:
            is_single = step.group.is_constant and step.meaning not in known
            is_stop = self._levels is not None and step.meaning in {one.meaning for one in self._levels.stop}
            if step.time >= first or not is_single or is_stop or step.meaning in self._lesson.steady:
                continue
            known.add(step.meaning)
            blocks.append(f"[[init]]\nwrite = {self._write(step)}\noptional = true\n")
            after = f"\nafter = {{ {_sequence([step])[2:]} }}" if _sequence([step]) else ""
            self._writer.examples.append((f"init = {len(blocks)}{after}", _hex([step.data])))
        if not blocks:
            return ""
        if "init" in self._writer.dropped:
            self._writer.examples = [one for one in self._writer.examples if not one[0].startswith("init")]
            self._writer.gaps.append("the app writes something before the first level that looks like a level")
            return ""
        self._writer.gaps.append("whether the ball needs what the app writes after connecting was not tried")
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
            blocks.append(f'[[keep_alive]]\nevery = "{every}"\nwrite = {self._write(step)}\n')
            after = f"\nafter = {{ {_sequence([step])[2:]} }}" if _sequence([step]) else ""
            shown.append((f"keep_alive = {len(blocks)}{after}", _hex([step.data])))
        if blocks and "keep_alive" in self._writer.dropped:
            self._writer.gaps.append("the app repeats something that looks like a level; it is left out")
            return ""
        self._writer.examples += shown
        return "\n".join(blocks)

    def reports(self) -> str:
        """What the ball tells, the most particular frames first."""
        heard = [group for group in self._lesson.groups if group.heard and self._is_told(group)]
        heard = sorted(heard, key=lambda group: -sum(one.count for one in group.frames))
        if len(heard) > REPORTS_MOST:
            self._writer.gaps.append(f"{len(heard) - REPORTS_MOST} further kinds of reports are not described")
        ordered = sorted(heard[:REPORTS_MOST], key=lambda group: -_particular(group))
        blocks = []
        for number, group in enumerate(ordered, 1):
            name = self._report_name(group, number)
            if name in self._writer.dropped:
                self._writer.gaps.append(f"what {group.template} tells could not be said in a way that holds")
                continue
            self._heard.add(group.handle)
            lines = [f"[reports.{name}]", f"from = {inline(self._writer.roles[group.handle])}"]
            lines.append(f"frame = {group.toml()}")
            if group in self._lesson.numbered:
                lines.append("values = { level = { scale = 1 } }")
            blocks.append("\n".join(lines) + "\n")
            self._show_report(name, group)
        unknown = sorted(
            {part.name for group in ordered for part in group.slots if part.role is Role.UNKNOWN}, key=_natural
        )
        if unknown:
            self._writer.gaps.append(f"what {', '.join(unknown[:12])} in the reports means is not known")
        return "\n".join(blocks)

    def _is_told(self, group: Group) -> bool:
        attribute = self._lesson.device.attributes[group.handle]
        return attribute.uuid == BATTERY_LEVEL or any(
            attribute.heard.ways.get(way) for way in (Did.NOTIFIED, Did.INDICATED)
        )

    def _report_name(self, group: Group, number: int) -> str:
        slots = {part.name for part in group.slots}
        if slots == {"battery"} and self._writer.roles[group.handle] == "battery":
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
            self._writer.examples.append((f"report = {values_told}", _hex([one.data])))
            if len(shown) == SHOWN_MOST:
                return

    def _told(self, group: Group, data: bytes) -> dict[str, int | str] | None:
        """What a frame tells, in a profile's words; None if its level is none of those that are known."""
        told = dict(group.frame.unpack(data))
        if self._is_not_known(group, data):
            del told["battery"]
        if "level" in told and self._levels is not None and group not in self._lesson.numbered:
            level = self._level_of(told["level"])
            if level is None:
                return None
            told["level"] = level
        return told

    def _is_not_known(self, group: Group, data: bytes) -> bool:
        """Whether a report says that the battery is not known."""
        part = next((one for one in group.slots if one.role is Role.BATTERY), None)
        return part is not None and group.value(part, data) == NOT_KNOWN

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


def _sequence(burst: Sequence[Step]) -> str:
    """The number of a command, as an example says it."""
    for step in burst:
        counter = next((part for part in step.group.parts if part.role is Role.COUNTER), None)
        if counter is not None:
            return f", sequence = {step.group.value(counter, step.data)}"
    return ""


def _list(writes: Sequence[str]) -> str:
    return writes[0] if len(writes) == 1 else "[\n" + "".join(f"    {one},\n" for one in writes) + "]"


def _pauses(said: Sequence[Sequence[Step]]) -> list[str]:
    """The pause after each write of a burst, as short as it was seen; nothing after the last one."""
    if not said:
        return []
    gaps = [min(burst[number + 1].time - burst[number].time for burst in said) for number in range(len(said[0]) - 1)]
    return [*(f', pause = "{gap * 100:.0f}0ms"' if gap >= PAUSE_LEAST else "" for gap in gaps), ""]


def _hex(frames: Sequence[bytes]) -> str:
    texts = [data.hex(" ").upper() for data in frames]
    return inline(texts[0] if len(texts) == 1 else texts)


def _short(uuid: str) -> str:
    """A UUID as people write it."""
    is_short = uuid.startswith("0000") and uuid.endswith(BASE_SUFFIX)
    return uuid[4:8].upper() if is_short else uuid


def _ways(attribute: Attribute) -> list[str]:
    """How it is written: the way in which the app did first, then what its properties allow."""
    done = {Did.COMMAND: "command", Did.REQUEST: "request"}
    ways = [done[way] for way in sorted(attribute.written.ways, key=lambda one: -attribute.written.ways[one])]
    if ways and (attribute.properties or 0) & _WRITE:
        ways.append("request")
    if ways and (attribute.properties or 0) & _NO_RESPONSE:
        ways.append("command")
    return list(dict.fromkeys(ways))


def _pattern(name: str) -> str:
    """The name with a star for what differs from ball to ball, as far as one name tells."""
    stem = re.sub(r"(?<=[-_ ])[0-9A-Fa-f]{2,12}$|(?<=[A-Za-z])[0-9]{3,}$", "", name)
    is_whole = stem == name and len(stem) < GLOB_MAX
    signs = (sign if sign.isprintable() and sign not in "*?[]" else "?" for sign in stem[: GLOB_MAX - 1])
    return "".join(signs) + "*" * (not is_whole)
