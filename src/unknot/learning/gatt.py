"""What was said on each characteristic of each device of a recording; filled by `unknot.learning.hci`.

Everything here is bounded, whatever a recording holds: what is beyond a bound is counted, and the count is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from unknot.profiles.fields import BASE_SUFFIX

FRAMES_MOST = 2048
"""Different frames that are kept of one characteristic and one direction (judgement: a counter of one byte, a level and
a status make some hundreds)."""

FRAMES_IN_ALL = 40_000
"""Different frames that are kept in all: 20 MB if each is as long as a value can be."""

MOMENTS_MOST = 20_000
"""Moments that are kept of one device: an hour with five a second."""

MOMENTS_IN_ALL = 100_000
"""Moments that are kept in all; some 15 MB."""

REPEATS_MOST = 64
"""Moments that are kept of a frame that is said again without another between (judgement)."""

DEVICES_MOST = 512
"""Devices that are told apart; advertisements of further ones are not looked at (judgement)."""

ATTRIBUTES_MOST = 1024
"""Attributes of one device (judgement: a watch has about a hundred)."""

ARRIVALS_MOST = 64
"""Connections with one device of which the begin is kept (judgement)."""

QUESTIONS_PAUSE = 1.0
"""Seconds between two questions that a phone asks by itself, at most (judgement)."""

BATTERY_LEVEL = f"00002a19{BASE_SUFFIX}"
DEVICE_NAME = f"00002a00{BASE_SUFFIX}"
SUBSCRIPTION = f"00002902{BASE_SUFFIX}"
"""The descriptor by which notifications are switched on."""

NAMES = {
    DEVICE_NAME: "name",
    f"00002a24{BASE_SUFFIX}": "model",
    f"00002a26{BASE_SUFFIX}": "firmware",
    f"00002a27{BASE_SUFFIX}": "hardware",
    f"00002a29{BASE_SUFFIX}": "maker",
}
"""What a device says about itself in text, by the characteristic."""


class Did(IntEnum):
    """What was done with a value."""

    REQUEST = 0
    COMMAND = 1
    NOTIFIED = 2
    INDICATED = 3
    READ = 4

    @property
    def is_write(self) -> bool:
        """Whether the app said it."""
        return self <= Did.COMMAND


@dataclass(slots=True)
class Said:
    """One frame and how often it was said.

    Attributes:
        data: its bytes.
        count: how often.
        refused: how often the ball answered it with an error.
    """

    data: bytes
    count: int = 0
    refused: int = 0


@dataclass(slots=True)
class Talk:
    """What went over one characteristic in one direction.

    Attributes:
        frames: the different frames, in the order in which they came first.
        count: how many there were in all.
        ways: how many of them were done in each way.
        lost: how many were of frames that are not kept.
        last: the number of the last one.
    """

    frames: list[Said] = field(default_factory=list)
    numbers: dict[bytes, int] = field(default_factory=dict)
    count: int = 0
    ways: dict[Did, int] = field(default_factory=dict)
    lost: int = 0
    last: int = -1


@dataclass(slots=True)
class Attribute:
    """One handle of a device's table.

    Attributes:
        handle: its number.
        uuid: its UUID in full; empty where the recording does not say.
        service: the UUID of its service, or empty.
        properties: the bits of a characteristic's declaration (Bluetooth Core, Vol 3, Part G, 3.3.1.1), or None.
        written: what the app wrote to it.
        heard: what came from it.
        subscribed: whether the app switched its notifications on, as far as that was seen.
    """

    handle: int
    uuid: str = ""
    service: str = ""
    properties: int | None = None
    written: Talk = field(default_factory=Talk)
    heard: Talk = field(default_factory=Talk)
    subscribed: bool = False


Moment = tuple[float, int, Did, int]
"""Seconds, the handle, what was done, and the number of the frame among those of its characteristic and direction."""


@dataclass(slots=True)
class Device:
    """One device that was met.

    Attributes:
        address: its address, or a word for a connection that began before the recording.
        name: its advertised name or what it calls itself; empty if it was not said.
        services: the services that it advertises, in full.
        manufacturer: how its manufacturer data always begins, by company.
        attributes: its table, by handle, as far as it is known or was used.
        moments: what was done, in order.
        lost: how many moments are not kept.
        about: what it says of itself, by `NAMES`.
        ended: when its connections ended, in seconds.
        prepared: how many long writes in pieces were passed over.
        arrivals: when it was connected, and until when its phone asked on for its table or what it is (s).
    """

    address: str
    name: str = ""
    services: tuple[str, ...] = ()
    manufacturer: dict[int, bytes] = field(default_factory=dict)
    attributes: dict[int, Attribute] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)
    lost: int = 0
    about: dict[str, str] = field(default_factory=dict)
    ended: list[float] = field(default_factory=list)
    prepared: int = 0
    arrivals: list[tuple[float, float]] = field(default_factory=list)
    connected: bool = False
    ranges: list[tuple[int, int, str]] = field(default_factory=list)

    @property
    def writes(self) -> int:
        """How many values were written to it."""
        return sum(one.written.count for one in self.attributes.values())

    def arrive(self, time: float) -> None:
        """Take down that it was connected (s)."""
        if len(self.arrivals) < ARRIVALS_MOST:
            self.arrivals.append((time, time))

    def ask(self, time: float) -> None:
        """Take down that it was asked something, if that follows its connection or another question at once (s)."""
        if self.arrivals and time - self.arrivals[-1][1] <= QUESTIONS_PAUSE:
            self.arrivals[-1] = self.arrivals[-1][0], time

    def attribute(self, handle: int) -> Attribute:
        """The attribute of a handle; a passing one if there are too many."""
        known = self.attributes.get(handle)
        if known is None:
            known = Attribute(handle)
            if len(self.attributes) < ATTRIBUTES_MOST:
                self.attributes[handle] = known
        return known

    def settle(self) -> None:
        """Give every attribute its service, now that all is read; and take what subscribes for no value."""
        for one in self.attributes.values():
            if one.uuid and not one.service:
                one.service = next((uuid for low, high, uuid in self.ranges if low <= one.handle <= high), "")
        self._find_subscriptions()
        known = {handle for handle, one in self.attributes.items() if one.uuid != SUBSCRIPTION}
        self.moments = [moment for moment in self.moments if moment[1] in known]

    def _find_subscriptions(self) -> None:
        """Without the table a subscription is a write of 01 00 or 02 00 just behind what then notifies."""
        for one in list(self.attributes.values()):
            if one.uuid and one.uuid != SUBSCRIPTION:
                continue
            near = [self.attributes.get(one.handle - distance) for distance in (1, 2)]
            told = next((other for other in near if other is not None and other.heard.count), None)
            only = {said.data for said in one.written.frames}
            looks = bool(only) and only <= {b"\x01\x00", b"\x02\x00", b"\x00\x00"} and only != {b"\x00\x00"}
            if one.uuid == SUBSCRIPTION or (looks and told is not None):
                if told is not None:
                    told.subscribed = True
                one.uuid = SUBSCRIPTION
                one.written = Talk()


class Meeting:
    """All devices of a recording.

    Attributes:
        devices: by address, in the order in which they were met.
        unmet: how many advertisements of further devices were passed over.
    """

    def __init__(self) -> None:
        self.devices: dict[str, Device] = {}
        self.unmet = 0
        self._frames = 0
        self._moments = 0

    def device(self, address: str) -> Device:
        """The device of an address; a passing one if there are too many."""
        known = self.devices.get(address)
        if known is None:
            known = Device(address)
            if len(self.devices) < DEVICES_MOST:
                self.devices[address] = known
            else:
                self.unmet += 1
        return known

    def say(self, time: float, device: Device, handle: int, did: Did, data: bytes) -> tuple[Talk, int]:
        """Take down that something was said; where it is kept, with -1 for nowhere."""
        attribute = device.attributes.get(handle) or device.attribute(handle)
        talk = attribute.written if did <= Did.COMMAND else attribute.heard
        talk.count += 1
        talk.ways[did] = talk.ways.get(did, 0) + 1
        number = talk.numbers.get(data, -1)
        if number < 0:
            if len(talk.frames) >= FRAMES_MOST or self._frames >= FRAMES_IN_ALL:
                talk.lost += 1
                return talk, -1
            self._frames += 1
            number = len(talk.frames)
            talk.numbers[data] = number
            talk.frames.append(Said(data))
        one = talk.frames[number]
        one.count += 1
        is_news = number != talk.last
        talk.last = number
        if not is_news and one.count > REPEATS_MOST:
            pass  # the same again and again tells no more
        elif len(device.moments) >= MOMENTS_MOST or self._moments >= MOMENTS_IN_ALL:
            device.lost += 1
        else:
            self._moments += 1
            device.moments.append((time, handle, did, number))
        return talk, number
