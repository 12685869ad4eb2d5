"""What ``unknot show`` tells besides a timeline's writes: dialogue, keep-alives, what examples stand in for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.profiles.shipped import edited_text, save
from unknot.cli import main

DIALOGUE = """
[settings]
key = { from = "key" }
mode = 7

[[init]]
subscribe = "level"

[[init]]
read = "battery"
optional = true

[[init]]
wait = "500ms"

[[init]]
write = { to = "level", frame = "A7 {mode:u8} {key:u8}", answer = "level" }
retry = 2

[[init]]
write = { to = "level", frame = "A8 {sequence:u8}" }

[[init]]
press = "Press the button"
expect = "level"
is = { level = 2 }

[[keep_alive]]
every = "20s"
while = "running"
write = { to = "level", frame = "'HI' 0A" }

[[keep_alive]]
when = "level"
write = { to = "level", frame = "A9 {level:u8}" }

[commands]
"""

EXAMPLES = """
[[examples]]
report = { key = { key = 9 } }
bytes = "5B 09"

[[examples]]
init = 4
bytes = "A7 07 09"

[[examples]]
init = 5
bytes = "A8 00"

[[examples]]
keep_alive = 1
bytes = "'HI' 0A"

[[examples]]
keep_alive = 2
after = { level = 2 }
bytes = "A9 02"

[[examples]]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A ball that talks, and must tell a key before levels can be said."""
    text = edited_text(
        "button-ball",
        ("\n[commands]\n", DIALOGUE),
        ('"A5 {level:u8} {xor8:0..}"', '"A5 {level:u8} {key:u8}"'),
        ('bytes = "A5 03 A6"', 'bytes = "A5 03 09"'),
        ("[reports]\n", '[reports]\nkey = { from = "level", frame = "5B {key:u8}" }\n'),
        ("\n[[examples]]\n", EXAMPLES),
    )
    return save(tmp_path, "button-ball", text)


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as left:
        main(["show", "calf", *words])
    assert left.value.code == 0
    return capsys.readouterr().out


def test_the_dialogue_and_the_keep_alives_come_before_the_writes(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    text = shown(capsys, "--profile", str(file))
    at = text.index("after connecting, once:")
    assert text[at : text.index("   0.000 s ")] == (
        "after connecting, once:\n"
        "  1. hear level\n"
        "  2. read battery; the ball obeys without it\n"
        "  3. wait 0.5 s\n"
        "  4. write A7 07 09 to level (up to 3 times), and wait for the report level\n"
        "  5. write A8 {sequence:u8} to level\n"
        '  6. ask "Press the button", and wait up to 30 s for the report level level=2\n'
        "\n"
        "again and again:\n"
        "  1. every 20 s while the motor is on: write 48 49 0A to level\n"
        "  2. at each report level: write A9 {level:u8} to level\n"
        "\n"
        "what the ball will tell, taken from the profile's examples here: key 9\n"
        "\n"
        "7 writes:\n"
    )


def test_programs_are_told_the_same(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(shown(capsys, "--profile", str(file), "--json"))
    assert told["from_examples"] == {"key": 9}
    assert [step["do"] for step in told["dialogue"]] == ["subscribe", "read", "wait", "write", "write", "expect"]
    assert told["dialogue"][1] == {"do": "read", "on": "battery", "optional": True}
    assert told["dialogue"][3] == {
        "do": "write", "to": "level", "frame": "A7 {mode:u8} {key:u8}", "bytes": ["A7 07 09"], "answer": "level",
        "retry": 2, "optional": False,
    }  # fmt: skip
    assert told["dialogue"][4]["bytes"] is None
    assert told["dialogue"][5] == {
        "do": "expect", "report": "level", "is": {"level": 2}, "within": 30.0, "press": "Press the button",
        "optional": False,
    }  # fmt: skip
    assert told["keep_alives"] == [
        {"every": 20.0, "when": None, "while": "running", "to": "level", "frame": "'HI' 0A", "bytes": ["48 49 0A"],
         "answer": None},
        {"every": None, "when": "level", "while": "connected", "to": "level", "frame": "A9 {level:u8}", "bytes": None,
         "answer": None},
    ]  # fmt: skip


def test_a_profile_that_says_nothing_besides_adds_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "--profile", "button-ball")
    assert not any(words in text for words in ("after connecting", "again and again", "taken from"))
    told = json.loads(shown(capsys, "--profile", "button-ball", "--json"))
    assert (told["dialogue"], told["keep_alives"], told["from_examples"]) == ([], [], {})
