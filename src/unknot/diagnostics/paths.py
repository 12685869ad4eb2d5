"""Paths of keys and indices into a parsed TOML file, as the file has them; used by `unknot.diagnostics.source`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unknot.diagnostics.written import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    Path = tuple[str | int, ...]


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
    if words[0].isdecimal() and not isinstance(content, dict):  # a list, also in a file that is gone by now
        return int(words[0]), 1
    for size in range(len(words), 1, -1):
        if isinstance(content, dict) and ".".join(words[:size]) in content:
            return ".".join(words[:size]), size
    return words[0], 1


def shown(path: Path) -> str:
    """The path as one dotted key; what a list has is counted from 1, as the files themselves count."""
    words = (str(part + 1) if isinstance(part, int) else part for part in path)
    return ".".join(shortened(word if word.isprintable() else repr(word)) for word in words)
