"""``profile learn``: what it prints, writes and refuses, and with which exit code it leaves."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.learning import guide, made
from tests.learning.test_dialects import drive
from tests.profiles.shipped import BY_ID
from unknot.cli import main
from unknot.clock import VirtualTimeLoop
from unknot.profiles import library


def leave(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        main([*words])
    assert isinstance(left.value.code, int)
    return left.value.code


def saved(folder: Path, *raw: made.Raw) -> Path:
    file = folder / "snoop.log"
    file.write_bytes(made.btsnoop([made.connected(), *made.table(), *raw]))
    return file


def test_the_recording_of_the_guide_is_that_of_its_table() -> None:
    assert guide.FILE.read_bytes() == made.btsnoop(guide.packets()), "run python -m tests.learning.guide"


def test_a_draft_is_written_once_and_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "my-tide.toml"
    words = ("profile", "learn", str(guide.FILE), "--levels", "1,2,3,4,5,0", "--write", str(file))
    assert leave(*words) == 0
    assert capsys.readouterr().out.endswith(f"{file}: written; next: unknot profile check {file}\n")
    text = file.read_text(encoding="utf-8")
    assert library.load_file(file).motor.levels == 5
    assert leave("profile", "check", str(file)) == 0
    capsys.readouterr()
    assert leave(*words) == 2
    printed = capsys.readouterr()
    assert printed.err == f"unknot: {file}: is there already, and is left as it is; choose another name\n"
    assert not printed.out
    assert file.read_text(encoding="utf-8") == text


def test_json_is_for_programs_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "my-tide.toml"
    words = ("profile", "learn", str(guide.FILE), "--levels", "1,2,3,4,5,0", "--json", "--write", str(file))
    assert leave(*words) == 0
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert told["draft"] == file.read_text(encoding="utf-8")
    assert told["reproduced"]["reports"] == {"done": 6, "all": 6, "others": []}
    assert told["levels"]["wire"] == {"1": 30, "2": 45, "3": 60, "4": 80, "5": 100}
    assert "written" in printed.err


def test_what_is_missing_is_told_and_the_rest_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture = saved(tmp_path, *(made.write(2.0 * level, bytes([0xA5, level, 1])) for level in (1, 2, 3)))
    file = tmp_path / "half.toml"
    assert leave("profile", "learn", str(capture), "--write", str(file)) == 2
    assert capsys.readouterr().err == (
        f"unknot: {capture}: found too little for a whole profile: no stop was seen; add [commands] stop with bytes "
        "that you know; expected a recording with all of it\n"
    )
    assert "# MISSING: no stop was seen" in file.read_text(encoding="utf-8")
    assert leave("profile", "check", str(file)) == 2
    assert "commands.stop: found nothing" in capsys.readouterr().err


def test_a_guessed_stop_is_written_and_does_not_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "my-tide.toml"
    assert leave("profile", "learn", str(guide.FILE), "--write", str(file)) == 2
    assert capsys.readouterr().err == (
        f"unknot: {guide.FILE}: found nothing that proves which frame is the stop; expected the levels in the order in "
        "which you stepped through them, 0 for off and best twice, such as --levels 1,2,3,0,2,0; or confirm the stop "
        "in the draft by hand\n"
    )
    assert leave("run", "calf", "--simulate", "--profile", str(file), "--yes", "--speed", "max") == 2
    assert "commands.stop: found nothing" in capsys.readouterr().err
    file.write_text(file.read_text(encoding="utf-8").replace("# stop = ", "stop = "), encoding="utf-8")
    assert leave("profile", "check", str(file)) == 0


async def _record(file: Path, name: str) -> None:
    await drive(file, BY_ID[name], (1, 2, 3, 2, 0))


@pytest.mark.parametrize(("name", "kind"), [("ems-v2", 'kind = "stimulator"'), ("button-ball", None)])
def test_a_ball_that_is_described_already_is_named(
    name: str, kind: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what sends electricity can be drafted as nothing else."""
    file = tmp_path / "snoop.log"
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(_record(file, name))
    leave("profile", "learn", str(file), "--levels", "1,2,3,2,0")
    printed = capsys.readouterr().out
    assert f"! Profile {name} says every frame of this app already." in printed
    assert ("\nkind = " in printed) == ("a stimulator" in printed) == (kind is not None)
    assert kind is None or f"\n{kind}\n" in printed


def test_a_name_from_the_air_cannot_speak_to_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = b"\x1b[31mball\x07\"'\n"
    file = tmp_path / "snoop.log"
    raw = [
        made.advertised(0, made.field(9, name)), made.connected(0.1), *made.table(0.2),
        *(made.write(2.0 * n, bytes([0xA5, level])) for n, level in enumerate((1, 2, 3, 0), 1)),
    ]  # fmt: skip
    file.write_bytes(made.btsnoop(raw))
    assert leave("profile", "learn", str(file), "--levels", "1,2,3,0") == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\x07" not in printed
    assert r"\x1b[31mball" in printed


def test_a_recording_that_breaks_off_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "snoop.log"
    file.write_bytes(guide.FILE.read_bytes()[:-5])
    assert leave("profile", "learn", str(file), "--levels", "1,2,3,4,5,0") == 0
    assert "could not be read" in capsys.readouterr().out


REFUSED = [
    (["--device", ""], "--device is empty; name a device, or leave it out for the one with most writes"),
    (["--device", "Nobody"], "found no connection to Nobody; expected one of those that are recorded: TIDE-7F31"),
    (["--levels", "1,x"], "found '1,x', expected levels from 0 to 255, such as 0,1,2,3,2,1,0"),
    (["--levels", "1,256"], "found '1,256', expected levels"),
    (["--levels", "9" * 5000], "expected levels from 0 to 255"),
    (["--levels", ""], "found '', expected levels"),
    (
        ["--levels", "1,2,3,4,3,2"],
        "--levels: found 6 levels in turn (1, 2, 3, 4, 3, 2); expected as many as the recording has",
    ),
    (["--write", "ball"], "ball: found a name that does not end in .toml"),
    (["--write", "My_Ball.toml"], "a profile's id is its file's name: found 'My_Ball'"),
    (["--write", "/no/such/my-ball.toml"], "/no/such/my-ball.toml: cannot be written: no such file or directory"),
]


@pytest.mark.parametrize(("words", "told"), REFUSED, ids=[" ".join(words)[:30] for words, _ in REFUSED])
def test_what_cannot_be_meant_is_one_line(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert leave("profile", "learn", str(guide.FILE), *words) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.startswith("unknot: ")
    assert error.count("\n") == 1


def test_it_fits_a_narrow_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert leave("profile", "learn", str(guide.FILE)) == 2
    summary = capsys.readouterr().out.split("#:schema")[0]
    assert max(map(len, summary.splitlines())) <= 60 + len("7d2e0002-51a4-4c0e-9b1f-6a3c58d0e442")
