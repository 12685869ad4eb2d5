"""The words that people see, as text files; UNKNOT_WRITE_GOLDEN=1 writes them anew, and git shows what changed."""

import os
from pathlib import Path

import pytest

from unknot.cli import main

GOLDEN = Path(__file__).parent / "golden"

COMMANDS = {
    "help": ["--help"],
    "help-run": ["run", "--help"],
    "help-vibrate": ["vibrate", "--help"],
    "list": ["list"],
    "list-json": ["list", "--json"],
    "show-calf-button-ball": ["show", "calf", "--profile", "button-ball"],
    "show-levator-left": ["show", "levator-scapulae", "--side", "left", "--intensity", "20"],
    "show-calf-json": ["show", "calf", "--profile", "theragun-4", "--json"],
    "profile-list": ["profile", "list"],
    "profile-show-theragun-4": ["profile", "show", "theragun-4"],
    "help-profile": ["profile", "--help"],
    "help-profile-check": ["profile", "check", "--help"],
    "help-profile-new": ["profile", "new", "--help"],
    "help-profile-encode": ["profile", "encode", "--help"],
    "help-profile-decode": ["profile", "decode", "--help"],
    "help-profile-schema": ["profile", "schema", "--help"],
    "profile-check": ["profile", "check", "firmware_profiles/open-ball.toml", "firmware_profiles/theragun-4.toml"],
    "profile-new": ["profile", "new"],
    "profile-encode": ["profile", "encode", "ems-v2", "set_level=5", "lease=10min"],
    "profile-encode-bits": ["profile", "encode", "rongtai-rt8600s", "set_level=3"],
    "profile-encode-json": ["profile", "encode", "open-ball", "set_level=50", "lease=3s", "--json"],
    "profile-encode-what": ["profile", "encode", "ems-5a"],
    "profile-decode": ["profile", "decode", "open-ball", "01 07 32 54 0B 1F 00"],
    "profile-decode-pieces": ["profile", "decode", "ems-v2", "68 79 00 0B 02 01", "035EE40D0A"],
    "profile-decode-json": ["profile", "decode", "button-ball", "5A0258", "--on", "level", "--json"],
    "help-profile-learn": ["profile", "learn", "--help"],
    "profile-learn": ["profile", "learn", "tests/learning/tide.log", "--levels", "1,2,3,4,5,0"],
    "profile-learn-guessed": ["profile", "learn", "tests/learning/tide.log"],
    "profile-learn-json": ["profile", "learn", "tests/learning/tide.log", "--levels", "1,2,3,4,5,0", "--json"],
    "scan": ["scan", "--simulate"],
    "scan-json": ["scan", "--simulate", "--json"],
    "help-scan": ["scan", "--help"],
    "help-inspect": ["inspect", "--help"],
    "inspect": ["inspect", "--simulate", "--speed", "max"],
    "inspect-vibmotor-3": ["inspect", "--simulate", "--speed", "max", "--profile", "vibmotor-3"],
    "run-piriformis-both": ["run", "piriformis", "--simulate", "--speed", "max", "--yes", "--side", "both"],
    "run-calf-json": [
        "run", "calf", "--simulate", "--profile", "button-ball", "--speed", "max", "--yes", "--json",
    ],
    "help-today": ["today", "--help"],
    "today": ["today"],
    "help-config": ["config", "--help"],
    "help-config-check": ["config", "check", "--help"],
    "help-config-init": ["config", "init", "--help"],
    "help-config-path": ["config", "path", "--help"],
    "help-config-schema": ["config", "schema", "--help"],
    "help-config-show": ["config", "show", "--help"],
    "help-config-unit": ["config", "unit", "--help"],
    "config-check": ["config", "check", "tests/cli/gateways/clinic.toml"],
    "config-check-wrong": ["config", "check", "tests/cli/gateways/wrong.toml"],
    "config-show": ["config", "show", "tests/cli/gateways/clinic.toml"],
    "config-show-json": ["config", "show", "tests/cli/gateways/clinic.toml", "--json"],
    "config-schema": ["config", "schema"],
    "help-doctor": ["doctor", "--help"],
    "vibrate": ["vibrate", "30", "--for", "10s", "--simulate", "--speed", "max"],
    "stop": ["stop", "--simulate", "--speed", "max"],
}  # fmt: skip


EXITS = {"profile-learn-guessed": 2, "config-check-wrong": 2}
"""The codes of the commands that end otherwise than well."""


@pytest.mark.parametrize("name", COMMANDS)
def test_prints_what_it_always_printed(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(Path(__file__).parents[2])
    with pytest.raises(SystemExit) as left:
        main(COMMANDS[name])
    assert left.value.code == EXITS.get(name, 0)
    printed = capsys.readouterr()
    text = printed.out + "".join(f"[stderr] {line}\n" for line in printed.err.splitlines())
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("UNKNOT_WRITE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
    assert not any(line != line.rstrip() for line in text.splitlines() if "help" not in name)


def test_every_golden_file_has_its_command() -> None:
    assert {file.stem for file in GOLDEN.glob("*.txt")} == set(COMMANDS)
