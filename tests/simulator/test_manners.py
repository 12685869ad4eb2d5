"""Shapes 11, 12, 14, 15, 16 and 28: commands of several writes, and what a firmware wants between and before them."""

import asyncio
from collections.abc import Sequence

import pytest
from bleak.exc import BleakError

from tests.device.ear import Ear
from tests.device.made import COMMANDS, LEVELS, PORTS, hexes, linked, made
from tests.meddling import refuse, written
from unknot.device import takeover
from unknot.device.orders import Orders
from unknot.errors import AttError, BallRefused, FrameValueError, LinkError, LinkTimeout
from unknot.events import StopOutcome
from unknot.profiles.codec import Codec
from unknot.profiles.model import FirmwareProfile
from unknot.profiles.speech import SetLevel, Stop
from unknot.simulator import SimulatedBall
from unknot.simulator.faults import Fault, FaultKind

SPACED = '[safety]\nspacing = "200ms"\n'


def commanded(set_level: str, stop: str = '{ to = "command", frame = "A5 00" }', *further: str) -> FirmwareProfile:
    return made(PORTS, LEVELS, f"[commands]\nset_level = {set_level}\nstop = {stop}\n", *further)


def times(writes: Sequence[tuple[float, bytes]]) -> list[float]:
    return [round(at - writes[0][0], 3) for at, _ in writes]


async def test_15_several_writes_go_out_in_order_with_their_repeats_gaps_and_pauses() -> None:
    sim = SimulatedBall(commanded(
        '[{ to = "command", frame = "01", repeat = 3, gap = "100ms", pause = "50ms" },'
        ' { to = "command", frame = "A5 {level:u8}" }]'
    ))  # fmt: skip
    async with linked(sim) as ball:
        with written(sim) as writes:
            await ball.set_level(3)
        assert hexes(writes) == ["01", "01", "01", "A5 03"]
        assert times(writes) == [0, 0.1, 0.2, 0.25]
        assert sim.level == 3


async def test_15_power_off_twice_100_ms_apart() -> None:
    sim = SimulatedBall(commanded(
        '{ to = "command", frame = "A5 {level:u8}" }', '{ to = "command", frame = "A5 00", repeat = 2, gap = "100ms" }'
    ))  # fmt: skip
    async with linked(sim) as ball:
        await ball.set_level(3)
        with written(sim) as writes:
            assert await ball.stop() is StopOutcome.CONFIRMED
        assert hexes(writes) == ["A5 00", "A5 00"]
        assert times(writes) == [0, 0.1]
        assert sim.trace.seconds_on() == 0  # the first of them has stopped it already


async def test_15_a_stop_interrupts_a_pause_at_once() -> None:
    sim = SimulatedBall(commanded(
        '[{ to = "command", frame = "01", pause = "1s" }, { to = "command", frame = "A5 {level:u8}" }]'
    ))  # fmt: skip
    async with linked(sim) as ball:
        with written(sim) as writes:
            raising = asyncio.create_task(ball.set_level(3))
            await asyncio.sleep(0.3)
            assert await ball.stop() is StopOutcome.CONFIRMED
            await raising
            await asyncio.sleep(5)
        assert hexes(writes) == ["01", "A5 00"]
        assert times(writes) == [0, 0.3]
        assert sim.trace.points == ()


async def test_15_held_to_run_and_let_go_with_four_release_frames() -> None:
    stream = '[[keep_alive]]\nevery = "100ms"\nwhile = "running"\nwrite = { to = "command", frame = "A5 {level:u8}" }\n'
    release = '[{ to = "command", frame = "A5 00" }, { to = "command", frame = "00", repeat = 4, gap = "50ms" }]'
    sim = SimulatedBall(commanded('{ to = "command", frame = "A5 {level:u8}" }', release, stream))
    async with linked(sim) as ball:
        await ball.set_level(2)
        await asyncio.sleep(1.05)
        with written(sim) as writes:
            await ball.stop()
            await asyncio.sleep(1)
        assert hexes(writes) == ["A5 00", "00", "00", "00", "00"]


async def test_14_each_channel_is_written() -> None:
    sim = SimulatedBall(commanded(
        '{ to = "command", frame = "5A {channel:u8} {level:u8}", each = { channel = [1, 2, 4] } }',
        '{ to = "command", frame = "5A {channel:u8} 00", each = { channel = [1, 2, 4] } }',
    ))  # fmt: skip
    async with linked(sim) as ball:
        with written(sim) as writes:
            await ball.set_level(8 - 5)
            assert sim.level == 3
            await ball.stop()
        assert hexes(writes) == ["5A 01 03", "5A 02 03", "5A 04 03", "5A 01 00", "5A 02 00", "5A 04 00"]
        assert sim.level == 0


