"""What a gateway's configuration is: its file, section by section, and what the gateway takes from it; pure.

`unknot.bridge.configuration.settings` reads it from a file, the environment and the command line.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from unknot import datafile
from unknot.bridge import topics
from unknot.bridge.broker import KEEP_ALIVE_SECONDS, Broker
from unknot.bridge.configuration.discretion import BELONGS, NO_PASSWORD
from unknot.bridge.configuration.url import broker_at
from unknot.profiles.fields import Flag, Seconds, in_schema

TEXT_MOST = 100
"""Characters of a name or another word of a configuration: as many as fit a line (judgement)."""

KEEP_ALIVE = (5.0, 300.0)
"""How often a gateway may give a sign of life (s): more often only fills the air, and after twice the longest a broker
that froze is noticed (judgement)."""

_ADDRESS = r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
"""A Bluetooth address, or what macOS tells in its place."""
_LEVEL = r"[A-Za-z0-9_-]{1,64}"
"""One level of a topic, without what has a meaning in topics."""
_ID = f"[a-z0-9_-]{{1,{topics.ID_MOST}}}"
_TEXT = f'text in one line of at most {TEXT_MOST} characters, such as "Room 3"'
_UNSEEN = frozenset(("Cc", "Cs", "Zl", "Zp"))
"""Control characters, halves of characters, and what ends a line or a paragraph (Unicode's general categories)."""
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""What turns the direction of writing, so that a text looks like another one (Unicode, UAX 9)."""


class OnBrokerLost(StrEnum):
    """What a gateway does with what plays when the broker is gone."""

    FINISH = "finish"
    """It goes on to its end."""
    STOP = "stop"


class LogFormat(StrEnum):
    """How a gateway writes its log."""

    TEXT = "text"
    JSON = "json"


def _text(value: str) -> str:
    unseen = any(unicodedata.category(sign) in _UNSEEN for sign in value) or _TURNING.search(value)
    if unseen or not value.strip() or len(value) > TEXT_MOST:
        raise ValueError(_TEXT)
    return value


def _path(value: object) -> object:
    if not isinstance(value, str | Path) or not str(value).strip() or "\0" in str(value):
        raise ValueError("the path of a file, in quotes")
    return value


def _form(pattern: str, expected: str) -> AfterValidator:
    def check(value: str) -> str:
        if re.fullmatch(pattern, value) is None:
            raise ValueError(expected)
        return value

    return AfterValidator(check)


def _keep_alive(seconds: float) -> float:
    least, most = KEEP_ALIVE
    if not least <= seconds <= most or seconds % 1:
        raise ValueError(f'whole seconds from "{least:g}s" to "{most / 60:g}min"')
    return seconds


def _url(value: str) -> str:
    broker_at(value)
    return value


_AS_LEVEL = "letters, digits, - and _, at most 64: the first level of every topic"
_AS_ID = f"lower-case letters, digits, - and _, at most {topics.ID_MOST}"

Text = Annotated[str, AfterValidator(_text), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": TEXT_MOST})]
"""What people read: any letters, quotes and emoji, and nothing that a terminal obeys."""
FilePath = Annotated[Path, BeforeValidator(_path), WithJsonSchema({"type": "string", "minLength": 1})]
"""A file; a relative one lies beside the configuration's file."""
Base = Annotated[str, _form(_LEVEL, _AS_LEVEL), in_schema("the first level of every topic", _LEVEL)]
Prefix = Annotated[
    str,
    _form(f"{_LEVEL}(/{_LEVEL})*", 'a topic without wildcards, such as "homeassistant"'),
    in_schema("the topic below which Home Assistant looks for devices", f"{_LEVEL}(/{_LEVEL})*"),
]
Url = Annotated[str, AfterValidator(_url), WithJsonSchema({"type": "string", "pattern": "^mqtts?://"})]
KeepAlive = Annotated[Seconds, AfterValidator(_keep_alive)]
Id = Annotated[str, in_schema(_AS_ID, _ID)]
Address = Annotated[
    str,
    _form(_ADDRESS, "an address such as \"AA:BB:CC:DD:EE:FF\"; what it advertises is named by 'advertised'"),
    AfterValidator(str.upper),
    in_schema("a Bluetooth address, or what macOS tells in its place", _ADDRESS),
]
Version = Literal["5", "3.1.1"]


class Section(BaseModel):
    """The base of all parts of a configuration: frozen, and no key that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BrokerSection(Section):
    """Where the broker is, and who we are there.

    Attributes:
        url: where it is: mqtt://HOST, or mqtts://HOST with TLS; a port may follow.
        username: who logs in; nobody if it is left out.
        password_file: the path of a file whose one line is the password. There is no key for the password itself.
        ca_file: certificates to trust instead of the system's.
        cert_file: our own certificate, for brokers that ask for one.
        key_file: its private key.
        version: of MQTT: 5, or 3.1.1 for old brokers.
        base: the first level of every topic.
        keep_alive: how often the gateway gives a sign of life.
    """

    url: Url | None = None
    username: Text | None = None
    password_file: FilePath | None = None
    ca_file: FilePath | None = None
    cert_file: FilePath | None = None
    key_file: FilePath | None = None
    version: Version = "5"
    base: Base = topics.BASE
    keep_alive: KeepAlive = float(KEEP_ALIVE_SECONDS)

    @model_validator(mode="before")
    @classmethod
    def _refuse_password(cls, content: object) -> object:
        if isinstance(content, dict) and "password" in content:
            raise datafile.StrayKey("password", NO_PASSWORD, BELONGS)
        return content


class GatewaySection(Section):
    """What the gateway is called, and what it may do.

    Attributes:
        name: its id in topics; the computer's own name if it is left out.
        adapter: which Bluetooth adapter, such as hci1; on Linux only. The lowest that is on if it is left out.
        take_new: whether it also takes balls that no section names, when it finds one that a profile describes.
        on_broker_lost: what becomes of what plays when the broker is gone: finish it, or stop it at once.
        publish_log: whether warnings and errors are published too.
        accept_protocols: whether protocols may be sent to it, to be kept and played.
        log_format: how it writes its log: text for people, json for programs.
    """

    name: Id | None = None
    adapter: Text | None = None
    take_new: Flag = False
    on_broker_lost: OnBrokerLost = OnBrokerLost.FINISH
    publish_log: Flag = False
    accept_protocols: Flag = False
    log_format: LogFormat = LogFormat.TEXT

    @model_validator(mode="after")
    def _is_called(self) -> Self:
        if self.name == topics.EVERYONE:
            raise datafile.Misfit("name", repr(self.name), "another name: that one means every gateway")
        _see_id("name", self.name)
        return self


class HomeAssistantSection(Section):
    """What Home Assistant is told.

    Attributes:
        discovery: whether balls appear there by themselves.
        prefix: the topic below which it looks for them.
    """

    discovery: Flag = True
    prefix: Prefix = "homeassistant"


class BallSection(Section):
    """A ball that the gateway keeps.

    Attributes:
        id: its id in topics; made of its address if it is left out, or of the name that it advertises.
        address: its address. Either this or `advertised`.
        advertised: the name that it advertises, for one whose address changes.
        name: what people call it.
        profile: the id or the file of the profile that it speaks; the one that fits best if it is left out.
    """

    id: Id | None = None
    address: Address | None = None
    advertised: Text | None = None
    name: Text | None = None
    profile: Text | None = None

    @property
    def topic_id(self) -> str:
        """Its id in topics."""
        return self.id or topics.as_id(self.address or self.advertised or "")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.address is None and self.advertised is None:
            raise datafile.Misfit("address", "nothing", "its address, or 'advertised' with the name that it advertises")
        if self.address is not None and self.advertised is not None:
            raise datafile.Misfit("advertised", repr(self.advertised), "either this or 'address', not both")
        _see_id("id", self.id)
        if self.id is None and self.advertised is not None and not re.search(r"[A-Za-z0-9]", self.advertised):
            raise datafile.Misfit("id", "nothing", f"an id of {_AS_ID}, since none can be made of the advertised name")
        return self


def _see_id(key: str, written: str | None) -> None:
    if written is not None and not topics.is_id(written):
        raise datafile.Misfit(key, repr(written), _AS_ID, right=(topics.as_id(written),))


def _see_unique(key: str, written: Sequence[str | None]) -> None:
    for number, one in enumerate(written):
        first = written.index(one)
        if one is not None and first < number:
            raise datafile.Misfit(f"balls.{number}.{key}", repr(one), f"one of its own: ball {first + 1} has this one")


class ConfigFile(Section):
    """The configuration of a gateway.

    Attributes:
        schema_version: (`schema` in the file) the version of the file's format.
        broker: where the broker is, and who we are there.
        gateway: what the gateway is called, and what it may do.
        homeassistant: what Home Assistant is told.
        balls: the balls that it keeps.
    """

    schema_version: Annotated[
        int, AfterValidator(datafile.schema_1), Field(strict=True, alias="schema"), WithJsonSchema({"const": 1})
    ]
    broker: BrokerSection = BrokerSection()
    gateway: GatewaySection = GatewaySection()
    homeassistant: HomeAssistantSection = HomeAssistantSection()
    balls: tuple[BallSection, ...] = ()

    @model_validator(mode="after")
    def _tells_balls_apart(self) -> Self:
        _see_unique("address", [ball.address for ball in self.balls])
        _see_unique("advertised", [ball.advertised for ball in self.balls])
        _see_unique("id", [ball.topic_id for ball in self.balls])
        return self


@dataclass(frozen=True, slots=True)
class BallConfig:
    """A ball that a gateway keeps.

    Attributes:
        id: its id in topics.
        name: what people call it.
        target: its address, or the name that it advertises: what `unknot.connect` takes.
        address: its address, if that is known.
        profile: the id or the file of its profile; None for the one that fits best.
    """

    id: str
    name: str
    target: str
    address: str = ""
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """All that a gateway is told; `GatewaySection` and `HomeAssistantSection` say what each means.

    Attributes:
        broker: with the password.
        name: the gateway's id.
        discovery: whether Home Assistant is told of the balls, below ``prefix``.
    """

    broker: Broker
    name: str
    adapter: str | None = None
    take_new: bool = False
    on_broker_lost: OnBrokerLost = OnBrokerLost.FINISH
    publish_log: bool = False
    accept_protocols: bool = False
    log_format: LogFormat = LogFormat.TEXT
    discovery: bool = True
    prefix: str = "homeassistant"
    balls: tuple[BallConfig, ...] = ()
