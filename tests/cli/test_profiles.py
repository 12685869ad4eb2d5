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


@pytest.mark.parametrize(
    "words",
    [
        ("profile", "show", "my-ball"),
        ("profile", "encode", "my-ball", "stop"),
        ("profile", "decode", "my-ball", "00"),
        ("show", "calf", "--profile", "my-ball"),
    ],
    ids=lambda words: words[1],
)
def test_a_name_that_lacks_the_end_of_the_file_beside_is_told_it(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my-ball.toml").touch()
    assert leave(*words) == 2
    assert capsys.readouterr().err == ("unknot: no profile is called 'my-ball'; did you mean the file my-ball.toml?\n")


def test_a_profile_of_the_library_is_taken_before_a_file_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "open-ball.toml").touch()
    assert leave("profile", "show", "open-ball") == 0
    assert "(open-ball)" in capsys.readouterr().out


def test_a_file_that_is_not_there_is_told_with_the_one_that_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my-ball.toml").touch()
    assert leave("profile", "check", "my-ball", "open-ball", "nothing") == 2
    first, second, third = capsys.readouterr().err.splitlines()
    wrong = "found no such file or directory; expected a readable TOML file"
    assert first == f"unknot: my-ball: {wrong}; did you mean 'my-ball.toml'?"
    assert second == f"unknot: open-ball: {wrong}; did you mean {str(shipped_folder() / 'open-ball.toml')!r}?"
    assert third == f"unknot: nothing: {wrong}"


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
        "unknot: nothing of button-ball; nearest is report level on level: the bytes end inside level\n"
        "  5A\n"
        "     ^^\n"
        "  5A {level:u8} {xor8:0..}\n",
    ),
    (
        ["theragun-4", "AA E4 01 03 06 D7 03"],
        "unknot: nothing of theragun-4; nearest is command set_level on command: "
        "level is 1751 on the wire, expected an entry of the table\n"
        "  AA E4 01 03 06 D7 03\n"
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


def test_what_means_nothing_keeps_nothing_from_being_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave("profile", "decode", "button-ball", "5A0258", "A5 03 A7", "5A-03-59", "--on", "level") == 2
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[0].startswith("report level on level (b0a71002")
    assert lines[4:8] == [
        "nothing of button-ball; nearest is command set_level on level: xor8 at byte 2 is A7, not A6",
        "  A5 03 A7",
        "        ^^",
        "  A5 {level:u8} {xor8:0..}",
    ]
    assert lines[9].endswith(": level 3")
    assert printed.err == "unknot: 1 of 3 are nothing of button-ball\n"


def test_what_means_nothing_is_told_as_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave("profile", "decode", "button-ball", "5A0258", "5A 02 59", "--json", "--on", "level") == 2
    first, second = json.loads(capsys.readouterr().out)
    assert first["means"][0]["values"] == {"level": 2}
    assert first["nearest"] is None
    assert second == {
        "bytes": "5A 02 59",
        "means": [],
        "nearest": {
            "name": "report level", "on": "level", "frame": "5A 02 59", "at": 2,
            "why": "xor8 at byte 2 is 59, not 58", "right": "5A 02 58",
        },
    }  # fmt: skip


def test_bytes_of_one_write_without_quotes_are_told_to_need_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave("profile", "decode", "button-ball", "A5", "03", "A6", "--on", "level") == 2
    assert capsys.readouterr().err.endswith(
        '; the bytes of one write or notification go into one pair of quotes, as in "55 01 AA"\n'
    )


SPELLED = ["A5-00-A5", "(0x) A5-00-A5", "a5:00:a5", "0xA5 0x00 0xA5", "0xA500A5"]


@pytest.mark.parametrize("spelled", SPELLED)
def test_hex_is_taken_as_tools_copy_it(spelled: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert leave("profile", "decode", "button-ball", spelled) == 0
    assert capsys.readouterr().out.startswith("command stop on level")


def test_text_is_taken_in_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave("profile", "decode", "open-ball", "'Peanut'", "--on", "model") == 0
    assert 'model "Peanut"' in capsys.readouterr().out


def test_what_stands_before_a_start_is_dropped_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave("profile", "decode", "ems-v2", "D7 0D 0A 68 79 00 0B 02", "01 03 5E E4 0D 0A") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "part on status (FFE2, FCC2): goes on in what follows",
        "  3 bytes belong to no frame: dropped",
    ]
    assert lines[3] == "report mode on status (FFE2, FCC2): mode 3"


WRONG_HEX = [
    ("5A 0", "found '0' in '5A 0'; expected two hex digits for each byte"),
    ("", 'found no bytes; expected some in hex, such as "55 01 AA"'),
    ("00" * 513, "found 513 bytes; expected at most 512, as a notification or a write has"),
]


@pytest.mark.parametrize(("text", "told"), WRONG_HEX, ids=["odd", "none", "many"])
def test_what_is_no_hex_is_told(text: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert leave("profile", "decode", "button-ball", text) == 2
    assert capsys.readouterr().err == f"unknot: {told}\n"


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
