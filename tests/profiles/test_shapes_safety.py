"""Shapes 13, 29 and 30: what a profile must say about stopping, and where its bytes come from."""

import tomllib

import pytest
from pydantic import ValidationError

from tests.device.made import COMMANDS, LEVELS, PORTS, made
from tests.profiles.shipped import PROFILES, edited
from unknot.profiles.codec import Codec
from unknot.profiles.examples import Example
from unknot.profiles.lines import templates
from unknot.profiles.model import FirmwareProfile
from unknot.profiles.speech import Stop


def test_29_a_profile_without_a_stop_is_none() -> None:
    with pytest.raises(ValidationError, match="stop"):
        made(PORTS, LEVELS, '[commands]\nset_level = { to = "command", frame = "A5 {level:u8}" }\n')


def test_29_a_stop_that_waits_or_needs_to_be_told_something_is_refused() -> None:
    with pytest.raises(ValidationError, match="a stop does not wait"):
        made(PORTS, LEVELS, COMMANDS.replace('"A5 00"', '"A5 00", answer = "status"'))
    told = '[settings.mode]\nfrom = "mode"\n[reports.mode]\nfrom = "status"\nframe = "0B {mode:u8}"\n'
    with pytest.raises(ValidationError, match="a stop must be writable at any time"):
        made(PORTS, LEVELS, COMMANDS.replace("A5 00", "A5 00 {mode:u8}"), told)


def test_29_all_that_the_firmware_does_by_itself_can_be_said() -> None:
    profile = made(PORTS, LEVELS.replace("levels = 5", "levels = 5\nmax_level = 4\nmin_perceptible = 2"), COMMANDS, """
[safety]
auto_off = "15min"
stops_on_disconnect = "no"
persists_last_command = "yes"
stop_repeat = 2
stop_gap = "100ms"
bond = "forbidden"
exclusive = true
""")  # fmt: skip
    safety = profile.safety
    assert (safety.auto_off, safety.stops_on_disconnect, safety.persists_last_command) == (900, "no", "yes")
    assert (safety.stop_repeat, safety.stop_gap, safety.bond, safety.exclusive) == (2, 0.1, "forbidden", True)
    assert (profile.motor.highest, profile.motor.min_perceptible) == (4, 2)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.id)
def test_29_30_every_shipped_profile_can_stop_and_says_where_it_comes_from(profile: FirmwareProfile) -> None:
    assert templates(profile, profile.commands.stop, None)
    assert profile.source
    assert profile.gaps or profile.evidence == "simulated"
    assert any(example.command and "stop" in example.command for example in profile.examples)
    if profile.codec is None:
        assert Codec(profile).encode(Stop())


@pytest.mark.parametrize("example", [
    'command = { up = true }', 'command = { set_level = 5, starting = true, mode = 3 }', "init = 1", "keep_alive = 2",
    'refusal = { busy = { code = 5 } }', 'report = { status = { level = 50 } }',
])  # fmt: skip
def test_30_test_vectors_of_every_kind(example: str) -> None:
    Example.model_validate(tomllib.loads(f'{example}\nbytes = "A5 01"\n'))


def test_30_products_that_were_driven_can_be_named() -> None:
    verified = ('evidence = "simulated"', 'evidence = "verified"')
    named = ("[match]", 'verified_on = ["Ball 2, firmware 1.0.1"]\n\n[match]')
    assert edited("button-ball", verified, named).verified_on == ("Ball 2, firmware 1.0.1",)
    with pytest.raises(ValidationError, match="verified_on: found nothing; expected products it was tried on"):
        edited("button-ball", verified)
    with pytest.raises(ValidationError, match="verified_on: found products beside evidence"):
        edited("button-ball", named)
