"""Reads a timeline that a gateway tells as JSON (`dataclasses.asdict` of it), for those who drive it elsewhere. Pure.

What is read is taken for hostile, as in `unknot.bridge.reports`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from unknot.protocols.limits import Ceiling
from unknot.protocols.timeline import Cue, Side, Span, Timeline

if TYPE_CHECKING:
    from collections.abc import Mapping

SPANS_MOST = 500
"""How many steps are read; the longest protocol of ours has 22 (judgement)."""

CUES_MOST = 5000
"""How many changes of the level are read; ours have 244 at most on 100 levels (judgement)."""

_Seconds = Annotated[float, Field(ge=0, le=86400, allow_inf_nan=False)]
_Word = Annotated[str, Field(max_length=100)]
_Text = Annotated[str, Field(max_length=1000)]
_Level = Annotated[int, Field(ge=0, le=65535)]


class _Told(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Span(_Told):
    do: _Word
    side: Side
    start: _Seconds
    end: _Seconds
    say: _Text
    intensity: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class _Cue(_Told):
    at: _Seconds
    level: _Level
    step: Annotated[int, Field(ge=0, lt=SPANS_MOST)]


class _Timeline(_Told):
    muscle: _Word
    title: _Text
    side: Side
    profile: _Word
    levels: Annotated[int, Field(ge=1, le=65535)]
    ceiling: Ceiling
    spans: Annotated[tuple[_Span, ...], Field(min_length=1, max_length=SPANS_MOST)]
    cues: Annotated[tuple[_Cue, ...], Field(max_length=CUES_MOST)]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        at = 0.0
        for span in self.spans:
            if not at == span.start < span.end:
                raise ValueError("steps with gaps between them")
            at = span.end
        if any(after.at < before.at for before, after in pairwise(self.cues)):
            raise ValueError("levels that are not in their order")
        if any(cue.level > self.levels or cue.step >= len(self.spans) or cue.at > at for cue in self.cues):
            raise ValueError("a level that the ball does not have, or one outside the steps")
        if self.cues and self.cues[-1].level:
            raise ValueError("a motor that is on at the end")
        return self


def read(found: Mapping[str, object]) -> Timeline:
    """The timeline in JSON values.

    Raises:
        ValueError: it is none; what is wrong with it.
    """
    try:
        told = _Timeline.model_validate(found)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(map(str, fault['loc']))[:80]}: {fault['msg']}".removeprefix(": ")) from None
    return Timeline(
        told.muscle,
        told.title,
        told.side,
        told.profile,
        told.levels,
        told.ceiling,
        tuple(Span(one.do, one.side, one.start, one.end, one.say, one.intensity) for one in told.spans),
        tuple(Cue(one.at, one.level, one.step) for one in told.cues),
    )
