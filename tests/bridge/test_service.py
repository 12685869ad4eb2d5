"""The gateway on a real mosquitto: in this process where its motors are looked at, as a program where it is killed."""

import asyncio
import json
import os
import random
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.bridge import gateways
from tests.bridge.certificates import Authority
from tests.bridge.gateways import BALL, air_of
from tests.bridge.listening import Ear, ear
from tests.bridge.mosquitto import ACL, Mosquitto, Tls, mosquitto
from unknot.bridge.broker import Broker
from unknot.bridge.configuration.config import GatewayConfig, OnBrokerLost
from unknot.bridge.gateway.gateway import Gateway
from unknot.bridge.link import mqtt
from unknot.device.guard import PROMISE_SECONDS
from unknot.errors import TopicsForbidden
from unknot.simulator import Air, SimulatedBall
from unknot.simulator.server import Server

pytestmark = pytest.mark.real_time


@asynccontextmanager
async def serving(config: GatewayConfig, air: Air) -> AsyncIterator[Gateway]:
    """A gateway in this process, once the broker has been reached, until the block is left."""
    gateway = Gateway(config, mqtt.dial(config.broker), simulate=air)
    task = asyncio.create_task(gateway.run())
    ready = asyncio.create_task(gateway.is_ready.wait())
    try:
        await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        yield gateway
    finally:
        ready.cancel()
        task.cancel()
        await asyncio.wait([task, ready])


def config(broker: Broker, air: Air, name: str = "gw1", **changes: Any) -> GatewayConfig:
    return replace(gateways.config(air, name), broker=broker, **changes)


@asynccontextmanager
async def program(*words: str, password: str = "") -> AsyncIterator[Process]:
    """``unknot bridge`` as a process; it is killed when the block is left."""
    with tempfile.TemporaryDirectory() as own:  # no configuration of whoever runs this, and no ball of another test
        folders = dict.fromkeys(("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"), own)
        async with _started(words, {**os.environ, **folders, "UNKNOT_BROKER__PASSWORD": password}) as process:
            yield process


@asynccontextmanager
async def _started(words: tuple[str, ...], environment: dict[str, str]) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "unknot", "bridge", *words, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, env=environment,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def words_for(server: Mosquitto, file: Path, socket: Path) -> tuple[str, ...]:
    """A gateway of that configuration, whose balls are behind that socket."""
    return "--broker", str(server.broker()), "--gateway", "gw1", "--config", str(file), "--simulator", str(socket)


def is_online(one: Ear, ball: str) -> bool:
    return one.kept.get(f"unknot/gw1/ball/{ball}/availability") == "online"


async def complaint(*words: str, password: str = "") -> tuple[int, str]:
    """The exit code and the words of a bridge that does not start."""
    async with program(*words, password=password) as process, asyncio.timeout(30):
        _, told = await process.communicate()
    assert process.returncode is not None
    return process.returncode, told.decode()


async def test_a_protocol_is_played_over_a_real_broker(tmp_path: Path) -> None:
    air = air_of("open-ball")
    (ball,) = air
    with mosquitto(tmp_path) as server:
        async with ear(server.broker()) as one, serving(config(server.broker(), air), air):
            await one.until(lambda: one.kept.get(f"{BALL}/availability") == "online")
            answer = await one.ask("gw1", "run", ball="c0ba11000001", protocol="calf", side="left")
            assert answer["data"]["timeline"]["muscle"] == "calf"
            await one.until(lambda: ball.level >= 3)
            await one.until(lambda: one.state(BALL).get("motor") == "on")
            assert (await one.ask("gw1", "stop", ball="c0ba11000001"))["data"] == {"stop": "confirmed"}
            assert ball.level == 0
            await one.until(lambda: one.state(BALL)["phase"] == "idle")
            events = [json.loads(one.payload)["event_type"] for one in one.heard if one.topic == f"{BALL}/event"]
            assert (events[0], events[-1]) == ("started", "ended")


