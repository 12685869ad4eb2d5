"""What the host must have for the virtual machine, and the one error that all of this package raises."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

PROGRAMS = {"qemu-system-x86_64": "qemu-system-x86", "apt-get": "apt", "apt-cache": "apt", "dpkg-deb": "dpkg"}
"""Each program that is called, and the Debian package that brings it."""

ARCHITECTURE = "x86_64"
"""Kernel, wheels and QEMU are for this one."""


class MachineError(Exception):
    """The machine could not be built or run: says what was tried, what came of it, and what to do."""


def missing() -> str | None:
    """What this host lacks, as a sentence that says what to do; None if it has everything."""
    if platform.system() != "Linux" or platform.machine() != ARCHITECTURE:
        return (
            f"the virtual machine needs Debian on {ARCHITECTURE}, this is {platform.system()} on {platform.machine()}"
        )
    packages = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    if packages:
        install = f"apt-get install --no-install-recommends {' '.join(packages)}"
        return f"the virtual machine needs what this host lacks: {install}"
    return None


def call(command: Sequence[str | Path], *, advice: str, cwd: Path | None = None) -> str:
    """Run a program and return what it printed. Raises `MachineError` with its last lines and the advice."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise MachineError(f"{Path(command[0]).name} ended with status {done.returncode}: {last}\n{advice}")
    return done.stdout
