"""What is learned from recordings that leave something out, lie, or were never meant to be learned from."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.learning import made
from tests.learning.recording import BALL, PHONE, app
from tests.learning.test_dialects import drive
from tests.profiles.shipped import BY_ID
from unknot.datafile import Misfit
from unknot.errors import UsageError
from unknot.learning import hci, lesson, trial
from unknot.learning.gatt import Meeting
from unknot.learning.lesson import Lesson, Recording
from unknot.learning.packets import Flaws
from unknot.learning.trial import Trial
from unknot.profiles.codec import Codec
from unknot.profiles.model import FirmwareProfile
from unknot.profiles.speech import SetLevel, Stop


def taught(*raw: made.Raw, levels: tuple[int, ...] = (), knows_table: bool = True) -> tuple[Lesson, Trial]:
    meeting = Meeting()
    listener = hci.Listener(meeting)
    packets = [made.connected(), *(made.table() if knows_table else ()), *raw]
    listener.listen((time_, kind, sent, 0, data) for time_, kind, sent, data in packets)
    for device in meeting.devices.values():
        device.settle()
    recording = Recording(Path("a.log"), meeting, listener.packets, 1.0, listener.began or 0.0, Flaws())
    learned = lesson.learn(recording, lesson.choose(recording, ""), levels)
    return learned, trial.tried(learned, "my-ball")


def loads(result: Trial) -> bool:
    """Whether the draft's text, as it is written, can be played."""
    try:
        FirmwareProfile.model_validate(tomllib.loads(result.draft.text))
    except (Misfit, ValidationError):
        return False
    return True


def board(*levels: int, start: float = 1.0) -> list[made.Raw]:
    """55 01 LEVEL 28 SUM AA, and 55 00 00 00 00 AA for off."""
    raw = []
    for number, level in enumerate(levels):
        value = bytes([1, level, 0x28]) if level else bytes(3)
        data = b"\x55" + value + bytes([sum(value) & 0xFF, 0xAA])
        raw.append(made.write(start + 2.0 * number + 0.3 * (number % 3), data))
    return raw


def test_without_a_stop_none_is_made_up() -> None:
    _, result = taught(*board(10, 20, 30, 20))
    assert result.profile is None
    assert "no stop was seen" in result.why
    assert "# MISSING: no stop was seen" in result.draft.text
    assert "stop =" not in result.draft.text
    assert "set_level =" in result.draft.text


def test_without_levels_there_is_nothing_to_draft_but_the_rest() -> None:
    _, result = taught(made.write(1, b"\x01"), made.notify(2, b"\x02"))
    assert result.profile is None
    assert "no level was seen to change" in result.why


def test_a_recording_without_writes_is_a_lesson_too() -> None:
    learned, result = taught(made.notify(2, b"\x02"))
    assert not learned.said
    assert result.profile is None


def test_an_order_that_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--levels: found 3 levels in turn \(1, 2, 3\)") as told:
        taught(*board(10, 20, 30, 20, 0), levels=(1, 2, 3))
    assert "10, 20, 30, 20" in str(told.value)
    with pytest.raises(UsageError, match="nothing varies in what the app wrote"):
        taught(made.write(1, b"\x01"), levels=(1, 2))


def test_the_order_decides_where_two_values_vary() -> None:
    """Byte 2 flickers, byte 1 is the level: only the person can know."""
    raw = [
        made.write(1.0 + number * 1.7, bytes([level, 40 + number % 3]))
        for number, level in enumerate((1, 1, 1, 2, 2, 2, 3, 3, 3, 2, 2, 2, 0))
    ]
    guessed, _ = taught(*raw)
    assert guessed.levels is not None
    assert guessed.levels.part.at == 1
    known, result = taught(*raw, levels=(1, 2, 3, 2, 0))
    assert known.levels is not None
    assert known.levels.part.at == 0
    assert known.levels.wires == {1: 1, 2: 2, 3: 3}
    assert result.draft.text.count("byte1 = ") >= 1


def test_levels_that_were_not_all_seen_lie_on_the_line() -> None:
    _, result = taught(*board(10, 20, 50, 0), levels=(1, 2, 5, 0))
    assert result.profile is not None
    assert result.profile.motor.levels == 5
    assert "level = { scale = 10 }" in result.draft.text


