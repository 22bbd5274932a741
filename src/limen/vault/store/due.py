"""The vault's SQL for finding, among all that is due, what is of others than those who have most.

However much of one tenant is due before anybody else's, one look reads so many rows at most.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.fair.leases import Beside, Found, Key, Look
from limen.db.work import Work
from limen.vault.store.grants import WHOLE_GRANT, to_grant
from limen.vault.store.journal import FREE, LEASE, NOW, REFRESHABLE, RESTED, Due
from limen.vault.tables import upstream_grants

_g = upstream_grants.c
_MOMENT = _g.next_refresh_at.type
_IS_DUE: Final = (_g.next_refresh_at <= NOW, REFRESHABLE, FREE, RESTED)

_row = (
    sa.select(_g.tenant_id, _g.id, _g.provider, _g.next_refresh_at)
    .where(_g.next_refresh_at >= bindparam("since", type_=_MOMENT), *_IS_DUE)
    .order_by(_g.next_refresh_at)
    .limit(bindparam("rows", type_=sa.Integer))
    .cte("row")
)
_r = _row.c
_end = sa.select(
    sa.func.count().label("rows_read"), sa.func.max(_r.next_refresh_at).label("read_to")
).subquery("ending")
_others = (
    sa.select(_r.tenant_id, _r.id, _r.provider, _r.next_refresh_at)
    .where(
        _r.tenant_id.not_in(bindparam("tenants", expanding=True)),
        _r.provider.not_in(bindparam("kinds", expanding=True)),
        (_r.tenant_id + " " + _r.provider).not_in(bindparam("boths", expanding=True)),
    )
    .order_by(_r.next_refresh_at)
    .limit(bindparam("most", type_=sa.Integer))
    .subquery("others")
)
# tenant: all, the loop serves every one
_LOOK = (
    sa.select(
        _end.c.rows_read,
        _end.c.read_to,
        _others.c.tenant_id,
        _others.c.id,
        _others.c.provider,
        _others.c.next_refresh_at,
    )
    .select_from(_end.outerjoin(_others, sa.true()))
    .order_by(_others.c.next_refresh_at)
)
# tenant: all, as the look; each row is named by its whole key
_CLAIM_EACH = (
    sa.update(upstream_grants)
    .where(_g.tenant_id == bindparam("of_tenant"), _g.id == bindparam("grant_id"), *_IS_DUE)
    .values(**LEASE)
    .returning(_g.tenant_id, *WHOLE_GRANT)
)


async def look_beside(
    work: Work, beside: Beside, *, since: dt.datetime, rows: int, most: int
) -> Look:
    """Find what is due of others than these; as ``fair.leases.Source.look``."""
    answer = await work.execute(
        _LOOK,
        now=work.now,
        since=since,
        rows=rows,
        most=most,
        **beside.params(),
    )
    seen = answer.all()
    found = [
        Found(key=Key(row.tenant_id, row.provider, row.id), due_at=row.next_refresh_at)
        for row in seen
        if row.id is not None
    ]
    return Look(found=found, rows_read=seen[0].rows_read, read_to=seen[0].read_to)


async def claim_found(
    work: Work, found: Sequence[Found], *, owner: str, lease_seconds: float
) -> list[Due]:
    """Lease what was found and is due still; others may have been quicker."""
    leases = [
        {
            "of_tenant": each.key.tenant_id,
            "grant_id": each.key.id,
            "owner": owner,
            "lease_seconds": lease_seconds,
            "now": work.now,
        }
        # In one order by everybody, so that no two wait for each other.
        for each in sorted(found, key=lambda one: one.key)
    ]
    rows = await work.fetch_each(_CLAIM_EACH, leases)
    return [Due(tenant_id=row.tenant_id, grant=to_grant(row)) for row in rows]
