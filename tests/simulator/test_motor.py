import math

import pytest

from unknot.simulator import MotorTrace
from unknot.simulator.motor import SPIN_UP_SECONDS, Motor


def test_the_trace_holds_changes_and_nothing_else() -> None:
    motor = Motor(4)
    for at, level in [(1.0, 2), (2.0, 2), (3.0, 0), (4.0, 0)]:
        motor.drive(level, at)
    assert motor.trace.points == ((1.0, 2), (3.0, 0))


def test_the_trace_knows_the_level_at_any_time() -> None:
    trace = MotorTrace(((1.0, 2), (3.0, 4), (5.0, 0)))
    assert [trace.level_at(at) for at in (0.5, 1.0, 2.9, 3.0, 5.0, 9.0)] == [0, 2, 2, 4, 0, 0]
    assert trace.highest == 4


@pytest.mark.parametrize(("until", "seconds"), [(0, 0), (2, 1), (5, 4), (7, 5), (math.inf, math.inf)])
def test_seconds_on(until: float, seconds: float) -> None:
    assert MotorTrace(((1.0, 2), (2.0, 4), (5.0, 0), (6.0, 1))).seconds_on(until) == seconds


def test_the_motor_spins_up_and_down_with_its_time_constant() -> None:
    motor = Motor(4)
    motor.drive(2, 10.0)
    assert motor.speed(10.0) == 0
    assert motor.speed(10.0 + SPIN_UP_SECONDS) == pytest.approx(0.5 * (1 - 1 / math.e))
    assert motor.speed(20.0) == pytest.approx(0.5)
    motor.drive(0, 20.0)
    assert motor.speed(20.0 + SPIN_UP_SECONDS) == pytest.approx(0.5 / math.e)
