"""What a scan has heard so far, as lines for a person and as JSON for programs; used by ``unknot scan``.

The order holds still while signals flicker: a ball passes its neighbour only when it is clearly nearer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unknot.cli.livetable import cut
from unknot.cli.words import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.text import Text

    from unknot.device.discovery import Fit, FoundBall

CLEARLY_NEARER = 8.0
"""A ball is shown before its neighbour when its signal is that much stronger (dB): a hand between radio and ball takes
about as much (judgement)."""

NEWEST_WEIGHT = 0.3
"""The part of the newest reading in a signal's mean: steady after three or four advertisements (judgement)."""

NAME_MOST = 20
"""Columns for a name; a longer one is cut (judgement)."""

REASONS_LEAST = 40
"""Columns below which the reasons go under their ball instead of beside it (judgement)."""

UNHEARD = -127.0
"""The signal (dBm) of a device that tells none: the weakest that Bluetooth knows (Core, Vol 4, Part E, 7.7.65.2)."""


class Nearby:
    """The devices that were heard, balls first, the nearest first.

    Args:
        evidence: what stands behind each profile, in words, by its id.
    """

    def __init__(self, evidence: dict[str, str]) -> None:
        self._evidence = evidence
        self._found: dict[str, FoundBall] = {}
        self._signal: dict[str, float] = {}
        self._order: list[str] = []

    def hear(self, found: FoundBall) -> None:
        """Take in what was heard."""
        address = found.address
        known = self._found.get(address)
        if known is not None and known.fits and not found.fits:
            return  # a packet without its name: what it has shown before still holds
        self._found[address] = found
        now = UNHEARD if found.rssi is None else float(found.rssi)
        if known is None:
            self._order.append(address)
        mean = self._signal.get(address, now)
        self._signal[address] = mean + NEWEST_WEIGHT * (now - mean)
        self._settle(address)

    def _settle(self, address: str) -> None:
        """Let one device pass those before it that are clearly farther, and fall behind those clearly nearer."""
        at = self._order.index(address)
        while at > 0 and self._passes(address, self._order[at - 1]):
            self._order[at - 1 : at + 1] = address, self._order[at - 1]
            at -= 1
        while at + 1 < len(self._order) and self._passes(self._order[at + 1], address):
            self._order[at : at + 2] = self._order[at + 1], address
            at += 1

    def _passes(self, one: str, before: str) -> bool:
        mine, its = self._rank(one), self._rank(before)
        return mine < its if mine != its else self._signal[one] > self._signal[before] + CLEARLY_NEARER

    def _rank(self, address: str) -> int:
        """Balls that are held already, balls, devices that no profile fits."""
        found = self._found[address]
        return 2 if not found.fits else 0 if found.rssi is None else 1

    @property
    def found(self) -> tuple[FoundBall, ...]:
        """All of them, in their order."""
        return tuple(self._found[address] for address in self._order)

    @property
    def balls(self) -> int:
        """How many of them a profile fits."""
        return sum(1 for found in self._found.values() if found.fits)

    def lines(self, width: int, height: int | None = None) -> list[Text]:
        """The first devices, in ``height`` lines of ``width`` columns; what has no room is counted."""
        lines: list[Text] = []
        for number, found in enumerate(self.found):
            new = _lines_of(found, width, self._evidence)
            is_last = number + 1 == len(self._order)
            if height is not None and len(lines) + len(new) > height - (not is_last):
                return [*lines, _dim(cut(f"and {len(self._order) - number:,} more; --json tells all", width))]
            lines += new
        return lines


def as_dict(found: FoundBall, evidence: dict[str, str]) -> dict[str, Any]:
    """One device for programs: who it is, what it advertises, what fits and why."""
    return {
        "name": found.name,
        "address": found.address,
        "rssi": found.rssi,
        "profiles": [
            {
                "id": fit.profile,
                "score": fit.points,
                "evidence": evidence.get(fit.profile, ""),
                "why": [
                    {
                        "kind": reason.kind,
                        "wanted": list(reason.wanted),
                        "points": reason.points,
                        "identifies": reason.identifies,
                    }
                    for reason in fit.reasons
                ],
            }
            for fit in found.fits
        ],
        "services": list(found.shown.services),
        "manufacturer": {f"{company:#06x}": data.hex() for company, data in found.shown.manufacturer.items()},
    }


def evidence_of_profiles() -> dict[str, str]:
    """What stands behind each profile, in words, by its id; a device that is no massager says so."""
    from unknot.profiles import library
    from unknot.profiles.model import Kind

    return {
        one.id: one.evidence.value if one.kind is Kind.VIBRATION else f"{one.evidence.value} stimulator"
        for one in library.load_usable()
    }


def why(fits: tuple[Fit, ...], evidence: dict[str, str], shorten: Callable[[str], str] = str) -> str:
    """The best profile, what stands behind it and why it fits; then the others that share the device."""
    if not fits:
        return "no profile fits"
    best, *others = fits
    reasons = ", ".join(shorten(printable(str(reason))) for reason in best.reasons)
    said = f"{best.profile} ({evidence.get(best.profile, 'unknown')}) by {reasons}"
    equal = [fit.profile for fit in others if fit.points == best.points]
    less = [fit.profile for fit in others if fit.points < best.points]
    if equal:
        said += f"; {' and '.join(equal)} alike, connecting tells which"
    if less:
        said += f"; {' and '.join(less)} less well"
    return said


def _short(reason: str) -> str:
    """A reason with each UUID in its short form."""
    return " ".join(map(short_uuid, reason.split(" ")))


def short_uuid(word: str) -> str:
    """A UUID's 16 bits where it has no more, or its beginning; any other word as it is."""
    from unknot.profiles.fields import BASE_SUFFIX

    if len(word) != len(BASE_SUFFIX) + 8 or word.count("-") != 4:
        return word
    return word[4:8].upper() if word.startswith("0000") and word.endswith(BASE_SUFFIX) else f"{word[:8]}…"


def _dim(text: str) -> Text:
    from rich.text import Text

    return Text(text, style="dim")


def _lines_of(found: FoundBall, width: int, evidence: dict[str, str]) -> list[Text]:
    """One device in lines that fit: the reasons beside it where there is room, else below."""
    import click
    from rich.cells import set_cell_size
    from rich.text import Text

    signal = "connected" if found.rssi is None else f"{found.rssi:>4} dBm "
    name = printable(found.name) or "-"
    lead = f"{signal}  {found.address}  "
    room = width - len(lead)
    lead += set_cell_size(name, NAME_MOST) if room > NAME_MOST else cut(name, max(room, 1))
    style = "" if found.fits else "dim"
    beside = width - len(lead) - 2
    said = why(found.fits, evidence, _short)
    if not found.fits:
        line = f"{lead}  {said}" if beside >= len(said) else lead
        return [Text(cut(line.rstrip(), width), style=style)]
    indent = len(lead) + 2 if beside >= REASONS_LEAST else len(signal) + 2
    wrapped = click.wrap_text(said, width=max(width - indent, NAME_MOST)).split("\n")
    lines = [Text(lead.rstrip(), style="bold")]
    if beside >= REASONS_LEAST:
        lines = [Text.assemble((lead, "bold"), "  ", wrapped.pop(0))]
    return [*lines, *(Text(" " * indent + line) for line in wrapped)]
