"""What a token answer means for a grant: lifetimes, scopes, and which refresh token to keep."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from limen.federation.catalogue.behaviour import CatalogueProvider
from limen.federation.facts import Lifetime
from limen.federation.provider import Provider, TokenAnswer, Told
from limen.kernel.errors import ProviderUnavailable
from limen.kernel.secret import Secret
from limen.protocol.jwt import JwtRefused, peek
from limen.vault.model import Grant, Terms, Tokens
from limen.vault.refresh.expiry import Known, lifetime_of, margin, refresh_point
from limen.vault.refresh.forecast import Facts, foresee, next_reminder


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What was known of a grant before an answer came.

    Args:
        scopes: Stay as they are when the answer does not name any (RFC 6749 section 5.1).
        consented_at: When the person agreed; now, when they just did.
        refresh_ends_at: When the refresh token held so far ends, if that is known.
    """

    raw_refresh: Secret[str] | None
    scopes: Sequence[str]
    lifetime_seconds: int | None
    jitter: float
    consented_at: dt.datetime
    refresh_ends_at: dt.datetime | None = None


def merge_tokens(answer: TokenAnswer, before: Before) -> Tokens:
    """Take the new refresh token, or keep the old one: silence never erases it (F10, F11)."""
    return Tokens(
        raw_access=answer.raw_access, raw_refresh=answer.raw_refresh or before.raw_refresh
    )


def terms_of(
    answer: TokenAnswer, before: Before, *, provider: Provider, requested_at: dt.datetime
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
    ends = foresee(
        Facts(
            told=answer.members,
            requested_at=requested_at,
            consented_at=before.consented_at,
            known_end=before.refresh_ends_at,
            rotated=answer.raw_refresh is not None,
            has_refresh=has_refresh,
            access_ends_at=expires,
            idle_seconds=rules.refresh_idle_seconds,
            absolute_seconds=_absolute_seconds(rules),
        )
    )
    # An idle refresh token is kept alive also where the access token's life is unknown.
    used_every = rules.refresh_idle_seconds if lifetime is None else lifetime
    return Terms(
        scopes=tuple(scopes),
        requested_at=requested_at,
        expires_at=expires,
        lifetime_seconds=lifetime,
        next_refresh_at=refresh_point(
            requested_at,
            used_every if has_refresh else None,
            floor_seconds=rules.min_refresh_interval_seconds,
            jitter=before.jitter,
        ),
        consented_at=before.consented_at,
        refresh_ends_at=ends.refresh_ends_at,
        reconnect_by=ends.reconnect_by,
        remind_at=next_reminder(ends.reconnect_by, now=requested_at),
    )


def _absolute_seconds(rules: Lifetime) -> int | None:
    ttl = rules.refresh_ttl
    return ttl.seconds if ttl.kind == "absolute_from_grant" else None


def is_fresh(grant: Grant, *, provider: Provider, now: dt.datetime, min_ttl: dt.timedelta) -> bool:
    """Say whether enough is left of the access token; of an unknown lifetime enough is."""
    if grant.sealed_access is None:
        return False
    if grant.access_expires_at is None:
        return True
    configured = provider.facts.lifetime.margin_seconds
    needed = max(min_ttl, margin(grant.lifetime_seconds, configured_seconds=configured))
    return grant.access_expires_at - now > needed


def is_settling(grant: Grant, *, provider: Provider, now: dt.datetime) -> bool:
    """Say whether the token is so new that asking for another would only burn refresh tokens."""
    floor = dt.timedelta(seconds=provider.facts.lifetime.min_refresh_interval_seconds)
    return dt.timedelta() <= now - grant.requested_at < floor


def is_other_account(answer: TokenAnswer, *, grant: Grant, provider: Provider) -> bool:
    """Say whether a refresh answered with somebody else's identity, or another client's (N121).

    The ID token came straight from the token endpoint over TLS, which may stand in for its
    signature (OpenID Connect Core 3.1.3.7, 6); its subject must be who connected, and its
    audience our client they connected at (section 12.2).
    """
    if answer.raw_id_token is None:
        return _names_other(answer, grant=grant, provider=provider)
    try:
        claims = peek(answer.raw_id_token).claims
    except JwtRefused:
        return True
    told = claims.get("aud")
    audiences = told if isinstance(told, list) else [told]
    return grant.upstream_client_id not in audiences or provider.names_other_account(
        claims, issuer=grant.issuer, subject=grant.subject
    )


def _names_other(answer: TokenAnswer, *, grant: Grant, provider: Provider) -> bool:
    """Say whether an answer that names the account by itself, as Notion's does, names another."""
    if not isinstance(provider, CatalogueProvider) or not provider.answers_name_accounts:
        return False
    try:
        found = provider.identify(Told(answer=answer))
    except ProviderUnavailable:
        return False  # a refresh need not repeat it
    return (found.issuer, found.subject) != (grant.issuer, grant.subject)
