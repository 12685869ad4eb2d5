"""What a service tells the system that started it: ready, how it is, that it lives; used by ``unknot bridge``.

The protocol is systemd's sd_notify(3): words in a datagram to a socket that the environment names. Where there is none,
nothing happens.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Mapping

log = logging.getLogger(__name__)

MICROSECONDS = 1_000_000
"""In a second; WATCHDOG_USEC counts them."""

OFTEN = 2
"""How many signs of life there are in the time that the watchdog waits for one (sd_watchdog_enabled(3))."""


class Notifier:
    """The way to the service manager.

    Args:
        environment: names the socket and the watchdog's time.

    Attributes:
        watchdog_seconds: after how long (s) without a sign of life the service is killed; None for never.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        path = environment.get("NOTIFY_SOCKET", "")
        is_known = path[:1] in ("/", "@") and hasattr(socket, "AF_UNIX")
        # An @ stands for the zero byte of Linux's abstract sockets.
        self._address = (f"\0{path[1:]}" if path.startswith("@") else path) if is_known else ""
        self.watchdog_seconds = _watchdog_seconds(environment) if self._address else None

    def ready(self) -> None:
        """The service serves."""
        self._tell("READY=1")

    def status(self, words: str) -> None:
        """How it is, in one line for ``systemctl status``."""
        # A line break would begin another word of the protocol.
        self._tell("STATUS=" + "".join(sign if sign.isprintable() else "?" for sign in words))

    def alive(self) -> None:
        """It lives."""
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """It is about to leave."""
        self._tell("STOPPING=1")

    async def beat(self) -> None:
        """Say that it lives for as long as this is awaited, so that a loop that hangs is found out; or return at once.

        Runs as a task until it is cancelled.
        """
        if self.watchdog_seconds is None:
            return
        while True:
            self.alive()
            await asyncio.sleep(self.watchdog_seconds / OFTEN)

    def _tell(self, message: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
                way.settimeout(0)  # a manager that does not listen must not hold up a session
                way.sendto(message.encode(), self._address)
        except OSError as error:
            log.debug("the service manager was not told %r: %s", message, error)


def _watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """After how long the watchdog kills this process; None if it watches another one, or none."""
    try:
        seconds = int(environment.get("WATCHDOG_USEC", "0")) / MICROSECONDS
        process = int(environment.get("WATCHDOG_PID", os.getpid()))
    except ValueError:
        return None
    return seconds if seconds > 0 and process == os.getpid() else None
