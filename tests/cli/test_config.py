"""The commands about a gateway's configuration, as their users type them; and the unit, as systemd reads it."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from unknot.bridge.configuration import settings
from unknot.cli import main, unit
from unknot.errors import ConfigFileError

LEAST = 'schema = 1\n[broker]\nurl = "mqtt://broker.local"\n'


def leave(*words: str | Path) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    assert isinstance(left.value.code, int)
    return left.value.code


def file_of(folder: Path, text: str = LEAST) -> Path:
    file = folder / "gateway.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_first_configuration_is_written_checked_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    own, systems = settings.places()
    assert leave("config", "path") == 0
    printed = capsys.readouterr()
    assert printed.out == f"{own}\n"
    assert printed.err == "unknot: it is not there yet; 'unknot config init' writes one to start from\n"

    assert leave("config", "check") == 2
    assert capsys.readouterr().err == (
        f"unknot: {own}: found no configuration; expected this file, or {systems}, or UNKNOT_CONFIG; "
        "'unknot config init' writes one\n"
    )

    assert leave("config", "init") == 0
    assert capsys.readouterr().out == f"{own}: written; next: edit it, then: unknot config check {own}\n"
    if sys.platform != "win32":
        assert stat.S_IMODE(own.stat().st_mode) == 0o600
        assert stat.S_IMODE(own.parent.stat().st_mode) == 0o700

    assert leave("config", "path") == 0
    assert capsys.readouterr() == (f"{own}\n", "")
    assert leave("config", "check") == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{own}: ok: mqtt://localhost:1883, gateway ")
    assert out.endswith("  it keeps no ball: name some under [[balls]], or set take_new\n")

    own.write_text("mine")
    assert leave("config", "init") == 2
    assert capsys.readouterr().err == f"unknot: {own}: is there already, and is left as it is; choose another name\n"
    assert own.read_text() == "mine"


def test_a_configuration_is_written_where_it_is_wanted_but_no_folder_is_made_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert leave("config", "init", tmp_path / "here.toml") == 0
    assert leave("config", "check", tmp_path / "here.toml") == 0
    capsys.readouterr()
    assert leave("config", "init", tmp_path / "none" / "here.toml") == 2
    assert "cannot be written: no such file or directory" in capsys.readouterr().err


def test_what_is_allowed_and_may_not_be_meant_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("UNKNOT_BROKER__PASSWORD", "hunter2")
    file = file_of(tmp_path, LEAST + 'username = "gw1"\n[gateway]\nname = "room-3"')
    assert leave("config", "check", file) == 0
    assert capsys.readouterr().out == (
        f"{file}: ok: mqtt://broker.local:1883 as gw1, gateway room-3, 0 balls\n"
        "  the environment has UNKNOT_BROKER__PASSWORD, which a\n"
        "    service does not see\n"
        "  the password travels in the clear: mqtts:// would hide it\n"
        "  it keeps no ball: name some under [[balls]], or set\n"
        "    take_new\n"
    )


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_passwords_are_not_shown(
    form: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNKNOT_BROKER__URL", "mqtt://gw1:hunter1@localhost")
    monkeypatch.setenv("UNKNOT_BROKER__PASSWORD", "hunter2")
    (tmp_path / "secret").write_text("hunter3")
    assert leave("config", "show", file_of(tmp_path, LEAST + "password_file = 'secret'"), *form) == 0
    printed = capsys.readouterr()
    assert "hunter" not in printed.out + printed.err
    if form:
        told = json.loads(printed.out)["settings"]
        assert told["broker.password"] == {"value": True, "from": "environment"}
        assert told["broker.url"] == {"value": "mqtt://gw1:***@localhost", "from": "environment"}
        assert told["broker.password_file"] == {"value": str(tmp_path / "secret"), "from": "file"}
    else:
        rows = [line.split() for line in printed.out.splitlines()]
        assert ["broker.url", "environment", "mqtt://gw1:***@localhost"] in rows
        assert ["broker.password", "environment", "***"] in rows


def test_what_is_shown_fits_sixty_columns_and_obeys_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    text = "[[balls]]\nadvertised = 'x'\nname = 'Ein Ball, der einen recht langen Namen hat, im hinteren Zimmer'"
    assert leave("config", "show", file_of(tmp_path, LEAST + text)) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert max(map(len, lines)) <= 60
    assert lines[-1].startswith("                                   ")


def test_a_file_that_is_no_configuration_is_told_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = file_of(tmp_path, LEAST + 'password = "hunter2"\n')
    for command in ("check", "show", "unit"):
        assert leave("config", command, file) == 2
        error, source, carets = capsys.readouterr().err.splitlines()
        assert error.startswith(f"unknot: {file}:4:1: broker.password: found a password in the file; expected")
        assert (source, carets) == ("        4 | password = *********", "          | ^^^^^^^^")


def test_the_schema_is_printed_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave("config", "schema") == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))


# The unit

PROGRAM = ("/opt/unknot/bin/unknot",)


def written(folder: Path, text: str, program: tuple[str, ...] = PROGRAM, *, has_group: bool = True) -> list[str]:
    given = settings.read(file_of(folder, text), environment={})
    return unit.text(program, given, has_group=has_group).splitlines()


def test_the_unit_starts_this_program_with_this_configuration(tmp_path: Path) -> None:
    lines = written(tmp_path, LEAST)
    assert "ExecStart=/opt/unknot/bin/unknot bridge --config %d/config.toml" in lines
    assert f"LoadCredential=config.toml:{tmp_path}/gateway.toml" in lines
    assert {"Type=notify", "WatchdogSec=30", "Restart=on-failure", "RestartPreventExitStatus=2"} <= {*lines}
    assert {"KillMode=process", "User=unknot", "SupplementaryGroups=bluetooth", "ProtectHome=yes"} <= {*lines}
    assert not any("@" in line.replace("@system-service", "") for line in lines)


def test_without_a_configuration_it_is_the_systems_place(tmp_path: Path) -> None:
    lines = unit.text(PROGRAM, settings.read(environment={}), has_group=False).splitlines()
    assert f"LoadCredential=config.toml:{tmp_path}/etc/config.toml" in lines
    assert not any(line.startswith("SupplementaryGroups") for line in lines)


def test_secrets_are_handed_over_and_other_files_named_by_their_whole_paths(tmp_path: Path) -> None:
    text = LEAST.replace("mqtt:", "mqtts:") + (
        "password_file = 'pass word'\nca_file = 'a \"b\" $c 100%.pem'\ncert_file = '/etc/own.pem'\nkey_file = 'own.key'"
    )
    lines = written(tmp_path, text)
    assert f"LoadCredential=broker-password:{tmp_path}/pass word" in lines
    assert "Environment=UNKNOT_BROKER__PASSWORD_FILE=%d/broker-password" in lines
    assert f"LoadCredential=broker-key:{tmp_path}/own.key" in lines
    assert "Environment=UNKNOT_BROKER__KEY_FILE=%d/broker-key" in lines
    assert f'Environment="UNKNOT_BROKER__CA_FILE={tmp_path}/a \\"b\\" $c 100%%.pem"' in lines
    assert "Environment=UNKNOT_BROKER__CERT_FILE=/etc/own.pem" in lines


def test_a_program_at_home_is_seen_there(tmp_path: Path) -> None:
    lines = written(tmp_path, LEAST, ("/home/me/my tools/100%/$x/python", "-m", "unknot"))
    assert 'ExecStart="/home/me/my tools/100%%/$$x/python" -m unknot bridge --config %d/config.toml' in lines
    assert "ProtectHome=read-only" in lines


def test_a_profile_beside_the_configuration_is_refused_since_a_service_would_not_find_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match=r"balls\.1\.profile: found 'mine\.toml'; expected the whole path"):
        written(tmp_path, LEAST + "[[balls]]\nadvertised = 'x'\nprofile = 'mine.toml'")


def test_this_program_is_named_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/some/where/unknot/__main__.py", "config"])
    assert unit.this_program() == (sys.executable, "-m", "unknot")
    (tmp_path / "unknot").touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["./unknot", "config"])
    assert unit.this_program() == (str(tmp_path / "unknot"),)


def test_a_program_that_others_cannot_reach_is_told(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    program = tmp_path / "closed" / "unknot"
    (note,) = unit.notes((str(program),))
    assert note.startswith(f"the service's user cannot reach {program}, since only its owner may enter /")
    assert unit.notes(("/bin/unknot",)) == []


@pytest.mark.real_time
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    (tmp_path / "pass word").touch()
    text = LEAST + "username = 'u'\npassword_file = 'pass word'\n"
    file = tmp_path / "unknot.service"
    given = settings.read(file_of(tmp_path, text), environment={})
    file.write_text(unit.text((sys.executable, "-m", "unknot"), given, has_group=False))
    told = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", "--man=no", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, told.stdout + told.stderr) == (0, "")
