"""Finds the attribute protocol in HCI packets: connections, advertisements, fragments, requests and their answers.

Used by `unknot.learning.lesson`; what it finds goes to `unknot.learning.gatt`. Numbers and layouts are those of the
Bluetooth Core specification: Vol 4, Part E, 7.7 (events), Vol 3, Part A, 3 (L2CAP) and Part F, 3.4 (ATT).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unknot.learning import advertised
from unknot.learning.attributes import Discovery
from unknot.learning.gatt import Did
from unknot.learning.packets import ACL, EVENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unknot.learning.gatt import Device, Meeting, Talk
    from unknot.learning.packets import Packet

PDU_MOST = 600
"""Bytes of an attribute's packet: a value of 512, its header and some to spare. Longer ones are none of ours."""

LINKS_MOST = 1024
"""Connections at a time (judgement: a handle has 12 bits, a controller a dozen connections)."""

HEARD_MOST = 4096
"""Different advertisements that are remembered, so that they are not read again (judgement)."""

_PIECE, _GOES_ON = 0x3000, 0x1000
"""The bits of the flags that say which piece of a packet it is, and what they are for all but the first."""

_EVENT_LEAST = 5
"""Bytes of the shortest event that matters."""

_ATT = 4
"""The channel of the attribute protocol."""

_DISCONNECTED, _LE = 0x05, 0x3E
_CONNECTED = frozenset({0x01, 0x0A, 0x29})
"""The events of a new connection: plain, enhanced, and enhanced version 2. They begin alike."""
_ADVERTISED, _ADVERTISED_AT_LENGTH = 0x02, 0x0D

_ERROR = 0x01
_READ, _READ_ANSWER, _BLOB_ANSWER = 0x0A, 0x0B, 0x0D
_WRITE, _WRITE_COMMAND, _PREPARE, _SIGNED = 0x12, 0x52, 0x16, 0xD2
_NOTIFICATION, _INDICATION = 0x1B, 0x1D

_VALUES = {_WRITE: Did.REQUEST, _WRITE_COMMAND: Did.COMMAND}
_HEARD = {_NOTIFICATION: Did.NOTIFIED, _INDICATION: Did.INDICATED}
_HEADERS = struct.Struct("<HHHH")
"""Handle and flags, bytes of the packet, bytes of the channel's packet, channel."""


@dataclass(slots=True)
class _Link:
    """One connection.

    Attributes:
        device: whom it leads to.
        pieces: what has arrived of a packet in pieces, from the host and from the controller.
        wanted: how many bytes that packet has.
        asked: the request that waits for its answer, as opcode and body.
        written: where the write that waits for its answer was taken down.
    """

    device: Device
    pieces: list[bytearray | None] = field(default_factory=lambda: [None, None])
    wanted: list[int] = field(default_factory=lambda: [0, 0])
    asked: tuple[int, bytes] = (0, b"")
    written: tuple[Talk, int] | None = None
    discovery: Discovery = field(default_factory=Discovery)


