"""The simulated ball behind a socket: the server and bleak's backends over it, both ends in one loop."""

import asyncio
import json
import os
import socket as sockets
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from bleak import BleakAdapter, BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError

import unknot
from tests.meddling import written
from unknot.errors import BallNotFound, LinkLost, UsageError
from unknot.simulator import Air, SimulatedBall, SimulatedClient
from unknot.simulator.happenings import Happening
from unknot.simulator.lines import LINE_BYTES
from unknot.simulator.remote import RemoteClient, RemoteScanner, adapter_behind
from unknot.simulator.server import Server

pytestmark = pytest.mark.real_time

ADDRESS = "C0:BA:11:00:00:01"
SERVICE = "b0a71001-6b1e-4f3d-9c58-7e2d41a90f36"
LEVEL = "b0a71002-6b1e-4f3d-9c58-7e2d41a90f36"
LEVEL_3 = bytes.fromhex("A5 03 A6")
STOP = bytes.fromhex("A5 00 A5")
PATIENCE = 5.0
ROUND = 0.02


@pytest.fixture
def ball() -> SimulatedBall:
    return SimulatedBall("button-ball")


@pytest.fixture
def told() -> list[str]:
    return []


@pytest_asyncio.fixture
async def socket(tmp_path: Path, ball: SimulatedBall, told: list[str]) -> AsyncIterator[Path]:
    def tell(happening: Happening) -> None:
        if happening.what != "written":
            told.append(f"{happening.what} {happening.level}")

    async with Server(Air(ball), tmp_path / "ball", tell):
        yield tmp_path / "ball"


def client(socket: Path, lost: Callable[[BleakClient], None] | None = None) -> BleakClient:
    return BleakClient(BLEDevice(ADDRESS, None, None), lost, backend=RemoteClient, socket=socket)


async def connected(socket: Path) -> list[str]:
    adapter = await BleakAdapter.get(backend=adapter_behind(socket))
    return [device.address for device in await adapter.get_connected_devices([SERVICE])]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what is waited for is in another task's variables
            await asyncio.sleep(0.005)


async def orphan(socket: Path) -> None:
    """Connect, start the motor, and vanish as a killed process does: the system closes its socket."""
    central = client(socket)
    await central.connect()
    await central.write_gatt_char(LEVEL, LEVEL_3, response=True)
    await central._backend._wire.close()  # type: ignore[attr-defined]


async def test_scans_connects_writes_reads_and_hears(socket: Path, ball: SimulatedBall, told: list[str]) -> None:
    heard: list[bytes] = []
    found = await BleakScanner.discover(timeout=0.2, return_adv=True, backend=RemoteScanner, socket=socket)  # type: ignore[call-overload]
    device, advertisement = found[ADDRESS]
    assert (device.name, advertisement.rssi) == ("ButtonBall", ball.rssi)
    async with client(socket) as central:
        assert central.name == "ButtonBall"
        assert central.mtu_size == 247
        assert await connected(socket) == [ADDRESS]
        assert await BleakScanner.discover(timeout=0.2, backend=RemoteScanner, socket=socket) == []  # type: ignore[call-overload]
        await central.start_notify(LEVEL, lambda _, value: heard.append(bytes(value)))
        await central.write_gatt_char(LEVEL, LEVEL_3, response=True)
        assert ball.level == 3
        assert (await central.read_gatt_char(LEVEL)).hex(" ") == "5a 03 59"
        assert heard == [bytes.fromhex("5A 03 59")]
        await central.stop_notify(LEVEL)
        await central.write_gatt_char(LEVEL, STOP, response=True)
        assert len(heard) == 1
        with pytest.raises(BleakGATTProtocolError) as refused:
            await central.write_gatt_char(LEVEL, b"\x00", response=True)
        assert refused.value.code == 0x13
    assert await connected(socket) == []
    assert told == ["connected 0", "level 3", "level 0", "disconnected 0"]


async def test_a_lost_link_is_told_once_and_the_same_client_connects_again(socket: Path, ball: SimulatedBall) -> None:
    lost: list[BleakClient] = []
    central = client(socket, lost.append)
    for wanted in (1, 2):
        await central.connect()
        ball.drop_link()
        await until(lambda: not central.is_connected)
        with pytest.raises(BleakError):
            await central.write_gatt_char(LEVEL, STOP, response=True)
        await central.disconnect()
        assert lost == [central] * wanted


