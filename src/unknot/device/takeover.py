"""What the guard does when its controller is dead: it stops the ball in its place; `unknot.guard_process` runs it."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from contextlib import suppress
from itertools import chain, repeat
from typing import IO, TYPE_CHECKING

from bleak import BleakAdapter, BleakClient

from unknot.device.characteristics import all_of
from unknot.device.deadlines import (
    ATTEMPTS,
    BACK_OFF,
    CONNECT_SECONDS,
    DISCONNECT_SECONDS,
    OPERATION_SECONDS,
    PARTING_SECONDS,
    RADIO_SECONDS,
    SETTLING_SECONDS,
    SILENCE_SECONDS,
)
from unknot.device.orders import Orders
from unknot.profiles.writekind import PROPERTIES, WriteKind

if TYPE_CHECKING:
    from bleak.backends.characteristic import BleakGATTCharacteristic
    from bleak.backends.device import BLEDevice

    from unknot.device.radio import Radio

SHOW_CURSOR = "\x1b[?25h"
"""What a terminal shows its cursor by (DEC private mode 25)."""

log = logging.getLogger(__name__)

TAKE_OVER_SECONDS = 30.0
"""How long the guard tries before it gives up: as long as BlueZ remembers a ball that is out of range (measured)."""


async def watch(stdin: IO[bytes], radio: Radio) -> None:
    """Be the guard: hear what the controller says until its end of ``stdin`` closes, then do what is left to do.

    Args:
        stdin: a pipe whose other end only the controller has.
        radio: what bleak stands on.
    """
    orders: Orders | None = None
    is_armed = False
    while True:
        reading = asyncio.ensure_future(asyncio.to_thread(stdin.readline))
        await asyncio.wait([reading], timeout=SILENCE_SECONDS if is_armed else None)
        if not reading.done() and orders is not None:
            is_armed = False  # until it is heard again
            await take_over(orders, radio, f"unknot was halted for {SILENCE_SECONDS:g} s", is_dead=False)
        line = await reading
        if not line:
            break
        match _parsed(line):
            case {"orders": dict(fields)}:
                orders = Orders(**fields)
                # bleak loads the rest of its modules when the first client is made: now, not when every second counts.
                _client(orders.address, radio)
            case {"armed": bool(armed)}:
                is_armed = armed
            case {"beat": True}:
                is_armed = True
            case {"goodbye": True}:
                return
    if orders is None:
        return
    if is_armed:
        await take_over(orders, radio, "unknot was killed", is_dead=True)
    else:
        await tidy(orders, radio)


def _parsed(line: bytes) -> object:
    try:
        return json.loads(line)
    except ValueError:  # the controller was killed in the middle of it
        return None


async def take_over(orders: Orders, radio: Radio, what: str, *, is_dead: bool) -> None:
    """Stop the ball of a controller, within `TAKE_OVER_SECONDS`, and tell whoever is at its terminal.

    Args:
        orders: how.
        radio: what bleak stands on.
        what: what has happened to the controller, for the person.
        is_dead: whether the link is nobody's any more, and is ended too.
    """
    name = "".join(sign if sign.isprintable() else "?" for sign in orders.name)  # it comes from the air
    client: BleakClient | None = None
    with suppress(TimeoutError):
        async with asyncio.timeout(TAKE_OVER_SECONDS):
            client = await _stopped(orders, radio)
    if client is None:
        _say(f"{what} while {name} vibrated, and it could not be reached: press the ball's own button")
        return
    if orders.is_acknowledged:
        _say(f"{what} while {name} vibrated: motor off")
    else:
        _say(f"{what} while {name} vibrated: stop sent; press the ball's own button if it still vibrates")
        await asyncio.sleep(PARTING_SECONDS)
    if is_dead:
        await _disconnect(client)


async def tidy(orders: Orders, radio: Radio) -> None:
    """End the link that a dead controller has left behind with the motor off: it would hide the ball from scans."""
    with suppress(Exception):  # there is nobody to tell, and no motor runs
        device = await _held(orders, radio)
        if device is not None:
            await _disconnect(await _connected(device, radio))


async def _stopped(orders: Orders, radio: Radio) -> BleakClient:
    """Try to stop the ball until it has been; the client that did it, still connected."""
    settling = SETTLING_SECONDS
    for pause in chain(BACK_OFF, repeat(BACK_OFF[-1])):
        try:
            held = await _held(orders, radio)
            if held is None:  # its link may just have been lost, perhaps with its adapter
                await asyncio.sleep(settling)
                settling = 0.0
            client = await _connected(held or orders.address, radio)
            try:
                await _write_stop(client, orders)
            except BaseException:
                await _disconnect(client)  # the link itself may be what is wrong
                raise
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the motor must be stopped
            log.debug("taking over: %s", error or repr(error))
            await asyncio.sleep(pause)
        else:
            return client
    raise AssertionError  # the pauses have no end


async def _held(orders: Orders, radio: Radio) -> BLEDevice | None:
    """The ball by the link that the system still holds to it, which a scan would not find."""
    try:
        async with asyncio.timeout(RADIO_SECONDS):
            adapter = await BleakAdapter.get(backend=radio.adapter, bluez=radio.bluez)
            devices = await adapter.get_connected_devices(list(orders.services))
    except NotImplementedError:
        return None
    return next((device for device in devices if device.address == orders.address), None)


async def _connected(device: BLEDevice | str, radio: Radio) -> BleakClient:
    client = _client(device, radio)
    async with asyncio.timeout(CONNECT_SECONDS):
        await client.connect()
    return client


def _client(device: BLEDevice | str, radio: Radio) -> BleakClient:
    return BleakClient(device, timeout=CONNECT_SECONDS, backend=radio.client, **radio.options)


async def _write_stop(client: BleakClient, orders: Orders) -> None:
    """Write the stop as often as the ball needs it; once it has gone out, a repeat that fails is no failure."""
    await asyncio.sleep(orders.spacing)
    for attempt in range(ATTEMPTS):
        try:
            await _write_once(client, orders)
            break
        except Exception:
            if attempt + 1 == ATTEMPTS:
                raise
    with suppress(Exception):
        for _ in range(orders.repeats - 1):
            await asyncio.sleep(orders.gap)
            await _write_once(client, orders)


async def _write_once(client: BleakClient, orders: Orders) -> None:
    """Write all of it, whatever becomes of a part: what one motor refuses must not keep another running."""
    failure: Exception | None = None
    for service, uuid, data, response, pause in orders.stop:
        try:
            async with asyncio.timeout(OPERATION_SECONDS):
                characteristic = _characteristic(client, service, uuid, response=response)
                await client.write_gatt_char(characteristic, bytes.fromhex(data), response=response)
        except Exception as error:  # noqa: BLE001 - the next part may still be heard
            failure = failure or error
        if pause:
            await asyncio.sleep(pause)
    if failure is not None:
        raise failure


def _characteristic(client: BleakClient, service: str, uuid: str, *, response: bool) -> BleakGATTCharacteristic | str:
    """The one in that service that can be written so: where a UUID stands in several places, bleak writes to none."""
    there = all_of(service, uuid, client.services)
    needed = PROPERTIES[WriteKind.REQUEST if response else WriteKind.COMMAND]
    return next((one for one in there if needed in one.properties), there[0] if there else uuid)


async def _disconnect(client: BleakClient) -> None:
    with suppress(Exception):
        async with asyncio.timeout(DISCONNECT_SECONDS):
            await client.disconnect()


def _say(text: str) -> None:
    """Write a line with a bell to the terminal, if it is still there; a killed program may have left it in disorder."""
    with suppress(OSError):
        sys.stderr.write(f"{SHOW_CURSOR}\n\a{text}\n")
        sys.stderr.flush()
