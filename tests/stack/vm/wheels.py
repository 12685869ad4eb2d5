"""The Python packages of the guest: what unknot needs and what tests it, in the very versions that the host has."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.stack.vm.needs import MachineError, call

PROJECT = "unknot"

TOOLS = ("bumble", "pytest", "pytest-asyncio")
"""What the guest needs beside unknot's own dependencies."""

NOT_NEEDED = frozenset(
    {"prompt-toolkit", "wcwidth", "libusb-package", "libusb1", "pyusb", "pyserial", "pyserial-asyncio", "websockets"}
)
"""What bumble wants for its console and for controllers on wires, which it imports only then."""

NEWEST_GLIBC = 36
"""The guest's C library is 2.36 or newer (Debian 12): wheels for any older one run on it."""

ADVICE = "Can `pip download` reach a package index from here?"


def pins() -> dict[str, str]:
    """Each package with the version that this environment has. Raises `MachineError` for one that it has not."""
    found: dict[str, str] = {}
    wanted = [PROJECT, *TOOLS]
    while wanted:
        name = canonicalize_name(wanted.pop())
        if name in found or name in NOT_NEEDED:
            continue
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            raise MachineError(f"{name} is not installed here: pip install -e '.[test]'") from None
        needs = (Requirement(text) for text in metadata.requires(name) or ())
        wanted += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    del found[PROJECT]  # comes with each run, as it is in this checkout
    return dict(sorted(found.items()))


def install(wanted: dict[str, str], folder: Path, python: str) -> None:
    """Put the packages into the folder, for a guest with that Python (such as "3.11")."""
    legacy = ("manylinux1_x86_64", "manylinux2010_x86_64", "manylinux2014_x86_64")
    platforms = [*legacy, *(f"manylinux_2_{minor}_x86_64" for minor in range(5, NEWEST_GLIBC + 1))]
    command: list[str | Path] = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
    command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", python, "--target", folder]
    command += [word for name in platforms for word in ("--platform", name)]
    call([*command, *(f"{name}=={version}" for name, version in wanted.items())], advice=ADVICE)
