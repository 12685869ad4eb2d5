from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.profiles.shipped import BY_ID, PROFILES, edited
from unknot.profiles.model import Characteristic, Conversion, FirmwareProfile, Match, WriteKind

every_profile = pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.id)

LONG = "9a501a2d-594f-4e2b-b123-5f739a2d594f"


def test_a_short_uuid_is_written_out_on_the_base_of_bluetooth() -> None:
    assert Match(services=("180F",)).services == ("0000180f-0000-1000-8000-00805f9b34fb",)


def test_a_long_uuid_is_kept_in_lower_case() -> None:
    assert Match(services=(LONG.upper(),)).services == (LONG,)


@pytest.mark.parametrize(
    "uuid", ["", "18", "0000180F", "180G", f"{{{LONG}}}", LONG.replace("-", ""), f"{LONG}\n", 6159]
)
def test_what_is_no_uuid_is_refused(uuid: str) -> None:
    with pytest.raises(ValidationError, match="a UUID of 4 or 32 hex digits"):
        Match(services=(uuid,))


def test_kinds_of_write_are_one_word_or_a_list_whose_order_is_kept() -> None:
    for write, kinds in (
        ("request", (WriteKind.REQUEST,)),
        (["command", "request"], (WriteKind.COMMAND, WriteKind.REQUEST)),
        (["request", "command"], (WriteKind.REQUEST, WriteKind.COMMAND)),
    ):
        given_by = {"service": "FFE0", "characteristic": "FFE1", "write": write}
        assert Characteristic.model_validate(given_by).write == kinds


@every_profile
def test_a_profile_cannot_be_changed(profile: FirmwareProfile) -> None:
    for key in FirmwareProfile.model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(profile, key, getattr(profile, key))


@pytest.mark.parametrize(
    ("conversion", "value", "wire"),
    [
        (Conversion(), 7, 7),
        (Conversion(scale=1000), 2.9, 2900),
        (Conversion(scale=100), 50, 5000),
        (Conversion(scale=2.55), 50, 128),
        (Conversion(scale=2.55), 100, 255),
        (Conversion(scale=0.04), 75, 3),
        (Conversion(offset=1), 7, 8),
        (Conversion(scale=10, offset=400), -4.5, 355),
        (Conversion(scale=10), -4.5, -45),
        (Conversion(table=(0, 1750, 2400)), 2, 2400),
    ],
)
def test_a_value_goes_to_the_wire_and_comes_back(conversion: Conversion, value: float, wire: int) -> None:
    assert conversion.to_wire(value) == wire
    assert conversion.from_wire(wire) == value


@pytest.mark.parametrize(("value", "wire"), [(0.5, 1), (1.5, 2), (2.4, 2), (-0.5, 0), (-0.6, -1), (-1.5, -1), (-5, -5)])
def test_halves_are_rounded_up_on_both_sides_of_nought(value: float, wire: int) -> None:
    assert Conversion().to_wire(value) == wire


def test_an_integer_that_no_whole_value_makes_reads_as_the_quotient() -> None:
    assert Conversion(scale=100).from_wire(5050) == 50.5


@given(
    scale=st.floats(1e-6, 1e6),
    offset=st.integers(-1000, 1000),
    wire=st.integers(0, 0xFFFF),
)
def test_what_is_read_from_the_wire_is_written_as_the_same_integer(scale: float, offset: int, wire: int) -> None:
    conversion = Conversion(scale=scale, offset=offset)
    assert conversion.to_wire(conversion.from_wire(wire)) == wire


@pytest.mark.parametrize("value", [-1, 3, 0.5, float("nan"), float("inf")])
def test_a_value_beside_the_table_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="a whole number from 0 to 2, as the table has it"):
        Conversion(table=(0, 1750, 2400)).to_wire(value)


def test_an_integer_beside_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        Conversion(table=(0, 1750, 2400)).from_wire(1751)


def test_what_a_profile_leaves_out_is_not_claimed() -> None:
    safety = BY_ID["theragun-4"].safety
    assert (safety.lease, safety.auto_off, safety.stops_on_disconnect, safety.button) == (
        None,
        None,
        "unknown",
        "unknown",
    )
    assert (safety.stop_repeat, safety.stop_gap) == (1, 0.1)


def test_one_write_and_a_list_of_one_are_the_same() -> None:
    one = 'stop = { to = "level", frame = "A5 00 A5" }'
    listed = edited("button-ball", (one, 'stop = [{ to = "level", frame = "A5 00 A5" }]')).commands.stop
    assert [(write.to, write.frame.template) for write in listed] == [("level", "A5 00 A5")]
    assert len(BY_ID["button-ball"].commands.stop) == 1
