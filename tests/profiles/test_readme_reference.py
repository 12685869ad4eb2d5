"""The reference of the guide: every key, conversion, frame and check in it, and the specification of the open ball."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.profiles.readme import FOLDER, GUIDE, PROSE, README, SPECIFICATION, chunk, code, rows
from tests.profiles.shipped import BY_ID, FILES
from unknot.profiles import assembly, conversions, examples, gatt, matching, model, phrases, plugins, variant
from unknot.profiles.codec import Codec
from unknot.profiles.frames.checks import ALGORITHMS
from unknot.profiles.frames.frame import Frame
from unknot.profiles.frames.keyed import keyed
from unknot.profiles.section import Section
from unknot.profiles.speech import SetLevel, Stop

PARTS_OF: dict[type[Section], str] = {
    model.FirmwareProfile: "## The head",
    matching.Match: "## `[match]`",
    matching.ManufacturerData: "## `[match]`",
    matching.Exclude: "## `[match]`",
    variant.Variant: "## `[variant]`",
    variant.Ask: "## `[variant]`",
    variant.Reply: "## `[variant]`",
    gatt.Characteristic: "## `[gatt]`",
    assembly.Assembly: "## `[gatt]`",
    assembly.LengthField: "## `[gatt]`",
    model.Motor: "## `[motor]`",
    model.Setting: "## `[settings]`",
    model.Sequence: "## `[commands]`",
    conversions.Conversion: "## `[values]`",
    phrases.Commands: "## `[commands]`",
    phrases.Write: "## `[commands]`",
    phrases.Step: "## `[[init]]`",
    phrases.KeepAlive: "## `[[keep_alive]]`",
    phrases.Report: "## `[reports]`",
    phrases.Refusal: "## `[refusals]`",
    model.Safety: "## `[safety]`",
    examples.Example: "## `[[examples]]`",
}
"""Where each section is explained."""

HEADINGS = set(re.findall(r"^## `\[+(\w+)\]+`$", GUIDE, re.MULTILINE))
"""The sections of a file that have a heading of their own."""

KEYS = [
    (heading, field.alias or name)
    for section, heading in PARTS_OF.items()
    for name, field in section.model_fields.items()
    if not (section is phrases.Refusal and name in phrases.Report.model_fields)
    and not (section is model.FirmwareProfile and name in HEADINGS)
]


@pytest.mark.parametrize("heading", sorted({heading for heading, _ in KEYS}))
def test_every_key_is_explained_under_its_section(heading: str) -> None:
    explained = chunk(heading)
    for key in (key for under, key in KEYS if under == heading):
        assert re.search(rf"`[^`\n]*\b{key}\b[^`\n]*`", explained), key


def test_every_section_of_the_model_has_its_place_in_the_guide() -> None:
    def below(section: type[Section]) -> set[type[Section]]:
        return {section}.union(*(below(one) for one in section.__subclasses__()))

    in_profiles = {one for one in below(Section) if one.__module__.startswith("unknot.profiles.")}
    assert in_profiles == {*PARTS_OF, Section}


@pytest.mark.parametrize("heading", sorted(set(PARTS_OF.values()) - {"## The head"}))
def test_a_table_has_no_key_that_the_program_does_not_know(heading: str) -> None:
    sections = [section for section, under in PARTS_OF.items() if under == heading]
    known = {field.alias or name for section in sections for name, field in section.model_fields.items()}
    table = chunk(heading).split("The slots say what is told")[0]
    told = {key for cells in rows(table) for key in code(cells[0]) if re.fullmatch(r"[a-z_]+", key)}
    assert told <= known


@pytest.mark.parametrize("evidence", model.Evidence)
def test_every_class_of_evidence_is_explained(evidence: model.Evidence) -> None:
    assert f"| `{evidence.value}` |" in GUIDE


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_shipped_profile_is_listed_with_its_evidence(file: Path) -> None:
    assert f"| [{file.stem}]({file.name}) | {BY_ID[file.stem].evidence.value} |" in GUIDE


def test_the_entry_point_group_of_plug_ins_is_the_real_one() -> None:
    assert f'[project.entry-points."{plugins.GROUP}"]' in GUIDE


CONVERSIONS = [cells for cells in rows(chunk("## `[values]`")) if "→" in cells[1]]


@pytest.mark.parametrize(("written", "pair", "source"), CONVERSIONS, ids=[cells[0] for cells in CONVERSIONS])
def test_a_conversion_in_the_table_does_what_it_says(written: str, pair: str, source: str) -> None:
    (text,) = code(written)
    conversion = conversions.Conversion.model_validate(tomllib.loads(f"x = {{ {text} }}")["x"])
    match = re.fullmatch(r"(\S+)(?: \((.*)\))? → (.*)", pair)
    assert match is not None
    others = {name: int(number) for name, number in re.findall(r"(\w+) (\d+)", match[2] or "")}
    value = match[1] if match[1].isalpha() else float(match[1])
    assert str(conversion.to_wire(value, others)) == match[3]
    file = FOLDER / f"{source.split(',', maxsplit=1)[0]}.toml"
    assert file.exists() or re.match("made up|as in", source)
    assert not file.exists() or text in file.read_text(encoding="utf-8")


def test_the_assembly_in_the_text_is_that_of_the_profile_beside_it() -> None:
    (assembled,) = [one for one in code(chunk("## `[gatt]`")) if one.startswith("assemble = ")]
    assert assembled in (FOLDER / "ems-5a.toml").read_text(encoding="utf-8")


# The frame language.

LANGUAGE = chunk("# The frame language")
SIX = "01 02 03 04 05 06"
"""Bytes before a part, so that the ranges of the guide are in the frame."""


def test_the_parts_of_the_frame_language_in_the_guide_are_in_the_language() -> None:
    parts = [part for cells in rows(LANGUAGE.split("**Rules.**")[0]) for part in code(cells[0])]
    assert len(parts) > 30
    for part in parts:
        assert Frame(f"{SIX} {part}").template


def test_the_ranges_in_the_guide_are_in_the_language() -> None:
    ranges = [
        part for cells in rows(LANGUAGE.split("**Ranges**")[1].split("**`:lenient`**")[0]) for part in code(cells[0])
    ]
    assert len(ranges) == 5
    for part in ranges:
        assert Frame(part if part.startswith("A") else f"{SIX} {part}").template


FRAMES = [cells for cells in rows(LANGUAGE) if len(cells) == 4 and re.fullmatch(r"`[0-9A-F ]+`", cells[1])]


@pytest.mark.parametrize(("template", "data", "tells", "source"), FRAMES, ids=[cells[0] for cells in FRAMES])
def test_a_frame_in_the_table_tells_what_it_says(template: str, data: str, tells: str, source: str) -> None:
    (template,), (data,) = code(template), code(data)
    pairs = [pair.split(" ", 1) for pair in tells.split(", ")]
    values = {name: int(value) if value.isdigit() else value for name, value in pairs}
    frame = Frame(template)
    assert frame.unpack(bytes.fromhex(data)) == values
    assert frame.pack(values) == bytes.fromhex(data)
    file = FOLDER / f"{source.removeprefix('inside ')}.toml"
    assert file.exists() or source == "made up"
    if file.exists():
        text = file.read_text(encoding="utf-8")
        assert template in text
        assert data in text


def test_the_keys_of_keyed_frames_are_all_there_are() -> None:
    told = {key for cells in rows(chunk("## JSON and lines")) for key in code(cells[0])}
    assert told == {"json", "lines", "between", "line", "end"}
    assert keyed({"json": {"a": "$a"}, "end": "0A"}).slots == ("a",)
    assert keyed({"lines": {"a": "$a"}, "between": "=", "line": "0A", "end": "04"}).slots == ("a",)


@pytest.mark.parametrize("check", ALGORITHMS)
def test_every_check_is_in_the_table_with_its_value(check: str) -> None:
    size = ALGORITHMS[check].size
    value = f"{ALGORITHMS[check].compute(b'123456789'):0{2 * size}X}"
    assert re.search(rf"^\| `{check}` \| {size} \| .* \| {value} \|$", GUIDE, re.MULTILINE)


# The page.


def test_links_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.*)$", README, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert target[1:] in anchors if target.startswith("#") else (FOLDER / target).exists(), target


def test_the_guide_can_be_read_as_source() -> None:
    for line in PROSE.splitlines():
        assert len(line) <= 133 or line.startswith("    "), line


# The specification of the open ball.


def test_the_specification_and_the_profile_name_the_same_uuids() -> None:
    profile = BY_ID["open-ball"]
    for role in profile.gatt.values():
        for uuid in (*role.service, *role.characteristic):
            short = uuid[4:8].upper() if uuid.endswith("-0000-1000-8000-00805f9b34fb") else uuid
            assert f"`{short}`" in SPECIFICATION


def test_the_exchange_in_the_specification_is_what_the_profile_says() -> None:
    codec = Codec(BY_ID["open-ball"])
    exchange = SPECIFICATION.split("## 7. An exchange")[1].split("## 8.")[0]
    said = [bytes.fromhex(data) for data in re.findall(r"^\| \w+ \| `([0-9A-F ]+)`", exchange, re.MULTILINE)]
    level, answer, later, stop, off, refused = said
    assert codec.encode(SetLevel(50, 3.0, 7))[0].data == level
    assert codec.encode(Stop(8))[0].data == stop
    assert refused[0] == 1
    assert refused[2] > BY_ID["open-ball"].motor.levels
    told = [codec.decode("status", data) for data in (answer, later, off)]
    assert [(one.values["sequence"], one.values["level"], one.values["lease"]) for one in told if one is not None] == [
        (7, 50, 3),
        (7, 50, 2.9),
        (8, 0, 0),
    ]
