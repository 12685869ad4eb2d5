"""The systemd unit by which a gateway runs for years; for ``unknot config unit``."""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unknot.bridge.configuration.settings import Settings

USER = "unknot"
"""Whom the service runs as. A dynamic user cannot speak to bluetoothd: dbus-daemon does not know who that is, and
closes the connection (systemd issue 22737; seen with systemd 252 and dbus 1.14)."""

GROUP = "bluetooth"
"""Whoever is in it may speak to BlueZ, where the distribution does not allow everybody to (Debian's bluetooth.conf)."""

WATCHDOG_SECONDS = 30
"""A gateway that has not said for that long that it lives hangs, and is started anew; its motors have long been stopped
by their guards (judgement)."""

RESTART_SECONDS = 10
"""How long after a failure it is started anew: a broker that was gone is mostly back by then (judgement)."""

STOP_SECONDS = 30
"""How long it may take to leave: a stop tries for seconds, and a disconnection takes BlueZ two (judgement)."""

_TEXT = """\
# A gateway of unknot, as written by 'unknot config unit'. It lies in /etc/systemd/system/unknot.service; begin it with:
#   useradd --system @USER@
#   systemctl daemon-reload
#   systemctl enable --now unknot
[Unit]
Description=unknot, massage balls behind an MQTT broker
Wants=network-online.target bluetooth.service
After=network-online.target bluetooth.service mosquitto.service

[Service]
Type=notify
ExecStart=@PROGRAM@ bridge --config %d/config.toml
WatchdogSec=@WATCHDOG@
Restart=on-failure
RestartSec=@RESTART@
# 2 is a configuration that is wrong: it does not mend itself.
RestartPreventExitStatus=2
# What stops a motor when the gateway is killed or hangs is a process of its own, which leaves by itself within seconds.
# With any other mode it would be killed too.
KillMode=process
TimeoutStopSec=@STOP@

# What only root may read is read by systemd and handed over.
@CREDENTIALS@

# A user of its own; what it keeps lies in /var/lib/unknot, its profiles in /etc/unknot/firmware_profiles. A dynamic
# user would be turned away by dbus-daemon, and so would one in a user namespace of its own (PrivateUsers).
User=@USER@
@GROUP@
StateDirectory=unknot
StateDirectoryMode=0700
CacheDirectory=unknot
CacheDirectoryMode=0700
Environment=XDG_CONFIG_HOME=%E XDG_DATA_HOME=%S XDG_CACHE_HOME=%C
UMask=0077

# It speaks to bluetoothd over D-Bus, and to the broker; it needs no device, no privilege and nobody's files.
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=@HOME@
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
PrivateDevices=yes
PrivateTmp=yes
RemoveIPC=yes
CapabilityBoundingSet=
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"""

_SECRETS = ("password_file", "key_file")
_FILES = ("ca_file", "cert_file")
_HOMES = tuple(map(Path, ("/home", "/root", "/run/user")))
"""What ProtectHome hides (systemd.exec(5))."""


def this_program() -> tuple[str, ...]:
    """The words that start this program from anywhere."""
    script = Path(sys.argv[0]).absolute()
    if script.suffix != ".py" and os.access(script, os.X_OK):
        return (str(script),)
    return (sys.executable, "-m", "unknot")


def has_bluetooth_group() -> bool:
    """Whether this system has the group of those who may use Bluetooth."""
    try:
        import grp
    except ImportError:  # Windows
        return False
    try:
        grp.getgrnam(GROUP)
    except KeyError:
        return False
    return True


def text(program: Sequence[str], given: Settings, *, has_group: bool) -> str:
    """The unit.

    Args:
        program: the words that start unknot, the first one with its whole path.
        given: the configuration.
        has_group: whether there is a group `GROUP` to join.

    Raises:
        ConfigFileError: the configuration names a file by a path that is no whole one, which a service would not find.
    """
    from unknot.bridge.configuration import settings

    _refuse_relative_profiles(given)
    file = (given.file or settings.SYSTEM_FOLDER / settings.FILE).absolute()
    files = [Path(program[0]), *(Path(path) for key in _FILES if (path := _path(given, key)) is not None)]
    is_at_home = any(path.is_relative_to(home) for path in files for home in _HOMES)
    group = f"SupplementaryGroups={GROUP}" if has_group else f"# There is no group {GROUP!r} here, and none is needed."
    filled = {
        "@PROGRAM@": " ".join(_quoted(word).replace("$", "$$") for word in program),
        "@WATCHDOG@": str(WATCHDOG_SECONDS),
        "@RESTART@": str(RESTART_SECONDS),
        "@STOP@": str(STOP_SECONDS),
        "@CREDENTIALS@": "\n".join([f"LoadCredential=config.toml:{_escaped(str(file))}", *_handed_over(given)]),
        "@USER@": USER,
        "@GROUP@": group,
        "@HOME@": "read-only" if is_at_home else "yes",
    }
    return re.sub("|".join(filled), lambda found: filled[found[0]], _TEXT)


def notes(program: Sequence[str]) -> list[str]:
    """What would keep the unit from running."""
    for folder in reversed(Path(program[0]).parents):
        try:
            is_open = folder.stat().st_mode & stat.S_IXOTH
        except OSError:
            is_open = 0
        if not is_open:
            return [
                f"the service's user cannot reach {program[0]}, since only its owner may enter {folder}; install unknot"
                " where everybody can, for example: python3 -m venv /opt/unknot && /opt/unknot/bin/pip install unknot"
            ]
    return []


def _handed_over(given: Settings) -> list[str]:
    """The lines about the files that the configuration names."""
    lines = []
    for key in _SECRETS:
        if (path := _path(given, key)) is not None:
            name = key.removesuffix("_file")
            lines.append(f"LoadCredential=broker-{name}:{_escaped(path)}")
            lines.append(f"Environment={_variable(key)}=%d/broker-{name}")
    others = ((key, _path(given, key)) for key in _FILES)
    return [*lines, *(f"Environment={_quoted(f'{_variable(key)}={path}')}" for key, path in others if path is not None)]


def _path(given: Settings, key: str) -> str | None:
    value = given.values[f"broker.{key}"].value
    return None if value is None else str(value)


def _variable(key: str) -> str:
    from unknot.bridge.configuration.settings import variable

    return variable(f"broker.{key}")


def _refuse_relative_profiles(given: Settings) -> None:
    for number, ball in enumerate(given.written.balls):
        if ball.profile and ball.profile.endswith(".toml") and not Path(ball.profile).is_absolute():
            expected = "the whole path, since a service reads its configuration from another folder"
            raise given.wrong(f"balls.{number}.profile", f"{ball.profile!r}", expected)


def _escaped(word: str) -> str:
    """A word in which systemd sees no specifier (systemd.unit(5))."""
    return word.replace("%", "%%")


def _quoted(word: str) -> str:
    """A word of a command line or an assignment, as systemd reads it (systemd.service(5), "Command lines")."""
    word = _escaped(word)
    if re.fullmatch(r"[\w./=%+:@,-]+", word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
