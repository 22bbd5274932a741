"""Is a token active? Signature or MAC first, then one statement that asks everything else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from limen.crypto.envelope import Envelope
from limen.crypto.keyring import Keyring
from limen.db.statements import Row
from limen.db.work import Work
from limen.kernel.clock import from_timestamp
from limen.kernel.secret import Secret
from limen.kernel.tokens import read, token_hash
from limen.protocol.jwt import Claims, JwtRefused, read_kid
from limen.protocol.sender.confirmation import from_cnf
from limen.tokens import access_store as store
from limen.tokens.api_keys.find import is_api_key, look_up_key
from limen.tokens.api_keys.model import ApiKey
from limen.tokens.issue_access_token import OPAQUE_KIND, issued_at
from limen.tokens.refresh_token import PREFIX, read_refresh
from limen.tokens.store import as_grant
from limen.tokens.verify_access_token import verify_for_any


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveToken:
    """A token that is valid at this moment.

    Attributes:
        user_id: The person it acts for; ``None`` for a client's own token.
        subject: ``sub``, which may be pairwise.
        audience: The one resource it is for; who is asked compares it.
        bound_to: ``jkt:…`` or ``x5t#S256:…`` when its sender must hold a key.
        claims: All claims of an access token.
        requested_claims: The ``claims`` parameter of the grant.
        key_id: The API key that it is; ``None`` for tokens that were issued.
    """

    kind: Literal["access", "refresh"]
    jti: str
    client_id: str
    subject: str
    audience: str
    scope: tuple[str, ...]
    issued_at: dt.datetime
    expires_at: dt.datetime
    user_id: str | None = None
    grant_id: str | None = None
    session_id: str | None = None
    auth_time: dt.datetime | None = None
    acr: str = ""
    amr: tuple[str, ...] = ()
    bound_to: str = ""
    claims: Mapping[str, Any] = field(default_factory=dict)
    requested_claims: Mapping[str, Any] = field(default_factory=dict)
    key_id: str | None = None


async def look_up(
    work: Work, *, keyring: Keyring, envelope: Envelope, raw: Secret[str]
) -> ActiveToken | None:
    """Return what an access or refresh token of this tenant stands for, if it is active.

    Args:
        work: One statement at most.
        keyring: Verifies JWTs.
        envelope: Verifies the MAC of refresh tokens.
        raw: As received.

    Returns:
        ``None`` for anything inactive: unknown, expired, revoked, of an ended grant, of a
        disabled client or user; which, nobody is told (RFC 7662 §2.2).
    """
    if raw.reveal().startswith(PREFIX):
        return await _look_up_refresh(work, envelope, raw)
    return await look_up_access(work, keyring=keyring, raw=raw)


async def look_up_access(
    work: Work,
    *,
    keyring: Keyring,
    raw: Secret[str],
    foresee: Callable[[Work, Claims], None] | None = None,
) -> ActiveToken | None:
    """As ``look_up``, for what opens an API: access tokens and API keys, no refresh token.

    Args:
        work: One statement at most, with which travels what ``foresee`` asks for.
        keyring: Verifies JWTs.
        raw: As received.
        foresee: Told a JWT's claims before it is known whether it is active.
    """
    if is_api_key(raw):
        return await look_up_api_key(work, raw=raw)
    opaque = read(raw, kind=OPAQUE_KIND)
    if opaque is not None:
        return await _look_up_opaque(work, raw) if opaque.tenant_id == work.tenant_id else None
    claims = await verified_claims(work, keyring=keyring, raw=raw)
    if claims is None:
        return None
    if foresee is not None and work.reads_along:
        foresee(work, claims)
    return await _look_up_jwt(work, claims)


async def look_up_api_key(work: Work, *, raw: Secret[str]) -> ActiveToken | None:
    """As ``look_up_access``, for API keys alone."""
    key = await look_up_key(work, raw=raw)
    return None if key is None else _of_key(key)


async def verified_claims(work: Work, *, keyring: Keyring, raw: Secret[str]) -> Claims | None:
    """Return the claims of a JWT access token whose signature and times are good."""
    try:
        keys = await keyring.verification_keys(work, read_kid(raw.reveal()))
        return verify_for_any(raw, keys, issuer=work.site.issuer, now=work.now)
    except JwtRefused:
        return None


async def _look_up_jwt(work: Work, claims: Claims) -> ActiveToken | None:
    row = await store.look_up_jwt(
        work,
        jti=claims["jti"],
        grant_id=grant_of(claims["jti"]) or "",
        client_id=claims["client_id"],
        issued_at=issued_at(claims),
    )
    return await _confirmed(work, claims, row)


async def _look_up_opaque(work: Work, raw: Secret[str]) -> ActiveToken | None:
    row = await store.look_up_opaque(work, token_hash(raw))
    return None if row is None else await _confirmed(work, row.claims, row)


async def _confirmed(work: Work, claims: Claims, row: Row | None) -> ActiveToken | None:
    """Return the token; one exchanged for another client's own is asked about once more."""
    if row is None:
        return None
    if row.grant_id is None and claims["sub"] != claims["client_id"]:
        since = issued_at(claims)
        if not await store.may_be_spoken_for(work, claims["sub"], since=since):
            return None
    return _active(claims, row)


