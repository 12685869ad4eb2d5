from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unknot.errors import FrameSyntaxError
from unknot.profiles.frames.checks import ALGORITHMS
from unknot.profiles.frames.frame import MAX_BYTES, Frame
from unknot.profiles.frames.template import MAX_CHARACTERS

TYPES = "u8, i8, u16le, u16be (so up to 64 bits), dec, dec3, hex2, text, text16, cstring, bytes, bytes4 or b4"
LENGTH_TYPES = "u8, u16le, u16be (likewise u24 and u32), dec3 or hex2"
CHECKS = ", ".join(ALGORITHMS)
PARTS = "hex bytes like 55, ASCII in 'quotes', a {slot:type}, or base64(, hex(, slip( or ppp("
NO_INTEREST = "a number of bytes, .. for any number of them, or to20 for as many as make 20 in all"
RANGE = "a range of bytes, such as 1.. or 0..4 or 0..-3"
ONE_BYTE = "} after the range: a check of one byte has no byte order"
BYTES = f"a number of bytes from 1 to {MAX_BYTES}"
BITS = "':b' and a number of bits, such as b4"
TAIL = "only parts of fixed size after one that reaches to the end"

SYNTAX = [
    ("", 0, "at least one byte"),
    (" \t", 2, "at least one byte"),
    ("5", 1, "two hex digits, as in 5A"),
    ("55 0x01", 4, "two hex digits, as in 5A"),
    ("55AA", 2, "a space after a hex byte"),
    ("bat", 2, "a space after a hex byte"),
    ("x", 0, PARTS),
    ("}", 0, PARTS),
    ("01 )", 3, PARTS),
    ("'open", 5, "printable ASCII, or ' after it"),
    ("'aä'", 2, "printable ASCII, or ' after it"),
    ("'ä'", 1, "printable ASCII"),
    ("''", 1, "printable ASCII"),
    ("01 " * MAX_BYTES + "01", 3 * MAX_BYTES, "a frame of at most 512 bytes"),
    (" " * MAX_CHARACTERS + "0", MAX_CHARACTERS, "at most 2000 characters"),
    # slots
    ("55 {level:u8", 12, "} after the type"),
    ("{level}", 6, f"':' and {TYPES}"),
    ("{level:u65le}", 9, TYPES),
    ("{level:u72le}", 8, TYPES),
    ("55 {level:u16}", 13, "u16le, the low byte first, or u16be, the high byte first"),
    ("{level:u16l}", 11, TYPES),
    ("{level:i8be}", 9, TYPES),
    ("{level:cstr}", 11, TYPES),
    ("{level:dec0}", 10, "a number of digits from 1 to 9"),
    ("{level:dec10}", 11, "a number of digits from 1 to 9"),
    ("{level:hex}", 10, "a number of digits from 1 to 8"),
    ("{level:hex9}", 10, "a number of digits from 1 to 8"),
    ("{level:text0}", 11, BYTES),
    ("{level:text513}", 13, BYTES),
    ("{level:bytes1000}", 15, BYTES),
    ("{level:textual}", 11, "} after the type"),
    ("{}", 1, f"a slot's name in lower case, or one of {CHECKS}"),
    ("{Level:u8}", 1, f"a slot's name in lower case, or one of {CHECKS}"),
    ("{_a:u8}", 1, f"a slot's name in lower case, or one of {CHECKS}"),
    ("{level-a:u8}", 6, f"one of {CHECKS}"),
    ("{a:u8} {a:text}", 8, "a as an integer, which it is before"),
    ("{a:bytes2} {a:text}", 12, "a as bytes, which it is before"),
    ("{a:u8} hex( {a:cstring} )", 13, "a as an integer, which it is before"),
    # bytes of no interest
    ("{_}", 2, "':' and a number of bytes"),
    ("{_:0}", 3, BYTES),
    (f"{{_:{MAX_BYTES + 1}}}", 5, BYTES),
    ("{_:x}", 3, NO_INTEREST),
    ("{_:.}", 4, "'..'"),
    ("{_:3:F}", 6, "two hex digits, as in 5A"),
    ("{_:3,}", 4, "} after the bytes of no interest"),
    ("{_:to0}", 5, BYTES),
    ("01 02 {_:to1}", 11, "a length of 2 bytes or more"),
    ("{_:512} 01", 8, "a frame of at most 512 bytes"),
    # what follows
    ("{_:..} {n:dec}", 7, TAIL),
    ("{s:text} 0A {x:bytes} {_:..}", 22, TAIL),
    ("{s:text} {t:text}", 9, TAIL),
    ("{x:bytes} {_:to20}", 10, TAIL),
    ("{a:dec} {b:dec}", 8, "a fixed byte that is no digit, to end the decimal before it"),
    ("{a:dec} '0'", 8, "a fixed byte that is no digit, to end the decimal before it"),
    ("{a:dec} {_:to9:30}", 8, "a fixed byte that is no digit, to end the decimal before it"),
    ("base64( 01 ) 41", 13, "a fixed byte that is none of base64's, to end it"),
    ("hex( 01 ) {a:u8}", 10, "a fixed byte that is none of hex's, to end it"),
    ("slip( 01 ) C1", 11, "a fixed byte that is none of slip's, to end it"),
    ("ppp( 01 ) 7D", 10, "a fixed byte that is none of ppp's, to end it"),
    # checks
    ("{crc16-modbas:0..:le}", 11, f"one of {', '.join(name for name in ALGORITHMS if name.startswith('crc16'))}"),
    ("01 {sum8-5:0..}", 9, "one of sum8, sum8-inverted, sum8-negated"),
    ("01 {nothing-like:0..}", 11, f"one of {CHECKS}"),
    ("01 {crc16:0..:le}", 4, f"one of {', '.join(name for name in ALGORITHMS if name.startswith('crc16'))}"),
    ("01 {chk:0..}", 4, f"one of {CHECKS}"),
    ("01 {length:uint16:0..}", 12, "u16le, the low byte first, or u16be, the high byte first"),
    ("01 {sum8}", 8, "a range of bytes, such as {sum8:1..} or {sum8:1..4}"),
    ("01 {sum8:..1}", 9, RANGE),
    ("01 {sum8:0.1}", 11, RANGE),
    ("01 {sum8:0..-0}", 13, RANGE),
    ("01 {sum8:0..512}", 14, RANGE),
    ("01 {sum8:0..٣}", 12, ONE_BYTE),
    ("01 {sum8:0..:le}", 12, ONE_BYTE),
    ("01 {sum8:0..:lenient}", 12, ONE_BYTE),
    ("01 02 {sum8:1..0}", 15, "a range of bytes that does not end before it begins"),
    ("01 {sum8+5:0..}", 10, "two hex digits, as in 5A"),
    ("01 {crc16-arc+01:0..:be}", 13, "a range of bytes, such as {crc16-arc:1..} or {crc16-arc:1..4}"),
    ("01 {crc16-arc:0..}", 17, ":le or :be"),
    ("01 {crc16-arc:0..:bl}", 19, "le or be"),
    ("01 {crc16-arc:0..:be:lenien}", 27, "'lenient'"),
    # lengths
    ("{length:u8:}", 11, RANGE),
    ("{length+0:u8:0..}", 8, BYTES),
    ("{length+2}", 9, f"':' and {LENGTH_TYPES}"),
    ("{length+2:u8}", 12, "':' and a range of bytes"),
    ("{length:i8:0..}", 8, LENGTH_TYPES),
    ("{length:u64le:0..}", 9, LENGTH_TYPES),
    ("{length:dec:0..}", 11, "a number of digits from 1 to 9"),
    ("{length:u8:0..:be}", 15, "'lenient'"),
    ("{length:u8:0..5} 01", 11, "a range of bytes that are in every frame of 2 bytes"),
    ("{length:u8:3..} 01", 11, "a range of bytes that are in every frame of 2 bytes"),
    ("{length+255:u8:0..}", 15, "a range of bytes whose number is 0 to 255"),
    ("{length-5:u8:0..}", 13, "a range of bytes whose number is 0 to 255"),
    ("{_:100} {length:dec1:0..} {_:..}", 21, "a range of bytes whose number is 0 to 9"),
    # bits
    ("{a:b4}", 5, "fields of 8, 16, 24 or 32 bits together, not 4"),
    ("{a:b4 b:b5}", 10, "fields of 8, 16, 24 or 32 bits together, not 9"),
    ("{a:b4b:b4}", 5, "a space and another field, or }"),
    ("{a:b4 b:b4 le}", 11, "another field, or }: one byte has no byte order"),
    ("{a:b4 _:b12 l}", 13, BITS),
    ("{5:c3 level:b5}", 3, BITS),
    ("{a:b33}", 5, "a number of bits from 1 to 32"),
    ("{a:b0}", 4, "a number of bits from 1 to 32"),
    ("{a:b32 c:b1}", 7, "fields of at most 32 bits together"),
    ("{9:b3 level:b5}", 1, "a number of at most 3 bits"),
    ("{sum8:b8}", 1, "a slot's name that is no check's"),
    ("{0:b1 s[6..0]}", 11, "a bit that is not below the first one"),
    ("{0:b1 s[0..64]}", 12, "two bits of a value, such as [0..6]"),
    ("{0:b1 s[0..6]} {0:b1 s[6..12]}", 21, "bits of s that no other slice has"),
    ("{0:b1 s[0..6]} {0:b1 s[8..14]}", 21, "bit 7 of s in a slice too"),
    ("{0:b1 s[1..7]}", 6, "bit 0 of s in a slice too"),
    ("{0:b1 s[0..6]} {s:u8}", 16, "s either in slices or whole, not both"),
    ("{0:b1 s[0..6]} hex( {0:b1 s[0..6]} )", 26, "s either in slices or whole, not both"),
    # encodings
    ("base64(", 7, "at least one byte"),
    ("base64( )", 8, "at least one byte"),
    ("base6( 01 )", 5, "'base64('"),
    ("hex{ 01 )", 3, "'hex('"),
    ("slip( hex( 01 )", 15, "a part, or ) after the last one"),
    ("slip( hex( base64( 01 ) ) )", 11, "a part that is not encoded: at most 2 encodings inside each other"),
]


