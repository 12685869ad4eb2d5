"""The guard, seen from the controller: a small process that outlives it and stops the ball; the ball starts it.

BlueZ keeps the link of a killed process, and the ball keeps its level. The controller holds the guard's standard input
open and writes on it what to do, and that it lives; when it closes without a goodbye, or nothing comes while the motor
is on, the controller is dead or halted and the guard stops the ball, as `unknot.device.takeover` says. It never acts
before, so it never fights a live controller.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from unknot.device.orders import Orders
from unknot.protocols.limits import LEFT_ALONE_SECONDS

if TYPE_CHECKING:
    from unknot.profiles.model import FirmwareProfile

log = logging.getLogger(__name__)

PROMISE_SECONDS = LEFT_ALONE_SECONDS
"""A motor is off that long after its controller was killed, where the link still stands (s)."""

BEAT_SECONDS = 0.5
"""How often the controller says, while the motor may be on, that it lives (judgement)."""

GOODBYE_SECONDS = 3.0
"""How long the guard may take to leave after a goodbye: the time in which a slow machine starts it (judgement)."""


def is_needed(profile: FirmwareProfile) -> bool:
    """Whether a ball whose controller is killed may vibrate for longer than `PROMISE_SECONDS`."""
    lease = profile.safety.lease
    return lease is None or lease > PROMISE_SECONDS


class Guard:
    """The controller's side: a guard process that was started, and what to tell it.

    Args:
        process: the guard.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None  # noqa: S101 - it was opened as a pipe
        self._process = process
        self._pipe = process.stdin
        self._is_armed = False
        self._is_heard = True
        self._orders: Orders | None = None

    @classmethod
    def start(cls, arguments: tuple[str, ...]) -> Self | None:
        """Start a guard; takes milliseconds, while the guard needs up to a second to be ready.

        Args:
            arguments: what stands after ``python``: `Radio.guard`.

        Returns:
            The guard, or None with a warning logged if none could be started; that is no reason not to play.
        """
        try:
            return cls(_start(arguments))
        except (OSError, ValueError) as error:
            log.warning("no guard could be started, so a killed unknot leaves the motor on: %s", error)
            return None

    def order(self, orders: Orders) -> None:
        """Say how to stop the ball, as it is connected from now on; what it knows already is not said again."""
        if orders == self._orders:
            return
        self._orders = orders
        self._tell({"orders": asdict(orders)})

    def arm(self) -> None:
        """Say, before the first write of a level, that the motor will be on; heard even if we die at once after it."""
        self._set_armed(armed=True)

    def disarm(self) -> None:
        """Say that the motor is known to be off."""
        self._set_armed(armed=False)

    async def beat(self) -> None:
        """Say again and again, while the motor may be on, that we live; runs as a task until it is cancelled."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            if self._is_armed:
                self._tell({"beat": True})

    async def goodbye(self) -> int:
        """Let the guard leave, and wait until it has, at most `GOODBYE_SECONDS`.

        Returns:
            How it ended: 0 if it left as it should, above if it failed, below if it had to be killed.
        """
        self._tell({"goodbye": True})
        self._hang_up()
        try:
            await asyncio.to_thread(self._process.wait, GOODBYE_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning("the guard did not leave within %g s", GOODBYE_SECONDS)
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
        return self._process.returncode

    def hand_over(self) -> None:
        """Leave the ball to the guard: it takes over at once, and nobody waits for it here."""
        self._hang_up()
        threading.Thread(target=self._process.wait, daemon=True, name="guard").start()  # so that no zombie stays

    def _hang_up(self) -> None:
        self._pipe.close()
        self._is_heard = False

    def _set_armed(self, *, armed: bool) -> None:
        if armed is not self._is_armed:
            self._is_armed = armed
            self._tell({"armed": armed})

    def _tell(self, message: dict[str, Any]) -> None:
        if not self._is_heard:
            return
        line = json.dumps(message).encode() + b"\n"
        try:
            written = os.write(self._pipe.fileno(), line)
        except OSError as error:
            self._is_heard = False
            log.warning("the guard is gone, so a killed unknot leaves the motor on: %s", error.strerror)
        else:
            if written < len(line):
                self._is_heard = False
                log.warning("the guard does not listen, so a killed unknot leaves the motor on")


def _start(arguments: tuple[str, ...]) -> subprocess.Popen[bytes]:
    try:
        terminal = os.open("/dev/tty", os.O_WRONLY)
    except OSError:  # nobody watches
        terminal = None
    try:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own module
            [sys.executable, "-P", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if terminal is None else terminal,
            bufsize=0,
            start_new_session=True,  # what is sent to the controller's group or terminal is not sent to the guard
            env=_environment(),
        )
    finally:
        if terminal is not None:
            os.close(terminal)
    if sys.platform != "win32" and process.stdin is not None:
        os.set_blocking(process.stdin.fileno(), False)  # a guard that hangs must not hang a session
    return process


def _environment() -> dict[str, str]:
    """An environment in which modules are found as here, but none in the current directory."""
    home = str(Path(__file__).parents[2])  # the folder that unknot lies in
    here = "" if sys.flags.safe_path else os.getcwd()
    folders = [folder for folder in sys.path if os.path.isabs(folder) and folder != here]
    if home not in folders:
        folders.append(home)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
