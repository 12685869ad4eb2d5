"""The air between virtual Bluetooth controllers, with a radio's clock and a radio's losses; for Bumble's hosts.

Bumble's own link delivers at once and for ever. This one moves data at connection events only, repeats what is lost at
the next, falls silent, and breaks the connections that have been silent for their supervision time-out. Used where a
simulated ball meets another Bluetooth stack on this machine: a kernel's, or a second one of Bumble's.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from typing import TYPE_CHECKING, Any

from bumble import hci, ll
from bumble.controller import Controller
from bumble.link import LocalLink

if TYPE_CHECKING:
    from collections.abc import Callable

    from bumble.core import PhysicalTransport
    from bumble.transport.common import TransportSink

SUPERVISION_SECONDS = 0.42
"""How long a connection may be silent: what a Linux kernel asks for when it connects (measured on 6.1)."""

RSSI = -50
"""Signal strength in dBm of what says nothing about itself (Bumble's own)."""

_EPSILON = 1e-9
"""Slack in connection events for float arithmetic."""


class VirtualController(Controller):
    """A controller on a `RadioLink`; does what Bumble's leaves out and hosts rely on.

    It answers an active scan with the advertiser's scan response, tells how strong each advertiser is, takes back a
    connection that was cancelled, and knows neither privacy nor extended advertising, which Bumble's does by halves.

    Args:
        name: for logs.
        link: the air.
        source: the host's end of a transport, if the host lives elsewhere.
        sink: the other direction.
        rssi: how strong it is heard, in dBm.
    """

    def __init__(
        self, name: str, link: RadioLink, source: Any = None, sink: TransportSink | None = None, *, rssi: int = RSSI
    ) -> None:
        super().__init__(name, host_source=source, host_sink=sink, link=link)
        self.rssi = rssi
        self.radio = link
        self.le_features &= ~(hci.LeFeatureMask.LL_PRIVACY | hci.LeFeatureMask.LE_EXTENDED_ADVERTISING)

    def on_advertising_pdu(self, pdu: ll.AdvInd | ll.AdvExtInd) -> None:
        """Hear an advertisement; ask for more where the host scans actively; connect where the host waits for it."""
        if self.le_scan_enable:
            kinds = hci.HCI_LE_Advertising_Report_Event.EventType
            heard = [(kinds.ADV_IND, pdu.data)]
            advertiser = self.radio.controller_of(pdu.advertiser_address)
            rssi = advertiser.rssi if advertiser is not None else RSSI
            if self.le_scan_type == hci.HCI_LE_Set_Scan_Parameters_Command.ACTIVE_SCANNING and advertiser is not None:
                heard.append((kinds.SCAN_RSP, advertiser.le_legacy_advertiser.scan_response_data))
            for kind, data in heard:
                report = hci.HCI_LE_Advertising_Report_Event.Report(
                    event_type=kind,
                    address_type=pdu.advertiser_address.address_type,
                    address=pdu.advertiser_address,
                    data=data,
                    rssi=rssi,
                )
                self.send_hci_packet(hci.HCI_LE_Advertising_Report_Event([report]))
        pending = self.pending_le_connection
        if pending is not None and pending.peer_address == pdu.advertiser_address:
            self.create_le_connection(pdu.advertiser_address)

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Wait for the advertiser no more, and say so as a controller does: by a connection that failed."""
        pending = self.pending_le_connection
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        self.pending_le_connection = None
        failed = hci.HCI_LE_Connection_Complete_Event(
            status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
            connection_handle=0,
            role=hci.Role.CENTRAL,
            peer_address_type=pending.peer_address.address_type,
            peer_address=pending.peer_address,
            connection_interval=0,
            peripheral_latency=0,
            supervision_timeout=0,
            central_clock_accuracy=0,
        )
        asyncio.get_running_loop().call_soon(self.send_hci_packet, failed)
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)


class RadioLink(LocalLink):
    """The air.

    Args:
        interval: seconds between connection events; 0 moves data at once.
        loss: the share of transmissions that is lost, each repeated at the next event; needs an interval.
        supervision: seconds of silence after which a connection breaks.
        seed: decides which are lost.
    """

    def __init__(
        self, *, interval: float = 0.0, loss: float = 0.0, supervision: float = SUPERVISION_SECONDS, seed: int = 0
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.interval = interval
        self.loss = loss
        self.supervision = supervision
        self._chance = random.Random(seed)  # noqa: S311 - made to be repeated, not to be secret
        self._silent_until = 0.0
        self._arrivals: dict[Controller, float] = {}
        self._under_way: dict[Controller, deque[Callable[[], None]]] = {}

    def controller_of(self, address: hci.Address) -> VirtualController | None:
        """The controller that advertises under an address."""
        return next(
            (one for one in self.controllers if isinstance(one, VirtualController) and one.random_address == address),
            None,
        )

    def fall_silent(self, seconds: float) -> None:
        """Let nothing pass for so long; connections break when that is longer than their supervision time-out."""
        loop = asyncio.get_running_loop()
        self._silent_until = loop.time() + seconds
        if seconds >= self.supervision:
            loop.call_later(self.supervision, self._break_all)

    def cut(self, controller: Controller) -> None:
        """Break the connections of a controller, as when it is carried out of range: both ends are told a time-out."""
        for connection in tuple(controller.le_connections.values()):
            other = self.find_le_controller(connection.peer_address)
            timed_out = hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR
            controller.on_le_disconnected(connection, timed_out)
            if other is None:
                continue
            back = other.le_connections.get(connection.self_address)
            if back is not None:
                other.on_le_disconnected(back, timed_out)

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: hci.Address,
        transport: PhysicalTransport,
        data: bytes,
    ) -> None:
        """Move data at the next connection event that does not lose it, never before what is under way already."""
        receiver = self.find_le_controller(destination_address)
        connection = sender_controller.le_connections.get(destination_address)
        # The address under which the other end knows this connection, which need not be the present random one.
        source = connection.self_address if connection is not None else sender_controller.random_address
        if receiver is None:
            return
        loop = asyncio.get_running_loop()
        arrival = max(self._event(loop.time()), self._arrivals.get(receiver, 0.0))
        self._arrivals[receiver] = arrival

        def arrive() -> None:
            if source in receiver.le_connections:
                receiver.on_link_acl_data(source, transport, data)

        # The loop keeps no order among timers of the same moment, so that each of them delivers what is first.
        queue = self._under_way.setdefault(receiver, deque())
        queue.append(arrive)
        if arrival <= loop.time():
            loop.call_soon(self._deliver, queue)
        else:
            loop.call_at(arrival, self._deliver, queue)

    def send_advertising_pdu(self, sender_controller: Controller, packet: ll.AdvertisingPdu) -> None:
        """Let everybody hear an advertisement, unless the air is silent."""
        if asyncio.get_running_loop().time() >= self._silent_until:
            super().send_advertising_pdu(sender_controller, packet)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        """Move what the controllers say to each other; to one that is gone already it is lost."""
        receiver = self.find_le_controller(receiver_address)
        if receiver is None or asyncio.get_running_loop().time() < self._silent_until:
            return

        def arrive() -> None:
            if sender_address in receiver.le_connections:
                receiver.on_ll_control_pdu(sender_address, packet)

        asyncio.get_running_loop().call_soon(arrive)

    def _event(self, now: float) -> float:
        """When what is sent now arrives."""
        start = max(now, self._silent_until)
        if not self.interval:
            return start
        event = math.floor(start / self.interval + _EPSILON) + 1
        while self._chance.random() < self.loss:
            event += 1
        return event * self.interval

    @staticmethod
    def _deliver(queue: deque[Callable[[], None]]) -> None:
        queue.popleft()()

    def _break_all(self) -> None:
        if asyncio.get_running_loop().time() < self._silent_until:
            for controller in tuple(self.controllers):
                self.cut(controller)
