"""What the admin API takes and says, as JSON."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StrictBool,
    StringConstraints,
)

from limen.access.permissions import Role
from limen.accounts.user import User, UserState
from limen.audit.event import AuditEvent
from limen.kernel.actor import ActorKind
from limen.kernel.clock import in_utc
from limen.kernel.events import Outcome
from limen.mfa.factors import Factors
from limen.oauth.model import Client
from limen.oauth.registry.register_client import members_of
from limen.protocol.client_metadata import ClientType, GrantType, Profile
from limen.protocol.jwk import KeyAlgorithm
from limen.tenants.tenant import Tenant, TenantState

_Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
_Uri = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
_Uris = Annotated[tuple[_Uri, ...], Field(max_length=100)]
_ScopeText = Annotated[str, StringConstraints(max_length=4096)]
Moment = Annotated[dt.datetime, AfterValidator(in_utc)]
"""Taken with any offset from UTC, and not without one."""


class _Read(BaseModel):
    """What is taken: unknown members are errors, so that a misspelt one is no silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class PageQuery(_Read):
    """Where a list goes on, and how much of it is wanted."""

    cursor: str = Field(default="", max_length=1000)
    limit: int = Field(default=50, ge=1, le=200)


class UserQuery(PageQuery):
    """Which people."""

    email: str = Field(default="", max_length=320)


class AuditQuery(PageQuery):
    """Which events."""

    name: str = Field(default="", max_length=100)
    outcome: Outcome | None = None
    actor_id: str = Field(default="", max_length=64)
    user_id: str = Field(default="", max_length=64)
    since: Moment | None = None
    until: Moment | None = None


class ClientBody(_Read):
    """A client to register; ``metadata`` takes further RFC 7591 members.

    A ``client_id`` is made if none is given.
    """

    name: _Name
    client_id: str | None = Field(default=None, min_length=3, max_length=100)
    type: ClientType = "web"
    redirect_uris: _Uris = ()
    post_logout_redirect_uris: _Uris = ()
    scope: _ScopeText | None = None
    default_scope: _ScopeText | None = None
    token_endpoint_auth_method: str | None = Field(default=None, max_length=64)
    grant_types: tuple[GrantType, ...] | None = Field(default=None, max_length=10)
    jwks: dict[str, Any] | None = None
    jwks_uri: _Uri | None = None
    profile: Profile | None = None
    allowed_origins: _Uris | None = None
    require_pkce: StrictBool | None = None
    first_party: StrictBool = False
    trusted: StrictBool = False
    rotates_refresh: StrictBool | None = None
    default_resource: _Uri | None = None
    metadata: dict[str, Any] = Field(default_factory=dict, max_length=100)


class ClientPatch(_Read):
    """What is to change of a client; members left out stay as they are.

    In ``metadata``, ``null`` gives a member back to its default; so it does for
    ``rotates_refresh`` and ``default_resource``.
    """

    name: _Name | None = None
    redirect_uris: _Uris | None = None
    post_logout_redirect_uris: _Uris | None = None
    scope: _ScopeText | None = None
    default_scope: _ScopeText | None = None
    token_endpoint_auth_method: str | None = Field(default=None, max_length=64)
    grant_types: tuple[GrantType, ...] | None = Field(default=None, max_length=10)
    jwks: dict[str, Any] | None = None
    jwks_uri: _Uri | None = None
    profile: Profile | None = None
    allowed_origins: _Uris | None = None
    require_pkce: StrictBool | None = None
    first_party: StrictBool | None = None
    trusted: StrictBool | None = None
    verified: StrictBool | None = None
    rotates_refresh: StrictBool | None = None
    default_resource: _Uri | None = None
    metadata: dict[str, Any] = Field(default_factory=dict, max_length=100)


