"""Whoever cannot come to the broker is told in one line why, and what to do."""

import asyncio
import inspect
import re
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt.exceptions
import pytest
from aiomqtt.exceptions import MqttCodeError, MqttConnectError
from cryptography.hazmat.primitives import serialization
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from tests.bridge.certificates import Authority
from tests.bridge.mosquitto import ACL, Mosquitto, Tls, mosquitto
from tests.bridge.silence import silence
from unknot.bridge.broker import Broker
from unknot.bridge.link import client, mqtt, proof, sockets, trust
from unknot.bridge.link.client import translate
from unknot.bridge.link.mqtt import dial
from unknot.bridge.link.proof import prove
from unknot.bridge.topics import GatewayTopics
from unknot.errors import (
    BrokerError,
    BrokerLost,
    BrokerRefused,
    BrokerUnreachable,
    BrokerUntrusted,
    TopicsForbidden,
)

pytestmark = [pytest.mark.real_time, pytest.mark.usefixtures("silence")]
__all__ = ["silence"]

USERS = {"gw1": "secret", "other": "secret"}
VERSIONS = pytest.mark.parametrize("version", ["5", "3.1.1"])


async def refusal(broker: Broker) -> BrokerError:
    """Why the broker cannot be reached: one printable line, with what to do."""
    with pytest.raises(BrokerError) as caught:
        async with dial(broker)(None):
            pass
    error = caught.value
    assert str(error).isprintable()
    assert error.advice
    assert str(error).endswith(error.advice)
    assert error.__cause__ is not None
    return error


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("broker")


@pytest.fixture(scope="module")
def guarded(folder: Path) -> Iterator[Mosquitto]:
    with mosquitto(folder / "guarded", users=USERS, acl=ACL) as server:
        yield server


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return Authority(folder)


@pytest.fixture(scope="module")
def encrypted(folder: Path, authority: Authority) -> Iterator[Mosquitto]:
    with mosquitto(folder / "encrypted", tls=Tls(authority)) as server:
        yield server


@VERSIONS
@pytest.mark.parametrize(("username", "password"), [("gw1", "wrong"), ("nobody", "secret"), ("gw1", ""), ("", "")])
async def test_a_wrong_login_is_refused(guarded: Mosquitto, version: str, username: str, password: str) -> None:
    error = await refusal(guarded.broker(username=username, password=password, version=version))
    assert isinstance(error, BrokerRefused)
    what_to_do = "check the user name and the password" if username else "name a user, as in mqtt://USER@HOST"
    assert f"refuses the login: not authorized; {what_to_do}" in str(error)


@VERSIONS
async def test_our_own_topics_are_proved(guarded: Mosquitto, version: str) -> None:
    topics = GatewayTopics("gw1")
    async with dial(guarded.broker(username="gw1", password="secret", version=version))(None) as link:
        await link.subscribe_to_commands(topics.request("+"))
        assert await prove(link, topics.request("ping")) == []


async def test_what_comes_during_the_proof_is_not_lost(guarded: Mosquitto) -> None:
    topics = GatewayTopics("gw1")
    broker = guarded.broker(username="gw1", password="secret")
    async with dial(broker)(None) as link, dial(broker)(None) as other:
        await link.subscribe_to_commands(topics.request("+"))
        for payload in ("1", "2"):
            await other.publish(topics.request("stop_all"), payload)
        before = await prove(link, topics.request("ping"))
        assert [message.payload for message in before] == [b"1", b"2"]


async def test_a_forbidden_topic_is_told_where_the_broker_tells_it(guarded: Mosquitto) -> None:
    async with dial(guarded.broker(username="other", password="secret"))(None) as link:
        with pytest.raises(TopicsForbidden, match=r"but not unknot/gw1/status; allow user other"):
            await link.publish(GatewayTopics("gw1").status, "online")
        with pytest.raises(TopicsForbidden, match="unknot/gw1/request/ping"):
            await prove(link, GatewayTopics("gw1").request("ping"))
        await link.publish(GatewayTopics("other").status, "online")


async def test_a_forbidden_topic_is_proved_where_the_broker_keeps_it_to_itself(
    guarded: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "PROOF_SECONDS", 0.2)
    topics = GatewayTopics("gw1")
    async with dial(guarded.broker(username="other", password="secret", version="3.1.1"))(None) as link:
        await link.subscribe_to_commands(topics.request("+"))
        await link.publish(topics.status, "online")
        with pytest.raises(TopicsForbidden, match=r"unknot/gw1/request/ping does not come back; allow us"):
            await prove(link, topics.request("ping"))


