"""The vault's SQL for access tokens of other resources."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.types import upsert
from limen.db.work import Work
from limen.vault.model import Grant, Terms
from limen.vault.tables import resource_tokens, upstream_grants

_g = upstream_grants.c
_t = resource_tokens.c
_TENANT: sa.BindParameter[str] = bindparam("tenant_id")

_COLUMNS = (
    _t.resource,
    _t.audience,
    _t.generation,
    _t.sealed_access,
    _t.granted_scopes,
    _t.requested_at,
    _t.access_expires_at,
    _t.lifetime_seconds,
    _t.refused,
)
_OF_GRANT = sa.select(*_COLUMNS).where(
    _t.tenant_id == _TENANT, _t.grant_id == bindparam("of_grant")
)
_FIND = _OF_GRANT.where(_t.resource == bindparam("of_resource"))
_NEW = {
    name: bindparam(name, type_=_t[name].type)
    for name in (
        *("audience", "generation", "sealed_access", "granted_scopes", "requested_at"),
        *("access_expires_at", "lifetime_seconds", "refused"),
    )
}
# Never an older one over a newer: each is of another generation of its grant.
_PUT = upsert(
    resource_tokens,
    conflict=("tenant_id", "grant_id", "resource"),
    changes=_NEW,
    where=_t.generation <= bindparam("new_generation", type_=_t.generation.type),
)
_AGREE = upsert(
    resource_tokens,
    conflict=("tenant_id", "grant_id", "resource"),
    changes=_NEW,
)
_BEGIN_ANEW = (
    sa.update(resource_tokens)
    .where(_t.tenant_id == _TENANT, _t.grant_id == bindparam("of_grant"))
    .values(sealed_access=None, access_expires_at=None, refused=None)
)
_MINE = (_g.tenant_id == _TENANT, _g.id == bindparam("grant_id"), _g.fence == bindparam("held"))
_NO_LEASE = {"lease_owner": None, "lease_until": None}
_AT = bindparam("at", type_=_g.next_refresh_at.type)
# As a swap of all tokens, by the same conditions (``vault.store.journal``): unless the grant was
# superseded, or is given up for another reason than that this answer was missing. The access
# token stays what it is, and keeps the generation that its readers know it by.
_SWAP_REFRESH = (
    sa.update(upstream_grants)
    .where(
        *_MINE,
        _g.generation == bindparam("held_generation"),
        sa.or_(
            _g.state == "active",
            _g.state == "uncertain",
            sa.and_(_g.state == "reauth_required", _g.reason == "lost_rotation"),
        ),
    )
    .values(
        state="active",
        reason=None,
        sealed_refresh=bindparam("new_sealed_refresh"),
        generation=_g.generation + 1,
        access_generation=sa.func.coalesce(_g.access_generation, _g.generation),
        refresh_ends_at=bindparam("new_refresh_ends_at"),
        reconnect_by=bindparam("new_reconnect_by"),
        remind_at=bindparam("new_remind_at"),
        # Whoever was given up or in doubt is looked after at once.
        next_refresh_at=sa.case((_g.state == "active", _g.next_refresh_at), else_=_AT),
        failures=0,
        retry_at=None,
        grace_until=None,
        **_NO_LEASE,
        updated_at=bindparam("new_updated_at"),
    )
)
_LOOK_SOON = sa.update(upstream_grants).where(*_MINE).values(next_refresh_at=_AT, **_NO_LEASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceToken:
    """What is kept for one resource of a grant.

    Args:
        sealed_access: ``None``: nothing was fetched yet, or the provider refused.
        refused: Why it did.
    """

    resource: str
    audience: str
    generation: int
    sealed_access: bytes | None
    granted_scopes: tuple[str, ...]
    requested_at: dt.datetime
    access_expires_at: dt.datetime | None
    lifetime_seconds: int | None
    refused: str | None


async def find_token(work: Work, grant_id: str, resource: str) -> ResourceToken | None:
    """Return what is kept for a resource of a grant."""
    row = (await work.execute(_FIND, of_grant=grant_id, of_resource=resource)).first()
    return None if row is None else _token(row._asdict())


async def tokens_of(work: Work, grant_id: str) -> list[ResourceToken]:
    """Return what is kept for the resources of a grant."""
    rows = await work.execute(_OF_GRANT, of_grant=grant_id)
    return [_token(row._asdict()) for row in rows.all()]


async def put_token(
    work: Work,
    grant: Grant,
    *,
    sealed_access: bytes | None,
    terms: Terms | None = None,
    refused: str = "",
) -> None:
    """Keep a token for the resource a grant is seen for, or that the provider gave none.

    Args:
        work: The transaction in which the grant's refresh token was swapped, or its lease ended.
        grant: As it was held; the token is of the generation after it.
        sealed_access: For that generation.
        terms: Of the token.
        refused: Why there is none.
    """
    generation = grant.generation + (0 if terms is None else 1)
    await work.execute(
        _PUT,
        grant_id=grant.id,
        resource=grant.resource,
        audience=grant.audience,
        generation=generation,
        new_generation=generation,
        sealed_access=sealed_access,
        granted_scopes=list(terms.scopes) if terms is not None and not refused else [],
        requested_at=work.now if terms is None else terms.requested_at,
        access_expires_at=None if terms is None else terms.expires_at,
        lifetime_seconds=None if terms is None else terms.lifetime_seconds,
        refused=refused or None,
    )


async def note_agreed(
    work: Work, grant: Grant, *, resource: str, audience: str, scopes: Sequence[str]
) -> None:
    """Note which scopes of a resource a person agreed to; its token is fetched when asked for."""
    await work.execute(
        _AGREE,
        grant_id=grant.id,
        resource=resource,
        audience=audience,
        generation=grant.generation,
        sealed_access=None,
        granted_scopes=list(scopes),
        requested_at=work.now,
        access_expires_at=None,
        lifetime_seconds=None,
        refused=None,
    )


async def begin_anew(work: Work, grant_id: str) -> None:
    """Forget the tokens and refusals of before a new consent."""
    await work.execute(_BEGIN_ANEW, of_grant=grant_id)


async def swap_refresh(
    work: Work, *, grant: Grant, sealed_refresh: bytes | None, terms: Terms
) -> bool:
    """Commit the refresh token that came with a resource's access token; ``False`` if outdated."""
    rows = await work.execute(
        _SWAP_REFRESH,
        grant_id=grant.id,
        held=grant.fence,
        held_generation=grant.generation,
        new_sealed_refresh=sealed_refresh,
        new_refresh_ends_at=terms.refresh_ends_at,
        new_reconnect_by=terms.reconnect_by,
        new_remind_at=terms.remind_at,
        at=work.now,
        new_updated_at=work.now,
    )
    return rows.count == 1


async def look_soon(work: Work, grant: Grant) -> None:
    """End the lease and have the grant refreshed for its default resource: that tells the truth."""
    await work.execute(_LOOK_SOON, grant_id=grant.id, held=grant.fence, at=work.now)


def _token(row: dict[str, object]) -> ResourceToken:
    scopes: Sequence[str] = row["granted_scopes"]  # type: ignore[assignment]  # JSON, a list
    return ResourceToken(**{**row, "granted_scopes": tuple(scopes)})  # type: ignore[arg-type]  # as the columns are
