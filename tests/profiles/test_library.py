from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.carets import pointed_at, without_place
from tests.profiles.shipped import FILES, PROFILES, edited_text, save
from unknot.datafile import MAX_BYTES
from unknot.errors import ProfileFileError, UnknownNameError
from unknot.profiles import library
from unknot.profiles.model import Evidence, FirmwareProfile

GOOD = "button-ball"


def refusal(file: Path) -> ProfileFileError:
    """What the library says about a wrong file."""
    with pytest.raises(ProfileFileError) as caught:
        library.load_file(file)
    assert caught.value.file == file
    return caught.value


# What is there.


def test_every_shipped_file_is_known_by_its_own_name() -> None:
    assert len(FILES) > 1
    assert {file.stem: file for file in FILES} == library.files()
    assert [profile.id for profile in library.load_all()] == sorted(file.stem for file in FILES)


def test_the_default_is_one_of_them() -> None:
    assert library.load(library.DEFAULT).id == library.DEFAULT


def test_the_owners_own_profile_is_found_by_its_id(own_files: Path) -> None:
    folder = own_files / library.FOLDER
    folder.mkdir()
    save(folder, "my-ball", edited_text(GOOD, (f'id = "{GOOD}"', 'id = "my-ball"')))
    assert library.load("my-ball").id == "my-ball"
    assert len(library.load_all()) == len(FILES) + 1


def test_the_owners_own_profile_replaces_a_shipped_one(own_files: Path) -> None:
    folder = own_files / library.FOLDER
    folder.mkdir()
    save(folder, GOOD, edited_text(GOOD, ('name = "Button ball (made up)"', 'name = "Mine"')))
    assert library.load(GOOD).name == "Mine"
    assert len(library.load_all()) == len(FILES)


def test_a_name_that_ends_in_toml_is_a_file(tmp_path: Path) -> None:
    file = save(tmp_path, GOOD, edited_text(GOOD, ('name = "Button ball (made up)"', 'name = "In a file"')))
    assert library.load(str(file)).name == "In a file"


def test_an_unknown_name_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError) as caught:
        library.load("theragun-5")
    assert str(caught.value) == "no profile is called 'theragun-5'; did you mean theragun-4?"


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.id)
def test_only_a_verified_profile_is_used_without_a_word(profile: FirmwareProfile) -> None:
    cautions = {evidence: library.caution(profile.model_copy(update={"evidence": evidence})) for evidence in Evidence}
    assert cautions.pop(Evidence.VERIFIED) == ""
    assert len(set(cautions.values())) == len(Evidence) - 1
    assert all(
        caution.startswith(f"profile {profile.id} was ") or "is simulated" in caution for caution in cautions.values()
    )


# Wrong files: an edit of a good one, what is pointed at, and the one line about it.

LEVEL = 'frame = "A5 {level:u8} {xor8:0..}"'
LEVEL_ROLE = (
    '{ service = "b0a71001-6b1e-4f3d-9c58-7e2d41a90f36", characteristic = "b0a71002-6b1e-4f3d-9c58-7e2d41a90f36", '
    "notify = true, read = true }"
)
STOP_EXAMPLE = '[[examples]]\ncommand = { stop = true }\nbytes = "A5 00 A5"\n'
UNKNOWN = (
    ": found an unknown key; expected one of kind, verified_on, codec, cipher, variant, settings, values, sequence, "
    "init, keep_alive, refusals"
)
UUID = '; expected a UUID of 4 or 32 hex digits, such as "180F" or "9A501A2D-594F-4E2B-B123-5F739A2D594F"'
DURATION = '; expected a duration with its unit, such as "45s", "500ms" or "2min"'
WORDS = '; expected lower-case words and digits joined by hyphens, such as "open-ball"'
TYPES = "expected u8, i8, u16le, u16be (so up to 64 bits), dec, dec3, hex2, text, text16, cstring, bytes, bytes4 or b4"
HIGHEST = "(refused: button-ball has the levels 1 to 4 and a stop, not a level 5)"
HEX = '; expected bytes in hex, such as "55 01 AA", or printable ASCII in single quotes, such as "\'STOP\' 0A"'
SHOWN = "at least one for everything that is said and told"
A_FRAME = "a frame template in a string, or a table with json or lines"
COMMAND = (
    "set_level = LEVEL, or stop = true, start = true, up = true, down = true, next = true, toggle = true; "
    "other slots beside it"
)

