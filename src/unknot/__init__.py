"""unknot drives Bluetooth vibration massage balls: a protocol per muscle, a profile per firmware, a simulated ball.

    import asyncio, unknot

    async def main():
        async with unknot.connect(simulate=True) as ball:
            async with unknot.play("piriformis", on=ball) as session:
                async for event in session:
                    print(event)

    asyncio.run(main())

The names below are the public ones. They are imported when they are first used, because the command line must start
without loading the Bluetooth library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unknot.anywhere import connect, free_session, play, run, scan, stop_all
    from unknot.api import inspect, timeline
    from unknot.bridge.elsewhere.remote import RemoteBall
    from unknot.bridge.elsewhere.remote_session import RemoteSession
    from unknot.device.ball import Ball
    from unknot.errors import UnknotError
    from unknot.events import Ended, EndReason, Event, StopOutcome
    from unknot.session.session import Session
    from unknot.simulator.air import Air
    from unknot.simulator.ball import SimulatedBall

__version__ = "0.1.0"

_HOMES = {
    "Air": "unknot.simulator.air",
    "Ball": "unknot.device.ball",
    "EndReason": "unknot.events",
    "Ended": "unknot.events",
    "Event": "unknot.events",
    "RemoteBall": "unknot.bridge.elsewhere.remote",
    "RemoteSession": "unknot.bridge.elsewhere.remote_session",
    "Session": "unknot.session.session",
    "SimulatedBall": "unknot.simulator.ball",
    "StopOutcome": "unknot.events",
    "UnknotError": "unknot.errors",
    "connect": "unknot.anywhere",
    "free_session": "unknot.anywhere",
    "inspect": "unknot.api",
    "play": "unknot.anywhere",
    "run": "unknot.anywhere",
    "scan": "unknot.anywhere",
    "stop_all": "unknot.anywhere",
    "timeline": "unknot.api",
}

__all__ = [
    "Air",
    "Ball",
    "EndReason",
    "Ended",
    "Event",
    "RemoteBall",
    "RemoteSession",
    "Session",
    "SimulatedBall",
    "StopOutcome",
    "UnknotError",
    "connect",
    "free_session",
    "inspect",
    "play",
    "run",
    "scan",
    "stop_all",
    "timeline",
]


def __getattr__(name: str) -> object:
    """Import a public name's home when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'unknot' has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
