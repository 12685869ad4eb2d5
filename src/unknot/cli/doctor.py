"""``unknot doctor``: what a gateway needs, looked over before it is relied on, each with what to do about it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unknot.cli import exits
from unknot.cli.meeting import in_mqtt_loop, which_adapter
from unknot.cli.words import as_json, counted, printable, terminal_columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from unknot.bridge.broker import Broker, Dial
    from unknot.bridge.configuration.settings import Settings
    from unknot.bridge.doctor import Finding

_CODES = {
    "configuration": exits.USAGE,
    "Bluetooth": exits.NO_LINK,
    "scan": exits.NO_LINK,
    "guard": exits.NO_LINK,
    "broker": exits.NO_BROKER,
    "topics": exits.NO_BROKER,
}
"""The exit code for trouble with each thing; of several, the first that was told decides."""

_VERDICT, _WHAT = 7, 13
"""Widths of the first two columns: the longest words in them."""

_LEAST = 20
"""Columns that the text gets on the narrowest terminal."""


@click.command()
@click.option("--config", "file", metavar="FILE", type=click.Path(path_type=Path), help="The gateway's configuration.")
@click.option("--broker", metavar="URL", help="The broker instead of the configured one, such as mqtt://localhost.")
@which_adapter
@click.option("--simulate", is_flag=True, help="Leave Bluetooth out: simulated balls need none.")
@as_json
def doctor(file: Path | None, broker: str | None, adapter: str | None, simulate: bool, as_json: bool) -> int:
    """Look over what a gateway needs, and say what to do about what is wrong.

    That is its configuration, Bluetooth, the guard that outlives it, the account of the day, the disk, the clock, and
    the broker: whether it is there, lets us in, lets us speak, and is quick.

    Nothing is changed, and no ball is connected to. The exit code is 0 if all is well or could only be better, 2 if the
    configuration is wrong, 3 if it is Bluetooth, and 6 if it is the broker; the first trouble decides.

    \b
    Examples:
      unknot doctor
      unknot doctor --broker mqtts://broker.local
      unknot doctor --config /etc/unknot/config.toml --json
    """
    from unknot.bridge.doctor import Verdict

    found: list[Finding] = []

    def tell(finding: Finding) -> None:
        found.append(finding)
        if not as_json:
            for line in as_lines(finding, terminal_columns()):
                click.echo(line)

    async def examine() -> int:
        flags = {"broker.url": broker, "gateway.adapter": adapter}
        await look_over(file, flags, _dial_to, tell, simulate=simulate)
        troubles = [_CODES[one.what] for one in found if one.verdict is Verdict.TROUBLE]
        return troubles[0] if troubles else exits.DONE

    code = in_mqtt_loop(examine())
    if as_json and code != exits.INTERRUPTED:
        click.echo(json.dumps({"exit": code, "findings": [asdict(one) for one in found]}, indent=2, ensure_ascii=False))
    return code


async def look_over(
    file: Path | None,
    flags: dict[str, str | None],
    dial_to: Callable[[Broker], Dial],
    tell: Callable[[Finding], None],
    *,
    simulate: bool,
) -> None:
    """Find out all there is to find out; what is found wrong keeps nothing else from being looked at.

    Args:
        file: the configuration's file; None to look for it.
        flags: what the command line says, by the configuration's keys.
        dial_to: makes the connections to a broker.
        tell: told of each finding as soon as it is one.
        simulate: leave Bluetooth out.
    """
    from unknot.bridge.doctor import Verdict
    from unknot.cli import checkup

    tell(checkup.versions())
    given = _configuration(file, flags, tell)
    if not simulate:
        adapter = given.values["gateway.adapter"].value if given else flags["gateway.adapter"]
        bluetooth = await checkup.bluetooth(adapter)
        tell(bluetooth)
        if bluetooth.verdict is not Verdict.TROUBLE:
            tell(await checkup.air(adapter))
        tell(await checkup.guard())
    for finding in (checkup.account(), checkup.disk(), checkup.clock()):
        tell(finding)
    if given is not None:
        await _broker(given, dial_to, tell)


def as_lines(finding: Finding, width: int) -> list[str]:
    """A finding as it is printed; what is to be done about it stands below."""
    lead = f"{finding.verdict.value:<{_VERDICT}}  {finding.what:<{_WHAT}}  "
    room = max(_LEAST, width - len(lead))
    lines = _wrapped(finding.found, room)
    if finding.advice:
        lines += _wrapped(f"> {finding.advice}", room, hang=2)
    return [f"{' ' * len(lead) if number else lead}{line}" for number, line in enumerate(lines)]


def _wrapped(text: str, room: int, *, hang: int = 0) -> list[str]:
    """The text in lines; a path is not broken, so that it can be copied."""
    import textwrap

    return textwrap.wrap(
        printable(text), room, subsequent_indent=" " * hang, break_long_words=False, break_on_hyphens=False
    )


def _configuration(file: Path | None, flags: dict[str, str | None], tell: Callable[[Finding], None]) -> Settings | None:
    """The settings, if they are right."""
    from unknot.bridge.configuration import effective, settings
    from unknot.bridge.doctor import Finding, Verdict
    from unknot.errors import ConfigFileError

    try:
        given = settings.read(file, flags=flags)
        effective.balls(given)
        if given.values["broker.url"].value is not None:
            effective.broker(given)
    except ConfigFileError as error:
        tell(Finding("configuration", Verdict.TROUBLE, str(error), "see 'unknot config check'"))
        return None
    if given.file is None:
        advice = "'unknot config init' writes one to start from"
        tell(Finding("configuration", Verdict.OK, "there is no file", advice))
    else:
        balls = counted(len(given.written.balls), "ball")
        tell(Finding("configuration", Verdict.OK, f"{given.file}, with {balls}"))
    return given


async def _broker(given: Settings, dial_to: Callable[[Broker], Dial], tell: Callable[[Finding], None]) -> None:
    from unknot.bridge.configuration import effective
    from unknot.bridge.doctor import Finding, Verdict, look_at
    from unknot.bridge.topics import GatewayTopics

    if given.values["broker.url"].value is None:
        advice = "name one with --broker, or in the configuration"
        tell(Finding("broker", Verdict.WARNING, "none is named", advice))
        return
    taken = effective.gateway_config(given)
    topics = GatewayTopics(taken.name, taken.broker.base)
    await look_at(taken.broker, dial_to(taken.broker), topics, tell)


def _dial_to(broker: Broker) -> Dial:
    """Connections to a broker by MQTT."""
    from unknot.bridge.link import mqtt

    return mqtt.dial(broker)
