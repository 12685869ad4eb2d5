from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.profiles.shipped import BY_ID, FILES, save
from unknot.profiles import library, model
from unknot.profiles.checks import ALGORITHMS
from unknot.profiles.codec import Codec, SetLevel, Stop
from unknot.profiles.frame import Frame

README = (library.shipped_folder() / "README.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```toml\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
WHOLE = [fence for fence in FENCES if "schema = 1" in fence]

GUIDE, SPECIFICATION = README.split("\n# The open ball\n")

SECTIONS = (
    model.FirmwareProfile,
    model.Match,
    model.Characteristic,
    model.Motor,
    model.Conversion,
    model.Commands,
    model.Write,
    model.Report,
    model.Safety,
    model.Example,
)


def test_there_is_a_whole_profile_to_learn_from() -> None:
    assert WHOLE


@pytest.mark.parametrize("fence", WHOLE)
def test_a_whole_profile_in_the_readme_loads(tmp_path: Path, fence: str) -> None:
    name = tomllib.loads(fence)["id"]
    assert library.load_file(save(tmp_path, name, fence)).id == name


@pytest.mark.parametrize("fence", FENCES)
def test_every_piece_in_the_readme_is_toml(fence: str) -> None:
    assert tomllib.loads(fence)


def test_the_worked_example_writes_the_documented_bytes(tmp_path: Path) -> None:
    codec = Codec(library.load_file(save(tmp_path, "timed-board", WHOLE[0])))
    assert codec.encode(SetLevel(60, 2.0))[0].data == bytes.fromhex("55 01 3C 14 51 AA")


@pytest.mark.parametrize("check", ALGORITHMS)
def test_every_check_is_in_the_table_with_its_value(check: str) -> None:
    size = ALGORITHMS[check].size
    value = f"{ALGORITHMS[check].compute(b'123456789'):0{2 * size}X}"
    assert re.search(rf"^\| `{check}` \| {size} \| .* \| {value} \|$", GUIDE, re.MULTILINE)


KEYS = sorted({field.alias or name for section in SECTIONS for name, field in section.model_fields.items()})


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_explained(key: str) -> None:
    assert re.search(rf"`\[*{key}\]*`", GUIDE), key


def test_no_section_of_the_model_is_forgotten_here() -> None:
    known = {one for one in vars(model).values() if isinstance(one, type) and issubclass(one, model.Section)}
    assert known == {*SECTIONS, model.Section}


@pytest.mark.parametrize("evidence", model.Evidence)
def test_every_class_of_evidence_is_explained(evidence: model.Evidence) -> None:
    assert f"| `{evidence.value}` |" in GUIDE


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_shipped_profile_is_listed_with_its_evidence(file: Path) -> None:
    assert f"| [{file.stem}]({file.name}) | {BY_ID[file.stem].evidence.value} |" in GUIDE


def test_the_parts_of_the_frame_language_in_the_readme_are_in_the_language() -> None:
    table = GUIDE.split("## The frame language")[1].split("The name of a slot")[0]
    parts = [
        part
        for row in table.splitlines()
        if row.startswith("| `")
        for part in re.findall(r"`([^`]+)`", row.split("|")[1])
    ]
    assert len(parts) > 10
    for part in parts:
        after = " 0A" if part.endswith("dec}") else ""
        assert Frame(f"01 02 03 04 05 06 {part}{after}").template


def test_the_specification_and_the_profile_name_the_same_uuids() -> None:
    profile = BY_ID["open-ball"]
    for role in profile.gatt.values():
        for uuid in (role.service, role.characteristic):
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
    assert [report and (report.values["sequence"], report.level, report.values["lease"]) for report in told] == [
        (7, 50, 3),
        (7, 50, 2.9),
        (8, 0, 0),
    ]
