"""Paths of keys and indices into a parsed TOML file, as the file has them; used by `unknot.diagnostics.source`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    Path = tuple[str | int, ...]

LONGEST_SHOWN = 60
"""A value or a key of more characters is shortened (judgement: half a line of a usual terminal)."""


def follow(content: Any, path: Path) -> Any:
    """What stands at this path, or None."""
    for part in path:
        if isinstance(content, dict):
            content = content.get(str(part))
        elif isinstance(content, list) and isinstance(part, int) and part < len(content):
            content = content[part]
        else:
            return None
    return content


def as_written(content: Any, location: Sequence[str | int]) -> Path:
    """The path in the file of pydantic's location, which also names kinds of tables and counts where no list stands."""
    path: list[str | int] = []
    for part in location:
        if isinstance(content, dict) and str(part) in content:
            path.append(str(part))
            content = content[str(part)]
        elif isinstance(content, list) and isinstance(part, int) and part < len(content):
            path.append(part)
            content = content[part]
    return tuple(path)


def below(content: Any, above: Path, key: str) -> Path:
    """The path of a dotted key below another path, whether it is there or not; a key may have dots in itself."""
    path, content, words = [*above], follow(content, above), key.split(".") if key else []
    while words:
        part, size = _next(content, words)
        path.append(part)
        content = follow(content, (part,))
        words = words[size:]
    return tuple(path)


def _next(content: Any, words: list[str]) -> tuple[str | int, int]:
    """The first part of a dotted key, and how many of its words it takes."""
    if isinstance(content, list) and words[0].isdecimal():
        return int(words[0]), 1
    for size in range(len(words), 1, -1):
        if isinstance(content, dict) and ".".join(words[:size]) in content:
            return ".".join(words[:size]), size
    return words[0], 1


def shown(path: Path) -> str:
    """The path as one dotted key."""
    return ".".join(shortened(part if part.isprintable() else repr(part)) for part in map(str, path))


def shortened(text: str) -> str:
    """The text, cut where it is longer than what is shown."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."
