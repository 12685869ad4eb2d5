"""What stands in braces in a frame template: slots, bits, lengths, checks, bytes of no interest; used by its parser."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal, NoReturn

from unknot.profiles.frames.bits import SIZES, BitGroup, Field
from unknot.profiles.frames.checks import ALGORITHMS
from unknot.profiles.frames.layout import Kind, Slot
from unknot.profiles.frames.numbers import Decimal, HexDigits, Integer, Number
from unknot.profiles.frames.parts import MAX_BYTES, Pad, Part, Rest, Skip
from unknot.profiles.frames.scanner import SPACE, Scanner, common
from unknot.profiles.frames.seals import Check, Length, Range
from unknot.profiles.frames.texts import CString, OpenRaw, PaddedText, Raw, Text

_GREATEST_BIT = 63
"""The highest bit of a value in slices: the widest integers have 64."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_LENGTH_AHEAD = re.compile(r"length(?:[+-]|:[^:}]*:)")
_BITS_AHEAD = re.compile(r"[0-9]|[a-z_][a-z0-9_]*(?:\[|:b(?!y))")
_LITTLE = re.compile(r"le}")
_RANGE_AHEAD = re.compile(r"[0-9]+\.\.")
_KIND = re.compile(r"[a-z]{3,}(?:[0-9]+)?")
"""What the names of checks of one kind begin with."""

_ORDERS: dict[str, Literal["little", "big"]] = {"le": "little", "be": "big"}
_INTEGERS = {
    f"{sign}{8 * size}{suffix}": (size, _ORDERS[suffix or "be"], sign)
    for sign in "ui"
    for size in range(1, 9)
    for suffix in (_ORDERS if size > 1 else ("",))
}
_LENGTHS = {word: kind for word, kind in _INTEGERS.items() if kind[2] == "u" and kind[0] <= 4}

_TYPES = "u8, i8, u16le, u16be (so up to 64 bits), dec, dec3, hex2, text, text16, cstring, bytes, bytes4 or b4"
_LENGTH_TYPES = "u8, u16le, u16be (likewise u24 and u32), dec3 or hex2"


def braces(scanner: Scanner) -> tuple[Part, tuple[Slot, ...], int]:
    """A slot, bytes of no interest, a length, a check or a group of bits; and where its range stands."""
    scanner.need("{")
    if scanner.ahead(_BITS_AHEAD):
        return *_bits(scanner), 0
    if scanner.ahead(_LENGTH_AHEAD):
        return _length(scanner)
    start = scanner.place
    word = scanner.word()
    if word == "_":
        return _no_interest(scanner)
    if word in ALGORITHMS:
        return _check(scanner, word)
    scanner.place = start
    if "-" in word:
        _no_check(scanner, word, start + max(word.index("-"), *(common(word, known) for known in ALGORITHMS)))
    return _slot(scanner)


def _no_check(scanner: Scanner, word: str, place: int) -> NoReturn:
    """Refuse a word that was meant as a check: the checks of its kind may stand there, or any."""
    from unknot.diagnostics.nearest import nearest  # only when something is wrong

    word = word.replace("crc-", "crc")
    kind = _KIND.match(word)
    alike = [name for name in ALGORITHMS if kind is not None and name.startswith(kind[0])]
    is_misspelt = not alike or (kind is not None and kind[0] != word)  # of a kind that has several, none is meant
    scanner.fail(f"one of {', '.join(alike or ALGORITHMS)}", place, nearest(word, ALGORITHMS) if is_misspelt else "")


def _slot_name(scanner: Scanner) -> str:
    start = scanner.place
    name = scanner.take(_NAME)
    if not name:
        scanner.fail(f"a slot's name in lower case, or one of {', '.join(ALGORITHMS)}")
    if name in ALGORITHMS:
        scanner.fail("a slot's name that is no check's", start)
    return name


def _slot(scanner: Scanner) -> tuple[Part, tuple[Slot, ...], int]:
    start = scanner.place
    name = _slot_name(scanner)
    scanner.need(":", f"':' and {_TYPES}")
    if scanner.ahead(_RANGE_AHEAD):
        _no_check(scanner, name, start)
    part, kind = _typed(scanner, name)
    scanner.need("}", "} after the type")
    return part, (Slot(name, kind, start),), start


