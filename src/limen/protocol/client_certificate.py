"""The certificate a client showed to the proxy in front of us, as the proxy's header tells it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from limen.kernel.errors import InvalidInput
from limen.kernel.ids import b64url

CertificateFormat = Literal["rfc9440", "escaped-pem", "xfcc"]
"""How proxies write it: ``Client-Cert`` of RFC 9440, nginx's ``$ssl_client_escaped_cert``,
Envoy's ``x-forwarded-client-cert``."""

FORMATS: Final[tuple[CertificateFormat, ...]] = get_args(CertificateFormat)
USUAL_HEADERS: Final[Mapping[CertificateFormat, str]] = {
    "rfc9440": "client-cert",
    "escaped-pem": "x-ssl-client-cert",
    "xfcc": "x-forwarded-client-cert",
}
MAX_HEADER_CHARACTERS: Final = 32_768

_PEM: Final = re.compile(
    rb"-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END CERTIFICATE-----\s*"
)
_ELEMENT: Final = re.compile(r'([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^",;]*)(;|\Z)', re.ASCII)


@dataclass(frozen=True, slots=True)
class CertificateHeader:
    """Where the proxies put the certificate.

    Args:
        name: The header's name, lower-case.
        written: In which form.
    """

    name: str
    written: CertificateFormat


class CertificateRefused(InvalidInput):
    """A certificate that can't be read, or does not prove what it should.

    Args:
        reason: For the log; the public answer does not tell.
    """

    default_code = "invalid_certificate"

    def __init__(self, reason: str) -> None:
        super().__init__(public="The client certificate is not accepted.", detail=reason)


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate whose key the client was seen to hold, by the TLS handshake.

    Attributes:
        der: Its one encoding.
        x509: The same, taken apart.
    """

    der: bytes = field(repr=False)
    x509: x509.Certificate = field(repr=False, compare=False)

    @property
    def thumbprint(self) -> str:
        """``x5t#S256``: SHA-256 of the DER in base64url (RFC 8705 section 3.1)."""
        return b64url(hashlib.sha256(self.der).digest())

    @property
    def public_key_der(self) -> bytes:
        """Its public key, to be compared with a registered one.

        Raises:
            CertificateRefused: The key is of a kind we do not know.
        """
        try:
            key = self.x509.public_key()
        except (ValueError, TypeError) as error:
            raise CertificateRefused("key") from error
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def read_certificate(header: str, *, written: CertificateFormat) -> ClientCertificate:
    """Read the one certificate that a header holds.

    Args:
        header: The header's value, from a proxy that is believed.
        written: How that proxy writes it.

    Raises:
        CertificateRefused: None, several, or anything that is not exactly one certificate.
    """
    if len(header) > MAX_HEADER_CHARACTERS:
        raise CertificateRefused("too long")
    return load_certificate(_READERS[written](header))


def load_certificate(der: bytes) -> ClientCertificate:
    """Take a certificate in DER apart.

    Raises:
        CertificateRefused: If it is no certificate, or written in another way than DER, so
            that its thumbprint would depend on who wrote it.
    """
    try:
        return ClientCertificate(der, x509.load_der_x509_certificate(der))
    except (ValueError, TypeError) as error:
        raise CertificateRefused("unreadable") from error


def _byte_sequence(header: str) -> bytes:
    """Read ``:base64:`` (RFC 9440 section 2.1)."""
    text = header.strip(" ")
    if len(text) < 3 or text[0] != ":" or text[-1] != ":":
        raise CertificateRefused("no byte sequence")
    return _base64(text[1:-1].encode("latin-1", "replace"))


def _escaped_pem(header: str) -> bytes:
    """Read one PEM block, percent-encoded."""
    if not header.isascii():
        raise CertificateRefused("not ASCII")
    match = _PEM.fullmatch(unquote_to_bytes(header.strip(" ")))
    if match is None:
        raise CertificateRefused("no single PEM block")
    return _base64(match[1].replace(b"\r", b"").replace(b"\n", b""))


def _envoy(header: str) -> bytes:
    """Read ``Cert`` of the one element that Envoy's ``SANITIZE_SET`` leaves."""
    members: dict[str, str] = {}
    position, text = 0, header.strip(" ")
    while position < len(text):
        match = _ELEMENT.match(text, position)
        # A comma begins the element of a further proxy: whose word it is, nobody can tell.
        if match is None or match[1].lower() in members.keys() - {"uri", "dns"}:
            raise CertificateRefused("not one element")
        members[match[1].lower()] = match[2].removeprefix('"').removesuffix('"')
        position = match.end()
    return _escaped_pem(members.get("cert", ""))


def _base64(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CertificateRefused("base64") from error


_READERS: Final[Mapping[CertificateFormat, Callable[[str], bytes]]] = {
    "rfc9440": _byte_sequence,
    "escaped-pem": _escaped_pem,
    "xfcc": _envoy,
}
