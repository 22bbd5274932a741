"""What a token answer means for a grant: lifetimes, scopes, and which refresh token to keep."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from limen.federation.provider import ExternalIdentity, TokenAnswer
from limen.kernel.secret import Secret
from limen.protocol.jwt import JwtRefused, peek
from limen.vault.catalogue import Connectable
from limen.vault.model import Grant, Terms, Tokens
from limen.vault.refresh.expiry import Known, lifetime_of, margin, refresh_point


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What was known of a grant before an answer came.

    Args:
        scopes: Stay as they are when the answer does not name any (RFC 6749 section 5.1).
    """

    raw_refresh: Secret[str] | None
    scopes: Sequence[str]
    lifetime_seconds: int | None
    jitter: float


def merge_tokens(answer: TokenAnswer, before: Before) -> Tokens:
    """Take the new refresh token, or keep the old one: silence never erases it (F10, F11)."""
    return Tokens(
        raw_access=answer.raw_access, raw_refresh=answer.raw_refresh or before.raw_refresh
    )


def terms_of(
    answer: TokenAnswer, before: Before, *, provider: Connectable, requested_at: dt.datetime
) -> Terms:
    """Return the terms of an answer, in moments counted from when it was asked for (F32)."""
    rules = provider.facts.lifetime
    lifetime = lifetime_of(
        answer.expires_in,
        raw_access=answer.raw_access.reveal(),
        requested_at=requested_at,
        known=Known(
            last_seconds=before.lifetime_seconds, default_seconds=rules.access_default_seconds
        ),
    )
    scopes = before.scopes if answer.scope is None else answer.scope
    expires = None if lifetime is None else requested_at + dt.timedelta(seconds=lifetime)
    has_refresh = answer.raw_refresh is not None or before.raw_refresh is not None
    return Terms(
        scopes=tuple(scopes),
        requested_at=requested_at,
        expires_at=expires,
        lifetime_seconds=lifetime,
        next_refresh_at=refresh_point(
            requested_at,
            lifetime if has_refresh else None,
            floor_seconds=rules.min_refresh_interval_seconds,
            jitter=before.jitter,
        ),
    )


def is_fresh(
    grant: Grant, *, provider: Connectable, now: dt.datetime, min_ttl: dt.timedelta
) -> bool:
    """Say whether enough is left of the access token; of an unknown lifetime enough is."""
    if grant.sealed_access is None:
        return False
    if grant.access_expires_at is None:
        return True
    configured = provider.facts.lifetime.margin_seconds
    needed = max(min_ttl, margin(grant.lifetime_seconds, configured_seconds=configured))
    return grant.access_expires_at - now > needed


def is_settling(grant: Grant, *, provider: Connectable, now: dt.datetime) -> bool:
    """Say whether the token is so new that asking for another would only burn refresh tokens."""
    floor = dt.timedelta(seconds=provider.facts.lifetime.min_refresh_interval_seconds)
    return dt.timedelta() <= now - grant.requested_at < floor


def is_other_account(
    answer: TokenAnswer, *, issuer: str, subject: str, provider: Connectable
) -> bool:
    """Say whether a refresh answered with somebody else's identity (N121).

    The ID token came straight from the token endpoint over TLS, which may stand in for its
    signature (OpenID Connect Core 3.1.3.7, 6); its subject must be who connected.
    """
    if answer.raw_id_token is None:
        return False
    try:
        claims = peek(answer.raw_id_token).claims
    except JwtRefused:
        return True
    told = ExternalIdentity(issuer=str(claims.get("iss")), subject=str(claims.get("sub")))
    if told.subject != subject:
        return True
    return told.issuer != issuer and not provider.is_own_issuer(told.issuer)
