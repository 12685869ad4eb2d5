"""Where in the text of a TOML file a key or a value stands; used by `unknot.diagnostics.source` to show an error.

`tomllib` tells what a file says and not where. Tree-sitter's grammar of TOML gives every key and value its place; it
reads on behind what it does not understand, so that no text is too wrong to be looked into. Nothing here raises.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import tree_sitter_toml
from tree_sitter import Language, Parser

from unknot.errors import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tree_sitter import Node

    Path = tuple[str | int, ...]

_TOML = Language(tree_sitter_toml.language())

SHOWN = 160
"""Of a longer line, so many characters around the place are shown: two lines of a usual terminal (judgement)."""

_TAB = "\t"
_CONTROL_PICTURES = 0x2400
"""Unicode has a picture for each of the 32 control characters, in their order, from here on."""

_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}
"""The short escapes of a basic string (TOML 1.0, "String")."""
_CHARACTER = re.compile(
    r"\\u(?P<u>[0-9A-Fa-f]{4})|\\U(?P<U>[0-9A-Fa-f]{8})|(?P<none>\\[ \t]*\n[ \t\n]*)|\\?.", re.DOTALL
)


def of_value(text: str, path: Path) -> Place | None:
    """The place of the value at this path of keys and indices, or of the nearest part around it that is there.

    A table that is written below a header is the name in its header; what nothing stands around belongs before the
    first entry. None if the text is empty.
    """
    tree = _Tree(text)
    found, _ = tree.find(path)
    return tree.place(found.value or found.key)


def of_key(text: str, path: Path) -> Place | None:
    """The place of the last key of this path, or of the nearest part around it that is there; None as above."""
    tree = _Tree(text)
    found, is_whole = tree.find(path)
    return tree.place((found.key if is_whole else None) or found.value or found.key)


def of_character(text: str, path: Path, content: str, position: int, count: int = 1) -> Place | None:
    """The place of some characters of the string at this path; of the whole value if it is not that string.

    Args:
        text: the file.
        path: where the string stands.
        content: the string as it was read, without its quotes and escapes.
        position: index into ``content``; one past its end is the closing quote.
        count: how many characters.
    """
    tree = _Tree(text)
    found, is_whole = tree.find(path)
    value = found.value
    if not is_whole or value is None or value.type != "string":
        return tree.place(value or found.key)
    token = _written(value)
    characters = list(_characters(token))
    if "".join(character for _, character in characters) != content:
        return tree.place(value)
    end = len(token) - len(_quotes(token))
    inside = characters[position][0] if position < len(characters) else end
    last = characters[min(position + count, len(characters)) - 1][0] if characters else inside
    return tree.place(value, inside, max(1, last + 1 - inside))


def at_line(text: str, line: int, column: int, width: int = 1) -> Place | None:
    """The place of characters in this line, from this column on; both from 1. None if the text has no such line."""
    return _at_line(_in_unix_lines(text), line, column, width)


def at_end(text: str) -> Place | None:
    """The place behind the last character that is no blank. None if there is none."""
    text = _in_unix_lines(text)
    return _at(text, len(text.rstrip()), 1) if text.strip() else None


def _at(text: str, index: int, width: int) -> Place | None:
    start = text.rfind("\n", 0, index) + 1
    return _at_line(text, text.count("\n", 0, start) + 1, index - start + 1, width)


def _at_line(text: str, line: int, column: int, width: int) -> Place | None:
    lines = text.split("\n")
    if not text or not 0 < line <= len(lines):
        return None
    whole = lines[line - 1]
    column = max(1, min(column, len(whole) + 1))
    source, mark = _excerpt(whole, column - 1)
    width = max(1, min(width, len(whole.rstrip()) + 1 - column, len(source) - mark))
    return Place(line, column, width, source, mark)


def neutral(line: str) -> str:
    """The line with a visible sign for each character that a terminal would obey or hide; the length stays."""
    return "".join(map(_neutral, line))


def _neutral(character: str) -> str:
    if character.isprintable():
        return character
    if character == _TAB:
        return " "
    return chr(_CONTROL_PICTURES + ord(character)) if character < " " else "\N{REPLACEMENT CHARACTER}"


def _excerpt(line: str, index: int) -> tuple[str, int]:
    """As much of a line as is shown, with the given index in it, and where that index is now."""
    if len(line) <= SHOWN:
        return neutral(line), index
    start = min(max(0, index - SHOWN // 2), len(line) - SHOWN)
    end = start + SHOWN
    shown = neutral(line[start:end])
    if start > 0:
        shown = f"…{shown[1:]}"
    if end < len(line):
        shown = f"{shown[:-1]}…"
    return shown, index - start


def _in_unix_lines(text: str) -> str:
    return text.replace("\r\n", "\n")  # as tomllib does, whose columns are used too


def _written(node: Node) -> str:
    return (node.text or b"").decode(errors="replace")


class _Entry:
    """A key with what it stands for: a value, or a table or an array of tables that headers have built up."""

    __slots__ = ("elements", "key", "members", "value")

    def __init__(self, key: Node | None, value: Node | None = None) -> None:
        self.key = key
        self.value = value
        self.members: dict[str, _Entry] = {}
        self.elements: list[_Entry] = []

    def at(self, names: Iterable[tuple[str, Node]]) -> _Entry:
        """The entry below this one by its dotted key, made if it is not there; of an array, the last table counts."""
        entry = self
        for name, node in names:
            entry = entry.members.setdefault(name, _Entry(node))
            entry = entry.elements[-1] if entry.elements else entry
        return entry

    def add(self, pair: Node) -> None:
        """Take in ``key = value``."""
        parts = [child for child in pair.named_children if _is_content(child)]
        if len(parts) > 1:
            self.at(_names(parts[0])).value = parts[1]

    def below(self, part: str | int) -> _Entry | None:
        """The entry under a key or an index."""
        if self.value is not None:
            self._open(self.value)
        if isinstance(part, str):
            return self.members.get(part)
        return self.elements[part] if 0 <= part < len(self.elements) else None

    def _open(self, value: Node) -> None:
        if value.type == "inline_table":
            for node in value.named_children:
                if node.type == "pair":
                    self.add(node)
        elif value.type == "array":
            self.elements = [_Entry(None, node) for node in value.named_children if _is_content(node)]


class _Tree:
    """The entries of a whole file."""

    def __init__(self, text: str) -> None:
        self._text = _in_unix_lines(text)
        self._bytes = self._text.encode(errors="replace")  # of half a surrogate pair, one character, one byte is made
        self._document = Parser(_TOML).parse(self._bytes).root_node
        self._root = _Entry(None)
        for node in self._document.children:
            if node.type == "pair":
                self._root.add(node)
            elif node.type in ("table", "table_array_element"):
                self._add_table(node)

    def find(self, path: Path) -> tuple[_Entry, bool]:
        """The deepest entry on this path that is there, and whether it is the whole path."""
        entry, is_first = self._root, True
        for part in path:
            below = entry.below(part)
            if below is None:
                return (self._beginning() if is_first else entry), False
            entry, is_first = below, False
        return (self._beginning() if is_first else entry), not is_first

    def place(self, node: Node | None, inside: int = 0, width: int = 1) -> Place | None:
        """The place of a node, or of its characters from the index ``inside`` on; without a node, the file's start."""
        if node is None:
            return _at_line(self._text, 1, 1, 1)
        start = len(self._bytes[: node.start_byte].decode(errors="replace"))
        return _at(self._text, start + inside, width if inside else len(_written(node)))

    def _beginning(self) -> _Entry:
        """The first key of the file: what it lacks could stand before it."""
        for node in self._document.children:
            if node.type in ("pair", "table", "table_array_element"):
                return _Entry(next((child for child in node.named_children if _is_content(child)), None))
        return self._root

    def _add_table(self, node: Node) -> None:
        header = next((child for child in node.children if child.type.endswith("_key")), None)
        if header is None:
            return
        names = list(_names(header))
        if node.type == "table":
            entry = self._root.at(names)
            entry.key = names[-1][1] if names else entry.key
        else:
            entry = self._root.at(names[:-1])
            for name, key in names[-1:]:
                array = entry.members.setdefault(name, _Entry(key))
                entry = _Entry(key)
                array.elements.append(entry)
        for child in node.children:
            if child.type == "pair":
                entry.add(child)


