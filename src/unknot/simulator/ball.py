"""The simulated ball as a thing in the room, with a radio link and a button.

Used by the bleak backend in `unknot.simulator.backend`, and by tests, which press the button, drop the link and read
the motor trace.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from unknot.errors import UsageError
from unknot.profiles import library
from unknot.profiles.matching import example_advertisement
from unknot.profiles.writekind import WriteKind
from unknot.simulator.bearer import Bearer
from unknot.simulator.firmware import Firmware, Notification, Refusal
from unknot.simulator.interference import HELD_SECONDS, UNDISTURBED, Interference, WriteFate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from unknot.profiles.model import FirmwareProfile
    from unknot.simulator.faults import Fault
    from unknot.simulator.motor import MotorTrace

ADVERTISING_INTERVAL = 0.1
"""Seconds between advertisements (the 100 ms that many peripherals use when they want to be found quickly)."""

RSSI = -55
"""Signal strength in dBm of a ball an arm's length away (judgement)."""

PIECE = 20
"""Bytes of a notification before a larger size is agreed on (Bluetooth Core, Vol 3, Part G, 5.2.1)."""

_ADDRESS_STEP = 1 << 24
"""How far a new address is from the old one: an air numbers its balls below, so that no two ever meet."""


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
        self.advertised = example_advertisement(self.profile.match)
        self.name = name if name is not None else self.advertised.name or self.profile.id
        self.address = address or ""
        self.rssi = rssi
        self.latency = latency
        self.connection_interval = connection_interval
        self.firmware = Firmware(self.profile, battery=battery)
        self.is_advertising = True
        self._on_lost: Callable[[], None] | None = None
        self._subscribers: dict[str, Callable[[bytes], None]] = {}
        self._interference: Interference | None = None
        self._away_until = 0.0
        self._bearer = Bearer(self._next_event)
        self._timer: asyncio.TimerHandle | None = None
        self._witnesses: list[Callable[[str, bytes], None]] = []

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

    @property
    def is_in_reach(self) -> bool:
        """Whether the radio reaches it: not while it is carried away, and not while it starts anew."""
        return self._away_until == 0 or _now() >= self._away_until

    def witness(self, see: Callable[[str, bytes], None]) -> None:
        """Tell somebody each write that reaches the ball from now on: the characteristic's name, and the bytes."""
        self._witnesses.append(see)

    def press_button(self) -> None:
        """Press the ball's own button."""
        self._send(self.firmware.press_button(_now()))

    def overheat(self, seconds: float) -> None:
        """Its own protection switches the motor off and keeps it off until it has cooled down after ``seconds``."""
        self._send(self.firmware.overheat(seconds, _now()))

    def empty_battery(self) -> None:
        """Its battery is empty: the motor stops and does not start again; the radio lives on its reserve."""
        self._send(self.firmware.empty_battery(_now()))

    def ignore_levels_while_off(self, seconds: float) -> None:
        """For ``seconds`` it acknowledges levels while its motor is off, and does nothing."""
        self.firmware.ignore_levels_while_off(_now() + seconds)

    def reboot(self, silent: float = 0.0) -> None:
        """Start anew: the motor is off, the link is lost, and it advertises again after ``silent`` seconds."""
        self.firmware.reboot(_now())
        self._set_timer()
        self.drop_link(away=silent)

    def change_address(self) -> None:
        """Lose the link and advertise under another address from now on, as balls do that hide their own."""
        self.drop_link()
        number = int(self.address.replace(":", ""), 16) + _ADDRESS_STEP
        self.address = ":".join(f"{byte:02X}" for byte in (number % 2**48).to_bytes(6, "big"))

    def interfere(self, fault: Fault, *, seed: int = 0) -> None:
        """Have something happen to what passes over the radio from now on.

        Args:
            fault: one of the `unknot.simulator.faults.INTERFERING_KINDS`; its ``at`` has no meaning here.
            seed: decides what its share hits, and where bytes are cut and garbled.

        Raises:
            UsageError: a fault of another kind; those have a verb of their own.
        """
        if self._interference is None:
            self._interference = Interference()
        self._interference.begin(fault, _now(), seed=seed)

    def drop_link(self, away: float = 0.0) -> None:
        """Lose the link, as when the ball is carried out of range; it advertises again after ``away`` seconds."""
        self._away_until = max(self._away_until, _now() + away) if away else self._away_until
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
        self.firmware.connect(_now())
        self._set_timer()

    def unlink(self) -> None:
        """The link ends: nothing is subscribed any more, and the firmware does what its profile says."""
        if not self.is_connected:
            return
        self._on_lost = None
        self._subscribers.clear()
        self._bearer.end()
        self._bearer = Bearer(self._next_event)
        if self._interference is not None:
            self._interference.lose_link()
        self.firmware.disconnect(_now())
        self._set_timer()

    def subscribe(self, role: str, hear: Callable[[bytes], None]) -> None:
        """Notifications of a characteristic go to ``hear`` from now on."""
        self._subscribers[role] = hear

    def unsubscribe(self, role: str) -> None:
        """Notifications of a characteristic go nowhere."""
        self._subscribers.pop(role, None)

    def refuses_link(self) -> bool:
        """Whether a connection that is tried now fails."""
        return self._interference is not None and self._interference.refuses_connection(_now())

    async def request(self, role: str, data: bytes) -> None:
        """A write with response: there at the next connection event, acknowledged one later.

        Raises:
            Refusal: the ball answers with an ATT error.
            LinkEnded: the link was lost before the answer came.
        """
        bearer = self._bearer
        if self._interference or bearer.is_busy:
            fate = self._interference.write(WriteKind.REQUEST, _now()) if self._interference else UNDISTURBED
            await bearer.in_turn(lambda: self._meet(fate, role, data), fate.late)
            if not fate.is_answered:
                await bearer.wait_for_nothing()
        else:
            await bearer.travel()
            self._take(role, data)
        await bearer.travel()

    async def command(self, role: str, data: bytes) -> None:
        """A write without response: done when it is queued; a refusal tells nobody."""
        if self._interference:
            fate = self._interference.write(WriteKind.COMMAND, _now())
            is_there = self._bearer.queue(lambda: self._meet(fate, role, data), fate.late)
        else:
            is_there = self._bearer.queue(lambda: self._take(role, data))
        if is_there:
            await asyncio.sleep(0)

    async def read(self, role: str) -> bytes:
        """The value of a characteristic. Raises as `request` does."""
        bearer = self._bearer
        if bearer.is_busy:
            value = await bearer.in_turn(lambda: self.firmware.read(role, _now()))
        else:
            await bearer.travel()
            value = self.firmware.read(role, _now())
        await bearer.travel()
        return value

    def _meet(self, fate: WriteFate, role: str, data: bytes) -> None:
        """A write meets its fate."""
        if fate.refused is not None:
            raise Refusal(fate.refused)
        if fate.reaches:
            self._take(role, data)

    def _take(self, role: str, data: bytes) -> None:
        for see in self._witnesses:
            see(role, data)
        self._send(self.firmware.write(role, data, _now()))

    def _send(self, notifications: Iterable[Notification]) -> None:
        if self._interference:
            notifications = self._disturbed(self._interference, notifications)
        self._transmit(notifications)
        self._set_timer()

    def _disturbed(self, interference: Interference, notifications: Iterable[Notification]) -> list[Notification]:
        """What arrives of these notifications; one that is held back comes by itself if nothing overtakes it."""
        now = _now()
        arriving = [
            one
            for sent in notifications
            if sent.role in self._subscribers
            for one in interference.notification(sent, now)
        ]
        if (held := interference.held) is not None:
            asyncio.get_running_loop().call_later(HELD_SECONDS, lambda: self._transmit(interference.release(held)))
        return arriving

    def _transmit(self, notifications: Iterable[Notification]) -> None:
        for notification in notifications:
            hear = self._subscribers.get(notification.role)
            if hear is not None:
                for piece in self._pieces(notification):
                    self._bearer.send(hear, piece)

    def _pieces(self, notification: Notification) -> Iterable[bytes]:
        """A value that the client puts together is sent in pieces, as by a ball that never agreed on a larger one."""
        data = notification.data
        if self.profile.gatt[notification.role].assemble is None:
            return (data,)
        return (data[at : at + PIECE] for at in range(0, len(data), PIECE))

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

    def _next_event(self) -> float:
        """When the radio moves the next data: the next connection event, and the latency on top."""
        now = _now()
        if not self.connection_interval:
            return now + self.latency
        return (math.floor(now / self.connection_interval + 1e-9) + 1) * self.connection_interval + self.latency


def _now() -> float:
    return asyncio.get_running_loop().time()
