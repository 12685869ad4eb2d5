"""The command line as a process in a real terminal: keys, signals, pipes."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.real_time

UNKNOT = [sys.executable, "-m", "unknot"]
PATIENCE = 20.0


class Terminal:
    """A process in a pseudo-terminal."""

    def __init__(self, arguments: list[str], term: str) -> None:
        self.process_id, self.screen = pty.fork()
        if self.process_id == 0:
            os.environ.update(TERM=term, COLUMNS="100", LINES="40")
            os.execv(UNKNOT[0], [*UNKNOT, *arguments])
        self.text = ""
        self.seen = 0

    def wait_for(self, pattern: str) -> None:
        """Read until a pattern appears in what has not been waited for yet."""
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.text[self.seen :])):
            if time.monotonic() > deadline or not self.read():
                pytest.fail(f"{pattern!r} did not appear in {self.text[self.seen :]!r}")
        self.seen += found.end()

    def read(self) -> bool:
        """Read what is there; False at the end."""
        if select.select([self.screen], [], [], 0.2)[0]:
            try:
                data = os.read(self.screen, 65536)
            except OSError:
                return False
            self.text += data.decode(errors="replace")
            return bool(data)
        return True

    def press(self, keys: str) -> None:
        os.write(self.screen, keys.encode())

    def leave(self) -> int:
        """Wait for the end; the exit code."""
        while self.read():
            pass
        _, status = os.waitpid(self.process_id, 0)
        os.close(self.screen)
        return os.waitstatus_to_exitcode(status)


@contextmanager
def terminal(*arguments: str, term: str = "xterm") -> Iterator[Terminal]:
    yield Terminal(list(arguments), term)


def test_asks_before_the_motor_starts_and_takes_another_key_as_no() -> None:
    with terminal("run", "calf", "--simulate", "--speed", "10") as screen:
        screen.wait_for("it can be a clot")
        screen.wait_for("Enter or space starts the motor")
        screen.press("x")
        screen.wait_for("not started")
        assert screen.leave() == 0
        assert "completed" not in screen.text


def test_a_key_pressed_before_the_question_is_no_answer() -> None:
    with terminal("run", "calf", "--simulate") as screen:
        screen.wait_for("Not on the hollow")
        screen.press("\n \n")
        screen.wait_for("Enter or space starts the motor")
        time.sleep(0.5)
        assert "Ease in" not in screen.text
        screen.press("x")
        screen.wait_for("not started")
        assert screen.leave() == 0


def test_plays_with_a_live_picture_and_heeds_keys() -> None:
    with terminal("run", "calf", "--simulate", "--speed", "30") as screen:
        screen.wait_for("starts the motor")
        screen.press("\n")
        screen.wait_for(r"level.* \d+ of 100")
        screen.press(" ")
        screen.wait_for("Paused, motor off")
        screen.press(" ")
        screen.wait_for("space pauses")
        for _ in range(10):
            screen.press("n")
            time.sleep(0.05)
        screen.wait_for("And a last time")
        screen.press("q")
        screen.wait_for("stopped: motor ran .*; motor off, confirmed by the ball")
        assert screen.leave() == 0


def test_the_terminal_is_left_as_it_was() -> None:
    with terminal("vibrate", "20", "--for", "2s", "--simulate", "--speed", "10") as screen:
        screen.wait_for("completed")
        assert screen.leave() == 0
        assert screen.text.count("\x1b[?25h") >= 1  # the cursor is shown again


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP])
def test_a_signal_stops_first_and_leaves_with_130(number: signal.Signals) -> None:
    words = [*UNKNOT, "run", "calf", "--simulate", "--speed", "10", "--yes", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        while json.loads(process.stdout.readline())["event"] != "level":
            pass
        process.send_signal(number)
        rest, errors = process.communicate(timeout=PATIENCE)
    ended = json.loads(rest.splitlines()[-1])
    assert (ended["event"], ended["reason"], ended["stop"]) == ("ended", "stopped", "confirmed")
    assert process.returncode == 130
    assert b"Traceback" not in errors


def test_a_signal_while_the_link_is_away_waits_for_it_and_a_second_one_does_not(tmp_path: Path) -> None:
    file = tmp_path / "faults.toml"
    file.write_text('schema = 1\n[[faults]]\nat = "1s"\nwhat = "link-drops"\nfor = "60min"')
    words = ["run", "calf", "--simulate", "--profile", "button-ball", "--speed", "2", "--yes", "--json"]
    with subprocess.Popen(
        [*UNKNOT, *words, "--faults", str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        while json.loads(process.stdout.readline())["event"] != "link_dropped":
            pass
        process.send_signal(signal.SIGINT)
        time.sleep(1)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=PATIENCE)
    ended = json.loads(rest.splitlines()[-1])
    assert (ended["event"], ended["reason"], ended["stop"]) == ("ended", "stopped", "unknown")
    assert process.returncode == 5
    assert b"press the ball's own button" in errors


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="a process can be halted on POSIX only")
def test_a_program_that_was_halted_stops_first_and_leaves_with_130() -> None:
    words = [*UNKNOT, "run", "calf", "--simulate", "--yes", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        while json.loads(process.stdout.readline())["event"] != "level":
            pass
        process.send_signal(signal.SIGSTOP)
        time.sleep(2.5)
        process.send_signal(signal.SIGCONT)
        rest, errors = process.communicate(timeout=PATIENCE)
    events = [json.loads(line) for line in rest.splitlines()]
    assert (events[-1]["reason"], events[-1]["stop"]) == ("failed", "confirmed")
    assert process.returncode == 130
    assert b"held up for" in errors
    assert b"Traceback" not in errors


def test_a_signal_while_looking_for_the_ball_leaves_with_130() -> None:
    process = subprocess.Popen(
        [*UNKNOT, "run", "calf", "--simulate", "--device", "Nobody", "--yes"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    time.sleep(2.5)  # it looks for 5 s
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert errors == b"unknot: interrupted\n"


def test_a_reader_that_leaves_early_is_no_error() -> None:
    for words, code in (
        (["show", "calf", "--json"], 0),
        (["run", "calf", "--simulate", "--speed", "10", "--yes", "--json"], 130),
    ):
        with subprocess.Popen([*UNKNOT, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait(timeout=PATIENCE) == code


def test_every_json_line_is_json_and_the_last_is_the_end() -> None:
    result = subprocess.run(
        [*UNKNOT, "run", "it-band", "--simulate", "--speed", "max", "--yes", "--json"],
        capture_output=True,
        check=True,
    )
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert events[0]["event"] == "started"
    assert [event for event in events if event["event"] == "ended"] == [events[-1]]
    assert events[-1]["motor_seconds"] == 110.0


@pytest.mark.parametrize(
    ("words", "position", "offered"),
    [
        ("unknot ru", 1, "plain,run"),
        ("unknot run qu", 2, "plain,quadriceps"),
        ("unknot show ca", 2, "plain,calf"),
        ("unknot run calf --profile th", 4, "plain,theragun-4"),
        ("unknot profile show but", 3, "plain,button-ball"),
    ],
)
def test_the_shell_completes_commands_muscles_and_profiles(words: str, position: int, offered: str) -> None:
    environment = os.environ | {"_UNKNOT_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(position)}
    result = subprocess.run(UNKNOT, env=environment, capture_output=True, text=True, check=False)
    assert result.stdout.splitlines() == [offered]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_program(shell: str) -> None:
    result = subprocess.run([*UNKNOT, "completion", shell], capture_output=True, text=True, check=True)
    assert "_UNKNOT_COMPLETE" in result.stdout


def test_bleak_is_not_imported_until_it_is_needed(tmp_path: Path) -> None:
    for words in (["--help"], ["list"], ["run", "--help"], ["show", "calf"], ["profile", "list"]):
        code = (
            "import sys, contextlib, io\n"
            "from unknot.cli import main\n"
            "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
            f"    main({words!r})\n"
            "print(sorted({'bleak', 'aiomqtt', 'asyncio', 'pydantic', 'rich'} & set(sys.modules)))"
        )
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert "bleak" not in result.stdout
        assert "aiomqtt" not in result.stdout
        if words in (["--help"], ["list"]):
            assert result.stdout == "[]\n"


def test_two_keys_at_once_are_two_keys() -> None:
    with terminal("run", "calf", "--simulate", "--speed", "5", "--yes") as screen:
        screen.wait_for("Ease in")
        screen.press("nn")
        screen.wait_for("find a spot in the outer half")
        screen.press("q")
        screen.wait_for("stopped: ")
        assert screen.leave() == 0


def test_in_the_background_of_a_terminal_it_plays_without_keys() -> None:
    master, slave = pty.openpty()
    command = f"set -m; {' '.join(UNKNOT)} vibrate 20 --for 1s --simulate --speed 10 --json & wait $!; echo code $?"
    shell = ["setsid", "--ctty", "bash", "-c", command]
    result = subprocess.run(shell, stdin=slave, capture_output=True, text=True, timeout=PATIENCE, check=True)
    os.close(master)
    os.close(slave)
    assert '"reason": "completed"' in result.stdout
    assert result.stdout.endswith("code 0\n")


def test_a_terminal_that_cannot_be_drawn_on_gets_lines() -> None:
    with terminal("run", "calf", "--simulate", "--speed", "100", "--yes", term="dumb") as screen:
        screen.wait_for("settle .*Ease in on the inner half")
        screen.wait_for("completed: ")
        assert screen.leave() == 0


@pytest.mark.parametrize(
    ("words", "redirection", "code"),
    [
        ("list", ">&-", 0),
        ("list", ">/dev/full", 2),
        ("run calf --simulate --yes --speed max", "<&-", 0),
        ("run calf --simulate --speed max", "<&-", 2),
        ("run calf --simulate --yes --speed max --json", ">/dev/full", 2),
        ("", "", 2),
    ],
)
def test_closed_and_full_streams_are_no_tracebacks(words: str, redirection: str, code: int) -> None:
    command = f"{' '.join(UNKNOT)} {words} {redirection}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert "Traceback" not in result.stderr
    assert result.returncode == code


def test_signs_that_the_output_lacks_are_replaced() -> None:
    environment = os.environ | {"PYTHONIOENCODING": "cp1252"}
    result = subprocess.run([*UNKNOT, "show", "calf"], env=environment, capture_output=True, check=True)
    assert b"100 % " in result.stdout
