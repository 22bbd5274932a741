"""The sessions' table."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    UniqueConstraint,
)

from limen.db.base import table
from limen.db.types import Id, Json, Moment

sessions = table(
    "sessions",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("kind", sa.Text, nullable=False),
    Column("token_hash", sa.LargeBinary),
    Column("amr", Json, nullable=False),
    Column("user_agent", sa.Text, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("authenticated_at", Moment, nullable=False),
    Column("last_seen_at", Moment, nullable=False),
    Column("idle_until", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("ended_at", Moment),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "token_hash"),
    ForeignKeyConstraint(
        ["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"
    ),
    Index(None, "tenant_id", "user_id", "ended_at"),
    Index(None, "tenant_id", "expires_at"),
    CheckConstraint("kind IN ('browser', 'tokens', 'host')", name="kind"),
    CheckConstraint("(kind = 'tokens') = (token_hash IS NULL)", name="cookie"),
    CheckConstraint("idle_until <= expires_at", name="lifetimes"),
    comment="Who is signed in where, since when and how; the cookie's value is kept as a hash",
)
