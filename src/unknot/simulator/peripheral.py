"""A simulated ball as a GATT server on a Bluetooth controller, by Bumble; needs the extra ``radio``.

The controller is a real one (a USB dongle, a serial board) or a virtual one on a `unknot.simulator.radio_link`. What
passes over the air is handed to the same `SimulatedBall` that stands behind the simulated backend, so its faults, its
button and its motor trace are the same. Used by ``unknot simulate --hci`` and by the tests on real Bluetooth stacks.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bumble import att, core, gatt, gatt_server, hci
from bumble.device import Connection, Device, DeviceConfiguration

from unknot.simulator.advertising import advertisement, scan_response, uuid_of
from unknot.simulator.ball import ADVERTISING_INTERVAL
from unknot.simulator.bearer import LinkEnded
from unknot.simulator.firmware import Refusal
from unknot.simulator.gatt import ATT_HEADER, rows
from unknot.simulator.happenings import Happening, What, observe
from unknot.simulator.patience import ANSWER_SECONDS, POWER_ON_SECONDS, gone, patience

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from unknot.simulator.ball import SimulatedBall
    from unknot.simulator.gatt import Row

POLL_SECONDS = 0.1
"""How often a ball without a link is asked whether it advertises, and under which address (judgement)."""

REFUSAL_SECONDS = 0.1
"""When a ball ends a connection that it does not want (judgement): within its first few events. A Linux 6.1.192 kernel
that loses one before that takes its bluetoothd down."""

_ASKED_FOR = (
    hci.HCI_ErrorCode.REMOTE_USER_TERMINATED_CONNECTION_ERROR,
    hci.HCI_ErrorCode.CONNECTION_TERMINATED_BY_LOCAL_HOST_ERROR,
)
"""Reasons with which a connection ends that somebody wanted to end."""

_PROPERTIES = {
    "read": gatt.Characteristic.Properties.READ,
    "write": gatt.Characteristic.Properties.WRITE,
    "write-without-response": gatt.Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
    "notify": gatt.Characteristic.Properties.NOTIFY,
    "indicate": gatt.Characteristic.Properties.INDICATE,
}


class Peripheral:
    """A ball on the air for the length of an ``async with`` block.

    Args:
        ball: the ball.
        source: where packets of the controller come from: a transport's source, or a virtual controller.
        sink: where packets for it go: a transport's sink, or the same virtual controller.
        cut: breaks the ball's connection as the radio would; None asks the controller to end it, as a ball does that is
            switched off.
        tell: is told what happens to the link.

    Raises:
        UsageError: the ball does not fit into an advertisement; told on entering, before the controller is asked.
        BluetoothUnavailable: the controller does not answer, refuses, or is gone; while the block runs, this ends it.
    """

    def __init__(
        self,
        ball: SimulatedBall,
        source: Any,
        sink: Any,
        *,
        cut: Callable[[], None] | None = None,
        tell: Callable[[Happening], None] = lambda _: None,
    ) -> None:
        self.ball = ball
        self._tell = tell
        observe(ball, tell)
        self._cut = cut
        self._source = source
        self._owner: asyncio.Task[Any] | None = None
        self._trouble: BaseException | None = None
        self._is_gone = False
        self._connection: Connection | None = None
        self._advertised: tuple[str, bytes] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._leaving = asyncio.Event()
        self._advertising: asyncio.Task[None] | None = None
        self._values: dict[str, gatt.Characteristic[bytes]] = {}
        milliseconds = ADVERTISING_INTERVAL * 1000  # Bumble's unit
        configuration = DeviceConfiguration(
            name=ball.name,
            address=_address(ball),
            advertising_interval_min=milliseconds,
            advertising_interval_max=milliseconds,
            gap_service_enabled=False,
            gatt_service_enabled=False,
        )
        self._device = Device.from_config_with_hci(configuration, source, sink)
        self._server = _Server(self._device, self._command)
        self._device.gatt_server = self._server
        self._device.add_default_services()
        self._device.add_services(self._services())
        self._device.on(Device.EVENT_CONNECTION, self._connected)

    async def __aenter__(self) -> Self:
        advertisement(self.ball)  # one that does not fit is told now
        async with patience(POWER_ON_SECONDS):
            await self._device.power_on()
        self._owner = asyncio.current_task()
        if (ended := self._ended) is not None:
            ended.add_done_callback(self._lose_controller)
        self._advertising = asyncio.create_task(self._keep_advertising(), name=f"advertising of {self.ball.name}")
        self._advertising.add_done_callback(self._end_advertising)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving.set()
        if self._trouble is not None and self._owner is not None:
            self._owner.uncancel()
            if not isinstance(error, asyncio.CancelledError):
                with suppress(asyncio.CancelledError):  # the block ended before it was told
                    await asyncio.sleep(0)
        try:
            await self._leave()
        except Exception as worse:  # noqa: BLE001 - it is told below, unless something else came first
            self._trouble = self._trouble or worse
        if self._trouble is not None and (error is None or isinstance(error, asyncio.CancelledError)):
            raise self._trouble

    async def _leave(self) -> None:
        """Take the ball off the air, whatever has gone wrong before."""
        try:
            if self._advertising is not None:
                async with patience(ANSWER_SECONDS):
                    # It is not cancelled: a command that the controller does not end would be left behind.
                    await self._advertising
        finally:
            if (ended := self._ended) is not None:
                ended.remove_done_callback(self._lose_controller)
            tasks = tuple(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._connection is not None:
                self.ball.unlink()
                self._end(self._connection)
            if not self._is_gone:
                async with patience(ANSWER_SECONDS):
                    with suppress(core.BaseBumbleError, hci.HCI_Error):
                        await self._device.stop_advertising()

    # What ends the block.

    @property
    def _ended(self) -> asyncio.Future[None] | None:
        """Done when the way to the controller has ended; a virtual controller has none."""
        ended: asyncio.Future[None] | None = getattr(self._source, "terminated", None)
        return ended

    def _lose_controller(self, ended: asyncio.Future[None]) -> None:
        if not ended.cancelled():
            ended.exception()  # some transports say why, in words that help nobody
        self._is_gone = True
        self._fail(gone())

    def _end_advertising(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _fail(self, trouble: BaseException) -> None:
        """Have the block end at once; what is told is the first that went wrong."""
        if self._trouble is None and self._owner is not None and not self._leaving.is_set():
            self._trouble = trouble
            self._owner.cancel()

    # What the radio brings.

    def _connected(self, connection: Connection) -> None:
        self._advertised = None  # a controller stops advertising when it is connected
        if self.ball.is_connected or not self.ball.is_in_reach or self.ball.refuses_link():
            asyncio.get_running_loop().call_later(REFUSAL_SECONDS, self._end, connection)
            return
        self._connection = connection
        connection.on(Connection.EVENT_DISCONNECTION, lambda reason: self._disconnected(connection, reason))
        self.ball.link(lambda: self._end(connection))
        self._say(What.CONNECTED)

    def _disconnected(self, connection: Connection, reason: int) -> None:
        if self._connection is connection:
            self._connection = None
            self.ball.unlink()
            self._say(What.DISCONNECTED if reason in _ASKED_FOR else What.LOST)

    def _say(self, what: What) -> None:
        self._tell(Happening(asyncio.get_running_loop().time(), self.ball, what, self.ball.level))

    def _end(self, connection: Connection) -> None:
        """The ball's side wants the connection to end."""
        if self._connection is connection:
            self._connection = None
            self._say(What.LOST)
        if self._cut is not None:
            # Not at once: the host may just be dealing with what made the ball want it.
            asyncio.get_running_loop().call_soon(self._cut)
        else:
            self._start(self._disconnect(connection))

    @staticmethod
    async def _disconnect(connection: Connection) -> None:
        with suppress(core.BaseBumbleError, hci.HCI_Error, asyncio.CancelledError):
            await connection.disconnect(hci.HCI_ErrorCode.REMOTE_DEVICE_TERMINATED_CONNECTION_DUE_TO_POWER_OFF_ERROR)

    async def _request(self, role: str, value: bytes) -> None:
        try:
            await self.ball.request(role, value)
        except Refusal as refusal:
            raise att.ATT_Error(att.ErrorCode(refusal.code)) from refusal
        except LinkEnded as ended:  # nobody is there to hear the answer
            raise att.ATT_Error(att.ErrorCode.UNLIKELY_ERROR) from ended

    def _command(self, role: str, value: bytes) -> None:
        self._start(self.ball.command(role, value))

    async def _read(self, role: str) -> bytes:
        try:
            return await self.ball.read(role)
        except Refusal as refusal:
            raise att.ATT_Error(att.ErrorCode(refusal.code)) from refusal
        except LinkEnded as ended:
            raise att.ATT_Error(att.ErrorCode.UNLIKELY_ERROR) from ended

    def _subscription(self, role: str, connection: Connection, *, is_wanted: bool) -> None:
        if connection is not self._connection:
            return
        if not is_wanted:
            self.ball.unsubscribe(role)
            return
        handle = self._values[role].handle

        def hear(data: bytes) -> None:
            # What is longer than the agreed size is cut, as the specification has it (Core, Vol 3, Part F, 3.4.7.1).
            value = data[: connection.att_mtu - ATT_HEADER]
            told = att.ATT_Handle_Value_Notification(attribute_handle=handle, attribute_value=value)
            self._server.send_gatt_pdu(connection, bytes(told))

        self.ball.subscribe(role, hear)

    # What the ball puts on the air.

    async def _keep_advertising(self) -> None:
        """Advertise while the ball has no link, is there and wants to be found."""
        while not self._leaving.is_set():
            wanted = None
            if self._connection is None and self.ball.is_advertising and self.ball.is_in_reach:
                wanted = self.ball.address, advertisement(self.ball)
            if wanted != self._advertised and self._connection is None:
                async with patience(ANSWER_SECONDS):
                    await self._advertise(wanted)
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._leaving.wait()

    async def _advertise(self, wanted: tuple[str, bytes] | None) -> None:
        self._advertised = wanted
        await self._device.stop_advertising()
        if wanted is None:
            return
        address = _address(self.ball)
        if address != self._device.random_address:
            await self._device.send_sync_command(hci.HCI_LE_Set_Random_Address_Command(random_address=address))
            self._device.random_address = self._device.static_address = address
        await self._device.start_advertising(advertising_data=wanted[1], scan_response_data=scan_response(self.ball))

    def _services(self) -> list[gatt.Service]:
        services: dict[str, list[gatt.Characteristic[bytes]]] = {}
        for row in rows(self.ball.profile):
            services.setdefault(row["service"], []).append(self._characteristic(row))
        return [gatt.Service(uuid_of(uuid), characteristics) for uuid, characteristics in services.items()]

    def _characteristic(self, row: Row) -> gatt.Characteristic[bytes]:
        role = row["role"]
        properties = gatt.Characteristic.Properties(0)
        for name in row["properties"]:
            properties |= _PROPERTIES[name]

        async def read(_: Connection) -> bytes:
            return await self._read(role)

        async def write(_: Connection, value: bytes) -> None:
            await self._request(role, bytes(value))

        permissions = gatt.Characteristic.Permissions.READABLE | gatt.Characteristic.Permissions.WRITEABLE
        value = gatt.CharacteristicValue(read=read, write=write)
        made: gatt.Characteristic[bytes] = gatt.Characteristic(
            uuid_of(row["characteristic"]), properties, permissions, value
        )
        made.on(
            gatt.Characteristic.EVENT_SUBSCRIPTION,
            lambda bearer, notify, indicate: self._subscription(role, bearer, is_wanted=notify or indicate),
        )
        self._values[role] = made
        self._server.roles[made] = role
        return made

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Server(gatt_server.Server):
    """Bumble's server, which tells a write command from a request.

    Args:
        device: the host.
        command: told each write without response: the characteristic's name in the profile, and the bytes.
    """

    def __init__(self, device: Device, command: Callable[[str, bytes], None]) -> None:
        super().__init__(device)
        self.roles: dict[gatt.Characteristic[bytes], str] = {}
        self._command = command

    def on_gatt_pdu(self, bearer: att.Bearer, att_pdu: att.ATT_PDU) -> None:
        """Take a packet of the client."""
        if isinstance(att_pdu, att.ATT_Write_Command):
            role = self.roles.get(self.get_attribute(att_pdu.attribute_handle))  # type: ignore[call-overload]
            if role is not None:
                self._command(role, bytes(att_pdu.attribute_value))
                return
        super().on_gatt_pdu(bearer, att_pdu)


def _address(ball: SimulatedBall) -> hci.Address:
    return hci.Address(ball.address, hci.Address.RANDOM_DEVICE_ADDRESS)
