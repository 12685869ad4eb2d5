from __future__ import annotations

import contextlib
import math
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from unknot.profiles.conversions import LIST_MAX, OFFSET_MAX, Conversion
from unknot.profiles.rules import Value
from unknot.profiles.scales import WIRE_MAX, Wire

SCALES = "a scale and an offset or a table or words or decimals or points or steps"


def read(**keys: object) -> Conversion:
    return Conversion.model_validate(keys)


PER_MODE = read(by="mode", cases={"1": {"range": [30, 80]}, "2": {"range": [50, 80]}, "4": {"table": [0, 70, 90]}})
"""The EMDR pulser allows other strengths in each mode."""


@pytest.mark.parametrize(
    ("conversion", "value", "wire"),
    [
        (read(), 7, 7),
        (read(scale=1000), 2.9, 2900),
        (read(scale=2.55), 50, 128),
        (read(scale=2.55, round="down"), 50, 127),
        (read(scale=2.55, round="down"), 3, 7),
        (read(scale=1.2, round="down"), 4, 4),
        (read(scale=1.2, round="up"), 4, 5),
        (read(scale=0.05), 500, 25),
        (read(scale=0.01, round="up"), 200, 2),
        (read(scale=10, offset=400), -4.5, 355),
        (read(scale=100), 50, 5000),
        (read(), WIRE_MAX, WIRE_MAX),
        (read(offset=1), 2**53 + 1, 2**53 + 2),
        (read(table=[0, 1750, 2400]), 2, 2400),
        (read(table=["de ad", "BEEF01", ""]), 0, "DE AD"),
        (read(table=["de ad", "BEEF01", ""]), 1, "BE EF 01"),
        (read(table=["de ad", "BEEF01", ""]), 2, ""),
        (read(table=[0, 0x2E, 0x33], read="nearest"), 1, 0x2E),
        (read(points=[[0, 0], [1, 30], [51, 80]]), 0, 0),
        (read(points=[[0, 0], [1, 30], [51, 80]]), 1, 30),
        (read(points=[[0, 0], [1, 30], [51, 80]]), 26, 55),
        (read(points=[[0, 0], [1, 30], [51, 80]]), 51, 80),
        (read(points=[[0, 100], [10, 0]]), 3, 70),
        (read(steps=10, least=20, most=255), 0, 0),
        (read(steps=10, least=20, most=255), 1, 20),
        (read(steps=10, least=20, most=255), 10, 255),
        (read(steps=3, least=10, most=1000), 2, 100),
        (read(names={"0": "relax", "1": "knead"}), "knead", 1),
        (read(names={"0": "relax", "1": "knead"}), 2, 2),
        (read(names={"0": "relax", "1": "knead"}, table=[8, 15]), "knead", 15),
        (read(names={"-1": "cold"}, scale=2), "cold", -2),
    ],
)
def test_a_value_goes_to_the_wire_and_comes_back(conversion: Conversion, value: Value, wire: Wire) -> None:
    assert conversion.to_wire(value) == wire
    assert conversion.from_wire(wire) == value


def test_each_name_may_be_written_as_its_number() -> None:
    assert read(names={"0": "relax", "1": "knead"}).to_wire(1) == 1


@pytest.mark.parametrize(("value", "wire"), [(0.5, 1), (1.5, 2), (2.4, 2), (-0.5, 0), (-0.6, -1), (-1.5, -1), (-5, -5)])
def test_halves_are_rounded_up_on_both_sides_of_nought(value: float, wire: int) -> None:
    assert read().to_wire(value) == wire


@pytest.mark.parametrize(
    ("conversion", "wire", "value"),
    [
        (read(scale=100), 5050, 50.5),
        (read(points=[[0, 0], [10, 100]]), 35, 3.5),
        (read(steps=3, least=10, most=1000), 5, 0.5),
        (read(table=[0, 30, 60], read="nearest"), 44, 1),
        (read(table=[0, 30, 60], read="nearest"), 45, 1),
        (read(table=[0, 30, 60], read="nearest"), 255, 2),
        (read(table=[60, 30, 0], read="nearest"), -7, 2),
    ],
)
def test_an_integer_that_no_whole_value_makes_is_read_as_what_is_there(
    conversion: Conversion, wire: int, value: float
) -> None:
    assert conversion.from_wire(wire) == value


