"""What is said to a ball and what it tells, as a profile file says it: writes, commands, dialogues, reports.

Used by `unknot.profiles.model`; the codec makes bytes of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from unknot.datafile import Misfit, StrayKey
from unknot.profiles.conversions import Conversion
from unknot.profiles.fields import Flag, FrameField, Name, OneOrMore, Seconds
from unknot.profiles.frames.frame import MAX_BYTES
from unknot.profiles.gatt import WriteKindField
from unknot.profiles.section import Section
from unknot.profiles.speech import Key

WRITES_MOST = 64
"""How many writes a command may be in all, turns and repeats included: eight motors, twice, and more (judgement)."""

LINES_MOST = 32
"""How many steps a dialogue may have, and how many keep-alives there may be (judgement)."""

REPEATS_MOST = 10
"""How often a write is repeated at most: a released key is told up to four times (Leggett Okin), with some room."""

PAUSE_MOST = 1.0
"""Seconds; a longer pause inside a command would keep the person waiting for a stop (judgement)."""

WAIT_MOST = 60.0
"""Seconds; who is to press a button does it within a minute, or not at all (judgement)."""

ANSWER_SECONDS = 1.0
"""How long the answer to a write is waited for unless the file says otherwise: as long as any operation on the link."""

PRESS_SECONDS = 30.0
"""How long the person has for pressing a button unless the file says otherwise (judgement)."""

STEPS: tuple[Key, ...] = ("up", "down", "next", "toggle")
"""The commands that change the level relative to what it is."""


def _listed(value: object) -> object:
    return [value] if isinstance(value, Mapping) else value


def _short(seconds: float) -> float:
    if seconds > PAUSE_MOST:
        raise ValueError(f"at most {PAUSE_MOST:g} s")
    return seconds


def _patient(seconds: float) -> float:
    if not 0 < seconds <= WAIT_MOST:
        raise ValueError(f"more than 0 and at most {WAIT_MOST:g} s")
    return seconds


def _some(writes: tuple[Write, ...]) -> tuple[Write, ...]:
    if not writes:
        raise ValueError("at least one write")
    if sum(write.count for write in writes) > WRITES_MOST:
        raise ValueError(f"at most {WRITES_MOST} writes, repeats and turns included")
    return writes


Pause = Annotated[Seconds, AfterValidator(_short)]
"""A short time in seconds."""
Patience = Annotated[Seconds, AfterValidator(_patient)]
"""How long something is waited for, in seconds."""
Lengths = Annotated[
    tuple[
        Annotated[int, Field(strict=True, ge=0, le=MAX_BYTES)], Annotated[int, Field(strict=True, ge=0, le=MAX_BYTES)]
    ],
    Field(description="the least and the greatest number of bytes"),
]
"""The least and the greatest number of bytes."""


class Write(Section):
    """One write of a command or a dialogue.

    Attributes:
        to: the name of a characteristic in ``[gatt]``.
        frame: what is written.
        repeat: how often it is written.
        gap: seconds between these.
        pause: seconds before whatever follows.
        each: once for each value of a slot, for example of a channel.
        answer: the report that is waited for before anything else is said.
        write: the kind of write, where it is another than the characteristic's preferred one.
    """

    to: str
    frame: FrameField
    repeat: Annotated[int, Field(strict=True, ge=1, le=REPEATS_MOST)] = 1
    gap: Pause = 0.1
    pause: Pause = 0.0
    each: dict[Name, Annotated[tuple[Annotated[int, Field(strict=True)], ...], Field(min_length=1, max_length=16)]] = {}
    answer: str | None = None
    write: WriteKindField | None = None

    @model_validator(mode="after")
    def _each_is_a_slot(self) -> Write:
        if strange := set(self.each) - set(self.frame.slots):
            slots = self.frame.slots
            expected = f"a slot of the frame: {' or '.join(slots) or 'none'}"
            raise StrayKey(f"each.{min(strange)}", "a slot that the frame has not", expected, right=slots)
        if len(self.each) > 1:
            raise Misfit("each", f"{len(self.each)} slots", "one slot with its values")
        return self

    @property
    def count(self) -> int:
        """How many writes it is in all."""
        return self.repeat * len(self.turns())

    @property
    def longest(self) -> float:
        """Seconds that its gaps and its pause take."""
        return (self.count - 1) * (self.gap if self.repeat > 1 else 0.0) + self.pause

    def turns(self) -> tuple[Mapping[str, int], ...]:
        """The values of the slot that is gone through, one mapping for each write."""
        for slot, values in self.each.items():
            return tuple({slot: value} for value in values)
        return ({},)


Writes = Annotated[tuple[Write, ...], BeforeValidator(_listed), AfterValidator(_some), OneOrMore()]
"""One write, or a list of them in order."""


class Commands(Section):
    """What can be said to the ball.

    Attributes:
        stop: motor off.
        set_level: vibrate at ``{level}``.
        start: said before a level while the motor is off.
        up: one level more.
        down: one level less.
        next: one level more, and off after the highest.
        toggle: on, or off.
    """

    stop: Writes
    set_level: Writes | None = None
    start: Writes | None = None
    up: Writes | None = None
    down: Writes | None = None
    next: Writes | None = None
    toggle: Writes | None = None

    def items(self) -> tuple[tuple[str, tuple[Write, ...]], ...]:
        """The name and the writes of each command that there is."""
        pairs = ((name, getattr(self, name)) for name in type(self).model_fields)
        return tuple((name, writes) for name, writes in pairs if writes is not None)

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of the relative commands that there are."""
        return tuple(name for name in STEPS if getattr(self, name) is not None)