QUOTES = 'found a " too few or too many in this line; expected a " before and behind each text'

EDITS = [
    ("schema = 1", "", "id", "schema: found nothing; expected this key"),
    ("schema = 1", "schema = 2", "2", "schema: found 2; expected 1, the only version that this program reads"),
    ("schema = 1", 'schema = "1"', '"1"', "schema: found '1'; expected a whole number"),
    ("schema = 1", "schema = true", "true", "schema: found true; expected a whole number"),
    ("schema = 1", "schema = 1\ncolour = 3", "colour", "colour" + UNKNOWN),
    ("schema = 1", '"a\\nb" = 3\nschema = 1', '"a\\nb"', "'a\\nb'" + UNKNOWN),
    (f'id = "{GOOD}"', 'id = "ball"', '"ball"', f"id: found 'ball'; expected '{GOOD}', the file's own name"),
    (f'id = "{GOOD}"', 'id = "Ball 1"', '"Ball 1"', "id: found 'Ball 1'" + WORDS),
    (
        'evidence = "simulated"',
        'evidence = "sure"',
        '"sure"',
        "evidence: found 'sure'; expected 'simulated', 'documented', 'captured' or 'verified'",
    ),
    ('gaps = ["levels', 'gaps = [1, "levels', "1", "gaps.1: found 1; expected text in quotes"),
    (
        'names = ["ButtonBall*"]',
        "company = 65536",
        "65536",
        "match.company: found 65536; expected less than or equal to 65535",
    ),
    (
        'names = ["ButtonBall*"]',
        'name = "ButtonBall*"',
        "name",
        "match.name: found an unknown key;"
        " expected one of names, services, company, manufacturer, exclude; did you mean 'names'?",
    ),
    (
        "battery = { service",
        "Battery = { service",
        "Battery",
        "gatt.Battery: found 'Battery'; expected a name of lower-case letters, digits and underscores",
    ),
    ('service = "180F"', 'service = "18F"', '"18F"', "gatt.battery.service: found '18F', 3 hex digits" + UUID),
    (
        'characteristic = "2A19", ',
        "",
        '{ service = "180F", notify = true, read = true }',
        "gatt.battery.characteristic: found nothing; expected a UUID, a list of them, or or_first = true",
    ),
    (
        'write = "request"',
        'write = "response"',
        '"response"',
        "gatt.level.write: found 'response';"
        ' expected "request", for the property "write", or "command", for "write without response"',
    ),
    (
        'write = "request", ',
        "",
        LEVEL_ROLE,
        'gatt.level.write: found nothing; expected "request", "command" or a list of both',
    ),
    (
        'characteristic = "2A19", notify = true',
        'characteristic = "2A19", notify = "yes"',
        '"yes"',
        "gatt.battery.notify: found 'yes'; expected true or false",
    ),
    (
        'characteristic = "2A19", notify = true, read = true',
        'characteristic = "2A19"',
        '{ service = "180F", characteristic = "2A19" }',
        "gatt.battery: found neither notify nor read; expected notify, indicate or read = true",
    ),
    ("levels = 4", "levels = 0", "0", "motor.levels: found 0; expected greater than or equal to 1"),
    ("levels = 4", "levels = 256", "256", "motor.levels: found 256; expected less than or equal to 255"),
    ("levels = 4", 'levels = "4"', '"4"', "motor.levels: found '4'; expected a whole number"),
    ("levels = 4", "levels = 4.0", "4.0", "motor.levels: found 4.0; expected a whole number"),
    (
        "levels = 4",
        "levels = 4\nhz = [20, 30]",
        "[20, 30]",
        "motor.hz: found 2 figures; expected 4, one per level from 1",
    ),
    ("levels = 4", "levels = 4\nhz = [20, 30, 40, 0]", "0", "motor.hz.4: found 0; expected greater than 0"),
    ("[motor]\nlevels = 4\n", "", "schema", "motor: found nothing; expected this key"),
    (
        "levels = 4",
        "levels = 4\n[values]\nlevel = { table = [0, 1, 2, 3] }",
        "[0, 1, 2, 3]",
        "values.level.table: found 4 entries; expected 5, for the levels 0 to 4",
    ),
    (
        "levels = 4",
        "levels = 4\n[values]\nlevel = { table = [0, 1, 2, 3, 3] }",
        "3",
        "values.level.table.5: found 3 twice, for 3 and for 4; expected a table in which no value stands twice",
    ),
    (
        "levels = 4",
        "levels = 4\n[values]\nlevel = { table = [0, 1, 2, 3, 4], offset = 1 }",
        "{ table = [0, 1, 2, 3, 4], offset = 1 }",
        "values.level: found a table beside a scale and an offset; expected either a table, or a scale and an offset",
    ),
    (
        "levels = 4",
        "levels = 4\n[values]\nlevel = { scale = 0.4 }",
        "{ scale = 0.4 }",
        "values.level: found level 1, which reads back as 0; expected a value of its own per level",
    ),
    (
        "levels = 4",
        "levels = 4\n[values]\nlevel = { scale = inf }",
        "inf",
        "values.level.scale: found inf; expected less than or equal to 1000000",
    ),
    (
        "levels = 4",
        "levels = 4\n[values]\nlevels = { scale = 2 }",
        "levels",
        "values.levels: found a value that no frame has; expected battery or level; did you mean 'level'?",
    ),
    (
        f'set_level = {{ to = "level", {LEVEL} }}',
        "",
        "commands",
        "commands.set_level: found nothing; expected set_level, or the relative commands up and down, next or toggle",
    ),
    (
        f'set_level = {{ to = "level", {LEVEL} }}',
        "set_level = []",
        "[]",
        "commands.set_level: found []; expected at least one write",
    ),
    ('to = "level"', 'to = "motor"', '"motor"', "commands.set_level.to: found 'motor'; expected level or battery"),
    (
        'to = "level"',
        'to = "battery"',
        '{ service = "180F", characteristic = "2A19", notify = true, read = true }',
        'gatt.battery.write: found nothing; expected "request", "command" or a list of both',
    ),
    (
        LEVEL,
        'frame = "A5 {level:u9}"',
        "9",
        "commands.set_level.frame: found 'A5 {level:u9}', character 12; " + TYPES,
    ),
    (LEVEL, "frame = 5", "5", "commands.set_level.frame: found 5; expected " + A_FRAME),
    (
        LEVEL,
        'frame = "A5 03 A6"',
        '{ to = "level", frame = "A5 03 A6" }',
        "commands.set_level: found no slot for the level; expected a frame with {level:…}",
    ),
    (
        LEVEL,
        'frame = "A5 {level:u8} {mode:u8}"',
        "mode",
        "commands.set_level.frame: found a slot 'mode';"
        " expected no slots but lease, level, running, sequence, or a value for mode in [settings]",
    ),
    (
        LEVEL,
        'frame = "A5 {level:u8} {lease:u8}"',
        "safety",
        "safety.lease: found nothing; expected a duration, because a frame has a {lease:…} to fill",
    ),
    (
        LEVEL,
        'frame = "A6 {level:u8} {xor8:0..}"',
        "A5",
        "examples.1.bytes: found A5 as byte 0; expected A6, fixed in the frame, as the frames make of set_level = 3",
    ),
    ('from = "battery"', 'from = "akku"', '"akku"', "reports.battery.from: found 'akku'; expected level or battery"),
    ('auto_off = "15min"', "auto_off = 900", "900", "safety.auto_off: found 900" + DURATION),
    (
        'stops_on_disconnect = "no"',
        "stops_on_disconnect = false",
        "false",
        "safety.stops_on_disconnect: found false; expected 'yes', 'no' or 'unknown'",
    ),
    ('button = "cycle"', "stop_repeat = 6", "6", "safety.stop_repeat: found 6; expected less than or equal to 5"),
    (
        'bytes = "A5 03 A6"',
        'bytes = "A5 03 A7"',
        "A7",
        "examples.1.bytes: found A7 as byte 2;"
        " expected A6, xor8 over bytes 0 to 1 ({xor8:0..}), as the frames make of set_level = 3",
    ),
    (
        'bytes = "A5 03 A6"',
        'bytes = ["A5", "03 A6"]',
        '["A5", "03 A6"]',
        "examples.1.bytes: found 2 writes (A5, 03 A6);"
        " expected 1 write (A5 03 A6), as the frames make of set_level = 3",
    ),
    (
        'bytes = "A5 03 A6"',
        'bytes = "A5 03 A"',
        "A",
        "examples.1.bytes: found one hex digit where two make a byte" + HEX,
    ),
    ('bytes = "A5 03 A6"\n', "", "examples", "examples.1.bytes: found nothing; expected this key"),
    (
        "{ set_level = 3 }",
        "{ set_level = 5 }",
        "{ set_level = 5 }",
        "examples.1.command: found set_level = 5; expected something that can be encoded " + HIGHEST,
    ),
    (
        "{ set_level = 3 }",
        '{ set_level = "3" }',
        '{ set_level = "3" }',
        "examples.1.command: found { set_level = '3' }; expected " + COMMAND,
    ),
    (
        "{ set_level = 3 }",
        "{ set_level = 3.9 }",
        "{ set_level = 3.9 }",
        "examples.1.command: found { set_level = 3.9 }; expected " + COMMAND,
    ),
    (
        "{ set_level = 3 }",
        "{ set_level = 3, mode = 1 }",
        "mode",
        "examples.1.command.mode: found an unknown slot;"
        " expected down or lease or level or next or sequence or set_level or start or starting or stop or "
        "toggle or up",
    ),
    (
        "{ set_level = 3 }",
        "{ set_level = 3, stop = true }",
        "{ set_level = 3, stop = true }",
        "examples.1.command: found { set_level = 3, stop = true }; expected " + COMMAND,
    ),
    (
        "{ stop = true }",
        "{ stop = false }",
        "{ stop = false }",
        "examples.2.command: found { stop = false }; expected " + COMMAND,
    ),
    (
        "command = { stop = true }\n",
        "",
        "examples",
        "examples.2: found no meaning; expected one of command, init, keep_alive, report or refusal",
    ),
    (
        STOP_EXAMPLE,
        "",
        "examples",
        "examples: found none for 'stop'; expected at least one for everything that is said and told",
    ),
    (
        "{ level = { level = 2 } }",
        "{ level = { level = 3 } }",
        "3",
        "examples.3.report.level.level: found 3; expected 2, as the bytes say, in byte 1 ({level:u8})",
    ),
    (
        "{ level = { level = 2 } }",
        "{ niveau = { level = 2 } }",
        "niveau",
        "examples.3.report.niveau: found an unknown report; expected level or battery",
    ),
    (
        "{ level = { level = 2 } }",
        "{ level = { level = 2 }, battery = {} }",
        "{ level = { level = 2 }, battery = {} }",
        "examples.3.report: found 2 reports; expected one report and its bytes",
    ),
    # Which byte of an example, and which value, is wrong.
    (
        'bytes = "A5 03 A6"',
        'bytes = "A5 02 A6"',
        "02",
        "examples.1.bytes: found 02 as byte 1; expected 03, level 3 ({level:u8}), as the frames make of set_level = 3",
    ),
    (
        'bytes = "A5 03 A6"',
        'bytes = "A5 03"',
        "03",
        "examples.1.bytes: found 2 bytes; "
        "expected 3 bytes, with A6 as byte 2, xor8 over bytes 0 to 1 ({xor8:0..}), as the frames make of set_level = 3",
    ),
    (
        'bytes = "A5 03 A6"',
        'bytes = "A5 03 A6 00 01"',
        "00 01",
        "examples.1.bytes: found 00 as byte 3 of 5; expected 3 bytes, as the frames make of set_level = 3",
    ),
    (
        'bytes = "A5 03 A6"',
        "bytes = \"A5 03 'xy'\"",
        "y",
        "examples.1.bytes: found 79 as byte 3 of 4; expected 3 bytes, as the frames make of set_level = 3",
    ),
    (
        'bytes = "A5 03 A6"',
        'bytes = "A5 0O A6"',
        "0",
        "examples.1.bytes: found one hex digit where two make a byte" + HEX,
    ),
    ('bytes = "A5 03 A6"', 'bytes = "A5 G3 A6"', "G", "examples.1.bytes: found 'G', which is no hex digit" + HEX),
    (
        'bytes = "A5 03 A6"',
        'bytes = ["A5 03 A6", "1"]',
        "1",
        "examples.1.bytes.2: found one hex digit where two make a byte" + HEX,
    ),
    (
        'bytes = "5A 02 58"',
        'bytes = "5A 02 59"',
        "59",
        "examples.3.bytes: found xor8 at byte 2 is 59, not 58; "
        "expected the bytes of report level, 5A {level:u8} {xor8:0..}",
    ),
    (
        'bytes = "5A 02 58"',
        'bytes = "5A 02"',
        "02",
        "examples.3.bytes: found the bytes end inside xor8; expected the bytes of report level, "
        "5A {level:u8} {xor8:0..}",
    ),
    (
        "{ level = { level = 2 } }",
        "{ level = {} }",
        "{}",
        "examples.3.report.level: found no level; "
        "expected level = 2 too, in byte 1 ({level:u8}): an example says everything that its bytes tell",
    ),
    (
        "{ level = { level = 2 } }",
        "{ level = { level = 2, levle = 1 } }",
        "levle",
        "examples.3.report.level.levle: found a slot that its frame has not; expected level",
    ),
    # What stands in the wrong place, or lacks its like.
    (
        "[motor]\n",
        "[motor]\ncodec = 'x'\n",
        "codec",
        "motor.codec: found a key of the file's top; expected it before the first section, which is [match]",
    ),
    (
        "[safety]",
        "[motor.safety]",
        "safety",
        "motor.safety: found a section inside another one; expected [safety] by itself",
    ),
    (
        'button = "cycle"',
        'button = "cycle"\nlongest_lease = "10min"',
        "safety",
        "safety.lease: found nothing; "
        "expected a duration beside longest_lease: how long a level stays valid without being repeated",
    ),
    (
        'write = "request"',
        'write = "without response"',
        '"without response"',
        "gatt.level.write: found 'without response'; "
        'expected "request", for the property "write", or "command", for "write without response"',
    ),
    (
        'write = "request"',
        'write = "comand"',
        '"comand"',
        "gatt.level.write: found 'comand'; "
        'expected "request", for the property "write", or "command", for "write without response"; '
        "did you mean 'command'?",
    ),
    ('service = "180F"', 'service = "18OF"', "O", "gatt.battery.service: found 'O' in '18OF'" + UUID),
    (
        '"b0a71001-6b1e-4f3d-9c58-7e2d41a90f36"',
        '"b0a71001-6b1-4f3d-9c58-7e2d41a90f36"',
        "6b1",
        "gatt.level.service: found 'b0a71001-6b1-4f3d-9c58-7e2d41a90f36', 31 hex digits, 3 of them in a group of 4"
        + UUID,
    ),
    (
        "levels = 4",
        "levels = 4\n[values]\nlevel = { least = 1, table = [0, 1, 2, 3, 4] }",
        "least",
        "values.level.least: found least beside a table; expected least only beside steps",
    ),
    (
        LEVEL,
        'frame = "A5 {level:u8} {sum8-negate:0..}"',
        ":",
        "commands.set_level.frame: found 'A5 {level:u8} {sum8-negate:0..}', character 27; "
        "expected one of sum8, sum8-inverted, sum8-negated; did you mean 'sum8-negated'?",
    ),
    (
        LEVEL,
        'frame = "A5 {level:u8} {levels:u8}"',
        "levels",
        "commands.set_level.frame: found a slot 'levels'; "
        "expected no slots but lease, level, running, sequence, or a value for levels in [settings]; "
        "did you mean 'level'?",
    ),
    (
        "[[examples]]",
        '[variant]\nask = { to = "level", frame = "01" }\n'
        'reply = { from = "level", frame = "01 {major:u8}", is = { mjor = ">=2" } }\n[[examples]]',
        "mjor",
        "variant.reply.is.mjor: found a slot that its frame has not; expected major; did you mean 'major'?",
    ),
]


