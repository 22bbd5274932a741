"""The addresses in a registration: where answers go, what people follow, what we fetch."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from limen.kernel.errors import InvalidInput
from limen.protocol.client_metadata.names import ClientType, GrantType
from limen.protocol.metadata_members import Members
from limen.protocol.redirect_uri import (
    ApplicationType,
    PrivateUse,
    check_redirect_uri,
    check_web_uri,
    origin_of,
)

MAX_REDIRECT_URIS: Final = 50


def application_of(client_type: ClientType) -> ApplicationType:
    """Return OpenID Connect Registration's word for a type."""
    return "native" if client_type == "native" else "web"


def read_redirect_uris(
    read: Members,
    *,
    grants: tuple[GrantType, ...],
    client_type: ClientType,
    private_use: PrivateUse,
) -> tuple[str, ...]:
    """Read where answers may go: needed for authorization codes, and senseless without."""
    uris = read.texts("redirect_uris", most=MAX_REDIRECT_URIS)
    needed = "authorization_code" in grants
    if bool(uris) != needed:
        raise InvalidInput(
            "invalid_redirect_uri",
            "redirect_uris: at least one is needed."
            if needed
            else "redirect_uris: without the grant authorization_code there are none.",
            field="redirect_uris",
        )
    for uri in uris:
        check_redirect_uri(uri, application=application_of(client_type), private_use=private_use)
    return uris


def read_post_logout_uris(
    read: Members, *, client_type: ClientType, private_use: PrivateUse
) -> tuple[str, ...]:
    """Read where a browser may go after signing out."""
    field = "post_logout_redirect_uris"
    uris = read.texts(field, most=MAX_REDIRECT_URIS)
    for uri in uris:
        check_redirect_uri(
            uri,
            application=application_of(client_type),
            private_use=private_use,
            field=field,
            code="invalid_client_metadata",
        )
    return uris


def read_origins(read: Members, *, redirects: tuple[str, ...]) -> tuple[str, ...]:
    """Read the origins of its scripts; those of its https redirect URIs if it names none."""
    given = read.texts("allowed_origins", most=MAX_REDIRECT_URIS)
    for origin in given:
        check_web_uri(origin, field="allowed_origins")
        if origin_of(origin) != origin:
            raise read.invalid("allowed_origins", "an origin is scheme, host and port alone.")
    return given or derived_origins(redirects)


def derived_origins(redirects: tuple[str, ...]) -> tuple[str, ...]:
    """Return the origins of https redirect URIs, each once."""
    derived = (origin_of(uri) for uri in redirects if uri.startswith("https://"))
    return tuple(dict.fromkeys(origin for origin in derived if origin))


def read_web_uri(read: Members, field: str) -> str | None:
    """Read an https address, or a loopback one."""
    uri = read.text(field, longest=2048)
    if uri:
        check_web_uri(uri, field=field)
    return uri or None


def read_request_uris(read: Members) -> tuple[str, ...]:
    """Read the addresses of request objects; a fragment holds a hash (OIDC Core 6.2)."""
    uris = read.texts("request_uris", most=MAX_REDIRECT_URIS)
    for uri in uris:
        check_web_uri(uri.partition("#")[0], field="request_uris")
    return uris


def read_front_channel_uri(read: Members, *, redirects: tuple[str, ...]) -> str | None:
    """Read the page we frame at logout: of an origin the client redirects to (section 2)."""
    field = "frontchannel_logout_uri"
    uri = read_web_uri(read, field)
    if uri and origin_of(uri) not in {origin_of(redirect) for redirect in redirects}:
        raise read.invalid(field, "its origin must be that of a redirect URI.")
    return uri


def check_sector(
    read: Members, *, subject_type: str, sector_uri: str | None, addresses: tuple[str, ...]
) -> None:
    """Check that a pairwise client has one sector (OIDC Core 8.1, CIBA section 4).

    Args:
        read: The registration.
        subject_type: What it asks for.
        sector_uri: Names all its addresses; then their hosts may differ.
        addresses: Those a sector is told by: redirect URIs, and where its keys are for CIBA.
    """
    hosts = {_host(uri) for uri in addresses}
    if subject_type == "pairwise" and sector_uri is None and len(hosts) > 1:
        raise read.invalid("sector_identifier_uri", "needed where its addresses differ in host.")


def _host(uri: str) -> str | None:
    try:
        return urlsplit(uri).hostname
    except ValueError:
        # No address at all; whoever reads it refuses it.
        return None
