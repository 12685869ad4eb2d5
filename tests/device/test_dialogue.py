"""Shapes 19, 20 and 16: what must be said and heard after connecting before a ball obeys."""

import asyncio

import pytest

from tests.device.made import COMMANDS, LEVELS, PORTS, hexes, linked, made
from tests.meddling import written
from unknot.device.ball import REACH_SECONDS
from unknot.errors import LinkTimeout
from unknot.events import StopOutcome
from unknot.profiles.model import FirmwareProfile
from unknot.simulator import SimulatedBall, manners
from unknot.simulator.faults import Fault, FaultKind
from unknot.simulator.firmware import Firmware

HELLO = """
[[examples]]
report = { hello = { token = 7 } }
bytes = "0A 07"
"""


def with_dialogue(init: str, *further: str) -> FirmwareProfile:
    reports = LEVELS + 'hello = { from = "status", frame = "0A {token:u8}" }\n'
    return made(PORTS, reports, COMMANDS, init, HELLO, *further)


PIN = """
[[init]]
write = { to = "command", frame = "F0 12 34" }
"""
TEXT_UNLOCK = """
[[init]]
write = { to = "command", frame = "'auth as developer' 0D 0A" }
[[init]]
write = { to = "command", frame = "'accept' 0D 0A" }
"""
GREETING = """
[[init]]
subscribe = "status"
[[init]]
write = { to = "command", frame = "01", answer = "hello" }
[[init]]
wait = "200ms"
[[init]]
read = "status"
[[init]]
write = { to = "command", frame = "02 {token:u8}" }
[settings.token]
from = "hello"
"""
BUTTON = """
[[init]]
write = { to = "command", frame = "03" }
[[init]]
press = "Press the ball's button"
expect = "hello"
is = { token = 9 }
"""


@pytest.mark.parametrize(
    ("init", "said"),
    [
        (PIN, ["F0 12 34"]),
        (TEXT_UNLOCK, [b"auth as developer\r\n".hex(" ").upper(), b"accept\r\n".hex(" ").upper()]),
        (GREETING, ["01", "02 07"]),
        (BUTTON, ["03"]),
    ],
    ids=["static PIN", "text unlock", "subscribe, write, wait for a reply, delay, read, repeat", "button"],
)
async def test_19_20_the_dialogue_is_held_before_a_level_and_only_then_is_one_taken(init: str, said: list[str]) -> None:
    profile = with_dialogue(init)
    sim = SimulatedBall(profile)
    with written(sim) as writes:
        async with linked(sim) as ball:
            assert hexes(writes) == said
            await ball.set_level(3)
            assert sim.level == 3
            await ball.stop()
            assert sim.level == 0


@pytest.mark.parametrize("init", [PIN, TEXT_UNLOCK, GREETING, BUTTON])
def test_19_the_simulated_ball_takes_no_level_until_the_dialogue_was_held(init: str) -> None:
    firmware = Firmware(with_dialogue(init))
    firmware.connect(0.0)
    firmware.write("command", b"\xa5\x03", 0.0)
    assert firmware.level == 0


def test_19_a_new_link_begins_locked_again_and_a_stop_is_always_obeyed() -> None:
    firmware = Firmware(with_dialogue(PIN))
    firmware.connect(0.0)
    firmware.write("command", bytes.fromhex("F0 12 34"), 0.0)
    firmware.write("command", b"\xa5\x03", 0.1)
    assert firmware.level == 3
    firmware.disconnect(0.2)
    firmware.connect(0.3)
    firmware.write("command", b"\xa5\x04", 0.4)
    assert firmware.level == 3
    firmware.write("command", b"\xa5\x00", 0.5)
    assert firmware.level == 0


async def test_19_a_delay_lasts_as_long_as_the_file_says() -> None:
    sim = SimulatedBall(with_dialogue(PIN + '[[init]]\nwait = "30s"\n' + PIN.replace("12 34", "56 78")))
    with written(sim) as writes:
        async with linked(sim):
            assert writes[1][0] - writes[0][0] == pytest.approx(30)  # longer than a ball without one may take


async def test_19_a_ball_that_does_not_answer_is_told_by_the_step() -> None:
    sim = SimulatedBall(with_dialogue(GREETING))
    sim.interfere(Fault(FaultKind.NOTIFICATION_LOST, seconds=1000.0))
    began = asyncio.get_running_loop().time()
    with pytest.raises(
        LinkTimeout, match=r"step 2 of 5 of the dialogue after connecting: .* did not answer 01 with hello"
    ):
        async with linked(sim):
            pass
    assert asyncio.get_running_loop().time() - began < REACH_SECONDS + 10
    assert not sim.is_connected


