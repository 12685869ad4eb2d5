"""A D-Bus of one's own: a private ``dbus-daemon`` that stands in for the system's; used by the BlueZ stage."""

from __future__ import annotations

import asyncio
import os
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import TYPE_CHECKING

from tests.stack.bluez import DAEMON

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

VARIABLE = "DBUS_SYSTEM_BUS_ADDRESS"
"""By which every program finds the system's bus (D-Bus specification, "Well-known Message Bus Instances")."""

START_SECONDS = 20.0
"""A daemon that has not started by then is a fault of this machine."""

CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
  </policy>
{further}</busconfig>
"""
FORBIDS_BLUETOOTH = """  <policy context="mandatory"><deny send_destination="org.bluez"/></policy>
"""
"""What a user meets whom the system does not let speak with BlueZ."""


class PrivateBus:
    """The system's bus of this process, and of those that it starts, for the length of the block.

    Args:
        further: more of the daemon's configuration, such as `FORBIDS_BLUETOOTH`.

    Attributes:
        address: where it listens.
    """

    def __init__(self, further: str = "") -> None:
        self._further = further
        self._before = os.environ.get(VARIABLE)
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="bus")  # a short path: a socket's has at most 107 bytes
        file, socket = (Path(self._folder.name) / name for name in ("conf", "socket"))
        self.address = f"unix:path={socket}"
        file.write_text(CONFIGURATION.format(socket=socket, further=self._further))
        await self.start()
        os.environ[VARIABLE] = self.address
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = self._before
        await self.stop()
        self._folder.cleanup()

    async def start(self) -> None:
        """Start the daemon, at first or after `stop`; it listens when this returns."""
        words = (f"--config-file={self._folder.name}/conf", "--nofork", "--nopidfile", "--print-address")
        self._process = await asyncio.create_subprocess_exec(DAEMON, *words, stdout=PIPE, stderr=DEVNULL)
        assert self._process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            if not await self._process.stdout.readline():
                raise RuntimeError(f"{DAEMON} did not start")

    async def stop(self) -> None:
        """Kill the daemon: every program's connection is gone."""
        if self._process is not None:
            self._process.kill()
            await self._process.communicate()
            self._process = None
