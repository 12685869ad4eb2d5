"""BlueZ as bleak and unknot meet it on Linux, but without a radio: a private D-Bus and an org.bluez over an air."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.stack.stage import Stage

DAEMON = "dbus-daemon"


def skip_unless_possible() -> None:
    """Skip a test on a machine that cannot have this stage."""
    if sys.platform != "linux":
        pytest.skip("BlueZ is Linux's")
    if shutil.which(DAEMON) is None:
        pytest.skip(f"no {DAEMON}: apt-get install dbus")


def stage() -> Stage:
    """The stage, or a skipped test."""
    skip_unless_possible()
    from tests.stack.bluez.stage import BluezStage

    return BluezStage()
