"""Reaching a ball: connecting with patience, at the start and after the link was lost; used by the ball.

A first attempt often fails, a lost ball comes back within seconds, and a handle from an old scan goes stale: so the
same client tries again with growing pauses, and when its handle can no longer be good, the ball is looked for anew.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, TypeVar

from unknot.device.deadlines import BACK_OFF
from unknot.errors import BallNotFound, GattMismatch, LinkError, LinkLost, LinkTimeout, Unsuitable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bleak.backends.device import BLEDevice

    from unknot.device.link import Link

log = logging.getLogger(__name__)

HANDLE_SECONDS = 30.0
"""For how long a handle is good after the ball was last seen: BlueZ forgets an unpaired device then."""

T = TypeVar("T")


async def reach(
    link: Link, seek: Callable[[], Awaitable[BLEDevice]], greet: Callable[[], Awaitable[T]], *, seconds: float
) -> T:
    """Open the link and greet the ball, again and again until both succeed.

    Args:
        link: the link; closed again whenever greeting fails.
        seek: looks for the ball anew, when its handle is stale; raises `BallNotFound` if it is away.
        greet: what must be done first on every new link; its result is returned.
        seconds: the total deadline.

    Raises:
        GattMismatch: it is another kind of ball; trying again is no use.
        Unsuitable: it must not be driven.
        LinkError: the last failure, when the time is over.
    """
    loop = asyncio.get_running_loop()
    seen, is_stale, attempt = loop.time(), False, 0
    failure: LinkError = LinkTimeout(f"{link.address} was not reached within {seconds:g} s", address=link.address)
    try:
        async with asyncio.timeout(seconds):
            while True:
                was_sought = False
                try:
                    if is_stale or loop.time() - seen > HANDLE_SECONDS:
                        was_sought = True
                        link.aim(await seek())
                        seen, is_stale = loop.time(), False
                    await _open(link)
                    return await _greet(link, greet)
                except (GattMismatch, Unsuitable):
                    raise
                except Exception as error:  # noqa: BLE001 - a fault of the library is one failed attempt, and no more
                    failure = error if isinstance(error, LinkError) else LinkLost(repr(error), address=link.address)
                    log.info("reaching %s, attempt %d: %s", link.address, attempt + 1, failure)
                    if isinstance(error, BallNotFound):
                        is_stale = True
                        if not was_sought:
                            continue  # nothing is gained by waiting before the scan
                await asyncio.sleep(BACK_OFF[min(attempt, len(BACK_OFF) - 1)])
                attempt += 1
    except TimeoutError:
        raise failure from None


async def _open(link: Link) -> None:
    """Connect. Raises `BallNotFound` also for one that does not answer at all: it may have another address by now."""
    try:
        await link.open()
    except LinkTimeout as error:
        message = str(error).removesuffix(f"; {error.advice}")
        raise BallNotFound(message, address=link.address, advice=error.advice) from error


async def _greet(link: Link, greet: Callable[[], Awaitable[T]]) -> T:
    try:
        return await greet()
    except BaseException:
        await link.abandon()
        raise
