"""The check values that a frame may carry, by name; used by the parser of templates and by `seals`.

CRCs bear their names in the catalogue of parametrised CRC algorithms (Greg Cook, reveng.sourceforge.io/crc-catalogue),
because "CRC-16" alone names a dozen different sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from fastcrc import crc8, crc16, crc32

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A check value: how many bytes it takes and how it is computed over the bytes it covers."""

    size: int
    compute: Callable[[bytes], int]


def _sum8(data: bytes) -> int:
    return sum(data) & 0xFF


def _sum8_inverted(data: bytes) -> int:
    return ~sum(data) & 0xFF


def _sum8_negated(data: bytes) -> int:
    return -sum(data) & 0xFF


def _sum7(data: bytes) -> int:
    return sum(data) & 0x7F


def _sum7_inverted(data: bytes) -> int:
    return ~sum(data) & 0x7F


def _sum16(data: bytes) -> int:
    return sum(data) & 0xFFFF


def _fletcher16(data: bytes) -> int:
    return sum(accumulate(data)) % 255 << 8 | sum(data) % 255


def _xor8(data: bytes) -> int:
    result = 0
    for byte in data:
        result ^= byte
    return result


ALGORITHMS: dict[str, Algorithm] = {
    "sum8": Algorithm(1, _sum8),
    "sum8-inverted": Algorithm(1, _sum8_inverted),
    "sum8-negated": Algorithm(1, _sum8_negated),
    "sum7": Algorithm(1, _sum7),  # where all bytes but the marks at both ends are below 80
    "sum7-inverted": Algorithm(1, _sum7_inverted),
    "sum16": Algorithm(2, _sum16),
    "fletcher16": Algorithm(2, _fletcher16),  # J. Fletcher, IEEE Trans. Commun. 30 (1982): both sums modulo 255
    "xor8": Algorithm(1, _xor8),
    "crc8-smbus": Algorithm(1, crc8.smbus),  # what most documents call plain CRC-8
    "crc8-maxim-dow": Algorithm(1, crc8.maxim_dow),
    "crc8-bluetooth": Algorithm(1, crc8.bluetooth),
    "crc8-sae-j1850": Algorithm(1, crc8.sae_j1850),
    "crc8-autosar": Algorithm(1, crc8.autosar),
    "crc16-xmodem": Algorithm(2, crc16.xmodem),  # CCITT polynomial, start 0000
    "crc16-ibm-3740": Algorithm(2, crc16.ibm_3740),  # CCITT polynomial, start FFFF, known as CCITT-FALSE
    "crc16-kermit": Algorithm(2, crc16.kermit),
    "crc16-ibm-sdlc": Algorithm(2, crc16.ibm_sdlc),  # known as X-25
    "crc16-genibus": Algorithm(2, crc16.genibus),
    "crc16-arc": Algorithm(2, crc16.arc),
    "crc16-modbus": Algorithm(2, crc16.modbus),
    "crc16-usb": Algorithm(2, crc16.usb),
    "crc16-maxim-dow": Algorithm(2, crc16.maxim_dow),
    "crc32-iso-hdlc": Algorithm(4, crc32.iso_hdlc),  # what most documents call plain CRC-32
    "crc32-bzip2": Algorithm(4, crc32.bzip2),
    "crc32-mpeg-2": Algorithm(4, crc32.mpeg_2),
    "crc32-iscsi": Algorithm(4, crc32.iscsi),  # known as CRC-32C
}
"""Every check value by the name that a frame template uses."""
