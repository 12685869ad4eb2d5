"""One run of the machine: the project goes in, the tests' outcomes come out.

The processor is QEMU's own (TCG), and its clock counts instructions (`-icount`): one instruction takes 1 ns, and when
the guest only waits, its clock jumps to the next timer. So a busy host makes no deadline of the guest fire, a wait
costs nothing, and a measured time is the same on every host. Such a processor of 1 GIPS is about ten times slower than
a laptop's core: what is measured of software is an upper bound, what is measured of the radio is exact.
"""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.stack.vm import archive, results
from tests.stack.vm.image import Image, compile_for_guest
from tests.stack.vm.needs import MachineError

PROJECT = Path(__file__).parents[3]
"""The checkout."""

GUEST = "tests/stack/guest"
"""Where the tests for the guest are."""

TAKEN = ("firmware_profiles", "pyproject.toml", "src", "tests")
"""What of the checkout the guest gets, under /app."""

NOT_TAKEN = frozenset({"__pycache__", "golden"})

HOST_SECONDS = 600.0
"""After that long on the host's clock the machine is stopped as hung (judgement: on a host where five other programs
want each processor, a run took 200 s)."""

TEST_SECONDS = 3600
"""When a test has taken that long by the guest's clock, the guest prints where every thread is (judgement)."""

MEGABYTES = 768
"""The guest's memory: the image is in it twice while the kernel unpacks it (judgement)."""

SEED = 1
"""What the guest draws at random depends on this alone."""

CONSOLE_LINES = 40
"""So much of the console is shown when a run went wrong."""

QEMU = (
    "qemu-system-x86_64",
    *("-accel", "tcg,thread=single,tb-size=512"),  # never KVM: a nested one hangs, and has no such clock
    *("-icount", "shift=0,sleep=off"),
    *("-cpu", "max,erms=off,fsrm=off"),  # string instructions are slow with a counted clock: 2 s less
    *("-smp", "1", "-m", str(MEGABYTES), "-machine", "q35,hpet=on"),
    *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
    *("-rtc", "base=2026-01-01T00:00:00,clock=vm"),
    *("-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"),
)
"""The machine. What it has no need of is not there, because the guest would look for it."""

KERNEL_WORDS = (
    *("console=ttyS0", "quiet", "loglevel=4", "panic=-1", "rdinit=/init", "mitigations=off"),
    *("tsc=reliable", "tsc_early_khz=1000000"),  # the counter counts nanoseconds: nothing to calibrate
    *("no_timer_check", "noapictimer"),  # the timer of the HPET, which needs no calibrating: 3.5 s less
    *("cryptomgr.notests",),  # the kernel's ciphers are not what is tested here
)
"""The kernel's command line."""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one run.

    Fields:
        status: with which pytest in the guest ended.
        outcomes: of each test.
        console: what the guest printed.
        bluetoothd: its log; empty if all went well.
        seconds: how long the run took on the host's clock.
    """

    status: int
    outcomes: list[results.Outcome]
    console: str
    bluetoothd: str
    seconds: float


def run(image: Image, arguments: Sequence[str], *, seed: int = SEED, seconds: float = HOST_SECONDS) -> Run:
    """Start the machine and run pytest in it with these arguments.

    Raises `MachineError` if the guest hangs, panics, ends without saying how, or ran no test at all.
    """
    with tempfile.TemporaryDirectory(prefix="unknot-vm-") as name:
        folder = Path(name)
        _pack(image, folder, arguments)
        began = time.monotonic()
        ended = _qemu(image, folder, seed, seconds)
        took = time.monotonic() - began
        console = (folder / "console").read_text(errors="replace")
        status = status_of(ended, console)
        outcomes = results.read(folder / "results")
        if not outcomes:
            raise MachineError(f"no test ran in the guest: pytest ended with status {status}\n{tail(console)}")
        return Run(status, outcomes, console, (folder / "bluetoothd").read_text(errors="replace"), took)


def status_of(ended: int | None, console: str) -> int:
    """The guest's status, from QEMU's. Raises `MachineError` if the guest has told none."""
    if ended is not None and ended % 2:  # isa-debug-exit makes 2n+1 of the guest's n, which is its status plus 1
        return ended // 2 - 1
    if "Kernel panic" in console:
        what = "the guest's kernel panicked"
    elif ended is None:
        what = "the guest hung and was stopped"
    else:
        what = f"the guest ended without saying how (QEMU's status {ended})"
    raise MachineError(f"{what}. The end of its console:\n{tail(console)}")


def tail(console: str) -> str:
    """The last lines of a console."""
    return "\n".join(console.splitlines()[-CONSOLE_LINES:])


def _qemu(image: Image, folder: Path, seed: int, seconds: float) -> int | None:
    """QEMU's status; None if it had to be stopped."""
    serial = [word for name in ("console", "results", "bluetoothd") for word in ("-serial", f"file:{folder / name}")]
    words: list[str | Path] = ["-kernel", image.kernel, "-initrd", folder / "initrd"]
    words += ["-append", " ".join(KERNEL_WORDS), "-seed", str(seed)]
    with (folder / "qemu").open("w+") as said:
        process = subprocess.Popen([*QEMU, *words, *serial], stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        if status == 1:
            raise MachineError(f"QEMU does not start: {said.read().strip()}")
        if status < 0:
            died = signal.Signals(-status).name
            raise MachineError(f"QEMU was ended by {died}; has this host {MEGABYTES} MB of free memory?")
        return status


def _pack(image: Image, folder: Path, arguments: Sequence[str]) -> None:
    """Write the first file system: the image's, and after it the project's and the script that runs the tests."""
    app = folder / "root" / "app"
    for name in TAKEN:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, app / name, ignore=lambda _, names: NOT_TAKEN.intersection(names))
        else:
            shutil.copyfile(source, app / name)
    compile_for_guest(image, app / "src", under=folder / "root")
    (app / "run").write_text("\n".join(_script(arguments)) + "\n")
    with (folder / "initrd").open("wb") as out:
        with image.base.open("rb") as base:
            shutil.copyfileobj(base, out)
        archive.write(archive.tree(folder / "root"), out)


def _script(arguments: Sequence[str]) -> Iterator[str]:
    options = ["addopts=", f"testpaths={GUEST}", "junit_logging=system-out", f"faulthandler_timeout={TEST_SECONDS}"]
    words = [word for option in options for word in ("-o", option)]
    # The guest has no xdist and no hypothesis: the options and the conftests of the host's tests are not for it.
    words += ["-ra", "--color=no", "-p", "no:cacheprovider", "-p", "unknot.simulator.pytest_plugin"]
    words += ["-p", "tests.stack.guest.plugin"]
    words += ["--noconftest", "--strict-markers", "--junitxml=/run/results.xml"]
    yield shlex.join(["python3", "-m", "pytest", *words, *arguments])
    yield "status=$?"
    yield "cat /run/results.xml > /dev/ttyS1"
    yield "exit $status"
