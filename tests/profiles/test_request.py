from __future__ import annotations

import pytest

from tests.profiles.shipped import BY_ID, PROFILES, edited
from unknot.errors import UsageError
from unknot.profiles import request, vocabulary
from unknot.profiles.model import FirmwareProfile


def written(profile: FirmwareProfile, words: str) -> list[str]:
    said = request.say(profile, request.understood(profile, words.split()))
    return [write.data.hex(" ").upper() for one in said for write in one.writes]


@pytest.mark.parametrize(
    ("profile", "words", "bytes_"),
    [
        ("open-ball", "set_level=50 lease=3s sequence=7", ["01 07 32 B8 0B"]),
        ("button-ball", "stop", ["A5 00 A5"]),
        ("ems-v2", "lease=10min set_level=5", ["68 79 00 0B 01 02 05 32 21 0D 0A",
                                                 "68 79 00 0D 01 0B 01 02 58 48 7D 0D 0A"]),
        ("ems-v2", "init=1", ["68 79 00 0A 01 0A B2 1A 0D 0A"]),
        ("theragun-4", "keep_alive=1", ["AA 10 10 00"]),
    ],
)  # fmt: skip
def test_writes_what_documents_and_recordings_have(profile: str, words: str, bytes_: list[str]) -> None:
    assert written(BY_ID[profile], words) == bytes_


@pytest.mark.parametrize("profile", [one for one in PROFILES if one.codec is None], ids=lambda one: one.id)
def test_every_example_of_a_command_can_be_asked_for(profile: FirmwareProfile) -> None:
    for example in profile.examples:
        if example.command is None:
            continue
        words = []
        for key, value in example.command.items():
            words.append(key if value is True else f"{key}={value}s" if key == "lease" else f"{key}={value}")
        assert written(profile, " ".join(words)) == [data.hex(" ").upper() for data in example.writes]


@pytest.mark.parametrize("profile", PROFILES, ids=lambda one: one.id)
def test_all_that_can_be_said_is_listed(profile: FirmwareProfile) -> None:
    heads = [line.split()[0].partition("=")[0] for line in request.usable(profile)]
    assert heads == [name.partition(" ")[0] for name in vocabulary.said(profile)]


def test_a_write_in_pieces_is_explained_as_one_frame() -> None:
    pieced = edited("button-ball", ('write = "request"', 'write = "request", pieces = [2, 1]'))
    (said,) = request.say(pieced, request.understood(pieced, ["set_level=3"]))
    assert [write.data for write in said.writes] == [b"\xa5\x03", b"\xa6"]
    assert said.frame == b"\xa5\x03\xa6"
    assert [piece.meaning for piece in said.pieces] == ["fixed", "level 3", "xor8 over bytes 0 to 1"]


def test_what_starts_the_motor_goes_first() -> None:
    profile = edited("button-ball", ("[commands]\n", '[commands]\nstart = { to = "level", frame = "A6" }\n'))
    assert written(profile, "set_level=3 starting") == ["A6", "A5 03 A6"]
    assert written(profile, "start") == ["A6"]


def test_what_the_ball_must_tell_first_can_be_given_and_is_asked_for() -> None:
    profile = edited(
        "button-ball",
        ("[commands]\n", '[settings]\nkey = { from = "key" }\n\n[commands]\n'),
        ('"A5 {level:u8} {xor8:0..}"', '"A5 {level:u8} {key:u8}"'),
        ("[reports]\n", '[reports]\nkey = { from = "level", frame = "5B {key:u8}" }\n'),
    )
    assert written(profile, "set_level=3 key=9") == ["A5 03 09"]
    with pytest.raises(UsageError, match=r"^set_level: add key=… \(the ball tells key in its report key\)$"):
        written(profile, "set_level=3")
    assert request.usable(profile) == ("stop", "set_level=1..4 key=…")


