"""What the service manager hears, on a real socket."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from unknot.bridge.gateway.notify import Notifier

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no such sockets here")


class Manager:
    """The other end."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)

    def heard(self) -> list[str]:
        told = []
        while True:
            try:
                told.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return told


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    one = Manager(str(tmp_path / "notify"))
    yield one
    one.socket.close()


def environment(tmp_path: Path, **others: object) -> dict[str, str]:
    return {"NOTIFY_SOCKET": str(tmp_path / "notify"), **{name: str(value) for name, value in others.items()}}


def test_the_manager_hears_how_the_service_is(manager: Manager, tmp_path: Path) -> None:
    notifier = Notifier(environment(tmp_path))
    notifier.ready()
    notifier.status("3 balls; Bällchen plays calf")
    notifier.alive()
    notifier.stopping()
    assert manager.heard() == ["READY=1", "STATUS=3 balls; Bällchen plays calf", "WATCHDOG=1", "STOPPING=1"]


def test_a_ball_s_name_is_no_further_word_of_the_protocol(manager: Manager, tmp_path: Path) -> None:
    Notifier(environment(tmp_path)).status("Ball\nMAINPID=1\x1b[1m")
    assert manager.heard() == ["STATUS=Ball?MAINPID=1?[1m"]


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has abstract sockets")
def test_an_abstract_socket_is_written_with_an_at() -> None:
    name = f"unknot-test-{secrets.token_hex(8)}"
    manager = Manager(f"\0{name}")
    try:
        Notifier({"NOTIFY_SOCKET": f"@{name}"}).ready()
        assert manager.heard() == ["READY=1"]
    finally:
        manager.socket.close()


@pytest.mark.parametrize("socket_name", ["", "relative", "vsock:2:1234", "/there/is/none"])
async def test_nothing_happens_where_nobody_listens(socket_name: str) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": socket_name} if socket_name else {"WATCHDOG_USEC": "1000000"})
    notifier.ready()
    notifier.status("fine")
    assert notifier.watchdog_seconds is None
    await asyncio.wait_for(notifier.beat(), 1)


def test_a_manager_that_does_not_read_holds_up_nobody(manager: Manager, tmp_path: Path) -> None:
    notifier = Notifier(environment(tmp_path))
    for _ in range(10_000):
        notifier.alive()
    assert 0 < len(manager.heard()) < 10_000


async def test_signs_of_life_come_twice_in_the_watchdogs_time(manager: Manager, tmp_path: Path) -> None:
    notifier = Notifier(environment(tmp_path, WATCHDOG_USEC=30_000_000, WATCHDOG_PID=os.getpid()))
    assert notifier.watchdog_seconds == 30
    beating = asyncio.create_task(notifier.beat())
    await asyncio.sleep(100)
    beating.cancel()
    assert manager.heard() == ["WATCHDOG=1"] * 7  # at 0, 15, … and 90 s


@pytest.mark.parametrize(
    "others", [{}, {"WATCHDOG_USEC": 0}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": 1_000_000, "WATCHDOG_PID": 1}]
)
def test_no_watchdog_watches_another_process_or_without_a_time(tmp_path: Path, others: dict[str, object]) -> None:
    assert Notifier(environment(tmp_path, **others)).watchdog_seconds is None
