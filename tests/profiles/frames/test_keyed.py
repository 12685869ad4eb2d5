from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unknot.errors import FrameMismatch, FrameSyntaxError, FrameValueError
from unknot.profiles.frames.frame import Span, Value
from unknot.profiles.frames.keyed import JsonFrame, LinesFrame, keyed

VIBRATE = {"json": {"cmd": "vibrate", "to": {"level": "$level", "soft": True}, "tag": "$tag"}, "end": "0A"}
STATUS = {"lines": {"STATUS": "$state", "ELAPSED": "$elapsed", "API": 2}, "end": "04"}


def test_json_is_written_compact_in_the_order_of_the_file() -> None:
    frame = keyed(VIBRATE)
    data = b'{"cmd":"vibrate","to":{"level":5,"soft":true},"tag":"\\u00e4"}\n'
    assert frame.pack({"level": 5, "tag": "ä"}) == data
    assert frame.unpack(data) == {"level": 5, "tag": "ä"}
    assert frame.slots == ("level", "tag")
    assert frame.template == (
        'json {"cmd": "vibrate", "to": {"level": "$level", "soft": true}, "tag": "$tag"} end = "0A"'
    )


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (' {"b": "x", "further": [1], "a": 7}', {"a": 7, "b": "x"}),
        ('{"a": true, "b": false}', {"a": 1, "b": 0}),
        ('{"a": 3.0, "b": -1e2}', {"a": 3, "b": -100}),
        ('{"a": 1, "b": "", "a": 2}', {"a": 2, "b": ""}),
    ],
)
def test_json_is_read_in_any_order_with_further_keys(text: str, values: dict[str, Value]) -> None:
    assert JsonFrame({"a": "$a", "b": "$b"}).unpack(text.encode()) == values


@pytest.mark.parametrize(
    ("data", "at", "message"),
    [
        (b"", 0, "byte 0: no JSON: Expecting value"),
        ('{"ä": x}'.encode(), 7, "byte 7: no JSON: Expecting value"),
        (b'{"a": "\xff"}', 7, "byte 7 is not UTF-8"),
        (b"[]", 0, "no JSON object"),
        (b'{"a": ' + b"9" * 500 + b"}", None, "a is neither a whole number nor text"),
        (b'{"k": 1}', None, "no key a"),
        (b'{"a": 1, "n": {}}', None, "no key n.k"),
        (b'{"a": 1, "n": 5}', None, "no key n.k"),
        (b'{"a": 1.5}', None, "a is neither a whole number nor text"),
        (b'{"a": null}', None, "a is neither a whole number nor text"),
        (b'{"a": NaN}', None, "a is neither a whole number nor text"),
        (b'{"a": 1e999}', None, "a is neither a whole number nor text"),
        (b'{"a": "\\ud800"}', None, "a is neither a whole number nor text"),
        (b'{"a": 1, "n": {"k": true}, "b": 1}', None, "n.k is not 1"),
        (b'{"a": 1, "n": {"k": 1.0}, "b": 2}', None, "b is 2, but 1 before"),
        (b" " * 513, 512, "513 bytes, at most 512 expected"),
    ],
)
def test_other_json_is_refused(data: bytes, at: int | None, message: str) -> None:
    with pytest.raises(FrameMismatch) as caught:
        JsonFrame({"a": "$a", "n": {"k": 1}, "b": "$a"}).unpack(data)
    assert (caught.value.at, str(caught.value)) == (at, message)


def test_lists_are_fixed_values() -> None:
    frame = JsonFrame({"zones": [1, 2], "level": "$level"})
    assert frame.unpack(frame.pack({"level": 3})) == {"level": 3}
    for other in ([1], [1, True], [1, 3], 1):
        with pytest.raises(FrameMismatch, match=r"^zones is not \[1, 2\]$"):
            frame.unpack(json.dumps({"zones": other, "level": 3}).encode())


