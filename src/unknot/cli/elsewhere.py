"""What gateways hear and hold, as lines for a person and as JSON for programs; used by ``unknot scan --via``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from unknot.cli import exits
from unknot.cli.livetable import cut
from unknot.cli.words import printable, terminal_columns

if TYPE_CHECKING:
    from unknot.bridge.elsewhere.inquiries import FarBall

_NAME = 20
"""Columns for a name; a longer one is cut (judgement)."""


async def scan(via: str, seconds: float, *, as_json: bool) -> int:
    """Ask the gateway what it hears, or without one look at what all of them keep."""
    from unknot import anywhere
    from unknot.bridge.elsewhere import inquiries

    target = anywhere.elsewhere(via)
    if seconds > inquiries.SCAN_MOST:
        raise click.UsageError(f"--for is at most {inquiries.SCAN_MOST:g}s with --via")
    if target.gateway is not None and not as_json:
        click.echo(f"gateway {target.gateway} listens for {seconds:g} s ...", err=True)
    found = await inquiries.scan(target, seconds)
    if as_json:
        click.echo(json.dumps([as_dict(one) for one in found], indent=2))
        return exits.DONE
    if not found:
        click.echo("nothing advertises near that gateway" if target.gateway else "no gateway there keeps a ball")
    for line in lines(found, terminal_columns(), with_gateway=target.gateway is None):
        click.echo(line)
    return exits.DONE


def as_dict(one: FarBall) -> dict[str, Any]:
    """One device for programs."""
    return {
        "gateway": one.gateway,
        "ball": one.id,
        "name": one.name,
        "address": one.address,
        "rssi": one.rssi,
        "profiles": list(one.profiles),
        "connected": one.is_there,
    }


def lines(found: tuple[FarBall, ...], width: int, *, with_gateway: bool) -> list[str]:
    """A line for each device, none longer than ``width``; what was heard was said by somebody on the broker."""
    from rich.cells import set_cell_size

    gateways = max((len(one.gateway) for one in found), default=0)
    addresses = max((len(printable(one.address or one.id)) for one in found), default=0)
    told = []
    for one in found:
        signal = "connected" if one.is_there else "away" if one.rssi is None else f"{one.rssi:>4} dBm"
        lead = f"{one.gateway:<{gateways}}  " if with_gateway else ""
        name = set_cell_size(cut(printable(one.name) or "-", _NAME), _NAME)
        what = printable(one.profiles[0]) if one.profiles else "no profile fits"
        kept = f", kept as {one.id}" if one.id and not with_gateway else ""
        address = printable(one.address or one.id)
        told.append(cut(f"{lead}{signal:<9}  {address:<{addresses}}  {name}  {what}{kept}", width).rstrip())
    return told