@pytest.mark.parametrize(("old", "new", "marked", "message"), EDITS)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, old: str, new: str, marked: str, message: str) -> None:
    error = refusal(save(tmp_path, GOOD, edited_text(GOOD, (old, new))))
    assert (pointed_at(error), without_place(error)) == (marked, message)


def test_the_good_file_is_good(tmp_path: Path) -> None:
    assert library.load_file(save(tmp_path, GOOD, edited_text(GOOD))).id == GOOD


def unquoted(word: str) -> str:
    return f'found {word} without quotes; expected text in quotes: "{word}"'


SLIPS = [
    ('write = "request"', "write = request", "request", unquoted("request")),
    ("read = true }", "read = True }", "True", "found True without quotes; expected true"),
    ("read = true }", "read = yes }", "yes", 'found yes without quotes; expected true, or text in quotes: "yes"'),
    ('auto_off = "15min"', "auto_off = 15min", "15min", unquoted("15min")),
    ('auto_off = "15min"', "auto_off = 15 min", "15 min", unquoted("15 min")),
    ('service = "180F"', "service = 180F", "180F", unquoted("180F")),
    ('["ButtonBall*"]', "[ButtonBall]", "ButtonBall", unquoted("ButtonBall")),
    ('"simulated"', "“simulated”", "“", 'found “, a typographic quote; expected a straight one: "'),
    ('"simulated"', '"simulated”', "”", 'found ”, a typographic quote; expected a straight one: "'),
    ('"simulated"', '"simulated', '"', QUOTES),
    ('to = "level", ', 'to = "level, ', '"level, frame = "', QUOTES),
    ("[safety]", "[motor]", "motor", "found a second [motor]; expected its keys below the first one, in line 18"),
    (
        "levels = 4",
        "levels = 4\nlevels = 5",
        "levels",
        "found a second levels; expected each key once in its section; the first is in line 19",
    ),
    ("[motor]", "[[gatt]]", "gatt", "found [[gatt]]; expected as many brackets as in line 14"),
    (
        'characteristic = "2A19", notify',
        'characteristic = "2A19",\nnotify',
        "{",
        "found { without } in this line; expected all of a table in braces in one line, or a section",
    ),
    ("levels = 4", "levels", "", "found expected '=' after a key in a key/value pair; expected valid TOML"),
    (
        "levels = 4",
        "levels = 04",
        "4",
        "found expected newline or end of document after a statement; expected valid TOML",
    ),
]


