"""What can be said of the virtual machine without starting it: how its archive is written and its end is read."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack.vm import archive, kernel, machine, needs, results, wheels
from tests.stack.vm.needs import MachineError

JUNIT = """<?xml version="1.0"?><testsuites><testsuite>
<testcase classname="tests.stack.guest.test_a" name="test_one[30]" time="0.5"><system-out>said</system-out></testcase>
<testcase classname="tests.stack.guest.test_a" name="test_two" time="1"><failure message="m">why</failure></testcase>
<testcase classname="tests.stack.guest.test_a" name="test_three" time="1"><error message="m">no setup</error></testcase>
<testcase classname="tests.stack.guest.test_a" name="test_four" time="0"><skipped>not here</skipped></testcase>
</testsuite></testsuites>"""


def test_the_archive_has_the_bytes_that_the_kernels_documentation_says(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(mode=0o755)
    (tmp_path / "a" / "file").write_bytes(b"12345")
    (tmp_path / "a" / "file").chmod(0o644)
    (tmp_path / "a" / "link").symlink_to("file")
    out = io.BytesIO()
    archive.write(archive.tree(tmp_path), out)
    words = [
        (b"a", b"", "00000001", "000041ED", "00000002"),
        (b"a/file", b"12345", "00000002", "000081A4", "00000001"),
        (b"a/link", b"file", "00000003", "0000A1FF", "00000001"),
        (b"TRAILER!!!", b"", "00000004", "00000000", "00000001"),
    ]
    expected = b""
    for name, data, number, mode, links in words:
        size, label = f"{len(data):08X}", f"{len(name) + 1:08X}"
        head = f"070701{number}{mode}{'0' * 16}{links}{'0' * 8}{size}{'0' * 32}{label}{'0' * 8}".encode()
        for part in (head + name + b"\0", data):
            expected += part
            expected += b"\0" * ((4 - len(expected)) % 4)
    assert out.getvalue() == expected


def test_the_outcomes_are_read_from_what_pytest_left(tmp_path: Path) -> None:
    (tmp_path / "results").write_text(JUNIT)
    one, *others = results.read(tmp_path / "results")
    assert (one.module, one.function, one.name) == ("tests.stack.guest.test_a", "test_one", "test_one[30]")
    assert (one.outcome, one.output, one.seconds) == ("passed", "said", 0.5)
    assert [(other.outcome, other.text) for other in others] == [
        ("failed", "why"),
        ("failed", "no setup"),
        ("skipped", "not here"),
    ]


@pytest.mark.parametrize("left", ["", JUNIT[:200]])
def test_half_a_file_of_results_is_an_error(tmp_path: Path, left: str) -> None:
    (tmp_path / "results").write_text(left)
    with pytest.raises(MachineError, match="no whole file of results"):
        results.read(tmp_path / "results")


@pytest.mark.parametrize(("ended", "status"), [(3, 0), (5, 1), (13, 5)])
def test_the_guests_status_is_read_from_qemus(ended: int, status: int) -> None:
    assert machine.status_of(ended, "") == status


@pytest.mark.parametrize(
    ("ended", "console", "said"),
    [
        (0, "Kernel panic - not syncing: no init", "kernel panicked"),
        (None, "Kernel panic - not syncing: no init", "kernel panicked"),
        (None, "booting", "hung"),
        (0, "booting", "without saying how"),
    ],
)
def test_an_end_without_a_status_is_told_for_what_it_is(ended: int | None, console: str, said: str) -> None:
    with pytest.raises(MachineError, match=f"(?s){said}.*{console}"):
        machine.status_of(ended, console)


def test_a_module_is_loaded_after_what_it_depends_on() -> None:
    files = {
        "hci_vhci.ko": b"\x7fELF\0license=GPL\0depends=bluetooth\0",
        "bluetooth.ko": b"\0depends=rfkill,crc16\0",
        "rfkill.ko": b"\0depends=\0",
        "crc16.ko": b"\0depends=\0",
        "unrelated.ko": b"\0depends=\0",
    }
    assert kernel.order(files) == ["rfkill", "crc16", "bluetooth", "hci_vhci"]


def test_the_guest_gets_the_versions_of_this_environment() -> None:
    pytest.importorskip("bumble")
    pins = wheels.pins()
    assert {"bleak", "bumble", "dbus-fast", "pydantic", "pytest"} <= pins.keys()
    assert pins["pytest"] == pytest.__version__
    assert not {"unknot", "pytest-xdist", "ruff"} & pins.keys()


def test_the_guests_tests_are_asked_for_and_never_run_here() -> None:
    words = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n", "0", "tests/stack/guest"]
    told = subprocess.run(words, cwd=machine.PROJECT, capture_output=True, text=True, check=False)
    assert "no tests collected" in told.stdout
    told = subprocess.run([*words, "-m", ""], cwd=machine.PROJECT, capture_output=True, text=True, check=False)
    collected = [line for line in told.stdout.splitlines() if "::" in line]
    assert collected
    assert not [line for line in collected if "[" in line]  # as they would be if they were collected to run here


def test_what_is_missing_is_said_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None if name.startswith("qemu") else f"/usr/bin/{name}")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("platform.system", lambda: "Linux")
    assert (needs.missing() or "").endswith("apt-get install --no-install-recommends qemu-system-x86")


def test_a_program_that_fails_is_told_with_its_last_words() -> None:
    with pytest.raises(MachineError, match=r"(?s)sh ended with status 3: no such thing\nTry again"):
        needs.call(["sh", "-c", "echo no such thing >&2; exit 3"], advice="Try again")


def test_the_guests_first_program_is_a_shell_script_without_mistakes() -> None:
    assert subprocess.run(["sh", "-n", machine.PROJECT / "tests/stack/vm/init"], check=False).returncode == 0
