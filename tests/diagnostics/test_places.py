from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unknot.diagnostics import places
from unknot.errors import Place

Path = tuple[str | int, ...]

TEXT = """\
# A comment.
title = "T" # 'x' = 1
a.b.c = 1
"q r".'s.t' = [ # one
  1, # two
  { y = "zü\\u0041x", "z".w = [[2], 3] },
]
[motor]
levels = 4
[ deep . "er" ]
x = {}
[[list]]
n = 1
[[list]]
n = 2
[list.sub]
m = \'\'\'
one
two\'\'\'
[[list.sub2]]
k = 5
[super.table]
s = 1
[super]
t = 2
"""


def under(place: Place | None) -> tuple[int, int, str]:
    assert place is not None
    return place.line, place.column, place.source[place.mark : place.mark + place.width]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("title",), (2, 9, '"T"')),
        (("a", "b", "c"), (3, 9, "1")),
        (("a", "b"), (3, 3, "b")),
        (("q r", "s.t"), (4, 15, "[ # one")),
        (("q r", "s.t", 0), (5, 3, "1")),
        (("q r", "s.t", 1, "y"), (6, 9, '"zü\\u0041x"')),
        (("q r", "s.t", 1, "z", "w", 0, 0), (6, 32, "2")),
        (("motor",), (8, 2, "motor")),
        (("motor", "levels"), (9, 10, "4")),
        (("deep", "er"), (10, 10, '"er"')),
        (("deep", "er", "x"), (11, 5, "{}")),
        (("list",), (12, 3, "list")),
        (("list", 1), (14, 3, "list")),
        (("list", 1, "n"), (15, 5, "2")),
        (("list", 1, "sub"), (16, 7, "sub")),
        (("list", 1, "sub", "m"), (17, 5, "'''")),
        (("list", 1, "sub2", 0, "k"), (21, 5, "5")),
        (("super",), (24, 2, "super")),
        (("super", "table", "s"), (23, 5, "1")),
    ],
)
def test_a_value_is_found_by_its_path(path: Path, place: tuple[int, int, str]) -> None:
    assert under(places.of_value(TEXT, path)) == place


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("title",), (2, 1, "title")),
        (("a", "b", "c"), (3, 5, "c")),
        (("q r", "s.t"), (4, 7, "'s.t'")),
        (("q r", "s.t", 1, "z"), (6, 22, '"z"')),
        (("q r", "s.t", 0), (5, 3, "1")),
        (("motor",), (8, 2, "motor")),
        (("list", 1, "n"), (15, 1, "n")),
    ],
)
def test_a_key_is_found_by_its_path(path: Path, place: tuple[int, int, str]) -> None:
    assert under(places.of_key(TEXT, path)) == place


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("schema",), (2, 1, "title")),
        ((), (2, 1, "title")),
        (("motor", "hz"), (8, 2, "motor")),
        (("motor", "levels", "x", 3), (9, 10, "4")),
        (("list", 7, "n"), (12, 3, "list")),
        (("list", -1), (12, 3, "list")),
        (("q r", "s.t", 1, "nothing"), (6, 3, '{ y = "zü\\u0041x", "z".w = [[2], 3] }')),
        (("deep", "er", "x", "y"), (11, 5, "{}")),
    ],
)
def test_what_is_missing_is_pointed_at_by_the_nearest_part_around_it(path: Path, place: tuple[int, int, str]) -> None:
    assert under(places.of_value(TEXT, path)) == place
    assert under(places.of_key(TEXT, path)) == place


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_ends_of_lines_move_no_place(end: str) -> None:
    text = TEXT.replace("\n", end)
    assert under(places.of_value(text, ("list", 1, "sub2", 0, "k"))) == (21, 5, "5")
    assert under(places.of_character(text, ("list", 1, "sub", "m"), "one\ntwo", 5)) == (19, 2, "w")


@pytest.mark.parametrize(
    ("written", "content", "position", "place"),
    [
        ('"55 0 00"', "55 0 00", 3, (1, 8, "0")),
        ("'55 0 00'", "55 0 00", 3, (1, 8, "0")),
        (r'"\t\u0041\\x\""', '\tA\\x"', 3, (1, 15, "x")),
        (r'"\t\u0041\\x\""', '\tA\\x"', 1, (1, 7, "\\")),
        ('"äö😀x"', "äö😀x", 3, (1, 8, "x")),
        ('"""\nab\\\n   cd"""', "abcd", 2, (3, 4, "c")),
        ("'''\nab\ncd'''", "ab\ncd", 3, (3, 1, "c")),
        ('""', "", 0, (1, 5, '"')),
        ('"5"', "5", 1, (1, 6, '"')),
        ('"other"', "another", 3, (1, 4, '"other"')),
        ("[1]", "another", 3, (1, 4, "[1]")),
    ],
)
def test_a_character_is_found_in_the_string_as_it_is_written(
    written: str, content: str, position: int, place: tuple[int, int, str]
) -> None:
    assert under(places.of_character(f"f ={written}", ("f",), content, position)) == place


def test_a_string_that_is_not_there_is_pointed_at_by_what_is_around_it() -> None:
    assert under(places.of_character(TEXT, ("motor", "frame"), "55", 0)) == (8, 2, "motor")


