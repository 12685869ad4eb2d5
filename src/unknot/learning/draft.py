"""Writes the profile that a lesson gives: the text of a TOML file, with its examples taken from the recording.

Used by ``unknot profile learn``. What is guessed is said in the file's ``gaps``; what is not known is left out, and a
stop that was not seen is never written.
"""

from __future__ import annotations

from dataclasses import dataclass

from unknot.learning.forms import Group, inline
from unknot.learning.gatt import BATTERY_LEVEL
from unknot.learning.identity import Identity
from unknot.learning.lesson import Lesson, values
from unknot.learning.saying import Saying
from unknot.learning.sheet import Sheet, commented, printable
from unknot.learning.telling import Telling
from unknot.profiles.model import Kind

UNCONFIRMED = (
    "a stop that is more than a guess; learn again with the levels in the order in which you stepped through them, "
    "0 for off and best twice (--levels 1,2,3,0,2,0), or take the # from before 'stop' once you know that it stops the "
    "motor"
)
"""What is missing where nobody has said when the motor was off: a person lies on what a wrong stop lets run."""


@dataclass(slots=True)
class Draft:
    """A profile that was learned.

    Attributes:
        text: the file.
        confirmed: the file once the person has confirmed what is only guessed; the same if nothing is.
        missing: what keeps it from being one that can be loaded, in sentences; possibly nothing.
        doubt: what must be confirmed before it can be loaded, in a sentence, or nothing.
        roles: the names of the characteristics, by handle.
        left_out: groups of writes that the file does not have.
    """

    text: str
    confirmed: str
    missing: list[str]
    doubt: str
    roles: dict[int, str]
    left_out: list[Group]


def draft(lesson: Lesson, name: str, dropped: frozenset[str] = frozenset(), kind: Kind = Kind.VIBRATION) -> Draft:
    """The profile with this id.

    Args:
        lesson: what was learned.
        name: the id.
        dropped: parts that do not hold and are left out: "init", "keep_alive", or the name of a report.
        kind: what the device does.
    """
    sheet = Sheet(lesson, name, dropped, kind=kind)
    sheet.roles = _roles(lesson)
    saying, identity = Saying(sheet), Identity(sheet)
    sections = [saying.motor(), saying.commands(), saying.init(), saying.keep_alive(), Telling(sheet).reports()]
    gatt, match = identity.gatt(), identity.match()
    left_out = [group for group in lesson.groups if not group.heard and id(group) not in sheet.used]
    for group in left_out:
        sheet.gaps.append(f"what the app means by {group.template} is not known")
    head = _head(sheet)
    examples = "\n".join(f"[[examples]]\n{meaning}\nbytes = {data}\n" for meaning, data in sheet.examples)
    text = "\n".join(part for part in (head, match, gatt, *sections, examples) if part)
    confirmed = text.replace(commented(sheet.unconfirmed), sheet.unconfirmed) if sheet.unconfirmed else text
    return Draft(text, confirmed, sheet.missing, UNCONFIRMED if sheet.unconfirmed else "", sheet.roles, left_out)


def _roles(lesson: Lesson) -> dict[int, str]:
    """A name for each characteristic; the one that carries the level is the first."""
    known = lesson.levels
    roles: dict[int, str] = {}
    ordered = sorted(values(lesson.device), key=lambda one: known is None or one.handle != known.group.handle)
    for one in ordered:
        wanted = "battery" if one.uuid == BATTERY_LEVEL else "control" if one.written.count else "status"
        name, number = wanted, 1
        while name in roles.values():
            number += 1
            name = f"{wanted}_{number}"
        roles[one.handle] = name
    return roles


def _head(sheet: Sheet) -> str:
    lesson = sheet.lesson
    words = " ".join(word.capitalize() for word in sheet.name.split("-"))
    about = ", ".join(f"{what} {text}" for what, text in lesson.device.about.items() if what != "name" and text)
    source = f"a recording of the maker's app, {printable(lesson.recording.file.name)}"
    source += f" ({printable(about)})" if about else ""
    lines = ["#:schema ./profile.schema.json", "# Learned from a recording, and never tried on a ball."]
    if sheet.kind is Kind.VIBRATION:
        lines.append(
            '# If it sends electricity through the skin, write kind = "stimulator": no massage may drive it then.'
        )
    missing = [*sheet.missing, UNCONFIRMED] if sheet.unconfirmed else sheet.missing
    lines += [f"# MISSING: {printable(text)}." for text in missing]
    known = lesson.levels
    if known is not None and known.guesses:
        lines.append("# GUESSED, so look at it before anything moves:")
        lines += [f"# - {printable(guess)}." for guess in known.guesses]
    gaps = [*(known.guesses if known is not None else ()), *sheet.gaps]
    gaps += ["what the motor does when the link drops, or when nobody says anything, was not seen"]
    lines += [
        "schema = 1",
        f"id = {inline(sheet.name)}",
        f"name = {inline(words)}",
        *([] if sheet.kind is Kind.VIBRATION else [f"kind = {inline(sheet.kind.value)}"]),
        'evidence = "captured"',
        f"source = {inline(source)}",
        "gaps = [",
        *(f"    {inline(printable(gap))}," for gap in gaps),
        "]",
    ]
    counter = _counter(lesson)
    if counter is not None and counter != (0, 255):
        lines.append(f"sequence = {{ first = {counter[0]}, last = {counter[1]} }}")
    return "\n".join(lines) + "\n"


def _counter(lesson: Lesson) -> tuple[int, int] | None:
    return next((group.counts for group in lesson.groups if not group.heard and group.counts is not None), None)
