from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.profiles.shipped import BY_ID, SPOKEN, edited
from unknot.errors import FrameMismatch, FrameValueError, LevelOutOfRange, UsageError
from unknot.profiles.codec import Codec
from unknot.profiles.model import FirmwareProfile
from unknot.profiles.reader import Message
from unknot.profiles.speech import Command, Refused, Report, SetLevel, Stop, Write
from unknot.profiles.writekind import WriteKind

every_profile = pytest.mark.parametrize("profile", SPOKEN, ids=lambda profile: profile.id)

THREE_LEVELS = edited("button-ball", ("levels = 4", "levels = 3\n[values]\nlevel = { table = [0, 30, 55, 80] }"))
OF_255 = edited("button-ball", ("levels = 4", "levels = 100\n[values]\nlevel = { scale = 2.55 }"))

IN_TWO_WRITES = edited(
    "button-ball",
    (
        'set_level = { to = "level", frame = "A5 {level:u8} {xor8:0..}" }',
        'set_level = [{ to = "level", frame = "A1" }, { to = "level", frame = "A2 {level:u8}" }]',
    ),
    (
        'stop = { to = "level", frame = "A5 00 A5" }',
        'stop = [{ to = "level", frame = "A1" }, { to = "level", frame = "A0" }]',
    ),
)
"""Both commands begin with the same write, so only the second one tells which it is."""


def read(profile: FirmwareProfile, *data: str) -> Message | None:
    """What the ball's end makes of writes to the button ball's one characteristic."""
    reader = Codec(profile).reader()
    command: Message | None = None
    for one in data:
        command = reader.feed("level", bytes.fromhex(one))
    return command


# Commands.


@pytest.mark.parametrize(
    ("profile", "command", "writes"),
    [
        ("theragun-4", SetLevel(1), [("command", "AA E3 01 03 06 D6 03", WriteKind.REQUEST)]),
        ("theragun-4", SetLevel(5), [("command", "AA 70 01 03 09 60 03", WriteKind.REQUEST)]),
        ("theragun-4", Stop(), [("command", "AA 07 01 03 00 00 03", WriteKind.REQUEST)]),
        ("vibmotor-3", SetLevel(50), [("motor", "88 13", WriteKind.COMMAND)]),
        ("vibmotor-3", SetLevel(100), [("motor", "10 27", WriteKind.COMMAND)]),
        ("vibmotor-3", Stop(), [("motor", "00 00", WriteKind.COMMAND)]),
        ("open-ball", SetLevel(50, 3.0, 7), [("command", "01 07 32 B8 0B", WriteKind.COMMAND)]),
        ("open-ball", SetLevel(50, None, 7), [("command", "01 07 32 DC 05", WriteKind.COMMAND)]),
        ("open-ball", Stop(8), [("command", "00 08", WriteKind.REQUEST)]),
    ],
)
def test_a_command_is_written_with_the_documented_bytes(
    profile: str, command: Command, writes: list[tuple[str, str, WriteKind]]
) -> None:
    expected = tuple(Write(to, bytes.fromhex(data), kind) for to, data, kind in writes)
    assert Codec(BY_ID[profile]).encode(command) == expected


def test_a_level_goes_in_the_preferred_kind_of_write_and_a_stop_as_a_request() -> None:
    codec = Codec(BY_ID["open-ball"])
    assert BY_ID["open-ball"].gatt["command"].write == (WriteKind.COMMAND, WriteKind.REQUEST)
    assert codec.encode(SetLevel(1))[0].kind is WriteKind.COMMAND
    assert codec.encode(Stop())[0].kind is WriteKind.REQUEST


@every_profile
def test_every_level_is_read_by_the_ball_as_what_it_is(profile: FirmwareProfile) -> None:
    codec = Codec(profile)
    codec.rehearse()
    for level in range(1, profile.motor.levels + 1) if profile.commands.set_level else ():
        reader = codec.reader()
        commands = [reader.feed(write.to, write.data) for write in codec.encode(SetLevel(level))]
        assert not any(isinstance(command, SetLevel) for command in commands[:-1])
        assert isinstance(commands[-1], SetLevel)
        assert commands[-1].level == level


@every_profile
def test_a_stop_is_read_by_the_ball_as_a_stop(profile: FirmwareProfile) -> None:
    codec = Codec(profile)
    reader = codec.reader()
    assert [reader.feed(write.to, write.data) for write in codec.encode(Stop())][-1] == Stop()


