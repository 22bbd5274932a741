"""Introspection, revocation and UserInfo, described."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from limen.oauth.described.errors import Refused
from limen.oauth.described.words import (
    CLIENT_AUTHENTICATION,
    SECONDS,
    STRING,
    Answer,
    Schema,
    client_form,
    form,
    members,
    operation,
    said,
)

_QUESTION: Final = client_form(
    {"token": STRING, "token_type_hint": said(STRING, "A hint, never a condition.")},
    required=("token",),
    examples={"an access token": {"token": "eyJ…"}},
)

INTROSPECTION: Final[Schema] = members(
    {
        "active": {"type": "boolean"},
        "scope": STRING,
        "client_id": STRING,
        "username": STRING,
        "token_type": STRING,
        "exp": SECONDS,
        "iat": SECONDS,
        "sub": STRING,
        "aud": STRING,
        "iss": STRING,
        "jti": STRING,
        "auth_time": SECONDS,
        "acr": STRING,
        "amr": {"type": "array", "items": STRING},
        "cnf": said({"type": "object"}, "The key its sender must hold."),
        "act": said({"type": "object"}, "Who acts (RFC 8693)."),
        "authorization_details": {"type": "array", "items": {"type": "object"}},
    },
    required=("active",),
)
USER_INFO: Final[Schema] = members(
    {
        "sub": STRING,
        "name": STRING,
        "email": STRING,
        "email_verified": {"type": "boolean"},
        "address": {"type": "object"},
        "phone_number": STRING,
        "updated_at": SECONDS,
    },
    required=("sub",),
    additionalProperties=True,
)
_USER_INFO: Final = operation(
    "userinfo",
    summary="Read claims about the person",
    says=(
        "What the scopes of the access token open, and what the `claims` parameter asked for "
        "(OpenID Connect Core section 5.3). Signed or encrypted as the client registered."
    ),
    answers={
        200: Answer(
            says="The claims; `application/jwt` for a client that registered it.",
            schema="UserInfo",
            example={"sub": "0194c0b1-…", "name": "Ada Lovelace", "email": "ada@example.org"},
            also={"application/jwt": "eyJ…"},
        )
    },
    errors=(
        "invalid_request",
        Refused("invalid_request", 401, "Send an access token."),
        "invalid_token",
        Refused("invalid_dpop_proof", 401, "The DPoP proof is not good for this request."),
        Refused("use_dpop_nonce", 401, "Repeat it with the nonce of the DPoP-Nonce header."),
        "insufficient_scope",
    ),
    security=({"accessToken": ("openid",)},),
)

PATHS: Final[Mapping[str, Mapping[str, Any]]] = {
    "/oauth2/introspect": {
        "post": operation(
            "introspect",
            summary="Ask what a token stands for",
            says=(
                "For the token's own client, and for the clients of the API it is for; to all "
                "others every token looks inactive (RFC 7662). With "
                "`Accept: application/token-introspection+jwt` the answer is signed (RFC 9701)."
            ),
            answers={
                200: Answer(
                    says="What it stands for, or that it is not active.",
                    schema="Introspection",
                    example={
                        "active": True,
                        "scope": "read",
                        "client_id": "0194c0b1-…",
                        "sub": "0194c0b1-…",
                        "aud": "https://api.example",
                        "exp": 1893456000,
                    },
                    also={"application/token-introspection+jwt": "eyJ…"},
                )
            },
            errors=("invalid_request", "invalid_client", "too_many_requests"),
            security=CLIENT_AUTHENTICATION,
            requestBody=_QUESTION,
        )
    },
    "/oauth2/revoke": {
        "post": operation(
            "revoke",
            summary="End a token",
            says=(
                "A refresh token ends with all that came of it; an unknown token is fine "
                "(RFC 7009). Another client's is refused and stays."
            ),
            answers={200: Answer(says="It is over; the body is empty.")},
            errors=("invalid_request", "invalid_client", "invalid_grant", "too_many_requests"),
            security=CLIENT_AUTHENTICATION,
            requestBody=_QUESTION,
        )
    },
    "/oauth2/userinfo": {
        "get": _USER_INFO,
        "post": {
            **_USER_INFO,
            "operationId": "userinfoByPost",
            "requestBody": {
                **form(
                    members({"access_token": said(STRING, "Instead of the header.")}),
                    examples={"in the body": {"access_token": "eyJ…"}},
                ),
                "required": False,
            },
        },
    },
}
