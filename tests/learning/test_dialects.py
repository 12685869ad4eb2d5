"""What is learned from an app that drives a simulated ball of each dialect is what the ball's own profile says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.learning.recording import app, unknot
from tests.profiles.readme import WHOLE, finished, loaded
from tests.profiles.shipped import BY_ID
from unknot.learning import lesson, likeness, trial
from unknot.learning.lesson import Lesson
from unknot.learning.trial import Trial
from unknot.profiles.codec import Codec
from unknot.profiles.model import FirmwareProfile, Kind
from unknot.profiles.speech import Command, SetLevel, Stop

GUIDE = {document["id"]: document for document in (fence.document for fence in WHOLE)}

DIALECTS: dict[str, tuple[int, ...]] = {
    "bluebuzzah": (1, 2, 3, 5, 8, 10, 4, 2, 0),
    "button-ball": (1, 2, 3, 4, 2, 1, 0),
    "ems-v2": (1, 2, 3, 5, 9, 19, 4, 2, 0),
    "ems-v2-minutes": (1, 2, 3, 5, 9, 19, 4, 2, 0),
    "intensity-board": (10, 20, 40, 60, 100, 30, 10, 0),
    "json-ball": (1, 2, 3, 5, 9, 10, 4, 2, 0),
    "mlehaptics-1": (1, 11, 21, 51, 41, 31, 1, 0),
    "neosensory-buzz": (1, 2, 3, 5, 8, 10, 4, 2, 0),
    "open-ball": (10, 20, 40, 60, 100, 30, 10, 0),
    "openemsstim": (10, 20, 40, 60, 100, 30, 10, 0),
    "pavlok-2": (20, 40, 60, 80, 100, 40, 20, 0),
    "rongtai-rt8600s": (1, 2, 3, 4, 5, 6, 4, 2, 0),
    "theragun-4": (1, 2, 3, 4, 5, 3, 2, 1, 0),
    "tide-ball": (1, 2, 3, 4, 5, 3, 2, 1, 0),
    "vibmotor-3": (10, 20, 40, 60, 100, 30, 10, 0),
}
"""Profiles, and the levels through which the app steps: text and JSON, counters, sums, CRCs, tables, several writes."""


def known(name: str) -> FirmwareProfile:
    if name == "tide-ball":
        return finished()
    return BY_ID[name] if name in BY_ID else loaded(GUIDE[name])


async def drive(file: Path, profile: FirmwareProfile, levels: Sequence[int]) -> None:
    """Greet the ball, step through the levels at a person's uneven pace, and leave."""
    async with app(file, profile) as driving:
        await driving.greet()
        keeping = asyncio.create_task(driving.keep_alive())
        for number, level in enumerate(levels):
            await driving.level(level, 3.1 + 0.9 * (number % 3))
        keeping.cancel()


def learned(file: Path, given: Sequence[int] = ()) -> tuple[Lesson, Trial]:
    recording = lesson.record(file)
    device = lesson.choose(recording, "")
    taught = lesson.learn(recording, device, given)
    return taught, trial.tried(taught, "my-ball")


def said(profile: FirmwareProfile, command: Command) -> list[tuple[str, bytes]]:
    """What goes to which characteristic."""
    codec = Codec(profile)
    codec.rehearse()
    return [(profile.gatt[write.to].characteristic[0], write.data) for write in codec.encode(command)]


def sequence(profile: FirmwareProfile) -> int:
    return profile.sequence.first + 3


@pytest.mark.parametrize("name", DIALECTS)
async def test_the_draft_says_what_the_profile_says(name: str, tmp_path: Path) -> None:
    file, profile, levels = tmp_path / "snoop.log", known(name), DIALECTS[name]
    await drive(file, profile, levels)

    # Told in which order, the levels have the numbers that the person knows.
    taught, result = learned(file, levels)
    assert not result.why, result.draft.text
    assert result.profile is not None
    assert (result.writes.done, result.writes.others) == (result.writes.all, ())
    assert (result.reports.done, result.reports.others) == (result.reports.all, ())
    lease = profile.safety.lease
    own = sorted({level for level in levels if level})
    numbers = own if max(own) == result.profile.motor.levels else range(1, len(own) + 1)
    for number, level in zip(numbers, own, strict=True):
        wanted = said(profile, SetLevel(level, lease, sequence(profile)))
        assert said(result.profile, SetLevel(number, None, sequence(profile))) == wanted
    assert said(result.profile, Stop(sequence(profile))) == said(profile, Stop(sequence(profile)))

    # Without being told, the same bytes are found; only their numbers are ours.
    _, guessed = learned(file)
    assert guessed.profile is not None, guessed.why
    assert guessed.writes.others == guessed.reports.others == ()
    found = [
        said(guessed.profile, SetLevel(number, None, sequence(profile)))
        for number in range(1, guessed.profile.motor.levels + 1)
    ]
    for level in own:
        assert said(profile, SetLevel(level, lease, sequence(profile))) in found
    assert said(guessed.profile, Stop(sequence(profile))) == said(profile, Stop(sequence(profile)))
    assert taught.levels is not None
    assert not taught.levels.guesses or numbers is not own


@pytest.mark.parametrize("name", [name for name in DIALECTS if known(name).kind is Kind.VIBRATION])
async def test_unknot_itself_may_be_the_app(name: str, tmp_path: Path) -> None:
    """It greets and drives at once, renews leases, stops more than once, and leaves out what is set already."""
    file, profile, levels = tmp_path / "snoop.log", known(name), DIALECTS[name]
    async with unknot(file, profile) as ball:
        for number, level in enumerate(levels):
            await ball.set_level(level)
            await asyncio.sleep(3.1 + 0.9 * (number % 3))
    _, result = learned(file, levels)
    assert not result.why, result.draft.text
    assert result.profile is not None
    lease, own = profile.safety.lease, sorted({level for level in levels if level})
    numbers = own if max(own) == result.profile.motor.levels else range(1, len(own) + 1)
    for number, level in zip(numbers, own, strict=True):
        wanted = said(profile, SetLevel(level, lease, sequence(profile)))
        assert said(result.profile, SetLevel(number, None, sequence(profile)))[: len(wanted)] == wanted
    assert set(said(result.profile, Stop(sequence(profile)))) == set(said(profile, Stop(sequence(profile))))


@pytest.mark.parametrize("name", DIALECTS)
async def test_a_ball_that_is_described_already_is_recognised(name: str, tmp_path: Path) -> None:
    file, profile, levels = tmp_path / "snoop.log", known(name), DIALECTS[name]
    await drive(file, profile, levels)
    taught, _ = learned(file)
    every = list({**BY_ID, **{other: known(other) for other in DIALECTS}}.values())
    alike = likeness.alike(taught, every)
    assert name in [one.id for one in alike]
    for attribute in taught.device.attributes.values():
        attribute.uuid = f"dead{attribute.uuid[4:]}"  # the same frames elsewhere are another ball's
    assert not likeness.alike(taught, every)
    for one in alike:
        assert next(other for other in every if other.id == one.id).kind is profile.kind
