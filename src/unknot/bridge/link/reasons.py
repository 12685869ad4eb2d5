"""What a broker's reason codes mean to the person who reads them; used by `unknot.bridge.link.mqtt`. Pure.

MQTT 3.1.1 has five of its own for a refused greeting; the library tells them by those of MQTT 5 (2.4).
"""

from __future__ import annotations

from dataclasses import replace

from unknot.bridge.broker import Broker
from unknot.errors import BrokerError, BrokerLost, BrokerRefused, BrokerUnreachable, TopicsForbidden

UNSPECIFIED = 0x80
"""From here on a code is a failure; this one says nothing more. The library tells a broken connection by it."""

_NOT_AUTHORIZED = 0x87
_KEEP_ALIVE_TIMEOUT = 0x8D

_VERSIONS = 'set version = "3.1.1" if it is an old broker'
_LOGIN = "check the user name and the password"
_NO_LOGIN = "name a user, as in mqtt://USER@HOST, and give the password in UNKNOT_BROKER__PASSWORD or by its file"

_REFUSALS: dict[int, tuple[str, str]] = {
    0x84: ("does not speak this version of MQTT", _VERSIONS),
    0x85: ("does not take our identifier", "give the gateway a shorter name, of letters and digits"),
    0x86: ("refuses the login: wrong user name or password", _LOGIN),
    _NOT_AUTHORIZED: ("refuses the login: not authorized", _LOGIN),
    0x8A: ("refuses the login: we are banned", "see the broker's log"),
    0x8C: ("wants another way to log in", "allow user name and password, or a certificate"),
    0x90: ("refuses our will: its topic is forbidden", "allow us to write our own topics"),
    0x97: ("refuses the login: a quota is used up", "see the broker's log"),
    0x9A: ("keeps no retained messages", "allow them: without them nobody knows who is online"),
    0x9B: ("does not confirm messages", "allow quality of service 1"),
    0x9C: ("sends us to another broker", "ask its owner which one"),
    0x9D: ("has moved", "ask its owner where to"),
}
_BUSY: dict[int, str] = {0x88: "is not ready", 0x89: "is busy", 0x9F: "takes no more connections for now"}

_LOSSES: dict[int, tuple[str, str]] = {
    _NOT_AUTHORIZED: ("ends the connection: not authorized", "allow us our topics in the broker's rules"),
    0x8B: ("is shutting down", "try again when it runs"),
    0x8E: ("has another client under our identifier", "is a second gateway of the same name running?"),
    0x95: ("ends the connection: a message was too large for it", "allow larger messages"),
    0x98: ("ends the connection: somebody told it to", "see the broker's log"),
}


def refused(broker: Broker, code: int, said: str) -> BrokerError:
    """A greeting that was refused with this code, which the library calls ``said``."""
    if code in _BUSY:
        return BrokerUnreachable(f"{broker} {_BUSY[code]}", advice="try again later")
    what, advice = _REFUSALS.get(code, (f"refuses the login: {_in_words(said)}", "see the broker's log"))
    if advice == _LOGIN and not broker.username:
        advice = _NO_LOGIN
    return BrokerRefused(f"{broker} {what}", advice=advice)


def forbidden(broker: Broker, topics: str, code: int, said: str) -> TopicsForbidden:
    """A subscription or a message that was refused."""
    reason = "" if code in (UNSPECIFIED, _NOT_AUTHORIZED) else f" ({_in_words(said)})"
    who = f"user {broker.username}" if broker.username else "us"
    return TopicsForbidden(
        f"{broker} takes the login, but not {topics}{reason}", advice=f"allow {who} this topic in the broker's rules"
    )


def lost(broker: Broker, code: int, said: str) -> BrokerLost:
    """A connection that has ended."""
    if code == _KEEP_ALIVE_TIMEOUT:
        return silent(broker)
    if code in _LOSSES:
        what, advice = _LOSSES[code]
        return BrokerLost(f"{broker} {what}", advice=advice)
    reason = "" if code in (0, UNSPECIFIED) else f" ({_in_words(said)})"
    return BrokerLost(f"the connection to {broker} is gone{reason}", advice="is it running? its log says why")


def silent(broker: Broker) -> BrokerLost:
    """A connection on which an answer was waited for as long as a keep-alive lasts."""
    return BrokerLost(
        f"{broker} has not answered for {broker.keep_alive} s", advice="is it overloaded, or the network down?"
    )


def mute(broker: Broker) -> BrokerUnreachable:
    """Somebody who took the connection and did not greet us."""
    return BrokerUnreachable(f"{broker} takes the connection and says nothing", advice=_ungreeted(broker))


def hung_up(broker: Broker) -> BrokerUnreachable:
    """Somebody who ended the connection, or said something that is no MQTT."""
    return BrokerUnreachable(f"{broker} does not greet us as a broker does", advice=_ungreeted(broker))


def _ungreeted(broker: Broker) -> str:
    if broker.is_tls:
        return "check the port; if it is right, see the broker's log"
    return f"check the port; if it is one for TLS, say {replace(broker, is_tls=True)}"


def _in_words(said: str) -> str:
    return said[:1].lower() + said[1:]
