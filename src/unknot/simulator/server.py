"""Serves a simulated air on a local socket, so that balls live in a process of their own; ``unknot simulate`` runs it.

`unknot.simulator.lines` shows what goes over the socket, `unknot.simulator.remote` is the other end.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from bleak import BleakScanner
from bleak.exc import BleakDeviceNotFoundError

from unknot.errors import UsageError
from unknot.simulator.backend import SimulatedScanner
from unknot.simulator.happenings import observe
from unknot.simulator.lines import LINE_BYTES, Request, told
from unknot.simulator.links import Links

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path
    from types import TracebackType

    from bleak.backends.device import BLEDevice
    from bleak.backends.scanner import AdvertisementData

    from unknot.simulator.air import Air
    from unknot.simulator.happenings import Happening

log = logging.getLogger(__name__)

UNREAD_BYTES = 1 << 20
"""A client that leaves so much unread is hung up on, so that one that sleeps does not fill the memory (judgement)."""

ONLY_THE_OWNER = 0o600
"""The socket's mode: whoever may connect may start a motor."""

PATH_BYTES = 107
"""The longest path of a local socket on Linux, without its closing zero (``struct sockaddr_un``)."""


class Server:
    """Serves an air while its ``async with`` block runs; all links end with it.

    Args:
        air: the balls; further ones may come later.
        path: where the socket is made.
        tell: is told what happens to the balls that are there at the beginning.

    Raises:
        UsageError: on entering: another server answers there, something else lies there, or no socket can be made.
    """

    def __init__(self, air: Air, path: Path, tell: Callable[[Happening], None] = lambda _: None) -> None:
        self._air = air
        self._path = path
        self._tell = tell
        self._links = Links(air, tell)
        self._clients: set[_Client] = set()
        self._server: asyncio.Server | None = None
        self._inode = 0

    async def __aenter__(self) -> Self:
        listening = _listen(self._path)
        self._inode = self._path.stat().st_ino
        self._server = await asyncio.start_unix_server(self._serve, sock=listening, limit=LINE_BYTES)
        for ball in self._air:
            observe(ball, self._tell)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None  # noqa: S101 - entered
        self._server.close()
        with suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._inode:  # not a newer server's
                self._path.unlink()
        for client in tuple(self._clients):
            await client.end()
        await self._links.end()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = _Client(self._air, self._links, reader, writer)
        self._clients.add(client)
        try:
            await client.serve()
        finally:
            self._clients.discard(client)