@every_profile
@settings(max_examples=25)
@given(level=st.integers())
def test_a_level_outside_the_range_is_refused_and_nothing_encoded(profile: FirmwareProfile, level: int) -> None:
    if 1 <= level <= profile.motor.levels:
        level += profile.motor.levels
    with pytest.raises(LevelOutOfRange) as caught:
        Codec(profile).encode(SetLevel(level))
    assert (caught.value.found, caught.value.maximum) == (level, profile.motor.levels)


@every_profile
@pytest.mark.parametrize("level", [True, 1.0, 1.5, math.nan, "1", None])
def test_a_level_that_is_no_whole_number_is_refused(profile: FirmwareProfile, level: int) -> None:
    with pytest.raises(UsageError, match=r"^a level is a whole number from 1 to"):
        Codec(profile).encode(SetLevel(level))


@pytest.mark.parametrize(
    "command",
    [
        SetLevel(1, lease=65.536),
        SetLevel(1, lease=-0.01),
        SetLevel(1, lease=math.inf),
        SetLevel(1, lease=math.nan),
        SetLevel(1, sequence=256),
        Stop(sequence=-1),
    ],
)
def test_a_lease_or_sequence_without_room_is_refused_never_wrapped(command: Command) -> None:
    with pytest.raises(FrameValueError):
        Codec(BY_ID["open-ball"]).encode(command)


@given(level=st.integers(1, 100), lease=st.integers(0, 5000), sequence=st.integers(0, 255))
def test_an_open_ball_reads_level_lease_and_sequence_as_they_were_sent(level: int, lease: int, sequence: int) -> None:
    codec = Codec(BY_ID["open-ball"])
    sent = SetLevel(level, lease / 1000, sequence)
    (write,) = codec.encode(sent)
    assert write.data == bytes([1, sequence, level]) + lease.to_bytes(2, "little")
    assert codec.reader().feed(write.to, write.data) == sent


def test_a_table_writes_its_integers_and_reads_no_others() -> None:
    codec = Codec(THREE_LEVELS)
    assert codec.encode(SetLevel(2))[0].data == bytes.fromhex("A5 37 92")
    assert read(THREE_LEVELS, "A5 37 92") == SetLevel(2)
    with pytest.raises(FrameMismatch):
        read(THREE_LEVELS, "A5 38 9D")


def test_a_scale_that_is_no_whole_number_keeps_every_level() -> None:
    codec = Codec(OF_255)
    assert codec.encode(SetLevel(50))[0].data == bytes.fromhex("A5 80 25")
    assert codec.encode(SetLevel(100))[0].data == bytes.fromhex("A5 FF 5A")
    for level in range(1, 101):
        (write,) = codec.encode(SetLevel(level))
        assert codec.reader().feed(write.to, write.data) == SetLevel(level)
        assert codec.decode(*codec.report("level", {"level": level})) == Report("level", {"level": level})


# What the ball reads.


def test_level_nought_is_read_as_a_stop() -> None:
    reader = Codec(BY_ID["open-ball"]).reader()
    assert reader.feed("command", bytes.fromhex("01 05 00 B8 0B")) == Stop(5)


def test_where_level_nought_and_stop_are_the_same_bytes_they_mean_stop() -> None:
    assert Codec(BY_ID["vibmotor-3"]).reader().feed("motor", bytes.fromhex("00 00")) == Stop()


@pytest.mark.parametrize(
    ("profile", "to", "data"),
    [
        ("open-ball", "command", ""),
        ("open-ball", "command", "00"),
        ("open-ball", "command", "00 01 02"),
        ("open-ball", "command", "02 01"),
        ("open-ball", "command", "01 07 32 B8"),
        ("open-ball", "command", "01 07 32 B8 0B 00"),
        ("open-ball", "command", "01 07 65 B8 0B"),
        ("open-ball", "status", "00 01"),
        ("vibmotor-3", "motor", "89 13"),
        ("vibmotor-3", "motor", "74 27"),
        ("theragun-4", "command", "AA E4 01 03 06 D6 03"),
        ("theragun-4", "command", "AA E4 01 03 06 D7 03"),
        ("button-ball", "level", "A5 05 A0"),
        ("button-ball", "nowhere", "A5 00 A5"),
    ],
)
def test_writes_that_are_no_command_are_refused(profile: str, to: str, data: str) -> None:
    with pytest.raises(FrameMismatch, match=f"^no command of {profile} looks like"):
        Codec(BY_ID[profile]).reader().feed(to, bytes.fromhex(data))


