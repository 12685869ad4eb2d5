"""Gives every scenario the stages that this machine has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.stack.bumble_stage import BumbleStage
from tests.stack.stage import SimulatedStage, Stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

STAGES: dict[str, Callable[[], Stage]] = {
    "simulated": SimulatedStage,
    "bumble": BumbleStage,
}
REAL_TIME = ("bluez", "kernel")
"""The stages with sockets and processes, on which a link belongs to the system and outlives a program."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture, names in (("stage", STAGES), ("system", [name for name in STAGES if name in REAL_TIME])):
        if fixture in metafunc.fixturenames:
            marked = [pytest.param(name, marks=pytest.mark.real_time if name in REAL_TIME else ()) for name in names]
            metafunc.parametrize(fixture, marked, indirect=True)


@pytest.fixture
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """The stage that the scenario plays on, with no ball yet."""
    async with STAGES[request.param]() as stage:
        yield stage


@pytest.fixture
async def system(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """A stage whose links belong to the system, so that programs can be killed and leave theirs behind."""
    async with STAGES[request.param]() as stage:
        yield stage


SHORT = """schema = 1
muscle = "gastrocnemius"
title = "Short calf"
ceiling = "moderate"
placement = "Nowhere: this is a test of what lies below a protocol."
felt = "not at all"
cautions = ["Not for a person."]
no_go = ["persons"]
source = { ceiling = "J" }

[sources]
J = "a test"
"""
STEP = """
[[steps]]
do = "{do}"
{to}for = "{seconds}"
say = "{do} now."
source = {{ {sourced}for = "J" }}
"""


def _step(do: str, seconds: str, to: int | None = None) -> str:
    if to is None:
        return STEP.format(do=do, seconds=seconds, to="", sourced="")
    return STEP.format(do=do, seconds=seconds, to=f"to = {to}\n", sourced='to = "J", ')


@pytest.fixture
def short_muscle(tmp_path: Path) -> str:
    """The file of a protocol that has all its phases in a few seconds of real time."""
    file = tmp_path / "short.toml"
    steps = (_step("settle", "2s", 20), _step("hold", "1s", 20), _step("move", "1s"), _step("stretch", "1s"))
    file.write_text(SHORT + "".join(steps))
    return str(file)
