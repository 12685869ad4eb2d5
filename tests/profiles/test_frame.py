from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unknot.errors import FrameMismatch, FrameSyntaxError, FrameValueError
from unknot.profiles.checks import ALGORITHMS
from unknot.profiles.frame import MAX_BYTES, Frame, Value

EMS_LEVEL = "68 79 00 0B 01 02 {level:u8} {crc16-xmodem:0..:be} 0D 0A"
EMS_TIMER = "68 79 00 0C 01 08 {seconds:u16be} {crc16-xmodem:0..:be} 0D 0A"
EMS_RUN = "68 79 00 0D 01 0B {run:u8} {seconds:u16be} {crc16-xmodem:0..:be} 0D 0A"
EMS_BEAT = "68 79 00 0A 01 0A {crc16-xmodem:0..:be} 0D 0A"
FIVE_A = "5A 01 01 05 02 {channel:u8} {level:u8} {sum8:0..}"
FIVE_A_TIME = "5A 01 01 03 03 {channel:u8} {minutes:u16be} {sum8:0..}"
RONGTAI = "F0 {controller:u8} {key:u8} {sum8-inverted:1..2} F1"
TIMED = "55 {command:u8} {level:u8} {steps:u8} {sum8:1..} AA"
THERAGUN = "AA {sum8:2..} 01 03 {rpm:u16be} 03"
STIMULATOR = "'C0I' {level:dec} 'T' {ms:dec} 'G'"
BUZZ = "'CALIBRATE_BUZZ:' {motor:dec1} ':' {level:dec3} 3A {ms:dec} 04"

VECTORS: list[tuple[str, dict[str, Value], str]] = [
    (EMS_LEVEL, {"level": 5}, "68 79 00 0B 01 02 05 32 21 0D 0A"),
    (EMS_TIMER, {"seconds": 600}, "68 79 00 0C 01 08 02 58 D5 6E 0D 0A"),
    (EMS_RUN, {"run": 1, "seconds": 600}, "68 79 00 0D 01 0B 01 02 58 48 7D 0D 0A"),
    (EMS_RUN, {"run": 0, "seconds": 0}, "68 79 00 0D 01 0B 00 00 00 C2 D2 0D 0A"),
    (EMS_BEAT, {}, "68 79 00 0A 01 0A B2 1A 0D 0A"),
    (FIVE_A, {"channel": 1, "level": 8}, "5A 01 01 05 02 01 08 6C"),
    (FIVE_A_TIME, {"channel": 1, "minutes": 5}, "5A 01 01 03 03 01 00 05 68"),
    ("5A 01 01 09 01 00 {sum8:0..}", {}, "5A 01 01 09 01 00 66"),
    # RongTai masks to 7 bits; with a controller byte of 82 or 84 the plain inverted sum has bit 7 clear anyway.
    (RONGTAI, {"controller": 0x82, "key": 0x01}, "F0 82 01 7C F1"),
    (RONGTAI, {"controller": 0x84, "key": 0x01}, "F0 84 01 7A F1"),
    (RONGTAI, {"controller": 0x82, "key": 0x2E}, "F0 82 2E 4F F1"),
    (RONGTAI, {"controller": 0x82, "key": 0x50}, "F0 82 50 2D F1"),
    (TIMED, {"command": 1, "level": 60, "steps": 20}, "55 01 3C 14 51 AA"),
    (THERAGUN, {"rpm": 1750}, "AA E3 01 03 06 D6 03"),
    (THERAGUN, {"rpm": 2400}, "AA 70 01 03 09 60 03"),
    (THERAGUN, {"rpm": 0}, "AA 07 01 03 00 00 03"),
    ("{duty:u16le}", {"duty": 5000}, "88 13"),
    ("{duty:u16le}", {"duty": 10000}, "10 27"),
    ("B0 00 {motors:u8} {version:u16le} {battery:u8}", {"motors": 1, "version": 3, "battery": 80}, "B0 00 01 03 00 50"),
    (STIMULATOR, {"level": 100, "ms": 1000}, b"C0I100T1000G".hex()),
    (BUZZ, {"motor": 2, "level": 50, "ms": 2000}, b"CALIBRATE_BUZZ:2:050:2000\x04".hex()),
    ("'FW:' {firmware:text}", {"firmware": "1.0.2 ä"}, "46 57 3A 31 2E 30 2E 32 20 C3 A4"),
    ("{a:i8} {b:i16le} {c:i16be}", {"a": -1, "b": -2, "c": -2}, "FF FE FF FF FE"),
    ("{a:u24le} {b:u24be}", {"a": 0x010203, "b": 0x010203}, "03 02 01 01 02 03"),
    ("{a:u32le}{b:i32be}", {"a": 0xDEADBEEF, "b": -2}, "EF BE AD DE FF FF FF FE"),
]
"""From the documents of real devices where they have a check; the rest by hand."""


