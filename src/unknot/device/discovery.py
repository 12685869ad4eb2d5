"""Finding balls: scans, scores what advertises against the profiles, and picks one; used by `unknot.api`.

Balls that the system already holds a link to do not advertise, so they are asked for first.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bleak import BleakAdapter

from unknot.device.deadlines import RADIO_SECONDS
from unknot.device.failures import ours
from unknot.device.listening import listening
from unknot.errors import BallNotFound
from unknot.profiles.matching import Advertisement, weigh

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from bleak.backends.device import BLEDevice
    from bleak.backends.scanner import AdvertisementData

    from unknot.device.radio import Radio
    from unknot.profiles.matching import Reason
    from unknot.profiles.model import FirmwareProfile

SCAN_SECONDS = 5.0
"""How long a scan listens: five times the slowest common advertising interval of about 1 s."""

NEARBY_SECONDS = 1.0
"""How long to go on listening after the first ball that fits, to hear whether another one is nearer (one common
advertising interval)."""


DEVICES_MOST = 2048
"""How many devices one scan remembers: a crowded hall has hundreds, and some change their addresses again and again.
Beyond, only those that are looked for are taken in (judgement)."""


_ADDRESS = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
"""A Bluetooth address, or the UUID that macOS has in its place."""

_TOLD_MOST = 5
"""How many devices an error names (judgement)."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A profile that fits what a device advertises.

    Attributes:
        profile: the profile's id.
        points: its score.
        reasons: what in the advertisement fits.
    """

    profile: str
    points: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class FoundBall:
    """A device that advertises, and what fits it.

    Attributes:
        device: bleak's handle; goes stale some 30 s after the scan on BlueZ.
        name: the advertised name; empty if it has none.
        address: its address.
        rssi: signal strength in dBm, or None when it is connected already.
        fits: the profiles that fit, best first; empty for a device of another kind.
        shown: what it advertises; of one that is connected, what it was asked for.
    """

    device: BLEDevice
    name: str
    address: str
    rssi: int | None
    fits: tuple[Fit, ...]
    shown: Advertisement

    @property
    def profiles(self) -> tuple[tuple[str, int], ...]:
        """The ids of the profiles that fit with their scores, best first."""
        return tuple((fit.profile, fit.points) for fit in self.fits)


async def scan(
    radio: Radio,
    profiles: Sequence[FirmwareProfile],
    *,
    seconds: float = SCAN_SECONDS,
    heard: Callable[[FoundBall], None] = lambda _: None,
) -> tuple[FoundBall, ...]:
    """Everything that advertises within ``seconds``, the best and nearest first; at most `DEVICES_MOST` strangers.

    Args:
        radio: what bleak stands on.
        profiles: what to look for.
        seconds: how long to listen.
        heard: told of each device, each time it is heard.

    Raises:
        BluetoothUnavailable: there is no working Bluetooth.
    """
    seen: dict[str, FoundBall] = {}

    def take_in(device: BLEDevice, advertisement: AdvertisementData) -> None:
        found = _found(device, advertisement, profiles)
        if _has_room(seen, found, is_wanted=bool(found.fits)):
            seen[found.address] = found
            heard(found)

    async with listening(radio, take_in):
        await asyncio.sleep(seconds)
    return tuple(sorted(seen.values(), key=_best_first))


async def connected(radio: Radio, profiles: Sequence[FirmwareProfile]) -> tuple[FoundBall, ...]:
    """The balls that the system already holds a link to, best fit first; empty where the system cannot tell."""
    devices: dict[str, BLEDevice] = {}
    fits: dict[str, list[Fit]] = {}
    shown: dict[str, set[str]] = {}
    try:
        with ours("asking for connected balls"):
            async with asyncio.timeout(RADIO_SECONDS):
                adapter = await BleakAdapter.get(backend=radio.adapter, bluez=radio.bluez)
                for profile in profiles:
                    if not _own_services(profile):
                        continue  # nobody can ask for it
                    # Nothing is advertised now: it counts as one that advertises the services that were asked for.
                    for device in await adapter.get_connected_devices(_own_services(profile)):
                        devices[device.address] = device
                        asked = Advertisement(device.name or "", profile.match.services)
                        shown.setdefault(device.address, set()).update(asked.services)
                        fits.setdefault(device.address, []).extend(_fits(asked, (profile,)))
    except NotImplementedError:
        return ()
    return tuple(
        FoundBall(
            device,
            device.name or "",
            address,
            None,
            _best_fit_first(fits[address]),
            Advertisement(device.name or "", tuple(sorted(shown[address]))),
        )
        for address, device in devices.items()
    )


async def find(
    radio: Radio, profiles: Sequence[FirmwareProfile], target: str | None, *, seconds: float = SCAN_SECONDS
) -> FoundBall:
    """The ball of that name or address, or the nearest one that fits a profile.

    Args:
        radio: what bleak stands on.
        profiles: which profiles to look for.
        target: a name or an address, or None for the nearest ball that fits.
        seconds: how long to look.

    Raises:
        BallNotFound: nothing fits.
        BluetoothUnavailable: there is no working Bluetooth.
    """
    seen: dict[str, FoundBall] = {}
    fits = asyncio.Event()

    def heard(device: BLEDevice, advertisement: AdvertisementData) -> None:
        ball = _found(device, advertisement, profiles)
        if _has_room(seen, ball, is_wanted=is_target(ball, target)):
            seen[ball.address] = ball
        if is_target(ball, target):
            fits.set()

    for ball in await connected(radio, profiles):
        if is_target(ball, target):
            return ball
    async with listening(radio, heard):
        try:
            async with asyncio.timeout(seconds):
                await fits.wait()
        except TimeoutError:
            raise BallNotFound(_nothing(target, seconds, seen.values(), profiles)) from None
        if target is None:
            await asyncio.sleep(NEARBY_SECONDS)
    return min((ball for ball in seen.values() if is_target(ball, target)), key=_best_first)


async def find_again(
    radio: Radio, profile: FirmwareProfile, address: str, name: str, *, seconds: float = SCAN_SECONDS
) -> FoundBall:
    """A ball that was connected before: the one of that address, or the only one of that name if its address is new.

    A ball may come back under another address. Where several of that name are in range nobody can tell which it is, so
    none is taken.

    Raises:
        BallNotFound: it is not in range.
        BluetoothUnavailable: there is no working Bluetooth.
    """
    namesakes: dict[str, FoundBall] = {}
    came: asyncio.Future[FoundBall] = asyncio.get_running_loop().create_future()

    def heard(device: BLEDevice, advertisement: AdvertisementData) -> None:
        ball = _found(device, advertisement, (profile,))
        if ball.address == address and not came.done():
            came.set_result(ball)
        elif ball.name == name and ball.profiles and _has_room(namesakes, ball, is_wanted=False):
            namesakes[ball.address] = ball

    async with listening(radio, heard):
        await asyncio.wait([came], timeout=seconds)
    if came.done():
        return came.result()
    # Only now: a bluetoothd that crashed has left bleak thinking that its links stand, until a scan tells otherwise.
    for ball in await connected(radio, (profile,)):
        if ball.address == address:
            return ball
    if len(namesakes) == 1:
        return next(iter(namesakes.values()))
    raise BallNotFound(f"{name} at {address} was not heard within {seconds:g} s", address=address)


def _has_room(seen: Mapping[str, FoundBall], ball: FoundBall, *, is_wanted: bool) -> bool:
    return is_wanted or ball.address in seen or len(seen) < DEVICES_MOST


def is_target(ball: FoundBall, target: str | None) -> bool:
    """Whether it is the ball of that name or address; without one, whether a profile fits it."""
    if target is None:
        return bool(ball.profiles)
    return target.casefold() in (ball.address.casefold(), ball.name.casefold())


def _found(device: BLEDevice, advertisement: AdvertisementData, profiles: Sequence[FirmwareProfile]) -> FoundBall:
    name = advertisement.local_name or device.name or ""
    shown = Advertisement(name, tuple(advertisement.service_uuids), advertisement.manufacturer_data)
    fits = _best_fit_first(_fits(shown, profiles))
    return FoundBall(device, name, device.address, advertisement.rssi, fits, shown)


def _fits(shown: Advertisement, profiles: Iterable[FirmwareProfile]) -> Iterator[Fit]:
    for profile in profiles:
        weighed = weigh(profile.match, shown)
        if weighed.points:
            yield Fit(profile.id, weighed.points, weighed.reasons)


def _best_first(ball: FoundBall) -> tuple[bool, int, str]:
    return not ball.profiles, -(ball.rssi if ball.rssi is not None else 0), ball.address


def _best_fit_first(fits: Iterable[Fit]) -> tuple[Fit, ...]:
    return tuple(sorted(fits, key=lambda fit: (-fit.points, fit.profile)))


def _own_services(profile: FirmwareProfile) -> list[str]:
    """The services that tell this dialect from others: those it advertises, and those of its commands."""
    commanded = {
        uuid for _, writes in profile.commands.items() for write in writes for uuid in profile.gatt[write.to].service
    }
    return sorted({*profile.match.services, *commanded})


def _nothing(target: str | None, seconds: float, seen: Iterable[FoundBall], profiles: Sequence[FirmwareProfile]) -> str:
    described = f"that profile {profiles[0].id} describes" if len(profiles) == 1 else "that a profile describes"
    wanted = f"no ball called {target!r}" if target else f"no ball {described}"
    seen = sorted(seen, key=_best_first)
    if target is not None and _ADDRESS.fullmatch(target) and (balls := [ball for ball in seen if ball.fits]):
        # A ball with a random address may have another one today.
        others = ", ".join(f"{_harmless(ball.name) or 'one'} at {ball.address}" for ball in balls[:_TOLD_MOST])
        return (
            f"{wanted} was found within {seconds:g} s, but {others}; an address may change, so choose one with "
            "--device, or call the ball by its name"
        )
    names = sorted({_harmless(ball.name) for ball in seen if ball.name})
    heard = f"; heard {', '.join(names[:_TOLD_MOST])}" if names else ""
    if target is None and names:
        heard += "; choose one with --device if you know it"
    return f"{wanted} was found within {seconds:g} s{heard}"


def _harmless(name: str) -> str:
    """A name from the air without what a terminal would obey."""
    return "".join(sign if sign.isprintable() else "?" for sign in name)
