"""How a profile's ball shows itself while advertising.

Used by `unknot.profiles.model` to read files, by discovery to score what advertises, and by the simulated ball to
advertise what its own profile finds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, product
from types import MappingProxyType
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainValidator, model_validator

from unknot import datafile
from unknot.profiles.fields import BASE_SUFFIX, OneOrMore, Uuid, in_schema
from unknot.profiles.patterns import GlobField, example_of_glob, fits_glob
from unknot.profiles.section import Section

PAYLOAD_MAX = 252
"""Manufacturer data is no longer, in bytes: a field of an advertisement counts itself in one byte, and its type and the
company take three of the 255 (Bluetooth Core, Vol 3, Part C, 11)."""

LIST_MAX = 64
"""No list of names, services or patterns is longer (judgement)."""

_NAME, _SERVICE, _COMPANY, _MANUFACTURER = 2, 3, 1, 4
"""What each matching rule adds to a profile's score: a pattern of manufacturer data is chosen by the dialect for this
very purpose, a service by the dialect too, a name by the seller, and a company identifier is shared by all its
products (judgement)."""

SHARED = frozenset({"6e400001-b5a3-f393-e0a9-e50e24dcca9e"})
"""Services of 128 bits that many dialects share: the Nordic UART service, the commonest tunnel of all."""

_FILLINGS = ("", "1", "x", "-1")
"""What may stand for a star in an example, the simplest first."""


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What a device says to all.

    Attributes:
        name: the advertised name; empty if it has none.
        services: the advertised services, in full and in lower case.
        manufacturer: the manufacturer data by company identifier.
    """

    name: str = ""
    services: tuple[str, ...] = ()
    manufacturer: Mapping[int, bytes] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class BytePattern:
    """Bytes of which some halves may be any.

    Attributes:
        parts: each byte as (mask, value): a half that may be any has the mask 0.
    """

    parts: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        return " ".join(_half(mask >> 4, value >> 4) + _half(mask & 15, value & 15) for mask, value in self.parts)

    def begins(self, payload: bytes) -> bool:
        """Whether a payload begins so."""
        return len(payload) >= len(self.parts) and all(
            byte & mask == value for (mask, value), byte in zip(self.parts, payload, strict=False)
        )

    def filled(self, any_byte: int) -> bytes:
        """Bytes that begin so, with the bits of the given one wherever any may stand."""
        return bytes(value | any_byte & ~mask & 0xFF for mask, value in self.parts)


def _half(mask: int, value: int) -> str:
    return f"{value:X}" if mask else "?"


def _masked(pair: str) -> tuple[int, int]:
    """The mask and the value of a byte of which a half may be any."""
    mask = sum(0xF << shift for half, shift in zip(pair, (4, 0), strict=True) if half != "?")
    return mask, int(pair.replace("?", "0"), 16)


def _pattern(found: object) -> BytePattern:
    if isinstance(found, BytePattern):
        return found
    text = found if isinstance(found, str) else ""
    pairs = re.findall(r"[0-9A-Fa-f?]{2}", text)
    if "".join(pairs) != "".join(text.split(" ")) or not 1 <= len(pairs) <= PAYLOAD_MAX or set(pairs) <= {"??"}:
        raise ValueError('bytes in hex with ? for any half, such as "68 79 ?? 0?", not all of them ??')
    return BytePattern(tuple(map(_masked, pairs)))


_PATTERN_IN_SCHEMA = in_schema("bytes in hex, with ? for any half", r" *([0-9A-Fa-f?]{2} *)+")


def _listed(value: object) -> object:
    return [value] if isinstance(value, Mapping) else value


Company = Annotated[int, Field(strict=True, ge=0, le=0xFFFF)]
"""A Bluetooth SIG company identifier."""


