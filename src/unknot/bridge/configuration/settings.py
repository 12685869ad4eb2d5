"""Where each value of a gateway's configuration comes from: command line, environment, file or default, in this order.

Used by ``unknot bridge``, ``unknot config`` and ``unknot doctor``; `effective` makes of it what the gateway
takes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn

from platformdirs import user_config_path
from pydantic import ValidationError

from unknot import datafile
from unknot.bridge.configuration.config import BrokerSection, ConfigFile, GatewaySection, HomeAssistantSection, Section
from unknot.bridge.configuration.discretion import BELONGS, NO_PASSWORD, discreet, has_password, without_password
from unknot.errors import ConfigFileError

FILE_VARIABLE = "UNKNOT_CONFIG"
"""The environment's word for the file."""

FILE = "config.toml"
SYSTEM_FOLDER = Path("/etc/unknot")
"""Where a service's configuration lies."""

ENVIRONMENT, COMMAND_LINE, ANYWHERE = "the environment", "the command line", "the configuration"
"""What an error names where it would name a file."""

PASSWORD = "broker.password"  # noqa: S105 - the key, not what it holds
"""The one setting that no file has."""

_PREFIX, _BETWEEN = "UNKNOT_", "__"
_SECTIONS: dict[str, type[Section]] = {
    "broker": BrokerSection,
    "gateway": GatewaySection,
    "homeassistant": HomeAssistantSection,
}
"""The sections whose keys can also be given elsewhere; the balls stand in the file alone."""

_FLAGS = {"true": True, "false": False}


class Origin(StrEnum):
    """Where a value comes from, the strongest first."""

    FLAG = "command line"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Setting:
    """One value.

    Attributes:
        key: its section and its name, with a dot between them.
        value: as it is meant; None for one that is left out.
        origin: where it comes from.
    """

    key: str
    value: Any
    origin: Origin

    @property
    def variable(self) -> str:
        """What it is called in the environment."""
        return variable(self.key)


@dataclass(frozen=True, slots=True)
class Settings:
    """A configuration before it is put together.

    Attributes:
        file: the file that was read; None if there is none.
        written: what it says.
        values: every setting by its key.
    """

    file: Path | None
    written: ConfigFile
    values: Mapping[str, Setting]

    def wrong(self, key: str, found: str, expected: str) -> ConfigFileError:
        """The error for a value, at the place where it was given."""
        origin = self.values[key].origin if key in self.values else Origin.FILE
        if origin is Origin.ENVIRONMENT:
            return ConfigFileError(ENVIRONMENT, variable(key), found, expected)
        if origin is Origin.FLAG:
            return ConfigFileError(COMMAND_LINE, key, found, expected)
        if self.file is None:
            return ConfigFileError(ANYWHERE, key, found, expected)
        return _wrong(self.file, datafile.Misfit(key, found, expected))


def variable(key: str) -> str:
    """What a setting is called in the environment: ``broker.url`` is UNKNOT_BROKER__URL."""
    return _PREFIX + key.upper().replace(".", _BETWEEN)


def user_file() -> Path:
    """The place of a person's own configuration on this system."""
    return user_config_path("unknot") / FILE


def places() -> tuple[Path, ...]:
    """Where a configuration is looked for when nobody names one."""
    return user_file(), SYSTEM_FOLDER / FILE


def find(named: Path | None = None, environment: Mapping[str, str] = os.environ) -> Path | None:
    """The configuration's file: the one that is named, that the environment names, or the first that is there."""
    if named is not None:
        return named
    if told := environment.get(FILE_VARIABLE):
        return Path(told).expanduser()
    return next((file for file in places() if file.exists()), None)


def read(
    file: Path | None = None,
    *,
    environment: Mapping[str, str] = os.environ,
    flags: Mapping[str, object] | None = None,
) -> Settings:
    """Every setting with its origin.

    Args:
        file: the file; None for `find`'s.
        environment: its UNKNOT_SECTION__KEY; an empty one counts as none.
        flags: what the command line says, by key: ``{"broker.url": "mqtt://localhost"}``; None counts as nothing said.

    Raises:
        ConfigFileError: with the first thing that is wrong.
    """
    file = find(file, environment)
    written = _load(file) if file is not None else ConfigFile.model_validate({"schema": 1})
    given = {key: _meant(key, value, COMMAND_LINE) for key, value in (flags or {}).items() if value is not None}
    told = {key: _meant(key, value, ENVIRONMENT) for key, value in _told(environment).items()}
    values = {}
    for key in _keys():
        if key in given:
            values[key] = Setting(key, given[key], Origin.FLAG)
        elif key in told:
            values[key] = Setting(key, told[key], Origin.ENVIRONMENT)
        else:
            values[key] = _written(written, key, file)
    return Settings(file, written, values)


