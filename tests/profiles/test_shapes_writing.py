"""Shapes 4 to 11: what frames and values can say, each with bytes of a real device from the list of shapes."""

# ruff: noqa: E501 - one line of a file, one line of text

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.device.made import COMMANDS, LEVELS, PORTS, made
from unknot.errors import FrameMismatch, FrameValueError
from unknot.profiles.codec import Codec
from unknot.profiles.conversions import Conversion
from unknot.profiles.frames.frame import Frame
from unknot.profiles.frames.keyed import keyed
from unknot.profiles.speech import SetLevel

LIVE = [
    # EMS v2: len u16 BE, CRC-16/XMODEM before the terminator.
    ("68 79 {length:u16be:0..} 01 02 {level:u8} {crc16-xmodem:0..:be} 0D 0A", {"level": 5}, "68 79 00 0B 01 02 05 32 21 0D 0A"),
    ("68 79 {length:u16be:0..} 01 08 {s:u16be} {crc16-xmodem:0..:be} 0D 0A", {"s": 600}, "68 79 00 0C 01 08 02 58 D5 6E 0D 0A"),
    ("68 79 {length:u16be:0..} 01 0B {run:u8} {s:u16be} {crc16-xmodem:0..:be} 0D 0A", {"run": 1, "s": 600},
     "68 79 00 0D 01 0B 01 02 58 48 7D 0D 0A"),
    ("68 79 {length:u16be:0..} 01 0A {crc16-xmodem:0..:be} 0D 0A", {}, "68 79 00 0A 01 0A B2 1A 0D 0A"),
    # 5A: a length of the data alone, sum of all bytes before.
    ("5A 01 {ch:u8} 05 {length:u8:5..-2} {ch:u8} {level:u8} {sum8:0..}", {"ch": 1, "level": 8}, "5A 01 01 05 02 01 08 6C"),
    ("5A 01 {ch:u8} 03 {length:u8:5..-2} {ch:u8} {minutes:u16be} {sum8:0..}", {"ch": 1, "minutes": 5}, "5A 01 01 03 03 01 00 05 68"),
    # RongTai: (~sum) & 7F between markers; 7-bit pairs.
    ("F0 {ctrl:u8} {key:u8} {sum7-inverted:1..2} F1", {"ctrl": 0x82, "key": 1}, "F0 82 01 7C F1"),
    ("F0 {ctrl:u8} {key:u8} {sum7-inverted:1..2} F1", {"ctrl": 0x84, "key": 1}, "F0 84 01 7A F1"),
    ("F0 {ctrl:u8} {key:u8} {sum7-inverted:1..2} F1", {"ctrl": 0x82, "key": 0x50}, "F0 82 50 2D F1"),
    ("{0:b1 s[0..6]} {0:b1 s[7..13]}", {"s": 600}, "58 04"),
    # The header is not in the sum; the check stands before what it covers.
    ("55 01 {level:u8} {steps:u8} {sum8:1..} AA", {"level": 60, "steps": 20}, "55 01 3C 14 51 AA"),
    ("AA {sum8:2..} 01 03 {rpm:u16be} 03", {"rpm": 1750}, "AA E3 01 03 06 D6 03"),
    ("AA {sum8:2..} 01 03 {rpm:u16be} 03", {"rpm": 0}, "AA 07 01 03 00 00 03"),
    # VibMotor: u16 LE, 0.01 % duty.
    ("{duty:u16le}", {"duty": 5000}, "88 13"),
    ("{duty:u16le}", {"duty": 10000}, "10 27"),
    # Types and places of shape 5.
    ("{a:u24be} {b:u32le} {c:i8}", {"a": 0x010203, "b": 1, "c": -2}, "01 02 03 01 00 00 00 FE"),
    ("{on:b1 zone:b3 level:b4}", {"on": 1, "zone": 5, "level": 9}, "D9"),
    ("{level:dec3} {x:hex2}", {"level": 7, "x": 0xAB}, "30 30 37 41 42"),
    ("'C' {ch:dec} 'I' {i:dec} 'T' {t:dec} 'G'", {"ch": 0, "i": 100, "t": 1000}, b"C0I100T1000G".hex()),
    ("'motors vibrate \"' base64( {level:u8} {level:u8} {level:u8} {level:u8} ) '\"' 0D 0A", {"level": 15},
     b'motors vibrate "Dw8PDw=="\r\n'.hex()),
    ("'CALIBRATE_BUZZ:' {m:dec} ':' {p:dec} ':' {ms:dec} 04", {"m": 1, "p": 50, "ms": 500}, b"CALIBRATE_BUZZ:1:50:500\x04".hex()),
    ("{name:cstring} {level:u8} {_:to8}", {"name": "ab", "level": 1}, "61 62 00 01 00 00 00 00"),
    # Tuya's data points: id, type, length, data.
    ("43 02 {length:u8:3..} {gear:u32be}", {"gear": 15}, "43 02 04 00 00 00 0F"),
    # Pavlok: count, level × 2.55, on and off in 20 ms.
    ("{count:u8} {level:u8} {on:u8} {off:u8}", {"count": 2, "level": 128, "on": 25, "off": 25}, "02 80 19 19"),
    # Byte escaping (RFC 1055) and constant padding.
    ("C0 slip( 01 {level:u8} ) C0", {"level": 0xC0}, "C0 01 DB DC C0"),
]  # fmt: skip


