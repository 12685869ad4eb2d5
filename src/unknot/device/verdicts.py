"""Whether a profile fits a connected device, and what is missing where it does not; used by the inspection.

Pure: what was advertised, bleak's table and the texts of Device Information in, sentences out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unknot.device.characteristics import all_of, ambiguous, resolve
from unknot.profiles import fitting
from unknot.profiles.matching import unmet, weigh
from unknot.profiles.variant import DEVICE_INFORMATION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bleak.backends.service import BleakGATTService

    from unknot.profiles.gatt import Characteristic
    from unknot.profiles.matching import Advertisement, Reason
    from unknot.profiles.model import FirmwareProfile


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one profile and one device have to do with each other.

    Attributes:
        profile: the profile's id.
        evidence: what stands behind the profile.
        points: the score of what the device advertises.
        reasons: what in the advertisement speaks for it.
        found: the UUIDs of those characteristics that it writes and the device has, by the profile's names for them.
        missing: what stands against it, in sentences; empty where the profile fits.
        notes: what is left open, or is missing and not needed.
    """

    profile: str
    evidence: str
    points: int
    reasons: tuple[Reason, ...]
    found: Mapping[str, str]
    missing: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether the device is one of this profile's, as far as reading can tell."""
        return not self.missing

    @property
    def has_common(self) -> bool:
        """Whether they have anything in common."""
        return bool(self.points or self.found)


def judge(
    profile: FirmwareProfile, shown: Advertisement, services: Iterable[BleakGATTService], told: Mapping[str, str]
) -> Verdict:
    """Hold a profile against a device.

    Args:
        profile: the profile.
        shown: what the device advertises.
        services: its GATT table.
        told: what its Device Information says, by the names of `DEVICE_INFORMATION`.
    """
    services = tuple(services)
    weighed = weigh(profile.match, shown)
    there = resolve(profile.gatt, services)
    written = {write.to for _, write in fitting.writes(profile)}
    named = {
        role: one.uuid
        for role, one in there.items()
        if role in written and one.uuid in profile.gatt[role].characteristic
    }
    lacks = list(_lacks(profile, set(there), services))
    missing = [*unmet(profile.match, shown)] if not weighed.points else []
    missing += [said for is_needed, said in lacks if is_needed] + list(_other_firmware(profile, services, told))
    notes = [said for is_needed, said in lacks if not is_needed] + list(_open(profile, told))
    return Verdict(
        profile.id,
        profile.evidence.value,
        weighed.points,
        weighed.reasons,
        named,
        tuple(missing) if missing or weighed.points else ("nothing that it advertises identifies it",),
        (*notes, *ambiguous(profile.gatt, there, services)),
    )


def best_first(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """Those that fit, then those that miss least; without those that have nothing in common with the device."""
    near = [verdict for verdict in verdicts if verdict.has_common]
    return tuple(sorted(near, key=lambda one: (len(one.missing), -one.points, -len(one.found), one.profile)))


def _lacks(
    profile: FirmwareProfile, there: set[str], services: Sequence[BleakGATTService]
) -> Iterator[tuple[bool, str]]:
    """Each characteristic that is not there or cannot do what is needed, and whether the ball is no use without it."""
    written = {write.to for _, write in fitting.writes(profile)}
    for role, one in profile.gatt.items():
        is_needed = role in written
        if role not in there:
            yield is_needed, f"it has no characteristic {_named(one)} (called {role!r}){_elsewhere(one, services)}"
            continue
        candidates = [each for service, uuid in one.candidates for each in all_of(service, uuid, services)]
        if candidates and not any(one.fits(each.properties) for each in candidates):
            can = ", ".join(candidates[0].properties) or "nothing"
            wanted = " or ".join(one.properties)
            yield is_needed, f"its characteristic {candidates[0].uuid} (called {role!r}) has {can}, not {wanted}"


def _named(one: Characteristic) -> str:
    return " or ".join(one.characteristic) or "of that kind"


def _elsewhere(one: Characteristic, services: Sequence[BleakGATTService]) -> str:
    """Where else in the table a characteristic of that UUID is."""
    for uuid in one.characteristic:
        if elsewhere := all_of(None, uuid, services):
            return f"; {uuid} is in service {elsewhere[0].service_uuid}, not in {' or '.join(one.service)}"
    return ""


def _other_firmware(
    profile: FirmwareProfile, services: Sequence[BleakGATTService], told: Mapping[str, str]
) -> Iterator[str]:
    """What the variant wants and the device contradicts."""
    variant = profile.variant
    if variant is None:
        return
    for name in DEVICE_INFORMATION:
        test = getattr(variant, name)
        if test is not None and name in told and not test.fits(told[name]):
            yield f"it tells {name} {told[name]!r}, not {test.written}"
    for uuid in variant.characteristics:
        if not all_of(None, uuid, services):
            yield f"it has no characteristic {uuid}, by which this firmware is known"
    for uuid in variant.without:
        if all_of(None, uuid, services):
            yield f"it has the characteristic {uuid}, which this firmware has not"


def _open(profile: FirmwareProfile, told: Mapping[str, str]) -> Iterator[str]:
    """What the variant wants to know and was not told."""
    variant = profile.variant
    if variant is None:
        return
    for name in DEVICE_INFORMATION:
        if getattr(variant, name) is not None and name not in told:
            yield f"it does not tell its {name}, which should be {getattr(variant, name).written}"
    if variant.ask is not None:
        yield "only the answer to a question would tell, and an inspection writes nothing"
