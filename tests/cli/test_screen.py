"""The live picture, as text."""

import asyncio
import io

from rich.console import Console

import unknot
from unknot import events
from unknot.cli.screen import Live, describe
from unknot.simulator import Air, SimulatedBall


def drawn(picture: Live) -> str:
    page = io.StringIO()
    Console(width=120, file=page).print(picture)
    return page.getvalue()


async def test_the_picture_outlives_what_the_ball_does_by_itself_and_tells_what_is_known(air: Air) -> None:
    sim = air.add(SimulatedBall("button-ball"))
    async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball) as session:
        picture = Live(session)
        session.listen(picture.show)
        await asyncio.sleep(3)
        sim.press_button()
        await asyncio.sleep(1)
        text = drawn(picture)
        assert "the ball itself chose level 2" in text
        assert "2 of 4" in text
        assert "space pauses" in text
        air.remove(sim)
        await asyncio.sleep(1)
        text = drawn(picture)
        assert "trying to get the link back; press the ball's own button if it still vibrates." in text
        assert "unknown" in text
        session.stop()
        await asyncio.sleep(1)
        assert drawn(picture).splitlines()[1].startswith("Stopping. The link to")
        air.add(sim)
        await session.wait()
        text = drawn(picture)
        assert "stopped: motor ran" in text
        assert "space" not in text


async def test_a_ball_that_stops_by_itself_is_not_said_to_run_on(air: Air, simulated_ball: SimulatedBall) -> None:
    async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball) as session:
        picture = Live(session)
        session.listen(picture.show)
        await asyncio.sleep(3)
        simulated_ball.drop_link(away=5)
        await asyncio.sleep(1)
        assert "the ball stops by itself." in drawn(picture)
        await asyncio.sleep(20)
        text = drawn(picture)
        assert "the link to C0:BA:11:00:00:01 is back: motor off, confirmed by the ball" in text
        assert "Paused after the link was lost, motor off. Ease in" in text
        assert "space goes on" in text


def test_what_an_event_says_is_harmless_to_a_terminal() -> None:
    evil = "\x1b[2J\u202eevil\n"
    told = [
        events.Started(0.0, evil, evil, evil, evil, 1, 1.0),
        events.StepStarted(0.0, 0, evil, evil, 1.0, 1.0),
        events.Paused(0.0, evil),
        events.LinkDropped(0.0, 1, None, evil),
        events.LinkRestored(0.0, events.StopOutcome.SENT, evil),
        events.Reported(0.0, {"fault": evil}),
        events.Ended(0.0, events.EndReason.FAILED, 1.0, events.StopOutcome.SENT, evil),
    ]
    assert all(describe(event).isprintable() for event in told)
    assert describe(told[1]).endswith(r"\x1b[2J\u202eevil\n")
