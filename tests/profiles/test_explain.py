from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.profiles import masking
from tests.profiles.shipped import BY_ID, PROFILES, edited
from unknot.errors import FrameMismatch
from unknot.profiles import request, vocabulary
from unknot.profiles.explain import Candidate, Piece, difference, explain, nearest, sealed, slot_of
from unknot.profiles.frames.frame import Frame
from unknot.profiles.interpret import Interpreter
from unknot.profiles.lines import slots
from unknot.profiles.model import FirmwareProfile


def pieces(template: str, data: str) -> list[tuple[str, str]]:
    frame = Frame(template)
    return [(one.part, one.meaning) for one in explain(frame, slots({}, frame), bytes.fromhex(data))]


def against(template: str, data: str, lengths: tuple[int, int] | None = None) -> tuple[int | None, str, str]:
    frame = Frame(template)
    wrong = difference(Candidate("it", "role", frame, slots({}, frame), lengths), bytes.fromhex(data))
    assert wrong is not None
    return wrong.at, wrong.why, "" if wrong.right is None else wrong.right.hex(" ").upper()


def test_each_part_is_explained_and_fixed_bytes_side_by_side_are_one() -> None:
    assert pieces("55 AA {level:u8} {_:2} {length:u8:0..} {crc16-xmodem:1..-3:be}", "55 AA 07 00 00 08 BC EF") == [
        ("55 AA", "fixed"),
        ("{level:u8}", "level 7"),
        ("{_:2}", "of no interest"),
        ("{length:u8:0..}", "length 8, of bytes 0 to 7"),
        ("{crc16-xmodem:1..-3:be}", "crc16-xmodem over bytes 1 to 5"),
    ]


def test_bits_slices_and_what_is_encoded_are_explained() -> None:
    assert pieces("{1:b1 _:b3 level:b4} {0:b1 time[0..6]} {0:b1 time[7..13]}", "83 05 01") == [
        ("1:b1", "fixed bits"),
        ("_:b3", "of no interest"),
        ("level:b4", "level 3"),
        ("0:b1", "fixed bits"),
        ("time[0..6]", "bits 0 to 6 of time 133"),
        ("0:b1", "fixed bits"),
        ("time[7..13]", "bits 7 to 13 of time 133"),
    ]
    assert pieces("hex( 01 {level:u8} {sum8:0..1} ) 0A", "30 31 30 32 30 33 0A") == [
        ("01", "fixed inside"),
        ("{level:u8}", "level 2"),
        ("{sum8:0..1}", "sum8 over bytes 0..1 of what is encoded"),
        ("0A", "fixed"),
    ]


def test_a_value_is_told_in_its_unit_with_what_stands_on_the_wire() -> None:
    profile = BY_ID["open-ball"]
    (lease,) = [
        piece
        for one in vocabulary.heard(profile)
        if one.name == "status"
        for piece in explain(one.frame, one.slots, bytes.fromhex("01 07 32 54 0B 1F 00"))
        if piece.slot == "lease"
    ]
    assert lease == Piece(3, 5, "{lease:u16le}", "lease 2.9 s, 2900 on the wire", "lease", 2.9, 2900)


def test_a_value_that_the_ball_does_not_know_is_told_as_that() -> None:
    profile = edited("button-ball", ("[safety]", "[values]\nbattery = { none = [255] }\n\n[safety]"))
    (battery,) = [one for one in vocabulary.heard(profile) if one.name == "battery"]
    (piece,) = explain(battery.frame, battery.slots, b"\xff")
    assert piece.meaning == "battery not known, 255 on the wire"