def test_a_level_that_the_ball_refused_is_none() -> None:
    error = bytes.fromhex("01 12 1000 0d")
    raw = [
        made.write(1, bytes([0xA5, 1, 0]), request=True),
        made.write(3, bytes([0xA5, 2, 0]), request=True),
        made.write(5, bytes([0xA5, 9, 0]), request=True),
        made.att(5.1, error, sent=False),
        made.write(7, bytes([0xA5, 3, 0]), request=True),
        made.write(9, bytes([0xA5, 0, 0]), request=True),
    ]
    learned, result = taught(*raw)
    assert learned.levels is not None
    assert sorted(learned.levels.wires.values()) == [1, 2, 3]
    assert result.profile is not None


def test_a_keep_alive_is_recognised_and_is_never_the_stop() -> None:
    beat = [made.write(0.5 + 4.0 * number, b"\x7f\x81") for number in range(6)]
    raw = sorted([*board(10, 20, 30, 20, 0), *beat])
    learned, result = taught(*raw)
    assert list(learned.steady.values()) == [pytest.approx(4.0)]
    assert result.profile is not None
    assert [kept.every for kept in result.profile.keep_alive] == [4.0]
    assert 'stop = { to = "control", frame = "55 00 00 00 00 AA" }' in result.draft.text


