"""What a recording teaches about one device: groups of frames, levels, reports; for the draft and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unknot.errors import CaptureError
from unknot.learning import alignment, assembling, capture, levels, reports, wording
from unknot.learning.forms import Group, Role
from unknot.learning.gatt import SUBSCRIPTION, Attribute, Device, Did, Meeting, Said
from unknot.learning.hci import Listener
from unknot.learning.levels import Levels
from unknot.learning.packets import Flaws
from unknot.learning.reports import Heard
from unknot.learning.steps import Step, find_steady, steps

SPLIT_MOST = 8
"""Frames of one form that are taken for so many different messages, if they carry no level (judgement)."""


@dataclass(slots=True)
class Recording:
    """What was read from a file.

    Attributes:
        file: the file.
        meeting: the devices that were met.
        packets: how many packets it has.
        seconds: how long it lasts.
        began: the recorder's clock at its begin (s).
        flaws: what is wrong with it.
    """

    file: Path
    meeting: Meeting
    packets: int
    seconds: float
    began: float
    flaws: Flaws


@dataclass(slots=True)
class Lesson:
    """What is known about one device.

    Attributes:
        recording: where it was learned.
        device: the device.
        groups: the groups of frames of each characteristic and direction.
        said: all writes in order.
        levels: what the levels are, or None.
        steady: what is written at a steady pace, with its period (s).
        told: what each characteristic told, in order, put together where it came in pieces.
        ends: the bytes that end frames that come in pieces, by handle.
        numbered: the groups that tell a level by its number while commands have a code.
    """

    recording: Recording
    device: Device
    groups: list[Group]
    said: list[Step]
    levels: Levels | None
    steady: dict[tuple[int, object], float]
    told: dict[int, list[Heard]]
    ends: dict[int, bytes] = field(default_factory=dict)
    numbered: list[Group] = field(default_factory=list)

    def clock(self, time: float) -> float:
        """Seconds since the recording began."""
        return time - self.recording.began


def record(file: Path) -> Recording:
    """Read a recording.

    Raises:
        CaptureError: it cannot be read, or has no packets.
    """
    meeting = Meeting()
    listener = Listener(meeting)
    with capture.opened(file) as (packets, flaws):
        listener.listen(packets)
    if not listener.packets:
        if flaws.broken_at is not None:
            found = f"{flaws.why} at byte {flaws.broken_at}, and no whole packet before it"
        elif flaws.cut:
            found = f"{flaws.cut} packets, each of them cut short"
        else:
            found = "a recording without any packet"
        raise CaptureError(file, found, "a recording of the maker's app at work")
    for device in meeting.devices.values():
        device.settle()
    began = listener.began or 0.0
    return Recording(file, meeting, listener.packets, listener.ended - began, began, flaws)


def choose(recording: Recording, wanted: str) -> Device:
    """The device that is meant by a name or an address, or the one that most was written to.

    Raises:
        CaptureError: there is none.
    """
    connected = [one for one in recording.meeting.devices.values() if one.connected]
    if wanted:
        fitting = [
            one for one in connected if wanted.casefold() in (one.address.casefold(), shown_name(one).casefold())
        ]
        if not fitting:
            there = ", ".join(shown_name(one) or one.address for one in connected[:8]) or "none"
            raise CaptureError(recording.file, f"no connection to {wanted}", f"one of those that are recorded: {there}")
        return max(fitting, key=lambda one: one.writes)
    if not connected:
        raise CaptureError(
            recording.file,
            f"{recording.packets} packets, and no connection with a Bluetooth LE device among them",
            "a recording of the maker's app driving the ball, begun before the app connects",
        )
    return max(connected, key=lambda one: (one.writes, sum(each.heard.count for each in one.attributes.values())))


def shown_name(device: Device) -> str:
    """What a device is called."""
    return device.name or device.about.get("name", "")


def learn(recording: Recording, device: Device, given: Sequence[int] = ()) -> Lesson:
    """Learn what can be learned about a device.

    Args:
        recording: the recording.
        device: one of its devices.
        given: the levels in the order in which the person stepped through them, or none.

    Raises:
        UsageError: nothing in the recording follows the order that is given.
    """
    groups = [group for attribute in values(device) for group in _written(device, attribute)]
    said = steps(device, groups)
    known = levels.find(groups, said, given)
    if known is not None:
        old = known.part.name
        for part in known.group.parts:
            if part.name == old:
                part.role, part.name = Role.LEVEL, "level"
    asked = reports.Asked(known, said)
    told, ends = _told(device)
    for handle, frames in told.items():
        groups += _heard(device.attributes[handle], frames, asked, is_joined=handle in ends)
    groups, said = _apart(device, groups, known)
    steady = find_steady(said, known.group if known is not None else None)
    asked = reports.Asked(known, said)
    lesson = Lesson(recording, device, groups, said, known, steady, told, ends)
    for group in groups:
        if group.heard:
            uuid = device.attributes[group.handle].uuid
            if reports.name_slots(group, uuid, told[group.handle], asked):
                lesson.numbered.append(group)
        else:
            one = next((step for step in said if step.group is group), None)
            group.period = steady.get(one.meaning) if one is not None else None
    return lesson


def _told(device: Device) -> tuple[dict[int, list[Heard]], dict[int, bytes]]:
    """What each characteristic told, put together where it came in pieces; and what ends the frames of those."""
    told: dict[int, list[Heard]] = {}
    ends: dict[int, bytes] = {}
    for attribute in values(device):
        if attribute.heard.count:
            frames = reports.heard(device, attribute.handle)
            end = assembling.end_of(frames)
            if end is not None:
                ends[attribute.handle] = end
                frames = assembling.joined(frames, end)
            told[attribute.handle] = frames
    return told, ends


def values(device: Device) -> list[Attribute]:
    """The attributes over which something was said, by handle."""
    return sorted(
        (
            one
            for one in device.attributes.values()
            if one.uuid != SUBSCRIPTION and (one.written.count or one.heard.count)
        ),
        key=lambda one: one.handle,
    )


def _written(device: Device, attribute: Attribute) -> list[Group]:
    frames = [one for one in attribute.written.frames if one.data]
    if not frames:
        return []
    if wording.is_text(frames):
        return wording.groups(attribute.handle, frames, heard=False)
    said = [
        attribute.written.frames[number].data
        for _, handle, did, number in device.moments
        if handle == attribute.handle and Did(did).is_write
    ]
    return alignment.groups(attribute.handle, frames, [data for data in said if data], heard=False)


def _heard(attribute: Attribute, told: Sequence[Heard], asked: reports.Asked, *, is_joined: bool) -> list[Group]:
    if is_joined:
        counts: dict[bytes, Said] = {}
        for one in told:
            counts.setdefault(one.data, Said(one.data)).count += 1
        frames = list(counts.values())
    else:
        frames = [one for one in attribute.heard.frames if one.data]
    if not frames:
        return []
    if wording.is_text(frames):
        return wording.groups(attribute.handle, frames, heard=True)

    def follows(length: int, at: int) -> bool:
        return asked.is_followed([(one.time, one.data[at]) for one in told if len(one.data) == length])

    said = [one.data for one in told if one.data]
    return alignment.groups(attribute.handle, frames, said, heard=True, follows=follows)


def _apart(device: Device, groups: list[Group], known: Levels | None) -> tuple[list[Group], list[Step]]:
    """Written frames that carry no level, and are few, are so many messages; and the writes with their new groups."""
    result: list[Group] = []
    for group in groups:
        is_single = group.heard or (known is not None and group is known.group) or group.is_constant
        if is_single or len(group.frames) > SPLIT_MOST:
            result.append(group)
            continue
        for frame in group.frames:
            if any(part.is_text for part in group.parts) or group.table is not None:
                result += wording.groups(group.handle, [frame], heard=False)
            else:
                result += alignment.groups(group.handle, [frame], [], heard=False)
    said = steps(device, result)
    if known is not None:
        known.before, known.after, known.stop = (_again(part, said) for part in (known.before, known.after, known.stop))
        known.shown = {level: _again(burst, said) for level, burst in known.shown.items()}
    return result, said


def _again(part: Sequence[Step], said: Sequence[Step]) -> list[Step]:
    """The same writes with their new groups."""
    # Several may be written at the same moment, and the same bytes to two characteristics.
    places = {(one.time, one.group.handle, one.data): one for one in said}
    return [places[step.time, step.group.handle, step.data] for step in part]
