"""Issue access tokens: RFC 9068 JWTs, or opaque ones where the resource wants to ask each time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from limen.crypto.keyring import Keyring
from limen.db.work import Work
from limen.kernel.clock import from_timestamp, to_timestamp
from limen.kernel.ids import milliseconds_of, new_name_at
from limen.kernel.secret import Secret
from limen.kernel.tokens import mint, token_hash
from limen.protocol.authorization_details import Details
from limen.protocol.claims_mapping import RESERVED_CLAIMS
from limen.protocol.jwt import sign
from limen.protocol.sender.confirmation import to_cnf
from limen.tokens import access_store as store
from limen.tokens.grant import Grant

OPAQUE_KIND: Final = "lma"
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class AccessTokenSpec(NamedTuple):
    """What an access token says: a tuple, for two are made of every token.

    Args:
        client_id: Who receives it.
        subject: ``sub``; the client itself for its own token.
        audience: The one resource it is for.
        scope: What it allows there.
        ttl: From now to ``exp``.
        grant_id: The grant it belongs to and ends with; ``None`` for a client's own token.
        not_after: The grant's end, which no token outlives.
        auth_time: When the person proved who they are.
        acr: How strongly; empty for unsaid.
        amr: By what means.
        claims: Further claims of the resource; reserved names are left out.
        roles: The person's, for a resource that is told them (RFC 9068 §2.2.3.1).
        bound_to: ``jkt:…`` or ``x5t#S256:…``, the key the sender must hold; empty for a bearer.
        opaque: Whether the resource wants a reference it must introspect.
        algorithm: What a JWT is signed with.
        authorization_details: What it allows in detail (RFC 9396).
        exchanged: Whether another client exchanged it for a token of the grant.
        act: Who acts for the subject (RFC 8693 §4.1); ``None`` for nobody but itself.
    """

    client_id: str
    subject: str
    audience: str
    scope: tuple[str, ...]
    ttl: dt.timedelta
    grant_id: str | None
    not_after: dt.datetime | None = None
    auth_time: dt.datetime | None = None
    acr: str = ""
    amr: tuple[str, ...] = ()
    claims: Mapping[str, Any] = _NOTHING
    roles: tuple[str, ...] = ()
    bound_to: str = ""
    opaque: bool = False
    algorithm: str = "ES256"
    authorization_details: Details = ()
    exchanged: bool = False
    act: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An access token just made."""

    raw: Secret[str]
    jti: str
    iat: int
    exp: int

    @property
    def expires_in(self) -> int:
        """Seconds to live, as the token response says it."""
        return self.exp - self.iat

    @property
    def expires_at(self) -> dt.datetime:
        """When it ends."""
        return from_timestamp(self.exp)


def spec_for(
    grant: Grant,
    *,
    scope: tuple[str, ...],
    audience: str,
    ttl: dt.timedelta,
    details: Details | None = None,
    opaque: bool = False,
) -> AccessTokenSpec:
    """Return the spec of a token of a person's grant.

    Args:
        grant: Whom it is about, and until when.
        scope: What it allows of what was granted.
        audience: The one resource it is for.
        ttl: From now to ``exp``.
        details: What it allows in detail; ``None`` for all that was granted.
        opaque: Whether the resource wants a reference it must introspect.
    """
    return AccessTokenSpec(
        client_id=grant.client_id,
        subject=grant.subject,
        audience=audience,
        scope=scope,
        ttl=ttl,
        grant_id=grant.id,
        not_after=grant.expires_at,
        auth_time=grant.authenticated_at,
        acr=grant.acr,
        amr=grant.amr,
        bound_to=grant.bound_to,
        opaque=opaque,
        authorization_details=grant.authorization_details if details is None else details,
    )


async def issue_access_token(work: Work, *, keyring: Keyring, spec: AccessTokenSpec) -> IssuedToken:
    """Make an access token. A JWT needs no row, and no statement once the key is known.

    ``jti`` begins with the grant's id and a dot, so that a look-up finds the grant; a client's
    own token has no dot in it.

    Spec: RFC 9068 §2.
    """
    claims = _claims(work, spec)
    if spec.opaque:
        raw = mint(OPAQUE_KIND, work.tenant_id)
        await store.add_opaque(
            work,
            token_hash=token_hash(raw),
            grant_id=spec.grant_id,
            claims=claims,
            expires_at=from_timestamp(claims["exp"]),
        )
    else:
        key = await keyring.active(work, spec.algorithm)
        raw = Secret(sign(claims, key, typ="at+jwt"))
    return IssuedToken(raw, claims["jti"], claims["iat"], claims["exp"])


def _claims(work: Work, spec: AccessTokenSpec) -> dict[str, Any]:
    ends = work.now + spec.ttl
    if spec.not_after is not None:
        ends = min(ends, spec.not_after)
    claims = {name: value for name, value in spec.claims.items() if name not in RESERVED_CLAIMS}
    claims |= {
        "iss": work.site.issuer,
        "sub": spec.subject,
        "aud": spec.audience,
        "client_id": spec.client_id,
        "iat": to_timestamp(work.now),
        "exp": to_timestamp(ends),
        "jti": _jti(spec, now=work.now),
    }
    claims |= _optional(spec)
    return claims


def issued_at(claims: Mapping[str, Any]) -> dt.datetime:
    """Return when a token of ours was issued: ``iat``, and of its second the millisecond.

    ``iat`` has whole seconds, and a revocation ends all that was issued before it. By the second
    alone the first token after it would be dead too. Rounded down, so that nothing of before
    counts as of after; tokens whose ``jti`` says no moment are as old as their second.

    Args:
        claims: Verified, or kept by us: who could choose a ``jti`` could choose ``iat`` too.
    """
    second = claims["iat"]
    milliseconds = milliseconds_of(claims["jti"].rpartition(".")[2])
    if milliseconds is None or milliseconds // 1000 != second:
        return from_timestamp(second)
    return from_timestamp(second) + dt.timedelta(milliseconds=milliseconds % 1000)


def was_exchanged(jti: str) -> bool:
    """Say whether a token's ``jti`` names a grant of another client's, which exchanged it."""
    return store.EXCHANGED in jti


def _jti(spec: AccessTokenSpec, *, now: dt.datetime) -> str:
    name = new_name_at(now)
    if spec.grant_id is None:
        return name
    return f"{spec.grant_id}{store.EXCHANGED if spec.exchanged else '.'}{name}"


def _optional(spec: AccessTokenSpec) -> dict[str, Any]:
    said: dict[str, Any] = {
        "scope": " ".join(spec.scope),
        "auth_time": spec.auth_time and to_timestamp(spec.auth_time),
        "acr": spec.acr,
        "amr": list(spec.amr),
        "roles": list(spec.roles),
        "authorization_details": list(spec.authorization_details),
        "act": dict(spec.act or {}),
        "cnf": to_cnf(spec.bound_to) if spec.bound_to else None,
    }
    return {name: value for name, value in said.items() if value}
