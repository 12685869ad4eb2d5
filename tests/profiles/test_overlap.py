from __future__ import annotations

import pytest

from tests.profiles.shipped import BY_ID, PROFILES, edited
from unknot.profiles.matching import Advertisement
from unknot.profiles.model import FirmwareProfile
from unknot.profiles.overlap import described, overlapping

NAMES = 'names = ["ButtonBall*"]'
OPEN = BY_ID["open-ball"]


def ball(name: str, *edits: tuple[str, str]) -> FirmwareProfile:
    return edited("button-ball", ('id = "button-ball"', f'id = "{name}"'), *edits)


def variant(text: str) -> tuple[str, str]:
    return (f"{NAMES}\n", f"{NAMES}\n[variant]\n{text}\n")


@pytest.mark.parametrize("profile", PROFILES, ids=lambda one: one.id)
def test_no_shipped_profile_claims_the_ball_of_another(profile: FirmwareProfile) -> None:
    assert overlapping(profile, PROFILES) is None


def test_the_same_match_overlaps_and_says_with_whom_and_by_what() -> None:
    found = overlapping(ball("copy"), PROFILES)
    assert found is not None
    assert (found[0], described(found[1])) == ("button-ball", "the name 'ButtonBall'")


def test_a_profile_of_the_same_id_is_no_other() -> None:
    assert overlapping(ball("button-ball"), PROFILES) is None


def test_every_name_of_a_profile_counts_and_not_only_its_first() -> None:
    one = ball("copy", (NAMES, 'names = ["Quiet*", "ButtonBall-[0-9]"]'))
    found = overlapping(one, PROFILES)
    assert found is not None
    assert found[1].name == "ButtonBall-0"


def test_a_wider_name_overlaps_from_the_other_side() -> None:
    wide = ball("wide", (NAMES, 'names = ["*Ball*"]'))
    found = overlapping(wide, [BY_ID["button-ball"]])
    assert found is not None
    assert found[1].name == "ButtonBall"


def test_who_knows_the_ball_better_does_not_overlap() -> None:
    # Of the open ball the service fits too, so that its own profile scores higher.
    assert overlapping(ball("wide", (NAMES, 'names = ["Open*"]')), [OPEN]) is None


def test_exclusions_count() -> None:
    shy = ball("shy", (NAMES, 'names = ["Button*"]\nexclude = { names = ["ButtonBall*"] }'))
    assert overlapping(shy, [BY_ID["button-ball"]]) is None


APART = [
    ("", 'firmware = ">=2"'),
    ('firmware = "<2"', 'firmware = ">=2"'),
    ('model = "A*"', 'model = "B*"'),
    ('characteristics = ["1234"]', ""),
    ('characteristics = ["1234"]', 'characteristics = ["1235"]'),
    ('characteristics = ["2A19"]', 'without = ["2A19"]'),
    (
        'ask = { to = "level", frame = "01" }\nreply = { from = "level", lengths = [8, 8] }',
        'ask = { to = "level", frame = "01" }\nreply = { from = "level", lengths = [20, 20] }',
    ),
]


@pytest.mark.parametrize(("one", "other"), APART)
def test_variants_tell_apart(one: str, other: str) -> None:
    first = ball("first", variant(one)) if one else ball("first")
    second = ball("second", variant(other)) if other else ball("second")
    assert overlapping(first, [second]) is None
    assert overlapping(second, [first]) is None


ALIKE = [
    ('firmware = ">=1"', 'firmware = ">=2"'),
    ('firmware = ">=1"', 'model = "A*"'),
    ('characteristics = ["2A19"]', 'model = "A*"'),
    (
        'ask = { to = "level", frame = "01" }\nreply = { from = "level", lengths = [8, 8] }',
        'ask = { to = "level", frame = "01" }\nreply = { from = "level", lengths = [8, 8] }',
    ),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_variants_that_one_ball_can_fit_both_of_do_not_tell_apart(one: str, other: str) -> None:
    assert overlapping(ball("first", variant(one)), [ball("second", variant(other))]) is not None


def test_a_match_that_shows_nothing_claims_nobody() -> None:
    silent = ball("silent", (NAMES, ""))
    assert overlapping(silent, [*PROFILES, ball("another", (NAMES, ""))]) is None


def test_all_that_a_ball_shows_is_described() -> None:
    shown = Advertisement("A", ("180f",), {0x4C: b"\x68", 1: b""})
    assert described(shown) == (
        "the name 'A' and the service 180f and data 68 of company 0x004c and data of any kind of company 0x0001"
    )