async def test_an_old_broker_is_spoken_to_in_its_own_version(tmp_path: Path) -> None:
    air = air_of("open-ball")
    with mosquitto(tmp_path) as server:
        async with ear(server.broker()) as one:
            await one.link.publish(f"{BALL}/set", '{"run": true}', retain=True)
            async with serving(config(server.broker(version="3.1.1"), air), air):
                await one.until(lambda: f"{BALL}/error" in one.kept or one.state(BALL).get("phase") == "running")
                assert json.loads(one.kept[f"{BALL}/error"])["code"] == "retained_command"
                await one.until(lambda: one.kept.get(f"{BALL}/availability") == "online")
                assert not next(iter(air)).trace.points
                assert (await one.ask("gw1", "ping"))["ok"]


async def test_the_recommended_rules_let_a_gateway_do_all_it_must_and_nothing_else(tmp_path: Path) -> None:
    air = air_of("open-ball")
    users = {"gw1": "one", "homeassistant": "two"}
    with mosquitto(tmp_path, users=users, acl=ACL) as server:
        mine = server.broker(username="gw1", password="one")
        theirs = server.broker(username="homeassistant", password="two")
        with pytest.raises(TopicsForbidden, match="unknot/gw2/"):
            async with serving(config(mine, air, "gw2"), air):
                pass
        async with ear(theirs) as one, serving(config(mine, air), air):
            await one.until(lambda: one.kept.get(f"{BALL}/availability") == "online")
            await one.until(lambda: any(topic.startswith("homeassistant/device/") for topic in one.kept))
            await one.link.publish(f"{BALL}/set", '{"run": true}', expires_in=10)
            await one.until(lambda: one.state(BALL).get("motor") == "on")
            await one.link.publish("unknot/all/request/stop_all", "{}")  # not Home Assistant's to say
            await one.ask("gw1", "stop_all")
            await one.until(lambda: one.state(BALL).get("motor") == "off")


