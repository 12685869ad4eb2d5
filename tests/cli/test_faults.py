"""``--faults``: what happens is told on standard error, and wrong words are refused in one line."""

import json
from pathlib import Path

import pytest

from unknot.cli import main

FAST = ["--simulate", "--speed", "max"]
RUN = ["run", "calf", *FAST, "--yes"]


def file_of(folder: Path, faults: str) -> str:
    file = folder / "faults.toml"
    file.write_text(f"schema = 1\n{faults}", encoding="utf-8")
    return str(file)


def said(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as left:
        main(words)
    printed = capsys.readouterr()
    return left.value.code, printed.out, printed.err


def test_each_fault_is_told_when_it_happens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = file_of(
        tmp_path,
        """
        [[faults]]
        at = "12s"
        what = "link-drops"
        for = "3s"
        [[faults]]
        at = "4s"
        what = "notification-lost"
        """,
    )
    code, _, told = said([*RUN, "--faults", file], capsys)
    assert code == 130  # nobody could go on after the pause
    assert told.splitlines()[:2] == [
        "fault at 4.0 s: the next notification is lost",
        "fault at 12.0 s: the link drops for 3 s",
    ]


def test_a_session_that_is_over_meets_no_more_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = file_of(tmp_path, '[[faults]]\nat = "1min"\nwhat = "link-drops"')
    assert said(["vibrate", "20", "--for", "2s", *FAST, "--faults", file], capsys)[::2] == (0, "")


def test_programs_read_only_events(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = file_of(tmp_path, '[[faults]]\nat = "20s"\nwhat = "overheats"\nfor = "1min"')
    _, printed, told = said([*RUN, "--json", "--faults", file], capsys)
    events = [json.loads(line)["event"] for line in printed.splitlines()]
    assert (events[0], events[-1]) == ("started", "ended")
    assert told.startswith("fault at 20.0 s: the ball is too hot for 60 s\n")


def test_the_same_seed_does_the_same_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [said([*RUN, "--faults", seed], capsys) for seed in ("1", "1", "2")]
    assert runs[0] == runs[1] != runs[2]
    assert runs[0][2].startswith("fault at ")


def test_faults_happen_to_a_ball_of_the_chosen_profile(capsys: pytest.CaptureFixture[str]) -> None:
    _, shown, told = said([*RUN, "--profile", "button-ball", "--faults", "1"], capsys)
    assert "on button-ball" in shown
    assert "fault at " in told


REFUSALS = [
    (["run", "calf", "--yes", "--faults", "7"], "--faults needs --simulate: only a simulated ball fails on demand; see 'unknot run --help'"),
    (["vibrate", "20", "--for", "1s", "--faults", "7"], "--faults needs --simulate: only a simulated ball fails on demand; see 'unknot vibrate --help'"),
    ([*RUN, "--faults", "1.5"], "invalid value for '--faults': found '1.5', expected a whole number, or a file that ends in .toml; see 'unknot run --help'"),
    ([*RUN, "--faults", "-1"], "invalid value for '--faults': found '-1', expected a whole number, or a file that ends in .toml; see 'unknot run --help'"),
    ([*RUN, "--faults", "9" * 5000], f"invalid value for '--faults': found '{'9' * 5000}', expected a whole number, or a file that ends in .toml; see 'unknot run --help'"),
    ([*RUN, "--faults", "no-such-file.toml"], "no-such-file.toml: found no such file or directory; expected a readable TOML file"),
    (["stop", *FAST, "--faults", "7"], "no such option '--faults'; see 'unknot stop --help'"),
    (["scan", "--simulate", "--faults", "7"], "no such option '--faults'; see 'unknot scan --help'"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "line"), REFUSALS, ids=[" ".join(words)[:60] for words, _ in REFUSALS])
def test_says_in_one_line_what_is_wrong(words: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(words, capsys) == (2, "", f"unknot: {line}\n")


def test_a_wrong_file_is_told_before_the_motor_starts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = file_of(tmp_path, '[[faults]]\nat = "1s"\nwhat = "reboots"')
    assert said([*RUN, "--faults", file], capsys) == (
        2,
        "",
        f"unknot: {file}:2:3: faults.1.for: found nothing; expected this key, which reboots needs\n"
        "        2 | [[faults]]\n"
        "          |   ^^^^^^\n",
    )
