"""Shapes 23 to 28: what a ball sends, whole, in pieces, unknown or garbled; and plug-ins that stand between."""

# ruff: noqa: E501 - one line of a file, one line of text

import asyncio
import hashlib
import random
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from pydantic import ValidationError

import unknot
from tests.device.ear import Ear
from tests.device.made import COMMANDS, LEVELS, PORTS, hexes, linked, made
from tests.meddling import written
from unknot import api
from unknot.device.hearing import KEPT
from unknot.errors import CodecMissing, FrameMismatch, Unsuitable
from unknot.events import StopOutcome
from unknot.profiles import library, plugins
from unknot.profiles.codec import Codec
from unknot.profiles.model import FirmwareProfile
from unknot.profiles.proof import prove
from unknot.profiles.speech import SetLevel
from unknot.simulator import SimulatedBall
from unknot.simulator.faults import Fault, FaultKind

NOTIFIED = PORTS.replace(", read = true", "")
CHECKED = LEVELS.replace("5A {level:u8}", "5A {level:u8} {sum8:0..}")
HEAT = """
[[examples]]
report = { status = { level = 0, heat = 1 } }
bytes = "5A 00 01 5B"
"""
SEVERAL = """
[motor]
levels = 5
[values]
mode = { names = { 1 = "relax", 2 = "knead" } }
battery = { scale = 0.04, none = [255] }
remaining = { none = [65535] }
volts = { scale = 1000 }
[reports]
status = { from = "status", frame = "5A 01 {running:b1 _:b3 level:b4} {mode:u8} {remaining:u16be} {_:..}", lengths = [8, 20] }
old = { from = "status", frame = "5A 01 {running:b1 _:b3 level:b4} {mode:u8} {minutes:u8}", lengths = [5, 7] }
seconds = { from = "status", frame = "5A 02 {0:b1 left[0..6]} {0:b1 left[7..13]}" }
battery = { from = "status", frame = "5A 03 {battery:u8}" }
volts = { from = "status", frame = "5A 04 {volts:u16be}" }
contact = { from = "status", frame = "5A 05 {_:b6 contact:b1 charging:b1} {temperature:i8} {fault:u8}" }
firmware = { from = "status", frame = "5A 06 {firmware:text}" }
"""


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("5A 01 83 02 02 58 00 00", {"running": 1, "level": 3, "mode": "knead", "remaining": 600}),
        (
            "5A 01 83 07 FF FF 00 00",
            {"running": 1, "level": 3, "mode": 7},
        ),  # an unknown mode stays a number; FFFF is none
        ("5A 01 83 01 0A", {"running": 1, "level": 3, "mode": "relax", "minutes": 10}),  # shorter: older firmware
        ("5A 02 58 04", {"left": 600}),  # 7-bit pairs: low7 + high × 128
        ("5A 03 03", {"battery": 75}),  # 0 to 4, × 25 %
        ("5A 03 FF", {}),
        ("5A 04 0E 88", {"volts": 3.72}),
        ("5A 05 03 F6 00", {"contact": 1, "charging": 1, "temperature": -10, "fault": 0}),
        ("5A 06 31 2E 30 2E 31", {"firmware": "1.0.1"}),
    ],
)
async def test_24_25_26_messages_are_told_apart_and_their_fields_read(sent: str, told: Mapping[str, Any]) -> None:
    codec = Codec(made(PORTS, SEVERAL, COMMANDS))
    report = codec.decode("status", bytes.fromhex(sent))
    assert report is not None
    assert report.values == told


GARBLED = {
    "truncated": "5A 03",
    "over-long": "5A 03 5D 00",
    "garbled": "5B 03 5D",
    "wrongly checked": "5A 03 5E",
    "unknown": "77 88",
    "empty": "",
}


@pytest.mark.parametrize("sent", GARBLED.values(), ids=GARBLED)
async def test_24_what_is_no_report_is_counted_and_kept_and_changes_nothing(sent: str) -> None:
    sim = SimulatedBall(made(PORTS, CHECKED, COMMANDS))
    ear = Ear()
    async with linked(sim) as ball:
        ball.listen(ear)
        await ball.set_level(2)
        sim._subscribers["status"](bytes.fromhex(sent))
        assert ball.ignored == 1
        assert [(one.role, one.data) for one in ball.foreign] == [("status", bytes.fromhex(sent))]
        assert (ball.level, ear.levels, ear.reports) == (2, [], [])
        sim._subscribers["status"](bytes.fromhex("5A 03 5D"))
        assert (ball.level, ball.ignored) == (3, 1)


