"""Connect sessions."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, PrimaryKeyConstraint

from limen.db.base import table
from limen.db.types import Id, Json, Moment

connect_sessions = table(
    "connect_sessions",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    # Through which client it was asked for; empty: the person's own doing.
    Column("client_id", Id, nullable=False),
    Column("provider", Id, nullable=False),
    Column("wanted", Json, nullable=False),
    Column("app_state", sa.Text, nullable=False),
    Column("challenge", sa.Text, nullable=False),
    Column("state", sa.Text, nullable=False),
    Column("reason", sa.Text),
    # The session of ours that left for the provider, and the hash of the ``state`` it left with.
    Column("browser_session", Id),
    Column("state_hash", sa.LargeBinary),
    Column("sealed_answer", sa.LargeBinary),
    Column("connection_id", Id),
    Column("code_hash", sa.LargeBinary),
    Column("code_until", Moment()),
    Column("created_at", Moment(), nullable=False),
    Column("expires_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"]),
    Index(None, "tenant_id", "state_hash"),
    Index(None, "tenant_id", "user_id"),
    Index(None, "tenant_id", "expires_at"),
    CheckConstraint("state IN ('pending', 'left', 'held', 'completed', 'refused')", name="state"),
    CheckConstraint("(state = 'held') = (sealed_answer IS NOT NULL)", name="held"),
    comment="Connections begun by an app: where they stand, and what is not yet confirmed.",
)
