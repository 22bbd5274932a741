"""What the admin API takes and says about tokens, their exchange and whose word is taken."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from limen.admin.schemas import PageQuery
from limen.oauth.exchange.policy import ExchangePolicy
from limen.oauth.trust.issuer import LinkedSubject, Trust, TrustedIssuer
from limen.tokens.grant import Grant

_Uri = Annotated[str, StringConstraints(min_length=1, max_length=2048)]


class _Read(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TokenQuery(PageQuery):
    """Which tokens."""

    user_id: str = Field(default="", max_length=64)
    client_id: str = Field(default="", max_length=2048)


class TokenView(BaseModel):
    """What one client holds for one person; no token is ever shown."""

    id: str
    user_id: str
    client_id: str
    scope: str
    resources: tuple[str, ...]
    session_id: str | None
    started_at: dt.datetime
    last_used_at: dt.datetime | None
    expires_at: dt.datetime

    @classmethod
    def of(cls, grant: Grant) -> TokenView:
        """Show a grant."""
        return cls(
            id=grant.id,
            user_id=grant.user_id,
            client_id=grant.client_id,
            scope=" ".join(grant.scope),
            resources=grant.resources,
            session_id=grant.session_id,
            started_at=grant.started_at,
            last_used_at=grant.last_used_at,
            expires_at=grant.expires_at,
        )


class TokenPage(BaseModel):
    """Some tokens."""

    tokens: list[TokenView]
    next_cursor: str


class TokenFilter(_Read):
    """Whose tokens end: a user's, a client's, or a user's at a client."""

    user_id: str = Field(default="", max_length=64)
    client_id: str = Field(default="", max_length=2048)


class Revoked(BaseModel):
    """How many ended."""

    revoked: int


class PolicyView(BaseModel):
    """What a client may exchange."""

    client_id: str
    policy: ExchangePolicy


class BoundResources(_Read):
    """The APIs that a client belongs to, all of them."""

    resources: Annotated[tuple[_Uri, ...], Field(max_length=100)]


class IssuerBody(_Read):
    """An issuer to trust, and what is believed of it."""

    issuer: _Uri
    trust: dict[str, Any] = Field(max_length=20)


class TrustBody(_Read):
    """What is believed of an issuer from now on."""

    trust: dict[str, Any] = Field(max_length=20)


class IssuerView(BaseModel):
    """A trusted issuer."""

    id: str
    issuer: str
    trust: Trust

    @classmethod
    def of(cls, trusted: TrustedIssuer) -> IssuerView:
        """Show a trusted issuer."""
        return cls(id=trusted.id, issuer=trusted.issuer, trust=trusted.trust)


class IssuerPage(BaseModel):
    """Some trusted issuers."""

    issuers: list[IssuerView]
    next_cursor: str


class SubjectBody(_Read):
    """Whom a subject stands for."""

    subject: str = Field(min_length=1, max_length=255)
    user_id: str = Field(min_length=1, max_length=64)


class SubjectQuery(_Read):
    """Which subject."""

    subject: str = Field(min_length=1, max_length=255)


class SubjectView(BaseModel):
    """A linked subject."""

    subject: str
    user_id: str

    @classmethod
    def of(cls, linked: LinkedSubject) -> SubjectView:
        """Show a link."""
        return cls(subject=linked.subject, user_id=linked.user_id)


class SubjectPage(BaseModel):
    """Some linked subjects."""

    subjects: list[SubjectView]
    next_cursor: str
