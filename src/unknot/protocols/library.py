"""The library of muscle protocols: those that ship with unknot, and those in the owner's own folder.

`load` validates one protocol. `overview` reads only the face of each file and needs no validation library, so that
``unknot list`` and shell completion start quickly; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_config_path

from unknot import datafile
from unknot.errors import ProtocolFileError

if TYPE_CHECKING:
    from unknot.protocols.model import MuscleProtocol

FOLDER = "muscles"


@dataclass(frozen=True, slots=True)
class Overview:
    """The face of a protocol file: id, everyday name, ceiling, and seconds for one side."""

    id: str
    title: str
    ceiling: str
    seconds: float


def shipped_folder() -> Path:
    """The folder of the protocols that ship with unknot."""
    return Path(__file__).parent / FOLDER


def own_folder() -> Path:
    """The folder in which the owner's own protocols are looked for; it may not exist."""
    return user_config_path("unknot") / FOLDER


def files() -> dict[str, Path]:
    """Every protocol's file by its id; the owner's own come after the shipped ones and replace those of the same id."""
    return datafile.in_folders(shipped_folder(), own_folder())


def overview() -> tuple[Overview, ...]:
    """The face of every protocol, ordered by id; a file that has none is logged and left out."""
    faces = []
    for name, file in sorted(files().items()):
        try:
            faces.append(_face(name, file))
        except ProtocolFileError as error:
            datafile.leave_out(str(error))
    return tuple(faces)


def load(name: str) -> MuscleProtocol:
    """The validated protocol of that id, or in that file when ``name`` ends in ``.toml``.

    Raises:
        UnknownNameError: there is none; the nearest ids are named.
        ProtocolFileError: its file is wrong.
    """
    return load_file(datafile.named("muscle", name, files))


@cache
def load_file(file: Path) -> MuscleProtocol:
    """The validated protocol in one file.

    Raises:
        ProtocolFileError: with the first thing that is wrong.
    """
    return load_as(file, file.stem)


def load_as(file: Path, name: str) -> MuscleProtocol:
    """The validated protocol in a file that is to be called by another name.

    Raises:
        ProtocolFileError: with the first thing that is wrong.
    """
    from unknot.protocols.model import MuscleProtocol

    return datafile.load(file, MuscleProtocol, ProtocolFileError, id=name)


def read(name: str, text: str, where: str) -> MuscleProtocol:
    """The validated protocol in the text of a file that lies elsewhere; ``where`` says where in errors.

    Raises:
        ProtocolFileError: with the first thing that is wrong.
    """
    from unknot.protocols.model import MuscleProtocol

    file = Path(f"{where}: {name}.toml")
    return datafile.load_text(file, text, MuscleProtocol, ProtocolFileError, id=name)


def _face(name: str, file: Path) -> Overview:
    content = datafile.read(file, ProtocolFileError)
    key, total = "steps", 0.0
    try:
        for number, step in enumerate(content["steps"]):
            key = f"steps.{number}.for"
            total += datafile.seconds(step["for"])
        key = ""
        return Overview(name, str(content["title"]), str(content["ceiling"]), total)
    except (KeyError, TypeError, ValueError) as cause:
        misfit = datafile.Misfit(key, f"a protocol without {cause}", "title, ceiling, and steps with 'for'")
        raise datafile.wrong(file, misfit, ProtocolFileError) from cause