async def test_29_what_one_channel_refuses_keeps_no_other_from_being_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    sim = SimulatedBall(commanded(
        '{ to = "command", frame = "5A {channel:u8} {level:u8}", each = { channel = [1, 2, 4] } }',
        '{ to = "command", frame = "5A {channel:u8} 00", each = { channel = [1, 2, 4] } }',
    ))  # fmt: skip
    async with linked(sim) as ball:
        await ball.set_level(3)
        refuse(monkeypatch, sim, lambda data: data == bytes.fromhex("5A 01 00"))
        with written(sim) as writes:
            stopping = asyncio.create_task(ball.stop())
            await asyncio.sleep(0.01)
            assert set(hexes(writes)) == {"5A 01 00", "5A 02 00", "5A 04 00"}
        monkeypatch.undo()
        assert await stopping is not StopOutcome.UNKNOWN


@pytest.mark.parametrize("set_level", [
    '{ to = "command", frame = "A5 {level:u8}" }',
    '[{ to = "command", frame = "01" }, { to = "command", frame = "A5 {level:u8}" }]',
])  # fmt: skip
async def test_15_commands_keep_their_distance_and_a_sooner_one_is_not_heard(set_level: str) -> None:
    sim = SimulatedBall(commanded(set_level, '{ to = "command", frame = "A5 00" }', SPACED))
    async with linked(sim) as ball:
        with written(sim) as writes:
            for level in (1, 2, 3):
                await ball.set_level(level)
            assert sim.level == 3
            await ball.stop()
            assert sim.level == 0
        gaps = [later - sooner for (sooner, _), (later, _) in zip(writes, writes[1:], strict=False)]
        assert min(gaps) >= 0.2 - 1e-6


async def test_15_after_a_write_that_failed_the_distance_is_kept_too(monkeypatch: pytest.MonkeyPatch) -> None:
    sim = SimulatedBall(
        commanded('{ to = "command", frame = "A5 {level:u8}" }', '{ to = "command", frame = "A5 00" }', SPACED)
    )
    loop = asyncio.get_running_loop()
    refused: list[float] = []
    async with linked(sim) as ball:

        def is_level(data: bytes) -> bool:
            refused.append(loop.time())
            return data != b"\xa5\x00"

        refuse(monkeypatch, sim, is_level)
        with pytest.raises(AttError):
            await ball.set_level(3)
        await ball.stop()
        assert refused[-1] - refused[-2] >= 0.2 - 1e-6


async def test_15_the_guard_keeps_the_distance_too() -> None:
    sim = SimulatedBall(
        commanded(
            '{ to = "command", frame = "A5 {level:u8}" }', '{ to = "command", frame = "A5 00", repeat = 2 }', SPACED
        )
    )
    async with linked(sim) as ball:
        orders = Orders.for_ball(ball._talk.codec, ball._link, "the ball")
    assert [pause for *_, pause in orders.stop] == [0.2, 0.2]


async def test_16_what_starts_the_motor_goes_before_a_level_only_while_it_is_off() -> None:
    sim = SimulatedBall(made(PORTS, LEVELS, COMMANDS, 'start = { to = "command", frame = "01" }\n'))
    async with linked(sim) as ball:
        with written(sim) as writes:
            await ball.set_level(2)
            await ball.set_level(3)
            await ball.stop()
            await ball.set_level(1)
        assert hexes(writes) == ["01", "A5 02", "A5 03", "A5 00", "01", "A5 01"]
        assert sim.level == 1


def test_16_a_simulated_ball_ignores_a_level_before_its_start() -> None:
    sim = SimulatedBall(made(PORTS, LEVELS, COMMANDS, 'start = { to = "command", frame = "01" }\n'))
    sim.firmware.connect(0.0)
    sim.firmware.write("command", b"\xa5\x03", 0.0)
    assert sim.firmware.level == 0


ANSWERED = (
    '[{ to = "command", frame = "01", answer = "ready", pause = "100ms" },'
    ' { to = "command", frame = "A5 {level:u8}", answer = "status" }]'
)
READY = '[reports.ready]\nfrom = "status"\nframe = "0A"\n'
BUSY = '[refusals.full]\nfrom = "status"\nframe = "EE {code:u8}"\nmeans = "busy"\n'
EMPTY = '[refusals.empty]\nfrom = "status"\nframe = "ED"\nmeans = "low-battery"\n'


