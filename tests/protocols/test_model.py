from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from pydantic import ValidationError

from tests.carets import pointed_at, without_place
from tests.protocols.made import protocol, protocols, step
from unknot.errors import ProtocolFileError
from unknot.protocols import library
from unknot.protocols.model import KINDS, MuscleProtocol, Segment

GOOD = """\
schema = 1
muscle = "musculus"
title = "Muscle"
ceiling = "moderate"
placement = "Here."
felt = "guides describe it as felt here"
cautions = ["Careful."]
no_go = ["there"]
source = { ceiling = "J" }

[sources]
S = "a source"
J = "judgement"

[[steps]]
do = "wave"
low = 20
to = 40
period = "4s"
for = "10s"
say = "Swell."
source = { low = "J", to = "J", period = "J", for = "S" }

[[steps]]
do = "stretch"
for = "30s"
say = "Stretch."
source = { for = "S" }
"""


def load(folder: Path, text: str) -> MuscleProtocol:
    file = folder / "muscle.toml"
    file.write_text(text, encoding="utf-8")
    return library.load_file(file)


def test_a_good_file_loads_and_is_named_after_its_file(tmp_path: Path) -> None:
    loaded = load(tmp_path, GOOD)
    assert (loaded.id, loaded.title, loaded.sided, loaded.peak) == ("muscle", "Muscle", True, 40)


@pytest.mark.parametrize(
    ("good", "bad", "marked", "complaint"),
    [
        ("schema = 1", "schema = 2", "2", "schema: found 2; expected 1, the only version that this program reads"),
        ("schema = 1\n", "", "muscle", "schema: found nothing; expected this key"),
        ('title = "Muscle"\n', "", "schema", "title: found nothing; expected this key"),
        ('title = "Muscle"', "title = 7", "7", "title: found 7; expected text in quotes"),
        (
            'title = "Muscle"',
            'title = "Muscle"\ncolour = "red"',
            "colour",
            "colour: found an unknown key; expected one of sided",
        ),
        ('"moderate"', '"wild"', '"wild"', "ceiling: found 'wild'; expected 'none', 'gentle', 'moderate' or 'strong'"),
        (
            '["Careful."]',
            "[]",
            "[]",
            "cautions: found []; expected Tuple should have at least 1 item after validation, not 0",
        ),
        (
            '{ ceiling = "J" }',
            "{}",
            "{}",
            "source: found no source for 'ceiling'; expected one of S, J for each number",
        ),
        (
            '{ ceiling = "J" }',
            '{ ceiling = "X" }',
            '"X"',
            "source.ceiling: found 'X'; expected a key of [sources]: S, J",
        ),
        ("to = 40\n", "", "steps", "steps.1.to: found nothing; expected this key"),
        ("to = 40", "to = 400", "400", "steps.1.to: found 400; expected less than or equal to 100"),
        ("to = 40", "to = nan", "nan", "steps.1.to: found nan; expected less than or equal to 100"),
        ("low = 20", "low = -1", "-1", "steps.1.low: found -1; expected greater than or equal to 0"),
        ("low = 20", "low = 41", "41", "steps.1.low: found 41; expected at most 40, which is 'to'"),
        (
            'for = "10s"',
            "for = 10",
            "10",
            'steps.1.for: found 10; expected a duration with its unit, such as "45s", "500ms" or "2min"',
        ),
        ('for = "10s"', 'for = "0s"', '"0s"', "steps.1.for: found '0s'; expected more than 0 s and at most 3600 s"),
        (
            'for = "10s"',
            'for = "61min"',
            '"61min"',
            "steps.1.for: found '61min'; expected more than 0 s and at most 3600 s",
        ),
        ('"4s"', '"999ms"', '"999ms"', "steps.1.period: found '999ms'; expected at least 1 s"),
        (
            'do = "wave"',
            'do = "shake"',
            '"shake"',
            "steps.1.do: found 'shake'; expected one of settle, hold, wave, pulse, rest, move, stretch",
        ),
        (
            'do = "wave"\n',
            "",
            "steps",
            "steps.1.do: found nothing; expected one of settle, hold, wave, pulse, rest, move, stretch",
        ),
        (
            ', for = "S" }\n\n',
            " }\n\n",
            '{ low = "J", to = "J", period = "J" }',
            "steps.1.source: found no source for 'for'; expected one of S, J for each number",
        ),
        (
            '{ for = "S" }',
            '{ for = "L9" }',
            '"L9"',
            "steps.2.source.for: found 'L9'; expected a key of [sources]: S, J",
        ),
        (
            '{ for = "S" }',
            '{ for = "S", to = "S" }',
            '{ for = "S", to = "S" }',
            "steps.2.source: found a source for 'to'; expected only for",
        ),
        ('do = "stretch"', 'do = "rest"', '"rest"', "steps.2.do: found 'rest'; expected 'stretch' as the last step"),
        (
            "schema = 1\nmuscle",
            "schema = 2\nsurprise = 1\nmuscle",
            "2",
            "schema: found 2; expected 1, the only version that this program reads (1 more after this one)",
        ),
        ("low = 20", "low = ", "", "found invalid value; expected valid TOML"),
    ],
)
def test_a_bad_file_is_told_in_one_line(tmp_path: Path, good: str, bad: str, marked: str, complaint: str) -> None:
    assert GOOD.count(good) == 1
    with pytest.raises(ProtocolFileError) as told:
        load(tmp_path, GOOD.replace(good, bad))
    assert told.value.file == tmp_path / "muscle.toml"
    assert (pointed_at(told.value), without_place(told.value)) == (marked, complaint)


