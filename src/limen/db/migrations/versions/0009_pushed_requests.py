"""Pushed authorization requests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import limen.db.types

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "limen_pushed_requests",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("sealed_parameters", sa.LargeBinary(), nullable=False),
        sa.Column("signed", sa.Boolean(), nullable=False),
        sa.Column("created_at", limen.db.types.Moment(), nullable=False),
        sa.Column("expires_at", limen.db.types.Moment(), nullable=False),
        sa.CheckConstraint(
            "length(request_hash) = 32", name=op.f("ck_limen_pushed_requests_request_hash")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "client_id"],
            ["limen_clients.tenant_id", "limen_clients.client_id"],
            name=op.f("fk_limen_pushed_requests_tenant_id_client_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "request_hash", name=op.f("pk_limen_pushed_requests")),
        comment="Authorization requests that clients pushed; gone with the answer",
    )
    op.create_index(
        "ix_limen_pushed_requests_client",
        "limen_pushed_requests",
        ["tenant_id", "client_id"],
        unique=False,
    )
    op.create_index(
        "ix_limen_pushed_requests_expires",
        "limen_pushed_requests",
        ["tenant_id", "expires_at"],
        unique=False,
    )
