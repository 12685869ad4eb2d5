"""A certificate authority of the tests' own, for brokers that speak TLS; used by `tests.bridge.mosquitto`."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFE = datetime.timedelta(days=2)
HERE = ("localhost", "127.0.0.1", "::1")
"""The names of a broker on this machine."""

_USES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def _usage(*uses: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{use: use in uses for use in _USES})


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


class Authority:
    """Signs certificates, and keeps them as files in a folder.

    Args:
        folder: where.
        name: its own common name, and that of its file.
        says_its_use: without the extension *key usage* it is the home-made authority that a strict reader refuses.
    """

    def __init__(self, folder: Path, name: str = "authority", *, says_its_use: bool = True) -> None:
        self.folder = folder
        self.ca_file = folder / f"{name}.pem"
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._own = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        draft = self._draft(name, self._key.public_key(), LIFE)
        draft = draft.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        if says_its_use:
            draft = draft.add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        certificate = draft.sign(self._key, hashes.SHA256())
        self.ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _draft(self, common: str, key: ec.EllipticCurvePublicKey, life: datetime.timedelta) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(_name(common))
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - LIFE)
            .not_valid_after(now + life)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self._own), critical=False)
        )

    def certify(self, common: str, hosts: tuple[str, ...] = HERE, *, expired: bool = False) -> tuple[Path, Path]:
        """A certificate for a server on ``hosts`` and a client called ``common``; the files of it and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        draft = self._draft(common, key.public_key(), -LIFE / 2 if expired else LIFE)
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = (
            draft.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage("digital_signature"), critical=True)
            .add_extension(x509.ExtendedKeyUsage(both), critical=False)
            .add_extension(x509.SubjectAlternativeName([_alternative(host) for host in hosts]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        cert_file, key_file = self.folder / f"{common}.crt", self.folder / f"{common}.key"
        cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return cert_file, key_file
