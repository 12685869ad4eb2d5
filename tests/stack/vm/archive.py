"""Writes a folder as a cpio archive of the kind that the kernel unpacks as its first file system."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

MAGIC = b"070701"
"""The form "newc"; Linux, Documentation/driver-api/early-userspace/buffer-format.rst."""

END = "TRAILER!!!"

ALIGNED = 4
"""Bytes to which each header with its name, and each file's data, is filled up."""


def write(entries: Iterable[tuple[str, Path]], out: BinaryIO) -> None:
    """Write files, links and folders under the given names; everything belongs to root, and has no time of its own."""
    number = 0
    for number, (name, path) in enumerate(entries, start=1):
        mode = path.lstat().st_mode
        data = b""
        if stat.S_ISLNK(mode):
            data = str(path.readlink()).encode()
        elif stat.S_ISREG(mode):
            data = path.read_bytes()
        _entry(out, number, name, mode, data)
    _entry(out, number + 1, END, 0, b"")


def tree(root: Path, under: str = "") -> Iterator[tuple[str, Path]]:
    """Everything in a folder, folders before what is in them, always in the same order."""
    for path in sorted(root.rglob("*")):
        yield str(under / path.relative_to(root)), path


def _entry(out: BinaryIO, number: int, name: str, mode: int, data: bytes) -> None:
    links = 2 if stat.S_ISDIR(mode) else 1
    label = name.encode() + b"\0"
    fields = (number, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(label), 0)
    head = MAGIC + b"".join(b"%08X" % field for field in fields) + label
    for part in (head, data):
        out.write(part + bytes(-len(part) % ALIGNED))
