"""The firmware profile: what a file in ``firmware_profiles/`` says; used by codec, discovery and simulated ball.

A profile is data: nothing in it is evaluated. ``firmware_profiles/README.md`` teaches the file format.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from unknot import datafile
from unknot.profiles import fitting
from unknot.profiles.conversions import Conversion
from unknot.profiles.examples import Example
from unknot.profiles.fields import ID, Flag, Id, Name, Seconds, in_schema
from unknot.profiles.gatt import Characteristic
from unknot.profiles.matching import Match
from unknot.profiles.phrases import LINES_MOST, Commands, KeepAlive, Patience, Pause, Refusal, Report, Step
from unknot.profiles.section import Section
from unknot.profiles.variant import Variant

LEVELS_MAX = 255
"""More steps than this are no steps; a finer dialect is scaled (``values.level.scale``)."""

SEQUENCE_MAX = 2**32 - 1
"""The widest counter: four bytes."""

REPORTS_MOST = 64
"""More kinds of messages than this no dialect has; each costs time when something arrives (judgement)."""

STEP_SECONDS = 1.0
"""How long a ball may take to tell that a step has been taken, unless its file says otherwise (judgement)."""

YesOrNo = Literal["yes", "no", "unknown"]


class Evidence(StrEnum):
    """How well a profile is proved. Anything but `VERIFIED` is said aloud on connect."""

    SIMULATED = "simulated"
    """Made up: no product speaks it yet."""
    DOCUMENTED = "documented"
    """Written after somebody's document; nobody here has seen it on air."""
    CAPTURED = "captured"
    """Its examples are recordings of the maker's app driving the ball."""
    VERIFIED = "verified"
    """This very file drove the product."""


class Kind(StrEnum):
    """What the device does to a body."""

    VIBRATION = "vibration"
    """It moves: a ball, a gun, a wristband, a chair."""
    STIMULATOR = "stimulator"
    """It sends electricity through the skin. No massage protocol ever drives one."""


class Motor(Section):
    """The motor as the firmware offers it.

    Attributes:
        levels: the highest level; levels are 0 (off) to this.
        hz: the nominal frequency of each level in Hz, level 1 first; informational, may be absent.
        max_level: the highest level that is ever written, if the firmware takes more than is good.
        min_perceptible: the lowest level that is felt; informational.
        steps_within: how long the ball may take to tell that a relative step was taken (s).
    """

    levels: Annotated[int, Field(strict=True, ge=1, le=LEVELS_MAX)]
    hz: tuple[Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)], ...] = ()
    max_level: Annotated[int, Field(strict=True, ge=1, le=LEVELS_MAX)] | None = None
    min_perceptible: Annotated[int, Field(strict=True, ge=1, le=LEVELS_MAX)] | None = None
    steps_within: Patience = STEP_SECONDS

    @property
    def highest(self) -> int:
        """The highest level that may be written."""
        return self.max_level or self.levels

    @model_validator(mode="after")
    def _within_the_levels(self) -> Motor:
        for key in ("max_level", "min_perceptible"):
            value = getattr(self, key)
            if value is not None and value > self.levels:
                raise datafile.Misfit(key, str(value), f"at most {self.levels}, the highest level")
        if self.hz and len(self.hz) != self.levels:
            raise datafile.Misfit("hz", f"{len(self.hz)} figures", f"{self.levels}, one per level from 1")
        return self


def _plain_setting(value: object) -> object:
    return value if isinstance(value, Mapping) else {"value": value}


