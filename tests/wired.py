"""Orders for a guard as they are after connecting to a ball that has exactly what its profile says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from unknot.device.link import Link
from unknot.device.orders import Orders
from unknot.profiles.codec import Codec
from unknot.profiles.model import FirmwareProfile
from unknot.profiles.speech import Write
from unknot.profiles.writekind import WriteKind


@dataclass(frozen=True, slots=True)
class _AsDescribed:
    profile: FirmwareProfile
    address: str

    def uuid(self, role: str) -> str:
        return self.profile.gatt[role].candidates[0][1]

    def service(self, role: str) -> str:
        return str(self.profile.gatt[role].candidates[0][0])

    def acknowledges(self, write: Write) -> bool:
        return write.kind is WriteKind.REQUEST


def orders(profile: FirmwareProfile, address: str, name: str) -> Orders:
    """How to stop a ball of that profile."""
    return Orders.for_ball(Codec(profile), cast("Link", _AsDescribed(profile, address)), name)
