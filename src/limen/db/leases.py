"""Rows with leases: who works on a row, until when, and a fence that outdates who lost it.

The lease runs on the database's clock. A worker that lost its lease completes nothing: each
claim raises the fence, each completion names the fence it was given.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.types import DbNow, Moment


def lease_columns() -> tuple[sa.Column[object], ...]:
    """Return what a leased table has: when due, who holds it until when, and the fence."""
    return (
        sa.Column("due_at", Moment()),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_until", Moment()),
        sa.Column("fence", sa.BigInteger, nullable=False, server_default="0"),
    )


def claim_due(table: sa.Table, *, where: sa.ColumnElement[bool] | None = None) -> sa.Executable:
    """Build the statement that claims a batch of due rows of all tenants.

    One statement serves both engines: SKIP LOCKED renders on PostgreSQL and vanishes on SQLite,
    where one writer runs at a time. Its parameters: ``batch``, ``owner``, ``lease_seconds``.

    Args:
        table: Has ``tenant_id``, ``id`` and the lease columns.
        where: What else makes a row claimable.
    """
    free = sa.or_(table.c.lease_until.is_(None), table.c.lease_until < DbNow())
    picked = (
        sa.select(table.c.tenant_id, table.c.id)
        .where(table.c.due_at <= DbNow(), free, *([] if where is None else [where]))
        .order_by(table.c.due_at)
        .limit(bindparam("batch", type_=sa.Integer))
        .with_for_update(skip_locked=True)
        .cte("picked")
    )
    key = sa.tuple_(table.c.tenant_id, table.c.id)
    return (
        sa.update(table)
        .where(key.in_(sa.select(picked.c.tenant_id, picked.c.id)))
        .values(
            lease_owner=bindparam("owner"),
            lease_until=DbNow(bindparam("lease_seconds", type_=sa.Float)),
            fence=table.c.fence + 1,
        )
        .returning(table)
    )