def _typed(scanner: Scanner, name: str) -> tuple[Part, Kind]:
    if scanner.skip("cstring"):
        return CString(name), "text"
    if scanner.skip("text"):
        return PaddedText(name, _size(scanner)) if scanner.at_digit() else Text(name), "text"
    if scanner.skip("bytes"):
        return Raw(name, _size(scanner)) if scanner.at_digit() else OpenRaw(name), "bytes"
    if scanner.skip("dec"):
        return Decimal(name, _width(scanner, 9) if scanner.at_digit() else None), "an integer"
    if scanner.skip("hex"):
        return HexDigits(name, _width(scanner, 8)), "an integer"
    word = scanner.choice(_INTEGERS, _TYPES, ("cstring", "text", "bytes", "dec", "hex"))
    return _integer(name, word), "an integer"


def _integer(name: str, word: str) -> Integer:
    size, order, sign = _INTEGERS[word]
    return Integer(name, size, order, signed=sign == "i")


def _size(scanner: Scanner) -> int:
    return scanner.number(1, MAX_BYTES, f"a number of bytes from 1 to {MAX_BYTES}")


def _width(scanner: Scanner, most: int) -> int:
    return scanner.number(1, most, f"a number of digits from 1 to {most}")


def _no_interest(scanner: Scanner) -> tuple[Part, tuple[Slot, ...], int]:
    start = scanner.place - len("{_")
    scanner.need(":", "':' and a number of bytes")
    mark = scanner.place
    part: Part
    if scanner.at_digit():
        size = _size(scanner)
        part = Skip(size * _fill(scanner))
    elif scanner.peek() == ".":
        scanner.need("..")
        part = Rest()
    elif scanner.peek() == "t":
        scanner.need("to")
        mark = scanner.place
        size = _size(scanner)
        fill = _fill(scanner)
        part = Pad(size, fill, f"{scanner.template[start : scanner.place]}}}")
    else:
        scanner.fail("a number of bytes, .. for any number of them, or to20 for as many as make 20 in all")
    scanner.need("}", "} after the bytes of no interest")
    return part, (), mark


def _fill(scanner: Scanner) -> bytes:
    return scanner.hex_pair() if scanner.skip(":") else b"\x00"


def _range(scanner: Scanner) -> Range:
    expected = "a range of bytes, such as 1.. or 0..4 or 0..-3"
    first = scanner.number(0, MAX_BYTES - 1, expected)
    scanner.need("..", expected)
    if scanner.skip("-"):
        return Range(first, -scanner.number(1, MAX_BYTES, expected))
    if not scanner.at_digit():
        return Range(first, None)
    mark = scanner.place
    last = scanner.number(0, MAX_BYTES - 1, expected)
    if last < first:
        scanner.fail("a range of bytes that does not end before it begins", mark)
    return Range(first, last)


def _lenient(scanner: Scanner) -> bool:
    if not scanner.skip(":"):
        return False
    scanner.need("lenient")
    return True


def _check(scanner: Scanner, name: str) -> tuple[Part, tuple[Slot, ...], int]:
    algorithm = ALGORITHMS[name]
    plus = xor = 0
    if algorithm.size == 1 and scanner.skip("+"):
        plus = scanner.hex_pair()[0]
    elif algorithm.size == 1 and scanner.skip("^"):
        xor = scanner.hex_pair()[0]
    scanner.need(":", f"a range of bytes, such as {{{name}:1..}} or {{{name}:1..4}}")
    mark = scanner.place
    extent = _range(scanner)
    if algorithm.size == 1:
        scanner.need("}", "} after the range: a check of one byte has no byte order")
        return Check(name, algorithm, extent, "big", plus=plus, xor=xor), (), mark
    scanner.need(":", ":le or :be")
    order = _ORDERS[scanner.choice(_ORDERS, "le or be")]
    lenient = _lenient(scanner)
    scanner.need("}", ":lenient, or } after the byte order")
    return Check(name, algorithm, extent, order, lenient), (), mark