@pytest.mark.parametrize(("template", "values", "data"), VECTORS)
def test_documented_values_become_the_documented_bytes(template: str, values: dict[str, Value], data: str) -> None:
    assert Frame(template).pack(values) == bytes.fromhex(data)


@pytest.mark.parametrize(("template", "values", "data"), VECTORS)
def test_documented_bytes_become_the_documented_values(template: str, values: dict[str, Value], data: str) -> None:
    assert Frame(template).unpack(bytes.fromhex(data)) == values


@pytest.mark.parametrize("template", [EMS_LEVEL, FIVE_A, TIMED, THERAGUN])
def test_a_checked_frame_with_any_one_bit_changed_is_refused(template: str) -> None:
    data = next(bytes.fromhex(data) for known, _, data in VECTORS if known == template)
    for index in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[index] ^= 1 << bit
            with pytest.raises(FrameMismatch):
                Frame(template).unpack(bytes(changed))


@pytest.mark.parametrize(
    ("template", "data"), [(template, data) for template, _, data in VECTORS if "text" not in template]
)
def test_a_frame_too_short_or_too_long_is_refused(template: str, data: str) -> None:
    whole = bytes.fromhex(data)
    for cut in range(len(whole)):
        with pytest.raises(FrameMismatch):
            Frame(template).unpack(whole[:cut])
    with pytest.raises(FrameMismatch):
        Frame(template).unpack(whole + b"\x00")


def test_the_wrong_check_is_named_with_its_place() -> None:
    with pytest.raises(FrameMismatch, match=r"^sum8 at byte 4 is wrong$"):
        Frame(TIMED).unpack(bytes.fromhex("55 01 3C 14 52 AA"))


def test_bytes_of_no_interest_are_passed_over_and_sent_as_zeros_or_not_at_all() -> None:
    frame = Frame("BB {_:2} {level:u8} {_:..}")
    assert frame.unpack(bytes.fromhex("BB 11 22 07 33 44")) == {"level": 7}
    assert frame.unpack(bytes.fromhex("BB 11 22 07")) == {"level": 7}
    assert frame.pack({"level": 7}) == bytes.fromhex("BB 00 00 07")


@pytest.mark.parametrize(
    ("template", "data"),
    [
        ("01 {sum8:0..0} 03", "01 01 03"),
        ("01 {sum8:0..} 03", "01 01 03"),
        ("01 02 {sum8:3..} 03 04", "01 02 07 03 04"),
        ("01 02 {sum8:3..3} 03 04", "01 02 03 03 04"),
        ("{sum8:1..} 03 04", "07 03 04"),
        ("01 02 03 {sum8:1..} 04", "01 02 03 05 04"),
        ("01 {xor8:0..} {sum8:0..}", "01 01 02"),
        ("01 02 {crc16-modbus:0..:le}", "01 02 81 E1"),
        ("01 02 {crc16-modbus:0..:be}", "01 02 E1 81"),
    ],
)
def test_a_range_counts_from_zero_with_both_ends_and_an_open_end_reaches_as_far_as_it_can(
    template: str, data: str
) -> None:
    assert Frame(template).pack({}) == bytes.fromhex(data)
    assert Frame(template).unpack(bytes.fromhex(data)) == {}


