"""A controller to be killed: drives a ball behind a socket by bleak alone, with a guard; tests/device/test_guard.py.

    python -m tests.controller SOCKET PROFILE [ADDRESS ...]

It connects to the first address, gives the guard orders for each in turn, arms it, starts the motor, and says its
process id. Then it reads words: ``disarm``, ``goodbye``; when they end, it leaves without a word to the guard.
"""

import asyncio
import os
import sys
from pathlib import Path

from bleak import BleakClient

from tests.wired import orders
from unknot.device.guard import Guard
from unknot.guard_process import radio_behind
from unknot.profiles import library
from unknot.profiles.codec import Codec
from unknot.profiles.speech import SetLevel
from unknot.profiles.writekind import WriteKind

LEVEL = 2


async def main(socket: str, profile: str, *addresses: str) -> None:
    radio = radio_behind(Path(socket))
    codec = Codec(library.load(profile))
    assert radio.guard is not None
    guard = Guard.start(radio.guard)
    assert guard is not None
    for address in addresses:
        guard.order(orders(codec.profile, address, "the ball"))
    client = BleakClient(addresses[0], backend=radio.client, **radio.options)
    await client.connect()
    guard.arm()
    beating = asyncio.create_task(guard.beat())
    for write in codec.encode(SetLevel(LEVEL)):
        (characteristic,) = codec.profile.gatt[write.to].characteristic
        await client.write_gatt_char(characteristic, write.data, response=write.kind is WriteKind.REQUEST)
    print(os.getpid(), flush=True)  # noqa: T201 - the test reads it
    while word := await asyncio.to_thread(sys.stdin.readline):
        match word.strip():
            case "disarm":
                guard.disarm()
            case "goodbye":
                await guard.goodbye()
        print(word, end="", flush=True)  # noqa: T201 - done
    beating.cancel()
    os._exit(0)  # as a program leaves that knows nothing of links and guards


asyncio.run(main(*sys.argv[1:]))
