"""The shipped profiles as tests need them: a computed list, and edited copies."""

from __future__ import annotations

import tomllib
from pathlib import Path

from unknot.profiles import library
from unknot.profiles.model import FirmwareProfile, Kind

FILES = tuple(sorted(library.shipped_folder().glob("*.toml")))
PROFILES = tuple(library.load_file(file) for file in FILES)
BY_ID = {profile.id: profile for profile in PROFILES}
SPOKEN = tuple(profile for profile in PROFILES if profile.codec is None)
"""Those that need no codec plug-in."""
DRIVEN = tuple(profile.id for profile in SPOKEN if profile.kind is Kind.VIBRATION)
"""The ids of those that a massage protocol may drive."""
TYPICAL = ("button-ball", "open-ball", "theragun-4", "vibmotor-3")
"""The ids of a few that differ in leases, acknowledgements and reports; for tests that would take too long on all."""
TALKATIVE = ("bluebuzzah", "mlehaptics-2", "neosensory-buzz", "pavlok-2")
"""The ids of a few that differ in dialogues, commands of several writes, answers and text."""


def edited_text(name: str, *edits: tuple[str, str]) -> str:
    """A shipped file's text with the first occurrence of each old piece replaced."""
    text = (library.shipped_folder() / f"{name}.toml").read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def edited(name: str, *edits: tuple[str, str]) -> FirmwareProfile:
    """The model of a shipped file after edits; its examples are not proved."""
    return FirmwareProfile.model_validate(tomllib.loads(edited_text(name, *edits)))


def save(folder: Path, name: str, text: str | bytes) -> Path:
    """A profile file in a folder."""
    file = folder / f"{name}.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file
