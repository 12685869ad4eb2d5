"""Every example of the README is executed, and what it claims to print is what is printed."""

import asyncio
import re
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.mosquitto import ACL
from tests.consoles import prints, typed, words_of
from unknot.bridge.configuration import effective
from unknot.bridge.payloads import REQUESTS, Code
from unknot.clock import VirtualTimeLoop
from unknot.simulator import faults
from unknot.simulator.faults import FaultKind

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = [(match[1], match[2]) for match in re.finditer(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)]


def blocks(kind: str) -> list[str]:
    found = [text for language, text in BLOCKS if language == kind]
    assert found
    return found


def examples() -> list[tuple[str, str]]:
    """Each command of the console blocks, with what it is said to print."""
    return [example for block in blocks("console") for example in typed(block)]


def test_every_kind_of_block_is_known() -> None:
    assert {language for language, _ in BLOCKS} == {"sh", "console", "python", "text", "yaml"}


@pytest.mark.parametrize(("command", "printed"), examples(), ids=[command for command, _ in examples()])
def test_commands_print_what_the_readme_shows(
    command: str, printed: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    words = words_of(command)
    if words[0] in ("run", "vibrate", "stop", "scan", "inspect") and "--simulate" not in words:
        words += ["--simulate"] if words[0] in ("scan", "inspect") else ["--simulate", "--speed", "max"]
    prints(words, printed, capsys)


@pytest.mark.parametrize("script", [text for text in blocks("python") if "asyncio.run" in text])
def test_scripts_run(script: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def run_in_virtual_time(work: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(work)

    monkeypatch.setattr(asyncio, "run", run_in_virtual_time)
    exec(compile(script, "README.md", "exec"), {})  # noqa: S102
    printed = capsys.readouterr().out
    assert "reason=<EndReason.COMPLETED: 'completed'>" in printed or printed in blocks("text")


def test_the_example_tests_pass(pytester: pytest.Pytester) -> None:
    (tests,) = [text for text in blocks("python") if "def test_" in text]
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    pytester.makepyfile(tests)
    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=3)


def test_the_line_for_testing_is_the_one_that_the_checks_use() -> None:
    install, test = (block.strip() for block in blocks("sh"))
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert f"\n{test}\n" in script
    assert install.startswith("python3 -m venv .venv && .venv/bin/pip install . && ")
    assert install.endswith("unknot run piriformis --simulate --speed 20 --yes")


def test_the_automations_are_those_that_are_tried_in_home_assistant() -> None:
    (automations,) = blocks("yaml")
    assert automations == (ROOT / "tests" / "bridge" / "automations.yaml").read_text(encoding="utf-8")


def test_the_rules_for_the_broker_are_those_that_are_tried() -> None:
    assert ACL in blocks("text")


def test_every_code_of_a_refusal_is_named() -> None:
    assert {code.value for code in Code} <= set(re.findall(r"`([a-z_]+)`", README))


def test_every_request_is_named() -> None:
    assert set(REQUESTS) <= set(re.findall(r"`([a-z_]+)`", README))


def test_the_example_of_a_configuration_can_be_read(tmp_path: Path) -> None:
    (example,) = [text for text in blocks("text") if "[broker]" in text]
    file, secret = tmp_path / "config.toml", tmp_path / "password"
    secret.write_text("secret\n")
    file.write_text(example.replace("/etc/unknot/password", str(secret)))
    config = effective.load(file, environment={})
    assert (config.name, config.broker.is_tls, config.broker.password) == ("room-3", True, "secret")
    assert [ball.id for ball in config.balls] == ["blaue-kugel"]


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists()


def test_the_drawn_house_is_the_house() -> None:
    (drawing,) = [text for text in blocks("text") if text.startswith("src/unknot/")]
    named = set(re.findall(r"^    (\w+(?:/|\.py))", drawing, re.MULTILINE)) | set(re.findall(r"(\w+\.py)", drawing))
    there = {
        path.name + "/" * path.is_dir()
        for path in (ROOT / "src" / "unknot").iterdir()
        if not path.name.startswith("_") and path.name != "py.typed"
    }
    assert named == there


def test_every_kind_of_fault_is_described() -> None:
    described = set(re.findall(r"`([a-z-]+)`", README))
    described |= {f"notification{name}" for name in described if name.startswith("-")}
    assert {kind.value for kind in FaultKind} <= described


def test_the_example_of_a_fault_file_can_be_loaded(tmp_path: Path) -> None:
    (example,) = [text for text in blocks("text") if "[[faults]]" in text]
    file = tmp_path / "faults.toml"
    file.write_text(example)
    assert [fault.what for fault in faults.load(file).faults] == [FaultKind.LINK_DROPS, FaultKind.WRITE_LOST]
