"""The JSON Schema of profile files, made from the models, by which editors complete and check a file as it is written.

It says less than the program holds a file to: whether frames, slots and examples fit together, ``unknot profile
check`` tells. Its descriptions are the models' own docstrings.
"""

from __future__ import annotations

import inspect
import json
import re
from typing import TYPE_CHECKING, Any

from unknot.profiles.model import FirmwareProfile
from unknot.profiles.section import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = "profile.schema.json"
"""Its file's name, beside the profiles that name it in their first line."""

FIRST_LINE = f"#:schema ./{FILE}"
"""The first line of a profile file, for editors."""

_NULL = {"type": "null"}

_ATTRIBUTE = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)
_ALIAS = re.compile(r"^\(`\w+` in the file\) ")


def text() -> str:
    """The schema as it stands in its file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def schema() -> dict[str, Any]:
    """The schema of JSON Schema's draft 2020-12."""
    made = FirmwareProfile.model_json_schema(by_alias=True)
    definitions: dict[str, dict[str, Any]] = made.pop("$defs")
    sections = {one.__name__: one for one in _sections(Section)}
    for name, definition in definitions.items():
        if name in sections:
            _describe(definition, sections[name])
    _describe(made, FirmwareProfile)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:unknot:profile:1",
        "title": "A firmware profile of unknot",
    }
    tidy: dict[str, Any] = _tidied({**made, "$defs": dict(sorted(definitions.items()))})
    return head | tidy


def summary(documented: type[Section]) -> str:
    """The first paragraph of a docstring, in one line."""
    return _in_one_line((inspect.getdoc(documented) or "").split("\n\n")[0])


def attributes(documented: type[Section]) -> dict[str, str]:
    """What a docstring says of each attribute, in one line each; what a base says holds too."""
    found: dict[str, str] = {}
    for one in reversed([one for one in documented.__mro__ if issubclass(one, Section)]):
        _, _, section = inspect.cleandoc(one.__doc__ or "").partition("Attributes:\n")
        found |= {name: _ALIAS.sub("", _in_one_line(said)) for name, said in _ATTRIBUTE.findall(section)}
    return found


def _in_one_line(said: str) -> str:
    return " ".join(said.split()).replace("``", "`")


def _sections(base: type[Section]) -> Iterator[type[Section]]:
    for one in base.__subclasses__():
        yield one
        yield from _sections(one)


def _describe(definition: dict[str, Any], section: type[Section]) -> None:
    definition["description"] = summary(section)
    said = attributes(section)
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
