from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from tests.carets import pointed_at, without_place
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
    assert str(caught.value).isprintable()
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
    ("text", "marked", "key", "found", "expected"),
    [
        ("[[inner]]", "inner", "number", "nothing", "this key"),
        ("number = 'one'", "'one'", "number", "'one'", "a whole number"),
        ("number = 1\nextra = 2", "extra", "extra", "an unknown key", "one of name, inner"),
        (
            'number = 1\n"ex.tra" = 2',
            '"ex.tra"',
            "ex.tra",
            "an unknown key",
            "one of name, inner",
        ),
        (
            'number = 1\n"ex\\ntra" = 2',
            '"ex\\ntra"',
            "'ex\\ntra'",
            "an unknown key",
            "one of name, inner",
        ),
        ("number = 13", "13", "number", "13", "a number of good omen"),
        (
            'number = 1\n[[inner]]\n[[inner]]\npause = "2"',
            '"2"',
            "inner.2.pause",
            "'2'",
            'a duration with its unit, such as "45s", "500ms" or "2min"',
        ),
        ("number = 1\nname = [1,\n2]", "[1,", "name", "[1, 2]", "text in quotes"),
        ("name = 1", "name", "number", "nothing", "this key (1 more after this one)"),
        ("number = 1.5", "1.5", "number", "1.5", "a whole number"),
    ],
)
def test_what_is_wrong_is_said_with_place_key_found_and_expected(  # noqa: PLR0917
    tmp_path: Path, text: str, marked: str, key: str, found: str, expected: str
) -> None:
    error = refusal(file_of(tmp_path, text))
    assert (error.key, error.found, error.expected) == (key, found, expected)
    assert without_place(error) == f"{key}: found {found}; expected {expected}"
    assert pointed_at(error) == marked


def test_a_long_value_is_shortened(tmp_path: Path) -> None:
    error = refusal(file_of(tmp_path, f"number = [{'1, ' * 1000}]"))
    assert error.found == "[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,..."
    assert len(error.found) == 60


def test_a_nesting_that_python_cannot_write_is_named_all_the_same(tmp_path: Path) -> None:
    assert refusal(file_of(tmp_path, f"number = 1\nname{'.a' * 2_000} = 1")).found == "a nesting beyond all bounds"


def test_a_number_that_python_cannot_write_is_named_all_the_same(tmp_path: Path) -> None:
    assert refusal(file_of(tmp_path, f"number = 1\nname = 0x{'F' * 5000}")).found == "a number beyond all bounds"


@pytest.mark.parametrize(
    ("raw", "place", "found", "expected"),
    [
        (b"number =", (1, 9), "invalid value", "valid TOML"),
        (b"number =\n\n", (1, 9), "invalid value", "valid TOML"),
        (b"number = 1\r\nname = x\r\n", (2, 8), "x without quotes", 'text in quotes: "x"'),
        (
            b"number = 1\nnumber = 2",
            (2, 1),
            "a second number",
            "each key once in its section; the first is in line 1",
        ),
        (b"# \xc3\xa4\x07", (1, 4), "invalid character '\\x07'", "valid TOML"),
        (b"a = 1\nname = '\xc3\xa4\xe4'", (2, 10), "byte 16 that is not UTF-8", "a TOML file in UTF-8"),
        (b"number = " + b"9" * 5000, (None, None), "a number or a nesting beyond all bounds", "valid TOML"),
        (b" " * (datafile.MAX_BYTES + 1), (None, None), "more than 262144 bytes", "a data file of a few kilobytes"),
    ],
)
def test_what_is_no_toml_is_refused_where_it_ends_to_be_toml(
    tmp_path: Path, raw: bytes, place: tuple[int | None, int | None], found: str, expected: str
) -> None:
    error = refusal(file_of(tmp_path, raw))
    assert (error.key, error.found, error.expected) == ("", found, expected)
    assert (error.line, error.column) == place
    assert len(error.source) <= 160


