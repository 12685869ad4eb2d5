"""Finds values that stand encoded in frames of text, in base64 or in hex digits; used by `wording`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from unknot.errors import FrameSyntaxError
from unknot.learning import alignment, checks
from unknot.learning.forms import Group, Part, Role, reproduces
from unknot.learning.gatt import Said
from unknot.profiles.frames.encodings import ENCODINGS

LEAST = 4
"""Different frames that are the same but for one word, if the word is to be an encoded value."""

_WORDS = {"base64": re.compile(rb"[A-Za-z0-9+/]{4,}={0,2}"), "hex": re.compile(rb"[0-9A-Fa-f]{2,}")}
"""What a word of each encoding looks like; those for bytes that are no text are not looked for."""

_SIGNS = {
    "base64": (re.compile(rb"[A-Z]"), re.compile(rb"[a-z=]")),
    "hex": (re.compile(rb"[A-F]"), re.compile(rb"[0-9]")),
}
"""What must stand in some of the words: digits alone are a number, and letters alone may be a word."""

_Place = tuple[bytes, bytes]
"""What stands before a word, and behind it."""


def groups(handle: int, frames: Sequence[Said], *, heard: bool) -> tuple[list[Group], list[Said]]:
    """The groups of frames with an encoded value, and the frames that are in none of them."""
    found: list[Group] = []
    rest = list(frames)
    for name in _WORDS:
        for place, decoded in _places(name, rest).items():
            own = [one for one in rest if one.data in decoded]
            group = _group(handle, own, name, place, decoded, heard=heard) if len(own) >= LEAST else None
            if group is not None:
                found.append(group)
                rest = [one for one in rest if one.data not in decoded]
    return found, rest


def _places(name: str, frames: Sequence[Said]) -> Mapping[_Place, dict[bytes, bytes]]:
    """What is decoded in each frame, for each place where some word of several frames can be decoded."""
    encoding = ENCODINGS[name]
    places: dict[_Place, dict[bytes, bytes]] = defaultdict(dict)
    for one in frames:
        for run in _WORDS[name].finditer(one.data):
            try:
                decoded = encoding.decode(run[0])
            except ValueError:
                continue
            if decoded and encoding.encode(decoded) == run[0]:
                places[one.data[: run.start()], one.data[run.end() :]][one.data] = decoded
    return {
        place: decoded
        for place, decoded in places.items()
        if len(decoded) >= LEAST and len({len(one) for one in decoded.values()}) == 1 and _looks(name, place, decoded)
    }


def _looks(name: str, place: _Place, frames: Mapping[bytes, bytes]) -> bool:
    """Whether the words look encoded."""
    before, behind = map(len, place)
    words = b" ".join(data[before : len(data) - behind] for data in frames)
    return all(sign.search(words) for sign in _SIGNS[name])


def _group(
    handle: int, frames: list[Said], name: str, place: _Place, decoded: Mapping[bytes, bytes], *, heard: bool
) -> Group | None:
    """The group, if the frame language writes every one of its frames as it was."""
    inside = [decoded[one.data] for one in frames]
    start = len(place[0])
    check = checks.find(inside, ())
    placed = {}
    if check is not None:
        at = check.place(len(inside[0]))
        seal = check.written(len(inside[0]))
        content = inside[0][at : at + check.size]
        placed[at] = check.size, Part(Role.CHECK, at, content, seal=seal, evidence=len(inside))
    parts = [
        Part(Role.CONSTANT, 0, place[0], is_text=True),
        Part(Role.CONSTANT, start, b"", seal=f"{name}("),
        *alignment.row(inside, placed),
        Part(Role.CONSTANT, start, b"", seal=")"),
        Part(Role.CONSTANT, len(frames[0].data) - len(place[1]), place[1], is_text=True),
    ]
    group = Group(handle, heard, frames, [part for part in parts if part.content or part.seal])
    try:
        frame = group.frame
    except FrameSyntaxError:
        return None
    return group if all(reproduces(frame, one.data) for one in frames) else None
