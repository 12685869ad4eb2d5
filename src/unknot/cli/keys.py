"""Single keys from the terminal while something plays; used by ``run`` and ``vibrate``."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any, Self

try:
    import termios
    import tty
except ImportError:  # Windows has no termios: there Ctrl-C stops, and there are no other keys
    termios = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from types import TracebackType


class Keyboard:
    """The terminal in a mode in which each key arrives at once and unseen, for the length of a ``with`` block.

    Without a terminal, no key ever arrives.
    """

    def __init__(self) -> None:
        self._keys: asyncio.Queue[str] = asyncio.Queue()
        self._before: Any = None  # termios' own list of attributes

    @property
    def is_there(self) -> bool:
        """Whether keys can arrive."""
        return self._before is not None

    def __enter__(self) -> Self:
        if termios is not None and _is_ours():
            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
            asyncio.get_running_loop().add_reader(sys.stdin, self._read)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            asyncio.get_running_loop().remove_reader(sys.stdin)
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)
            self._before = None

    def forget(self) -> None:
        """Forget the keys that were pressed so far."""
        if self.is_there:
            termios.tcflush(sys.stdin, termios.TCIFLUSH)
        while not self._keys.empty():
            self._keys.get_nowait()

    async def key(self) -> str:
        """The next key."""
        return await self._keys.get()

    def _read(self) -> None:
        # An arrow key sends several bytes at once; together they are one key.
        data = os.read(sys.stdin.fileno(), 64).decode(errors="replace")
        if data.startswith("\x1b"):
            self._keys.put_nowait(data)
        elif data:
            for key in data:
                self._keys.put_nowait(key)
        else:  # the terminal is gone
            asyncio.get_running_loop().remove_reader(sys.stdin)


def _is_ours() -> bool:
    """Whether there is a terminal and we are in its foreground; a background process that touches it is halted."""
    if sys.stdin is None or not sys.stdin.isatty():
        return False
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:
        return False
