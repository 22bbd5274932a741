"""Whose certificates are believed: the authorities an operator names for ``tls_client_auth``."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final, final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from limen.protocol.client_certificate import CertificateRefused, ClientCertificate

_MAX_CHAIN: Final = 3


@final
class Authorities:
    """Verifies that an authority of ours issued a certificate.

    The proxy may have verified the chain already. We look again: a proxy that asks for any
    certificate (``optional_no_ca``), as ``self_signed_tls_client_auth`` needs it, would
    otherwise let anyone write a subject of their choice.

    Args:
        bundle: PEM. Each certificate in it is trusted by itself, so that an intermediate one
            may be listed without its root.

    Raises:
        ValueError: If it holds no certificate, or one that can't be read.
    """

    def __init__(self, bundle: bytes) -> None:
        self._policy = (
            PolicyBuilder()
            .store(Store(x509.load_pem_x509_certificates(bundle)))
            .max_chain_depth(_MAX_CHAIN)
            .extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=_LEAF)
        )

    def check(self, certificate: ClientCertificate, *, now: dt.datetime) -> None:
        """Check signature, validity and purpose of a certificate.

        Raises:
            CertificateRefused: If one of them does not hold.

        Spec: RFC 8705 §2.1, RFC 5280 §6.
        """
        verifier = self._policy.time(now).build_client_verifier()
        try:
            verifier.verify(certificate.x509, [])
        except (VerificationError, ValueError) as error:
            raise CertificateRefused("chain") from error


def _for_clients(_policy: object, _leaf: x509.Certificate, usage: Any) -> None:
    """Refuse a certificate that says what it is for, and not for clients (RFC 5280 4.2.1.12)."""
    if usage is not None and not {
        ExtendedKeyUsageOID.CLIENT_AUTH,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    } & set(usage):
        raise ValueError("not for client authentication")


# Bare subjects and private extensions are usual among machines; a web browser would refuse them.
_LEAF: Final = ExtensionPolicy.permit_all().may_be_present(
    x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _for_clients
)
