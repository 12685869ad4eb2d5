"""The guard as a program of its own, ``python -m unknot.guard_process [SOCKET | --adapter=NAME]``.

`unknot.device.guard` starts it. With the path of a simulated ball's socket it guards on that, else on the system's
radio, on the adapter of that name if one is named.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from unknot.device import takeover
from unknot.device.radio import ON_ADAPTER, Radio


def radio_behind(socket: Path) -> Radio:
    """The radio of the simulated balls behind a socket; its guard is this program."""
    from unknot.simulator.remote import RemoteClient, RemoteScanner, adapter_behind

    # A guard may have another current directory.
    socket = socket.absolute()
    arguments = ("-m", "unknot.guard_process", str(socket))
    return Radio(RemoteClient, RemoteScanner, adapter_behind(socket), {"socket": socket}, arguments)


def main(arguments: list[str]) -> None:
    """Guard until the controller says goodbye, or is gone and the motor is off."""
    for name in ("SIGINT", "SIGHUP"):  # what ends the controller is what the guard is there for
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    asyncio.run(takeover.watch(sys.stdin.buffer, _radio(arguments)))


def _radio(arguments: list[str]) -> Radio:
    if not arguments:
        return Radio()
    if arguments[0].startswith(ON_ADAPTER):
        return Radio().on(arguments[0].removeprefix(ON_ADAPTER))
    return radio_behind(Path(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