def _is_content(node: Node) -> bool:
    return node.is_named and node.type not in ("comment", "ERROR")


def _names(key: Node) -> Iterator[tuple[str, Node]]:
    """The parts of a dotted key with their nodes."""
    waiting = [key]
    while waiting:
        node = waiting.pop()
        if node.type == "dotted_key":
            waiting.extend(reversed(node.named_children))
        elif node.type == "bare_key":
            yield _written(node), node
        elif node.type == "quoted_key":
            yield "".join(character for _, character in _characters(_written(node))), node


def _characters(token: str) -> Iterator[tuple[int, str]]:
    """The characters of a string as it is written, each with its index in the token, quotes included."""
    quotes = _quotes(token)
    start, end = len(quotes), len(token) - len(quotes)
    if len(quotes) == 3 and token.startswith("\n", start):
        start += 1  # a line break right after the opening quotes is not part of the string
    if token.startswith("'"):
        yield from enumerate(token[start:end], start)
        return
    for match in _CHARACTER.finditer(token, start, end):
        if match["none"] is None:
            yield match.start(), _meant(match)


def _quotes(token: str) -> str:
    return token[:3] if token[:3] in ("'''", '"""') and len(token) >= 6 else token[:1]


def _meant(match: re.Match[str]) -> str:
    if digits := match["u"] or match["U"]:
        code = int(digits, 16)
        return chr(code) if code <= 0x10FFFF else "\N{REPLACEMENT CHARACTER}"
    written = match[0]
    return _ESCAPES.get(written[1], written[1]) if len(written) == 2 else written
