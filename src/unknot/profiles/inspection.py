"""All that a profile is held to before it is given to others, beyond what every load proves; for ``profile check``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unknot.datafile import Misfit
from unknot.diagnostics.written import shown
from unknot.errors import UnknotError
from unknot.profiles import coverage, overlap, plugins, proof
from unknot.profiles.codec import Codec
from unknot.profiles.speech import Refused, Report

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unknot.profiles.model import FirmwareProfile


def inspect(profile: FirmwareProfile, others: Iterable[FirmwareProfile]) -> tuple[str, ...]:
    """What the examples leave unproved, in sentences.

    Args:
        profile: one whose examples hold.
        others: the profiles that it must not be taken for.

    Raises:
        Misfit: a level that cannot be said or told, or another profile that claims the same ball.
    """
    found = overlap.overlapping(profile, others)
    if found is not None:
        name, advertised = found
        raise Misfit(
            overlap.key_of(advertised),
            f"a ball that shows {overlap.described(advertised)}, which {name} claims too ({_file_of(name)})",
            "a match of its own, or a [variant] in both that tells them apart",
        )
    if profile.codec is not None and not plugins.is_installed(profile.codec):
        return (
            f"neither the examples nor the levels were tried: the codec plug-in {profile.codec!r} is not installed",
        )
    proof.prove_levels(Codec(profile), range(1, profile.motor.highest + 1))
    prove_told_levels(profile)
    return coverage.gaps(profile)


def _file_of(name: str) -> str:
    """The file of another profile: where the library has it, or else its name, which is the profile's."""
    from unknot.profiles import library

    return str(library.files().get(name, f"{name}.toml"))


def prove_told_levels(profile: FirmwareProfile) -> None:
    """See that every report that tells the level can tell each of them, off included.

    Raises:
        Misfit: the first that is read as another.
    """
    for name, report in profile.reports.items():
        if "level" not in report.frame.slots:
            continue
        codec = Codec(profile)
        example = next(one.report[name] for one in profile.examples if one.report is not None and name in one.report)
        for level in range(profile.motor.levels + 1):
            key, wanted = f"reports.{name}.frame", f"room for the levels 0 to {profile.motor.levels}"
            values = {**example, "level": level}
            if "running" in values:
                values["running"] = int(level > 0)
            try:
                told = codec.decode(*codec.report(name, values))
            except UnknotError as cause:
                raise Misfit(key, f"no room for level {level} ({cause})", wanted) from cause
            if not isinstance(told, Report) or told.level != level:
                raise Misfit(key, f"level {level}, which reads as {_as_told(told)}", wanted)


def _as_told(told: Report | Refused | None) -> str:
    """What was told, as an example in a file says it."""
    if told is None:
        return "nothing"
    return f"{told.name} = {shown(dict(told.values))}"
