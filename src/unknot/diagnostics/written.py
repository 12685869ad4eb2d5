"""A value as a TOML file writes it, for errors; used by `unknot.diagnostics.source` and by models."""

from __future__ import annotations

import re

LONGEST_SHOWN = 60
"""A value or a key of more characters is shortened (judgement: half a line of a usual terminal)."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")
"""A key that needs no quotes (TOML 1.0, "Keys")."""


def shown(value: object) -> str:
    """The value as a file writes it, shortened."""
    try:
        return shortened(_written(value))
    except ValueError:  # Python writes no integer of more than some thousand digits
        return "a number beyond all bounds"
    except RecursionError:  # dotted keys nest deeper than Python follows
        return "a nesting beyond all bounds"


def shortened(text: str) -> str:
    """The text, cut where it is longer than what is shown."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        pairs = (f"{key if _BARE.fullmatch(str(key)) else repr(key)} = {_written(one)}" for key, one in value.items())
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_written, value))}]"
    return repr(value) if isinstance(value, str | int | float) else str(value)