class ManufacturerData(Section):
    """Manufacturer data of one company.

    Attributes:
        company: whose identifier it carries.
        data: how the payload after the identifier begins; without it, any payload fits.
    """

    company: Company
    data: Annotated[BytePattern, PlainValidator(_pattern), _PATTERN_IN_SCHEMA] | None = None

    def __str__(self) -> str:
        return f"{self.company:#06x}" + (f" {self.data}" if self.data is not None else "")

    def fits(self, advertisement: Advertisement) -> bool:
        """Whether the advertisement carries it."""
        payload = advertisement.manufacturer.get(self.company)
        return payload is not None and (self.data is None or self.data.begins(payload))


_Globs = Annotated[tuple[GlobField, ...], Field(max_length=LIST_MAX)]
Uuids = Annotated[tuple[Uuid, ...], Field(max_length=LIST_MAX)]
"""UUIDs of services or characteristics."""
_Manufacturers = Annotated[
    tuple[ManufacturerData, ...], BeforeValidator(_listed), Field(max_length=LIST_MAX), OneOrMore()
]


class Exclude(Section):
    """What a ball of this dialect never shows; one of it is enough to rule a device out.

    Attributes:
        names: glob patterns of advertised names.
        services: advertised service UUIDs.
        manufacturer: manufacturer data.
    """

    names: _Globs = ()
    services: Uuids = ()
    manufacturer: _Manufacturers = ()

    def shown_by(self, advertisement: Advertisement) -> tuple[str, ...]:
        """What of it the advertisement shows, in words; empty if nothing."""
        return (
            *(f"the name {pattern}" for pattern in self.names if fits_glob(pattern, advertisement.name)),
            *(f"the service {service}" for service in self.services if service in advertisement.services),
            *(f"manufacturer data {data}" for data in self.manufacturer if data.fits(advertisement)),
        )


class Match(Section):
    """How the ball shows itself while advertising.

    Attributes:
        names: glob patterns of advertised names, for example ``VibMotor*``; case counts.
        services: advertised service UUIDs.
        company: a Bluetooth SIG company identifier in the manufacturer data.
        manufacturer: manufacturer data, by company identifier and the begin of the payload.
        exclude: what no ball of this dialect shows.
    """

    names: _Globs = ()
    services: Uuids = ()
    company: Company | None = None
    manufacturer: _Manufacturers = ()
    exclude: Exclude = Exclude()

    @model_validator(mode="after")
    def _leaves_something(self) -> Match:
        shows = self.services or self.company is not None or self.manufacturer
        identifies = self.names or any(data.data for data in self.manufacturer) or any(map(_is_own, self.services))
        if shows and not identifies:
            raise datafile.Misfit(
                "services" if self.services else "company" if self.company is not None else "manufacturer",
                "nothing but what many dialects share",
                "names, a 128-bit service of its own, or manufacturer data with a pattern beside it",
            )
        if open_names := [name for name in self.names if not name.strip("*?")]:
            raise datafile.Misfit("names", repr(open_names[0]), "a pattern with a character of its own")
        if identifies and not score(self, example_advertisement(self)):
            raise datafile.Misfit("exclude", "all that is matched", "exclusions that leave something to match")
        return self


