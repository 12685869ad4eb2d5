"""Sorts frames of text into groups of one form: commands with numbers in them, and JSON; used by `lesson`."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unknot.errors import FrameSyntaxError
from unknot.learning import encoded
from unknot.learning.forms import Group, Part, Role, reproduces
from unknot.learning.gatt import Said

LEAST = 3
"""Bytes of the shortest text (judgement): fewer may be text by chance."""

_TEXT = re.compile(rb"[\t\n\r -~]{3,}[\x00-\x04\n\r]{0,2}")
_LETTERS = re.compile(rb"[A-Za-z]")
_NUMBER = re.compile(rb"[0-9]{1,9}")
_BLANK = bytes(range(0x21))
"""What may stand behind a JSON object."""


def is_text(frames: Sequence[Said]) -> bool:
    """Whether all frames of a characteristic are text."""
    return all(_TEXT.fullmatch(one.data) and _LETTERS.search(one.data) for one in frames)


def groups(handle: int, frames: Sequence[Said], *, heard: bool) -> list[Group]:
    """The groups of frames of text: those that differ only in their numbers, or in what is encoded."""
    found, rest = encoded.groups(handle, frames, heard=heard)
    alike: dict[object, list[Said]] = defaultdict(list)
    for one in rest:
        alike[_skeleton(one.data)].append(one)
    return found + [_json(handle, own, heard=heard) or Group(handle, heard, own, _parts(own)) for own in alike.values()]


def _skeleton(data: bytes) -> object:
    document = _document(data)
    if document is not None:
        return tuple(_outline(document)), data[len(data.rstrip(_BLANK)) :]
    return _NUMBER.sub(b"0", data)


def _parts(frames: Sequence[Said]) -> list[Part]:
    """The form of texts with the same words and as many numbers."""
    first = frames[0].data
    rows = [[run[0] for run in _NUMBER.finditer(one.data)] for one in frames]
    parts: list[Part] = []
    at = 0

    def constant(start: int, end: int) -> None:
        if start == end:
            return
        if parts and parts[-1].role is Role.CONSTANT:
            parts[-1].content += first[start:end]
        else:
            parts.append(Part(Role.CONSTANT, start, first[start:end], is_text=True))

    names: dict[tuple[bytes, ...], str] = {}
    for number, run in enumerate(_NUMBER.finditer(first)):
        column = tuple(row[number] for row in rows)
        constant(at, run.start())
        at = run.end()
        if len(set(column)) == 1:
            constant(run.start(), at)
            continue
        widths = {len(one) for one in column}
        padded = any(one.startswith(b"0") and len(one) > 1 for one in column)
        kind = f"dec{widths.pop()}" if padded and len(widths) == 1 else "dec"
        name = names.setdefault(column, f"number{number + 1}")
        parts.append(Part(Role.UNKNOWN, run.start(), run[0], kind, name=name, is_text=True))
    constant(at, len(first))
    return parts


def _document(data: bytes) -> Mapping[str, Any] | None:
    if not data.startswith(b"{"):
        return None
    try:
        document = json.loads(data.rstrip(_BLANK))
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) and document else None


def _outline(document: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Each key, with what stands there unless it is a number."""
    for key, value in document.items():
        if isinstance(value, dict):
            yield from _outline(value, (*path, key))
        elif isinstance(value, int) and not isinstance(value, bool):
            yield (*path, key), int
        else:
            yield (*path, key), json.dumps(value)


def _json(handle: int, frames: Sequence[Said], *, heard: bool) -> Group | None:
    """A keyed form, if it writes every one of the frames as it was; the words of text do, where it does not."""
    documents = [_document(one.data) for one in frames]
    first = documents[0]
    if first is None or any(one is None for one in documents):
        return None
    slots: list[Part] = []
    table = _filled(first, [one for one in documents if one is not None], slots, ())
    end = frames[0].data[len(frames[0].data.rstrip(_BLANK)) :]
    keyed: dict[str, Any] = {"json": table, **({"end": end.hex(" ").upper()} if end else {})}
    group = Group(handle, heard, list(frames), slots, keyed)
    try:
        frame = group.frame
    except FrameSyntaxError:
        return None
    return group if all(reproduces(frame, one.data) for one in frames) else None


def _filled(
    first: Mapping[str, Any], documents: Sequence[Mapping[str, Any]], slots: list[Part], path: tuple[str, ...]
) -> dict[str, Any]:
    """The table of a keyed frame, with a slot for each number that varies."""
    table: dict[str, Any] = {}
    for key, value in first.items():
        here = (*path, key)
        if isinstance(value, dict):
            table[key] = _filled(value, [one[key] for one in documents], slots, here)
        elif isinstance(value, int) and len({one[key] for one in documents}) > 1:
            table[key] = Part(Role.UNKNOWN, 0, str(value).encode(), "json", name=f"number{len(slots) + 1}")
            slots.append(table[key])
        else:
            table[key] = value
    return table
