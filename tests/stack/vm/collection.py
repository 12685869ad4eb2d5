"""On the host each test of the guest stands for what came of it in the virtual machine, which runs once for all.

Their files are not imported here, only read for the names of their tests: what the guest's own import (Bumble, the bus)
is its affair. A test with parameters is one test here. Used by the conftest of `tests/stack`.
"""

from __future__ import annotations

import ast
import fcntl
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.stack.vm import image, machine, needs, results

GUEST = machine.PROJECT / machine.GUEST
"""The folder of the tests that only the guest has."""

SHARED_TESTS = ("test_scenarios.py",)
"""Tests beside that folder which the guest plays too, on its own stage."""

SHARED = "virtual-machine.json"
"""Where the one run leaves its outcomes, for the other workers of pytest-xdist."""

MACHINES = 2
"""Machines that run at the same time, each on a processor of its own; more would gain little, since each must boot."""

BLUETOOTHD = "bluetoothd.log"
"""Where it leaves the whole log of the guest's bluetoothd if a test failed, beside the other."""


@pytest.hookimpl(tryfirst=True)
def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The guest's folder is not collected as other folders are."""
    return GuestFolder.from_parent(parent, path=path) if path == GUEST else None


class GuestFolder(pytest.Directory):
    """The folder of tests that run in the guest."""

    def collect(self) -> Iterator[GuestFile]:
        shared = [self.path.parent / name for name in SHARED_TESTS]
        for file in [*sorted(self.path.glob("test_*.py")), *(one for one in shared if one.exists())]:
            yield GuestFile.from_parent(self, path=file, nodeid=f"{self.nodeid}/{file.name}")


class GuestFile(pytest.File):
    """A file of tests that run in the guest."""

    def collect(self) -> Iterator[GuestTest]:
        for node in ast.parse(self.path.read_text()).body:
            if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
                raise self.CollectError(f"{self.path.name}: a test for the guest is a function, {node.name} is a class")
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield GuestTest.from_parent(self, name=node.name)


class GuestTest(pytest.Item):
    """One function of such a file, with all of its parameters."""

    def __init__(self, name: str, parent: GuestFile) -> None:
        super().__init__(name, parent)
        self.add_marker("stack")
        self.add_marker("real_time")

    def runtest(self) -> None:
        module = ".".join(self.path.relative_to(machine.PROJECT).with_suffix("").parts)
        folder = _shared_folder(self)
        mine = [one for one in _outcomes(self, folder) if (one.module, one.function) == (module, self.name)]
        if output := "\n".join(one.output for one in mine if one.output):
            self.add_report_section("call", "stdout", output)
        if not mine:
            pytest.fail("it did not run in the guest", pytrace=False)
        if failed := [one for one in mine if one.outcome == "failed"]:
            log = folder / BLUETOOTHD
            self.add_report_section("call", "bluetoothd", f"{machine.tail(log.read_text())}\nAll of it: {log}")
            pytest.fail("\n".join(f"{one.name} in the guest:\n{one.text}" for one in failed), pytrace=False)
        if all(one.outcome == "skipped" for one in mine):
            pytest.skip(mine[0].text)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, self.name


def _shared_folder(item: pytest.Item) -> Path:
    """The session's folder, which all workers of pytest-xdist know."""
    folder: Path = item.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    return folder.parent if hasattr(item.config, "workerinput") else folder


def _outcomes(item: pytest.Item, folder: Path) -> list[results.Outcome]:
    """What came of all guest's tests of this session: the machine runs at the first call, on whichever worker."""
    shared = folder / SHARED
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            shared.write_text(json.dumps(_run(item.session, folder)))
        told = json.loads(shared.read_text())
    if told["missing"]:
        pytest.skip(told["missing"])
    if told["error"]:
        pytest.fail(told["error"], pytrace=False)
    return [results.Outcome(**one) for one in told["outcomes"]]


def _run(session: pytest.Session, folder: Path) -> dict[str, object]:
    """Run the machine with all of this session's tests that are for it."""
    told: dict[str, object] = {"missing": needs.missing(), "error": None, "outcomes": []}
    if told["missing"]:
        return told
    tests = [item for item in session.items if isinstance(item, GuestTest)]
    try:
        loaded = image.load()
        with ThreadPoolExecutor() as machines:
            done = list(machines.map(lambda names: machine.run(loaded, names), _shared_out(tests)))
        (folder / BLUETOOTHD).write_text("\n".join(one.bluetoothd for one in done))
        told["outcomes"] = [asdict(outcome) for one in done for outcome in one.outcomes]
    except needs.MachineError as error:
        told["error"] = str(error)
    return told


def _shared_out(tests: list[GuestTest]) -> list[list[str]]:
    """The names of the tests for each machine: one machine for each of the host's processors, whole files to each."""
    files: dict[Path, list[str]] = {}
    for test in tests:
        files.setdefault(test.path, []).append(f"{test.path.relative_to(machine.PROJECT)}::{test.name}")
    shares: list[list[str]] = [[] for _ in range(min(MACHINES, os.cpu_count() or 1))]
    for names in sorted(files.values(), key=len, reverse=True):
        min(shares, key=len).extend(names)
    return [share for share in shares if share]
