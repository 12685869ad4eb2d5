"""What is wrong with a UUID or with bytes in hex, character by character; imported only when something is.

Used by `unknot.profiles.fields` and `unknot.profiles.disproof`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from unknot.datafile import Misfit
from unknot.diagnostics.written import shown

if TYPE_CHECKING:
    from unknot.diagnostics.misfits import Where

_UUID = 'a UUID of 4 or 32 hex digits, such as "180F" or "9A501A2D-594F-4E2B-B123-5F739A2D594F"'
_GROUPS = (8, 4, 4, 4, 12)
"""Hex digits between the hyphens of a UUID (RFC 9562, 4)."""

_BYTES = 'bytes in hex, such as "55 01 AA", or printable ASCII in single quotes, such as "\'STOP\' 0A"'
_TOKEN = re.compile(r"(?P<hex>[0-9A-Fa-f]{2})|'(?P<ascii>[ -&(-~]+)'|(?P<one>[0-9A-Fa-f])|(?P<none>\S)")


def uuid(text: object) -> Misfit:
    """The error for what is no UUID."""
    if not isinstance(text, str):
        return Misfit("", shown(text), _UUID)
    strange = re.search(r"[^0-9A-Fa-f-]", text)
    if strange is not None:
        return Misfit("", f"{strange[0]!r} in {shown(text)}", _UUID, where=_at(strange.start(), 1))
    groups = text.split("-")
    digits = sum(map(len, groups))
    found = f"{shown(text)}, {digits} hex digit{'s' if digits != 1 else ''}"
    if len(groups) == len(_GROUPS):
        at = next(at for at, (group, size) in enumerate(zip(groups, _GROUPS, strict=True)) if len(group) != size)
        found += f", {len(groups[at])} of them in a group of {_GROUPS[at]}"
        return Misfit("", found, _UUID, where=_at(sum(map(len, groups[:at])) + at, max(1, len(groups[at]))))
    return Misfit("", found, _UUID)


def hex_bytes(text: str, key: str) -> Misfit:
    """The error for what is no bytes; ``key`` is its index in a list of writes, or empty."""
    for token in _TOKEN.finditer(text):
        if token["one"] is not None or token["none"] is not None:
            is_digit = token["one"] is not None
            found = "one hex digit where two make a byte" if is_digit else f"{token[0]!r}, which is no hex digit"
            return Misfit(key, found, _BYTES, where=_at(token.start(), 1))
    return Misfit(key, shown(text), _BYTES)  # digits of a byte may not stand apart


def _at(start: int, count: int) -> Where:
    return lambda _: (start, count)


def place_of_byte(text: str, index: int, count: int = 1) -> tuple[int, int] | None:
    """Where some bytes stand in a text that says bytes: the first character and how many; None if it has none such."""
    places: list[tuple[int, int]] = []
    for token in _TOKEN.finditer(text):
        if token["hex"] is not None:
            places.append(token.span())
        elif token["ascii"] is not None:
            places += [(at, at + 1) for at in range(*token.span("ascii"))]
    if index >= len(places):
        return None
    return places[index][0], places[min(index + count, len(places)) - 1][1] - places[index][0]
