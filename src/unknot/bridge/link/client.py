"""aiomqtt's client on a socket of ours and without its silences; used by `mqtt`, which makes links of it.

Only this module knows aiomqtt and paho, and one place in it, `translate`, turns their errors into ours.
"""

from __future__ import annotations

import asyncio
import logging
import math
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import aiomqtt
from aiomqtt import MqttCodeError, MqttError, ProtocolVersion
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.client import MQTT_ERR_SUCCESS, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from unknot.bridge.broker import Broker, Message, Will
from unknot.bridge.link import reasons, sockets, trust
from unknot.bridge.link.incoming import Incoming
from unknot.errors import BrokerError

GOODBYE_SECONDS = 1.0
"""For a goodbye to be read, which takes a round trip; a broker that has stopped reading gets none (judgement)."""

QUEUE_MOST = 1000
"""Messages that may wait to be read: as many as mosquitto keeps for one client."""

PACKET_BYTES = 256 * 1024
"""A broker is asked to keep larger messages to itself; a gateway says less of a thousand balls (judgement)."""

IN_FLIGHT_MOST = 20
"""Messages on their way that the broker has not confirmed: mosquitto's limit and paho's default."""

EXPIRY_MOST = 0xFFFFFFFF
"""Seconds; the longest that can be said (MQTT 5, 3.3.2.3.3)."""

FOREIGN = (MqttError, OSError, ValueError)
"""What aiomqtt, paho and sockets raise; a plain `ValueError` is paho's word for what MQTT cannot say."""

EVERYTHING = SubscribeOptions(qos=1)
"""A subscription to what is said, and to what is retained."""

EVERYTHING_AT_ONCE = SubscribeOptions(qos=0)
"""The same, without anything that the broker would have to keep until we have said that we have it."""

COMMANDS = SubscribeOptions(qos=1, retainAsPublished=True, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)
"""A subscription to what is said from now on, which tells what wants to be retained (MQTT 5, 3.8.3.1)."""

OTHERS = SubscribeOptions(qos=0, noLocal=True)
"""A subscription to what others say, and to all that is retained (MQTT 5, 3.8.3.1)."""

_VERSIONS = {"5": ProtocolVersion.V5, "3.1.1": ProtocolVersion.V311}

_log = logging.getLogger(__name__)
_log.setLevel(logging.CRITICAL)
"""What the library says of losses is told by our errors; lower this level to hear it."""


