"""JSON Schemas of data files, made from their models, by which editors complete and check a file as it is written.

Used for profiles and for the configuration of the bridge. A schema says less than the program holds a file to:
whether keys fit together, only the program's own check tells. Its descriptions are the models' own docstrings.
"""

from __future__ import annotations

import inspect
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

_NULL = {"type": "null"}

_ATTRIBUTE = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)
_ALIAS = re.compile(r"^\(`\w+` in the file\) ")


def text(schema: dict[str, Any]) -> str:
    """A schema as it stands in its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def of(model: type[BaseModel], base: type[BaseModel], *, name: str, title: str) -> dict[str, Any]:
    """The schema of JSON Schema's draft 2020-12.

    Args:
        model: the whole file.
        base: what all the models of its tables, and it, are derived from.
        name: its name after ``urn:unknot:``.
        title: what it describes.
    """
    made = model.model_json_schema(by_alias=True)
    definitions: dict[str, dict[str, Any]] = made.pop("$defs", {})
    sections = {one.__name__: one for one in _sections(base)}
    for defined, definition in definitions.items():
        if defined in sections:
            _describe(definition, sections[defined], base)
    _describe(made, model, base)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:unknot:{name}",
        "title": title,
    }
    tidy: dict[str, Any] = _tidied({**made, "$defs": dict(sorted(definitions.items()))})
    return head | tidy


def summary(documented: type[BaseModel]) -> str:
    """The first paragraph of a docstring, in one line."""
    return _in_one_line((inspect.getdoc(documented) or "").split("\n\n")[0])


def attributes(documented: type[BaseModel], base: type[BaseModel]) -> dict[str, str]:
    """What a docstring says of each attribute, in one line each; what a base says holds too."""
    found: dict[str, str] = {}
    for one in reversed([one for one in documented.__mro__ if issubclass(one, base)]):
        _, _, section = inspect.cleandoc(one.__doc__ or "").partition("Attributes:\n")
        found |= {name: _ALIAS.sub("", _in_one_line(said)) for name, said in _ATTRIBUTE.findall(section)}
    return found


def _in_one_line(said: str) -> str:
    return " ".join(said.split()).replace("``", "`")


def _sections(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for one in base.__subclasses__():
        yield one
        yield from _sections(one)


def _describe(definition: dict[str, Any], section: type[BaseModel], base: type[BaseModel]) -> None:
    definition["description"] = summary(section)
    said = attributes(section, base)
    for name, field in section.model_fields.items():
        definition["properties"][field.alias or name]["description"] = said[name]


def _tidied(part: Any) -> Any:
    """The same without titles, which only repeat names, and with defaults as a file writes them."""
    if isinstance(part, list):
        return [_tidied(one) for one in part]
    if not isinstance(part, dict):
        return part
    tidy = {key: _tidied(one) for key, one in part.items() if not (key == "title" and isinstance(one, str))}
    if (choices := tidy.get("anyOf")) is not None and _NULL in choices:  # TOML has no null: such a key is left out
        choices.remove(_NULL)
        if len(choices) == 1:
            del tidy["anyOf"]
            tidy = choices[0] | tidy
    if "patternProperties" in tidy:
        tidy.setdefault("additionalProperties", False)
    if "default" in tidy and (tidy["default"] is None or isinstance(tidy["default"], dict | list)):
        del tidy["default"]  # nothing, which is what a key that is left out says anyway
    elif tidy.get("type") == "string" and isinstance(tidy.get("default"), float):
        tidy["default"] = f"{tidy['default']:g}s"  # a duration
    return tidy