@every_profile
@settings(max_examples=25)  # the many profiles make many; ten thousand are tried by the tests marked "many"
@given(data=st.lists(st.binary(max_size=12), max_size=4))
def test_any_writes_are_read_or_refused(profile: FirmwareProfile, data: list[bytes]) -> None:
    reader = Codec(profile).reader()
    for one in data:
        for role in profile.gatt:
            try:
                command = reader.feed(role, one)
            except FrameMismatch:
                continue
            assert not isinstance(command, SetLevel) or 1 <= command.level <= profile.motor.levels


# Commands of several writes.


def test_a_command_of_two_writes_is_written_in_order() -> None:
    codec = Codec(IN_TWO_WRITES)
    assert [write.data.hex() for write in codec.encode(SetLevel(3))] == ["a1", "a203"]
    assert [write.data.hex() for write in codec.encode(Stop())] == ["a1", "a0"]


def test_a_command_is_complete_only_with_its_last_write() -> None:
    assert read(IN_TWO_WRITES, "A1") is None
    assert read(IN_TWO_WRITES, "A1", "A2 03") == SetLevel(3)
    assert read(IN_TWO_WRITES, "A1", "A0") == Stop()


def test_a_command_that_begins_again_forgets_its_first_beginning() -> None:
    assert read(IN_TWO_WRITES, "A1", "A1", "A2 03") == SetLevel(3)
    assert read(IN_TWO_WRITES, "A1", "A2 03", "A1", "A0") == Stop()


@pytest.mark.parametrize("stranger", ["FF", "A2 05", "A1 00", ""])
def test_a_strange_write_ends_what_had_begun(stranger: str) -> None:
    reader = Codec(IN_TWO_WRITES).reader()
    assert reader.feed("level", b"\xa1") is None
    with pytest.raises(FrameMismatch):
        reader.feed("level", bytes.fromhex(stranger))
    with pytest.raises(FrameMismatch):
        reader.feed("level", bytes.fromhex("A2 03"))
    assert reader.feed("level", b"\xa1") is None
    assert reader.feed("level", bytes.fromhex("A2 03")) == SetLevel(3)


@pytest.mark.parametrize("second", ["A2 03", "A0"])
def test_a_second_write_without_its_first_is_refused(second: str) -> None:
    with pytest.raises(FrameMismatch):
        read(IN_TWO_WRITES, second)


def test_a_completed_command_leaves_nothing_begun() -> None:
    reader = Codec(IN_TWO_WRITES).reader()
    assert [reader.feed("level", bytes.fromhex(data)) for data in ("A1", "A0")] == [None, Stop()]
    with pytest.raises(FrameMismatch):
        reader.feed("level", bytes.fromhex("A2 03"))


def test_a_write_may_end_one_command_and_begin_another() -> None:
    profile = edited(
        "button-ball",
        (
            'stop = { to = "level", frame = "A5 00 A5" }',
            'stop = [{ to = "level", frame = "A5 02 A7" }, { to = "level", frame = "FF" }]',
        ),
    )
    assert read(profile, "A5 02 A7") == SetLevel(2)
    assert read(profile, "A5 02 A7", "FF") == Stop()
    with pytest.raises(FrameMismatch):
        read(profile, "A5 03 A6", "FF")


def test_a_stop_of_one_write_interrupts_a_level_of_two() -> None:
    profile = edited(
        "button-ball",
        (
            'set_level = { to = "level", frame = "A5 {level:u8} {xor8:0..}" }',
            'set_level = [{ to = "level", frame = "A1" }, { to = "level", frame = "A2 {level:u8}" }]',
        ),
    )
    reader = Codec(profile).reader()
    assert [reader.feed("level", bytes.fromhex(data)) for data in ("A1", "A5 00 A5")] == [None, Stop()]
    with pytest.raises(FrameMismatch):
        reader.feed("level", bytes.fromhex("A2 03"))


def test_writes_of_one_command_may_go_to_two_characteristics() -> None:
    profile = edited(
        "open-ball",
        (
            'maker = { service = "180A", characteristic = "2A29", read = true }',
            'maker = { service = "180A", characteristic = "2A29", read = true, write = "request" }',
        ),
        (
            'set_level = { to = "command", frame = "01 {sequence:u8} {level:u8} {lease:u16le}" }',
            'set_level = [{ to = "maker", frame = "{sequence:u8}" }, '
            '{ to = "command", frame = "{level:u8} {lease:u16le}" }]',
        ),
    )
    codec = Codec(profile)
    writes = codec.encode(SetLevel(9, 1.0, 4))
    assert [(write.to, write.data.hex(), write.kind.value) for write in writes] == [
        ("maker", "04", "request"),
        ("command", "09e803", "command"),
    ]
    reader = codec.reader()
    assert [reader.feed(write.to, write.data) for write in writes] == [None, SetLevel(9, 1.0, 4)]
    with pytest.raises(FrameMismatch):
        codec.reader().feed("command", writes[0].data)


