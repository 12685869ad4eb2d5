from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from unknot.profiles.matching import Advertisement, Match, example_advertisement, score, unmet, weigh
from unknot.profiles.variant import Variant

OWN = "9a501a2d-594f-4e2b-b123-5f739a2d594f"
FFE0 = "0000ffe0-0000-1000-8000-00805f9b34fb"
NORDIC_UART = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
ALERT = "00001802-0000-1000-8000-00805f9b34fb"
HY = {"company": 0x4C, "data": "68 79 ?? 03"}
PAYLOAD = bytes.fromhex("68 79 01 03 AA BB CC DD")
"""The stimulator of one app says "hy", its product, its firmware and four bytes of its own."""


def read(**keys: object) -> Match:
    return Match.model_validate(keys)


@pytest.mark.parametrize(
    ("match", "advertisement", "points"),
    [
        (read(), Advertisement("Anything", (OWN,), {1: b""}), 0),
        (read(names=["VibMotor*"]), Advertisement("VibMotor_1"), 2),
        (read(names=["VibMotor*"]), Advertisement("vibmotor"), 0),
        (read(names=["hy[0-9]?"]), Advertisement("hy31"), 2),
        (read(services=[OWN.upper()]), Advertisement("", (OWN,)), 3),
        (read(names=["Pro"], services=["FFE0"]), Advertisement("Pro", (FFE0,)), 5),
        (read(names=["Pro"], services=["FFE0"]), Advertisement("Con", (FFE0,)), 0),
        (read(names=["VibMotor*"], services=[OWN]), Advertisement("renamed", (ALERT, OWN)), 3),
        (read(services=[OWN], company=76), Advertisement("", (OWN,), {76: b""}), 4),
        (read(services=[OWN], company=76), Advertisement("", (OWN,), {77: b""}), 3),
        (read(names=["hy*"], company=76), Advertisement("other", (), {76: PAYLOAD}), 0),
        (read(names=["hy*"], manufacturer={"company": 76}), Advertisement("hy", (), {76: PAYLOAD}), 3),
        (read(names=["Buzz"], services=[NORDIC_UART]), Advertisement("Other", (NORDIC_UART,)), 0),
        (read(names=["Buzz"], services=[NORDIC_UART]), Advertisement("Buzz", (NORDIC_UART,)), 5),
        (read(manufacturer=[HY]), Advertisement("", (), {76: PAYLOAD}), 4),
        (read(manufacturer=[HY]), Advertisement("", (), {76: PAYLOAD[:3]}), 0),
        (read(manufacturer=[HY]), Advertisement("", (), {76: b"\x68\x79\x01\x04"}), 0),
        (read(manufacturer=[HY]), Advertisement("", (), {77: PAYLOAD}), 0),
        (read(manufacturer=[{"company": 1}, HY]), Advertisement("", (), {76: PAYLOAD}), 4),
        (read(manufacturer=[HY], company=76), Advertisement("", (), {76: PAYLOAD}), 5),
        (read(names=["hy*"], manufacturer=[HY]), Advertisement("renamed", (), {76: PAYLOAD}), 4),
        (read(names=["hy*"], services=[OWN], manufacturer=[HY]), Advertisement("hy", (OWN,), {76: PAYLOAD}), 9),
    ],
)
def test_each_rule_that_fits_adds_its_points(match: Match, advertisement: Advertisement, points: int) -> None:
    assert score(match, advertisement) == points
    weighed = weigh(match, advertisement)
    assert points in (0, sum(reason.points for reason in weighed.reasons))
    assert (points > 0) == any(reason.identifies for reason in weighed.reasons)


def test_the_reasons_say_what_fits_in_the_words_of_the_profile() -> None:
    match = read(names=["x", "hy*"], services=[OWN, "FFE0"], manufacturer=[HY], company=76)
    weighed = weigh(match, Advertisement("hy3", (FFE0, OWN), {76: PAYLOAD}))
    assert list(map(str, weighed.reasons)) == [
        "name hy*",
        f"service {OWN} and {FFE0}",
        "manufacturer 0x004c 68 79 ?? 03",
        "company 0x004c",
    ]
    assert [reason.identifies for reason in weighed.reasons] == [True, True, True, False]


