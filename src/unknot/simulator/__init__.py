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

from unknot.simulator.air import Air
from unknot.simulator.backend import SimulatedClient, SimulatedScanner
from unknot.simulator.ball import SimulatedBall
from unknot.simulator.faults import Fault, FaultKind, FaultPlan
from unknot.simulator.injection import inject
from unknot.simulator.motor import MotorTrace

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
