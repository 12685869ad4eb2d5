"""``unknot inspect``: what a device has and tells, which profiles fit it, and what is missing where one does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unknot.cli import exits
from unknot.cli.meeting import checked, how_to_meet, in_loop
from unknot.cli.playing import DeviceOptions
from unknot.cli.words import as_json, paragraph, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unknot.device.inspection import CharacteristicRow, DescriptorRow, Inspection
    from unknot.device.verdicts import Verdict

SHOWN_BYTES = 24
"""Bytes of a value on the screen; --json and --report have all (judgement)."""

SHOWN_ROWS = 100
"""Characteristics on the screen: two screens full (judgement)."""

SHOWN_PROFILES = 8
"""Profiles on the screen that do not fit (judgement)."""


@click.command()
@click.argument("device", required=False, metavar="[NAME|ADDRESS]")
@how_to_meet
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a report to send to others, without addresses, PINs and, as far as they are recognised, people's "
    "names.",
)
@as_json
def inspect(report: Path | None, *, as_json: bool, **device: Any) -> int:
    """Look a device over: its services, what can be read in them, and which profiles fit.

    It only reads: nothing is written to the ball, and nothing in it is started.

    \b
    Examples:
      unknot inspect "My Ball"
      unknot inspect AA:BB:CC:DD:EE:FF --report ball.json
      unknot inspect --simulate --profile theragun-4
    """
    options = checked(DeviceOptions(**device))
    if report is not None:
        from unknot.cli.newfile import see_room

        see_room(report)
    return in_loop(_inspect(options, report, as_json=as_json), options.speed)


async def _inspect(options: DeviceOptions, report: Path | None, *, as_json: bool) -> int:
    from unknot import api
    from unknot.cli.interrupts import Interrupts
    from unknot.cli.report import report as told
    from unknot.cli.report import write

    if not options.simulate:
        click.echo("looking for the device ...", err=True)
    with Interrupts():
        looked = await api.inspect(
            options.device, profile=options.profile, simulate=options.where, adapter=options.adapter
        )
        own = await api.own_addresses() if report is not None and not options.where else ()
    if as_json:
        click.echo(json.dumps(as_dict(looked), indent=2))
    else:
        show(looked)
    if report is not None:
        write(report, told(looked, own))
        click.echo(f"the report is in {report}; read it before you send it", err=True)
    return exits.DONE


def show(looked: Inspection) -> None:
    """Print it for a person."""
    found = looked.found
    on = f", by {looked.adapter}" if looked.adapter else ""
    click.secho(
        f"{printable(found.name) or 'a device without a name'} at {found.address}, {found.rssi} dBm{on}", bold=True
    )
    _show_facts(looked.information)
    _show_table(looked)
    _show_profiles(looked)


def _show_facts(facts: Mapping[str, str]) -> None:
    for name, text in facts.items():
        paragraph(f"  {name:<9} {printable(text)}", hang=12)


def _show_table(looked: Inspection) -> None:
    left = SHOWN_ROWS
    unshown = looked.left_out["characteristics"]
    for service in looked.services:
        if left <= 0:
            unshown += len(service.characteristics)
            continue
        click.secho(f"\nservice {service.uuid}{_called(service.description)}", bold=True)
        for one in service.characteristics[:left]:
            _show_row(one)
        unshown += len(service.characteristics[left:])
        left -= len(service.characteristics)
    for count, what in ((looked.left_out["services"], "services"), (unshown, "characteristics")):
        if count:
            click.echo(f"… and {count:,} more {what}")
    if not looked.services:
        click.echo("\nit has no services")


def _show_row(one: CharacteristicRow) -> None:
    paragraph(f"  {one.uuid}{_called(one.description)}", hang=4)
    paragraph(f"    {printable(', '.join(one.properties)) or 'no properties'}", hang=4)
    if said := _said(one):
        paragraph(f"    {said}", hang=6)
    for each in one.descriptors:
        paragraph(f"    descriptor {each.uuid[4:8]}{_called(each.description)} {_said(each)}".rstrip(), hang=6)


def _said(one: CharacteristicRow | DescriptorRow) -> str:
    from unknot.cli.redaction import readable

    if one.value is None:
        return printable(one.trouble)
    if not one.value:
        return "= nothing"
    data = one.value[:SHOWN_BYTES].hex(" ").upper()
    more = f" … {len(one.value)} bytes" if len(one.value) > SHOWN_BYTES else ""
    text = readable(one.value[:SHOWN_BYTES])
    return f"= {data}{more}" + (f"  {text!r}" if text else "")


def _called(description: str) -> str:
    return f" ({printable(description)})" if description else ""


def _show_profiles(looked: Inspection) -> None:
    click.echo()
    fitting = [one for one in looked.verdicts if one.fits]
    others = [one for one in looked.verdicts if not one.fits]
    for one in fitting:
        reasons = ", ".join(map(str, one.reasons))
        paragraph(f"profile {one.profile} ({one.evidence}) fits by {printable(reasons)}", hang=2)
        _show_notes(one)
    for one in others[:SHOWN_PROFILES]:
        click.echo(f"profile {one.profile} ({one.evidence}) does not fit:")
        for said in one.missing:
            paragraph(f"  - {printable(said)}", hang=4)
        _show_notes(one)
    if len(others) > SHOWN_PROFILES:
        click.echo(f"… and {len(others) - SHOWN_PROFILES} more that do not fit")
    if not fitting:
        paragraph("no profile fits; describe it in one of your own: see 'unknot profile new --help'")
    if looked.strangers:
        click.echo(f"{looked.strangers} other profiles have nothing in common with it")


def _show_notes(one: Verdict) -> None:
    for said in one.notes:
        paragraph(f"  note: {printable(said)}", hang=4)


def as_dict(looked: Inspection) -> dict[str, Any]:
    """All of it, for the owner's own programs; addresses and values are in it."""
    from unknot.cli.report import verdict_as_dict

    found = looked.found
    return {
        "name": found.name,
        "address": found.address,
        "rssi": found.rssi,
        "adapter": looked.adapter,
        "advertisement": {
            "services": list(found.shown.services),
            "manufacturer": {f"{company:#06x}": data.hex() for company, data in found.shown.manufacturer.items()},
        },
        "information": dict(looked.information),
        "services": [
            {
                "uuid": service.uuid,
                "handle": service.handle,
                "description": service.description,
                "characteristics": [
                    {
                        **_row_as_dict(one),
                        "properties": list(one.properties),
                        "descriptors": [_row_as_dict(each) for each in one.descriptors],
                    }
                    for one in service.characteristics
                ],
            }
            for service in looked.services
        ],
        "left_out": dict(looked.left_out),
        "profiles": list(map(verdict_as_dict, looked.verdicts)),
        "strangers": looked.strangers,
    }


def _row_as_dict(one: CharacteristicRow | DescriptorRow) -> dict[str, Any]:
    from unknot.cli.redaction import readable

    return {
        "uuid": one.uuid,
        "handle": one.handle,
        "description": one.description,
        "value": None if one.value is None else one.value.hex(),
        "text": "" if one.value is None else readable(one.value),
        "trouble": one.trouble,
    }
