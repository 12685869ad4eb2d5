from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.profiles.shipped import BY_ID, PROFILES, edited
from unknot.datafile import Misfit
from unknot.profiles import library, plugins
from unknot.profiles.inspection import inspect, prove_told_levels
from unknot.profiles.model import FirmwareProfile


@pytest.mark.parametrize("profile", PROFILES, ids=lambda one: one.id)
def test_every_shipped_profile_says_every_level_and_reads_it_back(profile: FirmwareProfile) -> None:
    notes = inspect(profile, PROFILES)
    assert profile.codec is None or plugins.is_installed(profile.codec) or "codec plug-in" in notes[0]


def test_a_level_that_cannot_be_said_is_told() -> None:
    # One decimal digit has no room for 10.
    wrong = edited("button-ball", ("levels = 4", "levels = 100"), ("A5 {level:u8} {xor8", "A5 {level:dec1} {xor8"))
    with pytest.raises(Misfit, match=r"commands\.set_level\.frame: found no room for set_level = 10,"):
        inspect(wrong, ())


def test_a_level_that_cannot_be_told_is_told() -> None:
    wrong = edited("button-ball", ("levels = 4", "levels = 40"), ("5A {level:u8}", "5A {0:b3 level:b5}"))
    with pytest.raises(Misfit, match=r"reports\.level\.frame: found no room for level 32"):
        prove_told_levels(wrong)


def test_a_level_that_is_told_as_another_is_told() -> None:
    table = "values = { level = { table = [0, 10, 20, 30], read = 'nearest', range = [0, 4], beyond = 'clamp' } }"
    wrong = edited(
        "button-ball", ('frame = "5A {level:u8} {xor8:0..}" }', f'frame = "5A {{level:u8}} {{xor8:0..}}", {table} }}')
    )
    with pytest.raises(Misfit, match=r"reports\.level\.frame"):
        prove_told_levels(wrong)


def test_a_ball_that_another_profile_claims_is_told_with_what_it_shows() -> None:
    copy = edited("button-ball", ('id = "button-ball"', 'id = "copy"'))
    told = r"^match\.names: found a ball that shows the name 'ButtonBall', which button-ball claims too \((.*)\); "
    with pytest.raises(Misfit, match=told) as caught:
        inspect(copy, PROFILES)
    file = re.match(told, str(caught.value))
    assert file is not None
    assert Path(file[1]) == library.files()["button-ball"]


def test_a_ball_that_a_profile_of_no_folder_claims_is_told_with_that_file() -> None:
    one = edited("button-ball", ('id = "button-ball"', 'id = "one"'), ('"ButtonBall*"', '"Only*"'))
    other = edited("button-ball", ('id = "button-ball"', 'id = "other"'), ('"ButtonBall*"', '"Only*"'))
    with pytest.raises(Misfit, match=r"which other claims too \(other\.toml\)"):
        inspect(one, [other])


def test_without_its_codec_plug_in_nothing_is_tried_and_that_is_said() -> None:
    sealed = edited("button-ball", ('evidence = "simulated"', 'evidence = "simulated"\ncodec = "no-such-plug-in"'))
    assert inspect(sealed, ()) == (
        "neither the examples nor the levels were tried: the codec plug-in 'no-such-plug-in' is not installed",
    )


def test_the_open_ball_is_proved_but_for_what_its_file_lacks() -> None:
    assert inspect(BY_ID["open-ball"], PROFILES) == (
        "levels without an example: 100, the highest",
        "one value only in all examples: {sequence:u8} of stop",
    )
