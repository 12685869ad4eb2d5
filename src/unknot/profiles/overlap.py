"""Whether two profiles claim the same ball, so that nobody could tell which firmware it has; for ``profile check``."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from unknot.profiles.matching import Advertisement, Match, example_advertisement, score
from unknot.profiles.variant import DEVICE_INFORMATION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from unknot.profiles.model import FirmwareProfile
    from unknot.profiles.variant import Variant


def overlapping(profile: FirmwareProfile, others: Iterable[FirmwareProfile]) -> tuple[str, Advertisement] | None:
    """The id of a profile that claims the same ball, and what that ball says to all; None if there is none.

    Two profiles claim a ball if what it advertises scores in the other as high as in its own, and nothing in their
    variants tells them apart. A profile of the same id is no other: it replaces this one.
    """
    for other in others:
        if other.id == profile.id or _are_told_apart(profile, other):
            continue
        for one, another in ((profile, other), (other, profile)):
            for shown in _examples(one.match):
                if 0 < score(one.match, shown) <= score(another.match, shown):
                    return other.id, shown
    return None


def described(shown: Advertisement) -> str:
    """An advertisement in words."""
    parts = [f"the name {shown.name!r}"] if shown.name else []
    parts += [f"the service {service}" for service in shown.services]
    parts += [f"data {data.hex(' ').upper() or 'of any kind'} of company {company:#06x}"
              for company, data in shown.manufacturer.items()]  # fmt: skip
    return " and ".join(parts)


def key_of(shown: Advertisement) -> str:
    """The key by which a ball that shows this is claimed."""
    if shown.name:
        return "match.names"
    return "match.services" if shown.services else "match.manufacturer"


def _examples(match: Match) -> Iterator[Advertisement]:
    """An example for each name, with each service and each pattern of manufacturer data."""
    for name, service, manufacturer in product(*map(_each, (match.names, match.services, match.manufacturer))):
        # The exclusions stay, so that an example is none of what they rule out.
        update = {"names": name, "services": service, "manufacturer": manufacturer}
        yield example_advertisement(match.model_copy(update=update))


def _each(several: tuple[object, ...]) -> list[tuple[object, ...]]:
    return [(one,) for one in several] or [()]


def _are_told_apart(profile: FirmwareProfile, another: FirmwareProfile) -> bool:
    one, other = profile.variant, another.variant
    if one is None or other is None:
        return one is not other  # who confirms its variant is taken before one that has none
    if _names_a_stranger(one, another) or _names_a_stranger(other, profile):
        return True
    for name in DEVICE_INFORMATION:
        mine, its = getattr(one, name), getattr(other, name)
        if mine is not None and its is not None and not (its.fits(mine.example()) or mine.fits(its.example())):
            return True
    if one.reply is None or other.reply is None:
        return False
    return (one.reply.lengths, _frame(one), one.reply.values) != (
        other.reply.lengths,
        _frame(other),
        other.reply.values,
    )


def _names_a_stranger(variant: Variant, other: FirmwareProfile) -> bool:
    """Whether a variant tells by a characteristic that a ball of the other dialect has, or that it is not known for."""
    known = {uuid for use in other.gatt.values() for uuid in use.characteristic}
    known |= set() if other.variant is None else set(other.variant.characteristics)
    without = set() if other.variant is None else set(other.variant.without)
    return bool(set(variant.characteristics) - known or set(variant.characteristics) & without)


def _frame(variant: Variant) -> str | None:
    return None if variant.reply is None or variant.reply.frame is None else variant.reply.frame.template
