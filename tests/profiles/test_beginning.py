from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles.shipped import PROFILES, save
from unknot.errors import UsageError
from unknot.profiles import beginning, library, overlap, schema
from unknot.profiles.fields import ID


def test_holds_as_it_stands(tmp_path: Path) -> None:
    one = library.load_file(save(tmp_path, "my-ball", beginning.text("my-ball")))
    assert (one.id, one.name, one.match.names) == ("my-ball", "My Ball", ("MyBall*",))


def test_two_of_them_are_told_apart_and_none_is_taken_for_a_shipped_one(tmp_path: Path) -> None:
    names = ["my-ball", "your-ball", "pavlok", "hy1"]
    made = [library.load_file(save(tmp_path, name, beginning.text(name))) for name in names]
    for one in made:
        assert overlap.overlapping(one, [*PROFILES, *made]) is None


def test_every_section_stands_under_a_line_that_explains_it() -> None:
    lines = beginning.text("my-ball").splitlines()
    assert lines[0] == schema.FIRST_LINE
    sections = [number for number, line in enumerate(lines) if re.fullmatch(r"\[+[a-z_]+\]+", line)]
    first = {line: number for number, line in reversed([(one, lines[one]) for one in sections])}
    assert len(first) > 10
    for line, number in first.items():
        assert lines[number - 1].startswith("# "), line
        assert lines[number - 2] == "", line


@given(st.lists(st.text("abz09", min_size=1, max_size=30), min_size=1, max_size=4).map("-".join))
def test_any_id_makes_a_file_of_that_id(name: str) -> None:
    assert re.fullmatch(ID, name)
    assert f'\nid = "{name}"\n' in beginning.text(name)


@pytest.mark.parametrize("name", ["My-Ball", "", "a_b", "-a", 'x"y', "é"])
def test_what_is_no_id_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"^a profile's id is its file's name: found "):
        beginning.text(name)
