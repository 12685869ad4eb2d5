"""Which firmware answers: what tells profiles apart that share an advertisement; used after connecting.

Built on what Device Information says and which characteristics there are; where that is not enough, on the reply to a
query.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import ConfigDict, Field, model_validator

from unknot.datafile import Misfit, StrayKey
from unknot.errors import FrameMismatch
from unknot.profiles.fields import BASE_SUFFIX, FrameField, Name
from unknot.profiles.matching import Uuids
from unknot.profiles.patterns import TextTestField
from unknot.profiles.phrases import Lengths
from unknot.profiles.section import Section

if TYPE_CHECKING:
    from unknot.profiles.model import FirmwareProfile

DEVICE_INFORMATION_SERVICE = f"0000180a{BASE_SUFFIX}"
"""The service in which a device tells who made it (Bluetooth Assigned Numbers, 3.4)."""

DEVICE_INFORMATION = {
    name: f"0000{short}{BASE_SUFFIX}"
    for name, short in {
        "model": "2a24",
        "firmware": "2a26",
        "hardware": "2a27",
        "software": "2a28",
        "maker": "2a29",
    }.items()
}
"""The UUIDs of the texts of the Device Information service by their names in a profile (Bluetooth Assigned Numbers,
3.8)."""


class Ask(Section):
    """A query that is harmless whatever firmware hears it.

    Attributes:
        to: the name of a characteristic in ``[gatt]``.
        frame: what is written; it has no slots.
    """

    to: str
    frame: FrameField


class Reply(Section):
    """What the reply of this firmware looks like.

    Attributes:
        source: (``from`` in the file) the name of a characteristic in ``[gatt]``.
        lengths: the least and the greatest number of bytes.
        frame: what it is made of.
        values: (``is`` in the file) what its slots must say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, populate_by_name=True)

    source: Annotated[str, Field(alias="from")]
    lengths: Lengths | None = None
    frame: FrameField | None = None
    values: Annotated[dict[Name, TextTestField], Field(alias="is")] = {}

    @model_validator(mode="after")
    def _says_something(self) -> Reply:
        if self.lengths is None and self.frame is None:
            raise Misfit("", "nothing that tells it from others", "lengths or a frame")
        slots = self.frame.slots if self.frame is not None else ()
        if strange := set(self.values) - set(slots):
            expected = " or ".join(slots) or "no is without a slot in its frame"
            raise StrayKey(f"is.{min(strange)}", "a slot that its frame has not", expected)
        return self

    def fits(self, data: bytes) -> bool:
        """Whether these bytes are this firmware's reply."""
        if self.lengths is not None and not self.lengths[0] <= len(data) <= self.lengths[1]:
            return False
        if self.frame is None:
            return True
        try:
            told = self.frame.unpack(data)
        except FrameMismatch:
            return False
        return all(test.fits(str(told[slot])) for slot, test in self.values.items())


class Variant(Section):
    """What must be true of a ball after connecting if this profile is to be its own.

    Attributes:
        model: a test of the model number (2A24).
        firmware: of the firmware revision (2A26).
        hardware: of the hardware revision (2A27).
        software: of the software revision (2A28).
        maker: of the manufacturer's name (2A29).
        characteristics: UUIDs that must be there.
        without: UUIDs that must not be there.
        ask: a query, if nothing else tells.
        reply: what its reply must look like.
    """

    model: TextTestField | None = None
    firmware: TextTestField | None = None
    hardware: TextTestField | None = None
    software: TextTestField | None = None
    maker: TextTestField | None = None
    characteristics: Uuids = ()
    without: Uuids = ()
    ask: Ask | None = None
    reply: Reply | None = None

    @model_validator(mode="after")
    def _can_be(self) -> Variant:
        if both := set(self.characteristics) & set(self.without):
            raise Misfit("without", min(both), "no characteristic that must be there too")
        if (self.ask is None) != (self.reply is None):
            raise Misfit("reply" if self.reply is None else "ask", "nothing", "both a query and its reply, or neither")
        return self


def device_information(profile: FirmwareProfile) -> dict[str, str]:
    """What a ball of this firmware says of itself, by characteristic: what its variant wants and no role has."""
    if profile.variant is None:
        return {}
    taken = {uuid for one in profile.gatt.values() for _, uuid in one.candidates}
    tests = {uuid: getattr(profile.variant, name) for name, uuid in DEVICE_INFORMATION.items()}
    return {uuid: test.example() for uuid, test in tests.items() if test is not None and uuid not in taken}
