"""The kinds of values that stand in a profile file: UUIDs, frames, bytes, names; used by `unknot.profiles.model`.

Each says in its error what it expected.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from unknot import datafile
from unknot.errors import FrameError
from unknot.profiles.frame import Frame

BASE_SUFFIX = "-0000-1000-8000-00805f9b34fb"
"""16-bit UUIDs are short for ``0000xxxx`` and this (Bluetooth Core, Vol 3, Part B, 2.5.1)."""


def _uuid(text: object) -> str:
    lowered = text.lower() if isinstance(text, str) else ""
    if re.fullmatch(r"[0-9a-f]{4}", lowered):
        return f"0000{lowered}{BASE_SUFFIX}"
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


def _id(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text):
        raise ValueError('lower-case words and digits joined by hyphens, such as "open-ball"')
    return text


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", text):
        raise ValueError("a name of lower-case letters, digits and underscores")
    return text


Uuid = Annotated[str, BeforeValidator(_uuid)]
"""A UUID, in full and in lower case."""
Seconds = Annotated[float, BeforeValidator(datafile.seconds)]
"""A written duration, in seconds."""
FrameField = Annotated[Frame, BeforeValidator(_frame)]
"""A frame template, compiled."""
HexWrites = Annotated[tuple[bytes, ...], BeforeValidator(_bytes)]
"""Bytes in hex, one item per write."""
Id = Annotated[str, AfterValidator(_id)]
"""The name of a profile."""
Name = Annotated[str, AfterValidator(_name)]
"""A name of the file's own, for a characteristic, a slot or a report."""
Flag = Annotated[bool, Field(strict=True)]
"""true or false, and nothing that could be taken for them."""
