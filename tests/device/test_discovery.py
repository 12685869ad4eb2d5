import asyncio
from typing import Self

import pytest
from bleak.backends.adapter import BaseBleakAdapter
from bleak.backends.device import BLEDevice

import unknot
from tests.profiles.shipped import SPOKEN
from unknot.device import discovery
from unknot.device.radio import Radio
from unknot.errors import BallNotFound
from unknot.profiles import library
from unknot.profiles.matching import Advertisement, Match, score
from unknot.simulator import Air, SimulatedBall, SimulatedClient, SimulatedScanner
from unknot.simulator.backend import adapter_for


def radio(air: Air) -> Radio:
    return Radio(SimulatedClient, SimulatedScanner, adapter_for(air), {"air": air})


@pytest.mark.parametrize("profile", [profile.id for profile in SPOKEN if profile.match != Match()])
async def test_no_profile_finds_the_simulated_ball_of_another_better(profile: str) -> None:
    (found,) = await unknot.scan(simulate=Air(SimulatedBall(profile)))
    assert dict(found.profiles)[profile] == found.profiles[0][1]


async def test_known_balls_come_first_and_near_ones_before_far_ones() -> None:
    air = Air(
        SimulatedBall("open-ball", name="far", rssi=-90),
        SimulatedBall("button-ball", name="a stranger", rssi=-30),
        SimulatedBall("open-ball", name="near", rssi=-40),
    )
    assert [ball.name for ball in await unknot.scan(simulate=air)] == ["near", "far", "a stranger"]


async def test_the_nearest_known_ball_is_chosen_even_if_it_is_heard_later() -> None:
    air = Air(SimulatedBall(name="far", rssi=-80))
    asyncio.get_running_loop().call_later(0.5, air.add, SimulatedBall(name="near", rssi=-40))
    async with unknot.connect(simulate=air) as ball:
        assert ball.name == "near"


@pytest.mark.parametrize("target", ["Left", "left", "C0:BA:11:00:00:02", "c0:ba:11:00:00:02"])
async def test_a_ball_is_chosen_by_name_or_address(target: str) -> None:
    air = Air(SimulatedBall(name="Right", rssi=-30), SimulatedBall(name="Left", rssi=-80))
    async with unknot.connect(target, simulate=air) as ball:
        assert ball.name == "Left"


async def test_a_ball_that_is_not_there_is_told_with_what_was_heard() -> None:
    with pytest.raises(BallNotFound, match=r"no ball called 'Left' was found within 5 s; heard OpenBall; switch"):
        async with unknot.connect("Left", simulate=Air(SimulatedBall())):
            pytest.fail("connected")
    assert asyncio.get_running_loop().time() == pytest.approx(5.0)


async def test_a_name_without_a_profile_asks_for_one() -> None:
    air = Air(SimulatedBall("button-ball", name="Lamp"))
    with pytest.raises(BallNotFound, match="no profile describes Lamp; name one with --profile"):
        async with unknot.connect("Lamp", simulate=air):
            pytest.fail("connected")
    async with unknot.connect("Lamp", profile="button-ball", simulate=air) as ball:
        assert ball.profile.id == "button-ball"


async def test_a_ball_that_the_system_already_holds_is_found_without_advertising() -> None:
    air = Air(SimulatedBall())
    async with unknot.connect(simulate=air):
        (held,) = await discovery.connected(radio(air), library.load_all())
        assert held.name == "OpenBall"
        assert held.rssi is None
        found = await discovery.find(radio(air), library.load_all(), "OpenBall")
        assert found.address == held.address


async def test_a_ball_that_advertises_is_not_taken_for_one_that_the_system_holds() -> None:
    """A bluetoothd that crashed tells bleak of no disconnection: its links seem to stand for ever."""
    air = Air(SimulatedBall())

    class Deluded(BaseBleakAdapter):
        @classmethod
        async def get(cls, **_: object) -> Self:
            return cls()

        async def get_connected_devices(self, _: frozenset[str]) -> list[BLEDevice]:
            return [BLEDevice(ball.address, ball.name, "stale") for ball in air]

    blind = Radio(SimulatedClient, SimulatedScanner, Deluded, {"air": air})
    profile = library.load("open-ball")
    (ball,) = air
    assert (await discovery.find_again(blind, profile, ball.address, ball.name)).device.details != "stale"
    ball.is_advertising = False  # it is held, as far as anybody can tell
    assert (await discovery.find_again(blind, profile, ball.address, ball.name)).device.details == "stale"


@pytest.mark.parametrize(
    ("name", "services", "fits"),
    [
        ("OpenBall 7", ["b0a70001-6b1e-4f3d-9c58-7e2d41a90f36"], 5),
        ("Renamed", ["b0a70001-6b1e-4f3d-9c58-7e2d41a90f36"], 3),
        ("OpenBall 7", [], 2),
        ("openball", [], 0),
        ("Lamp", ["0000180f-0000-1000-8000-00805f9b34fb"], 0),
    ],
)
def test_scores_of_the_open_ball(name: str, services: list[str], fits: int) -> None:
    assert score(library.load("open-ball").match, Advertisement(name, tuple(services))) == fits


def test_a_shared_16_bit_service_alone_identifies_nothing() -> None:
    ffe0 = "0000ffe0-0000-1000-8000-00805f9b34fb"
    theragun = library.load("theragun-4").match
    assert score(theragun, Advertisement("HMSoft", (ffe0,))) == 0
    assert score(theragun, Advertisement("Elite", (ffe0,))) == 5


async def test_a_ball_of_another_address_is_offered_where_an_address_is_not_heard() -> None:
    air = Air(SimulatedBall(rssi=-40), SimulatedBall("ems-5a", name="TV\x1b[2J"))
    with pytest.raises(BallNotFound, match=r"but OpenBall at C0:BA:11:00:00:01; an address may change") as caught:
        async with unknot.connect("C0:BA:11:00:00:99", simulate=air):
            pytest.fail("connected")
    assert "TV" not in str(caught.value)
    assert str(caught.value).isprintable()


async def test_strangers_without_end_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "DEVICES_MOST", 3)
    strangers = [SimulatedBall("ems-5a", name=f"TV {number}") for number in range(9)]
    heard: list[str] = []
    air = radio(Air(*strangers, SimulatedBall()))
    found = await discovery.scan(air, library.load_all(), heard=lambda ball: heard.append(ball.name))
    assert [ball.name for ball in found] == ["OpenBall", "TV 0", "TV 1", "TV 2"]
    assert set(heard) == {ball.name for ball in found}


async def test_strangers_without_end_do_not_fill_the_memory_of_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "DEVICES_MOST", 3)
    strangers = [SimulatedBall("ems-5a", name=f"TV {number}") for number in range(9)]
    with pytest.raises(BallNotFound, match=r"heard TV 0, TV 1, TV 2; switch"):
        await discovery.find(radio(Air(*strangers)), library.load_all(), "Left")
    late = SimulatedBall(name="Left")
    assert (await discovery.find(radio(Air(*strangers, late)), library.load_all(), "Left")).address == late.address


async def test_namesakes_without_end_do_not_fill_the_memory_when_a_ball_is_looked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(discovery, "DEVICES_MOST", 1)
    air = radio(Air(SimulatedBall(), SimulatedBall()))
    # With room for one the second is not noticed; the real bound leaves room to notice it.
    assert (await discovery.find_again(air, library.load("open-ball"), "gone", "OpenBall")).name == "OpenBall"