@pytest.mark.parametrize(("line", "column"), [(0, 1), (3, 1), (-1, 1)])
def test_a_line_that_is_not_there_has_no_place(line: int, column: int) -> None:
    assert places.at_line("a\nb", line, column) is None


def test_an_empty_text_has_no_place() -> None:
    assert places.of_value("", ("a",)) is None
    assert places.of_key("", ()) is None
    assert places.at_line("", 1, 1) is None
    assert places.at_end(" \n") is None


def test_a_text_without_entries_is_pointed_at_by_its_first_character() -> None:
    assert under(places.of_value("# nothing\n", ("a",))) == (1, 1, "#")


def test_the_end_is_behind_the_last_character() -> None:
    place = places.at_end("a = 1\nb = \n\n")
    assert place == Place(2, 4, 1, "b = ", 3)


@pytest.mark.parametrize("index", [0, 1, 79, 80, 81, 200, 919, 920, 998, 999])
def test_of_a_long_line_160_characters_around_the_place_are_shown(index: int) -> None:
    line = "".join(chr(0x4E00 + number) for number in range(1000))
    place = places.at_line(line, 1, index + 1)
    assert place is not None
    assert (place.column, len(place.source)) == (index + 1, 160)
    assert place.source[place.mark] == line[index]
    assert place.source.startswith("…") == (place.source[0] != line[0])
    assert place.source.endswith("…") == (place.source[-1] != line[-1])


def test_what_is_marked_ends_with_what_is_shown() -> None:
    place = places.of_value(f"x = '{'y' * 500}'", ("x",))
    assert place is not None
    assert place.mark + place.width == len(place.source) == 160


def test_no_sign_reaches_a_terminal_that_it_would_obey() -> None:
    line = "a\tb\x1b[31m\x00\x7f\x9b\u202e\u2028\r"
    assert places.neutral(line) == "a b␛[31m␀����␍"


WORDS = st.sampled_from(
    ["a", "b", '"c d"', "'e.f'", "é", "1", ".", ",", "=", "\n", "[", "]", "[[", "]]", "{", "}", " "]
)
STRINGS = st.sampled_from(
    ['"', "'", '"""', "'''", "\\", "\\u12", "\\UFFFFFFFF", "#", "\r\n", "\t", "\0", "\ud800", "😀"]
)
TEXTS = st.text(max_size=60) | st.lists(WORDS | STRINGS, max_size=40).map("".join)
PATHS = st.lists(st.sampled_from(["a", "b", "c d", "e.f", "1", ""]) | st.integers(-2, 3), max_size=5).map(tuple)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(TEXTS, PATHS, st.integers(0, 20))
def test_no_text_is_too_wrong_to_be_looked_into(text: str, path: Path, number: int) -> None:
    lines = text.replace("\r\n", "\n").split("\n")
    found = [
        places.of_value(text, path),
        places.of_key(text, path),
        places.of_character(text, path, "ab", number),
        places.at_line(text, number, number),
        places.at_end(text),
    ]
    for place in found:
        if place is not None:
            assert 1 <= place.column <= len(lines[place.line - 1]) + 1
            assert place.width >= 1
            assert place.mark <= len(place.source) <= places.SHOWN
            assert place.source.isprintable()


KEYS = st.sampled_from(["a", "b", "c d", "e.f", "ä", '"', "\\", ""])
LEAVES = st.integers(0, 9) | st.text("ab\\\"'\t\n äß😀", max_size=6)
TREES = st.dictionaries(
    KEYS,
    st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)),
    max_size=4,
)


def quoted(text: str) -> str:
    signs = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\u0009"}
    return '"' + "".join(signs.get(sign, sign) for sign in text) + '"'


def inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)} = {inline(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return quoted(value) if isinstance(value, str) else str(value)


def as_toml(tree: dict[str, Any]) -> str:
    """Tables below headers, lists of tables below headers of arrays, and all that is in them in one line."""
    text = ""
    for key, value in sorted(tree.items(), key=lambda item: isinstance(item[1], dict | list)):
        if isinstance(value, dict):
            text += f"[{quoted(key)}]\n" + as_lines(value)
        elif isinstance(value, list) and value and all(isinstance(inner, dict) for inner in value):
            text += "".join(f"[[{quoted(key)}]]\n{as_lines(inner)}" for inner in value)
        else:
            text = f"{quoted(key)} = {inline(value)}\n" + text
    return text


def as_lines(table: dict[str, Any]) -> str:
    return "".join(f"{quoted(key)} = {inline(value)}\n" for key, value in table.items())


def leaves(value: Any, path: Path = ()) -> list[tuple[Path, Any]]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [leaf for part, inner in items for leaf in leaves(inner, (*path, part))]
    return [(path, value)]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(TREES)
def test_every_value_of_every_file_is_found_where_it_is_written(tree: dict[str, Any]) -> None:
    text = as_toml(tree)
    assert tomllib.loads(text) == tree
    for path, value in leaves(tree):
        place = places.of_value(text, path)
        assert place is not None
        line = text.split("\n")[place.line - 1]
        assert line[place.column - 1 :].startswith(inline(value))
        if isinstance(value, str):
            for position in range(len(value)):
                one = places.of_character(text, path, value, position)
                assert one is not None
                assert line[: one.column - 1].endswith(inline(value[:position])[1:-1])
                assert line[one.column - 1 :].startswith(inline(value[position])[1:-1])
