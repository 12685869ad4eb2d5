"""Frames of lines with a key and a value each, in any order; built by `unknot.profiles.frames.keyed`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unknot.errors import FrameMismatch
from unknot.profiles.frames import keys
from unknot.profiles.frames.parts import Span, Value, keep, misfit

_INTEGER = re.compile(rb"-?[0-9]+")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that was found: its first byte's index, the index after its last, and its value."""

    start: int
    end: int
    value: bytes


class LinesFrame:
    """Lines of key and value.

    Args:
        table: the keys, in the order in which they are written, and what stands under each: a string ``"$name"`` is a
            slot, other text and whole numbers are fixed.
        between: what stands between a key and its value.
        line: bytes that end each line, in hex.
        end: bytes after the last line, in hex.

    Attributes:
        template: a readable text of it.
        slots: the names of all values, each once, in their order.

    Raises:
        FrameSyntaxError: a key or a value that cannot stand in a line, or a ``$name`` that is no name.
    """

    __slots__ = ("_between", "_end", "_keys", "_line", "slots", "template")

    def __init__(self, table: Mapping[str, Any], between: str = ":", line: str = "0A", end: str = "") -> None:
        self.template = keys.readable("lines", table, {"between": between, "line": line, "end": end})
        self._end = keys.hex_bytes(self.template, "end", end)
        self._line = keys.hex_bytes(self.template, "line", line)
        if not self._line:
            keys.refuse(self.template, "line = ", 'bytes in hex that end a line, such as "0A"')
        if not between or not keys.is_text(between) or self._line in between.encode():
            keys.refuse(self.template, "between = ", 'text between a key and its value, such as ":"')
        self._between = between.encode()
        written = keys.keys(self.template, table)
        self._keys = {self._proved(key): key for key in written}
        self.slots = keys.slots(written)

    def __repr__(self) -> str:
        return f"LinesFrame({self.template!r})"

    def pack(self, values: Mapping[str, Value]) -> bytes:
        """The lines in the file's order.

        Raises:
            FrameValueError: a value is missing, would end its line, or the text is too long.
        """
        data = bytearray()
        for written, key in self._keys.items():
            data += written + self._between + self._value(key, values) + self._line
        return keys.bounded(bytes(data + self._end))

    def unpack(self, data: bytes) -> dict[str, Value]:
        """The values of the slots, integers where they are all digits; lines that the file does not have are dropped.

        Raises:
            FrameMismatch: a key that is not there, that says two things, or another fixed value.
        """
        lines = self._lines(data)
        values: dict[str, Value] = {}
        for written, key in self._keys.items():
            if written not in lines:
                raise FrameMismatch(f"no line {key.name}", len(data))
            for line in lines[written]:
                if key.slot:
                    keep(values, key.slot, _read(key, line), line.start)
                elif line.value != str(key.fixed).encode():
                    raise FrameMismatch(f"{key.name} is not {key.fixed}", line.start)
        return values

    def might_be(self, data: bytes) -> bool:
        """Whether the bytes end like these lines and have all keys somewhere: quick, and no promise."""
        return data.endswith(self._end) and all(written in data for written in self._keys)

    def explain(self, data: bytes) -> tuple[Span, ...]:
        """One span per line of a key of the file, as they stand, and one for what ends them.

        Raises:
            FrameMismatch: the bytes are not this frame.
        """
        values = self.unpack(data)
        lines = self._lines(data)
        spans = [
            Span(line.start, line.end, key.what, values.get(key.slot))
            for written, key in self._keys.items()
            for line in lines[written]
        ]
        return (*sorted(spans, key=lambda span: span.start), *keys.end_spans(data, self._end))

    def _lines(self, data: bytes) -> dict[bytes, list[_Line]]:
        """The lines of the file's keys, by key."""
        lines: dict[bytes, list[_Line]] = {}
        start = 0
        for line in keys.without_end(data, self._end).split(self._line):
            written, between, value = line.partition(self._between)
            end = start + len(line)
            if between and written in self._keys:
                lines.setdefault(written, []).append(_Line(start, end, value))
            start = end + len(self._line)
        return lines

    def _value(self, key: keys.Key, values: Mapping[str, Value]) -> bytes:
        if not key.slot:
            return str(key.fixed).encode()
        value = keys.given(key.slot, values)
        content = str(value).encode()
        if self._ends(content):
            raise misfit(key.slot, value, "text that does not end its line")
        return content

    def _ends(self, content: bytes) -> bool:
        """Whether what ends a line or the frame stands in a value, or begins there."""
        return (content + self._line).find(self._line) != len(content) or bool(self._end and self._end in content)

    def _proved(self, key: keys.Key) -> bytes:
        """The bytes of a key that can stand in a line."""
        place = f'"{key.path[0]}": '
        written = key.path[0].encode()
        if len(key.path) > 1 or not (key.slot or type(key.fixed) in (str, int)):
            keys.refuse(self.template, place, f'text, a whole number or a "$slot" under {key.path[0]}')
        if (written + self._between).find(self._between) != len(written) or self._ends(written):
            keys.refuse(self.template, place, "a key without what ends it or its line")
        if not key.slot and self._ends(str(key.fixed).encode()):
            keys.refuse(self.template, place, f"text that does not end its line under {key.path[0]}")
        return written


def _read(key: keys.Key, line: _Line) -> Value:
    at = line.end - len(line.value)
    if _INTEGER.fullmatch(line.value):
        number = int(line.value)
        if not -keys.GREATEST <= number <= keys.GREATEST:
            raise FrameMismatch(f"{key.name} is an integer of too many digits", at)
        return number
    try:
        return line.value.decode()
    except UnicodeDecodeError as cause:
        place = at + cause.start
        raise FrameMismatch(f"byte {place}: {key.name} is not UTF-8", place) from None