def test_what_is_wanted_and_not_shown_is_told() -> None:
    match = read(names=["hy*"], services=[OWN], manufacturer=[HY], exclude={"names": ["RT*"]})
    assert unmet(match, Advertisement("hy1", (OWN,), {76: PAYLOAD})) == ()
    assert unmet(match, Advertisement("RT1")) == (
        "it shows the name RT*, which no ball of this profile does",
        "its name 'RT1' is not hy*",
        f"it does not advertise the service {OWN}",
        "its manufacturer data is not 0x004c 68 79 ?? 03",
    )
    assert unmet(match, Advertisement())[0] == "it advertises no name, so none like hy*"


@pytest.mark.parametrize(
    "exclude",
    [
        {"names": ["RT*"]},
        {"services": ["1802"]},
        {"manufacturer": [{"company": 76}]},
        {"manufacturer": [{"company": 76, "data": "68 79 01"}]},
    ],
)
def test_one_exclusion_that_fits_rules_a_device_out(exclude: dict[str, object]) -> None:
    seen = Advertisement("RT8600S", (OWN, ALERT), {76: PAYLOAD})
    assert score(read(services=[OWN]), seen) == 3
    assert score(read(services=[OWN], exclude=exclude), seen) == 0
    assert score(read(services=[OWN], exclude=exclude), Advertisement("VibMotor", (OWN,))) == 3


@pytest.mark.parametrize(
    ("match", "advertisement"),
    [
        (read(), Advertisement()),
        (read(names=["hy[0-9]*", "EMS"]), Advertisement("hy0")),
        (read(services=["FFE0", OWN]), Advertisement("", (OWN,))),
        (read(names=["x"], company=76), Advertisement("x", (), {76: b""})),
        (read(manufacturer=[{"company": 1}, HY]), Advertisement("", (), {1: b"", 76: b"\x68\x79\x00\x03"})),
        (read(manufacturer=[HY], company=7), Advertisement("", (), {76: b"\x68\x79\x00\x03", 7: b""})),
        (read(names=["hy*"], exclude={"names": ["hy", "hy1"]}), Advertisement("hyx")),
        (read(names=["hy", "EMS"], exclude={"names": ["hy"]}), Advertisement("EMS")),
        (
            read(manufacturer=[HY], exclude={"manufacturer": {"company": 76, "data": "68 79 00"}}),
            Advertisement("", (), {76: b"\x68\x79\x01\x03"}),
        ),
    ],
)
def test_an_example_is_the_simplest_advertisement_that_fits(match: Match, advertisement: Advertisement) -> None:
    assert example_advertisement(match) == advertisement


_NAMES = st.lists(st.sampled_from(["hy*", "hy?", "[0-9]", "VibMotor", "[!h]*", "*[0-9]"]), max_size=2)
_SERVICES = st.lists(st.sampled_from(["FFE0", "1802", OWN]), max_size=2)
_DATA = st.lists(
    st.sampled_from(
        [{"company": 1}, {"company": 76}, HY, {"company": 76, "data": "?? 79"}, {"company": 1, "data": "00"}]
    ),
    max_size=3,
)
_SHOWN = {"names": _NAMES, "services": _SERVICES, "manufacturer": _DATA}


@settings(max_examples=60)
@given(
    keys=st.fixed_dictionaries(
        _SHOWN, optional={"company": st.integers(0, 0xFFFF), "exclude": st.fixed_dictionaries(_SHOWN)}
    )
)
def test_a_match_that_can_be_read_fits_its_own_example(keys: dict[str, object]) -> None:
    try:
        match = Match.model_validate(keys)
    except ValidationError as refused:
        said = ("exclusions that leave something", "nothing but what many dialects share")
        assert any(one in str(refused) for one in said)  # noqa: PT017 - most are read
        return
    shows_something = any(keys[key] for key in _SHOWN) or "company" in keys
    assert (score(match, example_advertisement(match)) > 0) == shows_something


