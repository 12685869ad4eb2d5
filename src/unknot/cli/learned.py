"""What ``profile learn --json`` prints; used by `unknot.cli.learn`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unknot.cli.words import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unknot.learning.forms import Group
    from unknot.learning.gatt import Attribute, Device
    from unknot.learning.lesson import Lesson
    from unknot.learning.trial import Trial

SAMPLES = 3
"""Frames of each group that are shown with their time."""

PROPERTIES = {0x02: "read", 0x04: "write without response", 0x08: "write", 0x10: "notify", 0x20: "indicate"}
"""The bits of a characteristic's properties, in words."""


def document(lesson: Lesson, result: Trial, alike: Sequence[str]) -> dict[str, Any]:
    """The same for programs, with the ids of the profiles that say all of it already."""
    recording, device, known = lesson.recording, lesson.device, lesson.levels
    return {
        "file": str(recording.file),
        "packets": recording.packets,
        "seconds": round(recording.seconds, 3),
        "broken_at": recording.flaws.broken_at,
        "cut": recording.flaws.cut,
        "devices": [
            {"name": title(one), "address": one.address, "writes": one.writes, "reports": heard(one),
             "chosen": one is device}
            for one in recording.meeting.devices.values() if one.connected
        ],
        "characteristics": [
            {"name": role, **_characteristic(lesson, device.attributes[handle])}
            for handle, role in result.draft.roles.items()
        ],
        "levels": None if known is None else {
            "frame": known.group.template, "highest": known.highest, "wire": known.wires, "guesses": known.guesses,
            "stop": [step.data.hex() for step in known.stop],
        },
        "reproduced": {
            what: {"done": count.done, "all": count.all, "others": [data.hex() for _, data in count.others]}
            for what, count in (("writes", result.writes), ("reports", result.reports))
        },
        "profiles": list(alike),
        "missing": result.why,
        "draft": result.draft.text,
    }  # fmt: skip


def _characteristic(lesson: Lesson, attribute: Attribute) -> dict[str, Any]:
    return {
        "handle": attribute.handle,
        "service": attribute.service or None,
        "characteristic": attribute.uuid or None,
        "properties": None
        if attribute.properties is None
        else [word for bit, word in PROPERTIES.items() if attribute.properties & bit],
        "groups": [
            {"heard": group.heard, "frame": group.template, "count": sum(one.count for one in group.frames),
             "different": len(group.frames), "every": group.period,
             "parts": [{"at": part.at, "bytes": len(part.content), "is": part.role.value, "name": part.name or None,
                        "check": part.seal or None, "proved_by": part.evidence or None} for part in group.parts],
             "samples": [{"at": round(lesson.clock(time), 3), "bytes": data.hex()}
                         for time, data in samples(lesson, group)]}
            for group in lesson.groups if group.handle == attribute.handle
        ],
    }  # fmt: skip


def title(device: Device) -> str:
    """What a device is called, harmless to a terminal."""
    from unknot.learning.lesson import shown_name

    return printable(shown_name(device)) or "(no name)"


def heard(device: Device) -> int:
    """How many values came from it."""
    return sum(one.heard.count for one in device.attributes.values())


def samples(lesson: Lesson, group: Group) -> list[tuple[float, bytes]]:
    """The first different frames of a group, with their time (s)."""
    own = {one.data for one in group.frames}
    said: Sequence[Any] = lesson.told.get(group.handle, ()) if group.heard else lesson.said
    found: dict[bytes, float] = {}
    for one in said:
        if one.data in own and one.data not in found and (group.heard or one.group is group):
            found[one.data] = one.time
            if len(found) == SAMPLES:
                break
    return [(time, data) for data, time in found.items()]
