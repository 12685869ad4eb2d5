"""Files that must not load, because what they say could start a motor, keep one running, or keep a stop waiting."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.profiles.shipped import edited_text, save
from unknot.errors import ProfileFileError
from unknot.profiles import library

OFF = '{ to = "level", frame = "A5 00 A5" }'
STOP = f"stop = {OFF}"
ON = '{ to = "level", frame = "A5 {level:u8} {xor8:0..}" }'
LEVEL = f"set_level = {ON}"
STRONG = '{ to = "level", frame = "A5 04 A1" }'
BEYOND = '{ to = "level", frame = "A5 FF 5A" }'


def beside(on: str, more: str) -> str:
    """A write with one more key."""
    return on.removesuffix(" }") + f", {more} }}"


DANGEROUS = {
    "the stop is a level": ((STOP, STOP.replace("A5 00 A5", "A5 02 A7")), "start no motor"),
    "a level has no room": (
        ("levels = 4", "levels = 4\n[values]\nlevel = { table = [0, 1, 2, 3, 300] }"),
        "no room for level 4",
    ),
    "the first level is the strongest": (
        ("levels = 4", "levels = 4\n[values]\nlevel = { table = [0, 255, 30, 60, 90] }"),
        "neither rise nor fall",
    ),
    "a keep-alive is a level": (
        ("[safety]", f'[[keep_alive]]\nevery = "1s"\nwrite = {STRONG}\n\n[safety]'),
        "start no motor",
    ),
    "a dialogue starts the motor": (("[safety]", f"[[init]]\nwrite = {STRONG}\n\n[safety]"), "start no motor"),
    "a dialogue says a level beyond all levels": (
        ("[safety]", f"[[init]]\nwrite = {BEYOND}\n\n[safety]"),
        "the form of set_level",
    ),
    "a fixed level goes before the one that is asked for": (
        (LEVEL, f"set_level = [{BEYOND}, {ON}]"),
        "the form of set_level",
    ),
    "a stop takes long": (
        (STOP, "stop = " + beside(OFF, 'repeat = 10, gap = "500ms"')),
        "at most 2 s, for a stop",
    ),
    "a stop is many writes": ((STOP, f"stop = [{', '.join([OFF] * 65)}]"), "at most 64 writes"),
    "a stop is repeated late": (("[safety]", '[safety]\nstop_gap = "10min"'), "at most 1 s"),
    "turns take the level's place": (
        (LEVEL, f"set_level = {beside(ON, 'each = { level = [200, 1] }')}"),
        "does not fill by itself",
    ),
}


@pytest.mark.parametrize("what", DANGEROUS)
def test_a_file_that_is_dangerous_does_not_load(tmp_path: Path, what: str) -> None:
    edit, said = DANGEROUS[what]
    text = edited_text("button-ball", edit)
    if "A5 02 A7" in edit[1]:
        text = text.replace("A5 00 A5", "A5 02 A7")
    if edit[1].startswith("set_level = ["):
        text = text.replace('bytes = "A5 03 A6"', 'bytes = ["A5 FF 5A", "A5 03 A6"]')
    data = "A5 FF 5A" if BEYOND in text else "A5 04 A1"
    for name in ("init", "keep_alive"):
        if f"[[{name}]]" in text:
            text += f'\n[[examples]]\n{name} = 1\nbytes = "{data}"\n'
    with pytest.raises(ProfileFileError, match=said):
        library.load_file(save(tmp_path, "button-ball", text))


def test_a_level_must_be_said_before_half_of_its_lease_is_over(tmp_path: Path) -> None:
    slow = "set_level = " + beside(ON, 'repeat = 2, gap = "600ms"')
    text = edited_text("button-ball", (LEVEL, slow), ("[safety]", '[safety]\nlease = "1s"'))
    with pytest.raises(ProfileFileError, match="half of the lease"):
        library.load_file(save(tmp_path, "button-ball", text))
