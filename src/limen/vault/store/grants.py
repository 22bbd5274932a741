"""The vault's SQL for grants, outside refreshes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.statements import DatabaseRetry
from limen.db.types import DbNow, insert_or_nothing
from limen.db.work import Work
from limen.vault.model import Grant, Terms
from limen.vault.tables import resource_tokens, upstream_grants

_g = upstream_grants.c
_TENANT: sa.BindParameter[str] = bindparam("tenant_id")

GRANT_COLUMNS = (
    _g.id.label("grant_id"),
    _g.provider,
    _g.upstream_client_id,
    _g.issuer,
    _g.subject,
    _g.state,
    _g.reason,
    _g.generation,
    _g.access_generation,
    _g.sealed_access,
    _g.sealed_refresh,
    _g.granted_scopes,
    _g.requested_at,
    _g.access_expires_at,
    _g.lifetime_seconds,
    _g.jitter_permille,
    _g.next_refresh_at,
    _g.failures,
    _g.grace_until,
    sa.func.coalesce(_g.lease_until > DbNow(), sa.false()).label("is_leased"),
    sa.func.coalesce(_g.retry_at > DbNow(), sa.false()).label("is_backing_off"),
    _g.fence,
    _g.kind,
)
WHOLE_GRANT = (
    *GRANT_COLUMNS,
    _g.consented_at,
    _g.refresh_ends_at,
    _g.reconnect_by,
    _g.lifted,
    _g.verified_at,
)
"""For whoever changes or shows it; handing out a token needs less."""
_GET_GRANT = sa.select(*WHOLE_GRANT).where(_g.tenant_id == _TENANT, _g.id == bindparam("grant_id"))
_LOCK_GRANT = _GET_GRANT.with_for_update(of=upstream_grants)
_LOCK_LIVE_GRANT = (
    sa.select(*WHOLE_GRANT)
    .where(
        _g.tenant_id == _TENANT,
        _g.provider == bindparam("provider"),
        _g.upstream_client_id == bindparam("upstream_client_id"),
        _g.issuer == bindparam("issuer"),
        _g.live_subject == bindparam("subject"),
    )
    .with_for_update(of=upstream_grants)
)
# Whichever key it is, an account has one live grant.
_ADD_GRANT = insert_or_nothing(upstream_grants, conflict=None, returning=(_g.id,))
FRESH_TOKENS: Final[Mapping[str, Any]] = {
    "state": "active",
    "reason": None,
    "access_generation": None,
    "sealed_access": bindparam("new_sealed_access"),
    "sealed_refresh": bindparam("new_sealed_refresh"),
    "granted_scopes": bindparam("new_granted_scopes"),
    "requested_at": bindparam("new_requested_at"),
    "access_expires_at": bindparam("new_access_expires_at"),
    "lifetime_seconds": bindparam("new_lifetime_seconds"),
    "next_refresh_at": bindparam("new_next_refresh_at"),
    "failures": 0,
    "retry_at": None,
    "updated_at": bindparam("new_updated_at"),
}
"""What becomes of a grant whose tokens are new, however they came."""

_RENEW_GRANT = (
    sa.update(upstream_grants)
    .where(_g.tenant_id == _TENANT, _g.id == bindparam("grant_id"))
    .values(
        **FRESH_TOKENS,
        generation=bindparam("new_generation"),
        consented_at=bindparam("new_consented_at"),
        refresh_ends_at=bindparam("new_refresh_ends_at"),
        reconnect_by=bindparam("new_reconnect_by"),
        remind_at=bindparam("new_remind_at"),
        grace_until=None,
        lease_owner=None,
        lease_until=None,
        # Whoever is refreshing the old tokens commits nothing any more (F17, F39).
        fence=_g.fence + 1,
    )
)
_BURY_GRANT = (
    sa.update(upstream_grants)
    .where(_g.tenant_id == _TENANT, _g.id == bindparam("grant_id"))
    .values(
        state=bindparam("new_state"),
        reason=bindparam("new_reason"),
        live_subject=None,
        generation=_g.generation + 1,
        sealed_access=None,
        sealed_refresh=None,
        lifted=sa.literal({}, _g.lifted.type),
        next_refresh_at=None,
        reconnect_by=None,
        remind_at=None,
        lease_owner=None,
        lease_until=None,
        fence=_g.fence + 1,
        updated_at=bindparam("new_updated_at"),
    )
)

# What remains names nobody: neither the account nor what it allowed.
_ERASE_GRANT = (
    sa.update(upstream_grants)
    .where(_g.tenant_id == _TENANT, _g.id == bindparam("grant_id"))
    .values(
        state="erased",
        reason=bindparam("new_reason"),
        subject="",
        live_subject=None,
        granted_scopes=sa.literal([], _g.granted_scopes.type),
        generation=_g.generation + 1,
        sealed_access=None,
        sealed_refresh=None,
        lifted=sa.literal({}, _g.lifted.type),
        next_refresh_at=None,
        reconnect_by=None,
        remind_at=None,
        lease_owner=None,
        lease_until=None,
        fence=_g.fence + 1,
        updated_at=bindparam("new_updated_at"),
    )
)
# With the grant go the access tokens for its provider's other resources.
_DROP_RESOURCES = sa.delete(resource_tokens).where(
    resource_tokens.c.tenant_id == _TENANT,
    resource_tokens.c.grant_id == bindparam("of_grant"),
)
_NOTE_LIFTED = (
    sa.update(upstream_grants)
    .where(
        _g.tenant_id == _TENANT,
        _g.id == bindparam("grant_id"),
        # A tombstone says nothing of the account any more, and stays so.
        _g.live_subject.is_not(None),
    )
    .values(lifted=bindparam("new_lifted", type_=_g.lifted.type))
)
_LIFTED = sa.select(_g.lifted).where(_g.tenant_id == _TENANT, _g.id == bindparam("grant_id"))
_SIBLINGS = sa.select(_g.id, _g.provider, _g.upstream_client_id, _g.subject).where(
    _g.tenant_id == _TENANT,
    _g.issuer == bindparam("of_issuer"),
    sa.or_(
        _g.live_subject == bindparam("of_account"),
        sa.and_(_g.live_subject >= bindparam("first"), _g.live_subject < bindparam("beyond")),
    ),
    _g.id != bindparam("but_not"),
    # What its person has to connect again in any case has nothing to lose.
    sa.or_(_g.state == "active", _g.state == "uncertain"),
)


class Sibling(NamedTuple):
    """Another grant of the same external account, which gives tokens."""

    id: str
    provider: str
    upstream_client_id: str
    subject: str


def below(prefix: str) -> tuple[str, str]:
    """Return the first text that begins with a prefix and the first beyond all of these.

    In the order of ``live_subject``, which is that of the characters' numbers on either engine.
    """
    return prefix, f"{prefix[:-1]}{chr(ord(prefix[-1]) + 1)}"


async def siblings_of(work: Work, grant: Grant, *, account: str) -> list[Sibling]:
    """Return the other grants of an account that give tokens, whatever part of it each is of."""
    first, beyond = below(f"{account}:")
    rows = await work.execute(
        _SIBLINGS,
        of_issuer=grant.issuer,
        of_account=account,
        first=first,
        beyond=beyond,
        but_not=grant.id,
    )
    return [Sibling(**row._asdict()) for row in rows.all()]


async def erase_grant(work: Work, *, grant_id: str, reason: str) -> None:
    """Leave of a grant no more than that it was."""
    await work.execute(_DROP_RESOURCES, of_grant=grant_id)
    await work.execute(_ERASE_GRANT, grant_id=grant_id, new_reason=reason, new_updated_at=work.now)


async def find_grant(work: Work, grant_id: str) -> Grant | None:
    """Return a grant, dead or alive."""
    row = (await work.execute(_GET_GRANT, grant_id=grant_id)).first()
    return None if row is None else to_grant(row)


async def lock_grant(work: Work, grant_id: str) -> Grant | None:
    """Return a grant and keep others from changing it until this Work ends."""
    row = (await work.execute(_LOCK_GRANT, grant_id=grant_id)).first()
    return None if row is None else to_grant(row)


async def lock_live_grant(
    work: Work, *, provider: str, upstream_client_id: str, issuer: str, subject: str
) -> Grant | None:
    """Return the live grant of an external account, locked."""
    row = (
        await work.execute(
            _LOCK_LIVE_GRANT,
            provider=provider,
            upstream_client_id=upstream_client_id,
            issuer=issuer,
            subject=subject,
        )
    ).first()
    return None if row is None else to_grant(row)


async def add_grant(work: Work, **columns: Any) -> None:
    """Insert a grant; ``columns`` are the table's.

    Raises:
        DatabaseRetry: Another Work made the account's grant in this moment: once more, and it
            is found.
    """
    rows = await work.execute(_ADD_GRANT, created_at=work.now, updated_at=work.now, **columns)
    if rows.first() is None:
        raise DatabaseRetry


async def renew_grant(
    work: Work,
    *,
    grant_id: str,
    generation: int,
    sealed_access: bytes,
    sealed_refresh: bytes | None,
    terms: Terms,
) -> None:
    """Write the tokens of a new consent over the old ones; whatever ailed the grant is over."""
    await work.execute(
        _RENEW_GRANT,
        grant_id=grant_id,
        new_generation=generation,
        new_sealed_access=sealed_access,
        new_sealed_refresh=sealed_refresh,
        new_granted_scopes=list(terms.scopes),
        new_requested_at=terms.requested_at,
        new_access_expires_at=terms.expires_at,
        new_lifetime_seconds=terms.lifetime_seconds,
        new_next_refresh_at=terms.next_refresh_at,
        new_consented_at=terms.consented_at,
        new_refresh_ends_at=terms.refresh_ends_at,
        new_reconnect_by=terms.reconnect_by,
        new_remind_at=terms.remind_at,
        new_updated_at=work.now,
    )


async def bury_grant(work: Work, *, grant_id: str, state: str, reason: str) -> None:
    """Make a grant a tombstone: no tokens, and no late write comes through its fence."""
    await work.execute(_DROP_RESOURCES, of_grant=grant_id)
    await work.execute(
        _BURY_GRANT,
        grant_id=grant_id,
        new_state=state,
        new_reason=reason,
        new_updated_at=work.now,
    )


async def note_lifted(work: Work, *, grant_id: str, lifted: Mapping[str, str]) -> None:
    """Keep what a token's answer said of the account beside its tokens."""
    await work.execute(_NOTE_LIFTED, grant_id=grant_id, new_lifted=dict(lifted))


