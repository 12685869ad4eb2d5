from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unknot.diagnostics import paths
from unknot.diagnostics.written import LONGEST_SHOWN, shown


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, "true"),
        ({"table": [0, 1], "offset": 1}, "{ table = [0, 1], offset = 1 }"),
        ({"a b": {}}, "{ 'a b' = {} }"),
        ((1.5, "x"), "[1.5, 'x']"),
        ("it's", '"it\'s"'),
        pytest.param(10**5000, "a number beyond all bounds", id="a number of 5001 digits"),
    ],
)
def test_a_value_is_shown_as_a_file_writes_it(value: object, written: str) -> None:
    assert shown(value) == written


LEAVES = st.booleans() | st.integers(-99, 99) | st.text("abc '", max_size=4)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab ", max_size=2), inner, max_size=2)
)


@given(VALUES)
def test_what_is_shown_whole_is_read_as_the_same_value(value: object) -> None:
    written = shown(value)
    assert len(written) == LONGEST_SHOWN or tomllib.loads(f"x = {written}")["x"] == value


@pytest.mark.parametrize(
    ("content", "key", "told"),
    [
        ({"examples": [{"bytes": "00"}]}, "examples.0.bytes", "examples.1.bytes"),
        ({"examples": [{"bytes": ["00", "01"]}]}, "examples.0.bytes.1", "examples.1.bytes.2"),
        ({"cases": {"1": {"table": [0, 0]}}}, "cases.1.table.1", "cases.1.table.2"),
        ({}, "examples.0.bytes", "examples.1.bytes"),
    ],
)
def test_what_a_list_has_is_counted_from_1_and_a_key_of_digits_is_that_key(
    content: dict[str, object], key: str, told: str
) -> None:
    assert paths.shown(paths.below(content, (), key)) == told
