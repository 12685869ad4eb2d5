"""Frames of one JSON object, whose keys a device may send in any order; built by `unknot.profiles.frames.keyed`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from unknot.errors import FrameMismatch
from unknot.profiles.frames import keys
from unknot.profiles.frames.parts import Span, Value

_COMPACT = (",", ":")


class JsonFrame:
    """A JSON object with slots.

    Args:
        table: what stands in the object, in the order in which it is written: a string ``"$name"`` is a slot, a table
            is an object inside it, every other value is fixed.
        end: bytes after the object, in hex.

    Attributes:
        template: a readable text of it.
        slots: the names of all values, each once, in their order.

    Raises:
        FrameSyntaxError: a value that JSON does not have, or a ``$name`` that is no name.
    """

    __slots__ = ("_end", "_keys", "_table", "slots", "template")

    def __init__(self, table: Mapping[str, Any], end: str = "") -> None:
        self.template = keys.readable("json", table, {"end": end})
        self._end = keys.hex_bytes(self.template, "end", end)
        self._table = table
        self._keys = keys.keys(self.template, table)
        self.slots = keys.slots(self._keys)

    def __repr__(self) -> str:
        return f"JsonFrame({self.template!r})"

    def pack(self, values: Mapping[str, Value]) -> bytes:
        """The object's text, compact.

        Raises:
            FrameValueError: a value is missing, or the text is too long.
        """
        text = json.dumps(_filled(self._table, values), separators=_COMPACT)
        return keys.bounded(text.encode() + self._end)

    def unpack(self, data: bytes) -> dict[str, Value]:
        """The values of the slots; true is 1, false is 0, and further keys are ignored.

        Raises:
            FrameMismatch: no JSON object, a key that is not there, a value that is neither a whole number nor text,
                or another fixed value.
        """
        document = _document(keys.without_end(data, self._end))
        values: dict[str, Value] = {}
        for key in self._keys:
            found = _found(document, key)
            if key.slot:
                value = _value(key, found)
                if values.setdefault(key.slot, value) != value:
                    raise FrameMismatch(f"{key.name} is {value!r}, but {values[key.slot]!r} before")
            elif not _same(found, key.fixed):
                raise FrameMismatch(f"{key.name} is not {json.dumps(key.fixed)}")
        return values

    def might_be(self, data: bytes) -> bool:
        """Whether the bytes end like this document: quick, and no promise."""
        return data.endswith(self._end)

    def explain(self, data: bytes) -> tuple[Span, ...]:
        """One span per key of the file, each over the whole object, and one for what ends it.

        Raises:
            FrameMismatch: the bytes are not this frame.
        """
        values = self.unpack(data)
        close = len(data) - len(self._end)
        spans = [Span(0, close, key.what, values.get(key.slot)) for key in self._keys]
        return (*spans, *keys.end_spans(data, self._end))


def _filled(table: Mapping[str, Any], values: Mapping[str, Value]) -> dict[str, Any]:
    filled: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            filled[name] = _filled(value, values)
        elif isinstance(value, str) and value.startswith("$"):
            filled[name] = keys.given(value[1:], values)
        else:
            filled[name] = value
    return filled


def _document(data: bytes) -> Mapping[str, Any]:
    try:
        text = data.decode()
    except UnicodeDecodeError as cause:
        raise FrameMismatch(f"byte {cause.start} is not UTF-8", cause.start) from None
    try:
        document = json.loads(text)
    except json.JSONDecodeError as cause:
        place = len(text[: cause.pos].encode())
        raise FrameMismatch(f"byte {place}: no JSON: {cause.msg}", place) from None
    except (ValueError, RecursionError):  # an integer of thousands of digits, or hundreds of lists in each other
        raise FrameMismatch("no JSON that could be read", 0) from None
    if not isinstance(document, dict):
        raise FrameMismatch("no JSON object", 0)
    return document


def _found(document: Mapping[str, Any], key: keys.Key) -> object:
    found: object = document
    for name in key.path:
        if not isinstance(found, dict) or name not in found:
            raise FrameMismatch(f"no key {key.name}")
        found = found[name]
    return found


def _value(key: keys.Key, found: object) -> Value:
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if isinstance(found, int) and -keys.GREATEST <= found <= keys.GREATEST:
        return int(found)
    if isinstance(found, str) and keys.is_text(found):
        return found
    raise FrameMismatch(f"{key.name} is neither a whole number nor text")


def _same(found: object, fixed: object) -> bool:
    """Whether JSON says the same: true is not 1, but 1.0 is."""
    if isinstance(found, list) and isinstance(fixed, list):
        return len(found) == len(fixed) and all(map(_same, found, fixed))
    return found == fixed and isinstance(found, bool) == isinstance(fixed, bool)
