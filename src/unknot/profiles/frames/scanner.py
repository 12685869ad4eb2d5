"""A place in a frame template that moves on; used by its parser."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NoReturn

from unknot.errors import FrameSyntaxError

SPACE = re.compile(r"\s*")
HEX = frozenset("0123456789ABCDEFabcdef")

_WORD = re.compile(r"[a-z0-9_-]*")


class Scanner:
    """A place in a template that moves on."""

    def __init__(self, template: str) -> None:
        self.template = template
        self.place = 0

    def fail(self, expected: str, place: int | None = None, nearest: str = "") -> NoReturn:
        """Refuse what stands here, or at another place; ``nearest`` is the word that was probably meant."""
        raise FrameSyntaxError(self.template, self.place if place is None else place, expected, nearest)

    def peek(self) -> str:
        """The character here; empty at the end."""
        return self.template[self.place : self.place + 1]

    def ahead(self, pattern: re.Pattern[str]) -> bool:
        """Whether this stands here."""
        return pattern.match(self.template, self.place) is not None

    def take(self, pattern: re.Pattern[str]) -> str:
        """What stands here of a pattern; possibly nothing."""
        match = pattern.match(self.template, self.place)
        if match is None:
            return ""
        self.place = match.end()
        return match[0]

    def skip(self, word: str) -> bool:
        """Pass over a word if it stands here."""
        found = self.template.startswith(word, self.place)
        if found:
            self.place += len(word)
        return found

    def need(self, word: str, expected: str = "") -> None:
        """Pass over a word that must stand here."""
        for character in word:
            if self.peek() != character:
                self.fail(expected or f"'{word}'")
            self.place += 1

    def at_digit(self) -> bool:
        """Whether an ASCII digit stands here."""
        return "0" <= self.peek() <= "9"

    def number(self, least: int, most: int, expected: str) -> int:
        """A decimal number from 0 or 1 up to a greatest one."""
        if not self.at_digit() or (least and self.peek() == "0"):
            self.fail(expected)
        value = 0
        while self.at_digit():
            value = 10 * value + int(self.peek())
            if value > most:
                self.fail(expected)
            self.place += 1
        return value

    def word(self) -> str:
        """A word of letters, digits, underscores and hyphens; possibly empty."""
        return self.take(_WORD)

    def hex_pair(self) -> bytes:
        """A byte in hex."""
        start = self.place
        for _ in range(2):
            if self.peek() not in HEX:
                self.fail("two hex digits, as in 5A")
            self.place += 1
        return bytes.fromhex(self.template[start : self.place])

    def choice(self, words: Collection[str], expected: str, others: tuple[str, ...] = ()) -> str:
        """One of some words; the place of an error is the first character that is neither in them nor in others."""
        start = self.place
        word = self.word()
        if word not in words:
            wrong = start + max(common(word, known) for known in (*words, *others))
            number = _MEANT.get(word, word)
            if f"{number}le" in words:
                self.fail(f"{number}le, the low byte first, or {number}be, the high byte first", wrong)
            self.fail(expected, wrong, _nearest(number, (*words, *others)))
        return word


_MEANT = {
    "uint8": "u8", "byte": "u8", "int8": "i8", "uint16": "u16", "int16": "i16", "uint32": "u32", "int32": "i32",
    "string": "text", "str": "text", "ascii": "text", "int": "dec",
}  # fmt: skip
"""Words of other languages for types."""


def _nearest(word: str, words: Collection[str]) -> str:
    from unknot.diagnostics.nearest import nearest  # only when something is wrong

    return word if word in words else nearest(word, words)


def common(one: str, other: str) -> int:
    """How many characters two words begin with in common."""
    length = 0
    while length < min(len(one), len(other)) and one[length] == other[length]:
        length += 1
    return length
