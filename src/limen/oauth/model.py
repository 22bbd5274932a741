"""What the authorization server works with: clients, resources, codes, consents, as values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from limen.protocol.authorization_details import Declaration, Details
from limen.protocol.authorization_request import AuthorizationRequest
from limen.protocol.client_metadata import (
    DEVICE_CODE,
    AuthMethod,
    ClientMetadata,
    ClientType,
    GrantType,
    ResourceAlg,
)
from limen.protocol.client_metadata.names import SHARED_SECRET_METHODS
from limen.protocol.pkce import needs_challenge
from limen.protocol.redirect_uri import ApplicationType
from limen.protocol.scopes import OFFLINE_ACCESS

TokenFormat = Literal["jwt", "opaque"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecret:
    """One of a client's secrets: a hash, or sealed where it must be read back.

    Attributes:
        secret_hash: Of all but ``client_secret_jwt`` clients' secrets.
        sealed_secret: What a ``client_secret_jwt`` client signs with.
        expires_at: ``None`` while it is the current one; a rotated one lives on until then.
    """

    id: str
    secret_hash: bytes | None
    created_at: dt.datetime
    expires_at: dt.datetime | None
    sealed_secret: bytes | None = field(default=None, repr=False)

    def is_valid(self, *, now: dt.datetime) -> bool:
        """Say whether it still authenticates."""
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A client as registered, active or disabled.

    Attributes:
        metadata: What it registered about itself.
        default_scope: Stands for "no scope named"; never ``openid`` or ``offline_access``.
        first_party: Ours: may drive interactions without authenticating, is never asked about.
        trusted: No consent is asked for it, and no question at logout.
        verified: False if it registered itself and nobody vouched for it.
        rotates_refresh: ``None`` for the rule: public clients rotate, confidential ones do not.
            A public one is spared it only where DPoP binds its tokens, and never under ``mcp``.
        version: Changes with every change; a cached copy is confirmed by it.
        secrets: Expired ones included.
        document_fresh_until: Until when the copy of a client ID metadata document is good.
        is_service_account: Whether it may have several credentials, of several kinds.
        expires_at: When a service account ends by itself; ``None`` for never.
        held_back: What of it the tenant's profile refuses, in words; empty for nothing.
        logo_id: Of our copy of its logo; empty while there is none.
    """

    client_id: str
    metadata: ClientMetadata
    default_scope: tuple[str, ...]
    first_party: bool
    trusted: bool
    verified: bool
    rotates_refresh: bool | None
    default_resource: str | None
    version: int
    created_at: dt.datetime
    disabled_at: dt.datetime | None
    secrets: tuple[ClientSecret, ...] = field(repr=False)
    document_fresh_until: dt.datetime | None = None
    is_service_account: bool = False
    expires_at: dt.datetime | None = None
    held_back: str = ""
    logo_id: str = ""

    @property
    def name(self) -> str:
        """What people call it; its id when it has no name."""
        return self.metadata.client_name or self.client_id

    @property
    def type(self) -> ClientType:
        """Where it runs."""
        return self.metadata.client_type

    @property
    def auth_method(self) -> AuthMethod:
        """How it authenticates; either way of sending a secret will do for both."""
        return self.metadata.token_endpoint_auth_method

    @property
    def application_type(self) -> ApplicationType:
        """OpenID Connect Registration's word for where it runs."""
        return self.metadata.application_type

    @property
    def redirect_uris(self) -> tuple[str, ...]:
        """Where answers may go, exactly."""
        return self.metadata.redirect_uris

    @property
    def post_logout_redirect_uris(self) -> tuple[str, ...]:
        """Where a browser may go after signing out."""
        return self.metadata.post_logout_redirect_uris

    @property
    def grant_types(self) -> tuple[GrantType, ...]:
        """The grants it may use."""
        return self.metadata.grant_types

    @property
    def response_modes(self) -> tuple[str, ...]:
        """The modes in which it may be answered."""
        return self.metadata.response_modes

    @property
    def scope(self) -> tuple[str, ...]:
        """All it may ask for."""
        return self.metadata.scope

    @property
    def origins(self) -> tuple[str, ...]:
        """Origins whose scripts may call us for it."""
        return self.metadata.allowed_origins

    @property
    def id_token_alg(self) -> str:
        """What its ID tokens are signed with."""
        return self.metadata.id_token_signed_response_alg

    @property
    def is_public(self) -> bool:
        """Whether it holds no secret, so that its name proves nothing."""
        return self.metadata.public

    @property
    def is_active(self) -> bool:
        """Whether it may do anything at all."""
        return self.disabled_at is None and not self.held_back

    @property
    def is_disabled(self) -> bool:
        """Whether an operator switched it off."""
        return self.disabled_at is not None

    def is_over(self, *, now: dt.datetime) -> bool:
        """Say whether it has ended by itself; at the very moment it has."""
        return self.expires_at is not None and now >= self.expires_at

    @property
    def takes_secrets(self) -> bool:
        """Whether a secret that is sent authenticates it; never a service account under FAPI."""
        if self.is_service_account:
            return not self.metadata.is_fapi
        return self.auth_method in SHARED_SECRET_METHODS

    @property
    def document_host(self) -> str:
        """Whose metadata document it is, which its id names; empty for all other clients."""
        if not self.client_id.startswith("https://"):
            return ""
        return self.client_id.removeprefix("https://").partition("/")[0]

    @property
    def rotates(self) -> bool:
        """Whether its refresh token changes with each use; never under FAPI 2.0.

        Spec: OAuth 2.1 section 4.3.1: a public client's is bound to its sender, or rotates.
        """
        if self.metadata.is_fapi:
            return False
        if self.is_public and (
            not self.metadata.dpop_bound_access_tokens or self.metadata.profile == "mcp"
        ):
            return True
        return self.is_public if self.rotates_refresh is None else self.rotates_refresh

    def may_use(self, grant_type: str) -> bool:
        """Say whether it registered for a grant, and its profile leaves it that."""
        if grant_type == DEVICE_CODE and self.metadata.is_fapi:
            return False
        return grant_type in self.grant_types

    def needs_pkce(self, *, openid: bool) -> bool:
        """Say whether its authorization requests must carry a challenge."""
        return needs_challenge(
            public=self.is_public, openid=openid, required_by_client=self.metadata.require_pkce
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InitialToken:
    """Leave to register clients, without the token itself.

    Attributes:
        name: For operators: whom it was given to.
        uses_left: How many clients may still be registered with it.
    """

    id: str
    name: str
    uses_left: int
    created_at: dt.datetime
    expires_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """An API that tokens are for.

    Attributes:
        identifier: Canonical: what is compared and becomes ``aud``.
        scopes: Its scopes, each with a text for the consent page, empty if none was given.
        access_token_ttl: ``None`` for the tenant's.
        signing_alg: What its JWTs are signed with.
        claims: Rules for claims of its own; see ``protocol.claims_mapping``.
        sender_constrained: Whether its tokens must be bound to a key.
        authorization_details_types: What may be asked for in detail (RFC 9396), by type.
        is_issuer: Ourselves: what tokens are for when no resource was asked for.
    """

    identifier: str
    name: str
    scopes: Mapping[str, str]
    default_scopes: tuple[str, ...]
    token_format: TokenFormat
    access_token_ttl: dt.timedelta | None
    version: int
    disabled_at: dt.datetime | None
    signing_alg: ResourceAlg = "ES256"
    claims: Mapping[str, Any] = field(default_factory=dict)
    sender_constrained: bool = False
    authorization_details_types: Mapping[str, Declaration] = field(default_factory=dict)
    is_issuer: bool = False

    @property
    def is_active(self) -> bool:
        """Whether tokens are issued for it."""
        return self.disabled_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationCode:
    """A code as issued, with all that its redemption checks and passes on.

    Attributes:
        code_hash: SHA-256 of it; the code itself is with the client alone.
        grant_id: The grant that its redemption starts, and that a replay ends.
        client_version: Of the client, read with the code, to confirm a cached copy.
        subject: ``sub`` as this client knows the user.
        resource: The audience.
        redirect_uri_sent: Whether the request named one; then the token request must too.
        dpop_jkt: Thumbprint of the key that must be proved to redeem it; ``None`` for none.
        claims: The ``claims`` parameter, empty if none.
        authorization_details: What was agreed to of RFC 9396, empty if nothing.
        attempts: Redemptions that failed; the fifth burns it.
        kept_until: When a replay can harm no more: what it gave has expired by then.
        session_ends_at: When the session it was issued in ends at the latest; ``None`` when
            it is over, or the code is just being issued.
    """

    code_hash: bytes = field(repr=False)
    grant_id: str
    client_id: str
    client_version: int
    user_id: str
    subject: str
    session_id: str
    scope: tuple[str, ...]
    resource: str
    redirect_uri: str
    redirect_uri_sent: bool
    code_challenge: str | None
    dpop_jkt: str | None = None
    nonce: str | None
    claims: Mapping[str, Any]
    authorization_details: Details = ()
    acr: str
    amr: tuple[str, ...]
    authenticated_at: dt.datetime
    expires_at: dt.datetime
    used_at: dt.datetime | None
    attempts: int
    kept_until: dt.datetime
    session_ends_at: dt.datetime | None = None

    @property
    def offline(self) -> bool:
        """Whether what it gives outlives the session."""
        return OFFLINE_ACCESS in self.scope

    def is_expired(self, *, now: dt.datetime) -> bool:
        """Say whether its time is over; at the very moment it is (N037)."""
        return now >= self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What a user lets a client do at a resource.

    Attributes:
        remembered: Whether it spares the next question; not for clients whose name proves
            nothing (N272), which are asked about each time.
    """

    id: str
    user_id: str
    client_id: str
    resource: str
    scopes: tuple[str, ...]
    remembered: bool
    granted_at: dt.datetime

    def covers(self, scope: tuple[str, ...]) -> bool:
        """Say whether all of a scope was agreed to."""
        return set(scope) <= set(self.scopes)


@dataclass(frozen=True, slots=True)
class Binding:
    """Who may go on with an interaction, besides knowing its handle.

    Args:
        by: ``browser``: a cookie; ``client``: an authenticated client; ``origin``: scripts of
            one origin; ``first_party``: whoever our own application is.
        to: The cookie's hash, the client's id, the origin, or nothing.
    """

    by: Literal["browser", "client", "origin", "first_party"]
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """A verified authorization request that waits for a person.

    Attributes:
        handle_hash: SHA-256 of the handle, which the front end alone has.
        redirect_uri: Where the answer goes, as verified.
        scope: What would be granted.
        steps: What it waited for when it was opened or last looked at.
        hinted_subject: ``sub`` of the ``id_token_hint``; nobody else will do (OIDC Core 3.1.2.1).
        authenticated_after: An authentication must be later than this; ``None`` if any will do.
        user_id: Who signed in over JSON; a browser's session is read from its cookie.
        pushed_hash: Of the handle it was pushed under, which the answer takes.
        is_signed: Whether a request object said it.
        pending_hash: Who is on the way in over JSON: proved a first factor, has steps to pass.
    """

    handle_hash: bytes = field(repr=False)
    client_id: str
    binding: Binding
    request: AuthorizationRequest
    redirect_uri: str
    resource: str
    scope: tuple[str, ...]
    steps: tuple[str, ...]
    hinted_subject: str | None
    authenticated_after: dt.datetime | None
    user_id: str | None
    session_id: str | None
    pushed_hash: bytes | None = field(default=None, repr=False)
    is_signed: bool = False
    pending_hash: bytes | None = field(default=None, repr=False)
    created_at: dt.datetime
    expires_at: dt.datetime
