r"""Bytes as people and their tools write them; for ``unknot profile decode`` and for the examples of a profile.

One spelling may be mixed with another:

==================  ==========================================
``55 01 AA``        pairs of hex digits, with or without spaces
``A5-01-03``        as nRF Connect shows them, with ``(0x)`` before them or without
``a5:01:03``        as Wireshark copies them
``0xA5, 0x01``      as programs write them, and ``\xA5\x01``
``'STOP' 0A``       printable ASCII in quotes
==================  ==========================================
"""

from __future__ import annotations

import re

ASCII = "'[ -&(-~]+'"
"""What a text in quotes looks like."""

_TOKEN = re.compile(rf"(?P<ascii>{ASCII})|\(0[xX]\)|(?:0[xX]|\\x)?(?P<digits>[0-9A-Fa-f]+)|[\s,:-]+")


def parse(text: str) -> bytes:
    """The bytes that a text spells; possibly none.

    Raises:
        ValueError: it spells none; what was found, and what was expected.
    """
    data = bytearray()
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ValueError(_strange(text, at))
        if (digits := token["digits"]) is not None:
            if len(digits) % 2:
                if text[token.end() : token.end() + 1].isalnum():
                    raise ValueError(_strange(text, token.end()))
                odd = f"{digits!r}" if len(digits) == 1 else f"{len(digits)} hex digits, {digits!r},"
                raise ValueError(f"found {odd} in {text!r}; expected two hex digits for each byte")
            data += bytes.fromhex(digits)
        elif token["ascii"] is not None:
            data += token["ascii"][1:-1].encode("ascii")
        at = token.end()
    return bytes(data)


def _strange(text: str, at: int) -> str:
    if text[at] == "'":
        return f"found {text[at:]!r}; expected printable ASCII between two quotes, such as 'STOP'"
    return (
        f'found {text[at]!r} in {text!r}; expected hex, such as "55 01 AA", or ASCII in quotes, such as "\'STOP\' 0A"'
    )
