from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from unknot import datafile
from unknot.errors import FileError, ProtocolFileError


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    pause: Annotated[float, BeforeValidator(datafile.seconds)] = 1.0
    word: str = "x"


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: int
    name: str = ""
    inner: tuple[Inner, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> Outer:
        if self.number == 13:
            raise datafile.Misfit("number", "13", "a number of good omen")
        return self


def file_of(folder: Path, text: str | bytes) -> Path:
    file = folder / "some.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def refusal(file: Path) -> FileError:
    with pytest.raises(FileError) as caught:
        datafile.load(file, Outer)
    assert len(str(caught.value).splitlines()) == 1
    return caught.value


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45s", 45.0),
        ("45 s", 45.0),
        ("1.5s", 1.5),
        ("500ms", 0.5),
        ("2min", 120.0),
        ("0s", 0.0),
        ("0.5min", 30.0),
    ],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert datafile.seconds(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "45",
        45,
        4.5,
        True,
        None,
        ["45s"],
        "-1s",
        "+1s",
        "1e3s",
        "1.s",
        ".5s",
        "45S",
        "45sec",
        "1h",
        "45  s",
        " 45s",
        "45s\n",
        "٣s",
        "infs",
        "1" * 400 + "s",
    ],
)
def test_a_duration_without_number_or_unit_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r'^a duration with its unit, such as "45s", "500ms" or "2min"$'):
        datafile.seconds(text)


def test_a_good_file_becomes_its_model(tmp_path: Path) -> None:
    file = file_of(tmp_path, 'number = 1\n[[inner]]\npause = "2s"\n')
    assert datafile.load(file, Outer) == Outer(number=1, inner=(Inner(pause="2s"),))


def test_a_fixed_value_does_not_stand_in_the_file(tmp_path: Path) -> None:
    assert datafile.load(file_of(tmp_path, "number = 1"), Outer, name="ours").name == "ours"
    with pytest.raises(FileError, match="name: found 'theirs'; expected no such key"):
        datafile.load(file_of(tmp_path, "number = 1\nname = 'theirs'"), Outer, name="ours")


def test_the_error_is_of_the_kind_that_was_asked_for(tmp_path: Path) -> None:
    for text in ("number", "number = 'x'"):
        with pytest.raises(ProtocolFileError):
            datafile.load(file_of(tmp_path, text), Outer, ProtocolFileError)


@pytest.mark.parametrize(
    ("text", "key", "found", "expected"),
    [
        ("", "number", "nothing", "this key"),
        ("number = 'one'", "number", "'one'", "a valid integer, unable to parse string as an integer"),
        ("number = 1\nextra = 2", "extra", "an unknown key", "only the keys that the folder's README lists"),
        ('number = 1\n"ex.tra" = 2', "ex.tra", "an unknown key", "only the keys that the folder's README lists"),
        ('number = 1\n"ex\\ntra" = 2', "'ex\\ntra'", "an unknown key", "only the keys that the folder's README lists"),
        ("number = 13", "number", "13", "a number of good omen"),
        (
            'number = 1\n[[inner]]\n[[inner]]\npause = "2"',
            "inner.1.pause",
            "'2'",
            'a duration with its unit, such as "45s", "500ms" or "2min"',
        ),
        ("number = 1\nname = [1,\n2]", "name", "[1, 2]", "a valid string"),
        ("name = 1", "number", "nothing", "this key (1 more after this one)"),
        ("number = 1.5", "number", "1.5", "a valid integer, got a number with a fractional part"),
    ],
)
def test_what_is_wrong_is_said_with_key_found_and_expected(
    tmp_path: Path, text: str, key: str, found: str, expected: str
) -> None:
    error = refusal(file_of(tmp_path, text))
    assert (error.key, error.found, error.expected) == (key, found, expected)
    assert str(error) == f"{error.file}: {key}: found {found}; expected {expected}"


def test_a_long_value_is_shortened(tmp_path: Path) -> None:
    error = refusal(file_of(tmp_path, f"number = [{'1, ' * 1000}]"))
    assert error.found == "[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,..."
    assert len(error.found) == 60


def test_a_number_that_python_cannot_write_is_named_all_the_same(tmp_path: Path) -> None:
    assert refusal(file_of(tmp_path, f"number = 1\nname = 0x{'F' * 5000}")).found == "a number beyond all bounds"


@pytest.mark.parametrize(
    ("raw", "found", "expected"),
    [
        (b"number =", "invalid value (at end of document)", "valid TOML"),
        (b"number = 1\nnumber = 2", "cannot overwrite a value (at end of document)", "valid TOML"),
        (b"name = '\xe4'", "byte 8 that is not UTF-8", "a TOML file in UTF-8"),
        (b"number = " + b"9" * 5000, "a number or a nesting beyond all bounds", "valid TOML"),
        (b" " * (datafile.MAX_BYTES + 1), "more than 262144 bytes", "a data file of a few kilobytes"),
    ],
)
def test_what_is_no_toml_is_refused_as_a_whole(tmp_path: Path, raw: bytes, found: str, expected: str) -> None:
    error = refusal(file_of(tmp_path, raw))
    assert (error.key, error.found, error.expected) == ("", found, expected)


def test_a_nesting_without_end_is_refused(tmp_path: Path) -> None:
    assert refusal(file_of(tmp_path, b"number = " + b"[" * 50_000)).expected == "valid TOML"


def test_a_file_of_the_greatest_size_is_read(tmp_path: Path) -> None:
    text = b"number = 1\n"
    assert datafile.load(file_of(tmp_path, text + b"#" * (datafile.MAX_BYTES - len(text))), Outer).number == 1


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.toml").found == "no such file or directory"
    assert refusal(tmp_path).expected == "a readable TOML file"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(st.binary(max_size=60) | st.text("[]{}='\"\n#.0x_ae+-", max_size=40).map(str.encode))
def test_any_bytes_are_a_file_or_a_file_error(tmp_path: Path, raw: bytes) -> None:
    file = file_of(tmp_path, raw)
    try:
        said = str(type(datafile.read(file)))
    except FileError as error:
        said = str(error)
    assert len(said.splitlines()) == 1
