"""Certificates for tests: an authority, and what it, or nobody, vouches for."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from joserfc.jwk import ECKey

from limen.protocol.client_certificate import ClientCertificate, load_certificate

CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)
SERVER = (ExtendedKeyUsageOID.SERVER_AUTH,)
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)
FAR_AHEAD = dt.datetime(2090, 1, 1, tzinfo=dt.timezone.utc)


@dataclass(frozen=True)
class Made:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def seen(self) -> ClientCertificate:
        return load_certificate(self.der)

    @property
    def thumbprint(self) -> str:
        digest = hashlib.sha256(self.der).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    @property
    def rfc9440(self) -> str:
        return f":{base64.b64encode(self.der).decode()}:"

    @property
    def escaped_pem(self) -> str:
        return quote(self.pem.decode(), safe="")

    @property
    def xfcc(self) -> str:
        digest = hashlib.sha256(self.der).hexdigest()
        subject = self.certificate.subject.rfc4514_string()
        return f'By=spiffe://mesh/limen;Hash={digest};Cert="{self.escaped_pem}";Subject="{subject}"'

    def jwk(self, *, x5c: bool = False, **members: Any) -> dict[str, Any]:
        """Return the public key, with the certificate or without it."""
        made: dict[str, Any] = dict(ECKey.import_key(self.key).as_dict(private=False))
        if x5c:
            made["x5c"] = [base64.b64encode(self.der).decode()]
        return {**made, **members}


def name_of(**attributes: str) -> x509.Name:
    kinds = {
        "cn": NameOID.COMMON_NAME,
        "o": NameOID.ORGANIZATION_NAME,
        "c": NameOID.COUNTRY_NAME,
    }
    return x509.Name([x509.NameAttribute(kinds[kind], v) for kind, v in attributes.items()])


def authority(cn: str = "Test Authority", *, key: ec.EllipticCurvePrivateKey | None = None) -> Made:
    """Make a root certificate."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = name_of(cn=cn)
    builder = (
        _builder(name, key, valid=(LONG_AGO, FAR_AHEAD))
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_signs_certificates(), critical=True)
    )
    return Made(builder.sign(key, hashes.SHA256()), key)


def certificate(
    issuer: Made | None = None,
    *,
    name: x509.Name | None = None,
    sans: tuple[x509.GeneralName, ...] = (),
    usage: tuple[x509.ObjectIdentifier, ...] = CLIENT,
    valid: tuple[dt.datetime, dt.datetime] = (LONG_AGO, FAR_AHEAD),
    key: ec.EllipticCurvePrivateKey | None = None,
) -> Made:
    """Make a certificate; without an issuer it signs itself."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = name or name_of(c="DE", o="Bank", cn="app")
    builder = _builder(name, key, valid=valid).issuer_name(
        issuer.certificate.subject if issuer else name
    )
    if sans:
        builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
    if usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usage), critical=False)
    return Made(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def _builder(
    name: x509.Name, key: ec.EllipticCurvePrivateKey, *, valid: tuple[dt.datetime, dt.datetime]
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
    )


def _signs_certificates() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
