"""Makes a plan of faults happen on a simulated air, each at its time; used by the command line and by tests.

Every fault is a verb of the ball or of the air, called by the loop's clock; whatever happens by a plan can be done by
hand.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from unknot.errors import UsageError
from unknot.simulator.faults import FaultKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from unknot.simulator.air import Air
    from unknot.simulator.ball import SimulatedBall
    from unknot.simulator.faults import Fault, FaultPlan


def inject(plan: FaultPlan, air: Air, *, tell: Callable[[Fault], None] | None = None) -> Injection:
    """Have a plan happen, from now on; its seconds count from this call.

    The faults of a ball hit the first ball of the air, so that those beside it stay sound; the adapter is everybody's.

    Args:
        plan: what happens.
        air: where.
        tell: called with each fault when it happens.

    Returns:
        The handle that remembers what has happened.

    Raises:
        UsageError: there is no ball on the air.
    """
    ball = next(iter(air), None)
    if ball is None:
        raise UsageError("faults happen to a ball, and there is none on this air; add one first")
    return Injection(plan, air, ball, tell)


class Injection:
    """A plan that is happening; made by `inject`."""

    def __init__(self, plan: FaultPlan, air: Air, ball: SimulatedBall, tell: Callable[[Fault], None] | None) -> None:
        self._plan = plan
        self._air = air
        self._ball = ball
        self._tell = tell
        self._began = asyncio.get_running_loop().time()
        self._happened: list[tuple[float, Fault]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._wait_for_next()

    @property
    def happened(self) -> tuple[tuple[float, Fault], ...]:
        """What has happened so far: (time of the loop, fault)."""
        return tuple(self._happened)

    def cancel(self) -> None:
        """Have nothing more happen; what is happening already takes its course."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait_for_next(self) -> None:
        """One timer at a time: the loop keeps no order among those of the same moment."""
        number = len(self._happened)
        faults = self._plan.faults
        if number < len(faults):
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._began + faults[number].at, self._happen, faults[number], number)

    def _happen(self, fault: Fault, number: int) -> None:
        self._timer = None
        self._happened.append((asyncio.get_running_loop().time(), fault))
        self._wait_for_next()  # before the deed, so that a failing one ends nothing
        if self._tell is not None:
            self._tell(fault)
        # Each fault has a chance of its own: what one of them draws does not depend on the others.
        _do(fault, self._air, self._ball, self._plan.seed + number)


def _do(fault: Fault, air: Air, ball: SimulatedBall, seed: int) -> None:
    """Call the verb that a fault is."""
    seconds = fault.seconds or 0.0
    match fault.what:
        case FaultKind.LINK_DROPS:
            ball.drop_link(away=seconds)
        case FaultKind.IGNORES_WRITES_WHILE_OFF:
            ball.ignore_levels_while_off(seconds)
        case FaultKind.BUTTON_PRESSED:
            ball.press_button()
        case FaultKind.BATTERY_DIES:
            ball.empty_battery()
        case FaultKind.OVERHEATS:
            ball.overheat(seconds)
        case FaultKind.REBOOTS:
            ball.reboot(silent=seconds)
        case FaultKind.RETURNS_UNDER_NEW_ADDRESS:
            ball.change_address()
        case FaultKind.ADAPTER_VANISHES:
            air.unplug(seconds)
        case FaultKind.ADVERTISEMENT_GOES_STALE:
            air.forget(ball)
        case _:
            ball.interfere(fault, seed=seed)
