"""The parser of frame templates; used by `unknot.profiles.frames.frame`, whose docstring has the language.

It reads character by character and never goes back further than to the beginning of a word, so a template is refused
with the place of its first wrong character and with what may stand there.
"""

from __future__ import annotations

import re

from unknot.errors import FrameSyntaxError
from unknot.profiles.frames.body import Body
from unknot.profiles.frames.braces import braces
from unknot.profiles.frames.encodings import ENCODINGS, Encoded
from unknot.profiles.frames.layout import Slot, Written, arrange
from unknot.profiles.frames.parts import Fixed, Part
from unknot.profiles.frames.scanner import HEX, SPACE, Scanner, common

MAX_CHARACTERS = 2000
"""The longest template: three characters for each of `MAX_BYTES`, and some to spare."""

MAX_DEPTH = 2
"""Encodings inside encodings."""

_ASCII = re.compile(r"[ -&(-~]*")
_AFTER_BYTE = frozenset("'{)")

_PARTS = "hex bytes like 55, ASCII in 'quotes', a {slot:type}, or base64(, hex(, slip( or ppp("


def parse(template: str) -> tuple[Body, tuple[str, ...]]:
    """The parts of a template, compiled, and the names of its slots.

    Raises:
        FrameSyntaxError: the template is not in the language.
    """
    if len(template) > MAX_CHARACTERS:
        raise FrameSyntaxError(template, MAX_CHARACTERS, f"at most {MAX_CHARACTERS} characters")
    scanner = Scanner(template)
    written = _parts(scanner, 0)
    if scanner.place < len(template):
        scanner.fail(_PARTS)
    return arrange(template, written), tuple(dict.fromkeys(slot.name for one in written for slot in one.slots))


def _parts(scanner: Scanner, depth: int) -> list[Written]:
    """Parts up to a closing parenthesis or the end."""
    written = []
    scanner.take(SPACE)
    while scanner.peek() not in ("", ")"):
        written.append(_part(scanner, depth))
        scanner.take(SPACE)
    if not written:
        scanner.fail("at least one byte")
    return written


def _part(scanner: Scanner, depth: int) -> Written:
    start = scanner.place
    character = scanner.peek()
    slots: tuple[Slot, ...] = ()
    mark = start
    part: Part
    if character == "{":
        part, slots, mark = braces(scanner)
    elif character == "'":
        part = _ascii(scanner)
    elif (encoding := _encoding(scanner)) is not None:
        part, slots = _encoded(scanner, encoding, depth)
    elif character in HEX:
        part = _byte(scanner)
    else:
        scanner.fail(_PARTS)
    return Written(scanner.template[start : scanner.place], start, part, slots, mark)


def _byte(scanner: Scanner) -> Fixed:
    content = scanner.hex_pair()
    after = scanner.peek()
    if after and not after.isspace() and after not in _AFTER_BYTE:
        scanner.fail("a space after a hex byte")
    return Fixed(content)


def _ascii(scanner: Scanner) -> Fixed:
    scanner.need("'")
    content = scanner.take(_ASCII)
    if not content:
        scanner.fail("printable ASCII")
    scanner.need("'", "printable ASCII, or ' after it")
    return Fixed(content.encode())


def _encoding(scanner: Scanner) -> str | None:
    """The encoding whose name begins here, unless it is a hex byte that begins like one."""
    rest = scanner.template[scanner.place : scanner.place + 6]
    for name in ENCODINGS:
        shared = common(rest, name)
        if shared > 2 or (shared and rest[0] not in HEX):
            return name
    return None


def _encoded(scanner: Scanner, name: str, depth: int) -> tuple[Encoded, tuple[Slot, ...]]:
    start = scanner.place
    scanner.need(f"{name}(")
    if depth == MAX_DEPTH:
        scanner.fail(f"a part that is not encoded: at most {MAX_DEPTH} encodings inside each other", start)
    inside = _parts(scanner, depth + 1)
    scanner.need(")", "a part, or ) after the last one")
    slots = tuple(Slot(slot.name, slot.kind, slot.place) for one in inside for slot in one.slots)
    return Encoded(ENCODINGS[name], arrange(scanner.template, inside)), slots
