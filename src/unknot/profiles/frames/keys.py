"""The keys of a keyed frame and what stands under them; shared by JSON and by lines of key and value."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from unknot.errors import FrameMismatch, FrameSyntaxError
from unknot.profiles.frames.parts import MAX_BYTES, Span, Value, misfit
from unknot.profiles.frames.template import MAX_CHARACTERS

GREATEST = (1 << 64) - 1
"""No integer in a frame of bytes is greater, so none is in a keyed one."""

_MAX_DEPTH = 8
"""Tables inside tables: more than any device is known to nest."""

_SLOT = re.compile(r"\$[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Key:
    """A key and what stands under it.

    Attributes:
        path: the keys that lead there, and itself.
        slot: the slot, or an empty string.
        fixed: the value where there is no slot.
    """

    path: tuple[str, ...]
    slot: str
    fixed: Any = None

    @property
    def name(self) -> str:
        """The dotted path, for errors."""
        return ".".join(self.path)

    @property
    def what(self) -> str:
        """The key and its value as they are written."""
        return f"{self.name} = {json.dumps('$' + self.slot if self.slot else self.fixed)}"


def as_text(table: Mapping[str, Any]) -> str:
    """A table as text. Raises `FrameSyntaxError` where it has none."""
    try:
        return json.dumps(table, default=str)
    except (ValueError, TypeError, RecursionError) as cause:
        raise FrameSyntaxError("", 0, f"a table of text, numbers and tables: {cause}") from None


def readable(form: str, table: Mapping[str, Any], options: Mapping[str, str]) -> str:
    """A keyed frame as text. Raises `FrameSyntaxError` where it is too long."""
    written = [f"{name} = {json.dumps(value)}" for name, value in options.items() if value]
    template = " ".join([form, as_text(table), *written])
    if len(template) > MAX_CHARACTERS:
        raise FrameSyntaxError(template, MAX_CHARACTERS, f"at most {MAX_CHARACTERS} characters")
    return template


def refuse(template: str, place: str, expected: str) -> NoReturn:
    """Raise `FrameSyntaxError` for what begins with these words."""
    raise FrameSyntaxError(template, max(template.find(place), 0), expected)


def hex_bytes(template: str, name: str, written: str) -> bytes:
    """Bytes from hex. Raises `FrameSyntaxError`."""
    try:
        return bytes.fromhex(written)
    except ValueError:
        refuse(template, f"{name} = ", 'bytes in hex, such as "0D 0A"')


def keys(template: str, table: Mapping[str, Any], path: tuple[str, ...] = ()) -> list[Key]:
    """The keys of a table and of the tables in it, in their order; at least one.

    Raises:
        FrameSyntaxError: a value that cannot be sent, or a ``$name`` that is no name.
    """
    found: list[Key] = []
    for name, value in table.items():
        place = f"{json.dumps(name)}: "
        here = (*path, name)
        if not is_text(name) or len(path) == _MAX_DEPTH:
            refuse(template, place, f"a key of UTF-8, in at most {_MAX_DEPTH} tables")
        if isinstance(value, Mapping):
            found += keys(template, value, here)
        elif isinstance(value, str) and value.startswith("$"):
            if not _SLOT.fullmatch(value):
                refuse(template, place + json.dumps(value), "a slot's name in lower case after $")
            found.append(Key(here, value[1:]))
        elif not _is_plain(value):
            refuse(template, place, f'text, a number, true, false, a list of them, a table or a "$slot" under {name}')
        else:
            found.append(Key(here, "", value))
    if not found:
        raise FrameSyntaxError(template, template.find("{"), "a table with at least one key")
    return found


def slots(written: list[Key]) -> tuple[str, ...]:
    """The names of the slots, each once."""
    return tuple(dict.fromkeys(key.slot for key in written if key.slot))


def is_text(value: str) -> bool:
    """Whether UTF-8 can say a text; half a surrogate pair it cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def given(slot: str, values: Mapping[str, Value]) -> Value:
    """The value of a slot. Raises `FrameValueError` where there is none, or none that can be sent."""
    value = values.get(slot)
    if isinstance(value, int) and -GREATEST <= value <= GREATEST:
        return int(value)
    if isinstance(value, str) and is_text(value):
        return value
    raise misfit(slot, value, f"an integer from {-GREATEST} to {GREATEST}, or text")


def bounded(data: bytes) -> bytes:
    """A packed frame. Raises `FrameValueError` where it is too long."""
    if len(data) > MAX_BYTES:
        raise misfit("the frame's length", len(data), f"at most {MAX_BYTES} bytes")
    return data


def without_end(data: bytes, end: bytes) -> bytes:
    """The bytes before what ends a frame. Raises `FrameMismatch` where they are too many, or do not end."""
    if len(data) > MAX_BYTES:
        raise FrameMismatch(f"{len(data)} bytes, at most {MAX_BYTES} expected", MAX_BYTES)
    if not data.endswith(end):
        raise FrameMismatch(f"no {end.hex(' ').upper()} at the end", len(data))
    return data[: len(data) - len(end)]


def end_spans(data: bytes, end: bytes) -> list[Span]:
    """The span of what ends a frame, if anything does."""
    return [Span(len(data) - len(end), len(data), end.hex(" ").upper(), None)] if end else []


def _is_plain(value: object) -> bool:
    match value:
        case str():
            return is_text(value) and not value.startswith("$")
        case int():
            return -GREATEST <= value <= GREATEST
        case float():
            return math.isfinite(value)
        case list():
            return all(_is_plain(one) and not isinstance(one, list) for one in value)
    return False
