"""Ways to meddle with a simulated ball: watch what reaches its firmware, or have the firmware refuse it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from unknot.simulator import SimulatedBall
from unknot.simulator.firmware import Refusal

if TYPE_CHECKING:
    import pytest

ATT_VALUE_NOT_ALLOWED = 0x13


class Written(tuple[float, bytes]):
    """A write that reached the firmware: (time of the loop, bytes), and to which characteristic of the profile."""

    role: str

    @classmethod
    def to(cls, role: str, data: bytes, now: float) -> Written:
        write = cls((now, data))
        write.role = role
        return write


@contextmanager
def written(sim: SimulatedBall) -> Iterator[list[Written]]:
    """The writes that reach the firmware while the block runs."""
    writes: list[Written] = []
    take = sim.firmware.write

    def spy(role: str, data: bytes, now: float) -> object:
        writes.append(Written.to(role, data, now))
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
    code: int = ATT_VALUE_NOT_ALLOWED,
) -> None:
    """From now on the firmware refuses these writes with an ATT error code."""
    take = sim.firmware.write

    def refusing(role: str, data: bytes, now: float) -> object:
        if unwelcome(data):
            raise Refusal(code)
        return take(role, data, now)

    monkeypatch.setattr(sim.firmware, "write", refusing)
