"""The report that an owner of an unknown ball can send to others: an inspection without addresses, PINs and people."""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING, Any

from unknot.cli.newfile import write_new
from unknot.cli.redaction import SPEAKS_OF_A_PIN, Redactor
from unknot.profiles.fields import BASE_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from unknot.device.inspection import CharacteristicRow, DescriptorRow, Inspection
    from unknot.device.verdicts import Verdict

REPORT_SCHEMA = 1
"""The version of the report's shape."""

SERIAL_NUMBER, SYSTEM_ID = f"00002a25{BASE_SUFFIX}", f"00002a23{BASE_SUFFIX}"
"""What tells one ball from all others (Device Information Service, 3.3 and 3.8)."""
_DESCRIPTION = f"00002901{BASE_SUFFIX}"
_NAMES = frozenset({f"00002a00{BASE_SUFFIX}", _DESCRIPTION})
"""What somebody may have called a ball, or a value, and people may be named in."""
_TOLD = frozenset(f"00002a{end}{BASE_SUFFIX}" for end in ("24", "26", "27", "28", "29", "50"))
"""Model, revisions, maker and vendor: numbers of a kind of ball, not of one; they are what a report is for."""


def report(inspection: Inspection, adapters: Iterable[str] = ()) -> dict[str, Any]:
    """All that is told.

    Args:
        inspection: the ball, looked over.
        adapters: the addresses of this computer's own adapters, which the ball may know.
    """
    rows = [one for service in inspection.services for one in service.characteristics]
    secrets = [one.value for one in rows if one.uuid in (SERIAL_NUMBER, SYSTEM_ID) and one.value]
    redactor = Redactor([inspection.found.address, *adapters], secrets)
    found = inspection.found
    return {
        "report": REPORT_SCHEMA,
        "versions": versions(),
        "adapter": redactor.text(inspection.adapter),
        "advertisement": {
            "name": redactor.name(found.name),
            "rssi": found.rssi,
            "services": [redactor.text(one) for one in found.shown.services],
            "manufacturer": {
                f"{company:#06x}": redactor.value(bytes(data))[0] for company, data in found.shown.manufacturer.items()
            },
        },
        "information": {name: redactor.text(text) for name, text in inspection.information.items()},
        "services": [
            {
                "uuid": service.uuid,
                "description": service.description,
                "characteristics": [_row(one, redactor) for one in service.characteristics],
            }
            for service in inspection.services
        ],
        "left_out": dict(inspection.left_out),
        "profiles": [
            verdict_as_dict(one, lambda said: _sentence(said, found.name, redactor)) for one in inspection.verdicts
        ],
        "strangers": inspection.strangers,
    }


def verdict_as_dict(one: Verdict, say: Callable[[str], str] = str) -> dict[str, Any]:
    """How well a profile fits, for programs; ``say`` has the last word on each sentence."""
    return {
        "id": one.profile,
        "evidence": one.evidence,
        "score": one.points,
        "why": list(map(str, one.reasons)),
        "fits": one.fits,
        "missing": list(map(say, one.missing)),
        "notes": list(map(say, one.notes)),
    }


def versions() -> dict[str, str]:
    """What runs here; neither the computer's name nor its user's."""
    from importlib.metadata import version

    return {
        "unknot": version("unknot"),
        "bleak": version("bleak"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def write(file: Path, told: dict[str, Any]) -> None:
    """Write a report where nothing lies yet; raises as `write_new`."""
    write_new(file, json.dumps(told, indent=2, ensure_ascii=False) + "\n")


def _sentence(said: str, name: str, redactor: Redactor) -> str:
    """A verdict's sentence; it may have the ball's name in it."""
    return redactor.text(said.replace(repr(name), repr(redactor.name(name))) if name else said)


def _row(one: CharacteristicRow, redactor: Redactor) -> dict[str, Any]:
    about = [
        each.value.decode(errors="replace") for each in one.descriptors if each.uuid == _DESCRIPTION and each.value
    ]
    is_secret = one.uuid in (SERIAL_NUMBER, SYSTEM_ID) or any(map(SPEAKS_OF_A_PIN.search, about))
    return {
        "uuid": one.uuid,
        "handle": one.handle,
        "description": one.description,
        "properties": [redactor.text(each) for each in one.properties],
        **_value(one, redactor, is_secret=is_secret),
        "descriptors": [
            {"uuid": each.uuid, "handle": each.handle, **_value(each, redactor, is_secret=is_secret)}
            for each in one.descriptors
        ],
    }


def _value(one: CharacteristicRow | DescriptorRow, redactor: Redactor, *, is_secret: bool) -> dict[str, Any]:
    if one.value is None:
        return {"value": None, "trouble": redactor.text(one.trouble)}
    if is_secret and one.uuid != _DESCRIPTION:
        return {"value": f"[{len(one.value)} bytes]", "text": ""}
    if is_secret:
        value, text = redactor.hint(one.value)
    elif one.uuid in _TOLD:
        value, text = redactor.told(one.value)
    else:
        value, text = redactor.value(one.value, is_name=one.uuid in _NAMES)
    return {"value": value, "text": text}
