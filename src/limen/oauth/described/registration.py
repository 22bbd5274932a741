"""Dynamic client registration and its management, described."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from limen.oauth.described.errors import Refused
from limen.oauth.described.words import (
    STRING,
    URI,
    Answer,
    Schema,
    body,
    members,
    operation,
    said,
)
from limen.protocol.client_metadata import AUTH_METHODS
from limen.protocol.token_request import GRANT_TYPES

METADATA: Final[Schema] = members(
    {
        "client_name": STRING,
        "redirect_uris": {"type": "array", "items": URI},
        "token_endpoint_auth_method": {"type": "string", "enum": list(AUTH_METHODS)},
        "grant_types": {"type": "array", "items": {"type": "string", "enum": list(GRANT_TYPES)}},
        "response_types": {"type": "array", "items": {"type": "string", "enum": ["code"]}},
        "scope": STRING,
        "jwks": said({"type": "object"}, "Public keys, or `jwks_uri`."),
        "jwks_uri": URI,
        "application_type": {"type": "string", "enum": ["web", "native"]},
        "software_statement": said(STRING, "A JWT whose members win (RFC 7591 section 2.3)."),
    },
    additionalProperties=True,
    description=(
        "The members of RFC 7591, OpenID Connect Registration and the extensions that discovery "
        "advertises; unknown ones are ignored and not sent back."
    ),
)
REGISTERED: Final[Schema] = members(
    {
        "client_id": STRING,
        "client_secret": said(STRING, "Shown this once."),
        "client_secret_expires_at": {"type": "integer"},
        "client_id_issued_at": {"type": "integer"},
        "registration_access_token": said(STRING, "For the three below; changes with each PUT."),
        "registration_client_uri": URI,
    },
    required=("client_id",),
    additionalProperties=True,
)
_ASKED: Final = {
    "client_name": "Calendar Helper",
    "redirect_uris": ["https://app.example/callback"],
    "scope": "openid profile",
}
_GIVEN: Final = {
    **_ASKED,
    "client_id": "0194c0b1-…",
    "client_secret": "lmcs_…",
    "client_secret_expires_at": 0,
    "token_endpoint_auth_method": "client_secret_basic",
    "grant_types": ["authorization_code"],
    "response_types": ["code"],
    "registration_access_token": "lmra_…",
    "registration_client_uri": "https://id.example/oauth2/register/0194c0b1-…",
}
_ITS_OWN: Final = ({"registrationToken": ()},)
_REFUSED: Final = (
    "invalid_redirect_uri",
    "invalid_client_metadata",
    "invalid_software_statement",
    "unapproved_software_statement",
    "too_many_requests",
)
_TWO_TOKENS: Final = Refused("invalid_request", 400, "Send the token once, as a Bearer token.")
_WHICH: Final[Schema] = {
    "name": "client_id",
    "in": "path",
    "required": True,
    "schema": STRING,
}

PATHS: Final[Mapping[str, Mapping[str, Any]]] = {
    "/oauth2/register": {
        "post": operation(
            "registerClient",
            summary="Register a client",
            says=(
                "Open to anybody, to bearers of an initial access token, or closed, as the "
                "tenant decides (RFC 7591)."
            ),
            answers={
                201: Answer(says="All that was registered.", schema="Registered", example=_GIVEN)
            },
            errors=(*_REFUSED, _TWO_TOKENS, "invalid_token"),
            security=({}, {"registrationToken": ()}),
            requestBody=body("ClientMetadata", example=_ASKED),
        )
    },
    "/oauth2/register/{client_id}": {
        "parameters": [_WHICH],
        "get": operation(
            "readRegistration",
            summary="Read a registration",
            says="RFC 7592 section 2.1.",
            answers={200: Answer(says="As it is.", schema="Registered", example=_GIVEN)},
            errors=(_TWO_TOKENS, "invalid_token", "too_many_requests"),
            security=_ITS_OWN,
        ),
        "put": operation(
            "replaceRegistration",
            summary="Replace a registration",
            says="All of it: what is left out goes back to its default (RFC 7592 section 2.2).",
            answers={200: Answer(says="As it is now.", schema="Registered", example=_GIVEN)},
            errors=(*_REFUSED, _TWO_TOKENS, "invalid_token"),
            security=_ITS_OWN,
            requestBody=body("ClientMetadata", example={**_ASKED, "client_id": "0194c0b1-…"}),
        ),
        "delete": operation(
            "deleteRegistration",
            summary="Delete a registration",
            says="Its tokens end with it (RFC 7592 section 2.3).",
            answers={204: Answer(says="It is gone.")},
            errors=(_TWO_TOKENS, "invalid_token", "too_many_requests"),
            security=_ITS_OWN,
        ),
    },
}
