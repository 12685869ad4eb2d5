"""One controller at a time: a lock per ball among this machine's programs; used by the ball.

The system shares the link to a ball among all who ask for it, so two programs would take each other for the ball's own
button. A lock goes with its process, however that ends, so nobody is locked out by a program that was killed.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import IO, TYPE_CHECKING, Self

from platformdirs import user_cache_path

from unknot.errors import BallInUse

if sys.platform != "win32":  # it has other locks; there two programs are not kept apart
    import fcntl

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)


class Holding:
    """The right to drive the ball of an address, until `release`.

    Args:
        file: the locked file.
    """

    def __init__(self, file: IO[str] | None) -> None:
        self._file = file

    @classmethod
    def take(cls, address: str, name: str, folder: Path | None = None) -> Self:
        """Take it.

        Args:
            address: the ball's address.
            name: what to call the ball.
            folder: where the locks lie; None for this system's place.

        Raises:
            BallInUse: another program has it.
        """
        if sys.platform == "win32":
            return cls(None)
        folder = folder or user_cache_path("unknot")
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = open(folder / f"{address.replace(':', '-')}.lock", "a+")  # noqa: SIM115 - it is held open
        except OSError as error:
            log.warning("nobody keeps other programs off the ball: %s", error)
            return cls(None)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise BallInUse(name, address, holder) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        return cls(file)

    def release(self) -> None:
        """Give it back."""
        if self._file is not None:
            self._file.close()
            self._file = None
