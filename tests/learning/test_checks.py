"""Every check that the frame language knows is found, over any range and in any order, and nothing else is one."""

from __future__ import annotations

import random

import pytest

from unknot.learning import checks
from unknot.learning.alignment import groups
from unknot.learning.counting import counter
from unknot.learning.gatt import Said
from unknot.profiles.frames.checks import ALGORITHMS
from unknot.profiles.frames.frame import Frame

FORMS = {
    "behind its range": "A5 {{a:u8}} {{b:u8}} 07 {{{check}:1..{order}}}",
    "before an end": "A5 81 {{a:u8}} {{b:u8}} {{{check}:0..{order}}} 0D 0A",
    "before its range": "A5 {{{check}:{behind}..{order}}} 07 {{a:u8}} {{b:u8}}",
    "before a part": "A5 {{{check}:{behind}..{last}{order}}} 07 {{a:u8}} {{b:u8}} {{c:u8}} 99",
    "over a part": "A5 {{a:u8}} {{b:u8}} 07 {{c:u8}} {{{check}:1..3{order}}}",
    "with bytes between": "A5 {{a:u8}} {{b:u8}} 07 99 {{{check}:1..3{order}}}",
}
EVERY = [
    (name, order, form)
    for name, algorithm in ALGORITHMS.items()
    for order in ([""] if algorithm.size == 1 else [":le", ":be"])
    for form in FORMS
]


def written(form: str, check: str, order: str = "") -> str:
    behind = 1 + ALGORITHMS[check.split("+", maxsplit=1)[0].split("^", maxsplit=1)[0]].size
    return FORMS[form].format(check=check, order=order, behind=behind, last=behind + 2)


def packed(template: str, seed: int, count: int = 12) -> list[bytes]:
    chance = random.Random(seed)
    frame = Frame(template)
    return [frame.pack({slot: chance.randrange(256) for slot in "abc"}) for _ in range(count)]


def holds_for_others(found: checks.Found | None, template: str) -> bool:
    return found is not None and all(found.holds(data) for data in packed(template, 2, 200))


@pytest.mark.parametrize(("name", "order", "form"), EVERY)
def test_every_check_is_found(name: str, order: str, form: str) -> None:
    template = written(form, name, order)
    found = checks.find(packed(template, 1), ())
    assert holds_for_others(found, template)
    assert found is not None
    frame = packed(template, 3, 1)[0]
    place = found.place(len(frame))
    # The frame language reads what was found, and makes the same bytes of it.
    rest = frame[place + found.size :].hex(" ")
    own = Frame(f"{frame[:place].hex(' ')} {found.written(len(frame))} {rest}")
    assert own.pack({}) == frame


@pytest.mark.parametrize("check", ["sum8+55", "xor8^A5", "crc8-maxim-dow^01", "sum8-inverted+01"])
def test_a_constant_beside_a_check_is_found(check: str) -> None:
    template = written("behind its range", check)
    assert holds_for_others(checks.find(packed(template, 1), ()), template)


def test_the_plain_check_is_preferred_to_one_with_a_constant() -> None:
    found = checks.find(packed("55 01 {a:u8} 28 {sum8:1..} AA", 1), ())
    assert found is not None
    assert found.written(6) == "{sum8:1..}"


@pytest.mark.parametrize("count", [1, 2])
def test_few_frames_prove_no_check_of_one_byte(count: int) -> None:
    assert checks.find(packed("55 {a:u8} {b:u8} {sum8:1..}", 1, count), ()) is None


def test_a_byte_that_is_wrong_in_one_frame_is_no_check() -> None:
    frames = packed("55 {a:u8} {b:u8} {sum8:1..}", 1)
    wrong = frames[-1][:-1] + bytes([frames[-1][-1] ^ 1])
    assert checks.find([*frames[:-1], wrong], ()) is None


def test_a_value_that_stands_twice_is_no_check() -> None:
    assert checks.find([bytes([0xA5, level, level]) for level in range(1, 12)], ()) is None


@pytest.mark.parametrize("seed", range(20))
def test_chance_is_no_check(seed: int) -> None:
    chance = random.Random(seed)
    assert checks.find([chance.randbytes(8) for _ in range(8)], ()) is None


