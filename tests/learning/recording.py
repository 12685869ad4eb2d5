"""Recordings of the simulated ball behind a virtual controller: an app drives it, and the host's packets are written.

The radio, both hosts and both attribute protocols are bumble's; the ball is `unknot.simulator.SimulatedBall`.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from bumble import att, controller, core, device, gatt, hci, host, link
from bumble.transport.common import AsyncPipeSink

from unknot.profiles.codec import Codec
from unknot.profiles.gatt import WriteKind
from unknot.profiles.model import FirmwareProfile
from unknot.profiles.speech import Line, SetLevel, Stop, Write
from unknot.simulator import SimulatedBall
from unknot.simulator.firmware import Refusal
from unknot.simulator.gatt import rows

PHONE = "F0:F1:F2:F3:F4:F5"
BALL = "C0:BA:11:00:00:01"

_EPOCH_MICROSECONDS = 0x00E03AB44A676000
"""The year 2000 in btsnoop's microseconds."""


class Snooper:
    """Writes btsnoop with the loop's own clock, which is virtual."""

    def __init__(self, output: BinaryIO) -> None:
        self._output = output
        output.write(b"btsnoop\0" + struct.pack(">II", 1, 1002))

    def snoop(self, packet: bytes, direction: int) -> None:
        """Write one packet."""
        flags = int(direction) | (2 if packet[0] in (1, 4) else 0)
        at = _EPOCH_MICROSECONDS + int(asyncio.get_running_loop().time() * 1e6)
        self._output.write(struct.pack(">IIIIQ", len(packet), len(packet), flags, 0, at) + packet)


