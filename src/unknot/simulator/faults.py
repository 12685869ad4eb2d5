"""What can go wrong with a simulated ball, as data: faults, plans of them, and the files and seeds they come from.

Used by `unknot.simulator.injection`, which makes a plan happen, and by ``unknot run --simulate --faults``.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from unknot import datafile
from unknot.errors import FaultFileError


class FaultKind(StrEnum):
    """What goes wrong, named after what happens."""

    LINK_DROPS = "link-drops"
    """The link is lost, and the ball is out of reach for ``seconds``."""
    WRITE_LOST = "write-lost"
    """A write never reaches the ball; a request is never answered."""
    WRITE_LATE = "write-late"
    """A write arrives ``seconds`` late, and all that is written behind it does not arrive before it."""
    WRITE_REFUSED = "write-refused"
    """A request is answered with the ATT error ``code``; a command is dropped in silence."""
    WRITE_HANGS = "write-hangs"
    """A request is obeyed and never answered. A command has no answer, so this never hits one."""
    NOTIFICATION_LOST = "notification-lost"
    NOTIFICATION_DUPLICATED = "notification-duplicated"
    NOTIFICATION_REORDERED = "notification-reordered"
    """A notification comes after the next one, or late if none comes."""
    NOTIFICATION_TRUNCATED = "notification-truncated"
    """A notification lacks bytes at its end."""
    NOTIFICATION_GARBLED = "notification-garbled"
    """A notification has one wrong byte."""
    IGNORES_WRITES_WHILE_OFF = "ignores-writes-while-off"
    """For ``seconds`` the ball acknowledges levels while its motor is off, and does nothing."""
    BUTTON_PRESSED = "button-pressed"
    BATTERY_DIES = "battery-dies"
    """The battery is empty: the motor stops and does not start again; the radio lives on its reserve."""
    OVERHEATS = "overheats"
    """The ball's own protection switches the motor off, and keeps it off until it has cooled down after ``seconds``."""
    REBOOTS = "reboots"
    """The motor is off, the link is lost, the ball is silent for ``seconds`` and advertises again."""
    RETURNS_UNDER_NEW_ADDRESS = "returns-under-new-address"
    """The link is lost, and the ball advertises under another address from then on."""
    CONNECTING_FAILS = "connecting-fails"
    ADAPTER_VANISHES = "adapter-vanishes"
    """Nothing of Bluetooth works for ``seconds``; every link is lost."""
    ADVERTISEMENT_GOES_STALE = "advertisement-goes-stale"
    """The link is lost, and what an earlier scan found cannot be connected to until a scan has seen the ball again."""


WRITE_KINDS = frozenset(kind for kind in FaultKind if kind.startswith("write-"))
NOTIFICATION_KINDS = frozenset(kind for kind in FaultKind if kind.startswith("notification-"))
INTERFERING_KINDS = WRITE_KINDS | NOTIFICATION_KINDS | {FaultKind.CONNECTING_FAILS}
"""The kinds that hit what passes over the radio, one thing after the other; all others happen once, at once."""


class _Keys(NamedTuple):
    """Which keys of a file a kind of fault needs, may have, and gets when it is drawn; words with spaces between."""

    needs: str = ""
    may: str = ""
    drawn: str = ""


_NONE = _Keys()
_LASTS = _Keys(needs="for", drawn="for")
_HITS_WRITES = _Keys(may="for count share", drawn="count")
_HITS_NOTIFICATIONS = _Keys(may="for count share", drawn="for share")  # many pass, where writes are few
_KEYS = {
    **dict.fromkeys(FaultKind, _NONE),
    **dict.fromkeys(WRITE_KINDS, _HITS_WRITES),
    **dict.fromkeys(NOTIFICATION_KINDS, _HITS_NOTIFICATIONS),
    FaultKind.LINK_DROPS: _Keys(may="for", drawn="for"),
    FaultKind.WRITE_LATE: _Keys(needs="for", may="count", drawn="for count"),
    FaultKind.WRITE_REFUSED: _Keys(needs="code", may="for count share", drawn="code count"),
    FaultKind.IGNORES_WRITES_WHILE_OFF: _LASTS,
    FaultKind.OVERHEATS: _LASTS,
    FaultKind.REBOOTS: _LASTS,
    FaultKind.CONNECTING_FAILS: _Keys(may="count", drawn="count"),
    FaultKind.ADAPTER_VANISHES: _LASTS,
}

