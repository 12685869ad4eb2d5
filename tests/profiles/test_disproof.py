"""Which byte and which value of a wrong example is named, where one command takes several writes or says text."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from tests.carets import pointed_at, without_place
from tests.profiles import masking
from tests.profiles.shipped import edited, edited_text, save
from unknot.datafile import Misfit
from unknot.errors import ProfileFileError
from unknot.profiles import library
from unknot.profiles.fields import HexWrites
from unknot.profiles.miswritten import place_of_byte
from unknot.profiles.proof import prove

WRITES: TypeAdapter[tuple[bytes, ...]] = TypeAdapter(HexWrites)


def told(folder: Path, name: str, *edits: tuple[str, str]) -> tuple[str, str]:
    """What is pointed at in a shipped file with edits, and what is said."""
    with pytest.raises(ProfileFileError) as caught:
        library.load_file(save(folder, name, edited_text(name, *edits)))
    return pointed_at(caught.value), without_place(caught.value)


@pytest.mark.parametrize(
    ("text", "writes"),
    [
        ("'STOP' 0A", (b"STOP\n",)),
        ("0A'STOP'0A", (b"\nSTOP\n",)),
        ("'55 AA'", (b"55 AA",)),
        (["'A'", "41", "'A' 'B'"], (b"A", b"A", b"AB")),
        ("", (b"",)),
    ],
)
def test_bytes_are_hex_and_quoted_ascii(text: object, writes: tuple[bytes, ...]) -> None:
    assert WRITES.validate_python(text) == writes


@pytest.mark.parametrize("text", ["'STOP", "''", "'ä'", "5 5", "55 A", "0x55", "'A'B'", [], [5], 5, None])
def test_what_is_neither_is_refused(text: object) -> None:
    with pytest.raises(ValidationError, match="bytes in hex, such as"):
        WRITES.validate_python(text)


@pytest.mark.parametrize(
    ("text", "index", "count", "place"),
    [
        ("55 AA 01", 1, 1, (3, 2)),
        ("55AA01", 1, 2, (2, 4)),
        ("0A 'STOP' 04", 2, 1, (5, 1)),
        ("0A 'STOP' 04", 4, 2, (7, 5)),
        ("55", 1, 1, None),
        ("55 AA", 1, 9, (3, 2)),
    ],
)
def test_a_byte_is_found_in_what_is_written(text: str, index: int, count: int, place: tuple[int, int] | None) -> None:
    assert place_of_byte(text, index, count) == place


def test_the_write_that_differs_is_named_with_the_byte_in_it(tmp_path: Path) -> None:
    right = '"68 79 00 0D 01 0B 01 02 58 48 7D 0D 0A"'
    assert told(tmp_path, "ems-v2", (right, right.replace("58 48", "59 48"))) == (
        "59",
        "examples.1.bytes.2: found 59 as byte 8; expected 58, lease 600 s ({lease:u16be}), "
        "as the frames make of set_level = 5, lease = 600",
    )


def test_where_a_check_stands_first_the_value_is_named_that_it_follows(tmp_path: Path) -> None:
    mark, message = told(tmp_path, "theragun-4", ("AA E3 01 03 06 D6 03", "AA 0D 01 03 07 00 03"))
    assert mark == "07"
    assert "found 07 as byte 4; expected 06, level 1, 1750 on the wire ({level:u16be}), as the frames make" in message


def test_the_sequence_and_the_lease_are_said_as_the_file_says_them(tmp_path: Path) -> None:
    assert told(tmp_path, "open-ball", ("01 07 32 B8 0B", "01 07 33 B8 0B")) == (
        "33",
        "examples.1.bytes: found 33 as byte 2; expected 32, level 50 ({level:u8}), "
        "as the frames make of set_level = 50, lease = 3, sequence = 7",
    )


def test_a_report_that_another_one_hides_is_told_with_that_one(tmp_path: Path) -> None:
    first = 'any = { from = "level", frame = "5A {_:2}" }\nlevel = { from = "level"'
    mark, message = told(tmp_path, "button-ball", ('level = { from = "level"', first))
    assert mark == '"5A 02 58"'
    assert message == (
        "examples.3.bytes: found bytes that are read as report any; expected report level: refusals are tried first "
        "and then the reports in their order, so the more particular one must stand before the other"
    )


def test_a_value_that_the_ball_does_not_know_is_not_to_be_told(tmp_path: Path) -> None:
    edits = ("[safety]", "[values]\nbattery = { none = [100] }\n\n[safety]")
    assert told(tmp_path, "button-ball", edits) == (
        "battery",
        "examples.4.report.battery.battery: found battery; expected no battery: the bytes say that it is not known",
    )


@pytest.mark.parametrize(
    ("data", "key", "found"),
    [
        ("A5 FD A6", "examples.2.bytes", "xor8 at byte 2 is 59, not 58"),
        ("A5 FC A6", "examples.2.report.level.level", "2"),
    ],
)
def test_behind_a_codec_plug_in_the_frame_inside_is_explained(
    data: str, key: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    masking.plug_in(monkeypatch)
    masked = edited(
        "button-ball",
        ('evidence = "simulated"', 'evidence = "simulated"\ncodec = "mask"'),
        ("A5 03 A6", "5A FC 59"),
        ("A5 00 A5", "5A FF 5A"),
        ("5A 02 58", data),
    )
    with pytest.raises(Misfit) as caught:
        prove(masked)
    assert (caught.value.key, caught.value.found, caught.value.where) == (key, found, None)


def test_behind_a_codec_plug_in_no_part_of_a_frame_is_named_for_what_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    masking.plug_in(monkeypatch)
    masked = edited("button-ball", ('evidence = "simulated"', 'evidence = "simulated"\ncodec = "mask"'))
    with pytest.raises(Misfit, match="found A5 as byte 0; expected 5A, as the frames make of set_level = 3"):
        prove(masked)
