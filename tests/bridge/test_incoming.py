import asyncio

import pytest

from unknot.bridge.broker import Message
from unknot.bridge.link.incoming import Incoming
from unknot.errors import BrokerLost


def messages(*numbers: int) -> list[Message]:
    return [Message("x", str(number).encode()) for number in numbers]


async def test_the_oldest_go_where_there_is_no_room() -> None:
    incoming = Incoming(3)
    for message in messages(*range(5)):
        incoming.put(message)
    assert incoming.dropped == 2
    assert [await anext(incoming) for _ in range(3)] == messages(2, 3, 4)


async def test_who_waits_is_woken_by_each_message_and_by_the_end() -> None:
    incoming = Incoming(3)
    found = []

    async def read() -> None:
        with pytest.raises(BrokerLost, match="gone"):
            async for message in incoming:
                found.append(message)  # noqa: PERF401 - it ends by an error

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(read())
        for message in messages(1, 2):
            await asyncio.sleep(1)
            incoming.put(message)
        await asyncio.sleep(1)
        incoming.end(BrokerLost("gone"))
    assert found == messages(1, 2)


async def test_what_came_before_the_end_is_handed_out_and_the_first_reason_counts() -> None:
    incoming = Incoming(3)
    incoming.check()
    incoming.put(messages(1)[0])
    incoming.end(BrokerLost("gone"))
    incoming.end(BrokerLost("forgotten"))
    assert [await anext(incoming)] == messages(1)
    for _ in range(2):
        with pytest.raises(BrokerLost, match="gone") as caught:
            await anext(incoming)
        assert len(caught.traceback) < 5, "each raise starts with a trace of its own"
    with pytest.raises(BrokerLost, match="gone"):
        incoming.check()


async def test_who_stops_waiting_takes_nothing_along() -> None:
    incoming = Incoming(3)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await anext(incoming)
    incoming.put(messages(1)[0])
    assert await anext(incoming) == messages(1)[0]
