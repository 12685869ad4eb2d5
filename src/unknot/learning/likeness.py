"""Whether a recorded ball speaks as a profile already says; used by ``unknot profile learn``, which then says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unknot.learning.forms import reproduces
from unknot.learning.gatt import Did
from unknot.learning.lesson import values
from unknot.profiles import vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from unknot.learning.gatt import Attribute
    from unknot.learning.lesson import Lesson
    from unknot.profiles.frames.keyed import AnyFrame
    from unknot.profiles.model import FirmwareProfile, Kind


@dataclass(frozen=True, slots=True)
class Alike:
    """A profile that writes all that the app wrote.

    Attributes:
        id: the profile's.
        kind: what its device does.
        heard: how many of the different notifications it reads.
    """

    id: str
    kind: Kind
    heard: int


def alike(lesson: Lesson, profiles: Iterable[FirmwareProfile]) -> list[Alike]:
    """The profiles that can say every frame of the app on its own characteristic, those that read most reports first.

    A recording that does not name its characteristics is like none: bytes alone are too short to tell.
    """
    written = [one for one in values(lesson.device) if one.written.count]
    if lesson.levels is None or not all(one.uuid for one in written):
        return []
    found = []
    for profile in profiles:
        said = [line for lines in vocabulary.said(profile).values() for line in lines]
        frames = [(profile.gatt[line.to].characteristic, line.frame) for line in said]
        if all(_are_known(one, [said.data for said in one.written.frames if said.data], frames) for one in written):
            arrivals = [(profile.gatt[one.source].characteristic, one.frame) for one in vocabulary.heard(profile)]
            heard = sum(
                _are_known(one, [data], arrivals) for one in values(lesson.device) for data in _notified(lesson, one)
            )
            found.append(Alike(profile.id, profile.kind, heard))
    return sorted(found, key=lambda one: (-one.heard, one.id))


def _notified(lesson: Lesson, attribute: Attribute) -> list[bytes]:
    if not attribute.heard.ways.keys() & {Did.NOTIFIED, Did.INDICATED}:
        return []
    return list(dict.fromkeys(one.data for one in lesson.told.get(attribute.handle, ())))


def _are_known(
    attribute: Attribute, frames: Sequence[bytes], known: Sequence[tuple[tuple[str, ...], AnyFrame]]
) -> bool:
    """Whether each frame is one of those that are known on this characteristic."""
    own = [frame for uuids, frame in known if attribute.uuid in uuids]
    return all(any(reproduces(frame, data) for frame in own) for data in frames)
