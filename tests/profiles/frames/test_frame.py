from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles.frames.templates import frames
from unknot.errors import FrameMismatch, FrameSyntaxError, FrameValueError
from unknot.profiles.frames.frame import Frame, Span, Value

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
EMS_LENGTH = "68 79 {length:u16be:0..} 01 02 {level:u8} {crc16-xmodem:0..:be:lenient} 0D 0A"
RONGTAI_7_BITS = "F0 82 {key:u8} {sum7-inverted:1..2} F1"
RONGTAI_STATUS = "F0 {_:4} {on:b1 _:b7} {0:b1 left[0..6]} {0:b3 left[7..11]} {_:7} {sum7-inverted:1..} F1"
NEOSENSORY = "'motors vibrate \"' base64( {a:u8} {b:u8} {c:u8} {d:u8} ) '\"' 0D 0A"
BUZZ = "'CALIBRATE_BUZZ:' {motor:dec1} ':' {level:dec3} 3A {ms:dec} 04"

VECTORS: list[tuple[str, dict[str, Value], str]] = [
    (EMS_LEVEL, {"level": 5}, "68 79 00 0B 01 02 05 32 21 0D 0A"),
    (EMS_TIMER, {"seconds": 600}, "68 79 00 0C 01 08 02 58 D5 6E 0D 0A"),
    (EMS_RUN, {"run": 1, "seconds": 600}, "68 79 00 0D 01 0B 01 02 58 48 7D 0D 0A"),
    (EMS_RUN, {"run": 0, "seconds": 0}, "68 79 00 0D 01 0B 00 00 00 C2 D2 0D 0A"),
    (EMS_BEAT, {}, "68 79 00 0A 01 0A B2 1A 0D 0A"),
    (EMS_LENGTH, {"level": 5}, "68 79 00 0B 01 02 05 32 21 0D 0A"),
    (FIVE_A, {"channel": 1, "level": 8}, "5A 01 01 05 02 01 08 6C"),
    (FIVE_A_TIME, {"channel": 1, "minutes": 5}, "5A 01 01 03 03 01 00 05 68"),
    ("5A 01 01 09 01 00 {sum8:0..}", {}, "5A 01 01 09 01 00 66"),
    # RongTai masks to 7 bits; with a controller byte of 82 or 84 the plain inverted sum has bit 7 clear anyway.
    (RONGTAI, {"controller": 0x82, "key": 0x01}, "F0 82 01 7C F1"),
    (RONGTAI, {"controller": 0x84, "key": 0x01}, "F0 84 01 7A F1"),
    (RONGTAI, {"controller": 0x82, "key": 0x2E}, "F0 82 2E 4F F1"),
    (RONGTAI, {"controller": 0x82, "key": 0x50}, "F0 82 50 2D F1"),
    (RONGTAI_7_BITS, {"key": 0x2E}, "F0 82 2E 4F F1"),
    (RONGTAI_7_BITS, {"key": 0x50}, "F0 82 50 2D F1"),
    # 20 minutes are 1200 = 9 * 128 + 48 seconds, low seven bits first.
    (RONGTAI_STATUS, {"on": 0, "left": 1200}, "F0 00 00 00 00 00 30 09 00 00 00 00 00 00 00 46 F1"),
    (NEOSENSORY, {"a": 0, "b": 255, "c": 1, "d": 2}, b'motors vibrate "AP8BAg=="\r\n'.hex()),
    ("'BATTERY:' {volts:text} 04", {"volts": "3.72"}, b"BATTERY:3.72\x04".hex()),
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


@pytest.mark.parametrize("template", [EMS_LEVEL, EMS_LENGTH, FIVE_A, TIMED, THERAGUN])
def test_a_checked_frame_with_any_one_bit_changed_is_refused(template: str) -> None:
    data = next(bytes.fromhex(data) for known, _, data in VECTORS if known == template)
    for index in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[index] ^= 1 << bit
            with pytest.raises(FrameMismatch):
                Frame(template).unpack(bytes(changed))


@pytest.mark.parametrize(
    ("template", "data"), [(template, data) for template, _, data in VECTORS if not template.endswith(":text}")]
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


def test_a_lenient_check_takes_the_other_byte_order_and_no_third() -> None:
    frame = Frame(EMS_LENGTH)
    assert frame.unpack(bytes.fromhex("68 79 00 0B 01 02 05 21 32 0D 0A")) == {"level": 5}
    with pytest.raises(FrameMismatch, match=r"^crc16-xmodem at byte 7 is wrong$"):
        frame.unpack(bytes.fromhex("68 79 00 0B 01 02 05 21 33 0D 0A"))


def test_explain_tells_what_stands_where() -> None:
    spans = Frame(EMS_LENGTH).explain(bytes.fromhex("68 79 00 0B 01 02 05 32 21 0D 0A"))
    assert spans == (
        Span(0, 1, "68", None),
        Span(1, 2, "79", None),
        Span(2, 4, "{length:u16be:0..}", 11),
        Span(4, 5, "01", None),
        Span(5, 6, "02", None),
        Span(6, 7, "{level:u8}", 5),
        Span(7, 9, "{crc16-xmodem:0..:be:lenient}", 0x3221),
        Span(9, 10, "0D", None),
        Span(10, 11, "0A", None),
    )


def test_explain_tells_bits_and_encoded_parts_over_their_whole_group() -> None:
    frame = Frame(
        "'<' hex( {1:b1 _:b3 a:b4 0:b1 s[0..6]} {x:bytes1} ) '>' {length:dec2:0..:lenient} {t:text} 00 {_:..}"
    )
    assert frame.explain(b"<8503FF>??hi\x00\x01") == (
        Span(0, 1, "'<'", None),
        *(Span(1, 7, what, value) for what, value in (("1:b1", None), ("_:b3", None), ("a:b4", 5), ("0:b1", None))),
        Span(1, 7, "s[0..6]", 3),
        Span(1, 7, "{x:bytes1}", "FF"),
        Span(7, 8, "'>'", None),
        Span(8, 10, "{length:dec2:0..:lenient}", None),
        Span(10, 12, "{t:text}", "hi"),
        Span(12, 13, "00", None),
        Span(13, 14, "{_:..}", None),
    )


def test_explain_refuses_what_unpack_refuses() -> None:
    with pytest.raises(FrameMismatch, match=r"^sum8 at byte 4 is wrong$"):
        Frame(TIMED).explain(bytes.fromhex("55 01 3C 14 52 AA"))


EVERY_PART = [
    *(EMS_LENGTH, RONGTAI_STATUS, NEOSENSORY, BUZZ),
    "{a:hex2} {n:dec} 3B {s:text} 00 {c:cstring} {t:text3} {x:bytes2} {_:1:FF} {y:bytes} {z:u8}",
    "{length:u8:1..} {a:b4 _:b4} {5:b3 b:b5} {b:b5 _:b11 le} {0:b1 s[0..6]} {0:b3 s[7..11]} {_:..} {xor8^A5:0..-2}",
    "{length:dec2:0..} slip( {n:dec} 2C hex( {a:u8} {x:bytes} ) 2E {sum8:0..-2} ) C0 {_:to9} {crc16-arc:0..:le}",
    "7E ppp( base64( {a:u8} {s:text} ) 00 {a:u8} ) 7E {length+2:hex1:0..:lenient}",
]


@pytest.mark.parametrize("template", EVERY_PART)
@given(data=st.data())
def test_no_bytes_make_a_frame_raise_anything_else(template: str, data: st.DataObject) -> None:
    frame = Frame(template)
    raw = data.draw(st.binary(max_size=40) | st.text("0123456789ABF;,.\x00\xc0\x7e", max_size=30).map(str.encode))
    refused = None
    values: dict[str, Value] = {}
    try:
        values = frame.unpack(raw)
    except FrameMismatch as error:
        refused = error
    if refused is not None:
        assert refused.at is not None
        assert 0 <= refused.at <= len(raw)
    else:
        assert set(values) == set(frame.slots)
        spans = frame.explain(raw)
        assert (spans[0].start, spans[-1].end) == (0, len(raw))


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
        assert ".." in template or "to" in template  # all else that is made here is in the language
        return
    refused = None
    data = b""
    try:
        data = frame.pack(values)
    except FrameValueError as error:
        refused = error
    if refused is not None:
        assert refused.slot in ("length", "the frame's length") or refused.slot.startswith("{_:to")
        return
    assert frame.unpack(data) == values
    assert set(frame.slots) == set(values)
    spans = frame.explain(data)
    assert (spans[0].start, spans[-1].end) == (0, len(data))


@given(frames(), st.integers(0, 40), st.binary(max_size=3))
def test_bytes_that_are_almost_the_frame_are_read_or_refused(
    made: tuple[str, dict[str, Value]], place: int, other: bytes
) -> None:
    template, values = made
    frame = compiled(template)
    if frame is None:
        return
    try:
        data = frame.pack(values)
    except FrameValueError:
        data = b""
    data = data[:place] + other + data[place + len(other) :]
    refused = None
    try:
        values = frame.unpack(data)
    except FrameMismatch as error:
        refused = error
    if refused is not None:
        assert refused.at is not None
        assert 0 <= refused.at <= len(data)
    else:
        assert set(values) == set(frame.slots)
        assert frame.explain(data)[-1].end == len(data)
