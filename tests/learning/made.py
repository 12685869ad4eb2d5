"""Recordings made by hand: packets in every file format, and big ones for the benchmark."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO

EPOCH = 0x00DCDDB30F2F8000
"""1970 in btsnoop's microseconds."""

BALL = bytes.fromhex("010000 11bac0")
LINK = 0x40

Raw = tuple[float, int, bool, bytes]
"""Seconds, kind, whether the host sent it, and the packet without its kind."""


def acl(handle: int, payload: bytes, *, channel: int = 4, flags: int = 0) -> bytes:
    body = struct.pack("<HH", len(payload), channel) + payload
    return struct.pack("<HH", handle | flags << 12, len(body)) + body


def att(time: float, pdu: bytes, *, sent: bool, handle: int = LINK) -> Raw:
    return time, 2, sent, acl(handle, pdu, flags=0 if sent else 2)


def write(time: float, value: bytes, *, at: int = 0x10, request: bool = False) -> Raw:
    return att(time, struct.pack("<BH", 0x12 if request else 0x52, at) + value, sent=True)


def notify(time: float, value: bytes, *, at: int = 0x12) -> Raw:
    return att(time, struct.pack("<BH", 0x1B, at) + value, sent=False)


def connected(time: float = 0.0, address: bytes = BALL, handle: int = LINK) -> Raw:
    body = struct.pack("<BBHBB", 1, 0, handle, 0, 1) + address + bytes(7)
    return time, 4, False, bytes([0x3E, len(body)]) + body


def disconnected(time: float, handle: int = LINK) -> Raw:
    return time, 4, False, struct.pack("<BBBHB", 5, 4, 0, handle, 0x13)


def advertised(time: float, fields: bytes, address: bytes = BALL) -> Raw:
    body = bytes([2, 1, 0, 1]) + address + bytes([len(fields)]) + fields + b"\xc0"
    return time, 4, False, bytes([0x3E, len(body)]) + body


def field(kind: int, content: bytes) -> bytes:
    return bytes([len(content) + 1, kind]) + content


def table(time: float = 0.01) -> list[Raw]:
    """The answers that tell of one service FFE0 with FFE1 to write (at 0x10) and FFE2 to hear (at 0x12)."""
    return [
        att(time, bytes.fromhex("10 0100 ffff 0028"), sent=True),
        att(time, bytes.fromhex("11 06 0f00 1500 e0ff"), sent=False),
        att(time, bytes.fromhex("08 0f00 1500 0328"), sent=True),
        att(time, bytes.fromhex("09 07 0f00 0c 1000 e1ff 1100 10 1200 e2ff"), sent=False),
        att(time, bytes.fromhex("08 1300 1500 0328"), sent=True),
        att(time, bytes.fromhex("01 08 1300 0a"), sent=False),
        att(time, bytes.fromhex("04 1300 1300"), sent=True),
        att(time, bytes.fromhex("05 01 1300 0229"), sent=False),
        att(time, bytes.fromhex("12 1300 0100"), sent=True),
        att(time, bytes.fromhex("13"), sent=False),
    ]


def btsnoop(packets: Iterable[Raw], link: int = 1002) -> bytes:
    return b"btsnoop\0" + struct.pack(">II", 1, link) + b"".join(btsnoop_records(packets, link))


def btsnoop_records(packets: Iterable[Raw], link: int = 1002) -> Iterator[bytes]:
    opcodes = {(1, True): 2, (4, False): 3, (2, True): 4, (2, False): 5}
    for time, kind, sent, data in packets:
        body = bytes([kind]) + data if link == 1002 else data
        flags = opcodes[kind, sent] if link == 2001 else (not sent) | (2 if kind != 2 else 0)
        yield struct.pack(">IIIIq", len(body), len(body), flags, 0, EPOCH + round(time * 1e6)) + body


def _content(link: int, packet: Raw) -> bytes:
    _, kind, sent, data = packet
    if link == 254:
        return struct.pack(">HH", 0, {(1, True): 2, (4, False): 3, (2, True): 4, (2, False): 5}[kind, sent]) + data
    head = struct.pack(">I", not sent) if link == 201 else b""
    return head + bytes([kind]) + data


def pcap(packets: Iterable[Raw], link: int = 201, order: str = "<") -> bytes:
    made = struct.pack(order + "IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    for packet in packets:
        body = _content(link, packet)
        seconds, fraction = divmod(round(packet[0] * 1e6), 1_000_000)
        made += struct.pack(order + "IIII", seconds, fraction, len(body), len(body)) + body
    return made


def pcapng(packets: Iterable[Raw], link: int = 201, order: str = "<") -> bytes:
    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        length = struct.pack(order + "I", len(body) + 12)
        return struct.pack(order + "I", kind) + length + body + length

    made = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    made += block(1, struct.pack(order + "HHI", link, 0, 0) + struct.pack(order + "HHB3xHH", 9, 1, 9, 0, 0))
    for packet in packets:
        body = _content(link, packet)
        ticks = round(packet[0] * 1e9)
        head = struct.pack(order + "IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(body), len(body))
        made += block(6, head + body)
    return made


def packetlogger(packets: Iterable[Raw], order: str = "<") -> bytes:
    kinds = {(1, True): 0, (4, False): 1, (2, True): 2, (2, False): 3}
    made = b""
    for time, kind, sent, data in packets:
        seconds, fraction = divmod(round(time * 1e6), 1_000_000)
        made += struct.pack(order + "IIIB", len(data) + 9, seconds, fraction, kinds[kind, sent]) + data
    return made


def busy(packets: int) -> Iterator[Raw]:
    """What a phone sees in a busy hour: music, advertisements, a watch, and a ball that is driven."""
    yield connected()
    yield from table()
    yield connected(0.02, bytes.fromhex("020000 11bac0"), 0x41)
    for number in range(packets):
        time = 0.1 + number * 0.002
        match number % 10:
            case 0:
                value = bytes([0x55, 1, 10 * (1 + number // 5000 % 5), 0x28])
                yield write(time, value + bytes([sum(value[1:]) & 0xFF, 0xAA]))
            case 1 | 2:
                value = bytes([0x5A, number >> 8 & 0xFF, number & 0xFF, 0])
                yield att(time, b"\x1b\x20\x00" + value, sent=False, handle=0x41)
            case 3 | 4:
                who = struct.pack("<I", number % 5000) + b"\x11\xc0"
                yield advertised(time, field(1, b"\x06") + field(0xFF, b"\x4c\x00" + bytes([number & 0xFF] * 8)), who)
            case 5 | 6:
                yield time, 2, True, acl(0x0B, bytes(60), channel=0x41)
            case 7:
                yield time, 4, False, bytes.fromhex("13 05 01 4000 0100")
            case 8:
                yield att(time, b"\x0a\x30\x00", sent=True, handle=0x41)
            case _:
                yield att(time, b"\x0b" + bytes([number & 0xFF, 1]), sent=False, handle=0x41)


def write_busy(output: BinaryIO, size: int) -> None:
    """Write a btsnoop recording of at least so many bytes."""
    output.write(b"btsnoop\0" + struct.pack(">II", 1, 1002))
    records = btsnoop_records(busy(10**9))
    while output.tell() < size:
        output.write(b"".join(islice(records, 10_000)))
