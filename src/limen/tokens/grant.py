"""A grant: what a person let a client have."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from limen.protocol.authorization_details import Details


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGrant:
    """What ``start_grant`` begins.

    Args:
        client_id: Who receives the tokens.
        user_id: Who lets it.
        subject: ``sub`` as this client sees it: pairwise, or the user's id.
        scope: What was consented to.
        resources: Audiences the tokens may have; the first is the default. Never empty.
        authenticated_at: When the person last proved who they are; ``auth_time`` for ever.
        acr: Authentication context class; empty when none was reached or asked for.
        amr: RFC 8176 values.
        session_id: The session it ends with; ``None`` for an offline grant alone.
        expires_at: The session's absolute end, or an earlier one; required with a session. An
            offline grant without one ends by its lifetime.
        refreshable: Whether a refresh token is made.
        bound_to: The key a public client's refresh token is bound to, ``jkt:…``; empty for none.
        requested_claims: The ``claims`` parameter, for UserInfo and later ID tokens.
        authorization_details: What was agreed to of RFC 9396, for the access tokens.
        id: A UUIDv7; given when a code's row must name it beforehand, made otherwise.
    """

    client_id: str
    user_id: str
    subject: str
    scope: tuple[str, ...]
    resources: tuple[str, ...]
    authenticated_at: dt.datetime
    acr: str = ""
    amr: tuple[str, ...] = ()
    session_id: str | None
    expires_at: dt.datetime | None = None
    refreshable: bool
    bound_to: str = ""
    requested_claims: Mapping[str, Any] = field(default_factory=dict)
    authorization_details: Details = ()
    id: str = ""

    def __post_init__(self) -> None:
        if not self.resources:
            raise ValueError("a grant is for some resource")
        if self.session_id is not None and self.expires_at is None:
            raise ValueError("a grant ends with its session, or has none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A grant as it stands; the members of ``NewGrant``, and its life.

    Attributes:
        expires_at: Its absolute end.
        generation: How often its refresh token was rotated.
        last_used_at: When its refresh token was last used; ``None`` if it never was.
    """

    id: str
    client_id: str
    user_id: str
    subject: str
    scope: tuple[str, ...]
    resources: tuple[str, ...]
    authenticated_at: dt.datetime
    acr: str
    amr: tuple[str, ...]
    session_id: str | None
    bound_to: str
    requested_claims: Mapping[str, Any]
    authorization_details: Details = ()
    started_at: dt.datetime
    expires_at: dt.datetime
    ended_at: dt.datetime | None = None
    generation: int = 0
    last_used_at: dt.datetime | None = None

    @property
    def offline(self) -> bool:
        """Whether it outlives the person's session."""
        return self.session_id is None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnToken:
    """An opaque access token that a client got for itself, with no person's grant behind it.

    Attributes:
        id: Its ``jti``.
        user_id: Nobody's.
    """

    id: str
    client_id: str
    scope: tuple[str, ...]
    resources: tuple[str, ...]
    started_at: dt.datetime
    expires_at: dt.datetime
    user_id: ClassVar[str] = ""
    session_id: ClassVar[str | None] = None
    last_used_at: ClassVar[dt.datetime | None] = None
