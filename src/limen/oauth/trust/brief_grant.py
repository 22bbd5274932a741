"""The grant of a token that nobody was asked about anew: it ends with that token."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.oauth.caller import Caller
from limen.oauth.granted import access_of, access_ttl
from limen.oauth.model import Resource
from limen.oauth.subjects import subject_of
from limen.tokens.grant import NewGrant
from limen.tokens.issue_access_token import AccessTokenSpec
from limen.tokens.lifetimes import TokenLifetimes
from limen.tokens.start_grant import start_grant


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What says that a user is meant, and since when.

    Args:
        proven_at: When they were vouched for: whatever was revoked since, by a password reset
            say, makes the proof worthless.
        ends_at: What is issued ends no later; ``None`` for the lifetime of access tokens.
        auth_time: When the person proved who they are; ``None`` where nobody said.
        session_id: The session it belongs to, and ends with.
    """

    user_id: str
    proven_at: dt.datetime
    ends_at: dt.datetime | None = None
    auth_time: dt.datetime | None = None
    session_id: str | None = None
    acr: str = ""
    amr: tuple[str, ...] = ()


async def start_brief_grant(
    work: Work,
    *,
    envelope: Envelope,
    caller: Caller,
    proof: Proof,
    resource: Resource,
    scope: tuple[str, ...],
) -> AccessTokenSpec:
    """Begin a grant without a refresh token, and describe its only access token.

    Raises:
        OAuthRefusal: ``invalid_grant``: the client or the user may have none (N048, N110).
    """
    ends_at = work.now + access_ttl(work, resource)
    if proof.ends_at is not None:
        ends_at = min(ends_at, proof.ends_at)
    client = caller.client
    started = await start_grant(
        work,
        envelope=envelope,
        lifetimes=TokenLifetimes(),
        new=NewGrant(
            client_id=client.client_id,
            user_id=proof.user_id,
            subject=await subject_of(work, envelope=envelope, client=client, user_id=proof.user_id),
            scope=scope,
            resources=(resource.identifier,),
            authenticated_at=min(proof.proven_at, work.now),
            acr=proof.acr,
            amr=proof.amr,
            session_id=proof.session_id,
            expires_at=ends_at,
            refreshable=False,
            bound_to=caller.grant_bound_to,
        ),
    )
    spec = access_of(work, started.grant, scope=scope, resource=resource)
    return spec._replace(auth_time=proof.auth_time)