SYNTAX = [
    ("", 0, "at least one byte"),
    (" \t", 0, "at least one byte"),
    ("5", 0, "hex bytes like 55, ASCII in 'quotes', or a {slot:type}"),
    ("55 0x01", 3, "hex bytes like 55, ASCII in 'quotes', or a {slot:type}"),
    ("55AA", 0, "hex bytes like 55, ASCII in 'quotes', or a {slot:type}"),
    ("'open", 0, "hex bytes like 55, ASCII in 'quotes', or a {slot:type}"),
    ("'ä'", 0, "hex bytes like 55, ASCII in 'quotes', or a {slot:type}"),
    ("55 {level:u8", 3, "hex bytes like 55, ASCII in 'quotes', or a {slot:type}"),
    ("{level}", 0, "u8, i8, u16le, u16be (u24, u32, i16 likewise), dec, dec3 or text"),
    ("{level:u64le}", 0, "u8, i8, u16le, u16be (u24, u32, i16 likewise), dec, dec3 or text"),
    ("{level:dec0}", 0, "u8, i8, u16le, u16be (u24, u32, i16 likewise), dec, dec3 or text"),
    ("55 {level:u16}", 3, "u16le or u16be"),
    ("{level:i8be}", 0, "i8 without byte order"),
    ("{Level:u8}", 0, f"a slot's name in lower case, or one of {', '.join(ALGORITHMS)}"),
    ("{a:u8} {a:u8}", 0, "each name only once"),
    ("{_:0}", 0, "a number of bytes, or .. for all that follow"),
    (f"{{_:{MAX_BYTES + 1}}}", 0, "a number of bytes, or .. for all that follow"),
    ("{_:..} 01", 7, "nothing after a part that reaches to the end"),
    ("{name:text} {sum8:0..}", 12, "nothing after a part that reaches to the end"),
    ("{a:dec} {b:dec}", 8, "a fixed byte that is no digit, to end the decimal before it"),
    ("{a:dec} '0'", 8, "a fixed byte that is no digit, to end the decimal before it"),
    ("01 {sum8}", 3, "a range of bytes, such as {sum8:1..} or {sum8:1..4}"),
    ("01 {sum8:..1}", 3, "a range of bytes, such as {sum8:1..} or {sum8:1..4}"),
    ("01 {sum8:0..٣}", 3, "a range of bytes, such as {sum8:1..} or {sum8:1..4}"),
    ("01 {crc16-arc:0..}", 3, "{crc16-arc:0..:le} or :be"),
    ("01 {sum8:0..:le}", 3, "{sum8:0..}, one byte, no byte order"),
]


@pytest.mark.parametrize(("template", "position", "expected"), SYNTAX)
def test_a_wrong_template_is_refused_with_its_place_and_what_may_stand_there(
    template: str, position: int, expected: str
) -> None:
    with pytest.raises(FrameSyntaxError) as caught:
        Frame(template)
    assert (caught.value.template, caught.value.position, caught.value.expected) == (template, position, expected)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "template",
    [
        "{sum8:0..}",
        "01 {sum8:0..1}",
        "01 {sum8:1..1}",
        "01 02 {sum8:1..0}",
        "01 {sum8:0..2} 03",
        "01 {sum8:2..9} 03",
        "01 {crc16-arc:2..:le} 03",
        "{sum8:1..} {_:..}",
        "{sum8:1..} {name:text}",
        "{a:dec} 41 {sum8:4..5} 01 02 03",
        "{a:dec} 41 {sum8:4..} 01 02 03",
    ],
)
def test_a_range_that_is_not_in_every_frame_is_refused(template: str) -> None:
    with pytest.raises(FrameSyntaxError, match="a range of"):
        Frame(template)


@pytest.mark.parametrize("template", ["{sum8:1..} 01 {xor8:1..1}", "{sum8:3..3} 01 {crc16-arc:1..1:le}"])
def test_a_check_over_a_check_that_is_sealed_after_it_is_refused(template: str) -> None:
    with pytest.raises(FrameSyntaxError, match="without a check that follows it"):
        Frame(template)