class ClientView(BaseModel):
    """A client without its secrets; ``metadata`` holds all that it registered.

    ``rotates_refresh`` is null where the rule holds: public clients rotate, others do not.
    """

    client_id: str
    name: str
    type: ClientType
    token_endpoint_auth_method: str
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    scope: str
    default_scope: str
    allowed_origins: tuple[str, ...]
    first_party: bool
    trusted: bool
    verified: bool
    rotates_refresh: bool | None
    default_resource: str | None
    active: bool
    created_at: dt.datetime
    metadata: dict[str, Any]

    @classmethod
    def of(cls, client: Client) -> ClientView:
        """Show a client."""
        return cls(
            client_id=client.client_id,
            name=client.name,
            type=client.type,
            token_endpoint_auth_method=client.auth_method,
            redirect_uris=client.redirect_uris,
            post_logout_redirect_uris=client.post_logout_redirect_uris,
            grant_types=client.grant_types,
            scope=" ".join(client.scope),
            default_scope=" ".join(client.default_scope),
            allowed_origins=client.origins,
            first_party=client.first_party,
            trusted=client.trusted,
            verified=client.verified,
            rotates_refresh=client.rotates_refresh,
            default_resource=client.default_resource,
            active=client.is_active,
            created_at=client.created_at,
            metadata=members_of(client.metadata),
        )


class RegisteredClient(ClientView):
    """A client just registered or changed; a secret it was given is shown this once."""

    client_secret: str | None = None


class ClientPage(BaseModel):
    """Some clients."""

    clients: list[ClientView]
    next_cursor: str


class NewSecret(BaseModel):
    """A client's new secret, shown this once."""

    client_id: str
    client_secret: str
    old_valid_until: dt.datetime


class UserBody(_Read):
    """A person to create."""

    email: str = Field(min_length=3, max_length=320)
    password: SecretStr | None = Field(default=None, max_length=4096)
    verified: bool = False
    claims: dict[str, Any] = Field(default_factory=dict, max_length=50)
    role: Role | None = None


class FactorsView(BaseModel):
    """Which second factors a person has."""

    totp_since: dt.datetime | None
    recovery_codes_left: int

    @classmethod
    def of(cls, factors: Factors) -> FactorsView:
        """Show what a person has."""
        return cls(totp_since=factors.totp_since, recovery_codes_left=factors.recovery_codes_left)


class UserView(BaseModel):
    """A person, without what proves them."""

    user_id: str
    email: str | None
    email_verified: bool
    state: UserState
    must_change_password: bool
    claims: dict[str, Any]
    created_at: dt.datetime

    @classmethod
    def of(cls, user: User) -> UserView:
        """Show a person."""
        return cls(
            user_id=user.id,
            email=user.email,
            email_verified=user.is_verified,
            state=user.state,
            must_change_password=user.must_change_password,
            claims=user.claims,
            created_at=user.created_at,
        )


class UserPage(BaseModel):
    """Some people."""

    users: list[UserView]
    next_cursor: str


class RoleList(BaseModel):
    """The roles a person was given; everybody is a member besides."""

    roles: tuple[Role, ...]


class TenantBody(_Read):
    """A tenant to create."""

    slug: str = Field(min_length=1, max_length=63)
    name: str = Field(default="", max_length=100)
    host: str | None = Field(default=None, max_length=253)
    policy: dict[str, Any] = Field(default_factory=dict, max_length=50)


class TenantView(BaseModel):
    """A tenant."""

    tenant_id: str
    slug: str
    name: str
    host: str | None
    issuer: str
    state: TenantState

    @classmethod
    def of(cls, tenant: Tenant) -> TenantView:
        """Show a tenant."""
        return cls(
            tenant_id=tenant.tenant_id,
            slug=tenant.slug,
            name=tenant.name,
            host=tenant.host,
            issuer=tenant.issuer,
            state=tenant.state,
        )


class TenantList(BaseModel):
    """All tenants."""

    tenants: list[TenantView]


class KeyView(BaseModel):
    """A signing key, its public side."""

    kid: str
    alg: str
    active: bool


class KeyList(BaseModel):
    """The published signing keys."""

    keys: list[KeyView]


class Rotation(_Read):
    """Which algorithm's key shall move on, and from which."""

    alg: KeyAlgorithm
    away_from: str = Field(default="", max_length=100)


class Rotated(BaseModel):
    """Whether this request rotated; if not, another had done it."""

    rotated: bool
    left_kid: str


class AuditEventView(BaseModel):
    """One event of the audit log."""

    id: str
    at: dt.datetime
    name: str
    outcome: Outcome
    actor_kind: ActorKind
    actor_id: str
    client_id: str
    session_id: str
    user_id: str
    detail: dict[str, Any]

    @classmethod
    def of(cls, event: AuditEvent) -> AuditEventView:
        """Show an event."""
        return cls(**{name: getattr(event, name) for name in cls.model_fields})


class AuditPageView(BaseModel):
    """Some events, newest first."""

    events: list[AuditEventView]
    next_cursor: str