def _is_own(service: str) -> bool:
    return not service.endswith(BASE_SUFFIX) and service not in SHARED


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing in an advertisement that speaks for a profile.

    Attributes:
        kind: "name", "service", "manufacturer" (data that begins as a pattern says) or "company".
        wanted: what the profile says of it: the patterns or identifiers that fit, as the file has them.
        points: what it adds to the score.
        identifies: whether it can tell this dialect from others; what many dialects share only adds to the score.
    """

    kind: str
    wanted: tuple[str, ...]
    points: int
    identifies: bool

    def __str__(self) -> str:
        return f"{self.kind} {' and '.join(self.wanted)}"


@dataclass(frozen=True, slots=True)
class Weighed:
    """How well an advertisement fits a profile's match, and why.

    Attributes:
        reasons: what speaks for it, whether it fits or not.
        against: what rules it out, in the words of the profile's exclusions.
    """

    reasons: tuple[Reason, ...]
    against: tuple[str, ...]

    @property
    def points(self) -> int:
        """The score: what all reasons add up to if one of them identifies the dialect and nothing rules it out."""
        if self.against or not any(reason.identifies for reason in self.reasons):
            return 0
        return sum(reason.points for reason in self.reasons)


def weigh(match: Match, advertisement: Advertisement) -> Weighed:
    """How well an advertisement fits, and why.

    A name, a service of the dialect's own, or a pattern of manufacturer data must fit. What many dialects share (a
    16-bit service such as FFE0, the Nordic UART, a company) never identifies a device; it only adds to the score.
    """
    return Weighed(tuple(_reasons(match, advertisement)), match.exclude.shown_by(advertisement))


def score(match: Match, advertisement: Advertisement) -> int:
    """How well an advertisement fits; 0 means not at all. It is what the reasons of `weigh` add up to."""
    return weigh(match, advertisement).points


def _reasons(match: Match, advertisement: Advertisement) -> Iterator[Reason]:
    named = tuple(pattern for pattern in match.names if fits_glob(pattern, advertisement.name))
    offered = tuple(service for service in match.services if service in advertisement.services)
    shown = [data for data in match.manufacturer if data.fits(advertisement)]
    patterned = tuple(str(data) for data in shown if data.data is not None)
    companies = [data.company for data in shown if data.data is None]
    if match.company is not None and match.company in advertisement.manufacturer:
        companies.insert(0, match.company)
    if named:
        yield Reason("name", named[:1], _NAME, identifies=True)
    if offered:
        yield Reason("service", offered, _SERVICE, identifies=any(map(_is_own, offered)))
    if patterned:
        yield Reason("manufacturer", patterned, _MANUFACTURER, identifies=True)
    if companies:
        yield Reason("company", tuple(f"{one:#06x}" for one in dict.fromkeys(companies)), _COMPANY, identifies=False)


def unmet(match: Match, advertisement: Advertisement) -> tuple[str, ...]:
    """What a profile knows its ball by and this advertisement does not show, and what rules it out, in words."""
    kinds = {reason.kind for reason in _reasons(match, advertisement)}
    patterns = [str(data) for data in match.manufacturer if data.data is not None]
    said = [f"it shows {what}, which no ball of this profile does" for what in match.exclude.shown_by(advertisement)]
    if match.names and "name" not in kinds:
        name = (
            f"its name {advertisement.name!r} is not" if advertisement.name else "it advertises no name, so none like"
        )
        said.append(f"{name} {' or '.join(match.names)}")
    if match.services and "service" not in kinds:
        said.append(f"it does not advertise the service {' or '.join(match.services)}")
    if patterns and "manufacturer" not in kinds:
        said.append(f"its manufacturer data is not {' or '.join(patterns)}")
    return tuple(said)


def example_advertisement(match: Match) -> Advertisement:
    """An advertisement that fits, for the simulator: as simple as the exclusions allow, empty for an empty match."""
    examples = _examples(match)
    first = next(examples)
    return next((one for one in chain((first,), examples) if score(match, one)), first)


def _examples(match: Match) -> Iterator[Advertisement]:
    """Advertisements as the match has them, the simplest first; each of them may be excluded."""
    names = [example_of_glob(pattern, filling) for filling in _FILLINGS for pattern in match.names] or [""]
    pattern = next((data for data in match.manufacturer if data.data is not None), None)
    services = tuple(sorted(match.services, key=_is_own, reverse=True))[:1]
    companies = {data.company: b"" for data in match.manufacturer[:1]}
    if match.company is not None:
        companies[match.company] = b""
    for name, any_byte in chain(product(names, (0,)), product(names[:1], range(1, 256))):
        manufacturer = dict(companies)
        if pattern is not None and pattern.data is not None:
            manufacturer[pattern.company] = pattern.data.filled(any_byte)
        yield Advertisement(name, services, MappingProxyType(manufacturer))