async def test_the_link_of_a_dead_program_stays_and_the_next_one_takes_it_over(
    socket: Path, ball: SimulatedBall, told: list[str]
) -> None:
    await orphan(socket)
    await until(lambda: told[-1] == "orphaned 3")
    assert await connected(socket) == [ADDRESS]
    with pytest.raises(BleakDeviceNotFoundError):  # by its address alone it would have to be scanned for
        await BleakClient(ADDRESS, backend=RemoteClient, socket=socket).connect()
    async with client(socket) as second:
        await second.write_gatt_char(LEVEL, STOP, response=True)
    assert not ball.is_connected
    assert told == ["connected 0", "level 3", "orphaned 3", "joined 3", "level 0", "disconnected 0"]


async def test_unknot_takes_over_an_orphan(socket: Path, ball: SimulatedBall) -> None:
    await orphan(socket)
    ((_, outcome),) = await unknot.stop_all(simulate=socket, seconds=0.1)
    assert outcome == "confirmed"
    assert (ball.level, ball.is_connected) == (0, False)


async def test_two_programs_share_a_link_in_order_and_either_ends_it(tmp_path: Path) -> None:
    ball = SimulatedBall("button-ball", latency=ROUND / 2)
    lost: list[BleakClient] = []
    async with Server(Air(ball), tmp_path / "ball"):
        one, other = client(tmp_path / "ball", lost.append), client(tmp_path / "ball", lost.append)
        await one.connect()
        await other.connect()
        with written(ball) as writes:
            levels = [bytes([0xA5, level, 0xA5 ^ level]) for level in (1, 2, 3, 4, 0)]
            async with asyncio.TaskGroup() as group:
                for index, data in enumerate(levels):
                    central = (one, other)[index % 2]
                    group.create_task(central.write_gatt_char(LEVEL, data, response=True))
                    await asyncio.sleep(0.002)  # two sockets are read in no order of their own
        assert [data for _, data in writes] == levels
        # One at a time, as ATT has it: the next request goes out when the one before is acknowledged.
        assert all(
            later - earlier >= 0.99 * ROUND for (earlier, _), (later, _) in zip(writes, writes[1:], strict=False)
        )
        await one.disconnect()
        await until(lambda: lost)
        assert not other.is_connected
        await until(lambda: lost in ([one, other], [other, one]))


async def test_a_server_that_ends_is_a_lost_link_for_its_clients(tmp_path: Path, ball: SimulatedBall) -> None:
    lost: list[BleakClient] = []
    async with Server(Air(ball), tmp_path / "ball"):
        central = client(tmp_path / "ball", lost.append)
        await central.connect()
        assert await connected(tmp_path / "ball") == [ADDRESS]
    await until(lambda: lost)
    assert not ball.is_connected
    assert not (tmp_path / "ball").exists()
    with pytest.raises(BleakError):
        await central.read_gatt_char(LEVEL)


async def test_a_server_that_ends_in_the_middle_of_a_write_fails_the_write(tmp_path: Path) -> None:
    async with Server(Air(SimulatedBall("button-ball", latency=60)), tmp_path / "ball"):
        central = client(tmp_path / "ball")
        await central.connect()
        writing = asyncio.create_task(central.write_gatt_char(LEVEL, LEVEL_3, response=True))
        await asyncio.sleep(0.05)
    with pytest.raises(BleakError):
        await writing


async def test_a_session_tells_a_server_that_ends_as_a_lost_link(tmp_path: Path, ball: SimulatedBall) -> None:
    async with Server(Air(ball), tmp_path / "ball") as server:
        with pytest.raises(unknot.UnknotError):
            async with unknot.connect("ButtonBall", simulate=str(tmp_path / "ball")) as connected:
                await server.__aexit__(None, None, None)
                await connected.set_level(1)


async def test_no_server_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "ball"
    line = f"no simulated ball answers at {path}; start one with 'unknot simulate --socket {path}'"
    with pytest.raises(BallNotFound) as missing:
        await unknot.scan(simulate=path)
    assert str(missing.value) == line
    with pytest.raises(BleakError):
        await client(path).connect()
    with pytest.raises(BallNotFound):
        await unknot.scan(simulate="\0")


async def test_an_unknown_address_is_not_found(socket: Path) -> None:
    with pytest.raises(BleakDeviceNotFoundError):
        await BleakClient("AA:BB:CC:DD:EE:FF", backend=RemoteClient, socket=socket).connect()


