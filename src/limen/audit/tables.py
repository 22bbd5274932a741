"""The audit log's table."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, Index, PrimaryKeyConstraint

from limen.db.base import partial_index, table
from limen.db.types import Id, Json, Moment

# No foreign keys: what is told here outlives whom it is told of.
audit_events = table(
    "audit_events",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("at", Moment, nullable=False),
    Column("name", sa.Text, nullable=False),
    Column("outcome", sa.Text, nullable=False),
    Column("actor_kind", sa.Text, nullable=False),
    Column("actor_id", Id, nullable=False),
    Column("client_id", Id, nullable=False),
    Column("session_id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("detail", Json, nullable=False),
    Column("number", sa.BigInteger),
    PrimaryKeyConstraint("tenant_id", "id"),
    Index(None, "tenant_id", "at", "id"),
    Index(None, "tenant_id", "name", "at", "id"),
    Index(None, "tenant_id", "actor_id", "at", "id"),
    Index(None, "tenant_id", "user_id", "at", "id"),
    partial_index("ix_limen_audit_events_unsealed", "tenant_id", "id", where="number IS NULL"),
    partial_index(
        "uq_limen_audit_events_number",
        "tenant_id",
        "number",
        where="number IS NOT NULL",
        unique=True,
    ),
    CheckConstraint("number BETWEEN 1 AND 4611686018427387903", name="number"),
    CheckConstraint("outcome IN ('done', 'denied')", name="outcome"),
    comment="Who did what to whom, written in the transaction that did it",
)
