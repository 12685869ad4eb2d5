"""Opens a recording of Bluetooth packets, whatever its format, and says what to do with one that is none.

Used by `unknot.learning.lesson`.
"""

from __future__ import annotations

import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from unknot.errors import CaptureError
from unknot.learning import btsnoop, packetlogger, pcap, pcapng
from unknot.learning.packets import Flaws, Packet, Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXPECTED = "a btsnoop log (Android, btmon -w), a PacketLogger file, or a pcapng of Bluetooth packets"

_IN_A_BUG_REPORT = "btsnoop_hci.log"
"""What Android's log is called in the archive of a bug report: FS/data/log/bt/ or FS/data/misc/bluetooth/logs/."""

_ZIP = b"PK\x03\x04"
_GZIP = b"\x1f\x8b"
_BTSNOOZ = b"--- BEGIN:BTSNOOP_LOG_SUMMARY"
_FOREIGN = {
    b"\x89PNG": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"%PDF": "a PDF",
    b"\x7fELF": "a program",
}


@contextmanager
def opened(file: Path) -> Iterator[tuple[Iterator[Packet], Flaws]]:
    """The packets of a recording, read while they are asked for, and what is wrong with it once they have been.

    Raises:
        CaptureError: it cannot be read, or holds no packets of the kind that is needed; what to do is said.
    """
    try:
        with file.open("rb") as stream:
            if stream.read(len(_ZIP)) == _ZIP:
                with _member(file) as inner:
                    yield _packets(file, inner)
            else:
                stream.seek(0)
                yield _packets(file, stream)
    except OSError as error:
        raise CaptureError(file, (error.strerror or str(error)).lower(), EXPECTED) from error


@contextmanager
def _member(file: Path) -> Iterator[BinaryIO]:
    """The log in the archive of an Android bug report."""
    try:
        with zipfile.ZipFile(file) as archive:
            logs = [info for info in archive.infolist() if info.filename.endswith(_IN_A_BUG_REPORT)]
            if not logs:
                found = f"an archive (zip) without {_IN_A_BUG_REPORT}"
                raise CaptureError(
                    file, found, f"{EXPECTED}; take the log out, or record a new one with the snoop log switched on"
                )
            with archive.open(max(logs, key=lambda info: info.file_size)) as member:
                yield cast("BinaryIO", member)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise CaptureError(file, "an archive (zip) that is damaged or locked", EXPECTED) from error


def _packets(file: Path, stream: BinaryIO) -> tuple[Iterator[Packet], Flaws]:
    flaws = Flaws()
    head = stream.read(32)
    if head.startswith(btsnoop.MAGIC):
        return _btsnoop(file, stream, head, flaws), flaws
    if head.startswith(pcapng.MAGIC):
        stream.seek(0)
        return _pcapng(file, stream, flaws), flaws
    if head[:4] in pcap.MAGICS:
        return _pcap(file, stream, head, flaws), flaws
    foreign = _in_words(head)
    order = packetlogger.order(head) if foreign is None else None
    if order is not None:
        stream.seek(0)
        return packetlogger.packets(Source(stream, 0, flaws), order), flaws
    raise CaptureError(file, foreign or f"a file that begins with {head[:8].hex(' ').upper()}", _advice(head))


def _btsnoop(file: Path, stream: BinaryIO, head: bytes, flaws: Flaws) -> Iterator[Packet]:
    size = btsnoop.HEADER.size
    if len(head) < size:
        raise CaptureError(file, "a btsnoop log that ends inside its first 16 bytes", EXPECTED)
    _, _, link = btsnoop.HEADER.unpack_from(head)
    if link not in (btsnoop.UNENCAPSULATED, btsnoop.H4, btsnoop.MONITOR):
        what = btsnoop.OTHERS.get(link, "unknown to this program")
        raise CaptureError(file, f"a btsnoop log with data link {link}: {what}", "data link 1001, 1002 or 2001")
    stream.seek(size)
    return btsnoop.packets(Source(stream, size, flaws), link)


def _pcap(file: Path, stream: BinaryIO, head: bytes, flaws: Flaws) -> Iterator[Packet]:
    if len(head) < pcap.HEADER_BYTES:
        raise CaptureError(file, "a pcap file that ends inside its first 24 bytes", EXPECTED)
    order, ticks = pcap.MAGICS[head[:4]]
    link = int.from_bytes(head[20:24], "little" if order == "<" else "big") & 0x0FFFFFFF
    if link not in pcap.LINKS:
        raise _other_link(file, link)
    stream.seek(pcap.HEADER_BYTES)
    return pcap.packets(Source(stream, pcap.HEADER_BYTES, flaws), order, ticks, link)


def _pcapng(file: Path, stream: BinaryIO, flaws: Flaws) -> Iterator[Packet]:
    foreign: list[int] = []
    any_packet = False
    for packet in pcapng.packets(Source(stream, 0, flaws), lambda link: foreign.append(link) if not foreign else None):
        any_packet = True
        yield packet
    if foreign and not any_packet:
        raise _other_link(file, foreign[0])


def _other_link(file: Path, link: int) -> CaptureError:
    what = pcap.OTHERS.get(link, "no Bluetooth packets between a host and its controller")
    return CaptureError(
        file,
        f"link type {link}: {what}",
        "link type 187, 201 or 254; record on the phone or the computer that drives the ball (Android's snoop log, "
        "PacketLogger, btmon -w)",
    )


def _in_words(head: bytes) -> str | None:
    """What a file is that certainly is no recording; None if nobody knows."""
    if not head:
        return "an empty file"
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            return what
    if head.startswith(_GZIP):
        return "a compressed file (gzip)"
    if head.startswith(_BTSNOOZ):
        return "Android's summary of a log (btsnooz)"
    if all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head):
        return "text"
    return None


def _advice(head: bytes) -> str:
    if head.startswith(_GZIP):
        return f"{EXPECTED}; unpack it first (gunzip)"
    if head.startswith(_BTSNOOZ):
        return f"{EXPECTED}; the summary leaves out what was said: switch the full snoop log on and record again"
    return EXPECTED
