"""The form that frames share: what stands in each place, written in the frame language; used by all that learns.

A form is a row of parts. Its template is read by the frame language itself, so a form claims nothing that a profile
could not say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from unknot.errors import FrameMismatch, FrameValueError
from unknot.learning.gatt import Said
from unknot.profiles.frames.frame import Frame, Value
from unknot.profiles.frames.keyed import AnyFrame, keyed


class Role(StrEnum):
    """What a place in a frame is."""

    CONSTANT = "constant"
    LENGTH = "length"
    COUNTER = "counter"
    CHECK = "check"
    LEVEL = "level"
    BATTERY = "battery"
    UNKNOWN = "unknown"


@dataclass(slots=True, eq=False)
class Part:
    """One part of a form.

    Attributes:
        role: what it is.
        at: the index of its first byte, for the first of the frames.
        content: the bytes of a constant part, or those of the first frame.
        kind: the type of a slot, such as ``u8``; empty for what is none.
        seal: what a length or a check is in the frame language.
        name: the name of a slot.
        evidence: how many different frames prove a check.
        is_text: whether its bytes are shown as text.
    """

    role: Role
    at: int
    content: bytes
    kind: str = ""
    seal: str = ""
    name: str = ""
    evidence: int = 0
    is_text: bool = False

    @property
    def is_slot(self) -> bool:
        """Whether values stand there."""
        return bool(self.kind)

    def written(self) -> str:
        """The part in the frame language."""
        if self.kind:
            return f"{{{self.name}:{self.kind}}}"
        return self.seal or (spelled(self.content) if self.is_text else self.content.hex(" ").upper())


_TEXT = re.compile(rb"[ -&(-~]+")
"""Printable ASCII without the quote: what stands in quotes in a template."""


def spelled(content: bytes) -> str:
    """Bytes in the frame language: text in quotes, the rest in hex."""
    words, at = [], 0
    for run in _TEXT.finditer(content):
        words += [content[at : run.start()].hex(" ").upper(), f"'{run[0].decode()}'"]
        at = run.end()
    return " ".join(word for word in (*words, content[at:].hex(" ").upper()) if word)


@dataclass(slots=True, eq=False)
class Group:
    """Frames of one form, on one characteristic and in one direction.

    Attributes:
        handle: the characteristic's.
        heard: whether the ball said them.
        frames: the different frames.
        parts: the form.
        table: the keyed frame as a profile has it, where the form is JSON; its slots are `parts`.
        period: seconds between them, if they come at a steady pace and are always the same.
        counts: the first and the last number of their counter, if they have one.
    """

    handle: int
    heard: bool
    frames: list[Said]
    parts: list[Part]
    table: Mapping[str, Any] | None = None
    period: float | None = None
    counts: tuple[int, int] | None = None
    _compiled: dict[str, AnyFrame] = field(default_factory=dict)
    _read: dict[bytes, dict[int, Value | None]] = field(default_factory=dict)

    @property
    def slots(self) -> list[Part]:
        """The parts with values."""
        return [part for part in self.parts if part.is_slot]

    @property
    def is_constant(self) -> bool:
        """Whether all of it is always the same, but for a counter and the check over it."""
        return all(part.role is Role.COUNTER for part in self.slots)

    def named(self, table: object) -> object:
        """The keyed frame with the present names of its slots."""
        if isinstance(table, Mapping):
            return {key: self.named(value) for key, value in table.items()}
        return f"${table.name}" if isinstance(table, Part) else table

    def toml(self) -> str:
        """The frame as the value of a key in a profile."""
        if self.table is not None:
            return inline(self.named(self.table))
        return inline(self.template)

    @property
    def template(self) -> str:
        """The form in the frame language; for JSON a readable text of it."""
        if self.table is not None:
            return json.dumps(self.named(self.table))
        return " ".join(part.written() for part in self.parts)

    @property
    def frame(self) -> AnyFrame:
        """The form as a frame, with the present names."""
        template = self.template
        if template not in self._compiled:
            named = self.named(self.table) if self.table is not None else None
            self._compiled[template] = keyed(named) if isinstance(named, Mapping) else Frame(template)
        return self._compiled[template]

    def value(self, part: Part, data: bytes) -> int | None:
        """What stands in a slot of a frame; None if it is not of this form, or no number."""
        if data not in self._read:
            try:
                told = self.frame.unpack(data)
            except FrameMismatch:
                told = {}
            self._read[data] = {id(one): told.get(one.name) for one in self.slots}
        found = self._read[data].get(id(part))
        return found if isinstance(found, int) else None

    def retype(self, part: Part, kind: str) -> None:
        """Let the bytes of a slot be of another type."""
        if part.kind != kind:
            part.kind = kind
            self._read.clear()


def reproduces(frame: AnyFrame, data: bytes) -> bool:
    """Whether a frame reads these bytes, and writes the same again."""
    try:
        return frame.might_be(data) and frame.pack(frame.unpack(data)) == data
    except (FrameMismatch, FrameValueError):
        return False


def inline(value: object) -> str:
    """A value as TOML, on one line."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {inline(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(inline, value)) + "]"
    if isinstance(value, str):
        # JSON's escapes are TOML's, but for one sign that JSON leaves as it is.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else inline(name)
