"""``unknot inspect`` as its user sees it, and the report that goes to others."""

import json
from pathlib import Path

import pytest

from unknot.cli import main
from unknot.cli.report import report
from unknot.device.discovery import FoundBall
from unknot.device.inspection import CharacteristicRow, DescriptorRow, Inspection, ServiceRow
from unknot.device.verdicts import Verdict
from unknot.profiles.matching import Advertisement

ADDRESS = "C4:3E:11:A0:5B:7F"
RAW = bytes.fromhex(ADDRESS.replace(":", ""))
BASE = "-0000-1000-8000-00805f9b34fb"


def inspect(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(["inspect", "--simulate", "--speed", "max", *words])
    assert isinstance(left.value.code, int)
    return left.value.code


def row(uuid: str, value: bytes, *descriptors: tuple[str, bytes], trouble: str = "") -> CharacteristicRow:
    hanging = tuple(DescriptorRow(f"0000{one}{BASE}", 9, "", told, "") for one, told in descriptors)
    return CharacteristicRow(f"0000{uuid}{BASE}", 3, "", ("read",), value, trouble, hanging)


def looked(*rows: CharacteristicRow, name: str = "Anna's ball-5B7F") -> Inspection:
    shown = Advertisement(name, (), {0x004C: b"\x01" + RAW[::-1]})
    verdict = Verdict("x", "documented", 0, (), {}, (f"its name {name!r} is not X*",), (f"handle at {ADDRESS}",))
    found = FoundBall(None, name, ADDRESS, -50, (), shown)  # type: ignore[arg-type]
    left = {"services": 0, "characteristics": 2931, "descriptors": 0}
    return Inspection(found, "hci1", (ServiceRow("s", 1, "", rows),), left, {"maker": "Ex"}, (verdict,), 3)


def test_the_report_tells_no_address_no_pin_and_no_person() -> None:
    told = report(
        looked(
            row("2a25", b"SN0007731"),
            row("2a23", RAW[:3] + b"\xff\xfe" + RAW[3:]),
            row("2a00", b"Anna's ball-5B7F"),
            row("fff1", b"1234"),
            row("fff2", b"hunter2", ("2901", b"Pairing PIN")),
            row("fff3", b"made as SN0007731 for 12:34:56:78:9A:BC"),
            row("fff4", RAW + RAW[::-1] + b"\x05"),
            row("fff5", b"peer \xaa\xbb\xcc\xdd\xee\xff"),
            row("2a24", b"1034"),
            row("2a28", b"fw-SN0007731"),
            row("2a29", b"TIDE-" + RAW.hex().upper().encode()),
            row("fff6", b"open", ("2901", b"PIN 90210"), ("2904", b"90210\0\0")),
            row("fff7", b"open", ("2901", b"of Anna's phone")),
        ),
        ["AA:BB:CC:DD:EE:FF"],
    )
    text = json.dumps(told, ensure_ascii=False)
    for spelt in (b"SN000", RAW.hex().upper().encode(), b"90210", b"Anna"):
        assert spelt.hex(" ").upper() not in text, spelt
        assert spelt.decode() not in text, spelt
    for secret in ("Anna", "5B7F", "SN00", "1234", "hunter", "12:34", "9A:BC", ADDRESS, "AA BB CC", "7F 5B", "C4 3E"):
        assert secret not in text, secret
    rows = told["services"][0]["characteristics"]
    assert rows[0]["value"] == "[9 bytes]"
    assert rows[6]["value"].endswith("?? 05")
    assert rows[8]["text"] == "1034"  # a model is what a report is for
    assert told["advertisement"]["name"] == "[person]'s ball-[address]"
    assert told["profiles"][0]["missing"] == ['its name "[person]\'s ball-[address]" is not X*']
    assert rows[11]["descriptors"][0]["text"] == "PIN [digits]"
    assert told["left_out"]["characteristics"] == 2931
    assert set(told["versions"]) == {"unknot", "bleak", "python", "system"}


def test_the_report_is_written_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "ball.json"
    assert inspect("--report", str(file)) == 0
    assert "read it before you send it" in capsys.readouterr().err
    told = json.loads(file.read_text())
    assert told["advertisement"]["name"] == "OpenBall"
    assert "C0:BA" not in file.read_text()
    assert inspect("--report", str(file)) == 2
    assert "is there already, and is left as it is" in capsys.readouterr().err


@pytest.mark.parametrize(("folder", "why"), [("no/such", "no such file or directory"), ("file", "is not a folder")])
def test_a_report_that_has_no_place_is_refused_before_the_ball_is_met(
    folder: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    file = tmp_path / folder / "ball.json"
    assert inspect("--report", str(file)) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"unknot: {file}: cannot be written: ")
    assert printed.err.endswith(f"{why}\n")
    assert not printed.out


def test_json_has_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert inspect("--json", "--profile", "vibmotor-3") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["address"] == "C0:BA:11:00:00:01"
    fitting = [one["id"] for one in told["profiles"] if one["fits"]]
    assert fitting == ["vibmotor-3"]
    assert told["services"][0]["characteristics"][0]["properties"] == ["write-without-response"]


def test_a_big_table_is_short_and_harmless_on_the_screen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from unknot.cli.inspect import SHOWN_ROWS, show

    monkeypatch.setenv("COLUMNS", "100")

    rows = [row("fff1", bytes(range(256)) * 2)] * 200
    evil = CharacteristicRow("u", 1, "\x1b[2J", ("\u202eread",), b"\x1b[2J", "", ())
    show(looked(evil, *rows, name="\x1b[2J"))
    told = capsys.readouterr().out
    assert all(line.isprintable() for line in told.splitlines())
    assert told.count("fff1") == SHOWN_ROWS - 1
    assert f"… and {2931 + 201 - SHOWN_ROWS:,} more characteristics" in told
    assert "… 512 bytes" in told


@pytest.mark.parametrize("columns", ["60", "100"])
def test_it_fits_a_narrow_terminal(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert inspect("--profile", "theragun-4") == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= int(columns)