class Listener:
    """Listens to the packets of a recording.

    Args:
        meeting: takes down what is said.

    Attributes:
        packets: how many there were.
        began: the time of the first one (s).
        ended: the time of the last one (s).
    """

    def __init__(self, meeting: Meeting) -> None:
        self.packets = 0
        self.began: float | None = None
        self.ended = 0.0
        self._meeting = meeting
        self._links: dict[int, _Link] = {}
        self._heard: set[bytes] = set()

    def listen(self, packets: Iterable[Packet]) -> None:
        """Take in all packets."""
        time = 0.0
        headers, size = _HEADERS.unpack_from, _HEADERS.size
        known = self._links.get
        for time, kind, sent, adapter, data in packets:
            self.packets += 1
            if kind == ACL and len(data) >= size:
                first, _, length, channel = headers(data)
                handle = adapter << 12 | first & 0xFFF
                if first & _PIECE == _GOES_ON:
                    self._go_on(time, known(handle), sent, data)
                elif channel == _ATT and length <= PDU_MOST:
                    self._begin(time, known(handle) or self._link(handle), sent, data, length)
            elif kind == EVENT and len(data) >= _EVENT_LEAST:
                self._event(time, adapter, data)
            if self.began is None:
                self.began = time
        self.ended = time

    def _begin(self, time: float, link: _Link, sent: bool | None, data: bytes, length: int) -> None:  # noqa: FBT001 - or nobody says
        """The first piece of a packet, which may be all of it."""
        start = _HEADERS.size
        if sent is None:  # the app asks, and the ball answers
            sent = len(data) > start and data[start] & 1 == 0
        if length <= len(data) - start:
            self._att(time, link, sent, data[start : start + length])
        else:
            link.pieces[sent] = bytearray(data[start:])
            link.wanted[sent] = length

    def _event(self, time: float, adapter: int, data: bytes) -> None:
        if data[0] == _LE:
            self._le(time, adapter, data)
        elif data[0] == _DISCONNECTED:
            gone = self._links.pop(adapter << 12 | (data[3] | data[4] << 8) & 0xFFF, None)
            if gone is not None:
                gone.device.ended.append(time)

    def _link(self, handle: int) -> _Link:
        """The link of a connection that began before the recording."""
        if len(self._links) >= LINKS_MOST:
            self._links.pop(next(iter(self._links)))
        device = self._meeting.device(f"connection {handle & 0xFFF}")
        device.connected = True
        link = self._links[handle] = _Link(device)
        return link

    def _go_on(self, time: float, link: _Link | None, sent: bool | None, data: bytes) -> None:  # noqa: FBT001 - or nobody says
        """A further piece of a packet."""
        if link is None:
            return
        if sent is None:
            sent = link.pieces[True] is not None
        held = link.pieces[sent]
        if held is None:
            return
        held += data[4:]
        if len(held) >= link.wanted[sent]:
            link.pieces[sent] = None
            self._att(time, link, sent, bytes(held[: link.wanted[sent]]))

    def _le(self, time: float, adapter: int, data: bytes) -> None:
        sub = data[2]
        if sub in _CONNECTED:
            if len(data) < 14 or data[3]:
                return
            handle = adapter << 12 | (data[4] | data[5] << 8) & 0xFFF
            while len(self._links) >= LINKS_MOST:
                self._links.pop(next(iter(self._links)))
            device = self._meeting.device(advertised.address(data[8:14]))
            device.connected = True
            device.arrive(time)
            self._links[handle] = _Link(device)
        elif sub in (_ADVERTISED, _ADVERTISED_AT_LENGTH):
            for address, fields in advertised.reports(data, sub == _ADVERTISED_AT_LENGTH):
                # Most advertisements are the same again and again.
                key = address + fields
                if key in self._heard:
                    continue
                if len(self._heard) < HEARD_MOST:
                    self._heard.add(key)
                advertised.take(self._meeting.device(advertised.address(address)), fields)

    def _att(self, time: float, link: _Link, sent: bool, pdu: bytes) -> None:  # noqa: FBT001 - a fact of the packet
        """One packet of the attribute protocol; the device's table is what matters, so the phone's is left out."""
        if len(pdu) < 1:
            return
        opcode = pdu[0]
        if sent:
            self._asked(time, link, opcode, pdu)
        elif opcode in _HEARD:
            if len(pdu) >= 3:
                self._meeting.say(time, link.device, pdu[1] | pdu[2] << 8, _HEARD[opcode], pdu[3:])
        else:
            self._answered(time, link, opcode, pdu)

    def _asked(self, time: float, link: _Link, opcode: int, pdu: bytes) -> None:
        if opcode in _VALUES and len(pdu) >= 3:
            kept = self._meeting.say(time, link.device, pdu[1] | pdu[2] << 8, _VALUES[opcode], pdu[3:])
            if opcode == _WRITE:
                link.written = kept
        elif opcode in (_PREPARE, _SIGNED):
            link.device.prepared += 1
        else:
            link.device.ask(time)
        if opcode != _WRITE_COMMAND and opcode & 1 == 0:
            link.asked = opcode, pdu[1:]

    def _answered(self, time: float, link: _Link, opcode: int, pdu: bytes) -> None:
        asked, body = link.asked
        if opcode == _ERROR:
            if len(pdu) >= 2 and pdu[1] == _WRITE == asked and link.written is not None:
                talk, number = link.written
                if number >= 0:
                    talk.frames[number].refused += 1
        elif opcode == _READ_ANSWER:
            if asked == _READ and len(body) >= 2:
                handle = body[0] | body[1] << 8
                self._meeting.say(time, link.device, handle, Did.READ, pdu[1:])
                link.discovery.read(link.device, handle, pdu[1:])
        elif opcode != _BLOB_ANSWER and opcode == asked + 1:
            link.discovery.answer(link.device, opcode, body, pdu)
        else:
            return
        link.asked = 0, b""
        link.written = None
