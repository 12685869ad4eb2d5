"""Recordings of apps that drive a simulated ball: what their host and its Bluetooth controller say to each other.

Between app and ball lies what lies there in the scenarios of `tests.stack`: Bumble's hosts, on a link with a radio's
clock.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from bleak import BleakClient, BleakScanner
from bumble.hci import HCI_COMMAND_PACKET, HCI_EVENT_PACKET
from bumble.snoop import BtSnooper, Snooper

from tests.stack.bumble_stage import BumbleStage
from unknot.device.ball import Ball
from unknot.device.radio import Radio
from unknot.profiles.codec import Codec
from unknot.profiles.model import FirmwareProfile
from unknot.profiles.speech import Line, SetLevel, Stop, Write
from unknot.profiles.writekind import WriteKind
from unknot.session.session import Session
from unknot.simulator import SimulatedBall

if TYPE_CHECKING:
    from bleak.backends.device import BLEDevice

PHONE = "F0:F1:F2:F3:F4:F5"
"""The address of the central of `BumbleStage`."""

BALL = "C0:BA:11:00:00:01"


class LoopSnooper(BtSnooper):
    """Writes btsnoop with the loop's own clock, which is virtual; Bumble's writes the time of day."""

    def snoop(self, hci_packet: bytes, direction: Snooper.Direction) -> None:
        """Write one packet."""
        flags = int(direction) | (2 if hci_packet[0] in (HCI_COMMAND_PACKET, HCI_EVENT_PACKET) else 0)
        at = self.TIMESTAMP_DELTA + int(asyncio.get_running_loop().time() * 1e6)
        self.output.write(struct.pack(">IIIIQ", len(hci_packet), len(hci_packet), flags, 0, at) + hci_packet)


class App:
    """The maker's app: it writes what a profile says, and nothing of its own."""

    def __init__(self, client: BleakClient, profile: FirmwareProfile) -> None:
        self._client = client
        self._codec = Codec(profile)
        self._sequence = 0

    async def say(self, *writes: Write) -> None:
        """Write."""
        gatt = self._codec.profile.gatt
        for write in writes:
            uuid = gatt[write.to].characteristic[0]
            await self._client.write_gatt_char(uuid, write.data, response=write.kind is WriteKind.REQUEST)
            if write.pause:
                await asyncio.sleep(write.pause)

    async def listen(self) -> None:
        """Have everything told that the ball tells by itself."""
        for role, use in self._codec.profile.gatt.items():
            if use.is_heard:

                def hear(_: Any, data: bytearray, role: str = role) -> None:
                    self._codec.decode(role, bytes(data))

                await self._client.start_notify(use.characteristic[0], hear)

    async def level(self, level: int, seconds: float = 2.0) -> None:
        """Set a level and leave it for a while; 0 is off."""
        self._sequence = self._codec.next_sequence(self._sequence)
        lease = self._codec.profile.safety.lease
        command = SetLevel(level, lease, self._sequence) if level else Stop(self._sequence)
        await self.say(*self._codec.encode(command))
        await asyncio.sleep(seconds)

    async def greet(self) -> None:
        """Say what the profile says after connecting."""
        for number, step in enumerate(self._codec.profile.init):
            if step.write is not None:
                await self.say(*self._codec.line(Line("init", number), {"sequence": 0, "running": 0, "level": 0}))
                await asyncio.sleep(0.7)

    async def keep_alive(self) -> None:
        """Say again and again what the profile says so."""
        async with asyncio.TaskGroup() as group:
            for number, kept in enumerate(self._codec.profile.keep_alive):
                if kept.every is not None:
                    group.create_task(self._keep(number, kept.every))

    async def _keep(self, number: int, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            await self.say(*self._codec.line(Line("keep_alive", number), {"sequence": 0, "running": 1, "level": 0}))


@asynccontextmanager
async def _met(output: BinaryIO, profile: FirmwareProfile) -> AsyncIterator[tuple[Radio, BLEDevice, LoopSnooper, Any]]:
    """A ball that was found by a phone."""
    async with BumbleStage() as stage:
        await stage.bring(SimulatedBall(profile, address=BALL))
        radio = stage.simulate
        assert isinstance(radio, Radio)
        assert radio.scanner is not None
        host, snooper = radio.options["central"].device.host, LoopSnooper(output)
        host.snooper = snooper
        device = await BleakScanner.find_device_by_address(BALL, backend=radio.scanner, **radio.options)
        assert device is not None
        yield radio, device, snooper, host


@asynccontextmanager
async def app(file: Path, profile: FirmwareProfile, *, discovers: bool = True) -> AsyncIterator[App]:
    """The maker's app, connected with a ball; all that its phone and the phone's controller say is in the file.

    Args:
        file: where the recording goes.
        profile: what the ball speaks.
        discovers: whether the app looks at the ball's table in the recording, as a phone does the first time.
    """
    with file.open("wb") as output:
        async with _met(output, profile) as (radio, device, snooper, host):
            host.snooper = snooper if discovers else None
            async with BleakClient(device, backend=radio.client, **radio.options) as client:
                host.snooper = snooper
                driving = App(client, profile)
                await driving.listen()
                yield driving
                await asyncio.sleep(0.5)


@asynccontextmanager
async def unknot(file: Path, profile: FirmwareProfile) -> AsyncIterator[Ball]:
    """A ball that unknot is connected with; all that its computer and the computer's controller say is in the file."""
    with file.open("wb") as output:
        async with _met(output, profile) as (radio, device, _, _), Ball(device, profile, radio, play=Session) as ball:
            yield ball
