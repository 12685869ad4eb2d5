"""The commands that go by another gateway: the same words, the same screens, the same exit codes."""

import json
from typing import Any

import pytest

from tests.bridge.clinic import Clinic, clinic
from unknot.bridge.payloads import Code, Refusal
from unknot.cli import exits, main
from unknot.errors import AttError
from unknot.simulator import Air, SimulatedBall

__all__ = ["clinic"]

VIA = ["--via", "mqtt://broker/raum-3"]
EVERYWHERE = ["--via", "mqtt://broker"]
BALL = "c0ba11000001"
HERE = "--via drives a ball at a gateway as its owner has set it up; --"
CALF = ["run", "calf", *VIA, "--yes"]


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(list(words))
    assert isinstance(left.value.code, int)
    return left.value.code


def events(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines()]


def sim(clinic: Clinic, room: str = "raum-3") -> SimulatedBall:
    (ball,) = clinic.rooms[room]
    return ball


@pytest.mark.parametrize("how", [[], ["--json"]])
def test_run_tells_the_same_as_here(clinic: Clinic, capsys: pytest.CaptureFixture[str], how: list[str]) -> None:
    assert run(*CALF, "--side", "left", *how) == 0
    far = capsys.readouterr()
    assert run("run", "calf", "--simulate", "--speed", "max", "--yes", "--side", "left", *how) == 0
    here = capsys.readouterr()
    if how:
        assert [one["event"] for one in events(far.out)] == [one["event"] for one in events(here.out)]
        assert events(far.out)[-1] == events(here.out)[-1]
    else:
        assert far.out == here.out
    assert far.err == "looking for the ball ...\n"
    assert sim(clinic).level == 0