@pytest.mark.parametrize(
    ("template", "values", "message"),
    [
        ("{level:u8}", {}, "level = None does not fit: allowed is an integer from 0 to 255"),
        ("{level:u8}", {"level": 256}, "level = 256 does not fit: allowed is an integer from 0 to 255"),
        ("{level:u8}", {"level": -1}, "level = -1 does not fit: allowed is an integer from 0 to 255"),
        ("{level:u8}", {"level": "9"}, "level = '9' does not fit: allowed is an integer from 0 to 255"),
        ("{t:i8}", {"t": 128}, "t = 128 does not fit: allowed is an integer from -128 to 127"),
        ("{t:i16le}", {"t": -32769}, "t = -32769 does not fit: allowed is an integer from -32768 to 32767"),
        ("{n:dec3}", {"n": 1000}, "n = 1000 does not fit: allowed is an integer of at most 3 digits"),
        ("{n:dec}", {"n": -1}, "n = -1 does not fit: allowed is an integer of at most 10 digits"),
        ("{n:dec}", {"n": 10**10}, "n = 10000000000 does not fit: allowed is an integer of at most 10 digits"),
        ("{name:text}", {"name": 5}, "name = 5 does not fit: allowed is text"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_never_wrapped_or_cut(
    template: str, values: dict[str, Value], message: str
) -> None:
    with pytest.raises(FrameValueError) as caught:
        Frame(template).pack(values)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("template", "data"), [("{n:dec3}", b"12"), ("{n:dec}", b"x"), ("{n:dec3}", b"1a3"), ("{s:text}", b"\xff")]
)
def test_digits_and_text_that_are_none_are_refused(template: str, data: bytes) -> None:
    with pytest.raises(FrameMismatch):
        Frame(template).unpack(data)


# Generated frames. A token soup finds what nobody thought of; most of it is refused, and what is accepted must work.

INTEGERS = {
    f"{sign}{bits}{order}": (-(1 << bits - 1), (1 << bits - 1) - 1) if sign == "i" else (0, (1 << bits) - 1)
    for sign in "ui"
    for bits in (8, 16, 24, 32)
    for order in (("",) if bits == 8 else ("le", "be"))
}

CHECKS = st.builds(
    lambda name, start, last: f"{{{name}:{start}..{last}{':be' if ALGORITHMS[name].size > 1 else ''}}}",
    st.sampled_from(sorted(ALGORITHMS)),
    st.integers(0, 6),
    st.just("") | st.integers(0, 6).map(str),
)


@st.composite
def frames(draw: st.DrawFn) -> tuple[str, dict[str, Value]]:
    """A template in the language, apart from the ranges of its checks, and values for its slots."""
    parts: list[str] = []
    values: dict[str, Value] = {}
    for number in range(draw(st.integers(1, 6))):
        name = f"s{number}"
        match draw(st.sampled_from(["hex", "ascii", "integer", "dec", "digits", "skip", "check"])):
            case "hex":
                parts.append(draw(st.binary(min_size=1, max_size=3)).hex(" "))
            case "ascii":
                parts.append(f"'{draw(st.text('CMD:{}1 ', min_size=1, max_size=4))}'")
            case "integer":
                kind = draw(st.sampled_from(sorted(INTEGERS)))
                parts.append(f"{{{name}:{kind}}}")
                values[name] = draw(st.integers(*INTEGERS[kind]))
            case "dec":
                parts += [f"{{{name}:dec}}", "0A"]
                values[name] = draw(st.integers(0, 10**10 - 1))
            case "digits":
                width = draw(st.integers(1, 9))
                parts.append(f"{{{name}:dec{width}}}")
                values[name] = draw(st.integers(0, 10**width - 1))
            case "skip":
                parts.append(f"{{_:{draw(st.integers(1, 5))}}}")
            case _:
                parts.append(draw(CHECKS))
    if draw(st.booleans()):
        parts.append("{end:text}")
        values["end"] = draw(st.text("aä€😀 0", max_size=8))
    return " ".join(parts), values


def compiled(template: str) -> Frame | None:
    try:
        return Frame(template)
    except FrameSyntaxError:
        return None


@given(frames())
def test_every_frame_unpacks_what_it_packs(made: tuple[str, dict[str, Value]]) -> None:
    template, values = made
    frame = compiled(template)
    if frame is None:
        assert ".." in template
        return
    assert frame.unpack(frame.pack(values)) == values
    assert set(frame.slots) == set(values)


@given(frames(), st.binary(max_size=24))
def test_any_bytes_are_read_or_refused(made: tuple[str, dict[str, Value]], data: bytes) -> None:
    frame = compiled(made[0])
    if frame is None:
        return
    try:
        values = frame.unpack(data)
    except FrameMismatch:
        return
    assert set(values) == set(frame.slots)


PIECES = [
    "55",
    "0",
    "'A",
    "'",
    "{",
    "}",
    "{_:",
    "..",
    ":",
    "level",
    "u8",
    "u16le",
    "dec",
    "text",
    "sum8",
    "crc16-usb",
    " ",
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
