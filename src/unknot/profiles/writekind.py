"""The two ways to write a characteristic; used by profiles, and by everything that writes."""

from __future__ import annotations

from enum import StrEnum


class WriteKind(StrEnum):
    """The two ways to write a characteristic (Bluetooth Core, Vol 3, Part G, 4.9)."""

    COMMAND = "command"
    """Without response: quick, and nobody says whether it arrived."""
    REQUEST = "request"
    """With response: the ball acknowledges it."""


PROPERTIES = {WriteKind.REQUEST: "write", WriteKind.COMMAND: "write-without-response"}
"""bleak's name of the property that a characteristic needs for each kind of write."""