@pytest.mark.parametrize(("old", "new", "marked", "message"), SLIPS)
def test_a_slip_that_is_no_toml_is_named(tmp_path: Path, old: str, new: str, marked: str, message: str) -> None:
    error = refusal(save(tmp_path, GOOD, edited_text(GOOD, (old, new))))
    assert (pointed_at(error), without_place(error)) == (marked, message)


RAW = [
    (b"levels = \n", "found invalid value; expected valid TOML"),
    (b"schema = 1\nname = \xff", "found byte 18 that is not UTF-8; expected a TOML file in UTF-8"),
    (b"#" * (MAX_BYTES + 1), "found more than 262144 bytes; expected a data file of a few kilobytes"),
    (b"schema = " + b"1" * 5000, "found a number or a nesting beyond all bounds; expected valid TOML"),
]


@pytest.mark.parametrize(("raw", "message"), RAW, ids=["not TOML", "not UTF-8", "too large", "endless number"])
def test_a_file_that_is_no_profile_at_all_is_refused_in_one_line(tmp_path: Path, raw: bytes, message: str) -> None:
    assert without_place(refusal(save(tmp_path, GOOD, raw))) == message


def test_a_file_that_is_missing_is_refused_in_one_line(tmp_path: Path) -> None:
    message = without_place(refusal(tmp_path / "nowhere.toml"))
    assert message == "found no such file or directory; expected a readable TOML file"


