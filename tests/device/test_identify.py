"""Shapes 1 and 2: which of several profiles a ball speaks that share an advertisement, decided by the ball itself."""

# ruff: noqa: E501 - one line of a file, one line of text

import asyncio

import pytest

import unknot
from tests.device.made import COMMANDS, LEVELS, PORTS, hexes, linked, made
from tests.meddling import written
from unknot.errors import GattMismatch
from unknot.events import StopOutcome
from unknot.profiles.matching import Advertisement, score
from unknot.profiles.model import FirmwareProfile
from unknot.simulator import SimulatedBall
from unknot.simulator.faults import Fault, FaultKind

OLD_COMMANDS = COMMANDS.replace("A5 {level:u8}", "B5 {level:u8}").replace("A5 00", "B5 00")
ASKED = 'ask = { to = "command", frame = "C0" }\n'
VERSION = '[reports.version]\nfrom = "status"\nframe = "C1 {version:u16be} {_:..}"\n'


def variant(name: str, text: str, *further: str, commands: str = COMMANDS, ports: str = PORTS) -> FirmwareProfile:
    """A profile of the board that two firmwares share."""
    test = f"[variant]\n{text}\n" if text else ""
    return made(ports, LEVELS, VERSION, commands, test, *further, edits=[('id = "made"', f'id = "{name}"')])


def told(version: str) -> str:
    return f'[[examples]]\nreport = {{ version = {{ version = 1 }} }}\nbytes = "{version}"\n'


PAIRS = {
    "2A26 firmware": ('firmware = ">=3"', 'firmware = "<3"'),
    "2A27 hardware": ('hardware = "==2.0"', 'hardware = "<2.0"'),
    "2A24 model": ('model = "WLT825X_H35"', 'model = "WLT825X_H35_S"'),
    "2A29 maker": ('maker = "*star*"', 'maker = "moon*"'),
    "2A28 software": ('software = ">2"', 'software = "<=2"'),
    "a characteristic": ('characteristics = ["1500"]', 'without = ["1500"]'),
    "version reply": (
        ASKED + 'reply = { from = "status", frame = "C1 {version:u16be} {_:..}", is = { version = ">=216" } }',
        ASKED + 'reply = { from = "status", frame = "C1 {version:u16be} {_:..}", is = { version = "<216" } }',
    ),
    "reply length": (
        ASKED + 'reply = { from = "status", lengths = [8, 20] }',
        ASKED + 'reply = { from = "status", lengths = [1, 7] }',
    ),
}
REPLIES = {
    "version reply": ("C1 00 D8 00 00 00 00 00", "C1 00 01"),
    "reply length": ("C1 00 D8 00 00 00 00 00", "C1 00 01"),
}


def pair(what: str) -> tuple[FirmwareProfile, FirmwareProfile]:
    (new, old), replies = PAIRS[what], REPLIES.get(what)
    return (
        variant("new", new, *((told(replies[0]),) if replies else ())),
        variant("old", old, *((told(replies[1]),) if replies else ()), commands=OLD_COMMANDS),
    )


@pytest.mark.parametrize("is_new", [True, False])
@pytest.mark.parametrize("what", PAIRS)
async def test_2_the_ball_itself_tells_which_firmware_it_has(what: str, is_new: bool) -> None:
    new, old = pair(what)
    sim = SimulatedBall(new if is_new else old)
    async with linked(sim, candidates=((new, 5), (old, 5))) as ball:
        assert ball.profile is (new if is_new else old)
        await ball.set_level(3)
        assert sim.level == 3


@pytest.mark.parametrize("what", PAIRS)
async def test_2_the_persons_choice_always_wins(what: str) -> None:
    new, old = pair(what)
    chosen = old.model_copy(update={"commands": new.commands})
    sim = SimulatedBall(new)
    with written(sim) as writes:
        async with linked(sim, profile=chosen) as ball:
            assert ball.profile is chosen  # though the ball tells that it is another
            assert writes == []  # nothing is asked either
            await ball.set_level(3)
            assert sim.level == 3


async def test_2_nobody_telling_is_an_error_that_names_both() -> None:
    new, old = pair("2A26 firmware")
    sim = SimulatedBall(variant("silent", ""))
    with pytest.raises(GattMismatch, match="does not tell which firmware it has: new or old") as caught:
        async with linked(sim, candidates=((new, 5), (old, 5))):
            pass
    assert "--profile" in caught.value.advice
    assert not sim.is_connected


async def test_2_where_nobody_tells_the_one_profile_that_wants_nothing_told_is_taken() -> None:
    new, _ = pair("2A26 firmware")
    plain = variant("plain", "")
    async with linked(SimulatedBall(plain), candidates=((new, 5), (plain, 5))) as ball:
        assert ball.profile is plain


