"""Whether the parts of a profile fit together: names, slots, levels; used by `unknot.profiles.model` on every file.

Each check raises `unknot.datafile.Misfit` with the key to mend.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from unknot.datafile import Misfit, StrayKey
from unknot.profiles.conversions import Conversion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from unknot.profiles.model import FirmwareProfile
    from unknot.profiles.phrases import Report, Write

STOP_MOST = 2.0
"""Seconds that the gaps and pauses of a stop may take: as long as a motor may run on without a controller."""

OURS = frozenset({"level", "lease", "sequence", "running"})
"""The slots of a command that unknot fills by itself."""

_OWN_SLOTS = {"set_level": OURS, "start": OURS}


def prove(profile: FirmwareProfile) -> None:
    """Run every check.

    Raises:
        Misfit: the first one that fails.
    """
    _characteristics_are_there(profile)
    _reports_are_there(profile)
    _slots_are_filled(profile)
    _values_are_carried(profile)
    _level_can_be_reached(profile)
    _stop_is_absolute(profile)
    _commands_are_quick(profile)
    _levels_can_be_told_apart(profile)


def writes(profile: FirmwareProfile) -> Iterator[tuple[str, Write]]:
    """Everything that is ever written, with its key."""
    for name, said in profile.commands.items():
        for number, write in enumerate(said):
            yield f"commands.{name}" if len(said) == 1 else f"commands.{name}.{number}", write
    for number, step in enumerate(profile.init):
        if step.write is not None:
            yield f"init.{number}.write", step.write
    for number, kept in enumerate(profile.keep_alive):
        yield f"keep_alive.{number}.write", kept.write


def arrivals(profile: FirmwareProfile) -> Iterator[tuple[str, Report]]:
    """Everything that ever arrives, with its key."""
    for name, report in profile.reports.items():
        yield f"reports.{name}", report
    for name, refusal in profile.refusals.items():
        yield f"refusals.{name}", refusal


def _known(key: str, name: str, known: Iterable[str], what: str) -> None:
    if name not in known:
        raise Misfit(key, repr(name), " or ".join(known) or what)


def _characteristics_are_there(profile: FirmwareProfile) -> None:
    roles = profile.gatt
    written = [(key, write.to) for key, write in writes(profile)]
    heard = [(key, report.source) for key, report in arrivals(profile)]
    if profile.variant is not None and profile.variant.ask is not None and profile.variant.reply is not None:
        written.append(("variant.ask", profile.variant.ask.to))
        heard.append(("variant.reply", profile.variant.reply.source))
    for key, role in written:
        _known(f"{key}.to", role, roles, "a characteristic in [gatt]")
        if not roles[role].write:
            raise Misfit(f"gatt.{role}.write", "nothing", '"request", "command" or a list of both')
    for key, role in heard:
        _known(f"{key}.from", role, roles, "a characteristic in [gatt]")
        if not (roles[role].is_heard or roles[role].is_read):
            raise Misfit(f"gatt.{role}", "neither notify nor read", "notify, indicate or read = true")
    _ways_to_write_are_there(profile)
    _dialogue_is_with_characteristics(profile)


def _ways_to_write_are_there(profile: FirmwareProfile) -> None:
    for key, write in writes(profile):
        kinds = profile.gatt[write.to].write
        if write.write is not None and write.write not in kinds:
            raise Misfit(f"{key}.write", f'"{write.write}"', " or ".join(f'"{kind}"' for kind in kinds))


def _dialogue_is_with_characteristics(profile: FirmwareProfile) -> None:
    roles = profile.gatt
    for number, step in enumerate(profile.init):
        for deed in ("subscribe", "read"):
            role = getattr(step, deed)
            if role is None:
                continue
            _known(f"init.{number}.{deed}", role, roles, "a characteristic in [gatt]")
            if deed == "subscribe" and not roles[role].is_heard:
                raise Misfit(f"gatt.{role}", "neither notify nor indicate", "notify or indicate = true")
            if deed == "read" and not roles[role].is_read:
                raise Misfit(f"gatt.{role}.read", "nothing", "read = true")


def _reports_are_there(profile: FirmwareProfile) -> None:
    reports = profile.reports
    wanted = [(f"{key}.answer", write.answer) for key, write in writes(profile)]
    wanted += [(f"init.{number}.expect", step.expect) for number, step in enumerate(profile.init)]
    wanted += [(f"keep_alive.{number}.when", kept.when) for number, kept in enumerate(profile.keep_alive)]
    wanted += [(f"settings.{name}.from", setting.source) for name, setting in profile.settings.items()]
    for key, name in wanted:
        if name is not None:
            _known(key, name, reports, "a report in [reports]")
    for name, setting in profile.settings.items():
        if setting.source is not None and name not in reports[setting.source].frame.slots:
            raise Misfit(f"settings.{name}.from", repr(setting.source), f"a report with a slot {name!r}")
    for number, step in enumerate(profile.init):
        if step.expect is not None:
            slots = reports[step.expect].frame.slots
            if strange := set(step.values) - set(slots):
                expected = " or ".join(slots) or f"no is: {step.expect} has no slots"
                raise StrayKey(f"init.{number}.is.{min(strange)}", f"a slot that {step.expect} has not", expected)
    if twice := set(reports) & set(profile.refusals):
        raise Misfit(f"refusals.{min(twice)}", "the name of a report", "a name of its own")


def _slots_are_filled(profile: FirmwareProfile) -> None:
    for key, write in writes(profile):
        section, name = key.split(".")[:2]
        known = {"sequence", *profile.settings, *write.each}
        known |= _OWN_SLOTS.get(name, frozenset({"running"}))
        if section == "keep_alive":
            kept = profile.keep_alive[int(name)]
            known |= OURS if kept.when is None else OURS | set(profile.reports[kept.when].frame.slots)
        computed = {name for name, one in profile.values.items() if (one.any or one.all) and set(one.needs) <= known}
        if ours := set(write.each) & OURS:
            raise Misfit(f"{key}.each", f"the slot {min(ours)!r}", "a slot that unknot does not fill by itself")
        if strange := set(write.frame.slots) - known - computed:
            raise _unfilled(f"{key}.frame", min(strange), sorted(known | computed))
        if "lease" in write.frame.slots and profile.safety.lease is None:
            raise Misfit("safety.lease", "nothing", "a duration, because a frame has a {lease:…} to fill")


def _unfilled(key: str, slot: str, known: list[str]) -> Misfit:
    """The error for a slot of a written frame that nothing fills."""
    expected = f"no slots but {', '.join(known)}, or a value for {slot} in [settings]"

    def where(template: str) -> tuple[int, int] | None:
        found = re.search(rf"(?<![a-z0-9_]){slot}(?![a-z0-9_])", template)
        return None if found is None else (found.start(), len(slot))

    return Misfit(key, f"a slot {slot!r}", expected, right=known, where=where)


def _values_are_carried(profile: FirmwareProfile) -> None:
    carried = {slot for _, write in writes(profile) for slot in write.frame.slots}
    carried |= {slot for _, report in arrivals(profile) for slot in report.frame.slots}
    if profile.variant is not None and profile.variant.reply is not None and profile.variant.reply.frame is not None:
        carried |= set(profile.variant.reply.frame.slots)
    if idle := set(profile.values) - carried:
        raise StrayKey(f"values.{min(idle)}", "a value that no frame has", " or ".join(sorted(carried)) or "none")
    needed = {slot for one in profile.values.values() for slot in one.needs}
    if idle := set(profile.settings) - carried - needed:
        raise StrayKey(f"settings.{min(idle)}", "a setting that no frame has", " or ".join(sorted(carried)) or "none")
    if clash := set(profile.settings) & OURS:
        raise Misfit(f"settings.{min(clash)}", "a slot that unknot fills by itself", "another name")


def _level_can_be_reached(profile: FirmwareProfile) -> None:
    commands, steps = profile.commands, profile.commands.steps
    if commands.set_level is not None:
        if steps:
            raise Misfit(f"commands.{steps[0]}", "a relative command beside set_level", "the one or the other")
        if not any("level" in write.frame.slots for write in commands.set_level):
            raise Misfit("commands.set_level", "no slot for the level", "a frame with {level:…}")
        return
    if not steps:
        raise Misfit("commands.set_level", "nothing", "set_level, or the relative commands up and down, next or toggle")
    if not set(steps) & {"up", "next"} and profile.motor.levels > 1:
        raise Misfit("commands.up", "nothing", f"up or next, to reach the levels 1 to {profile.motor.levels}")
    told = {
        slot
        for report in profile.reports.values()
        if profile.gatt[report.source].is_heard or profile.gatt[report.source].poll is not None
        for slot in report.frame.slots
    }
    if "level" not in told and not (profile.motor.levels == 1 and "running" in told):
        raise Misfit(
            "reports",
            "none that tells the level by itself",
            "a report with {level:…} that is notified, indicated or polled: a step is taken until the ball says so",
        )


def _stop_is_absolute(profile: FirmwareProfile) -> None:
    stop = profile.commands.stop
    said = {(write.to, write.frame.template) for write in stop}
    for name in ("toggle", "next"):
        relative = getattr(profile.commands, name)
        if relative is not None and said & {(write.to, write.frame.template) for write in relative}:
            raise Misfit(
                "commands.stop", f"what {name} writes", "a stop that may arrive twice, and does not start the motor"
            )
    for write in stop:
        if write.answer is not None:
            raise Misfit("commands.stop.answer", repr(write.answer), "nothing: a stop does not wait")
        slots = {*write.frame.slots, *(need for slot in write.frame.slots for need in _needs(profile, slot))}
        for slot in sorted(slots & set(profile.settings)):
            if profile.settings[slot].value is None:
                raise Misfit(
                    f"settings.{slot}.value", "nothing", "a value, because a stop must be writable at any time"
                )


def _commands_are_quick(profile: FirmwareProfile) -> None:
    """Nobody waits long for a stop, and a level is said before half of its lease is over."""
    spacing, lease = profile.safety.spacing, profile.safety.lease
    bounds = {"stop": STOP_MOST, "set_level": lease / 2 if lease is not None else math.inf}
    for name, said in profile.commands.items():
        seconds = sum(write.longest + spacing * write.count for write in said) - spacing
        if seconds > bounds.get(name, math.inf) + 1e-9:
            what = "for a stop" if name == "stop" else "half of the lease"
            raise Misfit(f"commands.{name}", f"{seconds:g} s of gaps and pauses", f"at most {bounds[name]:g} s, {what}")


def _needs(profile: FirmwareProfile, slot: str) -> tuple[str, ...]:
    conversion = profile.values.get(slot)
    return () if conversion is None else conversion.needs


def _levels_can_be_told_apart(profile: FirmwareProfile) -> None:
    """Every level can be written, no two look the same on the wire, and each reads back as itself."""
    levels = profile.motor.levels
    conversion = profile.values.get("level") or Conversion()
    if conversion.table and len(conversion.table) != levels + 1:
        raise Misfit(
            "values.level.table", f"{len(conversion.table)} entries", f"{levels + 1}, for the levels 0 to {levels}"
        )
    strengths = [entry for entry in conversion.table[1:] if isinstance(entry, int)]
    if strengths not in (sorted(strengths), sorted(strengths, reverse=True)) and not conversion.codes:
        raise Misfit(
            "values.level.table",
            "integers that neither rise nor fall",
            "rising or falling strengths; if they are codes and no strengths, codes = true beside the table",
        )
    settings = {name: one.value for name, one in profile.settings.items() if one.value is not None}
    if any(need not in settings for need in conversion.needs):
        return  # what is captured or told later decides; the examples prove what they show
    # A slot that decides about another one has the same number as value and on the wire.
    wires = {name: round(value) for name, value in settings.items() if not isinstance(value, str)}
    # On a line that rises by one or more at each level, what holds for the first and the last holds between them.
    is_plain = conversion.kind == "line" and conversion.scale >= 1 and not conversion.none
    for level in sorted({1, levels}) if is_plain else range(1, levels + 1):
        try:
            read = conversion.from_wire(conversion.to_wire(level, settings), wires)
        except ValueError as cause:
            raise Misfit("values.level", f"level {level}, which has no value on the wire", str(cause)) from cause
        if not isinstance(read, int | float) or round(read) != level:
            raise Misfit("values.level", f"level {level}, which reads back as {read}", "a value of its own per level")
