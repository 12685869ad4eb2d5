"""The guard: a small process that outlives a killed controller and stops the ball; `Guard` starts it, for the ball.

BlueZ keeps the link of a killed process, and the ball keeps its level. The controller holds the guard's standard input
open and writes on it what to do; when it closes without a goodbye, the controller is dead and the guard takes over. It
never acts before, so it never fights a live controller.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from bleak import BleakAdapter, BleakClient

from unknot.device.discovery import RADIO_SECONDS
from unknot.device.link import CONNECT_SECONDS, DISCONNECT_SECONDS, OPERATION_SECONDS
from unknot.device.writer import STOP_ATTEMPTS
from unknot.profiles.codec import Codec, Stop
from unknot.profiles.model import WriteKind

if TYPE_CHECKING:
    from bleak.backends.device import BLEDevice

    from unknot.device.radio import Radio
    from unknot.profiles.model import FirmwareProfile

log = logging.getLogger(__name__)

PROMISE_SECONDS = 2.0
"""A motor is off that long after its controller was killed, where the link still stands (judgement: before a person has
found out what is wrong)."""

TAKE_OVER_SECONDS = 30.0
"""How long the guard tries before it gives up: as long as BlueZ remembers a ball that is out of range (measured)."""

BACK_OFF_SECONDS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Pauses after attempts that failed, the last one again and again: quick while the trouble may be a passing one
(judgement)."""

GOODBYE_SECONDS = 3.0
"""How long the guard may take to leave after a goodbye: the time in which a slow machine starts it (judgement)."""

PARTING_SECONDS = 0.5
"""How long the link is held after a stop that nobody acknowledges, as the ball does: several connection intervals, so
that it is not lost in a queue when the link closes (judgement)."""


