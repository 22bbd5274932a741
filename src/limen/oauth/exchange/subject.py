"""What a presented token says: about whom, and within which bounds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from limen.tokens.look_up import ActiveToken


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom a valid token speaks of.

    Attributes:
        user_id: The person; ``None`` for a machine.
        client_id: To whom the token was issued; empty for another issuer's.
        subject: ``sub`` as the token says it; another issuer's where ``issuer`` is set.
        issuer: Whose word it is; empty for ours.
        grant_id: The grant it belongs to; what it is exchanged for ends with that.
        session_id: The session it belongs to, where there is no grant.
        audience: What it was for; empty if it was no access token.
        scope: What it allowed there.
        expires_at: What it is exchanged for ends no later.
        vouched_at: When another issuer said so.
        bound_to: The key its sender must hold; empty for a bearer.
        at_most: The scopes that its issuer's word is taken for; ``None`` for no such bound.
        resources: The resources that it is taken for; ``None`` for no such bound.
        act: Who acts already.
        may_act: Who alone may act; ``None`` if it does not say.
    """

    user_id: str | None
    client_id: str
    subject: str
    expires_at: dt.datetime
    issuer: str = ""
    grant_id: str | None = None
    session_id: str | None = None
    audience: str = ""
    scope: tuple[str, ...] = ()
    vouched_at: dt.datetime | None = None
    auth_time: dt.datetime | None = None
    acr: str = ""
    amr: tuple[str, ...] = ()
    bound_to: str = ""
    at_most: frozenset[str] | None = None
    resources: tuple[str, ...] | None = None
    act: Mapping[str, Any] | None = None
    may_act: object = None

    @property
    def id(self) -> str:
        """Who it is to us: a user's id, or a machine client's."""
        return self.user_id or self.subject


def subject_of_token(token: ActiveToken) -> Subject:
    """Return what an active token of ours says."""
    return Subject(
        user_id=token.user_id,
        client_id=token.client_id,
        subject=token.subject,
        expires_at=token.expires_at,
        grant_id=token.grant_id,
        session_id=token.session_id,
        audience=token.audience if token.kind == "access" else "",
        scope=token.scope,
        auth_time=token.auth_time,
        acr=token.acr,
        amr=token.amr,
        bound_to=token.bound_to,
        act=token.claims.get("act"),
        may_act=token.claims.get("may_act"),
    )
