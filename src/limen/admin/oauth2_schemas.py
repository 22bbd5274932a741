"""What the admin API says about accounts that people have at providers."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import BaseModel, Field

from limen.admin.schemas import AuditQuery, PageQuery
from limen.vault.listing import HeldToken
from limen.vault.model import GrantState


class ProviderUserQuery(PageQuery):
    """Whose accounts."""

    provider: str = Field(default="", max_length=40)
    user_id: str = Field(default="", max_length=64)


class ProviderTokenQuery(ProviderUserQuery):
    """Which tokens."""


class ProviderAuditQuery(AuditQuery):
    """Which events of providers, identities, profiles and connections."""


class ProviderUserView(BaseModel):
    """An account at a provider that signs a person in, and what was last said of it."""

    identity: str
    user_id: str
    provider: str
    provider_user_id: str
    email: str | None
    email_verified: bool
    name: str | None
    avatar_url: str | None
    linked_at: dt.datetime
    last_used_at: dt.datetime
    last_sync: dt.datetime | None


class ProviderUserPage(BaseModel):
    """Some of them."""

    users: list[ProviderUserView]
    next_cursor: str


class ProviderTokenView(BaseModel):
    """What is kept of a person's account at a provider; no token is ever shown."""

    id: str
    user_id: str
    provider: str
    account: str
    state: GrantState
    reason: str
    scopes: tuple[str, ...]
    connected_at: dt.datetime
    expires_at: dt.datetime | None

    @classmethod
    def of(cls, held: HeldToken) -> ProviderTokenView:
        """Show one."""
        return cls(
            id=held.id,
            user_id=held.user_id,
            provider=held.provider,
            account=held.label,
            state=held.state,
            reason=held.reason,
            scopes=held.scopes,
            connected_at=held.connected_at,
            expires_at=held.expires_at,
        )


class ProviderTokenPage(BaseModel):
    """Some of them."""

    tokens: list[ProviderTokenView]
    next_cursor: str


class ProviderStats(BaseModel):
    """How much one provider is used."""

    provider: str
    enabled: bool
    offered_for_sign_in: bool
    status: Literal["ok", "failing"]
    identities: int
    people: int
    active_today: int
    active_last_30_days: int
    linked_last_30_days: int
    connections: dict[GrantState, int]


class ProviderStatsList(BaseModel):
    """Every provider of the tenant."""

    providers: list[ProviderStats]
