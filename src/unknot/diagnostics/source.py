"""A data file that was read, and the error for each thing that can be wrong with it; used by `unknot.datafile`.

It is imported only when there is an error to make, so that a right file costs nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from unknot.diagnostics import paths, places, slips
from unknot.diagnostics.misfits import Misfit, StrayKey
from unknot.diagnostics.nearest import alternatives, keys_at, nearest, quoted_word
from unknot.diagnostics.written import shown
from unknot.errors import FileError, FrameSyntaxError

if TYPE_CHECKING:
    import tomllib
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

    from unknot.errors import Place


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read.

    Args:
        file: the file.
        error: the kind of error to make.
        text: what it says; empty if it says nothing.
        content: what that means, the parsed TOML; empty if it has none.
        fixed: the keys of the model that stand in no file.
    """

    file: Path
    error: type[FileError]
    text: str
    content: Mapping[str, Any]
    fixed: Collection[str] = ()

    def misfit(self, misfit: Misfit, above: paths.Path = (), more: str = "") -> FileError:
        """The error for keys that do not fit each other; ``above`` is the path below which the misfit's key is."""
        path = paths.below(self.content, above, misfit.key)
        if isinstance(misfit, StrayKey):
            place, word, present = places.of_key(self.text, path), str(path[-1]), self._keys_beside(path)
        else:
            place, word, present = self._place(path, misfit), quoted_word(misfit.found), ()
        return self.error(
            self.file,
            paths.shown(path),
            misfit.found,
            misfit.expected + more,
            place=place,
            nearest=nearest(word, misfit.right or alternatives(misfit.expected), present),
        )

    def _place(self, path: paths.Path, misfit: Misfit) -> Place | None:
        """Where a misfit is: some characters of a text, or the whole value."""
        content = paths.follow(self.content, path)
        if misfit.where is not None and isinstance(content, str):
            spot = misfit.where(content)
            if spot is not None:
                return places.of_character(self.text, path, content, *spot)
        return places.of_value(self.text, path)

    def invalid(self, cause: ValidationError, model: type[BaseModel]) -> FileError:
        """The error for content that is no such model: about the first thing that is wrong."""
        errors = cause.errors(include_url=False)
        first, mends = self._to_tell(errors, model)
        rest = len(errors) - mends
        more = f" ({rest} more after this one)" if rest else ""
        path = paths.as_written(self.content, first["loc"])
        reason = first.get("ctx", {}).get("error")
        if isinstance(reason, Misfit):
            return self.misfit(reason, path, more)
        if first["type"] == "missing":
            path = (*paths.as_written(self.content, first["loc"][:-1]), first["loc"][-1])
        found, expected, place, hint = self._said(first, path, model)
        return self.error(self.file, paths.shown(path), found, expected + more, place=place, nearest=hint)

    def _said(
        self, error: ErrorDetails, path: paths.Path, model: type[BaseModel]
    ) -> tuple[str, str, Place | None, str]:
        """What was found, what was expected, where, and the nearest right word."""
        if error["type"] == "missing":
            return "nothing", "this key", places.of_value(self.text, path), ""
        if belongs := self._belongs_to_the_top(error, model):
            return *belongs, places.of_key(self.text, path), ""
        if error["type"] == "extra_forbidden":
            place, hint = places.of_key(self.text, path), self._nearest_key(error, model)
            return "an unknown key", self._keys_left(error, model), place, hint
        syntax = getattr(error.get("ctx", {}).get("error"), "__cause__", None)
        if isinstance(syntax, FrameSyntaxError):
            found = f"{shown(syntax.template)}, character {syntax.position + 1}"
            place = places.of_character(self.text, path, syntax.template, syntax.position)
            return found, syntax.expected, place, syntax.nearest
        found, expected = shown(error["input"]), _expectation(error["msg"])
        find = places.of_key if error["loc"][-1:] == (_OF_A_KEY,) else places.of_value
        return found, expected, find(self.text, path), nearest(quoted_word(found), alternatives(expected))

    def _to_tell(self, errors: Sequence[ErrorDetails], model: type[BaseModel]) -> tuple[ErrorDetails, int]:
        """The error to tell of, and how many it mends: of a misspelt key, pydantic first says that it is missing."""
        first = errors[0]
        if first["type"] != "missing":
            return first, 1
        *above, missing = first["loc"]
        if not above:
            for error in errors:
                if error["loc"][-1] == missing and self._belongs_to_the_top(error, model):
                    return error, 2
        unknown = {
            str(error["loc"][-1]): error
            for error in errors
            if error["type"] == "extra_forbidden" and list(error["loc"][:-1]) == above
        }
        for name in get_close_matches(str(missing), unknown):
            if self._nearest_key(unknown[name], model) == missing:
                return unknown[name], 2
        return first, 1

    def _belongs_to_the_top(self, error: ErrorDetails, model: type[BaseModel]) -> tuple[str, str] | tuple[()]:
        """What was found and expected of a key of the file's top that stands below a section; nothing for another."""
        if error["type"] not in _NO_SUCH_KEY:
            return ()
        path = paths.as_written(self.content, error["loc"])
        if len(path) < 2 or isinstance(path[-1], int) or path[-1] in self.content or path[-1] not in keys_at(model, ()):
            return ()
        name = path[-1]
        if isinstance(paths.follow(self.content, path), dict):
            return "a section inside another one", f"[{name}] by itself"
        section = next((key for key, value in self.content.items() if isinstance(value, dict)), path[0])
        return "a key of the file's top", f"it before the first section, which is [{section}]"

    def _keys_left(self, error: ErrorDetails, model: type[BaseModel]) -> str:
        """The keys that a table may have and has not yet."""
        present = {*self._keys_beside(paths.as_written(self.content, error["loc"])), *self.fixed}
        left = [key for key in dict.fromkeys(keys_at(model, error["loc"][:-1])) if key not in present]
        return f"one of {', '.join(left)}" if left else "no more keys"

    def _nearest_key(self, error: ErrorDetails, model: type[BaseModel]) -> str:
        *above, name = error["loc"]
        present = self._keys_beside(paths.as_written(self.content, error["loc"]))
        return nearest(str(name), keys_at(model, above), present)

    def _keys_beside(self, path: paths.Path) -> tuple[str, ...]:
        table = paths.follow(self.content, path[:-1])
        return tuple(table) if isinstance(table, dict) else ()


