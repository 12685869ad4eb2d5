"""What a profile leaves open about a motor that runs on, and what follows from it; for ``profile check``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from unknot.errors import UnknotError
from unknot.profiles import vocabulary
from unknot.profiles.codec import Codec
from unknot.profiles.model import Kind
from unknot.profiles.speech import SetLevel

if TYPE_CHECKING:
    from unknot.profiles.model import FirmwareProfile

LONG = 5.0
"""A lease of more seconds is long (judgement: it is renewed at its half, and after a lost link nothing but its end
stops the motor)."""

_SHORTER = (2, 3, 5, 10, 20, 30, 60)
"""The leases, in whole seconds, of which the first that the frames can say is suggested."""


def notes(profile: FirmwareProfile) -> tuple[str, ...]:
    """What should be chosen otherwise or found out, a sentence each; none for what no massage may drive.

    Raises:
        CodecMissing: the profile needs a codec plug-in that is not there.
    """
    found = []
    if profile.kind is not Kind.STIMULATOR:
        found = [_long_lease(profile), _nobody_knows(profile)]
    return tuple(note for note in found if note)


def _long_lease(profile: FirmwareProfile) -> str:
    """A lease that the file chooses, because commands carry it, and that is too long for a lost link."""
    safety = profile.safety
    lease = safety.lease
    if lease is None or lease <= LONG or safety.stops_on_disconnect == "yes":
        return ""
    book = vocabulary.said(profile)
    lines = (*book.get("start", ()), *book.get("set_level", ()))
    if not any("lease" in line.frame.slots for line in lines):
        return ""
    shorter = next((one for one in _SHORTER if one < lease and _can_be_said(profile, one)), None)
    advice = "the frames can say no shorter one" if shorter is None else f"choose a shorter one, such as {shorter}s"
    return f"safety.lease is long: after a lost link the motor goes on for up to {lease:g} s; {advice}"


def _can_be_said(profile: FirmwareProfile, lease: float) -> bool:
    """Whether a level can carry this lease (s), and the ball reads the same."""
    codec = Codec(profile)
    codec.rehearse()
    reader = codec.reader()
    read = []
    try:
        for write in codec.begin(SetLevel(1, lease, profile.sequence.first)):
            reader.feed(write.to, write.data)
            read.append(reader.values.get("lease"))
    except UnknotError:
        return False
    told = [one for one in read if isinstance(one, int | float)]
    return bool(told) and all(math.isclose(one, lease) for one in told)


def _nobody_knows(profile: FirmwareProfile) -> str:
    safety = profile.safety
    if safety.lease is not None or safety.stops_on_disconnect != "unknown":
        return ""
    follows = (
        "whoever lies on the ball is told to press its own button"
        if profile.codec is None
        else "no massage may use a ball that speaks through a codec plug-in"
    )
    return (
        "stops_on_disconnect is unknown and there is no lease: the motor is taken to go on after a lost link, and "
        f"{follows}; try it out, and say yes or no"
    )
