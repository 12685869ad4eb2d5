"""Runs pytest in the virtual machine: ``python -m tests.stack.vm [ARGUMENT…]``, by default on all of tests/stack/guest.

    python -m tests.stack.vm --check    # exit code 1 if this host lacks something, and says what
    python -m tests.stack.vm --build    # builds the image, if it is not in the cache, and no more
    python -m tests.stack.vm tests/stack/guest/test_smoke.py -k write

The exit code is that of pytest in the guest; 1 if the machine itself failed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from tests.stack.vm import image, machine, needs


def main(words: Sequence[str]) -> int:
    """Do what the words say; the exit code."""
    if lacking := needs.missing():
        return _tell(lacking, 1)
    if words == ["--check"]:
        return 0
    try:
        began = time.monotonic()
        built = image.load()
        _tell(f"image {built.folder} after {time.monotonic() - began:.1f} s", 0)
        if words == ["--build"]:
            return 0
        done = machine.run(built, words)
    except needs.MachineError as error:
        return _tell(str(error), 1)
    print(done.console)  # noqa: T201 - a program
    if done.bluetoothd:
        _tell(done.bluetoothd, 0)
    return _tell(f"{len(done.outcomes)} tests in the guest, {done.seconds:.1f} s on this host", done.status)


def _tell(text: str, status: int) -> int:
    print(text, file=sys.stderr)  # noqa: T201 - a program
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
