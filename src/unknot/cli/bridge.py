"""``unknot bridge``: one gateway between the balls in reach and a broker, until Ctrl-C or for years as a service."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unknot.cli import exits, logs
from unknot.cli.meeting import in_mqtt_loop, one_simulator, which_adapter, which_simulator

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from unknot.bridge.configuration.config import GatewayConfig
    from unknot.bridge.gateway.gateway import Gateway
    from unknot.bridge.gateway.notify import Notifier
    from unknot.simulator.air import Air

log = logging.getLogger(__name__)

SIMULATED_MOST = 250
"""How many simulated balls there may be: as many as a gateway keeps."""

which_config = click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The configuration; see 'unknot config init'.",
)
which_broker = click.option("--broker", metavar="URL", help="Such as mqtt://localhost or mqtts://broker.local:8883.")


@click.command()
@which_broker
@click.option("--gateway", metavar="NAME", help="What the gateway is called in topics; this computer's name otherwise.")
@which_config
@which_adapter
@click.option(
    "--simulate", type=click.IntRange(1, SIMULATED_MOST), metavar="N", help="Keep that many simulated balls instead."
)
@which_simulator
@click.option("--forget", is_flag=True, help="Have the broker and Home Assistant forget this gateway, and leave.")
@logs.log_options
def bridge(
    broker: str | None,
    gateway: str | None,
    file: Path | None,
    adapter: str | None,
    *,
    simulate: int | None,
    simulator: Path | None,
    forget: bool,
    log_format: str | None,
    log_level: str,
) -> int:
    """Put the balls in reach on an MQTT broker, for Home Assistant and for everybody who is let in.

    It keeps the balls that the configuration lists, plays on them what it is asked for over the broker, and holds the
    time and the limits itself: a broker that is gone stops nobody's session, and starts none when it is back.
    A password comes from UNKNOT_BROKER__PASSWORD or from a file, never from here.

    \b
    Examples:
      unknot bridge --broker mqtt://localhost --simulate 3
      unknot bridge --config /etc/unknot/config.toml
      unknot bridge --forget
    """
    from unknot.bridge.configuration import effective

    one_simulator(simulate=simulate is not None, simulator=simulator, adapter=adapter)
    flags = {
        "broker.url": broker,
        "gateway.name": gateway,
        "gateway.adapter": adapter,
        "gateway.log_format": log_format,
    }
    config = effective.load(file, flags=flags)
    if forget:
        return in_mqtt_loop(_forget(config))
    with logs.kept(config.log_format, log_level, [config.broker.password]):
        return in_mqtt_loop(_serve(config, simulate, simulator))


async def _forget(config: GatewayConfig) -> int:
    from unknot.bridge.gateway.forget import forget
    from unknot.bridge.homeassistant.discovery import GatewayFacts
    from unknot.bridge.link import mqtt

    facts = GatewayFacts(config.name, "", config.broker.base, config.prefix)
    cleared = await forget(mqtt.dial(config.broker), facts)
    for topic in cleared:
        click.echo(f"cleared {topic}")
    return exits.DONE


async def _serve(config: GatewayConfig, simulate: int | None, simulator: Path | None) -> int:
    """Serve until a signal comes; the first one stops the motors, a second one waits for no lost link."""
    import asyncio

    from unknot.bridge.gateway.gateway import Gateway
    from unknot.bridge.gateway.notify import Notifier
    from unknot.bridge.link import mqtt
    from unknot.cli.interrupts import Interrupts

    air = _air(simulate) if simulate is not None else None
    config = _simulated(config, air) if air is not None else config
    notifier = Notifier()
    gateway = Gateway(config, mqtt.dial(config.broker), simulate=air or simulator or False)
    with Interrupts() as interrupts, _published(gateway, config):
        serving = asyncio.create_task(gateway.run(), name="gateway")
        telling = asyncio.create_task(_tell_service(gateway, notifier), name="service manager")
        interrupts.stop_with(lambda: _leave(serving, notifier), gateway.give_up)
        try:
            await asyncio.wait([serving])
        finally:
            telling.cancel()
            await asyncio.wait([telling])
        if not serving.cancelled():
            serving.result()
    for name in gateway.may_run_on:
        click.echo(f"unknot: {name}: the motor could not be confirmed stopped: press the ball's own button", err=True)
    return exits.NOT_STOPPED if gateway.may_run_on else exits.DONE


def _leave(serving: asyncio.Task[None], notifier: Notifier) -> None:
    notifier.stopping()
    serving.cancel()


async def _tell_service(gateway: Gateway, notifier: Notifier) -> None:
    """Tell the service manager that we are ready, and then that we live; tell a person once."""
    await gateway.is_ready.wait()
    notifier.ready()
    log.info("%s serves %s; Ctrl-C ends it", gateway.config.name, gateway.config.broker)
    await notifier.beat()


def _air(number: int) -> Air:
    from unknot.simulator.air import Air
    from unknot.simulator.ball import SimulatedBall

    return Air(*(SimulatedBall(name=f"Simulated {one}") for one in range(1, number + 1)))


def _simulated(config: GatewayConfig, air: Air) -> GatewayConfig:
    """The same gateway with these balls and no others."""
    from unknot.bridge.configuration.config import BallConfig
    from unknot.bridge.topics import as_id

    balls = (BallConfig(as_id(ball.address), ball.name, ball.address, ball.address) for ball in air)
    return replace(config, balls=tuple(balls), adapter=None, take_new=False)


@contextmanager
def _published(gateway: Gateway, config: GatewayConfig) -> Iterator[None]:
    """Put warnings on the gateway's log topic for the length of the block, if the owner wants that."""
    from unknot.bridge.gateway.logtopic import TopicHandler

    if not config.publish_log:
        yield
        return
    handler = TopicHandler(gateway.say_log, [config.broker.password])
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
