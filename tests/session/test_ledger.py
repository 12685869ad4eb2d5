from __future__ import annotations

import errno
import io
import json
import logging
import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from platformdirs import user_data_path

from tests.protocols.made import PROPERTY, step, timeline
from unknot.errors import LimitExceeded
from unknot.protocols.timeline import Side, Timeline
from unknot.session import ledger as ledger_module
from unknot.session.day import Entry
from unknot.session.ledger import COMPACT_BYTES, Ledger, default_file

if TYPE_CHECKING:
    from typing_extensions import Buffer

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=timezone(timedelta(hours=1)))
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "unknot" / "ledger.jsonl"


def session(side: Side = Side.LEFT) -> Timeline:
    """100 s of the motor in 105 s."""
    return timeline(step("hold", 100, to=10), step("stretch", 5), levels=10, side=side)


def rows(file: Path) -> list[dict[str, object]]:
    # An empty line is what a writer leaves who met another one in the middle of its line.
    return [json.loads(line) for line in file.read_text().splitlines() if line]


def test_nothing_is_made_before_something_is_played(file: Path) -> None:
    ledger = Ledger(file)
    assert ledger.day(NOON).entries == ()
    ledger.refuse(session(), NOON)
    assert ledger.notes(session(), NOON) == ()
    assert not file.parent.exists()


def test_without_a_file_it_lies_where_the_system_keeps_such_things() -> None:
    assert default_file() == user_data_path("unknot") / "ledger.jsonl"
    assert Ledger().file == ledger_module.default_file()


def test_a_session_is_two_whole_lines(file: Path) -> None:
    ledger = Ledger(file)
    entry = ledger.begin(session(), NOON)
    ledger.end(entry, 42.5, NOON + MINUTE)
    first = {"id": entry.id, "muscle": "made", "side": "left", "began": "2026-03-01T12:00:00+01:00", "seconds": 105.0,
             "planned": 100.0, "ended": None, "measured": None}  # fmt: skip
    assert rows(file) == [first, first | {"ended": "2026-03-01T12:01:00+01:00", "measured": 42.5}]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_nobody_else_can_read_it(file: Path) -> None:
    before = os.umask(0)
    try:
        Ledger(file).begin(session(), NOON)
    finally:
        os.umask(before)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_what_one_ledger_wrote_another_reads(file: Path) -> None:
    writer = Ledger(file)
    killed = writer.begin(session(Side.RIGHT), NOON)
    ended = writer.begin(session(), NOON + MINUTE)
    writer.end(ended, 7, NOON + 2 * MINUTE)
    entries = Ledger(file).day(NOON + HOUR).entries
    assert entries == (killed, Entry(ended.id, "made", Side.LEFT, NOON + MINUTE, 105, 100, NOON + 2 * MINUTE, 7))
    assert Ledger(file).day(NOON + HOUR).motor_seconds == 107


def test_an_entry_counts_for_24_hours_after_its_end_in_any_time_zone(file: Path) -> None:
    entry = Ledger(file).begin(session(), NOON)
    Ledger(file).end(entry, 90, NOON + 2 * MINUTE)
    over = (NOON + 2 * MINUTE + 24 * HOUR).astimezone(timezone(-timedelta(hours=7)))
    assert Ledger(file).day(over - timedelta(seconds=1)).motor_seconds == 90
    assert Ledger(file).day(over).entries == ()


def test_an_entry_from_the_future_counts(file: Path) -> None:
    Ledger(file).begin(session(), NOON + 100 * HOUR)
    assert Ledger(file).day(NOON).motor_seconds == 100


def test_the_fourth_session_of_a_side_is_refused(file: Path) -> None:
    ledger = Ledger(file)
    for number in range(3):
        now = NOON + number * HOUR
        ledger.refuse(session(), now)
        ledger.end(ledger.begin(session(), now), 100, now + 2 * MINUTE)
    with pytest.raises(LimitExceeded, match="the limit for one muscle side in 24 hours is 3 sessions"):
        Ledger(file).refuse(session(), NOON + 3 * HOUR)
    assert Ledger(file).notes(session(), NOON + 3 * HOUR)


# Trouble with the file.


