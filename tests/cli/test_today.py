"""What ``unknot today`` tells of a day."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.protocols.made import profile, step, timeline
from unknot.cli import main
from unknot.cli.today import as_dict, as_lines
from unknot.protocols.timeline import Side, Timeline, compile_free
from unknot.session.day import Day
from unknot.session.ledger import Ledger

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=timezone(timedelta(hours=1)))
MINUTE = timedelta(minutes=1)


def session(side: Side) -> Timeline:
    return timeline(step("hold", 100, to=10), step("stretch", 5), levels=10, side=side)


@pytest.fixture
def day() -> Day:
    ledger = Ledger()
    for number, one in enumerate(
        [session(Side.LEFT), session(Side.ANY), session(Side.LEFT), compile_free(20, 30, profile(10))]
    ):
        ledger.end(ledger.begin(one, NOON + number * 10 * MINUTE), 20 + number, NOON + (number * 10 + 2) * MINUTE)
    ledger.begin(session(Side.BOTH), (NOON + 60 * MINUTE).astimezone(UTC))
    return ledger.day(NOON + 120 * MINUTE)


def test_a_day_in_sentences(day: Day) -> None:
    assert as_lines(day) == [
        "The motor ran 4:46 in the last 24 hours; 40:14 of 45:00 left.",
        "made, left: 0:42 in 2 sessions, the last until 12:22; 0 sessions left",
        "made, side not named: 0:21 in 1 session, the last until 12:12; 0 sessions left",
        "free vibration: 0:23 in 1 session, the last until 12:32",
        "made, both sides: 3:20 in 1 session, the last until 13:03; 0 sessions left",
    ]


def test_a_day_for_programs(day: Day) -> None:
    told = as_dict(day)
    assert told["motor_seconds"] == 286
    assert told["left_seconds"] == 2414
    assert told["unreadable_lines"] == 0
    assert isinstance(told["played"], list)
    assert told["played"][0] == {
        "muscle": "made",
        "side": "left",
        "sessions": 2,
        "motor_seconds": 42,
        "last": "2026-03-01T12:22:00+01:00",
        "left_sessions": 0,
    }
    assert [row["left_sessions"] for row in told["played"]] == [0, 0, None, 0]


def test_the_command_reads_the_file_of_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    Ledger().begin(session(Side.LEFT), datetime.now().astimezone())
    with pytest.raises(SystemExit) as left:
        main(["today", "--json"])
    assert left.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert told["file"] == str(Ledger().file)
    assert [(row["muscle"], row["side"], row["left_sessions"]) for row in told["played"]] == [("made", "left", 2)]


def test_a_name_from_the_file_is_never_printed_raw(day: Day) -> None:
    (first, *_) = day.entries
    bad = type(first)("x", "\x1b[31m", first.side, first.began, 10, 10)
    assert as_lines(Day(day.now, (bad,)))[1].startswith("\\x1b[31m, left: ")


def test_what_cannot_be_read_is_told(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    Ledger().file.write_text("{\n")
    with pytest.raises(SystemExit):
        main(["today"])
    assert "line 1 is no entry" in caplog.text
    assert capsys.readouterr().out.startswith("Nothing was played in the last 24 hours: 45:00 of 45:00 left, and 3 ")
