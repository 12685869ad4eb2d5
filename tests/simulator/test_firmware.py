import pytest

from unknot.profiles import library
from unknot.profiles.codec import Codec
from unknot.profiles.speech import Report, SetLevel, Stop
from unknot.simulator.firmware import BATTERY_SECONDS, Firmware, Notification, Refusal


def firmware(profile: str) -> tuple[Firmware, Codec]:
    loaded = library.load(profile)
    return Firmware(loaded), Codec(loaded)


def say(firmware: Firmware, codec: Codec, command: SetLevel | Stop, now: float) -> list[Notification]:
    notifications: list[Notification] = []
    for write in codec.encode(command):
        notifications = firmware.write(write.to, write.data, now)
    return notifications


def test_a_command_drives_the_motor_and_is_reported() -> None:
    ball, codec = firmware("open-ball")
    (notification,) = say(ball, codec, SetLevel(50, 3.0, 7), 1.0)
    assert ball.level == 50
    assert (notification.role, notification.data.hex(" ")) == ("status", "01 07 32 b8 0b 19 00")


def test_the_lease_runs_out_and_that_is_reported() -> None:
    ball, codec = firmware("open-ball")
    say(ball, codec, SetLevel(50, 3.0, 7), 1.0)
    assert ball.deadline == 4.0
    assert ball.tick(3.9) == []
    (notification,) = ball.tick(4.0)
    assert notification.data.hex(" ") == "01 07 00 00 00 19 00"
    assert ball.motor.trace.points == ((1.0, 50), (4.0, 0))
    assert ball.deadline is None


def test_a_renewed_lease_begins_anew() -> None:
    ball, codec = firmware("open-ball")
    for now in (0.0, 2.0, 4.0):
        say(ball, codec, SetLevel(50, 3.0), now)
        ball.tick(now)
    assert ball.level == 50
    assert ball.deadline == 7.0


def test_the_ball_switches_off_by_itself() -> None:
    ball, codec = firmware("button-ball")
    say(ball, codec, SetLevel(2), 0.0)
    ball.tick(899.9)
    assert ball.level == 2
    assert [notification.data.hex(" ") for notification in ball.tick(900.0)] == ["5a 00 5a"]
    assert ball.level == 0


@pytest.mark.parametrize(
    ("profile", "levels"), [("button-ball", [1, 2, 3, 4, 0, 1]), ("open-ball", [25, 50, 75, 100, 0, 25])]
)
def test_the_button_cycles_and_is_reported(profile: str, levels: list[int]) -> None:
    ball, codec = firmware(profile)
    told = []
    for _ in levels:
        (notification,) = ball.press_button(0.0)
        report = codec.decode(notification.role, notification.data)
        assert isinstance(report, Report)
        told.append(report.level)
    assert told == levels


def test_a_level_of_the_button_has_no_lease() -> None:
    ball, codec = firmware("open-ball")
    say(ball, codec, SetLevel(10, 3.0), 0.0)
    ball.press_button(1.0)
    ball.tick(3600.0)
    assert ball.level == 25


@pytest.mark.parametrize(
    ("profile", "level"), [("open-ball", 0), ("button-ball", 3), ("vibmotor-3", 3), ("theragun-4", 3)]
)
def test_what_happens_when_the_link_goes_is_what_the_profile_says_or_the_worst(profile: str, level: int) -> None:
    ball, codec = firmware(profile)
    say(ball, codec, SetLevel(3), 0.0)
    ball.disconnect(1.0)
    assert ball.level == level


@pytest.mark.parametrize(
    ("profile", "role", "data", "code"),
    [
        ("open-ball", "command", "01 00 65 B8 0B", 0x13),  # level 101
        ("open-ball", "command", "01 00 32", 0x13),  # too short
        ("open-ball", "command", "02 00", 0x13),  # unknown
        ("open-ball", "status", "00 00", 0x03),
        ("button-ball", "level", "A5 02 00", 0x13),  # wrong check
        ("theragun-4", "command", "AA 00 01 03 06 D6 03", 0x13),
    ],
)
def test_a_wrong_write_is_refused_and_changes_nothing(profile: str, role: str, data: str, code: int) -> None:
    ball, _ = firmware(profile)
    with pytest.raises(Refusal) as refused:
        ball.write(role, bytes.fromhex(data), 0.0)
    assert refused.value.code == code
    assert ball.motor.trace.points == ()


def test_a_read_tells_and_an_unreadable_characteristic_refuses() -> None:
    ball, _ = firmware("open-ball")
    assert ball.read("battery", 0.0) == b"\x64"
    assert ball.read("firmware", 0.0) == b"1.0.2"
    with pytest.raises(Refusal) as refused:
        ball.read("command", 0.0)
    assert refused.value.code == 0x02


def test_the_battery_drains_with_the_level_and_the_motor_warms() -> None:
    ball, codec = firmware("vibmotor-3")
    say(ball, codec, SetLevel(50), 0.0)
    say(ball, codec, Stop(), BATTERY_SECONDS)
    assert ball.battery == pytest.approx(50)
    warm = ball.temperature
    assert warm > 25
    ball.disconnect(BATTERY_SECONDS + 600)
    assert ball.battery == pytest.approx(50)
    assert ball.temperature < warm


def test_a_lease_is_cut_to_the_longest_and_no_lease_is_no_level() -> None:
    ball, codec = firmware("open-ball")
    ball.write("command", bytes.fromhex("01 00 32 60 EA"), 0.0)  # a minute
    ball.tick(4.9)
    assert ball.level == 50
    ball.tick(5.0)
    assert ball.level == 0
    say(ball, codec, SetLevel(50, 0.0), 6.0)
    assert ball.motor.trace.points == ((0.0, 50), (5.0, 0))


def test_the_battery_tells_each_per_cent_and_an_empty_one_stops_the_motor() -> None:
    ball = Firmware(library.load("button-ball"), battery=2)
    codec = Codec(ball.profile)
    say(ball, codec, SetLevel(4), 0.0)
    told = []
    while (now := ball.deadline) is not None and now < 800:
        told += [(round(now), notification.role, notification.data.hex(" ")) for notification in ball.tick(now)]
    assert told == [
        (54, "battery", "01"),
        (162, "battery", "00"),
        (216, "level", "5a 00 5a"),
    ]
    say(ball, codec, SetLevel(1), 300.0)
    ball.press_button(301.0)
    assert ball.level == 0


def test_an_empty_battery_is_a_fault_of_the_open_ball() -> None:
    ball = Firmware(library.load("open-ball"), battery=0)
    codec = Codec(ball.profile)
    say(ball, codec, SetLevel(1), 0.0)
    notification = ball.tick(0.0)[-1]
    assert notification.data.hex(" ").startswith("01 00 00 00 00")
    assert notification.data[-1] == 2


def test_the_motor_warms_to_a_bound() -> None:
    ball, codec = firmware("button-ball")
    say(ball, codec, SetLevel(4), 0.0)
    ball.press_button(86400.0)
    assert ball.temperature == pytest.approx(40)
