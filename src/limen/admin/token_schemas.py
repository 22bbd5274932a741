"""What the admin API takes and says about tokens, their exchange and whose word is taken."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from limen.admin.schemas import PageQuery
from limen.oauth.exchange.policy import ExchangePolicy
from limen.oauth.registry.issued_tokens import Held, NotListed
from limen.oauth.revocation.revoke_all import Ended
from limen.oauth.trust.issuer import LinkedSubject, Trust, TrustedIssuer

_Uri = Annotated[str, StringConstraints(min_length=1, max_length=2048)]


class _Read(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TokenQuery(PageQuery):
    """Which tokens."""

    user_id: str = Field(default="", max_length=64)
    client_id: str = Field(default="", max_length=2048)


class TokenView(BaseModel):
    """What one client holds for one person, or an opaque token of its own; none is ever shown.

    ``user_id`` is empty where a client holds it for itself.
    """

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
    def of(cls, grant: Held) -> TokenView:
        """Show a grant, or a client's own token."""
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


class NotListedView(BaseModel):
    """Self-contained access tokens (JWTs) that a client got for itself: no list has them.

    Issuing one writes nothing, so this says within which bounds there may be some: issued since
    ``issued_since`` (``null``: ever), the newest ended by ``live_until`` at the latest.
    ``POST /api/v1/admin/tokens/revoke`` with the ``client_id`` ends all of them.
    """

    client_id: str
    issued_since: dt.datetime | None
    live_until: dt.datetime

    @classmethod
    def of(cls, known: NotListed) -> NotListedView:
        """Show what is known."""
        return cls(
            client_id=known.client_id,
            issued_since=known.issued_since,
            live_until=known.live_until,
        )


class TokenPage(BaseModel):
    """Some tokens; ``not_listed`` when a client was asked for that may hold others for itself."""

    tokens: list[TokenView]
    next_cursor: str
    not_listed: NotListedView | None = None


class TokenFilter(_Read):
    """Whose tokens end: a user's, a client's, or a user's at a client."""

    user_id: str = Field(default="", max_length=64)
    client_id: str = Field(default="", max_length=2048)


class Revoked(BaseModel):
    """How many ended of those that are listed; of a whole client all others too.

    Every access token that the client got before ``issued_before`` has ended, those too that no
    list has; ``null`` where a user was named, or a client that does not exist.
    """

    revoked: int
    issued_before: dt.datetime | None = None

    @classmethod
    def of(cls, ended: Ended) -> Revoked:
        """Show what was ended."""
        return cls(revoked=ended.revoked, issued_before=ended.issued_before)


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
