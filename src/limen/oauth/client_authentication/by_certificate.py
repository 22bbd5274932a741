"""``tls_client_auth`` and ``self_signed_tls_client_auth``: a TLS certificate (RFC 8705)."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import ipaddress
from collections.abc import Callable, Mapping
from typing import Any, Final

from cryptography import x509

from limen.db.work import Work
from limen.kernel.errors import Unavailable
from limen.oauth.model import Client
from limen.oauth.mutual_tls.authorities import Authorities
from limen.oauth.parts import Parts
from limen.protocol.client_authentication import failed
from limen.protocol.client_certificate import CertificateRefused, ClientCertificate
from limen.protocol.client_metadata import ClientMetadata
from limen.protocol.distinguished_name import is_same_dn
from limen.protocol.jwk import InvalidKey, public_key_der

CERTIFICATE_METHODS: Final = frozenset({"tls_client_auth", "self_signed_tls_client_auth"})


async def check_certificate(
    work: Work, *, parts: Parts, client: Client, certificate: ClientCertificate | None
) -> None:
    """Check the certificate of the connection against what the client registered.

    The handshake, which the proxy saw, proved that the caller holds its key.

    Raises:
        InvalidClient: Whatever is wrong, in one text; no certificate, or no mutual TLS here.
    """
    if certificate is None or parts.mtls is None:
        raise failed(detail="certificate: none")
    try:
        if client.auth_method == "tls_client_auth":
            _check_issued(parts.mtls.authorities, certificate, now=work.now)
            check_names(client.metadata, certificate)
        else:
            _check_validity(certificate, now=work.now)
            check_registered(await parts.client_keys.jwks_of(work, client), certificate)
    except (CertificateRefused, Unavailable) as refusal:
        raise failed(detail=f"certificate: {refusal.detail or refusal.code}") from None


def check_names(metadata: ClientMetadata, certificate: ClientCertificate) -> None:
    """Compare the one name the client registered (RFC 8705 section 2.1.2).

    Raises:
        CertificateRefused: Another name; or none or several are registered, of which nobody
            can say which should hold.
    """
    registered = [
        (value, matches)
        for member, matches in _NAMES.items()
        if (value := getattr(metadata, member)) is not None
    ]
    if len(registered) != 1:
        raise CertificateRefused("names registered")
    value, matches = registered[0]
    if not value or not matches(value, certificate.x509):
        raise CertificateRefused("name")


def check_registered(jwks: Mapping[str, Any], certificate: ClientCertificate) -> None:
    """Find the certificate among the client's keys (RFC 8705 section 2.2.2).

    A key with ``x5c`` stands for that very certificate; one without stands for its public key,
    whatever certificate it is in.

    Raises:
        CertificateRefused: It is not there.
    """
    keys = jwks.get("keys")
    for jwk in keys if isinstance(keys, list) else ():
        if isinstance(jwk, dict) and _stands_for(jwk, certificate):
            return
    raise CertificateRefused("not registered")


def _stands_for(jwk: Mapping[str, Any], certificate: ClientCertificate) -> bool:
    if "x5c" in jwk:
        chain = jwk["x5c"]
        first = chain[0] if isinstance(chain, list) and chain else None
        try:
            return isinstance(first, str) and base64.b64decode(first, validate=True) == (
                certificate.der
            )
        except (binascii.Error, ValueError):
            return False
    try:
        return public_key_der(jwk) == certificate.public_key_der
    except InvalidKey:
        return False


def _check_issued(
    authorities: Authorities | None, certificate: ClientCertificate, *, now: dt.datetime
) -> None:
    """Ask the authorities; without any nobody's certificate is believed."""
    if authorities is None:
        raise CertificateRefused("no authorities")
    authorities.check(certificate, now=now)


def _check_validity(certificate: ClientCertificate, *, now: dt.datetime) -> None:
    told = certificate.x509
    if not told.not_valid_before_utc <= now <= told.not_valid_after_utc:
        raise CertificateRefused("validity")


def _is_subject(registered: str, certificate: x509.Certificate) -> bool:
    return is_same_dn(registered, certificate.subject)


def _has_dns(registered: str, certificate: x509.Certificate) -> bool:
    """Compare host names without case; a wildcard matches nothing but itself."""
    return registered.lower() in {name.lower() for name in _alternatives(certificate, x509.DNSName)}


def _has_uri(registered: str, certificate: x509.Certificate) -> bool:
    return registered in _alternatives(certificate, x509.UniformResourceIdentifier)


def _has_email(registered: str, certificate: x509.Certificate) -> bool:
    return registered in _alternatives(certificate, x509.RFC822Name)


def _has_ip(registered: str, certificate: x509.Certificate) -> bool:
    try:
        wanted = ipaddress.ip_address(registered)
    except ValueError:
        return False
    return wanted in _alternatives(certificate, x509.IPAddress)


def _alternatives(certificate: x509.Certificate, kind: type[Any]) -> list[Any]:
    """Return the subject alternative names of a kind."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return []
    return list(names.value.get_values_for_type(kind))


_NAMES: Final[Mapping[str, Callable[[str, x509.Certificate], bool]]] = {
    "tls_client_auth_subject_dn": _is_subject,
    "tls_client_auth_san_dns": _has_dns,
    "tls_client_auth_san_uri": _has_uri,
    "tls_client_auth_san_ip": _has_ip,
    "tls_client_auth_san_email": _has_email,
}