class _Client:
    """One program that has opened the socket."""

    def __init__(self, air: Air, links: Links, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.is_gone = False
        self._air = air
        self._links = links
        self._reader = reader
        self._writer = writer
        self._work: set[asyncio.Task[None]] = set()
        self._scanner = BleakScanner(self._hear_advertisement, backend=SimulatedScanner, air=air)
        self._is_scanning = False
        self._serving = asyncio.current_task()

    async def serve(self) -> None:
        """Answer line by line until the program leaves or dies, which is the same: its links stand."""
        try:
            while line := await self._line():
                # Each in a task of its own: a ball that is slow to answer keeps nobody from asking for something else.
                # Tasks begin in the order in which they are made, and a link serves in the order in which it is asked.
                task = asyncio.create_task(self._answer(line))
                self._work.add(task)
                task.add_done_callback(self._work.discard)
        except ConnectionError:
            pass
        finally:
            self.is_gone = True
            self._links.bury(self)
            if self._is_scanning:
                await self._scanner.stop()
            self._writer.close()

    async def end(self) -> None:
        """Hang up, as a server that ends does."""
        for task in tuple(self._work):
            task.cancel()
        self._writer.transport.abort()
        if self._serving is not None:
            await asyncio.wait([self._serving])

    def hear_loss(self, address: str) -> None:
        """A link that it uses is gone."""
        self._send({"event": "lost", "address": address})

    def hear_value(self, address: str, role: str, data: bytes) -> None:
        """A ball has notified."""
        self._send({"event": "value", "address": address, "role": role, "data": data.hex()})

    def _hear_advertisement(self, device: BLEDevice, heard: AdvertisementData) -> None:
        self._send(
            {
                "event": "advertisement",
                "address": device.address,
                "name": heard.local_name,
                "services": heard.service_uuids,
                "companies": {str(company): data.hex() for company, data in heard.manufacturer_data.items()},
                "rssi": heard.rssi,
            }
        )

    async def _line(self) -> bytes:
        """The next line; empty at the end. What is too long is answered and thrown away."""
        while True:
            try:
                return await self._reader.readline()
            except ValueError:
                self._send({"id": None, "error": f"expected lines of at most {LINE_BYTES} bytes", "kind": "wrong"})

    async def _answer(self, line: bytes) -> None:
        number: object = None
        try:
            request = Request(line)
            number = request.number
            self._send({"id": number, "result": await self._do(request)})
        except Exception as error:  # noqa: BLE001 - whatever one program asks for, the others are served on
            self._send({"id": number, **told(error)})

    def _do(self, request: Request) -> Coroutine[Any, Any, Any]:
        work = {
            "scan": self._scan,
            "connected": self._connected,
            "connect": self._connect,
            "disconnect": self._disconnect,
            "read": self._read,
            "write": self._write,
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
        }
        verb = request.text("do")
        if verb not in work:
            raise UsageError(f"do: found {verb!r}, expected one of {', '.join(work)}")
        return work[verb](request)

    async def _scan(self, _: Request) -> None:
        if not self._is_scanning:
            self._is_scanning = True
            await self._scanner.start()

    async def _connected(self, request: Request) -> list[dict[str, str]]:
        balls = self._air.connected(request.texts("services"))
        return [{"address": ball.address, "name": ball.name} for ball in balls]

    async def _connect(self, request: Request) -> dict[str, Any]:
        link = self._links.to(request.text("address"))
        if not request.flag("found") and link.ball.is_connected:
            # Who has only the address must scan for it, and a ball with a link does not advertise.
            raise BleakDeviceNotFoundError(link.ball.address, f"Device with address {link.ball.address} was not found.")
        return {"table": await link.connect(self), "name": link.ball.name}

    async def _disconnect(self, request: Request) -> None:
        await self._links.to(request.text("address")).disconnect(self)

    async def _read(self, request: Request) -> str:
        return (await self._links.to(request.text("address")).read(request.text("role"))).hex()

    async def _write(self, request: Request) -> None:
        link = self._links.to(request.text("address"))
        await link.write(request.text("role"), request.data("data"), response=request.flag("response"))

    async def _subscribe(self, request: Request) -> None:
        await self._links.to(request.text("address")).subscribe(request.text("role"), self)

    async def _unsubscribe(self, request: Request) -> None:
        await self._links.to(request.text("address")).unsubscribe(request.text("role"), self)

    def _send(self, message: dict[str, Any]) -> None:
        if self._writer.is_closing():
            return
        self._writer.write(json.dumps(message).encode() + b"\n")
        if self._writer.transport.get_write_buffer_size() > UNREAD_BYTES:
            self._writer.transport.abort()


def _listen(path: Path) -> socket.socket:
    """A socket that listens at the path, for its owner only; one that a dead server has left behind is replaced."""
    if not hasattr(socket, "AF_UNIX"):
        raise UsageError("this system has no local sockets; use --simulate instead")
    if len(os.fsencode(path)) > PATH_BYTES:
        raise UsageError(f"{path}: a socket's path has at most {PATH_BYTES} bytes; choose a shorter one")
    _clear(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o777 & ~ONLY_THE_OWNER)
    try:
        listening.bind(os.fspath(path))
    except OSError as error:
        listening.close()
        raise UsageError(f"{path}: no socket can be made here ({error.strerror}); choose another path") from error
    finally:
        os.umask(mask)
    return listening


def _clear(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return  # nothing there, or binding will say what is wrong
    if not stat.S_ISSOCK(mode):
        raise UsageError(f"{path}: found a file that is no socket; choose another path, or remove it")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink()
        except OSError as error:
            raise UsageError(f"{path}: a socket is there already ({error.strerror}); choose another path") from error
        else:
            raise UsageError(f"{path}: a simulated ball answers here already; choose another path, or end the other")
