"""The token endpoint, described: one body for each grant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from limen.oauth.described.words import (
    CLIENT_AUTHENTICATION,
    ONE_WAY,
    SECONDS,
    STRING,
    URI,
    Answer,
    Schema,
    client_form,
    members,
    operation,
    said,
)
from limen.protocol.token_request import GRANT_TYPES

_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 -- a type

FIELDS: Final[Mapping[str, Schema]] = {
    "grant_type": {"type": "string", "enum": list(GRANT_TYPES)},
    "scope": said(STRING, "Separated by spaces; never more than was granted."),
    "resource": said(URI, "The API the token is for (RFC 8707)."),
    "code": said(STRING, "From the authorization answer; good once, for 60 seconds."),
    "redirect_uri": said(URI, "The one of the authorization request, if that named one."),
    "code_verifier": said(STRING, "43 to 128 characters (RFC 7636)."),
    "refresh_token": said(STRING, "Public clients get a new one with each use."),
    "device_code": said(STRING, "From device authorization (RFC 8628)."),
    "auth_req_id": said(STRING, "From backchannel authentication (CIBA)."),
    "assertion": said(STRING, "A JWT of a trusted issuer (RFC 7523), or an ID-JAG."),
    "subject_token": said(STRING, "Whose token is exchanged (RFC 8693)."),
    "subject_token_type": STRING,
    "actor_token": said(STRING, "Who acts for them."),
    "actor_token_type": STRING,
    "requested_token_type": STRING,
    "audience": said(STRING, "Whom the new token is for, by name."),
    "authorization_details": said(STRING, "JSON: less than was granted (RFC 9396)."),
}
EXAMPLES: Final[Mapping[str, Mapping[str, Any]]] = {
    "authorization_code": {
        "grant_type": "authorization_code",
        "code": "lmc_…",
        "redirect_uri": "https://app.example/callback",
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    },
    "refresh_token": {"grant_type": "refresh_token", "refresh_token": "lmr_…"},
    "client_credentials": {"grant_type": "client_credentials", "scope": "read"},
    "device_code": {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": "lmd_…",
    },
    "token-exchange": {
        "grant_type": _EXCHANGE,
        "subject_token": "eyJ…",
        "subject_token_type": _ACCESS_TOKEN,
        "resource": "https://api.example",
    },
    "jwt-bearer": {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": "eyJ…",
    },
    "ciba": {"grant_type": "urn:openid:params:grant-type:ciba", "auth_req_id": "lmb_…"},
}
"""By the last word of each ``grant_type``; a test holds it against the grants there are."""

TOKEN_RESPONSE: Final = members(
    {
        "access_token": said(STRING, "A JWT (RFC 9068), or opaque, as its resource wants it."),
        "token_type": {"type": "string", "enum": ["Bearer", "DPoP", "N_A"]},
        "expires_in": SECONDS,
        "scope": said(STRING, "What was granted; absent where that is no scope but details alone."),
        "refresh_token": STRING,
        "id_token": said(STRING, "With the scope `openid`."),
        "issued_token_type": said(STRING, "At token exchange."),
        "authorization_details": {"type": "array", "items": {"type": "object"}},
    },
    required=("access_token", "token_type"),
)

PATHS: Final[Mapping[str, Mapping[str, Any]]] = {
    "/oauth2/token": {
        "post": operation(
            "token",
            summary="Get tokens",
            says=(
                f"Every grant ends here (RFC 6749 section 3.2). {ONE_WAY} A `DPoP` header binds "
                "the tokens to its key (RFC 9449), a client certificate to the certificate "
                "(RFC 8705)."
            ),
            answers={
                200: Answer(
                    says="Tokens.",
                    schema="TokenResponse",
                    example={
                        "access_token": "eyJ…",
                        "token_type": "Bearer",
                        "expires_in": 900,
                        "scope": "openid profile",
                        "refresh_token": "lmr_…",
                        "id_token": "eyJ…",
                    },
                    headers={"DPoP-Nonce": "The nonce for the next proof, where one is asked for."},
                )
            },
            errors=(
                "invalid_request",
                "invalid_client",
                "invalid_grant",
                "unauthorized_client",
                "unsupported_grant_type",
                "invalid_scope",
                "invalid_target",
                "invalid_authorization_details",
                "authorization_pending",
                "slow_down",
                "expired_token",
                "access_denied",
                "invalid_dpop_proof",
                "use_dpop_nonce",
                "too_many_requests",
                "temporarily_unavailable",
            ),
            security=CLIENT_AUTHENTICATION,
            requestBody=client_form(FIELDS, required=("grant_type",), examples=EXAMPLES),
        )
    }
}
