"""What the vault's rows are called outside its store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from limen.kernel.secret import Secret

TENANT_OWNER: Final = "(tenant)"
"""Who owns a tenant's own connections: no user has this id."""

GrantKind = Literal["consent", "api_key", "basic", "client_credentials", "service_account"]
"""How a grant came: by its person's consent, or as a credential of theirs."""

ReleaseMode = Literal["raw", "proxy"]
"""How a client uses a connection: it is given tokens, or has them used for it, which is less."""

GrantState = Literal["active", "uncertain", "reauth_required", "revoked", "erased"]
LIVE_STATES = frozenset({"active", "uncertain", "reauth_required"})
FeatureState = Literal["active", "denied"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What one external account gave one of our clients; tokens still sealed.

    Args:
        generation: Grows with every change of the tokens.
        requested_at: When the current access token was asked for.
        access_expires_at: ``None`` is unknown, which is not *never* and not *now*.
        lifetime_seconds: What the last response said of its length.
        consented_at: When its person agreed last.
        refresh_ends_at: When its refresh token ends, whatever is done with it.
        reconnect_by: When only the person can help; ``None``: nothing is known to end by itself.
        is_leased: Somebody is refreshing it.
        is_backing_off: It failed a moment ago.
        fence: Outdates whoever lost the lease.
        kind: ``consent``, or that of a credential.
        access_generation: Of the access token, if only the refresh token is newer; ``None``: both
            are of ``generation``.
        resource: What the access token and all that is said of it is for, by name; empty for the
            provider's default.
        audience: As ``resource``: what the provider calls it.
        refused: Why the provider gave no token for that resource; empty if it did not refuse.
        verified_at: When the provider last took a credential; read where it is shown.
        lifted: What the provider said of the account beside its tokens; read where it is shown.
    """

    id: str
    provider: str
    upstream_client_id: str
    issuer: str
    subject: str
    state: GrantState
    reason: str
    generation: int
    sealed_access: bytes | None
    sealed_refresh: bytes | None
    granted_scopes: tuple[str, ...]
    requested_at: dt.datetime
    access_expires_at: dt.datetime | None
    lifetime_seconds: int | None
    jitter: float
    next_refresh_at: dt.datetime | None
    failures: int
    grace_until: dt.datetime | None
    is_leased: bool
    is_backing_off: bool
    fence: int
    consented_at: dt.datetime | None = None
    refresh_ends_at: dt.datetime | None = None
    reconnect_by: dt.datetime | None = None
    lifted: Mapping[str, str] = field(default_factory=dict)
    kind: GrantKind = "consent"
    verified_at: dt.datetime | None = None
    access_generation: int | None = None
    resource: str = ""
    audience: str = ""
    refused: str = ""

    @property
    def token_generation(self) -> int:
        """The generation that readers know the access token by."""
        return self.generation if self.access_generation is None else self.access_generation

    @property
    def is_live(self) -> bool:
        """Whether it may still give tokens, now or after the person reconnects."""
        return self.state in LIVE_STATES

    @property
    def is_unclaimed(self) -> bool:
        """Whether nobody knows yet whose account it is: its tokens come from elsewhere."""
        return not self.subject and self.is_live


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One user's use of a grant, or the tenant's.

    Args:
        owner_id: A user's id, or ``TENANT_OWNER``.
        label: What the provider calls the account.
        nickname: What its owner calls the connection.
        tags: Its owner's, in their order.
        metadata: Its owner's; nothing here reads it.
        is_switched_on: Its provider may be used in this tenant; read where tokens are.
    """

    id: str
    owner_id: str
    provider: str
    label: str
    created_at: dt.datetime
    grant: Grant
    features: Mapping[str, FeatureState]
    nickname: str = ""
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    is_switched_on: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The tokens of a grant, in clear, for as long as a function runs."""

    raw_access: Secret[str]
    raw_refresh: Secret[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Under what terms a grant's tokens were given.

    Args:
        expires_at: ``None``: unknown.
        next_refresh_at: ``None``: never by time.
        remind_at: When to tell the person that ``reconnect_by`` comes near.
    """

    scopes: tuple[str, ...]
    requested_at: dt.datetime
    expires_at: dt.datetime | None
    lifetime_seconds: int | None
    next_refresh_at: dt.datetime | None
    consented_at: dt.datetime
    refresh_ends_at: dt.datetime | None
    reconnect_by: dt.datetime | None
    remind_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A refresh under way, or left behind.

    Args:
        generation: Of the grant when it was begun.
        sealed_response: The answer, once there is one.
    """

    grant_id: str
    fence: int
    generation: int
    sent_at: dt.datetime
    sealed_response: bytes | None
