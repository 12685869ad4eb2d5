"""What a gateway takes of its settings: the broker with its password, its own name, its balls.

Used by ``unknot bridge`` and by what looks a configuration over; reads the password's file, and sees that the other
files are there.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from unknot.bridge import topics
from unknot.bridge.broker import Broker
from unknot.bridge.configuration import settings
from unknot.bridge.configuration.config import BallConfig, BallSection, GatewayConfig
from unknot.bridge.configuration.settings import PASSWORD, Origin, Settings
from unknot.bridge.configuration.url import broker_at
from unknot.errors import ConfigFileError

SECRET_MOST = 4096
"""A password's file that is larger (bytes) is another file (judgement)."""

NO_URL = "the broker's URL, such as mqtt://broker.local, here, in UNKNOT_BROKER__URL, or as --broker"

_ORDER = tuple(Origin)


def load(
    file: Path | None = None,
    *,
    environment: Mapping[str, str] = os.environ,
    flags: Mapping[str, object] | None = None,
) -> GatewayConfig:
    """A gateway's whole configuration; arguments as for `unknot.bridge.configuration.settings.read`.

    Raises:
        ConfigFileError: with the first thing that is wrong.
    """
    return gateway_config(settings.read(file, environment=environment, flags=flags))


def gateway_config(given: Settings) -> GatewayConfig:
    """What the gateway takes. Raises `ConfigFileError`."""
    values = {key: one.value for key, one in given.values.items()}
    return GatewayConfig(
        broker=broker(given),
        name=values["gateway.name"] or host_id(),
        adapter=values["gateway.adapter"],
        take_new=values["gateway.take_new"],
        on_broker_lost=values["gateway.on_broker_lost"],
        publish_log=values["gateway.publish_log"],
        accept_protocols=values["gateway.accept_protocols"],
        log_format=values["gateway.log_format"],
        discovery=values["homeassistant.discovery"],
        prefix=values["homeassistant.prefix"],
        balls=balls(given),
    )


def broker(given: Settings) -> Broker:
    """The broker, with the password. Raises `ConfigFileError`."""
    values = {key: one.value for key, one in given.values.items()}
    if values["broker.url"] is None:
        raise given.wrong("broker.url", "nothing", NO_URL)
    at = broker_at(values["broker.url"])
    if not at.is_tls:
        for key in ("broker.ca_file", "broker.cert_file", "broker.key_file"):
            if values[key] is not None:
                raise given.wrong(
                    key, f"'{values[key]}'", "no certificates where the url begins with mqtt://; TLS is mqtts://"
                )
    if values["broker.key_file"] is not None and values["broker.cert_file"] is None:
        raise given.wrong("broker.key_file", f"'{values['broker.key_file']}'", "a cert_file that this key belongs to")
    for key in ("broker.ca_file", "broker.cert_file", "broker.key_file"):
        _see(given, key)
    at = replace(
        at,
        username=_username(given, at.username),
        password=_password(given, at.password),
        ca_file=values["broker.ca_file"],
        cert_file=values["broker.cert_file"],
        key_file=values["broker.key_file"],
        version=values["broker.version"],
        base=values["broker.base"],
        keep_alive=int(values["broker.keep_alive"]),
    )
    if at.password and not at.username:
        raise given.wrong("broker.username", "nothing", "the user whose password was given")
    return at


def balls(given: Settings) -> tuple[BallConfig, ...]:
    """The balls that the file names. Raises `ConfigFileError` where there is no such profile."""
    return tuple(_ball(given, number, one) for number, one in enumerate(given.written.balls))


def host_id() -> str:
    """The id of a gateway that nobody named: this computer's own name."""
    name = topics.as_id(socket.gethostname().partition(".")[0])
    return "gateway" if name == topics.EVERYONE else name


def _ball(given: Settings, number: int, one: BallSection) -> BallConfig:
    target = one.address or one.advertised or ""
    return BallConfig(one.topic_id, one.name or target, target, one.address or "", _profile(given, number, one.profile))


def _profile(given: Settings, number: int, name: str | None) -> str | None:
    """The profile's id, or its file beside the configuration's; whether the file is right, who takes the ball sees."""
    if name is None:
        return None
    key = f"balls.{number}.profile"
    if name.endswith(".toml"):
        file = ((given.file.parent if given.file else Path()) / Path(name).expanduser()).absolute()
        if not file.is_file():
            raise given.wrong(key, f"{name!r}", "a profile's file that is there")
        return str(file)
    from unknot.profiles import library

    known = library.files()
    if name not in known:
        raise given.wrong(key, f"{name!r}", f"one of {', '.join(sorted(known))}")
    return name


def _username(given: Settings, in_url: str) -> str:
    """Who logs in; the setting and the URL are of the same weight only if they come from the same place."""
    named, url = given.values["broker.username"], given.values["broker.url"]
    if named.value is None or (in_url and _ORDER.index(url.origin) < _ORDER.index(named.origin)):
        return in_url
    if in_url and in_url != named.value and url.origin is named.origin:
        raise given.wrong("broker.username", f"{named.value!r}", f"{in_url!r}, whom the url names, or a url without")
    return str(named.value)


def _password(given: Settings, in_url: str) -> str:
    """The password from the strongest place; of one place, the password itself before its file."""
    itself, file, url = (given.values[key] for key in (PASSWORD, "broker.password_file", "broker.url"))
    ways = [one for one in (itself, file) if one.value is not None]
    if in_url:
        ways.append(url)
    if not ways:
        return ""
    way = min(ways, key=lambda one: _ORDER.index(one.origin))
    if way is file:
        return _secret(given, Path(file.value))
    return in_url if way is url else str(itself.value)


def _secret(given: Settings, file: Path) -> str:
    """The one line of a password's file."""
    key = "broker.password_file"
    _see(given, key)
    try:
        with file.open("rb") as stream:
            raw = stream.read(SECRET_MOST + 1)
        text = raw.decode().removesuffix("\n").removesuffix("\r")
    except OSError as cause:
        raise _unreadable(given, key, file, cause) from cause
    except UnicodeDecodeError:
        text = "\0"
    if not text or len(raw) > SECRET_MOST or not text.isprintable():
        found = "an empty file" if not text else f"'{file}' with more than one line of text"
        raise given.wrong(key, found, "a file with the password in one line")
    return text


def _see(given: Settings, key: str) -> None:
    """See that the file of a setting is there."""
    file = given.values[key].value
    if file is None:
        return
    try:
        with Path(file).open("rb"):
            pass
    except OSError as cause:
        raise _unreadable(given, key, Path(file), cause) from cause


def _unreadable(given: Settings, key: str, file: Path, cause: OSError) -> ConfigFileError:
    why = {IsADirectoryError: "a folder", PermissionError: "may not be read"}.get(type(cause))
    return given.wrong(key, f"'{file}', {why or (cause.strerror or str(cause)).lower()}", "a readable file")
