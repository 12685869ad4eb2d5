"""The simulated ball as a thing in the room, with a radio link and a button; and the air that balls advertise on.

Used by the bleak backend in `unknot.simulator.backend`, and by tests, which press the button, drop the link and read
the motor trace.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import TYPE_CHECKING

from unknot.errors import UsageError
from unknot.profiles import library
from unknot.simulator.firmware import Firmware, Notification, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from unknot.profiles.model import FirmwareProfile
    from unknot.simulator.motor import MotorTrace

ADVERTISING_INTERVAL = 0.1
"""Seconds between advertisements (the 100 ms that many peripherals use when they want to be found quickly)."""

RSSI = -55
"""Signal strength in dBm of a ball an arm's length away (judgement)."""


class SimulatedBall:
    """A ball made of code.

    Args:
        profile: what it speaks: a profile or the id of one.
        name: the advertised name; by default the first name that its profile matches.
        address: its address; by default the air gives it one.
        rssi: signal strength in dBm.
        latency: seconds that the radio adds to every transmission.
        connection_interval: seconds between the moments at which the link moves data (BlueZ begins with 0.03); 0 moves
            data at once.
        battery: charge in %.
    """

    def __init__(
        self,
        profile: FirmwareProfile | str = library.DEFAULT,
        *,
        name: str | None = None,
        address: str | None = None,
        rssi: int = RSSI,
        latency: float = 0.0,
        connection_interval: float = 0.0,
        battery: float = 100.0,
    ) -> None:
        self.profile = library.load(profile) if isinstance(profile, str) else profile
        patterns = self.profile.match.names
        self.name = name if name is not None else patterns[0].replace("*", "") if patterns else self.profile.id
        self.address = address or ""
        self.rssi = rssi
        self.latency = latency
        self.connection_interval = connection_interval
        self.firmware = Firmware(self.profile, battery=battery)
        self.is_advertising = True
        self._on_lost: Callable[[], None] | None = None
        self._subscribers: dict[str, Callable[[bytes], None]] = {}
        self._inward: deque[Callable[[], None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<SimulatedBall {self.name!r} at {self.address}, {self.profile.id}, level {self.level}>"

    @property
    def level(self) -> int:
        """The level that the motor is driven at."""
        return self.firmware.level

    @property
    def trace(self) -> MotorTrace:
        """What the motor was told, in seconds of the loop's clock."""
        return self.firmware.motor.trace

    @property
    def is_connected(self) -> bool:
        """Whether a central holds the link. While it does, the ball does not advertise."""
        return self._on_lost is not None

    def press_button(self) -> None:
        """Press the ball's own button."""
        self._send(self.firmware.press_button(_now()))

    def drop_link(self) -> None:
        """Lose the link, as when the ball is carried out of range; it advertises again afterwards."""
        lost = self._on_lost
        self.unlink()
        if lost is not None:
            lost()

    # What the backend calls.

    def link(self, on_lost: Callable[[], None]) -> None:
        """A central connects. Raises `UsageError` if another one holds the link."""
        if self.is_connected:
            raise UsageError(f"{self!r} is connected already")
        self._on_lost = on_lost

    def unlink(self) -> None:
        """The link ends: nothing is subscribed any more, and the firmware does what its profile says."""
        if not self.is_connected:
            return
        self._on_lost = None
        self._subscribers.clear()
        self.firmware.disconnect(_now())
        self._set_timer()

    def subscribe(self, role: str, hear: Callable[[bytes], None]) -> None:
        """Notifications of a characteristic go to ``hear`` from now on."""
        self._subscribers[role] = hear

    def unsubscribe(self, role: str) -> None:
        """Notifications of a characteristic go nowhere."""
        self._subscribers.pop(role, None)

    async def request(self, role: str, data: bytes) -> None:
        """A write with response: there at the next connection event, acknowledged one later. Raises `Refusal`."""
        await self._travel()
        self._take(role, data)
        await self._travel()

    async def command(self, role: str, data: bytes) -> None:
        """A write without response: done when it is queued; a refusal tells nobody."""
        loop = asyncio.get_running_loop()
        self._inward.append(lambda: self._take(role, data))
        arrival = self._next_event()
        if arrival <= loop.time():
            self._arrive()
            await asyncio.sleep(0)
        else:
            loop.call_at(arrival, self._arrive)

    async def read(self, role: str) -> bytes:
        """The value of a characteristic. Raises `Refusal`."""
        await self._travel()
        value = self.firmware.read(role, _now())
        await self._travel()
        return value

    def _arrive(self) -> None:
        take = self._inward.popleft()
        if self.is_connected:
            try:
                take()
            except Refusal:
                return

    def _take(self, role: str, data: bytes) -> None:
        self._send(self.firmware.write(role, data, _now()))

    def _send(self, notifications: Iterable[Notification]) -> None:
        loop = asyncio.get_running_loop()
        for notification in notifications:
            hear = self._subscribers.get(notification.role)
            if hear is None:
                continue
            arrival = self._next_event()
            if arrival <= loop.time():
                loop.call_soon(hear, notification.data)
            else:
                loop.call_at(arrival, hear, notification.data)
        self._set_timer()

    def _set_timer(self) -> None:
        """Wake the firmware at its deadline."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self.firmware.deadline
        if deadline is not None:
            self._timer = asyncio.get_running_loop().call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        # The loop may wake us a rounding error before the deadline.
        self._send(self.firmware.tick(max(_now(), self.firmware.deadline or 0.0)))

    async def _travel(self) -> None:
        await asyncio.sleep(max(0.0, self._next_event() - _now()))

    def _next_event(self) -> float:
        """When the radio moves the next data: the next connection event, and the latency on top."""
        now = _now()
        if not self.connection_interval:
            return now + self.latency
        return (math.floor(now / self.connection_interval + 1e-9) + 1) * self.connection_interval + self.latency


class Air:
    """The balls within reach of a simulated radio.

    Args:
        balls: those that are there from the beginning.
    """

    def __init__(self, *balls: SimulatedBall) -> None:
        self._balls: dict[str, SimulatedBall] = {}
        for ball in balls:
            self.add(ball)

    def __iter__(self) -> Iterator[SimulatedBall]:
        return iter(tuple(self._balls.values()))

    def add(self, ball: SimulatedBall) -> SimulatedBall:
        """Bring a ball within reach; it gets an address if it has none."""
        if not ball.address:
            ball.address = f"C0:BA:11:00:00:{len(self._balls) + 1:02X}"
        if ball.address in self._balls:
            raise UsageError(f"two balls with the address {ball.address}")
        self._balls[ball.address] = ball
        return ball

    def remove(self, ball: SimulatedBall) -> None:
        """Carry a ball out of reach; a link to it is lost."""
        self._balls.pop(ball.address, None)
        ball.drop_link()

    def get(self, address: str) -> SimulatedBall | None:
        """The ball of that address, if it is within reach."""
        return self._balls.get(address)


def _now() -> float:
    return asyncio.get_running_loop().time()
