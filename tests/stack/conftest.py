"""Gives every scenario the stages that this machine has."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.stack import bluez
from tests.stack.bumble_stage import BumbleStage
from tests.stack.muscle import short_muscle
from tests.stack.stage import SimulatedStage, Stage
from tests.stack.vm.collection import pytest_collect_directory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

__all__ = ["pytest_collect_directory", "short_muscle"]

STAGES: dict[str, Callable[[], Stage]] = {
    "simulated": SimulatedStage,
    "bumble": BumbleStage,
    "bluez": bluez.stage,
}

REAL_TIME = ("bluez", "kernel")
"""The stages with sockets and processes, on which a link belongs to the system and outlives a program."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture, names in (("stage", STAGES), ("system", [name for name in STAGES if name in REAL_TIME])):
        if fixture in metafunc.fixturenames:
            marked = [pytest.param(name, marks=pytest.mark.real_time if name in REAL_TIME else ()) for name in names]
            metafunc.parametrize(fixture, marked, indirect=True)


@pytest.fixture
def _asyncio_loop_factory(request: pytest.FixtureRequest) -> object:
    """pytest-asyncio asks once for all stages of a test which loop it wants; here each stage says it by its mark."""
    return asyncio.new_event_loop if request.node.get_closest_marker("real_time") else request.param


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