async def _look_up_refresh(work: Work, envelope: Envelope, raw: Secret[str]) -> ActiveToken | None:
    token = await read_refresh(work, envelope, raw)
    if token is None:
        return None
    row = await store.look_up_refresh(work, grant_id=token.grant_id, token_hash=token.hash)
    if row is None:
        return None
    grant = as_grant(row)
    return ActiveToken(
        kind="refresh",
        jti=f"{grant.id}.r{grant.generation}",
        client_id=grant.client_id,
        subject=grant.subject,
        audience=grant.resources[0],
        scope=grant.scope,
        issued_at=grant.started_at,
        expires_at=min(grant.expires_at, row.idle_until),
        user_id=grant.user_id,
        grant_id=grant.id,
        session_id=grant.session_id,
        auth_time=grant.authenticated_at,
        acr=grant.acr,
        amr=grant.amr,
        bound_to=grant.bound_to,
        requested_claims=grant.requested_claims,
    )


def grant_of(jti: str) -> str | None:
    """Return the grant that a ``jti`` names."""
    grant_id, dot, _ = jti.partition(".")
    return grant_id if dot else None


def active_token(
    claims: Mapping[str, Any],
    *,
    user_id: str | None,
    grant_id: str | None,
    session_id: str | None = None,
    requested_claims: Mapping[str, Any] | None = None,
) -> ActiveToken:
    """Describe an access token from its claims and from what its grant adds."""
    auth_time = claims.get("auth_time")
    return ActiveToken(
        kind="access",
        jti=claims["jti"],
        client_id=claims["client_id"],
        subject=claims["sub"],
        audience=claims["aud"],
        scope=tuple(claims.get("scope", "").split()),
        issued_at=from_timestamp(claims["iat"]),
        expires_at=from_timestamp(claims["exp"]),
        user_id=user_id,
        grant_id=grant_id,
        session_id=session_id,
        auth_time=None if auth_time is None else from_timestamp(auth_time),
        acr=claims.get("acr", ""),
        amr=tuple(claims.get("amr", ())),
        bound_to=from_cnf(claims),
        claims=claims,
        requested_claims=requested_claims or {},
    )


def _of_key(key: ApiKey) -> ActiveToken:
    """Describe a key as the access token it stands for; nobody has signed in for it."""
    return ActiveToken(
        kind="access",
        jti=key.id,
        client_id=key.client_id,
        subject=key.principal_id,
        audience=key.audience,
        scope=key.scope,
        issued_at=key.issued_at,
        expires_at=key.expires_at,
        user_id=key.principal_id if key.kind == "user" else None,
        key_id=key.id,
    )


def _active(claims: Claims, row: Row) -> ActiveToken:
    return active_token(
        claims,
        user_id=row.user_id,
        grant_id=row.grant_id,
        session_id=row.session_id,
        requested_claims=row.requested_claims,
    )
