from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.profiles.shipped import FILES
from unknot import schemas
from unknot.profiles import library, schema
from unknot.profiles.frames.frame import Frame
from unknot.profiles.model import FirmwareProfile, Safety
from unknot.profiles.phrases import Refusal
from unknot.profiles.section import Section

SCHEMA = schema.schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def faults(content: Mapping[str, Any]) -> list[str]:
    return [error.json_path for error in VALIDATOR.iter_errors(content)]


def shipped(name: str) -> dict[str, Any]:
    return tomllib.loads((library.shipped_folder() / f"{name}.toml").read_text(encoding="utf-8"))


def test_is_the_file_beside_the_shipped_profiles() -> None:
    # Written anew with: unknot profile schema --write firmware_profiles
    assert (library.shipped_folder() / schema.FILE).read_text(encoding="utf-8") == schema.text()


def test_is_a_schema_of_its_draft_and_names_no_host_of_ours() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"].startswith("urn:")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_shipped_profile_fits_it_and_names_it_in_its_first_line(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.splitlines()[0] == schema.FIRST_LINE
    assert faults(tomllib.loads(text)) == []


WRONG: list[tuple[tuple[str | int, ...], object, str]] = [
    (("schema",), 2, "$.schema"),
    (("id",), "Open Ball", "$.id"),
    (("kind",), "magic", "$.kind"),
    (("cipher",), "aes", "$.cipher"),
    (("mottor",), {}, "$"),
    (("match", "services"), ["12345"], "$.match.services[0]"),
    (("match", "manufacturer"), {"company": 1, "data": "6x"}, "$.match.manufacturer"),
    (("gatt", "Status"), {}, "$.gatt"),
    (("gatt", "status", "write"), "loudly", "$.gatt.status.write"),
    (("gatt", "status", "notify"), 1, "$.gatt.status.notify"),
    (("motor", "levels"), 256, "$.motor.levels"),
    (("commands", "stop", "gap"), "soon", "$.commands.stop"),
    (("reports", "status", "frame"), {"yaml": {}}, "$.reports.status.frame"),
    (("values", "lease", "scal"), 2, "$.values.lease"),
    (("safety", "lease"), 3, "$.safety.lease"),
    (("examples", 0, "bytes"), "5", "$.examples[0].bytes"),
]


@pytest.mark.parametrize(("path", "wrong", "told"), WRONG, ids=[".".join(map(str, path)) for path, _, _ in WRONG])
def test_what_no_profile_can_say_does_not_fit_it(path: tuple[str | int, ...], wrong: object, told: str) -> None:
    content: Any = shipped("open-ball")
    part = content
    for key in path[:-1]:
        part = part.setdefault(key, {}) if isinstance(part, dict) else part[key]
    part[path[-1]] = wrong
    assert faults(content) == [told]


def test_takes_one_for_a_list_of_one_a_plain_setting_and_keyed_frames() -> None:
    content = shipped("open-ball")
    content["settings"] = {"mode": 3, "name": "x", "zone": {"value": 1, "from": "status"}}
    content["commands"]["stop"] = [content["commands"]["stop"]]
    content["gatt"]["command"]["write"] = "request"
    content["reports"]["status"]["frame"] = {"lines": {"LEVEL": "$level"}, "end": "04"}
    assert faults(content) == []


def _places(part: object, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    found = []
    if isinstance(part, dict):
        found = [(path, part)]
        for key, one in part.items():
            found += _places(one, f"{path}.{key}")
    if isinstance(part, list):
        for number, one in enumerate(part):
            found += _places(one, f"{path}.{number}")
    return found


def test_every_key_is_described_and_no_table_takes_an_unknown_one() -> None:
    objects = [
        (path, one) for path, one in _places(SCHEMA) if "properties" in one and isinstance(one["properties"], dict)
    ]
    assert len(objects) > 20
    for path, one in objects:
        assert one["additionalProperties"] is False, path
        if ".anyOf." not in path:  # keyed frames are described as a whole
            for key, said in one["properties"].items():
                assert said.get("description"), f"{path}.{key}"


def test_descriptions_are_read_from_docstrings_and_their_bases() -> None:
    assert schemas.attributes(Refusal, Section)["means"] == "why, in one of five words."
    assert schemas.attributes(Refusal, Section)["source"] == "the name of a characteristic in `[gatt]`."
    assert schemas.summary(Safety) == "What the firmware does when nobody tells it anything."
    assert set(schemas.attributes(FirmwareProfile, Section)) == set(FirmwareProfile.model_fields)


def test_a_duration_has_its_default_with_a_unit_and_nothing_is_null() -> None:
    assert SCHEMA["$defs"]["Safety"]["properties"]["stop_gap"]["default"] == "0.1s"
    assert '"null"' not in json.dumps(SCHEMA)
    assert Frame.__name__ not in SCHEMA["$defs"]
