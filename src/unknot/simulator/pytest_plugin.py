"""The pytest plugin that comes with unknot: a ball on the air, and virtual time; found by pytest on its own.

Fixtures:
    simulated_ball: a `SimulatedBall` that speaks the open ball's dialect, on the air.
    air: the `Air` it is on; add further balls to it.
    virtual_time: makes the test's event loop jump over every wait. Needs pytest-asyncio 1.4 or later.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from unknot.clock import VirtualTimeLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from unknot.simulator.air import Air
    from unknot.simulator.ball import SimulatedBall


class VirtualTime:
    """The handle that the fixture `virtual_time` gives."""

    @property
    def now(self) -> float:
        """Seconds on the virtual clock; 0 at the beginning of the test."""
        loop = asyncio.get_running_loop()
        if not isinstance(loop, VirtualTimeLoop):
            pytest.fail("this test asks for virtual_time, but another plugin or conftest chose its event loop")
        return loop.time()


@pytest.fixture
def air() -> Air:
    """The simulated air; empty unless the test asks for `simulated_ball`."""
    from unknot.simulator.air import Air

    return Air()


@pytest.fixture
def simulated_ball(air: Air) -> SimulatedBall:
    """A simulated open ball on the `air`."""
    from unknot.simulator.ball import SimulatedBall

    return air.add(SimulatedBall())


@pytest.fixture
def virtual_time() -> VirtualTime:
    """The virtual clock of this test; asking for it is what makes time virtual."""
    return VirtualTime()


@pytest.hookimpl(optionalhook=True, trylast=True)
def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Give tests that ask for `virtual_time` its loop, and leave all others as they are."""
    if "virtual_time" in getattr(item, "fixturenames", ()):
        return {"virtual": VirtualTimeLoop}
    return {"default": asyncio.new_event_loop}