@dataclass(frozen=True, slots=True)
class Orders:
    """How to stop one ball.

    Attributes:
        address: the ball's address.
        name: what to call it.
        services: service UUIDs by which the system finds a link that stands.
        stop: the writes of a stop: characteristic UUID, bytes in hexadecimal, whether with response.
        repeats: how often they are written.
        gap: seconds between two repeats.
    """

    address: str
    name: str
    services: tuple[str, ...]
    stop: tuple[tuple[str, str, bool], ...]
    repeats: int = 1
    gap: float = 0.0

    @classmethod
    def for_ball(cls, codec: Codec, address: str, name: str) -> Self:
        """The orders for a ball that speaks a profile."""
        gatt = codec.profile.gatt
        writes = codec.encode(Stop())
        return cls(
            address,
            name,
            tuple(sorted({gatt[write.to].service for write in writes})),
            tuple((gatt[one.to].characteristic, one.data.hex(), one.kind is WriteKind.REQUEST) for one in writes),
            codec.stop_times,
            codec.profile.safety.stop_gap,
        )

    @property
    def is_acknowledged(self) -> bool:
        """Whether the ball acknowledges every write of the stop."""
        return all(response for _, _, response in self.stop)


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
        self._process = process
        self._is_armed = False
        self._is_heard = True

    @classmethod
    def start(cls, arguments: tuple[str, ...], orders: Orders) -> Self | None:
        """Start a guard with its first orders; takes milliseconds, while the guard needs up to a second to be ready.

        Args:
            arguments: what stands after ``python``: `Radio.guard`.
            orders: how to stop the ball.

        Returns:
            The guard, or None with a warning logged if none could be started; that is no reason not to play.
        """
        try:
            guard = cls(_start(arguments))
        except (OSError, ValueError) as error:
            log.warning("no guard could be started, so a killed unknot leaves the motor on: %s", error)
            return None
        guard.order(orders)
        return guard

    def order(self, orders: Orders) -> None:
        """Replace the orders: the ball has come back under another address."""
        self._tell({"orders": asdict(orders)})

    def arm(self) -> None:
        """Say, before the first write of a level, that the motor will be on; heard even if we die at once after it."""
        self._set_armed(armed=True)

    def disarm(self) -> None:
        """Say that the motor is known to be off."""
        self._set_armed(armed=False)

    async def goodbye(self) -> None:
        """Let the guard leave, and wait until it has, at most `GOODBYE_SECONDS`."""
        self._tell({"goodbye": True})
        assert self._process.stdin is not None  # noqa: S101 - it was opened as a pipe
        self._process.stdin.close()
        self._is_heard = False
        try:
            await asyncio.to_thread(self._process.wait, GOODBYE_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning("the guard did not leave within %g s", GOODBYE_SECONDS)
            self._process.kill()
            await asyncio.to_thread(self._process.wait)

    def _set_armed(self, *, armed: bool) -> None:
        if armed is not self._is_armed:
            self._is_armed = armed
            self._tell({"armed": armed})

    def _tell(self, message: dict[str, Any]) -> None:
        if not self._is_heard:
            return
        assert self._process.stdin is not None  # noqa: S101 - it was opened as a pipe
        line = json.dumps(message).encode() + b"\n"
        try:
            written = os.write(self._process.stdin.fileno(), line)
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


# The guard's side.


async def watch(stdin: IO[bytes], radio: Radio) -> None:
    """Be the guard: hear what the controller says until its end of ``stdin`` closes, then do what is left to do.

    Args:
        stdin: a pipe whose other end only the controller has.
        radio: what bleak stands on.
    """
    orders: Orders | None = None
    is_armed = False
    while line := await asyncio.to_thread(stdin.readline):
        try:
            told = json.loads(line)
        except ValueError:  # the controller was killed in the middle of it
            continue
        match told:
            case {"orders": dict(fields)}:
                orders = Orders(**fields)
                # bleak loads the rest of its modules when the first client is made: now, not when every second counts.
                _client(orders.address, radio)
            case {"armed": bool(armed)}:
                is_armed = armed
            case {"goodbye": True}:
                return
    if orders is None:
        return
    if is_armed:
        await take_over(orders, radio)
    else:
        await tidy(orders, radio)


async def take_over(orders: Orders, radio: Radio) -> None:
    """Stop the ball of a dead controller, within `TAKE_OVER_SECONDS`, and tell whoever is at its terminal."""
    name = "".join(sign if sign.isprintable() else "?" for sign in orders.name)  # it comes from the air
    client: BleakClient | None = None
    with suppress(TimeoutError):
        async with asyncio.timeout(TAKE_OVER_SECONDS):
            client = await _stopped(orders, radio)
    if client is None:
        _say(f"unknot was killed while {name} vibrated, and it could not be reached: press the ball's own button")
        return
    if orders.is_acknowledged:
        _say(f"unknot was killed while {name} vibrated: motor off")
    else:
        _say(f"unknot was killed while {name} vibrated: stop sent; press the ball's own button if it still vibrates")
        await asyncio.sleep(PARTING_SECONDS)
    await _disconnect(client)


async def tidy(orders: Orders, radio: Radio) -> None:
    """End the link that a dead controller has left behind with the motor off: it would hide the ball from scans."""
    with suppress(Exception):  # there is nobody to tell, and no motor runs
        device = await _held(orders, radio)
        if device is not None:
            await _disconnect(await _connected(device, radio))


async def _stopped(orders: Orders, radio: Radio) -> BleakClient:
    """Try to stop the ball until it has been; the client that did it, still connected."""
    for pause in chain(BACK_OFF_SECONDS, repeat(BACK_OFF_SECONDS[-1])):
        try:
            client = await _connected(await _held(orders, radio) or orders.address, radio)
            try:
                await _write_stop(client, orders)
            except BaseException:
                await _disconnect(client)  # the link itself may be what is wrong
                raise
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the motor must be stopped
            log.debug("taking over: %s", error or repr(error))
            await asyncio.sleep(pause)
        else:
            return client
    raise AssertionError  # the pauses have no end


async def _held(orders: Orders, radio: Radio) -> BLEDevice | None:
    """The ball by the link that the system still holds to it, which a scan would not find."""
    try:
        async with asyncio.timeout(RADIO_SECONDS):
            adapter = await BleakAdapter.get(backend=radio.adapter)
            devices = await adapter.get_connected_devices(list(orders.services))
    except NotImplementedError:
        return None
    return next((device for device in devices if device.address == orders.address), None)


async def _connected(device: BLEDevice | str, radio: Radio) -> BleakClient:
    client = _client(device, radio)
    async with asyncio.timeout(CONNECT_SECONDS):
        await client.connect()
    return client


def _client(device: BLEDevice | str, radio: Radio) -> BleakClient:
    return BleakClient(device, timeout=CONNECT_SECONDS, backend=radio.client, **radio.options)


async def _write_stop(client: BleakClient, orders: Orders) -> None:
    """Write the stop as often as the ball needs it; once it has gone out, a repeat that fails is no failure."""
    for attempt in range(STOP_ATTEMPTS):
        try:
            await _write_once(client, orders)
            break
        except Exception:
            if attempt + 1 == STOP_ATTEMPTS:
                raise
    with suppress(Exception):
        for _ in range(orders.repeats - 1):
            await asyncio.sleep(orders.gap)
            await _write_once(client, orders)


async def _write_once(client: BleakClient, orders: Orders) -> None:
    for characteristic, data, response in orders.stop:
        async with asyncio.timeout(OPERATION_SECONDS):
            await client.write_gatt_char(characteristic, bytes.fromhex(data), response=response)


async def _disconnect(client: BleakClient) -> None:
    with suppress(Exception):
        async with asyncio.timeout(DISCONNECT_SECONDS):
            await client.disconnect()


def _say(text: str) -> None:
    """Write a line with a bell to the terminal, if it is still there."""
    with suppress(OSError):
        sys.stderr.write(f"\a{text}\n")
        sys.stderr.flush()
