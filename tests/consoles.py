"""The console blocks of the guides: what is typed in them, and that it prints what they show."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest

from unknot.cli import main


def typed(block: str) -> Iterator[tuple[str, str]]:
    """Each command of a block, with what it is said to print."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        yield command, printed


def words_of(command: str) -> list[str]:
    """What follows the program's name."""
    program, *words = shlex.split(command)
    assert program == "unknot"
    return words


def prints(words: list[str], printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Run it; a line of three points stands for any number of lines, and nothing shown for anything printed."""
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 0
    pattern = ".*".join(re.escape(part) for part in re.split(r"^\.\.\.$", printed, flags=re.MULTILINE))
    if printed:
        assert re.fullmatch(pattern, capsys.readouterr().out, re.DOTALL)
