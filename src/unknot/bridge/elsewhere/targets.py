"""Which broker, gateway and ball a URL means, and who we are there; used by `unknot.anywhere`.

How to log in is told as for a gateway: by the environment, or by the configuration's file. What the file says of its
own broker, a password above all, is said to no other one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from unknot.bridge import topics
from unknot.bridge.configuration import effective, settings
from unknot.bridge.configuration.discretion import has_password, without_password
from unknot.bridge.configuration.settings import Origin, Setting
from unknot.bridge.configuration.url import broker_at
from unknot.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unknot.bridge.broker import Broker
    from unknot.bridge.configuration.settings import Settings

EXPECTED = "mqtt://BROKER[/GATEWAY[/BALL]], or mqtts:// with TLS"

_URL_KEY = "broker.url"


@dataclass(frozen=True, slots=True)
class Place:
    """A broker, and a gateway and a ball there as far as they are named."""

    broker: Broker
    gateway: str | None = None
    ball: str | None = None


def place(url: str, *, environment: Mapping[str, str] = os.environ) -> Place:
    """What a URL means.

    Args:
        url: mqtt://[USER[:PASSWORD]@]HOST[:PORT][/GATEWAY[/BALL]], or mqtts:// with TLS.
        environment: how to log in, as UNKNOT_BROKER__PASSWORD and the like.

    Raises:
        UsageError: it is no such URL.
        ConfigFileError: the environment or the configuration's file is wrong.
    """
    try:
        parts = urlsplit(url)
        levels = [unquote(level) for level in parts.path.strip("/").split("/") if level]
        at = broker_at(urlunsplit((parts.scheme, parts.netloc, "", parts.query, parts.fragment)))
    except ValueError:
        raise _wrong(url) from None
    if len(levels) > 2:
        raise _wrong(url)
    gateway, ball, *_ = [*levels, None, None]
    if gateway is not None and (not topics.is_id(gateway) or gateway == topics.EVERYONE):
        hint = f"; did you mean {topics.as_id(gateway)!r}?" if not topics.is_id(gateway) else ""
        raise UsageError(f"no gateway can be called {gateway!r}{hint}")
    return Place(_logged_in(at, environment), gateway, ball)


def own_broker(*, environment: Mapping[str, str] = os.environ) -> Broker:
    """The broker of this machine's configuration.

    Raises:
        UsageError: it names none.
        ConfigFileError: something in it is wrong.
    """
    given = settings.read(environment=environment)
    if given.values[_URL_KEY].value is None:
        raise UsageError("no broker is named: say --via mqtt://BROKER, or name one in the configuration (broker.url)")
    return effective.broker(given)


def refuse_password(url: str) -> None:
    """Raise `UsageError` for a URL with a password in it: on a command line everybody can read it."""
    if has_password(url):
        raise UsageError(
            f"{without_password(url)}: a password on the command line can be read by every program on this machine; "
            "put it into UNKNOT_BROKER__PASSWORD, or into a file that UNKNOT_BROKER__PASSWORD_FILE names"
        )


def _wrong(url: str) -> UsageError:
    return UsageError(f"found {without_password(url)!r}, expected {EXPECTED}")


def _logged_in(at: Broker, environment: Mapping[str, str]) -> Broker:
    """The broker, with what the environment and the configuration's file say of it."""
    given, bare = settings.read(environment=environment), settings.defaults()
    values = {key: one if _counts(one, given, at) else bare[key] for key, one in given.values.items()}
    url = f"mqtt{'s' * at.is_tls}://{f'[{at.host}]' if ':' in at.host else at.host}:{at.port}"
    said = {_URL_KEY: url, "broker.username": at.username, settings.PASSWORD: at.password}
    values |= {key: Setting(key, value, Origin.FLAG) for key, value in said.items() if value}
    return effective.broker(replace(given, values=values))


def _counts(one: Setting, given: Settings, at: Broker) -> bool:
    """Whether a setting is meant for this broker: for the one that is named at the same place, or for any."""
    url = given.values[_URL_KEY]
    match one.origin:
        case Origin.FILE:
            return _is_at(given.written.broker.url, at)
        case Origin.ENVIRONMENT:
            return url.origin is not Origin.ENVIRONMENT or _is_at(url.value, at)
        case _:
            return True


def _is_at(url: str | None, at: Broker) -> bool:
    if url is None:
        return False
    named = broker_at(url)
    return (named.host.lower(), named.port, named.is_tls) == (at.host.lower(), at.port, at.is_tls)
