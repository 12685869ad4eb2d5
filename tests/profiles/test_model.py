from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.profiles.shipped import BY_ID, PROFILES, edited
from unknot.profiles.gatt import Characteristic
from unknot.profiles.matching import Match
from unknot.profiles.model import FirmwareProfile
from unknot.profiles.writekind import WriteKind

every_profile = pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.id)

LONG = "9a501a2d-594f-4e2b-b123-5f739a2d594f"


def test_a_short_uuid_is_written_out_on_the_base_of_bluetooth() -> None:
    assert Match(names=("x",), services=("180F",)).services == ("0000180f-0000-1000-8000-00805f9b34fb",)


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
