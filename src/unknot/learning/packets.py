"""One packet between a host and its Bluetooth controller, and the bytes of a recording; what all readers share."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import BinaryIO

COMMAND, ACL, EVENT = 1, 2, 4
"""The kinds of packets that matter here, by their numbers on a serial line (Bluetooth Core, Vol 4, Part A, 2)."""

Packet = tuple[float, int, bool | None, int, bytes]
"""Seconds of the recorder's clock; the kind; whether the host sent it, None where nobody says; the controller's number;
and the bytes. A plain tuple, because there are millions."""

RECORD_MOST = 1 << 17
"""Bytes of one record: twice the longest packet (Bluetooth Core, Vol 4, Part E, 5.4.2), and some to spare. What claims
to be longer is damaged, and is never waited for."""

CHUNK = 1 << 20
"""Bytes that are read at a time."""

MONITOR_KINDS: dict[int, tuple[int, bool]] = {2: (COMMAND, True), 3: (EVENT, False), 4: (ACL, True), 5: (ACL, False)}
"""Kind and direction by the opcode of Linux's monitor (BlueZ, src/shared/btsnoop.h); other opcodes carry no packet."""


class Flaws:
    """What was wrong with a recording that could be read nevertheless.

    Attributes:
        broken_at: the byte from which on nothing could be read, or None.
        why: what was found there.
        cut: how many packets were recorded only in part.
    """

    __slots__ = ("broken_at", "cut", "why")

    def __init__(self) -> None:
        self.broken_at: int | None = None
        self.why = ""
        self.cut = 0

    def broken(self, at: int, why: str) -> None:
        """Nothing can be read from here on."""
        self.broken_at = at
        self.why = why


class Source(NamedTuple):
    """Where the bytes of a recording come from.

    Attributes:
        stream: they themselves, after the file's header.
        at: index in the file of the first of them.
        flaws: where to write down what is wrong.
    """

    stream: BinaryIO
    at: int
    flaws: Flaws