def test_a_pattern_is_shown_as_it_is_written() -> None:
    assert str(read(manufacturer={"company": 1, "data": "6879??0a"}).manufacturer[0].data) == "68 79 ?? 0A"
    assert str(read(manufacturer={"company": 1, "data": "?6 a? ??"}).manufacturer[0].data) == "?6 A? ??"


@pytest.mark.parametrize(("data", "fits"), [("68 31", True), ("68 3F 00", True), ("68 41", False), ("68", False)])
def test_a_half_of_a_byte_may_be_any(data: str, fits: bool) -> None:
    match = read(manufacturer={"company": 76, "data": "?8 3?"})
    assert (score(match, Advertisement("", (), {76: bytes.fromhex(data)})) > 0) is fits


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"names": ["hy["]}, "a pattern of 1 to 64 characters"),
        ({"names": ["x" * 65]}, "a pattern of 1 to 64 characters"),
        ({"names": ["hy"] * 65}, "at most 64 items"),
        ({"services": ["FFE"]}, "a UUID of 4 or 32 hex digits"),
        ({"company": 65536}, "less than or equal to 65535"),
        ({"manufacturer": [{"data": "00"}]}, "company"),
        ({"manufacturer": [{"company": True}]}, "a valid integer"),
        ({"manufacturer": [{"company": 1, "data": ""}]}, "bytes in hex with"),
        ({"manufacturer": [{"company": 1, "data": "?? ??"}]}, "bytes in hex with"),
        ({"manufacturer": [{"company": 1, "data": "6 8"}]}, "bytes in hex with"),
        ({"manufacturer": [{"company": 1, "data": "?6 8g"}]}, "bytes in hex with"),
        ({"manufacturer": [{"company": 1, "data": "68\n79"}]}, "bytes in hex with"),
        ({"manufacturer": [{"company": 1, "data": "00" * 253}]}, "bytes in hex with"),
        ({"manufacturer": [{"company": 1, "data": 68}]}, "bytes in hex with"),
        ({"manufacturer": [{"company": 1, "payload": "00"}]}, "Extra inputs"),
        ({"names": ["*"]}, "a pattern with a character of its own"),
        ({"services": ["FFE0"]}, "services: found nothing but what many dialects share"),
        ({"services": [NORDIC_UART]}, "services: found nothing but what many dialects share"),
        ({"company": 76}, "company: found nothing but what many dialects share"),
        ({"manufacturer": {"company": 76}}, "manufacturer: found nothing but what many dialects share"),
        ({"names": ["hy*"], "exclude": {"names": ["hy*"]}}, "exclude: found all that is matched"),
        ({"names": ["hy*"], "exclude": {"appearance": 1}}, "Extra inputs"),
    ],
)
def test_what_nothing_can_match_is_refused(keys: dict[str, object], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        Match.model_validate(keys)


def test_a_variant_tests_what_the_device_says_about_itself() -> None:
    variant = Variant.model_validate(
        {"model": "WLT825X_H35", "firmware": ">=3", "maker": "*star*", "characteristics": ["2A06"], "without": ["FFE0"]}
    )
    assert variant.model is not None
    assert variant.firmware is not None
    assert not variant.model.fits("WLT825X_H35_S")
    assert variant.firmware.fits("V3.0")
    assert variant.hardware is None
    assert variant.without == (FFE0,)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"firmware": 3}, "a comparison such as"),
        ({"firmware": "=3"}, "a comparison such as"),
        ({"model": "["}, "a pattern of 1 to 64 characters"),
        ({"characteristics": ["FFE0"], "without": ["ffe0"]}, "no characteristic that must be there too"),
        ({"serial": "1"}, "Extra inputs"),
    ],
)
def test_a_variant_that_none_can_be_is_refused(keys: dict[str, object], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        Variant.model_validate(keys)
