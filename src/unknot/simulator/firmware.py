"""The firmware of a simulated ball: it obeys what its profile says a ball obeys; pure, driven by the ball around it.

Bytes come in with the time and notifications go out; no clock is read. The same profile that tells a client how to
speak tells this firmware how to listen, so every profile has a simulator.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from unknot.errors import FrameError
from unknot.profiles.codec import Codec
from unknot.profiles.fitting import OURS
from unknot.profiles.speech import Line, Press, SetLevel, Start, Stop
from unknot.profiles.variant import device_information
from unknot.simulator.manners import Manners
from unknot.simulator.motor import Motor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from unknot.profiles.model import FirmwareProfile
    from unknot.profiles.reader import CommandReader
    from unknot.profiles.speech import Command

ATT_READ_NOT_PERMITTED = 0x02
ATT_WRITE_NOT_PERMITTED = 0x03
ATT_VALUE_NOT_ALLOWED = 0x13
"""ATT error codes (Bluetooth Core, Vol 3, Part F, 3.4.1.1)."""

BATTERY_SECONDS = 3 * 3600.0
"""A full battery lasts this long at the highest level (s): the 3 h of the Therabody WaveSolo in a retail catalogue."""

AMBIENT_CELSIUS = 25
WARMING_CELSIUS = 15
WARMING_SECONDS = 600.0
"""At the highest level the motor ends that much above the room, and gets there with that time constant (made up)."""

_BATTERY_EPSILON = 1e-9
"""Per cent below which a battery is empty: float arithmetic, not charge."""

OVERHEATED_CELSIUS = 60
"""Where the thermal protection cuts in (°C; made up)."""

FAULT_TOO_HOT = 1
FAULT_BATTERY_EMPTY = 2
"""The open ball's codes; other dialects that tell faults have none to tell here."""

BUTTON_STEPS = 4
"""A button steps through at most this many levels before off (balls have three to five)."""


class Refusal(Exception):
    """The firmware refuses a read or a write with an ATT error code."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"ATT error 0x{code:02X}")


@dataclass(frozen=True, slots=True)
class Notification:
    """A value that the ball sends by itself: the characteristic's name in the profile, and the bytes."""

    role: str
    data: bytes


