"""What is found out about this machine: Bluetooth, the guard, files, the clock; for ``unknot doctor``."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from unknot.bridge.doctor import Finding, Verdict, trouble
from unknot.cli.words import counted
from unknot.errors import LinkError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unknot.device.adapters import Adapter
    from unknot.device.discovery import FoundBall

LISTENING_SECONDS = 3.0
"""How long it is listened for balls: an advertiser in range is heard within a second or two (judgement)."""

FAILED = 1
"""How a process ends that could not begin."""

LEAST_FREE = 10 * 1024 * 1024
"""Bytes that should be free where we write: a thousand times what we write in a year (judgement)."""

CLOCK_SECONDS = 5.0
"""How long the system may take to say whether its clock is synchronised (judgement)."""


def versions() -> Finding:
    """What runs here."""
    from importlib.metadata import version

    from unknot.cli.report import versions as told

    parts = {**told(), "aiomqtt": version("aiomqtt")}
    return Finding("versions", Verdict.OK, ", ".join(f"{name} {number}" for name, number in parts.items()))


async def bluetooth(wanted: str | None) -> Finding:
    """The adapters, and whether they may be used."""
    from unknot.device import adapters

    try:
        there = await adapters.there()
        used = adapters.choose(there, wanted) if there or sys.platform == "linux" else ()
    except (LinkError, UsageError) as error:
        return trouble("Bluetooth", error)
    if not used:
        return Finding("Bluetooth", Verdict.OK, "this system chooses the adapter itself")
    others = [str(one) for one in there if one is not used[0]]
    more = f"; there are also {', '.join(others)}" if others else ""
    return Finding("Bluetooth", Verdict.OK, f"{_adapter(used[0])}{more}")


async def air(wanted: str | None) -> Finding:
    """What can be heard."""
    from unknot import api

    with overheard() as said:
        try:
            found = await api.scan(adapter=wanted, seconds=LISTENING_SECONDS)
        except (LinkError, UsageError) as error:
            return trouble("scan", error)
    if not found:
        return Finding(
            "scan",
            Verdict.WARNING,
            f"nothing was heard within {LISTENING_SECONDS:g} s",
            "switch a ball on, and bring it near",
        )
    left_out = [one for one in said if one.startswith("left out")]
    if left_out:
        return Finding("scan", Verdict.WARNING, left_out[0], "mend the profile, or remove it")
    return Finding("scan", Verdict.OK, _heard(found))


async def guard() -> Finding:
    """Whether a process can be started that stops a ball when this one is killed."""
    from unknot.device.guard import GOODBYE_SECONDS, Guard
    from unknot.device.radio import SYSTEMS_GUARD

    with overheard() as said:
        started = Guard.start(SYSTEMS_GUARD)
        ended = FAILED if started is None else await started.goodbye()
    if ended == 0:
        return Finding("guard", Verdict.OK, "it starts, so a ball is stopped when its program is killed")
    if ended < 0:
        found = f"it takes more than {GOODBYE_SECONDS:g} s to start, and guards nobody until then"
        return Finding("guard", Verdict.WARNING, found, "give this machine less to do")
    why = said[0] if started is None and said else "it starts and fails at once"
    return Finding(
        "guard", Verdict.TROUBLE, why, "install unknot anew; see that nothing limits the number of processes"
    )


def account() -> Finding:
    """Whether what was played can be written down, and read again."""
    from unknot.session.ledger import Ledger

    ledger = Ledger()
    with overheard() as said:
        day = ledger.day(datetime.now().astimezone())
    if said:
        return Finding("account", Verdict.WARNING, said[0])
    if not is_writable(ledger.file):
        advice = f"let this user write to {_nearest_there(ledger.file)}"
        return Finding(
            "account", Verdict.WARNING, f"{ledger.file} cannot be written, so the limits per day do not hold", advice
        )
    sessions = counted(len(day.entries), "session")
    return Finding("account", Verdict.OK, f"{ledger.file}, {sessions} in the last 24 hours")


def disk() -> Finding:
    """Whether there is room for it."""
    from unknot.session.ledger import Ledger

    folder = _nearest_there(Ledger().file)
    free = shutil.disk_usage(folder).free
    said = f"{free / 1024**2:,.0f} MiB free in {folder}"
    if free < LEAST_FREE:
        return Finding("disk", Verdict.WARNING, said, "make room: what is played cannot be written down on a full disk")
    return Finding("disk", Verdict.OK, said)


def clock(now: datetime | None = None) -> Finding:
    """Whether the time is right: the limits per day, and the validity of certificates, go by it."""
    now = now or datetime.now(UTC)
    written = datetime.fromtimestamp(_newest_file(), UTC)
    if now < written:
        found = f"it says {now:%Y-%m-%d %H:%M} UTC, and our own files are from {written:%Y-%m-%d}"
        return Finding("clock", Verdict.WARNING, found, "set it, or let it be set: 'timedatectl set-ntp true'")
    match _is_synchronised():
        case True:
            return Finding("clock", Verdict.OK, "kept right by a time server")
        case False:
            advice = "let it be kept right: 'timedatectl set-ntp true'"
            return Finding("clock", Verdict.WARNING, "no time server keeps it right", advice)
    return Finding("clock", Verdict.OK, f"{now:%Y-%m-%d %H:%M} UTC; nobody tells whether a time server keeps it right")


@contextmanager
def overheard() -> Iterator[list[str]]:
    """What our own modules warn of within the block, kept instead of shown."""
    said: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    ours, ear = logging.getLogger("unknot"), Ear(logging.WARNING)
    ours.addHandler(ear)
    before, ours.propagate = ours.propagate, False
    try:
        yield said
    finally:
        ours.propagate = before
        ours.removeHandler(ear)


def is_writable(file: Path) -> bool:
    """Whether the file could be written, and made with its folders if it is not there yet."""
    there = _nearest_there(file)
    return os.access(there, os.W_OK if there == file else os.W_OK | os.X_OK)


def _nearest_there(file: Path) -> Path:
    """The file, or the nearest folder around it that is there."""
    return next(one for one in (file, *file.parents) if one.exists())


def _newest_file() -> float:
    """When the youngest of the files was written that we know of: the program's own, and the account's."""
    from unknot.session.ledger import Ledger

    return max(file.stat().st_mtime for file in (Path(__file__), Ledger().file) if file.exists())


def _is_synchronised() -> bool | None:
    """Whether a time server keeps the clock right; None if nobody tells."""
    program = shutil.which("timedatectl")
    if program is None:
        return None
    words = [program, "show", "--property=NTPSynchronized", "--value"]
    try:
        told = subprocess.run(words, capture_output=True, text=True, timeout=CLOCK_SECONDS, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {"yes": True, "no": False}.get(told.stdout.strip())


def _adapter(one: Adapter) -> str:
    return f"{one} with the address {one.address}" if one.address else str(one)


def _heard(found: tuple[FoundBall, ...]) -> str:
    balls = [one.name or one.address for one in found if one.profiles]
    names = f": {', '.join(balls)}" if balls else ""
    return f"{counted(len(found), 'device')} heard, {counted(len(balls), 'ball')} among them{names}"
