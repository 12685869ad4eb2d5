"""The machine itself: a kernel, bluetoothd, bleak and a ball made with bumble alone, without any of unknot.

It also measures what stands beside unknot's own figures: an acked write of a bare bleak script.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator

import pytest
from bleak import BleakClient, BleakScanner
from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData
from bumble.device import Device, DeviceConfiguration
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.hci import Address

from tests.stack.guest.radio import RadioLink, adapter

SERVICE, LEVEL = "9a501a2d-594f-4e2b-b123-5f739a2d594f", "9a511a2d-594f-4e2b-b123-5f739a2d594f"

ADVERTISING_MS = 100.0

WRITES = 40
"""How many are measured (judgement): the guest's clock is steady, so the median is too."""

FLOOR_MS = 5.0
"""More than the stack's own 1.6 ms for an acked write in the guest; a noisy or wrong clock would show."""


class Ball:
    """One service with one characteristic that can be written and that notifies."""

    def __init__(self, link: RadioLink) -> None:
        self.link = link
        self.written: list[bytes] = []
        controller = Controller("BALL", link=link)
        configuration = DeviceConfiguration(
            name="smoke",
            address=Address.generate_static_address(),
            advertising_interval_min=ADVERTISING_MS,
            advertising_interval_max=ADVERTISING_MS,
        )
        self.device = Device.from_config_with_hci(configuration, controller, controller)
        properties = Characteristic.Properties.WRITE | Characteristic.Properties.NOTIFY
        value: CharacteristicValue[bytes] = CharacteristicValue(
            write=lambda _, value: self.written.append(bytes(value))
        )
        self.level: Characteristic[bytes] = Characteristic(LEVEL, properties, Characteristic.WRITEABLE, value)
        self.device.add_services([Service(SERVICE, [self.level])])
        self.device.advertising_data = bytes(
            AdvertisingData(
                [
                    (AdvertisingData.FLAGS, b"\x06"),
                    (AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, bytes(UUID(SERVICE))),
                ]
            )
        )

    async def appear(self) -> None:
        await self.device.power_on()
        await self.device.start_advertising(auto_restart=True)


@contextlib.asynccontextmanager
async def connected() -> AsyncIterator[tuple[Ball, BleakClient]]:
    ball = Ball(RadioLink())
    async with adapter(ball.link, ready=ball.appear):
        found = await BleakScanner.find_device_by_filter(lambda _, told: SERVICE in told.service_uuids, timeout=10)
        assert found is not None
        async with BleakClient(found) as client:
            yield ball, client


async def test_a_ball_is_found_connected_and_written() -> None:
    async with connected() as (ball, client):
        await client.write_gatt_char(LEVEL, b"\x32\x00", response=True)
        assert ball.written == [b"\x32\x00"]


async def test_a_notification_arrives() -> None:
    async with connected() as (ball, client):
        heard: asyncio.Queue[bytes] = asyncio.Queue()
        await client.start_notify(LEVEL, lambda _, value: heard.put_nowait(bytes(value)))
        await ball.device.notify_subscribers(ball.level, b"\x07")
        async with asyncio.timeout(1):
            assert await heard.get() == b"\x07"


async def test_a_wait_costs_the_host_nothing() -> None:
    began = time.monotonic()
    await asyncio.sleep(600)
    assert 600 <= time.monotonic() - began < 601  # Linux lets a long poll be 0.1 s late


@pytest.mark.parametrize("interval_ms", [0, 7.5, 30, 50])
async def test_an_acked_write_takes_two_connection_events(interval_ms: float) -> None:
    async with connected() as (ball, client):
        ball.link.interval = interval_ms / 1000
        took = []
        for index in range(WRITES):
            began = time.perf_counter()
            await client.write_gatt_char(LEVEL, bytes([index]), response=True)
            took.append((time.perf_counter() - began) * 1000)
        median = statistics.median(took)
        print(f"an acked write at {interval_ms:g} ms: median {median:.2f} ms, most {max(took):.2f} ms")  # noqa: T201
        assert len(ball.written) == WRITES
        assert abs(median - 2 * interval_ms) < FLOOR_MS
