"""What goes over the socket of a simulated ball, one JSON object a line; both ends use it.

A client asks ``{"id": 1, "do": "write", "address": …, "role": …, "data": "A500A5", "response": true}`` and gets
``{"id": 1, "result": null}`` or ``{"id": 1, "error": "…", "kind": "att", "code": 19}``. Without being asked it gets
``{"event": "advertisement" | "value" | "lost", …}``.
"""

from __future__ import annotations

import asyncio
import json
import os
from itertools import count
from typing import TYPE_CHECKING, Any, Self

from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError

from unknot.errors import BallNotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LINE_BYTES = 4096
"""The longest line that a client may send: a value of 512 bytes in hexadecimal, and room for the words around it."""


class Request:
    """One line of a client; a field that is missing or of another kind is a `UsageError`."""

    def __init__(self, line: bytes) -> None:
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            fields = None
        if not isinstance(fields, dict):
            raise UsageError(f"found {line[:40]!r}, expected one JSON object on a line")
        self._fields = fields
        self.number = fields.get("id")

    def text(self, key: str) -> str:
        """A text."""
        value = self._fields.get(key)
        if not isinstance(value, str):
            raise UsageError(f"{key}: found {value!r}, expected a text")
        return value

    def texts(self, key: str) -> frozenset[str]:
        """A list of texts."""
        value = self._fields.get(key)
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise UsageError(f"{key}: found {value!r}, expected a list of texts")
        return frozenset(value)

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self._fields.get(key)
        if not isinstance(value, bool):
            raise UsageError(f"{key}: found {value!r}, expected true or false")
        return value

    def data(self, key: str) -> bytes:
        """Bytes in hexadecimal."""
        try:
            return bytes.fromhex(self.text(key))
        except ValueError:
            raise UsageError(f"{key}: found {self.text(key)[:40]!r}, expected bytes in hexadecimal") from None


def told(error: Exception) -> dict[str, Any]:
    """What went wrong, as the client's backend can raise it again."""
    match error:
        case BleakGATTProtocolError():
            return {"error": str(error), "kind": "att", "code": int(error.args[0])}
        case BleakDeviceNotFoundError():
            return {"error": str(error), "kind": "not found"}
        case TimeoutError():
            return {"error": "the ball did not answer in time", "kind": "timeout"}
        case UsageError():
            return {"error": str(error), "kind": "wrong"}
        case _:
            return {"error": str(error) or repr(error), "kind": "failed"}


class NoServer(BleakError, BallNotFound):
    """Nobody answers at the socket: an error of bleak's, as its backends raise, and one of ours, with what to do."""

    def __init__(self, socket: Path) -> None:
        BallNotFound.__init__(
            self,
            f"no simulated ball answers at {socket}",
            advice=f"start one with 'unknot simulate --socket {socket}'",
        )


class Wire:
    """One connection to the server: questions and answers, and what the server says by itself."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        heard: Callable[[dict[str, Any]], None],
        closed: Callable[[], None],
    ) -> None:
        self._writer = writer
        self._heard = heard
        self._closed = closed
        self._numbers = count(1)
        self._questions: dict[int, asyncio.Future[Any]] = {}
        self._listening = asyncio.create_task(self._listen(reader), name="simulated ball")

    @classmethod
    async def open(
        cls,
        socket: Path,
        heard: Callable[[dict[str, Any]], None] = lambda _: None,
        closed: Callable[[], None] = lambda: None,
    ) -> Self:
        """Open it. Raises `NoServer`."""
        try:
            return cls(*await asyncio.open_unix_connection(os.fspath(socket)), heard, closed)
        except (OSError, ValueError) as error:  # ValueError: a path that no system takes
            raise NoServer(socket) from error

    def say(self, verb: str, **fields: Any) -> int:
        """Ask for something and wait for nothing; the question's number."""
        number = next(self._numbers)
        self._writer.write(json.dumps({"id": number, "do": verb, **fields}).encode() + b"\n")
        return number

    async def ask(self, verb: str, **fields: Any) -> Any:
        """The server's answer. Raises what bleak's backends raise."""
        if self._listening.done():
            raise _gone()
        number = self.say(verb, **fields)
        answer = self._questions[number] = asyncio.get_running_loop().create_future()
        try:
            return await answer
        finally:
            del self._questions[number]

    def hang_up(self) -> None:
        """Say and hear no more."""
        self._closed = lambda: None
        self._writer.close()

    async def close(self) -> None:
        """Hang up, and wait until it is done."""
        self.hang_up()
        await asyncio.wait([self._listening])

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                message = json.loads(line)
                if "event" in message:
                    self._heard(message)
                elif (question := self._questions.get(message["id"])) and not question.done():
                    if "error" in message:
                        question.set_exception(_failure(message))
                    else:
                        question.set_result(message["result"])
        except ConnectionError:
            pass
        finally:
            self._writer.close()
            for question in self._questions.values():
                if not question.done():
                    question.set_exception(_gone())
            self._closed()


def _gone() -> BleakError:
    return BleakError("the process of the simulated ball has ended")


def _failure(message: dict[str, Any]) -> Exception:
    """The server's error as bleak's backends raise it."""
    match message["kind"]:
        case "att":
            return BleakGATTProtocolError(message["code"])
        case "not found":
            return BleakDeviceNotFoundError("", message["error"])
        case "timeout":
            return TimeoutError()
        case _:
            return BleakError(message["error"])