@dataclass
class App:
    """The maker's app: what it writes, and what it hears."""

    codec: Codec
    peer: Any
    characteristics: dict[str, Any]
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    sequence: int = 0

    async def say(self, *writes: Write) -> None:
        """Write."""
        for write in writes:
            remote = self.characteristics[write.to]
            await remote.write_value(write.data, with_response=write.kind is WriteKind.REQUEST)
            if write.pause:
                await asyncio.sleep(write.pause)

    async def level(self, level: int, seconds: float = 2.0) -> None:
        """Set a level and leave it for a while; 0 is off."""
        self.sequence = self.codec.next_sequence(self.sequence)
        lease = self.codec.profile.safety.lease
        command = SetLevel(level, lease, self.sequence) if level else Stop(self.sequence)
        await self.say(*self.codec.encode(command))
        await asyncio.sleep(seconds)

    async def greet(self) -> None:
        """Say what the profile says after connecting."""
        for number, step in enumerate(self.codec.profile.init):
            if step.write is not None:
                await self.say(*self.codec.line(Line("init", number), {"sequence": 0, "running": 0, "level": 0}))
                await asyncio.sleep(0.7)

    async def keep_alive(self) -> None:
        """Say again and again what the profile says so."""
        async with asyncio.TaskGroup() as group:
            for number, kept in enumerate(self.codec.profile.keep_alive):
                if kept.every is not None:
                    group.create_task(self._keep(number, kept.every))

    async def _keep(self, number: int, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            await self.say(*self.codec.line(Line("keep_alive", number), {"sequence": 0, "running": 1, "level": 0}))


def _peripheral(
    ball: SimulatedBall, hci_: controller.Controller
) -> tuple[device.Device, dict[str, gatt.Characteristic[bytes]]]:
    there = device.Device(name=ball.name, address=hci.Address(BALL), host=host.Host(hci_, AsyncPipeSink(hci_)))
    characteristics: dict[str, gatt.Characteristic[bytes]] = {}
    services: dict[str, list[gatt.Characteristic[bytes]]] = {}
    names = {"read": gatt.Characteristic.Properties.READ, "write": gatt.Characteristic.Properties.WRITE,
             "write-without-response": gatt.Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
             "notify": gatt.Characteristic.Properties.NOTIFY,
             "indicate": gatt.Characteristic.Properties.INDICATE}  # fmt: skip
    for row in rows(ball.profile):
        properties = gatt.Characteristic.Properties(0)
        for one in row["properties"]:
            properties |= names[one]
        value = gatt.CharacteristicValue(read=_reader(ball, row["role"]), write=_writer(ball, row["role"]))
        made: gatt.Characteristic[bytes] = gatt.Characteristic(
            core.UUID(row["characteristic"]), properties,
            gatt.Characteristic.READABLE | gatt.Characteristic.WRITEABLE, value)  # fmt: skip
        characteristics[row["role"]] = made
        services.setdefault(row["service"], []).append(made)
    there.add_services([gatt.Service(core.UUID(uuid), own) for uuid, own in services.items()])
    return there, characteristics


def _reader(ball: SimulatedBall, role: str) -> Callable[[Any], Any]:
    async def read(_: Any) -> bytes:
        try:
            return await ball.read(role)
        except Refusal as refusal:
            raise att.ATT_Error(att.ErrorCode(refusal.code)) from None

    return read


def _writer(ball: SimulatedBall, role: str) -> Callable[[Any, bytes], Any]:
    async def write(_: Any, data: bytes) -> None:
        try:
            await ball.request(role, data)
        except Refusal as refusal:
            raise att.ATT_Error(att.ErrorCode(refusal.code)) from None

    return write


@asynccontextmanager
async def app(file: Path, profile: FirmwareProfile, *, discovers: bool = True) -> AsyncIterator[App]:
    """An app that is connected with a ball; all that its host and its controller say to each other is in the file.

    Args:
        file: where the recording goes.
        profile: what the ball speaks.
        discovers: whether the app looks at the ball's table in the recording, as a phone does the first time.
    """
    ball = SimulatedBall(profile, address=BALL)
    air = link.LocalLink()  # type: ignore[no-untyped-call]
    here_hci = controller.Controller("phone", link=air, public_address=PHONE)
    there_hci = controller.Controller("ball", link=air, public_address=BALL)
    there, characteristics = _peripheral(ball, there_hci)
    here = device.Device(name="phone", address=hci.Address(PHONE), host=host.Host(here_hci, AsyncPipeSink(here_hci)))
    with file.open("wb") as output:
        snooper: Any = Snooper(output)
        if discovers:
            here.host.snooper = snooper
        await there.power_on()
        await here.power_on()
        fields: list[tuple[int, bytes]] = [(core.AdvertisingData.FLAGS, b"\x06")]
        fields.append((core.AdvertisingData.COMPLETE_LOCAL_NAME, ball.name.encode()[:20]))
        there.advertising_data = bytes(core.AdvertisingData(fields))
        await here.start_scanning()
        await there.start_advertising(auto_restart=False, advertising_interval_min=20, advertising_interval_max=20)
        await asyncio.sleep(0.2)
        await here.stop_scanning()
        connection = await here.connect(hci.Address(BALL))
        peer = device.Peer(connection)
        await peer.request_mtu(247)
        await peer.discover_services()
        await peer.discover_characteristics()
        found: dict[str, Any] = {}
        lost = asyncio.Event()
        ball.link(lost.set)
        here.host.snooper = snooper
        app_ = App(Codec(profile), peer, found)
        for role, own_one in characteristics.items():
            remotes = [one for service in peer.services for one in service.characteristics if one.uuid == own_one.uuid]
            found[role] = remotes[0]
            one = profile.gatt.get(role)
            if one is not None and one.is_heard:
                ball.subscribe(role, _notifier(there, own_one, indicate=not one.notify))
                await remotes[0].subscribe(_hearing(app_, role), prefer_notify=one.notify)
        try:
            yield app_
        finally:
            await asyncio.sleep(0.5)
            await connection.disconnect()
            await asyncio.sleep(0.5)


def _notifier(
    there: device.Device, characteristic: gatt.Characteristic[bytes], *, indicate: bool
) -> Callable[[bytes], None]:
    tasks = set()

    def notify(data: bytes) -> None:
        work = there.indicate_subscribers if indicate else there.notify_subscribers
        task = asyncio.ensure_future(work(characteristic, data))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    return notify


def _hearing(app_: App, role: str) -> Callable[[bytes], None]:
    def hear(data: bytes) -> None:
        app_.heard.append((role, bytes(data)))
        app_.codec.decode(role, bytes(data))

    return hear
