"""The JSON Schema of a gateway's configuration, by which editors complete and check it as it is written; pure.

Whether keys fit together, and files are there, ``unknot config check`` tells.
"""

from __future__ import annotations

from typing import Any

from unknot import schemas
from unknot.bridge.configuration.config import ConfigFile, Section

FILE = "config.schema.json"
"""Its file's name, beside a configuration that names it in its first line."""

FIRST_LINE = f"#:schema ./{FILE}"
"""That first line."""


def text() -> str:
    """The schema as it stands in its file."""
    return schemas.text(schema())


def schema() -> dict[str, Any]:
    """The schema of JSON Schema's draft 2020-12."""
    return schemas.of(ConfigFile, Section, name="config:1", title="The configuration of a gateway of unknot")
