"""The broker in a URL, for `unknot.bridge.configuration.config`; pure."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from unknot.bridge.broker import Broker

_PORTS = {"mqtt": 1883, "mqtts": 8883}
"""What stands before ``://``, and the port where none is named (IANA)."""

_EXPECTED = "a broker's URL such as mqtt://broker.local or mqtts://broker.local:8883"


def broker_at(url: str) -> Broker:
    """Where a broker is, with who logs in if the URL says it.

    Raises:
        ValueError: it is no URL of a broker; its words are what was expected.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # brackets that do not close, a port that is none
        raise ValueError(_EXPECTED) from None
    is_plain = not (parts.path.strip("/") or parts.query or parts.fragment)
    if parts.scheme not in _PORTS or not parts.hostname or not is_plain or not url.isprintable() or " " in url:
        raise ValueError(_EXPECTED)
    return Broker(
        host=parts.hostname,
        port=_PORTS[parts.scheme] if port is None else port,
        is_tls=parts.scheme == "mqtts",
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
