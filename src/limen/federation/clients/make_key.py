"""A key pair of our own for ``private_key_jwt``, with the certificate a provider asks for."""

from __future__ import annotations

import base64
import datetime as dt
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from limen.federation.clients.credentials import ClientKey
from limen.federation.clients.sealed import NewCredential
from limen.kernel.errors import InvalidInput
from limen.kernel.secret import Secret
from limen.protocol.sign_assertion import read_signing_key

_BITS: Final = 2048
_LASTS: Final = dt.timedelta(days=365)
_MAX_NAME_CHARS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenKey:
    """A key pair and certificate that an operator brings.

    Args:
        certificate: PEM; its public key must be the private key's.
    """

    raw_pem: Secret[str]
    certificate: str


def make_key(*, name: str, now: dt.datetime) -> NewCredential:
    """Make an RSA key and a certificate of its own for a year, to be uploaded at the provider.

    Takes some 100 ms of a core.

    Args:
        name: What the certificate calls us.
        now: It is valid from here on.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:_MAX_NAME_CHARS])])
    ends = now + _LASTS
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(ends)
        .sign(key, SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return _with_certificate(Secret(pem), certificate, expires_at=ends)


def take_key(given: GivenKey) -> NewCredential:
    """Take an operator's key with its certificate, which says when it ends.

    Raises:
        InvalidInput: ``client_key_invalid``: unreadable, or the two are not a pair.
        InvalidKey: The private key is none.
    """
    try:
        certificate = x509.load_pem_x509_certificate(given.certificate.encode())
    except ValueError:
        raise InvalidInput(
            "client_key_invalid", "The certificate can't be read.", field="certificate"
        ) from None
    key = read_signing_key(given.raw_pem, "PS256")
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != certificate.public_key().public_bytes(*form):
        text = "The certificate is another key's."
        raise InvalidInput("client_key_invalid", text, field="certificate")
    return _with_certificate(given.raw_pem, certificate, expires_at=certificate.not_valid_after_utc)


def _with_certificate(
    raw_pem: Secret[str], certificate: x509.Certificate, *, expires_at: dt.datetime
) -> NewCredential:
    thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(SHA256()))
    key = ClientKey(
        kind="assertion",
        raw_pem=raw_pem,
        alg="PS256",
        x5t_s256=thumbprint.decode().rstrip("="),
    )
    return NewCredential(
        credential=key,
        expires_at=expires_at,
        certificate=certificate.public_bytes(Encoding.PEM).decode(),
    )