class Firmware:
    """The firmware of one ball.

    Args:
        profile: what it speaks and obeys.
        battery: charge at the beginning in %.
    """

    def __init__(self, profile: FirmwareProfile, *, battery: float = 100.0) -> None:
        self.profile = profile
        self.motor = Motor(profile.motor.levels)
        self.battery = battery
        self.temperature = float(AMBIENT_CELSIUS)
        self._codec = Codec(profile)
        self._own_reader: CommandReader | None = None
        self._manners = Manners(profile)
        self._settings: dict[str, float | str] = {}
        self._device_information = device_information(profile)
        self._sequence = 0
        self._lease_until: float | None = None
        self._auto_off_at: float | None = None
        self._cool_at: float | None = None
        self._is_empty = False
        self._deaf_until = 0.0
        self._battery_told = self._percent
        self._lived_until = 0.0
        # What the state does not tell (a maker's name, a version) is taken from the profile's own examples.
        self._constants: dict[str, dict[str, float | str]] = {}
        for example in profile.examples:
            for name, values in (example.report or example.refusal or {}).items():
                self._constants.setdefault(name, dict(values))

    @property
    def _reader(self) -> CommandReader:
        """What reads the writes of the link; made when it is first needed, since a codec plug-in may be missing."""
        if self._own_reader is None:
            self._own_reader = self._codec.reader()
        return self._own_reader

    @property
    def level(self) -> int:
        """The level that the motor is driven at."""
        return self.motor.level

    @property
    def fault(self) -> int:
        """The fault that keeps the motor off, 0 for none; of several the one with the smallest number."""
        if self._cool_at is not None:
            return FAULT_TOO_HOT
        return FAULT_BATTERY_EMPTY if self._is_empty else 0

    @property
    def deadline(self) -> float | None:
        """When `tick` must be called next: a lease, a switch-off, a press, a cooling down, a per cent less; or None."""
        known = (self._lease_until, self._auto_off_at, self._cool_at, self._manners.press_at)
        moments = [moment for moment in known if moment is not None]
        if self.level:
            left = self.battery - max(0.0, self._battery_told - 0.5)
            moments.append(self._lived_until + max(0.0, left) / self._drain)
        return min(moments) if moments else None

    @property
    def _percent(self) -> int:
        """The charge in whole per cent; halves are rounded down, so that a per cent is gone at its moment."""
        return max(0, math.ceil(self.battery - 0.5 - _BATTERY_EPSILON))

    @property
    def _drain(self) -> float:
        """Per cent of the battery that the present level takes in a second."""
        return 100 * self.level / self.profile.motor.levels / BATTERY_SECONDS

    def write(self, role: str, data: bytes, now: float) -> list[Notification]:
        """Take a write.

        Raises:
            Refusal: the profile has no such write, or no command that looks like this.
        """
        self._live(now)
        if role not in self.profile.gatt or not self.profile.gatt[role].write:
            raise Refusal(ATT_WRITE_NOT_PERMITTED)
        if self._manners.is_too_soon(now):
            return []
        try:
            message = self._reader.feed(role, data)
        except FrameError:
            if (reply := self._reply_to_query(role, data)) is not None:
                return [reply]
            raise Refusal(ATT_VALUE_NOT_ALLOWED) from None
        told = self._go_on(now) if self._reader.steps else []
        if isinstance(message, SetLevel | Start | Press) and (excuse := self._excuse(message, now)) is not None:
            return told + excuse
        if message is not None:
            values = self._reader.values
            self._settings.update({slot: value for slot, value in values.items() if slot not in OURS})
        if message is not None and not isinstance(message, Line):
            told += self._obey(message, now)
        return self._answered(told, now)

    def _answered(self, told: list[Notification], now: float) -> list[Notification]:
        """What is told, with the answers that are waited for; what an answer tells is not told once more beside it."""
        reports, wanted = self.profile.reports, self._reader.answers
        if not wanted:
            return told
        said = {slot for name in wanted for slot in reports[name].frame.slots}
        doubled = {self._report(name, now) for name, report in reports.items() if said & set(report.frame.slots)}
        return [*(self._report(name, now) for name in wanted), *(one for one in told if one not in doubled)]

    def read(self, role: str, now: float) -> bytes:
        """The value of a characteristic.

        Raises:
            Refusal: the profile has no report for it.
        """
        self._live(now)
        if role in self._device_information:
            return self._device_information[role].encode()
        for name, report in self.profile.reports.items():
            if report.source == role and self.profile.gatt[role].is_read:
                return self._report(name, now).data
        if role in self.profile.gatt and self.profile.gatt[role].is_read:
            return b""  # it is only read to be read, as some dialogues begin
        raise Refusal(ATT_READ_NOT_PERMITTED)

    def tick(self, now: float) -> list[Notification]:
        """Do what is due: the lease has run out, the time for switching off has come, the battery has gone down."""
        self._live(now)
        notifications: list[Notification] = []
        if self._percent < self._battery_told:
            self._battery_told = self._percent
            notifications += self._notifications(("battery",), now)
        if self.battery <= 0 and self.level:
            self._is_empty = True
            notifications += self._drive(0, now)
        if any(moment is not None and moment <= now for moment in (self._lease_until, self._auto_off_at)):
            notifications += self._drive(0, now)
        if self._manners.press_at is not None and self._manners.press_at <= now:
            notifications += self._confirm(now)
        if self._cool_at is not None and self._cool_at <= now:
            self._cool_at = None
            notifications += self._notifications(("fault",), now)
        return notifications

    def press_button(self, now: float) -> list[Notification]:
        """The person presses the button: what they were asked for; else the next level, or off after the highest."""
        self._live(now)
        if self._manners.press_at is not None:
            return self._confirm(now)
        levels = self.profile.motor.levels
        steps = min(levels, BUTTON_STEPS)
        ladder = [0, *(round(levels * step / steps) for step in range(1, steps + 1))]
        higher = [level for level in ladder if level > self.level]
        self._lease_until = None
        return self._drive(higher[0] if higher else 0, now)

    def connect(self, now: float) -> None:
        """A link begins."""
        self._live(now)
        self._manners.begin()
        self._manners.begin_dialogue(now)

    def disconnect(self, now: float) -> None:
        """The link is gone: the motor stops if the profile says so, and runs on if it does not, or if nobody knows."""
        self._live(now)
        self._own_reader = None
        self._manners.begin()
        if self.profile.safety.stops_on_disconnect == "yes":
            self._drive(0, now)

    def overheat(self, seconds: float, now: float) -> list[Notification]:
        """The thermal protection switches the motor off, and keeps it off for so many seconds."""
        self._live(now)
        self.temperature = float(OVERHEATED_CELSIUS)
        self._cool_at = max(self._cool_at or 0.0, now + seconds)
        self._drive(0, now)
        return list(self._notifications(("level", "running", "fault"), now))

    def empty_battery(self, now: float) -> list[Notification]:
        """The battery has no charge left: the motor stops and does not start again."""
        self._live(now)
        self.battery, self._battery_told = 0.0, 0
        self._is_empty = True
        self._drive(0, now)
        return list(self._notifications(("battery", "level", "running", "fault"), now))

    def reboot(self, now: float) -> None:
        """Start anew, without a word: the motor is off, and no level and no command is remembered."""
        self._live(now)
        self._sequence = 0
        self._settings.clear()
        self._manners.begin()
        self._drive(0, now)

    def ignore_levels_while_off(self, until: float) -> None:
        """Until that time take levels while the motor is off, and do nothing."""
        self._deaf_until = until

    def _go_on(self, now: float) -> list[Notification]:
        """What the dialogue's client waits to be told after the step that was just written."""
        return [self._report(step.expect, now, step.values)
                for step in self._manners.hear_steps(self._reader.steps, now) if step.expect is not None]  # fmt: skip

    def _excuse(self, command: SetLevel | Start | Press, now: float) -> list[Notification] | None:
        """What is told instead of obeying, if a command is not obeyed now."""
        if not self.level and now < self._deaf_until:
            return []
        if (reason := self._reason_against()) is not None:
            return self._refuse(reason)
        return [] if isinstance(command, SetLevel) and self._manners.needs_start else None

    def _obey(self, command: Command, now: float) -> list[Notification]:
        self._sequence = command.sequence
        if isinstance(command, Stop):
            self._manners.is_started = False
            return self._drive(0, now)
        if isinstance(command, Press):
            return self._drive(self._step(command.key), now)
        if isinstance(command, Start):
            self._manners.is_started = True
            return self._set_level(command.level, command.lease, now) if command.level else []
        return self._set_level(command.level, command.lease, now)

    def _reason_against(self) -> str | None:
        """Why no level is taken now, in a refusal's words."""
        if self._manners.is_locked:
            return "locked"
        return "low-battery" if self._is_empty and self._has_words_for("low-battery") else None

    def _has_words_for(self, means: str) -> bool:
        return any(one.means == means for one in self.profile.refusals.values())

    def _set_level(self, level: int, lease: float | None, now: float) -> list[Notification]:
        safety = self.profile.safety
        lease = lease if lease is not None else safety.lease
        if lease is not None:
            lease = min(lease, safety.longest_lease or lease)
            self._lease_until = now + lease
        return self._drive(level if lease != 0 else 0, now)

    def _step(self, key: str) -> int:
        """The level that a relative command leads to."""
        levels = self.profile.motor.levels
        match key:
            case "up":
                return min(self.level + 1, levels)
            case "down":
                return max(self.level - 1, 0)
            case "next":
                return (self.level + 1) % (levels + 1)
            case _:
                return 0 if self.level else 1

    def _confirm(self, now: float) -> list[Notification]:
        step = self._manners.press()
        return [] if step is None or step.expect is None else [self._report(step.expect, now, step.values)]

    def _refuse(self, means: str) -> list[Notification]:
        """Say no in the ball's own words, if it has any."""
        for name, refusal in self.profile.refusals.items():
            if refusal.means == means:
                return [Notification(*self._codec.report(name, self._constants.get(name, {})))]
        return []

    def _reply_to_query(self, role: str, data: bytes) -> Notification | None:
        """The reply to the query that tells variants apart, as the profile's own examples have it."""
        variant = self.profile.variant
        if variant is None or variant.ask is None or variant.reply is None:
            return None
        if role != variant.ask.to or data != variant.ask.frame.pack({}):
            return None
        for example in self.profile.examples:
            for name in example.report or {}:
                if self.profile.reports[name].source == variant.reply.source and variant.reply.fits(example.writes[0]):
                    return Notification(variant.reply.source, example.writes[0])
        return None

    def _drive(self, level: int, now: float) -> list[Notification]:
        level = 0 if self.fault else level
        self.motor.drive(level, now)
        if level == 0:
            self._lease_until = self._auto_off_at = None
        elif self.profile.safety.auto_off is not None:
            self._auto_off_at = now + self.profile.safety.auto_off
        return list(self._notifications(("level", "running"), now))

    def _notifications(self, slots: Iterable[str], now: float) -> Iterable[Notification]:
        for name, report in self.profile.reports.items():
            if self.profile.gatt[report.source].is_heard and set(slots) & set(report.frame.slots):
                yield self._report(name, now)

    def _report(self, name: str, now: float, wanted: Mapping[str, float | str] = MappingProxyType({})) -> Notification:
        lease = 0.0 if self._lease_until is None else max(0.0, self._lease_until - now)
        state: Mapping[str, float | str] = {
            **self._constants.get(name, {}),
            **self._settings,
            "level": self.level,
            "running": int(self.level > 0),
            "lease": lease,
            "sequence": self._sequence,
            "temperature": round(self.temperature),
            "fault": self.fault,
            "battery": self._percent,
            **wanted,
        }
        return Notification(*self._codec.report(name, state))

    def _live(self, now: float) -> None:
        """Let the battery drain and the motor warm for the time that has passed at the present level."""
        passed = now - self._lived_until
        self._lived_until = now
        self.battery = max(0.0, self.battery - self._drain * passed)
        if self.battery < _BATTERY_EPSILON:
            self.battery = 0.0
        goal = AMBIENT_CELSIUS + WARMING_CELSIUS * self.level / self.profile.motor.levels
        self.temperature = goal + (self.temperature - goal) * math.exp(-passed / WARMING_SECONDS)
