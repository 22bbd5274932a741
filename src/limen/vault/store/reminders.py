"""The vault's SQL for grants that end soon."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.work import Work
from limen.vault.tables import upstream_grants

_g = upstream_grants.c
_TENANT: sa.BindParameter[str] = bindparam("tenant_id")

_DUE = (
    sa.select(_g.id, _g.provider, _g.reconnect_by)
    .where(
        _g.tenant_id == _TENANT,
        _g.remind_at <= bindparam("now", type_=_g.remind_at.type),
        _g.reconnect_by.is_not(None),
    )
    .order_by(_g.remind_at)
    .limit(bindparam("most", type_=sa.Integer))
)
# Whoever of several processes is first has reminded.
_TAKE = (
    sa.update(upstream_grants)
    .where(
        _g.tenant_id == _TENANT,
        _g.id == bindparam("grant_id"),
        _g.remind_at <= bindparam("now", type_=_g.remind_at.type),
    )
    .values(remind_at=bindparam("new_remind_at"))
    .returning(_g.id, _g.state)
)


class EndsSoon(NamedTuple):
    """A grant that somebody is to be reminded of."""

    grant_id: str
    provider: str
    reconnect_by: dt.datetime


async def due_reminders(work: Work, *, most: int) -> list[EndsSoon]:
    """Return grants whose people are to be told that they end."""
    rows = await work.execute(_DUE, now=work.now, most=most)
    return [EndsSoon(row.id, row.provider, row.reconnect_by) for row in rows.all()]


async def take_reminder(work: Work, *, grant_id: str, following: dt.datetime | None) -> bool:
    """Be the one who reminds, once; ``False`` to others, and for a grant that is over anyway.

    Args:
        work: Says the tenant and the time.
        grant_id: Of which.
        following: When to remind again.
    """
    row = (
        await work.execute(_TAKE, grant_id=grant_id, new_remind_at=following, now=work.now)
    ).first()
    return row is not None and row.state in {"active", "uncertain"}
