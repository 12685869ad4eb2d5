"""What a support report must not tell: addresses, PINs, serial numbers, people; pure, used by `unknot.cli.report`.

What is taken out:

- the ball's and the adapters' addresses, in either order of their bytes, and three or more of their bytes in a row, in
  values and in manufacturer data; in texts, four or more of their digits in a row, since names often end in them;
- any other Bluetooth address that is written out in a text;
- the serial number (2A25) and the system's identifier (2A23), there and wherever else they appear;
- what may be a PIN: a value that is nothing but four to eight digits, the value of a characteristic whose own
  description speaks of a PIN, a password or a key, and four or more digits in a row in a name;
- numbers in the description of a value that is nobody's business;
- whose ball it is, in a name such as "Anna Miller's ball", with all words before it; "Annas Ball" is not recognised.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

ADDRESS_BYTES = 6
BYTES_LEAST = 3
"""Bytes of an address in a row that are taken out of a value: fewer are chance too often (judgement)."""

DIGITS_LEAST = 4
"""Hexadecimal digits of an address, or decimal ones in a name, that are taken out of a text (judgement)."""

SECRET_LEAST = 4
"""Letters of a serial number that are looked for elsewhere: a shorter one is found everywhere (judgement)."""

Span = tuple[int, int, str]
"""From where to where, and what was there."""

SURELY = {BYTES_LEAST: 4, DIGITS_LEAST: 6}
"""From so many on they are taken out whatever they are; fewer only if they are not mostly zeros."""

_EVERYWHERE = b"\x00\xff0f"
"""Bytes and digits that fill values everywhere."""

_UUID = re.compile(rb"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
_ANY_ADDRESS = re.compile(rb"(?<![0-9A-Za-z])[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![0-9A-Za-z])")
_HEX_RUN = re.compile(rb"[0-9A-Fa-f]{2}(?:[:_ .-]?[0-9A-Fa-f])+")
_PIN = re.compile(rb"\s*[0-9]{4,8}[\s\0]*")
_DIGITS = re.compile(rb"[0-9]{4,}")
_APOSTROPHE = "['\u2019\u02bc`]"
_OWNER = re.compile(rf".*\S(?={_APOSTROPHE}s\b)|.*[sxz\u00df](?={_APOSTROPHE}\s)", re.IGNORECASE | re.DOTALL)
"""All that stands before "'s", and before the apostrophe of "Hans' ball": first names and family names alike."""
_NUMBERED = re.compile(r"\S*\d\S*")
SPEAKS_OF_A_PIN = re.compile(r"\b(?:pins?|pass\w*|keys?|secrets?|codes?|tokens?)\b", re.IGNORECASE)
"""How the description of a characteristic says that its value is nobody's business."""


