from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from tests.profiles.shipped import DRIVEN
from unknot.profiles import library as profile_library
from unknot.protocols import library, limits
from unknot.protocols.model import KINDS, Kind, MuscleProtocol
from unknot.protocols.timeline import compile_protocol

README = (library.shipped_folder() / "README.md").read_text(encoding="utf-8")
EXAMPLES = [
    text for text in re.findall(r"^```toml\n(.*?)^```", README, re.DOTALL | re.MULTILINE) if "schema = 1" in text
]


def keys(model: type[MuscleProtocol] | type[Kind]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


@pytest.fixture(params=EXAMPLES)
def example(request: pytest.FixtureRequest, tmp_path: Path) -> MuscleProtocol:
    file = tmp_path / "example.toml"
    file.write_text(request.param, encoding="utf-8")
    return library.load_file(file)


def test_there_is_an_example() -> None:
    assert EXAMPLES


def test_an_example_loads_and_compiles_for_every_profile(example: MuscleProtocol) -> None:
    for profile in map(profile_library.load, DRIVEN):
        assert compile_protocol(example, profile).motor_seconds > 0


def test_an_example_shows_every_kind_of_step(example: MuscleProtocol) -> None:
    assert {step.do for step in example.steps} == set(KINDS)


@pytest.mark.parametrize("key", sorted(keys(MuscleProtocol).union(*map(keys, get_args(Kind)))))
def test_every_key_is_explained(key: str) -> None:
    assert f"`{key}`" in README


@pytest.mark.parametrize("kind", get_args(Kind), ids=KINDS)
def test_every_kind_of_step_is_listed_with_its_numbers(kind: type[Kind]) -> None:
    (do,) = get_args(kind.model_fields["do"].annotation)
    (row,) = (line for line in README.splitlines() if line.startswith(f'| `"{do}"` |'))
    assert row.endswith("| " + ", ".join(f"`{number}`" for number in kind.numbers) + " |")


@pytest.mark.parametrize("limit", [limits.SPOT, limits.SIDE, limits.SESSION, limits.REST])
def test_every_limit_of_time_is_named(limit: limits.Limit) -> None:
    assert f"| {limit.value:g} s at " in README


@pytest.mark.parametrize(
    ("row", "limit"),
    [
        ("spots of one side", limits.SPOTS),
        ("passes over one spot", limits.PASSES),
        ("vibration in 24 hours", limits.DAY),
        ("sessions of one side", limits.AGAIN),
    ],
)
def test_every_limit_of_number_or_day_is_named(row: str, limit: limits.Limit) -> None:
    (line,) = (line for line in README.splitlines() if line.startswith(f"| {row}"))
    assert f" {limit.value:g} " in line
    assert line.endswith(" at most |")


@pytest.mark.parametrize("ceiling", limits.Ceiling)
def test_every_ceiling_is_named(ceiling: limits.Ceiling) -> None:
    (row,) = (line for line in README.splitlines() if line.startswith(f'| ceiling `"{ceiling}"`'))
    assert f"{int(ceiling.percent * 10) / 10:g} %" in row