MEANT = [
    ("01 {sum8-negate:1..}", "sum8-negated"),
    ("01 {crc16-modbas:0..:le}", "crc16-modbus"),
    ("01 {checksum8:0..}", "sum8"),
    ("01 {crc16:0..:le}", ""),
    ("{level:uint8}", "u8"),
    ("{level:u16el}", "u16le"),
    ("{level:txet}", "text"),
    ("{level:string}", "text"),
    ("{level:qqq}", ""),
]


@pytest.mark.parametrize(("template", "meant"), MEANT)
def test_the_check_or_type_that_was_probably_meant_is_named(template: str, meant: str) -> None:
    with pytest.raises(FrameSyntaxError) as caught:
        Frame(template)
    assert caught.value.nearest == meant


@pytest.mark.parametrize(("template", "position", "expected"), SYNTAX)
def test_a_wrong_template_is_refused_with_its_first_wrong_character_and_what_may_stand_there(
    template: str, position: int, expected: str
) -> None:
    with pytest.raises(FrameSyntaxError) as caught:
        Frame(template)
    assert (caught.value.template, caught.value.position, caught.value.expected) == (template, position, expected)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("template", "slots"),
    [
        ("{b:u8} 55 {a:u8} {b:u16le}", ("b", "a")),
        ("{0:b1 s[7..13]} {on:b1 s[0..6]}", ("s", "on")),
        ("{a:u8} slip( {b:u8} hex( {c:u8} {a:u8} ) )", ("a", "b", "c")),
        ("{length:u8} {length:u8:0..} {_:2} {sum8:0..}", ("length",)),
    ],
)
def test_slots_are_named_once_in_the_order_of_the_frame(template: str, slots: tuple[str, ...]) -> None:
    assert Frame(template).slots == slots


