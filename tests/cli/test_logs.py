"""The log of a command that runs for years, for people and for programs."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta
from typing import Any

import click
import pytest

from unknot.cli import exits, logs
from unknot.errors import BrokerUnreachable

log = logging.getLogger("unknot.bridge.made")
foreign = logging.getLogger("somebody.else")
SECRET = 'hun"ter2'  # noqa: S105 - nobody's


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_people_read_the_words_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with logs.kept("text"):
        log.info("connected to %s", "mqtt://localhost:1883")
        log.warning("Ball\x1b[1m is gone\nfor good")
        log.debug("a detail")
        foreign.info("nothing of ours")
        foreign.warning("something of theirs")
    assert capsys.readouterr().err == (
        "connected to mqtt://localhost:1883\nBall\\x1b[1m is gone\\nfor good\nsomething of theirs\n"
    )


def test_programs_read_one_object_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with logs.kept("json", "debug"):
        log.debug("Bällchen %s", 3)
        log.error("a\nb")
    first, second = lines(capsys)
    told = datetime.fromisoformat(first.pop("time"))
    assert told.utcoffset() == timedelta(0)
    assert abs((datetime.now().astimezone() - told).total_seconds()) < 60
    assert first == {"level": "debug", "logger": "unknot.bridge.made", "message": "Bällchen 3"}
    assert second["message"] == "a\\nb"


def test_an_exception_is_in_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    with logs.kept("json"):
        try:
            raise ValueError(SECRET)
        except ValueError:
            log.exception("it failed")
    (line,) = lines(capsys)
    assert line["message"] == "it failed"
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith(f"ValueError: {SECRET}")


@pytest.mark.parametrize("log_format", logs.FORMATS)
def test_a_password_is_shown_by_nobody(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    with logs.kept(log_format, secrets=[SECRET, ""]):
        log.warning("login as %s with %s", "gw1", SECRET)
        foreign.warning("mqtt://gw1:%s@host", SECRET)
        try:
            raise ValueError(SECRET)
        except ValueError:
            log.exception("it failed")
    told = capsys.readouterr().err
    assert "ter2" not in told
    assert told.count("***") >= 3


def test_the_error_that_ends_it_is_a_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(click.exceptions.Exit) as left, logs.kept("json"):
        raise BrokerUnreachable("nobody answers at host", advice="start the broker")
    assert left.value.exit_code == exits.NO_BROKER
    (line,) = lines(capsys)
    assert (line["level"], line["message"]) == ("error", "nobody answers at host; start the broker")


def test_wrong_usage_is_a_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(click.exceptions.Exit) as left, logs.kept("json"):
        raise click.UsageError("That cannot be meant.")
    assert left.value.exit_code == exits.USAGE
    assert lines(capsys)[0]["message"] == "that cannot be meant; see 'unknot --help'"


def test_for_people_the_error_is_told_where_all_errors_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BrokerUnreachable), logs.kept("text"):
        raise BrokerUnreachable("nobody answers at host")
    assert capsys.readouterr().err == ""


def test_afterwards_all_is_as_before() -> None:
    before = logging.getLogger().handlers[:], logging.getLogger("unknot").level
    with logs.kept("json", "debug"):
        assert log.isEnabledFor(logging.DEBUG)
    assert (logging.getLogger().handlers, logging.getLogger("unknot").level) == before


def test_the_words_that_choose_are_understood() -> None:
    chosen: list[tuple[str | None, str]] = []

    @click.command()
    @logs.log_options
    def command(log_format: str | None, log_level: str) -> None:
        chosen.append((log_format, log_level))

    command.main([], standalone_mode=False)
    command.main(["--log-format", "json", "--log-level", "warning"], standalone_mode=False)
    assert chosen == [(None, "info"), ("json", "warning")]
    with pytest.raises(click.BadParameter):
        command.main(["--log-format", "xml"], standalone_mode=False)