def defaults() -> dict[str, Setting]:
    """Every setting as it is where nobody has said anything."""
    written = ConfigFile.model_validate({"schema": 1})
    return {key: _written(written, key, None) for key in _keys()}


def _keys() -> list[str]:
    keys = [f"{name}.{key}" for name, section in _SECTIONS.items() for key in section.model_fields]
    keys.insert(keys.index("broker.password_file"), PASSWORD)
    return keys


def _load(file: Path) -> ConfigFile:
    """The file as it is; a password in it is refused, and never repeated."""
    try:
        written = datafile.load(file, ConfigFile, ConfigFileError)
    except ConfigFileError as error:
        raise discreet(error, _text(file)) from None
    if has_password(written.broker.url or ""):
        raise _wrong(file, datafile.Misfit("broker.url", NO_PASSWORD, BELONGS))
    return written


def _wrong(file: Path, misfit: datafile.Misfit) -> ConfigFileError:
    error = datafile.wrong(file, misfit, ConfigFileError)
    assert isinstance(error, ConfigFileError)  # noqa: S101 - that kind was asked for
    return discreet(error, _text(file))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    except OSError:
        return ""


def _written(written: ConfigFile, key: str, file: Path | None) -> Setting:
    """A value as the file has it, its path beside the file; or the default."""
    section, _, name = key.partition(".")
    values = dict(_section(written, section))
    if name not in values:  # the password
        return Setting(key, None, Origin.DEFAULT)
    value = values[name]
    if name not in _section(written, section).model_fields_set:
        return Setting(key, value, Origin.DEFAULT)
    if isinstance(value, Path) and file is not None:
        value = (file.parent / value.expanduser()).absolute()
    return Setting(key, value, Origin.FILE)


def _section(written: ConfigFile, name: str) -> Section:
    return {"broker": written.broker, "gateway": written.gateway, "homeassistant": written.homeassistant}[name]


def _told(environment: Mapping[str, str]) -> dict[str, str]:
    """What the environment says, by key."""
    known = {variable(key): key for key in _keys()}
    told = {}
    for name, value in sorted(environment.items()):
        if name in known and value:
            told[known[name]] = value
        elif name not in known and _is_meant_for_us(name):
            _refuse(name, known)
    return told


def _is_meant_for_us(name: str) -> bool:
    """Whether it has the form of ours, or of ours with one underscore too few."""
    sections = "|".join(name.upper() for name in _SECTIONS)
    return re.match(rf"{_PREFIX}([A-Z0-9_]+{_BETWEEN}|({sections})_)", name) is not None


def _refuse(name: str, known: Mapping[str, str]) -> NoReturn:
    from unknot.diagnostics.nearest import nearest

    meant = nearest(name.removeprefix(_PREFIX), [one.removeprefix(_PREFIX) for one in known])
    near = f"{_PREFIX}{meant}" if meant else ""
    expected = "a name that begins with " + " or ".join(f"{_PREFIX}{one.upper()}{_BETWEEN}" for one in _SECTIONS)
    raise ConfigFileError(ENVIRONMENT, name, "an unknown name", expected, nearest=near)


def _meant(key: str, value: object, where: str) -> Any:
    """A value from elsewhere, held to what the file's section demands."""
    section, _, name = key.partition(".")
    if key == PASSWORD:
        return value
    if isinstance(value, str) and _is_flag(section, name):
        value = _FLAGS.get(value.lower(), value)
    content = {"schema": 1, section: {name: value}}
    try:
        read = dict(_section(ConfigFile.model_validate(content), section))[name]
    except ValidationError as cause:
        from unknot.diagnostics.source import Source

        error = Source(Path(where), ConfigFileError, "", content).invalid(cause, ConfigFile)
        shown = variable(key) if where == ENVIRONMENT else key
        raise ConfigFileError(
            where, shown, without_password(error.found), error.expected, nearest=error.nearest
        ) from None
    if where == COMMAND_LINE and has_password(str(value)):
        raise ConfigFileError(where, key, "a password, which every program on this machine can read there", BELONGS)
    return read.expanduser().absolute() if isinstance(read, Path) else read


def _is_flag(section: str, name: str) -> bool:
    return _SECTIONS[section].model_fields[name].annotation is bool
