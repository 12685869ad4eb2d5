"""Bad input: one clear line on standard error, the documented exit code, nothing on standard output."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.profiles.shipped import BY_ID
from unknot.cli import main
from unknot.profiles.library import shipped_folder
from unknot.simulator.ball import SimulatedBall

SHORT = ["--simulate", "--speed", "max"]

REFUSALS = [
    (["rnu"], 2, "no command is called 'rnu'; did you mean 'run'?; see 'unknot --help'"),
    (["profile", "lst"], 2, "no command is called 'lst'; did you mean 'list'?; see 'unknot profile --help'"),
    (["run", "claf", *SHORT, "--yes"], 2, "no muscle is called 'claf'; did you mean calf?"),
    (["show", "zzz"], 2, "no muscle is called 'zzz'; there are: calf, it-band, levator-scapulae, piriformis, quadriceps, upper-trapezius"),
    (["run", "calf", *SHORT, "--yes", "--profile", "opne-ball"], 2, "no profile is called 'opne-ball'; did you mean open-ball or button-ball or intensity-board?"),
    (["run", "calf", "--speed", "max", "--yes"], 2, "--speed needs --simulate: the time of a real ball does not run faster; see 'unknot run --help'"),
    (["run", "calf", "--speed", "20", "--yes"], 2, "--speed needs --simulate: the time of a real ball does not run faster; see 'unknot run --help'"),
    (["run", "calf", *SHORT], 2, "there is no terminal to ask whether the motor may start; add --yes to start it; see 'unknot run --help'"),
    (["run", "calf", "--simulate", "--speed", "fast", "--yes"], 2, "invalid value for '--speed': found 'fast', expected a number from 0.01 to 1000, or max; see 'unknot run --help'"),
    (["run", "calf", "--simulate", "--speed", "-1", "--yes"], 2, "invalid value for '--speed': found '-1', expected a number from 0.01 to 1000, or max; see 'unknot run --help'"),
    (["run", "calf", "--simulate", "--speed", "nan", "--yes"], 2, "invalid value for '--speed': found 'nan', expected a number from 0.01 to 1000, or max; see 'unknot run --help'"),
    (["run", "calf", *SHORT, "--yes", "--intensity", "101"], 2, "invalid value for '--intensity': found '101', expected a number from 0 to 100; see 'unknot run --help'"),
    (["run", "calf", *SHORT, "--yes", "--intensity", "nan"], 2, "invalid value for '--intensity': found 'nan', expected a number from 0 to 100; see 'unknot run --help'"),
    (["run", "calf", *SHORT, "--yes", "--side", "up"], 2, "invalid value for '--side': 'up' is not one of 'left', 'right', 'both'; see 'unknot run --help'"),
    (["run", "calf", *SHORT, "--yes", "--intensity", "80"], 4, "refused: the ceiling 'moderate' is 66.67 % and 80 % was asked for (clinicians choose low and medium speed: Cheatham 2021 survey of 425; thirds of the range are judgement)"),
    (["show", "calf", "--intensity", "80"], 4, "refused: the ceiling 'moderate' is 66.67 % and 80 % was asked for (clinicians choose low and medium speed: Cheatham 2021 survey of 425; thirds of the range are judgement)"),
    (["vibrate", "40", "--for", "61s", *SHORT], 4, "refused: the longest free vibration is 60 s and 61 s was asked for (judgement: bounded where no muscle sets a limit)"),
    (["vibrate", "40", "--for", "10", *SHORT], 2, "invalid value for '--for': found '10', expected a duration with its unit, such as \"45s\", \"500ms\" or \"2min\"; see 'unknot vibrate --help'"),
    (["vibrate", "40", "--for", "0s", *SHORT], 2, "invalid value for '--for': found '0s', expected more than 0 s; see 'unknot vibrate --help'"),
    (["vibrate", "0", "--for", "1s", *SHORT], 2, "invalid value for 'PERCENT': found '0', expected a number from 1 to 100; see 'unknot vibrate --help'"),
    (["vibrate", "nan", "--for", "1s", *SHORT], 2, "invalid value for 'PERCENT': found 'nan', expected a number from 1 to 100; see 'unknot vibrate --help'"),
    (["vibrate", "50%", "--for", "1s", *SHORT], 2, "invalid value for 'PERCENT': found '50%', expected a number from 1 to 100; see 'unknot vibrate --help'"),
    (["run", "calf", *SHORT, "--yes", "--intensity", "0.5"], 2, "an intensity is 0, or from 1 to 100 %, not 0.5"),
    (["run", "calf", *SHORT, "--yes", "--device", ""], 2, "--device is empty; name a ball, or leave it out for the nearest one; see 'unknot run --help'"),
    (["show", "calf", "--profile", ""], 2, f"no profile is called ''; there are: {', '.join(sorted(BY_ID))}"),
    (["run", "calf", "--simulate", "--speed", "5000", "--yes"], 2, "invalid value for '--speed': found '5000', expected a number from 0.01 to 1000, or max; see 'unknot run --help'"),
    (["vibrate", "40"], 2, "missing option '--for'; see 'unknot vibrate --help'"),
    (["run"], 2, "missing argument 'MUSCLE'; see 'unknot run --help'"),
    (["run", "calf", *SHORT, "--yes", "--device", "Nobody"], 3, "no ball called 'Nobody' was found within 5 s; heard OpenBall; switch the ball on, bring it near and close other apps that may hold it, or use --simulate"),
    (["run", "calf", *SHORT, "--yes", "--simulator", "ball"], 2, "--simulate and --simulator exclude each other: either a ball made for this command, or that one; see 'unknot run --help'"),
    (["scan", "--simulate", "--simulator", "ball"], 2, "--simulate and --simulator exclude each other: either a ball made for this command, or that one; see 'unknot scan --help'"),
    (["scan", "--simulate", "--adapter", "hci1"], 2, "--adapter chooses a real radio; a simulated ball has none; see 'unknot scan --help'"),
    (["run", "calf", *SHORT, "--yes", "--adapter", "hci1"], 2, "--adapter chooses a real radio; a simulated ball has none; see 'unknot run --help'"),
    (["scan", "--for", "2h"], 2, "invalid value for '--for': found '2h', expected a duration with its unit, such as \"45s\", \"500ms\" or \"2min\"; see 'unknot scan --help'"),
    (["scan", "--for", "61min"], 2, "--for is at most 60min; see 'unknot scan --help'"),
    (["inspect", "Nobody", *SHORT], 3, "no ball called 'Nobody' was found within 5 s; heard OpenBall; switch the ball on, bring it near and close other apps that may hold it, or use --simulate"),
    (["inspect", "", *SHORT], 2, "--device is empty; name a ball, or leave it out for the nearest one; see 'unknot inspect --help'"),
    (["run", "calf", "--speed", "20", "--yes", "--simulator", "ball"], 2, "--speed needs --simulate: the ball behind --simulator lives in real time; see 'unknot run --help'"),
    (["stop", "--simulator", "/no/such/ball"], 3, "no simulated ball answers at /no/such/ball; start one with 'unknot simulate --socket /no/such/ball'"),
    (["simulate"], 2, "either --socket PATH or --hci CONTROLLER says where the ball is to be met; see 'unknot simulate --help'"),
    (["simulate", "--socket", "/no/such/ball"], 2, "/no/such/ball: no socket can be made here (No such file or directory); choose another path"),
    (["simulate", "--socket", "/dev/null"], 2, "/dev/null: found a file that is no socket; choose another path, or remove it"),
    (["simulate", "--socket", "/" + 107 * "x"], 2, "/" + 107 * "x" + ": a socket's path has at most 107 bytes; choose a shorter one"),
    (["profile", "check", "no-such-file.toml"], 2, "no-such-file.toml: found no such file or directory; expected a readable TOML file"),
    (["profile", "new", "my-ball"], 2, "my-ball: found a name that does not end in .toml; expected one such as my-ball.toml"),
    (["profile", "new", "My_Ball.toml"], 2, "a profile's id is its file's name: found 'My_Ball'; expected lower-case words and digits joined by hyphens, such as \"my-ball\""),
    (["profile", "new", "/no/such/my-ball.toml"], 2, "/no/such/my-ball.toml: cannot be written: no such file or directory"),
    (["profile", "schema", "--write", "/no/such"], 2, "/no/such/profile.schema.json: cannot be written: no such file or directory"),
    (["profile", "check"], 2, "missing argument 'FILE...'; see 'unknot profile check --help'"),
    (["profile", "encode"], 2, "missing argument 'ID'; see 'unknot profile encode --help'"),
    (["profile", "encode", "opn-ball", "stop"], 2, "no profile is called 'opn-ball'; did you mean open-ball or button-ball?"),
    (["profile", "encode", "open-ball", "set_level=101"], 2, "set_level is a level from 1 to 100, found '101'"),
    (["profile", "encode", "open-ball", "halt"], 2, "open-ball has no command 'halt'; it can say: stop, set_level"),
    (["profile", "encode", "open-ball", "set_level"], 2, "set_level needs a value: set_level=1, for example"),
    (["profile", "encode", "open-ball", "set_level=3", "zone=1"], 2, "set_level has no slot 'zone' to fill; there are: sequence, lease"),
    (["profile", "encode", "open-ball", "set_level=3", "lease=3h"], 2, 'lease is a number of seconds, or a duration with its unit, such as "45s", "500ms" or "2min", found \'3h\''),
    (["profile", "decode", "open-ball"], 2, "missing argument 'HEX...'; see 'unknot profile decode --help'"),
    (["profile", "decode", "open-ball", ""], 2, 'found no bytes; expected some in hex, such as "55 01 AA"'),
    (["profile", "decode", "open-ball", "01 0"], 2, "found '0' in '01 0'; expected two hex digits for each byte"),
    (["profile", "decode", "open-ball", "01 0g"], 2, "found 'g' in '01 0g'; expected hex, such as \"55 01 AA\", or ASCII in quotes, such as \"'STOP' 0A\""),
    (["profile", "decode", "open-ball", "01\x1b"], 2, "found '\\x1b' in '01\\x1b'; expected hex, such as \"55 01 AA\", or ASCII in quotes, such as \"'STOP' 0A\""),
    (["profile", "decode", "open-ball", "00" * 513], 2, "found 513 bytes; expected at most 512, as a notification or a write has"),
    (["profile", "decode", "open-ball", "00", "--on", "nowhere"], 2, "open-ball has no characteristic 'nowhere'; there are: command, status, battery, maker, model, firmware"),
    (["run", "no-such-file.toml", *SHORT, "--yes"], 2, "no-such-file.toml: found no such file or directory; expected a readable TOML file"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "code", "line"), REFUSALS, ids=[" ".join(words) for words, _, _ in REFUSALS])
def test_says_in_one_line_what_is_wrong(
    words: list[str], code: int, line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[int] = []
    monkeypatch.setattr(SimulatedBall, "_take", lambda _self, _role, data: moved.append(len(data)))
    with pytest.raises(SystemExit) as left:
        main(words)
    printed = capsys.readouterr()
    assert printed.err == f"unknot: {line}\n"
    assert left.value.code == code
    assert printed.out == ""
    assert sum(moved) <= 2  # at most the stop with which every ball is left


def test_a_wrong_profile_file_names_file_place_key_found_and_expected_and_shows_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "open-ball.toml"
    text = (shipped_folder() / "open-ball.toml").read_text()
    file.write_text(text.replace("levels = 100", "levels = 0"))
    for words in (["profile", "check", str(file)], ["run", "calf", *SHORT, "--yes", "--profile", str(file)]):
        with pytest.raises(SystemExit) as left:
            main(words)
        assert left.value.code == 2
        assert capsys.readouterr().err == (
            f"unknot: {file}:23:10: motor.levels: found 0; expected greater than or equal to 1\n"
            "       23 | levels = 0\n"
            "          |          ^\n"
        )


WRONG_LINES = [
    (
        'frame = "00 {sequence:u8}"', 'frame = "55 0 00"',
        "30:39: commands.stop.frame: found '55 0 00', character 5; expected two hex digits, as in 5A",
        '       30 | stop = { to = "command", frame = "55 0 00" }',
        "          |                                       ^",
    ),
    (
        "[motor]", "[mottor]",
        "22:2: mottor: found an unknown key; expected one of kind, verified_on, codec, cipher, variant, motor, settings, sequence, init, keep_alive, refusals; did you mean 'motor'?",
        "       22 | [mottor]",
        "          |  ^^^^^^",
    ),
    (
        'button = "cycle"', '"揉む" = 1 # \x1f\tx',
        "43:12: found invalid character '\\x1f'; expected valid TOML",
        '       43 | "揉む" = 1 # ␟ x',
        "          |              ^",
    ),
    (
        'button = "cycle"', '\t"e\u0301" = 1',
        "43:2: safety.e\u0301: found an unknown key; expected one of auto_off, persists_last_command, stop_repeat, stop_gap, spacing, button, bond, exclusive",
        '       43 |  "e\u0301" = 1',
        "          |  ^^^",
    ),
    (
        "levels = 100", "levels =",
        "23:9: found invalid value; expected valid TOML",
        "       23 | levels =",
        "          |         ^",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "told", "source", "carets"), WRONG_LINES)
def test_the_carets_stand_under_what_is_wrong_in_a_file(  # noqa: PLR0917
    right: str, wrong: str, told: str, source: str, carets: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "open-ball.toml"
    text = (shipped_folder() / "open-ball.toml").read_text(encoding="utf-8")
    assert text.count(right) == 1
    file.write_text(text.replace(right, wrong), encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["profile", "check", str(file)])
    assert capsys.readouterr().err.splitlines() == [f"unknot: {file}:{told}", source, carets]


@pytest.mark.skipif(sys.platform != "linux", reason="takes the D-Bus address away, which only Linux has")
@pytest.mark.parametrize("words", [["scan"], ["run", "calf", "--yes"], ["vibrate", "20", "--for", "1s"], ["stop"]])
def test_without_bluetooth_it_says_so_and_offers_the_simulator(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/no-bus")
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 3
    *_, line = capsys.readouterr().err.splitlines()
    assert line == (
        "unknot: no Bluetooth service answers; start it (on Linux: 'systemctl start bluetooth'), or use --simulate"
    )


def test_a_failure_after_which_the_motor_may_run_is_5(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The simulated ball is carried away for good in the middle of the protocol.
    link = SimulatedBall.link

    def carry_away(ball: SimulatedBall) -> None:
        ball.drop_link()
        ball.is_advertising = False
        monkeypatch.setattr("unknot.simulator.air.Air.get", lambda *_: None)

    def link_for_a_while(self: SimulatedBall, on_lost: object) -> None:
        link(self, on_lost)  # type: ignore[arg-type]
        asyncio.get_running_loop().call_later(30, carry_away, self)

    monkeypatch.setattr(SimulatedBall, "link", link_for_a_while)
    with pytest.raises(SystemExit) as left:
        main(["run", "calf", "--simulate", "--profile", "button-ball", "--speed", "max", "--yes"])
    printed = capsys.readouterr()
    assert left.value.code == 5
    assert "press the ball's own button" in printed.out.splitlines()[-1]
    assert "was not heard within" in printed.err
