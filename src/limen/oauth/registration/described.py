"""A registered client as RFC 7591 section 3.2.1 shows it to whoever registered it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection
from typing import Any, Final

from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.oauth.model import Client
from limen.oauth.registry.register_client import members_of
from limen.protocol.client_metadata import ClientMetadata

PATH: Final = "/oauth2/register"
_ALWAYS: Final = frozenset(
    {
        "redirect_uris",
        "grant_types",
        "response_types",
        "token_endpoint_auth_method",
        "scope",
        "subject_type",
        "id_token_signed_response_alg",
    }
)
_OURS: Final = frozenset({"allowed_origins", "require_pkce", "response_modes", "profile"})
_PLAIN: Final = {field.name: field.default for field in dataclasses.fields(ClientMetadata)}


def described(
    site: Site,
    client: Client,
    *,
    raw_token: Secret[str],
    raw_secret: Secret[str] | None = None,
    asked: Collection[str] = (),
    software_statement: str | None = None,
) -> bytes:
    """Return the client information response.

    Args:
        site: The tenant's.
        client: As registered.
        raw_token: The registration access token that is valid from now on.
        raw_secret: A secret made in this very request; never one from before (N195).
        asked: Members the request named, shown even where they are the default.
        software_statement: Returned unmodified if one was used.
    """
    shown: dict[str, Any] = {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created_at.timestamp()),
        "registration_access_token": raw_token.reveal(),
        "registration_client_uri": f"{site.issuer}{PATH}/{client.client_id}",
        "application_type": client.application_type,
        **_members(client, asked=asked),
    }
    if raw_secret is not None:
        # Zero: it does not expire (RFC 7591 section 3.2.1).
        shown |= {"client_secret": raw_secret.reveal(), "client_secret_expires_at": 0}
    if software_statement is not None:
        shown["software_statement"] = software_statement
    return json.dumps(shown, separators=(",", ":")).encode()


def _members(client: Client, *, asked: Collection[str]) -> dict[str, Any]:
    return {
        name: value
        for name, value in members_of(client.metadata).items()
        if name not in _OURS
        and (name in _ALWAYS or name in asked or getattr(client.metadata, name) != _PLAIN[name])
    }