def test_a_missing_file_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ProtocolFileError, match=r"none\.toml: found no such file or directory; expected a readable"):
        library.load_file(tmp_path / "none.toml")


def test_a_protocol_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        protocol(step("stretch", 5)).title = "Other"  # type: ignore[misc]


def test_every_kind_of_step_is_known() -> None:
    assert KINDS == ("settle", "hold", "wave", "pulse", "rest", "move", "stretch")


def segments(do: str, seconds: float, **numbers: float | str) -> tuple[Segment, ...]:
    return protocol(step(do, seconds, **numbers), step("stretch", 5)).steps[0].segments()


def test_settle_is_one_rising_line() -> None:
    assert segments("settle", 8, to=40) == (Segment(8, 0, 40),)


def test_hold_is_one_level_line() -> None:
    assert segments("hold", 8, to=40) == (Segment(8, 40, 40),)


def test_a_wave_begins_low_and_is_cut_where_the_step_ends() -> None:
    assert segments("wave", 10, low=20, to=40, period="4s") == (
        Segment(2, 20, 40),
        Segment(2, 40, 20),
        Segment(2, 20, 40),
        Segment(2, 40, 20),
        Segment(2, 20, 40),
    )
    assert segments("wave", 3, low=20, to=40, period="4s") == (Segment(2, 20, 40), Segment(1, 40, 30))


def test_a_pulse_rises_at_the_limit_and_falls_at_once() -> None:
    assert segments("pulse", 11, low=20, to=40, on="3s", off="4s") == (
        Segment(2, 20, 40),
        Segment(1, 40, 40),
        Segment(4, 20, 20),
        Segment(2, 20, 40),
        Segment(1, 40, 40),
        Segment(1, 20, 20),
    )


def test_a_pulse_too_short_for_its_height_stays_lower() -> None:
    assert segments("pulse", 3, low=20, to=80, on="2s", off="1s") == (Segment(2, 20, 40), Segment(1, 20, 20))


def test_the_peak_is_what_is_reached_and_not_what_is_written() -> None:
    assert protocol(step("pulse", 3, low=20, to=80, on="2s", off="1s"), step("stretch", 5)).peak == 40


@pytest.mark.parametrize("do", ["rest", "move", "stretch"])
def test_the_motor_is_off_while_nothing_is_pressed(do: str) -> None:
    assert segments(do, 8) == (Segment(8, 0, 0),)


@given(made=protocols())
def test_the_segments_of_a_step_are_as_long_as_the_step(made: MuscleProtocol) -> None:
    for one in made.steps:
        assert sum(segment.seconds for segment in one.segments()) == pytest.approx(one.seconds, abs=1e-4)
        assert all(segment.seconds > 0 for segment in one.segments())
