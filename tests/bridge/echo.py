"""How long a broker takes to bring back what it was told: by bare sockets, which is its own time, and through our link.

    python -m tests.bridge.echo

Both are told with quality of service 1 and wait for the message and for its confirmation; no end holds packets back.
"""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import tempfile
import time
from pathlib import Path

from tests.bridge.mosquitto import mosquitto
from unknot.bridge.broker import Broker
from unknot.bridge.link.mqtt import dial, new_event_loop

ROUNDS = 2000
WARMING = 100
PAYLOAD = b"x" * 120
"""About as long as a command."""

GREETING = bytes.fromhex("10 10 00 04 4d 51 54 54 05 02 00 3c 00 00 03 6f 6e 65")
SUBSCRIPTION = bytes.fromhex("82 0a 00 01 00 00 04 65 63 68 6f 01")
_TOPIC = b"\x00\x04echo"
_PUBLISH, _PUBACK = 0x30, 0x40


def bare(broker: Broker, rounds: int = ROUNDS) -> list[float]:
    """Seconds of each round, by a socket that blocks: nothing but the broker and the system between."""
    taken = []
    with socket.create_connection((broker.host, broker.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for words in (GREETING, SUBSCRIPTION):
            connection.sendall(words)
            _packet(connection)
        for number in range(1, rounds + 1):
            mid = number.to_bytes(2)
            words = _TOPIC + mid + b"\x00" + PAYLOAD
            began = time.perf_counter()
            connection.sendall(bytes([_PUBLISH | 2]) + _length(len(words)) + words)
            kinds: set[int] = set()
            while kinds != {_PUBLISH, _PUBACK}:
                kind, said = _packet(connection)
                kinds.add(kind)
                if kind == _PUBLISH:
                    assert said.endswith(PAYLOAD)
                    theirs = said[len(_TOPIC) : len(_TOPIC) + 2]
                    connection.sendall(bytes([_PUBACK, 2]) + theirs)
            taken.append(time.perf_counter() - began)
    return taken[WARMING:]


async def linked(broker: Broker, rounds: int = ROUNDS) -> list[float]:
    """Seconds of each round, through a link of ours."""
    taken = []
    async with dial(broker)(None) as link:
        await link.subscribe("echo")
        messages = link.messages()
        for _ in range(rounds):
            began = time.perf_counter()
            await link.publish("echo", PAYLOAD)
            await anext(messages)
            taken.append(time.perf_counter() - began)
    return taken[WARMING:]


def figures(taken: list[float]) -> dict[str, float]:
    """The middle and the worst but one in a hundred, in ms."""
    percentiles = statistics.quantiles(taken, n=100)
    return {"p50_ms": round(percentiles[49] * 1e3, 3), "p99_ms": round(percentiles[98] * 1e3, 3)}


def _length(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number % 128 | 128, number // 128])


def _packet(connection: socket.socket) -> tuple[int, bytes]:
    kind, length, shift = _read(connection, 1)[0], 0, 0
    while True:
        (byte,) = _read(connection, 1)
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return kind & 0xF0, _read(connection, length)


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise ConnectionError("the broker has hung up")
        data += more
    return data


def measure() -> dict[str, dict[str, float]]:
    """Both, on a mosquitto of our own."""
    with tempfile.TemporaryDirectory() as folder, mosquitto(Path(folder)) as server:
        broker = server.broker()
        own = bare(broker)
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return {"bare": figures(own), "linked": figures(runner.run(linked(broker)))}


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))  # noqa: T201 - what it is for
