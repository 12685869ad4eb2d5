"""Sessions with seeded faults and a seeded person: five hundred on every run, ten thousand with ``pytest -m many``."""

import random

import pytest

from tests.safety.world import PROFILES, World
from unknot import events
from unknot.session.messages import OnLinkRestored
from unknot.simulator.faults import Fault, FaultKind, FaultPlan, draw

CHUNK = 50
"""Schedules per test: what one process of a parallel run takes at a time."""

DEFAULT, MANY = 400, 10_000

WISHES = ("pause", "resume", "resume", "skip", "press", "stop")


def play(seed: int) -> World:
    """The session of one seed, lived to its end."""
    chance = random.Random(seed)
    policies = tuple(OnLinkRestored)
    world = World(PROFILES[seed % len(PROFILES)], policies[seed // len(PROFILES) % len(policies)])
    try:
        world.go_wrong(draw(seed, 1.2 * world.timeline.seconds))  # also after the end, when the ball is left
        for _ in range(chance.randrange(4)):
            world.live(20 * chance.random())
            wish = chance.choice(WISHES)
            if wish == "press":
                world.press()
            else:
                world.person(wish)
        world.finish()
        world.verdict()
    finally:
        world.close()
    return world


def play_all(first: int) -> None:
    for seed in range(first, first + CHUNK):
        try:
            play(seed)
        except AssertionError as error:
            error.add_note(f"seed {seed}")
            raise


@pytest.mark.parametrize("first", range(0, DEFAULT, CHUNK))
def test_the_rules_hold_in_every_schedule(first: int) -> None:
    play_all(first)


@pytest.mark.many
@pytest.mark.parametrize("first", range(DEFAULT, DEFAULT + MANY, CHUNK))
def test_the_rules_hold_in_many_more_schedules(first: int) -> None:
    play_all(first)


def test_the_same_seed_tells_the_same_story() -> None:
    first, again = play(7), play(7)
    assert first.told == again.told
    assert first.sim.trace == again.sim.trace
    assert first.happened


def test_a_motor_that_was_stopped_on_a_new_link_is_counted_once() -> None:
    world = World("button-ball")
    try:
        # The stop at the end of the first spot is refused as often as it is tried.
        world.go_wrong(FaultPlan((Fault(FaultKind.WRITE_REFUSED, at=15.0, count=3, code=0x0E),)))
        world.finish()
        world.verdict()
        assert any(isinstance(event, events.LinkRestored) for event in world.told)
    finally:
        world.close()
