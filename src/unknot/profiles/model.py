"""The firmware profile: what a file in ``firmware_profiles/`` says; used by codec, discovery and simulated ball.

A profile is data: nothing in it is evaluated. ``firmware_profiles/README.md`` teaches the file format.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from unknot import datafile
from unknot.errors import FrameError
from unknot.profiles.frame import Frame, Value

LEVELS_MAX = 255
"""More steps than this are no steps; a finer dialect is scaled (``values.level.scale``)."""

_BASE_UUID = "0000{}-0000-1000-8000-00805f9b34fb"
"""16-bit UUIDs are short for this base (Bluetooth Core, Vol 3, Part B, 2.5.1)."""


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


def _uuid(text: object) -> str:
    lowered = text.lower() if isinstance(text, str) else ""
    if re.fullmatch(r"[0-9a-f]{4}", lowered):
        return _BASE_UUID.format(lowered)
    if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", lowered):
        return lowered
    raise ValueError('a UUID of 4 or 32 hex digits, such as "180F" or "9A501A2D-594F-4E2B-B123-5F739A2D594F"')


def _frame(text: object) -> Frame:
    if not isinstance(text, str):
        raise ValueError("a frame template in a string")  # noqa: TRY004 - pydantic collects ValueErrors
    try:
        return Frame(text)
    except FrameError as cause:
        raise ValueError(str(cause)) from cause


def _bytes(text: object) -> tuple[bytes, ...]:
    writes = [text] if isinstance(text, str) else text
    try:
        if not isinstance(writes, list) or not writes:
            raise ValueError
        return tuple(bytes.fromhex(write) for write in writes)
    except (ValueError, TypeError):
        raise ValueError('bytes in hex, such as "55 01 AA", or a list of them, one per write') from None


def _write_kinds(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _listed(value: object) -> object:
    return [value] if isinstance(value, Mapping) else value


Uuid = Annotated[str, BeforeValidator(_uuid)]
Seconds = Annotated[float, BeforeValidator(datafile.seconds)]
FrameField = Annotated[Frame, BeforeValidator(_frame)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


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
    company: Annotated[int, Field(ge=0, le=0xFFFF)] | None = None


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
    notify: bool = False
    read: bool = False


class Motor(Section):
    """The motor as the firmware offers it.

    Attributes:
        levels: the highest level; levels are 0 (off) to this.
        hz: the nominal frequency of each level in Hz, level 1 first; informational, may be absent.
    """

    levels: Annotated[int, Field(ge=1, le=LEVELS_MAX)]
    hz: tuple[Annotated[float, Field(gt=0)], ...] = ()


class Conversion(Section):
    """How a value becomes the integer on the wire: by a table, or by ``round(value × scale + offset)``.

    Attributes:
        table: the integer for 0, 1, 2 …; excludes scale and offset.
        scale: wire units per unit (levels; seconds for a lease; °C).
        offset: added after scaling.
    """

    table: tuple[int, ...] = ()
    scale: Annotated[float, Field(gt=0)] = 1.0
    offset: int = 0

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
            if not isinstance(value, int) or not 0 <= value < len(self.table):
                raise ValueError(f"the table ends at {len(self.table) - 1}")
            return self.table[value]
        return int(value * self.scale + self.offset + 0.5)

    def from_wire(self, wire: int) -> float:
        """The value for an integer. Raises `ValueError` if the table has none."""
        if self.table:
            return self.table.index(wire)
        value = (wire - self.offset) / self.scale
        return round(value) if value == round(value) else value


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
        auto_off: seconds after which the ball switches its motor off by itself.
        stops_on_disconnect: whether the motor stops when the link goes.
        stop_repeat: how often a stop is written when it cannot be acknowledged.
        stop_gap: seconds between these.
        button: what the ball's own button does to the level.
    """

    lease: Seconds | None = None
    auto_off: Seconds | None = None
    stops_on_disconnect: Literal["yes", "no", "unknown"] = "unknown"
    stop_repeat: Annotated[int, Field(ge=1, le=5)] = 1
    stop_gap: Seconds = 0.1
    button: Literal["none", "cycle", "unknown"] = "unknown"


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
    writes: Annotated[tuple[bytes, ...], BeforeValidator(_bytes), Field(alias="bytes")]

    @model_validator(mode="after")
    def _one_meaning(self) -> Example:
        if (self.command is None) == (self.report is None):
            raise ValueError("either command or report")
        if self.report is not None and (len(self.report) != 1 or len(self.writes) != 1):
            raise ValueError("one report and its bytes")
        if self.command is not None and len({"set_level", "stop"} & set(self.command)) != 1:
            raise ValueError("set_level = LEVEL, or stop = true")
        return self


Writes = Annotated[tuple[Write, ...], BeforeValidator(_listed), Field(min_length=1)]


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


def _schema_1(value: int) -> int:
    if value != 1:
        raise ValueError("1, the only version that this program reads")
    return value


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

    schema_version: Annotated[int, AfterValidator(_schema_1), Field(alias="schema")]
    id: Id
    name: str
    evidence: Evidence
    source: str
    gaps: tuple[str, ...] = ()
    match: Match = Match()
    gatt: dict[str, Characteristic]
    motor: Motor
    values: dict[str, Conversion] = {}
    commands: Commands
    reports: dict[str, Report] = {}
    safety: Safety = Safety()
    examples: tuple[Example, ...]

    def convert(self, slot: str) -> Conversion | None:
        """The conversion of a slot, or None for the plain number."""
        return self.values.get(slot)

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
        conversion = self.convert("level") or Conversion()
        if conversion.table and len(conversion.table) != levels + 1:
            raise datafile.Misfit(
                "values.level.table", f"{len(conversion.table)} integers", f"{levels + 1}, for the levels 0 to {levels}"
            )
        for level in range(levels + 1):
            if round(conversion.from_wire(conversion.to_wire(level))) != level:
                raise datafile.Misfit("values.level.scale", f"level {level} lost in rounding", "a scale of at least 1")
        if self.motor.hz and len(self.motor.hz) != levels:
            raise datafile.Misfit("motor.hz", f"{len(self.motor.hz)} figures", f"{levels}, one per level from 1")
