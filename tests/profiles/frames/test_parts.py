"""Every part of the frame language by itself: what it writes, what it reads, and what it refuses."""

from __future__ import annotations

import pytest

from unknot.errors import FrameMismatch, FrameValueError
from unknot.profiles.frames.frame import MAX_BYTES, Frame, Value

BOTH_WAYS: list[tuple[str, dict[str, Value], bytes | str]] = [
    ("{a:u40le}", {"a": 0x0102030405}, "05 04 03 02 01"),
    ("{a:u48be}", {"a": 0x010203040506}, "01 02 03 04 05 06"),
    ("{a:u56le}", {"a": 1}, "01 00 00 00 00 00 00"),
    ("{a:u64be}", {"a": 2**64 - 1}, "FF FF FF FF FF FF FF FF"),
    ("{a:i24be} {b:i40le}", {"a": -2, "b": -3}, "FF FF FE FD FF FF FF FF"),
    ("{a:i64le}", {"a": -(2**63)}, "00 00 00 00 00 00 00 80"),
    ("{a:hex2} {b:hex1} {c:hex8}", {"a": 10, "b": 15, "c": 0xDEADBEEF}, b"0AFDEADBEEF"),
    # text
    ("{name:text} 0D 0A", {"name": "ä\r"}, b"\xc3\xa4\r\r\n"),
    ("{name:text} ',' {n:dec} ';' {rest:text}", {"name": "a;b", "n": 7, "rest": "x,y;"}, b"a;b,7;x,y;"),
    ("{name:text} {_:1} {n:u8}", {"name": "a", "n": 9}, b"a\x00\x09"),
    ("{name:text4} 01", {"name": "abcd"}, b"abcd\x01"),
    ("{name:text4} 01", {"name": "ä"}, b"\xc3\xa4\x00\x00\x01"),
    ("{name:cstring} {n:u8}", {"name": "", "n": 1}, b"\x00\x01"),
    ("{name:cstring} {more:cstring}", {"name": "a", "more": "bc"}, b"a\x00bc\x00"),
    # raw bytes
    ("01 {x:bytes4} 02", {"x": "DE AD BE EF"}, "01 DE AD BE EF 02"),
    ("01 {x:bytes}", {"x": ""}, "01"),
    ("01 {x:bytes} {n:u16le} 0A", {"x": "0A 0A", "n": 3}, "01 0A 0A 03 00 0A"),
    # bits
    ("{running:b1 _:b3 level:b4}", {"running": 1, "level": 9}, "89"),
    ("{a:b4 b:b12}", {"a": 1, "b": 0x234}, "12 34"),
    ("{a:b4 b:b12 le}", {"a": 1, "b": 0x234}, "34 12"),
    ("{5:b3 level:b5}", {"level": 3}, "A3"),
    ("{a:b1 b:b22 c:b1 le}", {"a": 1, "b": 0, "c": 1}, "01 00 80"),
    ("{a:b32}", {"a": 0xFFFFFFFF}, "FF FF FF FF"),
    ("{0:b1 s[0..6]} {0:b3 s[7..11]}", {"s": 20 * 60}, "30 09"),
    ("{s[8..15]} {on:b8} {s[0..7]}", {"s": 0x1234, "on": 1}, "12 01 34"),
    ("{s[32..63]} {s[0..31]}", {"s": 2**64 - 2}, "FF FF FF FF FF FF FF FE"),
    # the same name again
    ("{a:u8} {b:u8} {a:u8}", {"a": 1, "b": 2}, "01 02 01"),
    ("{a:u8} {a:b4 a:b4} {a:dec}", {"a": 7}, b"\x07\x777"),
    ("{s:text} 00 {s:text4}", {"s": "ab"}, b"ab\x00ab\x00\x00"),
    ("{a:u8} hex( {a:u8} )", {"a": 10}, b"\x0a0A"),
    # bytes of no interest
    ("{_:2:FF} 01", {}, "FF FF 01"),
    ("01 {_:..} 02 {sum8:0..-2}", {}, "01 02 03"),
    ("01 {_:to4} 02", {}, "01 00 00 00 02"),
    ("{n:dec} {_:to4:20}", {"n": 12}, b"12  "),
    ("{n:dec} {_:to4:20}", {"n": 1234}, b"1234"),
    ("{x:cstring} {_:to6} {sum8:0..5}", {"x": "a"}, "61 00 00 00 00 00 61"),
    # lengths
    ("{length:u8:0..} 01 02", {}, "03 01 02"),
    ("55 {length:u8:2..} {x:bytes} {sum8:0..-2}", {"x": "01 02"}, "55 03 01 02 5B"),
    ("55 {length:u8:2..-2} {x:bytes} {sum8:0..-2}", {"x": ""}, "55 00 55"),
    ("55 {length:u16le:0..} {sum8:0..-5} {x:bytes3}", {"x": "01 02 03"}, "55 07 00 5C 01 02 03"),
    ("{length+2:u16be:2..} {x:bytes}", {"x": "01"}, "00 03 01"),
    ("{length-1:u8:0..} {x:bytes}", {"x": "01"}, "01 01"),
    ("'L' {length:dec3:4..} {x:text}", {"x": "abc"}, b"L003abc"),
    ("'L' {length:hex2:3..} {x:text}", {"x": "a" * 10}, b"L0A" + b"a" * 10),
    ("{length:u8:1..} {length:u8:0..} {length:u8:0..0}", {}, "02 03 01"),
    # checks
    ("01 02 {sum8+55:0..}", {}, "01 02 58"),
    ("FF {sum8+55:0..}", {}, "FF 54"),
    ("01 02 {xor8^A5:0..}", {}, "01 02 A6"),
    ("01 02 {sum8^FF:0..}", {}, "01 02 FC"),
    ("7F 7F {sum7:0..}", {}, "7F 7F 7E"),
    ("7F 7F {sum7-inverted:0..}", {}, "7F 7F 01"),
    ("FF 02 {sum16:0..:be} 0A", {}, "FF 02 01 01 0A"),
    ("'abcde' {fletcher16:0..:be}", {}, b"abcde\xc8\xf0"),
    ("'123456789' {crc32-iso-hdlc:0..:le}", {}, b"123456789\x26\x39\xf4\xcb"),
    ("01 02 {sum8:0..-3} 03", {}, "01 02 03 03"),
    ("{sum8:1..-2} 01 02 03", {}, "03 01 02 03"),
    ("55 {x:bytes} {sum8:1..}", {"x": ""}, "55 00"),
    ("55 {x:bytes} {sum8:1..}", {"x": "01 02"}, "55 01 02 03"),
    # encodings
    ("base64( {x:bytes} )", {"x": ""}, b""),
    ("'<' base64( {x:bytes} ) '>'", {"x": "00 FF 10 3E"}, b"<AP8QPg==>"),
    ("3A hex( 01 {a:u16be} {sum8-negated:0..} ) 0D 0A", {"a": 0xABCD}, b":01ABCD87\r\n"),
    ("C0 slip( {x:bytes} ) C0", {"x": "01 C0 02 DB 03 DC"}, "C0 01 DB DC 02 DB DD 03 DC C0"),
    ("7E ppp( {x:bytes} {sum8:0..} ) 7E", {"x": "7D 00 7E"}, "7E 7D 5D 00 7D 5E FB 7E"),
    ("{x:bytes} {length:u8:0..} hex( {a:u8} )", {"x": "30", "a": 1}, b"0\x0401"),
    ("{length:u8:0..} slip( {length:u8:0..} C0 ) C0", {}, "05 02 DB DC C0"),
    ("slip( {n:u8} base64( {x:bytes3} ) ) C0 01", {"n": 0xC0, "x": "00 00 00"}, b"\xdb\xdcAAAA\xc0\x01"),
    ("hex( {a:u8} {_:to3} ) 0A", {"a": 1}, b"010000\n"),
]