def test_lines_are_written_in_the_order_of_the_file_and_read_in_any() -> None:
    frame = keyed(STATUS)
    assert frame.pack({"state": "RUNNING", "elapsed": 60}) == b"STATUS:RUNNING\nELAPSED:60\nAPI:2\n\x04"
    found = b"SYNC tick\nELAPSED:-60\nAPI:2\nTOTAL:7\nSTATUS:A:B \n\x04"
    assert frame.unpack(found) == {"state": "A:B ", "elapsed": -60}
    assert frame.slots == ("state", "elapsed")
    assert frame.template == (
        'lines {"STATUS": "$state", "ELAPSED": "$elapsed", "API": 2} between = ":" line = "0A" end = "04"'
    )


def test_lines_may_be_put_together_otherwise() -> None:
    frame = keyed({"lines": {"L": "$level"}, "between": " = ", "line": "0D 0A"})
    assert frame.pack({"level": 5}) == b"L = 5\r\n"
    assert frame.unpack(b"L = 5") == {"level": 5}


@pytest.mark.parametrize(
    ("data", "at", "message"),
    [
        (b"STATUS:A\nELAPSED:1\nAPI:2\n", 25, "no 04 at the end"),
        (b"STATUS:A\nAPI:2\n\x04", 16, "no line ELAPSED"),
        (b"STATUS\nELAPSED:1\nAPI:2\n\x04", 24, "no line STATUS"),
        (b"STATUS:A\nELAPSED:1\nAPI:3\n\x04", 19, "API is not 2"),
        (b"STATUS:A\nELAPSED:1\nAPI:2\nSTATUS:B\n\x04", 25, "byte 25: state is 'B', but 'A' before"),
        (b"STATUS:A\xff\nELAPSED:1\nAPI:2\n\x04", 8, "byte 8: STATUS is not UTF-8"),
        (b"STATUS:A\nELAPSED:" + b"9" * 30 + b"\nAPI:2\n\x04", 17, "ELAPSED is an integer of too many digits"),
    ],
)
def test_other_lines_are_refused(data: bytes, at: int, message: str) -> None:
    with pytest.raises(FrameMismatch) as caught:
        keyed(STATUS).unpack(data)
    assert (caught.value.at, str(caught.value)) == (at, message)


def test_explain_tells_what_stands_under_each_key() -> None:
    data = b'{"cmd":"vibrate","to":{"level":5,"soft":true},"tag":"x"}\n'
    assert keyed(VIBRATE).explain(data) == (
        Span(0, 56, 'cmd = "vibrate"', None),
        Span(0, 56, 'to.level = "$level"', 5),
        Span(0, 56, "to.soft = true", None),
        Span(0, 56, 'tag = "$tag"', "x"),
        Span(56, 57, "0A", None),
    )
    assert keyed(STATUS).explain(b"hm\nAPI:2\nSTATUS:A\nELAPSED:1\n\x04") == (
        Span(3, 8, "API = 2", None),
        Span(9, 17, 'STATUS = "$state"', "A"),
        Span(18, 27, 'ELAPSED = "$elapsed"', 1),
        Span(28, 29, "04", None),
    )