async def test_2_a_ball_that_contradicts_all_of_them_is_driven_by_none() -> None:
    new, old = pair("2A26 firmware")
    sim = SimulatedBall(variant("third", 'firmware = "beta*"'))
    with written(sim) as writes:
        with pytest.raises(GattMismatch, match="another firmware than new or old: it tells firmware 'beta"):
            async with linked(sim, candidates=((new, 5), (old, 5))):
                pass
        assert writes == []


@pytest.mark.parametrize("what", ["2A26 firmware", "version reply"])
@pytest.mark.parametrize("lost", [0.0, 0.05, 0.15, 0.25, 0.35, 0.5])
async def test_2_a_link_that_is_lost_meanwhile_is_no_answer(what: str, lost: float) -> None:
    new, old = pair(what)
    plain = variant("plain", "")  # would be taken if the ball said nothing
    sim = SimulatedBall(old, latency=0.1)
    asyncio.get_running_loop().call_later(lost, sim.drop_link)
    async with linked(sim, candidates=((new, 5), (old, 5), (plain, 5))) as ball:
        assert ball.profile is old


async def test_2_the_silence_of_a_link_that_is_gone_says_nothing() -> None:
    new, old = pair("version reply")
    plain = variant("plain", "")
    sim = SimulatedBall(old)
    sim.interfere(Fault(FaultKind.NOTIFICATION_LOST, count=1))
    asyncio.get_running_loop().call_later(0.5, sim.drop_link)
    async with linked(sim, candidates=((new, 5), (old, 5), (plain, 5))) as ball:
        assert ball.profile is old


async def test_2_a_ball_that_does_not_reply_is_asked_twice_and_not_guessed() -> None:
    new, old = pair("version reply")
    sim = SimulatedBall(new)
    sim.interfere(Fault(FaultKind.NOTIFICATION_LOST, seconds=1000.0))
    with written(sim) as writes:
        with pytest.raises(GattMismatch, match="new or old"):
            async with linked(sim, candidates=((new, 5), (old, 5))):
                pass
        assert hexes(writes) == ["C0", "C0"]


async def test_2_a_reply_in_several_notifications_is_put_together() -> None:
    ports = PORTS.replace("read = true", 'assemble = { start = "C1", size = 30 }')
    reply = 'reply = { from = "status", lengths = [30, 30] }'
    new = variant("new", ASKED + reply, told("C1 00 D8" + " 00" * 27), ports=ports)
    old = variant("old", ASKED + reply.replace("[30, 30]", "[1, 29]"), ports=ports, commands=OLD_COMMANDS)
    async with linked(SimulatedBall(new), candidates=((old, 5), (new, 5))) as ball:
        assert ball.profile is new


async def test_2_an_orphaned_ball_is_asked_first_and_then_stopped_in_its_own_tongue() -> None:
    new, old = pair("2A26 firmware")
    sim = SimulatedBall(old)
    sim.firmware.motor.drive(3, 0.0)
    ball = linked(sim, candidates=((new, 5), (old, 5)))
    with written(sim) as writes:
        assert await ball.stop_once() is StopOutcome.CONFIRMED
    assert hexes(writes)[0] == "B5 00"
    assert sim.level == 0


def test_1_2_an_advertised_byte_tells_variants_apart_before_connecting() -> None:
    three = made(
        '[match]\nnames = ["hy*"]\nmanufacturer = { company = 76, data = "68 79 ?? 03" }', PORTS, LEVELS, COMMANDS
    )
    four = made(
        '[match]\nnames = ["hy*"]\nmanufacturer = { company = 76, data = "68 79 ?? 04" }', PORTS, LEVELS, COMMANDS
    )
    shown = Advertisement("hy1", (), {76: bytes.fromhex("68 79 11 03 AA BB CC DD")})
    assert score(three.match, shown) > score(four.match, shown)


def test_1_what_is_excluded_rules_a_device_out() -> None:
    gun = made('[match]\nnames = ["Pro*"]\nservices = ["FFE0"]\nexclude = { names = ["Pro Roller*"], services = ["1812"] }',
               PORTS, LEVELS, COMMANDS)  # fmt: skip
    service, hid = (f"0000{short}-0000-1000-8000-00805f9b34fb" for short in ("ffe0", "1812"))
    assert score(gun.match, Advertisement("Pro 4", (service,)))
    assert not score(gun.match, Advertisement("Pro Roller 2", (service,)))
    assert not score(gun.match, Advertisement("Pro 4", (service, hid)))
    assert not score(gun.match, Advertisement("Lucid", (service,)))  # a shared service alone identifies nothing


async def test_2_the_choice_of_api_connect_wins_over_what_the_ball_tells() -> None:
    sim = SimulatedBall("button-ball")
    with pytest.raises(GattMismatch):
        async with unknot.connect(sim.name, profile="open-ball", simulate=unknot.Air(sim)):
            pass
