"""A ball spoken to as one profile says: its codec, ears, writer and upkeep, and how each new link begins.

Used by the ball, which has another one if the firmware turns out to be another than was thought.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from unknot.device.dialogue import Dialogue
from unknot.device.hearing import Hearing
from unknot.device.upkeep import Upkeep
from unknot.device.writer import Writer
from unknot.errors import AttError
from unknot.profiles.codec import Codec

if TYPE_CHECKING:
    from collections.abc import Callable

    from unknot.device.echoes import Echoes
    from unknot.device.link import Link
    from unknot.errors import LinkError
    from unknot.profiles.model import FirmwareProfile
    from unknot.profiles.speech import Refused, Report

log = logging.getLogger(__name__)


class Conversation:
    """Everything between a ball and its link.

    Args:
        link: where it is held; may be opened again.
        profile: how it is held.
        echoes: is told what is written.
        heard: is told every report.
        refused: is told a refusal that nobody waits for.
        failed: is told that the ball does not answer.
        overruled: is told a level that the ball has of its own accord while it is being led to another one.
        ask: is told what the person is to do on the ball.

    Attributes:
        profile: the same profile.
        codec: its codec.
        hearing: what understands the ball.
        writer: what writes to it.
        upkeep: what keeps the link alive.
    """

    def __init__(
        self,
        link: Link,
        profile: FirmwareProfile,
        echoes: Echoes,
        *,
        heard: Callable[[Report], None],
        refused: Callable[[Refused], None],
        failed: Callable[[LinkError], None],
        overruled: Callable[[int], None],
        ask: Callable[[str], None],
    ) -> None:
        self.profile = profile
        self.codec = Codec(profile)
        self.hearing = Hearing(self.codec, heard, refused)
        self.writer = Writer(link, self.codec, self.hearing, echoes, failed)
        self.writer.overruled = overruled
        self.upkeep = Upkeep(profile, link, self.writer, self.hearing)
        self._link = link
        self._ask = ask

    def begin(self) -> None:
        """A new link stands: find what the profile names on it, and forget what was told on the last one.

        Raises:
            CodecMissing: a plug-in is needed and not there.
            GattMismatch: a characteristic that is written is missing.
            LinkError: the link is gone.
        """
        self.codec.refuse_without_cipher()
        self._link.resolve(self.profile)
        self.codec.forget()
        self.hearing.begin()
        self.writer.stepper.forget()

    async def get_acquainted(self) -> None:
        """Subscribe, read, and hold the dialogue; what the ball refuses to tell is no reason not to stop it.

        Raises:
            LinkError: the link failed, or the dialogue.
        """
        later = {step.subscribe for step in self.profile.init}
        for role, characteristic in self.profile.gatt.items():
            try:
                if characteristic.is_heard and self._link.has(role) and role not in later:
                    await self._link.subscribe(role, lambda data, role=role: self.hearing.hear(role, data))  # type: ignore[misc]
                if characteristic.is_read and self._link.has(role):
                    self.hearing.hear(role, await self._link.read(role))
            except AttError as error:
                log.warning("%s: %s", role, error)
        await Dialogue(self._link, self.codec, self.hearing, self.writer.pace, self._ask).hold()
        self.upkeep.begin()