def torn_and_wrong() -> list[bytes]:
    good = json.dumps({"id": "x", "muscle": "made", "side": "left", "began": NOON.isoformat(), "seconds": 1,
                       "planned": 1, "ended": None, "measured": None})  # fmt: skip

    def wrong(key: str, value: str) -> bytes:
        return json.dumps(json.loads(good) | {key: "VALUE"}).replace('"VALUE"', value).encode()

    return [
        b"{",
        b"\xff\xfe",
        b"\0" * 50,
        b"[]",
        b"null",
        b"[" * 100_000,
        good[:40].encode(),
        json.dumps({key: value for key, value in json.loads(good).items() if key != "planned"}).encode(),
        wrong("id", "5"),
        wrong("muscle", "null"),
        wrong("side", '"up"'),
        wrong("side", "[]"),
        wrong("began", '"2026-03-01T12:00:00"'),
        wrong("began", '"9999-12-31T23:59:59+00:00"'),
        wrong("began", "12"),
        wrong("seconds", "1e300"),
        wrong("planned", "NaN"),
        wrong("planned", "Infinity"),
        wrong("planned", "-1"),
        wrong("planned", "true"),
        wrong("planned", "1" + "0" * 400),
        wrong("planned", '"1"'),
        wrong("measured", "1"),
        wrong("ended", '"2026-03-01T12:00:00+00:00"'),
    ]


@pytest.mark.parametrize("line", torn_and_wrong(), ids=lambda line: line[:60].decode(errors="replace"))
def test_a_line_that_is_no_entry_is_told_and_what_stands_around_it_counts(
    line: bytes, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Ledger(file).begin(session(), NOON)
    with file.open("ab") as stream:
        stream.write(line)  # torn: without an end of line
    Ledger(file).begin(session(), NOON + MINUTE)
    ledger = Ledger(file)
    caplog.clear()
    for _ in range(3):
        day = ledger.day(NOON + HOUR)
        assert (day.motor_seconds, day.unreadable) == (200, 1)
    assert [(record.levelno, record.message) for record in caplog.records] == [
        (
            logging.WARNING,
            f"{file}: line 2 is no entry; what it held is missing from the limits per day; delete it",
        )
    ]


def test_of_many_lines_the_first_is_named(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    file.parent.mkdir()
    file.write_text("{\n\n}\n[\n")
    assert Ledger(file).day(NOON).unreadable == 3
    assert "line 1 is no entry (2 more after this one);" in caplog.text


def test_a_line_before_one_that_is_too_old_to_count_is_not_told(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    file.parent.mkdir()
    file.write_text("{\n")
    Ledger(file).begin(session(), NOON)
    assert Ledger(file).day(NOON + HOUR).unreadable == 1
    caplog.clear()
    assert Ledger(file).day(NOON + 25 * HOUR).unreadable == 0
    assert not caplog.records


@PROPERTY
@given(junk=st.binary(max_size=80), where=st.integers(0, 3))
def test_bytes_that_nobody_foresaw_hide_no_other_line(
    junk: bytes, where: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("junk") / "ledger.jsonl"
    for _ in range(3):
        Ledger(file).begin(session(), NOON)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:where], junk + b"\n", *lines[where:]]))
    assert Ledger(file).day(NOON + HOUR).motor_seconds == 300


def test_an_end_whose_beginning_is_lost_is_enough(file: Path) -> None:
    ledger = Ledger(file)
    ledger.end(ledger.begin(session(), NOON), 50, NOON + MINUTE)
    file.write_bytes(b"#" + file.read_bytes())
    assert Ledger(file).day(NOON + HOUR).motor_seconds == 50


def test_a_folder_that_cannot_be_made_is_told_once_and_the_program_remembers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "unknot").write_text("a file where the folder should be")
    ledger = Ledger(tmp_path / "unknot" / "ledger.jsonl")
    for number in range(3):
        ledger.end(ledger.begin(session(), NOON + number * HOUR), 60, NOON + number * HOUR + MINUTE)
    with pytest.raises(LimitExceeded):
        ledger.refuse(session(), NOON + 3 * HOUR)
    assert ledger.day(NOON + 3 * HOUR).motor_seconds == 180
    assert sorted({record.message.split(" (")[0] for record in caplog.records}) == [
        f"{ledger.file}: cannot be read",
        f"{ledger.file}: cannot be written",
    ]
    assert len(caplog.records) == 2