@pytest.mark.parametrize(
    ("table", "values", "slot"),
    [
        (VIBRATE, {"level": 5}, "tag"),
        (VIBRATE, {"level": 1 << 64, "tag": ""}, "level"),
        (VIBRATE, {"level": 5, "tag": "\ud800"}, "tag"),
        (VIBRATE, {"level": 5, "tag": "x" * 600}, "the frame's length"),
        (STATUS, {"state": "A\nAPI:3", "elapsed": 1}, "state"),
        (STATUS, {"state": "A\x04", "elapsed": 1}, "state"),
        (STATUS, {"state": "A" * 500, "elapsed": 1}, "the frame's length"),
        ({"lines": {"A": "$a"}, "line": "0D 0D"}, {"a": "x\r"}, "a"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(table: dict[str, Any], values: dict[str, Value], slot: str) -> None:
    with pytest.raises(FrameValueError) as caught:
        keyed(table).pack(values)
    assert caught.value.slot == slot


PLAINLY = 'text, a number, true, false, a list of them, a table or a "$slot" under a'
LINE = 'text, a whole number or a "$slot" under a'
REST = ' between = ":" line = "0A"'
deep: dict[str, Any] = {"a": 1}
for _ in range(9):
    deep = {"a": deep}


@pytest.mark.parametrize(
    ("table", "wrong", "expected"),
    [
        ({}, "{}", "a frame template, or a table with json or lines"),
        ({"json": "x"}, '"json": "x"}', "a table under json"),
        ({"json": {"a": 1}, "line": "0A"}, '"line": "0A"}', "besides json only end"),
        ({"lines": {"a": 1}, "end": 4}, '"end": 4}', "text under end"),
        ({"json": {}}, "{}", "a table with at least one key"),
        ({"json": {"a": {}}}, '{"a": {}}', "a table with at least one key"),
        ({"json": {"a": "$A"}}, '"a": "$A"}', "a slot's name in lower case after $"),
        (
            {"json": {"a": ["$a"]}},
            '"a": ["$a"]}',
            'text, a number, true, false, a list of them, a table or a "$slot" under a',
        ),
        (
            {"json": {"a": float("inf")}},
            '"a": Infinity}',
            'text, a number, true, false, a list of them, a table or a "$slot" under a',
        ),
        ({"json": deep}, None, "a key of UTF-8, in at most 8 tables"),
        ({"json": {"a": 1}, "end": "0"}, 'end = "0"', 'bytes in hex, such as "0D 0A"'),
        ({"lines": {"a": 1}, "line": ""}, None, 'bytes in hex that end a line, such as "0A"'),
        ({"lines": {"a": 1}, "between": ""}, None, 'text between a key and its value, such as ":"'),
        (
            {"lines": {"a": {"b": 1}}},
            '"a": {"b": 1}}' + REST,
            'text, a whole number or a "$slot" under a',
        ),
        ({"lines": {"a": True}}, '"a": true}' + REST, LINE),
        ({"lines": {"a:b": 1}}, '"a:b": 1}' + REST, "a key without what ends it or its line"),
        ({"lines": {"a": "\n"}}, '"a": "\\n"}' + REST, "text that does not end its line under a"),
        ({"json": {"a": "x" * 3000}}, None, "at most 2000 characters"),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(table: dict[str, Any], wrong: str | None, expected: str) -> None:
    with pytest.raises(FrameSyntaxError) as caught:
        keyed(table)
    assert caught.value.expected == expected
    if wrong is not None:
        assert caught.value.template[caught.value.position :] == wrong


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just("$a")
TABLES = st.recursive(
    PLAIN, lambda more: st.lists(more, max_size=2) | st.dictionaries(st.text(max_size=3), more), max_leaves=5
)


@given(st.dictionaries(st.sampled_from(["json", "lines", "end", "line", "between", "x"]), TABLES, max_size=3))
def test_any_table_is_a_frame_or_a_syntax_error(table: dict[str, Any]) -> None:
    refused = None
    try:
        frame: JsonFrame | LinesFrame = keyed(table)
    except FrameSyntaxError as error:
        refused = error
    if refused is None:
        assert set(frame.slots) <= {"a"}
    else:
        assert 0 <= refused.position <= len(refused.template)
        assert len(str(refused).splitlines()) == 1


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\x04"), max_size=9)


@given(TEXTS, st.integers(-(2**64) + 1, 2**64 - 1))
def test_every_keyed_frame_unpacks_what_it_packs(text: str, number: int) -> None:
    json_values: dict[str, Value] = {"level": number, "tag": text}
    assert keyed(VIBRATE).unpack(keyed(VIBRATE).pack(json_values)) == json_values
    # Lines do not tell text of digits from a number: a letter before it does.
    line_values: dict[str, Value] = {"state": f"S{text}", "elapsed": number}
    assert keyed(STATUS).unpack(keyed(STATUS).pack(line_values)) == line_values


@given(
    st.binary(max_size=40)
    | st.lists(st.sampled_from(["{", "}", '"a"', ":", "1", "[", ",", "STATUS:", "\n", "\x04"])).map(
        lambda some: "".join(some).encode()
    )
)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for frame in (JsonFrame({"a": "$a"}), LinesFrame({"STATUS": "$a"})):
        try:
            values = frame.unpack(data)
        except FrameMismatch:
            continue
        assert set(values) == {"a"}