async def test_a_subscription_that_is_forbidden_delivers_nothing(
    guarded: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "PROOF_SECONDS", 0.2)
    async with dial(guarded.broker(username="gw1", password="secret"))(None) as link:
        await link.subscribe_to_commands("homeassistant/device/unknot-gateway/gw1/config")
        with pytest.raises(TopicsForbidden, match="does not come back"):
            await prove(link, "homeassistant/device/unknot-gateway/gw1/config")


async def test_the_proof_ends_with_the_link(guarded: Mosquitto) -> None:
    async with dial(guarded.broker(username="gw1", password="secret"))(None) as link:
        pass
    with pytest.raises(BrokerLost):
        await prove(link, "unknot/gw1/request/ping")


async def test_a_message_that_the_broker_refuses_is_told_and_ends_nothing(guarded: Mosquitto) -> None:
    async with dial(guarded.broker(username="gw1", password="secret"))(None) as link:
        for topic in ("unknot/other/status", "$SYS/uptime", "homeassistant/status"):
            with pytest.raises(TopicsForbidden, match=re.escape(f"but not {topic}; allow user gw1 this topic")):
                await link.publish(topic, "online", retain=True)
        await link.publish("unknot/other/status", "online", qos=0)
        await link.publish("unknot/gw1/status", "online")


@pytest.mark.parametrize(
    ("version", "greeting", "answer"),
    [("5", "20 03 00 00 00", "90 05 00 01 00 01 87"), ("3.1.1", "20 02 00 00", "90 04 00 01 01 80")],
)
async def test_a_subscription_that_the_broker_refuses_is_told(version: str, greeting: str, answer: str) -> None:
    """As others do; mosquitto takes it and delivers nothing."""
    async with (
        somebody(bytes.fromhex(greeting), bytes.fromhex(answer)) as port,
        dial(Broker("127.0.0.1", port, version=version))(None) as link,
    ):
        with pytest.raises(TopicsForbidden, match="takes the login, but not unknot/other/#; allow us"):
            await link.subscribe("unknot/gw1/#", "unknot/other/#")


async def test_nobody_listens() -> None:
    error = await refusal(Broker("127.0.0.1", _free_port()))
    assert isinstance(error, BrokerUnreachable)
    assert "nobody listens at mqtt://127.0.0.1" in str(error)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "x" * 70, "a..b"])
async def test_nobody_is_called_so(host: str) -> None:
    error = await refusal(Broker(host))
    assert isinstance(error, BrokerUnreachable)
    assert host in str(error)


