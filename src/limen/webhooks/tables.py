"""The tables of webhooks."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, PrimaryKeyConstraint

from limen.db.base import table
from limen.db.types import Id, Json, Moment

webhook_endpoints = table(
    "webhook_endpoints",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("url", sa.Text, nullable=False),
    Column("description", sa.Text, nullable=False),
    Column("kinds", Json, nullable=False),
    Column("state", sa.Text, nullable=False),
    Column("sealed_secret", sa.LargeBinary, nullable=False),
    Column("sealed_old_secret", sa.LargeBinary),
    Column("old_secret_until", Moment()),
    Column("failing_since", Moment()),
    Column("version", sa.BigInteger, nullable=False, server_default="1"),
    Column("created_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="CASCADE"),
    CheckConstraint("state IN ('enabled', 'disabled', 'failing')", name="state"),
    comment="Addresses that are told what happened.",
)

webhook_messages = table(
    "webhook_messages",
    Column("tenant_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("kind", sa.Text, nullable=False),
    Column("body", sa.LargeBinary, nullable=False),
    Column("created_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="CASCADE"),
    Index(None, "tenant_id", "created_at"),
    comment="What endpoints were told, kept to be sent again.",
)

webhook_deliveries = table(
    "webhook_deliveries",
    Column("tenant_id", Id, nullable=False),
    Column("endpoint_id", Id, nullable=False),
    Column("message_id", Id, nullable=False),
    Column("state", sa.Text, nullable=False),
    Column("attempts", sa.Integer, nullable=False, server_default="0"),
    Column("status", sa.Integer),
    Column("updated_at", Moment(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "endpoint_id", "message_id"),
    ForeignKeyConstraint(
        ["tenant_id", "endpoint_id"],
        ["webhook_endpoints.tenant_id", "webhook_endpoints.id"],
        ondelete="CASCADE",
    ),
    ForeignKeyConstraint(
        ["tenant_id", "message_id"],
        ["webhook_messages.tenant_id", "webhook_messages.id"],
        ondelete="CASCADE",
    ),
    Index(None, "tenant_id", "message_id"),
    Index(None, "tenant_id", "endpoint_id", "state"),
    CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="state"),
    comment="What became of a message at one endpoint.",
)
