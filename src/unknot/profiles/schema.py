"""The JSON Schema of profile files, by which editors complete and check a file as it is written.

Whether frames, slots and examples fit together, ``unknot profile check`` tells.
"""

from __future__ import annotations

from typing import Any

from unknot import schemas
from unknot.profiles.model import FirmwareProfile
from unknot.profiles.section import Section

FILE = "profile.schema.json"
"""Its file's name, beside the profiles that name it in their first line."""

FIRST_LINE = f"#:schema ./{FILE}"
"""The first line of a profile file, for editors."""


def text() -> str:
    """The schema as it stands in its file."""
    return schemas.text(schema())


def schema() -> dict[str, Any]:
    """The schema of JSON Schema's draft 2020-12."""
    return schemas.of(FirmwareProfile, Section, name="profile:1", title="A firmware profile of unknot")
