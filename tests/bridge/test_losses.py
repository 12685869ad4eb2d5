"""A link that is lost tells everybody who waits on it, at once, in one line, and leaves nothing behind."""

import asyncio
import gc
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.bridge.certificates import Authority
from tests.bridge.mosquitto import Mosquitto, Tls, mosquitto
from tests.bridge.silence import silence
from unknot.bridge.broker import Broker, Link, Will
from unknot.bridge.link import client, mqtt, sockets
from unknot.bridge.link.client import Client
from unknot.bridge.link.mqtt import dial
from unknot.errors import BrokerError, BrokerLost, BrokerRefused, BrokerUnreachable

pytestmark = [pytest.mark.real_time, pytest.mark.usefixtures("silence")]
__all__ = ["silence"]

AT_ONCE_SECONDS = 0.5
"""For what takes a millisecond."""


@pytest.fixture(params=["plain", "tls"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path, tls=Tls(Authority(tmp_path)) if request.param == "tls" else None) as server:
        yield server


LOSSES: dict[str, Callable[[Mosquitto], None]] = {"killed": Mosquitto.kill, "stopped": Mosquitto.stop}
LOST = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
VERSIONS = pytest.mark.parametrize("version", ["5", "3.1.1"])


@LOST
@VERSIONS
async def test_whoever_waits_is_told(server: Mosquitto, loss: Callable[[Mosquitto], None], version: str) -> None:
    with pytest.raises(BrokerLost, match=r"the connection to mqtts?://127.0.0.1:[0-9]+ is gone") as caught:
        async with dial(server.broker(version=version))(Will("gone", "yes")) as link:
            await link.subscribe("x")
            await link.publish("x", "read before the end")
            reader = asyncio.create_task(_read_to_the_end(link))
            await asyncio.sleep(0.01)
            server.freeze()
            sayings = [asyncio.create_task(link.publish("x", "never heard")) for _ in range(30)]
            sayings.append(asyncio.create_task(link.subscribe("y")))
            await asyncio.sleep(0.01)
            loss(server)
            async with asyncio.timeout(AT_ONCE_SECONDS):
                results = await asyncio.gather(*sayings, return_exceptions=True)
                assert await reader == [b"read before the end"]
            assert {type(result) for result in results} <= {BrokerLost, type(None)}
            assert BrokerLost in {type(result) for result in results}
            await link.publish("x", "too late")
    assert caught.value.advice


async def _read_to_the_end(link: Link) -> list[bytes]:
    found: list[bytes] = []
    with pytest.raises(BrokerLost):
        async for message in link.messages():
            found += [message.payload] if message.payload != b"never heard" else []
    return found


async def test_what_came_before_the_end_is_still_read(server: Mosquitto) -> None:
    async with dial(server.broker())(None) as link:
        await link.subscribe("x")
        await link.publish("x", "stop")
        await link.publish("y", "")
        server.kill()
        with pytest.raises(BrokerLost):
            async with asyncio.timeout(AT_ONCE_SECONDS):
                while True:
                    await link.publish("y", "")
        reader = link.messages()
        assert (await anext(reader)).payload == b"stop"
        for _ in range(2):
            with pytest.raises(BrokerLost):
                await anext(reader)


async def test_a_link_that_nobody_uses_is_lost_in_silence(server: Mosquitto) -> None:
    async with dial(server.broker())(None):
        server.kill()
        await asyncio.sleep(0.02)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("server", ["plain"], indirect=True)
async def test_each_attempt_starts_anew(server: Mosquitto) -> None:
    """The very order in which aiomqtt's own recipe takes a refused client for a connected one."""
    connect = dial(server.broker(), identifier="gw1")
    async with connect(None) as link:
        await link.subscribe("x")
        server.kill()
        with pytest.raises(BrokerLost):
            await anext(link.messages())
    with pytest.raises(BrokerUnreachable):
        async with connect(None):
            pass
    server.start()
    async with connect(None) as link:
        await link.subscribe("x")
        await link.publish("x", "again")
        assert (await anext(link.messages())).payload == b"again"
    config = server._config
    config.write_text(config.read_text().replace("allow_anonymous true", "allow_anonymous false"))
    server.restart()
    began = time.monotonic()
    with pytest.raises(BrokerRefused):
        async with connect(None):
            pass
    assert time.monotonic() - began < AT_ONCE_SECONDS


@pytest.mark.parametrize("server", ["plain"], indirect=True)
async def test_a_second_client_of_the_same_identifier_ends_the_first(server: Mosquitto) -> None:
    connect = dial(server.broker(), identifier="gw1")
    async with connect(None) as first, connect(None) as second:
        with pytest.raises(BrokerLost):
            await anext(first.messages())
        await second.publish("x", "y")


@pytest.mark.parametrize("server", ["plain"], indirect=True)
async def test_a_frozen_broker_is_noticed_by_who_says_something(server: Mosquitto) -> None:
    async with dial(server.broker(keep_alive=1))(None) as link:
        reader = asyncio.create_task(_read_to_the_end(link))
        server.freeze()
        began = time.monotonic()
        with pytest.raises(BrokerLost, match="has not answered for 1 s"):
            await link.publish("x", "y")
        assert 0.9 < time.monotonic() - began < 1 + AT_ONCE_SECONDS
        async with asyncio.timeout(AT_ONCE_SECONDS):
            await reader
    server.thaw()


@pytest.mark.parametrize("server", ["plain"], indirect=True)
async def test_a_frozen_broker_is_noticed_by_who_only_listens(server: Mosquitto) -> None:
    async with dial(server.broker(keep_alive=1))(None) as link:
        server.freeze()
        began = time.monotonic()
        with pytest.raises(BrokerLost, match="has not answered for 1 s"):
            await anext(link.messages())
        assert time.monotonic() - began < 4 + AT_ONCE_SECONDS  # twice the keep-alive, looked at each second
    server.thaw()


@pytest.mark.parametrize("server", ["plain"], indirect=True)
async def test_a_frozen_broker_does_not_hold_up_who_leaves(server: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "GOODBYE_SECONDS", 0.1)
    async with dial(server.broker())(None) as link:
        server.freeze()
        heap = [asyncio.create_task(link.publish("x", b"x" * 200_000, qos=0)) for _ in range(100)]  # fills each buffer
        await asyncio.sleep(0.05)
        assert not all(task.done() for task in heap)
        began = time.monotonic()
    with pytest.raises(BrokerLost):
        await heap[-1]
    await asyncio.gather(*heap, return_exceptions=True)
    assert time.monotonic() - began < AT_ONCE_SECONDS
    server.thaw()


@pytest.mark.parametrize("server", ["plain"], indirect=True)
async def test_a_frozen_broker_greets_nobody(server: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "GREETING_SECONDS", 0.1)
    server.freeze()
    with pytest.raises(BrokerUnreachable, match="takes the connection and says nothing"):
        async with dial(server.broker())(None):
            pass
    server.thaw()


@asynccontextmanager
async def curt(*last_words: str) -> AsyncIterator[Broker]:
    """A broker that greets, and says this at once."""

    async def greeted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"\x20\x03\x00\x00\x00")
        await writer.drain()
        await asyncio.sleep(0.02)
        for words in last_words:
            writer.write(bytes.fromhex(words))
        writer.close()

    server = await asyncio.start_server(greeted, "127.0.0.1")
    async with server:
        yield Broker("127.0.0.1", server.sockets[0].getsockname()[1])