async def lifted_of(work: Work, grant_id: str) -> Mapping[str, str]:
    """Return what the last answer said of a grant's account."""
    return dict((await work.execute(_LIFTED, grant_id=grant_id)).scalar() or {})


def to_grant(row: Any) -> Grant:
    """Make a grant of a row with ``GRANT_COLUMNS`` at least."""
    return Grant(
        id=row.grant_id,
        provider=row.provider,
        upstream_client_id=row.upstream_client_id,
        issuer=row.issuer,
        subject=row.subject,
        state=row.state,
        reason=row.reason or "",
        generation=row.generation,
        access_generation=row.access_generation,
        sealed_access=row.sealed_access,
        sealed_refresh=row.sealed_refresh,
        granted_scopes=tuple(row.granted_scopes),
        requested_at=row.requested_at,
        access_expires_at=row.access_expires_at,
        lifetime_seconds=row.lifetime_seconds,
        jitter=row.jitter_permille / 1000,
        next_refresh_at=row.next_refresh_at,
        failures=row.failures,
        grace_until=row.grace_until,
        is_leased=bool(row.is_leased),
        is_backing_off=bool(row.is_backing_off),
        fence=row.fence,
        consented_at=getattr(row, "consented_at", None),
        refresh_ends_at=getattr(row, "refresh_ends_at", None),
        reconnect_by=getattr(row, "reconnect_by", None),
        lifted=getattr(row, "lifted", {}),
        kind=row.kind,
        verified_at=getattr(row, "verified_at", None),
    )
