"""Which Bluetooth adapter is used: what BlueZ manages as plain dicts, and once a bus with two adapters on it."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from bleak.backends.adapter import BaseBleakAdapter
from bleak.backends.device import BLEDevice

import unknot
from unknot import api, guard_process
from unknot.device import adapters, discovery, takeover
from unknot.device.adapters import Adapter, adapters_of, choose, tuned
from unknot.device.orders import Orders
from unknot.device.radio import Radio
from unknot.errors import BluetoothUnavailable, UsageError
from unknot.profiles import library
from unknot.simulator import Air, SimulatedBall, SimulatedClient, SimulatedScanner
from unknot.simulator.backend import adapter_for

SERVICE = "b0a70001-6b1e-4f3d-9c58-7e2d41a90f36"

HCI0 = Adapter("hci0", "AA:AA:AA:00:00:00", is_on=True, is_central=True)
HCI1 = Adapter("hci1", "AA:AA:AA:00:00:01", is_on=True, is_central=True)
OFF = Adapter("hci2", "AA:AA:AA:00:00:02", is_on=False, is_central=True)
CLASSIC = Adapter("hci3", "AA:AA:AA:00:00:03", is_on=True, is_central=False)

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="adapters can be chosen on Linux only")


def managed(*names: str, **told: object) -> dict[str, dict[str, dict[str, Any]]]:
    plain = {"Address": "AA:AA:AA:00:00:00", "Powered": True, "Roles": ["central", "peripheral"]}
    objects = {f"/org/bluez/{name}": {adapters.ADAPTER: {**plain, **told}} for name in names}
    return {"/org/bluez": {"org.bluez.AgentManager1": {}}, **objects}


def test_adapters_are_told_in_the_order_of_their_numbers() -> None:
    assert [one.name for one in adapters_of(managed("hci10", "hci2", "hci0"))] == ["hci0", "hci2", "hci10"]
    assert adapters_of({}) == ()


def test_what_an_adapter_tells_is_read_and_what_it_does_not_tell_is_no_trouble() -> None:
    (one,) = adapters_of(managed("hci0", Powered=False, Roles=["peripheral"]))
    assert str(one) == "hci0 (off) (no Low Energy)"
    (old,) = adapters_of({"/org/bluez/hci0": {adapters.ADAPTER: {}}})
    assert (old.is_on, old.is_central, old.address) == (False, True, "")


def test_without_a_choice_the_lowest_usable_one_is_first() -> None:
    assert choose((OFF, HCI0, CLASSIC, HCI1), None) == (HCI0, HCI1)


@pytest.mark.parametrize("wanted", ["hci1", "HCI1", "aa:aa:aa:00:00:01"])
def test_an_adapter_is_chosen_by_name_or_address(wanted: str) -> None:
    assert choose((HCI0, HCI1), wanted) == (HCI1,)


def test_an_unknown_adapter_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match=r"no Bluetooth adapter is called 'hci7'; there are: hci0, hci2 \(off\)$"):
        choose((HCI0, OFF), "hci7")


@pytest.mark.parametrize(
    ("known", "wanted", "said"),
    [
        ((), None, "no Bluetooth adapter was found"),
        ((), "hci0", "no Bluetooth adapter was found"),
        ((OFF,), None, "is switched off"),
        ((HCI0, OFF), "hci2", "is switched off"),
        ((CLASSIC,), None, "cannot do Low Energy"),
        ((HCI0, CLASSIC), "hci3", "cannot do Low Energy"),
    ],
)
def test_an_adapter_that_cannot_be_used_is_told(known: tuple[Adapter, ...], wanted: str | None, said: str) -> None:
    with pytest.raises(BluetoothUnavailable, match=said):
        choose(known, wanted)


def test_a_radio_on_an_adapter_takes_scanner_client_and_guard_there() -> None:
    radio = Radio().on("hci1")
    assert radio.options == {"bluez": {"adapter": "hci1"}}
    assert radio.bluez == {"adapter": "hci1"}
    assert radio.is_real
    assert radio.guard is not None
    assert guard_process._radio(list(radio.guard[2:])) == radio
    assert Radio().bluez == {}


async def test_held_links_are_asked_for_on_that_adapter_by_us_and_by_the_guard() -> None:
    asked: list[object] = []

    class Spy(BaseBleakAdapter):
        @classmethod
        async def get(cls, **kwargs: Any) -> Self:
            asked.append(kwargs["bluez"])
            return cls()

        async def get_connected_devices(self, service_uuids: frozenset[str]) -> list[BLEDevice]:  # noqa: ARG002 - bleak's
            return []

    radio = Radio(adapter=Spy).on("hci1")
    assert await discovery.connected(radio, library.load_all()) == ()
    orders = Orders("C0:BA:11:00:00:01", "Ball", (SERVICE,), ((SERVICE, SERVICE, "00", True, 0.0),))
    assert await takeover._held(orders, radio) is None
    assert asked == [{"adapter": "hci1"}] * 2


async def test_other_systems_let_nobody_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert await tuned(Radio(), None) == (Radio(),)
    with pytest.raises(UsageError, match="on Linux only"):
        await tuned(Radio(), "hci1")


@on_linux
async def test_which_of_several_is_used_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def two() -> tuple[Adapter, ...]:
        await asyncio.sleep(0)
        return HCI0, HCI1

    monkeypatch.setattr(adapters, "there", two)
    first, second = await tuned(Radio(), None)
    assert (first.bluez, second.bluez) == ({"adapter": "hci0"}, {"adapter": "hci1"})
    assert caplog.messages == ["using the Bluetooth adapter hci0 of hci0, hci1; choose another one with --adapter"]
    caplog.clear()
    assert await tuned(Radio(), "hci1") == (second,)
    assert caplog.messages == []


async def test_a_ball_that_another_adapter_holds_is_looked_for_there() -> None:
    airs = Air(SimulatedBall(name="heard")), Air(SimulatedBall(name="held"))
    radios = [Radio(SimulatedClient, SimulatedScanner, adapter_for(air), {"air": air}) for air in airs]
    profiles = library.load_all()
    assert await adapters.holding(radios, profiles, None) is radios[0]
    async with unknot.connect(simulate=airs[1]):
        assert await adapters.holding(radios, profiles, None) is radios[1]
        assert await adapters.holding(radios, profiles, "held") is radios[1]
        assert await adapters.holding(radios, profiles, "heard") is radios[0]
        assert await adapters.holding(radios[:1], profiles, "held") is radios[0]


@on_linux
async def test_without_a_choice_every_adapter_is_stopped_on_that_holds_a_ball(monkeypatch: pytest.MonkeyPatch) -> None:
    airs = Air(SimulatedBall(name="one")), Air(SimulatedBall(name="two", address="C0:BA:11:00:00:02"))
    radios = tuple(Radio(SimulatedClient, SimulatedScanner, adapter_for(air), {"air": air}, None) for air in airs)

    async def both(radio: Radio, wanted: str | None) -> tuple[Radio, ...]:
        await asyncio.sleep(0)
        return radios

    monkeypatch.setattr(api, "_tuned", both)
    balls = [next(iter(air)) for air in airs]
    for ball in balls:
        ball.link(lambda: None)
    stopped = await unknot.stop_all(simulate=airs[0])
    assert {found.name for found, _ in stopped} == {"one", "two"}


async def test_a_simulated_ball_has_no_adapter() -> None:
    with pytest.raises(UsageError, match="a simulated ball has none"):
        await unknot.scan(simulate=True, adapter="hci0")


PATIENCE = 10.0

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/>
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/></policy>
</busconfig>"""


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A private system bus."""
    daemon = shutil.which("dbus-daemon")
    if daemon is None:
        pytest.skip("dbus-daemon is not installed")
    path = tmp_path / "bus"
    (tmp_path / "bus.conf").write_text(BUS.format(path=path))
    words = [daemon, f"--config-file={tmp_path / 'bus.conf'}", "--nofork", "--print-address=1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline()  # it listens when it has told its address
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={path}")
        yield f"unix:path={path}"
        process.terminate()


@on_linux
@pytest.mark.real_time
async def test_adapters_are_asked_for_over_d_bus(bus: str) -> None:
    from dbus_fast import Message, Variant
    from dbus_fast.aio import MessageBus

    told = managed("hci1", "hci0", Powered=False)
    body = {
        path: {
            interface: {
                name: Variant({bool: "b", str: "s", list: "as"}[type(value)], value) for name, value in facts.items()
            }
            for interface, facts in interfaces.items()
        }
        for path, interfaces in told.items()
    }

    def answer(message: Message) -> Message | None:
        if message.member == "GetManagedObjects":
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [body])
        return None

    service = await asyncio.wait_for(MessageBus(bus_address=bus).connect(), PATIENCE)
    service.add_message_handler(answer)
    try:
        with pytest.raises(BluetoothUnavailable, match="no Bluetooth service answers"):
            await adapters.there()  # nobody has the name yet
        await service.request_name(adapters.BLUEZ)
        assert [str(one) for one in await adapters.there()] == ["hci0 (off)", "hci1 (off)"]
    finally:
        service.disconnect()


@on_linux
@pytest.mark.real_time
async def test_no_bus_and_a_wrong_address_are_no_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in (f"unix:path={tmp_path / 'nobody'}", "nonsense"):
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        with pytest.raises(BluetoothUnavailable):
            await adapters.there()
