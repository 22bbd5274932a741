"""First-party login: an access and a refresh token, made by the same issuer as all others."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from limen.access.permissions import FULL_SCOPE
from limen.crypto.envelope import Envelope
from limen.crypto.keyring import Keyring
from limen.db.work import Work
from limen.kernel.errors import NotAuthenticated, OAuthRefusal
from limen.kernel.secret import Secret
from limen.sessions.resume import keep_alive
from limen.sessions.session import Session
from limen.tenants import api_audience
from limen.tokens.grant import Grant, NewGrant
from limen.tokens.issue_access_token import issue_access_token, spec_for
from limen.tokens.lifetimes import TokenLifetimes
from limen.tokens.redeem_refresh import Presented, redeem_refresh
from limen.tokens.start_grant import start_grant

CLIENT_ID: Final = "limen-first-party"
"""The built-in public client that first-party tokens belong to."""

SCOPE: Final = ("openid", "profile", "email", FULL_SCOPE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mint:
    """What makes tokens.

    Args:
        ttl: Of the access token.
    """

    keyring: Keyring
    envelope: Envelope
    lifetimes: TokenLifetimes
    ttl: dt.timedelta = dt.timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPair:
    """What a first-party login answers with.

    Args:
        expires_at: Of the access token.
    """

    raw_access: Secret[str]
    raw_refresh: Secret[str]
    expires_in: int
    expires_at: dt.datetime


async def issue_pair(work: Work, *, mint: Mint, session: Session) -> TokenPair:
    """Issue the first pair of a session; it ends with the session's row."""
    new = NewGrant(
        client_id=CLIENT_ID,
        user_id=session.user_id,
        subject=session.user_id,
        scope=SCOPE,
        resources=(api_audience(work.site),),
        authenticated_at=session.authenticated_at,
        amr=session.amr,
        session_id=session.id,
        expires_at=session.expires_at,
        refreshable=True,
    )
    started = await start_grant(work, envelope=mint.envelope, lifetimes=mint.lifetimes, new=new)
    assert started.raw_refresh is not None
    return await _pair(work, mint, started.grant, raw_refresh=started.raw_refresh)


async def refresh_pair(work: Work, *, mint: Mint, raw_refresh: Secret[str]) -> TokenPair:
    """Rotate the refresh token and issue a new pair.

    Raises:
        NotAuthenticated: ``invalid_refresh_token``: unknown, expired, used before (the family
            then ends), another client's, or its session is over.
    """
    presented = Presented(raw=raw_refresh, client_id=CLIENT_ID, rotate=True)
    try:
        refreshed = await redeem_refresh(
            work, envelope=mint.envelope, lifetimes=mint.lifetimes, presented=presented
        )
    except OAuthRefusal as refusal:
        raise _over(refusal.code) from None
    session_id = refreshed.grant.session_id
    if session_id is None or not await keep_alive(work, session_id=session_id):
        raise _over("the session is over")
    return await _pair(work, mint, refreshed.grant, raw_refresh=refreshed.raw_refresh)


async def _pair(work: Work, mint: Mint, grant: Grant, *, raw_refresh: Secret[str]) -> TokenPair:
    spec = spec_for(grant, scope=grant.scope, audience=api_audience(work.site), ttl=mint.ttl)
    issued = await issue_access_token(work, keyring=mint.keyring, spec=spec)
    return TokenPair(
        raw_access=issued.raw,
        raw_refresh=raw_refresh,
        expires_in=issued.expires_in,
        expires_at=issued.expires_at,
    )


def _over(detail: str) -> NotAuthenticated:
    return NotAuthenticated("invalid_refresh_token", "Sign in again.", detail=detail)