def _length(scanner: Scanner) -> tuple[Part, tuple[Slot, ...], int]:
    scanner.need("length")
    plus = 0
    if scanner.skip("+"):
        plus = _size(scanner)
    elif scanner.skip("-"):
        plus = -_size(scanner)
    scanner.need(":", f"':' and {_LENGTH_TYPES}")
    number = _length_number(scanner)
    scanner.need(":", "':' and a range of bytes")
    mark = scanner.place
    extent = _range(scanner)
    if extent.last is None:  # the end of the frame, wherever the length stands
        extent = Range(extent.first, -1)
    lenient = _lenient(scanner)
    scanner.need("}", ":lenient, or } after the range")
    return Length("length", number, extent, plus, lenient), (), mark


def _length_number(scanner: Scanner) -> Number:
    if scanner.skip("dec"):
        return Decimal("length", _width(scanner, 9))
    if scanner.skip("hex"):
        return HexDigits("length", _width(scanner, 8))
    return _integer("length", scanner.choice(_LENGTHS, _LENGTH_TYPES, ("dec", "hex")))


def _bits(scanner: Scanner) -> tuple[BitGroup, tuple[Slot, ...]]:
    fields: list[Field] = []
    slots: list[Slot] = []
    order: Literal["little", "big"] = "big"
    total = 0
    while True:
        start = scanner.place
        field, slot = _field(scanner)
        total += field.width
        if total > SIZES[-1]:
            scanner.fail(f"fields of at most {SIZES[-1]} bits together", start)
        fields.append(field)
        slots += slot
        spaced = scanner.take(SPACE)
        if spaced and scanner.ahead(_LITTLE):
            if total <= SIZES[0]:
                scanner.fail("another field, or }: one byte has no byte order")
            scanner.need("le")
            order = "little"
        if scanner.peek() == "}":
            break
        if not spaced:
            scanner.fail("a space and another field, or }")
    if total not in SIZES:
        scanner.fail(f"fields of 8, 16, 24 or 32 bits together, not {total}")
    scanner.need("}")
    shifts = [total - sum(field.width for field in fields[: number + 1]) for number in range(len(fields))]
    shifted = tuple(replace(field, shift=shift) for field, shift in zip(fields, shifts, strict=True))
    return BitGroup(shifted, order), tuple(slots)


def _field(scanner: Scanner) -> tuple[Field, list[Slot]]:
    """A field whose place in the group is not yet known, and its slot."""
    start = scanner.place
    slots: list[Slot] = []
    name, lowest, fixed = "", None, None
    if scanner.at_digit():
        fixed = scanner.number(0, (1 << SIZES[-1]) - 1, f"a number of at most {SIZES[-1]} bits")
        width = _bit_width(scanner)
        if fixed >> width:
            scanner.fail(f"a number of at most {width} bits", start)
    elif scanner.skip("_"):
        width = _bit_width(scanner)
    else:
        name = _slot_name(scanner)
        bits = _slice(scanner) if scanner.peek() == "[" else None
        lowest, highest = bits or (None, 0)
        width = _bit_width(scanner) if lowest is None else highest - lowest + 1
        slots.append(Slot(name, "an integer", start, bits))
    return Field(scanner.template[start : scanner.place], name, width, 0, lowest, 0, fixed), slots


def _bit_width(scanner: Scanner) -> int:
    scanner.need(":b", "':b' and a number of bits, such as b4")
    return scanner.number(1, SIZES[-1], f"a number of bits from 1 to {SIZES[-1]}")


def _slice(scanner: Scanner) -> tuple[int, int]:
    expected = "two bits of a value, such as [0..6]"
    scanner.need("[")
    low = scanner.number(0, _GREATEST_BIT, expected)
    scanner.need("..", expected)
    mark = scanner.place
    high = scanner.number(0, _GREATEST_BIT, expected)
    if high < low:
        scanner.fail("a bit that is not below the first one", mark)
    scanner.need("]", expected)
    return low, high
