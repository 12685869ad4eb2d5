"""How long a Bluetooth controller may take for what it is asked, and what is said of one that does not do it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bumble import core, hci

from unknot.errors import BluetoothUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

POWER_ON_SECONDS = 10.0
"""How long a controller may take to start: its reset and some twenty questions take a second or two (judgement)."""

ANSWER_SECONDS = 3.0
"""How long it may take to begin or end advertising: a few commands of milliseconds each (judgement)."""

ADVICE = "see that it is one that speaks HCI, at that speed, and plug it in anew"


@asynccontextmanager
async def patience(seconds: float) -> AsyncIterator[None]:
    """Wait so long for what is asked of a controller within the block.

    Raises:
        BluetoothUnavailable: it did not answer in time, or it refused.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise BluetoothUnavailable(f"the controller did not answer within {seconds:g} s", advice=ADVICE) from None
    except (core.BaseBumbleError, hci.HCI_Error) as error:
        reason = str(error) or type(error).__name__
        raise BluetoothUnavailable(f"the controller failed ({reason})", advice=ADVICE) from error


def gone() -> BluetoothUnavailable:
    """What is said of a controller that was there."""
    return BluetoothUnavailable("the controller is gone", advice="plug it in again, and start anew")
