"""What a URL of a ball elsewhere means, and to whom a password is said."""

from pathlib import Path

import pytest

from unknot.anywhere import is_elsewhere
from unknot.bridge.broker import Broker
from unknot.bridge.elsewhere.targets import Place, own_broker, place, refuse_password
from unknot.errors import UsageError


@pytest.fixture
def told(tmp_path: Path) -> dict[str, str]:
    """An environment that names a configuration whose broker wants a login."""
    (tmp_path / "secret").write_text("sesame\n")
    file = tmp_path / "config.toml"
    file.write_text(
        'schema = 1\n[broker]\nurl = "mqtts://clinic:8884"\nusername = "gw1"\n'
        'password_file = "secret"\nbase = "house"\n'
    )
    return {"UNKNOT_CONFIG": str(file)}


NOWHERE = {"UNKNOT_CONFIG": ""}


@pytest.mark.parametrize(
    ("url", "means"),
    [
        ("mqtt://broker", Place(Broker("broker"))),
        ("mqtt://broker/", Place(Broker("broker"))),
        ("mqtt://broker/raum-3", Place(Broker("broker"), "raum-3")),
        ("mqtt://broker:1884/raum-3/c0ba11000001", Place(Broker("broker", 1884), "raum-3", "c0ba11000001")),
        ("mqtts://broker/raum-3/OpenBall%207", Place(Broker("broker", 8883, is_tls=True), "raum-3", "OpenBall 7")),
        ("mqtt://me:p%40ss@broker", Place(Broker("broker", username="me", password="p@ss"))),
        ("mqtt://[::1]:1884/raum-3", Place(Broker("::1", 1884), "raum-3")),
        ("MQTT://broker", Place(Broker("broker"))),
    ],
)
def test_a_url_names_broker_gateway_and_ball(url: str, means: Place) -> None:
    assert is_elsewhere(url)
    assert place(url, environment=NOWHERE) == means


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mqtt://", "found 'mqtt://', expected mqtt://BROKER[/GATEWAY[/BALL]], or mqtts:// with TLS"),
        ("mqtt://a/b/c/d", "found 'mqtt://a/b/c/d', expected mqtt://"),
        ("mqtt://a?b", "found 'mqtt://a?b', expected"),
        ("mqtt://a:b", "found 'mqtt://a:b', expected"),
        ("mqtt://me:secret@[a", r"found 'mqtt://me:***@[a', expected"),
        ("mqtt://a/Raum 3", "no gateway can be called 'Raum 3'; did you mean 'raum-3'?"),
        ("mqtt://a/all", "no gateway can be called 'all'"),
        ("mqtt://a/+", "no gateway can be called '+'"),
        ("mqtt://\x1b[2J", r"found 'mqtt://\x1b[2J', expected"),
    ],
)
def test_what_is_no_such_url_is_refused_in_one_line(url: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        place(url, environment=NOWHERE)
    assert str(refused.value).startswith(words)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("target", [None, "OpenBall", "AA:BB:CC:DD:EE:FF", "mqtt", 3, b"mqtt://a", "http://mqtt://"])
def test_what_is_near_is_not_elsewhere(target: object) -> None:
    assert not is_elsewhere(target)


def test_the_file_tells_how_to_log_in_to_its_own_broker_and_to_no_other(told: dict[str, str]) -> None:
    own = own_broker(environment=told)
    assert (own.username, own.password, own.base) == ("gw1", "sesame", "house")
    assert place("mqtts://clinic:8884/raum-3", environment=told) == Place(own, "raum-3")
    for other in ("mqtts://clinic", "mqtt://clinic:8884", "mqtts://evil:8884"):
        at = place(other, environment=told).broker
        assert (at.username, at.password, at.base) == ("", "", "unknot")


def test_the_environment_tells_how_to_log_in_anywhere_unless_it_names_a_broker(told: dict[str, str]) -> None:
    login = {"UNKNOT_BROKER__USERNAME": "me", "UNKNOT_BROKER__PASSWORD": "pw"}
    at = place("mqtts://elsewhere", environment=told | login).broker
    assert (at.username, at.password) == ("me", "pw")
    at = place("mqtts://elsewhere", environment=login | {"UNKNOT_BROKER__URL": "mqtts://clinic"}).broker
    assert (at.username, at.password) == ("", "")
    at = place("mqtts://clinic", environment=login | {"UNKNOT_BROKER__URL": "mqtts://clinic"}).broker
    assert (at.username, at.password) == ("me", "pw")


def test_the_url_itself_is_stronger(told: dict[str, str]) -> None:
    at = place("mqtts://me:pw@clinic:8884", environment=told).broker
    assert (at.username, at.password, at.base) == ("me", "pw", "house")


def test_a_password_on_the_command_line_is_refused_and_not_repeated() -> None:
    refuse_password("mqtt://me@broker/raum-3")
    with pytest.raises(UsageError, match="UNKNOT_BROKER__PASSWORD") as refused:
        refuse_password("mqtt://me:sesame@broker/raum-3")
    assert "sesame" not in str(refused.value)


def test_without_a_configuration_there_is_no_broker_of_our_own() -> None:
    with pytest.raises(UsageError, match="no broker is named: say --via mqtt://BROKER"):
        own_broker(environment=NOWHERE)
