"""The words a registration may use, each list the one that discovery advertises."""

from __future__ import annotations

from typing import Final, Literal

ClientType = Literal["web", "spa", "native", "machine"]
AuthMethod = Literal[
    "none",
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
]
GrantType = Literal[
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:openid:params:grant-type:ciba",
]
SigningAlg = Literal["RS256", "PS256", "ES256", "EdDSA"]
"""What we sign with for a client."""
ResourceAlg = Literal["RS256", "ES256", "EdDSA"]
"""What access tokens may be signed with."""
ClientAlg = Literal["RS256", "PS256", "ES256", "EdDSA"]
"""What a client signs with; a header that says Ed25519 is EdDSA by its other name."""
ResponseMode = Literal[
    "query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"
]
SubjectType = Literal["public", "pairwise"]
DeliveryMode = Literal["poll", "ping"]
Profile = Literal["", "fapi2", "fapi2_message_signing", "mcp"]
AssertionAudience = Literal["issuer", "endpoints"]

DEVICE_CODE: Final[GrantType] = "urn:ietf:params:oauth:grant-type:device_code"
TOKEN_EXCHANGE: Final[GrantType] = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 -- a grant's name
JWT_BEARER: Final[GrantType] = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CIBA: Final[GrantType] = "urn:openid:params:grant-type:ciba"

SIGNED_MODES: Final[tuple[ResponseMode, ...]] = (
    "jwt",
    "query.jwt",
    "fragment.jwt",
    "form_post.jwt",
)
"""Those of JARM: the answer is one signed parameter."""
RESPONSE_MODES: Final[tuple[ResponseMode, ...]] = ("query", "fragment", "form_post", *SIGNED_MODES)
SIGNING_ALGS: Final[tuple[SigningAlg, ...]] = ("RS256", "PS256", "ES256", "EdDSA")
CLIENT_ALGS: Final[tuple[ClientAlg, ...]] = ("RS256", "PS256", "ES256", "EdDSA")
SHARED_SECRET_METHODS: Final[tuple[AuthMethod, ...]] = ("client_secret_basic", "client_secret_post")
"""Those whose secret we keep as a hash."""
KEY_METHODS: Final[tuple[AuthMethod, ...]] = (
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
)
"""Those that prove a key which never leaves the client."""
AUTH_METHODS: Final[tuple[AuthMethod, ...]] = (
    *SHARED_SECRET_METHODS,
    "client_secret_jwt",
    *KEY_METHODS,
    "none",
)
SUBJECT_TYPES: Final[tuple[SubjectType, ...]] = ("public", "pairwise")
DELIVERY_MODES: Final[tuple[DeliveryMode, ...]] = ("poll", "ping")
PROFILES: Final[tuple[Profile, ...]] = ("", "fapi2", "fapi2_message_signing", "mcp")
FAPI_PROFILES: Final[frozenset[Profile]] = frozenset({"fapi2", "fapi2_message_signing"})
ASSERTION_AUDIENCES: Final[tuple[AssertionAudience, ...]] = ("issuer", "endpoints")
CERTIFICATE_NAMES: Final = (
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
)
"""What of a certificate is compared; a client names exactly one (RFC 8705 section 2.1.2)."""
