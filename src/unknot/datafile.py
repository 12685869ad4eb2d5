"""How TOML data files are found and read: names, written durations, and errors that name file, key and fault.

Used by `unknot.profiles.library` and `unknot.protocols.library`; nothing in a file is ever evaluated.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from unknot.errors import FileError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel, ValidationError

    Model = TypeVar("Model", bound=BaseModel)

MAX_BYTES = 256 * 1024
"""A data file larger than this (bytes) is not one of ours; it is refused before it is parsed."""


class Misfit(ValueError):
    """Raised by a model's own validators when two keys of a file do not fit each other.

    Attributes:
        key: the dotted key to mend.
        found: what stands there.
        expected: what should stand there.
    """

    def __init__(self, key: str, found: str, expected: str) -> None:
        self.key = key
        self.found = found
        self.expected = expected
        super().__init__(f"{key}: found {found}; expected {expected}")


_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?) ?(ms|s|min)", re.ASCII)


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
    }


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
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise error(file, "", f"more than {MAX_BYTES} bytes", "a data file of a few kilobytes")
        return tomllib.loads(raw.decode())
    except OSError as cause:
        raise error(file, "", (cause.strerror or str(cause)).lower(), "a readable TOML file") from cause
    except UnicodeDecodeError as cause:
        raise error(file, "", f"byte {cause.start} that is not UTF-8", "a TOML file in UTF-8") from cause
    except tomllib.TOMLDecodeError as cause:
        raise error(file, "", str(cause)[:1].lower() + str(cause)[1:], "valid TOML") from cause
    except (ValueError, RecursionError) as cause:  # tomllib lets them through: Python's own bounds
        raise error(file, "", "a number or a nesting beyond all bounds", "valid TOML") from cause


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
    from pydantic import ValidationError

    content = read(file, error)
    if named := fixed.keys() & content.keys():
        key = min(named)
        raise error(file, key, repr(content[key]), "no such key: the file's own name says it")
    try:
        return model.model_validate({**content, **fixed})
    except ValidationError as cause:
        raise _explain(file, cause, error) from cause


def _explain(file: Path, cause: ValidationError, error: type[FileError]) -> FileError:
    first = cause.errors(include_url=False)[0]
    key = ".".join(part if part.isprintable() else repr(part) for part in map(str, first["loc"]))
    misfit = first.get("ctx", {}).get("error")
    if isinstance(misfit, Misfit):
        return error(file, ".".join(filter(None, (key, misfit.key))), misfit.found, misfit.expected)
    message = first["msg"]
    for prefix in ("Value error, ", "Assertion failed, ", "Input should be "):
        message = message.removeprefix(prefix)
    found = _shown(first["input"])
    match first["type"]:
        case "missing":
            found, message = "nothing", "this key"
        case "extra_forbidden":
            found, message = "an unknown key", "only the keys that the folder's README lists"
    rest = cause.error_count() - 1
    if rest:
        message += f" ({rest} more after this one)"
    return error(file, key, found, message)


def _shown(value: object) -> str:
    try:
        shown = repr(value)
    except ValueError:  # Python writes no integer of more than some thousand digits
        return "a number beyond all bounds"
    return shown if len(shown) <= 60 else shown[:57] + "..."