def test_vibrate_by_the_balls_name(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("vibrate", "30", "--for", "10s", *VIA, "--device", "OpenBall") == 0
    assert "completed: motor ran 0:10; motor off, confirmed by the ball" in capsys.readouterr().out


def test_a_ball_that_pauses_by_itself_ends_where_nobody_has_keys(
    clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    clinic.rooms["raum-3"] = Air(SimulatedBall("button-ball"))

    def press() -> None:
        for _ in range(3):  # from level 2 by 3 and 4 to off
            sim(clinic).press_button()

    clinic.meanwhile = [(20.0, press)]
    assert run(*CALF) == 130
    printed = capsys.readouterr()
    assert "the ball itself chose level 0" in printed.out
    assert "paused by the ball, motor off" in printed.out
    assert "stopped: motor ran" in printed.out


def test_the_notes_of_a_gateway_are_shown_when_it_begins(
    clinic: Clinic, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unknot.session.session.Session.notes", ("the second time\x1b[2J today",))
    assert run(*CALF) == 0
    assert "note: the second time\\x1b[2J today\n" in capsys.readouterr().err


def test_a_profile_that_is_only_documented_or_not_known_here_is_told(
    clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    clinic.rooms["raum-3"] = Air(SimulatedBall("vibmotor-3"))
    assert run("vibrate", "20", "--for", "2s", *VIA) == 0
    assert "note: profile vibmotor-3 was written after a document" in capsys.readouterr().err
    clinic.meanwhile = [(0.0, lambda: clinic.keep_other("info", ("vibmotor-3", "../x\\u001b.toml")))]
    assert run("vibrate", "20", "--for", "2s", *VIA) == 0
    assert (
        "note: gateway raum-3 speaks by a profile that is not known here: ../x\\x1b.toml\n" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["run", "calf", *VIA, "--yes", "--intensity", "80"], 4, "refused: the ceiling 'moderate' is 66.67 %"),
        (["run", "claf", *VIA, "--yes"], 2, "no muscle is called 'claf'; did you mean calf?"),
        (["run", "mine.toml", *VIA, "--yes"], 2, "gateway raum-3 plays what it knows by its id, and mine.toml is"),
        (["vibrate", "20", "--for", "61s", *VIA], 4, "refused: the longest free vibration is 60 s"),
        (["vibrate", "20", "--for", "1s", *VIA, "--device", "nobody"], 3, "gateway raum-3 has no ball called 'nobody'"),
        (["run", "calf", "--via", "mqtt://broker/raum-4", "--yes"], 6, "no gateway is called 'raum-4' at mqtt://b"),
        (["run", "calf", "--via", "mqtt://broker/Raum 4", "--yes"], 2, "no gateway can be called 'Raum 4'; did you"),
        (["run", "calf", "--via", "http://broker", "--yes"], 2, "found 'http://broker', expected mqtt://BROKER"),
        (["run", "calf", *VIA], 2, "there is no terminal to ask whether the motor may start; add --yes to start it"),
        (["run", "calf", "--via", "mqtt://me:pw@broker", "--yes"], 2, "mqtt://me:***@broker: a password on"),
        (["vibrate", "20", "--for", "1s", *VIA, "--simulate"], 2, HERE),
        (["stop", *VIA, "--simulator", "/x"], 2, HERE),
        (["run", "calf", *VIA, "--adapter", "hci1"], 2, HERE),
        (["run", "calf", *VIA, "--profile", "open-ball"], 2, HERE),
        (["run", "calf", *VIA, "--speed", "max"], 2, HERE),
        (["run", "calf", *VIA, "--faults", "7"], 2, HERE),
        (["scan", *VIA, "--simulate"], 2, HERE),
        (["scan", *VIA, "--for", "2min"], 2, "--for is at most 60s with --via"),
        (["stop", *VIA, "--device", "nobody"], 3, "gateway raum-3 has no ball called 'nobody'; it has c0ba"),
        (["stop", "--via", f"mqtt://broker/raum-3/{BALL}", "--device", "x"], 2, "the ball is named twice: "),
        (["list", "--via", "mqtt://broker/raum-4"], 6, "no gateway is called 'raum-4'"),
        (["fleet", "--via", "mqtt://a/b/c/d"], 2, "found 'mqtt://a/b/c/d', expected mqtt://BROKER[/GATEWAY[/BALL]]"),
    ],
)  # fmt: skip
def test_what_is_refused_is_told_in_one_line_with_the_code_that_it_has_here(
    clinic: Clinic, capsys: pytest.CaptureFixture[str], words: list[str], code: int, line: str
) -> None:
    assert run(*words) == code
    printed = capsys.readouterr()
    *_, told = printed.err.splitlines()
    assert told.startswith(f"unknot: {line}")
    assert printed.out == ""
    assert sim(clinic).trace.seconds_on() == 0


@pytest.mark.parametrize(
    ("code", "number"),
    [
        (Code.REFUSED, 4),
        (Code.NOT_CONNECTED, 3),
        (Code.BUSY, 3),
        (Code.NOT_STOPPED, 5),
        (Code.EXPIRED, 6),
        (Code.UNKNOWN_NAME, 2),
        (Code.OUT_OF_RANGE, 2),
        (Code.NOT_ALLOWED, 2),
        (Code.INTERNAL, 2),
    ],
)
def test_each_refusal_has_the_code_of_the_same_trouble_here(code: Code, number: int) -> None:
    assert exits.code(Refusal(code, "no")) == number


def test_an_att_error_is_still_a_trouble_of_the_link() -> None:
    assert exits.code(AttError("refused", code=5)) == exits.code(AttError("refused", code=None)) == 3


def test_without_a_broker_there_is_one_line(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    clinic.exchange.is_up = False
    for words in (CALF, ["stop", *EVERYWHERE], ["scan", *VIA], ["list", *VIA], ["fleet", *EVERYWHERE]):
        assert run(*words) == 6
        assert capsys.readouterr().err.splitlines()[-1] == "unknot: nobody answers"


def test_a_broker_that_is_gone_for_good_says_what_is_true(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    clinic.meanwhile = [(20.0, clinic.exchange.go_down)]
    assert run(*CALF) == exits.NO_BROKER
    printed = capsys.readouterr().err.splitlines()
    assert printed[1].startswith(
        "\athe connection to mqtt://broker:1883 is gone; trying to get it back. Meanwhile the "
    )
    assert printed[1].endswith("the ball's own button stops it now")
    assert printed[-1].startswith("unknot: the connection to mqtt://broker:1883 is gone (nobody answers): the gateway")


def test_a_broker_that_comes_back_in_time_costs_two_lines(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    clinic.meanwhile = [(20.0, clinic.exchange.go_down), (30.0, clinic.exchange.go_up)]
    assert run(*CALF) == 0
    printed = capsys.readouterr()
    assert len(printed.err.splitlines()) == 3
    assert "completed: motor ran 1:50; motor off, confirmed by the ball" in printed.out


def test_a_stop_that_the_gateway_does_not_hear_is_not_claimed(
    clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    def leave() -> None:
        clinic.far["raum-3"].deaf_to = {"stop"}
        sim(clinic).press_button()

    clinic.rooms["raum-3"] = Air(SimulatedBall("button-ball"))
    clinic.meanwhile = [(8.0 + number, leave) for number in range(4)]
    assert run(*CALF) == exits.NOT_STOPPED
    assert "press the ball's own button (gateway raum-3 has not told that it did)" in capsys.readouterr().err


def test_stop_stops_one_ball_or_a_gateway_or_all(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    clinic.rooms["raum-4"] = Air(SimulatedBall("button-ball"))
    off = "motor off, confirmed by the ball\n"
    assert run("stop", "--via", f"mqtt://broker/raum-3/{BALL}") == 0
    assert capsys.readouterr().out == f"raum-3  {BALL}  {BALL}  {off}"
    assert run("stop", *VIA, "--device", "openball") == 0
    assert capsys.readouterr().out == f"raum-3  OpenBall  C0:BA:11:00:00:01  {off}"
    assert run("stop", *VIA) == 0
    assert capsys.readouterr().out == f"raum-3  OpenBall  C0:BA:11:00:00:01  {off}"
    assert run("stop", *EVERYWHERE) == 0
    assert capsys.readouterr().out == (
        f"raum-3  OpenBall  C0:BA:11:00:00:01  {off}raum-4  ButtonBall  C0:BA:11:00:00:01  {off}"
    )


def test_who_does_not_answer_to_a_stop_is_told(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    clinic.rooms["raum-4"] = Air(SimulatedBall())
    clinic.meanwhile = [(0.0, lambda: clinic.far["raum-4"].deaf_to.add("stop_all"))]
    assert run("stop", *EVERYWHERE) == exits.NOT_STOPPED
    assert capsys.readouterr().out.splitlines()[-1] == "raum-4  did not answer: press its balls' own buttons"


def test_scan_tells_what_a_gateway_hears_or_what_all_keep(
    clinic: Clinic, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    clinic.rooms["raum-4"] = Air(SimulatedBall("button-ball"))
    assert run("scan", *VIA) == 0
    printed = capsys.readouterr()
    assert printed.out == f"connected  C0:BA:11:00:00:01  OpenBall              open-ball, kept as {BALL}\n"
    assert printed.err == "gateway raum-3 listens for 5 s ...\n"
    assert run("scan", *EVERYWHERE) == 0
    assert capsys.readouterr().out.splitlines() == [
        "raum-3  connected  C0:BA:11:00:00:01  OpenBall              open-ball",
        "raum-4  connected  C0:BA:11:00:00:01  ButtonBall            button-ball",
    ]
    assert run("scan", *VIA, "--json", "--for", "1s") == 0
    assert json.loads(capsys.readouterr().out) == [
        {
            "gateway": "raum-3",
            "ball": BALL,
            "name": "OpenBall",
            "address": "C0:BA:11:00:00:01",
            "rssi": None,
            "profiles": ["open-ball"],
            "connected": True,
        }
    ]


@pytest.mark.parametrize("how", [[], ["--json"]])
def test_list_tells_what_a_gateway_can_play(clinic: Clinic, capsys: pytest.CaptureFixture[str], how: list[str]) -> None:
    assert run("list", *VIA, *how) == 0
    far = capsys.readouterr().out
    assert run("list", *how) == 0
    assert far == capsys.readouterr().out


def test_fleet_tells_all_once_where_nobody_watches(
    clinic: Clinic, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    clinic.rooms["raum-4"] = Air(SimulatedBall("button-ball"), SimulatedBall("vibmotor-3"))
    assert run("fleet", *EVERYWHERE) == 0
    assert capsys.readouterr().out.splitlines() == [
        "  BALL            PHASE     PROTOCOL         LEFT    LEVEL  CHARGE    SIGNAL",
        "raum-3  online  1 ball, unknot 0.1.0, simulated",
        "  OpenBall        idle      -                   -    0/100   100 %   -55 dBm",
        "raum-4  online  2 balls, unknot 0.1.0, simulated",
        "  ButtonBall      idle      -                   -      0/4   100 %   -55 dBm",
        "  VibMotor        idle      -                   -    0/100   100 %   -55 dBm",
    ]
    assert run("fleet", *EVERYWHERE, "--json", "--for", "1s") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["broker"] == "mqtt://broker:1883"
    assert [at["id"] for at in told["gateways"]] == ["raum-3", "raum-4"]
    assert told["gateways"][0]["balls"][0]["phase"] == "idle"


def test_fleet_without_gateways_says_so(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    clinic.rooms = {}
    assert run("fleet", *EVERYWHERE) == 0
    assert capsys.readouterr().out == "no gateway is known at mqtt://broker:1883; start one with 'unknot bridge'\n"
    assert run("scan", *EVERYWHERE) == 6
    assert run("stop", *EVERYWHERE) == 6


def test_fleet_takes_the_broker_of_the_configuration(
    clinic: Clinic, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNKNOT_CONFIG", "")
    monkeypatch.setenv("UNKNOT_BROKER__URL", "mqtt://clinic.local")
    assert run("fleet", "--json") == 0
    assert json.loads(capsys.readouterr().out)["broker"] == "mqtt://clinic.local:1883"


def test_what_a_broker_holds_is_harmless_to_the_terminal(
    clinic: Clinic, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    evil = "\\u001b[2J\\u202eevil" + "東京" * 20

    def spoil() -> None:
        clinic.keep_other("info", ("OpenBall", evil), ("0.1.0", evil))
        clinic.keep_other("state", ('"detail":""', f'"detail":"{evil}"'), ('"level":0', '"level":123456789'))
        clinic.keep_other("health", ('"trouble":""', f'"trouble":"{evil}"'))

    clinic.meanwhile = [(0.0, spoil)]
    assert run("fleet", *EVERYWHERE) == 0
    printed = capsys.readouterr().out
    assert printed.replace("\n", "").isprintable()
    assert printed.count("evil") == 3
    assert len(printed.splitlines()) == 5
    assert run("scan", *EVERYWHERE) == 0
    assert capsys.readouterr().out.replace("\n", "").isprintable()
    assert run("stop", *EVERYWHERE) == 0
    assert capsys.readouterr().out.replace("\n", "").isprintable()
