"""What the tests in the guest came to, read from the JUnit file that they leave."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.stack.vm.needs import MachineError

BAD = ("error", "failure")

HEADING = re.compile(r"^-+ Captured Out -+$", re.MULTILINE)
"""What pytest writes above what a test printed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test in the guest.

    Fields:
        module, name: such as `tests.stack.guest.test_smoke` and `test_a_write[30]`.
        outcome: "passed", "failed" or "skipped".
        text: the traceback, or the reason of the skip.
        output: what it printed.
        seconds: how long it took by the guest's clock.
    """

    module: str
    name: str
    outcome: str
    text: str
    output: str
    seconds: float

    @property
    def function(self) -> str:
        """The name without parameters."""
        return self.name.partition("[")[0]


def read(file: Path) -> list[Outcome]:
    """The outcomes in a JUnit file. Raises `MachineError` if it is no such file."""
    try:
        root = ET.fromstring(file.read_bytes())  # noqa: S314 - our own guest wrote it
    except ET.ParseError as error:
        raise MachineError(f"the guest left no whole file of results: {error}") from None
    return [_outcome(case) for case in root.iter("testcase")]


def _outcome(case: ET.Element) -> Outcome:
    bad = [found for found in case if found.tag in BAD]
    skips = case.findall("skipped")
    told = bad or skips
    return Outcome(
        module=case.get("classname", ""),
        name=case.get("name", ""),
        outcome="failed" if bad else "skipped" if skips else "passed",
        text="\n".join(found.text or found.get("message") or "" for found in told),
        output="\n".join(HEADING.sub("", found.text or "").strip() for found in case.findall("system-out")),
        seconds=float(case.get("time", "0")),
    )