_ATT_CODES = range(0x01, 0x100)
"""What fits the one byte of an ATT error; 0 is no error (Bluetooth Core, Vol 3, Part F, 3.4.1.1)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Args:
        what: its kind.
        at: when, in seconds after the beginning of its plan.
        seconds: how long it lasts, or how late a write is (``for`` in a file).
        count: how many of the next writes, notifications or connections it hits; 1 if ``seconds`` is absent too.
        share: which share of the writes or notifications within ``seconds`` it hits, above 0 to 1; all if absent.
        code: the ATT error code of a refused write.

    Raises:
        datafile.Misfit: (a `ValueError`) a parameter that this kind does not take, lacks, or that cannot be meant.
    """

    what: FaultKind
    at: float = 0.0
    seconds: float | None = None
    count: int | None = None
    share: float | None = None
    code: int | None = None

    def __post_init__(self) -> None:
        given = {"for": self.seconds, "count": self.count, "share": self.share, "code": self.code}
        needs, may, _ = _KEYS[self.what]
        for key, value in given.items():
            if value is None and key in needs.split():
                raise datafile.Misfit(key, "nothing", f"this key, which {self.what} needs")
            if value is not None and key not in f"{needs} {may}".split():
                raise datafile.StrayKey(key, f"{value:g}", f"no such key: {self.what} does not take it")
        self._refuse_beyond()
        if self.count is not None and self.is_within_a_time:
            raise datafile.Misfit("count", f"{self.count}", "either this or 'for', not both")
        if self.share is not None and self.seconds is None:
            raise datafile.Misfit("for", "nothing", "a duration, within which 'share' counts")

    def _refuse_beyond(self) -> None:
        bounds = (
            ("at", self.at, 0 <= self.at < math.inf, "0 s or later"),
            ("for", self.seconds, self.seconds is None or 0 < self.seconds < math.inf, "more than 0 s"),
            ("count", self.count, self.count is None or self.count >= 1, "at least 1"),
            ("share", self.share, self.share is None or 0 < self.share <= 1, "more than 0 and at most 1"),
            ("code", self.code, self.code is None or self.code in _ATT_CODES, "an ATT error code from 0x01 to 0xFF"),
        )
        for key, value, is_within, expected in bounds:
            if not is_within:
                raise datafile.Misfit(key, f"{value:g}", expected)

    @property
    def is_within_a_time(self) -> bool:
        """Whether it hits what passes within ``seconds``, and not the next few writes, notifications or connections."""
        return self.what in INTERFERING_KINDS and self.seconds is not None and self.what is not FaultKind.WRITE_LATE

    def __str__(self) -> str:
        """When and what in plain words, such as "at 12.0 s: the link drops for 3 s"."""
        return f"at {self.at:.1f} s: {self._words()}"

    def _words(self) -> str:
        lasting = "" if self.seconds is None else f" for {self.seconds:g} s"
        if self.what not in INTERFERING_KINDS:
            return f"{_HAPPENS[self.what]}{lasting}"
        thing, one, many = _HITS[self.what]
        if self.what is FaultKind.WRITE_LATE:
            lasting = f" by {self.seconds:g} s"
        if self.code is not None:
            lasting = f" with ATT error 0x{self.code:02X}{lasting}"
        if self.is_within_a_time:
            which = "all" if self.share is None else f"{100 * self.share:g} % of the"
            return f"{which} {thing}s {many}{lasting}"
        if self.count in (None, 1):
            return f"the next {thing} {one}{lasting}"
        return f"the next {self.count} {thing}s {many}{lasting}"


_HAPPENS = {
    FaultKind.LINK_DROPS: "the link drops",
    FaultKind.IGNORES_WRITES_WHILE_OFF: "the ball ignores levels while its motor is off",
    FaultKind.BUTTON_PRESSED: "the ball's button is pressed",
    FaultKind.BATTERY_DIES: "the battery is empty",
    FaultKind.OVERHEATS: "the ball is too hot",
    FaultKind.REBOOTS: "the ball reboots and is silent",
    FaultKind.RETURNS_UNDER_NEW_ADDRESS: "the link drops and the ball returns under a new address",
    FaultKind.ADAPTER_VANISHES: "the Bluetooth adapter is gone",
    FaultKind.ADVERTISEMENT_GOES_STALE: "the link drops and the system forgets the ball until a scan sees it again",
}