class Step(Section):
    """One step of the dialogue after connecting: exactly one of its deeds.

    Attributes:
        subscribe: the name of a characteristic to hear from now on.
        read: the name of a characteristic to read.
        wait: seconds to wait.
        write: what to write.
        retry: how often it is written again if its answer does not come.
        press: what to ask the person to do on the ball; goes with ``expect``.
        expect: the report to wait for.
        values: (``is`` in the file) what that report must tell.
        within: seconds to wait for it.
        optional: whether the ball obeys without it: a query that tells something, and unlocks nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, populate_by_name=True)

    subscribe: str | None = None
    read: str | None = None
    wait: Patience | None = None
    write: Write | None = None
    retry: Annotated[int, Field(strict=True, ge=0, le=REPEATS_MOST)] = 0
    press: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    expect: str | None = None
    values: Annotated[dict[Name, int | float | str], Field(alias="is")] = {}
    within: Patience | None = None
    optional: Flag = False

    @property
    def patience(self) -> float:
        """How long the report is waited for (s)."""
        return self.within or (PRESS_SECONDS if self.press else ANSWER_SECONDS)

    @property
    def longest(self) -> float:
        """How long the whole step may take (s), every write and its answer at its deadline."""
        if self.write is None:
            return self.wait or self.patience
        writes = self.write.repeat * len(self.write.turns())
        return (self.retry + 1) * (writes * (ANSWER_SECONDS + self.write.gap) + self.write.pause)

    @model_validator(mode="after")
    def _one_deed(self) -> Step:
        deeds = [name for name in ("subscribe", "read", "wait", "write", "expect") if getattr(self, name) is not None]
        if len(deeds) != 1:
            found = " and ".join(deeds) or "none"
            raise Misfit("", found, "one of subscribe, read, wait, write or expect")
        if self.expect is None and (self.press or self.values or self.within):
            raise Misfit("expect", "nothing", "the report that press, is and within are about")
        if self.retry and (self.write is None or self.write.answer is None):
            raise Misfit("retry", str(self.retry), "a write with an answer beside it")
        return self


class KeepAlive(Section):
    """What is written again and again, or whenever the ball tells something.

    Attributes:
        every: seconds between two writes.
        when: the report that it answers; its frame may carry that report's slots.
        state: (``while`` in the file) whether only while the motor is on.
        write: what is written.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, populate_by_name=True)

    every: Patience | None = None
    when: str | None = None
    state: Annotated[Literal["connected", "running"], Field(alias="while")] = "connected"
    write: Write

    @model_validator(mode="after")
    def _one_occasion(self) -> KeepAlive:
        if (self.every is None) == (self.when is None):
            raise Misfit("", "both" if self.every else "neither", "either every or when")
        return self


class Report(Section):
    """What a notification or a read tells.

    Attributes:
        source: (``from`` in the file) the name of a characteristic in ``[gatt]``.
        frame: what arrives; its slots name what they tell.
        lengths: the least and the greatest number of bytes, or None.
        values: conversions of this report's own, where it tells a value in another way than commands say it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, populate_by_name=True)

    source: Annotated[str, Field(alias="from")]
    frame: FrameField
    lengths: Lengths | None = None
    values: dict[Name, Conversion] = {}

    @model_validator(mode="after")
    def _values_are_slots(self) -> Report:
        if strange := set(self.values) - set(self.frame.slots):
            slots = " or ".join(self.frame.slots) or "none"
            raise StrayKey(f"values.{min(strange)}", "a slot that the frame has not", slots)
        return self

    def has_length(self, length: int) -> bool:
        """Whether so many bytes can be this report."""
        return self.lengths is None or self.lengths[0] <= length <= self.lengths[1]


class Refusal(Report):
    """The ball says that it will not.

    Attributes:
        means: why, in one of five words.
    """

    means: Literal["busy", "low-battery", "locked", "out-of-range", "other"]
