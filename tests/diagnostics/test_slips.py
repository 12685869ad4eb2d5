"""What is no known slip, and that no text is too wrong; the slips themselves are in the tests of the library."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unknot.diagnostics import slips


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("x = .5", 1, 5),
        ("x = 04", 1, 6),
        ("a b = 1", 1, 3),
        ('x = "C:\\p"', 1, 10),
        ("x = [1,\n2\ny = 3", 3, 1),
        ("a = 1\n[a]", 2, 3),
        ('x = """a "b\nc', 1, 11),
        ("x = 1 # it's “so”", 1, 6),
        ("", 1, 1),
        ("x", 9, 1),
    ],
)
def test_for_what_is_no_known_slip_tomllib_keeps_the_word(text: str, line: int, column: int) -> None:
    assert slips.at_line(text, line, column) is None


def test_a_text_of_two_that_ends_where_the_other_begins_is_pointed_at() -> None:
    slip = slips.at_line('a = { b = "c, d = "A5" }', 1, 20)
    assert slip is not None
    assert (slip.column, slip.width) == (11, 9)


def test_at_the_end_the_quote_that_is_never_closed_is_found() -> None:
    slip = slips.at_end("a = 1\nx = 'abc\n")
    assert slip is not None
    assert (slip.line, slip.column, slip.found) == (2, 5, "a ' too few or too many in this line")
    assert slips.at_end("") is None


SCRAPS = st.sampled_from(["a", "=", '"', "'", "“", "[", "]", "[[", "{", "}", ",", "\n", "#", "True", "15min", ".", " "])


@given(st.lists(SCRAPS, max_size=20).map("".join))
def test_the_place_of_every_slip_is_in_the_text(text: str) -> None:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        lines = text.split("\n")
        for number, line in enumerate(lines, 1):
            for slip in (slips.at_line(text, number, len(line) + 1), slips.at_end(text)):
                assert slip is None or 0 < slip.column <= len(lines[slip.line - 1])
