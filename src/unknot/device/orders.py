"""How to stop one ball, as its controller tells the guard; used by both sides.

The guard's side imports as little as it can, because it must be ready soon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from unknot.device.link import Link
    from unknot.profiles.codec import Codec


@dataclass(frozen=True, slots=True)
class Orders:
    """How to stop one ball.

    Attributes:
        address: the ball's address.
        name: what to call it.
        services: service UUIDs by which the system finds a link that stands.
        stop: the writes of a stop: UUIDs of service and characteristic, bytes in hexadecimal, whether with response,
            seconds to pause.
        repeats: how often they are written.
        gap: seconds between two repeats.
        spacing: seconds to wait before the first write: what comes sooner after the controller's last is not heard.
    """

    address: str
    name: str
    services: tuple[str, ...]
    stop: tuple[tuple[str, str, str, bool, float], ...]
    repeats: int = 1
    gap: float = 0.0
    spacing: float = 0.0

    @classmethod
    def for_ball(cls, codec: Codec, link: Link, name: str) -> Self:
        """The orders for a ball that speaks a profile, as it is connected now."""
        from unknot.profiles.speech import Stop  # the guard itself has no need of it

        writes = codec.encode(Stop(codec.profile.sequence.first))
        safety = codec.profile.safety
        stop = tuple(
            (
                link.service(one.to),
                link.uuid(one.to),
                one.data.hex(),
                link.acknowledges(one),
                max(one.pause, safety.spacing),
            )
            for one in writes
        )
        is_acknowledged = all(response for *_, response, _ in stop)
        return cls(
            link.address,
            name,
            tuple(sorted({link.service(write.to) for write in writes})),
            stop,
            1 if is_acknowledged else safety.stop_repeat,
            safety.stop_gap,
            safety.spacing,
        )

    @property
    def is_acknowledged(self) -> bool:
        """Whether the ball acknowledges every write of the stop."""
        return all(response for *_, response, _ in self.stop)