@pytest.mark.parametrize(
    ("template", "longer", "expected"),
    [
        ("A5 {a:u8} {b:u8} {sum8:1..}", "A5 {a:u8} {b:u8} {c:u8} {sum8:1..}", "{sum8:1..}"),
        ("00 {a:u8} {b:u8} {sum8:1..}", "07 {a:u8} {b:u8} {c:u8} {sum8:1..}", "{sum8:1..}"),
        ("00 {a:u8} {b:u8} {sum8:0..}", "07 {a:u8} {b:u8} {c:u8} {sum8:0..}", "{sum8:0..}"),
        ("A5 {sum8:2..} {a:u8} {b:u8}", "A5 {sum8:2..} {a:u8} {b:u8} {c:u8}", "{sum8:2..}"),
    ],
)
def test_frames_of_another_length_tell_where_a_range_begins(template: str, longer: str, expected: str) -> None:
    relatives = packed(longer, 2)
    found = checks.find(packed(template, 1), relatives)
    assert found is not None
    assert found.written(4) == expected
    assert all(found.holds(data) for data in relatives)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("A5 {a:u8} {b:u8} 00 {sum8:1..}", "{sum8:1..}"),  # not over all but the zero beside it
        ("00 {a:u8} {b:u8} {sum8:1..}", "{sum8:0..}"),  # as wide as it can be
        ("A5 {a:u8} {b:u8} {sum16:1..:be}", "{sum16:1..:be}"),  # and as long
    ],
)
def test_of_several_that_fit_the_one_that_somebody_would_write_is_taken(template: str, expected: str) -> None:
    frames = packed(template, 1)
    found = checks.find(frames, ())
    assert found is not None
    assert found.written(len(frames[0])) == expected


@pytest.mark.parametrize(
    "form", ["A5 {{a:u8}} {{b:u8}} {{c:u8}}{zeros} {{sum8:1..}}", "{{sum8:1..}} {{a:u8}}{zeros} {{b:u8}}"]
)
def test_in_long_frames_a_check_is_found_near_an_end(form: str) -> None:
    template = form.format(zeros=" 00" * 60)
    assert holds_for_others(checks.find(packed(template, 1), ()), template)


def test_long_frames_take_bounded_work() -> None:
    chance = random.Random(1)
    assert checks.find([chance.randbytes(240) for _ in range(100)], ()) is None


def said(*frames: str) -> list[bytes]:
    return [bytes.fromhex(one) for one in frames]


def test_a_counter_counts_across_frames_of_several_lengths() -> None:
    found = counter(said("A501", "A50207", "A50308", "A504", "A50509", "A506", "A507"))
    assert found is not None
    assert (found.at, found.kind, found.first, found.last) == (1, "u8", 0, 255)


def test_frames_that_do_not_count_are_left_out() -> None:
    beat = said("7F81")
    found = counter([*said("A50101"), *beat, *said("A50202"), *beat, *said("A50301", "A50404", "A50501"), *beat])
    assert found is not None
    assert found.at == 1
    assert not found.is_in(beat)


def test_a_counter_that_begins_again_tells_its_bounds() -> None:
    numbers = [12, 13, 14, 15, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 1, 2]
    found = counter([bytes([0xA5, number]) for number in numbers])
    assert found is not None
    assert (found.first, found.last) == (1, 15)


def test_a_counter_that_begins_again_with_a_new_connection_does_not() -> None:
    found = counter([bytes([0xA5, number]) for number in [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 7, 8]])
    assert found is not None
    assert (found.first, found.last) == (0, 255)


def test_a_wide_counter_is_one_number() -> None:
    found = counter([(number).to_bytes(2, "little") + b"\x55" for number in range(250, 270)])
    assert found is not None
    assert (found.at, found.kind) == (0, "u16le")


def test_levels_that_rise_are_no_counter() -> None:
    assert counter([bytes([0xA5, level]) for level in (1, 2, 3, 2, 1, 0)]) is None


def forms(*frames: str) -> list[str]:
    return [
        group.template for group in groups(1, [Said(data, 1) for data in said(*frames)], said(*frames), heard=False)
    ]


def test_kinds_of_one_length_are_told_apart() -> None:
    assert forms("A5200132", "A5200232", "A5200332", "A5200432", "A5210000", "A57F1122") == [
        "A5 20 {byte2:u8} 32", "A5 21 00 00", "A5 7F 11 22",
    ]  # fmt: skip


def test_off_is_a_frame_of_its_own_if_more_than_the_level_is_zero_in_it() -> None:
    assert forms("01193200", "01333200", "014C3200", "01663200", "01000000") == ["01 00 00 00", "01 {byte1:u8} 32 00"]


def test_two_bytes_are_one_number_in_the_order_in_which_its_steps_are_even() -> None:
    assert forms("AA06D603", "AA077903", "AA081B03", "AA08BE03", "AA096003") == ["AA {word1:u16be} 03"]
    assert forms("E803", "D007", "B80B", "A00F", "8813", "0000") == ["{word0:u16le}"]


def test_two_numbers_side_by_side_stay_two() -> None:
    pairs = [f"A5{level:02X}{heat:02X}" for level in (1, 2, 3) for heat in (20, 30, 40)]
    assert forms(*pairs) == ["A5 {byte1:u8} {byte2:u8}"]


def test_a_value_that_stands_twice_has_one_name() -> None:
    assert forms("A50101", "A50202", "A50303", "A50404") == ["A5 {byte1:u8} {byte1:u8}"]
