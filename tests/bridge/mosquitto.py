"""A real mosquitto on a free port of this machine, for as long as a block lasts.

    with mosquitto(tmp_path, users={"gw1": "secret"}, acl=ACL) as server:
        server.broker(username="gw1", password="secret")  # a `Broker` that says where it is

It is skipped where there is no mosquitto, unless ``UNKNOT_REQUIRE_MOSQUITTO=1`` says that there must be one.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.certificates import HERE, Authority
from unknot.bridge.broker import Broker

REQUIRED = "UNKNOT_REQUIRE_MOSQUITTO"
PATIENCE_SECONDS = 10.0
"""For a start that takes 7 ms."""
ROUND_SECONDS = 0.005
PORTS = (20_000, 32_000)
"""Below those that systems hand out by themselves, so that nobody takes the port of a broker that is restarting."""
ATTEMPTS = 20

ACL = """\
pattern readwrite unknot/%u/#
pattern read unknot/all/#
pattern read unknot/+/ball/+/availability
pattern read homeassistant/status
pattern readwrite homeassistant/device/unknot/+/config
pattern write homeassistant/device/unknot-gateway/%u/config

user homeassistant
topic read unknot/#
topic write unknot/+/ball/+/set
topic write unknot/+/request/#
topic readwrite homeassistant/#
"""
"""The rules that we recommend: a gateway's user name is its id."""


@dataclass(frozen=True, slots=True)
class Tls:
    """How a broker encrypts.

    Attributes:
        authority: who signs the broker's certificate.
        hosts: whose names it bears.
        wants_certificates: clients must show one of the same authority; its common name is their user name.
        expired: whether the broker's certificate is too old.
    """

    authority: Authority
    hosts: tuple[str, ...] = HERE
    wants_certificates: bool = False
    expired: bool = False


class Mosquitto:
    """A broker's process, which may be stopped and started again on its port.

    Attributes:
        port: on 127.0.0.1.
        log_file: what it says.
    """

    def __init__(self, program: str, folder: Path, port: int, lines: list[str], tls: Tls | None) -> None:
        self.port = port
        self.log_file = folder / "mosquitto.log"
        self._program = program
        self._config = folder / "mosquitto.conf"
        self._config.write_text("\n".join([f"listener {port} 127.0.0.1", *lines, ""]))
        self._tls = tls
        self._process: subprocess.Popen[bytes] | None = None

    def broker(self, **changes: Any) -> Broker:
        """Where it is, by default for nobody in particular; ``changes`` are the attributes of `Broker`."""
        ca_file = self._tls.authority.ca_file if self._tls else None
        here: dict[str, Any] = {"host": "127.0.0.1", "port": self.port, "is_tls": bool(self._tls), "ca_file": ca_file}
        return Broker(**(here | changes))

    @property
    def log(self) -> str:
        """What it has said until now."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def start(self) -> None:
        """Run it, and return when it takes connections; raises `OSError` if it does not."""
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen([self._program, "-c", self._config], stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise OSError(f"mosquitto has ended with {self._process.returncode}: {self.log}")
            with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(ROUND_SECONDS)
        self.kill()
        raise OSError(f"mosquitto takes no connections: {self.log}")

    def stop(self) -> None:
        """End it as a system does; what is to be persistent is written."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a word."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """End it, if it runs, and start it again on the same port."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Let it hang, with all its connections."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "it does not run"
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._signal(number)
        self.thaw()
        self._process.wait(PATIENCE_SECONDS)
        self._process = None


def program() -> str:
    """The path of mosquitto; skips the test where there is none, or fails it where there must be one."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/local/sbin:/usr/sbin:/opt/homebrew/sbin")
    if found is None and os.environ.get(REQUIRED) == "1":
        pytest.fail(f"there is no mosquitto, and {REQUIRED}=1 wants one: apt-get install mosquitto")
    if found is None:
        pytest.skip("there is no mosquitto: apt-get install mosquitto")
    return found


@contextmanager
def mosquitto(
    folder: Path,
    *,
    users: Mapping[str, str] | None = None,
    acl: str = "",
    tls: Tls | None = None,
    is_nodelay: bool = True,
    extra: str = "",
) -> Iterator[Mosquitto]:
    """A broker that runs until the block is left.

    Args:
        folder: for its files.
        users: names and passwords; without them anybody may log in.
        acl: who may say what, for example `ACL`.
        tls: encrypt.
        is_nodelay: whether it sends each packet at once, as we recommend.
        extra: further lines for its configuration.
    """
    path = program()
    folder = folder / "mosquitto"
    folder.mkdir(parents=True)
    lines = [
        "log_type all",
        "connection_messages true",
        f"set_tcp_nodelay {'true' if is_nodelay else 'false'}",
        *_identity(folder, path, users, tls),
        *_rules(folder, acl),
        extra,
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        lines.append("user root")  # another one could not read pytest's folders
    server = _started(path, folder, lines, tls)
    try:
        yield server
    finally:
        server.kill()


def _started(path: str, folder: Path, lines: list[str], tls: Tls | None) -> Mosquitto:
    for _ in range(ATTEMPTS):
        server = Mosquitto(path, folder, random.randrange(*PORTS), lines, tls)
        try:
            server.start()
        except OSError:
            if "Address already in use" not in server.log:
                raise
            server.log_file.unlink()
        else:
            return server
    raise AssertionError("there is no free port")


def _identity(folder: Path, path: str, users: Mapping[str, str] | None, tls: Tls | None) -> list[str]:
    lines = []
    if tls is not None:
        cert_file, key_file = tls.authority.certify("broker", tls.hosts, expired=tls.expired)
        lines += [f"certfile {cert_file}", f"keyfile {key_file}", f"cafile {tls.authority.ca_file}"]
        if tls.wants_certificates:
            return [*lines, "require_certificate true", "use_identity_as_username true"]
    if users is None:
        return [*lines, "allow_anonymous true"]
    passwords = folder / "passwords"
    passwords.write_text("".join(f"{user}:{password}\n" for user, password in users.items()))
    passwords.chmod(0o600)
    tool = shutil.which("mosquitto_passwd", path=f"{os.environ.get('PATH', '')}:{Path(path).parent}")
    assert tool is not None, "mosquitto came without mosquitto_passwd"
    subprocess.run([tool, "-U", passwords], check=True, capture_output=True)
    return [*lines, "allow_anonymous false", f"password_file {passwords}"]


def _rules(folder: Path, acl: str) -> list[str]:
    if not acl:
        return []
    rules = folder / "acl"
    rules.write_text(acl)
    rules.chmod(0o600)
    return [f"acl_file {rules}"]
