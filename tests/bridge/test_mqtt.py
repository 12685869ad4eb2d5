"""A link to a real broker: what is said arrives, with all that belongs to it, and nothing is left behind."""

import asyncio
import dataclasses
import random
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from tests.bridge import echo
from tests.bridge.mosquitto import Mosquitto, mosquitto
from tests.bridge.silence import silence
from unknot.bridge.broker import Broker, Link, Message, Will
from unknot.bridge.link import client, mqtt, sockets
from unknot.bridge.link.mqtt import dial
from unknot.errors import BrokerError, BrokerLost

pytestmark = [pytest.mark.real_time, pytest.mark.usefixtures("silence")]
__all__ = ["silence"]

PATIENCE_SECONDS = 5.0
MOMENT_SECONDS = 0.1
"""For something not to come that would come within a millisecond."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as server:
        yield server


@pytest.fixture(params=["5", "3.1.1"])
def broker(request: pytest.FixtureRequest, server: Mosquitto) -> Broker:
    return server.broker(version=request.param)


async def heard(link: Link) -> Message:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await anext(link.messages())


async def hears_nothing(link: Link) -> bool:
    try:
        async with asyncio.timeout(MOMENT_SECONDS):
            await anext(link.messages())
    except TimeoutError:
        return True
    return False


@asynccontextmanager
async def two(broker: Broker) -> AsyncIterator[tuple[Link, Link]]:
    async with dial(broker)(None) as one, dial(broker)(None) as other:
        yield one, other


@pytest.mark.parametrize("qos", [0, 1])
async def test_what_one_says_the_other_hears(broker: Broker, qos: int) -> None:
    async with two(broker) as (here, there):
        await there.subscribe("a/+", "b")
        await there.subscribe()
        before = asyncio.get_running_loop().time()
        for topic, payload in (("a/1", "grüß Gott"), ("b", b"\x00\xff"), ("a/2", "")):
            await here.publish(topic, payload, qos=qos)
        messages = [await heard(there) for _ in range(3)]
    assert [(one.topic, one.payload) for one in messages] == [
        ("a/1", "grüß Gott".encode()),
        ("b", b"\x00\xff"),
        ("a/2", b""),
    ]
    assert all(before <= one.at <= before + PATIENCE_SECONDS for one in messages)
    assert not any(one.is_retained or one.expires_in or one.response_topic or one.correlation for one in messages)
    assert here.dropped == there.dropped == 0


async def test_what_was_retained_is_known_as_such(broker: Broker) -> None:
    async with two(broker) as (here, there):
        await here.publish("state", "kept", retain=True)
        await there.subscribe("state")
        message = await heard(there)
        assert (message.payload, message.is_retained) == (b"kept", True)
        await here.publish("state", "live")
        assert (await heard(there)).is_retained is False
        await here.publish("state", "", retain=True)
        await heard(there)
    async with dial(broker)(None) as late:
        await late.subscribe("state")
        assert await hears_nothing(late)


async def test_a_subscription_to_commands_hears_nothing_of_old_and_knows_what_wants_to_be_retained(
    server: Mosquitto,
) -> None:
    async with two(server.broker()) as (here, there):
        await here.publish("set", "old", retain=True)
        await there.subscribe_to_commands("set")
        assert await hears_nothing(there)
        await here.publish("set", "live", retain=True)
        message = await heard(there)
        assert (message.payload, message.is_retained) == (b"live", True)
        await here.publish("set", "plain")
        assert (await heard(there)).is_retained is False


async def test_mqtt_3_hands_over_old_commands_and_says_that_they_are(server: Mosquitto) -> None:
    async with two(server.broker(version="3.1.1")) as (here, there):
        await here.publish("set", "old", retain=True)
        await there.subscribe_to_commands("set")
        message = await heard(there)
        assert (message.payload, message.is_retained) == (b"old", True)


async def test_what_belongs_to_a_message_arrives_with_it(server: Mosquitto) -> None:
    async with two(server.broker()) as (here, there):
        await there.subscribe_to_commands("request")
        await here.publish("request", "x", expires_in=9.5, response_topic="answer/1", correlation=b"\x00\x01")
        message = await heard(there)
    assert message.expires_in is not None
    assert 9 <= message.expires_in <= 10
    assert (message.response_topic, message.correlation) == ("answer/1", b"\x00\x01")


async def test_what_mqtt_3_cannot_say_is_left_out(server: Mosquitto) -> None:
    async with two(server.broker(version="3.1.1")) as (here, there):
        await there.subscribe("request")
        await here.publish("request", "x", expires_in=9, response_topic="answer", correlation=b"1")
        message = await heard(there)
    assert (message.expires_in, message.response_topic, message.correlation) == (None, "", b"")


async def test_what_has_expired_is_not_delivered(server: Mosquitto) -> None:
    async with dial(server.broker())(None) as here:
        await here.publish("short", "x", retain=True, expires_in=0.2)
        await here.publish("long", "x", retain=True, expires_in=1e12)
        await asyncio.sleep(2.1)  # mosquitto counts whole seconds
        async with dial(server.broker())(None) as late:
            await late.subscribe("short", "long")
            assert (await heard(late)).topic == "long"
            assert await hears_nothing(late)


async def test_nobody_can_be_answered_on_a_wildcard(server: Mosquitto) -> None:
    async with two(server.broker()) as (here, there):
        await there.subscribe("request")
        await here.publish("request", "x", response_topic="answer/#", correlation=b"1")
        message = await heard(there)
    assert (message.response_topic, message.correlation) == ("", b"1")


@pytest.mark.parametrize("topic", ["a/+", "#", "x" * 70_000])
async def test_a_topic_that_cannot_be_one_is_told_and_harms_nobody(server: Mosquitto, topic: str) -> None:
    async with two(server.broker()) as (here, there):
        await there.subscribe("a")
        with pytest.raises(BrokerError, match=r"cannot be said over MQTT \(Publish topic"):
            await here.publish(topic, "x")
        with pytest.raises(BrokerError, match="cannot be said over MQTT"):
            await here.subscribe("a/b#")
        await here.publish("a", "y")
        assert (await heard(there)).payload == b"y"


async def test_what_was_said_last_is_kept_where_there_is_no_room(
    server: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "QUEUE_MOST", 10)
    async with two(server.broker()) as (here, there):
        await there.subscribe("set")
        for number in range(25):
            await here.publish("set", str(number))
        await there.publish("other", "a round trip, on which all has come")
        assert [int((await heard(there)).payload) for _ in range(10)] == list(range(15, 25))
        assert await hears_nothing(there)
        assert (there.dropped, here.dropped) == (15, 0)


async def test_a_payload_beyond_measure_is_kept_from_us_and_ends_nothing(server: Mosquitto) -> None:
    async with two(server.broker()) as (here, there):
        await there.subscribe("set")
        await here.publish("set", b"x" * (client.PACKET_BYTES + 1))
        await here.publish("set", b"y" * (client.PACKET_BYTES // 2))
        assert (await heard(there)).payload[:1] == b"y"


async def test_a_thousand_say_something_at_once(broker: Broker) -> None:
    async with two(broker) as (here, there):
        await there.subscribe("balls/#")
        reader = asyncio.create_task(_count(there, 1000))
        await asyncio.gather(*(here.publish(f"balls/{number}", "x" * 150) for number in range(1000)))
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await reader == {f"balls/{number}" for number in range(1000)}


async def _count(link: Link, most: int) -> set[str]:
    found: set[str] = set()
    async for message in link.messages():
        found.add(message.topic)
        if len(found) == most:
            break
    return found


@pytest.mark.parametrize(("greeting", "most"), [("20 06 00 00 03 21 00 03", 3), ("20 03 00 00 00", 20)])
async def test_no_more_is_on_its_way_than_the_broker_allows(greeting: str, most: int) -> None:
    """A broker that greets, and confirms nothing."""
    found = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes.fromhex(greeting))
        while data := await reader.read(1000):
            found.extend(data)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1")
    async with server, dial(Broker("127.0.0.1", server.sockets[0].getsockname()[1]))(None) as link:
        sayings = [asyncio.create_task(link.publish("x", "said")) for _ in range(100)]
        await asyncio.wait(sayings, timeout=MOMENT_SECONDS)
    assert found.count(b"said") == most
    await asyncio.gather(*sayings, return_exceptions=True)


async def test_no_cancellation_is_swallowed(broker: Broker) -> None:
    luck = random.Random(1)
    loop = asyncio.get_running_loop()
    asked: list[asyncio.Task[None]] = []

    def cancel(task: asyncio.Task[None]) -> None:
        if task.cancel():
            asked.append(task)

    async with two(broker) as (here, there):
        await there.subscribe("storm")
        tasks = []
        for number in range(1000):
            task = loop.create_task(here.publish("storm", str(number)))
            tasks.append(task)
            loop.call_later(luck.uniform(0, 0.0006), cancel, task)
            await asyncio.sleep(luck.choice([0, 0, 0.0003]))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.wait(tasks)
        assert all(task.cancelled() for task in asked)
        assert len(tasks) / 10 < len(asked) < len(tasks), "it must be a race"
        await here.publish("storm", "over")
        while (await heard(there)).payload != b"over":
            pass


async def test_an_attempt_can_be_given_up_at_any_moment(server: Mosquitto) -> None:
    luck = random.Random(2)
    reached = 0

    async def attempt() -> None:
        nonlocal reached
        async with dial(server.broker(), identifier="hasty")(Will("gone", "yes")):
            reached += 1
            await asyncio.sleep(PATIENCE_SECONDS)

    for _ in range(100):
        task = asyncio.create_task(attempt())
        await asyncio.sleep(luck.uniform(0, 0.003))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}
    assert 0 < reached < 100


@contextmanager
def flood(server: Mosquitto) -> Iterator[None]:
    """Somebody who says so much that the broker always has something to hand on; a thread, so that nothing stops it."""
    is_over = threading.Event()
    greeting = bytes.fromhex("10 0d 00 04 4d 51 54 54 05 02 00 3c 00 00 00")
    message = b"\x30\x88\x02\x00\x05flood\x00" + b"x" * 256

    def pour() -> None:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(greeting)
            while not is_over.is_set():
                connection.sendall(message * 20)

    thread = threading.Thread(target=pour)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


async def test_leaving_says_goodbye_even_with_ears_full(server: Mosquitto) -> None:
    async with dial(server.broker())(None) as witness:
        await witness.subscribe("gone/#")
        with flood(server):
            for number in range(20):
                async with dial(server.broker())(Will(f"gone/{number}", "yes")) as there:
                    await there.subscribe("flood")
                    await heard(there)
        assert await hears_nothing(witness)


async def test_a_left_link_says_nothing_any_more(server: Mosquitto) -> None:
    async with dial(server.broker())(None) as link:
        pass
    with pytest.raises(BrokerLost):
        await link.publish("a", "b")
    with pytest.raises(BrokerLost):
        await link.subscribe("a")
    with pytest.raises(BrokerLost):
        await anext(link.messages())


KILLED = """
import asyncio, sys
from unknot.bridge.broker import Broker, Will
from unknot.bridge.link.mqtt import dial