async def test_24_only_the_newest_are_kept_and_all_are_counted() -> None:
    sim = SimulatedBall(made(PORTS, CHECKED, COMMANDS))
    async with linked(sim) as ball:
        for number in range(KEPT + 10):
            sim._subscribers["status"](bytes([number]))
        assert ball.ignored == KEPT + 10
        assert [one.data[0] for one in ball.foreign] == list(range(10, KEPT + 10))


@pytest.mark.parametrize("what", [FaultKind.NOTIFICATION_TRUNCATED, FaultKind.NOTIFICATION_GARBLED])
async def test_24_a_disturbed_radio_raises_nothing(what: FaultKind) -> None:
    sim = SimulatedBall(made(PORTS, CHECKED, COMMANDS))
    async with linked(sim) as ball:
        sim.interfere(Fault(what, seconds=100.0))
        for level in (1, 2, 3, 4):
            await ball.set_level(level)
            await asyncio.sleep(0.1)
        assert ball.ignored == 4
        assert sim.level == 4
        assert await ball.stop() is StopOutcome.CONFIRMED


async def test_27_the_same_report_again_is_no_news_and_the_balls_own_change_is() -> None:
    sim = SimulatedBall(made(NOTIFIED, CHECKED.replace("{level:u8}", "{level:u8} {heat:u8}"), COMMANDS, HEAT))
    ear = Ear()
    async with linked(sim) as ball:
        ball.listen(ear)
        for _ in range(5):
            sim._subscribers["status"](bytes.fromhex("5A 02 01 5D"))
        assert ear.levels == [2]
        assert ear.reports == [{"heat": 1}]


ASSEMBLED = {
    "length": 'assemble = { start = "68 79", length = { at = 2, type = "u16be", plus = 2 } }',
    "terminator": 'assemble = { start = "68 79", until = "0D 0A" }',
    "fixed size": 'assemble = { start = "68 79", size = 9 }',
}
WHOLE = bytes.fromhex("68 79 00 07 02 03 21 0D 0A")


@pytest.mark.parametrize("how", ASSEMBLED)
@pytest.mark.parametrize("seed", range(3))
async def test_23_frames_are_put_together_from_pieces_between_foreign_text(how: str, seed: int) -> None:
    ports = PORTS.replace("notify = true, read = true", "notify = true, " + ASSEMBLED[how])
    reports = LEVELS.replace("5A {level:u8}", "68 79 00 07 02 {level:u8} 21 0D 0A")
    sim = SimulatedBall(made(ports, reports, COMMANDS))
    chance = random.Random(seed)
    async with linked(sim) as ball:
        stream = b"boot 1.0 " + WHOLE + b"\x00ready" + WHOLE.replace(b"\x03", b"\x04", 1) + WHOLE
        at = 0
        while at < len(stream):
            size = chance.randint(1, 12)
            sim._subscribers["status"](stream[at : at + size])
            at += size
        assert ball.level == 3
        assert any(b"boot 1.0" in one.data for one in ball.foreign)
        sim._subscribers["status"](WHOLE[:4])
        sim.drop_link()
        await asyncio.sleep(5)  # half a frame of the last link is no begin of one on this
        sim._subscribers["status"](WHOLE.replace(b"\x03", b"\x02", 1))
        assert ball.level == 2


async def test_6_lines_of_key_and_value_and_what_stands_between_them() -> None:
    ports = PORTS.replace("notify = true, read = true", 'notify = true, assemble = { until = "04" }')
    lines = """
[motor]
levels = 5
[reports.status]
from = "status"
frame = { lines = { LEVEL = "$level", STATE = "$state" }, end = "04" }
[[examples]]
report = { status = { level = 0, state = "IDLE" } }
bytes = "4C 45 56 45 4C 3A 30 0A 53 54 41 54 45 3A 49 44 4C 45 0A 04"
"""
    sim = SimulatedBall(made(ports, lines, COMMANDS))
    async with linked(sim) as ball:
        for piece in (b"SYNC:1:2\nSTA", b"TE:RUNNING\nLEV", b"EL:3\n\x04"):
            sim._subscribers["status"](piece)
        assert ball.told["state"] == "RUNNING"
        assert ball.level == 3


# Electricity is described, and never driven.

STIMULATOR = made(PORTS, LEVELS, COMMANDS, edits=[('name = "Made up"', 'name = "Made up"\nkind = "stimulator"')])