_HITS = {
    FaultKind.WRITE_LOST: ("write", "is lost", "are lost"),
    FaultKind.WRITE_LATE: ("write", "is late", "are late"),
    FaultKind.WRITE_REFUSED: ("write", "is refused", "are refused"),
    FaultKind.WRITE_HANGS: ("request", "is obeyed but not answered", "are obeyed but not answered"),
    FaultKind.NOTIFICATION_LOST: ("notification", "is lost", "are lost"),
    FaultKind.NOTIFICATION_DUPLICATED: ("notification", "comes twice", "come twice"),
    FaultKind.NOTIFICATION_REORDERED: ("notification", "comes after its successor", "come after their successors"),
    FaultKind.NOTIFICATION_TRUNCATED: ("notification", "is cut short", "are cut short"),
    FaultKind.NOTIFICATION_GARBLED: ("notification", "is garbled", "are garbled"),
    FaultKind.CONNECTING_FAILS: ("connection", "fails", "fail"),
}
"""What is hit, and what happens to one and to many."""


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Faults in the order in which they happen, and the seed of what chance decides about them.

    Args:
        faults: in any order.
        seed: decides which writes a share hits and how bytes are garbled.
    """

    faults: tuple[Fault, ...]
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "faults", tuple(sorted(self.faults, key=lambda fault: fault.at)))


_FEWEST, _MOST = 3, 6
"""How many faults a drawn plan has: more than one, so that they meet, and few enough to tell them apart (judgement)."""

_SHORTEST, _LONGEST = 0.2, 20.0
"""Seconds that a drawn fault lasts: from less than the deadline of a write to more than a person waits (judgement)."""

_MOST_HITS = 3
"""The highest drawn count: as many as a stop has attempts, so that some stops fail (judgement)."""

_LEAST_SHARE = 0.1
"""The lowest drawn share: below, most drawn faults would hit nothing (judgement)."""

_DRAWN_CODES = (0x05, 0x0E, 0x11, 0x13, 0x80)
"""ATT errors that balls answer: not paired, unlikely error, no resources, value not allowed, one of their own."""


def draw(seed: int, seconds: float) -> FaultPlan:
    """A few faults of any kind within so many seconds; the same seed draws the same plan, on every Python.

    Only `random.Random.random` is drawn from: of Python's generators it alone is promised never to change.
    """
    chance = random.Random(seed)  # noqa: S311 - made to be repeated, not to be secret
    faults = []
    for _ in range(_FEWEST + int(chance.random() * (_MOST + 1 - _FEWEST))):
        what = tuple(FaultKind)[int(chance.random() * len(FaultKind))]
        at = math.floor(chance.random() * seconds * 10) / 10
        lasting = round(_SHORTEST + chance.random() * (_LONGEST - _SHORTEST), 1)
        count = 1 + int(chance.random() * _MOST_HITS)
        share = round(_LEAST_SHARE + chance.random() * (1 - _LEAST_SHARE), 1)
        code = _DRAWN_CODES[int(chance.random() * len(_DRAWN_CODES))]
        drawn = _KEYS[what].drawn.split()
        faults.append(
            Fault(
                what,
                at,
                seconds=lasting if "for" in drawn else None,
                count=count if "count" in drawn else None,
                share=share if "share" in drawn else None,
                code=code if "code" in drawn else None,
            )
        )
    return FaultPlan(tuple(faults), seed)


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, content: object) -> object:
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for key in content if isinstance(content, dict) else ():
            if key not in known:
                raise datafile.StrayKey(str(key), "an unknown key", f"one of {', '.join(known)}")
        return content


_Seconds = Annotated[float, BeforeValidator(datafile.seconds)]
_Whole = Annotated[int, Field(strict=True)]


class _WrittenFault(_Table):
    """One fault as it stands in a file."""

    at: _Seconds
    what: FaultKind
    seconds: Annotated[_Seconds | None, Field(alias="for")] = None
    count: _Whole | None = None
    share: Annotated[float, Field(strict=True)] | None = None
    code: _Whole | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        self.meant()
        return self

    def meant(self) -> Fault:
        return Fault(self.what, self.at, self.seconds, self.count, self.share, self.code)


def _tables(value: object) -> object:
    if not isinstance(value, list) or not value:
        raise ValueError("at least one table [[faults]]")
    return value


class _WrittenPlan(_Table):
    """A file of faults."""

    schema_version: Annotated[int, AfterValidator(datafile.schema_1), Field(strict=True, alias="schema")]
    seed: Annotated[int, Field(strict=True, ge=0)] = 0
    faults: Annotated[tuple[_WrittenFault, ...], BeforeValidator(_tables)]


def load(file: Path) -> FaultPlan:
    """The plan in a TOML file: ``schema = 1``, perhaps a ``seed``, and ``[[faults]]`` with the keys of `Fault`.

    Raises:
        FaultFileError: with the first thing that is wrong.
    """
    written = datafile.load(file, _WrittenPlan, FaultFileError)
    return FaultPlan(tuple(fault.meant() for fault in written.faults), written.seed)
