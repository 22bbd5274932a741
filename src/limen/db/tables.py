"""The database layer's own tables."""

from __future__ import annotations

import sqlalchemy as sa

from limen.db.base import table
from limen.db.leases import lease_columns
from limen.db.types import Id, Moment

outbox = table(
    "outbox",
    sa.Column("tenant_id", Id, nullable=False),
    sa.Column("id", Id, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("created_at", Moment(), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("last_error", sa.Text),
    *lease_columns(),
    sa.PrimaryKeyConstraint("tenant_id", "id"),
    sa.Index(None, "due_at"),
    comment="What must happen outside the database once its transaction is durable.",
)

clock_offset = table(
    "clock_offset",
    sa.Column("tenant_id", Id, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id"),
    comment="Development only: how far business time was moved, for all processes at once.",
)