async def test_the_next_address_of_a_name_gets_its_turn(guarded: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one that refuses, one that is silent and one that takes us, in this order."""
    loop = asyncio.get_running_loop()
    refusing, silent, taking = _free_port(), _free_port(), guarded.port
    ports = [refusing, silent, taking]
    tcp = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")

    async def addresses(*_: object, **__: object) -> list[object]:
        return [(*tcp, ("127.0.0.1", port)) for port in ports]

    connect = loop.sock_connect

    async def slowly(connection: socket.socket, address: tuple[str, int]) -> None:
        if address[1] == silent:
            await asyncio.sleep(10)
        await connect(connection, address)

    monkeypatch.setattr(loop, "getaddrinfo", addresses)
    monkeypatch.setattr(loop, "sock_connect", slowly)
    monkeypatch.setattr(sockets, "ADDRESS_SECONDS", 0.05)
    async with dial(guarded.broker(username="gw1", password="secret"))(None):
        pass
    ports[:] = [taking, silent, refusing]
    async with dial(guarded.broker(username="gw1", password="secret"))(None):
        pass
    ports[:] = [refusing, silent]
    assert "does not answer" in str(await refusal(guarded.broker()))


async def test_tls_with_an_authority_of_our_own(encrypted: Mosquitto) -> None:
    for host in ("127.0.0.1", "localhost"):
        async with dial(encrypted.broker(host=host))(None) as link:
            await link.subscribe("x")
            await link.publish("x", "y" * 100_000)
            assert len((await anext(link.messages())).payload) == 100_000


async def test_tls_with_an_authority_that_nobody_knows(encrypted: Mosquitto) -> None:
    error = await refusal(encrypted.broker(ca_file=None))
    assert isinstance(error, BrokerUntrusted)
    assert "nobody we trust has signed the certificate of mqtts://127.0.0.1" in str(error)
    assert "ca_file" in error.advice


CERTIFICATES = {
    "is for another name; call the broker by": {"hosts": ("broker.example",)},
    "has expired; renew it": {"expired": True},
}


@pytest.mark.parametrize("words", CERTIFICATES)
async def test_tls_with_a_wrong_certificate(tmp_path: Path, authority: Authority, words: str) -> None:
    with mosquitto(tmp_path, tls=Tls(authority, **CERTIFICATES[words])) as server:  # type: ignore[arg-type]
        for host in ("127.0.0.1", "localhost"):
            error = await refusal(server.broker(host=host))
            assert isinstance(error, BrokerUntrusted)
            assert words in str(error)


async def test_tls_with_an_authority_that_does_not_say_its_use(tmp_path: Path) -> None:
    with mosquitto(tmp_path, tls=Tls(Authority(tmp_path, says_its_use=False))) as server:
        error = await refusal(server.broker())
    assert isinstance(error, BrokerUntrusted)
    assert "does not keep the rules (CA cert does not include key usage extension)" in str(error)
    assert "keyUsage=critical,keyCertSign" in error.advice


@pytest.fixture(scope="module")
def asking(folder: Path, authority: Authority) -> Iterator[Mosquitto]:
    with mosquitto(folder / "asking", tls=Tls(authority, wants_certificates=True), acl=ACL) as server:
        yield server


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def tls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each version has its own moment for telling that a certificate is missing."""
    context = trust.context

    def of_that_version(broker: Broker) -> ssl.SSLContext:
        made = context(broker)
        made.maximum_version = request.param
        return made

    monkeypatch.setattr(trust, "context", of_that_version)


async def test_a_certificate_of_ours_is_our_login(asking: Mosquitto, authority: Authority, tls: None) -> None:
    cert_file, key_file = authority.certify("gw1")
    async with dial(asking.broker(cert_file=cert_file, key_file=key_file))(None) as link:
        await link.publish("unknot/gw1/status", "online")
        with pytest.raises(TopicsForbidden):
            await link.publish("unknot/gw2/status", "online")
    both = cert_file.with_suffix(".both")
    both.write_bytes(cert_file.read_bytes() + key_file.read_bytes())
    async with dial(asking.broker(cert_file=both))(None) as link:
        await link.publish("unknot/gw1/status", "online")


async def test_a_certificate_of_ours_is_asked_for(asking: Mosquitto, tmp_path: Path, tls: None) -> None:
    error = await refusal(asking.broker())
    assert isinstance(error, BrokerUntrusted)
    assert "asks for a certificate of ours" in str(error)
    assert "cert_file" in error.advice
    cert_file, key_file = Authority(tmp_path, "stranger").certify("gw1")
    error = await refusal(asking.broker(cert_file=cert_file, key_file=key_file))
    assert isinstance(error, BrokerUntrusted)
    assert "our certificate" in str(error)


def _locked(key_file: Path) -> Path:
    key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    locked = key_file.with_suffix(".locked")
    secret = serialization.BestAvailableEncryption(b"secret")
    locked.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret))
    return locked


async def test_a_file_that_is_no_good_is_named(encrypted: Mosquitto, authority: Authority, tmp_path: Path) -> None:
    cert_file, key_file = authority.certify("gw1")
    other = authority.certify("gw2")[1]
    garbage = tmp_path / "garbage\x1b[31m"
    garbage.write_text("hello")
    none = tmp_path / "none"
    cases = [
        ({"ca_file": none}, "ca_file .*none cannot be read .No such file"),
        ({"ca_file": tmp_path}, "ca_file .* cannot be read .Is a directory"),
        ({"ca_file": garbage}, "ca_file .*garbage.* has no certificate in it"),
        ({"cert_file": none, "key_file": key_file}, "cert_file .*none cannot be read"),
        ({"cert_file": cert_file, "key_file": none}, "key_file .*none cannot be read"),
        (
            {"cert_file": cert_file, "key_file": other},
            "cert_file .*gw1.crt and .*gw2.key are no certificate and its key",
        ),
        ({"cert_file": garbage, "key_file": key_file}, "are no certificate and its key"),
        ({"cert_file": cert_file, "key_file": garbage}, "are no certificate and its key"),
        ({"cert_file": cert_file}, "cert_file .*gw1.crt and the key in it are no certificate and its key"),
        ({"cert_file": cert_file, "key_file": _locked(key_file)}, "key_file .*locked is locked with a passphrase"),
    ]
    for files, words in cases:
        with pytest.raises(BrokerUntrusted, match=words) as caught:
            async with dial(encrypted.broker(**files))(None):
                pass
        assert str(caught.value).isprintable()


