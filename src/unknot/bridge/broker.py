"""What a broker is to everybody who speaks through one: where it is, a message, a will, a link; pure.

`unknot.bridge.link.mqtt` makes such links of MQTT; tests make them of nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from unknot.bridge.topics import BASE

KEEP_ALIVE_SECONDS = 15
"""A frozen broker is noticed after twice that long (measured with mosquitto), a gateway that fell silent by the broker
after one and a half times that (MQTT 5, 3.1.2.10)."""

MAX_BYTES = 8 * 1024
"""A larger payload is refused unread: the longest that is meant, a protocol's file, has some 4 KiB (judgement)."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is, and who we are there.

    Attributes:
        host: its name or address.
        port: 1883, or 8883 with TLS, if nobody says otherwise.
        is_tls: whether the connection is encrypted and the broker's certificate verified.
        username: who logs in; empty for nobody.
        password: never shown.
        ca_file: certificates to trust instead of the system's.
        cert_file: our own certificate, for brokers that ask for one.
        key_file: its private key.
        version: of MQTT: "5", or "3.1.1" for old brokers, on which retained and expired commands are known less well.
        base: the first level of every topic.
        keep_alive: how often (s) we give a sign of life.
    """

    host: str
    port: int = 1883
    is_tls: bool = False
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    version: str = "5"
    base: str = BASE
    keep_alive: int = KEEP_ALIVE_SECONDS

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"mqtt{'s' * self.is_tls}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says for us when we are gone without a goodbye; retained."""

    topic: str
    payload: str


@dataclass(frozen=True, slots=True)
class Message:
    """What came from the broker.

    Attributes:
        topic: on which topic.
        payload: what was said.
        is_retained: it was said before we came, or with the wish to be kept.
        at: when it came (time of the loop).
        expires_in: for how long (s) from then it is valid; None for ever.
        response_topic: where the sender wants the answer; empty for the usual place.
        correlation: what the answer is to carry.
    """

    topic: str
    payload: bytes
    is_retained: bool = False
    at: float = 0.0
    expires_in: float | None = None
    response_topic: str = ""
    correlation: bytes = b""


class Link(Protocol):
    """One connection to a broker, from its greeting to its end."""

    @property
    def dropped(self) -> int:
        """How many messages there was no room for."""
        ...

    async def subscribe(self, *topics: str, qos: int = 1) -> None:
        """Hear what is said on these topics (wildcards allowed) from now on, and what is retained on them.

        With ``qos`` 0 a broker keeps nothing back for us while we are slow, so it has no need to drop anything: of more
        than 1,000 retained messages mosquitto sends by default only the first 1,000 with ``qos`` 1, and all with 0.

        Raises `BrokerError`.
        """
        ...

    async def subscribe_to_commands(self, *topics: str) -> None:
        """As `subscribe`, without what is retained; a live message that wants to be retained is known by that.

        Raises `BrokerError`.
        """
        ...

    async def subscribe_to_others(self, *topics: str) -> None:
        """As `subscribe`, without what we say ourselves on this link (which comes all the same before MQTT 5).

        Raises `BrokerError`.
        """
        ...

    async def publish(
        self,
        topic: str,
        payload: str | bytes,
        *,
        retain: bool = False,
        qos: int = 1,
        expires_in: float | None = None,
        response_topic: str = "",
        correlation: bytes = b"",
    ) -> None:
        """Say it; with ``qos`` 1 return when the broker has it.

        Raises `BrokerError`.
        """
        ...

    def messages(self) -> AsyncIterator[Message]:
        """What comes, until the link is lost, which raises `BrokerError`."""
        ...


Dial = Callable[[Will | None], AbstractAsyncContextManager[Link]]
"""Makes one attempt to connect; raises `BrokerError`. Leaving the block says goodbye, so that no will is told."""
