from __future__ import annotations

import pytest

from tests.profiles.shipped import BY_ID, SPOKEN, edited
from unknot.datafile import Misfit
from unknot.profiles.codec import Codec
from unknot.profiles.examples import Example
from unknot.profiles.model import FirmwareProfile
from unknot.profiles.proof import prove
from unknot.profiles.speech import Report

every_profile = pytest.mark.parametrize("profile", SPOKEN, ids=lambda profile: profile.id)

EXAMPLES = [
    pytest.param(profile, example, id=f"{profile.id}-{number}")
    for profile in SPOKEN
    for number, example in enumerate(profile.examples)
]


@every_profile
def test_a_shipped_profile_holds(profile: FirmwareProfile) -> None:
    prove(profile)


def flaw(profile: FirmwareProfile, *examples: Example) -> str | None:
    """The key of what is wrong with a profile that has these examples instead of its own."""
    try:
        prove(profile.model_copy(update={"examples": examples}))
    except Misfit as misfit:
        return misfit.key
    return None


@pytest.mark.parametrize(("profile", "example"), EXAMPLES)
def test_every_example_fails_when_any_of_its_bits_is_another(profile: FirmwareProfile, example: Example) -> None:
    """A proof that cannot fail proves nothing."""
    key = f"examples.{profile.examples.index(example)}."
    frames = [profile.reports[name].frame.template for name in example.report or {}]
    is_partly_of_no_interest = any("{_:" in frame for frame in frames)  # such bytes may be anything
    for index, data in enumerate(example.writes):
        # Of a long text one bit of each byte, of all else every bit.
        for bit in range(0, 8 * len(data), 9) if len(data) > 20 else range(8 * len(data)):
            changed = bytearray(data)
            changed[bit // 8] ^= 1 << bit % 8
            writes = (*example.writes[:index], bytes(changed), *example.writes[index + 1 :])
            wrong = example.model_copy(update={"writes": writes})
            others = (wrong if one is example else one for one in profile.examples)
            found = flaw(profile, *others)
            assert is_partly_of_no_interest if found is None else found.startswith(key)


@every_profile
def test_without_its_examples_a_command_or_report_is_not_proved(profile: FirmwareProfile) -> None:
    for name in ("set_level", "stop", *profile.reports):
        rest = tuple(one for one in profile.examples if name not in (one.command or one.report or {}))
        with pytest.raises(Misfit) as caught:
            prove(profile.model_copy(update={"examples": rest}))
        assert (caught.value.key, caught.value.found) == ("examples", f"none for {name!r}")


def test_an_example_says_everything_that_its_report_tells() -> None:
    profile = edited("vibmotor-3", ("motors = 1, version = 0x0100, battery = 85", "motors = 1, battery = 85"))
    with pytest.raises(Misfit, match=r"^examples\.4\.report\.info: found no version; expected version = 256 too, in "):
        prove(profile)


def test_a_table_may_be_proved_with_a_level_written_as_a_float() -> None:
    prove(edited("theragun-4", ("running = 1, level = 1 ", "running = 1, level = 1.0 ")))


def test_a_level_without_room_in_its_frame_is_found_even_if_no_example_uses_it() -> None:
    profile = edited("button-ball", ("levels = 4", "levels = 4\n[values]\nlevel = { table = [0, 1, 2, 3, 256] }"))
    with pytest.raises(Misfit) as caught:
        prove(profile)
    assert caught.value.key == "commands.set_level.frame"
    assert caught.value.found == ("no room for level 4 (level = 256 does not fit: allowed is an integer from 0 to 255)")


def test_a_sequence_without_room_for_255_is_found() -> None:
    profile = edited("open-ball", ('"00 {sequence:u8}"', '"00 {sequence:dec1}"'), ("00 08", "00 38"))
    with pytest.raises(Misfit) as caught:
        prove(profile)
    assert caught.value.key == "commands.stop.frame"


def test_a_level_that_the_ball_would_take_for_a_stop_is_found() -> None:
    profile = edited(
        "button-ball", ('frame = "A5 00 A5"', 'frame = "A5 04 A1"'), ('bytes = "A5 00 A5"', 'bytes = "A5 04 A1"')
    )
    with pytest.raises(Misfit) as caught:
        prove(profile)
    assert caught.value.found == "level 4 in the same bytes as the stop"


def test_an_example_whose_lease_the_frame_cannot_carry_exactly_is_found() -> None:
    profile = edited(
        "open-ball", ("lease = { scale = 1000 }", "lease = { scale = 0.4 }"), ("01 07 32 B8 0B", "01 07 32 01 00")
    )
    with pytest.raises(Misfit, match=r"^examples\.0\.bytes: .* bytes that read back as set_level = 50, lease = 3, "):
        prove(profile)


def test_a_report_that_its_own_zeros_make_another_one_is_found() -> None:
    profile = edited(
        "button-ball",
        (
            'frame = "5A {level:u8} {xor8:0..}" }',
            'frame = "5A 00 {level:u8}" }\nodd = { from = "level", frame = "5A {_:1} {level:u8}" }',
        ),
        (
            'bytes = "5A 02 58"',
            'bytes = "5A 00 02"\n[[examples]]\nreport = { odd = { level = 2 } }\nbytes = "5A 01 02"',
        ),
    )
    with pytest.raises(Misfit, match="values that survive the way back, not 5A 00 02"):
        prove(profile)


def test_a_lease_may_be_rounded_to_the_steps_of_its_frame() -> None:
    """3 s in steps of 2.5 s is written as one step, and read back as something else than 3 s."""
    prove(
        edited(
            "open-ball",
            ("lease = { scale = 1000 }", "lease = { scale = 0.4 }"),
            (
                'sequence = 7, lease = 3.0 }\nbytes = "01 07 32 B8 0B"',
                'sequence = 7, lease = 5.0 }\nbytes = "01 07 32 02 00"',
            ),
            (
                'sequence = 255, lease = 0.5 }\nbytes = "01 FF 01 F4 01"',
                'sequence = 255, lease = 5.0 }\nbytes = "01 FF 01 02 00"',
            ),
            ("lease = 2.9", "lease = 5"),
            ("01 07 32 54 0B 1F 00", "01 07 32 02 00 1F 00"),
        )
    )


def test_what_is_not_in_the_report_is_sent_as_zeros_and_still_means_the_same() -> None:
    codec = Codec(BY_ID["theragun-4"])
    told = codec.decode("reply", bytes.fromhex("BB 3D 10 55 01 00 00 00 00 00 00 00 00 06 D1"))
    assert told is None, "1745 rpm is none of the levels"
    data = bytearray.fromhex("BB 00 10 55 01 00 00 00 00 00 00 00 00 06 D6 99")
    data[1] = sum(data[2:]) & 0xFF
    assert codec.decode("reply", bytes(data)) == Report("status", {"running": 1, "level": 1})
