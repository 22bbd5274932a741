"""Keys and discovery, described; and the whole, ready to be merged into the document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from limen.oauth.described import about_tokens, authorization, elsewhere, registration, tokens
from limen.oauth.described.everywhere import SHARED, with_shared
from limen.oauth.described.words import (
    SECURITY_SCHEMES,
    STRING,
    TAG,
    Answer,
    members,
    operation,
)

_METADATA: Final = {
    "issuer": "https://id.example",
    "authorization_endpoint": "https://id.example/oauth2/authorize",
    "token_endpoint": "https://id.example/oauth2/token",
}


def _document(operation_id: str, says: str) -> dict[str, Any]:
    return {
        "get": operation(
            operation_id,
            summary="Discovery",
            says=f"{says} Both names answer with the same document.",
            answers={
                200: Answer(says="What is on offer.", schema={"type": "object"}, example=_METADATA)
            },
        )
    }


_PATHS: Final[Mapping[str, Mapping[str, Any]]] = {
    "/oauth2/jwks": {
        "get": operation(
            "jwks",
            summary="Our public keys",
            says=(
                "What signs now, what signed until lately, and what will sign next (RFC 7517). "
                "Keep it; read it again for a `kid` you do not know."
            ),
            answers={
                200: Answer(
                    says="A JWK Set.",
                    schema={"type": "object"},
                    example={"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "kid": "…"}]},
                )
            },
        )
    },
    "/.well-known/openid-configuration": _document(
        "openidConfiguration", "OpenID Connect Discovery 1.0."
    ),
    "/.well-known/oauth-authorization-server": _document("serverMetadata", "RFC 8414."),
    "/.well-known/oauth-protected-resource/api/v1": {
        "get": operation(
            "apiMetadata",
            summary="Discovery of this API",
            says=(
                "`/api/v1` as a protected resource (RFC 9728): `resource` is what its tokens are "
                "asked for with. Its challenges name this address."
            ),
            answers={
                200: Answer(
                    says="Whose tokens it takes, and how.",
                    schema={"type": "object"},
                    example={
                        "resource": "https://id.example/api/v1",
                        "authorization_servers": ["https://id.example"],
                        "bearer_methods_supported": ["header"],
                    },
                )
            },
        )
    },
}

PATHS: Final[Mapping[str, Mapping[str, Any]]] = {
    **authorization.PATHS,
    **tokens.PATHS,
    **about_tokens.PATHS,
    **elsewhere.PATHS,
    **registration.PATHS,
    **_PATHS,
}
SCHEMAS: Final[Mapping[str, Any]] = {
    "OAuthError": members({"error": STRING, "error_description": STRING}, required=("error",)),
    "TokenResponse": tokens.TOKEN_RESPONSE,
    "Introspection": about_tokens.INTROSPECTION,
    "UserInfo": about_tokens.USER_INFO,
    "ClientMetadata": registration.METADATA,
    "Registered": registration.REGISTERED,
}


def add_oauth(document: dict[str, Any]) -> dict[str, Any]:
    """Return an OpenAPI document with the OAuth endpoints in it."""
    components = document.get("components", {})
    return {
        **document,
        "tags": [*document.get("tags", []), {"name": TAG}],
        "paths": {**with_shared(PATHS), **document["paths"]},
        "components": {
            **components,
            "schemas": {**components.get("schemas", {}), **SCHEMAS},
            "responses": {**components.get("responses", {}), **SHARED},
            "securitySchemes": {
                **components.get("securitySchemes", {}),
                **SECURITY_SCHEMES,
            },
        },
    }