WRONG = [
    ("set_level=101", "set_level is a level from 1 to 100, found '101'"),
    ("set_level=0", "set_level is a level from 1 to 100, found '0'"),
    ("set_level=1.5", "set_level is a level from 1 to 100, found '1.5'"),
    ("set_level", "set_level needs a value: set_level=1, for example"),
    ("set_levl=3", "open-ball has no command 'set_levl'; did you mean 'set_level'?"),
    ("zzz", "open-ball has no command 'zzz'; it can say: stop, set_level"),
    ("lease=2s", "open-ball has no command in these words; it can say: stop, set_level"),
    ("stop=1", "stop takes no value, found '1'"),
    ("stop set_level=3", "one command at a time, found stop and set_level"),
    ("stop stop", "one command at a time, found stop and stop"),
    ("set_level=3 leas=2s", "set_level has no slot 'leas' to fill; did you mean 'lease'?"),
    ("set_level=3 zone=2", "set_level has no slot 'zone' to fill; there are: sequence, lease"),
    ("stop lease=2s", "stop has no slot 'lease' to fill; there are: sequence"),
    ("set_level=3 lease", "lease needs a value: lease=2s, for example"),
    ("set_level=3 lease=2h", 'lease is a number of seconds, or a duration with its unit, such as "45s", "500ms" or '
                             '"2min", found \'2h\''),
    ("set_level=3 lease=-2", 'lease is a number of seconds, or a duration with its unit, such as "45s", "500ms" or '
                             '"2min", found \'-2\''),
    ("set_level=0x65", "set_level is a level from 1 to 100, found '0x65'"),
    ("set_level=0x", "set_level is a level from 1 to 100, found '0x'"),
    ("set_level=3 sequence=x", "sequence is a whole number, found 'x'"),
    ("set_level=3 sequence=256", "set_level: sequence = 256 does not fit: allowed is an integer from 0 to 255"),
    ("set_level=3 lease=66", "set_level: lease = 66.0 does not fit: allowed is at most 5 s, the longest lease"),
    ("set_level=3 sequence=1 sequence=2", "a word stands twice"),
    ("set_level=3 starting", "starting goes beside set_level, in a profile with the command start; this is set_level"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "told"), WRONG, ids=[words for words, _ in WRONG])
def test_what_cannot_be_said_is_refused_in_a_sentence(words: str, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        written(BY_ID["open-ball"], words)
    assert str(refused.value) == told


def test_steps_of_the_dialogue_are_numbered_from_one() -> None:
    with pytest.raises(UsageError, match=r"^ems-v2 has only init=1 to say, found '2'$"):
        written(BY_ID["ems-v2"], "init=2")
    with pytest.raises(UsageError, match=r"^ems-5a has only init=1 and init=2 to say, found 'x'$"):
        written(BY_ID["ems-5a"], "init=x")
    with pytest.raises(UsageError, match=r"^open-ball has no command 'init'"):
        written(BY_ID["open-ball"], "init=1")


def test_a_command_without_slots_says_so() -> None:
    with pytest.raises(UsageError, match=r"^stop has no slot to fill, found 'level'$"):
        written(BY_ID["button-ball"], "stop level=2")


@pytest.mark.parametrize(
    ("words", "same"),
    [
        ("set_level=0x32 lease=3s", "set_level=50 lease=3000ms"),
        ("set_level=50 lease=3 sequence=0XfF", "set_level=50 lease=3s sequence=255"),
        ("set_level=50 lease=0.5", "set_level=50 lease=500ms"),
    ],
)
def test_numbers_may_be_hex_and_a_lease_plain_seconds(words: str, same: str) -> None:
    assert written(BY_ID["open-ball"], words) == written(BY_ID["open-ball"], same)


def test_what_two_settings_lack_is_told_by_the_report_that_has_them() -> None:
    lacking = r"^set_level: add zone=… mode=… \(the ball tells zone and mode in its report heartbeat\)$"
    with pytest.raises(UsageError, match=lacking):
        written(BY_ID["ems-v2-minutes"], "set_level=3")
    with pytest.raises(UsageError, match=r"^set_level: add mode=… \(the ball tells mode in its report heartbeat\)$"):
        written(BY_ID["ems-v2-minutes"], "set_level=3 zone=2")


def test_what_a_keep_alive_takes_from_a_report_is_asked_for_all_at_once() -> None:
    with pytest.raises(UsageError, match=r"^keep_alive 2: add channel=… mode=…$"):
        written(BY_ID["ems-5a"], "keep_alive=2")
    with pytest.raises(UsageError, match=r"^keep_alive 2: add mode=…$"):
        written(BY_ID["ems-5a"], "keep_alive=2 channel=1")


def test_a_missing_codec_plug_in_is_told() -> None:
    sealed = edited("button-ball", ('evidence = "simulated"', 'evidence = "simulated"\ncodec = "no-such-plug-in"'))
    with pytest.raises(
        UsageError, match=r"^stop: this firmware speaks in a cipher, and the codec plug-in 'no-such-plug-in'"
    ):
        written(sealed, "stop")