def test_an_empty_file_lacks_its_first_key_and_has_no_place_for_it(tmp_path: Path) -> None:
    error = refusal(file_of(tmp_path, ""))
    assert (error.key, error.found, error.line, error.source) == ("number", "nothing", None, "")
    assert str(error) == f"{error.file}: number: found nothing; expected this key"


def test_a_nesting_without_end_is_refused(tmp_path: Path) -> None:
    assert refusal(file_of(tmp_path, b"number = " + b"[" * 50_000)).expected == "valid TOML"


def test_a_file_of_the_greatest_size_is_read(tmp_path: Path) -> None:
    text = b"number = 1\n"
    assert datafile.load(file_of(tmp_path, text + b"#" * (datafile.MAX_BYTES - len(text))), Outer).number == 1


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.toml").found == "no such file or directory"
    assert refusal(tmp_path).found == "a folder"
    assert refusal(tmp_path).expected == "a readable TOML file"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    file = file_of(tmp_path, "number = 1")
    file.chmod(0)
    assert refusal(file).found == "a file that may not be read"


def test_the_mark_that_windows_puts_before_a_file_is_passed_over(tmp_path: Path) -> None:
    assert datafile.load(file_of(tmp_path, b"\xef\xbb\xbfnumber = 1\r\n"), Outer).number == 1
    assert (refusal(file_of(tmp_path, b"\xef\xbb\xbfnumber = x")).column) == 10


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_file_in_utf_16_is_refused_by_that_name(tmp_path: Path, encoding: str) -> None:
    error = refusal(file_of(tmp_path, "\ufeffnumber = 1".encode(encoding)))
    assert str(error).endswith("found a file in UTF-16; expected a TOML file in UTF-8: let your editor save it so")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(st.binary(max_size=60) | st.text("[]{}='\"\n#.0x_ae+-", max_size=40).map(str.encode))
def test_any_bytes_are_a_file_or_a_file_error(tmp_path: Path, raw: bytes) -> None:
    file = file_of(tmp_path, raw)
    try:
        said = str(type(datafile.read(file)))
    except FileError as error:
        said = str(error)
    assert len(said.splitlines()) == 1


def test_what_is_wrong_with_a_file_that_was_loaded_is_told_with_its_place(tmp_path: Path) -> None:
    file = file_of(tmp_path, "number = 1\n[[inner]]\npause = '1s'\nword = 'lef'")
    misfit = datafile.Misfit("inner.0.word", "'lef'", "left or right")
    error = datafile.wrong(file, misfit, ProtocolFileError)
    assert isinstance(error, ProtocolFileError)
    assert pointed_at(error) == "'lef'"
    assert str(error) == f"{file}:4:8: inner.1.word: found 'lef'; expected left or right; did you mean 'left'?"


@pytest.mark.parametrize("raw", [b"= 1", b"\xff", None])
def test_what_is_wrong_is_told_without_a_place_if_the_file_has_gone_bad_since(
    tmp_path: Path, raw: bytes | None
) -> None:
    file = tmp_path / "gone.toml" if raw is None else file_of(tmp_path, raw)
    error = datafile.wrong(file, datafile.Misfit("number", "1", "2"))
    assert (str(error), error.line) == (f"{file}: number: found 1; expected 2", None)


def test_a_pipe_is_not_read_twice(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    assert datafile.wrong(pipe, datafile.Misfit("number", "1", "2")).line is None


def test_a_right_file_is_read_without_looking_for_places(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from unknot.profiles import library as profiles\n"
        "from unknot.protocols import library as protocols\n"
        "from unknot.simulator import faults\n"
        "from pathlib import Path\n"
        "profiles.load_all(), protocols.load('calf'), faults.load(Path(sys.argv[1]))\n"
        "looked = {'tree_sitter', 'tree_sitter_toml', 'unknot.diagnostics.places', 'unknot.diagnostics.slips'}\n"
        "looked |= {'unknot.profiles.disproof', 'unknot.profiles.explain', 'unknot.profiles.miswritten'}\n"
        "print(sorted(looked & set(sys.modules)))\n"
    )
    file = file_of(tmp_path, "schema = 1\n[[faults]]\nat = '1s'\nwhat = 'button-pressed'")
    result = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
