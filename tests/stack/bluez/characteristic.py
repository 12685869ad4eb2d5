"""One characteristic of a ball as BlueZ shows it; used by the device."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from dbus_fast import DBusError, Variant

from tests.stack.bluez import errors
from tests.stack.bluez.tree import NOTHING, Interface, Reply, Tree
from unknot.simulator import gatt
from unknot.simulator.bearer import LinkEnded
from unknot.simulator.firmware import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dbus_fast import Message

    from unknot.simulator import SimulatedBall

ATT_SECONDS = 30.0
"""A transaction that the ball has not answered by then has failed (Bluetooth Core, Vol 3, Part F, 3.3.3)."""

UNLIKELY = 0x0E
"""The ATT error that BlueZ then answers with (measured)."""


class Transactions:
    """What is asked of one ball and wants an answer: one thing at a time, whoever asks."""

    def __init__(self) -> None:
        self.linked: SimulatedBall | None = None
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[SimulatedBall]:
        """A transaction. Raises BlueZ's errors for what becomes of it."""
        ball = self.linked
        if ball is None:
            raise errors.failed(errors.NOT_CONNECTED)
        try:
            async with asyncio.timeout(ATT_SECONDS), self._turn:
                if self.linked is not ball:
                    raise LinkEnded
                yield ball
        except Refusal as refusal:
            raise errors.att(refusal.code) from refusal
        except LinkEnded as ended:
            raise errors.failed(errors.OPERATION_FAILED) from ended
        except TimeoutError as late:
            raise errors.att(UNLIKELY) from late


class Characteristic:
    """A ``GattCharacteristic1``.

    Args:
        tree: where it is shown.
        path: as what.
        row: what it is.
        transactions: those of its ball.
    """

    def __init__(self, tree: Tree, path: str, row: gatt.Row, transactions: Transactions) -> None:
        self.path = path
        self._tree = tree
        self._row = row
        self._transactions = transactions
        self._hearers: set[str] = set()
        self._is_writing = False
        flags: list[str] = list(row["properties"])
        properties = {
            "UUID": Variant("s", row["characteristic"]),
            "Service": Variant("o", path.rpartition("/")[0]),
            "Flags": Variant("as", flags),
            "MTU": Variant("q", gatt.MTU),
        }
        if "write-without-response" in flags:
            properties["WriteAcquired"] = Variant("b", False)
        if self._notifies:
            properties |= {"Notifying": Variant("b", False), "NotifyAcquired": Variant("b", False)}
        methods = {
            "ReadValue": self._read,
            "WriteValue": self._write,
            "StartNotify": self._start_notify,
            "StopNotify": self._stop_notify,
        }
        tree.export(path, GattCharacteristic1=Interface(properties, methods))

    @property
    def _notifies(self) -> bool:
        return bool({"notify", "indicate"} & set(self._row["properties"]))

    def relink(self, ball: SimulatedBall) -> None:
        """The link is back: who heard before hears again, as BlueZ has it."""
        if self._hearers:
            ball.subscribe(self._row["role"], self._heard)

    def bury(self, program: str) -> None:
        """A program is gone, and with it what it wanted to hear."""
        if program in self._hearers:
            self._forget(program)

    async def _read(self, _: Message) -> Reply:
        async with self._transactions.one() as ball:
            value = await ball.read(self._row["role"])
        self._heard(value)  # BlueZ has one value to show, whichever way it came
        return "ay", [value]

    async def _write(self, message: Message) -> Reply:
        data, options = message.body
        kind = options["type"].value if "type" in options else None
        if self._transactions.linked is None:
            raise errors.failed(errors.NOT_CONNECTED)
        if self._is_writing:
            raise errors.in_progress()
        if kind == "command":
            await self._transactions.linked.command(self._row["role"], bytes(data))
            return NOTHING
        if kind not in (None, "request"):
            raise errors.not_supported()
        self._is_writing = True
        try:
            async with self._transactions.one() as ball:
                await ball.request(self._row["role"], bytes(data))
        finally:
            self._is_writing = False
        return NOTHING

    async def _start_notify(self, message: Message) -> Reply:
        if not self._notifies:
            raise errors.not_supported()
        program = message.sender or ""
        if program not in self._hearers:
            self._hearers.add(program)
            if self._transactions.linked is not None:
                await self._subscribe(program)
        return NOTHING

    async def _subscribe(self, program: str) -> None:
        try:
            async with self._transactions.one() as ball:
                ball.subscribe(self._row["role"], self._heard)
        except DBusError:
            self._hearers.discard(program)
            raise
        self._tree.change(self.path, "GattCharacteristic1", {"Notifying": Variant("b", True)})

    async def _stop_notify(self, message: Message) -> Reply:
        if message.sender not in self._hearers:
            raise errors.failed("No notify session started")
        self._forget(message.sender)
        return NOTHING

    def _forget(self, program: str) -> None:
        self._hearers.discard(program)
        if self._hearers:
            return
        if self._transactions.linked is not None:
            self._transactions.linked.unsubscribe(self._row["role"])
        self._tree.change(self.path, "GattCharacteristic1", {"Notifying": Variant("b", False)})

    def _heard(self, value: bytes) -> None:
        self._tree.change(self.path, "GattCharacteristic1", {"Value": Variant("ay", value)})
