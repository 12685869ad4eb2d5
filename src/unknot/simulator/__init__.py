"""A ball made of code, below bleak: the real ``BleakClient`` and ``BleakScanner`` run unchanged on top of it.

    from unknot.simulator import Air, SimulatedBall

    air = Air(SimulatedBall("open-ball"))
    async with unknot.connect(simulate=air) as ball: ...

or, without unknot's own client::

    BleakClient(address, backend=SimulatedClient, air=air)

It speaks any firmware profile, fails on demand (`inject` a `FaultPlan`, or call the verbs of `SimulatedBall` and
`Air`), and records what its motor does. Used by ``--simulate``, by unknot's tests, and by other people's tests through
the pytest plugin.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unknot.simulator.air import Air
    from unknot.simulator.backend import SimulatedClient, SimulatedScanner
    from unknot.simulator.ball import SimulatedBall
    from unknot.simulator.faults import Fault, FaultKind, FaultPlan
    from unknot.simulator.injection import inject
    from unknot.simulator.motor import MotorTrace

_HOMES = {
    "Air": "air",
    "Fault": "faults",
    "FaultKind": "faults",
    "FaultPlan": "faults",
    "MotorTrace": "motor",
    "SimulatedBall": "ball",
    "SimulatedClient": "backend",
    "SimulatedScanner": "backend",
    "inject": "injection",
}

__all__ = [
    "Air",
    "Fault",
    "FaultKind",
    "FaultPlan",
    "MotorTrace",
    "SimulatedBall",
    "SimulatedClient",
    "SimulatedScanner",
    "inject",
]


def __getattr__(name: str) -> object:
    """A public name, from its module when it is first asked for: a guard that needs none must be ready soon."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
