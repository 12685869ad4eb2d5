"""Ways to meddle with a simulated ball: watch what reaches its firmware, or have the firmware refuse it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from unknot.simulator import SimulatedBall
from unknot.simulator.firmware import Refusal

if TYPE_CHECKING:
    import pytest

ATT_UNLIKELY_ERROR = 0x0E


@contextmanager
def written(sim: SimulatedBall) -> Iterator[list[tuple[float, bytes]]]:
    """The writes that reach the firmware while the block runs: (time of the loop, bytes)."""
    writes: list[tuple[float, bytes]] = []
    take = sim.firmware.write

    def spy(role: str, data: bytes, now: float) -> object:
        writes.append((now, data))
        return take(role, data, now)

    sim.firmware.write = spy  # type: ignore[method-assign, assignment]
    try:
        yield writes
    finally:
        sim.firmware.write = take  # type: ignore[method-assign]


def refuse(
    monkeypatch: pytest.MonkeyPatch,
    sim: SimulatedBall,
    unwelcome: Callable[[bytes], bool],
    code: int = ATT_UNLIKELY_ERROR,
) -> None:
    """From now on the firmware refuses these writes with an ATT error code."""
    take = sim.firmware.write

    def refusing(role: str, data: bytes, now: float) -> object:
        if unwelcome(data):
            raise Refusal(code)
        return take(role, data, now)

    monkeypatch.setattr(sim.firmware, "write", refusing)