async def test_a_client_that_is_tired_of_waiting_leaves_no_link(
    socket: Path, ball: SimulatedBall, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = SimulatedClient.connect

    async def slow(self: SimulatedClient, pair: bool) -> None:
        await asyncio.sleep(0.1)
        await connect(self, pair)

    monkeypatch.setattr(SimulatedClient, "connect", slow)
    with pytest.raises(TimeoutError):
        await BleakClient(ADDRESS, timeout=0.05, backend=RemoteClient, socket=socket).connect()
    await asyncio.sleep(0.1)
    assert not ball.is_connected


HOSTILE = [
    (b"", "expected one JSON object on a line"),
    (b"\xff\xfe\x00", "expected one JSON object on a line"),
    (b"[1, 2]", "expected one JSON object on a line"),
    (b"[" * 4000, "expected one JSON object on a line"),
    (b"1" * (3 * LINE_BYTES), f"expected lines of at most {LINE_BYTES} bytes"),
    (b"{}", "do: found None, expected a text"),
    (b'{"do": "format"}', "do: found 'format', expected one of scan, connected"),
    (b'{"do": "connected", "services": [1]}', "services: found [1], expected a list of texts"),
    (b'{"do": "connect", "address": {}}', "address: found {}, expected a text"),
    (b'{"do": "connect", "address": "AA"}', "Device with address AA was not found."),
    (
        b'{"do": "write", "address": "C0:BA:11:00:00:01", "role": "level", "data": "zz", "response": true}',
        "hexadecimal",
    ),
    (b'{"do": "write", "address": "C0:BA:11:00:00:01", "role": "level", "data": "00"}', "response: found None"),
    (
        b'{"do": "write", "address": "C0:BA:11:00:00:01", "role": "level", "data": "00", "response": true}',
        "Not connected",
    ),
    (b'{"do": "read", "address": "C0:BA:11:00:00:01", "role": "level"}', "Not connected"),
]


@pytest.mark.parametrize(("line", "words"), HOSTILE, ids=[str(line[:30]) for line, _ in HOSTILE])
async def test_a_bad_line_is_answered_and_the_next_one_served(socket: Path, line: bytes, words: str) -> None:
    reader, writer = await asyncio.open_unix_connection(socket)
    writer.write(line + b"\n")
    async with asyncio.timeout(PATIENCE):
        answer = json.loads(await reader.readline())
        assert words in answer["error"]
        writer.write(b'{"id": 7, "do": "connected", "services": []}\n')
        while (answer := json.loads(await reader.readline()))["id"] != 7:
            assert "error" in answer
    assert answer["result"] == []
    writer.close()


async def test_a_program_that_never_reads_is_hung_up_on(socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unknot.simulator.server.UNREAD_BYTES", 10_000)
    _, writer = await asyncio.open_unix_connection(socket)
    with sockets.socket(sockets.AF_UNIX) as deaf:
        deaf.connect(str(socket))
        deaf.setblocking(False)
        with pytest.raises(ConnectionError):
            async with asyncio.timeout(PATIENCE):
                while True:
                    await asyncio.get_running_loop().sock_sendall(deaf, b"{}\n" * 1000)
                    await asyncio.sleep(0)
    assert await connected(socket) == []
    writer.close()


async def test_only_the_owner_may_open_the_socket(socket: Path) -> None:
    assert stat.S_IMODE(os.stat(socket).st_mode) == 0o600


async def test_a_live_servers_socket_is_refused_and_a_dead_ones_replaced(socket: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a simulated ball answers here already"):
        await Server(Air(), socket).__aenter__()
    dead = sockets.socket(sockets.AF_UNIX)
    dead.bind(str(tmp_path / "dead"))
    dead.close()
    async with Server(Air(SimulatedBall("button-ball")), tmp_path / "dead"), client(tmp_path / "dead"):
        pass
    assert await connected(socket) == []


async def test_a_fast_clock_meets_no_socket(tmp_path: Path) -> None:
    from unknot.clock import FastLoop

    def scan() -> Any:
        with asyncio.Runner(loop_factory=lambda: FastLoop(2)) as runner:
            runner.run(unknot.scan(simulate=tmp_path))

    with pytest.raises(UsageError, match="a clock that runs faster than real time"):
        await asyncio.to_thread(scan)


async def test_a_loss_while_an_answer_is_awaited_is_a_lost_link(tmp_path: Path) -> None:
    ball = SimulatedBall("button-ball", latency=0.1)
    async with Server(Air(ball), tmp_path / "ball"):
        with pytest.raises(LinkLost):
            async with unknot.connect("ButtonBall", simulate=tmp_path / "ball") as connected_ball:
                writing = asyncio.create_task(connected_ball.set_level(1))
                await asyncio.sleep(0.15)
                ball.drop_link()
                await writing
