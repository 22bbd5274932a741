"""What an administrator sees of all connections of a tenant; no token."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.work import Work
from limen.vault.model import TENANT_OWNER, GrantState
from limen.vault.tables import connections, upstream_grants

_c = connections.c
_g = upstream_grants.c
_ON_GRANT: Final = sa.and_(_g.tenant_id == _c.tenant_id, _g.id == _c.live_grant_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldToken:
    """What is kept of a person's account at a provider.

    Args:
        id: Of the connection.
        expires_at: Of the access token; ``None`` is unknown.
    """

    id: str
    user_id: str
    provider: str
    label: str
    state: GrantState
    reason: str
    scopes: tuple[str, ...]
    connected_at: dt.datetime
    expires_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """How many connections of a provider are in a state."""

    provider: str
    state: GrantState
    count: int


_PAGE = (
    sa.select(
        _c.id,
        _c.user_id,
        _c.provider,
        _c.label,
        _c.created_at,
        _g.state,
        _g.reason,
        _g.granted_scopes,
        _g.access_expires_at,
    )
    .select_from(connections.join(upstream_grants, _ON_GRANT))
    .where(
        _c.tenant_id == bindparam("tenant_id"),
        _c.id > bindparam("after"),
        sa.or_(bindparam("of_provider") == "", _c.provider == bindparam("of_provider")),
        sa.or_(bindparam("of_user") == "", _c.user_id == bindparam("of_user")),
    )
    .order_by(_c.id)
    .limit(bindparam("most", type_=sa.Integer))
)
_OWNER = sa.select(
    sa.case((_c.belongs_to == "tenant", TENANT_OWNER), else_=_c.user_id).label("owner_id")
).where(
    _c.tenant_id == bindparam("tenant_id"),
    _c.id == bindparam("connection_id"),
    _c.live_grant_id.is_not(None),
)
# scans: an administrator's figures, asked for now and then
_COUNT = (
    sa.select(_c.provider, _g.state, sa.func.count().label("count"))
    .select_from(connections.join(upstream_grants, _ON_GRANT))
    .where(_c.tenant_id == bindparam("tenant_id"))
    .group_by(_c.provider, _g.state)
)


async def page_of_tokens(
    work: Work, *, after: str, most: int, provider: str = "", user_id: str = ""
) -> list[HeldToken]:
    """Return connections by id, those after one."""
    rows = await work.execute(_PAGE, after=after, most=most, of_provider=provider, of_user=user_id)
    return [
        HeldToken(
            id=row.id,
            user_id=row.user_id,
            provider=row.provider,
            label=row.label,
            state=row.state,
            reason=row.reason or "",
            scopes=tuple(row.granted_scopes),
            connected_at=row.created_at,
            expires_at=row.access_expires_at,
        )
        for row in rows.all()
    ]


async def owner_of(work: Work, connection_id: str) -> str | None:
    """Return whose live connection it is: a user's id, or ``TENANT_OWNER``."""
    found = (await work.execute(_OWNER, connection_id=connection_id)).scalar()
    return None if found is None else str(found)


async def count_held(work: Work) -> list[Held]:
    """Count live connections by provider and state."""
    rows = (await work.execute(_COUNT)).all()
    return [Held(provider=row.provider, state=row.state, count=row.count) for row in rows]
