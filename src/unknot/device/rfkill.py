"""Whether the kernel's radio switch holds Bluetooth off, and who can lift it; used by `unknot.device.failures`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

FOLDER = Path("/sys/class/rfkill")
"""Where Linux tells its radio switches (Documentation/ABI/stable/sysfs-class-rfkill)."""


class Block(Enum):
    """What holds a radio off."""

    SOFT = "soft"
    """Software: ``rfkill unblock bluetooth`` lifts it."""
    HARD = "hard"
    """A switch or a key on the computer, which no software lifts."""


def blocked(folder: Path = FOLDER) -> Block | None:
    """What holds Bluetooth off; None where nothing does, where one adapter is free, or where nobody tells."""
    blocks = [_block(switch) for switch in _switches(folder)]
    if not blocks or None in blocks:
        return None
    return Block.SOFT if Block.SOFT in blocks else Block.HARD


def _switches(folder: Path) -> list[Path]:
    try:
        return sorted(switch for switch in folder.iterdir() if _told(switch / "type") == "bluetooth")
    except OSError:
        return []


def _block(switch: Path) -> Block | None:
    if _told(switch / "hard") == "1":
        return Block.HARD
    return Block.SOFT if _told(switch / "soft") == "1" else None


def _told(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