def test_a_full_disk_is_told(file: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(name: str, flags: int) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(ledger_module, "_private", no_room)
    Ledger(file).begin(session(), NOON)
    assert f"{file}: cannot be written ({os.strerror(errno.ENOSPC)})" in caplog.text


class Short(io.FileIO):
    """A file on a disk that has room for some bytes more."""

    def write(self, data: Buffer, /) -> int:
        return super().write(memoryview(data)[:20])


def test_a_disk_that_becomes_full_is_told_and_the_next_line_is_whole(
    file: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.parent.mkdir()
    with monkeypatch.context() as full:
        full.setattr(ledger_module, "open", lambda name, mode, **_: Short(name, mode), raising=False)
        Ledger(file).begin(session(), NOON)
    assert f"{file}: cannot be written ({os.strerror(errno.ENOSPC)})" in caplog.text
    Ledger(file).begin(session(), NOON)
    assert Ledger(file).day(NOON).motor_seconds == 100


def test_a_program_that_runs_for_years_forgets_what_is_over(file: Path) -> None:
    ledger = Ledger(file)
    for number in range(50):
        now = NOON + number * 13 * HOUR
        ledger.end(ledger.begin(session(), now), 100, now + MINUTE)
    assert len(ledger._own) == 2


# A file that grew.


def grown(file: Path, *, junk: bytes = b"") -> None:
    """More than a file may hold, of sessions that were over long ago."""
    ledger = Ledger(file)
    ledger.begin(session(), NOON - 300 * HOUR)
    file.write_bytes(junk + file.read_bytes() * (COMPACT_BYTES // file.stat().st_size + 1))


def test_a_large_file_is_rid_of_what_is_old(file: Path) -> None:
    grown(file, junk=b"{\n")
    other = file.with_name("other")
    recent = [Ledger(other).begin(session(), NOON - 160 * HOUR)]
    file.write_bytes(file.read_bytes() + b"}\n" + other.read_bytes())
    other.unlink()
    recent.append(Ledger(file).begin(session(), NOON))
    assert file.read_bytes().splitlines()[0] == b"}"  # it may be young; the one before the old lines is old
    assert [row["id"] for row in map(json.loads, file.read_bytes().splitlines()[1:])] == [one.id for one in recent]
    assert Ledger(file).day(NOON).entries == (recent[1],)
    assert list(file.parent.iterdir()) == [file]
    if sys.platform != "win32":
        assert file.stat().st_mode & 0o777 == 0o600


def test_a_small_file_is_left_alone(file: Path) -> None:
    Ledger(file).begin(session(), NOON - 3000 * HOUR)
    before = file.read_bytes()
    Ledger(file).begin(session(), NOON)
    assert file.read_bytes().startswith(before)


def test_it_never_grows_beyond_bounds(file: Path) -> None:
    ledger = Ledger(file)
    for number in range(600):
        now = NOON + number * 8 * HOUR
        ledger.end(ledger.begin(session(), now), 100, now + MINUTE)
        assert file.stat().st_size <= COMPACT_BYTES + 1000
    assert ledger.day(now + HOUR).motor_seconds == 300


def test_a_file_into_which_somebody_else_writes_meanwhile_is_not_replaced(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown(file)
    recent = ledger_module._recent

    def slow(content: bytes, since: datetime) -> bytes:
        monkeypatch.setattr(ledger_module, "_recent", recent)
        Ledger(file.with_name("other")).begin(session(Side.RIGHT), NOON)
        with file.open("ab") as stream:
            stream.write(file.with_name("other").read_bytes())
        return recent(content, since)

    monkeypatch.setattr(ledger_module, "_recent", slow)
    Ledger(file).begin(session(), NOON)
    assert {entry.side for entry in Ledger(file).day(NOON).entries} == {Side.LEFT, Side.RIGHT}


def test_a_large_file_that_cannot_be_replaced_stays(
    file: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    grown(file)
    monkeypatch.setattr(Path, "replace", refuse)
    Ledger(file).begin(session(), NOON)
    assert "cannot be made smaller" in caplog.text
    assert list(file.parent.iterdir()) == [file]
    assert Ledger(file).day(NOON).motor_seconds == 100


WRITER = """
import sys
from datetime import datetime, timezone
from pathlib import Path
from tests.session.test_ledger import NOON, session
from unknot.session.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]))
timeline = session()
print("ready", flush=True)
sys.stdin.readline()
for _ in range(50):
    ledger.end(ledger.begin(timeline, NOON), 1, NOON)
"""


@pytest.mark.real_time
def test_two_programs_write_at_once(file: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         text=True, cwd=Path(__file__).parents[2])
        for _ in range(2)
    ]  # fmt: skip
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    day = Ledger(file).day(NOON + HOUR)
    assert (len(day.entries), day.motor_seconds, day.unreadable) == (100, 100, 0)
    assert len(rows(file)) == 200