async def test_rules_that_forbid_home_assistants_topics_keep_nobody_from_the_balls(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    air = air_of("open-ball")
    acl = "user gw1\ntopic readwrite unknot/gw1/#\n"
    with mosquitto(tmp_path, users={"gw1": "one"}, acl=acl) as server:
        broker = server.broker(username="gw1", password="one")
        async with ear(broker, "unknot/gw1/#") as one, serving(config(broker, air), air):
            await one.until(lambda: one.kept.get(f"{BALL}/availability") == "online")
            assert (await one.ask("gw1", "run", ball="c0ba11000001", protocol="calf"))["ok"]
            await one.until(lambda: one.kept.get("unknot/gw1/status") == "online")
    told = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert len(told) == len(set(told)) == 2
    assert all("homeassistant/device/" in one for one in told)


async def test_a_broker_that_is_killed_and_comes_back_disturbs_no_session(tmp_path: Path) -> None:
    air = air_of("open-ball")
    (ball,) = air
    with mosquitto(tmp_path) as server:
        async with serving(config(server.broker(), air), air) as gateway:
            async with ear(server.broker()) as one:
                await one.until(lambda: one.kept.get(f"{BALL}/availability") == "online")
                assert (await one.ask("gw1", "run", ball="c0ba11000001", protocol="calf"))["ok"]
                await one.until(lambda: ball.level > 5)
                server.kill()
            await asyncio.sleep(0.5)
            session = gateway.keepers["c0ba11000001"].station.session
            assert session is not None
            assert ball.level > 5
            server.start()
            async with ear(server.broker()) as one:
                await one.until(lambda: one.kept.get("unknot/gw1/status") == "online", within=20)
                await one.until(lambda: one.state(BALL).get("phase") == "running")
                assert gateway.keepers["c0ba11000001"].station.session is session
                assert (await one.ask("gw1", "stop", ball="c0ba11000001"))["ok"]
    assert sum(1 for (_, before), (_, after) in zip(ball.trace.points, ball.trace.points[1:], strict=False)
               if before and not after) == 1  # fmt: skip


async def test_a_frozen_broker_stops_what_plays_if_the_owner_wants_that_and_starts_nothing_later(
    tmp_path: Path,
) -> None:
    air = air_of("open-ball")
    (ball,) = air
    with mosquitto(tmp_path) as server:
        rules = config(server.broker(keep_alive=1), air, on_broker_lost=OnBrokerLost.STOP)
        async with serving(rules, air):
            async with ear(server.broker()) as one:
                await one.until(lambda: one.kept.get(f"{BALL}/availability") == "online")
                assert (await one.ask("gw1", "run", ball="c0ba11000001", protocol="calf"))["ok"]
                await one.until(lambda: ball.level)
                server.freeze()
                await one.link.publish(f"{BALL}/set", '{"run": true}', qos=0)
                await one.until(lambda: not ball.level, within=10)
                began = len(ball.trace.points)
                server.thaw()
            async with ear(server.broker()) as one:
                await one.until(lambda: one.kept.get("unknot/gw1/status") == "online", within=20)
                assert (await one.ask("gw1", "ping"))["ok"]
                await one.until(lambda: one.state(BALL)["phase"] == "idle")
            assert len(ball.trace.points) == began


@pytest.mark.parametrize("starts", [True, False])
async def test_a_live_command_that_wants_to_be_retained_starts_nothing_and_stops_all_the_same(
    tmp_path: Path, starts: bool
) -> None:
    air = air_of("open-ball")
    (ball,) = air
    with mosquitto(tmp_path) as server:
        async with ear(server.broker()) as one, serving(config(server.broker(), air), air):
            await one.until(lambda: one.kept.get(f"{BALL}/availability") == "online")
            if not starts:
                await one.ask("gw1", "run", ball="c0ba11000001", protocol="calf")
                await one.until(lambda: ball.level)
            await one.link.publish(f"{BALL}/set", json.dumps({"run": starts}), retain=True)
            await one.until(lambda: f"{BALL}/error" in one.kept)
            assert json.loads(one.kept[f"{BALL}/error"])["code"] == "retained_command"
            await one.until(lambda: ball.level == 0)
            await one.ask("gw1", "ping")
            assert bool(ball.trace.points) is not starts


async def test_a_gateway_outlives_whatever_is_thrown_at_it(tmp_path: Path) -> None:
    air = air_of("open-ball")
    (ball,) = air
    luck = random.Random(6)
    with mosquitto(tmp_path) as server:
        async with ear(server.broker(), "unknot/gw1/#") as one, serving(config(server.broker(), air), air) as gateway:
            await one.until(lambda: one.kept.get(f"{BALL}/availability") == "online")
            topics = [f"{BALL}/set", f"{BALL}/set/intensity", "unknot/gw1/request/run", "unknot/gw1/request/x"]
            for _ in range(250):
                size = luck.choice([0, 1, 20, 500, 20_000, 200_000])
                payload = luck.choice(
                    [luck.randbytes(size), b"[" * size, b'{"intensity": NaN}', b'{"a": 1}', b"\xff" * 9]
                )
                await one.link.publish(
                    luck.choice(topics), payload, retain=luck.random() < 0.2, qos=luck.choice([0, 1])
                )
            assert (await one.ask("gw1", "ping"))["ok"]
            assert gateway.tally.refused > 100
    assert not ball.trace.points


async def test_two_gateways_hand_a_ball_over(tmp_path: Path) -> None:
    air = air_of("open-ball")
    first, second = "unknot/gw1/ball/c0ba11000001", "unknot/gw2/ball/c0ba11000001"
    with mosquitto(tmp_path) as server:
        async with (
            ear(server.broker()) as one,
            serving(config(server.broker(), air), air),
        ):
            await one.until(lambda: one.kept.get(f"{first}/availability") == "online")
            async with serving(config(server.broker(), air, "gw2"), air):
                assert (await one.ask("gw1", "disconnect", ball="c0ba11000001"))["ok"]
                await one.until(lambda: one.kept.get(f"{second}/availability") == "online")
                await one.until(lambda: one.kept.get(f"{first}/availability") == "")
                await one.until(lambda: one.kept.get(f"{first}/state") == "")


# As a program.


async def test_a_gateway_that_is_killed_leaves_no_motor_on_and_its_will_is_told(tmp_path: Path) -> None:
    balls = SimulatedBall("open-ball"), SimulatedBall("button-ball")
    air, socket = Air(*balls), tmp_path / "balls"
    file = tmp_path / "config.toml"
    file.write_text("schema = 1\n[gateway]\ntake_new = true\n")
    with mosquitto(tmp_path) as server:
        words = words_for(server, file, socket)
        async with Server(air, socket), ear(server.broker()) as one, program(*words) as process:
            for ball in ("c0ba11000001", "c0ba11000002"):
                await one.until(partial(is_online, one, ball), 30)
                assert (await one.ask("gw1", "run", ball=ball, protocol="calf"))["ok"]
            await one.until(lambda: all(ball.level for ball in balls))
            loop = asyncio.get_running_loop()
            process.kill()
            killed = loop.time()
            await one.until(lambda: not any(ball.level for ball in balls))
            assert loop.time() - killed < PROMISE_SECONDS + 0.5
            await one.until(lambda: one.kept.get("unknot/gw1/status") == "offline")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_gateway_that_is_ended_stops_its_motors_and_says_goodbye(tmp_path: Path, number: int) -> None:
    ball = SimulatedBall("open-ball")
    socket = tmp_path / "ball"
    file = tmp_path / "config.toml"
    file.write_text("schema = 1\n[gateway]\ntake_new = true\nlog_format = 'json'\n")
    with mosquitto(tmp_path) as server:
        words = words_for(server, file, socket)
        async with Server(Air(ball), socket), ear(server.broker()) as one, program(*words) as process:
            await one.until(lambda: one.kept.get(f"{BALL}/availability") == "online", 30)
            assert (await one.ask("gw1", "run", ball="c0ba11000001", protocol="calf"))["ok"]
            await one.until(lambda: ball.level)
            process.send_signal(number)
            _, told = await asyncio.wait_for(process.communicate(), 30)
            assert process.returncode == 0
            assert ball.level == 0
            await one.until(lambda: one.kept.get("unknot/gw1/status") == "offline")
            assert one.kept[f"{BALL}/availability"] == "offline"
    lines = [json.loads(line) for line in told.decode().splitlines()]
    assert [line for line in lines if line["level"] != "info"] == []


async def test_a_broker_that_refuses_the_login_is_told_in_one_line(tmp_path: Path) -> None:
    with mosquitto(tmp_path, users={"gw1": "right"}) as server:
        url = f"mqtt://gw1@127.0.0.1:{server.port}"
        code, told = await complaint("--broker", url, "--simulate", "1", password="wrong")
    assert code == 6
    assert told.count("\n") == 1
    assert "refuse" in told
    assert "wrong" not in told.replace("wrong user", "")


async def test_a_broker_that_is_not_there_is_told_in_one_line() -> None:
    code, told = await complaint("--broker", "mqtt://127.0.0.1:1", "--simulate", "1")
    assert (code, told.count("\n")) == (6, 1)


async def test_topics_that_are_forbidden_are_told_in_one_line(tmp_path: Path) -> None:
    with mosquitto(tmp_path, users={"other": "pw"}, acl=ACL) as server:
        url = f"mqtt://other@127.0.0.1:{server.port}"
        code, told = await complaint("--broker", url, "--gateway", "gw1", "--simulate", "1", password="pw")
    assert (code, told.count("\n")) == (6, 1)
    assert "unknot/gw1/" in told


async def test_a_certificate_that_nobody_trusts_is_told_in_one_line(tmp_path: Path) -> None:
    with mosquitto(tmp_path, tls=Tls(Authority(tmp_path))) as server:
        code, told = await complaint("--broker", f"mqtts://127.0.0.1:{server.port}", "--simulate", "1")
        assert (code, told.count("\n")) == (6, 1)
        assert "certificate" in told
        code, told = await complaint("--broker", f"mqtt://127.0.0.1:{server.port}", "--simulate", "1")
        assert (code, told.count("\n")) == (6, 1)
        assert "mqtts://" in told


async def test_a_gateway_can_be_forgotten(tmp_path: Path) -> None:
    air = air_of("open-ball")
    with mosquitto(tmp_path) as server:
        url = f"mqtt://127.0.0.1:{server.port}"
        async with ear(server.broker()) as one:
            async with serving(config(server.broker(), air), air):
                await one.until(lambda: one.kept.get(f"{BALL}/availability") == "online")
                code, told = await complaint("--broker", url, "--gateway", "gw1", "--forget")
                assert (code, "is online" in told) == (2, True)
            code, told = await complaint("--broker", url, "--gateway", "gw1", "--forget")
            assert (code, told) == (0, "")
        async with ear(server.broker()) as later:
            await later.ask("gw1", "ping") if later.kept.get("unknot/gw1/status") == "online" else None
            await asyncio.sleep(0.3)
            assert [topic for topic, payload in later.kept.items() if payload] == []