def test_what_a_part_is_is_read_from_its_words() -> None:
    assert [slot_of(part) for part in ("55", "{level:u8}", "level:b4", "time[0..6]", 'LEVEL = "$level"')] == [
        "", "level", "level", "time", "level",
    ]  # fmt: skip
    assert [slot_of(part) for part in ("{sum8:1..}", "{length:u8:2..}", "_:b3", "5:b3", "{_:2}", "'CMD:'")] == [""] * 6
    assert slot_of("{length:u8}") == "length"
    assert sealed("{length:u8}") is None
    check = sealed("{sum8+55:1..}")
    assert check is not None
    assert (check.name, check.range.first, check.range.last) == ("sum8", 1, None)


def test_bytes_that_are_another_frame_are_not_explained() -> None:
    frame = Frame("55 {level:u8}")
    with pytest.raises(FrameMismatch):
        explain(frame, slots({}, frame), b"\x56\x01")


def test_a_wrong_check_is_told_with_the_right_one() -> None:
    assert against("5A {level:u8} {xor8:0..}", "5A 02 59") == (2, "xor8 at byte 2 is 59, not 58", "5A 02 58")


def test_a_wrong_length_and_then_a_wrong_check_are_told_together() -> None:
    assert against("{length:u8:0..} {level:u8} {sum8:0..}", "09 07 10") == (
        0,
        "length at byte 0 is 09, not 03, sum8 at byte 2 is 10, not 0A",
        "03 07 0A",
    )


def test_a_wrong_byte_too_few_and_too_many_are_told() -> None:
    assert against("55 {level:u8} AA", "55 01 AB") == (2, "byte 2 is AB, but AA is fixed there", "")
    assert against("55 {level:u16le}", "55 01") == (2, "the bytes end inside level", "")
    assert against("55 {level:u8}", "55 01 02") == (2, "3 bytes, 2 expected", "")
    assert against("55 {_:..}", "55 01 02", (5, 8)) == (3, "3 bytes, 5 to 8 expected", "")


def test_the_nearest_frame_is_the_one_that_only_its_check_is_against() -> None:
    frames = [Frame(one) for one in ("BB {_:1} 20 {a:u8}", "BB {sum8:2..} 10 {a:u8}", "{a:text}")]
    candidates = [Candidate(one.template, "x", one, slots({}, one)) for one in frames]
    wrong = nearest(candidates, bytes.fromhex("BB 00 10 01"))
    assert wrong is not None
    assert wrong.candidate.frame is frames[1]
    further = nearest(candidates, bytes.fromhex("BB 00 20 01 FF"))
    assert further is not None
    assert further.candidate.frame is frames[0]
    assert nearest([], b"") is None


def test_a_value_that_is_none_is_told_by_its_slot() -> None:
    wrong = Interpreter(BY_ID["theragun-4"]).difference(bytes.fromhex("AA E4 01 03 06 D7 03"))
    assert wrong is not None
    assert wrong.why == "level is 1751 on the wire, expected an entry of the table"


@pytest.mark.parametrize("profile", [one for one in PROFILES if one.codec is None], ids=lambda one: one.id)
def test_every_shipped_example_is_understood_as_what_it_is(profile: FirmwareProfile) -> None:
    for example in profile.examples:
        interpreter = Interpreter(profile)
        readings = [interpreter.read(data) for data in example.writes][-1]
        told = example.report or example.refusal
        if told is not None:
            ((name, values),) = told.items()
            assert name in {one.name for one in readings}
            assert any(_is_same(one.values, values) for one in readings)
        else:
            kinds = {one.kind for one in readings}
            assert kinds & {"command", "init", "keep_alive"}
        for one in readings:
            places = [place for piece in one.pieces for place in range(piece.start, piece.end)]
            assert set(places) <= set(range(len(one.frame)))


def _is_same(one: Mapping[str, float | str], other: Mapping[str, float | str]) -> bool:
    return one.keys() == other.keys() and all(
        value == other[slot] or value == pytest.approx(other[slot]) for slot, value in one.items()
    )


