"""The muscle protocol: what a file in ``protocols/muscles/`` says one muscle gets, validated; used by the compiler.

A protocol is free of any device: intensities are 0 to 100 % of a motor's range, times are written with their unit.
Every number names its source; what no source gives is marked as judgement (``J``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from unknot import datafile
from unknot.protocols.limits import RAMP_PERCENT_PER_SECOND, Ceiling


@dataclass(frozen=True, slots=True)
class Segment:
    """A straight piece of the curve of intensity over time: seconds, from % to %."""

    seconds: float
    start: float
    end: float


LONGEST_STEP = 3600.0
"""No step lasts longer (s); a typing error is likelier (judgement)."""

SHORTEST_PHASE = 1.0
"""Shorter swells and pulses (s) would be steps faster than the ramp's limit lets a motor rise (judgement)."""


def _bounded(value: float) -> float:
    if not 0 < value <= LONGEST_STEP:
        raise ValueError(f"more than 0 s and at most {LONGEST_STEP:g} s")
    return value


def _phase(value: float) -> float:
    if value < SHORTEST_PHASE:
        raise ValueError(f"at least {SHORTEST_PHASE:g} s")
    return value


Seconds = Annotated[float, BeforeValidator(datafile.seconds), AfterValidator(_bounded)]
Phase = Annotated[Seconds, AfterValidator(_phase)]
Percent = Annotated[float, Field(strict=True, ge=0, le=100)]


class Step(BaseModel):
    """The base of all steps.

    Attributes:
        seconds: (``for`` in the file) how long it lasts.
        say: the words to the person when it begins.
        source: for each number of this step, the key of its source.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    numbers: ClassVar[tuple[str, ...]] = ("for",)

    seconds: Annotated[Seconds, Field(alias="for")]
    say: str
    source: dict[str, str]

    def segments(self) -> tuple[Segment, ...]:
        """The step's curve; the motor is off unless a kind of step says otherwise."""
        return (Segment(self.seconds, 0, 0),)

    @property
    def peak(self) -> float:
        """The strongest intensity of the step in %."""
        return max(max(segment.start, segment.end) for segment in self.segments())


class Settle(Step):
    """Ease in: from off to ``to`` in a straight line."""

    numbers: ClassVar[tuple[str, ...]] = ("to", "for")

    do: Literal["settle"]
    to: Percent

    def segments(self) -> tuple[Segment, ...]:
        """One rising line."""
        return (Segment(self.seconds, 0, self.to),)


class Hold(Step):
    """Stay on the spot at ``to``."""

    numbers: ClassVar[tuple[str, ...]] = ("to", "for")

    do: Literal["hold"]
    to: Percent

    def segments(self) -> tuple[Segment, ...]:
        """One level line."""
        return (Segment(self.seconds, self.to, self.to),)


class Alternation(Step):
    """The base of the steps that go back and forth between ``low`` and ``to``."""

    low: Percent
    to: Percent

    @model_validator(mode="after")
    def _low_is_low(self) -> Self:
        if self.low > self.to:
            raise datafile.Misfit("low", f"{self.low:g}", f"at most {self.to:g}, which is 'to'")
        return self


class Wave(Alternation):
    """Swell and ebb between ``low`` and ``to``, once per ``period``, beginning and ending low."""

    numbers: ClassVar[tuple[str, ...]] = ("low", "to", "period", "for")

    do: Literal["wave"]
    period: Phase

    def segments(self) -> tuple[Segment, ...]:
        """Rising and falling lines, the last one cut where the step ends."""
        half = self.period / 2
        segments: list[Segment] = []
        left, start, end = self.seconds, self.low, self.to
        while left > 0:
            part = min(1.0, left / half)
            segments.append(Segment(half * part, start, start + (end - start) * part))
            left = round(left - half, 6)
            start, end = end, start
        return tuple(segments)


