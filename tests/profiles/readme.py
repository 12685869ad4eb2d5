"""The guide in parts, as its tests need them: chapters, tables, files and pieces of files."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Any

from unknot.profiles import library, model, proof

Document = dict[str, Any]

FOLDER = library.shipped_folder()
README = (FOLDER / "README.md").read_text(encoding="utf-8")
GUIDE, SPECIFICATION = README.split("\n# The open ball\n")


def chunk(heading: str) -> str:
    """What stands under a heading, up to the next one of its rank or above."""
    lines = GUIDE.split("\n")
    start = lines.index(heading) + 1
    is_fenced = False
    for number, line in enumerate(lines[start:], start):
        is_fenced ^= line.startswith("```")
        rank = re.match(r"#+ ", line)
        if rank is not None and not is_fenced and len(rank[0]) <= heading.count("#") + 1:
            return "\n".join(lines[start:number])
    return "\n".join(lines[start:])


def rows(text: str) -> list[list[str]]:
    """The cells of all table rows that begin with code or a figure."""
    lines = re.findall(r"^\| (.*) \|$", text, re.MULTILINE)
    return [line.split(" | ") for line in lines if re.match(r"`|\d", line)]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@dataclass(frozen=True)
class Fence:
    """A block of TOML, and the paragraph before it."""

    before: str
    text: str

    @property
    def document(self) -> Document:
        return tomllib.loads(self.text)

    @property
    def is_whole(self) -> bool:
        return "schema" in self.document

    @property
    def shipped(self) -> str | None:
        """The profile that it is taken from."""
        link = re.search(r"From\s+\[([a-z0-9-]+)\]", self.before)
        return link[1] if link else None


def fences(text: str) -> list[Fence]:
    found = re.finditer(
        r"(?:^|\n\n)((?:(?!\n\n).)*?)\n\n```toml\n(.*?)^```$",
        text,
        re.MULTILINE | re.DOTALL,
    )
    return [Fence(match[1], match[2]) for match in found]


def finished_file() -> Fence:
    """The file that the lesson ends with; it lies beside the guide, out of sight of the library."""
    return Fence("", (FOLDER / "guide" / "tide-ball.toml").read_text(encoding="utf-8"))


LESSON_TEXT = chunk("# Building a profile from a capture").split("## What your ball does")[0]
FIRST, *PIECES = fences(LESSON_TEXT)
FINISHED = finished_file()
GROWTH = [piece for piece in PIECES if "id" not in piece.document]
(SECOND,) = [piece for piece in PIECES if "id" in piece.document]
OTHERS = [
    *fences(chunk("## What your ball does, and what to write")),
    *fences(chunk("# Reference")),
    *fences(chunk("# The frame language")),
]
WHOLE = [fence for fence in [FIRST, FINISHED, *OTHERS] if fence.is_whole]


def put(document: Document, piece: Document) -> Document:
    """A file with a piece put into it, as the guide says: keys are replaced, lists of tables go on.

    An example with the bytes of another replaces it.
    """
    grown = dict(document)
    for key, value in piece.items():
        if isinstance(value, dict):
            grown[key] = {**document.get(key, {}), **value}
        elif isinstance(value, list) and isinstance(value[0], dict):
            there = [
                one for one in document.get(key, []) if one.get("bytes") not in [new.get("bytes", "") for new in value]
            ]
            grown[key] = there + value
        else:
            grown[key] = value
    return grown


def grown(upto: int) -> Document:
    document = FIRST.document
    for piece in GROWTH[:upto]:
        document = put(document, piece.document)
    return document


def loaded(document: Document) -> model.FirmwareProfile:
    """The profile of a parsed file, validated and proved."""
    profile = model.FirmwareProfile.model_validate(document)
    proof.prove(profile)
    return profile


@cache
def finished() -> model.FirmwareProfile:
    return loaded(FINISHED.document)


def holds(whole: Any, part: Any) -> bool:
    """Whether a parsed file has all of a piece."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and holds(whole[key], part[key]) for key in part)
    if isinstance(part, list) and part and isinstance(part[0], dict):
        return isinstance(whole, list) and all(any(holds(one, wanted) for one in whole) for wanted in part)
    return bool(whole == part)


PROSE = re.sub(r"^```.*?^```$", "", GUIDE, flags=re.MULTILINE | re.DOTALL)
"""The guide without its blocks of code."""
