"""The broker that the other tests speak to: it comes, goes and comes again."""

import shutil
import socket
import ssl
from pathlib import Path

import pytest

from tests.bridge import mosquitto as module
from tests.bridge.certificates import Authority
from tests.bridge.mosquitto import ACL, Mosquitto, Tls, mosquitto

pytestmark = pytest.mark.real_time


def is_there(server: Mosquitto) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port), 1).close()
    except ConnectionRefusedError:
        return False
    return True


def test_it_goes_and_comes_again_on_its_port(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as server:
        assert is_there(server)
        server.kill()
        assert not is_there(server)
        server.start()
        assert is_there(server)
        server.freeze()
        server.restart()
        assert is_there(server)
    assert not is_there(server)


def test_it_says_where_it_is(tmp_path: Path) -> None:
    with mosquitto(tmp_path, users={"gw1": "secret"}, acl=ACL) as server:
        broker = server.broker(username="gw1", password="secret")
        assert (broker.host, broker.port, broker.is_tls, broker.username) == ("127.0.0.1", server.port, False, "gw1")
    assert "Opening ipv4 listen socket" in server.log


def test_its_certificate_is_good(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with mosquitto(tmp_path, tls=Tls(authority)) as server:
        broker = server.broker()
        assert broker.is_tls
        context = ssl.create_default_context(cafile=broker.ca_file)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        with (
            socket.create_connection(("127.0.0.1", server.port)) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as encrypted,
        ):
            assert encrypted.version() == "TLSv1.3"


def test_where_there_must_be_one_its_absence_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    monkeypatch.delenv(module.REQUIRED, raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install mosquitto"):
        module.program()
    monkeypatch.setenv(module.REQUIRED, "1")
    with pytest.raises(pytest.fail.Exception, match="apt-get install mosquitto"):
        module.program()


def test_a_wrong_configuration_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Unknown configuration variable"), mosquitto(tmp_path, extra="nonsense true"):
        pass
