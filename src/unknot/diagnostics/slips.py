"""The slips by which a file is no TOML, in its author's words; used by `unknot.diagnostics.source`.

`tomllib` says where it could not go on. What stands there tells what was meant: a quote that is missing or that a word
processor has bent, a word without quotes, a table over several lines, a section that stands twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

BENT = "“”„‟‘’‚«»"
"""Quotes that word processors and phones write in place of straight ones."""

_WORDS = {"true": "true", "false": "false", "yes": "true", "no": "false", "on": "true", "off": "false"}
"""What people write for true and false, in lower case, and what TOML has for it."""

_LONG, _LONG_LITERAL = '"""', "'''"
"""The quotes of texts over several lines."""

_STRINGS = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'')
_HEADER = re.compile(r"\s*(?P<open>\[{1,2})\s*(?P<name>[^\[\]]+?)\s*\]")
_KEY = re.compile(r"\s*(?P<name>[^=\[\]{}#]+?)\s*=")
_BARE = re.compile(r"\d+(?:\.\d+)? (?:ms|s|min)\b|[^\s,=\[\]{}#\"']+")
_NUMBER = re.compile(r"[+-]?(?:\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?|[+-]?\.\d+|0x[\dA-Fa-f_]+|0o[0-7_]+|0b[01_]+)")


@dataclass(frozen=True, slots=True)
class Slip:
    """What is wrong in a line.

    Attributes:
        line: its number, from 1.
        column: the first character that is wrong, from 1.
        width: how many are.
        found: what stands there.
        expected: what should stand there.
    """

    line: int
    column: int
    width: int
    found: str
    expected: str


def at_line(text: str, line: int, column: int) -> Slip | None:
    """The slip at the place where `tomllib` could not go on; None if it is none of those known here."""
    lines = text.replace("\r\n", "\n").split("\n")
    if not 0 < line <= len(lines):
        return None
    written = lines[line - 1]
    if _LONG in written or _LONG_LITERAL in written:
        return None  # a text over several lines is not looked into
    return (
        _twice(lines, line)
        or _bent(written, line, column)
        or _open_quote(written, line, column)
        or _broken_table(written, line, column)
        or _bare(written, line, column)
    )


def at_end(text: str) -> Slip | None:
    """The slip where `tomllib` came to the text's end: a quote that is never closed, or one in the last line."""
    lines = text.replace("\r\n", "\n").split("\n")
    slips = (_open_quote(written, line, len(written)) for line, written in enumerate(lines, 1))
    last = next((line for line in range(len(lines), 0, -1) if lines[line - 1].strip()), 0)
    here = at_line(text, last, len(lines[last - 1]) + 1) if last else None
    return next((slip for slip in slips if slip is not None), here)


def _twice(lines: list[str], line: int) -> Slip | None:
    """A section, or a key in its section, that was there before."""
    written = lines[line - 1]
    headers = {number: match for number, one in enumerate(lines, 1) if (match := _HEADER.match(one))}
    if (header := headers.get(line)) is not None:
        first = next((n for n, one in headers.items() if n < line and one["name"] == header["name"]), None)
        if first is None:
            return None
        name = f"{header['open']}{header['name']}{']' * len(header['open'])}"
        if headers[first]["open"] != header["open"]:
            expected = f"as many brackets as in line {first}"
            return Slip(line, header.start("name") + 1, len(header["name"]), name, expected)
        expected = f"its keys below the first one, in line {first}"
        return Slip(line, header.start("name") + 1, len(header["name"]), f"a second {name}", expected)
    key = _KEY.match(written)
    above = max((number for number in headers if number < line), default=0)
    for number in range(above + 1, line):
        before = _KEY.match(lines[number - 1])
        if key is not None and before is not None and before["name"] == key["name"]:
            found, expected = f"a second {key['name']}", f"each key once in its section; the first is in line {number}"
            return Slip(line, key.start("name") + 1, len(key["name"]), found, expected)
    return None


def _bent(written: str, line: int, column: int) -> Slip | None:
    """A typographic quote, where TOML could not go on or where a text should have ended."""
    rest = _STRINGS.sub(lambda string: " " * len(string[0]), written)
    places = [place for place, character in enumerate(rest.partition("#")[0]) if character in BENT]
    if not places:
        return None
    at = column - 1 if column - 1 in places else places[0]
    return Slip(line, at + 1, 1, f"{written[at]}, a typographic quote", 'a straight one: "')


def _open_quote(written: str, line: int, column: int) -> Slip | None:
    """A text in quotes that its line does not end, or that ends where the next one should begin."""
    rest = _STRINGS.sub(lambda string: " " * len(string[0]), written)
    at = next((place for place, character in enumerate(rest) if character in "\"'#"), None)
    if at is None or rest[at] == "#" or _LONG in written or _LONG_LITERAL in written:
        return None
    quote = rest[at]
    # Where the first of two texts lacks its end, it ends where the second begins, and there TOML could not go on.
    start, end = next((s.span() for s in _STRINGS.finditer(written) if s.end() == column - 1), (at, at + 1))
    expected = f"a {quote} before and behind each text"
    return Slip(line, start + 1, end - start, f"a {quote} too few or too many in this line", expected)


def _broken_table(written: str, line: int, column: int) -> Slip | None:
    """A table in braces that goes on in the next line."""
    rest = _STRINGS.sub(lambda string: " " * len(string[0]), written).partition("#")[0]
    if rest.count("{") <= rest.count("}") or column <= len(rest.rstrip()):
        return None
    at = rest.rindex("{")
    return Slip(line, at + 1, 1, "{ without } in this line", "all of a table in braces in one line, or a section")


def _bare(written: str, line: int, column: int) -> Slip | None:
    """A word that needs quotes, or that is not how TOML says true and false."""
    rest = _STRINGS.sub(lambda string: " " * len(string[0]), written)
    for word in _BARE.finditer(rest):
        before = rest[: word.start()].rstrip()
        is_item = "=" in before and "[" in before and before.endswith(("[", ","))
        is_here = word.start() < column <= word.end() + 1
        if not is_here or not (is_item or before.endswith("=")) or _NUMBER.fullmatch(word[0]):
            continue
        right = _WORDS.get(word[0].lower())
        if right is not None and word[0].islower():
            expected = f'{right}, or text in quotes: "{word[0]}"'
        else:
            expected = right or f'text in quotes: "{word[0]}"'
        return Slip(line, word.start() + 1, len(word[0]), f"{word[0]} without quotes", expected)
    return None