class Pulse(Alternation):
    """Strong for ``on``, weak for ``off``, again and again; rises are as steep as the limit, falls at once."""

    numbers: ClassVar[tuple[str, ...]] = ("low", "to", "on", "off", "for")

    do: Literal["pulse"]
    on: Phase
    off: Phase

    def segments(self) -> tuple[Segment, ...]:
        """Rise, plateau, low; again until the step ends."""
        rise = min(self.on, (self.to - self.low) / RAMP_PERCENT_PER_SECOND)
        top = self.low + rise * RAMP_PERCENT_PER_SECOND
        cycle = ((rise, self.low, top), (self.on - rise, top, top), (self.off, self.low, self.low))
        segments: list[Segment] = []
        left = self.seconds
        while left > 0:
            for length, start, end in cycle:
                part = min(length, left)
                if part > 0:
                    segments.append(Segment(part, start, start + (end - start) * part / length))
                left = round(left - part, 6)
        return tuple(segments)


class Rest(Step):
    """Motor off, stay where you are."""

    do: Literal["rest"]


class Move(Step):
    """Motor off, find the next spot."""

    do: Literal["move"]


class Stretch(Step):
    """Motor off, lengthen the muscle."""

    do: Literal["stretch"]


Kind = Settle | Hold | Wave | Pulse | Rest | Move | Stretch
KINDS: tuple[str, ...] = tuple(get_args(kind.model_fields["do"].annotation)[0] for kind in get_args(Kind))
"""What ``do`` may say."""


def _known(step: object) -> object:
    if isinstance(step, dict) and step.get("do") not in KINDS:
        found = repr(step["do"]) if "do" in step else "nothing"
        raise datafile.Misfit("do", found, f"one of {', '.join(KINDS)}")
    return step


AnyStep = Annotated[Annotated[Kind, Field(discriminator="do")], BeforeValidator(_known)]


class MuscleProtocol(BaseModel):
    """What one muscle gets.

    Attributes:
        id: the name on the command line: the file's name.
        muscle: the anatomical name.
        title: the everyday name.
        ceiling: how strong it may be vibrated at most.
        sided: whether the body has it left and right.
        placement: where the ball goes and how to lie or lean on it.
        felt: where guides describe its tension as felt.
        cautions: what must be known before the motor starts.
        no_go: where the ball must not go.
        sources: the citations by their keys; ``J`` is judgement of this project.
        source: the key of the ceiling's source.
        steps: what happens, in order; the last one is a stretch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Annotated[int, AfterValidator(datafile.schema_1), Field(alias="schema")]
    id: str
    muscle: str
    title: str
    ceiling: Ceiling
    sided: bool = True
    placement: str
    felt: str
    cautions: Annotated[tuple[str, ...], Field(min_length=1)]
    no_go: Annotated[tuple[str, ...], Field(min_length=1)]
    sources: Annotated[dict[str, str], Field(min_length=1)]
    source: dict[str, str]
    steps: Annotated[tuple[AnyStep, ...], Field(min_length=1)]

    @property
    def peak(self) -> float:
        """The strongest intensity of the protocol in %."""
        return max(step.peak for step in self.steps)

    @model_validator(mode="after")
    def _fits_together(self) -> MuscleProtocol:
        self._cited("source", ("ceiling",), self.source)
        for number, step in enumerate(self.steps):
            self._cited(f"steps.{number}.source", step.numbers, step.source)
        if self.steps[-1].do != "stretch":
            raise datafile.Misfit(
                f"steps.{len(self.steps) - 1}.do", repr(self.steps[-1].do), "'stretch' as the last step"
            )
        return self

    def _cited(self, key: str, numbers: tuple[str, ...], source: dict[str, str]) -> None:
        for number in numbers:
            if number not in source:
                raise datafile.Misfit(
                    key, f"no source for {number!r}", f"one of {', '.join(self.sources)} for each number"
                )
        for number, code in source.items():
            if number not in numbers:
                raise datafile.Misfit(key, f"a source for {number!r}", f"only {', '.join(numbers)}")
            if code not in self.sources:
                raise datafile.Misfit(f"{key}.{number}", repr(code), f"a key of [sources]: {', '.join(self.sources)}")
