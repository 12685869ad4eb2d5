"""What a gateway counts about itself over the years; the parts of the gateway count, and it tells them as `Health`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from unknot.bridge.reports import BallHealth, BleHealth, Health, MqttHealth

TELL_SECONDS = 60.0
"""How often the health is told (judgement)."""


@dataclass(slots=True)
class BallTally:
    """How one ball has been: connections, lost ones, failed attempts, and when it was last there (ISO 8601, UTC)."""

    connects: int = 0
    drops: int = 0
    failures: int = 0
    last_seen: str | None = None


@dataclass(slots=True)
class Tally:
    """The counters; ``began`` is the time of the loop."""

    began: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    connects: int = 0
    dropped: int = 0
    refused: int = 0
    scans: int = 0
    scan_failures: int = 0
    heard: int = 0
    trouble: str = ""
    balls: dict[str, BallTally] = field(default_factory=dict)

    def ball(self, ball: str) -> BallTally:
        """The counters of one ball."""
        return self.balls.setdefault(ball, BallTally())

    def health(self, dropped: int) -> Health:
        """As it is told; ``dropped`` is what the outbox had no room for."""
        return Health(
            uptime=round(asyncio.get_running_loop().time() - self.began, 1),
            mqtt=MqttHealth(reconnects=max(self.connects - 1, 0), dropped=self.dropped + dropped, refused=self.refused),
            ble=BleHealth(scans=self.scans, failures=self.scan_failures, heard=self.heard, trouble=self.trouble),
            balls={
                ball: BallHealth(connects=one.connects, drops=one.drops, failures=one.failures, last_seen=one.last_seen)
                for ball, one in self.balls.items()
            },
        )
