"""The ledger: what this machine has played, so that the limits per day hold; used for real balls and ``unknot today``.

It is a file of JSON lines that only grows at its end, kept on this machine alone. Every line is a whole entry; the last
one with an id wins. The line written when the motor starts holds what is planned, the one written at the end holds what
it was, so a session whose program was killed counts as planned: never too little. A simulated ball is not recorded.

Book-keeping stops nobody: a file that cannot be read or written is told once, as a warning, and the session goes on.
Two programs that start within the same millisecond do not see each other; their sum is only seen by the next one.
"""

from __future__ import annotations

import errno
import json
import logging
import math
import os
import secrets
import tempfile
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_data_path

from unknot.protocols.timeline import Side
from unknot.session.day import Day, Entry

if TYPE_CHECKING:
    from unknot.protocols.timeline import Timeline

log = logging.getLogger(__name__)

FILE = "ledger.jsonl"

COMPACT_BYTES = 64 * 1024
"""A file larger than this (bytes) is rid of its old lines: some 150 sessions (judgement)."""

KEPT = timedelta(days=7)
"""How long compacting keeps a line: longer than it counts, in case the clock was wrong by days (judgement)."""


class Ledger:
    """What was played on real balls, in a file.

    Every ``now`` is wall-clock time with its offset from UTC, as ``datetime.now().astimezone()`` gives it.

    Args:
        file: where it is kept; made, with its folder, when first written. None for this system's place.

    Attributes:
        file: the same file.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = file or default_file()
        self._own: dict[str, Entry] = {}  # what this program wrote, should the file not have taken it
        self._told: set[str] = set()

    def day(self, now: datetime) -> Day:
        """What counts now, of every program on this machine."""
        entries, unreadable = self._read(now)
        entries |= self._own
        counting = (entry for entry in entries.values() if entry.counts_until > now)
        return Day(now, tuple(sorted(counting, key=lambda entry: entry.began)), unreadable)

    def refuse(self, timeline: Timeline, now: datetime) -> None:
        """Hold a timeline to the limits per day; to be asked right before a session begins on a real ball.

        Raises:
            LimitExceeded: it is too much for this day.
        """
        self.day(now).refuse(timeline)

    def notes(self, timeline: Timeline, now: datetime) -> tuple[str, ...]:
        """What the person should know before a timeline is played; possibly nothing."""
        return self.day(now).notes(timeline)

    def begin(self, timeline: Timeline, now: datetime) -> Entry:
        """Write down that a timeline is being played; to be said when the motor is first started."""
        entry = Entry(
            secrets.token_hex(8), timeline.muscle, timeline.side, now, timeline.seconds, timeline.motor_seconds
        )
        self._own = {old.id: old for old in self._own.values() if old.counts_until > now}
        if self._write(entry):
            self._compact(now)
        return entry

    def end(self, entry: Entry, motor_seconds: float, now: datetime) -> None:
        """Write down how long the motor really ran (s). Not to be said when it could not be stopped."""
        self._write(replace(entry, ended=now, measured=motor_seconds))

    def _write(self, entry: Entry) -> bool:
        """Remember an entry, and append it to the file; whether the file took it."""
        self._own[entry.id] = entry
        line = json.dumps(asdict(entry), default=datetime.isoformat).encode() + b"\n"
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(self.file, "ab+", buffering=0, opener=_private) as stream:
                if stream.tell():
                    stream.seek(-1, os.SEEK_END)
                    if stream.read(1) != b"\n":
                        line = b"\n" + line  # somebody's line was torn: ours shall not be lost with it
                if stream.write(line) != len(line):  # one write, so that lines of two programs do not mix
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._warn(f"{self.file}: cannot be written ({error.strerror}); the session goes on, but others will not "
                       "know of it and the limits per day may be passed")  # fmt: skip
            return False
        return True

    def _read(self, now: datetime) -> tuple[dict[str, Entry], int]:
        """The entries by id, and how many lines that may belong to this day cannot be read."""
        try:
            lines = self.file.read_bytes().split(b"\n")
        except FileNotFoundError:
            return {}, 0
        except OSError as error:
            self._warn(f"{self.file}: cannot be read ({error.strerror}); the limits per day do not see what it holds")
            return {}, 0
        entries: dict[str, Entry] = {}
        unreadable: list[int] = []
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                entry = _parse(line)
            except _UNREADABLE:
                unreadable.append(number)
                continue
            entries[entry.id] = entry
            if entry.counts_until <= now:
                unreadable.clear()  # lines are in order of time: what stands before an old line is older still
        if unreadable:
            more = f" ({len(unreadable) - 1} more after this one)" if unreadable[1:] else ""
            self._warn(f"{self.file}: line {unreadable[0]} is no entry{more}; what it held is missing from the limits "
                       "per day; delete it")  # fmt: skip
        return entries, len(unreadable)

    def _compact(self, now: datetime) -> None:
        """Rid a large file of its old lines; left alone if somebody else writes meanwhile."""
        try:
            size = self.file.stat().st_size
            if size <= COMPACT_BYTES:
                return
            kept = _recent(self.file.read_bytes(), now - KEPT)
            handle, name = tempfile.mkstemp(dir=self.file.parent, prefix=self.file.name)  # readable by the owner alone
            new = Path(name)
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(kept)
                if self.file.stat().st_size == size:
                    new.replace(self.file)
            finally:
                new.unlink(missing_ok=True)
        except OSError as error:
            self._warn(f"{self.file}: cannot be made smaller ({error.strerror})")

    def _warn(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            log.warning("%s", message)


def default_file() -> Path:
    """Where this system keeps what a program remembers for its user; it may not exist."""
    return user_data_path("unknot") / FILE


def _private(file: str, flags: int) -> int:
    """Open a file that nobody but its owner can read: it tells of somebody's body."""
    return os.open(file, flags, 0o600)


def _recent(content: bytes, since: datetime) -> bytes:
    """The lines that counted after a moment, and those that cannot be read and may be as young."""
    kept: list[bytes] = []
    unreadable: list[int] = []
    for line in content.split(b"\n"):
        if not line.strip():
            continue
        try:
            if _parse(line).counts_until > since:
                kept.append(line)
            else:
                for index in reversed(unreadable):
                    del kept[index]
                unreadable.clear()
        except _UNREADABLE:
            unreadable.append(len(kept))
            kept.append(line)
    return b"".join(line + b"\n" for line in kept)


_UNREADABLE = (ValueError, TypeError, KeyError, OverflowError, RecursionError)
"""What `_parse` raises for bytes that nobody foresaw."""


def _parse(line: bytes) -> Entry:
    """The entry in a line. Raises one of `_UNREADABLE`."""
    row = json.loads(line)
    entry = Entry(
        id=_text(row["id"]),
        muscle=_text(row["muscle"]),
        side=Side(row["side"]),
        began=datetime.fromisoformat(row["began"]),
        seconds=_amount(row["seconds"]),
        planned=_amount(row["planned"]),
        ended=None if row["ended"] is None else datetime.fromisoformat(row["ended"]),
        measured=None if row["measured"] is None else _amount(row["measured"]),
    )
    if (entry.ended is None) != (entry.measured is None):
        raise ValueError("half an end")
    _ = entry.counts_until  # beyond the calendar it overflows, here rather than later
    return entry


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _amount(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(value) or value < 0:
        raise ValueError("no amount of seconds")
    return float(value)
