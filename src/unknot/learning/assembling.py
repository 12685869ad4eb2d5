"""Puts frames of text together that the ball cut into pieces; used by `lesson`."""

from __future__ import annotations

from collections.abc import Sequence

from unknot.learning.reports import Heard
from unknot.profiles.assembly import HELD_MAX

ENDS = (b"\r\n", b"\n", b"\x04", b"\x03", b"\x00")
"""What ends frames of text, in the order in which it is tried."""

PIECE_LEAST = 20
"""Bytes of a piece that another follows: what a notification carries before a larger size is agreed on."""


def end_of(told: Sequence[Heard]) -> bytes | None:
    """The bytes that end every frame, if some notifications are only pieces of one; else None."""
    if len(told) < 2 or not any(len(one.data) >= PIECE_LEAST for one in told):
        return None
    for end in (b"\x04", *ENDS):
        whole = [one.data.endswith(end) for one in told]
        pieces = [one for one, is_whole in zip(told, whole, strict=True) if not is_whole]
        if pieces and any(whole) and whole[-1] and all(len(one.data) >= PIECE_LEAST for one in pieces):
            return end
    return None


def joined(told: Sequence[Heard], end: bytes) -> list[Heard]:
    """The frames that the pieces make."""
    frames: list[Heard] = []
    held = b""
    for one in told:
        held += one.data
        *whole, held = held.split(end)
        frames += [Heard(one.time, frame + end) for frame in whole]
        held = held[-HELD_MAX:]
    return frames
