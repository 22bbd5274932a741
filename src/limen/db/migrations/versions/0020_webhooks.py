"""Webhooks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import limen.db.types

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _endpoints()
    _messages()
    _deliveries()


def _endpoints() -> None:
    op.create_table(
        "limen_webhook_endpoints",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("kinds", limen.db.types.Json(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_old_secret", sa.LargeBinary(), nullable=True),
        sa.Column("old_secret_until", limen.db.types.Moment(), nullable=True),
        sa.Column("failing_since", limen.db.types.Moment(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.CheckConstraint(
            "state IN ('enabled', 'disabled', 'failing')",
            name=op.f("ck_limen_webhook_endpoints_state"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["limen_tenants.tenant_id"],
            name=op.f("fk_limen_webhook_endpoints_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_webhook_endpoints")),
        comment="Addresses that are told what happened.",
    )


def _messages() -> None:
    op.create_table(
        "limen_webhook_messages",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["limen_tenants.tenant_id"],
            name=op.f("fk_limen_webhook_messages_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_webhook_messages")),
        comment="What endpoints were told, kept to be sent again.",
    )
    op.create_index(
        op.f("ix_limen_webhook_messages_tenant_id_created_at"),
        "limen_webhook_messages",
        ["tenant_id", "created_at"],
        unique=False,
    )


def _deliveries() -> None:
    op.create_table(
        "limen_webhook_deliveries",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("endpoint_id", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("updated_at", limen.db.types.Moment(), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'delivered', 'failed')",
            name=op.f("ck_limen_webhook_deliveries_state"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "endpoint_id"],
            ["limen_webhook_endpoints.tenant_id", "limen_webhook_endpoints.id"],
            name=op.f("fk_limen_webhook_deliveries_tenant_id_endpoint_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "message_id"],
            ["limen_webhook_messages.tenant_id", "limen_webhook_messages.id"],
            name=op.f("fk_limen_webhook_deliveries_tenant_id_message_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "endpoint_id", "message_id", name=op.f("pk_limen_webhook_deliveries")
        ),
        comment="What became of a message at one endpoint.",
    )
    op.create_index(
        op.f("ix_limen_webhook_deliveries_tenant_id_message_id"),
        "limen_webhook_deliveries",
        ["tenant_id", "message_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_limen_webhook_deliveries_tenant_id_endpoint_id_state"),
        "limen_webhook_deliveries",
        ["tenant_id", "endpoint_id", "state"],
        unique=False,
    )
