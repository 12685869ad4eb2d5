"""What is learned from recordings that leave something out, lie, or were never meant to be learned from."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.learning import made
from tests.learning.recording import BALL, PHONE, app
from tests.learning.test_dialects import drive
from tests.profiles.shipped import BY_ID
from unknot.errors import UsageError
from unknot.learning import hci, lesson, trial
from unknot.learning.gatt import Meeting
from unknot.learning.lesson import Lesson, Recording
from unknot.learning.packets import Flaws
from unknot.learning.trial import Trial


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
    assert "that this is the stop is a guess" in beginning
    assert "is the level is a guess" in beginning


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
    assert (result.profile is None) == bool(result.why)


WORDS = (b"SET 1\n", b"SET 2\n", b"SET 10\n", b"STOP\n", b'{"l":1}', b'{"l":22}', b'{"l":{"m":true}}',
         b"AT+V=1F\r\n", b"AT+V=2E\r\n", b"AT+V=3D\r\n", b"AT+V=4C\r\n", b"AAAA BBBB\n")  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=25))
@settings(deadline=None)
def test_whatever_words_were_said_a_draft_is_made(words: list[bytes]) -> None:
    raw = [made.write(1 + 1.3 * number, word) for number, word in enumerate(words)]
    _, result = taught(*raw, *(made.notify(100 + number, word) for number, word in enumerate(words)))
    assert (result.profile is None) == bool(result.why)


def test_long_frames_in_which_all_varies_are_raw_bytes() -> None:
    raw = [made.write(number / 10, bytes(number * k & 0xFF for k in range(1, 200))) for number in range(60)]
    learned, result = taught(*raw)
    assert [group.template for group in learned.groups] == ["{rest:bytes199}"]
    assert result.profile is None
