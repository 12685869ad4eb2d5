"""A protocol that has all its phases in a few seconds, for scenarios that are played in real time."""

from __future__ import annotations

from pathlib import Path

import pytest

SHORT = """schema = 1
muscle = "gastrocnemius"
title = "Short calf"
ceiling = "moderate"
placement = "Nowhere: this is a test of what lies below a protocol."
felt = "not at all"
cautions = ["Not for a person."]
no_go = ["persons"]
source = { ceiling = "J" }

[sources]
J = "a test"
"""
STEP = """
[[steps]]
do = "{do}"
{to}for = "{seconds}"
say = "{do} now."
source = {{ {sourced}for = "J" }}
"""


def step(do: str, seconds: str, to: int | None = None) -> str:
    """A step of a protocol, with its intensity in % if it has one."""
    if to is None:
        return STEP.format(do=do, seconds=seconds, to="", sourced="")
    return STEP.format(do=do, seconds=seconds, to=f"to = {to}\n", sourced='to = "J", ')


@pytest.fixture
def short_muscle(tmp_path: Path) -> str:
    """The file of a protocol that has all its phases in a few seconds of real time."""
    file = tmp_path / "short.toml"
    steps = (step("settle", "2s", 20), step("hold", "1s", 20), step("move", "1s"), step("stretch", "1s"))
    file.write_text(SHORT + "".join(steps))
    return str(file)