@pytest.mark.parametrize(("retry", "lost", "attempts"), [(2, 2, 3), (0, 1, 2)])
async def test_19_what_is_not_answered_is_written_again_and_else_the_link_is_made_anew(
    retry: int, lost: int, attempts: int
) -> None:
    init = f'[[init]]\nwrite = {{ to = "command", frame = "01", answer = "hello" }}\nretry = {retry}\n'
    sim = SimulatedBall(with_dialogue(init))
    sim.interfere(Fault(FaultKind.NOTIFICATION_LOST, count=lost))
    links = []
    connect = sim.firmware.connect

    def spied(now: float) -> None:
        links.append(now)
        connect(now)

    sim.firmware.connect = spied  # type: ignore[method-assign]
    with written(sim) as writes:
        async with linked(sim):
            assert hexes(writes) == ["01"] * attempts
            assert len(links) == (1 if retry else 2)


async def test_19_what_was_never_told_cannot_be_repeated_and_the_step_is_named() -> None:
    sim = SimulatedBall(with_dialogue('[[init]]\nwrite = { to = "command", frame = "02 {token:u8}" }\n'
                                      '[settings.token]\nfrom = "hello"\n'))  # fmt: skip
    with pytest.raises(LinkTimeout, match=r"step 1 of 1 .*token = None.*has not told it"):
        async with linked(sim):
            pass


async def test_20_the_person_is_asked_to_press_the_button_and_waited_for() -> None:
    sim = SimulatedBall(with_dialogue(BUTTON))
    asked: list[tuple[float, str]] = []
    loop = asyncio.get_running_loop()
    async with linked(sim, ask=lambda text: asked.append((loop.time(), text))) as ball:
        assert asked == [(0.0, "Press the ball's button")]
        assert loop.time() >= 1.0
        await ball.set_level(2)
        assert sim.level == 2


async def test_20_a_person_who_presses_nothing_is_waited_for_as_long_as_the_file_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(manners, "PRESSED_AFTER", 1000.0)
    sim = SimulatedBall(with_dialogue(BUTTON + 'within = "40s"\n'))
    asked: list[str] = []
    with pytest.raises(LinkTimeout, match=r"step 2 of 2 .* with hello within 40 s"):
        async with linked(sim, ask=asked.append):
            pass
    assert asked
    assert asyncio.get_running_loop().time() >= 40


@pytest.mark.parametrize("init", [PIN, GREETING, BUTTON])
async def test_19_an_orphaned_link_is_stopped_first_and_once_more_after_the_dialogue(init: str) -> None:
    profile = with_dialogue(init)
    sim = SimulatedBall(profile)
    with written(sim) as writes:
        async with linked(sim, orphaned=True):
            said = hexes(writes)
    assert said[0] == said[-1] == "A5 00"
    assert len(said) > 2
    assert said.count("A5 00") == 2


async def test_19_a_restored_link_is_stopped_first_and_once_more_after_the_dialogue() -> None:
    sim = SimulatedBall(with_dialogue(PIN))
    async with linked(sim) as ball:
        await ball.set_level(3)
        with written(sim) as writes:
            sim.drop_link(away=1.0)
            await asyncio.sleep(10)
        assert hexes(writes) == ["A5 00", "F0 12 34", "A5 00"]
        assert sim.level == ball.level == 0


async def test_19_the_second_stop_keeps_the_time_between_commands_or_it_would_not_be_heard() -> None:
    # The ball hears a stop on any link, and nothing that comes too soon after something else.
    profile = with_dialogue(PIN, '[safety]\nspacing = "300ms"\n')
    sim = SimulatedBall(profile)
    with written(sim) as writes:
        async with linked(sim, orphaned=True) as ball:
            gaps = [later - sooner for (sooner, _), (later, _) in zip(writes, writes[1:], strict=False)]
            assert all(gap >= 0.3 - 1e-6 for gap in gaps)
            assert len(gaps) == 2
            await ball.set_level(2)
            assert sim.level == 2
            assert await ball.stop() is StopOutcome.CONFIRMED
            assert sim.level == 0


async def test_19_a_stop_during_a_dialogue_is_written_at_once_and_believed_after_it() -> None:
    sim = SimulatedBall(with_dialogue(PIN + '[[init]]\nwait = "20s"\n'))
    async with linked(sim) as ball:
        await ball.set_level(3)
        sim.drop_link()
        await asyncio.sleep(5)  # the link is back, and the dialogue is being held
        assert ball.is_restoring
        with written(sim) as writes:
            asked = asyncio.get_running_loop().time()
            assert await ball.stop() is StopOutcome.CONFIRMED
        assert hexes(writes) == ["A5 00", "A5 00"]
        assert writes[0][0] == asked
        assert writes[1][0] > asked + 10


async def test_19_a_step_that_stands_twice_or_is_a_stop_too_unlocks_the_simulated_ball() -> None:
    init = PIN + PIN + '[[init]]\nwrite = { to = "command", frame = "A5 00" }\n' + PIN
    sim = SimulatedBall(with_dialogue(init))
    async with linked(sim) as ball:
        await ball.set_level(3)
        assert sim.level == 3


async def test_20_a_ball_that_is_used_with_or_without_pairing_says_so() -> None:
    profile = with_dialogue(PIN, '[safety]\nbond = "forbidden"\nexclusive = true\n')
    assert (profile.safety.bond, profile.safety.exclusive) == ("forbidden", True)
