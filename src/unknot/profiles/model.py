"""The firmware profile: what a file in ``firmware_profiles/`` says; used by codec, discovery and simulated ball.

A profile is data: nothing in it is evaluated. ``firmware_profiles/README.md`` teaches the file format.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from unknot import datafile
from unknot.profiles.fields import Flag, FrameField, HexWrites, Id, Name, Seconds, Uuid
from unknot.profiles.frame import Value

LEVELS_MAX = 255
"""More steps than this are no steps; a finer dialect is scaled (``values.level.scale``)."""

OFFSET_MAX = 0xFFFF_FFFF
"""No slot holds a larger integer, so no offset is larger."""

HALF_EPSILON = 1e-9
"""Slack for float arithmetic: 50 × 2.55 is 127.5 and is rounded up, although the float is a hair less."""


class Evidence(StrEnum):
    """How well a profile is proved. Anything but `VERIFIED` is said aloud on connect."""

    SIMULATED = "simulated"
    """Made up: no product speaks it yet."""
    DOCUMENTED = "documented"
    """Written after somebody's document; nobody here has seen it on air."""
    CAPTURED = "captured"
    """Its examples are recordings of the maker's app driving the ball."""
    VERIFIED = "verified"
    """This very file drove the product."""


class WriteKind(StrEnum):
    """The two ways to write a characteristic (Bluetooth Core, Vol 3, Part G, 4.9)."""

    COMMAND = "command"
    """Without response: quick, and nobody says whether it arrived."""
    REQUEST = "request"
    """With response: the ball acknowledges it."""


def _write_kinds(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _listed(value: object) -> object:
    return [value] if isinstance(value, Mapping) else value


class Section(BaseModel):
    """The base of all parts of a profile: frozen, and no key that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Match(Section):
    """How the ball shows itself while advertising.

    Attributes:
        names: glob patterns of advertised names, for example ``VibMotor*``; case counts.
        services: advertised service UUIDs.
        company: a Bluetooth SIG company identifier in the manufacturer data.
    """

    names: tuple[str, ...] = ()
    services: tuple[Uuid, ...] = ()
    company: Annotated[int, Field(strict=True, ge=0, le=0xFFFF)] | None = None


class Characteristic(Section):
    """One GATT characteristic and what the profile does with it.

    Attributes:
        write: the kinds of write that it takes, the preferred one for levels first.
        notify: values arrive as notifications or indications.
        read: the value is read once after connecting.
    """

    service: Uuid
    characteristic: Uuid
    write: Annotated[tuple[WriteKind, ...], BeforeValidator(_write_kinds)] = ()
    notify: Flag = False
    read: Flag = False


class Motor(Section):
    """The motor as the firmware offers it.

    Attributes:
        levels: the highest level; levels are 0 (off) to this.
        hz: the nominal frequency of each level in Hz, level 1 first; informational, may be absent.
    """

    levels: Annotated[int, Field(strict=True, ge=1, le=LEVELS_MAX)]
    hz: tuple[Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)], ...] = ()


class Conversion(Section):
    """How a value becomes the integer on the wire: by a table, or by ``value × scale + offset``, halves rounded up.

    Back from the wire comes the whole number that is written so, or the exact quotient where there is none.

    Attributes:
        table: the integer for 0, 1, 2 …; excludes scale and offset.
        scale: wire units per unit (levels; seconds for a lease; °C).
        offset: added after scaling.
    """

    table: tuple[Annotated[int, Field(strict=True)], ...] = ()
    scale: Annotated[float, Field(strict=True, ge=1e-6, le=1e6)] = 1.0
    offset: Annotated[int, Field(strict=True, ge=-OFFSET_MAX, le=OFFSET_MAX)] = 0

    @model_validator(mode="after")
    def _table_or_line(self) -> Conversion:
        if self.table and self.model_fields_set & {"scale", "offset"}:
            raise ValueError("either a table, or a scale and an offset")
        if len(set(self.table)) < len(self.table):
            raise ValueError("a table in which no value stands twice")
        return self

    def to_wire(self, value: float) -> int:
        """The integer for a value. Raises `ValueError` if the table has none."""
        if self.table:
            if not 0 <= value < len(self.table) or value != int(value):
                raise ValueError(f"a whole number from 0 to {len(self.table) - 1}, as the table has it")
            return self.table[int(value)]
        return math.floor(value * self.scale + self.offset + 0.5 + HALF_EPSILON)

    def from_wire(self, wire: int) -> float:
        """The value for an integer. Raises `ValueError` if the table has none."""
        if self.table:
            return self.table.index(wire)
        value = (wire - self.offset) / self.scale
        nearest = round(value)
        return nearest if self.to_wire(nearest) == wire else value


class Write(Section):
    """One write of a command.

    Attributes:
        to: the name of a characteristic in ``[gatt]``.
        frame: what is written.
    """

    to: str
    frame: FrameField


class Report(Section):
    """What a notification or a read tells.

    Attributes:
        source: (``from`` in the file) the name of a characteristic in ``[gatt]``.
        frame: what arrives; its slots name what they tell.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, populate_by_name=True)

    source: Annotated[str, Field(alias="from")]
    frame: FrameField