def test_a_repeated_level_is_told_and_no_lease_is_made_up() -> None:
    raw = [made.write(1 + 0.75 * number, bytes([0xA5, 1 + number // 8])) for number in range(24)]
    learned, result = taught(*raw, made.write(30, b"\xa5\x00"))
    assert learned.levels is not None
    assert learned.levels.renewed == pytest.approx(0.75)
    assert result.profile is not None
    assert result.profile.safety.lease is None
    assert "the app repeats its level every 0.75 s" in result.draft.text


def test_what_looks_like_a_level_is_not_said_unasked() -> None:
    """The first level also stands before the others, as a greeting would."""
    raw = [made.write(0.5, b"\xa5\x07\x01"), *(made.write(2.0 * n, bytes([0xA5, n, 0])) for n in range(1, 5))]
    _, result = taught(*raw, made.write(20, b"\xa5\x00\x00"))
    assert result.profile is None or not any(step.write for step in result.profile.init)


async def test_without_the_table_the_draft_says_what_to_fill_in(tmp_path: Path) -> None:
    file, profile = tmp_path / "snoop.log", BY_ID["intensity-board"]
    async with app(file, profile, discovers=False) as driving:
        for number, level in enumerate((10, 20, 40, 100, 20, 0)):
            await driving.level(level, 2 + number % 2)
    recording = lesson.record(file)
    learned = lesson.learn(recording, lesson.choose(recording, ""))
    result = trial.tried(learned, "my-ball")
    assert result.profile is not None
    (handle,) = result.draft.roles
    assert result.profile.gatt["control"].characteristic == (f"00000000-0000-0000-0000-00000000{handle:04x}",)
    assert "must be filled in" in result.draft.text
    assert "'unknot inspect' lists those of a ball that can write" in result.draft.text


async def test_neither_address_is_in_the_draft(tmp_path: Path) -> None:
    file = tmp_path / "snoop.log"
    await drive(file, BY_ID["button-ball"], (1, 2, 3, 0))
    recording = lesson.record(file)
    result = trial.tried(lesson.learn(recording, lesson.choose(recording, BALL)), "my-ball")
    text = result.draft.text.replace(":", "").casefold()
    for address in (BALL, PHONE):
        assert address.replace(":", "").casefold() not in text
    assert {one.address for one in recording.meeting.devices.values()} == {BALL}


def test_a_slider_that_was_dragged_has_the_values_between_too() -> None:
    raw = [
        made.write(1 + 0.4 * n, bytes([0xA5, level, 3]))
        for n, level in enumerate((*range(1, 60, 4), *range(60, 1, -7)))
    ]
    _, result = taught(*raw, made.write(40, b"\xa5\x00\x03"))
    assert result.profile is not None
    assert result.profile.motor.levels == 60
    assert "values between those that were seen" in result.draft.text


def test_a_fine_slider_becomes_a_hundred_levels() -> None:
    values = [*range(100, 10_000, 333), 10_000, *range(9000, 500, -777)]
    raw = [made.write(1 + 0.4 * n, value.to_bytes(2, "little")) for n, value in enumerate(values)]
    _, result = taught(*raw, made.write(60, b"\x00\x00"))
    assert result.profile is not None, result.why
    assert result.profile.motor.levels == 100
    assert result.writes.done == result.writes.all


def test_a_guess_is_marked_where_the_file_begins() -> None:
    _, result = taught(*board(10, 20, 30, 20), made.write(20, b"\x33\x44"))
    assert result.profile is not None
    beginning = result.draft.text.split("schema = 1")[0]
    assert "# MISSING: a stop that is more than a guess" in beginning
    assert "that this is the stop is a guess" in beginning
    assert "is the level is a guess" in beginning


STOP = made.write(20, b"\x33\x44")
UNPROVED: dict[str, tuple[list[made.Raw], tuple[int, ...]]] = {
    "no order": (board(10, 20, 30, 20, 0), ()),
    "an order without off": (board(10, 20, 30, 20, 0), (1, 2, 3, 2)),
    "a last frame that is only guessed": ([*board(10, 20, 30, 20), STOP], (1, 2, 3, 2)),
    "two frames that were both written at off": ([*board(10, 20, 30), STOP, made.write(25, b"\x55\x66")], (1, 2, 3, 0)),
    "one change": ([made.write(1, b"\xa5\x05"), made.write(3, b"\xa5\x00")], (1, 0)),
    "another value that follows the order": (
        sorted([*board(10, 20, 30, 0), *(made.write(10 + n, bytes([0x77, n])) for n in (1, 2, 3, 0))]), (1, 2, 3, 0),
    ),
}  # fmt: skip


@pytest.mark.parametrize("why", UNPROVED)
def test_a_stop_that_nothing_proves_keeps_the_draft_from_loading(why: str) -> None:
    """A person may lie on the ball: what stops it is confirmed by an order, or by hand."""
    raw, levels = UNPROVED[why]
    learned, result = taught(*raw, levels=levels)
    assert learned.levels is not None
    assert learned.levels.stop
    assert not loads(result)
    assert result.why == result.draft.doubt
    # By hand: one sign less before the stop.
    confirmed = result.draft.text.replace("# stop = ", "stop = ")
    assert confirmed != result.draft.text
    profile = FirmwareProfile.model_validate(tomllib.loads(confirmed))
    assert Codec(profile).encode(Stop(0))[0].data == learned.levels.stop[0].data


def test_an_order_that_goes_off_twice_proves_which_of_two_frames_it_was() -> None:
    raw = [*board(10, 20), made.write(6, b"\x33\x44"), made.write(8, b"\x55\x66"),
           *board(10, 20, start=10.0), made.write(16, b"\x33\x44")]  # fmt: skip
    _, result = taught(*raw, levels=(1, 2, 0, 1, 2, 0))
    assert not result.why
    assert 'stop = { to = "control", frame = "33 44" }' in result.draft.text


def test_a_level_with_the_code_0_is_never_the_stop() -> None:
    codes = [made.write(2.0 * n, bytes([0xA5, code])) for n, code in enumerate((0, 1, 2, 1, 0), 1)]
    learned, result = taught(*codes, made.write(20, b"\x7f\x00\x01"), levels=(1, 2, 3, 2, 1, 0))
    assert learned.levels is not None
    assert learned.levels.wires == {1: 0, 2: 1, 3: 2}
    assert 'stop = { to = "control", frame = "7F 00 01" }' in result.draft.text
    _, unsure = taught(*codes, levels=(1, 2, 3, 2, 1))
    assert not loads(unsure)
    assert 'frame = "A5 00" }' not in unsure.draft.text.split("[[examples]]")[0]


def test_one_level_alone_is_no_order() -> None:
    raw = [made.write(1, b"\xa5\x05"), made.write(3, b"\xa5\x00")]
    with pytest.raises(UsageError, match="found 1 levels in turn"):
        taught(*raw, levels=(1,))
    taught(*raw, levels=(1, 0))


def test_two_levels_with_one_code_are_refused() -> None:
    raw = [made.write(2.0 * n, bytes([0xA5, code])) for n, code in enumerate((5, 6, 5, 6, 0), 1)]
    with pytest.raises(UsageError, match="found 5 levels in turn"):
        taught(*raw, levels=(1, 2, 3, 2, 0))


def test_what_a_person_may_have_pressed_is_no_greeting() -> None:
    hello, start = made.write(0.6, b"\x10\x12"), made.write(4.0, b"\x01\x01\x01")
    learned, result = taught(hello, start, *board(10, 20, 30, 0, start=8.0), levels=(1, 2, 3, 0))
    assert result.profile is not None
    assert [step.write.frame.template for step in result.profile.init if step.write] == ["10 12"]
    assert "what the app means by 01 01 01 is not known" in result.draft.text
    learned.device.arrivals.clear()  # it was connected before the recording began: who knows what was a greeting
    again = trial.tried(learned, "my-ball")
    assert again.profile is not None
    assert not again.profile.init


BEAT = [made.write(0.5 + 0.9 * number, b"\x7f\x81") for number in range(24)]


@pytest.mark.parametrize(
    ("press", "others"),
    [
        (2.5, BEAT),  # keep-alives before it are no reason for it
        (9.0, [made.write(0.6 + 0.8 * n, b"\x10" * (7 + n)) for n in range(11)]),  # nobody greets so long
        (5.0, [made.att(4.5, b"\x0a\x12\x00", sent=True)]),  # the app asked something, long after it came
    ],
)
def test_what_follows_something_late_is_no_greeting(press: float, others: list[made.Raw]) -> None:
    start = made.write(press, b"\x01\x01\x01")
    _, result = taught(*sorted([start, *others, *board(10, 20, 30, 0, start=12.0)]), levels=(1, 2, 3, 0))
    assert result.profile is not None
    assert "01 01 01" not in [step.write.frame.template for step in result.profile.init if step.write]


def test_what_was_only_repeated_while_the_motor_ran_is_so_in_the_draft() -> None:
    beat = [made.write(1.5 + 1.3 * number, b"\x7f\x81") for number in range(6)]
    _, result = taught(*sorted([*board(10, 20, 30, 20, 0), *beat]), levels=(1, 2, 3, 2, 0))
    assert result.profile is not None
    assert [kept.state for kept in result.profile.keep_alive] == ["running"]
    late = made.write(1.5 + 1.3 * 6 + 2, b"\x7f\x81")
    _, result = taught(*sorted([*board(10, 20, 30, 20, 0), *beat, late]), levels=(1, 2, 3, 2, 0))
    assert result.profile is not None
    assert [kept.state for kept in result.profile.keep_alive] == ["connected"]


def test_a_greeting_that_meets_the_first_level_is_no_part_of_it() -> None:
    """An app that connects and drives at once; every level is followed by a start."""
    raw = [made.write(0.9, b"\x10\x12")]
    for number, level in enumerate((1, 2, 3, 2)):
        raw += [made.write(1 + 2 * number, bytes([0xA5, level, 7])), made.write(1.1 + 2 * number, b"\x55\x01\x01\x01")]
    _, result = taught(*raw, made.write(9.5, b"\x55\x00\x00\x00"), levels=(1, 2, 3, 2, 0))
    assert result.profile is not None
    assert len(Codec(result.profile).encode(SetLevel(1))) == 2
    assert result.writes.done == result.writes.all


def test_what_differs_beside_a_level_is_no_part_of_it() -> None:
    """Each level is followed at once by one of two frames; a slider that was dragged hides them once."""
    raw = []
    for number, level in enumerate((1, 2, 3, 2)):
        beside = (b"\x55\x01\x01\x01", b"\x66\x01\x02\x01")[number % 2]
        raw += [made.write(1 + 2 * number, bytes([0xA5, level, 7])), made.write(1.1 + 2 * number, beside)]
    _, result = taught(*raw, made.write(9.5, b"\xa5\x00\x07"), levels=(1, 2, 3, 2, 0))
    assert result.profile is not None
    assert len(Codec(result.profile).encode(SetLevel(1))) == 1


def test_a_slider_that_was_dragged_once_hides_nothing_of_what_a_level_is() -> None:
    raw = []
    for number, level in enumerate((1, 2, 3, 2)):
        raw += [made.write(1 + 2 * number, bytes([0xA5, level, 7])), made.write(1.1 + 2 * number, b"\x55\x01\x01\x01")]
    raw += [made.write(10 + 0.1 * n, bytes([0xA5, level, 7])) for n, level in enumerate((1, 2))]
    _, result = taught(*raw, made.write(12, b"\xa5\x00\x07"), levels=(1, 2, 3, 2, 1, 2, 0))
    assert result.profile is not None
    assert len(Codec(result.profile).encode(SetLevel(1))) == 2


def test_what_only_few_levels_have_beside_them_is_no_part_of_them() -> None:
    """A slider was dragged so quickly that most levels stand together; one stands by itself, with a query."""
    raw = [made.write(1.0, b"\xa5\x01\x07"), made.write(1.1, b"\x55\x01\x01\x01")]
    for number in range(3):
        raw += [made.write(3 + 3 * number + 0.2 * n, bytes([0xA5, level, 7])) for n, level in enumerate((2, 3, 4, 5))]
    _, result = taught(*raw, made.write(20, b"\xa5\x00\x07"))
    assert result.profile is not None
    assert len(Codec(result.profile).encode(SetLevel(1))) == 1


def advertised(*data: bytes, name: bytes = b"") -> tuple[Lesson, Trial]:
    own = made.field(9, name) if name else b""
    adverts = [made.advertised(0.1, own + made.field(0xFF, b"\x5c\x0a" + one)) for one in data]
    return taught(*adverts, *board(10, 20, 30, 0), levels=(1, 2, 3, 0))


@pytest.mark.parametrize(
    ("data", "drafted"),
    [
        ([b"TB\x07\x03\x09\x09"], "54 42 07 03"),
        ([b"TB\x07\x03", b"TB\x08\x03"], "54 42"),
        ([b"T" + made.BALL[::-1]], "54"),
        ([b"TB" + made.BALL], "54 42"),
        ([made.BALL + b"TB"], None),
        ([b"\x01", b"\x02"], None),
    ],
)
def test_manufacturer_data_is_what_a_ball_without_a_name_is_known_by(data: list[bytes], drafted: str | None) -> None:
    _, result = advertised(*data)
    assert result.profile is not None, result.draft.text
    shown = [str(one.data) for one in result.profile.match.manufacturer]
    assert shown == ([] if drafted is None else [drafted])
    assert ("How it shows itself was not recorded" in result.draft.text) == (drafted is None)
    _, named = advertised(*data, name=b"TIDE-7F31")
    assert named.profile is not None
    assert not named.profile.match.manufacturer


def test_the_same_bytes_to_two_characteristics_at_one_moment_are_two_writes() -> None:
    _, result = taught(
        *(made.write(1, data, at=at) for data, at in ((b"\x01", 0x10), (b"\x00", 0x12), (b"\x01", 0x12)))
    )
    assert not loads(result)


FRAMES = st.lists(
    st.tuples(st.sampled_from([0x10, 0x12, 0x20]), st.booleans(), st.floats(0, 5), st.binary(min_size=0, max_size=6)),
    max_size=30,
)


@given(FRAMES, st.sampled_from([(), (1, 2), (1, 0), (1, 2, 1, 0)]))
@settings(deadline=None)
def test_whatever_was_said_a_draft_is_made_and_reproduces_what_it_claims(
    frames: list[tuple[int, bool, float, bytes]], levels: tuple[int, ...]
) -> None:
    at, raw = 1.0, []
    for handle, heard, pause, data in frames:
        at += pause
        raw.append(made.notify(at, data, at=handle) if heard else made.write(at, data, at=handle))
    try:
        _, result = taught(*raw, levels=levels)
    except UsageError:
        return
    for count in (result.writes, result.reports):
        assert 0 <= count.done <= count.all
    assert loads(result) != bool(result.why)


WORDS = (b"SET 1\n", b"SET 2\n", b"SET 10\n", b"STOP\n", b'{"l":1}', b'{"l":22}', b'{"l":{"m":true}}',
         b"AT+V=1F\r\n", b"AT+V=2E\r\n", b"AT+V=3D\r\n", b"AT+V=4C\r\n", b"AAAA BBBB\n")  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=25))
@settings(deadline=None)
def test_whatever_words_were_said_a_draft_is_made(words: list[bytes]) -> None:
    raw = [made.write(1 + 1.3 * number, word) for number, word in enumerate(words)]
    _, result = taught(*raw, *(made.notify(100 + number, word) for number, word in enumerate(words)))
    assert loads(result) != bool(result.why)


def test_long_frames_in_which_all_varies_are_raw_bytes() -> None:
    raw = [made.write(number / 10, bytes(number * k & 0xFF for k in range(1, 200))) for number in range(60)]
    learned, result = taught(*raw)
    assert [group.template for group in learned.groups] == ["{rest:bytes199}"]
    assert result.profile is None