def test_the_range_is_a_bound_for_writing_only() -> None:
    assert read(range=[30, 80]).from_wire(90) == 90


@pytest.mark.parametrize(("value", "wire"), [(29, 30), (30, 30), (55, 55), (80, 80), (1e20, 80), (-1e20, 30)])
def test_beyond_a_range_that_clamps_its_end_is_written(value: float, wire: int) -> None:
    assert read(range=[30, 80], beyond="clamp").to_wire(value) == wire


@pytest.mark.parametrize(("none", "table"), [([0xFF, 0xFFFF], ()), (["ff ff"], ["00"])])
def test_what_means_not_known_is_read_as_none(none: list[Wire], table: list[str]) -> None:
    conversion = read(none=none, table=table) if table else read(none=none)
    assert all(conversion.from_wire(wire) is None for wire in conversion.none)


@pytest.mark.parametrize(
    ("values", "wire"),
    [({"mode": 1, "level": 30}, 30), ({"mode": 2.0, "level": 50}, 50), ({"mode": 4, "level": 2}, 90)],
)
def test_another_slot_decides_which_case_holds(values: dict[str, Value], wire: int) -> None:
    assert PER_MODE.to_wire(values["level"], values) == wire
    assert PER_MODE.from_wire(wire, {"mode": int(values["mode"])}) == values["level"]


@pytest.mark.parametrize(
    ("conversion", "values", "wire"),
    [
        (read(any=["level"]), {"level": 0}, 0),
        (read(any=["level"]), {"level": 0.5}, 1),
        (read(any=["level", "heat"], yes=0, no=1), {"level": 0, "heat": 3}, 0),
        (read(any=["level", "heat"], yes=0, no=1), {"level": 0, "heat": 0}, 1),
        (read(all=["level", "heat"]), {"level": 1, "heat": 0}, 0),
        (read(all=["level", "heat"]), {"level": 1, "heat": 1}, 1),
    ],
)
def test_yes_or_no_follows_from_other_slots(conversion: Conversion, values: dict[str, Value], wire: int) -> None:
    assert conversion.to_wire(0, values) == wire
    assert conversion.from_wire(wire) == int(wire == conversion.yes)


def test_a_conversion_says_which_slots_it_needs() -> None:
    assert read().needs == ()
    assert PER_MODE.needs == ("mode",)
    assert read(any=["level", "heat"]).needs == ("level", "heat")
    assert read(all=["level"]).needs == ("level",)


