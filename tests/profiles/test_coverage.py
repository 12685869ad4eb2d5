from __future__ import annotations

import tomllib

import pytest

from tests.profiles.shipped import PROFILES, edited
from unknot.profiles import beginning, plugins
from unknot.profiles.coverage import gaps
from unknot.profiles.model import FirmwareProfile

LEVELS = """
[[examples]]
command = { set_level = 4 }
bytes = "A5 04 A1"

[[examples]]
report = { level = { level = 3 } }
bytes = "5A 03 59"
"""
"""What the button ball's own examples lack."""


def ball(text: str, *edits: tuple[str, str]) -> FirmwareProfile:
    first = "[[examples]]\n"
    return edited("button-ball", *edits, (first, f"{text.strip()}\n\n{first}"))


def told(values: str, data: str) -> str:
    return f'[[examples]]\nreport = {{ more = {{ {values} }} }}\nbytes = "{data}"\n'


def more(frame: str, *examples: str) -> tuple[str, ...]:
    """The gaps of a ball that is proved, but for a further report."""
    report = f'more = {{ from = "level", frame = "{frame}" }}\nbattery = {{ from'
    return gaps(ball(LEVELS + "\n".join(examples), ("battery = { from", report)))


def test_nothing_is_said_where_nothing_is_missing() -> None:
    assert gaps(ball(LEVELS)) == ()


def test_the_file_to_start_from_lacks_nothing() -> None:
    assert gaps(FirmwareProfile.model_validate(tomllib.loads(beginning.text("my-ball")))) == ()


def test_a_single_example_leaves_the_level_and_its_check_open() -> None:
    assert gaps(edited("button-ball")) == (
        "levels without an example: 4, the highest",
        "one value only in all examples: {level:u8} of set_level, {level:u8} of report level",
        "check proved by one example only: {xor8:0..} of set_level, {xor8:0..} of report level",
    )


def test_levels_of_a_table_are_missed_one_by_one() -> None:
    table = ("[safety]", "[values]\nlevel = { table = [0, 1, 2, 3, 4] }\n\n[safety]")
    assert gaps(ball(LEVELS, table)) == ("levels without an example: 1, 2",)


def test_a_value_that_never_changes_may_be_anywhere() -> None:
    notes = more("5B {a:u8} {b:u8}", told("a = 1, b = 2", "5B 01 02"), told("a = 1, b = 3", "5B 01 03"))
    assert notes == ("one value only in all examples: {a:u8} of report more",)


def test_values_that_are_always_the_same_may_be_swapped() -> None:
    notes = more("5B {a:u8} {b:u8}", told("a = 1, b = 1", "5B 01 01"), told("a = 2, b = 2", "5B 02 02"))
    assert notes == ("the same value in every example, so they may be swapped: a and b of report more",)


def test_the_byte_order_needs_different_bytes() -> None:
    alike, other = told("a = 0", "5B 00 00"), told("a = 257", "5B 01 01")
    assert more("5B {a:u16be}", alike, other) == (
        "byte order not proved, no example has different bytes: {a:u16be} of report more",
    )
    assert more("5B {a:u16be}", alike, told("a = 1", "5B 00 01")) == ()


def test_a_sign_needs_a_negative_number() -> None:
    one, two, minus = told("a = 1", "5B 01"), told("a = 2", "5B 02"), told("a = -1", "5B FF")
    assert more("5B {a:i8}", one, two) == ("sign not proved, no example is negative: {a:i8} of report more",)
    assert more("5B {a:i8}", one, minus) == ()


def test_zeros_prove_nothing() -> None:
    assert more("5B {a:u8} {b:u8}", told("a = 0, b = 0", "5B 00 00")) == (
        "nothing but zeros in all examples: report more",
    )


def test_another_check_may_fit_all_examples() -> None:
    # Without a carry between the bits, a sum and an exclusive or are the same.
    notes = more("5B {a:u8} {sum8:1..}", told("a = 1", "5B 01 01"), told("a = 2", "5B 02 02"))
    assert notes == ("another check fits all examples too: sum7 or xor8 for {sum8:1..} of report more",)
    assert more("5B {a:u8} {sum8:0..}", told("a = 129", "5B 81 DC"), told("a = 255", "5B FF 5A")) == ()


def test_repeats_of_one_example_are_one_example() -> None:
    twice = (told("a = 7", "5B 07 62"), told("a = 7", "5B 07 62"))
    assert "check proved by one example only: {sum8:0..} of report more" in more("5B {a:u8} {sum8:0..}", *twice)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda one: one.id)
def test_says_what_every_shipped_profile_lacks(profile: FirmwareProfile) -> None:
    if profile.codec is None or plugins.is_installed(profile.codec):
        assert all(": " in note for note in gaps(profile))


def with_mode(setting: str) -> tuple[str, ...]:
    """The gaps of a ball whose levels, 3 and 4 in the examples, carry the mode 1."""
    levels = '[[examples]]\ncommand = { set_level = 4 }\nbytes = "A5 01 04 00"\n\n' + LEVELS.partition("\n\n")[2]
    return gaps(
        ball(
            levels,
            ("[commands]\n", f"[settings]\nmode = {setting}\n\n[commands]\n"),
            ("[reports]\n", '[reports]\nmode = { from = "level", frame = "5B {mode:u8}" }\n'),
            ('"A5 {level:u8} {xor8:0..}"', '"A5 {mode:u8} {level:u8} 00"'),
            ('bytes = "A5 03 A6"', 'bytes = "A5 01 03 00"'),
        )
    )


def test_a_setting_that_the_file_has_once_and_for_all_needs_no_second_value() -> None:
    assert with_mode("1") == ()
    assert with_mode('{ value = 1, from = "mode" }') == ("one value only in all examples: {mode:u8} of set_level",)


def test_a_check_over_constant_settings_only_is_always_the_same() -> None:
    stop = ("A5 00 A5", "A5 {mode:u8} {sum8:0..}")
    own = ("[commands]\n", "[settings]\nmode = 7\n\n[commands]\n")
    stopped = ('bytes = "A5 00 A5"', 'bytes = "A5 07 AC"')
    assert gaps(ball(LEVELS, stop, own, stopped)) == ()