class Client(aiomqtt.Client):
    """One connection, never used for a second one: after a loss aiomqtt takes itself for connected.

    aiomqtt by itself connects in a thread that nobody can call back; waits in vain where the broker hangs up before its
    greeting, and for answers to what was being said when the connection was lost; does not tell that a message was
    refused; and hands sockets to the event loop that are closed by then. Each method here mends one of these.

    Args:
        broker: where it is, and who we are there.
        identifier: what the broker tells its clients apart by.
        will: what it says for us when we are gone.

    Attributes:
        incoming: what comes.
    """

    def __init__(self, broker: Broker, identifier: str, will: Will | None) -> None:
        super().__init__(
            broker.host,
            broker.port,
            username=broker.username or None,
            password=broker.password or None,
            logger=_log,
            identifier=identifier,
            protocol=_VERSIONS[broker.version],
            will=None if will is None else aiomqtt.Will(will.topic, will.payload, qos=1, retain=True),
            keepalive=broker.keep_alive,
            # Its own time limits swallow a cancellation now and then on Python 3.11.
            timeout=math.inf,
            max_inflight_messages=IN_FLIGHT_MOST,
            properties=_properties(PacketTypes.CONNECT, MaximumPacketSize=PACKET_BYTES) if _is_5(broker) else None,
        )
        self.incoming = Incoming(QUEUE_MOST)
        self._broker = broker
        self._answers: dict[int, asyncio.Future[ReasonCode]] = {}
        self._disconnected.add_done_callback(self._ended)

    async def greet(self, connection: socket.socket) -> None:
        """Say who we are over a connected socket, and return when the broker takes us."""
        # paho connects by itself in a way that nobody can call back, and takes a connected socket nowhere else.
        self._client._create_socket = lambda: connection  # type: ignore[method-assign]  # noqa: SLF001
        self._client.connect(self._hostname, self._port, self._keepalive, properties=self._properties)
        await self._connected

    async def part(self, connection: socket.socket) -> None:
        """Say goodbye, if there is anybody to say it to, and let go of the socket in any case."""
        try:
            if self._is_greeted() and not self._disconnected.done():
                with suppress(TimeoutError):
                    async with asyncio.timeout(GOODBYE_SECONDS):
                        await self._say_goodbye(connection)
        finally:
            self._client._sock_close()  # noqa: SLF001 - there is no other way from somebody who reads no goodbye
            connection.close()
            self.give_up(MqttError("parted"))
        if self._misc_task is not None:
            await asyncio.wait([self._misc_task])

    async def _say_goodbye(self, connection: socket.socket) -> None:
        # paho closes its socket with its last word; the connection has to live a moment longer.
        with socket.fromfd(connection.fileno(), connection.family, connection.type) as still_open:
            still_open.settimeout(0)
            if self._client.disconnect() == MQTT_ERR_SUCCESS:
                await asyncio.wait([self._disconnected])
                await sockets.hung_up(still_open)

    def _is_greeted(self) -> bool:
        greeted = self._connected
        return greeted.done() and not greeted.cancelled() and greeted.exception() is None

    async def hear(self, topics: Sequence[str], options: SubscribeOptions) -> None:
        """Subscribe; MQTT 3.1.1 heeds only the quality of service.

        Raises:
            TopicsForbidden: the broker says that it refuses one; some say nothing.
        """
        self.incoming.check()
        if not topics:
            return
        if _is_5(self._broker):
            answers = await self.subscribe([(topic, options) for topic in topics])
        else:
            answers = await self.subscribe([(topic, options.QoS) for topic in topics])
        for topic, answer in zip(topics, answers, strict=True):
            self._check(topic, answer)

    async def say(
        self, topic: str, payload: str | bytes, *, qos: int, is_kept: bool, properties: Properties | None
    ) -> None:
        """Publish; with ``qos`` 0 return when it is on its way.

        Raises:
            TopicsForbidden: the broker says that it refuses it; before MQTT 5 none says so.
        """
        self.incoming.check()
        info = self._client.publish(topic, payload, qos, is_kept, properties)
        if info.rc != MQTT_ERR_SUCCESS:
            raise MqttCodeError(info.rc)
        answer = self._answers[info.mid] = self._loop.create_future()
        try:
            self._check(topic, await answer)
        finally:
            del self._answers[info.mid]

    def _check(self, topic: str, answer: object) -> None:
        if isinstance(answer, ReasonCode) and answer.is_failure:
            raise reasons.forbidden(self._broker, topic, answer.value, str(answer))

    def give_up(self, why: Exception) -> None:
        """Take the connection for lost."""
        if not self._disconnected.done():
            self._disconnected.set_exception(why)

    def _ended(self, disconnected: asyncio.Future[None]) -> None:
        """Tell all who wait that there is nothing to wait for."""
        error = disconnected.exception() or MqttError("the goodbye was said")
        loss = translate(error, self._broker)
        loss.__cause__ = error
        self.incoming.end(loss)
        if not self._connected.done():
            self._connected.set_exception(error)
        waiting: list[asyncio.Future[Any]] = [*self._answers.values(), *self._pending_subscribes.values()]
        for answer in waiting:
            if not answer.done():
                answer.set_exception(loss)

    def _on_connect(
        self,
        client: PahoClient,
        userdata: Any,
        flags: ConnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        # A broker ends the connection of a client that has more on its way than it allows (MQTT 5, 3.3.4).
        most = getattr(properties, "ReceiveMaximum", IN_FLIGHT_MOST)
        client._max_inflight_messages = min(IN_FLIGHT_MOST, most)  # noqa: SLF001 - for its setter it is too late
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_disconnect(
        self,
        client: PahoClient,
        userdata: Any,
        flags: DisconnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        if not self._connected.done():
            self._connected.set_exception(MqttCodeError(reason_code))
        elif self._is_greeted():
            super()._on_disconnect(client, userdata, flags, reason_code, properties)

    def _on_publish(
        self, client: PahoClient, userdata: Any, mid: int, reason_code: ReasonCode, properties: Properties
    ) -> None:
        answer = self._answers.get(mid)
        if answer is not None and not answer.done():
            answer.set_result(reason_code)

    def _on_message(self, client: PahoClient, userdata: Any, message: MQTTMessage) -> None:
        try:
            self.incoming.put(_read(message, self._loop.time()))
        except UnicodeDecodeError:  # a topic that no broker should pass on
            self.incoming.dropped += 1

    def _on_socket_register_write(self, client: PahoClient, userdata: Any, sock: Any) -> None:
        def write() -> None:
            try:
                client.loop_write()
            except Exception as error:  # noqa: BLE001 - as aiomqtt does: it would be lost in the event loop
                self.give_up(error)

        self._loop.add_writer(sock.fileno(), write)


def message_properties(
    broker: Broker, expires_in: float | None, response_topic: str, correlation: bytes
) -> Properties | None:
    """What MQTT 5 says besides a payload; None if that is nothing."""
    said: dict[str, object] = {}
    if expires_in is not None:
        said["MessageExpiryInterval"] = min(max(1, math.ceil(expires_in)), EXPIRY_MOST)
    if response_topic:
        said["ResponseTopic"] = response_topic
    if correlation:
        said["CorrelationData"] = correlation
    return _properties(PacketTypes.PUBLISH, **said) if said and _is_5(broker) else None


def _is_5(broker: Broker) -> bool:
    return broker.version == "5"


def _properties(kind: int, **values: object) -> Properties:
    properties: Properties = Properties(kind)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


def _read(message: MQTTMessage, now: float) -> Message:
    properties = message.properties
    response_topic: str = getattr(properties, "ResponseTopic", "")
    return Message(
        topic=message.topic,
        payload=bytes(message.payload),
        is_retained=message.retain,
        at=now,
        expires_in=getattr(properties, "MessageExpiryInterval", None),
        # Nobody can be answered on a wildcard; mosquitto lets it pass.
        response_topic="" if {"+", "#"} & set(response_topic) else response_topic,
        correlation=getattr(properties, "CorrelationData", b""),
    )


@contextmanager
def ours(broker: Broker, ungreeted: socket.socket | None = None) -> Iterator[None]:
    """Turn the library's errors inside the block into ours; see `translate`."""
    try:
        yield
    except FOREIGN as error:
        raise translate(error, broker, ungreeted) from error


def translate(error: BaseException, broker: Broker, ungreeted: socket.socket | None = None) -> BrokerError:
    """Our error for one of the library's.

    Args:
        error: what was raised.
        broker: by the connection to whom.
        ungreeted: its socket, if the broker had not greeted us yet.
    """
    match error:
        case MqttConnectError(rc=ReasonCode() as code):
            return reasons.refused(broker, code.value, str(code))
        case ValueError():
            return BrokerError(f"that cannot be said over MQTT ({error})")
        case _ if ungreeted is not None:
            return _ungreeted(error, broker, ungreeted)
        case TimeoutError():
            return reasons.silent(broker)
        case MqttCodeError(rc=ReasonCode() as code):
            return reasons.lost(broker, code.value, str(code))
    return reasons.lost(broker, reasons.UNSPECIFIED, "")


def _ungreeted(error: BaseException, broker: Broker, connection: socket.socket) -> BrokerError:
    if isinstance(connection, trust.EncryptedSocket) and connection.complaint is not None:
        return trust.untrusted(connection.complaint, broker)
    return reasons.mute(broker) if isinstance(error, TimeoutError) else reasons.hung_up(broker)
