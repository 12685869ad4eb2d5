"""Protocols, profiles and timelines made for tests: small ones by hand, and any number of them by hypothesis."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st

from unknot.profiles import library as profile_library
from unknot.profiles.model import Motor
from unknot.protocols.limits import Ceiling
from unknot.protocols.model import MuscleProtocol
from unknot.protocols.timeline import Side, compile_protocol

if TYPE_CHECKING:
    from unknot.profiles.model import FirmwareProfile
    from unknot.protocols.timeline import Timeline

PROPERTY = settings(deadline=None, max_examples=60)
"""Enough to find what a wrong line breaks; raise it when the compiler or the player changes."""

NUMBERS = ("to", "low", "period", "on", "off", "for")


@cache
def profile(levels: int) -> FirmwareProfile:
    """A profile whose motor has that many levels."""
    return profile_library.load("open-ball").model_copy(
        update={"id": f"made-{levels}", "motor": Motor(levels=levels), "values": {}}
    )


def step(do: str, seconds: float, **numbers: float | str) -> dict[str, Any]:
    """A step as a file has it."""
    content: dict[str, Any] = {"do": do, "say": do.capitalize(), "for": f"{seconds:.3f}s", **numbers}
    return content | {"source": dict.fromkeys((name for name in NUMBERS if name in content), "J")}


def protocol(*steps: dict[str, Any], ceiling: Ceiling = Ceiling.STRONG, sided: bool = True) -> MuscleProtocol:
    """A protocol of these steps."""
    return MuscleProtocol.model_validate(
        {
            "schema": 1,
            "id": "made",
            "muscle": "musculus",
            "title": "Made",
            "ceiling": ceiling,
            "sided": sided,
            "placement": "anywhere",
            "felt": "nowhere",
            "cautions": ["none"],
            "no_go": ["nowhere"],
            "sources": {"J": "judgement"},
            "source": {"ceiling": "J"},
            "steps": list(steps),
        }
    )


def timeline(*steps: dict[str, Any], levels: int, **options: Any) -> Timeline:
    """These steps on a motor of that many levels."""
    return compile_protocol(protocol(*steps), profile(levels), **options)


def thousandths(least: float, most: float) -> st.SearchStrategy[float]:
    """Numbers with three digits after the point."""
    return st.integers(round(least * 1000), round(most * 1000)).map(lambda number: number / 1000)


@st.composite
def _vibrating(draw: st.DrawFn, most: float) -> dict[str, Any]:
    do = draw(st.sampled_from(["settle", "hold", "wave", "pulse"]))
    seconds = draw(thousandths(0.001, 30))
    to = draw(thousandths(0.001, int(most * 1000) / 1000))
    if do in ("settle", "hold"):
        return step(do, seconds, to=to)
    low = draw(thousandths(0.001, to))
    if do == "wave":
        return step(do, seconds, low=low, to=to, period=f"{draw(thousandths(1, 20)):.3f}s")
    on, off = draw(thousandths(1, 10)), draw(thousandths(1, 10))
    return step(do, seconds, low=low, to=to, on=f"{on:.3f}s", off=f"{off:.3f}s")


@st.composite
def _resting(draw: st.DrawFn) -> dict[str, Any]:
    return step(draw(st.sampled_from(["rest", "move", "stretch"])), draw(thousandths(5, 20)))


@st.composite
def protocols(draw: st.DrawFn) -> MuscleProtocol:
    """Protocols of all kinds of steps, within the limits of time: at most 3 spots of at most 3 steps of 30 s."""
    ceiling = draw(st.sampled_from([Ceiling.GENTLE, Ceiling.MODERATE, Ceiling.STRONG]))
    steps: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 3))):
        steps += draw(st.lists(_vibrating(ceiling.percent), max_size=3))
        steps.append(draw(_resting()))
    return protocol(*steps, step("stretch", draw(thousandths(5, 20))), ceiling=ceiling)


def levels_for(ceiling: Ceiling) -> st.SearchStrategy[int]:
    """Motors whose lowest level lies within the ceiling."""
    return st.integers({Ceiling.GENTLE: 3, Ceiling.MODERATE: 2}.get(ceiling, 1), 255)


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    """Timelines of such protocols on 1 to 255 levels."""
    made = draw(protocols())
    levels = draw(levels_for(made.ceiling))
    return compile_protocol(made, profile(levels), side=draw(st.sampled_from(Side)))