async def test_11_the_next_write_is_held_until_the_answer_is_there_and_the_pause_is_kept_after_it() -> None:
    sim = SimulatedBall(commanded(ANSWERED, '{ to = "command", frame = "A5 00" }', READY), latency=0.05)
    async with linked(sim) as ball:
        with written(sim) as writes:
            await ball.set_level(3)
        assert hexes(writes) == ["01", "A5 03"]
        # 50 ms there, 50 ms for the acknowledgement and the answer, 100 ms of pause, 50 ms there.
        assert times(writes) == [0, 0.2]
        assert sim.level == 3


async def test_11_without_the_answer_the_next_write_never_goes_out() -> None:
    sim = SimulatedBall(commanded(ANSWERED, '{ to = "command", frame = "A5 00" }', READY))
    async with linked(sim) as ball:
        sim.interfere(Fault(FaultKind.NOTIFICATION_LOST, seconds=1000.0))
        with written(sim) as writes, pytest.raises(LinkTimeout, match="did not answer with ready"):
            await ball.set_level(3)
        assert set(hexes(writes)) == {"01"}


async def test_11_a_stop_waits_for_no_answer() -> None:
    sim = SimulatedBall(commanded(ANSWERED, '{ to = "command", frame = "A5 00" }', READY))
    async with linked(sim) as ball:
        sim.interfere(Fault(FaultKind.NOTIFICATION_LOST, seconds=1000.0))
        raising = asyncio.create_task(ball.set_level(3))
        await asyncio.sleep(0.5)
        began = asyncio.get_running_loop().time()
        with written(sim) as writes:
            assert await ball.stop() is StopOutcome.CONFIRMED
            await raising
        assert [at - began for at, _ in writes] == [0]


async def test_28_a_refusal_is_a_typed_error_that_says_why() -> None:
    sim = SimulatedBall(commanded(ANSWERED, '{ to = "command", frame = "A5 00" }', READY, BUSY))
    async with linked(sim) as ball:
        raising = asyncio.create_task(ball.set_level(3))
        sim.interfere(Fault(FaultKind.NOTIFICATION_LOST, seconds=1000.0))
        await asyncio.sleep(0.1)
        for _ in range(3):
            ball._talk.hearing.hear("status", bytes.fromhex("EE 05"))
            await asyncio.sleep(0.2)
        with pytest.raises(BallRefused, match="it is busy \\(code 5\\)") as caught:
            await raising
        assert (caught.value.means, caught.value.values) == ("busy", {"code": 5})
        assert isinstance(caught.value, LinkError)
        assert ball.is_connected
        assert not ball.is_restoring


async def test_28_an_empty_simulated_ball_refuses_in_its_own_words() -> None:
    sim = SimulatedBall(commanded(ANSWERED, '{ to = "command", frame = "A5 00" }', READY, EMPTY))
    async with linked(sim) as ball:
        sim.empty_battery()
        with pytest.raises(BallRefused) as caught:
            await ball.set_level(3)
        assert caught.value.means == "low-battery"


async def test_28_a_refusal_that_nobody_waits_for_is_told() -> None:
    sim = SimulatedBall(
        commanded('{ to = "command", frame = "A5 {level:u8}" }', '{ to = "command", frame = "A5 00" }', BUSY)
    )
    ear = Ear()
    async with linked(sim) as ball:
        ball.listen(ear)
        ball._talk.hearing.hear("status", bytes.fromhex("EE 05"))
        assert ear.reports == [{"refused": "busy", "code": 5}]


@pytest.mark.parametrize(
    ("offered", "wanted", "is_request"),
    [
        ('["request", "command"]', "", True),
        ('["command", "request"]', "", False),
        ('["command", "request"]', ', write = "request"', True),
        ('["request", "command"]', ', write = "command"', False),
    ],
)
def test_12_each_command_says_how_it_is_written(offered: str, wanted: str, is_request: bool) -> None:
    profile = made(
        PORTS.replace('["request", "command"]', offered), LEVELS,
        COMMANDS.replace('{level:u8}"', '{level:u8}"' + wanted),
    )  # fmt: skip
    codec = Codec(profile)
    (level,), (stop,) = codec.encode(SetLevel(3)), codec.encode(Stop())
    assert (level.kind == "request") is is_request
    assert stop.kind == "request"  # always, where it can be acknowledged