@VERSIONS
async def test_no_tls_where_there_should_be(encrypted: Mosquitto, version: str) -> None:
    error = await refusal(encrypted.broker(is_tls=False, version=version))
    assert isinstance(error, BrokerUnreachable)
    assert f"if it is one for TLS, say mqtts://127.0.0.1:{encrypted.port}" in str(error)


async def test_tls_where_there_should_be_none(guarded: Mosquitto) -> None:
    error = await refusal(guarded.broker(is_tls=True))
    assert isinstance(error, BrokerUntrusted)
    assert (
        f"nobody speaks TLS at mqtts://127.0.0.1:{guarded.port}; check the port; TLS is most often on port 8883"
        in str(error)
    )


@asynccontextmanager
async def somebody(*answers: bytes) -> AsyncIterator[int]:
    """Who answers so, each time after hearing something, and hangs up; who says nothing does not. Its port."""

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for answer in answers:
                await reader.read(1000)
                writer.write(answer)
            while answers == (b"",) and await reader.read(1000):
                pass
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answered, "127.0.0.1")
    async with server:
        yield server.sockets[0].getsockname()[1]


OTHERS = {
    b"HTTP/1.1 400 Bad Request\r\n\r\n": "does not greet us as a broker does",
    b"SSH-2.0-OpenSSH_9.2\r\n": "does not greet us as a broker does",
    b"\x15\x03\x01\x00\x02\x02\x46": "if it is one for TLS, say mqtts://",
    b"": "takes the connection and says nothing",
}


@VERSIONS
@pytest.mark.parametrize("answer", OTHERS)
async def test_who_is_no_broker_is_found_out(answer: bytes, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "GREETING_SECONDS", 0.2)
    async with somebody(answer) as port:
        error = await refusal(Broker("127.0.0.1", port, version=version))
    assert isinstance(error, BrokerUnreachable)
    assert OTHERS[answer] in str(error)


async def test_who_is_no_broker_is_found_out_behind_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sockets, "CONNECT_SECONDS", 0.2)  # who is silent is silent for ever
        async with somebody(b"") as port:
            assert "does not answer" in str(await refusal(Broker("127.0.0.1", port, is_tls=True)))
    async with somebody(b"220 smtp ready\r\n") as port:
        assert "nobody speaks TLS" in str(await refusal(Broker("127.0.0.1", port, is_tls=True)))


@pytest.mark.parametrize(
    ("version", "greeting", "words"),
    [
        ("5", "20 02 00 01", 'set version = "3.1.1"'),  # as a broker says it that knows no MQTT 5
        ("5", "20 03 00 84 00", 'set version = "3.1.1"'),
        ("5", "20 03 00 85 00", "identifier"),
        ("5", "20 03 00 86 00", "wrong user name or password"),
        ("5", "20 03 00 87 00", "not authorized"),
        ("5", "20 03 00 89 00", "is busy; try again"),
        ("5", "20 03 00 8a 00", "banned"),
        ("5", "20 03 00 9a 00", "keeps no retained messages"),
        ("5", "20 03 00 83 00", "implementation specific error"),
        ("3.1.1", "20 02 00 02", "identifier"),
        ("3.1.1", "20 02 00 03", "is not ready"),
        ("3.1.1", "20 02 00 04", "wrong user name or password"),
        ("3.1.1", "20 02 00 05", "not authorized"),
    ],
)
async def test_each_refusal_of_a_greeting_has_words(version: str, greeting: str, words: str) -> None:
    async with somebody(bytes.fromhex(greeting)) as port:
        assert words in str(await refusal(Broker("127.0.0.1", port, version=version)))


