"""Requests of apps to share a connection."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, PrimaryKeyConstraint

from limen.db.base import table
from limen.db.types import Id, Json, Moment

sharing_requests = table(
    "sharing_requests",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("client_id", Id, nullable=False),
    # Who follows it: the person through the client, or the client itself.
    Column("asked_by", Id, nullable=False),
    # Whose it is; NULL until somebody goes on with what a client asked of nobody in particular.
    Column("user_id", Id),
    Column("link_hash", sa.LargeBinary, nullable=False),
    # The session of ours in which its person left to connect an account first.
    Column("browser_session", Id),
    Column("provider", Id, nullable=False),
    Column("features", Json, nullable=False),
    Column("wanted_connection", Id, nullable=False),
    Column("redirect_uri", sa.Text, nullable=False),
    Column("app_state", sa.Text, nullable=False),
    Column("state", sa.Text, nullable=False),
    Column("reason", sa.Text),
    Column("connection_id", Id),
    Column("created_at", Moment(), nullable=False),
    Column("expires_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"]),
    ForeignKeyConstraint(
        ["tenant_id", "client_id"], ["clients.tenant_id", "clients.client_id"], ondelete="CASCADE"
    ),
    Index(None, "tenant_id", "client_id", "asked_by"),
    Index(None, "tenant_id", "user_id"),
    Index(None, "tenant_id", "expires_at"),
    CheckConstraint("state IN ('pending', 'completed', 'refused')", name="state"),
    CheckConstraint(
        "state != 'completed' OR (user_id IS NOT NULL AND connection_id IS NOT NULL)",
        name="completed",
    ),
    comment="What apps ask people to share with them: where it stands.",
)
