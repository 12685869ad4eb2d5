from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unknot.profiles.patterns import GLOB_MAX, TextTest, example_of_glob, fits_glob


@pytest.mark.parametrize(
    ("test", "text"),
    [
        (">=3", "V3.0.1"),
        (">=3", "3"),
        (">=3", "10"),
        (">1.9", "1.10"),
        (">2", "2.0.1"),
        (">=2.0", "2"),
        ("<=2.1", "2.1.0"),
        ("<3", "2.99"),
        ("<3", "fw 0"),
        ("==2.0", "V2"),
        ("==2", "2.0.0"),
        ("==1.0.1", "1.00.01"),
        (">=216", "v216"),
        (">999999999", "9" * 5000),
        ("WLT825X_H35*", "WLT825X_H35"),
        ("WLT825X_H35*", "WLT825X_H35_S"),
        ("*star*", "Elstar Ltd"),
        ("hy[0-9]*", "hy3v2"),
        ("RT8?00S", "RT8600S"),
        ("[!0-9]*", "x1"),
        ("*", ""),
        ("a*", "a\nb"),
        ("1.0 + b", "1.0 + b"),
    ],
)
def test_a_text_fits(test: str, text: str) -> None:
    assert TextTest(test).fits(text)


@pytest.mark.parametrize(
    ("test", "text"),
    [
        (">=3", "2.9.9"),
        (">1.10", "1.9"),
        (">2", "2.0"),
        ("<=2.1", "2.1.1"),
        ("<3", "3.0"),
        ("==2.0", "2.0.1"),
        ("<3", ""),
        ("<3", "unknown"),
        ("<3", "٢"),
        (">=0", "none"),
        ("WLT825X_H35", "WLT825X_H35_S"),
        ("*star*", "Star"),
        ("hy[0-9]", "hyx"),
        ("hy?", "hy"),
        ("[!0-9]*", "1x"),
        ("1.0", "1x0"),
        ("a", "a\n"),
    ],
)
def test_a_text_does_not_fit(test: str, text: str) -> None:
    assert not TextTest(test).fits(text)


@pytest.mark.parametrize(
    ("test", "example"),
    [
        (">=3", "3"),
        ("<3", "2"),
        (">2", "3"),
        ("==2.0", "2.0"),
        ("<=2.1", "2.1"),
        (">2.9", "2.10"),
        ("<2.0", "1.0"),
        ("<2.0.3", "2.0.2"),
        ("WLT825X_H35*", "WLT825X_H35"),
        ("*star*", "star"),
        ("hy[3-9]?", "hy30"),
        ("[!0-9]", "a"),
    ],
)
def test_an_example_is_the_simplest_text_that_fits(test: str, example: str) -> None:
    assert TextTest(test).example() == example
    assert TextTest(test).fits(example)


@pytest.mark.parametrize(
    "written", [">", ">=", "=2", "!=2", ">v2", ">= 2", ">2.", ">.2", "<1.2.3.4.5.6.7.8.9", ">1234567890", "<2\n", ">²"]
)
def test_what_begins_like_a_comparison_and_is_none_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="a comparison such as"):
        TextTest(written)


@pytest.mark.parametrize("written", ["<0", "<0.0.0"])
def test_a_comparison_that_nothing_fits_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="a number above 0"):
        TextTest(written)


@pytest.mark.parametrize(
    "written",
    ["", "x" * (GLOB_MAX + 1), "a\nb", "[", "[]", "[!]", "[0-9", "[9-0]", "a[b", "[a-b-c]", "[[]", "[^a]", "[! -~]"],
)
def test_what_is_no_glob_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=f"a pattern of 1 to {GLOB_MAX} characters"):
        TextTest(written)


_LIKELY = st.sampled_from("aZ09 .-_]^!&~|\\äß-")
_ITEM = st.one_of(
    st.sampled_from(["0-9", "a-z", "A-F", r"\-a", "&&", "||", "~~", "ä-ü", "!-/"]), st.characters(codec="utf-8")
)
_CLASS = st.tuples(st.sampled_from(["", "!"]), st.lists(_ITEM, min_size=1, max_size=3)).map(
    lambda drawn: f"[{drawn[0]}{''.join(drawn[1])}]"
)
_GLOB = st.lists(st.one_of(st.sampled_from("*?"), _LIKELY, _CLASS, st.characters(codec="utf-8")), max_size=12).map(
    "".join
)
_NUMBER = st.lists(st.integers(0, 999_999_999).map(str), min_size=1, max_size=8).map(".".join)
_COMPARISON = st.tuples(st.sampled_from([">", ">=", "==", "<=", "<"]), _NUMBER).map("".join)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # the first text ever builds a table of Unicode
@given(written=st.one_of(_GLOB, _COMPARISON), text=st.text(max_size=20), filling=st.sampled_from(["", "1", "x"]))
def test_an_example_always_fits_and_no_text_raises(written: str, text: str, filling: str) -> None:
    try:
        test = TextTest(written)
    except ValueError:
        return
    assert test.fits(test.example())
    assert test.fits(text) in (True, False)
    if not written.startswith(("<", ">", "=", "!")):
        assert fits_glob(written, example_of_glob(written, filling))


@given(
    left=st.lists(st.integers(0, 12), min_size=1, max_size=4),
    right=st.lists(st.integers(0, 12), min_size=1, max_size=4),
)
def test_versions_compare_as_their_parts_do(left: list[int], right: list[int]) -> None:
    width = max(len(left), len(right))
    padded = [parts + [0] * (width - len(parts)) for parts in (left, right)]
    text, bound = (".".join(map(str, parts)) for parts in (left, right))
    assert TextTest(f">={bound}").fits(f"V{text}") == (padded[0] >= padded[1])
    assert TextTest(f">{bound}").fits(f"V{text}") == (padded[0] > padded[1])
    assert TextTest(f"=={bound}").fits(f"V{text}") == (padded[0] == padded[1])
    assert TextTest(f"<={bound}").fits(f"V{text}") == (padded[0] <= padded[1])
    if any(right):
        assert TextTest(f"<{bound}").fits(f"V{text}") == (padded[0] < padded[1])


HOSTILE = [
    "*a" * 32,
    "*" * 64,
    "*?" * 32,
    "*[a-b]" * 10 + "c",
    "*a*b" * 16,
    "*aa" * 21 + "b",
    "?" * 32 + "*" * 31 + "z",
]


@pytest.mark.parametrize("pattern", HOSTILE)
def test_no_pattern_takes_long_on_a_name_from_the_air(pattern: str) -> None:
    for name in ("a" * 248, "ab" * 124, "a" * 247 + "b"):
        fits_glob(pattern, name)  # compiles it
        took = []
        for _ in range(3):  # the machine may be busy with something else
            begin = time.perf_counter()
            fits_glob(pattern, name)
            took.append(time.perf_counter() - begin)
        assert min(took) < 0.010