class Safety(Section):
    """What the firmware does when nobody tells it anything.

    Attributes:
        lease: seconds that a level command stays valid; each command carries it, or the firmware counts by itself.
        longest_lease: seconds to which the firmware cuts a longer lease, if it does.
        auto_off: seconds after which the ball switches its motor off by itself.
        stops_on_disconnect: whether the motor stops when the link goes.
        stop_repeat: how often a stop is written when it cannot be acknowledged.
        stop_gap: seconds between these.
        button: what the ball's own button does to the level.
    """

    lease: Seconds | None = None
    longest_lease: Seconds | None = None
    auto_off: Seconds | None = None
    stops_on_disconnect: Literal["yes", "no", "unknown"] = "unknown"
    stop_repeat: Annotated[int, Field(strict=True, ge=1, le=5)] = 1
    stop_gap: Seconds = 0.1
    button: Literal["none", "cycle", "unknown"] = "unknown"

    @property
    def stops_within(self) -> float | None:
        """Seconds after which the motor is off when the link goes; None if it runs on, or if nobody knows."""
        return 0.0 if self.stops_on_disconnect == "yes" else self.lease

    @model_validator(mode="after")
    def _lease_is_not_cut(self) -> Safety:
        if self.longest_lease is not None and (self.lease is None or self.lease > self.longest_lease):
            found = "nothing" if self.lease is None else f"{self.lease:g} s"
            raise datafile.Misfit("lease", found, f"at most {self.longest_lease:g} s, the longest lease")
        return self


_COMMAND_KEYS: dict[str, tuple[type, ...]] = {
    "set_level": (int,),
    "stop": (bool,),
    "lease": (int, float),
    "sequence": (int,),
}


def _is_command(given: Mapping[str, object]) -> bool:
    if not all(type(value) in _COMMAND_KEYS.get(key, ()) for key, value in given.items()):
        return False
    if "stop" in given:
        return given["stop"] is True and set(given) <= {"stop", "sequence"}
    return "set_level" in given


class Example(Section):
    """Exact bytes beside their meaning, from a capture or a document, never from our encoder.

    Attributes:
        command: ``{ set_level = 50 }`` or ``{ stop = true }``, with other slots of its frames beside it.
        report: ``{ status = { level = 50 } }``.
        writes: (``bytes`` in the file) the bytes in hex; a list for several writes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    command: dict[str, Value | float | bool] | None = None
    report: dict[str, dict[str, Value | float]] | None = None
    writes: Annotated[HexWrites, Field(alias="bytes")]

    @model_validator(mode="after")
    def _one_meaning(self) -> Example:
        if (self.command is None) == (self.report is None):
            raise ValueError("either command or report")
        if self.report is not None and (len(self.report) != 1 or len(self.writes) != 1):
            raise ValueError("one report and its bytes")
        if self.command is not None and not _is_command(self.command):
            raise ValueError("set_level = LEVEL with lease and sequence, or stop = true with sequence")
        return self


def _some(writes: tuple[Write, ...]) -> tuple[Write, ...]:
    if not writes:
        raise ValueError("at least one write")
    return writes


Writes = Annotated[tuple[Write, ...], BeforeValidator(_listed), AfterValidator(_some)]


class Commands(Section):
    """What can be said to the ball; each is one write, or a list of them in order.

    Attributes:
        set_level: vibrate at ``{level}``; may carry ``{lease}`` and ``{sequence}``.
        stop: motor off; may carry ``{sequence}``.
    """

    set_level: Writes
    stop: Writes

    def items(self) -> tuple[tuple[str, tuple[Write, ...]], ...]:
        """Each command's name and its writes."""
        return (("set_level", self.set_level), ("stop", self.stop))