BROKER = Broker("broker")
LATER: list[Exception] = [
    aiomqtt.exceptions.MqttError("Operation timed out"),
    aiomqtt.exceptions.MqttReentrantError("no"),
    MqttCodeError(4),
    MqttCodeError(None),
    MqttCodeError(ReasonCode(PacketTypes.DISCONNECT, identifier=0x8E)),
    MqttConnectError(ReasonCode(PacketTypes.CONNACK, identifier=0x87)),
    MqttConnectError(5),
    ConnectionResetError(104, "Connection reset by peer"),
    ssl.SSLError(1, "bad record"),
    TimeoutError(),
    ValueError("Publish topic cannot contain wildcards."),
]


@pytest.mark.parametrize("foreign", LATER, ids=str)
def test_every_error_of_the_library_becomes_ours(foreign: Exception) -> None:
    with pytest.raises(BrokerError) as caught, client.ours(BROKER):
        raise foreign
    assert caught.value.__cause__ is foreign
    assert str(caught.value).isprintable()


def test_there_is_no_error_of_the_library_that_we_have_not_seen() -> None:
    kinds = [kind for _, kind in inspect.getmembers(aiomqtt.exceptions, inspect.isclass) if issubclass(kind, Exception)]
    assert len(kinds) >= 4
    assert {type(error) for error in LATER} >= set(kinds)
    assert all(issubclass(kind, client.FOREIGN) for kind in kinds)


def _alert(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


def _unverified(code: int, said: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, said)
    error.verify_code, error.verify_message = code, said
    return error


@pytest.mark.parametrize(
    ("foreign", "kind", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), BrokerUnreachable, "no machine is called broker"),
        (socket.gaierror(socket.EAI_AGAIN, "later"), BrokerUnreachable, "nobody tells now which machine is broker"),
        (OSError(101, "Network is unreachable"), BrokerUnreachable, "no way to mqtts://broker:1 (Network is unreach"),
        (OSError(), BrokerUnreachable, "no way to mqtts://broker:1 (OSError)"),
        (ConnectionRefusedError(), BrokerUnreachable, "nobody listens"),
        (ConnectionResetError(), BrokerUntrusted, "nobody speaks TLS"),
        (_alert("TLSV1_ALERT_PROTOCOL_VERSION"), BrokerUntrusted, "breaks TLS off (protocol version)"),
        (_alert("SSLV3_ALERT_CERTIFICATE_EXPIRED"), BrokerUntrusted, "says that our certificate has expired"),
        (_alert("WRONG_VERSION_NUMBER"), BrokerUntrusted, "nobody speaks TLS"),
        (ssl.SSLEOFError(8, "EOF"), BrokerUntrusted, "nobody speaks TLS"),
        (_unverified(9, "not yet"), BrokerUntrusted, "is not valid yet; renew it, or set the clock"),
        (_unverified(26, "unsuitable purpose"), BrokerUntrusted, "is not good (unsuitable purpose)"),
    ],
    ids=str,
)
def test_each_failure_on_the_way_has_words(foreign: OSError, kind: type[BrokerError], words: str) -> None:
    error = sockets.translate(foreign, Broker("broker", 1, is_tls=True))
    assert type(error) is kind
    assert words in str(error)
    assert error.advice
    assert str(error).isprintable()


async def test_a_name_that_no_certificate_can_have_leaves_nothing_open(encrypted: Mosquitto) -> None:
    """The socket is connected by then; a socket that is left open would fail the test."""
    plain = await sockets.connect(encrypted.broker(is_tls=False))
    with pytest.raises(ValueError, match="server_hostname"):
        await sockets._encrypt(plain, trust.context(encrypted.broker()), "")
    assert plain.fileno() == -1


def test_a_fault_of_ours_is_not_disguised() -> None:
    with pytest.raises(KeyError), client.ours(BROKER):
        raise KeyError("x")
    mine = TopicsForbidden("no")
    with pytest.raises(TopicsForbidden) as caught, client.ours(BROKER):
        raise mine
    assert caught.value is mine


@pytest.mark.parametrize(("kind", "error"), [("CONNACK", MqttConnectError), ("DISCONNECT", MqttCodeError)])
def test_every_reason_has_words(kind: str, error: type[MqttCodeError]) -> None:
    packet = getattr(PacketTypes, kind)
    known = [code for code, names in ReasonCode(packet).names.items() if any(packet in use for use in names.values())]
    assert len(known) > 20
    for code in known:
        ours = translate(error(ReasonCode(packet, identifier=code)), BROKER)
        assert ours.advice
        assert str(ours).isprintable()
        assert "mqtt://broker:1883" in str(ours)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
