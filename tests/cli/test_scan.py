"""The table of a scan: its order, its room, its words; and the same in a real terminal."""

import json
import os
import signal
from collections.abc import Iterable

import pytest
from bleak.backends.device import BLEDevice

from tests.cli.test_terminal import terminal
from unknot.cli import main
from unknot.cli.nearby import CLEARLY_NEARER, Nearby, why
from unknot.device.discovery import Fit, FoundBall
from unknot.profiles import library
from unknot.profiles.matching import Advertisement, weigh

EVIDENCE = {"open-ball": "simulated", "vibmotor-2": "documented", "vibmotor-3": "documented"}
VIBMOTOR = "9a501a2d-594f-4e2b-b123-5f739a2d594f"


def heard(number: int, rssi: int | None, name: str = "", fits: Iterable[str] = (), **shown: object) -> FoundBall:
    address = f"C0:BA:11:00:00:{number:02X}"
    advertisement = Advertisement(name, **shown)  # type: ignore[arg-type]
    matches = [(one, weigh(library.load(one).match, advertisement)) for one in fits]
    found = tuple(Fit(one, weighed.points, weighed.reasons) for one, weighed in matches)
    return FoundBall(BLEDevice(address, name, None), name, address, rssi, found, advertisement)


def ball(number: int, rssi: int | None, name: str = "OpenBall") -> FoundBall:
    return heard(number, rssi, name, ["open-ball"])


def table(*found: FoundBall) -> Nearby:
    nearby = Nearby(EVIDENCE)
    for one in found:
        nearby.hear(one)
    return nearby


def order(nearby: Nearby) -> list[int]:
    return [int(one.address[-2:], 16) for one in nearby.found]


def plain(nearby: Nearby, width: int, height: int | None = None) -> list[str]:
    return [line.plain for line in nearby.lines(width, height)]


def test_held_balls_are_first_then_near_ones_and_strangers_last() -> None:
    assert order(table(heard(1, -20, "TV"), ball(2, -80), ball(3, -40), ball(4, None), heard(5, -10))) == [
        4,
        3,
        2,
        5,
        1,
    ]


def test_the_order_holds_still_while_signals_flicker() -> None:
    nearby = table(ball(1, -60), ball(2, -62))
    first = order(nearby)
    for swing in (5, -5) * 20:
        nearby.hear(ball(1, -60 + swing))
        nearby.hear(ball(2, -60 - swing))
        assert order(nearby) == first


def test_a_ball_that_comes_clearly_nearer_passes_the_other() -> None:
    nearby = table(ball(1, -60), ball(2, -62))
    for _ in range(20):
        nearby.hear(ball(2, round(-60 + CLEARLY_NEARER + 2)))
    assert order(nearby) == [2, 1]


def test_a_packet_without_a_name_does_not_make_a_stranger_of_a_ball() -> None:
    nearby = table(ball(1, -60), heard(1, -60))
    assert nearby.balls == 1
    assert nearby.found[0].name == "OpenBall"


def test_a_stranger_that_tells_its_name_later_rises_to_the_balls() -> None:
    assert order(table(heard(1, -30), heard(2, -80), ball(2, -80))) == [2, 1]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
@pytest.mark.parametrize("height", [1, 2, 7, 20])
def test_hundreds_of_devices_stay_in_their_room(width: int, height: int) -> None:
    nearby = table(
        *(ball(one, -60, "Ball " + "x" * 40) for one in range(3)),
        *(heard(one, -90, "東京" * 20) for one in range(9, 250)),
    )
    lines = nearby.lines(width, height)
    assert len(lines) <= height
    assert all(line.cell_len <= width for line in lines)
    assert lines[-1].plain.startswith("and ")


def test_what_has_no_room_is_counted() -> None:
    nearby = table(*(heard(one, -90 + one, f"TV {one}") for one in range(10)))
    assert plain(nearby, 80, 4)[-1] == "and 7 more; --json tells all"
    assert len(plain(nearby, 80, 10)) == 10
    assert len(plain(nearby, 80)) == 10


def test_the_best_profile_tells_why_and_what_shares_the_device() -> None:
    found = heard(1, -50, "VibMotor", ["vibmotor-2", "vibmotor-3"], services=(VIBMOTOR,))
    assert why(found.fits, EVIDENCE) == (
        f"vibmotor-2 (documented) by name VibMotor*, service {VIBMOTOR}; vibmotor-3 alike, connecting tells which"
    )


def test_a_name_from_the_air_is_harmless() -> None:
    (line,) = plain(table(heard(1, -50, "\x1b[2J\u202eevil")), 100)
    assert line.isprintable()
    assert "\\x1b[2J" in line


def test_json_tells_why(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["scan", "--simulate", "--json"])
    found = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    (fit,) = found["Pro"]["profiles"]
    assert (fit["score"], fit["evidence"]) == (5, "documented")
    assert fit["score"] == sum(reason["points"] for reason in fit["why"])
    assert [(reason["kind"], reason["identifies"]) for reason in fit["why"]] == [("name", True), ("service", False)]


@pytest.mark.real_time
def test_the_table_lives_and_is_left_as_lines() -> None:
    with terminal("scan", "--simulate", "--for", "1s") as screen:
        screen.wait_for(r"balls among \d+ devices heard")
        screen.wait_for("Ctrl-C ends it")
        assert screen.leave() == 0
        last = screen.text.rpartition("Ctrl-C ends it")[2]
        assert "open-ball (simulated) by name OpenBall*" in last


@pytest.mark.real_time
def test_ctrl_c_ends_a_live_scan_well_with_its_table() -> None:
    with terminal("scan", "--simulate", "--for", "10min") as screen:
        screen.wait_for("OpenBall")
        os.kill(screen.process_id, signal.SIGINT)
        assert screen.leave() == 0
        assert "open-ball" in screen.text.rpartition("Ctrl-C ends it")[2]
        assert "interrupted" not in screen.text