class FirmwareProfile(Section):
    """How one firmware is matched, spoken to and limited.

    Attributes:
        id: the profile's name, the same as the file's.
        name: the firmware in words.
        evidence: how well it is proved.
        source: where the bytes come from.
        gaps: what is not known, said honestly.
        gatt: characteristics by the name that the rest of the file uses.
        values: conversions by slot name; a slot without one is the plain number.
        commands: ``set_level`` and ``stop``, each one or several writes.
        reports: what arrives, by name.
        examples: at least one per command and per report.
    """

    schema_version: Annotated[int, AfterValidator(datafile.schema_1), Field(strict=True, alias="schema")]
    id: Id
    name: str
    evidence: Evidence
    source: str
    gaps: tuple[str, ...] = ()
    match: Match = Match()
    gatt: dict[Name, Characteristic]
    motor: Motor
    values: dict[Name, Conversion] = {}
    commands: Commands
    reports: dict[Name, Report] = {}
    safety: Safety = Safety()
    examples: tuple[Example, ...]

    @model_validator(mode="after")
    def _fits_together(self) -> FirmwareProfile:
        self._names_known()
        self._slots_known()
        self._levels_fit()
        return self

    def _names_known(self) -> None:
        roles = " or ".join(self.gatt) or "a characteristic in [gatt]"
        for command, writes in self.commands.items():
            for write in writes:
                if write.to not in self.gatt:
                    raise datafile.Misfit(f"commands.{command}.to", repr(write.to), roles)
                if not self.gatt[write.to].write:
                    raise datafile.Misfit(f"gatt.{write.to}.write", "nothing", '"request", "command" or a list of both')
        for name, report in self.reports.items():
            if report.source not in self.gatt:
                raise datafile.Misfit(f"reports.{name}.from", repr(report.source), roles)
            role = self.gatt[report.source]
            if not (role.notify or role.read):
                raise datafile.Misfit(
                    f"gatt.{report.source}", "neither notify nor read", "notify = true or read = true"
                )

    def _slots_known(self) -> None:
        slots = {
            command: {slot for write in writes for slot in write.frame.slots}
            for command, writes in self.commands.items()
        }
        carried = {slot for report in self.reports.values() for slot in report.frame.slots}.union(*slots.values())
        if idle := set(self.values) - carried:
            raise datafile.Misfit(
                f"values.{min(idle)}", "a value that no frame has", " or ".join(sorted(carried)) or "none"
            )
        if "level" not in slots["set_level"]:
            raise datafile.Misfit("commands.set_level", "no slot for the level", "a frame with {level:…}")
        for command, known in (("set_level", {"level", "lease", "sequence"}), ("stop", {"sequence"})):
            if strange := slots[command] - known:
                raise datafile.Misfit(
                    f"commands.{command}.frame", f"a slot {min(strange)!r}", f"no slots but {', '.join(sorted(known))}"
                )
        if "lease" in slots["set_level"] and self.safety.lease is None:
            raise datafile.Misfit("safety.lease", "nothing", "a duration, because set_level has a lease to fill")

    def _levels_fit(self) -> None:
        """Every level can be written, no two look the same on the wire, and each reads back as itself."""
        levels = self.motor.levels
        conversion = self.values.get("level") or Conversion()
        if conversion.table and len(conversion.table) != levels + 1:
            raise datafile.Misfit(
                "values.level.table", f"{len(conversion.table)} integers", f"{levels + 1}, for the levels 0 to {levels}"
            )
        for level in range(levels + 1):
            if round(conversion.from_wire(conversion.to_wire(level))) != level:
                raise datafile.Misfit("values.level.scale", f"level {level} lost in rounding", "a scale of at least 1")
        if self.motor.hz and len(self.motor.hz) != levels:
            raise datafile.Misfit("motor.hz", f"{len(self.motor.hz)} figures", f"{levels}, one per level from 1")