@pytest.mark.parametrize(("template", "values", "data"), BOTH_WAYS)
def test_values_become_these_bytes_and_these_bytes_the_values(
    template: str, values: dict[str, Value], data: bytes | str
) -> None:
    wanted = bytes.fromhex(data) if isinstance(data, str) else data
    frame = Frame(template)
    assert frame.pack(values) == wanted
    assert frame.unpack(wanted) == values


READ: list[tuple[str, bytes | str, dict[str, Value]]] = [
    ("{a:hex4}", b"aBcD", {"a": 0xABCD}),
    ("{running:b1 _:b3 level:b4}", "F9", {"running": 1, "level": 9}),
    ("{_:2:FF} {a:u8}", "01 02 03", {"a": 3}),
    ("01 {_:to4} {a:u8}", "01 FF FF FF 02", {"a": 2}),
    ("01 {_:..} {a:u8} 0D", "01 FF 0D 0D 05 0D", {"a": 5}),
    ("{name:text8}", b"a\x00b\x00\x00\x00\x00\x00", {"name": "a\x00b"}),
    ("{length:u16be:0..:lenient} {a:u8}", "FF FF 07", {"a": 7}),
    ("{length:dec2:0..:lenient} {a:u8}", b"??\x07", {"a": 7}),
    ("{a:u8} {crc16-arc:0..:le:lenient}", "01 C1 C0", {"a": 1}),
    ("{a:u8} {crc16-arc:0..:le:lenient}", "01 C0 C1", {"a": 1}),
    ("3A hex( {a:u16be} ) 0D", b":abCd\r", {"a": 0xABCD}),
    ("7E ppp( {a:u8} {b:u8} )", "7E 7D 21 02", {"a": 1, "b": 2}),
]