_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
"""How a file in UTF-16 begins (Unicode 15, 23.8, "Byte Order Mark")."""


def undecodable(file: Path, error: type[FileError], raw: bytes, cause: UnicodeDecodeError) -> FileError:
    """The error for bytes that are no UTF-8."""
    if raw.startswith(_UTF_16):
        return error(file, "", "a file in UTF-16", "a TOML file in UTF-8: let your editor save it so")
    start = raw.rfind(b"\n", 0, cause.start) + 1
    column = len(raw[start : cause.start].decode()) + 1
    place = places.at_line(raw.decode(errors="replace"), raw.count(b"\n", 0, start) + 1, column)
    return error(file, "", f"byte {cause.start} that is not UTF-8", "a TOML file in UTF-8", place=place)


def unparsable(file: Path, error: type[FileError], text: str, cause: tomllib.TOMLDecodeError) -> FileError:
    """The error for text that is no TOML; where, tomllib says at the end of its message."""
    message = str(cause)
    message = message[:1].lower() + message[1:]
    match = _WHERE.search(message)
    if match is None:
        return error(file, "", message.removeprefix("found "), "valid TOML")
    message = message[: match.start()].removeprefix("found ")
    if match["line"] is None:
        place = places.at_end(text)
        slip = slips.at_end(text)
    else:
        line, column = int(match["line"]), int(match["column"])
        place = places.at_line(text, line, column)
        slip = slips.at_line(text, line, column)
    if slip is None:
        return error(file, "", message, "valid TOML", place=place)
    place = places.at_line(text, slip.line, slip.column, slip.width)
    return error(file, "", slip.found, slip.expected, place=place)


_WHERE = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")

_NO_SUCH_KEY = ("extra_forbidden", "model_type", "dict_type")
"""How pydantic calls it when a key stands in a table that has none of that name, or that names things of its own."""

_OF_A_KEY = "[key]"
"""How pydantic says that a key of a table is wrong, and not its value."""


_WORDS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text in quotes",
    "boolean": "true or false",
    "tuple": "a list in square brackets",
    "list": "a list in square brackets",
    "dictionary": "a table",
}
"""What pydantic calls a kind of value, and what TOML and its readers do."""

_KIND = re.compile(r"a valid (\w+)\b.*", re.DOTALL)


def _expectation(message: str) -> str:
    for prefix in ("Value error, ", "Assertion failed, ", "Input should be "):
        message = message.removeprefix(prefix)
    kind = _KIND.fullmatch(message)
    return _WORDS.get(kind[1], message) if kind else message
