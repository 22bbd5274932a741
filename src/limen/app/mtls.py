"""Mutual TLS from the settings: what is read of a request, and whose certificates are believed."""

from __future__ import annotations

from limen.kernel.errors import ConfigurationError
from limen.oauth.mutual_tls.authorities import Authorities
from limen.oauth.mutual_tls.offer import Mtls
from limen.protocol.client_certificate import USUAL_HEADERS, CertificateHeader
from limen.settings import Settings
from limen.settings.names import name_of
from limen.settings.sections import MtlsSettings


def certificate_header(settings: MtlsSettings) -> CertificateHeader | None:
    """Return where the proxies put certificates; ``None`` if nowhere."""
    written = settings.certificate_format
    if written == "off":
        return None
    return CertificateHeader(settings.certificate_header or USUAL_HEADERS[written], written)


def build_mtls(settings: Settings) -> Mtls | None:
    """Return what the authorization server offers of RFC 8705; ``None`` for nothing.

    Raises:
        ConfigurationError: If nobody could tell of a certificate, or the authorities can't be
            read.
    """
    chosen = settings.mtls
    if chosen.certificate_format == "off":
        return None
    if not settings.web.trusted_proxies:
        name, proxies = name_of(("mtls", "certificate_format")), ("web", "trusted_proxies")
        raise ConfigurationError(f"{name}: only {name_of(proxies)} are believed; name them.")
    return Mtls(authorities=_authorities(chosen), root=settings.base_url, alias=chosen.base_url)


def _authorities(settings: MtlsSettings) -> Authorities | None:
    if settings.ca_bundle is None:
        return None
    try:
        return Authorities(settings.ca_bundle.read_bytes())
    except (OSError, ValueError):
        raise ConfigurationError(f"{settings.ca_bundle}: is not a readable PEM bundle.") from None
