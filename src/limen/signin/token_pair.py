"""First-party login: an access and a refresh token, made by the same issuer as all others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from limen.access.permissions import FULL_SCOPE
from limen.crypto.envelope import Envelope
from limen.crypto.keyring import Keyring
from limen.db.work import Work
from limen.hooks.ask import Hooks
from limen.kernel.errors import NotAuthenticated, OAuthRefusal
from limen.kernel.secret import Secret
from limen.protocol.sender.confirmation import TokenType, token_type
from limen.sessions.resume import keep_alive
from limen.sessions.session import Session
from limen.signin.steps.missing import lacks_factor
from limen.tenants import api_audience, policy_of
from limen.tokens.grant import Grant, NewGrant
from limen.tokens.issue_access_token import issue_access_token, spec_for
from limen.tokens.lifetimes import TokenLifetimes
from limen.tokens.redeem_refresh import Presented, find_usable, redeem_refresh
from limen.tokens.start_grant import start_grant

CLIENT_ID: Final = "limen-first-party"
"""The built-in public client that first-party tokens belong to."""

SCOPE: Final = ("openid", "profile", "email", FULL_SCOPE)

GRANT_TYPE: Final = "first_party"
"""How hooks are told that somebody signed in here; no ``grant_type`` of the token endpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mint:
    """What makes tokens.

    Args:
        hooks: Who is asked before a token; ``None`` where nobody can be.
        ttl: Of the access token.
    """

    keyring: Keyring
    envelope: Envelope
    lifetimes: TokenLifetimes
    hooks: Hooks | None = None
    ttl: dt.timedelta = dt.timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPair:
    """What a first-party login answers with.

    Args:
        expires_at: Of the access token.
        token_type: How it is to be sent.
    """

    raw_access: Secret[str]
    raw_refresh: Secret[str]
    expires_in: int
    expires_at: dt.datetime
    token_type: TokenType = "Bearer"  # noqa: S105 -- a token's type, no secret


def binds_pairs(work: Work) -> bool:
    """Say whether the tenant's profile lets no token be whoever's has it (FAPI 2.0 SP 5.3.2.1)."""
    return "fapi2" in policy_of(work).profile


async def asks_before_pair(work: Work, *, mint: Mint) -> bool:
    """Say whether anybody is asked before a token; no statement while that is known."""
    return mint.hooks is not None and await mint.hooks.are_at(work, "before_token")


async def ask_before_pair(
    work: Work, *, mint: Mint, user_id: str, grant_type: str = GRANT_TYPE
) -> Mapping[str, Any]:
    """Ask the hooks whether a pair may be made, and for claims to add to its access token.

    Args:
        work: Nothing may have been written in it: others may take their time.
        mint: Knows the hooks.
        user_id: Whom it is about; they proved it.
        grant_type: What the hooks are told.

    Raises:
        NotPermitted: ``refused_by_hook``.
        Unavailable: ``hook_unavailable``.
    """
    if mint.hooks is None:
        return {}
    told = {
        "client_id": CLIENT_ID,
        "user_id": user_id,
        "resource": api_audience(work.site),
        "scope": list(SCOPE),
        "grant_type": grant_type,
    }
    return await mint.hooks.ask(work, "before_token", told)


async def issue_pair(
    work: Work, *, mint: Mint, session: Session, claims: Mapping[str, Any], bound_to: str = ""
) -> TokenPair:
    """Issue the first pair of a session; it ends with the session's row.

    Args:
        work: The transaction that issues it.
        mint: See there.
        session: Whose it is.
        claims: What ``ask_before_pair`` answered.
        bound_to: The key that both are bound to; empty for bearers, where the profile has any.

    Raises:
        NotAuthenticated: ``invalid_dpop_proof``: the profile has none, and no key was proved.
    """
    if not bound_to and binds_pairs(work):
        raise NotAuthenticated("invalid_dpop_proof", "FAPI 2.0 binds tokens to a key.")
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
        bound_to=bound_to,
    )
    started = await start_grant(work, envelope=mint.envelope, lifetimes=mint.lifetimes, new=new)
    assert started.raw_refresh is not None
    return await _pair(work, mint, started.grant, raw_refresh=started.raw_refresh, claims=claims)


async def refresh_pair(
    work: Work, *, mint: Mint, raw_refresh: Secret[str], bound_to: str = ""
) -> TokenPair:
    """Rotate the refresh token and issue a new pair, bound to the key that the first one was.

    Args:
        work: The transaction.
        mint: See there.
        raw_refresh: As received.
        bound_to: The key that the request proved; empty for none.

    Raises:
        NotAuthenticated: ``invalid_refresh_token``: unknown, expired, used before (the family
            then ends), another client's, bound to another key or to none where the profile wants
            one, of one factor where the tenant wants two by now, or its session is over.
        NotPermitted: ``refused_by_hook``; the token is as good as before.
        Unavailable: ``hook_unavailable``; likewise.
    """
    claims = await _ask_about(work, mint, raw_refresh)
    presented = Presented(raw=raw_refresh, client_id=CLIENT_ID, rotate=True, bound_to=bound_to)
    try:
        refreshed = await redeem_refresh(
            work, envelope=mint.envelope, lifetimes=mint.lifetimes, presented=presented
        )
    except OAuthRefusal as refusal:
        raise _over(refusal.code) from None
    if not refreshed.grant.bound_to and binds_pairs(work):
        raise _over("of before the tenant's profile")
    if lacks_factor(work, amr=refreshed.grant.amr):
        raise _over("of before the tenant demanded two factors")
    session_id = refreshed.grant.session_id
    if session_id is None or not await keep_alive(work, session_id=session_id):
        raise _over("the session is over")
    return await _pair(
        work, mint, refreshed.grant, raw_refresh=refreshed.raw_refresh, claims=claims
    )


async def _ask_about(work: Work, mint: Mint, raw_refresh: Secret[str]) -> Mapping[str, Any]:
    """Ask about a refresh token as it lies; one that is not good is not asked about."""
    if not await asks_before_pair(work, mint=mint):
        return {}
    grant = await find_usable(work, envelope=mint.envelope, raw=raw_refresh, client_id=CLIENT_ID)
    if grant is None:
        return {}
    return await ask_before_pair(work, mint=mint, user_id=grant.user_id, grant_type="refresh_token")


async def _pair(
    work: Work, mint: Mint, grant: Grant, *, raw_refresh: Secret[str], claims: Mapping[str, Any]
) -> TokenPair:
    spec = spec_for(grant, scope=grant.scope, audience=api_audience(work.site), ttl=mint.ttl)
    issued = await issue_access_token(work, keyring=mint.keyring, spec=spec._replace(claims=claims))
    return TokenPair(
        raw_access=issued.raw,
        raw_refresh=raw_refresh,
        expires_in=issued.expires_in,
        expires_at=issued.expires_at,
        token_type=token_type(grant.bound_to),
    )


def _over(detail: str) -> NotAuthenticated:
    return NotAuthenticated("invalid_refresh_token", "Sign in again.", detail=detail)
