"""The files of the guide: every one loads and plays, and the capture is what the finished one says and reads."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.profiles.readme import (
    FINISHED,
    FIRST,
    FOLDER,
    GROWTH,
    GUIDE,
    OTHERS,
    SECOND,
    WHOLE,
    Fence,
    code,
    finished,
    grown,
    holds,
    loaded,
    put,
    rows,
)
from tests.profiles.shipped import save
from unknot.cli import main
from unknot.profiles import library
from unknot.profiles.codec import Codec
from unknot.profiles.speech import Line


@pytest.mark.parametrize("fence", WHOLE, ids=lambda fence: fence.document["id"])
def test_a_whole_file_in_the_guide_loads(tmp_path: Path, fence: Fence) -> None:
    name = fence.document["id"]
    assert library.load_file(save(tmp_path, name, fence.text)).id == name


@pytest.mark.parametrize("fence", WHOLE, ids=lambda fence: fence.document["id"])
def test_a_whole_file_in_the_guide_plays_a_protocol_on_a_simulated_ball(
    tmp_path: Path, fence: Fence, capsys: pytest.CaptureFixture[str]
) -> None:
    file = save(tmp_path, fence.document["id"], fence.text)
    with pytest.raises(SystemExit) as left:
        main(
            [
                "run",
                "calf",
                "--simulate",
                "--profile",
                str(file),
                "--speed",
                "max",
                "--yes",
            ]
        )
    assert left.value.code == 0
    assert "completed: motor ran 1:50; motor off, confirmed by the ball" in capsys.readouterr().out


@pytest.mark.parametrize("upto", range(1, len(GROWTH) + 1), ids=lambda upto: f"piece {upto}")
def test_the_file_loads_after_each_piece_of_the_lesson(upto: int) -> None:
    assert loaded(grown(upto)).id == FIRST.document["id"]


def test_all_pieces_together_are_the_finished_file() -> None:
    made, shown = grown(len(GROWTH)), FINISHED.document
    for document in (made, shown):
        document["examples"] = sorted(document["examples"], key=str)
    assert made == shown


def test_the_copy_for_the_other_firmware_loads_and_only_its_own_version_fits() -> None:
    older, newer = (
        finished().variant,
        loaded(put(FINISHED.document, SECOND.document)).variant,
    )
    assert older is not None
    assert newer is not None
    for hexed, fits_older in (
        ("5A 05 90 31 2E 34 28", True),
        ("5A 05 90 32 2E 30 25", False),
    ):
        data = bytes.fromhex(hexed)
        assert older.reply is not None
        assert newer.reply is not None
        assert (older.reply.fits(data), newer.reply.fits(data)) == (
            fits_older,
            not fits_older,
        )


@pytest.mark.parametrize(
    "fence",
    [fence for fence in OTHERS if fence.shipped],
    ids=lambda fence: fence.shipped,
)
def test_a_piece_from_a_profile_stands_in_it(fence: Fence) -> None:
    whole = tomllib.loads((FOLDER / f"{fence.shipped}.toml").read_text(encoding="utf-8"))
    assert holds(whole, fence.document)


@pytest.mark.parametrize(
    "fence",
    [fence for fence in OTHERS if not fence.shipped and not fence.is_whole],
    ids=lambda fence: fence.before[:40],
)
def test_a_made_up_piece_says_so_and_fits_into_the_finished_file(fence: Fence) -> None:
    assert "Made up" in fence.before
    assert loaded(put(FINISHED.document, fence.document))


# The capture.

CAPTURE = [(cells[1], bytes.fromhex(code(cells[2])[0])) for cells in rows(GUIDE) if cells[1] in ("app", "ball")]


def test_the_capture_is_what_a_lesson_needs() -> None:
    assert {who for who, _ in CAPTURE} == {"app", "ball"}
    assert len(CAPTURE) >= 12


@pytest.mark.parametrize(
    ("who", "data"),
    CAPTURE,
    ids=lambda part: part if isinstance(part, str) else part.hex(" "),
)
def test_the_finished_file_reads_every_line_of_the_capture_and_writes_it_again(who: str, data: bytes) -> None:
    codec = Codec(finished())
    if who == "ball":
        told = codec.decode("status", data)
        assert told is not None
        assert codec.report(told.name, told.values) == ("status", data)
        return
    meant = codec.reader().feed("control", data)
    assert meant is not None
    writes = codec.line(meant, {}) if isinstance(meant, Line) else codec.encode(meant)
    assert [write.data for write in writes] == [data]


def test_the_frames_that_are_written_below_each_other_are_in_the_capture() -> None:
    column = re.findall(r"^    ([0-9A-F]{2}(?: [0-9A-F]{2})+)\b", GUIDE, re.MULTILINE)
    assert len(column) > 4
    assert {bytes.fromhex(line) for line in column} <= {data for who, data in CAPTURE if who == "app"}