@pytest.mark.parametrize(
    ("last_words", "words"),
    [
        ("e0 02 8e 00", "has another client under our identifier; is a second gateway"),
        ("e0 02 8b 00", "is shutting down"),
        ("e0 02 87 00", "not authorized; allow us our topics"),
        ("e0 02 95 00", "a message was too large"),
        ("e0 02 97 00", "is gone (quota exceeded)"),
        ("e0 00", "is gone;"),
        ("30 05 00 02 ff fe 00", "is gone"),  # a topic that is no text, then the end
        ("ff 00", "is gone (protocol error)"),
        ("30 03 00 09 41", "is gone (protocol error)"),
    ],
)
async def test_the_brokers_last_words_are_told(last_words: str, words: str) -> None:
    async with curt(last_words) as broker, dial(broker)(None) as link:
        with pytest.raises(BrokerLost) as caught:
            await anext(link.messages())
    assert words in str(caught.value)


async def test_a_topic_that_is_no_text_is_dropped() -> None:
    async with curt("30 05 00 02 ff fe 00", "30 05 00 01 61 00 62") as broker, dial(broker)(None) as link:
        message = await anext(link.messages())
        assert (message.topic, message.payload) == ("a", b"b")
        assert link.dropped == 1


def test_a_whole_program_that_loses_its_broker_is_silent_to_its_end(tmp_path: Path, silence: list[str]) -> None:
    async def main(server: Mosquitto, end: Callable[[Mosquitto], None]) -> None:
        async with dial(server.broker())(None) as link, asyncio.TaskGroup() as group:
            group.create_task(link.publish("x", "y"))
            group.create_task(_read_to_the_end(link))
            await asyncio.sleep(0.05)
            end(server)
            with pytest.raises(BrokerError):
                while True:
                    await link.publish("x", "y")

    for number, end in enumerate(LOSSES.values()):
        with mosquitto(tmp_path / str(number)) as server, asyncio.Runner(debug=True) as runner:
            runner.run(main(server, end))
        gc.collect()
    assert silence == []


async def test_an_error_of_the_library_ends_a_greeting(server: Mosquitto) -> None:
    broker = server.broker()
    hasty = Client(broker, "hasty", None)
    connection = await sockets.connect(broker)
    greeting = asyncio.create_task(hasty.greet(connection))
    await asyncio.sleep(0)
    hasty.give_up(KeyError("x"))
    with pytest.raises(KeyError):
        await greeting
    await hasty.part(connection)


async def test_an_end_in_the_moment_in_which_a_greeting_is_given_up_is_nothing(server: Mosquitto) -> None:
    broker = server.broker()
    hasty = Client(broker, "hasty", None)
    connection = await sockets.connect(broker)
    greeting = asyncio.create_task(hasty.greet(connection))
    await asyncio.sleep(0)
    server.kill()
    greeting.cancel()
    time.sleep(0.01)  # noqa: ASYNC251 - both are to happen in one turn of the event loop
    with pytest.raises(asyncio.CancelledError):
        await greeting
    await asyncio.sleep(0.01)
    await hasty.part(connection)


async def test_nothing_is_left_open_after_a_refused_attempt() -> None:
    """An open socket would be told by a warning, which fails the test."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        task = asyncio.create_task(_attempt(Broker("127.0.0.1", deaf.getsockname()[1])))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def _attempt(broker: Broker) -> None:
    async with dial(broker)(None):
        pass
