"""What is chosen for a ball's next start: protocol, side, intensity, duration; used by the station. Pure.

The station keeps a choice only if it may be played: one that a limit refuses is refused whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from unknot.bridge.payloads import MANUAL, Code, Refusal
from unknot.protocols import library, limits
from unknot.protocols.timeline import Side, Timeline, compile_free, compile_protocol

if TYPE_CHECKING:
    from unknot.bridge.payloads import SetCommand
    from unknot.profiles.model import FirmwareProfile
    from unknot.protocols.model import MuscleProtocol

FREE_INTENSITY = 20.0
"""What free vibration begins with (%): in the middle of what is gentle (judgement)."""

FREE_SECONDS = 30.0
"""How long free vibration lasts unless somebody chooses: half of what is allowed (judgement)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is played.

    Attributes:
        protocol: the id of a muscle's protocol, or `MANUAL`.
        side: which side of the body.
        intensity: the strongest one (%).
        duration: of free vibration (s).
    """

    protocol: str = MANUAL
    side: Side = Side.ANY
    intensity: float = FREE_INTENSITY
    duration: float = FREE_SECONDS

    def changed(self, command: SetCommand) -> Choice:
        """The choice with a command taken in; whether it may be played on a ball, its `timeline` tells.

        Another protocol comes with its own intensity, unless the command names one.

        Raises:
            UnknotError: there is no such protocol, or no such duration.
        """
        choice = self
        if command.protocol is not None and command.protocol != self.protocol:
            side = self.side if command.protocol != MANUAL and _is_sided(command.protocol) else Side.ANY
            choice = replace(choice, protocol=command.protocol, side=side, intensity=own_intensity(command.protocol))
        if command.side is not None:
            choice = replace(choice, side=command.side)
        if command.intensity:
            choice = replace(choice, intensity=command.intensity)
        if command.duration is not None:
            limits.FREE.refuse_above(command.duration)
            choice = replace(choice, duration=command.duration)
        return choice

    def timeline(self, profile: FirmwareProfile, protocol: MuscleProtocol | None = None) -> Timeline:
        """What is played on a ball of that profile.

        Args:
            profile: how the ball speaks.
            protocol: the one that is meant, where it has been loaded already.

        Raises:
            UnknotError: a limit refuses, or there is no such protocol by now.
        """
        if self.protocol == MANUAL:
            if self.side is not Side.ANY:
                raise Refusal(Code.OUT_OF_RANGE, "free vibration knows no side; choose a protocol first", "side")
            return compile_free(self.intensity, self.duration, profile)
        protocol = protocol or library.load(self.protocol)
        return compile_protocol(protocol, profile, side=self.side, intensity=self.intensity)


def own_intensity(protocol: str) -> float:
    """The strongest intensity (%) that a protocol has by itself.

    Raises:
        UnknownNameError: there is none of that name.
    """
    return FREE_INTENSITY if protocol == MANUAL else library.load(protocol).peak


def _is_sided(protocol: str) -> bool:
    return library.load(protocol).sided
