"""TLS with a broker: whom we trust, who we are, and in plain words why it fails; used by `unknot.bridge.link.sockets`.

Nothing here turns verification off.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from unknot.bridge.broker import Broker
from unknot.errors import BrokerUntrusted

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

TLS_PORT = 8883
"""The usual one (IANA: secure-mqtt)."""

_SIGNERS = (18, 19, 20, 21)
"""Codes of OpenSSL (x509_vfy.h): nobody who is trusted has signed it."""
_TIMES = {9: "is not valid yet", 10: "has expired"}
_NAMES = (62, 64)
_SLOPPY = (24, 79, *range(80, 95))
"""The authority's certificate does not keep the rules of RFC 5280, to which Python holds it from 3.13 on."""

_ALERTS = {
    "CERTIFICATE_REQUIRED": "asks for a certificate of ours",
    "HANDSHAKE_FAILURE": "breaks TLS off, most often because it asks for a certificate of ours",
    "UNKNOWN_CA": "does not know who signed our certificate",
    "BAD_CERTIFICATE": "refuses our certificate",
    "UNSUPPORTED_CERTIFICATE": "refuses our certificate",
    "CERTIFICATE_UNKNOWN": "refuses our certificate",
    "CERTIFICATE_REVOKED": "says that our certificate is revoked",
    "CERTIFICATE_EXPIRED": "says that our certificate has expired",
}
"""What a broker says in an alert about us (RFC 8446, 6.2)."""


_ALERT = "_ALERT_"
"""Stands in OpenSSL's names for what the other end says, before what it says."""


class EncryptedSocket(ssl.SSLSocket):
    """Remembers why the broker broke off: one that wants a certificate says so only after the handshake (TLS 1.3).

    Attributes:
        complaint: what it said.
    """

    complaint: ssl.SSLError | None = None

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """As it is, with a memory."""
        try:
            return super().recv(buflen, flags)
        except ssl.SSLError as error:
            if _ALERT in _reason(error):
                self.complaint = error
            raise

    def send(self, data: ReadableBuffer, flags: int = 0) -> int:
        """As it is; where nobody hears any more, what the broker said last is still to be read."""
        try:
            return super().send(data, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError:
            with suppress(OSError):
                self.recv()
            raise


def context(broker: Broker) -> ssl.SSLContext:
    """What TLS with this broker takes; reads files.

    Each Python is as strict as the strictest (3.13), so that an authority that is good on one is good on all.

    Raises:
        BrokerUntrusted: a file is not what it should be.
    """
    with _file("ca_file", broker.ca_file, "has no certificate in it"):
        made = ssl.create_default_context(cafile=broker.ca_file)
    made.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    made.sslsocket_class = EncryptedSocket
    if broker.cert_file is not None:
        for role, file in (("cert_file", broker.cert_file), ("key_file", broker.key_file)):
            with _file(role, file, ""):
                _look_at(file)
        pair = f"and {broker.key_file or 'the key in it'} are no certificate and its key"
        with _file("cert_file", broker.cert_file, pair):
            # Without a password OpenSSL would ask for it in the terminal, and wait.
            made.load_cert_chain(broker.cert_file, broker.key_file, password="")
    return made


def _look_at(file: Path | None) -> None:
    if file is not None and b"ENCRYPTED" in file.read_bytes():
        raise ssl.SSLError(0, "is locked with a passphrase")


@contextmanager
def _file(role: str, file: Path | None, fault: str) -> Iterator[None]:
    """Blame this file for what fails inside."""
    try:
        yield
    except ssl.SSLError as error:
        raise BrokerUntrusted(f"{role} {file} {fault or error.args[1]}", advice=_FILES) from error
    except OSError as error:
        raise BrokerUntrusted(f"{role} {file} cannot be read ({error.strerror})", advice=_FILES) from error


_FILES = "name files in PEM, and a key without a passphrase that only we may read"


def untrusted(error: ssl.SSLError, broker: Broker) -> BrokerUntrusted:
    """Our error for one of OpenSSL's."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _unverified(error, broker)
    _, is_alert, alert = _reason(error).partition(_ALERT)
    if not is_alert:
        return without_tls(broker)
    if alert in _ALERTS:
        return BrokerUntrusted(
            f"{broker} {_ALERTS[alert]}", advice="name one that it takes as cert_file, and its key as key_file"
        )
    said = alert.replace("_", " ").lower()
    return BrokerUntrusted(f"{broker} breaks TLS off ({said})", advice="see the broker's log")


def _reason(error: ssl.SSLError) -> str:
    """OpenSSL's name for it; an end of the connection has none."""
    return getattr(error, "reason", None) or ""


def _unverified(error: ssl.SSLCertVerificationError, broker: Broker) -> BrokerUntrusted:
    code, said = error.verify_code, error.verify_message
    if code in _SIGNERS:
        return BrokerUntrusted(
            f"nobody we trust has signed the certificate of {broker} ({said})",
            advice="name the certificate of its authority as ca_file",
        )
    if code in _TIMES:
        return BrokerUntrusted(
            f"the certificate of {broker} {_TIMES[code]}", advice="renew it, or set the clock of this machine"
        )
    if code in _NAMES:
        return BrokerUntrusted(
            f"the certificate of {broker} is for another name", advice="call the broker by a name that stands in it"
        )
    if code in _SLOPPY:
        return BrokerUntrusted(
            f"the certificate of {broker} has an authority that does not keep the rules ({said})",
            advice="make the authority anew: openssl req -x509 -addext basicConstraints=critical,CA:TRUE "
            "-addext keyUsage=critical,keyCertSign,cRLSign",
        )
    return BrokerUntrusted(f"the certificate of {broker} is not good ({said})", advice="renew it")


def without_tls(broker: Broker) -> BrokerUntrusted:
    """Our error for somebody who does not answer in TLS."""
    usual = "" if broker.port == TLS_PORT else f"; TLS is most often on port {TLS_PORT}"
    return BrokerUntrusted(f"nobody speaks TLS at {broker}", advice=f"check the port{usual}")
