from __future__ import annotations

import pytest

from tests.profiles.shipped import BY_ID, edited
from unknot.profiles.coverage import gaps
from unknot.profiles.model import FirmwareProfile
from unknot.profiles.running_on import notes


def leased(lease: str, *edits: tuple[str, str]) -> FirmwareProfile:
    """The intensity board, whose commands carry their time in steps of 50 ms, with another lease."""
    return edited("intensity-board", ('\nlease = "2s"\n', f'\nlease = "{lease}"\n'), *edits)


UNKNOWN = ('stops_on_disconnect = "no"', 'stops_on_disconnect = "unknown"')
CODEC = ('evidence = "simulated"', 'evidence = "simulated"\ncodec = "no-such-plug-in"')


def test_a_long_lease_is_told_with_what_follows_and_a_shorter_one() -> None:
    assert notes(leased("12s")) == (
        "safety.lease is long: after a lost link the motor goes on for up to 12 s; choose a shorter one, such as 2s",
    )
    assert notes(leased("5s")) == ()
    assert len(notes(leased("5001ms"))) == 1


def test_the_shorter_lease_is_one_that_the_frames_can_say() -> None:
    # Whole tens of seconds on the wire, or whole minutes.
    tens = leased("60s", ("scale = 20,", "scale = 0.1,"), ("12.75]", "600]"), ("12750ms", "10min"))
    assert notes(tens)[0].endswith("goes on for up to 60 s; choose a shorter one, such as 10s")
    minutes = leased("60s", ("[0.05, 12.75]", "[60, 600]"), ("scale = 20,", "scale = 0.02,"), ("12750ms", "10min"))
    assert notes(minutes)[0].endswith("goes on for up to 60 s; the frames can say no shorter one")


def test_a_long_lease_is_no_matter_where_the_link_stops_the_motor_or_the_firmware_counts() -> None:
    stops = ('stops_on_disconnect = "unknown"', 'stops_on_disconnect = "yes"')
    assert notes(leased("12s", stops)) == ()
    assert notes(edited("button-ball", ("[safety]\n", '[safety]\nlease = "60s"\n'))) == ()


def test_a_motor_of_which_nobody_knows_whether_it_stops_is_told_with_what_follows() -> None:
    unknown = edited("button-ball", UNKNOWN)
    assert notes(unknown) == (
        "stops_on_disconnect is unknown and there is no lease: the motor is taken to go on after a lost link, and "
        "whoever lies on the ball is told to press its own button; try it out, and say yes or no",
    )
    assert (
        "no massage may use a ball that speaks through a codec plug-in"
        in notes(edited("button-ball", UNKNOWN, CODEC))[0]
    )
    assert notes(edited("button-ball", UNKNOWN, ("[safety]\n", '[safety]\nlease = "2s"\n'))) == ()


@pytest.mark.parametrize("name", ["ems-v2", "ems-v2-minutes", "open-ball", "button-ball"])
def test_what_no_massage_may_drive_and_what_is_known_is_left_alone(name: str) -> None:
    assert notes(BY_ID[name]) == ()


def test_the_check_tells_them_after_what_the_examples_lack() -> None:
    assert gaps(leased("12s"))[-1] == notes(leased("12s"))[0]
