"""What the tests in the virtual machine share, in place of the host's conftests: the clock, the stage, and no past."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.stack.kernel_stage import KernelStage
from tests.stack.muscle import short_muscle
from tests.stack.stage import Stage

__all__ = ["short_muscle"]


@pytest.hookimpl(tryfirst=True)
def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The guest's clock is virtual already, for every process in it."""
    return {"guest": asyncio.new_event_loop}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Tell how long the guest's processor was busy with each test: that is what costs the host time, waits do not."""
    before = _busy_seconds()
    try:
        return (yield)
    finally:
        print(f" {_busy_seconds() - before:.1f} s of work", end="", flush=True)  # noqa: T201 - for the console


def _busy_seconds() -> float:
    user, nice, system, *_ = map(int, Path("/proc/stat").read_text().split(maxsplit=4)[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


@pytest.fixture(autouse=True)
def no_past(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has been played today, and nobody has files of their own: here, and in the programs that tests start."""
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """The kernel's stage, with no ball yet."""
    async with KernelStage() as stage:
        yield stage
