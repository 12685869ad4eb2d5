"""A connected socket to a broker, encrypted if it is to be; used by `unknot.bridge.link.mqtt`.

It is made without a thread, so that an attempt can be given up at any moment and leaves nothing behind. This is the one
place where the operating system's and OpenSSL's errors on that way become ours.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

from unknot.bridge.broker import Broker
from unknot.bridge.link import trust
from unknot.errors import BrokerError, BrokerUnreachable

CONNECT_SECONDS = 10.0
"""For finding the broker and for TLS, and once more for its greeting (aiomqtt's own measure)."""

ADDRESS_SECONDS = 4.0
"""For one of several addresses of a name: the next one gets its turn while there is time (judgement)."""

READ_BYTES = 64 * 1024
"""At a time, of what nobody wants to know any more."""

FOREIGN = (OSError, UnicodeError)
"""What the system, its resolver and OpenSSL raise; no resolver can be asked for a name that is a `UnicodeError`."""


async def connect(broker: Broker) -> socket.socket:
    """A socket that blocks nobody and sends each packet at once.

    Raises:
        BrokerUnreachable: there is no way to the broker.
        BrokerUntrusted: there is, and TLS fails on it, or a file that it takes cannot be read.
    """
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            # Reading the system's authorities takes 25 ms, in which nobody else should have to wait.
            context = await asyncio.to_thread(trust.context, broker) if broker.is_tls else None
            plain = await _reach(broker)
            return plain if context is None else await _encrypt(plain, context, broker.host)
    except FOREIGN as error:
        raise translate(error, broker) from error


async def _reach(broker: Broker) -> socket.socket:
    """A connection to the first of the broker's addresses that takes it."""
    loop = asyncio.get_running_loop()
    last = OSError(errno.EADDRNOTAVAIL, "its name has no address")
    for family, kind, protocol, _, address in await loop.getaddrinfo(broker.host, broker.port, type=socket.SOCK_STREAM):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(0)
            # Otherwise an acknowledgement and the message after it wait 40 ms for each other (measured).
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout(ADDRESS_SECONDS):
                await loop.sock_connect(connection, address)
        except OSError as error:  # which a timeout is, too
            connection.close()
            last = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise last


async def _encrypt(plain: socket.socket, context: ssl.SSLContext, host: str) -> socket.socket:
    try:
        encrypted = context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
    except BaseException:
        plain.close()
        raise
    try:
        await _shake_hands(encrypted)
    except BaseException:
        encrypted.close()
        raise
    return encrypted


async def _shake_hands(encrypted: ssl.SSLSocket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        try:
            encrypted.do_handshake()
        except ssl.SSLWantReadError:
            await _moment(encrypted, loop.add_reader, loop.remove_reader)
        except ssl.SSLWantWriteError:
            await _moment(encrypted, loop.add_writer, loop.remove_writer)
        else:
            return


async def _moment(
    connection: socket.socket, watch: Callable[..., object], unwatch: Callable[[socket.socket], object]
) -> None:
    """Wait until the socket can be read, or written."""
    ready = asyncio.Event()
    watch(connection, ready.set)
    try:
        await ready.wait()
    finally:
        unwatch(connection)


async def hung_up(connection: socket.socket) -> None:
    """Read on until the other end has hung up, too; a cancellation is the only other end.

    A socket that is closed with something unread resets the connection: a broker may miss the goodbye that it has not
    read yet, and tell the will (seen with mosquitto).
    """
    loop = asyncio.get_running_loop()
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        while await loop.sock_recv(connection, READ_BYTES):
            pass


def translate(error: BaseException, broker: Broker) -> BrokerError:
    """Our error for what failed on the way to a broker."""
    match error:
        case ssl.SSLError():
            return trust.untrusted(error, broker)
        case ConnectionError() if broker.is_tls and not isinstance(error, ConnectionRefusedError):
            return trust.without_tls(broker)
        case socket.gaierror(errno=socket.EAI_AGAIN):
            said, advice = f"nobody tells now which machine is {broker.host}", "is this machine on the network?"
        case socket.gaierror() | UnicodeError():
            said, advice = f"no machine is called {broker.host}", "check the broker's name, or give its address"
        case TimeoutError():
            said, advice = f"{broker} does not answer", "is the machine on, and does a firewall stand between?"
        case ConnectionRefusedError():
            said, advice = f"nobody listens at {broker}", "is the broker running, and on this port?"
        case _:
            words = getattr(error, "strerror", None) or str(error) or type(error).__name__
            said, advice = f"there is no way to {broker} ({words})", "is this machine on the network?"
    return BrokerUnreachable(said, advice=advice)
