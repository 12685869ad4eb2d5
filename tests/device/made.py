"""Small made-up profiles and balls that speak them, for the tests of what a profile can say."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from bleak.backends.device import BLEDevice

from unknot.device.ball import Ball
from unknot.device.radio import Radio
from unknot.profiles.model import FirmwareProfile
from unknot.session.session import Session
from unknot.simulator import Air, SimulatedBall, SimulatedClient, SimulatedScanner
from unknot.simulator.backend import adapter_for

if TYPE_CHECKING:
    from unknot.device.identify import Candidates

HEAD = """
schema = 1
id = "made"
name = "Made up"
evidence = "simulated"
source = "made up by a test"
"""

PORTS = """
[gatt]
command = { service = "FFE0", characteristic = "FFE1", write = ["request", "command"] }
status = { service = "FFE0", characteristic = "FFE2", notify = true, read = true }
"""

LEVELS = """
[motor]
levels = 5
[reports]
status = { from = "status", frame = "5A {level:u8}" }
"""

COMMANDS = """
[commands]
set_level = { to = "command", frame = "A5 {level:u8}" }
stop = { to = "command", frame = "A5 00" }
"""


def made(*texts: str, head: str = "", edits: Iterable[tuple[str, str]] = ()) -> FirmwareProfile:
    """The profile that these pieces of a file make after the head; its examples are not proved."""
    told = "\n".join(texts)
    text = HEAD + head + ("" if "[[examples]]" in told else "examples = []\n") + told
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    return FirmwareProfile.model_validate(tomllib.loads(text))


def linked(
    sim: SimulatedBall,
    *,
    profile: FirmwareProfile | None = None,
    candidates: Candidates = (),
    orphaned: bool = False,
    ask: Callable[[str], None] = lambda _: None,
) -> Ball:
    """A ball, not yet connected, for a simulated one."""
    air = Air(sim)
    radio = Radio(SimulatedClient, SimulatedScanner, adapter_for(air), {"air": air}, guard=None)
    device = BLEDevice(sim.address, sim.name, None)
    return Ball(device, profile or sim.profile, radio, play=Session, candidates=candidates, orphaned=orphaned, ask=ask)


def hexes(writes: Sequence[tuple[float, bytes]]) -> list[str]:
    """What was written, without the times."""
    return [data.hex(" ").upper() for _, data in writes]
