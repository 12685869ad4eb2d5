"""The limits that every protocol and every caller is held to; files and callers may only lower them.

All of them live here and nowhere else. Used by the compiler of timelines, by free vibration, and by the ledger that
holds a day to them. "Judgement" marks what no source gives. None of these figures is medical advice.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from unknot.errors import CodecMissing, LimitExceeded, Unsuitable
from unknot.profiles import plugins
from unknot.profiles.model import Kind

if TYPE_CHECKING:
    from unknot.profiles.model import FirmwareProfile

LEVEL_EPSILON = 1e-9
"""Slack for float arithmetic in comparisons of times (s) and intensities (%)."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One figure with its unit and where it comes from."""

    name: str
    value: float
    unit: str
    source: str

    def refuse_above(self, found: float) -> None:
        """Raise `LimitExceeded` if ``found`` is larger, or no number at all."""
        if not found <= self.value + LEVEL_EPSILON:
            raise self.exceeded(found)

    def refuse_below(self, found: float) -> None:
        """Raise `LimitExceeded` if ``found`` is smaller, or no number at all."""
        if not found >= self.value - LEVEL_EPSILON:
            raise self.exceeded(found)

    def exceeded(self, found: float, *, advice: str = "") -> LimitExceeded:
        """The refusal of ``found``, with what the person can do if something can be done."""
        return LimitExceeded(self.name, round(found, 2), round(self.value, 2), self.unit, self.source, advice=advice)


class Ceiling(StrEnum):
    """How strong a muscle may be vibrated at most."""

    NONE = "none"
    GENTLE = "gentle"
    MODERATE = "moderate"
    STRONG = "strong"

    @property
    def percent(self) -> float:
        """The strongest intensity in %: a third, two thirds, or all of the motor's range."""
        return _CEILINGS[self].value

    @property
    def limit(self) -> Limit:
        """The ceiling as a limit with its source."""
        return _CEILINGS[self]


_CLASS = "clinicians choose low and medium speed: Cheatham 2021 survey of 425; thirds of the range are judgement"

_CEILINGS = {
    Ceiling.NONE: Limit(
        "the ceiling of a muscle that is never vibrated", 0.0, "%", "published injuries above the neck: Mu and Fan 2022"
    ),
    Ceiling.GENTLE: Limit("the ceiling 'gentle'", 100 / 3, "%", _CLASS),
    Ceiling.MODERATE: Limit("the ceiling 'moderate'", 200 / 3, "%", _CLASS),
    Ceiling.STRONG: Limit("the ceiling 'strong'", 100.0, "%", _CLASS),
}

SPOT = Limit("the longest vibration of one spot", 120.0, "s", "30 to 120 s a set: Behm 2020")
PASSES = Limit("the limit for one spot", 3.0, "passes", "one to three passes were tried: upper trapezius, n = 79, 2025")
SPOTS = Limit(
    "the limit for one muscle side",
    4.0,
    "spots",
    "judgement: twice what a maker's manual calls enough, a few minutes on one or two points",
)
SIDE = Limit("the longest vibration of one muscle side", 300.0, "s", "3 to 5 min: Cheatham 2021 survey")
SESSION = Limit("the longest vibration in one session", 900.0, "s", "15 min: a maker's FAQ; NCT02393521")
REST = Limit("the shortest rest between spots", 5.0, "s", "judgement; trials rested 20 to 30 s")
FREE = Limit("the longest free vibration", 60.0, "s", "judgement: bounded where no muscle sets a limit")
MISSED_TICK = Limit("the longest that the program may be held up", 1.0, "s", "judgement: one deadline of a write")
LEFT_ALONE_SECONDS = 2.0
"""A motor is off that long after its controller was killed, where the link still stands (judgement: before a person has
found out what is wrong)."""

