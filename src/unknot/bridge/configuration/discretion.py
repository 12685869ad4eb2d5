"""Passwords are never shown: what hides them in URLs, in logs and in errors about a configuration; pure.

Nobody should write a password into a configuration file, so the errors that say so must not print it either.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from unknot.errors import ConfigFileError, Place

if TYPE_CHECKING:
    from collections.abc import Iterable

HIDDEN = "***"
"""Stands for what is not shown."""

NO_PASSWORD = "a password in the file"  # noqa: S105 - it says that there is one
BELONGS = "password_file with the path of a file that holds it, or UNKNOT_BROKER__PASSWORD in the environment"
"""What is said where somebody wrote a password down, and where it belongs."""

_KEY = re.compile(r"(?i)\b\w*(?:pass|pwd|secret|token)\w*(?<!_file)[\"']?\s*=\s*(?P<secret>\S.*)")
"""A key that would hold a secret, of which we have none, and all that follows in its line."""

_URL = re.compile(r"://[^\s:@/]*:(?P<secret>.+)@")
"""The password in a URL; one that is not percent-encoded may hold anything."""

_REST_OF_URL = re.compile(r"://.*")
_QUOTATION = re.compile(r":? \"[^\"]*://.*")
"""How an error repeats a URL that has no quotes, to show where they belong."""


def hidden(text: str, secrets: Iterable[str]) -> str:
    """The text without these secrets."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def without_password(url: str) -> str:
    """A URL as it may be shown."""
    return _URL.sub(lambda found: f"{found[0][: found.start('secret') - found.start()]}{HIDDEN}@", url)


def has_password(url: str) -> bool:
    """Whether a URL has a password in it."""
    return _URL.search(url) is not None


def discreet(error: ConfigFileError, text: str) -> ConfigFileError:
    """The same error without the passwords that stand in the file, whose text this is."""
    if not _KEY.search(text) and not _URL.search(text):
        return error
    found, expected, nearest = error.found, error.expected, error.nearest
    if _KEY.search(error.source):
        found, expected, nearest = NO_PASSWORD, BELONGS, ""
    elif "{" in found:
        found = "a table"  # with all that is in it
    place = None
    if error.line is not None and error.column is not None:
        place = Place(error.line, error.column, error.width, _starred(error.source), error.mark)
    if _URL.search(text):
        # It may be cut off before the sign by which a password is known.
        found, expected = _REST_OF_URL.sub(f"://{HIDDEN}", found), _QUOTATION.sub("", expected)
    return ConfigFileError(error.file, error.key, found, expected, place=place, nearest=nearest)


def _starred(line: str) -> str:
    """The line with a star for each character of a secret, so that carets below it stay in their place."""
    for pattern in (_KEY, _URL):
        line = pattern.sub(_star, line)
    return line


def _star(found: re.Match[str]) -> str:
    start, end = found.start("secret") - found.start(), found.end("secret") - found.start()
    return found[0][:start] + "*" * (end - start) + found[0][end:]
