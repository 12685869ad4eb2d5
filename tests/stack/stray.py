"""A program that knows nothing of unknot: bare bleak sets a level and stays; tests/stack/test_system.py.

    python -m tests.stack.stray ADDRESS CHARACTERISTIC HEX ...

It writes the first bytes and says ``set``, then writes the next ones for every line that it reads.
"""

import asyncio
import sys

from bleak import BleakClient


async def main(address: str, characteristic: str, *values: str) -> None:
    client = BleakClient(address, timeout=20.0)
    await client.connect()
    for value in values:
        await client.write_gatt_char(characteristic, bytes.fromhex(value), response=True)
        print("set", flush=True)  # noqa: T201 - the test reads it
        await asyncio.to_thread(sys.stdin.readline)
    await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:]))
