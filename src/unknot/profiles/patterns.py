"""Tests of what a ball says about itself in text: globs, and comparisons of versions; for `unknot.profiles.matching`.

A file gives globs and not regular expressions because the text comes from the air: a regular expression can be written
that takes hours on a short name, a glob of this length takes at most milliseconds whatever it meets.
"""

from __future__ import annotations

import operator
import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Annotated, Protocol

from pydantic import AfterValidator, PlainValidator, WithJsonSchema

GLOB_MAX = 64
"""A glob is no longer, in characters (judgement): names in advertisements seldom have more than 29."""

_GLOB_PART = re.compile(r"\*|\?|(?P<class>\[!?(?P<items>(?:[^\[\]!^-]-[^\[\]!^-]|[^\[\]!^-])+)\])|[^\[]")
_COMPARISON = re.compile(r"(>=|<=|==|>|<)([0-9]{1,9}(?:\.[0-9]{1,9}){0,7})")
_DIGITS = re.compile(r"[0-9]+")
_TYPICAL = string.digits + string.ascii_letters + string.punctuation + " "
"""What an example is made of where a pattern leaves it open, the likeliest first."""


def _parts(pattern: str) -> list[str]:
    """The parts of a glob: a star, a question mark, a class, or one character. Raises `ValueError` if it is none."""
    found = list(_GLOB_PART.finditer(pattern))
    ranges = [re.findall(r"(.)-(.)", one["items"]) for one in found if one["class"]]
    if (
        not 1 <= len(pattern) <= GLOB_MAX
        or not pattern.isprintable()
        or sum(len(one[0]) for one in found) < len(pattern)
        or any(first > last for items in ranges for first, last in items)
        or not all(_character(one["class"]) for one in found if one["class"])
    ):
        raise ValueError(f'a pattern of 1 to {GLOB_MAX} characters with *, ? and [0-9], such as "VibMotor*"')
    return [one[0] for one in found]


def _character(part: str) -> str:
    """One character that fits a class: its first, or where that is ruled out, a typical one; empty if none fits."""
    return next((one for one in part.strip("[!")[:1] + _TYPICAL if fnmatchcase(one, part)), "")


def _glob(pattern: str) -> str:
    _parts(pattern)
    return pattern


GlobField = Annotated[str, AfterValidator(_glob)]
"""A pattern with ``*``, ``?`` and classes such as ``[0-9]`` or ``[!a-z]``; case counts."""


def fits_glob(pattern: str, text: str) -> bool:
    """Whether all of a text fits a glob."""
    return fnmatchcase(text, pattern)


def example_of_glob(pattern: str, filling: str = "") -> str:
    """A text that fits a glob, with the filling for every star. Raises `ValueError` if it is no glob."""
    shown = {"*": filling, "?": "0"}
    return "".join(shown.get(part, part) if len(part) == 1 else _character(part) for part in _parts(pattern))


_Version = tuple[tuple[int, str], ...]


def _version(text: str) -> _Version | None:
    """The numbers in a text, such that they compare as numbers do however long they are; None if there is none."""
    numbers = _DIGITS.findall(text)
    if not numbers:
        return None
    parts = [(len(digits), digits) for digits in (number.lstrip("0") for number in numbers)]
    while parts and not parts[-1][0]:  # a part that is missing is 0
        parts.pop()
    return tuple(parts)


_COMPARED: Mapping[str, Callable[[_Version, _Version], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}


class _Test(Protocol):
    def fits(self, text: str) -> bool: ...

    def example(self) -> str: ...


@dataclass(frozen=True, slots=True)
class _Comparison:
    sign: str
    number: str
    bound: _Version

    def fits(self, text: str) -> bool:
        version = _version(text)
        return version is not None and _COMPARED[self.sign](version, self.bound)

    def example(self) -> str:
        parts = [int(part) for part in self.number.split(".")]
        if self.sign == ">":
            parts[-1] += 1
        elif self.sign == "<":
            last = max(index for index, part in enumerate(parts) if part)
            parts[last] -= 1
        else:
            return self.number
        return ".".join(map(str, parts))


@dataclass(frozen=True, slots=True)
class _Glob:
    pattern: str

    def fits(self, text: str) -> bool:
        return fits_glob(self.pattern, text)

    def example(self) -> str:
        return example_of_glob(self.pattern)


def _test(written: str) -> _Test:
    if not written.startswith(("<", ">", "=", "!")):
        return _Glob(_glob(written))
    comparison = _COMPARISON.fullmatch(written)
    if comparison is None:
        raise ValueError('a comparison such as ">=3.1", "<2" or "==1.0", or a pattern such as "WLT825X_H35*"')
    sign, number = comparison.groups()
    bound = _version(number) or ()
    if sign == "<" and not bound:
        raise ValueError("a number above 0 after <, because no version is less than 0")
    return _Comparison(sign, number, bound)


@dataclass(frozen=True, slots=True)
class TextTest:
    """A test of a text: ``>=3``, ``<=2.1``, ``>2``, ``<3``, ``==2.0``, or a glob such as ``WLT825X_H35*``.

    A comparison takes the numbers in the text part by part: 1.10 is more than 1.9, V3.0.1 is at least 3, and a part
    that is missing is 0. A text without a number fits no comparison.

    Attributes:
        written: the test as the file has it.

    Raises:
        ValueError: it is neither.
    """

    written: str
    _test: _Test = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what is no test."""
        object.__setattr__(self, "_test", _test(self.written))

    def fits(self, text: str) -> bool:
        """Whether the text fits."""
        return self._test.fits(text)

    def example(self) -> str:
        """A text that fits, for the simulator to say."""
        return self._test.example()


def _text_test(found: object) -> TextTest:
    if isinstance(found, TextTest):
        return found
    if not isinstance(found, str):
        raise ValueError('a comparison such as ">=3.1", or a pattern such as "WLT825X_H35*", in a string')  # noqa: TRY004
    return TextTest(found)


TextTestField = Annotated[
    TextTest,
    PlainValidator(_text_test),
    WithJsonSchema(
        {"type": "string", "description": 'a comparison such as ">=3.1", or a pattern such as "WLT825X_H35*"'}
    ),
]
"""A test of a text, ready to be made."""
