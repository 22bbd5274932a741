"""Which clients to tell when a session ends."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import limen.db.types

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "limen_session_clients",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("told_at", limen.db.types.Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "client_id"],
            ["limen_clients.tenant_id", "limen_clients.client_id"],
            name=op.f("fk_limen_session_clients_tenant_id_client_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "session_id"],
            ["limen_sessions.tenant_id", "limen_sessions.id"],
            name=op.f("fk_limen_session_clients_tenant_id_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "session_id", "client_id", name=op.f("pk_limen_session_clients")
        ),
        comment="Clients that learned of a session and want to be told when it ends",
    )
    op.create_index(
        "ix_limen_session_clients_client",
        "limen_session_clients",
        ["tenant_id", "client_id"],
        unique=False,
    )