@pytest.mark.parametrize(("template", "data", "values"), READ)
def test_more_is_read_than_is_written(template: str, data: bytes | str, values: dict[str, Value]) -> None:
    assert Frame(template).unpack(bytes.fromhex(data) if isinstance(data, str) else data) == values


@pytest.mark.parametrize("written", ["deadBEEF", "DE AD BE EF", " de ad\tbeef "])
def test_raw_bytes_are_taken_in_any_case_and_spacing(written: str) -> None:
    assert Frame("{x:bytes4}").pack({"x": written}) == bytes.fromhex("DEADBEEF")


HUGE = 10**5000
"""More digits than Python writes out."""

MISFITS: list[tuple[str, dict[str, Value], str, str]] = [
    ("{a:u64le}", {"a": 2**64}, "a", f"an integer from 0 to {2**64 - 1}"),
    ("{a:u8}", {"a": HUGE}, "a", "an integer from 0 to 255"),
    ("{a:dec}", {"a": HUGE}, "a", "an integer of at most 10 digits"),
    ("{a:hex2}", {"a": 256}, "a", "an integer of at most 2 hex digits"),
    ("{a:hex2}", {"a": -1}, "a", "an integer of at most 2 hex digits"),
    ("{s:text}", {"s": "\ud800"}, "s", "text"),
    ("{s:text} 0D 0A", {"s": "a\r\nb"}, "s", "text that 0D 0A does not end too soon"),
    ("{s:text} 'aab'", {"s": "aab"}, "s", "text that 61 61 62 does not end too soon"),
    ("{s:text} 'aa'", {"s": "a"}, "s", "text that 61 61 does not end too soon"),
    ("{s:cstring}", {"s": "a\0"}, "s", "text without a 00"),
    ("{s:text3}", {"s": "abcd"}, "s", "text of at most 3 bytes without a 00 at the end"),
    ("{s:text3}", {"s": "a\0"}, "s", "text of at most 3 bytes without a 00 at the end"),
    ("{s:text3}", {"s": "aaä"}, "s", "text of at most 3 bytes without a 00 at the end"),
    ("{x:bytes2}", {"x": "01"}, "x", "2 bytes in hex"),
    ("{x:bytes2}", {"x": "01 02 03"}, "x", "2 bytes in hex"),
    ("{x:bytes2}", {"x": 5}, "x", "2 bytes in hex"),
    ("{x:bytes}", {"x": "0"}, "x", "bytes in hex"),
    ("{x:bytes}", {}, "x", "bytes in hex"),
    ("{a:b4 b:b4}", {"a": 16, "b": 0}, "a", "an integer from 0 to 15"),
    ("{a:b4 b:b4}", {"a": 0}, "b", "an integer from 0 to 15"),
    ("{0:b1 s[0..6]} {0:b3 s[7..11]}", {"s": 4096}, "s", "an integer from 0 to 4095"),
    ("{0:b1 s[0..6]} {0:b3 s[7..11]}", {"s": "1"}, "s", "an integer from 0 to 4095"),
    ("{n:dec} {_:to3}", {"n": 1234}, "{_:to3}", "at most 3 bytes before it"),
    ("{length:u8:1..} {x:bytes}", {"x": "00" * 256}, "length", "an integer from 0 to 255"),
    ("{length:dec1:1..} {x:bytes}", {"x": "00" * 10}, "length", "an integer of at most 1 digits"),
    ("{length-5:u8:0..} {x:bytes}", {"x": ""}, "length", "an integer from 0 to 255"),
    ("{x:bytes} 01", {"x": "00" * MAX_BYTES}, "the frame's length", "at most 512 bytes"),
    ("hex( {x:bytes} )", {"x": "00" * 257}, "the frame's length", "at most 512 bytes"),
]


@pytest.mark.parametrize(("template", "values", "slot", "allowed"), MISFITS)
def test_what_does_not_fit_is_refused_never_wrapped_or_cut(
    template: str, values: dict[str, Value], slot: str, allowed: str
) -> None:
    with pytest.raises(FrameValueError) as caught:
        Frame(template).pack(values)
    assert (caught.value.slot, caught.value.allowed) == (slot, allowed)