@pytest.mark.parametrize("there", ["request", "command"])
@pytest.mark.parametrize("said", ["request", "command"])
async def test_12_what_the_characteristic_lacks_falls_back_to_the_other_kind(
    there: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = made(PORTS.replace('["request", "command"]', f'"{there}"'), LEVELS, COMMANDS)
    assumed = made(PORTS.replace('["request", "command"]', f'"{said}"'), LEVELS, COMMANDS)
    sim = SimulatedBall(own)
    kinds: list[str] = []
    request, command = sim.request, sim.command

    async def spied_request(role: str, data: bytes) -> None:
        kinds.append("request")
        await request(role, data)

    async def spied_command(role: str, data: bytes) -> None:
        kinds.append("command")
        await command(role, data)

    monkeypatch.setattr(sim, "request", spied_request)
    monkeypatch.setattr(sim, "command", spied_command)
    async with linked(sim, profile=assumed) as ball:
        await ball.set_level(3)
        await asyncio.sleep(0.1)
        assert sim.level == 3
        assert kinds == [there]
        assert await ball.stop() is StopOutcome.CONFIRMED
        assert sim.level == 0


async def test_12_a_long_value_is_written_in_pieces() -> None:
    ports = PORTS.replace('["request", "command"]', '["request", "command"], pieces = [50, 50, 33]')
    sim = SimulatedBall(made(ports, LEVELS, COMMANDS.replace("A5 {level:u8}", "A5 {level:u8} {_:131}")))
    async with linked(sim) as ball:
        with written(sim) as writes:
            await ball.set_level(3)
        assert [len(data) for _, data in writes] == [50, 50, 33]
        assert sim.level == 3


REMEMBERED = """
[settings.mode]
value = 1
from = "mode"
[reports.mode]
from = "status"
frame = "0B {mode:u8}"
"""
WITH_MODE = COMMANDS.replace("A5 {level:u8}", "A5 {level:u8} {mode:u8}").replace("A5 00", "A5 00 {mode:u8}")


async def test_14_the_remembered_mode_that_the_ball_told_is_written_back() -> None:
    sim = SimulatedBall(made(PORTS, LEVELS, WITH_MODE, REMEMBERED))
    async with linked(sim) as ball:
        with written(sim) as writes:
            await ball.set_level(2)
            sim._send([sim.firmware._report("mode", 0.0, {"mode": 6})])  # the person has chosen another one
            await asyncio.sleep(0.1)
            await ball.set_level(3)
            await ball.stop()
        assert hexes(writes) == ["A5 02 01", "A5 03 06", "A5 00 06"]


async def test_29_a_stop_can_be_written_whatever_the_ball_told() -> None:
    wide = REMEMBERED.replace("mode:u8", "mode:u16be")
    sim = SimulatedBall(made(PORTS, LEVELS, WITH_MODE, wide))
    async with linked(sim) as ball:
        await ball.set_level(2)
        ball._talk.hearing.hear("status", bytes.fromhex("0B 12 34"))
        with pytest.raises(FrameValueError, match="mode = 4660"):
            await ball.set_level(3)
        ear = Ear()
        ball.listen(ear)
        with written(sim) as writes:
            assert await ball.stop() is StopOutcome.CONFIRMED
        assert hexes(writes) == ["A5 00 01"]
        assert ear.losses == []  # on the link as it stands, not on one that is made anew for it
        assert sim.level == 0


async def test_14_what_was_told_on_a_link_that_is_gone_is_not_true_of_the_next() -> None:
    sim = SimulatedBall(made(PORTS, LEVELS, WITH_MODE, REMEMBERED))
    async with linked(sim) as ball:
        ball._talk.hearing.hear("status", bytes.fromhex("0B 06"))
        with written(sim) as writes:
            sim.drop_link(away=1.0)
            await asyncio.sleep(5)
        assert hexes(writes) == ["A5 00 01"]


async def test_11_commands_are_counted_skip_zero_and_wrap() -> None:
    counted = COMMANDS.replace("A5 {level:u8}", "A5 {level:u8} {sequence:u8}").replace("A5 00", "A5 00 {sequence:u8}")
    sim = SimulatedBall(made("[sequence]\nfirst = 1\nlast = 3", PORTS, LEVELS, counted))
    async with linked(sim) as ball:
        with written(sim) as writes:
            for level in (1, 2, 3, 4):
                await ball.set_level(level)
            await ball.stop()
        assert [data[-1] for _, data in writes] == [1, 2, 3, 1, 2]


async def test_29_the_guard_too_writes_every_part_of_a_stop_whatever_one_channel_refuses() -> None:
    said: list[str] = []

    class Client:
        services = ()

        async def write_gatt_char(self, characteristic: str, data: bytes, *, response: bool) -> None:
            said.append(data.hex())
            if data == b"\x01":
                raise BleakError(f"{characteristic} refuses, {response}")

    orders = Orders(
        "C0:BA:11:00:00:01", "the ball", (), (("ffe0", "ffe1", "01", True, 0.0), ("ffe0", "ffe1", "02", True, 0.0))
    )
    with pytest.raises(BleakError):
        await takeover._write_once(Client(), orders)  # type: ignore[arg-type]
    assert said == ["01", "02"]
