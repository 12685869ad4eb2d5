"""The report that an owner of an unknown ball can send to others: an inspection without addresses, PINs and people."""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING, Any

from unknot.cli.redaction import SPEAKS_OF_A_PIN, Redactor
from unknot.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from unknot.device.inspection import CharacteristicRow, DescriptorRow, Inspection

REPORT_SCHEMA = 1
"""The version of the report's shape."""

_BASE = "-0000-1000-8000-00805f9b34fb"
SERIAL_NUMBER, SYSTEM_ID = f"00002a25{_BASE}", f"00002a23{_BASE}"
"""What tells one ball from all others (Device Information Service, 3.3 and 3.8)."""
_NAMES = frozenset({f"00002a00{_BASE}"})
_TOLD = frozenset(f"00002a{end}{_BASE}" for end in ("24", "26", "27", "28", "29", "50"))
"""Model, revisions, maker and vendor: numbers of a kind of ball, not of one; they are what a report is for."""
_DESCRIPTION = f"00002901{_BASE}"


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
        "was_held": inspection.was_held,
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
            {
                "id": one.profile,
                "evidence": one.evidence,
                "score": one.points,
                "why": list(map(str, one.reasons)),
                "fits": one.fits,
                "missing": [_sentence(said, found.name, redactor) for said in one.missing],
                "notes": [_sentence(said, found.name, redactor) for said in one.notes],
            }
            for one in inspection.verdicts
        ],
        "strangers": inspection.strangers,
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
    """Write a report where nothing lies yet.

    Raises:
        UsageError: something lies there, or it cannot be written.
    """
    try:
        with file.open("x", encoding="utf-8") as opened:
            json.dump(told, opened, indent=2, ensure_ascii=False)
            opened.write("\n")
    except FileExistsError:
        raise UsageError(f"{file}: something lies there already; choose another name, or remove it first") from None
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {(error.strerror or str(error)).lower()}") from None


def _sentence(said: str, name: str, redactor: Redactor) -> str:
    """A verdict's sentence; it may have the ball's name in it."""
    return redactor.text(said.replace(repr(name), repr(redactor.name(name))) if name else said)


def _row(one: CharacteristicRow, redactor: Redactor) -> dict[str, Any]:
    about = next((each.value for each in one.descriptors if each.uuid == _DESCRIPTION and each.value), b"")
    is_secret = one.uuid in (SERIAL_NUMBER, SYSTEM_ID) or SPEAKS_OF_A_PIN.search(about.decode(errors="replace"))
    return {
        "uuid": one.uuid,
        "handle": one.handle,
        "description": one.description,
        "properties": [redactor.text(each) for each in one.properties],
        **_value(one, redactor, is_secret=bool(is_secret)),
        "descriptors": [
            {"uuid": each.uuid, "handle": each.handle, **_value(each, redactor, is_secret=False)}
            for each in one.descriptors
        ],
    }


def _value(one: CharacteristicRow | DescriptorRow, redactor: Redactor, *, is_secret: bool) -> dict[str, Any]:
    if one.value is None:
        return {"value": None, "trouble": redactor.text(one.trouble)}
    if is_secret:
        return {"value": f"[{len(one.value)} bytes]", "text": ""}
    if one.uuid in _TOLD:
        return {"value": one.value.hex(" ").upper(), "text": redactor.text(one.value.decode(errors="replace"))}
    value, text = redactor.value(one.value, is_name=one.uuid in _NAMES)
    return {"value": value, "text": text}