MISMATCHES: list[tuple[str, bytes | str, int, str]] = [
    ("55 AA 01", "55 AB 01", 1, "byte 1 is AB, but AA is fixed there"),
    ("55 AA 01", "55 AA", 2, "the bytes end inside 55 AA 01"),
    ("55", "55 00", 1, "2 bytes, 1 expected"),
    ("{a:u16le}", "55", 1, "the bytes end inside a"),
    ("{a:dec3}", b"12x", 2, "byte 2: no decimal for a"),
    ("{a:dec}", b"x", 0, "byte 0: no decimal for a"),
    ("{a:hex2}", b"1g", 1, "byte 1: no hex digit for a"),
    ("01 {s:text}", b"\x01a\xff", 2, "byte 2: s is not UTF-8"),
    ("{s:text} 0D 0A", b"abc\r", 4, "no 0D 0A after s"),
    ("{s:cstring}", b"abc", 3, "no 00 after s"),
    ("{s:text4}", b"abc", 3, "the bytes end inside s"),
    ("{x:bytes4}", b"abc", 3, "the bytes end inside x"),
    ("{x:bytes} 01 02", "01", 1, "1 bytes, at least 2 expected"),
    ("01 {_:2}", "01 02", 2, "2 bytes, at least 3 expected"),
    ("01 {_:to4} 05", "01 02", 2, "2 bytes, at least 4 expected"),
    ("{n:dec} {_:to2}", b"123", 2, "3 bytes before {_:to2}"),
    ("{5:b3 level:b5}", "83", 0, "byte 0: 4 in place of 5:b3"),
    ("{a:b4 b:b12}", "83", 1, "the bytes end inside a, b"),
    ("{a:u8} 00 {a:u8}", "01 00 02", 2, "byte 2: a is 2, but 1 before"),
    ("{a:b4 a:b4}", "12", 0, "byte 0: a is 2, but 1 before"),
    ("{length:u8:0..} {x:bytes}", "02 01 02", 0, "length at byte 0 is 2, not 3"),
    ("00 {length:hex2:0..}", b"\x000g", 2, "byte 2: no hex digit for length"),
    ("01 02 {crc16-arc:0..:le}", "01 02 00 00", 2, "crc16-arc at byte 2 is wrong"),
    (
        "'<' base64( {a:u8} {b:u8} {c:u8} 07 ) '>'",
        b"<AAAABg==>",
        5,
        "base64 at byte 1: inside, byte 3 is 06, but 07 is fixed there",
    ),
    ("'<' base64( {a:u8} ) '>'", b"<A=>", 1, "byte 1: no base64"),
    ("'<' hex( 01 {a:u8} ) '>'", b"<0102", 5, "the bytes end inside 3E"),
    ("'<' hex( 01 {a:u8} ) '>'", b"<01>", 3, "hex at byte 1: inside, the bytes end inside a"),
    ("'<' hex( 01 {a:u8} ) '>'", b"<010>", 1, "byte 1: no hex"),
    (
        "C0 slip( C0 {a:u8} 01 ) C0",
        "C0 DB DC 02 02 C0",
        4,
        "slip at byte 1: inside, byte 2 is 02, but 01 is fixed there",
    ),
    ("C0 slip( {a:u8} ) C0", "C0 DB 02 C0", 1, "byte 1: no slip"),
    ("C0 slip( {a:u8} ) C0", "C0 DB C0", 1, "byte 1: no slip"),
    ("7E ppp( {a:u8} ) 7E", "7E 7D 7E", 1, "byte 1: no ppp"),
    ("{x:bytes}", bytes(MAX_BYTES + 1), MAX_BYTES, "513 bytes, at most 512 expected"),
]


@pytest.mark.parametrize(("template", "data", "at", "message"), MISMATCHES)
def test_other_bytes_are_refused_with_the_index_of_the_first_that_is_wrong(
    template: str, data: bytes | str, at: int, message: str
) -> None:
    with pytest.raises(FrameMismatch) as caught:
        Frame(template).unpack(bytes.fromhex(data) if isinstance(data, str) else data)
    assert (caught.value.at, str(caught.value)) == (at, message)


def test_a_check_that_is_not_lenient_takes_no_other_byte_order() -> None:
    with pytest.raises(FrameMismatch):
        Frame("{a:u8} {crc16-arc:0..:le}").unpack(bytes.fromhex("01 C0 C1"))