async def test_29_a_stimulator_is_stopped_and_never_driven() -> None:
    sim = SimulatedBall(STIMULATOR)
    ball = linked(sim)
    with written(sim) as writes:
        with pytest.raises(Unsuitable, match="electricity through the skin"):
            async with linked(sim):
                pytest.fail("connected")
        for verb in (ball.set_level(1), ball.drive(1), ball.vibrate(10, seconds=5)):
            with pytest.raises(Unsuitable):
                await verb
        with pytest.raises(Unsuitable):
            api.play("calf", on=ball)
        assert writes == []
        assert await ball.stop_once() is StopOutcome.CONFIRMED
        assert set(hexes(writes)) == {"A5 00"}


async def test_29_run_refuses_a_stimulator() -> None:
    with pytest.raises(Unsuitable, match="stimulator"):
        await unknot.run("calf", target="ems-5a", profile="ems-5a", simulate=unknot.Air(SimulatedBall("ems-5a")))
    with pytest.raises(Unsuitable):
        api.timeline("calf", library.load("ems-5a"))


# A worked example of a codec plug-in: both ends of a small cipher with a rolling counter and a check of what was sent.

MIC = 4


class Rolling:
    """One end: a counter that only rises, the frame under a keystream, and a message code over both."""

    def __init__(self, key: bytes, ours: bytes, theirs: bytes) -> None:
        self._key, self._ours, self._theirs = key, ours, theirs
        self._sent = self._heard = 0

    def seal(self, role: str, data: bytes) -> bytes:  # noqa: ARG002 - the signature of all sealings
        self._sent += 1
        head = self._sent.to_bytes(2, "big")
        hidden = bytes(one ^ two for one, two in zip(data, self._stream(self._ours, head), strict=False))
        return head + hidden + self._mic(self._ours, head + hidden)

    def open(self, role: str, data: bytes) -> bytes:  # noqa: ARG002
        body, mic = data[:-MIC], data[-MIC:]
        count = int.from_bytes(body[:2], "big")
        if len(data) < 2 + MIC or mic != self._mic(self._theirs, body) or count <= self._heard:
            raise FrameMismatch("sealed by somebody else, or heard before")
        self._heard = count
        return bytes(one ^ two for one, two in zip(body[2:], self._stream(self._theirs, body[:2]), strict=False))

    def _stream(self, end: bytes, head: bytes) -> bytes:
        return hashlib.sha256(self._key + end + head).digest()

    def _mic(self, end: bytes, body: bytes) -> bytes:
        return hashlib.sha256(b"mic" + self._key + end + body).digest()[:MIC]


class RollingCipher:
    """What the entry point returns."""

    def __init__(self, settings: Mapping[str, float | str]) -> None:
        self._key = str(settings["key"]).encode()

    def client(self) -> Rolling:
        return Rolling(self._key, b"app", b"ball")

    def ball(self) -> Rolling:
        return Rolling(self._key, b"ball", b"app")


class Clumsy(RollingCipher):
    """A plug-in with a fault of its own."""

    def client(self) -> Rolling:
        sealing = super().client()
        sealing.open = lambda _, data: data[1000:][0]  # type: ignore[method-assign, assignment, return-value]
        return sealing


def ciphered(safety: str = 'stops_on_disconnect = "yes"', codec: str = "rolling") -> FirmwareProfile:
    return made(
        PORTS.replace(", read = true", ""), LEVELS, COMMANDS,
        f'[settings]\nkey = "secret"\n[safety]\n{safety}\n',
        head=f'codec = "{codec}"\n',
        edits=[('"A5 {level:u8}"', '"A5 {level:u8} {key:text6}"')],
    )  # fmt: skip


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch) -> None:
    here = [EntryPoint(name, f"{__name__}:{made_by}", plugins.GROUP)
            for name, made_by in (("rolling", "RollingCipher"), ("clumsy", "Clumsy"), ("gone", "NoSuch"))]  # fmt: skip
    monkeypatch.setattr(
        plugins, "entry_points", lambda group, name: [one for one in here if (one.group, one.name) == (group, name)]
    )


async def test_20_a_codec_plug_in_stands_between_the_frames_and_the_air(plug_in: None) -> None:
    sim = SimulatedBall(ciphered())
    async with linked(sim) as ball:
        with written(sim) as writes:
            await ball.set_level(3)
            assert sim.level == ball.level == 3
            assert writes[0][1][:2] == b"\x00\x01"
            assert b"secret" not in writes[0][1]
            sim.press_button()
            await asyncio.sleep(0.1)
            assert ball.level == 4  # what the ball seals is opened
            assert await ball.stop() is StopOutcome.CONFIRMED
        assert sim.level == 0
        assert ball.ignored == 0


