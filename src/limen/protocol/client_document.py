"""Client ID metadata documents: the URL that is a client's id, and what stands behind it."""

from __future__ import annotations

from typing import Any, Final

from limen.kernel.errors import InvalidInput
from limen.protocol.client_metadata.names import AuthMethod
from limen.protocol.jose import JwtRefused, parse_object
from limen.protocol.redirect_uri import check_redirect_uri

MAX_DOCUMENT_BYTES: Final = 5 * 1024
_METHODS: Final[tuple[AuthMethod, ...]] = ("none", "private_key_jwt")
_SECRETS: Final = frozenset({"client_secret", "client_secret_expires_at"})


class DocumentRefused(InvalidInput):
    """A client ID metadata document that names no client we can work with."""

    default_code = "client_document_invalid"


def is_document_url(client_id: str) -> bool:
    """Say whether a client id is an address; ids that we make or operators choose never are."""
    return client_id.startswith("https://")


def check_document_url(url: str) -> None:
    """Check the form: https, a path, no fragment, user-info or dot segments (section 3).

    Raises:
        DocumentRefused: With the reason in words.
    """
    try:
        check_redirect_uri(url, application="web", field="client_id")
    except InvalidInput as refusal:
        raise DocumentRefused(public=refusal.public) from None
    if not is_document_url(url) or "/" not in url.removeprefix("https://"):
        raise DocumentRefused(public="client_id: an https URL with a path.")
    if any(segment.lower() in {"%2e", "%2e%2e", ".%2e", "%2e."} for segment in url.split("/")):
        raise DocumentRefused(public="client_id: dot segments are not allowed.")


def parse_client_document(body: bytes, *, url: str) -> dict[str, Any]:
    """Read a document into registration members.

    Args:
        body: As fetched.
        url: The client id that led to it.

    Raises:
        DocumentRefused: It is no JSON object, is another client's (``client_id`` is compared
            byte for byte), or relies on a secret, which a public document can't hold.
    """
    if len(body) > MAX_DOCUMENT_BYTES:
        raise DocumentRefused(public=f"The document is larger than {MAX_DOCUMENT_BYTES} bytes.")
    try:
        members = parse_object(body)
    except JwtRefused:
        raise DocumentRefused(public="The document is no JSON object.") from None
    if members.get("client_id") != url:
        raise DocumentRefused(public="The document's client_id is not its own address.")
    if _SECRETS & members.keys():
        raise DocumentRefused(public="A document everyone can read holds no secret.")
    method = members.get("token_endpoint_auth_method") or "none"
    if method not in _METHODS:
        raise DocumentRefused(
            public=f"token_endpoint_auth_method: one of {', '.join(_METHODS)} in a document."
        )
    return {**members, "token_endpoint_auth_method": method}
