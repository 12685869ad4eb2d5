"""What ``unknot doctor`` finds out about a machine, how it tells it, and what it leaves with."""

from __future__ import annotations

import json
import logging
import os
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from unknot import api
from unknot.bridge.broker import Broker, Dial, Link, Will
from unknot.bridge.doctor import Finding, Verdict
from unknot.cli import checkup, doctor, exits, main
from unknot.device import adapters
from unknot.device import guard as device_guard
from unknot.device.adapters import Adapter
from unknot.device.guard import Guard
from unknot.device.troubles import Trouble
from unknot.errors import BrokerRefused, BrokerUnreachable
from unknot.session.ledger import Ledger
from unknot.simulator import Air, SimulatedBall

GUARD, CLOCK = checkup.guard, checkup.clock
"""As they are, where the tests of the whole have others in their place."""

HCI0 = Adapter("hci0", "AA:AA:AA:00:00:00", is_on=True, is_central=True)
HCI1 = Adapter("hci1", "AA:AA:AA:00:00:01", is_on=True, is_central=True)
OFF = Adapter("hci2", "AA:AA:AA:00:00:02", is_on=False, is_central=True)


@pytest.fixture(autouse=True)
def healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which all is well, with one ball in the air."""
    look = api.scan

    async def there() -> tuple[Adapter, ...]:
        return (HCI0,)

    async def scan(**words: Any) -> object:
        return await look(simulate=Air(SimulatedBall("open-ball")), seconds=words["seconds"])

    async def guard() -> Finding:
        return Finding("guard", Verdict.OK, "it starts")

    monkeypatch.setattr(adapters, "there", there)
    monkeypatch.setattr(api, "scan", scan)
    monkeypatch.setattr(checkup, "guard", guard)
    monkeypatch.setattr(checkup, "versions", lambda: Finding("versions", Verdict.OK, "unknot 1"))
    monkeypatch.setattr(checkup, "clock", lambda: Finding("clock", Verdict.OK, "right"))


def broken(monkeypatch: pytest.MonkeyPatch, trouble: Trouble) -> None:
    async def there() -> tuple[Adapter, ...]:
        raise trouble.error()

    monkeypatch.setattr(adapters, "there", there)


def refusing(error: Exception) -> Callable[[Broker], Dial]:
    """Connections to a broker that refuses."""

    def dial_to(broker: Broker) -> Dial:
        @asynccontextmanager
        async def dial(will: Will | None) -> AsyncIterator[Link]:
            assert will is None
            if error:
                raise error
            yield NotImplemented

        return dial

    return dial_to


def nobody(broker: Broker) -> Dial:
    def dial(will: Will | None) -> AbstractAsyncContextManager[Link]:
        raise AssertionError(broker, will)

    return dial


async def found(
    file: Path | None = None, dial_to: Callable[[Broker], Dial] = nobody, *, simulate: bool = False, **flags: str
) -> dict[str, Finding]:
    told: list[Finding] = []
    words = {"broker.url": flags.get("broker"), "gateway.adapter": flags.get("adapter")}
    await doctor.look_over(file, words, dial_to, told.append, simulate=simulate)
    assert len({one.what for one in told}) == len(told)
    return {one.what: one for one in told}


async def test_a_healthy_machine_without_a_broker() -> None:
    told = await found()
    assert list(told) == [
        "versions",
        "configuration",
        "Bluetooth",
        "scan",
        "guard",
        "account",
        "disk",
        "clock",
        "broker",
    ]
    assert [one.what for one in told.values() if one.verdict is not Verdict.OK] == ["broker"]
    assert told["Bluetooth"].found == "hci0 with the address AA:AA:AA:00:00:00"
    assert told["scan"].found == "1 device heard, 1 ball among them: OpenBall"
    assert told["account"].found == f"{Ledger().file}, 0 sessions in the last 24 hours"
    assert (told["broker"].verdict, told["broker"].found) == (Verdict.WARNING, "none is named")


async def test_simulated_balls_need_no_bluetooth(monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, Trouble.NO_SERVICE)
    assert list(await found(simulate=True)) == ["versions", "configuration", "account", "disk", "clock", "broker"]


async def test_a_linux_without_an_adapter_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def none() -> tuple[Adapter, ...]:
        return ()

    monkeypatch.setattr(adapters, "there", none)
    monkeypatch.setattr("sys.platform", "linux")
    assert (await found())["Bluetooth"].found == Trouble.NO_ADAPTER.message


@pytest.mark.parametrize("trouble", [Trouble.NO_SERVICE, Trouble.NO_PERMISSION, Trouble.SOFT_BLOCKED])
async def test_trouble_with_bluetooth_is_told_once_with_its_advice(
    trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch, trouble)
    told = await found()
    assert told["Bluetooth"] == Finding("Bluetooth", Verdict.TROUBLE, trouble.message, trouble.advice)
    assert "scan" not in told
    assert "broker" in told


async def test_the_adapter_of_the_configuration_is_looked_at_or_that_of_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def there() -> tuple[Adapter, ...]:
        return (HCI0, HCI1, OFF)

    monkeypatch.setattr(adapters, "there", there)
    file = tmp_path / "gateway.toml"
    file.write_text("schema = 1\n[gateway]\nadapter = 'hci1'")
    told = await found(file)
    assert told["Bluetooth"].found == "hci1 with the address AA:AA:AA:00:00:01; there are also hci0, hci2 (off)"
    assert told["configuration"].found == f"{file}, with 0 balls"
    assert (await found(file, adapter="hci2"))["Bluetooth"].found == Trouble.POWERED_OFF.message
    missing = (await found(file, adapter="hci7"))["Bluetooth"]
    assert missing.verdict is Verdict.TROUBLE
    assert missing.found == "no Bluetooth adapter is called 'hci7'; there are: hci0, hci1, hci2 (off)"


async def test_a_system_that_tells_no_adapters_is_told_by_its_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    async def none() -> tuple[Adapter, ...]:
        return ()

    async def scan(**_: Any) -> object:
        raise Trouble.DENIED_BY_USER.error()

    monkeypatch.setattr(adapters, "there", none)
    monkeypatch.setattr(api, "scan", scan)
    monkeypatch.setattr("sys.platform", "darwin")
    told = await found()
    assert told["Bluetooth"].found == "this system chooses the adapter itself"
    assert told["scan"] == Finding(
        "scan", Verdict.TROUBLE, Trouble.DENIED_BY_USER.message, Trouble.DENIED_BY_USER.advice
    )


async def test_silence_and_a_profile_that_is_wrong_are_warned_of(
    own_files: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = own_files / "firmware_profiles"
    folder.mkdir()
    (folder / "mine.toml").write_text("schema = 2")
    told = (await found())["scan"]
    assert told.verdict is Verdict.WARNING
    assert told.found.startswith(f"left out: {folder}/mine.toml:1:10: schema: found 2")
    assert caplog.text == ""  # it is told in the table, not in the middle of it

    async def silence(**_: Any) -> object:
        return ()

    monkeypatch.setattr(api, "scan", silence)
    assert (await found())["scan"].found == "nothing was heard within 3 s"


async def test_a_wrong_configuration_is_told_and_the_rest_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text("schema = 1\n[brocker]\npassword = 'hunter2'")
    told = await found(file)
    assert told["configuration"].verdict is Verdict.TROUBLE
    assert "found an unknown key" in told["configuration"].found
    assert told["scan"].verdict is Verdict.OK
    assert "broker" not in told
    assert "hunter2" not in str(told)


async def test_the_broker_is_asked_as_the_gateway_would(tmp_path: Path) -> None:
    asked: list[Broker] = []

    def dial_to(broker: Broker) -> Dial:
        asked.append(broker)
        return refusing(BrokerRefused("the login is refused", advice="see its password_file"))(broker)

    (tmp_path / "secret").write_text("hunter2\n")
    file = tmp_path / "gateway.toml"
    file.write_text("schema = 1\n[broker]\nurl = 'mqtt://one'\nusername = 'gw1'\npassword_file = 'secret'")
    told = await found(file, dial_to, broker="mqtts://other")
    assert asked == [Broker("other", 8883, is_tls=True, username="gw1", password="hunter2")]
    assert told["broker"] == Finding("broker", Verdict.TROUBLE, "the login is refused", "see its password_file")


# One check after the other


@pytest.mark.real_time
async def test_a_guard_that_starts_is_well() -> None:
    assert (await GUARD()).verdict is Verdict.OK


@pytest.mark.real_time
async def test_a_guard_that_fails_or_cannot_be_started_is_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    start = Guard.start
    monkeypatch.setattr(Guard, "start", lambda _: start(("-c", "raise SystemExit(1)")))
    failing = await GUARD()
    assert (failing.verdict, failing.found) == (Verdict.TROUBLE, "it starts and fails at once")
    monkeypatch.setattr(Guard, "start", lambda _: start(("-c", "import time; time.sleep(60)")))
    monkeypatch.setattr(device_guard, "GOODBYE_SECONDS", 0.1)
    slow = await GUARD()
    assert slow.verdict is Verdict.WARNING
    assert slow.found == "it takes more than 0.1 s to start, and guards nobody until then"
    monkeypatch.setattr(Guard, "start", start)
    monkeypatch.setattr("sys.executable", "/there/is/none")
    told = await GUARD()
    assert told.verdict is Verdict.TROUBLE
    assert told.found.startswith("no guard could be started, so a killed unknot leaves the motor on: ")


def test_an_account_that_cannot_be_read_or_written_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = Ledger().file
    file.write_text("{\n")
    torn = checkup.account()
    assert torn.verdict is Verdict.WARNING
    assert torn.found.startswith(f"{file}: line 1 is no entry")
    assert caplog.text == ""
    file.unlink()
    monkeypatch.setattr(os, "access", lambda *_: False)
    closed = checkup.account()
    assert closed.found == f"{file} cannot be written, so the limits per day do not hold"
    assert closed.advice == f"let this user write to {file.parent}"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_others_cannot_be_written() -> None:
    assert not checkup.is_writable(Path("/usr/lib/unknot/ledger.jsonl"))


def test_what_is_not_there_yet_can_be_written_if_its_nearest_folder_can(tmp_path: Path) -> None:
    assert checkup.is_writable(tmp_path / "a" / "b" / "c")


def test_a_full_disk_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checkup.disk().verdict is Verdict.OK
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 3 * 1024**2}))
    assert (checkup.disk().verdict, checkup.disk().found) == (
        Verdict.WARNING,
        f"3 MiB free in {Ledger().file.parent}",
    )


@pytest.fixture
def told_by_system(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | Exception], Finding]:

    def ask(answer: str | Exception) -> Finding:
        def run(words: list[str], **_: object) -> subprocess.CompletedProcess[str]:
            assert words[1:] == ["show", "--property=NTPSynchronized", "--value"]
            if isinstance(answer, Exception):
                raise answer
            return subprocess.CompletedProcess(words, 0, answer, "")

        monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
        monkeypatch.setattr("subprocess.run", run)
        return CLOCK(datetime.now(UTC) + timedelta(days=1))

    return ask


@pytest.mark.parametrize(
    ("answer", "verdict", "words"),
    [
        ("yes\n", Verdict.OK, "kept right by a time server"),
        ("no\n", Verdict.WARNING, "no time server keeps it right"),
        ("", Verdict.OK, "nobody tells whether"),
        (subprocess.TimeoutExpired("timedatectl", 5), Verdict.OK, "nobody tells whether"),
        (OSError("no such program"), Verdict.OK, "nobody tells whether"),
    ],
)
def test_whether_the_clock_is_kept_right_is_asked_of_the_system(
    told_by_system: Callable[[str | Exception], Finding], answer: str | Exception, verdict: Verdict, words: str
) -> None:
    told = told_by_system(answer)
    assert told.verdict is verdict
    assert words in told.found


def test_a_clock_before_our_own_files_is_wrong() -> None:
    told = CLOCK(datetime(1970, 1, 1, 0, 7, tzinfo=UTC))
    assert told.verdict is Verdict.WARNING
    assert told.found.startswith("it says 1970-01-01 00:07 UTC, and our own files are from 20")


def test_what_is_overheard_is_shown_no_more_and_afterwards_is(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("unknot.device.made")
    with checkup.overheard() as said:
        log.warning("this %s", "one")
        log.info("not this one")
    log.warning("again")
    assert said == ["this one"]
    assert [record.getMessage() for record in caplog.records] == ["again"]


# How it is told

LONG = Finding(
    "configuration",
    Verdict.WARNING,
    "/home/somebody/with-a-long-name/.config/unknot/config.toml, with\x1b[1m 2 balls",
    "look whether all of them are meant, and put it where a service finds it: in /etc/unknot",
)


def test_a_finding_at_sixty_and_at_a_hundred_columns() -> None:
    assert doctor.as_lines(LONG, 60) == [
        "warning  configuration  /home/somebody/with-a-long-name/.config/unknot/config.toml,",
        "                        with\\x1b[1m 2 balls",
        "                        > look whether all of them are",
        "                          meant, and put it where a service",
        "                          finds it: in /etc/unknot",
    ]
    assert doctor.as_lines(LONG, 100) == [
        "warning  configuration  /home/somebody/with-a-long-name/.config/unknot/config.toml, with\\x1b[1m 2",
        "                        balls",
        "                        > look whether all of them are meant, and put it where a service finds it:",
        "                          in /etc/unknot",
    ]
    assert doctor.as_lines(Finding("disk", Verdict.OK, "room"), 60) == ["ok       disk           room"]


def leave(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(["doctor", *words])
    assert isinstance(left.value.code, int)
    return left.value.code


@pytest.mark.parametrize(
    ("url", "trouble", "code"),
    [
        (None, None, exits.DONE),
        ("mqtt://localhost", None, exits.NO_BROKER),
        (None, Trouble.NO_ADAPTER, exits.NO_LINK),
        ("mqtt://localhost", Trouble.NO_ADAPTER, exits.NO_LINK),
        ("localhost", Trouble.NO_ADAPTER, exits.USAGE),
    ],
)
@pytest.mark.real_time
def test_the_first_trouble_decides_the_exit_code(
    url: str | None,
    trouble: Trouble | None,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(doctor, "_dial_to", refusing(BrokerUnreachable("nobody answers", advice="start it")))
    monkeypatch.setattr(checkup, "LISTENING_SECONDS", 0.1)
    if trouble is not None:
        broken(monkeypatch, trouble)
    words = [] if url is None else ["--broker", url]
    assert leave(*words) == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ok       versions       unknot 1"
    assert all(line[:9].strip() in ("ok", "warning", "trouble", "") for line in lines)
    assert leave(*words, "--json") == code
    told = json.loads(capsys.readouterr().out)
    assert told["exit"] == code
    assert told["findings"][0] == {"what": "versions", "verdict": "ok", "found": "unknot 1", "advice": ""}


def test_every_trouble_there_can_be_has_its_exit_code() -> None:
    # Those of other things are warnings: they keep nobody from playing.
    assert set(doctor._CODES) == {"configuration", "Bluetooth", "scan", "guard", "broker", "topics"}
