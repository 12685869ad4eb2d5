"""The part of a draft that says who the ball is: how it advertises, and which characteristics it has; for `draft`."""

from __future__ import annotations

import re

from unknot.learning.forms import inline
from unknot.learning.gatt import Attribute, Did
from unknot.learning.lesson import shown_name
from unknot.learning.sheet import Sheet, short
from unknot.profiles.fields import BASE_SUFFIX
from unknot.profiles.matching import SHARED
from unknot.profiles.patterns import GLOB_MAX

UNKNOWN_UUID = "00000000-0000-0000-0000-00000000{handle:04x}"
"""Stands for a UUID that the recording does not say; no ball has it."""

DATA_MOST = 4
"""Bytes of manufacturer data that are drafted: what follows is more likely to be one ball's own (judgement)."""

ADDRESS_LEAST = 3
"""Bytes in a row that are part of an address (judgement)."""

_WRITE, _NO_RESPONSE, _NOTIFY, _INDICATE = 0x08, 0x04, 0x10, 0x20
"""Properties of a characteristic (Bluetooth Core, Vol 3, Part G, 3.3.1.1)."""


class Identity:
    """Writes the sections ``[match]`` and ``[gatt]``."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._lesson = sheet.lesson

    def match(self) -> str:
        """How the ball shows itself."""
        device = self._lesson.device
        lines = ["[match]"]
        name = shown_name(device)
        own = [one for one in device.services if not one.endswith(BASE_SUFFIX) and one not in SHARED]
        if _pattern(name).strip("*? "):
            lines.append(f"names = [{inline(_pattern(name))}]")
        if device.services and (own or _pattern(name).strip("*? ")):
            lines.append(f"services = [{', '.join(inline(short(one)) for one in device.services)}]")
        if len(lines) == 1:
            lines += self._companies()
        if len(lines) == 1:
            lines.append("# How it shows itself was not recorded: fill in its name, or name ball and profile yourself.")
        return "\n".join(lines) + "\n"

    def _companies(self) -> list[str]:
        """How its manufacturer data begins; what may be this one ball's own number is left out."""
        device = self._lesson.device
        own = [
            f"{{ company = 0x{company:04X}, data = {inline(data.hex(' ').upper())} }}"
            for company, seen in device.manufacturer.items()
            if (data := _without_address(seen, device.address)[:DATA_MOST])
        ]
        if not own:
            return []
        self._sheet.gaps.append(
            "how much of the manufacturer data is the same for every such ball is not known: write ?? for what differs"
        )
        return [f"manufacturer = [{', '.join(own)}]"]

    def gatt(self) -> str:
        """The characteristics that are used."""
        sections = []
        for handle, role in self._sheet.roles.items():
            attribute = self._lesson.device.attributes[handle]
            lines = [f"[gatt.{role}]"]
            if attribute.uuid:
                if attribute.service:
                    lines.append(f"service = {inline(short(attribute.service))}")
                lines.append(f"characteristic = {inline(short(attribute.uuid))}")
            else:
                lines.append(
                    f"# The recording does not say which one it is (handle {handle}): 'unknot inspect' lists those of "
                    f"a ball that can {_asked_of(attribute)}."
                )
                lines.append(f"characteristic = {inline(UNKNOWN_UUID.format(handle=handle))}")
            writes = _ways(attribute)
            if writes:
                lines.append(f"write = {inline(writes[0] if len(writes) == 1 else writes)}")
            told = self._telling(attribute)
            if writes or told:
                lines += told
                sections.append("\n".join(lines) + "\n")
        if any(not self._lesson.device.attributes[handle].uuid for handle in self._sheet.roles):
            self._sheet.gaps.append(
                "the recording does not name every characteristic: the UUIDs that begin with zeros must be filled in"
            )
        return "\n".join(sections)

    def _telling(self, attribute: Attribute) -> list[str]:
        if attribute.handle not in self._sheet.heard:
            return []
        lines = []
        if attribute.heard.ways.get(Did.NOTIFIED) or (attribute.properties or 0) & _NOTIFY:
            lines.append("notify = true")
        if attribute.heard.ways.get(Did.INDICATED):
            lines.append("indicate = true")
        if attribute.heard.ways.get(Did.READ):
            lines.append("read = true")
        end = self._lesson.ends.get(attribute.handle)
        if end is not None:
            lines.append(f'assemble = {{ until = "{end.hex(" ").upper()}" }}')
        return lines


def _without_address(data: bytes, address: str) -> bytes:
    """The data up to where the device's address begins, as many put it there, either way round."""
    own = bytes.fromhex(address.replace(":", "")) if ":" in address else b""
    places = [
        at
        for way in (own, own[::-1])
        for start in range(len(way) - ADDRESS_LEAST + 1)
        if (at := data.find(way[start : start + ADDRESS_LEAST])) >= 0
    ]
    return data[: min(places, default=len(data))]


def _ways(attribute: Attribute) -> list[str]:
    """How it is written: the way in which the app did first, then what its properties allow."""
    done = {Did.COMMAND: "command", Did.REQUEST: "request"}
    ways = [done[way] for way in sorted(attribute.written.ways, key=lambda one: -attribute.written.ways[one])]
    if ways and (attribute.properties or 0) & _WRITE:
        ways.append("request")
    if ways and (attribute.properties or 0) & _NO_RESPONSE:
        ways.append("command")
    return list(dict.fromkeys(ways))


def _asked_of(attribute: Attribute) -> str:
    """What it must be able to do, in the words of ``unknot inspect``."""
    words = {
        Did.REQUEST: "write",
        Did.COMMAND: "write-without-response",
        Did.NOTIFIED: "notify",
        Did.INDICATED: "indicate",
        Did.READ: "read",
    }
    done = {**attribute.written.ways, **attribute.heard.ways}
    return " and ".join(word for way, word in words.items() if way in done)


def _pattern(name: str) -> str:
    """The name with a star for what differs from ball to ball, as far as one name tells."""
    stem = re.sub(r"(?<=[-_ ])[0-9A-Fa-f]{2,12}$|(?<=[A-Za-z])[0-9]{3,}$", "", name)
    is_whole = stem == name and len(stem) < GLOB_MAX
    signs = (sign if sign.isprintable() and sign not in "*?[]" else "?" for sign in stem[: GLOB_MAX - 1])
    return "".join(signs) + "*" * (not is_whole)
