"""The examples of a profile: exact bytes beside their meaning, from a capture or a document, never from our encoder.

Used by `unknot.profiles.model` and proved by `unknot.profiles.proof`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from unknot.datafile import Misfit
from unknot.profiles.fields import HexWrites
from unknot.profiles.hexadecimal import ASCII, parse
from unknot.profiles.phrases import STEPS
from unknot.profiles.section import Section

Told = dict[str, dict[str, int | float | str]]

_FLAGS = ("stop", "start", "starting", *STEPS)
_NAMES = ("set_level", "stop", "start", *STEPS)


def _is_command(given: Mapping[str, object]) -> bool:
    names = [name for name in _NAMES if name in given]
    flags_are_true = all(given[flag] is True for flag in _FLAGS if flag in given)
    others = [value for key, value in given.items() if key not in _FLAGS]
    level_is_whole = type(given.get("set_level", 0)) is int
    beside_level = "starting" not in given or "set_level" in given
    return (
        len(names) == 1
        and flags_are_true
        and beside_level
        and level_is_whole
        and type(given.get("sequence", 0)) is int
        and not any(isinstance(value, bool) for value in others)
    )


def _in_hex(text: object) -> object:
    if not isinstance(text, str) or "'" not in text:
        return text
    try:
        return parse(text).hex(" ")
    except ValueError:
        raise ValueError("bytes in hex and ASCII in quotes, such as \"01 'STOP' 0A\"") from None


def _without_texts(found: object) -> object:
    return [_in_hex(one) for one in found] if isinstance(found, list) else _in_hex(found)


_SPELLED = {"type": "string", "pattern": rf"^\s*(([0-9A-Fa-f]{{2}}|{ASCII})\s*)*$"}

Spelled = Annotated[
    HexWrites,
    BeforeValidator(_without_texts),
    WithJsonSchema({"anyOf": [_SPELLED, {"type": "array", "items": _SPELLED, "minItems": 1}]}),
]
"""Bytes in hex, with ASCII in quotes between them; one item per write."""


class Example(Section):
    """Exact bytes beside their meaning: one of command, init, keep_alive, report or refusal.

    Attributes:
        command: ``{ set_level = 50 }`` or ``{ stop = true }``, with other slots of its frames beside it.
        init: the number of a step of the dialogue, from 1.
        keep_alive: the number of a keep-alive, from 1.
        report: ``{ status = { level = 50 } }``.
        refusal: ``{ busy = { code = 5 } }``.
        writes: (``bytes`` in the file) the bytes in hex, or as text in quotes; a list for several writes.
        after: what the ball has told before, for init and keep_alive.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    command: dict[str, int | float | bool | str] | None = None
    init: Annotated[int, Field(strict=True, ge=1)] | None = None
    keep_alive: Annotated[int, Field(strict=True, ge=1)] | None = None
    report: Told | None = None
    refusal: Told | None = None
    writes: Annotated[Spelled, Field(alias="bytes")]
    after: dict[str, int | float | str] = {}

    @model_validator(mode="after")
    def _one_meaning(self) -> Example:
        meanings = [
            name for name in ("command", "init", "keep_alive", "report", "refusal") if getattr(self, name) is not None
        ]
        if len(meanings) != 1:
            found = " and ".join(meanings) or "no meaning"
            raise Misfit("", found, "one of command, init, keep_alive, report or refusal")
        told = self.report if self.report is not None else self.refusal
        if told is not None and (len(told) != 1 or len(self.writes) != 1):
            key, found = (
                (meanings[0], f"{len(told)} {meanings[0]}s")
                if len(told) != 1
                else ("bytes", f"{len(self.writes)} lots")
            )
            raise Misfit(key, found, f"one {meanings[0]} and its bytes")
        if self.command is not None and not _is_command(self.command):
            from unknot.diagnostics.written import shown  # only when something is wrong

            flags = ", ".join(f"{name} = true" for name in _NAMES[1:])
            raise Misfit("command", shown(self.command), f"set_level = LEVEL, or {flags}; other slots beside it")
        return self