class Redactor:
    """Takes out what a report must not tell.

    Args:
        addresses: the ball's and the adapters', in their usual form; a UUID, as macOS has it, too.
        secrets: values that must not appear anywhere, such as the serial number.
    """

    def __init__(self, addresses: Iterable[str], secrets: Iterable[bytes] = ()) -> None:
        self._texts = [address for address in addresses if address]
        plain = [bytes.fromhex(text.replace(":", "")) for text in self._texts if _is_address(text)]
        self._addresses = [*plain, *(each[::-1] for each in plain)]
        self._secrets = [secret for secret in (one.strip(b" \0") for one in secrets) if len(secret) >= SECRET_LEAST]

    def text(self, text: str) -> str:
        """A text without them; also without what a terminal would obey."""
        data = text.encode("utf-8", errors="replace")
        return _printable(_with(data, self._spans(data, is_text=True)))

    def name(self, name: str) -> str:
        """A device's name without them, without an owner and without long numbers."""
        data = _OWNER.sub("[person]", name).encode("utf-8", errors="replace")
        digits = [(found.start(), found.end(), "digits") for found in _DIGITS.finditer(data)]
        return _printable(_with(data, [*self._spans(data, is_text=True), *digits]))

    def value(self, data: bytes, *, is_name: bool = False) -> tuple[str, str]:
        """A value in hexadecimal, with ?? for what was taken out, and as a text; the text is empty if it is none."""
        spans = list(self._spans(data, is_text=False))
        if _PIN.fullmatch(data):
            spans.append((0, len(data), "PIN"))
        text = readable(data)
        if is_name:
            shown = self.name(_decoded(data))
            spans += [(0, len(data), "name")] if shown != _printable(_decoded(data)) else []
            return _hex(data, spans), shown if text else ""
        return _hex(data, spans), self.text(_printable(_with(data, spans))) if text else ""

    def told(self, data: bytes) -> tuple[str, str]:
        """As `value`, for what tells a kind of ball, such as its model: nothing in it is taken for a PIN."""
        spans = list(self._spans(data, is_text=False))
        return _hex(data, spans), self.text(_with(data, spans))

    def hint(self, data: bytes) -> tuple[str, str]:
        """As `value`, for the description of a secret: whatever has a digit in it may be the secret itself."""
        described = _NUMBERED.sub("[digits]", _decoded(data))
        if described != _decoded(data):
            return _hex(data, [(0, len(data), "digits")]), self.name(described)
        return self.value(data, is_name=True)

    def _spans(self, data: bytes, *, is_text: bool) -> Iterator[Span]:
        for secret in self._secrets:
            for found in re.finditer(re.escape(secret), data, re.IGNORECASE):
                yield found.start(), found.end(), "serial number"
        for text in self._texts:
            for found in re.finditer(re.escape(text.encode()), data, re.IGNORECASE):
                yield found.start(), found.end(), "address"
        for found in _ANY_ADDRESS.finditer(data):
            yield found.start(), found.end(), "address"
        if not is_text:
            yield from _windows(data, self._addresses, BYTES_LEAST)
        digits = [each.hex().encode() for each in self._addresses]
        for found in _HEX_RUN.finditer(data):
            is_uuid = _UUID.fullmatch(found[0]) is not None  # it tells a kind of ball, unless a whole address is in it
            at = [found.start() + n for n, sign in enumerate(found[0]) if sign in b"0123456789abcdefABCDEF"]
            run = bytes(data[one] for one in at).lower()
            for start, stop, what in _windows(run, digits, 2 * ADDRESS_BYTES if is_uuid else DIGITS_LEAST):
                yield at[start], at[stop - 1] + 1, what


def _is_address(text: str) -> bool:
    return re.fullmatch(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}", text) is not None


def _windows(data: bytes, wholes: Iterable[bytes], least: int) -> Iterator[Span]:
    """Where ``least`` or more of the bytes of one of the wholes stand in a row."""
    for length in sorted({least, SURELY.get(least, least)}):
        for whole in wholes:
            for begin in range(len(whole) - length + 1):
                part, at = whole[begin : begin + length], -1
                if length < SURELY.get(least, least) and sum(one in _EVERYWHERE for one in part) >= length - 1:
                    continue  # 00 00 01 is found everywhere
                while (at := data.find(part, at + 1)) >= 0:
                    yield at, at + length, "address"


def _joined(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, stop, what in sorted(spans):
        if joined and start <= joined[-1][1]:
            first, last, before = joined[-1]
            joined[-1] = first, max(last, stop), before
        else:
            joined.append((start, stop, what))
    return joined


def _with(data: bytes, spans: Iterable[Span]) -> str:
    """A text with the word for each thing that was taken out in its place."""
    parts, at = [], 0
    for start, stop, what in _joined(spans):
        parts += [data[at:start].decode(errors="replace"), f"[{what}]"]
        at = stop
    return "".join([*parts, data[at:].decode(errors="replace")])


def _hex(data: bytes, spans: Iterable[Span]) -> str:
    hidden = {index for start, stop, _ in spans for index in range(start, stop)}
    return " ".join("??" if index in hidden else f"{byte:02X}" for index, byte in enumerate(data))


def _decoded(data: bytes) -> str:
    return data.rstrip(b"\0").decode(errors="replace")


def readable(data: bytes) -> str:
    """The text that a value is, without zeros at its end; empty if it is none."""
    try:
        text = data.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        return ""
    return text if text.isprintable() else ""


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
