from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from unknot.diagnostics.nearest import alternatives, keys_at, nearest, quoted_word


@pytest.mark.parametrize(
    ("word", "right", "found"),
    [
        ("mottor", ["motor", "match", "values"], "motor"),
        ("MOTOR", ["motor"], "motor"),
        ("stop-gap", ["stop_gap", "stop_repeat"], "stop_gap"),
        ("motor", ["motor"], ""),
        ("colour", ["motor", "match"], ""),
        ("", ["motor"], ""),
        ("motor" * 1000, ["motor" * 1000 + "s"], ""),
    ],
)
def test_the_word_that_looks_most_alike_is_chosen(word: str, right: list[str], found: str) -> None:
    assert nearest(word, right) == found


def test_a_word_that_is_there_already_is_not_meant() -> None:
    assert nearest("mottor", ["motor"], present=["motor", "mottor"]) == ""


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ("level or battery", ("level", "battery")),
        ("one of at, what, for", ("at", "what", "for")),
        ("'yes', 'no' or 'unknown'", ("yes", "no", "unknown")),
        ("a key of [sources]: S, J", ("S", "J")),
        ("no slots but lease, level", ("lease", "level")),
        ("level", ("level",)),
        ("a valid integer", ()),
        ('"request", "command" or a list of both', ()),
        ("1, the only version that this program reads", ()),
        ("'stretch' as the last step", ()),
        ('a duration with its unit, such as "45s", "500ms" or "2min"', ()),
        ("", ()),
    ],
)
def test_a_sentence_that_lists_words_is_understood(expected: str, words: tuple[str, ...]) -> None:
    assert alternatives(expected) == words


@pytest.mark.parametrize(
    ("found", "word"),
    [
        ("'levle'", "levle"),
        ("a slot 'mode'", "mode"),
        ("{'a': 'b'}", ""),
        ("['a', 'b']", ""),
        ("3", ""),
        ("nothing", ""),
    ],
)
def test_a_wrong_word_is_the_quoted_one(found: str, word: str) -> None:
    assert quoted_word(found) == word


class Leaf(BaseModel):
    kind: Literal["leaf"]
    colour: str
    source: Annotated[str, Field(alias="from")]


class Twig(BaseModel):
    kind: Literal["twig"]
    length: int
    leaves: dict[str, Leaf] = {}


class Tree(BaseModel):
    parts: tuple[Annotated[Leaf | Twig, Field(discriminator="kind")], ...]
    best: Leaf | None = None
    first: Twig


@pytest.mark.parametrize(
    ("location", "keys"),
    [
        ((), ["parts", "best", "first"]),
        (("best",), ["kind", "colour", "from"]),
        (("first",), ["kind", "length", "leaves"]),
        (("parts", 0, "leaf"), ["kind", "colour", "from"]),
        (("parts", 0, "twig"), ["kind", "length", "leaves"]),
        (("parts", 0), ["kind", "colour", "from", "kind", "length", "leaves"]),
        (("parts", 0, "twig", "leaves", "colour"), ["kind", "colour", "from"]),
        (("first", 0), ["kind", "length", "leaves"]),
    ],
)
def test_the_right_keys_are_those_of_the_table(location: tuple[str | int, ...], keys: list[str]) -> None:
    assert keys_at(Tree, location) == keys
