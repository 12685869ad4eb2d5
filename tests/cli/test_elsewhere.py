"""The commands that go by another gateway: the same words, the same screens, the same exit codes."""

import json

import pytest

from tests.cli.clinic import Clinic, clinic
from unknot.cli import main

__all__ = ["clinic"]

VIA = ["--via", "mqtt://broker/raum-3"]
BALL = "c0ba11000001"


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(list(words))
    assert isinstance(left.value.code, int)
    return left.value.code


def test_run_tells_the_same_as_here(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("run", "calf", *VIA, "--yes", "--side", "left") == 0
    far = capsys.readouterr()
    assert run("run", "calf", "--simulate", "--speed", "max", "--yes", "--side", "left") == 0
    assert far.out == capsys.readouterr().out
    assert far.err == "looking for the ball ...\n"