async def test_20_what_is_replayed_or_sealed_with_another_key_is_not_obeyed(plug_in: None) -> None:
    sim = SimulatedBall(ciphered())
    async with linked(sim) as ball:
        with written(sim) as writes:
            await ball.set_level(3)
            await ball.stop()
        with pytest.raises(Exception, match="0x13"):
            sim.firmware.write("command", writes[0][1], asyncio.get_running_loop().time())
        assert sim.level == 0
        sim._subscribers["status"](b"\x00\x09 not sealed by the ball")
        assert ball.ignored == 1


async def test_20_each_link_counts_from_its_begin_at_both_ends(plug_in: None) -> None:
    sim = SimulatedBall(ciphered())
    async with linked(sim) as ball:
        await ball.set_level(3)
        sim.drop_link(away=1.0)
        await asyncio.sleep(5)
        assert sim.level == 0
        await ball.set_level(2)
        assert sim.level == 2


async def test_20_a_plug_in_that_fails_raises_nothing_out_of_the_callback(plug_in: None) -> None:
    sim = SimulatedBall(ciphered(codec="clumsy"))
    async with linked(sim) as ball:
        await ball.set_level(3)
        await asyncio.sleep(0.1)
        assert ball.ignored >= 1
        assert await ball.stop() is StopOutcome.CONFIRMED
        assert sim.level == 0


async def test_20_without_the_plug_in_the_ball_is_refused_before_anything_is_written(
    plug_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = SimulatedBall(ciphered())
    monkeypatch.undo()
    with written(sim) as writes:
        with pytest.raises(CodecMissing, match="'rolling' is needed for it: it is not installed"):
            async with linked(sim):
                pass
        assert writes == []
    with pytest.raises(CodecMissing):
        Codec(ciphered()).encode(SetLevel(1))
    prove(ciphered())  # cannot be proved, nor used; the file is read all the same


def test_20_a_plug_in_that_cannot_be_loaded_is_missing_too(plug_in: None) -> None:
    with pytest.raises(CodecMissing, match=r"it fails to load: .*NoSuch"):
        Codec(ciphered(codec="gone")).encode(SetLevel(1))


async def test_20_nobody_else_can_stop_a_ciphered_ball_so_it_must_stop_by_itself(plug_in: None) -> None:
    sim = SimulatedBall(ciphered(safety='stops_on_disconnect = "unknown"'))
    with written(sim) as writes, pytest.raises(Unsuitable, match="does not say that it stops by itself"):
        async with linked(sim):
            pytest.fail("connected")
    assert writes == []


@pytest.mark.parametrize("cipher", ["tuya", "xxtea", "aes-cmac", ""])
def test_20_a_cipher_of_a_files_own_is_refused_and_the_plug_in_is_pointed_to(cipher: str) -> None:
    with pytest.raises(ValidationError, match="cannot be said in a profile; name a codec plug-in with the key codec"):
        made(PORTS, LEVELS, COMMANDS, head=f'cipher = "{cipher}"\n')


POLLED = PORTS.replace('["request", "command"]', '"command"').replace("notify = true, read = true", 'poll = "200ms"')


@pytest.mark.parametrize("lost", [1, 2])
async def test_a_stop_that_is_lost_is_written_again_while_the_ball_tells_that_it_runs(lost: int) -> None:
    sim = SimulatedBall(made(POLLED, LEVELS, COMMANDS))
    async with linked(sim) as ball:
        await ball.set_level(3)
        sim.interfere(Fault(FaultKind.WRITE_LOST, count=lost))
        assert await ball.stop() is StopOutcome.CONFIRMED
        assert sim.level == ball.level == 0


async def test_a_level_that_is_asked_for_after_a_lost_stop_is_not_stopped_again() -> None:
    sim = SimulatedBall(made(POLLED, LEVELS, COMMANDS))
    async with linked(sim) as ball:
        await ball.set_level(3)
        sim.interfere(Fault(FaultKind.WRITE_LOST))
        stopping = asyncio.create_task(ball.stop())
        await asyncio.sleep(0.05)
        await ball.set_level(2)
        await stopping
        await asyncio.sleep(2)
        assert sim.level == ball.level == 2
