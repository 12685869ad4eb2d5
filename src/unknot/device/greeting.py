"""How each new link to a ball begins: its firmware is found out, a motor that may run is stopped, the dialogue held.

Used by the ball, once when it is connected and again whenever a lost link is back.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from unknot.device.identify import Identifier
from unknot.errors import LinkError, LinkTimeout
from unknot.events import StopOutcome
from unknot.profiles.model import Kind
from unknot.protocols import limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from unknot.device.conversation import Conversation
    from unknot.device.identify import Candidates
    from unknot.device.link import Link
    from unknot.device.precautions import Precautions
    from unknot.profiles.model import FirmwareProfile

log = logging.getLogger(__name__)


class Greeting:
    """Begins the links of one ball.

    Args:
        link: the ball's link.
        precautions: whose guard is told how the ball is stopped.
        name: what to call the ball.
        speak: begins a conversation as a profile has it.
        profile: the profile that was chosen, or the first of the candidates.
        candidates: profiles among which the ball decides; none where the person has chosen.

    Attributes:
        talk: the conversation, as the profile has it that the ball speaks as far as is known.
    """

    def __init__(
        self,
        link: Link,
        precautions: Precautions,
        name: str,
        *,
        speak: Callable[[FirmwareProfile], Conversation],
        profile: FirmwareProfile,
        candidates: Candidates,
    ) -> None:
        self.talk = speak(profile)
        self._link = link
        self._precautions = precautions
        self._name = name
        self._speak = speak
        self._candidates = candidates

    @property
    def profiles(self) -> tuple[FirmwareProfile, ...]:
        """The profiles of which the ball speaks one."""
        return tuple(profile for profile, _ in self._candidates) or (self.talk.profile,)

    @property
    def longest_dialogue(self) -> float:
        """How long the dialogue after connecting may take (s), whichever of these profiles it is."""
        return max(sum(step.longest for step in profile.init) for profile in self.profiles)

    async def greet(self) -> None:
        """What is done first on a new link to a ball whose motor is off.

        Raises:
            LinkError: the link failed, or the dialogue.
            Unsuitable: it must not be driven; nothing is written.
        """
        await self._choose_a_tongue()
        limits.refuse_unsuitable(self.talk.profile)
        await self.talk.get_acquainted()

    async def greet_with_stop(self) -> StopOutcome:
        """The same where the motor may be running: the first write is a stop.

        A ball that wants a dialogue first may not have heard it, so only the stop after that is believed.
        """
        await self._choose_a_tongue()
        limits.refuse_unsuitable(self.talk.profile)
        if not self.talk.profile.wants_dialogue:
            outcome = await self._stop()
            await self.talk.get_acquainted()
            return outcome
        await self.talk.writer.stop_unbelieved()
        await self.talk.get_acquainted()
        return await self._stop()

    async def greet_after_somebody(self) -> StopOutcome:
        """The same on a link that the system held already: nobody knows that the motor is off."""
        await self._choose_a_tongue()
        self.talk.writer.may_run = True
        return await self.greet_with_stop()

    async def greet_only_to_stop(self) -> StopOutcome:
        """For whatever can be stopped; a dialogue that fails leaves what the stop before it has reached."""
        await self._choose_a_tongue()
        outcome, profile = await self._stop(), self.talk.profile
        if profile.kind is not Kind.VIBRATION or not profile.wants_dialogue:
            return outcome
        try:
            if any(step.press for step in profile.init):
                raise LinkTimeout(f"{self._name} wants its button pressed first", address=self._link.address)
            await self.talk.get_acquainted()
        except LinkError as error:
            log.warning("%s may not have heard the stop: %s", self._name, error)
            return StopOutcome.SENT
        return await self._stop()

    def order_guard(self) -> None:
        """Say how the ball is stopped, by what it has told so far."""
        self.talk.writer.guard = self._precautions.order(self.talk.codec, self._link, self._name)

    async def _stop(self) -> StopOutcome:
        outcome = await self.talk.writer.stop()
        if outcome is StopOutcome.UNKNOWN:
            raise LinkTimeout(f"{self._name} does not obey a stop", address=self._link.address)
        return outcome

    async def _choose_a_tongue(self) -> None:
        """Find out which profile it is if there are several, and where its characteristics are."""
        if self._candidates:
            profile = await Identifier(self._link).choose(self._candidates)
            self._candidates = ()  # a ball does not change its firmware while we know it
            if profile is not self.talk.profile:
                self.talk = self._speak(profile)
        self.talk.begin()
        self.order_guard()
