from __future__ import annotations

import pytest

from unknot.profiles.frames.checks import ALGORITHMS

PUBLISHED = {
    "crc8-smbus": 0xF4,
    "crc8-maxim-dow": 0xA1,
    "crc8-bluetooth": 0x26,
    "crc8-sae-j1850": 0x4B,
    "crc8-autosar": 0xDF,
    "crc16-xmodem": 0x31C3,
    "crc16-ibm-3740": 0x29B1,
    "crc16-kermit": 0x2189,
    "crc16-ibm-sdlc": 0x906E,
    "crc16-genibus": 0xD64E,
    "crc16-arc": 0xBB3D,
    "crc16-modbus": 0x4B37,
    "crc16-usb": 0xB4C8,
    "crc16-maxim-dow": 0x44C2,
    "crc32-iso-hdlc": 0xCBF43926,
    "crc32-bzip2": 0xFC891918,
    "crc32-mpeg-2": 0x0376E6E7,
    "crc32-iscsi": 0xE3069283,
}
"""The column "check" of the catalogue of parametrised CRC algorithms."""

BY_HAND = {
    "sum8": 0xDD,
    "sum8-inverted": 0x22,
    "sum8-negated": 0x23,
    "sum7": 0x5D,
    "sum7-inverted": 0x22,
    "sum16": 0x1DD,
    "fletcher16": 0x1EDE,
    "xor8": 0x31,
}
"""31 + 32 + … + 39 = 1DD, which is DE modulo FF; 9 * 31 + 8 * 32 + … + 39 = 915, which is 1E modulo FF;
1 ^ 2 ^ … ^ 9 = 1, and nine threes leave one."""


@pytest.mark.parametrize(("name", "check"), (PUBLISHED | BY_HAND).items())
def test_check_value_of_the_nine_digits(name: str, check: int) -> None:
    assert ALGORITHMS[name].compute(b"123456789") == check


def test_no_check_is_without_a_published_value() -> None:
    assert ALGORITHMS.keys() == PUBLISHED.keys() | BY_HAND.keys()


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_value_fits_its_size(name: str) -> None:
    algorithm = ALGORITHMS[name]
    values = {algorithm.compute(bytes([first, second])) for first in range(256) for second in range(0, 256, 17)}
    assert min(values) >= 0
    assert max(values) < 1 << 8 * algorithm.size
    assert max(values) >= 1 << 8 * (algorithm.size - 1)


@pytest.mark.parametrize(("data", "value"), [(b"abcde", 0xC8F0), (b"abcdef", 0x2057), (b"abcdefgh", 0x0627)])
def test_fletcher_of_well_known_words(data: bytes, value: int) -> None:
    assert ALGORITHMS["fletcher16"].compute(data) == value


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff", b"\x80\x80", bytes(range(256))])
def test_negated_sum_makes_the_sum_nothing(data: bytes) -> None:
    assert (sum(data) + ALGORITHMS["sum8-negated"].compute(data)) % 256 == 0
    assert ALGORITHMS["sum8"].compute(data) + ALGORITHMS["sum8-inverted"].compute(data) == 255
    assert ALGORITHMS["sum7"].compute(data) + ALGORITHMS["sum7-inverted"].compute(data) == 127