class Setting(Section):
    """A further slot of command frames, and what stands in it.

    Attributes:
        value: what stands in it before the ball has told anything else; None if the ball must tell it first.
        source: (``from`` in the file) the report that tells it; whatever it told last is what is written.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    value: int | float | str | None = None
    source: Annotated[str | None, Field(alias="from")] = None

    @model_validator(mode="after")
    def _has_a_value(self) -> Setting:
        if self.value is None and self.source is None:
            raise datafile.Misfit("value", "nothing", "a value, or from = the report that tells it")
        return self


class Sequence(Section):
    """How commands are counted.

    Attributes:
        first: the number after the last one; 1 where 0 is skipped.
        last: the highest number.
    """

    first: Annotated[int, Field(strict=True, ge=0, le=SEQUENCE_MAX)] = 0
    last: Annotated[int, Field(strict=True, ge=1, le=SEQUENCE_MAX)] = 255

    @model_validator(mode="after")
    def _counts(self) -> Sequence:
        if self.first >= self.last:
            raise datafile.Misfit("last", str(self.last), f"more than {self.first}, the first number")
        return self

    def following(self, number: int) -> int:
        """The number of the command after the one with this number."""
        return number + 1 if self.first <= number < self.last else self.first


class Safety(Section):
    """What the firmware does when nobody tells it anything.

    Attributes:
        lease: seconds that a level command stays valid; each command carries it, or the firmware counts by itself.
        longest_lease: seconds to which the firmware cuts a longer lease, if it does.
        auto_off: seconds after which the ball switches its motor off by itself.
        stops_on_disconnect: whether the motor stops when the link goes.
        persists_last_command: whether the last level goes on for ever if nothing else is said.
        stop_repeat: how often a stop is written when it cannot be acknowledged.
        stop_gap: seconds between these.
        spacing: the least time in seconds between two commands; a sooner one is not heard.
        button: what the ball's own button does to the level.
        bond: whether the system must have paired with the ball before anything is said.
        exclusive: whether the ball holds one link only, so that another app's link hides it.
    """

    lease: Seconds | None = None
    longest_lease: Seconds | None = None
    auto_off: Seconds | None = None
    stops_on_disconnect: YesOrNo = "unknown"
    persists_last_command: YesOrNo = "unknown"
    stop_repeat: Annotated[int, Field(strict=True, ge=1, le=5)] = 1
    stop_gap: Pause = 0.1
    spacing: Pause = 0.0
    button: Literal["none", "cycle", "unknown"] = "unknown"
    bond: Literal["needed", "forbidden", "unknown"] = "unknown"
    exclusive: Flag = True

    @property
    def stops_within(self) -> float | None:
        """Seconds after which the motor is off when the link goes; None if it runs on, or if nobody knows."""
        return 0.0 if self.stops_on_disconnect == "yes" else self.lease

    @model_validator(mode="after")
    def _lease_is_not_cut(self) -> Safety:
        if self.longest_lease is None:
            return self
        if self.lease is None:
            expected = "a duration beside longest_lease: how long a level stays valid without being repeated"
            raise datafile.Misfit("lease", "nothing", expected)
        if self.lease > self.longest_lease:
            found, expected = f"{self.lease:g} s", f"at most {self.longest_lease:g} s, the longest lease"
            raise datafile.Misfit("lease", found, expected)
        return self


def _no_cipher(word: str) -> str:
    if word != "none":
        raise datafile.Misfit(
            "",
            repr(word),
            '"none": a cipher or a session of keys (Tuya\'s, for example) cannot be said in a profile; '
            "name a codec plug-in with the key codec",
        )
    return word


def _plugin(word: str) -> str:
    if not re.fullmatch(ID, word):
        raise ValueError('the name of a codec plug-in, such as "vibmotor-mic"')
    return word


class FirmwareProfile(Section):
    """How one firmware is matched, spoken to and limited.

    Attributes:
        schema_version: (``schema`` in the file) the version of this format.
        id: the profile's name, the same as the file's.
        name: the firmware in words.
        kind: what the device does to a body.
        evidence: how well it is proved.
        source: where the bytes come from.
        verified_on: products and firmware that this very file drove.
        gaps: what is not known, said honestly.
        codec: the codec plug-in that stands between the frames and the air, or None.
        cipher: "none"; whatever else is refused.
        match: how the ball shows itself while advertising.
        variant: what tells it from others that show themselves in the same way.
        gatt: characteristics by the name that the rest of the file uses.
        motor: its levels.
        settings: further slots of command frames by name.
        values: conversions by slot name; a slot without one is the plain number.
        sequence: how commands are counted.
        commands: ``stop``, and ``set_level`` or relative steps.
        init: the dialogue after connecting.
        keep_alive: what is written again and again.
        reports: what arrives, by name.
        refusals: error replies, by name.
        safety: what the firmware does when nobody tells it anything.
        examples: at least one for everything that is said and told.
    """

    schema_version: Annotated[
        int, AfterValidator(datafile.schema_1), Field(strict=True, alias="schema"), WithJsonSchema({"const": 1})
    ]
    id: Id
    name: str
    kind: Kind = Kind.VIBRATION
    evidence: Evidence
    source: str
    verified_on: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    codec: Annotated[str, AfterValidator(_plugin), in_schema("the name of a codec plug-in", ID)] | None = None
    cipher: Annotated[str, AfterValidator(_no_cipher), WithJsonSchema({"const": "none"})] = "none"
    match: Match = Match()
    variant: Variant | None = None
    gatt: dict[Name, Characteristic]
    motor: Motor
    settings: dict[
        Name, Annotated[Setting, BeforeValidator(_plain_setting, json_schema_input_type=Setting | int | float | str)]
    ] = {}
    values: dict[Name, Conversion] = {}
    sequence: Sequence = Sequence()
    commands: Commands
    init: Annotated[tuple[Step, ...], Field(max_length=LINES_MOST)] = ()
    keep_alive: Annotated[tuple[KeepAlive, ...], Field(max_length=LINES_MOST)] = ()
    reports: Annotated[dict[Name, Report], Field(max_length=REPORTS_MOST)] = {}
    refusals: Annotated[dict[Name, Refusal], Field(max_length=REPORTS_MOST)] = {}
    safety: Safety = Safety()
    examples: tuple[Example, ...]

    @property
    def wants_dialogue(self) -> bool:
        """Whether the ball obeys only after a dialogue."""
        return any(not step.optional and (step.write is not None or step.press) for step in self.init)

    @model_validator(mode="after")
    def _fits_together(self) -> FirmwareProfile:
        if (self.evidence is Evidence.VERIFIED) != bool(self.verified_on):
            found = "nothing" if not self.verified_on else f"products beside evidence = {self.evidence.value!r}"
            raise datafile.Misfit("verified_on", found, 'products it was tried on, beside evidence = "verified"')
        fitting.prove(self)
        return self
