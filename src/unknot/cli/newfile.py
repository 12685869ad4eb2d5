"""Writes a file where nothing lies yet; used by the commands that write a profile, a report or a configuration."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from unknot.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


EVERYBODYS, PRIVATE = 0o666, 0o600
"""Who may read and write a new file: whoever the person's own mask allows, or the person alone."""


def write_new(file: Path, text: str, *, mode: int = EVERYBODYS) -> None:
    """Write a new file in UTF-8, its lines as they are.

    Raises:
        UsageError: something lies there, or it cannot be written.
    """

    def create(path: str, flags: int) -> int:
        return os.open(path, flags, mode)

    try:
        with open(file, "x", encoding="utf-8", newline="\n", opener=create) as stream:
            stream.write(text)
    except FileExistsError:
        raise _taken(file) from None
    except OSError as error:
        raise _unwritable(file, error) from error


def see_room(file: Path) -> None:
    """See that `write_new` has a chance, before work is done that would be lost.

    Raises:
        UsageError: something lies there, or there is no folder for it.
    """
    try:
        if os.path.lexists(file):
            raise _taken(file)
        if not stat.S_ISDIR(file.parent.stat().st_mode):
            raise UsageError(f"{file}: cannot be written: {file.parent} is not a folder")
    except OSError as error:
        raise _unwritable(file, error) from error


def _taken(file: Path) -> UsageError:
    return UsageError(f"{file}: is there already, and is left as it is; choose another name")


def _unwritable(file: Path, error: OSError) -> UsageError:
    return UsageError(f"{file}: cannot be written: {(error.strerror or str(error)).lower()}")
