"""What a gateway's configuration may say, wherever it says it, and what is told if it may not."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.carets import pointed_at, without_place
from unknot import schemas
from unknot.bridge.broker import Broker
from unknot.bridge.configuration import config, discretion, effective, schema, starter
from unknot.bridge.configuration import settings as layers
from unknot.bridge.configuration.config import BallConfig, GatewayConfig, LogFormat, OnBrokerLost
from unknot.bridge.configuration.settings import Origin
from unknot.errors import ConfigFileError

ALL = """\
schema = 1

[broker]
url = "mqtts://broker.local"
username = "gw1"
password_file = "secret"
ca_file = "ca.pem"
cert_file = "own.pem"
key_file = "own.key"
version = "3.1.1"
base = "clinic"
keep_alive = "1min"

[gateway]
name = "room-3"
adapter = "hci1"
take_new = true
on_broker_lost = "stop"
publish_log = true
accept_protocols = true
log_format = "json"

[homeassistant]
discovery = false
prefix = "ha/discovery"

[[balls]]
address = "aa:bb:cc:dd:ee:01"
name = "Bällchen „drei“ \\"weich\\" 👩‍⚕️"

[[balls]]
id = "second"
advertised = "OpenBall 7"
profile = "open-ball"

[[balls]]
address = "AA:BB:CC:DD:EE:03"
profile = "mine.toml"
"""

LEAST = 'schema = 1\n[broker]\nurl = "mqtt://localhost"\n'


def file_of(folder: Path, text: str = LEAST) -> Path:
    file = folder / "gateway.toml"
    file.write_text(text, encoding="utf-8")
    return file


def load(file: Path, environment: dict[str, str] | None = None, **flags: object) -> GatewayConfig:
    return effective.load(file, environment=environment or {}, flags={f"broker.{k}": v for k, v in flags.items()})


def refusal(file: Path | None, environment: dict[str, str] | None = None, **flags: object) -> ConfigFileError:
    with pytest.raises(ConfigFileError) as caught:
        effective.load(file, environment=environment or {}, flags={f"broker.{k}": v for k, v in flags.items()})
    assert str(caught.value).isprintable()
    return caught.value


def test_all_that_can_be_said_is_taken(tmp_path: Path) -> None:
    for name, text in (
        ("secret", 'päss "word"\r\n'),
        ("ca.pem", ""),
        ("own.pem", ""),
        ("own.key", ""),
        ("mine.toml", ""),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    assert load(file_of(tmp_path, ALL)) == GatewayConfig(
        broker=Broker(
            "broker.local", 8883, is_tls=True, username="gw1", password='päss "word"',
            ca_file=tmp_path / "ca.pem", cert_file=tmp_path / "own.pem", key_file=tmp_path / "own.key",
            version="3.1.1", base="clinic", keep_alive=60,
        ),
        name="room-3", adapter="hci1", take_new=True, on_broker_lost=OnBrokerLost.STOP, publish_log=True,
        accept_protocols=True, log_format=LogFormat.JSON, discovery=False, prefix="ha/discovery",
        balls=(
            BallConfig("aabbccddee01", 'Bällchen „drei“ "weich" 👩‍⚕️', "AA:BB:CC:DD:EE:01", "AA:BB:CC:DD:EE:01"),
            BallConfig("second", "OpenBall 7", "OpenBall 7", "", "open-ball"),
            BallConfig(
                "aabbccddee03", "AA:BB:CC:DD:EE:03", "AA:BB:CC:DD:EE:03", "AA:BB:CC:DD:EE:03", str(tmp_path / "mine.toml")
            ),
        ),
    )  # fmt: skip


def test_the_least_that_can_be_said_is_the_broker(tmp_path: Path) -> None:
    taken = load(file_of(tmp_path))
    assert taken == GatewayConfig(Broker("localhost"), effective.host_id())
    assert "password" not in repr(taken)


@pytest.mark.parametrize(
    ("host", "name"), [("Raum3.local", "raum3"), ("all", "gateway"), ("", "unnamed"), ("Büro 2", "b-ro-2")]
)
def test_a_gateway_that_nobody_named_is_called_as_its_computer(
    host: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: host)
    assert effective.host_id() == name


WRONG = [
    ("[broker]", "broker", "schema: found nothing; expected this key"),
    ("schema = 2", "2", "schema: found 2; expected 1, the only version that this program reads"),
    (LEAST + "pasword_file = 'x'", "pasword_file", "broker.pasword_file: found an unknown key; expected one of username, password_file, ca_file, cert_file, key_file, version, base, keep_alive; did you mean 'password_file'?"),
    (LEAST + "version = 5", "5", "broker.version: found 5; expected '5' or '3.1.1'"),
    (LEAST + "keep_alive = 15", "15", "broker.keep_alive: found 15; expected a duration with its unit, such as " '"45s", "500ms" or "2min"'),
    (LEAST + "keep_alive = '1s'", "'1s'", "broker.keep_alive: found '1s'; expected whole seconds from \"5s\" to \"5min\""),
    (LEAST + "base = 'a/b'", "'a/b'", "broker.base: found 'a/b'; expected letters, digits, - and _, at most 64: the first level of every topic"),
    (LEAST + "ca_file = 3", "3", "broker.ca_file: found 3; expected the path of a file, in quotes"),
    (LEAST + "username = ''", "''", "broker.username: found ''; expected text in one line of at most 100 characters, such " 'as "Room 3"'),
    ('schema = 1\n[broker]\nurl = "broker.local"', '"broker.local"', "broker.url: found 'broker.local'; expected a broker's URL such as mqtt://broker.local or mqtts://broker.local:8883"),
    ("schema = 1\n[gateway]\nname = 'all'", "'all'", "gateway.name: found 'all'; expected another name: that one means every gateway"),
    ("schema = 1\n[gateway]\nname = 'Raum 3'", "'Raum 3'", "gateway.name: found 'Raum 3'; expected lower-case letters, digits, - and _, at most 64; did you mean 'raum-3'?"),
    ("schema = 1\n[gateway]\ntake_new = 'yes'", "'yes'", "gateway.take_new: found 'yes'; expected true or false"),
    ("schema = 1\n[gateway]\non_broker_lost = 'stopp'", "'stopp'", "gateway.on_broker_lost: found 'stopp'; expected 'finish' or 'stop'; did you mean 'stop'?"),
    ("schema = 1\n[homeassistant]\nprefix = 'a/#'", "'a/#'", "homeassistant.prefix: found 'a/#'; expected a topic without " 'wildcards, such as "homeassistant"'),
    ("schema = 1\n[homeasistant]", "homeasistant", "homeasistant: found an unknown key; expected one of broker, gateway, homeassistant, balls; did you mean 'homeassistant'?"),
    ("schema = 1\n[[balls]]\nname = 'x'", "balls", "balls.1.address: found nothing; expected its address, or 'advertised' with the name that it advertises"),
    ("schema = 1\n[[balls]]\naddress = 'AA:BB:CC:DD:EE:FF'\nadvertised = 'x'", "'x'", "balls.1.advertised: found 'x'; expected either this or 'address', not both"),
    ("schema = 1\n[[balls]]\naddress = 'OpenBall 7'", "'OpenBall 7'", "balls.1.address: found 'OpenBall 7'; expected an address such as \"AA:BB:CC:DD:EE:FF\"; what it advertises is named by 'advertised'"),
    ("schema = 1\n[[balls]]\nadvertised = 'é'", "balls", "balls.1.id: found nothing; expected an id of lower-case letters, digits, - and _, at most 64, since none can be made of the advertised name"),
    ("schema = 1\n[[balls]]\naddress = 'AA:BB:CC:DD:EE:FF'\nname = \"a\\tb\"", '"a\\tb"', "balls.1.name: found 'a\\tb'; " 'expected text in one line of at most 100 characters, such as "Room 3"'),
    ("schema = 1\n[[balls]]\naddress = 'AA:BB:CC:DD:EE:FF'\nname = \"a\\u202Eb\"", '"a\\u202Eb"', "balls.1.name: found 'a\\u202eb'; expected text in one line of at most 100 characters, such as \"Room 3\""),
    ("schema = 1\n[[balls]]\naddress = 'AA:BB:CC:DD:EE:FF'\n[[balls]]\naddress = 'aa:bb:cc:dd:ee:ff'", "'aa:bb:cc:dd:ee:ff'", "balls.2.address: found 'AA:BB:CC:DD:EE:FF'; expected one of its own: ball 1 has this one"),
    ("schema = 1\n[[balls]]\naddress = 'AA:BB:CC:DD:EE:FF'\n[[balls]]\nadvertised = 'x'\nid = 'aabbccddeeff'", "'aabbccddeeff'", "balls.2.id: found 'aabbccddeeff'; expected one of its own: ball 1 has this one"),
    ("schema = 1\n[[balls]]\nadvertised = 'x'\n[[balls]]\nadvertised = 'x'\nid = 'other'", "'x'", "balls.2.advertised: found 'x'; expected one of its own: ball 1 has this one"),
    (LEAST + "ca_file = 'ca.pem'", "'ca.pem'", "broker.ca_file: found 'ca.pem'; expected no certificates where the url begins with mqtt://; TLS is mqtts://"),
    (LEAST.replace("mqtt:", "mqtts:") + "key_file = 'k'", "'k'", "broker.key_file: found 'k'; expected a cert_file that this key belongs to"),
    (LEAST.replace("mqtt:", "mqtts:") + "cert_file = 'c'", "'c'", "broker.cert_file: found 'c', no such file or directory; expected a readable file"),
    (LEAST.replace("mqtt:", "mqtts:") + "cert_file = '.'", "'.'", "broker.cert_file: found '.', a folder; expected a readable file"),
    (LEAST.replace("//", "//a@") + "username = 'b'", "'b'", "broker.username: found 'b'; expected 'a', whom the url names, or a url without"),
    (LEAST + "[[balls]]\nadvertised = 'x'\nprofile = 'open-bal'", "'open-bal'", "balls.1.profile: found 'open-bal'; expected one of bluebuzzah, "),
    (LEAST + "[[balls]]\nadvertised = 'x'\nprofile = 'none.toml'", "'none.toml'", "balls.1.profile: found 'none.toml'; expected a profile's file that is there"),
    ("schema = 1\n[broker]", "broker", "broker.url: found nothing; expected the broker's URL, such as mqtt://broker.local, here, in UNKNOT_BROKER__URL, or as --broker"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "marked", "said"), WRONG, ids=[said.split(":")[0] for _, _, said in WRONG])
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, marked: str, said: str) -> None:
    error = refusal(file_of(tmp_path, text))
    assert without_place(error).replace(f"{tmp_path}/", "").replace(str(tmp_path), ".")[: len(said)] == said
    assert pointed_at(error) == marked


def test_the_profile_that_was_meant_is_named(tmp_path: Path) -> None:
    error = refusal(file_of(tmp_path, LEAST + "[[balls]]\nadvertised = 'x'\nprofile = 'open-bal'"))
    assert error.nearest == "open-ball"


@pytest.mark.parametrize(
    ("written", "found"),
    [(b"", "an empty file"), (b"\n", "an empty file"), (b"a\nb\n", "more than one line"), (b"\xff", "more than one line"),
     (b"x" * 4097, "more than one line")],
)  # fmt: skip
def test_a_password_file_has_one_line(tmp_path: Path, written: bytes, found: str) -> None:
    (tmp_path / "secret").write_bytes(written)
    error = refusal(file_of(tmp_path, LEAST + 'username = "u"\npassword_file = "secret"'))
    assert found in error.found
    assert error.expected == "a file with the password in one line"


def test_a_password_needs_somebody_whose_it_is(tmp_path: Path) -> None:
    assert "expected the user whose password was given" in str(
        refusal(file_of(tmp_path), {"UNKNOT_BROKER__PASSWORD": "x"})
    )


# The password

SECRETS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=5, max_size=90)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(
    SECRETS.filter(lambda secret: not re.search(r"['\"\\]", secret)),
    st.sampled_from(
        [
            'schema = 1\n[broker]\npassword = "{}"',
            "schema = 1\n[broker]\npassword = '{}' # mine",
            "schema = 1\n[broker]\nPasswort = {}",
            "schema = 1\n[broker]\nuser_password = '''{}'''",
            "schema = 1\nbroker = {{ password = '{}', versio = 3 }}",
            "schema = 1\nbroker = [{{ secret = '{}' }}]",
            "schema = 1\n[broker]\nurl = 'mqtt://u:{}@host'",
            "schema = 1\n[broker]\nurl = 'mqtt://u:{}@host:x'",
            "schema = 1\nbroker = {{ url = 'mqtt://u:{}@host', versio = 3 }}",
            "schema = 1\nbroker = 'mqtt://u:{}@host'",
            "schema = 1\n[broker]\nurl = mqtt://u:{}@host",
        ]
    ),
)
def test_a_password_in_the_file_is_refused_and_never_repeated(tmp_path: Path, secret: str, text: str) -> None:
    secret = f"GEHEIM{secret}"
    error = refusal(file_of(tmp_path, text.format(secret)))
    assert "GEHEIM" not in f"{error}{error.source}{error.found}{error.expected}{error.nearest}{error.args}"


def test_where_a_password_belongs_is_told_and_carets_stay_in_their_place(tmp_path: Path) -> None:
    error = refusal(file_of(tmp_path, LEAST + 'password = "hunter2"  # not here\n'))
    assert without_place(error) == (
        "broker.password: found a password in the file; expected password_file with the path of a file that holds it, "
        "or UNKNOT_BROKER__PASSWORD in the environment"
    )
    assert (error.source, error.mark, error.width) == (f"password = {'*' * 21}", 0, 8)
    assert "hunter2" not in repr(error)


def test_an_error_elsewhere_is_told_as_ever_though_a_url_has_a_password(tmp_path: Path) -> None:
    error = refusal(file_of(tmp_path, "schema = 1\n[broker]\nurl = 'mqtt://u:hunter2@host'\nversio = '5'"))
    assert (error.key, error.source, error.nearest) == ("broker.versio", "versio = '5'", "version")


def test_a_password_on_the_command_line_is_refused(tmp_path: Path) -> None:
    error = refusal(file_of(tmp_path), url="mqtt://u:hunter2@host")
    assert str(error).startswith("the command line: broker.url: found a password, which every program on this machine")
    assert "hunter2" not in str(error)


def test_a_wrong_url_in_the_environment_is_told_without_its_password(tmp_path: Path) -> None:
    error = refusal(file_of(tmp_path), {"UNKNOT_BROKER__URL": "mqtt://u:hunter2@host/path"})
    assert str(error).startswith("the environment: UNKNOT_BROKER__URL: found 'mqtt://u:***@host/path'; expected")


@pytest.mark.parametrize(
    ("environment", "password"),
    [
        ({}, "from the file"),
        ({"UNKNOT_BROKER__PASSWORD": "itself"}, "itself"),
        ({"UNKNOT_BROKER__URL": "mqtt://gw1:in%20url@localhost"}, "in url"),
        ({"UNKNOT_BROKER__URL": "mqtt://localhost"}, "from the file"),
        ({"UNKNOT_BROKER__URL": "mqtt://gw1:x@localhost", "UNKNOT_BROKER__PASSWORD": "itself"}, "itself"),
        ({"UNKNOT_BROKER__PASSWORD_FILE": "OTHER"}, "other"),
        ({"UNKNOT_BROKER__PASSWORD_FILE": "OTHER", "UNKNOT_BROKER__PASSWORD": "itself"}, "itself"),
    ],
)
def test_the_password_from_the_strongest_place_counts(
    tmp_path: Path, environment: dict[str, str], password: str
) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    (tmp_path / "other").write_text("other")
    given = {name: value.replace("OTHER", str(tmp_path / "other")) for name, value in environment.items()}
    taken = load(file_of(tmp_path, LEAST + 'username = "gw1"\npassword_file = "secret"'), given)
    assert (taken.broker.username, taken.broker.password) == ("gw1", password)
    assert password not in repr(taken)


# Where values come from


def test_the_command_line_wins_over_the_environment_that_over_the_file_that_over_the_default(tmp_path: Path) -> None:
    file = file_of(tmp_path, LEAST + "version = '3.1.1'\nbase = 'file'\nusername = 'file'")
    environment = {"UNKNOT_BROKER__BASE": "environment", "UNKNOT_BROKER__USERNAME": "environment", "HOME": "/"}
    read = layers.read(file, environment=environment, flags={"broker.username": "flag", "broker.url": None})
    told = {key: (one.value, one.origin) for key, one in read.values.items() if key.startswith("broker.")}
    assert told["broker.username"] == ("flag", Origin.FLAG)
    assert told["broker.base"] == ("environment", Origin.ENVIRONMENT)
    assert told["broker.version"] == ("3.1.1", Origin.FILE)
    assert told["broker.url"] == ("mqtt://localhost", Origin.FILE)
    assert told["broker.keep_alive"] == (15.0, Origin.DEFAULT)
    assert told["broker.password"] == (None, Origin.DEFAULT)


def test_values_of_every_kind_are_read_from_the_environment(tmp_path: Path) -> None:
    taken = load(
        file_of(tmp_path),
        {"UNKNOT_GATEWAY__TAKE_NEW": "True", "UNKNOT_BROKER__KEEP_ALIVE": "30s", "UNKNOT_GATEWAY__LOG_FORMAT": "json",
         "UNKNOT_HOMEASSISTANT__DISCOVERY": "false", "UNKNOT_GATEWAY__NAME": "", "PATH": "/bin"},
    )  # fmt: skip
    assert (taken.take_new, taken.broker.keep_alive, taken.log_format) == (True, 30, LogFormat.JSON)
    assert (taken.discovery, taken.name) == (False, effective.host_id())


def test_without_a_file_the_environment_is_enough() -> None:
    assert effective.load(environment={"UNKNOT_BROKER__URL": "mqtt://[::1]:1884"}).broker == Broker("::1", 1884)
    assert str(refusal(None)).startswith("the configuration: broker.url: found nothing; expected the broker's URL")


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"UNKNOT_BROKER__VERSION": "4"}, "UNKNOT_BROKER__VERSION: found '4'; expected '5' or '3.1.1'"),
        ({"UNKNOT_GATEWAY__TAKE_NEW": "ja"}, "UNKNOT_GATEWAY__TAKE_NEW: found 'ja'; expected true or false"),
        ({"UNKNOT_GATEWAY__NAME": "all"}, "UNKNOT_GATEWAY__NAME: found 'all'; expected another name: that one means every gateway"),
        ({"UNKNOT_BROKER__CA_FILE": "x.pem"}, "UNKNOT_BROKER__CA_FILE: found '/x.pem'; expected no certificates where"),
        ({"UNKNOT_BROKER__PASWORD": "x"}, "UNKNOT_BROKER__PASWORD: found an unknown name; expected a name that begins with "
         "UNKNOT_BROKER__ or UNKNOT_GATEWAY__ or UNKNOT_HOMEASSISTANT__; did you mean 'UNKNOT_BROKER__PASSWORD'?"),
        ({"UNKNOT_BROKER_URL": "x"}, "UNKNOT_BROKER_URL: found an unknown name; expected a name that begins with "
         "UNKNOT_BROKER__ or UNKNOT_GATEWAY__ or UNKNOT_HOMEASSISTANT__; did you mean 'UNKNOT_BROKER__URL'?"),
        ({"UNKNOT_MQTT__HOST": "x"}, "UNKNOT_MQTT__HOST: found an unknown name; expected a name that begins with "
         "UNKNOT_BROKER__ or UNKNOT_GATEWAY__ or UNKNOT_HOMEASSISTANT__"),
        ({"UNKNOT_BALLS__0__NAME": "x"}, "UNKNOT_BALLS__0__NAME: found an unknown name;"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_environment_is_told_by_its_name_there(
    tmp_path: Path, environment: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    error = refusal(file_of(tmp_path), environment)
    assert str(error).startswith(f"the environment: {said}")


def test_other_names_of_the_environment_are_nobodys_business(tmp_path: Path) -> None:
    assert load(file_of(tmp_path), {"UNKNOT_WRITE_GOLDEN": "1", "UNKNOTTED__X": "1", "_UNKNOT_COMPLETE": "zsh"})


def test_the_file_is_looked_for_in_its_places(tmp_path: Path) -> None:
    own, systems = layers.places()
    assert layers.find(environment={}) is None
    systems.parent.mkdir()
    systems.touch()
    assert layers.find(environment={}) == systems
    own.parent.mkdir()
    own.touch()
    assert layers.find(environment={}) == own
    assert layers.find(environment={"UNKNOT_CONFIG": "/else/where.toml"}) == Path("/else/where.toml")
    assert layers.find(tmp_path / "named", {"UNKNOT_CONFIG": "/else/where.toml"}) == tmp_path / "named"
    assert refusal(None, {"UNKNOT_CONFIG": "/else/where.toml"}).found == "no such file or directory"


# The schema for editors, and the file to start from

VALIDATOR = jsonschema.Draft202012Validator(schema.schema())


def complaints(content: Any) -> list[str]:
    return [error.json_path for error in VALIDATOR.iter_errors(content)]


def test_the_schema_is_one_and_takes_a_good_example() -> None:
    jsonschema.Draft202012Validator.check_schema(schema.schema())
    assert complaints(tomllib.loads(ALL)) == []
    assert '"null"' not in schema.text()
    assert schema.schema()["$defs"]["BrokerSection"]["properties"]["keep_alive"]["default"] == "15s"


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("schema = 1", "schema = 2", "$.schema"),
        ('"mqtts://broker.local"', '"broker.local"', "$.broker.url"),
        ('"gw1"', "1", "$.broker.username"),
        ('"1min"', '"1"', "$.broker.keep_alive"),
        ('"room-3"', '"Room 3"', "$.gateway.name"),
        ('"stop"', '"halt"', "$.gateway.on_broker_lost"),
        ("take_new", "take_knew", "$.gateway"),
        ("= false", '= "no"', "$.homeassistant.discovery"),
        ('"aa:bb', '"bb', "$.balls[0].address"),
        ("[[balls]]\nid", "[[ball]]\nid", "$"),
    ],
)
def test_the_schema_refuses_what_no_configuration_can_say(was: str, becomes: str, told: str) -> None:
    assert ALL.count(was) == 1
    assert complaints(tomllib.loads(ALL.replace(was, becomes))) == [told]


def test_every_key_is_explained() -> None:
    for section in (
        config.ConfigFile,
        config.BrokerSection,
        config.GatewaySection,
        config.HomeAssistantSection,
        config.BallSection,
    ):
        assert set(schemas.attributes(section, config.Section)) == set(section.model_fields)


def test_the_file_to_start_from_holds_and_so_does_what_it_shows_behind_its_signs(tmp_path: Path) -> None:
    text = starter.text("room-3")
    assert load(file_of(tmp_path, text)).name == effective.host_id()
    shown = re.sub(r"^# (?=\[\[|\w+ = )", "", text, flags=re.MULTILINE)
    content = tomllib.loads(shown)
    assert complaints(content) == []
    assert config.ConfigFile.model_validate(content).gateway.name == "room-3"
    for name, section in (("broker", config.BrokerSection), ("gateway", config.GatewaySection),
                          ("homeassistant", config.HomeAssistantSection)):  # fmt: skip
        assert list(content[name]) == list(section.model_fields)
        defaults = json.loads(section().model_dump_json(exclude_none=True, exclude={"url", "keep_alive"}))
        assert {key: value for key, value in content[name].items() if key in defaults} == defaults
    assert {key for ball in content["balls"] for key in ball} == set(config.BallSection.model_fields)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mqtt://host", "mqtt://host"),
        ("mqtt://u@host:1883", "mqtt://u@host:1883"),
        ("mqtt://u:p@host", "mqtt://u:***@host"),
        ("mqtt://:p:q/@x@host", "mqtt://:***@host"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert discretion.without_password(url) == shown
    assert discretion.has_password(url) == ("***" in shown)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret").touch(mode=0o000)
    error = refusal(file_of(tmp_path, LEAST + 'username = "u"\npassword_file = "secret"'))
    assert error.found.endswith("may not be read")