@pytest.mark.parametrize(("template", "values", "data"), LIVE)
def test_5_9_10_real_frames_both_ways(template: str, values: dict[str, int | str], data: str) -> None:
    frame = Frame(template)
    assert frame.pack(values) == bytes.fromhex(data)
    assert frame.unpack(bytes.fromhex(data)) == values


@pytest.mark.parametrize(("template", "values", "data"), [one for one in LIVE if "sum8" in one[0] or "crc" in one[0]])
def test_9_10_no_wrong_bit_goes_unnoticed_where_it_is_checked(
    template: str, values: dict[str, int | str], data: str
) -> None:
    frame, whole = Frame(template), bytes.fromhex(data)
    for bit in range(8 * len(whole)):
        wrong = bytearray(whole)
        wrong[bit // 8] ^= 1 << bit % 8
        with pytest.raises(FrameMismatch):
            frame.unpack(bytes(wrong))
    assert frame.unpack(whole) == values


@pytest.mark.parametrize("check", [
    "sum8", "sum8-inverted", "sum8-negated", "sum7", "sum7-inverted", "xor8", "xor8^A5", "sum8+55", "crc8-smbus",
    "crc16-xmodem", "crc16-ibm-3740", "crc16-modbus", "crc16-kermit", "crc32-iso-hdlc", "fletcher16", "sum16",
])  # fmt: skip
def test_9_checks_of_all_kinds_are_written_and_verified(check: str) -> None:
    order = "" if check.startswith(("sum8", "sum7", "xor8", "crc8")) else ":be"
    frame = Frame(f"A5 {{level:u8}} {{{check}:0..{order}}}")
    packed = frame.pack({"level": 7})
    assert frame.unpack(packed) == {"level": 7}
    with pytest.raises(FrameMismatch):
        frame.unpack(packed[:1] + b"\x08" + packed[2:])


def test_9_a_lenient_check_takes_either_byte_order_and_no_other() -> None:
    frame = Frame("68 79 {level:u8} {crc16-xmodem:0..:be:lenient}")
    packed = frame.pack({"level": 5})
    assert frame.unpack(packed[:-2] + packed[:-3:-1]) == {"level": 5}
    with pytest.raises(FrameMismatch):
        frame.unpack(packed[:-1] + bytes([packed[-1] ^ 1]))


def test_10_a_lenient_length_may_count_the_terminator_or_not() -> None:
    frame = Frame("68 {length:u8:0..:lenient} {level:u8} 0D 0A")
    assert (
        frame.unpack(bytes.fromhex("68 03 07 0D 0A")) == frame.unpack(bytes.fromhex("68 05 07 0D 0A")) == {"level": 7}
    )


def test_6_a_json_command_and_lines_of_key_and_value() -> None:
    command = keyed({"json": {"cmd": "vibrate", "level": "$level"}, "end": "0A"})
    assert command.pack({"level": 5}) == b'{"cmd":"vibrate","level":5}\n'
    assert command.unpack(b'{"level": 5, "cmd": "vibrate", "id": 9}\n') == {"level": 5}
    status = keyed({"lines": {"SESSION_STATUS": "$state", "ELAPSED": "$elapsed"}, "end": "04"})
    assert status.unpack(b"ELAPSED:300\nSYNC\nSESSION_STATUS:RUNNING\n\x04") == {"state": "RUNNING", "elapsed": 300}


@pytest.mark.parametrize(
    ("conversion", "pairs"),
    [
        ({"table": [0, 32, 64, 128]}, [(0, 0), (1, 32), (3, 128)]),  # discrete levels
        ({"table": ["00 00", "DE AD", "BE EF"]}, [(1, "DE AD"), (2, "BE EF")]),  # raw bytes per level
        ({"table": [0, 2, 3, 4, 5, 6, 7, 8]}, [(0, 0), (1, 2), (7, 8)]),  # 0→0, 1–7→2–8
        ({"points": [[0, 0], [1, 30], [51, 80]]}, [(0, 0), (1, 30), (51, 80)]),  # "0 or 30–80"
        ({"scale": 2.55}, [(50, 128), (100, 255)]),  # 127.5 is rounded up
        ({"scale": 0.05}, [(500, 25)]),  # ÷ 20 ms
        ({"scale": 100}, [(100, 10000)]),  # 0–10000
        ({"scale": 2.5, "round": "down"}, [(1, 2)]),
        ({"steps": 10, "least": 15, "most": 255}, [(0, 0), (1, 15), (10, 255)]),  # perceived strength
        ({"range": [30, 80], "beyond": "clamp"}, [(30, 30), (80, 80)]),
    ],
)
def test_7_8_level_tables_and_scalings(conversion: dict[str, object], pairs: list[tuple[int, int | str]]) -> None:
    rule = Conversion.model_validate(conversion)
    for value, wire in pairs:
        assert rule.to_wire(value) == wire
        assert rule.from_wire(wire) == value


def test_8_beyond_the_range_is_refused_or_clamped_as_the_file_says() -> None:
    clamp = Conversion.model_validate({"range": [30, 80], "beyond": "clamp"})
    assert (clamp.to_wire(5), clamp.to_wire(300)) == (30, 80)
    with pytest.raises(ValueError, match="from 30 to 80"):
        Conversion.model_validate({"range": [30, 80]}).to_wire(5)


MODES = """
[settings]
mode = 4
[values.level]
by = "mode"
cases = { 1 = { points = [[1, 30], [5, 80]] }, 4 = { points = [[1, 50], [5, 80]] } }
[values.strength]
by = "mode"
cases = { 1 = { offset = 30 }, 4 = { offset = 50 } }
[settings.strength]
value = 2
"""


def test_7_each_mode_has_its_own_range() -> None:
    commands = COMMANDS.replace("A5 {level:u8}", "A5 {mode:u8} {level:u8} {strength:u8}")
    codec = Codec(made(PORTS, LEVELS, commands, MODES))
    assert codec.encode(SetLevel(1))[0].data == bytes([0xA5, 4, 50, 52])
    codec.remember({"mode": 1})
    assert codec.encode(SetLevel(1))[0].data == bytes([0xA5, 1, 30, 32])


@given(offset=st.integers(0, 2**32 - 1), scale=st.floats(1e-3, 1e3), level=st.integers(0, 255))
@settings(max_examples=50, deadline=None)
def test_8_what_does_not_fit_a_byte_is_refused_and_never_wrapped(offset: int, scale: float, level: int) -> None:
    rule, frame = Conversion.model_validate({"scale": scale, "offset": offset}), Frame("{level:u8}")
    wire = rule.to_wire(level)
    assert isinstance(wire, int)
    if 0 <= wire <= 255:
        assert frame.pack({"level": wire}) == bytes([wire])
    else:
        with pytest.raises(FrameValueError, match="does not fit"):
            frame.pack({"level": wire})


def test_8_a_level_plus_offset_beyond_a_byte_never_reaches_the_wire() -> None:
    codec = Codec(made(PORTS, LEVELS, COMMANDS, "[values]\nlevel = { offset = 252 }\n"))
    assert codec.encode(SetLevel(3))[0].data == b"\xa5\xff"
    with pytest.raises(FrameValueError, match="level = 256"):
        codec.encode(SetLevel(4))


@pytest.mark.parametrize(("first", "last", "numbers"), [(0, 255, [254, 255, 0, 1]), (1, 15, [14, 15, 1, 2])])
def test_11_a_counter_wraps_and_may_skip_zero(first: int, last: int, numbers: list[int]) -> None:
    codec = Codec(made(f"[sequence]\nfirst = {first}\nlast = {last}\n", PORTS, LEVELS, COMMANDS))
    assert [codec.next_sequence(number) for number in numbers[:-1]] == numbers[1:]
