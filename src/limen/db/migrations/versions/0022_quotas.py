"""What is used of providers' quotas; what token answers say of an account beside its tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from limen.db.types import Json

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "limen_upstream_grants",
        sa.Column("lifted", Json(), nullable=False, server_default="{}"),
    )
    _quota_days()
    _quota_uses()


def _quota_days() -> None:
    op.create_table(
        "limen_quota_days",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("upstream_client_id", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("units >= 0", name=op.f("ck_limen_quota_days_counted")),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "provider",
            "upstream_client_id",
            "bucket",
            "day",
            name=op.f("pk_limen_quota_days"),
        ),
        comment="What one of our clients at a provider has used of its quota, by the provider's day.",
    )
    op.create_index(
        op.f("ix_limen_quota_days_tenant_id_day"), "limen_quota_days", ["tenant_id", "day"]
    )


def _quota_uses() -> None:
    op.create_table(
        "limen_quota_uses",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("reported_units", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "calls >= 0 AND units >= 0 AND reported_units >= 0",
            name=op.f("ck_limen_quota_uses_counted"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connection_id"],
            ["limen_connections.tenant_id", "limen_connections.id"],
            name=op.f("fk_limen_quota_uses_tenant_id_connection_id"),
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id",
            "connection_id",
            "client_id",
            "bucket",
            "day",
            name=op.f("pk_limen_quota_uses"),
        ),
        comment="Who used how much of a quota over which connection, by the provider's day.",
    )
    op.create_index(
        op.f("ix_limen_quota_uses_tenant_id_day"), "limen_quota_uses", ["tenant_id", "day"]
    )