def test_an_empty_file_lacks_everything(tmp_path: Path) -> None:
    error = refusal(save(tmp_path, GOOD, ""))
    assert error.line is None
    assert without_place(error) == "schema: found nothing; expected this key (8 more after this one)"


def test_a_wrong_file_of_the_owners_own_is_named(own_files: Path) -> None:
    folder = own_files / library.FOLDER
    folder.mkdir()
    file = save(folder, "broken", "schema = 3")
    with pytest.raises(ProfileFileError) as caught:
        library.load_all()
    assert caught.value.file == file


# Any file at all.

TEXT = edited_text(GOOD)
SCRAPS = st.text(max_size=12) | st.sampled_from(
    [
        "[motor]",
        "[[gatt]]",
        "{level:u8}",
        "frame",
        "level",
        "= {",
        "'",
        '"""',
        "\\",
        "..",
        "nan",
        "-1",
        "[1]",
        "\n",
        "a.b = 2\n",
    ]
)


def said_about(folder: Path, text: str) -> str:
    """All that is shown of the error about a file; nothing if there is none."""
    try:
        library.load_file.__wrapped__(save(folder, GOOD, text.encode(errors="replace")))
    except ProfileFileError as error:
        return str(error) + error.source
    return ""


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(max_size=80) | st.lists(SCRAPS, max_size=20).map("".join))
def test_any_text_is_a_profile_or_a_profile_file_error(tmp_path: Path, text: str) -> None:
    assert said_about(tmp_path, text).isprintable()


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, len(TEXT)), st.integers(0, 40), SCRAPS)
def test_a_good_file_with_any_damage_is_a_profile_or_a_profile_file_error(
    tmp_path: Path, start: int, length: int, scrap: str
) -> None:
    assert said_about(tmp_path, TEXT[:start] + scrap + TEXT[start + length :]).isprintable()
