"""What the commands for authors of profiles do with files, and what they say about bytes that mean nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unknot.cli import main
from unknot.profiles import schema
from unknot.profiles.library import shipped_folder


def leave(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        main([*words])
    assert isinstance(left.value.code, int)
    return left.value.code


def test_a_new_file_is_written_once_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "my-ball.toml"
    assert leave("profile", "new", str(file)) == 0
    assert capsys.readouterr().out == f"{file}: written; next: unknot profile check {file}\n"
    assert leave("profile", "check", str(file)) == 0
    assert capsys.readouterr().out == (
        f"{file}: ok: 100 levels, 5 examples of writes and 4 of reports hold both ways; evidence: simulated\n"
    )
    file.write_text("mine")
    assert leave("profile", "new", str(file)) == 2
    assert capsys.readouterr().err == f"unknot: {file}: is there already, and is left as it is; choose another name\n"
    assert file.read_text() == "mine"


def test_the_schema_is_written_beside_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert leave("profile", "schema", "--write") == 0
    assert (tmp_path / schema.FILE).read_text(encoding="utf-8") == schema.text()


def test_all_files_are_checked_even_if_the_first_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "open-ball.toml"
    wrong.write_text((shipped_folder() / "open-ball.toml").read_text().replace("levels = 100", "levels = 0"))
    right = shipped_folder() / "button-ball.toml"
    assert leave("profile", "check", str(wrong), str(tmp_path / "none.toml"), str(right)) == 2
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{right}: ok: 4 levels, ")
    assert [line for line in printed.err.splitlines() if line.startswith("unknot: ")] == [
        f"unknot: {wrong}:23:10: motor.levels: found 0; expected greater than or equal to 1",
        f"unknot: {tmp_path}/none.toml: found no such file or directory; expected a readable TOML file",
    ]


def test_two_files_of_one_command_that_claim_the_same_ball_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = []
    for name in ("one-ball", "two-ball"):
        files.append(tmp_path / f"{name}.toml")
        leave("profile", "new", str(files[-1]))
        files[-1].write_text(files[-1].read_text().replace('Ball*"]', 'Ball*", "Same"]'))
    capsys.readouterr()
    assert leave("profile", "check", *map(str, files)) == 2
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{files[0]}: ok")
    line, source, carets = printed.err.splitlines()
    assert line == (
        f"unknot: {files[1]}:15:9: match.names: found a ball that shows the name 'Same' and the service "
        "c0ffee01-0000-4000-8000-000000000000, which one-ball claims too (one-ball.toml); "
        "expected a match of its own, or a [variant] in both that tells them apart"
    )
    assert source.startswith("       15 | names = [")
    assert carets == "          |         " + "^" * len(source.removeprefix("       15 | names = "))


DECODED = [
    (
        ["button-ball", "5A0259"],
        "unknot: nothing of button-ball; nearest is report level on level: xor8 at byte 2 is 59, not 58\n"
        "  5A 02 59\n"
        "        ^^\n"
        "  5A {level:u8} {xor8:0..}\n"
        "  right is 5A 02 58\n",
    ),
    (
        ["ems-v2", "68790012020001030205010258015E8F0D0A"],
        "unknot: nothing of ems-v2; nearest is report heartbeat on status: "
        "crc16-xmodem at byte 14 is 5E 8F, not E1 8F\n"
        "  68 79 00 12 02 00 01 03 02 05 01 02 58 01 5E 8F 0D 0A\n"
        "                                            ^^ ^^\n"
        "  68 79 {length:u16be:0..:lenient} 02 00 {running:u8} {battery:u8} {mode:u8} {level:u8} {zone:u8} "
        "{remaining:u16be} {muted:u8} {_:..} {crc16-xmodem:0..-5:be:lenient} 0D 0A\n"
        "  right is 68 79 00 12 02 00 01 03 02 05 01 02 58 01 E1 8F 0D 0A\n",
    ),
    (
        ["button-ball", "5A", "--on", "level"],
        "unknot: nothing of button-ball; nearest is report level on level: 1 bytes end inside level\n"
        "  5A\n"
        "     ^^\n"
        "  5A {level:u8} {xor8:0..}\n",
    ),
    (
        ["theragun-4", "AA E4 01 03 06 D7 03"],
        "unknot: nothing of theragun-4; nearest is command set_level on command: "
        "level is 1751 on the wire, expected an entry of the table\n"
        "  AA {sum8:2..} 01 03 {level:u16be} 03\n",
    ),
    (["ems-v2", "68 79"], "unknot: these bytes are the beginning of something; more must follow\n"),
]


@pytest.mark.parametrize(("words", "told"), DECODED, ids=[" ".join(words) for words, _ in DECODED])
def test_bytes_that_mean_nothing_are_held_against_the_nearest_frame(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert leave("profile", "decode", *words) == 2
    assert capsys.readouterr().err == told


def test_what_was_understood_before_is_told_as_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave("profile", "decode", "button-ball", "5A0258", "00 00", "--json", "--on", "level") == 2
    printed = capsys.readouterr()
    (told,) = json.loads(printed.out)
    assert told["means"][0]["values"] == {"level": 2}
    assert printed.err.startswith("unknot: nothing of button-ball; nearest is ")


@pytest.mark.parametrize("words", [["encode", "FILE", "stop"], ["decode", "FILE", "A5 00 A5"]])
def test_a_missing_codec_plug_in_is_one_line(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "button-ball.toml"
    text = (shipped_folder() / "button-ball.toml").read_text(encoding="utf-8")
    file.write_text(text.replace("[match]", 'codec = "no-such-plug-in"\n[match]', 1), encoding="utf-8")
    assert leave("profile", *(str(file) if word == "FILE" else word for word in words)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "the codec plug-in 'no-such-plug-in' is needed for it: it is not installed" in line