async def main():
    async with dial(Broker("127.0.0.1", int(sys.argv[1])))(Will("status", "offline")) as link:
        await link.publish("status", "online", retain=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


@pytest.mark.parametrize(("way", "last"), [("killed", b"offline"), ("left", b"online")])
async def test_the_will_is_told_of_who_is_killed_and_not_of_who_leaves(
    server: Mosquitto, way: str, last: bytes
) -> None:
    async with dial(server.broker())(None) as witness:
        await witness.subscribe("status")
        command = [sys.executable, "-c", KILLED, str(server.port)]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as process:  # noqa: ASYNC220 - asyncio's leave warnings behind
            assert (await heard(witness)).payload == b"online"
            if way == "killed":
                process.kill()
                assert (await heard(witness)).payload == b"offline"
            else:
                await asyncio.to_thread(process.communicate, b"")
                assert process.returncode == 0
                assert await hears_nothing(witness)
    async with dial(server.broker())(None) as late:
        await late.subscribe("status")
        message = await heard(late)
        assert (message.payload, message.is_retained) == (last, True)


async def test_each_packet_is_sent_at_once(server: Mosquitto) -> None:
    with await sockets.connect(server.broker()) as connection:
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert connection.gettimeout() == 0


async def test_the_brokers_own_echo_can_be_measured_and_ours(server: Mosquitto) -> None:
    """No more: how long they take is for the benchmarks."""
    own = await asyncio.to_thread(echo.bare, server.broker(), echo.WARMING + 10)
    ours = await echo.linked(server.broker(), echo.WARMING + 10)
    assert len(own) == len(ours) == 10
    assert min(own) > 0


async def test_ten_links_at_once(server: Mosquitto) -> None:
    async with AsyncExitStack() as stack:
        links = [await stack.enter_async_context(dial(server.broker())(None)) for _ in range(10)]
        await links[0].subscribe("x")
        await asyncio.gather(*(link.publish("x", "y") for link in links))
        for _ in links:
            assert (await heard(links[0])).payload == b"y"


def test_windows_gets_a_loop_that_can_watch_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    for platform in (sys.platform, "win32"):
        monkeypatch.setattr(sys, "platform", platform)
        loop = mqtt.new_event_loop()
        assert isinstance(loop, asyncio.SelectorEventLoop)
        loop.close()


def test_an_address_stands_in_brackets_where_it_has_colons() -> None:
    assert str(Broker("::1", 1884)) == "mqtt://[::1]:1884"
    assert str(Broker("broker", 8883, is_tls=True)) == "mqtts://broker:8883"


def test_no_password_is_shown(server: Mosquitto) -> None:
    broker = dataclasses.replace(server.broker(), password="geheim")
    assert "geheim" not in f"{broker} {broker!r}"