@pytest.mark.parametrize("template", ["{a:u32le}{b:i32be}", "'a'55'b'{a:u8}", "\n55\t{a:b4 b:b4}\n", "hex({a:u8}01)0D"])
def test_spaces_may_be_left_out_where_a_part_has_an_end_of_its_own(template: str) -> None:
    assert Frame(template).template == template


PIECES = [
    *("55", "0", "'A", "'", "{", "}", "{_:", "..", ":", "-", "level", "u8", "u16le", "dec", "dec2", "text", "hex2"),
    *("sum8", "crc16-usb", "+55", "length", "lenient", "b4", "[0..6]", "to9", "base64(", "slip( ", " )", " ", " le}"),
    *("cstring", "bytes", "{a:b4 b:b4}", "{n:dec}", "{x:bytes}", "{sum8:0..-2}", "{length:u8:0..}"),
]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # the first text ever builds a table of Unicode
@given(st.text() | st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_is_a_frame_or_a_syntax_error(template: str) -> None:
    refused = None
    try:
        Frame(template)
    except FrameSyntaxError as error:
        refused = error
    if refused is not None:
        assert 0 <= refused.position <= len(template)
        assert len(str(refused).splitlines()) == 1


@pytest.mark.parametrize("template", [template for template, _, _ in SYNTAX])
def test_what_stands_before_the_first_wrong_character_could_have_gone_on(template: str) -> None:
    with pytest.raises(FrameSyntaxError) as caught:
        Frame(template)
    beginning = template[: caught.value.position]
    refused = None
    try:
        Frame(beginning)
    except FrameSyntaxError as error:
        refused = error
    assert refused is None or refused.position == len(beginning)
