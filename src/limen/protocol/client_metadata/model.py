"""A client's metadata as a value: every member known, every default filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from limen.protocol.client_metadata.names import (
    FAPI_PROFILES,
    RESPONSE_MODES,
    SHARED_SECRET_METHODS,
    AssertionAudience,
    AuthMethod,
    ClientAlg,
    ClientType,
    DeliveryMode,
    GrantType,
    Profile,
    ResponseMode,
    SigningAlg,
    SubjectType,
)
from limen.protocol.jwe import ContentEncryption, KeyManagement
from limen.protocol.redirect_uri import ApplicationType


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMetadata:
    """A client as it registered itself; members have the names the specifications give them.

    Attributes:
        scope: All it may ever be granted; without ``scope`` in a request, its default.
        allowed_origins: Browser origins that may call the token endpoint and its neighbours.
        response_modes: Those it may ask for at the authorization endpoint.
        jwks: Its public keys by value; never together with ``jwks_uri``.
        request_uris: Where request objects may be fetched, compared whole.
        default_max_age: Seconds; as if every request had sent ``max_age``.
        require_pkce: Of a confidential OpenID client; all others need it anyway.
        assertion_audience: Of its assertions; ``None`` for what the tenant says.
        scope_claims_in_id_token: For one that reads a name and an address there and asks no
            UserInfo.
        profile: Rules it keeps to; empty for none beyond those of everybody.
    """

    client_name: str
    client_type: ClientType
    token_endpoint_auth_method: AuthMethod
    grant_types: tuple[GrantType, ...]

    # RFC 7591
    response_types: tuple[str, ...] = ()
    response_modes: tuple[ResponseMode, ...] = RESPONSE_MODES
    redirect_uris: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    client_uri: str | None = None
    logo_uri: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    contacts: tuple[str, ...] = ()
    jwks: Mapping[str, Any] | None = None
    jwks_uri: str | None = None
    software_id: str | None = None
    software_version: str | None = None

    # OpenID Connect Registration
    initiate_login_uri: str | None = None
    subject_type: SubjectType = "public"
    sector_identifier_uri: str | None = None
    id_token_signed_response_alg: SigningAlg = "RS256"  # noqa: S105 -- an algorithm
    id_token_encrypted_response_alg: KeyManagement | None = None
    id_token_encrypted_response_enc: ContentEncryption | None = None
    userinfo_signed_response_alg: SigningAlg | None = None
    userinfo_encrypted_response_alg: KeyManagement | None = None
    userinfo_encrypted_response_enc: ContentEncryption | None = None
    request_object_signing_alg: ClientAlg | None = None
    request_object_encryption_alg: KeyManagement | None = None
    request_object_encryption_enc: ContentEncryption | None = None
    token_endpoint_auth_signing_alg: ClientAlg | None = None
    request_uris: tuple[str, ...] = ()
    default_max_age: int | None = None
    require_auth_time: bool = False
    default_acr_values: tuple[str, ...] = ()

    # Logout: RP-initiated, back-channel, front-channel
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool = False
    frontchannel_logout_uri: str | None = None
    frontchannel_logout_session_required: bool = False

    # Security profiles: RFC 8705, 9101, 9126, 9396, 9449
    tls_client_auth_subject_dn: str | None = None
    tls_client_auth_san_dns: str | None = None
    tls_client_auth_san_uri: str | None = None
    tls_client_auth_san_ip: str | None = None
    tls_client_auth_san_email: str | None = None
    tls_client_certificate_bound_access_tokens: bool = False
    dpop_bound_access_tokens: bool = False
    require_signed_request_object: bool = False
    require_pushed_authorization_requests: bool = False
    authorization_details_types: tuple[str, ...] = ()

    # Signed answers: JARM, RFC 9701
    authorization_signed_response_alg: SigningAlg = "RS256"
    authorization_encrypted_response_alg: KeyManagement | None = None
    authorization_encrypted_response_enc: ContentEncryption | None = None
    introspection_signed_response_alg: SigningAlg = "RS256"
    introspection_encrypted_response_alg: KeyManagement | None = None
    introspection_encrypted_response_enc: ContentEncryption | None = None

    # CIBA
    backchannel_token_delivery_mode: DeliveryMode | None = None
    backchannel_client_notification_endpoint: str | None = None
    backchannel_authentication_request_signing_alg: ClientAlg | None = None
    backchannel_user_code_parameter: bool = False

    # Limen's own
    allowed_origins: tuple[str, ...] = ()
    require_pkce: bool = True
    assertion_audience: AssertionAudience | None = None
    scope_claims_in_id_token: bool = False
    profile: Profile = ""

    @property
    def public(self) -> bool:
        """Whether it can't authenticate, so that its name proves nothing."""
        return self.token_endpoint_auth_method == "none"  # noqa: S105 -- a method's name

    @property
    def has_secret(self) -> bool:
        """Whether it shares a secret with us, hashed or sealed."""
        return self.seals_secret or self.token_endpoint_auth_method in SHARED_SECRET_METHODS

    @property
    def seals_secret(self) -> bool:
        """Whether its secret must be read back, to verify what it signs with it."""
        return self.token_endpoint_auth_method == "client_secret_jwt"  # noqa: S105 -- a method's name

    @property
    def application_type(self) -> ApplicationType:
        """OpenID Connect Registration's word for it."""
        return "native" if self.client_type == "native" else "web"

    @property
    def is_fapi(self) -> bool:
        """Whether it keeps to the FAPI 2.0 Security Profile."""
        return self.profile in FAPI_PROFILES