# Reports.


@pytest.mark.parametrize(
    ("profile", "source", "data", "report"),
    [
        ("open-ball", "battery", "57", Report("battery", {"battery": 87})),
        ("open-ball", "firmware", "31 2E 30", Report("firmware", {"firmware": "1.0"})),
        (
            "open-ball",
            "status",
            "01 09 00 00 00 FB 01",
            Report("status", {"sequence": 9, "level": 0, "lease": 0, "temperature": -5, "fault": 1}),
        ),
        ("button-ball", "level", "5A 02 58", Report("level", {"level": 2})),
        (
            "theragun-4",
            "reply",
            "BB ED 10 00 01 00 00 00 00 00 00 00 00 06 D6",
            Report("status", {"running": 1, "level": 1}),
        ),
        ("vibmotor-3", "info", "B0 00 01 03 00 50", Report("info", {"motors": 1, "version": 3, "battery": 80})),
    ],
)
def test_a_report_is_read_from_its_bytes(profile: str, source: str, data: str, report: Report) -> None:
    assert Codec(BY_ID[profile]).decode(source, bytes.fromhex(data)) == report


@pytest.mark.parametrize(
    ("profile", "source", "data"),
    [
        ("open-ball", "status", "02 09 00 00 00 FB 01"),
        ("open-ball", "status", "01 09 00 00 00 FB"),
        ("open-ball", "status", "01 09 00 00 00 FB 01 00"),
        ("open-ball", "firmware", "FF"),
        ("open-ball", "command", "00 01"),
        ("open-ball", "nowhere", "57"),
        ("button-ball", "level", "5A 02 59"),
        ("theragun-4", "reply", "BB EE 10 00 01 00 00 00 00 00 00 00 00 06 D6"),
        ("theragun-4", "reply", "BB EE 10 00 01 00 00 00 00 00 00 00 00 06 D7"),
    ],
)
def test_bytes_that_are_no_report_are_none(profile: str, source: str, data: str) -> None:
    assert Codec(BY_ID[profile]).decode(source, bytes.fromhex(data)) is None


@every_profile
@settings(max_examples=25)
@given(data=st.binary(max_size=24))
def test_any_bytes_are_a_report_or_none(profile: FirmwareProfile, data: bytes) -> None:
    codec = Codec(profile)
    for role in profile.gatt:
        report = codec.decode(role, data)
        if report is not None:
            told = profile.refusals if isinstance(report, Refused) else profile.reports
            assert set(report.values) <= set(told[report.name].frame.slots)
            try:
                back = codec.report(report.name, report.values)
            except FrameValueError:  # a value beyond what the profile lets be written
                continue
            assert codec.decode(*back) == report


LEVEL_REPORTS = [
    pytest.param(profile, name, id=f"{profile.id}-{name}")
    for profile in SPOKEN
    for name, report in profile.reports.items()
    if "level" in report.frame.slots
]


@pytest.mark.parametrize(("profile", "name"), LEVEL_REPORTS)
def test_every_reported_level_comes_back_as_itself(profile: FirmwareProfile, name: str) -> None:
    codec = Codec(profile)
    shown = next(example.report[name] for example in profile.examples if example.report and name in example.report)
    for level in range(profile.motor.levels + 1):
        report = codec.decode(*codec.report(name, {**shown, "level": level}))
        assert isinstance(report, Report)
        assert report.level == level


def test_a_report_without_a_level_has_none() -> None:
    assert Report("battery", {"battery": 87}).level is None
    assert Report("odd", {"level": "high"}).level is None


@pytest.mark.parametrize(
    "values",
    [{}, {"level": 101}, {"level": 1.5}, {"level": math.inf}, {"level": math.nan}, {"level": -1}, {"level": "1"}],
)
def test_a_report_with_a_value_that_is_missing_or_does_not_fit_is_refused(values: dict[str, float | str]) -> None:
    with pytest.raises(FrameValueError, match=r"^level = "):
        Codec(BY_ID["theragun-4"]).report("status", {"running": 1, **values})
