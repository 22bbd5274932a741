"""Rows with leases: who works on a row, until when, and a fence that outdates who lost it.

The lease runs on the database's clock. A worker that lost its lease completes nothing: each
claim raises the fence, each completion names the fence it was given.
"""

from __future__ import annotations

from typing import Any

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
    picked = (
        sa.select(table.c.tenant_id, table.c.id)
        .where(*_is_due(table), *([] if where is None else [where]))
        .order_by(table.c.due_at)
        .limit(bindparam("batch", type_=sa.Integer))
        .with_for_update(skip_locked=True)
        .cte("picked")
    )
    key = sa.tuple_(table.c.tenant_id, table.c.id)
    return (
        sa.update(table)
        .where(key.in_(sa.select(picked.c.tenant_id, picked.c.id)))
        .values(**_lease(table))
        .returning(table)
    )


def look_due(table: sa.Table) -> sa.Select[Any]:
    """Build the statement that finds due rows of others than some; it leases nothing.

    Its parameters: those of ``fair.leases.Source.look``, with ``Beside.params``.

    Args:
        table: As for ``claim_due``; has ``kind`` as well.
    """
    row = (
        sa.select(table.c.tenant_id, table.c.id, table.c.kind, table.c.due_at)
        .where(table.c.due_at >= bindparam("since", type_=Moment()), *_is_due(table))
        .order_by(table.c.due_at)
        .limit(bindparam("rows", type_=sa.Integer))
        .cte("row")
    )
    ending = sa.select(
        sa.func.count().label("rows_read"), sa.func.max(row.c.due_at).label("read_to")
    ).subquery("ending")
    others = (
        sa.select(row.c.tenant_id, row.c.id, row.c.kind, row.c.due_at)
        .where(
            row.c.tenant_id.not_in(bindparam("tenants", expanding=True)),
            row.c.kind.not_in(bindparam("kinds", expanding=True)),
            (row.c.tenant_id + " " + row.c.kind).not_in(bindparam("boths", expanding=True)),
        )
        .order_by(row.c.due_at)
        .limit(bindparam("most", type_=sa.Integer))
        .subquery("others")
    )
    return (
        sa.select(
            ending.c.rows_read,
            ending.c.read_to,
            others.c.tenant_id,
            others.c.id,
            others.c.kind,
            others.c.due_at,
        )
        .select_from(ending.outerjoin(others, sa.true()))
        .order_by(others.c.due_at)
    )


def claim_each(table: sa.Table) -> sa.Executable:
    """Build the statement that claims one row that was found, if it is due still.

    Its parameters: ``of_tenant``, ``row_id``, ``owner``, ``lease_seconds``.
    """
    return (
        sa.update(table)
        .where(
            table.c.tenant_id == bindparam("of_tenant"),
            table.c.id == bindparam("row_id"),
            *_is_due(table),
        )
        .values(**_lease(table))
        .returning(table)
    )


def _is_due(table: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
    free = sa.or_(table.c.lease_until.is_(None), table.c.lease_until < DbNow())
    return (table.c.due_at <= DbNow(), free)


def _lease(table: sa.Table) -> dict[str, Any]:
    return {
        "lease_owner": bindparam("owner"),
        "lease_until": DbNow(bindparam("lease_seconds", type_=sa.Float)),
        "fence": table.c.fence + 1,
    }
