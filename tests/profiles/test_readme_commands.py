"""The command lines and the errors of the guide: each prints what is shown, and says what is explained."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.consoles import prints, typed, words_of
from tests.learning import guide
from tests.profiles.readme import FINISHED, FIRST, GUIDE, LESSON_TEXT, PROSE, chunk, code
from tests.profiles.shipped import save
from unknot.cli import main
from unknot.errors import ProfileFileError
from unknot.profiles import library

CONSOLE = [
    (command, printed, (FIRST if f"{command}\n{printed}" in LESSON_TEXT else FINISHED).text)
    for block in re.findall(r"^```console\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    for command, printed in typed(block)
]
INLINE = [
    " ".join(words.split())
    for words in code(PROSE)
    if words.startswith("unknot ") and not words.startswith("unknot run ")
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The present folder; a terminal has 100 columns, and no file of that name has been read before."""
    library.load_file.cache_clear()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


def test_there_are_command_lines() -> None:
    words = [shlex.split(command)[1:3] for command, _, _ in CONSOLE]
    assert {"check", "encode", "decode"} <= {word for _, word in words}
    assert {"show", "run"} <= {word for word, _ in words}


@pytest.mark.parametrize(("command", "printed", "file"), CONSOLE, ids=[command for command, _, _ in CONSOLE])
def test_a_command_line_prints_what_the_guide_shows(
    command: str,
    printed: str,
    file: str,
    here: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    save(here, "tide-ball", file)
    (here / "tide.log").write_bytes(guide.FILE.read_bytes())
    prints(words_of(command), printed, capsys)


@pytest.mark.parametrize("command", sorted(set(INLINE)))
def test_a_command_in_the_text_is_there(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([*shlex.split(command)[1:], "--help"])
    assert left.value.code == 0
    assert command.rsplit(maxsplit=1)[-1] in capsys.readouterr().out


FAULTS = re.findall(
    r"^With `([^`]+)` instead of `([^`]+)`.*\n(?:\S.*\n)*\n((?:    .*\n)+)",
    GUIDE,
    re.MULTILINE,
)


@pytest.mark.parametrize(("wrong", "right", "shown"), FAULTS, ids=[wrong for wrong, _, _ in FAULTS])
def test_an_error_is_what_the_guide_shows(
    wrong: str, right: str, shown: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = FINISHED.text.index(right, FINISHED.text.index("[motor]") if right.startswith("{") else 0)
    file = save(here, "tide-ball", FINISHED.text[:at] + wrong + FINISHED.text[at + len(right) :])
    with pytest.raises(SystemExit) as left:
        main(["profile", "check", file.name])
    assert left.value.code == 2
    assert capsys.readouterr().err.rstrip() == re.sub(r"^    ", "", shown, flags=re.MULTILINE).rstrip()


SLIPS = [
    (
        "found an unknown key",
        'bytes = "5A 04 EE 05 02 F9"',
        'bytes = "5A 04 EE 05 02 F9"\nretry = 1',
    ),
    ("expected it before the first section", "levels = 5", 'levels = 5\nkind = "vibration"'),
    ("without quotes", 'write = "request"', "write = request"),
    ("without quotes", "notify = true", "notify = True"),
    ("without quotes", '"15min"', "15min"),
    ("expected this key", 'means = "low-battery"', ""),
    ("expected a whole number", "levels = 5", 'levels = "5"'),
    ("expected text in quotes", 'name = "Tide ball (made up)"', "name = 5"),
    ("expected a list in square brackets", '["TIDE-*"]', '"TIDE-*"'),
    ("expected a table", "[reports.status]", "[[reports]]"),
    ("expected a duration with its unit", '"15min"', "15"),
    ("expected no slots but", "20 {sequence:u8}", "20 {mode:u8}"),
    (
        "expected at least one for everything that is said and told",
        '[[examples]]\ninit = 1\nbytes = "A5 02 10 12"',
        "",
    ),
    ("as the frames make of", "A5 04 20 01 1E 43", "A5 04 20 01 1F 44"),
    ("expected the bytes of report", "5A 05 90 31 2E 34 28", "5A 05 90 31 2E 34 29"),
    ("as the bytes say", "battery = 19", "battery = 20"),
    (
        "reads back as",
        "level = { table = [0, 30, 45, 60, 80, 100] }",
        "level = { points = [[0, 0], [5, 1]] }",
    ),
]
"""What a message is about, and a slip in the finished file that brings it about."""


@pytest.mark.parametrize(("message", "right", "wrong"), SLIPS, ids=[wrong for _, _, wrong in SLIPS])
def test_a_message_that_the_guide_explains_is_what_such_a_slip_brings(
    message: str, right: str, wrong: str, tmp_path: Path
) -> None:
    assert f"`{message}`" in chunk("# When something is wrong")
    assert right in FINISHED.text
    file = save(tmp_path, "tide-ball", FINISHED.text.replace(right, wrong, 1))
    with pytest.raises(ProfileFileError) as told:
        library.load_file(file)
    assert message in str(told.value)


def test_several_errors_are_shown() -> None:
    assert len(FAULTS) >= 3