FREE_CEILING = Ceiling.GENTLE
FREE_INTENSITY = Limit(
    "the strongest free vibration",
    FREE_CEILING.percent,
    "%",
    "judgement: gentle where no muscle sets a ceiling; a short time may ask for more, since it does not get there",
)

DAY_HOURS = 24
"""A day is the last 24 hours, not the calendar's, so that midnight makes nobody fresh."""
DAY = Limit("the longest vibration in 24 hours", 3 * SESSION.value, "s", "three times 15 min a day: a maker's FAQ")
AGAIN = Limit("the limit for one muscle side in 24 hours", 3.0, "sessions", "at most three uses a day: a maker's FAQ")
COUNTED_SECONDS = 10.0
"""A session in which the motor ran for less (s) was broken off while it eased in, and is not counted as one of
`AGAIN` (judgement); its seconds count."""

ADVISED_DAY = Limit("the advice for 24 hours", 1200.0, "s", "judgement")
ADVISED_AGAIN = Limit("the advice for one muscle side in 24 hours", 1.0, "session", "once a day: NCT02393521")
ADVISED_GAP = Limit("the advice between two sessions of one muscle side", 4.0, "h", "judgement")
"""Advice is told and never refused."""

RAMP_PERCENT_PER_SECOND = 10.0
RAMP_SECONDS_PER_LEVEL = 3.0
"""Upwards at most 10 % of the range a second, or one level per 3 s where levels are few (judgement, after the advice of
several sources to begin light); downwards at once."""


def seconds_per_level(levels: int) -> float:
    """The least time in s between two steps upwards on a motor of that many levels."""
    return min(RAMP_SECONDS_PER_LEVEL, 100 / levels / RAMP_PERCENT_PER_SECOND)


def highest_level(ceiling: Ceiling, levels: int) -> int:
    """The highest level within the ceiling on a motor of that many levels.

    Raises:
        LimitExceeded: even the lowest level is above the ceiling.
    """
    highest = int(ceiling.percent * levels / 100 + LEVEL_EPSILON)
    if highest == 0 and ceiling is not Ceiling.NONE:
        ceiling.limit.refuse_above(100 / levels)
    return highest


def level_for(intensity: float, levels: int, ceiling: Ceiling) -> int:
    """The level that comes nearest to an intensity (%) without passing the ceiling; at least 1 for any above 0.

    Raises:
        LimitExceeded: the intensity is above the ceiling, or the ceiling is below the lowest level.
    """
    ceiling.limit.refuse_above(intensity)
    if intensity <= 0:
        return 0
    if ceiling is Ceiling.NONE:
        raise ceiling.limit.exceeded(intensity)  # however little: any level is more than none
    return min(max(1, int(intensity * levels / 100 + 0.5 + LEVEL_EPSILON)), highest_level(ceiling, levels))


def refuse_unsuitable(profile: FirmwareProfile) -> None:
    """Refuse a device that no massage may drive.

    Raises:
        Unsuitable: it sends electricity through the skin; or it speaks through a codec plug-in that is not there, or
            with which nobody else could stop it if this program died, and does not stop by itself.
    """
    if profile.kind is Kind.STIMULATOR:
        raise Unsuitable(
            f"refused: {profile.id} describes a stimulator ({profile.name}), which sends electricity through the skin; "
            "no massage protocol drives one. It is described so that its frames can be read; use the maker's app"
        )
    if profile.codec is not None and not plugins.is_installed(profile.codec):
        raise CodecMissing(profile.codec, "it is not installed")
    within = profile.safety.stops_within
    if profile.codec is not None and (within is None or within > LEFT_ALONE_SECONDS):
        raise Unsuitable(
            f"refused: {profile.id} speaks through the codec plug-in {profile.codec!r}, so nobody else could stop the "
            "ball if this program died, and its profile does not say that it stops by itself within "
            f'{LEFT_ALONE_SECONDS:g} s (safety.lease or safety.stops_on_disconnect = "yes")'
        )