def test_notifications_are_put_together_and_a_part_says_that_it_goes_on() -> None:
    interpreter = Interpreter(BY_ID["ems-v2"], "status")
    (part,) = interpreter.read(bytes.fromhex("68 79 00 0B 02 01"))
    assert (part.kind, part.pieces) == ("part", ())
    (mode,) = interpreter.read(bytes.fromhex("03 5E E4 0D 0A"))
    assert (mode.kind, mode.name, mode.values) == ("report", "mode", {"mode": 3})
    assert mode.frame == bytes.fromhex("68 79 00 0B 02 01 03 5E E4 0D 0A")


def test_a_command_of_two_writes_is_told_by_the_second() -> None:
    interpreter = Interpreter(BY_ID["ems-v2"], "command")
    (first,) = interpreter.read(bytes.fromhex("68 79 00 0B 01 02 05 32 21 0D 0A"))
    (second,) = interpreter.read(bytes.fromhex("68 79 00 0D 01 0B 01 02 58 48 7D 0D 0A"))
    assert (first.kind, first.name) == ("part", "set_level")
    assert (second.kind, second.name, second.values) == ("command", "set_level", {"level": 5, "lease": 600})


def test_what_stands_before_a_start_is_dropped_whether_the_frame_is_whole_or_begins() -> None:
    whole = bytes.fromhex("68 79 00 0B 02 01 03 5E E4 0D 0A")
    interpreter = Interpreter(BY_ID["ems-v2"], "status")
    assert interpreter.read(bytes.fromhex("04 0D 0A")) == ()
    (begun,) = interpreter.read(b"\x0a\x68" + whole[:4])  # a 68 that begins nothing, but may have
    assert (begun.kind, begun.dropped) == ("part", 2)
    (mode,) = interpreter.read(whole[4:])
    assert (mode.name, mode.dropped, mode.frame) == ("mode", 0, whole)
    first, second = interpreter.read(b"\xff" + whole + whole)
    assert (first.name, first.dropped, second.name, second.dropped) == ("mode", 1, "mode", 0)
    assert interpreter.read(b"\xff\x68") == ()
    (begun,) = interpreter.read(b"\x79")
    assert (begun.kind, begun.dropped) == ("part", 0)


def test_a_command_in_pieces_is_told_by_the_last() -> None:
    pieced = edited("button-ball", ('write = "request"', 'write = "request", pieces = 2'))
    interpreter = Interpreter(pieced)
    assert [one.kind for one in interpreter.read(b"\xa5\x03")] == ["part"]
    (whole,) = interpreter.read(b"\xa6")
    assert (whole.kind, whole.values, whole.frame) == ("command", {"level": 3}, b"\xa5\x03\xa6")


def test_with_a_codec_plug_in_the_frames_inside_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    masking.plug_in(monkeypatch)
    masked = edited("button-ball", ('evidence = "simulated"', 'evidence = "simulated"\ncodec = "mask"'))
    (said,) = request.say(masked, request.understood(masked, ["set_level=3"]))
    assert said.writes[0].data == b"\x5a\xfc\x59"
    assert said.frame == b"\xa5\x03\xa6"
    (command,) = Interpreter(masked).read(b"\x5a\xfc\x59")
    assert (command.name, command.frame, command.values) == ("set_level", b"\xa5\x03\xa6", {"level": 3})
    (report,) = Interpreter(masked, "level").read(b"\xa5\xfd\xa7")
    assert (report.kind, report.frame, report.values) == ("report", b"\x5a\x02\x58", {"level": 2})


def test_bytes_without_anything_fixed_give_way_to_those_with() -> None:
    # Any bytes below 80 are text, so that every frame of the open ball would be its maker's name too.
    (status,) = Interpreter(BY_ID["open-ball"]).read(bytes.fromhex("01 07 32 54 0B 1F 00"))
    assert status.name == "status"
    assert Interpreter(BY_ID["open-ball"]).read(bytes.fromhex("01 07 33")) == ()
    names = {one.name for one in Interpreter(BY_ID["open-ball"]).read(b"57")}
    assert names == {"maker", "model", "firmware"}
