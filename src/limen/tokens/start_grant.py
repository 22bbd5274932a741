"""Begin a grant: what a person let a client have, and its first refresh token."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import NamedTuple

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret
from limen.tokens import store
from limen.tokens.events import GrantStarted
from limen.tokens.grant import Grant, NewGrant
from limen.tokens.lifetimes import TokenLifetimes
from limen.tokens.refresh_token import mint_refresh


class Started(NamedTuple):
    """A grant begun."""

    grant: Grant
    raw_refresh: Secret[str] | None


async def start_grant(
    work: Work, *, envelope: Envelope, lifetimes: TokenLifetimes, new: NewGrant
) -> Started:
    """Begin a grant, in one statement that also asks whether client and user may have one.

    Args:
        work: The transaction that consumed the code, so that one code makes one grant.
        envelope: For the refresh token's MAC.
        lifetimes: Of offline grants; one bound to a session ends with it.
        new: What is granted.

    Returns:
        The grant, and its refresh token if it has one: shown once, kept as a hash.

    Raises:
        OAuthRefusal: ``invalid_grant``: the client or the user was disabled, or the person's
            tokens were revoked, since they proved who they are (N038).
    """
    new = new if new.id else dataclasses.replace(new, id=new_id(work.now))
    expires_at = new.expires_at or work.now + lifetimes.refresh_absolute
    idle_until = expires_at
    if new.session_id is None:
        idle_until = min(expires_at, work.now + lifetimes.refresh_idle)
    token = None
    if new.refreshable:
        token = await mint_refresh(work, envelope, grant_id=new.id, generation=0)
    added = await store.add_grant(
        work,
        new,
        expires_at=expires_at,
        idle_until=idle_until,
        refresh_hash=token and token.hash,
    )
    if not added:
        raise OAuthRefusal("invalid_grant", "The authorization is no longer valid.")
    await work.record(
        GrantStarted(
            grant_id=new.id,
            client_id=new.client_id,
            user_id=new.user_id,
            session_id=new.session_id,
            scope=new.scope,
        )
    )
    return Started(_as_grant(work, new, expires_at), token and token.raw)


def _as_grant(work: Work, new: NewGrant, expires_at: dt.datetime) -> Grant:
    return Grant(
        id=new.id,
        client_id=new.client_id,
        user_id=new.user_id,
        subject=new.subject,
        scope=new.scope,
        resources=new.resources,
        authenticated_at=new.authenticated_at,
        acr=new.acr,
        amr=new.amr,
        session_id=new.session_id,
        bound_to=new.bound_to,
        requested_claims=new.requested_claims,
        authorization_details=new.authorization_details,
        started_at=work.now,
        expires_at=expires_at,
    )
