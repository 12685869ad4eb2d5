"""How TOML data files are found and read: names, written durations, and errors that name file, key and fault.

Used by `unknot.profiles.library` and `unknot.protocols.library`; nothing in a file is ever evaluated.
"""

from __future__ import annotations

import logging
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from unknot.diagnostics.misfits import Misfit, StrayKey
from unknot.errors import FileError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

    Model = TypeVar("Model", bound=BaseModel)

log = logging.getLogger(__name__)

__all__ = [
    "DURATION",
    "MAX_BYTES",
    "Misfit",
    "StrayKey",
    "in_folders",
    "leave_out",
    "load",
    "load_text",
    "named",
    "read",
    "schema_1",
    "seconds",
    "wrong",
]

MAX_BYTES = 256 * 1024
"""A data file larger than this (bytes) is not one of ours; it is refused before it is parsed."""

_BYTE_ORDER_MARK = "\ufeff"
"""Some editors on Windows begin every file with it; TOML has no word for it."""

_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0}
DURATION = r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(ms|s|min)"
"""What a written duration looks like."""

_DURATION = re.compile(DURATION)


def seconds(text: object) -> float:
    """The seconds of a written duration such as ``"45s"``, ``"500ms"`` or ``"2min"``.

    Raises:
        ValueError: for anything else; a bare number has no unit and is refused.
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError('a duration with its unit, such as "45s", "500ms" or "2min"')
    return float(match[1]) * _UNITS[match[2]]


def schema_1(value: int) -> int:
    """The version of a file's format, for the models to validate with. Raises `ValueError` for any but 1."""
    if value != 1:
        raise ValueError("1, the only version that this program reads")
    return value


def in_folders(*folders: Path) -> dict[str, Path]:
    """Every TOML file in these folders by its name without suffix; one in a later folder replaces its namesake."""
    return {
        file.stem: file
        for folder in folders
        for file in sorted(folder.glob("*.toml"))
        if not file.name.startswith(".")  # what editors and systems leave behind
        and _is_text(file.name)
    }


def _is_text(name: str) -> bool:
    """Whether a file's name can be told to others; one in another encoding cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


@cache
def leave_out(why: str) -> None:
    """Say that a wrong file is passed over; once, since a gateway looks at its files for years."""
    log.warning("left out: %s", why)


def named(kind: str, name: str, files: Callable[[], dict[str, Path]]) -> Path:
    """The file that a person means: a path that ends in ``.toml``, or the name of one of ``files``.

    Args:
        kind: "muscle" or "profile", for the message.
        name: what the person wrote.
        files: the files there are, by name; asked only if a name has to be looked up.

    Raises:
        UnknownNameError: there is none of that name; the nearest are named.
        UsageError: it is no word at all.
    """
    if not isinstance(name, str):
        raise UsageError(f"a {kind} is named by a word or a file, not by {name!r}")
    if name.endswith(".toml"):
        return Path(name)
    known = files()
    if name not in known:
        raise UnknownNameError(kind, name, known)
    return known[name]


def read(file: Path, error: type[FileError] = FileError) -> dict[str, Any]:
    """The parsed content of a TOML file.

    Raises:
        FileError: (of the given kind) when it cannot be read, is too large or is not TOML.
    """
    return _parsed(file, _text(file, error), error)


def load(file: Path, model: type[Model], error: type[FileError] = FileError, **fixed: object) -> Model:
    """The content of a TOML file as a validated, frozen pydantic model.

    Args:
        file: the file.
        model: the pydantic model that it must fit.
        error: the kind of error to raise.
        fixed: values that do not stand in the file, for example an id taken from its name.

    Raises:
        FileError: (of the given kind) with the first thing that is wrong.
    """
    return load_text(file, _text(file, error), model, error, **fixed)


def load_text(file: Path, text: str, model: type[Model], error: type[FileError] = FileError, **fixed: object) -> Model:
    """As `load`, for a text that came another way; ``file`` is what it is called in errors."""
    from pydantic import ValidationError

    content = _parsed(file, text, error)
    if named := fixed.keys() & content.keys():
        from unknot.diagnostics.source import Source
        from unknot.diagnostics.written import shown

        stray = StrayKey(min(named), shown(content[min(named)]), "no such key: the file's own name says it")
        raise Source(file, error, text, content).misfit(stray)
    try:
        return model.model_validate({**content, **fixed})
    except ValidationError as cause:
        from unknot.diagnostics.source import Source

        raise Source(file, error, text, content, fixed.keys()).invalid(cause, model) from cause


def wrong(file: Path, misfit: Misfit, error: type[FileError] = FileError) -> FileError:
    """The error (of the given kind) for something that is wrong at a key of a file that was loaded before.

    The file is read once more to find the place; if that fails by now, the error has none.
    """
    from unknot.diagnostics.source import Source

    try:
        text = _text(file, error) if file.is_file() else ""  # a pipe cannot be read twice
        content = _parsed(file, text, error)
    except FileError:
        text, content = "", {}
    return Source(file, error, text, content).misfit(misfit)


def _text(file: Path, error: type[FileError]) -> str:
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except IsADirectoryError as cause:
        raise error(file, "", "a folder", "a readable TOML file") from cause
    except PermissionError as cause:  # Windows says so of a folder too
        found = "a folder" if file.is_dir() else "a file that may not be read"
        raise error(file, "", found, "a readable TOML file") from cause
    except OSError as cause:
        raise error(file, "", (cause.strerror or str(cause)).lower(), "a readable TOML file") from cause
    if len(raw) > MAX_BYTES:
        raise error(file, "", f"more than {MAX_BYTES} bytes", "a data file of a few kilobytes")
    try:
        return raw.decode().removeprefix(_BYTE_ORDER_MARK)
    except UnicodeDecodeError as cause:
        from unknot.diagnostics.source import undecodable

        raise undecodable(file, error, raw, cause) from cause


def _parsed(file: Path, text: str, error: type[FileError]) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as cause:
        from unknot.diagnostics.source import unparsable

        raise unparsable(file, error, text, cause) from cause
    except (ValueError, RecursionError) as cause:  # tomllib lets them through: Python's own bounds
        raise error(file, "", "a number or a nesting beyond all bounds", "valid TOML") from cause
