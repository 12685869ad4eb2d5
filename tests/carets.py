"""What an error about a file points at; used by the tests of everything that reads files."""

from __future__ import annotations

from pathlib import Path

from unknot.errors import FileError


def pointed_at(error: FileError) -> str:
    """The characters under the carets, which are those at that line and column of the file."""
    assert error.line is not None
    assert error.column is not None
    assert str(error).startswith(f"{error.file}:{error.line}:{error.column}: ")
    line = Path(error.file).read_text(encoding="utf-8").split("\n")[error.line - 1]
    marked = error.source[error.mark : error.mark + error.width]
    assert line[error.column - 1 :][: error.width] == marked
    return marked


def without_place(error: FileError) -> str:
    """The one line about a file, without the file and the place in front."""
    message = str(error)
    assert len(message.splitlines()) == 1, message
    front = str(error.file) if error.line is None else f"{error.file}:{error.line}:{error.column}"
    assert message.startswith(f"{front}: ")
    return message.removeprefix(f"{front}: ")
