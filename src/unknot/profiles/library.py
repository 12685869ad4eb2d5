"""The library of firmware profiles: those that ship with unknot, those in the owner's own folder, and single files.

Shipped profiles lie beside the package when it is installed, and in the checkout's ``firmware_profiles/`` when it is
installed in editable mode.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from platformdirs import user_config_path

from unknot import datafile
from unknot.errors import ProfileFileError
from unknot.profiles.model import Evidence, FirmwareProfile
from unknot.profiles.proof import prove

FOLDER = "firmware_profiles"
DEFAULT = "open-ball"
"""The profile that a simulated ball speaks when nobody asks for another."""


def shipped_folder() -> Path:
    """The folder of the profiles that ship with unknot."""
    package = Path(__file__).parents[1]
    beside = package / FOLDER
    return beside if beside.is_dir() else package.parents[1] / FOLDER


def own_folder() -> Path:
    """The folder in which the owner's own profiles are looked for; it may not exist."""
    return user_config_path("unknot") / FOLDER


def files() -> dict[str, Path]:
    """Every profile's file by its id; the owner's own come after the shipped ones and replace those of the same id."""
    return datafile.in_folders(shipped_folder(), own_folder())


@cache
def load_file(file: Path) -> FirmwareProfile:
    """The validated and proved profile in one file.

    Raises:
        ProfileFileError: with the first thing that is wrong.
    """
    profile = datafile.load(file, FirmwareProfile, ProfileFileError)
    if profile.id != file.stem:
        misfit = datafile.Misfit("id", repr(profile.id), f"{file.stem!r}, the file's own name")
        raise datafile.wrong(file, misfit, ProfileFileError)
    try:
        prove(profile)
    except datafile.Misfit as cause:
        raise datafile.wrong(file, cause, ProfileFileError) from cause
    return profile


def load(name: str) -> FirmwareProfile:
    """The profile of that id, or in that file when ``name`` ends in ``.toml``.

    Raises:
        UnknownNameError: there is none; the nearest ids are named.
        ProfileFileError: its file is wrong.
    """
    return load_file(datafile.named("profile", name, files))


def load_or_default(name: str | None) -> FirmwareProfile:
    """The profile that somebody named, or the `DEFAULT` one if nobody did. Errors as for `load`."""
    return load(DEFAULT if name is None else name)


def load_all() -> tuple[FirmwareProfile, ...]:
    """Every profile, ordered by id.

    Raises:
        ProfileFileError: one of the files is wrong.
    """
    return tuple(load_file(file) for _, file in sorted(files().items()))


def load_usable() -> tuple[FirmwareProfile, ...]:
    """Every profile whose file is right, ordered by id; a wrong one is logged and keeps no ball from being found."""
    profiles = []
    for _, file in sorted(files().items()):
        try:
            profiles.append(load_file(file))
        except ProfileFileError as error:
            datafile.leave_out(str(error))
    return tuple(profiles)


def caution(profile: FirmwareProfile) -> str:
    """What must be said aloud about how well a profile is proved; empty for one that is verified."""
    match profile.evidence:
        case Evidence.VERIFIED:
            return ""
        case Evidence.SIMULATED:
            return f"profile {profile.id} is simulated: no product is known to speak it"
        case Evidence.DOCUMENTED:
            return f"profile {profile.id} was written after a document and never tried on a ball"
        case Evidence.CAPTURED:
            return f"profile {profile.id} was learned from a recording and never tried on a ball"
