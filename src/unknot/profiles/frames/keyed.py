"""Keyed frames: text whose order varies, as JSON or as lines of key and value; used where `Frame` is used.

``{ json = { cmd = "vibrate", level = "$level" }, end = "0A" }`` is a JSON object, and ``{ lines = { STATUS = "$state",
ELAPSED = "$elapsed" }, between = ":", line = "0A", end = "04" }`` are lines; ``end``, ``between`` and ``line`` may be
left out. A string ``"$name"`` is a slot, every other value is fixed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from unknot.errors import FrameSyntaxError
from unknot.profiles.frames.frame import Frame
from unknot.profiles.frames.json_frame import JsonFrame
from unknot.profiles.frames.keys import as_text, refuse
from unknot.profiles.frames.lines_frame import LinesFrame

__all__ = ["AnyFrame", "JsonFrame", "LinesFrame", "keyed"]

AnyFrame = Frame | JsonFrame | LinesFrame
"""Whatever packs and unpacks."""

_FORMS: dict[str, tuple[Callable[..., JsonFrame | LinesFrame], tuple[str, ...]]] = {
    "json": (JsonFrame, ("end",)),
    "lines": (LinesFrame, ("between", "line", "end")),
}


def keyed(table: Mapping[str, Any]) -> JsonFrame | LinesFrame:
    """The keyed frame that a table in a file describes.

    Raises:
        FrameSyntaxError: it describes none.
    """
    template = as_text(table)
    form = next((name for name in _FORMS if name in table), None)
    if form is None:
        raise FrameSyntaxError(template, 0, "a frame template, or a table with json or lines")
    build, options = _FORMS[form]
    if not isinstance(table[form], Mapping):
        refuse(template, f'"{form}": ', f"a table under {form}")
    given = {name: value for name, value in table.items() if name != form}
    for name, value in given.items():
        if name not in options:
            refuse(template, f"{json.dumps(name)}: ", f"besides {form} only {', '.join(options)}")
        if not isinstance(value, str):
            refuse(template, f'"{name}": ', f"text under {name}")
    return build(table[form], **given)
