"""The kinds of values that stand in a profile file: UUIDs, frames, bytes, names; used by `unknot.profiles.model`.

Each says in its error what it expected.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler, WithJsonSchema

from unknot import datafile
from unknot.errors import FrameError
from unknot.profiles.frames.frame import Frame
from unknot.profiles.frames.keyed import AnyFrame, keyed
from unknot.profiles.frames.template import MAX_CHARACTERS

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

BASE_SUFFIX = "-0000-1000-8000-00805f9b34fb"
"""16-bit UUIDs are short for ``0000xxxx`` and this (Bluetooth Core, Vol 3, Part B, 2.5.1)."""

ID = r"[a-z0-9]+(-[a-z0-9]+)*"
"""What the id of a profile looks like; the name of a codec plug-in too."""

_NAME = r"[a-z][a-z0-9_]*"
_LONG_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def in_schema(description: str, pattern: str) -> WithJsonSchema:
    """How a text of this form is described to editors."""
    return WithJsonSchema({"type": "string", "pattern": f"^({pattern})$", "description": description})


class OneOrMore:
    """Tells editors that a single item may stand for a list of one."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Either the item, or the list."""
        listed = handler(core)
        return {"anyOf": [listed["items"], listed]}


def _table_in_schema(form: str, *options: str) -> JsonSchemaValue:
    texts = {option: {"type": "string"} for option in options}
    properties = {form: {"type": "object", "minProperties": 1}, **texts}
    return {"type": "object", "properties": properties, "required": [form], "additionalProperties": False}


def _uuid(text: object) -> str:
    lowered = text.lower() if isinstance(text, str) else ""
    if re.fullmatch(r"[0-9a-f]{4}", lowered):
        return f"0000{lowered}{BASE_SUFFIX}"
    if re.fullmatch(_LONG_UUID, lowered):
        return lowered
    from unknot.profiles.miswritten import uuid  # only when something is wrong

    raise uuid(text)


def _frame(found: object) -> AnyFrame:
    if not isinstance(found, str | Mapping):
        raise ValueError("a frame template in a string, or a table with json or lines")  # noqa: TRY004 - pydantic collects ValueErrors
    try:
        return Frame(found) if isinstance(found, str) else keyed(found)
    except FrameError as cause:
        raise ValueError(str(cause)) from cause


def _bytes(text: object) -> tuple[bytes, ...]:
    writes = [text] if isinstance(text, str) else text
    if not isinstance(writes, list) or not writes or not all(isinstance(write, str) for write in writes):
        raise ValueError('bytes in hex, such as "55 01 AA", or a list of them, one per write')
    return tuple(_one_write(write, number if writes is text else None) for number, write in enumerate(writes))


def _one_write(text: str, number: int | None) -> bytes:
    try:
        if "'" not in text:
            return bytes.fromhex(text)
        pieces = _ASCII.split(text)
        return b"".join(part.encode() if at % 2 else bytes.fromhex(part) for at, part in enumerate(pieces))
    except ValueError:
        from unknot.profiles.miswritten import hex_bytes  # only when something is wrong

        raise hex_bytes(text, "" if number is None else str(number)) from None


def _id(text: str) -> str:
    if not re.fullmatch(ID, text):
        raise ValueError('lower-case words and digits joined by hyphens, such as "open-ball"')
    return text


def _name(text: str) -> str:
    if not re.fullmatch(_NAME, text):
        raise ValueError("a name of lower-case letters, digits and underscores")
    return text


_ASCII = re.compile(r"'([ -&(-~]+)'")
"""Printable ASCII between single quotes, as in a frame."""

_HEX = r"\s*(([0-9A-Fa-f]{2}|'[ -&(-~]+')\s*)*"
_HEX_TEXT = {"type": "string", "pattern": f"^{_HEX}$"}

Uuid = Annotated[
    str,
    BeforeValidator(_uuid),
    in_schema("a UUID of 4 or 32 hex digits", r"[0-9A-Fa-f]{4}|" + _LONG_UUID.replace("a-f", "A-Fa-f")),
]
"""A UUID, in full and in lower case."""
Seconds = Annotated[
    float,
    BeforeValidator(datafile.seconds),
    in_schema('a duration with its unit, such as "45s", "500ms" or "2min"', datafile.DURATION),
]
"""A written duration, in seconds."""
FrameField = Annotated[
    AnyFrame,
    BeforeValidator(_frame),
    WithJsonSchema(
        {
            "description": "a frame: bytes in hex and {slot:type}, or a table with json or lines",
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": MAX_CHARACTERS},
                _table_in_schema("json", "end"),
                _table_in_schema("lines", "between", "line", "end"),
            ],
        }
    ),
]
"""A frame template, compiled."""
HexWrites = Annotated[
    tuple[bytes, ...],
    BeforeValidator(_bytes),
    WithJsonSchema({"anyOf": [_HEX_TEXT, {"type": "array", "items": _HEX_TEXT, "minItems": 1}]}),
]
"""Bytes in hex or in quoted ASCII, one item per write."""
Id = Annotated[str, AfterValidator(_id), in_schema("lower-case words and digits joined by hyphens", ID)]
"""The name of a profile."""
Name = Annotated[str, AfterValidator(_name), in_schema("a name of lower-case letters, digits and underscores", _NAME)]
"""A name of the file's own, for a characteristic, a slot or a report."""
Flag = Annotated[bool, Field(strict=True)]
"""true or false, and nothing that could be taken for them."""
