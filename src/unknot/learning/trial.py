"""Tries a draft: whether it can be loaded, and which frames of the recording it reads and writes again; for `learn`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from unknot.datafile import Misfit
from unknot.learning.draft import Draft, draft
from unknot.learning.forms import reproduces
from unknot.learning.gatt import Did
from unknot.learning.lesson import Lesson, values
from unknot.profiles import inspection, vocabulary
from unknot.profiles.frames.keyed import AnyFrame
from unknot.profiles.model import FirmwareProfile, Kind
from unknot.profiles.proof import prove

TRIES_MOST = 32
"""Parts that are left out, one after the other, before a draft is given up: all reports and some more."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many frames of a recording are reproduced.

    Attributes:
        done: how many.
        all: of how many.
        others: the characteristic's handle and the bytes of different frames that are not.
    """

    done: int
    all: int
    others: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """A draft that was tried.

    Attributes:
        draft: it.
        profile: the profile that it is once its stop is confirmed, or None if it would not load even then.
        why: why the file does not load as it is, or nothing.
        writes: how many of the writes are reproduced.
        reports: how many of the reports are.
    """

    draft: Draft
    profile: FirmwareProfile | None
    why: str
    writes: Count
    reports: Count


def tried(lesson: Lesson, name: str, kind: Kind = Kind.VIBRATION) -> Trial:
    """The best draft of a lesson: what does not hold is left out, piece by piece, and said in the file."""
    dropped: frozenset[str] = frozenset()
    for _ in range(TRIES_MOST):
        attempt = draft(lesson, name, dropped, kind)
        profile, key, why = _loaded(attempt)
        culprit = _culprit(key, attempt)
        if profile is not None or culprit is None or culprit in dropped:
            break
        dropped |= {culprit}
    if attempt.missing:
        why = "; ".join(attempt.missing)
    elif profile is not None:
        why = attempt.doubt
    else:
        attempt.text = f"# MISSING: {_one_line(why)}\n{attempt.text}"
    return Trial(attempt, profile, why, _writes(lesson, attempt, profile), _reports(lesson, attempt, profile))


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _loaded(attempt: Draft) -> tuple[FirmwareProfile | None, str, str]:
    """The profile; or the key that is wrong, and what is wrong there."""
    if attempt.missing:
        return None, "", attempt.missing[0]
    try:
        profile = FirmwareProfile.model_validate(tomllib.loads(attempt.confirmed))
        prove(profile)
        inspection.inspect(profile, ())
    except Misfit as misfit:
        return None, misfit.key, f"{misfit.key}: found {misfit.found}; expected {misfit.expected}"
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        return None, key, f"{key}: {first['msg']}"
    return profile, "", ""


def _culprit(key: str, attempt: Draft) -> str | None:
    """The part of a draft that may be left out for a key that is wrong: of an example, what it shows."""
    path = key.split(".")
    if path[0] == "examples" and len(path) > 1 and path[1].isdigit():
        examples = tomllib.loads(attempt.confirmed).get("examples", [])
        example = examples[int(path[1])] if int(path[1]) < len(examples) else {}
        if "report" in example:
            return str(next(iter(example["report"])))
        return next((name for name in ("init", "keep_alive") if name in example), None)
    if path[0] in ("init", "keep_alive"):
        return path[0]
    return path[1] if path[0] == "reports" and len(path) > 1 else None


def _writes(lesson: Lesson, attempt: Draft, profile: FirmwareProfile | None) -> Count:
    said = [] if profile is None else [line for lines in vocabulary.said(profile).values() for line in lines]
    frames = {handle: [line.frame for line in said if line.to == role] for handle, role in attempt.roles.items()}
    return _counted(
        (
            (one.handle, frames.get(one.handle, []), [(said.data, said.count) for said in one.written.frames])
            for one in values(lesson.device)
        ),
        sum(one.written.count for one in values(lesson.device)),
    )


def _reports(lesson: Lesson, attempt: Draft, profile: FirmwareProfile | None) -> Count:
    heard = () if profile is None else vocabulary.heard(profile)
    rows = []
    total = 0
    for one in values(lesson.device):
        notified = sum(one.heard.ways.get(way, 0) for way in (Did.NOTIFIED, Did.INDICATED))
        if not notified:
            continue
        role = attempt.roles.get(one.handle)
        frames: list[AnyFrame] = [arrival.frame for arrival in heard if arrival.source == role]
        if one.handle in lesson.ends:
            told = [(frame.data, 1) for frame in lesson.told[one.handle]]
            total += len(told)
        else:
            told = [(said.data, said.count) for said in one.heard.frames]
            total += one.heard.count
        rows.append((one.handle, frames, told))
    return _counted(rows, total)


def _counted(rows: Iterable[tuple[int, list[AnyFrame], list[tuple[bytes, int]]]], total: int) -> Count:
    done = 0
    others: dict[tuple[int, bytes], None] = {}
    for handle, frames, told in rows:
        for data, count in told:
            if any(reproduces(frame, data) for frame in frames):
                done += count
            else:
                others[handle, data] = None
    return Count(done, total, tuple(others))