@pytest.mark.parametrize(
    ("conversion", "value", "values", "expected"),
    [
        (read(table=[0, 1750, 2400]), 3, {}, "a whole number from 0 to 2, as the table has it"),
        (read(table=[0, 1750, 2400]), 0.5, {}, "a whole number from 0 to 2"),
        (read(points=[[0, 0], [1, 30]]), 1.01, {}, "a number from 0 to 1, as the points have it"),
        (read(steps=10, least=20, most=255), 10.1, {}, "a number from 0 to 10, the steps"),
        (read(range=[1200, 5400000]), 0, {}, "a number from 1200 to 5400000"),
        (read(none=[255]), 255, {}, "255 on the wire means that nobody knows"),
        (read(), "knead", {}, "^a number$"),
        (read(names={"0": "relax", "1": "knead"}), "tap", {}, "one of relax, knead, or a number"),
        (read(scale=1e6), 1e20, {}, "at most 64 bits"),
        (read(), 2**64, {}, "at most 64 bits"),
        (PER_MODE, 30, {"mode": 2}, "a number from 50 to 80"),
        (PER_MODE, 30, {"mode": 3}, "mode to be 1 or 2 or 4 beside it, not 3"),
        (PER_MODE, 30, {"mode": "relax"}, "mode to be 1 or 2 or 4 beside it, not 'relax'"),
        (PER_MODE, 30, {}, "mode to be 1 or 2 or 4 beside it, not None"),
        (read(any=["heat"]), 0, {}, "a number for heat beside it, not None"),
        (read(all=["heat"]), 0, {"heat": "on"}, "a number for heat beside it, not 'on'"),
        (read(any=["heat"]), 0, {"heat": math.nan}, "a number for heat beside it, not nan"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(
    conversion: Conversion, value: Value, values: dict[str, Value], expected: str
) -> None:
    with pytest.raises(ValueError, match=expected):
        conversion.to_wire(value, values)


@pytest.mark.parametrize(
    ("conversion", "expected"),
    [
        (read(scale=2.55), "a finite number"),
        (read(), "a finite number"),
        (read(table=[0, 1]), "a whole number from 0 to 1"),
        (read(points=[[0, 0], [1, 30]]), "a number from 0 to 1"),
        (read(steps=10, least=20, most=255), "a number from 0 to 10"),
        (read(range=[0, 1]), "a number from 0 to 1"),
        (read(range=[0, 1], beyond="clamp"), "a finite number"),
        (read(table=[0, 1], range=[0, 1], beyond="clamp"), "a finite number"),
    ],
)
@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 1e300, -(10**400)], ids=["nan", "inf", "-inf", "huge", "a huge integer"]
)
def test_what_is_no_number_or_a_huge_one_is_refused(conversion: Conversion, expected: str, value: float) -> None:
    with pytest.raises(ValueError, match=expected):
        conversion.to_wire(value)


@pytest.mark.parametrize(
    ("conversion", "wire", "expected"),
    [
        (read(table=[0, 1750, 2400]), 1751, "an entry of the table"),
        (read(table=["00", "01"]), "02", "an entry of the table"),
        (read(any=["level"]), 2, "1 for yes or 0 for no"),
        (PER_MODE, 30, "mode to be 1 or 2 or 4"),
        (read(points=[[0, 100], [10, 0]]), 101, "an integer from 100 to 0"),
        (read(steps=10, least=20, most=255), 256, "an integer from 0 to 255"),
        (read(), "00", "an integer of at most 64 bits"),
        (read(scale=2), 10**400, "an integer of at most 64 bits"),
        (read(table=[0, 1], read="nearest"), "00", "an integer of at most 64 bits"),
    ],
)
def test_what_is_never_written_is_not_read(conversion: Conversion, wire: Wire, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        conversion.from_wire(wire)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"table": [1], "offset": 1}, "either a table, or a scale and an offset"),
        ({"points": [[0, 0], [1, 1]], "table": [1], "round": "up"}, "either a table, or points, or a scale and an off"),
        ({"any": ["heat"], "all": ["heat"]}, "either any, or all"),
        ({"by": "mode", "cases": {"1": {}}, "scale": 2}, "either by, or a scale and an offset"),
        ({"read": "nearest"}, "read only beside a table"),
        ({"yes": 2}, "yes only beside any or all"),
        ({"table": [1, 2], "least": 1}, "least only beside steps"),
        ({"cases": {"1": {}}}, "cases only beside by"),
        (
            {"any": ["heat"], "range": [0, 1]},
            f"range only beside {SCALES}",
        ),
        ({"by": "mode", "cases": {"1": {}}, "none": [1]}, "none only beside"),
        ({"beyond": "clamp"}, "a range beside beyond"),
        ({"by": "mode"}, "cases beside by"),
        ({"steps": 10, "least": 20}, "most beside steps"),
        ({"table": []}, "at least 1 item"),
        ({"table": [1, 2, 1]}, "a table in which no value stands twice"),
        ({"table": ["01", "02", "01"]}, "a table in which no value stands twice"),
        ({"table": ["de ad", "DEAD"]}, "a table in which no value stands twice"),
        ({"table": [1, "02"]}, "either integers, or bytes in hex"),
        ({"table": ["0G"]}, "an integer of at most 64 bits, or bytes in hex"),
        ({"table": [True]}, "an integer of at most 64 bits, or bytes in hex"),
        ({"table": [2**64]}, "an integer of at most 64 bits, or bytes in hex"),
        ({"table": ["00" * 513]}, "at most 512 bytes"),
        ({"table": ["00", "01"], "read": "nearest"}, "a table of integers, in which one is nearest"),
        ({"table": list(range(LIST_MAX + 1))}, "at most 4096 items"),
        ({"table": [0, 255], "none": [255]}, "255 either in the table or in none"),
        ({"table": ["00"], "none": [255]}, "none of the same kind as what is written"),
        ({"none": ["FF"]}, "none of the same kind as what is written"),
        ({"points": [[0, 0]]}, "at least 2 items"),
        ({"points": [[0, 0], [0, 1]]}, "points whose values rise"),
        ({"points": [[0, 0], [1, 1], [2, 1]]}, "points whose integers on the wire all rise, or all fall"),
        ({"points": [[0, 0], [1, 2], [2, 1]]}, "points whose integers on the wire all rise, or all fall"),
        ({"points": [[0, 0], [math.nan, 1]]}, "points.1.0"),
        ({"points": [[0, 0], [1, 1.5]]}, "points.1.1"),
        ({"steps": 10, "least": 0, "most": 5}, "least"),
        ({"steps": 1, "least": 1, "most": 5}, "greater than or equal to 2"),
        ({"steps": 10, "least": 20, "most": 20}, "most is more than their least"),
        ({"steps": 10, "least": 1, "most": 5}, "fewer steps: two of 10 are the same"),
        ({"range": [2, 1]}, "a range from the least to the greatest"),
        ({"range": [0, math.inf]}, "range.1"),
        ({"range": [math.nan, 1]}, "range.0"),
        ({"scale": math.nan}, "scale"),
        ({"scale": "2"}, "scale"),
        ({"scale": 10**400}, "scale"),
        ({"scale": True}, "scale"),
        ({"offset": OFFSET_MAX + 1}, "offset"),
        ({"names": {"x": "relax"}}, "a whole number, such as 3"),
        ({"names": {"01": "relax"}}, "a whole number, such as 3"),
        ({"names": {"1.0": "relax"}}, "a whole number, such as 3"),
        ({"names": {"0": "relax", "1": "relax"}}, "names of which none stands twice"),
        ({"names": {"0": "re\nlax"}}, "a name of printable characters"),
        ({"names": {"0": ""}}, "a name of printable characters"),
        ({"names": {"0": "x" * 65}}, "at most 64 characters"),
        ({"by": "mode", "cases": {"one": {}}}, "a whole number, such as 3"),
        ({"by": "mode", "cases": {}}, "at least 1 item"),
        ({"by": "Mode", "cases": {"1": {}}}, "a name of lower-case letters"),
        ({"by": "mode", "cases": {"1": {"any": ["heat"]}}}, "a line, a table, points or steps in case 1, not any"),
        ({"by": "mode", "cases": {"1": {"by": "heat", "cases": {"1": {}}}}}, "in case 1, not by"),
        ({"any": []}, "at least 1 item"),
        ({"any": ["heat", "heat"]}, "each slot in any once"),
        ({"all": ["1"]}, "a name of lower-case letters"),
        ({"any": ["heat"], "yes": 0}, "yes and no that differ"),
        ({"rate": 1}, "Extra inputs"),
        ({"round": "even"}, "'nearest', 'down' or 'up'"),
    ],
)
def test_what_is_no_conversion_is_refused_while_it_is_read(keys: dict[str, object], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        Conversion.model_validate(keys)


@given(
    scale=st.floats(1e-6, 1e6),
    offset=st.integers(-1000, 1000),
    rounding=st.sampled_from(["nearest", "down", "up"]),
    wire=st.integers(-(2**31), 2**32 - 1),
)
def test_what_is_read_from_a_line_is_written_as_the_same_integer(
    scale: float, offset: int, rounding: str, wire: int
) -> None:
    conversion = read(scale=scale, offset=offset, round=rounding)
    value = conversion.from_wire(wire)
    assert value is not None
    assert conversion.to_wire(value) == wire


@given(scale=st.floats(1, 1e6), rounding=st.sampled_from(["nearest", "down", "up"]), value=st.integers(-(2**16), 2**16))
def test_a_line_that_spreads_values_loses_none(scale: float, rounding: str, value: int) -> None:
    conversion = read(scale=scale, round=rounding)
    assert conversion.from_wire(conversion.to_wire(value)) == value


@given(data=st.data(), falls=st.booleans())
def test_every_integer_between_the_points_is_read_and_written_again(data: st.DataObject, *, falls: bool) -> None:
    values = sorted(data.draw(st.sets(st.integers(-1000, 1000), min_size=2, max_size=6)))
    wires = data.draw(st.sets(st.integers(0, 65535), min_size=len(values), max_size=len(values)))
    conversion = read(points=[list(point) for point in zip(values, sorted(wires, reverse=falls), strict=True)])
    wire = data.draw(st.integers(min(wires), max(wires)))
    value = conversion.from_wire(wire)
    assert value is not None
    assert conversion.to_wire(value) == wire
    written = [conversion.to_wire(value) for value in range(values[0], values[-1] + 1)]
    assert written == sorted(written, reverse=falls)


@given(steps=st.integers(2, 20), least=st.integers(1, 255), most=st.integers(2, 65535), wire=st.integers(0, 65535))
def test_every_integer_up_to_the_most_is_read_as_a_step_and_written_again(
    steps: int, least: int, most: int, wire: int
) -> None:
    assume(wire <= most)
    try:
        conversion = read(steps=steps, least=least, most=most)
    except ValidationError:
        assume(False)
    value = conversion.from_wire(wire)
    assert value is not None
    assert conversion.to_wire(value) == wire
    wires = [conversion.to_wire(step) for step in range(steps + 1)]
    assert [conversion.from_wire(one) for one in wires] == list(range(steps + 1))
    factors = [int(after) / int(before) for before, after in pairwise(wires[1:])]
    assert max(factors) - min(factors) <= 2 / least  # what rounding costs


_ANY = st.recursive(
    st.one_of(
        st.integers(), st.floats(), st.text(max_size=4), st.booleans(), st.sampled_from(["FF", "mode", "up", 10**400])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*Conversion.model_fields, "1", "2"]), inner, max_size=3),
    ),
    max_leaves=6,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(  # the first text ever builds a table of Unicode, hence no deadline
    keys=st.dictionaries(st.sampled_from([*Conversion.model_fields]), _ANY, max_size=3),
    value=st.one_of(st.integers(), st.floats(), st.text(max_size=4)),
    wire=st.one_of(st.integers(), st.text(max_size=4)),
)
def test_no_file_and_no_value_raises_anything_but_a_value_error(
    keys: dict[str, object], value: Value, wire: Wire
) -> None:
    try:
        conversion = Conversion.model_validate(keys)
    except ValidationError:
        return
    others = {"mode": 1}
    with contextlib.suppress(ValueError):
        assert isinstance(conversion.to_wire(value, others), int | str)
    with contextlib.suppress(ValueError):
        assert isinstance(conversion.from_wire(wire, others), float | int | str | None)


def test_cases_within_cases_without_end_are_refused() -> None:
    keys: dict[str, object] = {"scale": 1}
    for _ in range(300):
        keys = {"by": "mode", "cases": {"1": keys}}
    with pytest.raises(ValidationError):
        Conversion.model_validate(keys)
