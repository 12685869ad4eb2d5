"""A ball made of code, below bleak: the real ``BleakClient`` and ``BleakScanner`` run unchanged on top of it.

    from unknot.simulator import Air, SimulatedBall

    air = Air(SimulatedBall("open-ball"))
    async with unknot.connect(simulate=air) as ball: ...

or, without unknot's own client::

    BleakClient(address, backend=SimulatedClient, air=air)

It speaks any firmware profile, and records what its motor does. Used by ``--simulate``, by unknot's tests, and by other
people's tests through the pytest plugin.
"""

from unknot.simulator.backend import SimulatedClient, SimulatedScanner
from unknot.simulator.ball import Air, SimulatedBall
from unknot.simulator.motor import MotorTrace

__all__ = ["Air", "MotorTrace", "SimulatedBall", "SimulatedClient", "SimulatedScanner"]
