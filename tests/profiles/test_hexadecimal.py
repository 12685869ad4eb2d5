from __future__ import annotations

import re

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.profiles.shipped import BY_ID, edited
from unknot.profiles.examples import Example
from unknot.profiles.hexadecimal import parse
from unknot.profiles.proof import prove

SPELLINGS = (
    lambda data: data.hex(),
    lambda data: data.hex(" ").upper(),
    lambda data: f"(0x) {data.hex('-').upper()}",
    lambda data: data.hex(":"),
    lambda data: " ".join(f"0x{byte:02X}" for byte in data),
    lambda data: ", ".join(f"0X{byte:02x}" for byte in data),
    lambda data: f"0x{data.hex()}",
    lambda data: "".join(f"\\x{byte:02x}" for byte in data),
)
"""As nRF Connect, Wireshark, a program and a document write the same bytes."""


@given(st.binary(min_size=1, max_size=40))
def test_every_spelling_says_the_same_bytes(data: bytes) -> None:
    assert {parse(spell(data)) for spell in SPELLINGS} == {data}


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="'"), min_size=1), st.binary())
def test_a_text_in_quotes_is_its_characters(text: str, after: bytes) -> None:
    assert parse(f"'{text}' {after.hex(' ')}") == text.encode() + after


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("A5-1-03", "found '1' in 'A5-1-03'; expected two hex digits for each byte"),
        ("5A025", "found 5 hex digits, '5A025', in '5A025'; expected two hex digits for each byte"),
        ("A5 0G", "found 'G' in 'A5 0G'; expected hex, such as \"55 01 AA\", or ASCII in quotes, "
                  "such as \"'STOP' 0A\""),
        ("a5:01:…", "found '…' in 'a5:01:…'; expected hex, such as \"55 01 AA\", or ASCII in quotes, "
                    "such as \"'STOP' 0A\""),
        ("01 'STOP", "found \"'STOP\"; expected printable ASCII between two quotes, such as 'STOP'"),
        ("''", "found \"''\"; expected printable ASCII between two quotes, such as 'STOP'"),
        ("'é'", "found \"'é'\"; expected printable ASCII between two quotes, such as 'STOP'"),
    ],
)  # fmt: skip
def test_what_spells_no_bytes_is_told_with_what_is_wrong(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
        parse(text)


def test_an_example_may_hold_text_in_quotes() -> None:
    spelled = edited("button-ball", ('bytes = "64"', "bytes = \"'d'\""), ('bytes = "A5 03 A6"', 'bytes = ["A5 03 A6"]'))
    assert [one.writes for one in spelled.examples] == [one.writes for one in BY_ID["button-ball"].examples]
    prove(spelled)
    content = {"command": {"stop": True}, "bytes": ["'STOP' 0A", "0a'x''y'"]}
    assert Example.model_validate(content).writes == (b"STOP\n", b"\nxy")
    jsonschema.validate(content, Example.model_json_schema(), jsonschema.Draft202012Validator)


@pytest.mark.parametrize("wrong", ["'STOP", "''", "A5-'d'-0"])
def test_an_example_with_a_text_that_does_not_end_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError, match="bytes in hex and ASCII in quotes"):
        Example.model_validate({"command": {"stop": True}, "bytes": wrong})
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"command": {"stop": True}, "bytes": wrong}, Example.model_json_schema())
