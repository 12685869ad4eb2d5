"""Which firmware a connected ball has, among profiles that share its advertisement; used by the ball.

What the ball says of itself decides: Device Information, which characteristics there are, and the reply to a query
where a profile asks one. A person's own choice is never looked at again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from unknot.device.deadlines import OPERATION_SECONDS
from unknot.errors import AttError, GattMismatch, LinkLost
from unknot.profiles.assembly import Assembler
from unknot.profiles.speech import Write
from unknot.profiles.variant import DEVICE_INFORMATION, DEVICE_INFORMATION_SERVICE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unknot.device.link import Link
    from unknot.profiles.assembly import Assembly
    from unknot.profiles.model import FirmwareProfile

log = logging.getLogger(__name__)

Candidates = tuple[tuple["FirmwareProfile", int], ...]
"""Profiles with the scores that the advertisement gave them, the best first."""


ASKED = 2
"""How often a query is written: a reply that is lost must not make another firmware of it (judgement)."""


class Identifier:
    """Asks one ball, once for each thing that somebody wants to know.

    Args:
        link: an open link.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._told: dict[str, str | None] = {}
        self._is_lacking = False
        self._replies: dict[tuple[str, bytes, str], bytes | None] = {}

    async def choose(self, candidates: Sequence[tuple[FirmwareProfile, int]]) -> FirmwareProfile:
        """The profile that fits best: of the best scores one that the ball confirms, else one that nothing contradicts.

        Raises:
            GattMismatch: none fits, or nobody can tell which.
            LinkError: the link failed.
        """
        contradicted: list[str] = []
        for score in sorted({score for _, score in candidates}, reverse=True):
            open_ones = []
            for profile in (profile for profile, own in candidates if own == score):
                verdict = await self._verdict(profile)
                if verdict:
                    return profile
                if verdict is None:
                    open_ones.append(profile)
                else:
                    contradicted.append(profile.id)
            plain = [profile for profile in open_ones if profile.variant is None]
            if plain or len(open_ones) == 1:
                return (plain or open_ones)[0]
            if open_ones:
                names = " or ".join(sorted(profile.id for profile in open_ones))
                raise GattMismatch(
                    f"the ball at {self._link.address} does not tell which firmware it has: {names}",
                    address=self._link.address,
                )
        told = ", ".join(f"{name} {text!r}" for name, text in self._told.items() if text is not None)
        raise GattMismatch(
            f"the ball at {self._link.address} has another firmware than {' or '.join(sorted(contradicted))}"
            + (f": it tells {told}" if told else ""),
            address=self._link.address,
            advice=self._link.advice_if_lacking if self._is_lacking else "",
        )

    async def _verdict(self, profile: FirmwareProfile) -> bool | None:
        """True if the ball confirms the profile, False if it contradicts it, None if it says nothing of it."""
        try:
            self._link.resolve(profile)
        except GattMismatch:
            self._is_lacking = True
            return False
        variant = profile.variant
        if variant is None:
            return None
        verdicts: list[bool | None] = [self._link.find(uuid) is not None for uuid in variant.characteristics]
        verdicts += [self._link.find(uuid) is None for uuid in variant.without]
        for name in DEVICE_INFORMATION:
            test = getattr(variant, name)
            if test is not None:
                text = await self._text(name)
                verdicts.append(None if text is None else test.fits(text))
        if False not in verdicts and variant.ask is not None and variant.reply is not None:
            reply = await self._reply(profile)
            verdicts.append(None if reply is None else variant.reply.fits(reply))
        if False in verdicts:
            return False
        return None if None in verdicts else True

    async def _text(self, name: str) -> str | None:
        if name not in self._told:
            characteristic = self._link.find(DEVICE_INFORMATION[name], DEVICE_INFORMATION_SERVICE)
            text = None
            if characteristic is not None:
                try:
                    text = (await self._link.read_from(characteristic)).decode(errors="replace").strip("\0 ")
                except AttError as error:  # it refuses to tell; any other failure is no answer, and is tried again
                    log.info("%s: %s", name, error)
            self._told[name] = text
        return self._told[name]

    async def _reply(self, profile: FirmwareProfile) -> bytes | None:
        """What the ball says to a profile's query; what it says of itself meanwhile is taken for the reply."""
        variant = profile.variant
        assert variant is not None and variant.ask is not None and variant.reply is not None  # noqa: S101, PT018
        ask, source = variant.ask, variant.reply.source
        data = ask.frame.pack({})
        key = self._link.uuid(ask.to), data, source
        if key not in self._replies:
            write = Write(ask.to, data, profile.gatt[ask.to].write[0])
            for _ in range(ASKED):
                self._replies[key] = await self._ask(write, source, profile.gatt[source].assemble)
                await asyncio.sleep(profile.safety.spacing)  # so that what follows is heard
                if self._replies[key] is not None:
                    break
        return self._replies[key]

    async def _ask(self, write: Write, source: str, assembly: Assembly | None) -> bytes | None:
        came: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        assembler = None if assembly is None else Assembler(assembly)

        def hear(data: bytes) -> None:
            for frame in (data,) if assembler is None else assembler.feed(data):
                if not came.done():
                    came.set_result(frame)

        await self._link.subscribe(source, hear)
        try:
            await self._link.write(write)
            await asyncio.wait([came], timeout=OPERATION_SECONDS)
        except AttError as error:
            log.info("asking for the firmware: %s", error)
        finally:
            if self._link.is_connected:
                await self._link.unsubscribe(source)
        if not self._link.is_connected:  # silence says nothing then
            raise LinkLost(f"the link to {self._link.address} is gone", address=self._link.address)
        return came.result() if came.done() else None
