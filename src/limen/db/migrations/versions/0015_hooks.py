"""Hooks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import limen.db.types

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "limen_hooks",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("point", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("deadline_ms", sa.BigInteger(), nullable=False),
        sa.Column("optional", sa.Boolean(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.CheckConstraint(
            "point IN ('before_sign_up', 'after_sign_in', 'before_token')",
            name=op.f("ck_limen_hooks_point"),
        ),
        sa.CheckConstraint(
            "deadline_ms BETWEEN 100 AND 10000", name=op.f("ck_limen_hooks_deadline_ms")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["limen_tenants.tenant_id"],
            name=op.f("fk_limen_hooks_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_limen_hooks")),
        comment="Addresses that are asked before we go on",
    )
    op.create_index(
        op.f("ix_limen_hooks_tenant_id_point"), "limen_hooks", ["tenant_id", "point"], unique=False
    )
